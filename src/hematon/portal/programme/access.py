"""A view's only way to editions."""

from __future__ import annotations

from django.db.models import QuerySet

from hematon.portal.accounts.models import Role, User
from hematon.portal.programme.actions import SIGNED_BY
from hematon.portal.programme.models import Edition, Kind


def kinds_for(user: User) -> list[Kind]:
    """Give what a person works on: administrators all, signers what they sign."""
    return [kind for kind in Kind if user.holds(Role.ADMINISTRATOR, SIGNED_BY[kind])]


def get_kind(user: User, code: str) -> Kind | None:
    """Give a kind by its code; None for "not yours" and "not there" alike."""
    return next((kind for kind in kinds_for(user) if kind == code), None)


def editions(kind: Kind) -> QuerySet[Edition]:
    """Give every edition, the latest first."""
    rows = Edition.objects.filter(kind=kind).select_related("made_by", "signed_by")
    return rows.order_by("-number")


def get_edition(user: User, code: str, number: int) -> Edition | None:
    """Give one edition of a kind that is the person's."""
    kind = get_kind(user, code)
    return None if kind is None else editions(kind).filter(number=number).first()
