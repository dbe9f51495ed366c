"""What families and referring clinicians see and change of their own account."""

from __future__ import annotations

from uuid import UUID

from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts import codes, deletion, own_account, sessions
from hematon.portal.accounts.access import (
    account_of,
    account_page,
    confirm_first,
    family_of,
    family_page,
)
from hematon.portal.accounts.codes import Asked, Entered
from hematon.portal.accounts.family_forms import AddPasskey, CodeForm, NewAddressForm, UsePasskey
from hematon.portal.accounts.models import Kind, Purpose, address_index
from hematon.portal.accounts.sign_in_views import (
    home_of,
    not_sent,
    passkey_refused,
    refusal,
    safe_next,
)
from hematon.portal.ui.family_home import panels
from hematon.portal.ui.views import too_many

_AFTER = "after_confirm"
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@family_page
@require_safe
def my_home(request: HttpRequest) -> HttpResponse:
    """Show a family what waits for it: requests, visits, children."""
    shown = panels(family_of(request), timezone.now())
    return render(request, "accounts/my_home.html", {"panels": shown})


@account_page
@require_safe
def my_access(request: HttpRequest) -> HttpResponse:
    """S26: the address, passkeys and sessions of the person, and where to change them."""
    user = account_of(request)
    return render(
        request,
        "accounts/my_access.html",
        {
            "address": user.address.text,
            "is_family": user.kind == Kind.FAMILY,
            "passkeys": own_account.passkeys(user),
            "sessions": sessions.current(user),
            "own_session": sessions.own_row(request),
        },
    )


@account_page
@_GET_OR_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Offer to show once more who one is: a code to the own address, or a passkey."""
    user = account_of(request)
    error = ""
    place = safe_next(request, request.POST.get("next", request.GET.get("next", "")))
    if request.method == "POST":
        asked = codes.ask(
            request, purpose=Purpose.CONFIRM, kind=Kind(user.kind), address=user.address.text
        )
        if asked == Asked.TOO_MANY:
            return too_many(request)
        if asked == Asked.SENT:
            request.session[_AFTER] = place
            return redirect("account_confirm_code")
        error = not_sent()
    has_passkey = bool(own_account.passkeys(user))
    options = {"request_options": auth.begin_authentication(user)} if has_passkey else {}
    return render(
        request,
        "accounts/confirm.html",
        {"next": place, "error": error, "has_passkey": has_passkey, "js_data": options},
    )


@account_page
@_GET_OR_POST
def confirm_code(request: HttpRequest) -> HttpResponse:
    """Take the code that confirms."""
    user = account_of(request)
    waiting = codes.pending(request, Purpose.CONFIRM)
    if waiting is None or not _is_of(waiting.address, user.address.index, Kind(user.kind)):
        return redirect("account_confirm")
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm()
    if form.is_bound and form.is_valid():
        entered, row = codes.enter(request, purpose=Purpose.CONFIRM, code=form.cleaned_data["code"])
        if entered == Entered.TOO_MANY:
            return too_many(request)
        if row is not None:
            sessions.confirm(request)
            place = request.session.pop(_AFTER, "")
            return redirect(safe_next(request, place) or home_of(user))
        form.add_error("code", refusal(entered))
    page = {"address": waiting.address, "again": reverse("account_confirm")}
    return render(request, "accounts/code.html", {"form": form, **page})


def _is_of(address: str, index: str, kind: Kind) -> bool:
    return address_index(address, kind) == index


@account_page
@require_POST
def confirm_passkey(request: HttpRequest) -> HttpResponse:
    """Take the answer of a passkey that confirms."""
    user = account_of(request)
    form = UsePasskey(request.POST, user=user)
    place = safe_next(request, request.POST.get("next", ""))
    if not form.is_valid():
        messages.error(request, passkey_refused())
        return redirect("account_confirm")
    post_authentication(request, form.cleaned_data["credential"], reauthenticated=True)
    return redirect(place or home_of(user))


@account_page
@confirm_first
@_GET_OR_POST
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Add a passkey that this device or a key makes."""
    user = account_of(request)
    form = AddPasskey(request.POST) if request.method == "POST" else AddPasskey()
    if form.is_bound:
        if form.is_valid():
            own_account.add_passkey(user=user, credential=form.cleaned_data["credential"])
            messages.success(
                request, _("Your passkey is ready. Next time you can sign in with it.")
            )
            return redirect("my_access")
        messages.error(request, _("The passkey could not be added. Please try again."))
    options = {"creation_options": auth.begin_registration(user, passwordless=True)}
    return render(request, "accounts/add_passkey.html", {"js_data": options})


