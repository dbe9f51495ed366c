import uuid
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SECRET = {"totp": "secret", "recovery_codes": "seed"}
NAMESPACE = uuid.UUID("6c0f3a52-6d0e-4c43-9a53-2b8e6f1d7a90")


def seal(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Seal the secrets that stand in the open; who has set up a second factor keeps it."""
    kept = apps.get_model("accounts", "FactorSecret")
    for factor in apps.get_model("mfa", "Authenticator").objects.filter(type__in=SECRET):
        name = SECRET[factor.type]
        secret = factor.data.get(name)
        if secret is None or secret.startswith("sealed:"):
            continue
        pk = uuid.uuid5(NAMESPACE, f"{factor.user_id}:{factor.type}")
        kept(pk=pk, user_id=factor.user_id, content=secret).save()
        factor.data[name] = f"sealed:{pk}"
        factor.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_sealed_second_factors"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
