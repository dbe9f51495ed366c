"""Secrets of code apps and seeds of recovery codes: sealed, in a table of ours.

allauth keeps them in the JSON of its own table. There, `sealed:` and an id stand in their place;
the id is made of the person and the kind of factor, so a secret that is copied to another person's
row, or put there in the open, is never used. allauth asks `adapter.Passkeys` to open what it reads.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.db.models.signals import post_delete, post_init, post_save, pre_save
from django.dispatch import receiver

from hematon.portal.accounts.models import FactorSecret
from hematon.portal.vault.sealing import SealBrokenError

_SECRET: Final = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}
_REFERENCE: Final = "sealed:"
_NAMESPACE: Final = uuid.UUID("6c0f3a52-6d0e-4c43-9a53-2b8e6f1d7a90")
_log = logging.getLogger(__name__)


def opened(reference: str) -> str:
    """Give the secret that a reference stands for.

    Raises:
        SealBrokenError: it was changed, or is not there.
    """
    kept = FactorSecret.objects.filter(pk=reference.removeprefix(_REFERENCE)).first()
    if kept is None:
        _log.critical("a second factor has lost its secret: %s", reference)
        raise SealBrokenError(f"accounts.factorsecret.content:{reference}", "it is not there")
    return str(kept.content)


def id_of(user_id: int, kind: str) -> uuid.UUID:
    """Give the id that the secret of one person's factor has, and no other."""
    return uuid.uuid5(_NAMESPACE, f"{user_id}:{kind}")


def _reference(factor: Authenticator) -> str:
    return f"{_REFERENCE}{id_of(factor.user_id, factor.type)}"


@receiver(post_init, sender=Authenticator)
def _refer(instance: Authenticator, **kwargs: object) -> None:
    """Let a row that was read name its own secret, whatever stands in it."""
    there = instance.__dict__
    if instance.pk is None or not {"user_id", "type", "data"} <= there.keys():
        return
    name = _SECRET.get(there["type"])
    if name is not None:
        instance.data[name] = _reference(instance)
        # Codes in the open, which allauth would prefer.
        instance.data.pop("migrated_codes", None)


@receiver(pre_save, sender=Authenticator)
def _set_aside(instance: Authenticator, **kwargs: object) -> None:
    """Let no new secret reach allauth's table."""
    name = _SECRET.get(instance.type)
    if name is not None and instance.data[name] != _reference(instance):
        instance._new_secret = instance.data[name]
        instance.data = {**instance.data, name: _reference(instance)}


@receiver(post_save, sender=Authenticator)
def _keep(instance: Authenticator, **kwargs: Any) -> None:
    """Keep the new secret, once the database has taken the row: a second one at once is refused."""
    secret = instance.__dict__.pop("_new_secret", None)
    if secret is not None:
        pk = id_of(instance.user_id, instance.type)
        FactorSecret(pk=pk, user_id=instance.user_id, content=secret).save()


@receiver(post_delete, sender=Authenticator)
def _forget(instance: Authenticator, **kwargs: object) -> None:
    FactorSecret.objects.filter(pk=id_of(instance.user_id, instance.type)).delete()
