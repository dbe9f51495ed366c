"""Open times of the demonstration's sample experts."""

from __future__ import annotations

from datetime import date, datetime, time

from hematon.portal.directory.models import Expert
from hematon.portal.ui.site import site
from hematon.portal.visits.models import Rule, VisitKind
from hematon.portal.visits.opening import Opening
from hematon.portal.visits.opening_actions import add_rule, open_times

_SINCE = date(2026, 1, 5)
_MONDAY, _TUESDAY, _WEDNESDAY, _THURSDAY, _FRIDAY = range(5)
_HOURS: tuple[tuple[str, VisitKind, tuple[int, ...], time, time, int], ...] = (
    ("sample-physician-a", VisitKind.VIDEO, (_MONDAY, _WEDNESDAY), time(9), time(12), 30),
    ("sample-physician-a", VisitKind.IN_PERSON, (_TUESDAY,), time(13), time(16), 45),
    ("sample-physician-b", VisitKind.VIDEO, (_TUESDAY, _THURSDAY), time(10), time(12), 40),
    ("sample-physician-b", VisitKind.IN_PERSON, (_FRIDAY,), time(9), time(12), 60),
    ("sample-physician-c", VisitKind.VIDEO, (_THURSDAY,), time(13), time(16), 30),
    ("sample-physician-assistant-e", VisitKind.PHONE, (_MONDAY, _FRIDAY), time(14), time(16), 20),
    ("sample-genetic-counselor-g", VisitKind.VIDEO, (_WEDNESDAY,), time(13), time(16), 60),
    ("sample-genetic-counselor-g", VisitKind.PHONE, (_TUESDAY,), time(9), time(11), 30),
)
"""Expert, kind, days of the week, from, to, minutes."""


def load_demonstration_times(*, at: datetime) -> None:
    """Open the sample experts once; later calls make the times ahead."""
    if not Rule.objects.exists():
        experts = {expert.slug: expert for expert in Expert.objects.all()}
        for slug, kind, weekdays, opens, closes, minutes in _HOURS:
            if slug not in experts:
                continue
            add_rule(
                clinician=experts[slug],
                opening=Opening(
                    weekdays, opens, closes, site().time_zone, _SINCE, None, 1, minutes
                ),
                kind=kind,
                interpreter_hours=48,
                by=None,
                at=at,
            )
    open_times(at=at)
