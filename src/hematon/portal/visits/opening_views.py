"""Opening rules and closures, for schedulers."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.directory.access import listed_experts, today
from hematon.portal.directory.models import Expert
from hematon.portal.ui.site import site
from hematon.portal.visits import access, opening_actions
from hematon.portal.visits.staff_forms import WEEKDAYS, ClosureForm, RuleForm


def experts() -> list[Expert]:
    """Give the clinicians who can have times."""
    return list(listed_experts(today()))


def expert_with(slug: str) -> Expert | None:
    """Give one of them; None for everyone."""
    return next((expert for expert in experts() if expert.slug == slug), None)


@staff_page(Role.SCHEDULER)
@require_http_methods(["GET", "HEAD", "POST"])
def opening_rules(request: HttpRequest) -> HttpResponse:
    """List the rules; sending adds one and makes its times."""
    user = staff_of(request)
    form = RuleForm(experts=experts(), initial={"first_day": today()})
    if request.method == "POST":
        form = RuleForm(request.POST, experts=experts())
        clinician = form.is_valid() and expert_with(form.cleaned_data["clinician"])
        if clinician:
            rule = opening_actions.add_rule(
                clinician=clinician,
                opening=form.opening(),
                kind=form.cleaned_data["kind"],
                interpreter_hours=form.cleaned_data["interpreter_hours"],
                by=user,
                at=timezone.now(),
            )
            messages.success(request, f"Added, with {rule.slots.count()} times.")
            return redirect("opening_rules")
    rows = [
        (rule, ", ".join(WEEKDAYS[number] for number in rule.weekdays))
        for rule in access.rules_for(user)
    ]
    context = {"form": form, "rows": rows, "zone": site().time_zone}
    return render(request, "visits/staff/opening_rules.html", context)


@staff_page(Role.SCHEDULER)
@require_POST
def withdraw_rule(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a rule back."""
    user = staff_of(request)
    rule = access.rules_for(user).filter(pk=pk).first()
    if rule is None:
        raise Http404
    booked = opening_actions.withdraw_rule(rule=rule, by=user, at=timezone.now())
    messages.info(request, f"Taken back. {_booked(booked)}")
    return redirect("opening_rules")


def _booked(number: int) -> str:
    if not number:
        return "No visit stands in it."
    return f"{number} booked visits stand in it: move them, or call the families."


@staff_page(Role.SCHEDULER)
@require_http_methods(["GET", "HEAD", "POST"])
def closures(request: HttpRequest) -> HttpResponse:
    """List the closures; sending adds one."""
    user = staff_of(request)
    form = ClosureForm(experts=experts())
    if request.method == "POST":
        form = ClosureForm(request.POST, experts=experts())
        if form.is_valid():
            _, booked = opening_actions.close_days(
                clinician=expert_with(form.cleaned_data["clinician"]),
                first=form.cleaned_data["first_day"],
                last=form.cleaned_data["last_day"],
                by=user,
                at=timezone.now(),
            )
            messages.info(request, f"Closed. {_booked(booked)}")
            return redirect("closures")
    context = {"form": form, "rows": access.closures_for(user)}
    return render(request, "visits/staff/closures.html", context)


@staff_page(Role.SCHEDULER)
@require_POST
def lift_closure(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Open the days again."""
    user = staff_of(request)
    closure = access.closures_for(user).filter(pk=pk).first()
    if closure is None:
        raise Http404
    opening_actions.lift_closure(closure=closure, by=user, at=timezone.now())
    messages.info(request, "Open again.")
    return redirect("closures")
