"""A view's only way to what the inbox keeps, and to the people a case can be given to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Count, Q, QuerySet

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.care.models import Case
from hematon.portal.files.models import State, StoredFile
from hematon.portal.inbox.models import Box, SavedFilter, Unsaved


def filters_of(user: User) -> QuerySet[SavedFilter]:
    """Give a person's own filters."""
    return SavedFilter.objects.filter(user=user)


def filter_of(user: User, pk: uuid.UUID) -> SavedFilter | None:
    """Give one of them; None for "not yours" and "not there" alike."""
    return filters_of(user).filter(pk=pk).first()


def owners() -> list[User]:
    """Give everyone a case can be given to."""
    return _staff(Role.INTAKE, Role.CLINICIAN)


def reviewers() -> list[User]:
    """Give everyone who can be asked to review a case."""
    return _staff(Role.CLINICIAN)


def _staff(*roles: Role) -> list[User]:
    found = User.objects.filter(kind=UserKind.STAFF, is_active=True, roles__role__in=roles)
    return sorted(found.distinct(), key=lambda user: str(user).casefold())


def files_by_case(cases: Iterable[Case]) -> dict[uuid.UUID, tuple[int, int]]:
    """Give, by case, how many files there are and how many wait for the scanner."""
    rows = (
        StoredFile.objects.filter(holder__in=[case.pk for case in cases])
        .exclude(state=State.REMOVED)
        .values("holder")
        .annotate(all=Count("pk"), held=Count("pk", filter=Q(state=State.HELD)))
    )
    return {row["holder"]: (row["all"], row["held"]) for row in rows.order_by()}


def unsaved_of(user: User, case: Case) -> dict[str, str]:
    """Give what a person typed about a case and did not keep, by box."""
    rows = Unsaved.objects.filter(case=case, by=user)
    return {Box(row.box).value: row.text for row in rows}
