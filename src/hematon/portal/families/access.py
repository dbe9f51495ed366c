"""Who may see what of a child, now. Nothing is kept between requests: a revocation bites at once.

`scope` is the answer for one person and one child; `may_see` for one thing of the child. Staff do
not come here: what they see hangs on their roles.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from hematon.portal.accounts.models import Kind, Role, User
from hematon.portal.families import ages, matching
from hematon.portal.families.models import (
    OPEN,
    Child,
    Granted,
    Guardianship,
    LinkChange,
    Relationship,
    Status,
)
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import Access, AgeRules, Thing
from hematon.portal.ui.site import site


class Scope(StrEnum):
    """How much of a child a person sees."""

    NONE = "none"
    LIMITED = "limited"
    FULL = "full"


@dataclass(frozen=True)
class Sight:
    """What a link gives at a moment.

    Attributes:
        scope: in one word.
        things: what may be seen; empty when nothing.
    """

    scope: Scope
    things: frozenset[Thing]


_NOTHING = Sight(Scope.NONE, frozenset())
_ALL = Sight(Scope.FULL, frozenset(Thing))


def sight(link: Guardianship, at: datetime, rules: AgeRules, zone: ZoneInfo) -> Sight:
    """Give what one link gives. Everything that can take it away is looked at here.

    Args:
        link: any link, whatever its status; its child is read.
        at: the moment; aware.
        rules: the age rules in force.
        zone: the programme's.
    """
    if not _stands(link, at):
        return _NOTHING
    born = link.child.birth_date
    if link.is_patient:
        return _ALL if ages.has_reached(born, rules.own_from, at, rules, zone) else _NOTHING
    band = ages.band_at(born, at, rules, zone)
    granted = _ALL if link.granted == Granted.FULL else _part(rules)
    if band.access is Access.ENDED:
        goes_on = link.override_until is not None and at < link.override_until
        chosen = link.relationship == Relationship.TRUSTED
        return granted if goes_on or chosen else _NOTHING
    if link.relationship == Relationship.TRUSTED:
        # Only a patient who is grown up can choose one.
        return _NOTHING
    if band.assent:
        since = ages.midnight(ages.birthday(born, band.from_years, rules), zone)
        if link.assented_at is None or link.assented_at < since:
            return _NOTHING
    if band.access is Access.LIMITED:
        things = granted.things & frozenset(band.sees)
        return Sight(Scope.LIMITED, things) if things else _NOTHING
    return granted


def over_since(
    link: Guardianship, at: datetime, rules: AgeRules, zone: ZoneInfo
) -> datetime | None:
    """Give since when a link gives nothing any more unless staff decide anew.

    By its own end, or by the birthday that ends parents' access; the patient's link and that of
    the person a patient chose have no such birthday. None while it may give something, and for a
    request that nobody has answered.
    """
    if link.status != Status.ACTIVE:
        return link.ended_at
    ends = [link.expires_at] if link.expires_at else []
    if not link.is_patient and link.relationship != Relationship.TRUSTED:
        last = ages.birthday(link.child.birth_date, ages.ending(rules).from_years, rules)
        grown = ages.midnight(last, zone)
        ends.append(max(grown, link.override_until or grown))
    return min((end for end in ends if end <= at), default=None)


def _stands(link: Guardianship, at: datetime) -> bool:
    return (
        link.status == Status.ACTIVE
        and link.confirmed_by_id is not None
        and link.starts_at is not None
        and link.starts_at <= at
        and (link.expires_at is None or at < link.expires_at)
        and link.locked_at is None
    )


def _part(rules: AgeRules) -> Sight:
    """Give what limited access is: what the rules leave when they first limit it."""
    limited = next((band for band in rules.bands if band.access is Access.LIMITED), None)
    things = frozenset(limited.sees) if limited else frozenset({Thing.MESSAGES, Thing.VISITS})
    return Sight(Scope.LIMITED, things)


def _links(user: User) -> QuerySet[Guardianship]:
    """Give a person's links that could give anything; none for accounts that are no family's."""
    if user.pk is None or user.kind != Kind.FAMILY or not user.is_active:
        return Guardianship.objects.none()
    return Guardianship.objects.filter(user=user, status=Status.ACTIVE, locked_at=None)


def sight_of(user: User, child: Child, at: datetime) -> tuple[Sight, bool]:
    """Give what a person sees of a child, and whether the person is the child itself."""
    link = _links(user).filter(child=child).select_related("child").first()
    if link is None:
        return _NOTHING, False
    return sight(link, at, current(AgeRules), site().zone), link.is_patient


def sights_of(user: User, at: datetime) -> list[tuple[Guardianship, Sight]]:
    """Give every link that staff ever confirmed for a person, with what it gives now.

    A link that was ended, locked, refused by age or by the patient is among them, and gives
    nothing: who holds a record of a child must know that it was taken away.
    """
    if user.pk is None or user.kind != Kind.FAMILY:
        return []
    rules, zone = current(AgeRules), site().zone
    rows = Guardianship.objects.filter(user=user, confirmed_by__isnull=False)
    return [(link, sight(link, at, rules, zone)) for link in rows.select_related("child")]


def scope(user: User, child: Child, at: datetime) -> Scope:
    """Say how much of a child a person sees now."""
    return sight_of(user, child, at)[0].scope


def may_see(
    user: User, child: Child, thing: Thing, at: datetime, *, confidential_to_minor: bool = False
) -> bool:
    """Say whether a person may see one thing of a child now.

    Args:
        user: who asks.
        child: whose it is.
        thing: what kind of thing it is.
        at: now.
        confidential_to_minor: it belongs to care the minor agreed to alone: nobody but the
            patient sees it here, not in lists, counts, exports or notices either.
    """
    found, is_patient = sight_of(user, child, at)
    return thing in found.things and (is_patient or not confidential_to_minor)


def children_of(user: User, at: datetime) -> list[Child]:
    """Give the children of whom a person sees anything now, the first linked first."""
    rules, zone = current(AgeRules), site().zone
    links = _links(user).select_related("child").order_by("requested_at", "pk")
    return [link.child for link in links if sight(link, at, rules, zone).scope is not Scope.NONE]


def get_child(user: User, pk: uuid.UUID, at: datetime) -> Child | None:
    """Give a child of whom a person sees anything; None for "not yours" and "not there" alike."""
    return next((child for child in children_of(user, at) if child.pk == pk), None)


def users_who_may_see(
    child: Child, thing: Thing, at: datetime, *, confidential_to_minor: bool = False
) -> list[User]:
    """Give the people who may see one thing of a child now, for notices."""
    links = Guardianship.objects.filter(
        child=child, status=Status.ACTIVE, user__kind=Kind.FAMILY, user__is_active=True
    )
    rules, zone = current(AgeRules), site().zone
    return [
        link.user
        for link in links.select_related("child", "user").order_by("requested_at", "pk")
        if thing in sight(link, at, rules, zone).things
        and (link.is_patient or not confidential_to_minor)
    ]


# --- rows for pages ------------------------------------------------------------------------------


def own_links(user: User) -> list[Guardianship]:
    """Give a person's own links, the latest first.

    What another adult asked for on the person's behalf is not there before staff confirm it: a
    mistyped address would tell a stranger a child's name.
    """
    if user.kind != Kind.FAMILY:
        return []
    unseen = Q(status=Status.REQUESTED) & ~Q(asked_by=user)
    rows = Guardianship.objects.filter(user=user).exclude(unseen).select_related("child")
    return list(rows.order_by("-requested_at", "pk"))


def own_link(user: User, pk: uuid.UUID) -> Guardianship | None:
    """Give one of a person's own open links."""
    if user.kind != Kind.FAMILY:
        return None
    unseen = Q(status=Status.REQUESTED) & ~Q(asked_by=user)
    rows = Guardianship.objects.filter(user=user, pk=pk, status__in=OPEN).exclude(unseen)
    return rows.select_related("child").first()


