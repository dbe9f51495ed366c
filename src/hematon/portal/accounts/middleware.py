"""Signed-in staff: English pages, sessions that end, nothing without a second factor."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from hematon.portal.accounts import sessions
from hematon.portal.accounts.sessions import STAFF_ONLY
from hematon.portal.audit.context import ends_by_itself

Handler = Callable[[HttpRequest], HttpResponseBase]
_STRONG = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


def staff_in_english(get_response: Handler) -> Handler:
    """Give staff pages in the language they are written in, whatever the browser asks for."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(STAFF_ONLY):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        return get_response(request)

    return middleware


def session_ends(get_response: Handler) -> Handler:
    """Sign out who was idle, or signed in, for too long; note the time of everyone else."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(STAFF_ONLY) or not request.user.is_authenticated:
            return get_response(request)
        if sessions.is_over(request.session):
            ends_by_itself()
            logout(request)
            messages.info(request, "You were signed out to protect your patients. Sign in again.")
            back = request.path_info if request.path_info.startswith("/staff/") else ""
            query = f"?{urlencode({'next': back})}" if back else ""
            return redirect(reverse("account_login") + query)
        sessions.touch(request.session)
        return get_response(request)

    return middleware


def second_factor_required(get_response: Handler) -> Handler:
    """Send signed-in people without a second factor to where they set one up."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if (
            request.path_info.startswith("/staff/")
            and request.user.is_authenticated
            and not is_mfa_enabled(request.user, types=_STRONG)
        ):
            messages.info(
                request, "Set up a second factor first: an authenticator app or a passkey."
            )
            return redirect("mfa_index")
        return get_response(request)

    return middleware
