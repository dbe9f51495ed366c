"""What was begun and not sent: warned of, then deleted."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.care.status import Status
from hematon.portal.files import actions as files
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind as Notice
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention
from hematon.portal.ui.retention import held


def remind(at: datetime) -> int:
    """Owe a mail to everyone whose draft will end soon; one for each time it was last saved.

    Returns:
        How many drafts end soon.
    """
    found = list(to_remind(at).select_related("sender"))
    for case in found:
        if case.sender is not None:
            enqueue(
                key=f"draft:{case.pk}:{case.saved_at:%Y%m%dT%H%M%S}",
                kind=Notice.DRAFT_ENDS,
                user=case.sender,
                language=case.language,
                at=at,
            )
    return len(found)


def to_remind(at: datetime) -> QuerySet[Case]:
    """Give the drafts that the rules say to warn of: 23 days after the last answer, as shipped."""
    keep = rules.current(Retention)
    ends_by = at + timedelta(days=keep.draft_days - keep.draft_warning_day)
    return Case.objects.filter(
        status=Status.DRAFT, sender__isnull=False, ends_at__gt=at, ends_at__lte=ends_by
    ).order_by("ends_at", "pk")


def over(at: datetime) -> QuerySet[Case]:
    """Give the drafts whose time is over and that no legal hold keeps."""
    drafts = Case.objects.filter(status=Status.DRAFT, ends_at__lte=at)
    return drafts.exclude(pk__in=held("care.case"))


def purge(at: datetime) -> int:
    """Delete the drafts whose time is over; one transaction each, so that one fault holds up one.

    Returns:
        How many were deleted.
    """
    return sum(_purge(pk, at) for pk in list(over(at).values_list("pk", flat=True)))


@transaction.atomic
def _purge(pk: uuid.UUID, at: datetime) -> int:
    case = over(at).select_for_update().filter(pk=pk).first()
    if case is None:
        return 0
    kind = case.kind
    files.let_go_of(holder=pk)
    case.delete()
    case.pk = pk
    record(None, "case.purged", case, kind=kind)
    return 1