def links_of(child: Child) -> list[Guardianship]:
    """Give the open links of a child that the caller may see."""
    rows = Guardianship.objects.filter(child=child, status__in=OPEN)
    return list(rows.select_related("child").order_by("requested_at", "pk"))


def link_beside(user: User, pk: uuid.UUID, at: datetime) -> Guardianship | None:
    """Give another person's open link to a child that this person sees now."""
    link = (
        Guardianship.objects.filter(pk=pk, status__in=OPEN)
        .exclude(user=user)
        .select_related("child")
        .first()
    )
    if link is None or get_child(user, link.child_id, at) is None:
        return None
    return link


def queue(user: User) -> QuerySet[Guardianship]:
    """Give what waits for staff: requests by when they are due, and ends that were asked for."""
    if not user.holds(Role.INTAKE):
        return Guardianship.objects.none()
    waiting = Q(status=Status.REQUESTED) | Q(status=Status.ACTIVE, end_asked_at__isnull=False)
    return Guardianship.objects.filter(waiting).select_related("child").order_by("due_at", "pk")


def staff_link(user: User, pk: uuid.UUID) -> Guardianship | None:
    """Give any link to staff who work on them."""
    if not user.holds(Role.INTAKE):
        return None
    return Guardianship.objects.filter(pk=pk).select_related("child", "user").first()


def staff_child(user: User, pk: uuid.UUID) -> Child | None:
    """Give any child to staff who work on links."""
    if not user.holds(Role.INTAKE):
        return None
    return Child.objects.filter(pk=pk).first()


def history(child: Child) -> QuerySet[LinkChange]:
    """Give every step of every link of a child, the latest first."""
    rows = LinkChange.objects.filter(link__child=child).select_related("link", "by")
    return rows.order_by("-at", "-id")


def history_of(link: Guardianship) -> QuerySet[LinkChange]:
    """Give every step of one link, the latest first."""
    return LinkChange.objects.filter(link=link).select_related("by").order_by("-at", "-id")


def every_link(child: Child) -> QuerySet[Guardianship]:
    """Give every link of a child, closed ones included."""
    rows = Guardianship.objects.filter(child=child).select_related("child", "user", "confirmed_by")
    return rows.order_by("requested_at", "pk")


@dataclass(frozen=True)
class Candidate:
    """A child that could be the one a request names.

    Attributes:
        child: the row.
        same_name: whether the name is the same too, apart from its spelling.
    """

    child: Child
    same_name: bool


def candidates(child: Child) -> list[Candidate]:
    """Give other children with the same birth date who have an active link, same names first.

    Similar is not proof: staff compare and decide.
    """
    rows = Child.objects.filter(
        birth_index=child.birth_index, guardianships__status=Status.ACTIVE
    ).exclude(pk=child.pk)
    found = [Candidate(other, other.child_index == child.child_index) for other in rows.distinct()]
    return sorted(found, key=lambda one: (not one.same_name, str(one.child.pk)))


def find(name: str, birth_date: date) -> QuerySet[Child]:
    """Find children by name and birth date, for the matching of requests by staff."""
    return Child.objects.filter(child_index=matching.child_index(name, birth_date))


def born_on(birth_date: date) -> QuerySet[Child]:
    """Find children by birth date alone: a name may be misspelled or incomplete."""
    return Child.objects.filter(birth_index=matching.birth_index(birth_date))
