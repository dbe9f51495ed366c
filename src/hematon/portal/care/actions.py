"""What families and staff do with a request to be called: each act once, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care.clock import due
from hematon.portal.care.models import TRANSITIONS, CallbackRequest, Status, StatusChange
from hematon.portal.care.reference import new_reference
from hematon.portal.care.refused import NotInThisState, SentBefore
from hematon.portal.ui.site import site

_DRAWS = 5
"""A repeated reference is one draw in billions; five in a row are a fault, not chance."""


@dataclass(frozen=True)
class Asked:
    """What a family answered."""

    relationship: str
    name: str
    phone: str
    time: str
    language: str
    other_language: str
    interpreter: bool
    about: str
    note: str
    counts: dict[str, Any] | None
    # The same request in the other language is the same request.
    page_language: str = field(compare=False)


def submit(
    *, key: str, asked: Asked, at: datetime, draw: Callable[[], str] = new_reference
) -> CallbackRequest:
    """Keep a request; the same key sent again gives the request it made the first time.

    Args:
        key: made by the server, unique to this form.
        asked: the answers.
        at: when it came; aware.
        draw: gives a reference.

    Raises:
        SentBefore: the key was used with other answers.
    """
    programme = site()
    due_at = due(at, programme.office, programme.zone, programme.answer_business_days)
    for attempt in range(1, _DRAWS + 1):
        try:
            with transaction.atomic():
                request = CallbackRequest.objects.create(
                    key=key, reference=draw(), sent_at=at, due_at=due_at, **asdict(asked)
                )
                StatusChange.objects.create(request=request, status=request.status, at=at)
                record(
                    None,
                    "callback.sent",
                    request,
                    about=asked.about,
                    page_language=asked.page_language,
                    with_counts=asked.counts is not None,
                )
        except IntegrityError:
            earlier = CallbackRequest.objects.filter(key=key).first()
            if earlier is not None:
                if _answers(earlier) != asked:
                    raise SentBefore(earlier) from None
                return earlier
            if attempt == _DRAWS:
                raise
        else:
            return request
    raise AssertionError("unreachable")


def _answers(request: CallbackRequest) -> Asked:
    return Asked(**{field.name: getattr(request, field.name) for field in fields(Asked)})


def mark(
    *, request: CallbackRequest, status: Status, seen: str, by: User, at: datetime
) -> CallbackRequest:
    """Record what came of a call.

    Args:
        request: the request called about.
        status: what came of it.
        seen: the status on the page that was sent; another person may have been quicker.
        by: who called.
        at: when; aware.

    Raises:
        NotInThisState: the request moved on, or the step is not one it can take.
    """
    with transaction.atomic():
        held = CallbackRequest.objects.select_for_update().get(pk=request.pk)
        if held.status != seen or status not in TRANSITIONS[held.status]:
            raise NotInThisState(held.status)
        held.status = status
        held.save(update_fields=["status"])
        StatusChange.objects.create(request=held, status=status, at=at, by=by)
        record(by, "callback.marked", held, status=status.value)
    return held
