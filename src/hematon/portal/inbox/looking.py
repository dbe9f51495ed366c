"""The list of cases: saved views, filters by codes, and the order in which to read.

A view or filter chooses which cases are shown; none is hidden from all of them, and a family that
wrote about a finished request brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from django.db.models import Case as Choose
from django.db.models import Count, DateTimeField, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Least

from hematon.portal.accounts.models import User
from hematon.portal.care import access
from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.status import OPEN, HoldReason, Kind, Status
from hematon.portal.files.models import State, StoredFile
from hematon.portal.ui.site import site

_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_OPEN: Final = Q(status__in=OPEN)
_OTHERS: Final = (HoldReason.FAMILY, HoldReason.RECORDS, HoldReason.RESULT)
_NAMES_A_CHILD: Final = ~Q(match="")
Chooses = Callable[[User, datetime], Q]


@dataclass(frozen=True)
class View:
    """A saved view.

    Attributes:
        code: in the address.
        name: on the tab.
        chooses: which cases.
    """

    code: str
    name: str
    chooses: Chooses


def _due_today(user: User, at: datetime) -> Q:
    zone = site().zone
    today = datetime.combine(at.astimezone(zone).date(), time.max, tzinfo=zone)
    return Q(next_due__lte=today)


VIEWS: Final = (
    View("open", "All open", lambda user, at: _OPEN | Q(reply_due_at__isnull=False)),
    View("mine", "Mine", lambda user, at: (Q(owner=user) | Q(reviewer=user)) & _OPEN),
    View("unassigned", "Unassigned", lambda user, at: Q(owner=None) & _OPEN),
    View("due", "Due today or late", _due_today),
    View("replies", "Family wrote", lambda user, at: Q(reply_due_at__isnull=False)),
    View(
        "waiting",
        "Waiting for others",
        lambda user, at: Q(status=Status.ON_HOLD, hold_reason__in=_OTHERS),
    ),
    View("calls", "Calls", lambda user, at: Q(kind=Kind.CALL) & _OPEN),
    View(
        "second-opinions",
        "Second opinions",
        lambda user, at: Q(kind=Kind.SECOND_OPINION) & _OPEN,
    ),
    View("referrals", "Referrals", lambda user, at: Q(kind=Kind.REFERRAL) & _OPEN),
    View("closed", "Closed", lambda user, at: ~_OPEN),
)

FLAGS: Final[Mapping[str, tuple[str, Chooses]]] = {
    "interpreter": ("Needs an interpreter", lambda user, at: Q(interpreter=True)),
    "unmatched": (
        "Child not matched yet",
        lambda user, at: Q(child=None) & _NAMES_A_CHILD,
    ),
    "held": (
        "A file waits for the scanner",
        lambda user, at: Q(pk__in=StoredFile.objects.filter(state=State.HELD).values("holder")),
    ),
    "unread": ("Nobody has read it", lambda user, at: Q(first_read_at=None)),
}


@dataclass(frozen=True)
class Asked:
    """What the address asks for; every part is a code, and what is none is left out."""

    view: str = "open"
    kind: str = ""
    band: str = ""
    language: str = ""
    flag: str = ""

    def codes(self) -> dict[str, str]:
        """Give the parts that narrow, for an address."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything but the view is asked for."""
        return bool(self.kind or self.band or self.language or self.flag)


_ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "view": frozenset(view.code for view in VIEWS),
    "kind": frozenset(Kind.values),
    "band": frozenset(Band.values),
    "language": frozenset({"en", "es"}),
    "flag": frozenset(FLAGS),
}


def asked_of(given: Mapping[str, Any]) -> Asked:
    """Read an address or a kept filter; a part that is no code is as if it were not there."""
    found = {n: given[n] for n, allowed in _ALLOWED.items() if given.get(n) in allowed}
    return Asked(**found)


def cases(user: User, at: datetime) -> QuerySet[Case]:
    """Give the cases of a person with the time by which each next wants somebody."""
    unread = When(first_read_at=None, status__in=OPEN, then=Coalesce(F("read_due_at"), _never()))
    answer = When(status__in=OPEN, then=Coalesce(F("due_at"), _never()))
    return access.cases_for(user, at).annotate(
        next_due=Least(
            Choose(unread, default=_never()),
            Choose(answer, default=_never()),
            Coalesce(F("reply_due_at"), _never()),
            output_field=DateTimeField(),
        )
    )


def _never() -> Value:
    return Value(_NEVER, output_field=DateTimeField())


def shown(user: User, asked: Asked, at: datetime) -> QuerySet[Any]:
    """Give the cases of a view and its filters, in the suggested reading order.

    In one band what has no child yet comes first: nobody can work on it before. Closed ones stand
    by when they were closed.
    """
    view = next(v for v in VIEWS if v.code == asked.view)
    # Any: what is annotated is no field of the model.
    found: QuerySet[Any] = cases(user, at)
    found = found.filter(view.chooses(user, at))
    for field in ("kind", "band", "language"):
        if value := getattr(asked, field):
            found = found.filter(**{field: value})
    if asked.flag:
        found = found.filter(FLAGS[asked.flag][1](user, at))
    if asked.view == "closed":
        return found.order_by("-closed_at", "pk")
    unmatched = When(Q(child=None) & _NAMES_A_CHILD, then=Value(0))
    ordered: QuerySet[Any] = found.annotate(
        matched=Choose(unmatched, default=Value(1), output_field=IntegerField())
    ).order_by("rank", "matched", "next_due", "sent_at", "pk")
    return ordered


def counts(user: User, at: datetime) -> dict[str, int]:
    """Give how many cases each view shows, in one question to the database."""
    each: dict[str, Any] = {
        view.code.replace("-", "_"): Count("pk", filter=view.chooses(user, at)) for view in VIEWS
    }
    found = cases(user, at).order_by().aggregate(**each)
    return {code.replace("_", "-"): number for code, number in found.items()}
