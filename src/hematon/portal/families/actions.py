"""What is done to links between people and children. Each act is one transaction.

Staff of intake confirm, refuse, end, lock, unlock, keep and override; families ask, end their own,
and ask for an end of another's; the patient agrees. Nothing here gives anything but `confirm`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from hematon.errors import HematonError
from hematon.portal.accounts.models import Kind, Role, User
from hematon.portal.audit.record import record
from hematon.portal.families import access, ages, due, notices
from hematon.portal.families.models import (
    NAME_MOST,
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

MOST_REQUESTS = 10
"""Requests of one person that may wait at a time."""


class ActionRefused(HematonError):  # noqa: N818 - a refusal is an answer, not a fault
    """The act cannot be done; nothing was changed."""


class NotPermitted(ActionRefused):
    """This person may not do it."""


class NotInThisState(ActionRefused):
    """The link stands where the act does not apply, or moved on since the page was opened."""


class Disputed(ActionRefused):
    """A dispute about this child stops it until staff settle the dispute."""


class TooMany(ActionRefused):
    """Too many requests of this person wait already."""


class TooYoung(ActionRefused):
    """The age rules do not allow it yet."""


# --- asking --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What someone says of themselves and of the child.

    Attributes:
        adult_name: the person's own name.
        relationship: who the person is to the child.
        child_name: as the child is called in the hospital.
        birth_date: the child's.
        state: where the child lives.
    """

    adult_name: str
    relationship: Relationship
    child_name: str
    birth_date: date
    state: str = ""


@transaction.atomic
def request(*, asked: Asked, by: User, language: str, at: datetime) -> Guardianship:
    """Ask for access to a child. It gives nothing until staff confirm it.

    The child is a row of its own until a person has compared it with those that are there: a name
    and a birth date that fit prove nothing.

    Raises:
        NotPermitted: the account is no family's.
        TooMany: too many of this person's requests wait.
    """
    _family(by)
    child = Child.objects.create(
        name=asked.child_name.strip()[:NAME_MOST],
        birth_date=asked.birth_date,
        state=asked.state,
        made_at=at,
    )
    return _asked(
        user=by,
        child=child,
        name=asked.adult_name,
        relationship=asked.relationship,
        by=by,
        language=language,
        at=at,
    )


@transaction.atomic
def request_for_another(
    *,
    child: Child,
    address: str,
    adult_name: str,
    relationship: Relationship,
    by: User,
    language: str,
    at: datetime,
) -> Guardianship:
    """Ask for another person's access to a child one sees oneself.

    Raises:
        NotPermitted: the person does not see the child, or is not the grown-up patient where a
            trusted person is asked for.
        NotInThisState: the other has a link already, or one is being checked.
        TooMany: too many of this person's requests wait.
    """
    _family(by)
    rules, zone = current(AgeRules), site().zone
    found, is_patient = access.sight_of(by, child, at)
    if found.scope is access.Scope.NONE or relationship == Relationship.PATIENT:
        raise NotPermitted
    grown = ages.has_reached(child.birth_date, ages.ending(rules).from_years, at, rules, zone)
    if (relationship == Relationship.TRUSTED) != grown or (grown and not is_patient):
        raise NotPermitted
    other = User.objects.with_address(address)
    if other is None:
        other = User.objects.create_without_password(address, Kind.FAMILY)
    if other.kind != Kind.FAMILY or other == by:
        raise NotInThisState
    return _asked(
        user=other,
        child=child,
        name=adult_name,
        relationship=relationship,
        by=by,
        language=language,
        at=at,
    )


def _asked(
    *,
    user: User,
    child: Child,
    name: str,
    relationship: Relationship,
    by: User,
    language: str,
    at: datetime,
) -> Guardianship:
    # One after the other for one person, so that two forms at once are counted both.
    User.objects.select_for_update().get(pk=by.pk)
    if Guardianship.objects.filter(asked_by=by, status=Status.REQUESTED).count() >= MOST_REQUESTS:
        raise TooMany
    if Guardianship.objects.filter(user=user, child=child, status__in=OPEN).exists():
        raise NotInThisState
    link = Guardianship(
        user=user,
        child=child,
        asked_by=by,
        adult_name=name.strip()[:NAME_MOST],
        relationship=relationship,
        language=language,
        requested_at=at,
        due_at=due.answer_by(at),
    )
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError as error:
        # Two people asked for the same person at once.
        raise NotInThisState from error
    _changed(link, Step.REQUESTED, by, at)
    record(by, "guardian.requested", link, relationship=relationship, for_another=user != by)
    return link


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
    change = _changed(link, Step.CONFIRMED, by, at)
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
        notices.tell(link, _changed(link, Step.LOCKED, by, at, reason), at)
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
    notices.tell(link, _changed(link, Step.UNLOCKED, by, at, reason), at)
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
    notices.tell(link, _changed(link, Step.OVERRIDDEN, by, at, reason), at)
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
    _changed(link, Step.KEPT, by, at, reason)
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
    _changed(link, Step.END_ASKED, by, at, reason)
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
    change = _changed(link, Step.ASSENTED if agrees else Step.UNASSENTED, by, at)
    notices.tell(link, change, at)
    record(by, "guardian.assented" if agrees else "guardian.unassented", link)


# --- in every act --------------------------------------------------------------------------------


def _family(by: User) -> None:
    if by.kind != Kind.FAMILY or not by.is_active:
        raise NotPermitted


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
    notices.tell(link, _changed(link, step, by, at, reason), at)


def _changed(
    link: Guardianship, step: Step, by: User, at: datetime, reason: str = ""
) -> LinkChange:
    return LinkChange.objects.create(
        link=link, step=step, by=by, at=at, reason=_text(reason) or None
    )


def _text(reason: str) -> str:
    return reason.strip()[:REASON_MOST]
