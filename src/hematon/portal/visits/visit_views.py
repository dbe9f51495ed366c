"""A family's own visits: seeing, changing, cancelling, joining and reviewing them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.directory.access import today
from hematon.portal.directory.actions import ActionRefusedError, mint_review_link
from hematon.portal.ui.forms import Form
from hematon.portal.ui.site import site
from hematon.portal.visits import access, actions, booking, whose
from hematon.portal.visits.booking_forms import JoinAndAgreementForm, JoinForm
from hematon.portal.visits.booking_views import agreement_of
from hematon.portal.visits.consent import consent
from hematon.portal.visits.finding import Refused, may_see
from hematon.portal.visits.ics import CONTENT_TYPE, Words, calendar
from hematon.portal.visits.models import Appointment, JoinAnswer, Status, VisitKind
from hematon.portal.visits.states import STATES
from hematon.portal.visits.video import is_open, video, way_in

TOLD_FOR = timedelta(minutes=30)
"""How long an answer at the door holds; a child can travel far in a day."""


def _visit(request: HttpRequest, pk: uuid.UUID) -> Appointment:
    found = access.get_visit(family_of(request), pk, timezone.now())
    if found is None:
        raise Http404
    return found


def _own_visit(request: HttpRequest, pk: uuid.UUID) -> Appointment:
    """Give a visit that the person may change or join; a minor only sees its own."""
    found = _visit(request, pk)
    if not whose.may_act(family_of(request), found.child_id, timezone.now()):
        raise Http404
    return found


def _names(user: User, at: datetime) -> dict[uuid.UUID, str]:
    return {child.pk: child.name for child in whose.children_of(user, at)}


@family_page
@require_safe
def my_visits(request: HttpRequest) -> HttpResponse:
    """List the visits to come, and those that were."""
    user, at = family_of(request), timezone.now()
    names = _names(user, at)
    rows = [(visit, names[visit.child_id]) for visit in access.visits_of(user, at)]
    ahead = [row for row in rows if row[0].is_live and row[0].slot.ends_at > at]
    context = {
        "ahead": ahead,
        "past": [row for row in reversed(rows) if row not in ahead],
    }
    return render(request, "visits/booking/my_visits.html", context)


@family_page
@require_safe
def visit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one visit and what can be done with it."""
    found, at = _visit(request, pk), timezone.now()
    context = {
        "visit": found,
        "child": _names(family_of(request), at)[found.child_id],
        "state": STATES.get(found.location_state, ""),
        "may_act": whose.may_act(family_of(request), found.child_id, at),
        "is_ahead": found.is_live and found.slot.starts_at > at,
        "is_open": found.is_live and is_open(found, at),
        "may_review": found.status == Status.COMPLETED and found.slot.clinician.is_surveyed,
    }
    return render(request, "visits/booking/visit.html", context)


