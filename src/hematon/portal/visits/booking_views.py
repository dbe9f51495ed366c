"""Booking for families: where, which child, how, which language; then a day, a time, and yes."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.accounts.models import User
from hematon.portal.families.models import Child
from hematon.portal.ui.forms import Form
from hematon.portal.visits import access, actions, booking, finding, holding, whose
from hematon.portal.visits.actions import Agreement
from hematon.portal.visits.booking_forms import DetailsAndAgreementForm, DetailsForm, TimeForm
from hematon.portal.visits.consent import consent
from hematon.portal.visits.finding import Refused
from hematon.portal.visits.models import Appointment, Slot, VisitKind
from hematon.portal.visits.rules import licensed_states
from hematon.portal.visits.states import STATES
from hematon.portal.visits.video import video

DAYS_A_PAGE = 8


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """Say what is asked; sending begins."""
    user = family_of(request)
    children = whose.children_to_act_for(user, timezone.now())
    if request.method == "POST" and children:
        booking.begin(request)
        return booking.journey(request, user).missing(request) or redirect("book_days")
    return render(request, "visits/booking/start.html", {"children": children})


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def book_question(request: HttpRequest, key: str) -> HttpResponse:
    """Ask one question."""
    user = family_of(request)
    if not whose.children_to_act_for(user, timezone.now()):
        return redirect("book")
    return booking.journey(request, user).page(
        request,
        key,
        video_is_on=video(timezone.localdate()) is not None,
        states=", ".join(sorted(str(STATES[key]) for key in licensed_states())),
    )


def _ready(request: HttpRequest, user: User) -> HttpResponseRedirect | None:
    """Give where to go while something is still to be answered."""
    row = booking.journey(request, user)
    if missing := row.missing(request):
        return missing
    # A kind or a child that is possible no longer is asked for again.
    for key in ("child", "kind"):
        question = next(q for q in row.questions if q.key == key)
        given = row.answers(request).get(key)
        if given is not None and not question.form(given).is_valid():
            return redirect("book_question", key=key)
    if booking.child_of(row.answers(request), user) is None:
        return redirect("book")
    return None


@family_page
@require_safe
def book_days(request: HttpRequest) -> HttpResponse:
    """List the days with times."""
    user = family_of(request)
    if away := _ready(request, user):
        return away
    answers = booking.journey(request, user).answers(request)
    days = finding.days_ahead(booking.wanted(answers))
    later = _day(request.GET.get("from", ""))
    start = next((n for n, day in enumerate(days) if later and day.date >= later), 0)
    shown = days[start : start + DAYS_A_PAGE]
    context = {
        "days": shown,
        "earlier": days[max(0, start - DAYS_A_PAGE)].date if start else None,
        "later": days[start + DAYS_A_PAGE].date if len(days) > start + DAYS_A_PAGE else None,
        "rows": _rows(answers, user),
        "moving": booking.moving(request),
        "weeks": finding.AHEAD_DAYS // 7,
    }
    return render(request, "visits/booking/days.html", context)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def book_times(request: HttpRequest, day: str) -> HttpResponse:
    """Show the times of one day; sending holds one."""
    user = family_of(request)
    if away := _ready(request, user):
        return away
    chosen = _day(day)
    if chosen is None:
        raise Http404
    answers = booking.journey(request, user).answers(request)
    wanted = booking.wanted(answers)
    status, form = 200, TimeForm(slots=finding.on_day(wanted, chosen))
    if request.method == "POST":
        form = TimeForm(request.POST, slots=_with_own(wanted, chosen, request, user))
        if form.is_valid():
            try:
                slot = holding.hold(slot_id=form.cleaned_data["slot"], wanted=wanted, by=user)
            except Refused as refused:
                # What is still free now, and the reason above it.
                form = TimeForm(request.POST, slots=finding.on_day(wanted, chosen))
                form.full_clean()
                form.errors.pop("slot", None)
                form.add_error("slot", refused.words)
                status = 409
            else:
                booking.keep_slot(request, slot.pk)
                return redirect("book_confirm")
        elif form.has_error("slot", "invalid_choice"):
            status = 409
    context = {
        "form": form,
        "day": chosen,
        "title": _("Choose a time"),
        "back": reverse("book_days"),
    }
    return render(request, "visits/booking/times.html", context, status=status)


def _with_own(wanted: finding.Wanted, day: date, request: HttpRequest, user: User) -> list[Slot]:
    """Give the free times, and the one the person holds: choosing it again is no mistake."""
    own = access.held_by(user, booking.chosen_slot(request), wanted.at)
    return finding.on_day(wanted, day) + ([own] if own else [])


def _rows(answers: Any, user: User) -> list[dict[str, str]]:
    """Give what was answered, each with the way to change it."""
    wanted, child = booking.wanted(answers), booking.child_of(answers, user)
    several = "child" in answers
    language = answers["language"]
    names = {"en": _("English"), "es": _("Spanish")}
    spoken = names.get(language["language"]) or language.get("other_language", "")
    if wanted.interpreter:
        spoken = _("%(language)s, with an interpreter") % {"language": spoken}
    kind = VisitKind(wanted.kind).label
    found = [
        ("where", _("Your child will be in"), str(STATES.get(wanted.state, _("Another place")))),
        ("child", _("Child"), child.name if child else ""),
        ("kind", _("Kind of visit"), str(kind)),
        ("language", _("Language"), spoken),
    ]
    return [
        {
            "name": name,
            "value": value,
            "change": reverse("book_question", kwargs={"key": key})
            if key != "child" or several
            else "",
        }
        for key, name, value in found
    ]


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def book_confirm(request: HttpRequest) -> HttpResponse:
    """Show what is to be booked, ask who comes, and book it."""
    user = family_of(request)
    if away := _ready(request, user):
        return away
    at = timezone.now()
    answers = booking.journey(request, user).answers(request)
    child = booking.child_of(answers, user)
    chosen = booking.chosen_slot(request)
    slot = access.held_by(user, chosen, at)
    if child is None or not chosen or (slot is None and request.method != "POST"):
        return _lapsed(request)
    old = _moving(request, user)
    needed = _needs_agreement(user, child, booking.wanted(answers).kind)
    kind = DetailsAndAgreementForm if needed else DetailsForm
    status = 200
    form: Form = kind(initial=_known(old))
    if request.method == "POST":
        form = kind(request.POST)
        if form.is_valid():
            try:
                visit = _book(request, user, child, answers, form.cleaned_data, needed)
            except Refused as refused:
                if access.held_by(user, chosen, at) is None:
                    messages.info(request, refused.words)
                    return redirect("book_days")
                form.add_error(None, refused.words)
                status = 409
            else:
                booking.forget(request)
                messages.success(request, _("Your visit is booked."))
                return redirect("visit", pk=visit.pk)
        elif slot is None:
            return _lapsed(request)
    context = {
        "form": form,
        "slot": slot,
        "rows": _rows(answers, user),
        "seconds": max(0, int((slot.held_until - at).total_seconds()))
        if slot and slot.held_until
        else 0,
        "points": consent().points if needed else (),
        "old": old,
        "change_time": reverse("book_days"),
    }
    return render(request, "visits/booking/confirm.html", context, status=status)


def _lapsed(request: HttpRequest) -> HttpResponse:
    messages.info(request, Refused("hold").words)
    return redirect("book_days")


def _moving(request: HttpRequest, user: User) -> Appointment | None:
    pk = booking.moving(request)
    return access.get_visit(user, pk, timezone.now()) if pk else None


def _known(old: Appointment | None) -> dict[str, str]:
    if old is None:
        return {}
    return {"with_whom": old.with_whom, "phone": old.phone, "note": old.note}


def _needs_agreement(user: User, child: Child, kind: str) -> bool:
    return kind == VisitKind.VIDEO and access.agreed(user, child.pk, consent().version) is None


def agreement_of(said: dict[str, Any]) -> Agreement:
    """Give what was agreed to, from a form with the agreement's fields."""
    return Agreement(said["name"], said["relationship"], consent().version, get_language() or "en")


