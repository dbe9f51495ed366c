"""What a link gives, until when and why it ends then, in a family's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hematon.portal.families import access, ages
from hematon.portal.families.access import Scope
from hematon.portal.families.models import Guardianship, Relationship, Status
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import Access, AgeRules, Thing
from hematon.portal.ui.site import site

THINGS: Final = {
    Thing.REQUESTS: gettext_lazy("requests"),
    Thing.MESSAGES: gettext_lazy("messages"),
    Thing.FILES: gettext_lazy("files"),
    Thing.COUNTS: gettext_lazy("blood counts"),
    Thing.OPINIONS: gettext_lazy("reports"),
    Thing.VISITS: gettext_lazy("visits"),
}


@dataclass(frozen=True)
class Line:
    """One person on the page of who can see a child.

    Attributes:
        link: the row.
        is_own: it is the reader's.
        sees: what the person sees now.
        until: when that changes and why; empty when it does not.
        may_end: the reader may end it, or ask for its end.
        may_agree: the reader, as the patient, may agree to it or no longer.
    """

    link: Guardianship
    is_own: bool
    sees: str
    until: tuple[str, ...]
    may_end: bool
    may_agree: bool


def listed(things: Iterable[Thing]) -> str:
    """Give things in one row of words, in their fixed order."""
    kept = set(things)
    return ", ".join(str(name) for thing, name in THINGS.items() if thing in kept)


def sees(link: Guardianship, at: datetime) -> str:
    """Say what a link gives now."""
    if link.status == Status.REQUESTED:
        return _("Nothing yet. We are checking it.")
    if link.locked_at is not None:
        return _("Nothing now. We have stopped it for the moment. Please call us.")
    if link.status != Status.ACTIVE:
        return _("Nothing. It has ended.")
    rules, zone = current(AgeRules), site().zone
    found = access.sight(link, at, rules, zone)
    if found.scope is Scope.FULL:
        return _("Everything shared here about this child")
    if found.scope is Scope.LIMITED:
        return _("A part: %(things)s") % {"things": listed(found.things)}
    band = ages.band_at(link.child.birth_date, at, rules, zone)
    if not link.is_patient and band.assent and link.assented_at is None:
        return _("Nothing now. The patient has not agreed.")
    return _("Nothing now. It has ended.")


def until(link: Guardianship, at: datetime) -> tuple[str, ...]:
    """Say when what a link gives changes, and why then."""
    if link.status != Status.ACTIVE or link.locked_at is not None:
        return ()
    rules, zone = current(AgeRules), site().zone
    born, said = link.child.birth_date, []
    if link.expires_at is not None and at < link.expires_at:
        day = _day(link.expires_at)
        said.append(_("Ends on %(day)s. Our team set this date.") % {"day": day})
    goes_on = link.override_until is not None and at < link.override_until
    if goes_on and link.override_until is not None:
        day = _day(link.override_until)
        said.append(_("Goes on until %(day)s. Our team decided so.") % {"day": day})
    following = ages.next_change(born, at, rules, zone)
    chosen = link.is_patient or link.relationship == Relationship.TRUSTED
    if following is None or chosen or goes_on:
        return tuple(said)
    day = date_format(ages.birthday(born, following.from_years, rules), "DATE_FORMAT")
    words = {"day": day, "years": following.from_years, "things": listed(following.sees)}
    if following.access is Access.ENDED:
        said.append(_("Ends on %(day)s. The patient turns %(years)d then.") % words)
    elif following.access is Access.LIMITED:
        said.append(
            _("Changes on %(day)s. The child turns %(years)d then. What stays: %(things)s.") % words
        )
    if following.assent:
        said.append(_("From then on the child must agree first."))
    return tuple(said)


def _day(moment: datetime) -> str:
    return date_format(moment.astimezone(site().zone).date(), "DATE_FORMAT")
