"""What happened to a case, in one line of time, for the team."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hematon.portal.accounts.models import User
from hematon.portal.care import clock
from hematon.portal.care.models import Case, Change, What
from hematon.portal.care.models.case import Band
from hematon.portal.care.status import RejectReason, Stage, Status
from hematon.portal.care.working import NOT_REACHED
from hematon.portal.inbox.elapsed import in_words
from hematon.portal.inbox.forms import HOLDS
from hematon.portal.inbox.models import Promised
from hematon.portal.inbox.rows import STATUSES
from hematon.portal.ui.site import site

_TOLD_ELSEWHERE: Final = frozenset({What.STEPPED, What.STAGED, What.CALL, What.BAND})
"""Steps and moves have rows of their own, which say more."""


@dataclass(frozen=True)
class Happened:
    """One thing that happened.

    Attributes:
        at: when.
        what: in words.
        by: who of the team; None for who is outside it, or nobody.
        why: in somebody's words.
    """

    at: datetime
    what: str
    by: User | None = None
    why: str = ""


def history(case: Case) -> list[Happened]:
    """Give everything that happened, oldest first."""
    found = [*_steps(case), *_moves(case)]
    for change in case.changes.select_related("by", "to").exclude(what__in=_TOLD_ELSEWHERE):
        found.append(Happened(change.at, said(change), change.by))
    for late in case.escalations.all():
        promised = str(Promised(late.promised).label).lower()
        found.append(Happened(late.at, f"Late ({promised}): intake was told"))
    here = site()
    for pause in case.pauses.all():
        if pause.ended_at is not None:
            stood = clock.between(pause.began_at, pause.ended_at, here.office, here.zone)
            what = f"The clock goes on; it stood for {in_words(stood)}"
            found.append(Happened(pause.ended_at, what))
    return sorted(found, key=lambda one: one.at)


def _steps(case: Case) -> Iterator[Happened]:
    before = ""
    for step in case.steps.select_related("by"):
        if step.reason == NOT_REACHED:
            yield Happened(step.at, "Called, no answer", step.by)
            continue
        what = STATUSES[step.status] if step.status != Status.RECEIVED else "Sent"
        if step.status == before and step.stage:
            what = str(Stage(step.stage).label)
        elif step.status == Status.ON_HOLD:
            what += f", waits for: {dict(HOLDS)[step.reason].partition(':')[0].lower()}"
        elif step.status == Status.REJECTED:
            what += f": {RejectReason(step.reason).label.lower()}"
        before = step.status
        yield Happened(step.at, what, step.by)


def _moves(case: Case) -> Iterator[Happened]:
    for move in case.band_moves.select_related("by"):
        what = f"Moved from {Band(move.before).label} to {Band(move.after).label}"
        yield Happened(move.at, what, move.by, move.reason)


def said(change: Change) -> str:
    """Say one change, for the line of time and for who comes with a stale page."""
    label = str(What(change.what).label)
    if change.what in (What.ASSIGNED, What.REVIEWER):
        return f"{label}: {change.to or 'nobody'}"
    if change.what == What.STEPPED:
        return f"{label}: {STATUSES[change.code]}"
    if change.what == What.STAGED and change.code:
        return f"{label}: {Stage(change.code).label}"
    if change.what == What.BAND:
        return f"{label}: {Band(change.code).label}"
    if change.what == What.MESSAGE:
        return f"{label} by {'the team' if change.code == 'team' else 'the sender'}"
    if change.what == What.CONFIDENTIAL:
        return "Kept from parents" if change.code == "hidden" else "Shown to parents again"
    return label
