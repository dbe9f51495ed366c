"""Times that a family can have: free, far enough ahead, and with a clinician who may see the child.

Whether a clinician may is decided here alone, when times are listed and again when one is booked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hematon.errors import HematonError
from hematon.portal.directory.models import Expert
from hematon.portal.ui.site import site
from hematon.portal.visits.models import Slot, SlotState, VisitKind
from hematon.portal.visits.rules import licensed_states

NOTICE = timedelta(hours=1)
"""Nothing is booked later than this before it begins."""
AHEAD_DAYS = 60
"""How far ahead families see times."""


class Refused(HematonError):  # noqa: N818 - a refusal is an answer, not a fault
    """It cannot be done, and nothing was changed.

    Attributes:
        code: why; a key of WORDS.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def words(self) -> str:
        """What a family reads."""
        return str(WORDS[self.code])


WORDS: dict[str, str | Promise] = {
    "taken": _("Someone else has just taken this time. Please choose another."),
    "too_late": _("This time is too soon, or over. Please choose another."),
    "place": _("At this time nobody of our team may see a child in that state."),
    "interpreter": _("There is not enough time to find an interpreter. Choose a later time."),
    "child_busy": _("There is another visit for your child at this time. Choose another time."),
    "kind": _("This time is for another kind of visit. Please choose another."),
    "hold": _("We no longer hold this time for you. Please choose a time again."),
    "not_now": _("This visit can no longer be changed here. Please call us."),
    "consent": _("Before a video visit a parent or guardian must agree to it."),
}


@dataclass(frozen=True)
class Wanted:
    """What a family looks for.

    Attributes:
        kind: how to meet.
        state: where the child will be; two letters, or what `rules` calls another place.
        interpreter: whether one must join.
        at: now.
    """

    kind: str
    state: str
    interpreter: bool
    at: datetime


def may_see(expert: Expert, *, kind: str, state: str, day: date) -> bool:
    """Say whether a clinician may see a child who is in a state, on the day of the visit.

    At the clinic the child is where the clinic is. By video and by phone the clinician needs a
    license where the child is, and the programme's own list must have the state.
    """
    if not expert.is_listed(day):
        return False
    if kind == VisitKind.IN_PERSON:
        return True
    if kind == VisitKind.VIDEO and not expert.telehealth:
        return False
    held = any(own.state == state and own.expires >= day for own in expert.licenses.all())
    return held and state in licensed_states()


def why_not(slot: Slot, wanted: Wanted) -> str | None:
    """Say why a time does not fit; None when it does. Whether it is free is not looked at."""
    if slot.kind != wanted.kind:
        return "kind"
    if slot.starts_at < wanted.at + NOTICE:
        return "too_late"
    day = slot.starts_at.astimezone(slot.zone).date()
    if not may_see(slot.clinician, kind=slot.kind, state=wanted.state, day=day):
        return "place"
    if wanted.interpreter and slot.starts_at < wanted.at + timedelta(hours=slot.interpreter_hours):
        return "interpreter"
    return None


def open_slots(at: datetime) -> QuerySet[Slot]:
    """Give the times that nobody has, or holds, and whose clinician is not busy then."""
    held = Q(state=SlotState.HELD, held_until__gt=at)
    busy = Slot.objects.filter(
        Q(state=SlotState.BOOKED) | held,
        clinician=OuterRef("clinician"),
        starts_at__lt=OuterRef("ends_at"),
        ends_at__gt=OuterRef("starts_at"),
    ).exclude(pk=OuterRef("pk"))
    return (
        Slot.objects.filter(Q(state=SlotState.FREE) | Q(state=SlotState.HELD, held_until__lte=at))
        .filter(~Exists(busy))
        .select_related("rule", "clinician")
        .prefetch_related("clinician__licenses")
        .order_by("starts_at", "clinician__family_name", "pk")
    )


def find(wanted: Wanted, *, first: datetime, last: datetime) -> list[Slot]:
    """Give the times between two moments that fit, in their order."""
    found = open_slots(wanted.at).filter(kind=wanted.kind, starts_at__gte=first, starts_at__lt=last)
    return [slot for slot in found if why_not(slot, wanted) is None]


@dataclass(frozen=True)
class Day:
    """A day with times.

    Attributes:
        date: by the programme's clock.
        slots: its times.
    """

    date: date
    slots: list[Slot]


def by_day(slots: list[Slot], zone: ZoneInfo) -> list[Day]:
    """Sort times into days."""
    days: dict[date, list[Slot]] = {}
    for slot in slots:
        days.setdefault(slot.starts_at.astimezone(zone).date(), []).append(slot)
    return [Day(day, own) for day, own in days.items()]


def days_ahead(wanted: Wanted) -> list[Day]:
    """Give every day ahead with times that fit."""
    last = wanted.at + timedelta(days=AHEAD_DAYS)
    return by_day(find(wanted, first=wanted.at, last=last), site().zone)


def on_day(wanted: Wanted, day: date) -> list[Slot]:
    """Give the times of one day by the programme's clock."""
    first, last = bounds(day, day, site().zone)
    return find(wanted, first=first, last=last)


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give when days begin and end: from midnight to the midnight after the last."""
    return (
        datetime.combine(first, time(), tzinfo=zone).astimezone(UTC),
        datetime.combine(last + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC),
    )
