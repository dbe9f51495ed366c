"""The schedule, for schedulers and clinicians: times, visits, and what came of them."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.accounts.models import Kind, User
from hematon.portal.audit.record import record
from hematon.portal.directory.access import today
from hematon.portal.directory.finding import video_states
from hematon.portal.ui.site import site
from hematon.portal.visits import access, actions, opening_actions, whose
from hematon.portal.visits.actions import Booking
from hematon.portal.visits.finding import Refused, bounds
from hematon.portal.visits.models import (
    TRANSITIONS,
    Appointment,
    Slot,
    SlotState,
    Status,
    VisitKind,
)
from hematon.portal.visits.opening_views import expert_with, experts
from hematon.portal.visits.staff_forms import FamilyForm, ForFamilyForm, OutcomeForm, ShowForm
from hematon.portal.visits.states import STATES
from hematon.portal.visits.video import is_open, video, way_in

_STEPS = {
    Status.BOOKED: "The interpreter is found",
    Status.COMPLETED: "The visit took place",
    Status.NO_SHOW: "The family did not come",
}
_WORDS = {
    "taken": "This time is held or booked by someone else now.",
    "too_late": "This time is too soon, or over.",
    "place": "This clinician may not see a child in that state on that day.",
    "interpreter": "There is not enough time to find an interpreter.",
    "child_busy": "The child has another visit at this time.",
    "kind": "This time is for another kind of visit.",
    "not_now": "The visit has moved on since you opened it, or it has not begun. See below.",
}
_STATUS = {
    Status.PENDING: "Interpreter to be found",
    Status.BOOKED: "Booked",
    Status.CANCELLED: "Cancelled",
    Status.COMPLETED: "Took place",
    Status.NO_SHOW: "Family did not come",
}


@staff_page(*access.STAFF)
@require_safe
def schedule(request: HttpRequest) -> HttpResponse:
    """Show a day or a week of times with their visits."""
    user, zone = staff_of(request), site().zone
    form = ShowForm(request.GET, experts=experts())
    given = form.cleaned_data if form.is_valid() else {}
    day: date = given.get("day") or today()
    week = request.GET.get("view") != "day"
    clinician = expert_with(given.get("clinician", ""))
    first = day - timedelta(days=day.weekday()) if week else day
    last = first + timedelta(days=6 if week else 0)
    slots = list(access.schedule(user, *bounds(first, last, zone), clinician))
    visits = access.visits_in(slots)
    names = whose.child_names([visit.child_id for visit in visits.values()])
    days: dict[date, list[dict[str, Any]]] = {}
    for slot in slots:
        found = visits.get(slot.pk)
        row = {
            "slot": slot,
            "visit": found,
            "status": _STATUS[Status(found.status)] if found else "",
            "child": names.get(found.child_id, "") if found else "",
            "is_ahead": slot.starts_at > timezone.now(),
        }
        days.setdefault(slot.starts_at.astimezone(zone).date(), []).append(row)
    step = timedelta(days=7 if week else 1)
    kept = {"view": "week" if week else "day"}
    if clinician:
        kept["clinician"] = clinician.slug
    if moving := _moving(request):
        kept["move"] = str(moving)
    context = {
        "form": ShowForm(
            experts=experts(), initial={"day": day, "clinician": given.get("clinician")}
        )
        if form.is_valid()
        else form,
        "days": [(d, rows) for d, rows in sorted(days.items())],
        "week": week,
        "first": first,
        "last": last,
        "zone": zone,
        "earlier": urlencode({**kept, "day": first - step}),
        "later": urlencode({**kept, "day": first + step}),
        "other_view": urlencode({**kept, "day": day, "view": "day" if week else "week"}),
        "licensed": [
            (expert, ", ".join(video_states(expert, today())))
            for expert in experts()
            if not clinician or expert == clinician
        ],
        "move": kept.get("move", ""),
        "may_book": user.holds(Role.SCHEDULER),
    }
    record(user, "schedule.listed", None, visits=len(visits), week=week)
    return render(request, "visits/staff/schedule.html", context)


def _moving(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.GET.get("move", request.POST.get("move", "")))
    except ValueError:
        return None


@staff_page(Role.SCHEDULER)
@require_http_methods(["GET", "HEAD", "POST"])
def staff_slot(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Book a time for a family, or move a visit to it."""
    user, at = staff_of(request), timezone.now()
    slot = access.slot_for_staff(user, pk)
    if slot is None:
        raise Http404
    moving = _moving(request)
    old = access.visit_for_staff(user, moving) if moving else None
    context: dict[str, Any] = {"slot": slot, "zone": slot.zone, "old": old}
    if old is not None:
        return _move(request, user, slot, old, context)
    find = FamilyForm(request.POST if "find" in request.POST else None)
    if request.method != "POST" or ("find" in request.POST and not find.is_valid()):
        return render(request, "visits/staff/slot.html", {**context, "find": find})
    address = request.POST.get("address", "")
    family = User.objects.with_address(address)
    children = (
        whose.children_to_act_for(family, at) if family and family.kind == Kind.FAMILY else []
    )
    if family is None or not children:
        find = FamilyForm({"address": address})
        find.is_valid()
        find.add_error("address", "No account with a verified child has this address.")
        return render(request, "visits/staff/slot.html", {**context, "find": find})
    if "find" in request.POST:
        form = ForFamilyForm(children=children, initial={"address": address, "state": site().state})
        return render(request, "visits/staff/slot.html", {**context, "form": form})
    form = ForFamilyForm(request.POST, children=children)
    status = 200
    if form.is_valid():
        try:
            visit = actions.confirm(
                slot_id=slot.pk, guardian=family, booking=_booking(form, slot), at=at, by=user
            )
        except Refused as refused:
            form.add_error(None, _WORDS[refused.code])
            status = 409
        else:
            messages.success(request, "Booked. The family sees it under My visits.")
            return redirect("staff_visit", pk=visit.pk)
    return render(request, "visits/staff/slot.html", {**context, "form": form}, status=status)


