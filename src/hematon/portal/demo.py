"""The demonstration: entries that say what they are, and a staff account with a random password."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

STAFF = "staff@demonstration.invalid"


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, from the first byte on."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text + "\n")


def load_demonstration(directory: Path) -> Path:
    """Fill an empty portal; does nothing where it was done before.

    Args:
        directory: folder of the portal; the account's password is written there.

    Returns:
        The file with the staff account.
    """
    from django.db import transaction
    from django.utils import timezone

    from hematon.portal.accounts.models import Role, StaffRole, User
    from hematon.portal.directory.demonstration import load_demonstration_experts
    from hematon.portal.visits.demonstration import load_demonstration_times

    file = directory / "staff-account.txt"
    with transaction.atomic():
        if not User.objects.filter(email=STAFF).exists():
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(STAFF, password, name="Demonstration staff")
            StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in Role)
            file.unlink(missing_ok=True)
            write_private(file, f"{STAFF}\n{password}")
        load_demonstration_experts()
        load_demonstration_times(at=timezone.now())
    return file
