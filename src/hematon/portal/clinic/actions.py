"""What is done with uploaded records. Each is one transaction with its audit row."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from hematon.engine.assessment import Assessment
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.clinic.models import KEPT_FOR, Feedback, Upload, mark_of
from hematon.portal.clinic.reading import Readings


@transaction.atomic
def keep(
    *, content: bytes, readings: Readings, setting: str, session_key: str, by: User, at: datetime
) -> Upload:
    """Keep an upload for its hour, for the session it came in.

    Args:
        content: as uploaded.
        readings: what was read from it; only their number goes to the audit.
        setting: whose prior the reports use.
        session_key: the session that alone may open it.
        by: who uploaded.
        at: now.
    """
    upload = Upload.objects.create(
        user=by,
        session=mark_of(session_key),
        kept_at=at,
        setting=setting,
        content=content,
    )
    levels = [issue.level for reading in readings for issue in reading.issues]
    record(
        by,
        "record.uploaded",
        upload,
        records=len(readings),
        unreadable=sum(reading.value is None for reading in readings),
        errors=levels.count("error"),
        warnings=levels.count("warning"),
        setting=setting,
    )
    return upload


@transaction.atomic
def note_opened(*, upload: Upload, number: int, kind: str, by: User) -> None:
    """Note that a report was shown or downloaded."""
    record(by, "report.opened", upload, record=number, kind=kind)


@transaction.atomic
def give_feedback(
    *, assessment: Assessment, condition: str, outcome: str, reason: str, by: User, at: datetime
) -> Feedback:
    """Keep what a clinician thought of a report.

    Args:
        assessment: the report's.
        condition: the entry it is about; empty for the report as a whole.
        outcome: of `Feedback.Outcome`.
        reason: of `Feedback.Reason`; empty when accepted.
        by: whose opinion.
        at: now.
    """
    feedback = Feedback.objects.create(
        at=at,
        by=by,
        input_hash=assessment.input_hash,
        engine=assessment.versions.engine,
        knowledge=assessment.versions.fingerprint,
        setting=assessment.setting,
        condition=condition,
        outcome=outcome,
        reason=reason if outcome == Feedback.Outcome.OVERRIDDEN else "",
    )
    record(by, "report.judged", feedback, judged=outcome, reason=feedback.reason)
    return feedback


@transaction.atomic
def purge(*, now: datetime | None = None) -> int:
    """Delete uploads past their hour.

    Returns:
        How many.
    """
    over = Upload.objects.filter(kept_at__lt=(now or timezone.now()) - KEPT_FOR)
    deleted, _ = over.delete()
    return deleted


@transaction.atomic
def forget_session(*, session_key: str) -> None:
    """Delete what a session uploaded; called when it signs out."""
    Upload.objects.filter(session=mark_of(session_key)).delete()
