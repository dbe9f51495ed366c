"""Noting what no view can note itself: sign-in and out, refusals, and seals that are broken."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Model
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from hematon.portal.audit.context import answering, while_answering
from hematon.portal.audit.models import Outcome
from hematon.portal.audit.record import record
from hematon.portal.ui.views import server_error
from hematon.portal.vault.sealing import SealBrokenError

_ASKED_AGAIN = {
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_login_webauthn",
    "mfa_reauthenticate_webauthn",
    "account_reauthenticate",
}
"""Pages that show their form once more, with 200, when what was typed is wrong."""
_ONCE_IN = 300
"""Seconds: of the tries one address makes after sign-in was shut, one is recorded."""
_log = logging.getLogger(__name__)


class Notes:
    """Records refusals, and lets every row that is recorded meanwhile say where it happened."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then look at the answer."""
        with while_answering(request):
            response = self._get_response(request)
            if response.status_code == 403:
                _refused(request)
            elif response.status_code == 429:
                _limited()
            elif request.method == "POST" and response.status_code == 200:
                _asked_again(request)
            return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 500 where a seal is broken, once that is on record.

        What the view had begun is rolled back by now: the row is in a transaction of its own.
        """
        if not isinstance(exception, SealBrokenError):
            return None
        try:
            record(
                getattr(request, "user", None),
                "vault.refused",
                outcome=Outcome.FAILED,
                place=exception.place,
            )
        except DatabaseError:
            # The vault has raised its alarm in the log; the page must come all the same.
            _log.exception("a broken seal could not be recorded")
        return server_error(request)


def _refused(request: HttpRequest) -> None:
    # A stranger's refusal is a form without its token. It names nobody, and rows that cannot be
    # deleted must not be had for the asking.
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        record(user, "access.refused", outcome=Outcome.REFUSED, method=request.method)


def _limited() -> None:
    here = answering()
    if here is not None and cache.add(f"audit-limited-{here.client}", 1, _ONCE_IN):
        record(None, "sign_in.limited", outcome=Outcome.REFUSED)


def _asked_again(request: HttpRequest) -> None:
    match = request.resolver_match
    if match is None or match.view_name not in _ASKED_AGAIN:
        return
    # Where nobody is signed in yet, allauth keeps who is about to.
    stage = getattr(request, "_login_stage", None)
    subject = stage.login.user if stage is not None else None
    record(request.user, "sign_in.second_factor_failed", subject, outcome=Outcome.REFUSED)


@receiver(user_logged_in)
def _signed_in(sender: object, user: Model, **kwargs: object) -> None:
    if answering() is not None:
        record(user, "session.started", user)


@receiver(user_logged_out)
def _signed_out(sender: object, user: Model | AnonymousUser | None, **kwargs: object) -> None:
    here = answering()
    if here is not None and isinstance(user, Model):
        record(user, here.sign_out, user)


@receiver(user_login_failed)
def _failed(sender: object, credentials: dict[str, object], **kwargs: object) -> None:
    # What was typed as an address is not kept: people type passwords there. Whose it is, is.
    if answering() is None:
        return
    typed = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    people = get_user_model()._default_manager
    # PostgreSQL takes no NUL in a text.
    known = people.filter(email=typed).first() if typed and "\0" not in typed else None
    record(None, "sign_in.failed", known, outcome=Outcome.REFUSED)
