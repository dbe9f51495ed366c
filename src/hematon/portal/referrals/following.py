"""Where a referral stands, for the clinician who sent it: how far it is, and who acts next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import NoReverseMatch, reverse
from django.utils import formats

from hematon.portal.care.models import Case
from hematon.portal.care.status import HoldReason, RejectReason, Stage, Status
from hematon.portal.care.working import NOT_REACHED
from hematon.portal.ui.site import site

_WORDS = {
    Status.RECEIVED: "Received",
    Status.ACCEPTED: "Accepted: the team works on it",
    Status.IN_PROGRESS: "A specialist works on it",
    Status.ON_HOLD: "Waiting",
    Status.COMPLETED: "Closed: the report was returned and read",
    Status.REJECTED: "Not accepted",
    Status.CANCELLED: "You took it back",
}
_STAGES = {
    Stage.SCHEDULED: "A visit is booked",
    Stage.BEING_WRITTEN: "The report is being written",
    Stage.REPORT_RETURNED: "The report was returned to you",
    Stage.REPORT_READ: "You read the report",
}
_HOLDS = {
    HoldReason.FAMILY: "we wait for an answer from you or the family",
    HoldReason.RECORDS: "we wait for records",
    HoldReason.RESULT: "we wait for a test result",
    HoldReason.TEAM: "we wait for someone on our team",
}
_YOURS = frozenset({HoldReason.FAMILY, HoldReason.RECORDS})


@dataclass(frozen=True)
class Mark:
    """One stretch of the way.

    Attributes:
        name: what is reached.
        on: when it was; None while it is not.
        is_next: whether it is what everyone waits for now.
    """

    name: str
    on: date | None
    is_next: bool = False


@dataclass(frozen=True)
class Told:
    """One step so far."""

    at: datetime
    what: str


def way(case: Case) -> list[Mark]:
    """Give the way from sent to closed, with how far the referral is; none once it was ended."""
    if case.status in (Status.REJECTED, Status.CANCELLED):
        return []
    steps = list(case.steps.all())
    accepted = next((s.at for s in steps if s.status != Status.RECEIVED), None)
    booked = next((s.at for s in steps if s.stage == Stage.SCHEDULED), None)
    reached = [
        ("Received", case.sent_at),
        ("Accepted", accepted),
        *([("Visit booked", booked)] if booked else []),
        ("Report returned", case.answered_at),
        ("You read the report", case.answer_read_at),
        ("Closed", case.closed_at),
    ]
    found: list[Mark] = []
    for name, at in reached:
        is_next = at is None and not any(mark.is_next for mark in found)
        found.append(Mark(name, _day(at) if at else None, is_next))
    return found


def story(case: Case) -> list[Told]:
    """Give every step so far, oldest first; who of the team did it is not told."""
    found = []
    stage = ""
    for step in case.steps.all():
        words = _WORDS[Status(step.status)]
        if step.stage and step.stage != stage:
            words = _STAGES[Stage(step.stage)]
        elif step.reason in _HOLDS:
            words = f"{words}: {_HOLDS[HoldReason(step.reason)]}"
        elif step.reason == NOT_REACHED:
            words = "We called and reached nobody"
        elif step.reason in RejectReason.values:
            words = f"{words}: {RejectReason(step.reason).label.lower()}"
        stage = step.stage
        found.append(Told(step.at, words))
    return found


def who_acts(case: Case) -> str:
    """Say who acts next."""
    if not case.is_open:
        return "Nobody: it is closed"
    if case.answered_at is not None and case.answer_read_at is None:
        return "You: please read the report"
    if case.status == Status.ON_HOLD and case.hold_reason in _YOURS:
        return "You: please write to us"
    return "Our team"


def status_of(case: Case) -> str:
    """Say where it stands, in a few words."""
    if case.is_open and case.stage in _STAGES:
        return _STAGES[Stage(case.stage)]
    words = _WORDS[Status(case.status)]
    if case.status == Status.ON_HOLD:
        return f"{words}: {_HOLDS[HoldReason(case.hold_reason)]}"
    return words


def next_steps(case: Case) -> list[str]:
    """Say what happens next, with the times that are promised."""
    if case.status == Status.CANCELLED:
        return ["You took this referral back. Nothing more happens."]
    if case.status == Status.REJECTED:
        return ["Read our message to you. Call us if you have questions."]
    if case.status == Status.COMPLETED:
        return ["This referral is closed. Write to us if you have a question."]
    found = []
    if case.first_read_at is None and case.read_due_at is not None:
        found.append(f"A person on our team reads it by {_moment(case.read_due_at)}.")
    if case.status == Status.ON_HOLD:
        found.append(f"The clock stands: {_HOLDS[HoldReason(case.hold_reason)]}.")
    elif case.answered_at is None and case.due_at is not None:
        found.append(f"You hear from us by {_moment(case.due_at)}.")
    if case.answer_read_at is None:
        found.append("The report is returned to you here. Our emails hold nothing about a child.")
        found.append("You press “I have read the report”. Only then do we close the referral.")
    else:
        found.append("You have read the report. The team closes the referral.")
    return found


def report_address(case: Case) -> str:
    """Give where the returned report is read; empty while there is none."""
    if case.answered_at is None:
        return ""
    try:
        return reverse("referrer_report", kwargs={"pk": case.pk})
    except NoReverseMatch:
        return ""


def _day(at: datetime) -> date:
    return at.astimezone(site().zone).date()


def _moment(at: datetime) -> str:
    here = at.astimezone(site().zone)
    return f"{formats.date_format(here, 'l, F j')}, {formats.time_format(here, 'g:i A')}"
