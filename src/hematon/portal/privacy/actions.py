"""Opening a record in an emergency, and the review that follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Model

from hematon.errors import HematonError
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Purpose
from hematon.portal.audit.record import name_of, record
from hematon.portal.privacy.access import MAY_BREAK, is_broken, patient_of
from hematon.portal.privacy.models import BreakGlass, Finding

OPEN_FOR: Final = timedelta(minutes=60)
REASON_LEAST: Final = 10
REASON_MOST: Final = 500


class RefusedError(HematonError):
    """It may not be done.

    Attributes:
        code: `role`, `reason`, `open`, `own` or `reviewed`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def break_glass(*, user: User, subject: Model, reason: str, at: datetime) -> BreakGlass:
    """Let one person open one record for an hour. The view has made sure that it is that person.

    Args:
        user: who.
        subject: the record.
        reason: why, in the person's own words; sealed.
        at: now.

    Raises:
        RefusedError: the person has no role that may, gave no reason, or has it open already.
    """
    if not user.holds(*MAY_BREAK):
        raise RefusedError("role")
    reason = reason.strip()
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise RefusedError("reason")
    if is_broken(user, subject, at):
        raise RefusedError("open")
    made = BreakGlass.objects.create(
        user=user, subject=name_of(subject), reason=reason, at=at, expires_at=at + OPEN_FOR
    )
    minutes = int(OPEN_FOR.total_seconds() // 60)
    record(
        user,
        "glass.broken",
        subject,
        patient=patient_of(subject),
        purpose=Purpose.EMERGENCY,
        opening=str(made.pk),
        minutes=minutes,
    )
    return made


@transaction.atomic
def review(
    *, opening: BreakGlass, finding: Finding, note: str, by: User, at: datetime
) -> BreakGlass:
    """Say what was made of an opening; once, and by somebody else.

    Args:
        opening: it.
        finding: in order, or to be followed up.
        note: in the officer's own words; sealed.
        by: who; holds the role privacy.
        at: now.

    Raises:
        RefusedError: `by` may not, or it was reviewed already.
    """
    if not by.holds(Role.PRIVACY):
        raise RefusedError("role")
    held = BreakGlass.objects.select_for_update().get(pk=opening.pk)
    if held.user_id == by.pk:
        raise RefusedError("own")
    if held.reviewed_at is not None:
        raise RefusedError("reviewed")
    held.reviewed_by, held.reviewed_at, held.finding = by, at, finding
    held.note = note.strip() or None
    held.save(update_fields=["reviewed_by", "reviewed_at", "finding", "note"])
    record(by, "glass.reviewed", held, finding=finding.value)
    return held
