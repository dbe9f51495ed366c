"""Requests to be called, for the intake team: who is owed a call, and what came of it."""

from __future__ import annotations

import uuid

from django import forms
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import access, actions
from hematon.portal.care.models import Case
from hematon.portal.care.reference import read_reference
from hematon.portal.care.refused import NotInThisState
from hematon.portal.care.status import Kind
from hematon.portal.care.summary import answers_of_call, attached_counts
from hematon.portal.ui.forms import Choice, Form
from hematon.portal.ui.site import site

PAGE_SIZE = 25


class ReferenceForm(Form):
    """Finding what a family on the phone names."""

    reference = forms.CharField(
        label="Reference", widget=forms.TextInput(attrs={"class": "nhsuk-input--width-10"})
    )

    def clean_reference(self) -> str:
        """Take the number however it was typed; say when a character is wrong."""
        kept = read_reference(self.cleaned_data["reference"])
        if kept is None:
            raise forms.ValidationError(
                "That is not a reference: a character is wrong or missing. Read it back, "
                "8 characters after HM."
            )
        return kept


class OutcomeForm(Form):
    """What came of a call."""

    outcome = Choice(
        label="What came of the call?",
        choices=[("reached", "Called"), ("not-reached", "Could not reach")],
        error_messages={"required": "Choose what came of the call."},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)


@staff_page(Role.INTAKE)
@require_safe
def callbacks(request: HttpRequest) -> HttpResponse:
    """List requests: those owed a call by when it is due, or those called."""
    user = staff_of(request)
    find = ReferenceForm(request.GET) if "reference" in request.GET else ReferenceForm()
    if find.is_bound and find.is_valid():
        found = access.by_reference(user, find.cleaned_data["reference"])
        if found is not None:
            return redirect("callback_request", pk=found.pk)
        find.add_error("reference", "No request has this reference.")
    is_open = request.GET.get("show") != "called"
    page = Paginator(access.calls_for(user, is_open=is_open), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    record(user, "case.listed", None, shown=len(page), page=page.number, is_open=is_open)
    context = {
        "page": page,
        "calls": [(case, answers_of_call(case.answers)) for case in page],
        "is_open": is_open,
        "find": find,
        "now": timezone.now(),
        "zone": site().zone,
    }
    return render(request, "care/staff/callbacks.html", context)


@staff_page(Role.INTAKE)
@require_http_methods(["GET", "HEAD", "POST"])
def callback_request(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one request; sending records what came of a call."""
    user = staff_of(request)
    found = _call(user, pk)
    if found is None:
        raise Http404
    form = OutcomeForm(initial={"seen": found.revision})
    status = 200
    if request.method == "POST":
        form = OutcomeForm(request.POST)
        if form.is_valid():
            try:
                actions.mark(
                    case=found,
                    reached=form.cleaned_data["outcome"] == "reached",
                    seen=form.cleaned_data["seen"],
                    by=user,
                    at=timezone.now(),
                )
            except NotInThisState:
                form = OutcomeForm(request.POST, initial={"seen": found.revision})
                form.add_error(None, "This request has moved on since you opened it. See below.")
                status = 409
            else:
                return redirect("callbacks")
    return _detail(request, found, form, status)


def _call(user: User, pk: uuid.UUID) -> Case | None:
    found = access.get_case(user, pk)
    return found if found is not None and found.kind == Kind.CALL else None


@transaction.atomic
def _detail(request: HttpRequest, found: Case, form: OutcomeForm, status: int) -> HttpResponse:
    record(staff_of(request), "case.viewed", found)
    found.refresh_from_db()
    context = {
        "found": found,
        "form": form,
        "answers": answers_of_call(found.answers),
        "steps": found.steps.select_related("by"),
        "counts": attached_counts(found.answers["counts"]),
        "now": timezone.now(),
        "zone": site().zone,
    }
    return render(request, "care/staff/callback_request.html", context, status=status)
