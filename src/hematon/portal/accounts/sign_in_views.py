"""Families and referring clinicians sign in: address, code by mail; or a passkey alone."""

from __future__ import annotations

import re
from typing import Final

from allauth.core.internal import ratelimit
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from hematon.portal.accounts import codes, known_browsers, own_account
from hematon.portal.accounts.access import account_of, account_page, open_page
from hematon.portal.accounts.codes import Asked, Entered
from hematon.portal.accounts.family_forms import AddressForm, CodeForm, UsePasskey
from hematon.portal.accounts.models import Kind, Purpose, User
from hematon.portal.accounts.sessions import STAFF_ONLY
from hematon.portal.audit.models import Outcome
from hematon.portal.audit.record import record
from hematon.portal.ui.views import too_many

NEXT: Final = "after_sign_in"
PAGES: Final = {
    Kind.FAMILY: ("family_sign_in", "family_code"),
    Kind.REFERRER: ("referrer_sign_in", "referrer_code"),
}
_OWN_PAGE = re.compile(r"/[a-z][\w./?=&-]*", re.ASCII)
_GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


def safe_next(request: HttpRequest, place: str) -> str:
    """Give a place to go on to when it is a page of ours and not of staff; else nothing."""
    own = _OWN_PAGE.fullmatch(place) and url_has_allowed_host_and_scheme(
        place, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return place if own and not place.startswith(STAFF_ONLY) else ""


def home_of(user: User) -> str:
    """Give where a person goes after signing in."""
    return reverse(settings.HOME_AFTER_SIGN_IN[user.kind])


@open_page
@_GET_OR_POST
def family_sign_in(request: HttpRequest) -> HttpResponse:
    """Ask a family for its address and send a code there."""
    return _ask(request, Kind.FAMILY)


@open_page
@_GET_OR_POST
def referrer_sign_in(request: HttpRequest) -> HttpResponse:
    """Ask a referring clinician for an address and send a code there."""
    return _ask(request, Kind.REFERRER)


@open_page
@_GET_OR_POST
def family_code(request: HttpRequest) -> HttpResponse:
    """Take the code of a family and sign it in."""
    return _code(request, Kind.FAMILY)


@open_page
@_GET_OR_POST
def referrer_code(request: HttpRequest) -> HttpResponse:
    """Take the code of a referring clinician and sign them in."""
    return _code(request, Kind.REFERRER)


def _ask(request: HttpRequest, kind: Kind) -> HttpResponse:
    place = safe_next(request, request.POST.get("next", request.GET.get("next", "")))
    form = AddressForm(request.POST) if request.method == "POST" else AddressForm()
    if form.is_bound and form.is_valid():
        asked = codes.ask(
            request, purpose=Purpose.SIGN_IN, kind=kind, address=form.cleaned_data["address"]
        )
        if asked == Asked.TOO_MANY:
            return too_many(request)
        if asked == Asked.SENT:
            request.session[NEXT] = place
            return redirect(PAGES[kind][1])
        form.add_error("address", not_sent())
    return render(
        request,
        "accounts/sign_in.html",
        {"form": form, "next": place, **_words(kind)},
    )


def _words(kind: Kind) -> dict[str, object]:
    # Clinicians outside read English, as staff do.
    if kind == Kind.REFERRER:
        return {
            "is_clinician": True,
            "heading": "Sign in for clinicians",
            "lead": "For clinicians outside the hospital who refer a patient. The first time you "
            "sign in, we make an account for you. Use your work address.",
            "elsewhere": "Sign-in for families",
        }
    return {
        "heading": _("Sign in"),
        "lead": _("For families. The first time you sign in, we make an account for you."),
    }


def not_sent() -> str:
    """Say that the mail server did not take the code."""
    return _("We could not send the email just now. Please try again in a few minutes.")


def _code(request: HttpRequest, kind: Kind) -> HttpResponse:
    waiting = codes.pending(request, Purpose.SIGN_IN)
    if waiting is None or waiting.kind != kind:
        return redirect(PAGES[kind][0])
    page = {"address": waiting.address, "again": reverse(PAGES[kind][0])}
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm()
    if form.is_bound and form.is_valid():
        entered, row = codes.enter(request, purpose=Purpose.SIGN_IN, code=form.cleaned_data["code"])
        if entered == Entered.TOO_MANY:
            return too_many(request)
        if row is not None:
            place = request.session.pop(NEXT, "")
            try:
                user = own_account.sign_in(request, address=row.address, kind=kind)
            except own_account.AccountClosedError:
                return render(request, "accounts/closed.html")
            answer = redirect(safe_next(request, place) or home_of(user))
            return known_browsers.remember(request, answer, user.address.index)
        known = User.objects.with_address(waiting.address, kind)
        record(None, "sign_in.failed", known, outcome=Outcome.REFUSED)
        form.add_error("code", refusal(entered))
    return render(request, "accounts/code.html", {"form": form, **page})


def refusal(entered: Entered) -> str:
    """Say what is wrong with a code."""
    if entered == Entered.WRONG:
        return _("This code is not right. Check the email and type it again.")
    return _("This code does not work any more. Ask for a new one.")


@open_page
@_GET_OR_POST
def passkey_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Give a script what to ask the device; take the device's answer and sign in."""
    if request.method != "POST":
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"request_options": auth.begin_authentication(None)})
        return redirect("family_sign_in")
    limited = ratelimit.consume(
        request,
        app="hematon.portal.accounts",
        action="passkey_tried",
        config={"passkey_tried": "30/5m/ip"},
    )
    if limited is None:
        return too_many(request)
    form = UsePasskey(request.POST)
    place = safe_next(request, request.POST.get("next", ""))
    if not form.is_valid():
        messages.error(request, passkey_refused())
        return redirect("family_sign_in")
    passkey = form.cleaned_data["credential"]
    try:
        own_account.begin(request, user=passkey.user, by="passkey")
    except own_account.AccountClosedError:
        return render(request, "accounts/closed.html")
    post_authentication(request, passkey)
    answer = redirect(place or home_of(passkey.user))
    return known_browsers.remember(request, answer, passkey.user.address.index)


def passkey_refused() -> str:
    """Say that a passkey did not do."""
    return _("The passkey did not work. Try again, or ask for a code.")


@open_page
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out and say so."""
    is_clinician = isinstance(request.user, User) and request.user.kind == Kind.REFERRER
    logout(request)
    messages.info(request, _("You are signed out."))
    return redirect(PAGES[Kind.REFERRER if is_clinician else Kind.FAMILY][0])


@account_page
@require_POST
def stay_signed_in(request: HttpRequest) -> HttpResponse:
    """Say that the session goes on: being asked for this page is what keeps it."""
    return render(request, "accounts/still_signed_in.html", {"user": account_of(request)})
