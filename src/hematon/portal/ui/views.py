"""Pages of the site as a whole: language choice, errors, probes."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from hematon.portal.ui.faults import Fault, fault_of
from hematon.portal.ui.open import open_page
from hematon.portal.ui.site import context as site_context
from hematon.portal.ui.site import site

RETRY_AFTER = 300
"""Seconds; the page says the same in words."""
logger = logging.getLogger("hematon.portal")


@open_page
@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """Send to the home page in the browser's language."""
    with translation.override(translation.get_language_from_request(request)):
        return redirect("home")


@open_page
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say whether the process and its database answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        text = f"{fault_of(error).told}\n"
        return HttpResponse(
            text, content_type="text/plain", status=503, headers={"Retry-After": "60"}
        )
    return HttpResponse("ok\n", content_type="text/plain")


@open_page
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Let search engines read the pages that explain, nothing else."""
    closed = ["/staff/", "/sign-in/", "/*/blood-counts/", "/*/get-care/", "/*/experts/review/"]
    if settings.DEMO:
        closed = ["/"]
    lines = ["User-agent: *", *(f"Disallow: {place}" for place in closed)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@open_page
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Say where to report a weakness (RFC 9116)."""
    expires = (timezone.now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    text = f"Contact: mailto:security@{request.get_host().split(':')[0]}\nExpires: {expires}\n"
    return HttpResponse(text + "Preferred-Languages: en, es\n", content_type="text/plain")


@open_page
@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Count that a browser refused something; what it refused may name a child, and is not kept."""
    logger.warning("a browser reported a breach of the content security policy")
    return HttpResponse(status=204)


def _error(request: HttpRequest, status: int) -> HttpResponse:
    return render(request, "ui/error.html", {"status": status}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what came cannot be read. A session that could not be saved is no fault of the family's.

    Django takes every error of the database there for a session that was deleted meanwhile.
    """
    found: BaseException | None = exception
    while isinstance(exception, SessionInterrupted) and found is not None:
        if (fault := fault_of(found)) is not Fault.OURS:
            return _service_problem(request, fault)
        found = found.__context__
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: not for this person."""
    return _error(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form is too old or came from elsewhere."""
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: not there, or not yours."""
    return _error(request, 404)


def too_many(request: HttpRequest) -> HttpResponse:
    """429: too many tries; sign-in asks for it after failed ones."""
    answer = _error(request, 429)
    answer["Retry-After"] = str(RETRY_AFTER)
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a fault of ours; 503 or 507 where the database or the disk is what failed.

    The page asks neither the database nor the session: they may be what failed.
    """
    return _service_problem(request, fault_of(sys.exception()))


def _service_problem(request: HttpRequest, fault: Fault) -> HttpResponse:
    if fault is not Fault.OURS:
        logger.error("service fault: %s", fault.told)
    try:
        page: str = render_to_string(
            "ui/fault.html",
            {**site_context(request), **_languages(request), "status": fault.status},
        )
    except Exception:  # a template or a file may be what failed
        logger.exception("the error page failed")
        page = _last_resort()
    answer = HttpResponse(page, status=fault.status)
    if fault.retry_after is not None:
        answer["Retry-After"] = str(fault.retry_after)
    return answer


def _languages(request: HttpRequest) -> dict[str, object]:
    """Give the other language that a page for families says the same in."""
    here = (translation.get_language() or "en")[:2]
    english = request.path_info.startswith(("/staff/", "/sign-in/", "/clinicians/"))
    return {"also_in": None if english else next(c for c, _ in settings.LANGUAGES if c != here)}


def _last_resort() -> str:
    phones = ""
    with suppress(Exception):  # the file with the facts may be what failed
        lines = site().phones
        phones = f" {lines.day.number} / {lines.night.number}"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Service problem</title>"
        "<h1>Service problem</h1><p>What you were sending may not have reached us. Try again in a "
        f"few minutes, or call us.{phones}</p><p>Emergency: call 911.</p>"
        "<p lang=es>Es posible que no hayamos recibido lo que enviaba. Inténtelo de nuevo en unos "
        f"minutos o llámenos.{phones}</p><p lang=es>Emergencia: llame al 911.</p>"
    )
