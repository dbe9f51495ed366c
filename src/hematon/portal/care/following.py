"""Where a request stands, in a family's words: the steps so far, who acts next, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import formats
from django.utils.translation import gettext as _

from hematon.portal.care import promises
from hematon.portal.care.models import Case
from hematon.portal.care.status import HoldReason, Kind, Stage, Status
from hematon.portal.ui.site import site

_YOURS = frozenset({HoldReason.FAMILY, HoldReason.RECORDS})
# Staff see these reasons in their own short words; a family reads none of them.
_HOLD = {reason.value: reason for reason in HoldReason}


@dataclass(frozen=True)
class Told:
    """One step so far."""

    on: date
    what: str
    why: str


def story(case: Case) -> list[Told]:
    """Give the steps of a case, oldest first; who of the team did them is not told."""
    found = []
    for step in case.steps.all():
        why = _HOLD[step.reason].label if step.reason in _HOLD else ""
        if step.stage:
            why = why or str(Stage(step.stage).label)
        on = step.at.astimezone(site().zone).date()
        found.append(Told(on, str(Status(step.status).label), str(why)))
    return found


def is_their_turn(case: Case) -> bool:
    """Say whether the team waits for the sender."""
    return case.status == Status.ON_HOLD and case.hold_reason in _YOURS


def who_acts(case: Case) -> str:
    """Say who acts next."""
    if not case.is_open:
        return _("Nobody. This request is closed.")
    if is_their_turn(case):
        if case.hold_reason == HoldReason.RECORDS:
            return _("You. Please send the records, or write to us.")
        return _("You. Please write to us.")
    return _("Our team.")


def next_steps(case: Case) -> list[str]:
    """Say what happens next, with the dates that are promised."""
    if case.status == Status.CANCELLED:
        return [_("You took this request back. Nothing more happens.")]
    if case.status == Status.REJECTED:
        return [_("Read our message to you. Call us if you have questions.")]
    if case.status == Status.COMPLETED:
        return [_("This request is finished. Write to us if you have a question.")]
    found = []
    if case.first_read_at is None and case.read_due_at is not None:
        found.append(
            _("A person on our team reads it by %(day)s.") % {"day": _day(case.read_due_at)}
        )
    if case.status == Status.ON_HOLD:
        found.append(str(HoldReason(case.hold_reason).label) + ".")
        if promises.stops(case.kind, case.hold_reason):
            found.append(_("Our clock for the answer stops until we have it."))
    elif case.due_at is not None:
        found.append(_("You get our answer by %(day)s.") % {"day": _day(case.due_at)})
    elif case.kind == Kind.SECOND_OPINION:
        found.append(_("We tell you which records are still missing."))
        found.append(
            _("The report comes within %(time)s after the records are complete.")
            % {"time": promises.answer_within(case.kind)}
        )
    found.append(_("You find our messages here, under your requests."))
    return found


def _day(at: datetime) -> str:
    here = at.astimezone(site().zone).date()
    return f"{formats.date_format(here, 'l')}, {formats.date_format(here, 'DATE_FORMAT')}"
