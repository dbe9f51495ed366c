"""A view's only way to a case, and who may do what with it.

A family sees what it sent, and what staff matched to a child of whom staff confirmed it sees
something (`families.access`). Nothing is kept between requests: a link that is ended, locked or
outgrown closes both at the next request.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.context import used_for
from hematon.portal.audit.models import Purpose
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import Kind, Status
from hematon.portal.families import access as families
from hematon.portal.privacy.access import opened_by
from hematon.portal.programme.shapes import Thing

_FOR_CLINICIANS = (Kind.SECOND_OPINION, Kind.REFERRAL)
_ALL = frozenset(Thing)


def by_reference(user: User, reference: str) -> Case | None:
    """Find the case that a family on the phone names."""
    return cases_for(user).filter(reference=reference).first()


def behind_glass(user: User, reference: str) -> uuid.UUID | None:
    """Give the id of a case that this person could open in an emergency alone."""
    if user.kind != UserKind.STAFF or not user.holds(Role.CLINICIAN):
        return None
    found = Case.objects.filter(reference=reference).exclude(status=Status.DRAFT).first()
    return found.pk if found is not None else None


def sent_with(key: str) -> Case | None:
    """Give what was sent with a form's key; whoever holds the key sent it."""
    # PostgreSQL takes no NUL in a text, and no key of ours has one.
    if not key or "\0" in key:
        return None
    return Case.objects.filter(key=key, sender=None).first()


def own(pk: str | None) -> Case | None:
    """Give the case that this browser's session sent.

    Args:
        pk: from the session, never from an address.
    """
    return Case.objects.filter(pk=pk, sender=None).first() if pk else None


def cases_for(user: User, at: datetime | None = None) -> QuerySet[Case]:
    """Give every sent case that this person may open, in the suggested reading order.

    Intake sees all. A clinician sees what is theirs to own or review, what waits for a reviewer,
    and for an hour what they opened in an emergency. A referring clinician sees what they sent; a
    family that, and what is about a child of theirs.

    Args:
        user: who.
        at: the moment; now if not given.
    """
    at = at or timezone.now()
    sent = Case.objects.exclude(status=Status.DRAFT).order_by("rank", "read_due_at", "pk")
    if user.kind != UserKind.STAFF:
        return sent.filter(_of_family(user, at))
    if user.holds(Role.INTAKE):
        return sent
    if user.holds(Role.CLINICIAN):
        waiting = Q(reviewer=None, kind__in=_FOR_CLINICIANS)
        broken = Q(pk__in=opened_by(user, Case, at))
        return sent.filter(Q(owner=user) | Q(reviewer=user) | waiting | broken)
    return sent.none()


def is_emergency(user: User, case: Case, at: datetime) -> bool:
    """Say whether nothing but an emergency opens this case to this person."""
    if user.kind != UserKind.STAFF or user.holds(Role.INTAKE):
        return False
    if user.pk in (case.owner_id, case.reviewer_id):
        return False
    if case.reviewer_id is None and case.kind in _FOR_CLINICIANS:
        return False
    return str(case.pk) in opened_by(user, Case, at)


def get_case(user: User, pk: uuid.UUID, at: datetime | None = None) -> Case | None:
    """Give one sent case; None for "not yours" and "not there" alike.

    Where an emergency alone opens it, everything that the request records from here on says so.
    """
    at = at or timezone.now()
    found = cases_for(user, at).filter(pk=pk).first()
    if found is not None and is_emergency(user, found, at):
        used_for(Purpose.EMERGENCY)
    return found


def _of_family(user: User, at: datetime) -> Q:
    links = families.sights_of(user, at)
    standing = [(link, sight) for link, sight in links if sight.things]
    patient = {link.child_id for link, _ in standing if link.is_patient}
    adult = {link.child_id for link, _ in standing if not link.is_patient}
    shown = {link.child_id for link, sight in standing if Thing.REQUESTS in sight.things}
    taken = {link.child_id for link, _ in links} - patient - adult
    # Who sent it keeps it, until staff, the age rules or the patient took away the link to the
    # child; what is the young person's alone no parent keeps.
    mine = Q(sender=user) & ~Q(child__in=taken) & ~Q(confidential_to_minor=True, child__in=adult)
    return mine | Q(child__in=shown & patient) | Q(child__in=shown, confidential_to_minor=False)


