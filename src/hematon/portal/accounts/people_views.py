"""Accounts of staff, kept by administrators. English only; a second factor is asked for first."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts import actions, sessions
from hematon.portal.accounts.access import Role, confirm_first, staff_of, staff_page
from hematon.portal.accounts.people_access import get_person, people_of_staff
from hematon.portal.ui.forms import Choices, Form

_NOT_YOURSELF = "You cannot do this to your own account. Ask another administrator."
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
_only_administrators = staff_page(Role.ADMINISTRATOR)


class RolesForm(Form):
    """Asks what a person may do."""

    roles = Choices(label="Roles", choices=Role.choices, required=False)


class PersonForm(RolesForm):
    """Asks who a person is."""

    email = forms.EmailField(
        label="Work email address",
        max_length=200,
        error_messages={"required": "Enter an email address", "invalid": "Enter an email address"},
    )
    name = forms.CharField(
        label="Name",
        max_length=100,
        error_messages={"required": "Enter the name colleagues know"},
    )
    field_order = ("name", "email", "roles")


@_only_administrators
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """List the accounts of staff."""
    return render(request, "accounts/people.html", {"people": people_of_staff()})


@_only_administrators
@confirm_first
@_GET_OR_POST
def add_person(request: HttpRequest) -> HttpResponse:
    """Make an account; its password is shown on the answer to this form and nowhere else."""
    form = PersonForm(request.POST) if request.method == "POST" else PersonForm()
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            user, password = actions.create_staff(
                email=given["email"],
                name=given["name"],
                roles=[Role(role) for role in given["roles"]],
                by=staff_of(request),
            )
        except ValidationError as error:
            form.add_error("email", error)
        else:
            page = {"person": user, "password": password}
            return render(request, "accounts/person_added.html", page)
    return render(request, "accounts/add_person.html", {"form": form})


@_only_administrators
@confirm_first
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account and what can be done to it."""
    found = get_person(pk)
    held = [role.role for role in found.roles.all()]
    return render(
        request,
        "accounts/person.html",
        {
            "person": found,
            "is_self": found.pk == staff_of(request).pk,
            "has_second_factor": is_mfa_enabled(found),
            "sessions": len(sessions.current(found)),
            "form": RolesForm(initial={"roles": held}),
        },
    )


@_only_administrators
@confirm_first
@require_POST
def person_roles(request: HttpRequest, pk: int) -> HttpResponse:
    """Set what a person may do."""
    form = RolesForm(request.POST)
    found = get_person(pk)
    if form.is_valid():
        roles = [Role(role) for role in form.cleaned_data["roles"]]
        try:
            actions.set_roles(user=found, roles=roles, by=staff_of(request))
            messages.success(request, "The roles are set. They hold from the next page on.")
        except actions.WouldLockOutError:
            messages.error(request, "You cannot take the administrator's role from yourself.")
    return redirect("person", pk=pk)


def _set_active(request: HttpRequest, pk: int, *, is_active: bool, said: str) -> HttpResponse:
    try:
        actions.set_active(user=get_person(pk), is_active=is_active, by=staff_of(request))
        messages.success(request, said)
    except actions.WouldLockOutError:
        messages.error(request, _NOT_YOURSELF)
    return redirect("person", pk=pk)


@_only_administrators
@confirm_first
@require_POST
def person_disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an account."""
    said = "The account is closed. Every session of it has ended."
    return _set_active(request, pk, is_active=False, said=said)


@_only_administrators
@confirm_first
@require_POST
def person_enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a closed account again."""
    return _set_active(request, pk, is_active=True, said="The account is open again.")


@_only_administrators
@confirm_first
@require_POST
def person_forget_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop the second factor of someone who lost it, and end what is open with it."""
    found, by = get_person(pk), staff_of(request)
    if found.pk == by.pk:
        messages.error(request, _NOT_YOURSELF)
    else:
        actions.forget_second_factor(user=found, by=by)
        actions.end_sessions(user=found, by=by)
        messages.success(request, "Forgotten. The next sign-in sets up a new one.")
    return redirect("person", pk=pk)


@_only_administrators
@confirm_first
@require_POST
def person_end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """End every session of a person."""
    ended = actions.end_sessions(user=get_person(pk), by=staff_of(request))
    messages.success(request, f"Sessions ended: {ended}.")
    return redirect("person", pk=pk)
