"""People who are signed in: sessions that end, staff and families apart, a second factor."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from hematon.portal.accounts import sessions
from hematon.portal.accounts.models import Kind, User
from hematon.portal.accounts.sessions import STAFF_ONLY
from hematon.portal.audit.context import ends_by_itself

Handler = Callable[[HttpRequest], HttpResponseBase]
ENGLISH_ONLY = (*STAFF_ONLY, "/clinicians/")
_STRONG = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class SignInRequired(LoginRequiredMiddleware):
    """Sends who is not signed in to sign-in; a page that anyone may open is marked `open_page`."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """Keep the way back to the page, without what was typed in its address."""
        return redirect_to_login(request.path, self.get_login_url(view_func))


def staff_in_english(get_response: Handler) -> Handler:
    """Give pages of staff and clinicians in the language they are written in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(ENGLISH_ONLY):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        return get_response(request)

    return middleware


def session_ends(get_response: Handler) -> Handler:
    """Sign out who was idle, or signed in, for too long; note the time of everyone else.

    It happens when a page asks who is there, and before the page is told: so no view can take a
    family that left half an hour ago for the one that sits at the computer now, and pages that do
    not ask cost nothing.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        signed_in = request.user
        # As Django's own middleware does; to the types it is not yet a person.
        request.user = SimpleLazyObject(  # type: ignore[assignment]
            lambda: _present(request, signed_in)
        )
        return get_response(request)

    return middleware


def _present(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    # What asks from here on must not come back here.
    request.user = user
    if not isinstance(user, User):
        return user
    if not sessions.is_over(request, user):
        sessions.touch(request, user)
        return user
    ends_by_itself()
    logout(request)
    if user.kind == Kind.STAFF:
        text = "You were signed out to protect your patients. Sign in again."
    else:
        text = _("You were signed out to keep your information safe. Please sign in again.")
    messages.info(request, text)
    return AnonymousUser()


def kinds_apart(get_response: Handler) -> Handler:
    """Refuse closed pages of staff to everyone else who is signed in.

    Staff without a second factor are sent to where they set one up; a family never is.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(STAFF_ONLY):
            return get_response(request)
        user = request.user
        if not isinstance(user, User):
            return get_response(request)
        if user.kind != Kind.STAFF:
            if sessions.is_closed(request):
                raise PermissionDenied
            return get_response(request)
        if request.path_info.startswith("/staff/") and not is_mfa_enabled(user, types=_STRONG):
            messages.info(
                request, "Set up a second factor first: an authenticator app or a passkey."
            )
            return redirect("mfa_index")
        return get_response(request)

    return middleware