def _book(
    request: HttpRequest,
    user: User,
    child: Child,
    answers: Any,
    said: dict[str, Any],
    needed: bool,
) -> Appointment:
    slot_id, at = booking.chosen_slot(request), timezone.now()
    given = booking.booking(answers, child, said)
    old = _moving(request, user)
    if booking.moving(request) and old is None:
        raise Refused("not_now")
    if old is not None:
        if needed:
            actions.agree(appointment=old, agreement=agreement_of(said), by=user, at=at)
        return actions.move(
            appointment=old, slot_id=uuid.UUID(slot_id), booking=given, by=user, at=at
        )
    return actions.confirm(
        slot_id=uuid.UUID(slot_id),
        guardian=user,
        booking=given,
        at=at,
        agreement=agreement_of(said) if needed else None,
        needs_agreement=needed,
    )


@family_page
@require_POST
def book_extend(request: HttpRequest) -> HttpResponse:
    """Hold the time for 10 more minutes; a script asks and gets the seconds."""
    user = family_of(request)
    chosen = booking.chosen_slot(request)
    held = access.held_by(user, chosen, timezone.now()) if chosen else None
    try:
        if held is None:
            raise Refused("hold")
        holding.extend(slot_id=held.pk, by=user, at=timezone.now())
    except Refused:
        if request.headers.get("Accept") == "application/json":
            return HttpResponse(status=409)
        return _lapsed(request)
    if request.headers.get("Accept") == "application/json":
        return HttpResponse(status=204)
    return redirect("book_confirm")


@family_page
@require_POST
def book_release(request: HttpRequest) -> HttpResponse:
    """Give the time back and choose another."""
    holding.release(by=family_of(request), at=timezone.now())
    return redirect("book_days")
