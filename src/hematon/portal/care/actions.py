"""Asking to be called, and what came of the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hematon.portal.accounts.models import User
from hematon.portal.care import sending, working
from hematon.portal.care.models import Case
from hematon.portal.care.reference import new_reference
from hematon.portal.care.status import Kind


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


def submit(
    *,
    key: str,
    asked: Asked,
    page_language: str,
    at: datetime,
    draw: Callable[[], str] = new_reference,
) -> Case:
    """Keep a request to be called; the same key sent again gives the request it made.

    Args:
        key: made by the server, unique to this form.
        asked: the answers.
        page_language: of the pages; the same request in the other language is the same request.
        at: when it came; aware.
        draw: gives a reference.

    Raises:
        SentBefore: the key was used with other answers.
    """
    return sending.send_new(
        key=key,
        kind=Kind.CALL,
        answers=asdict(asked),
        language=page_language,
        interpreter=asked.interpreter,
        at=at,
        draw=draw,
    )


def mark(*, case: Case, reached: bool, seen: int, by: User, at: datetime) -> Case:
    """Record what came of a call: reached answers and closes it, not reached keeps it open.

    Raises:
        NotInThisState: the case moved on since the page was opened.
    """
    if reached:
        return working.close_call(case=case, by=by, at=at, seen=seen)
    return working.note_attempt(case=case, by=by, at=at, seen=seen)