@account_page
@confirm_first
@_GET_OR_POST
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more, then remove a passkey."""
    user = account_of(request)
    passkey = next((p for p in own_account.passkeys(user) if p.pk == pk), None)
    if passkey is None:
        raise Http404
    if request.method == "POST":
        own_account.remove_passkey(user=user, passkey=passkey)
        messages.success(request, _("The passkey was removed."))
        return redirect("my_access")
    return render(request, "accounts/remove_passkey.html", {"passkey": _numbered(passkey)})


def _numbered(passkey: Authenticator) -> str:
    return str(passkey.wrap().name)


@account_page
@confirm_first
@_GET_OR_POST
def change_address(request: HttpRequest) -> HttpResponse:
    """Ask for another address and send a code there."""
    user = account_of(request)
    form = NewAddressForm(request.POST) if request.method == "POST" else NewAddressForm()
    if form.is_bound and form.is_valid():
        address = form.cleaned_data["address"]
        asked = codes.ask(
            request, purpose=Purpose.CHANGE_ADDRESS, kind=Kind(user.kind), address=address
        )
        if asked == Asked.TOO_MANY:
            return too_many(request)
        if asked == Asked.SENT:
            return redirect("new_address_code")
        form.add_error("address", not_sent())
    return render(request, "accounts/change_address.html", {"form": form})


@account_page
@confirm_first
@_GET_OR_POST
def new_address_code(request: HttpRequest) -> HttpResponse:
    """Take the code from the new address and use that address from now on."""
    user = account_of(request)
    waiting = codes.pending(request, Purpose.CHANGE_ADDRESS)
    if waiting is None or waiting.kind != user.kind:
        return redirect("change_address")
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm()
    if form.is_bound and form.is_valid():
        entered, row = codes.enter(
            request, purpose=Purpose.CHANGE_ADDRESS, code=form.cleaned_data["code"]
        )
        if entered == Entered.TOO_MANY:
            return too_many(request)
        if row is not None:
            try:
                own_account.change_address(user=user, address=row.address)
            except own_account.AddressTakenError:
                messages.error(request, _("This address cannot be used. Please try another one."))
                return redirect("change_address")
            messages.success(request, _("Your email address was changed."))
            return redirect("my_access")
        form.add_error("code", refusal(entered))
    page = {"address": waiting.address, "again": reverse("change_address")}
    return render(request, "accounts/code.html", {"form": form, **page})


@account_page
@require_POST
def end_session(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End one of the person's sessions; another's is not there."""
    user = account_of(request)
    if not own_account.end_sessions(user=user, by=user, only=pk):
        raise Http404
    messages.success(request, _("That browser is signed out."))
    return redirect("my_access")


@account_page
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End every session of the person but this one."""
    user = account_of(request)
    own_account.end_sessions(user=user, by=user, but=sessions.own_row(request))
    messages.success(request, _("All other browsers are signed out."))
    return redirect("my_access")


@account_page
@confirm_first
@_GET_OR_POST
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete the account, or say why it cannot be."""
    user = account_of(request)
    if request.method == "POST" and own_account.delete_account(user=user):
        logout(request)
        messages.success(request, _("Your account is deleted."))
        return redirect("home")
    return render(request, "accounts/delete.html", {"reasons": deletion.reasons_to_stay(user)})
