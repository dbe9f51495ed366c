"""What is done to links between people and children. Each act is one transaction.

Staff of intake confirm, refuse, end, lock, unlock, keep and override; families end their own and
ask for an end of another's; the patient agrees. Nothing here gives anything but `confirm`. How
families ask for a link is in `asking`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError

from hematon.errors import HematonError
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.record import record
from hematon.portal.families import access, ages, due, notices
from hematon.portal.families.models import (
    OPEN,
    REASON_MOST,
    Child,
    Granted,
    Guardianship,
    LinkChange,
    Proof,
    Relationship,
    Status,
    Step,
)
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import AgeRules
from hematon.portal.ui.site import site


class ActionRefused(HematonError):  # noqa: N818 - a refusal is an answer, not a fault
    """The act cannot be done; nothing was changed."""


class NotPermitted(ActionRefused):
    """This person may not do it."""


class NotInThisState(ActionRefused):
    """The link stands where the act does not apply, or moved on since the page was opened."""


class Disputed(ActionRefused):
    """A dispute about this child stops it until staff settle the dispute."""


class TooYoung(ActionRefused):
    """The age rules do not allow it yet."""


# --- staff ---------------------------------------------------------------------------------------


@transaction.atomic
def confirm(
    *,
    link: Guardianship,
    proof_kind: Proof,
    granted: Granted,
    by: User,
    at: datetime,
    child: Child | None = None,
    proof: UUID | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Give access after seeing proof. The one act that gives anything.

    Args:
        link: a request.
        proof_kind: what was seen.
        granted: the most it gives; the age rules may give less.
        by: staff of intake; nobody confirms their own link.
        at: now.
        child: the child that is there already, when staff found it to be the same.
        proof: the stored file, if it was sent here.
        expires_at: when it ends whatever the age rules say.

    Raises:
        NotPermitted: not staff of intake.
        NotInThisState: no request, or the person has a link to that child.
        Disputed: a dispute about the child is not settled.
        TooYoung: a patient below the age for access of their own.
    """
    link = _by_staff(link, by, Status.REQUESTED)
    before, target = link.child, child or link.child
    # One at a time for one child: two confirmations never both see no dispute and no patient.
    target = Child.objects.select_for_update().get(pk=target.pk)
    open_links = Guardianship.objects.filter(child=target, status__in=OPEN).exclude(pk=link.pk)
    if open_links.filter(locked_at__isnull=False).exists() or link.locked_at is not None:
        raise Disputed
    if open_links.filter(user=link.user).exists():
        raise NotInThisState
    if link.is_patient:
        _can_be_patient(target, at)
        if open_links.filter(relationship=Relationship.PATIENT, status=Status.ACTIVE).exists():
            raise NotInThisState
    if expires_at is not None and expires_at <= at:
        raise NotInThisState
    link.child = target
    link.status = Status.ACTIVE
    link.granted = granted
    link.proof_kind, link.proof = proof_kind, proof
    link.confirmed_by, link.starts_at, link.expires_at = by, at, expires_at
    link.save()
    change = changed(link, Step.CONFIRMED, by, at)
    if before.pk != target.pk:
        with suppress(ProtectedError), transaction.atomic():
            before.delete()
    notices.tell(link, change, at)
    for other in open_links.filter(status=Status.ACTIVE).select_related("user"):
        notices.tell(other, change, at)
    record(
        by,
        "guardian.confirmed",
        link,
        proof=proof_kind,
        granted=granted,
        matched=before.pk != target.pk,
        expires=expires_at is not None,
    )


@transaction.atomic
def refuse(*, link: Guardianship, reason: str, by: User, at: datetime) -> None:
    """Do not give it.

    Raises:
        NotPermitted, NotInThisState: as `confirm`.
    """
    link = _by_staff(link, by, Status.REQUESTED)
    _close(link, Status.REFUSED, Step.REFUSED, reason, by, at)
    record(by, "guardian.refused", link)


@transaction.atomic
def end(*, link: Guardianship, reason: str, by: User, at: datetime) -> None:
    """Take access away, or a request back; it bites at the next request of the person.

    Raises:
        NotPermitted: neither the person's own, nor staff of intake.
        NotInThisState: it is closed.
    """
    locked = _fresh(link, *OPEN)
    if locked.user_id != by.pk and not by.holds(Role.INTAKE):
        raise NotPermitted
    _close(locked, Status.ENDED, Step.ENDED, reason, by, at)
    record(by, "guardian.ended", locked, own=locked.user_id == by.pk)


@transaction.atomic
def lock(*, child: Child, reason: str, by: User, at: datetime) -> int:
    """Stop every adult's access to a child while adults dispute it; the patient's own goes on.

    Returns:
        How many links it stopped.

    Raises:
        NotPermitted: not staff of intake.
        NotInThisState: there is no link to stop.
    """
    _staff(by)
    child = Child.objects.select_for_update().get(pk=child.pk)
    links = Guardianship.objects.filter(child=child, status__in=OPEN, locked_at=None)
    stopped = list(links.exclude(relationship=Relationship.PATIENT).select_for_update())
    if not stopped:
        raise NotInThisState
    for link in stopped:
        link.locked_at, link.reason = at, _text(reason)
        link.save()
        notices.tell(link, changed(link, Step.LOCKED, by, at, reason), at)
    record(by, "guardian.locked", child, links=len(stopped))
    return len(stopped)