@family_page
@require_safe
def visit_calendar(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the calendar entry."""
    found = _visit(request, pk)
    step = found.steps.order_by("-pk").first()
    words = Words(
        summary=_("Appointment"),
        description=_("Sign in to see the details."),
        place=str(site().address),
    )
    content = calendar(
        found,
        words=words,
        page=request.build_absolute_uri(reverse("visit", kwargs={"pk": found.pk})),
        organizer=request.build_absolute_uri("/"),
        changed_at=step.at if step else found.made_at,
    )
    return HttpResponse(
        content,
        content_type=CONTENT_TYPE,
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def visit_change(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what a change means; sending leads to the days. The old time stays until then."""
    found = _own_visit(request, pk)
    if not found.is_live or found.slot.starts_at <= timezone.now():
        messages.info(request, Refused("not_now").words)
        return redirect("visit", pk=found.pk)
    if request.method == "POST":
        booking.begin_move(request, found)
        return redirect("book_days")
    return render(request, "visits/booking/change.html", {"visit": found})


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def visit_cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once more, then cancel."""
    found = _own_visit(request, pk)
    if request.method == "POST":
        try:
            actions.cancel(appointment=found, by=family_of(request), at=timezone.now())
        except Refused as refused:
            messages.info(request, refused.words)
        else:
            messages.success(request, _("Your visit is cancelled."))
        return redirect("visit", pk=found.pk)
    if not found.is_live or found.slot.starts_at <= timezone.now():
        messages.info(request, Refused("not_now").words)
        return redirect("visit", pk=found.pk)
    return render(request, "visits/booking/cancel.html", {"visit": found})


# --- at the door ---------------------------------------------------------------------------------


def _told(found: Appointment, user: User, at: datetime) -> JoinAnswer | None:
    return access.place_told(found, user, at - TOLD_FOR)


def _needs_agreement(found: Appointment, user: User) -> bool:
    return access.agreed(user, found.child_id, consent().version) is None


def _fits(found: Appointment, state: str, at: datetime) -> bool:
    day = at.astimezone(found.slot.zone).date()
    return may_see(found.slot.clinician, kind=found.kind, state=state, day=day)


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def visit_join(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask where the child is and who is there; then the way in, or a phone number."""
    found, user, at = _own_visit(request, pk), family_of(request), timezone.now()
    if found.kind != VisitKind.VIDEO or not found.is_live:
        return redirect("visit", pk=found.pk)
    context: dict[str, Any] = {"visit": found, "back": reverse("visit", kwargs={"pk": found.pk})}
    if not is_open(found, at):
        early = at < found.slot.starts_at
        return render(request, "visits/booking/not_open.html", {**context, "early": early})
    if video(timezone.localdate(at)) is None:
        return render(request, "visits/booking/by_phone.html", {**context, "why": "off"})
    needed = _needs_agreement(found, user)
    kind = JoinAndAgreementForm if needed else JoinForm
    form: Form = kind()
    if request.method == "POST":
        form = kind(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            if needed:
                actions.agree(appointment=found, agreement=agreement_of(said), by=user, at=at)
            actions.answer_at_join(
                appointment=found,
                state=said["where"],
                with_whom=said["with_whom"],
                fits=_fits(found, said["where"], at),
                by=user,
                at=at,
            )
            return redirect("visit_join", pk=found.pk)
    told = _told(found, user, at)
    if told is not None and not needed and request.method != "POST" and "again" not in request.GET:
        context["place"] = STATES.get(told.state, _("Another place"))
        if not (told.fits and _fits(found, told.state, at)):
            return render(request, "visits/booking/by_phone.html", {**context, "why": "place"})
        return render(request, "visits/booking/ready.html", context)
    context |= {
        "form": form,
        "title": _("Before you join"),
        "points": consent().points if needed else (),
    }
    return render(request, "visits/booking/join.html", context)


@family_page
@require_safe
def visit_room(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make the way in and lead there; everything is looked at once more.

    A link and not a form: the policy of forms lets none lead to another host.
    """
    found, user, at = _own_visit(request, pk), family_of(request), timezone.now()
    told, back_end = _told(found, user, at), video(timezone.localdate(at))
    may = (
        found.kind == VisitKind.VIDEO
        and found.is_live
        and is_open(found, at)
        and back_end is not None
        and not _needs_agreement(found, user)
        and told is not None
        and told.fits
        and _fits(found, told.state, at)
    )
    if not may or back_end is None:
        return redirect("visit_join", pk=found.pk)
    record(user, "video.joined", found)
    return redirect(way_in(found, back_end, host=False))


@family_page
@require_POST
def visit_review(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make a link to a review of a completed visit, and open it."""
    found = _own_visit(request, pk)
    if found.status != Status.COMPLETED:
        raise Http404
    try:
        token = mint_review_link(
            expert=found.slot.clinician,
            # Of a child, so that two guardians have one between them.
            family_key=f"child:{found.child_id}",
            visited_on=found.slot.starts_at.astimezone(found.slot.zone).date(),
            on=today(),
        )
    except ActionRefusedError:
        messages.info(
            request, _("You have been asked about this expert lately, or reviews are closed.")
        )
        return redirect("visit", pk=found.pk)
    return redirect("review", token=token)
