"""Staff without a second factor reach the pages to set one up, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

Handler = Callable[[HttpRequest], HttpResponseBase]
_STRONG = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


def second_factor_required(get_response: Handler) -> Handler:
    """Send signed-in people without a second factor to where they set one up."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        # Only staff pages need to know: pages for families never touch the session for this.
        if (
            request.path_info.startswith("/staff/")
            and request.user.is_authenticated
            and not is_mfa_enabled(request.user, types=_STRONG)
        ):
            return redirect("mfa_index")
        return get_response(request)

    return middleware
