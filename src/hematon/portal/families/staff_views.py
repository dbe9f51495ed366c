"""Who may see a child, for the intake team: what waits, and every link with its history."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.families import access, actions, ages, words
from hematon.portal.families.models import Child, Granted, Guardianship, Proof
from hematon.portal.families.record_number import TakenByAnother, set_record_number
from hematon.portal.families.staff_forms import NEW, DecideForm, RecordNumberForm, offered
from hematon.portal.programme.rules import current, signature
from hematon.portal.programme.shapes import AgeRules
from hematon.portal.ui.site import site

PAGE_SIZE = 25
REFUSED = {
    actions.NotInThisState: "This has moved on since you opened it, or it cannot be done to it. "
    "See the history below.",
    actions.Disputed: "A dispute about this child stops it. Settle or end the stopped links first.",
    actions.TooYoung: "The patient is too young for access of their own by the age rules.",
    actions.NotPermitted: "The age rules do not allow this.",
}


@staff_page(Role.INTAKE)
@require_safe
def access_requests(request: HttpRequest) -> HttpResponse:
    """List what waits for a decision, the soonest due first."""
    user = staff_of(request)
    page = Paginator(access.queue(user), PAGE_SIZE).get_page(request.GET.get("page"))
    record(user, "guardian.listed", None, shown=len(page), page=page.number)
    context = {"page": page, "now": timezone.now(), "zone": site().zone}
    return render(request, "families/staff/access_requests.html", context)


@staff_page(Role.INTAKE)
@require_http_methods(["GET", "HEAD", "POST"])
def access_request(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one link with its child; sending decides."""
    user, at = staff_of(request), timezone.now()
    link = access.staff_link(user, pk)
    if link is None:
        raise Http404
    rules, found = current(AgeRules), access.candidates(link.child)
    form, status = DecideForm(link=link, candidates=found, rules=rules), 200
    if request.method == "POST":
        form = DecideForm(request.POST, link=link, candidates=found, rules=rules)
        if form.is_valid():
            try:
                _decide(form, link, user, at)
            except actions.ActionRefused as error:
                form.add_error(None, REFUSED[type(error)])
                status = 409
            else:
                return redirect("access_request", pk=link.pk)
    return _detail(request, link, form, status)


def _decide(form: DecideForm, link: Guardianship, by: User, at: datetime) -> None:
    given = form.cleaned_data
    said = {"reason": given["reason"], "by": by, "at": at}
    match given["act"]:
        case "confirm":
            chosen = given.get("child") or NEW
            actions.confirm(
                link=link,
                proof_kind=Proof(given["proof_kind"]),
                granted=Granted(given["granted"] or Granted.FULL),
                by=by,
                at=at,
                child=None if chosen == NEW else form.candidates[chosen],
                expires_at=form.ends_at(),
            )
        case "refuse":
            actions.refuse(link=link, **said)
        case "end":
            actions.end(link=link, **said)
        case "keep":
            actions.keep(link=link, **said)
        case "lock":
            actions.lock(child=link.child, **said)
        case "unlock":
            actions.unlock(link=link, **said)
        case "override":
            until = form.ends_at()
            if until is None:
                raise actions.NotInThisState
            actions.override(link=link, until=until, **said)


@transaction.atomic
def _detail(
    request: HttpRequest, link: Guardianship, form: DecideForm, status: int
) -> HttpResponse:
    user, at = staff_of(request), timezone.now()
    record(user, "guardian.viewed", link)
    fresh = access.staff_link(user, link.pk)
    if fresh is None:
        raise Http404
    context = {
        "link": fresh,
        "form": form,
        "decides": bool(offered(fresh, current(AgeRules))),
        "gives": words.sees(fresh, at),
        "until": words.until(fresh, at),
        "years": _years(fresh.child, at),
        "signed": signature(AgeRules),
        "steps": access.history_of(fresh),
        "now": at,
        "zone": site().zone,
    }
    return render(request, "families/staff/access_request.html", context, status=status)


@staff_page(Role.INTAKE)
@require_http_methods(["GET", "HEAD", "POST"])
def staff_child(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a child with every link and every step; sending keeps the hospital's number."""
    user = staff_of(request)
    child = access.staff_child(user, pk)
    if child is None:
        raise Http404
    form, other, status = RecordNumberForm(child=child), None, 200
    if request.method == "POST":
        form = RecordNumberForm(request.POST, child=child)
        if form.is_valid():
            try:
                set_record_number(child=child, by=user, **form.cleaned_data)
            except TakenByAnother as error:
                form.add_error("number", "Another child here has this number. See below.")
                other, status = error.other, 409
            except actions.NotInThisState:
                form.add_error(None, "Somebody else set the number meanwhile. Open the page again.")
                status = 409
            else:
                messages.success(request, "The number was kept.")
                return redirect("staff_child", pk=pk)
    return _child(request, child, form, other, status)


@transaction.atomic
def _child(
    request: HttpRequest, child: Child, form: RecordNumberForm, other: Child | None, status: int
) -> HttpResponse:
    user, at = staff_of(request), timezone.now()
    record(user, "child.viewed", child)
    every = access.every_link(child)
    context = {
        "child": child,
        "form": form,
        "other": other,
        "years": _years(child, at),
        "links": [(link, words.sees(link, at), words.until(link, at)) for link in every],
        "steps": access.history(child),
        "signed": signature(AgeRules),
        "zone": site().zone,
    }
    return render(request, "families/staff/child.html", context, status=status)


def _years(child: Child, at: datetime) -> int:
    """Give how old the child is on the programme's wall."""
    rules, zone = current(AgeRules), site().zone
    born: date = child.birth_date
    years = at.astimezone(zone).year - born.year
    return years if ages.has_reached(born, max(years, 0), at, rules, zone) else max(years - 1, 0)
