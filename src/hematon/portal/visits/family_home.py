"""A family's visits to come on its first page."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from hematon.portal.accounts.models import User
from hematon.portal.ui.family_home import Entry, Panel, on_home
from hematon.portal.visits import access, times, whose
from hematon.portal.visits.models import Appointment
from hematon.portal.visits.video import is_open

SHOWN = 3


@on_home(20)
def visits(user: User, at: datetime) -> Panel:
    """Give the next visits."""
    names = {child.pk: child.name for child in whose.children_of(user, at)}
    ahead = [v for v in access.visits_of(user, at) if v.is_live and v.slot.ends_at > at]
    return Panel(
        key="visits",
        heading=_("Next visits"),
        entries=tuple(_entry(visit, names[visit.child_id], at) for visit in ahead[:SHOWN]),
        empty=_("You have no visit booked."),
        links=((_("All my visits"), reverse("my_visits")), (_("Book a visit"), reverse("book"))),
    )


def _entry(visit: Appointment, child: str, at: datetime) -> Entry:
    start, zone = visit.slot.starts_at, visit.slot.zone
    day = times.long_day(start.astimezone(zone).date())
    soon = visit.kind == "video" and is_open(visit, at)
    return Entry(
        name=f"{day[:1].upper()}{day[1:]}, {times.clock(start, zone)}",
        address=reverse("visit", kwargs={"pk": visit.pk}),
        hint=f"{visit.get_kind_display()} · {child} · {visit.slot.clinician.name}",
        tag=_("You can join now") if soon else str(visit.get_status_display()),
        color="green" if soon or visit.status == "booked" else "yellow",
    )
