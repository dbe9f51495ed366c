"""What is done to staff accounts. Each is one transaction with its audit row."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from hematon.portal.accounts import notices, sessions
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.record import record


class WouldLockOutError(Exception):
    """Nobody who manages accounts would be left, or the person would shut themselves out."""


@transaction.atomic
def create_staff(
    *, email: str, name: str, roles: Iterable[Role], by: User | None
) -> tuple[User, str]:
    """Make an account with a random password.

    Args:
        email: work address; the name at sign-in.
        name: how pages call the person.
        roles: what the person may do.
        by: who makes it; None at the command line.

    Returns:
        The account, and its password, which is kept nowhere else.

    Raises:
        ValidationError: the address is none, or is taken.
    """
    email = email.strip().lower()
    validate_email(email)
    if User.objects.filter(email=email).exists():
        raise ValidationError("There is an account with this address already.")
    password = secrets.token_urlsafe(15)
    user = User.objects.create_user(email, password, name=name.strip()[:100])
    _give(user, roles)
    record(by, "staff.created", user, roles=_listed(user))
    return user, password


@transaction.atomic
def set_roles(*, user: User, roles: Iterable[Role], by: User | None) -> None:
    """Let an account hold these roles and no others; works from the next page on.

    Raises:
        WouldLockOutError: the person takes the administrator's role from themselves at a page.
    """
    roles = set(roles)
    if by is not None and by.pk == user.pk and Role.ADMINISTRATOR not in roles:
        raise WouldLockOutError
    user.roles.all().delete()
    _give(user, roles)
    record(by, "staff.roles_set", user, roles=_listed(user))


@transaction.atomic
def forget_second_factor(*, user: User, by: User | None) -> int:
    """Drop every authenticator of a person who lost them; the next sign-in sets up new ones.

    Returns:
        How many were dropped.
    """
    dropped = int(Authenticator.objects.filter(user=user).delete()[0])
    notices.sign_in_changed(user, "forgotten")
    record(by, "staff.second_factor_forgotten", user, authenticators=dropped)
    return dropped


@transaction.atomic
def set_active(*, user: User, is_active: bool, by: User) -> None:
    """Close an account, which ends every session at its next request; or open it again.

    Raises:
        WouldLockOutError: people cannot close their own.
    """
    if user.pk == by.pk:
        raise WouldLockOutError
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    ended = 0 if is_active else sessions.end(user=user)
    record(by, "staff.enabled" if is_active else "staff.disabled", user, sessions=ended)


@transaction.atomic
def end_sessions(*, user: User, by: User) -> int:
    """End every session of a person."""
    ended = sessions.end(user=user)
    record(by, "sessions.ended", user, sessions=ended)
    return ended


def _give(user: User, roles: Iterable[Role]) -> None:
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in sorted(set(roles)))


def _listed(user: User) -> str:
    return " ".join(user.roles.order_by("role").values_list("role", flat=True))
