"""The one door to accounts of staff; families and clinicians outside are not behind it."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from hematon.portal.accounts.models import Kind, User


def people_of_staff() -> QuerySet[User]:
    """Give every account of staff."""
    return User.objects.filter(kind=Kind.STAFF).prefetch_related("roles").order_by("name", "email")


def get_person(pk: int) -> User:
    """Give one account of staff.

    Raises:
        Http404: there is none.
    """
    user = people_of_staff().filter(pk=pk).first()
    if user is None:
        raise Http404
    return user
