"""Booking as a row of questions; what is answered so far is kept with the session.

Nothing a family types about people or health is kept there: who comes, the phone number and what
the family wants to say are asked on the last page, and go sealed into the visit.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from hematon.portal.accounts.models import User
from hematon.portal.families.models import Child
from hematon.portal.ui.journey import Answers, Journey, Question
from hematon.portal.visits import booking_forms, forms, whose
from hematon.portal.visits.actions import Booking
from hematon.portal.visits.check import CHECK
from hematon.portal.visits.finding import Wanted
from hematon.portal.visits.models import Appointment, VisitKind
from hematon.portal.visits.rules import licensed_states
from hematon.portal.visits.video import video

_NAME, _SLOT, _MOVING = "visit_booking", "visit_booking_slot", "visit_booking_moving"


def journey(request: HttpRequest, user: User) -> Journey:
    """Give the questions as they are for this family: its children, and what it said so far."""
    at = timezone.now()
    children = whose.children_to_act_for(user, at)
    given = request.session.get(_NAME, {})
    near = given.get("where", {}).get("where", "") in licensed_states()
    kinds = [VisitKind.IN_PERSON]
    if near:
        kinds = [VisitKind.PHONE, *kinds]
    if near and video(timezone.localdate(at)):
        kinds = [VisitKind.VIDEO, *kinds]
    child_form = type("Child", (booking_forms.ChildForm,), {"children": children})
    kind_form = type("Kind", (booking_forms.KindForm,), {"kinds": kinds, "near": near})

    def several(answers: Answers) -> bool:
        return len(children) > 1

    return Journey(
        name=_NAME,
        questions=(
            Question("where", forms.WhereForm),
            Question("child", child_form, several),
            Question("kind", kind_form, template="visits/booking/kind.html"),
            Question("language", forms.LanguageForm, template="care/titled.html"),
        ),
        view="book_question",
        start="book",
        end="book_days",
        caption=_("Book a visit"),
    )


def begin(request: HttpRequest) -> None:
    """Begin anew, with what the family said in the check whether video suits."""
    forget(request)
    said = CHECK.answers(request)
    kept = {key: said[key] for key in ("where", "language") if key in said}
    if kept:
        request.session[_NAME] = kept


def begin_move(request: HttpRequest, visit: Appointment) -> None:
    """Begin with the answers of a visit that is to be moved."""
    forget(request)
    request.session[_MOVING] = str(visit.pk)
    request.session[_NAME] = {
        "where": {"where": visit.location_state},
        "child": {"child": str(visit.child_id)},
        "kind": {"kind": visit.kind},
        "language": {
            "language": visit.language,
            "other_language": visit.other_language,
            "interpreter": "yes" if visit.interpreter else "no",
        },
    }


def moving(request: HttpRequest) -> uuid.UUID | None:
    """Give the visit that is being moved."""
    kept = request.session.get(_MOVING)
    return uuid.UUID(kept) if kept else None


def keep_slot(request: HttpRequest, slot_id: uuid.UUID) -> None:
    """Note which time the family has chosen."""
    request.session[_SLOT] = str(slot_id)


def chosen_slot(request: HttpRequest) -> str:
    """Give the time that the family has chosen; empty when none."""
    return str(request.session.get(_SLOT, ""))


def forget(request: HttpRequest) -> None:
    """Drop everything."""
    for name in (_NAME, _SLOT, _MOVING):
        request.session.pop(name, None)


def wanted(answers: Answers) -> Wanted:
    """Give what to look for."""
    return Wanted(
        kind=str(answers["kind"]["kind"]),
        state=str(answers["where"]["where"]),
        interpreter=answers["language"]["interpreter"] == "yes",
        at=timezone.now(),
    )


def child_of(answers: Answers, user: User) -> Child | None:
    """Give the child that the visit is for; None when the family may no longer act for it."""
    children = whose.children_to_act_for(user, timezone.now())
    if "child" not in answers:
        return children[0] if len(children) == 1 else None
    chosen = str(answers["child"]["child"])
    return next((child for child in children if str(child.pk) == chosen), None)


def booking(answers: Answers, child: Child, said: dict[str, Any]) -> Booking:
    """Give the visit as the family described it.

    Args:
        answers: to the questions.
        child: whose visit.
        said: on the last page.
    """
    fits = wanted(answers)
    return Booking(
        child_id=child.pk,
        kind=fits.kind,
        state=fits.state,
        language=str(answers["language"]["language"]),
        other_language=str(answers["language"].get("other_language", "")),
        interpreter=fits.interpreter,
        page_language=get_language() or "en",
        with_whom=said["with_whom"],
        phone=said["phone"],
        note=said["note"],
    )