@transaction.atomic
def unlock(*, link: Guardianship, reason: str, by: User, at: datetime) -> None:
    """Let one link go on after a dispute; the others wait for their own decision.

    Raises:
        NotPermitted: not staff of intake.
        NotInThisState: it is not stopped.
    """
    link = _by_staff(link, by, *OPEN)
    if link.locked_at is None:
        raise NotInThisState
    link.locked_at, link.reason = None, _text(reason)
    link.save()
    notices.tell(link, changed(link, Step.UNLOCKED, by, at, reason), at)
    record(by, "guardian.unlocked", link)


@transaction.atomic
def override(*, link: Guardianship, until: datetime, reason: str, by: User, at: datetime) -> None:
    """Let an adult's access go on past the last birthday, for a patient who cannot decide.

    Raises:
        NotPermitted: not staff of intake, or the programme's rules do not allow it.
        NotInThisState: no active link of an adult, or longer than the rules allow.
    """
    rules = current(AgeRules)
    link = _by_staff(link, by, Status.ACTIVE)
    if not rules.override_for_incapacity:
        raise NotPermitted
    if link.is_patient or not at < until <= at + timedelta(days=rules.override_days):
        raise NotInThisState
    link.override_until, link.reason = until, _text(reason)
    link.save()
    notices.tell(link, changed(link, Step.OVERRIDDEN, by, at, reason), at)
    record(by, "guardian.overridden", link, days=(until - at).days)


@transaction.atomic
def keep(*, link: Guardianship, reason: str, by: User, at: datetime) -> None:
    """Leave a link as it is although someone asked for its end.

    Raises:
        NotPermitted: not staff of intake.
        NotInThisState: nobody asked.
    """
    link = _by_staff(link, by, Status.ACTIVE)
    if link.end_asked_at is None:
        raise NotInThisState
    link.end_asked_at = None
    link.save()
    changed(link, Step.KEPT, by, at, reason)
    record(by, "guardian.kept", link)


# --- families beside it --------------------------------------------------------------------------


@transaction.atomic
def ask_to_end(*, link: Guardianship, reason: str, by: User, at: datetime) -> None:
    """Ask staff to end another person's access. Nothing ends by this alone.

    Raises:
        NotPermitted: the person does not see the child, or it is their own link.
        NotInThisState: it is not active, or its end was asked for already.
    """
    link = _fresh(link, Status.ACTIVE)
    seen = access.scope(by, link.child, at)
    if seen is access.Scope.NONE or link.user_id == by.pk:
        raise NotPermitted
    if link.end_asked_at is not None:
        raise NotInThisState
    link.end_asked_at, link.due_at = at, due.answer_by(at)
    link.save()
    changed(link, Step.END_ASKED, by, at, reason)
    record(by, "guardian.end_asked", link)


@transaction.atomic
def assent(*, link: Guardianship, agrees: bool, by: User, at: datetime) -> None:
    """Agree, as the patient, to what another person sees; or no longer.

    Raises:
        NotPermitted: not the patient, with access of their own.
        NotInThisState: the link is closed, or this was said before.
    """
    link = _fresh(link, *OPEN)
    _, is_patient = access.sight_of(by, link.child, at)
    own = access.scope(by, link.child, at)
    if not is_patient or own is access.Scope.NONE or link.is_patient:
        raise NotPermitted
    if agrees == (link.assented_at is not None):
        raise NotInThisState
    link.assented_at = at if agrees else None
    link.save()
    change = changed(link, Step.ASSENTED if agrees else Step.UNASSENTED, by, at)
    notices.tell(link, change, at)
    record(by, "guardian.assented" if agrees else "guardian.unassented", link)


# --- in every act --------------------------------------------------------------------------------


def _staff(by: User) -> None:
    if not by.holds(Role.INTAKE):
        raise NotPermitted


def _by_staff(link: Guardianship, by: User, *states: Status) -> Guardianship:
    _staff(by)
    return _fresh(link, *states)


def _fresh(link: Guardianship, *states: Status) -> Guardianship:
    """Give the row as it is now, held until the transaction ends."""
    # Only the link is locked: joined rows that may be missing cannot be.
    found = Guardianship.objects.select_for_update(of=("self",)).select_related("child", "user")
    row = found.get(pk=link.pk)
    if row.status not in states:
        raise NotInThisState
    return row


def _can_be_patient(child: Child, at: datetime) -> None:
    rules = current(AgeRules)
    if not ages.has_reached(child.birth_date, rules.own_from, at, rules, site().zone):
        raise TooYoung


def _close(
    link: Guardianship, status: Status, step: Step, reason: str, by: User, at: datetime
) -> None:
    link.status, link.ended_at, link.reason = status, at, _text(reason)
    link.end_asked_at = None
    link.save()
    notices.tell(link, changed(link, step, by, at, reason), at)


def changed(link: Guardianship, step: Step, by: User, at: datetime, reason: str = "") -> LinkChange:
    """Write down a step of a link, with who took it and why."""
    return LinkChange.objects.create(
        link=link, step=step, by=by, at=at, reason=_text(reason) or None
    )


def _text(reason: str) -> str:
    return reason.strip()[:REASON_MOST]