def _booking(form: ForFamilyForm, slot: Slot) -> Booking:
    said = form.cleaned_data
    language = said["language"]
    return Booking(
        child_id=uuid.UUID(said["child"]),
        kind=slot.kind,
        state=said["state"],
        language=language,
        other_language=said["other_language"] if language == "other" else "",
        interpreter="interpreter" in said["needs"],
        page_language="es" if language == "es" else "en",
        with_whom=said["with_whom"],
        phone=said["phone"],
    )


def _move(
    request: HttpRequest, user: User, slot: Slot, old: Appointment, context: dict[str, Any]
) -> HttpResponse:
    context["child"] = whose.child_names([old.child_id]).get(old.child_id, "")
    status = 200
    if request.method == "POST":
        given = Booking(
            child_id=old.child_id,
            kind=slot.kind,
            state=old.location_state,
            language=old.language,
            other_language=old.other_language,
            interpreter=old.interpreter,
            page_language=old.page_language,
            with_whom=old.with_whom,
            phone=old.phone,
            note=old.note,
        )
        try:
            actions.move(
                appointment=old, slot_id=slot.pk, booking=given, by=user, at=timezone.now()
            )
        except Refused as refused:
            context["refused"], status = _WORDS[refused.code], 409
        else:
            messages.success(request, "Moved. The reminders have moved with it.")
            return redirect("staff_visit", pk=old.pk)
    return render(request, "visits/staff/move.html", context, status=status)


@staff_page(Role.SCHEDULER)
@require_POST
def toggle_time(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Close a free time, or open a closed one."""
    user = staff_of(request)
    slot = access.slot_for_staff(user, pk)
    if slot is None:
        raise Http404
    try:
        if slot.state == SlotState.CLOSED:
            opening_actions.reopen_time(slot=slot, by=user)
        else:
            opening_actions.close_time(slot=slot, by=user)
    except Refused as refused:
        messages.info(request, _WORDS[refused.code])
    day = slot.starts_at.astimezone(slot.zone).date()
    return redirect(f"/staff/schedule/?day={day}")


@staff_page(*access.STAFF)
@require_http_methods(["GET", "HEAD", "POST"])
def staff_visit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one visit; sending cancels it or says what came of it."""
    user, at = staff_of(request), timezone.now()
    found = access.visit_for_staff(user, pk)
    if found is None:
        raise Http404
    status, form = 200, _outcome(found)
    if request.method == "POST":
        try:
            if "cancel" in request.POST:
                actions.cancel(appointment=found, by=user, at=at, late=True)
                messages.info(request, "Cancelled. Tell the family why, by phone or message.")
                return redirect("staff_visit", pk=found.pk)
            form = _outcome(found, request.POST)
            if form.is_valid():
                actions.mark(
                    appointment=found,
                    status=Status(form.cleaned_data["status"]),
                    seen=form.cleaned_data["seen"],
                    by=user,
                    at=at,
                )
                return redirect("staff_visit", pk=found.pk)
        except Refused as refused:
            form.full_clean()
            form.add_error(None, _WORDS[refused.code])
            status = 409
    return _detail(request, user, found, form, status)


def _outcome(found: Appointment, data: Any = None) -> OutcomeForm:
    steps = [
        (step.value, words)
        for step, words in _STEPS.items()
        if step in TRANSITIONS[found.status]
        and (step == Status.BOOKED or found.slot.starts_at <= timezone.now())
    ]
    return OutcomeForm(data, steps=steps, initial={"seen": found.status})


@transaction.atomic
def _detail(
    request: HttpRequest, user: User, found: Appointment, form: OutcomeForm, status: int
) -> HttpResponse:
    at = timezone.now()
    spoken = {"en": "English", "es": "Spanish"}.get(found.language) or found.other_language
    context = {
        "visit": found,
        "status": _STATUS[Status(found.status)],
        "kind": {"video": "Video", "phone": "Phone", "in-person": "At the clinic"}[found.kind],
        "child": whose.child_names([found.child_id]).get(found.child_id, ""),
        "zone": found.slot.zone,
        "state": STATES[found.location_state].en if found.location_state in STATES else "",
        "spoken": spoken,
        "steps": [
            (step, _STATUS[Status(step.status)])
            for step in found.steps.select_related("by").order_by("pk")
        ],
        "joins": found.joins.order_by("at"),
        "form": form if form.fields["status"].choices else None,  # type: ignore[attr-defined]  # ours
        "is_ahead": found.is_live and found.slot.starts_at > at,
        "may_join": found.kind == VisitKind.VIDEO
        and found.is_live
        and is_open(found, at)
        and video(timezone.localdate(at)) is not None
        and user.holds(Role.CLINICIAN),
        "may_move": user.holds(Role.SCHEDULER),
    }
    record(user, "visit.viewed", found)
    return render(request, "visits/staff/visit.html", context, status=status)


@staff_page(Role.CLINICIAN)
@require_safe
def staff_room(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Lead a clinician into the room as its host."""
    user, at = staff_of(request), timezone.now()
    found = access.visit_for_staff(user, pk)
    if found is None:
        raise Http404
    back_end = video(timezone.localdate(at))
    if (
        back_end is None
        or found.kind != VisitKind.VIDEO
        or not found.is_live
        or not is_open(found, at)
    ):
        return redirect("staff_visit", pk=found.pk)
    record(user, "video.hosted", found)
    return redirect(way_in(found, back_end, host=True))
