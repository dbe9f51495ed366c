"""Pages of the site as a whole: language choice, errors, probes."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from hematon.portal.ui.open import open_page

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
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
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
    """400: what came cannot be read."""
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
    """500: a fault of ours."""
    try:
        return _error(request, 500)
    except Exception:  # the database or a template may be what failed
        logger.exception("the error page failed")
        page = "<!doctype html><html lang=en><title>Service problem</title><h1>Service problem</h1>"
        return HttpResponse(page + "<p>Emergency: call 911.</p>", status=500)
