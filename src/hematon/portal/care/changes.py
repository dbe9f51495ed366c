"""What was done to a case since a page of it was opened."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.accounts.models import User
from hematon.portal.care.models import Case, Change, What


def note(
    case: Case,
    what: What,
    *,
    by: User | None,
    at: datetime,
    code: str = "",
    to: User | None = None,
) -> None:
    """Say, inside the act that raised it, what a revision is."""
    Change.objects.create(
        case=case, revision=case.revision, what=what, code=code, to=to, at=at, by=by
    )


def since(case: Case, seen: int) -> list[Change]:
    """Give what happened after a revision, oldest first."""
    found = Change.objects.filter(case=case, revision__gt=seen)
    return list(found.select_related("by", "to"))
