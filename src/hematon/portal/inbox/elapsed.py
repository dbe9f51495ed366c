"""How long a case takes: raw, paused and counted, in the programme's business time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hematon.portal.care import clock
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.ui.site import site


@dataclass(frozen=True)
class Elapsed:
    """Business seconds from the start of the clock to the answer, or to now.

    Attributes:
        raw: all of them.
        paused: those in which others owed us something.
    """

    raw: int
    paused: int

    @property
    def counted(self) -> int:
        """Give what counts against the promise."""
        return self.raw - self.paused


def elapsed(case: Case, now: datetime) -> Elapsed | None:
    """Give the times of a case; None before its clock begins.

    A second opinion's clock begins when its records are complete; a pause before that is none.
    """
    began = case.records_complete_at if case.kind == Kind.SECOND_OPINION else case.sent_at
    if began is None:
        return None
    here = site()
    end = case.answered_at or case.closed_at or now

    def between(start: datetime, stop: datetime) -> int:
        return clock.between(max(start, began), min(stop, end), here.office, here.zone)

    paused = sum(between(p.began_at, p.ended_at or end) for p in case.pauses.all())
    return Elapsed(between(began, end), paused)


def in_words(seconds: int) -> str:
    """Give business seconds in days of the office, hours and minutes."""
    days, rest = divmod(seconds, clock.day_seconds(site().office))
    hours, rest = divmod(rest, 3600)
    parts = [
        f"{n} {word}{'' if n == 1 else 's'}"
        for n, word in ((days, "business day"), (hours, "hour"), (rest // 60, "minute"))
        if n
    ]
    return " ".join(parts) or "less than a minute"