def things_of(user: User, case: Case, at: datetime | None = None) -> frozenset[Thing]:
    """Give which parts of a case a person may see; none of a case that is not theirs.

    A sender without a link to the child sees everything of what they sent. With a link, the link
    decides; their own words, and the answers to them, stay theirs.
    """
    at = at or timezone.now()
    if get_case(user, case.pk, at) is None:
        return frozenset()
    if user.kind != UserKind.FAMILY or case.child_id is None:
        return _ALL
    links = [s for link, s in families.sights_of(user, at) if link.child_id == case.child_id]
    if not links:
        return _ALL
    own_words = {Thing.REQUESTS, Thing.MESSAGES} if case.sender_id == user.pk else set()
    return frozenset(own_words).union(*(sight.things for sight in links))


def is_the_patient(user: User, case: Case, at: datetime | None = None) -> bool:
    """Say whether a person is the child that staff matched a case to."""
    links = families.sights_of(user, at or timezone.now())
    return case.child_id is not None and any(
        link.is_patient and link.child_id == case.child_id and sight.things for link, sight in links
    )


def readers(case: Case, at: datetime, *, confidential_to_minor: bool = False) -> list[User]:
    """Give everyone outside the team who may read a message of this case now, for notices."""
    hidden = confidential_to_minor or case.confidential_to_minor
    found: dict[int, User] = {}
    if case.child is not None:
        linked = families.users_who_may_see(
            case.child, Thing.MESSAGES, at, confidential_to_minor=hidden
        )
        found = {u.pk: u for u in linked if get_case(u, case.pk, at) is not None}
    sender = case.sender
    sender_reads = sender is not None and (
        not confidential_to_minor or is_the_patient(sender, case, at)
    )
    if sender is not None and sender.is_active and get_case(sender, case.pk, at) is not None:
        found |= {sender.pk: sender} if sender_reads else {}
    return list(found.values())


def own_drafts(user: User) -> QuerySet[Case]:
    """Give what this person began and did not send; nobody else sees a draft."""
    return Case.objects.filter(sender=user, status=Status.DRAFT).order_by("-saved_at", "pk")


def get_draft(user: User, pk: uuid.UUID, at: datetime) -> Case | None:
    """Give one draft; None for "not yours", "not there" and "its time is over" alike."""
    return own_drafts(user).filter(pk=pk, ends_at__gt=at).first()


def may_work(user: User, case: Case, at: datetime | None = None) -> bool:
    """Say whether a person is of the team that works on a case."""
    return user.kind == UserKind.STAFF and cases_for(user, at).filter(pk=case.pk).exists()


def may_match(user: User, case: Case) -> bool:
    """Say whether a person may say which child a case is about."""
    return user.holds(Role.INTAKE) and may_work(user, case)


def may_own(user: User) -> bool:
    """Say whether a case can be given to this person."""
    return user.is_active and user.holds(Role.INTAKE, Role.CLINICIAN)


def may_review(user: User) -> bool:
    """Say whether this person writes opinions."""
    return user.is_active and user.holds(Role.CLINICIAN)


def may_write(user: User, case: Case, at: datetime | None = None) -> bool:
    """Say whether a person outside the team may write to it about a case."""
    return user.kind != UserKind.STAFF and Thing.MESSAGES in things_of(user, case, at)


def messages_for(user: User, case: Case, at: datetime | None = None) -> QuerySet[Message]:
    """Give the messages of a case that this person may read."""
    if Thing.MESSAGES not in things_of(user, case, at):
        return Message.objects.none()
    found = case.messages.all()
    # What is for the young person alone is in no parent's list and in no count.
    if user.kind == UserKind.STAFF or is_the_patient(user, case, at):
        return found
    return found.filter(confidential_to_minor=False)
