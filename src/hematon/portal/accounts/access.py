"""Who may open a page.

`open_page` is for anyone, `staff_page` for signed-in roles, `family_page` for signed-in families,
`referrer_page` for clinicians outside who refer, `account_page` for both of these. `confirm_first`
stands under one of them, before acts that a borrowed computer must not be enough for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from hematon.portal.accounts import sessions
from hematon.portal.accounts.models import Kind, Role, User
from hematon.portal.ui.open import open_page

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[Concatenate[HttpRequest, P], R]
Guarded = Callable[Concatenate[HttpRequest, P], R | HttpResponseRedirect]

__all__ = [
    "Role",
    "account_of",
    "account_page",
    "confirm_first",
    "family_of",
    "family_page",
    "open_page",
    "recently_confirmed",
    "referrer_of",
    "referrer_page",
    "staff_of",
    "staff_page",
]


def _of(request: HttpRequest, *kinds: Kind) -> User:
    user = request.user
    if not isinstance(user, User) or (kinds and user.kind not in kinds):
        raise PermissionDenied
    return user


def staff_of(request: HttpRequest) -> User:
    """Give the signed-in person.

    Raises:
        PermissionDenied: nobody is signed in.
    """
    return _of(request)


def family_of(request: HttpRequest) -> User:
    """Give the signed-in family.

    Raises:
        PermissionDenied: nobody is signed in, or someone else.
    """
    return _of(request, Kind.FAMILY)


def referrer_of(request: HttpRequest) -> User:
    """Give the signed-in referring clinician.

    Raises:
        PermissionDenied: nobody is signed in, or someone else.
    """
    return _of(request, Kind.REFERRER)


def account_of(request: HttpRequest) -> User:
    """Give the signed-in family or referring clinician.

    Raises:
        PermissionDenied: nobody is signed in, or staff.
    """
    return _of(request, Kind.FAMILY, Kind.REFERRER)


def staff_page(
    *roles: Role,
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """Let in staff who hold one of the roles, or any role when none is named.

    The role is looked up at every request, so that taking it away bites at once.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], R]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not staff_of(request).holds(*(roles or tuple(Role))):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _page_of(view: View[P, R], sign_in: str, *kinds: Kind) -> Guarded[P, R]:
    @wraps(view)
    def guarded(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> R | HttpResponseRedirect:
        if not isinstance(request.user, User):
            return redirect_to_login(request.path, reverse(sign_in))
        _of(request, *kinds)
        return view(request, *args, **kwargs)

    # Where the middleware that asks everyone to sign in sends people; no type knows of it.
    guarded.login_url = sign_in  # type: ignore[attr-defined]
    return guarded


def family_page(view: View[P, R]) -> Guarded[P, R]:
    """Let in a signed-in family; others who are signed in get 403, the rest the sign-in page."""
    return _page_of(view, "family_sign_in", Kind.FAMILY)


def referrer_page(view: View[P, R]) -> Guarded[P, R]:
    """Let in a signed-in referring clinician; others as in `family_page`."""
    return _page_of(view, "referrer_sign_in", Kind.REFERRER)


def account_page(view: View[P, R]) -> Guarded[P, R]:
    """Let in a signed-in family or referring clinician: what both do to their own account."""
    return _page_of(view, "family_sign_in", Kind.FAMILY, Kind.REFERRER)


def recently_confirmed(request: HttpRequest) -> bool:
    """Say whether the person has shown in the last five minutes that it is them.

    Families and referring clinicians by a code or a passkey, signing in included; staff by the
    second factor, asked for again.
    """
    return isinstance(request.user, User) and sessions.was_confirmed(request)


def confirm_first(view: View[P, R]) -> Guarded[P, R]:
    """Ask the person to show once more that it is them, then lead back to the page.

    What was posted is not kept: the page that shows the form must carry this mark too, so that it
    is asked before anything is typed; and a form under it has a few fields, never a long text.
    """

    @wraps(view)
    def guarded(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> R | HttpResponseRedirect:
        if recently_confirmed(request):
            return view(request, *args, **kwargs)
        where = reverse(_confirm_place(staff_of(request)))
        back = request.path
        if request.method == "POST":
            back = _page_of_the_form(request)
            messages.info(request, _("Nothing was changed yet. Please do it once more."))
        return HttpResponseRedirect(f"{where}?{urlencode({'next': back})}")

    return guarded


def _page_of_the_form(request: HttpRequest) -> str:
    """Give the page that the form was on: the address it was sent to may show none."""
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return (urlsplit(came_from).path if ours else "") or request.path


def _confirm_place(user: User) -> str:
    if user.kind != Kind.STAFF:
        return "account_confirm"
    has_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    return "mfa_reauthenticate" if has_app else "mfa_reauthenticate_webauthn"
