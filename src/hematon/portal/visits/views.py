"""Video visits: what they are, whether one fits, and the device test."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_permissions_policy.decorators import permissions_policy_override

from hematon.portal.ui.open import open_page
from hematon.portal.visits.check import CHECK, carry_over, decision
from hematon.portal.visits.rules import Why, licensed_states, rules
from hematon.portal.visits.states import STATES
from hematon.portal.visits.video import video

TEST_BYTES = 1_000_000
_CHUNK = 65_536


def _licensed_names() -> list[str]:
    return sorted(str(STATES[key]) for key in licensed_states())


@open_page
@require_safe
def video_visits(request: HttpRequest) -> HttpResponse:
    """Say what a video visit is and where we may hold one."""
    context = {
        "first": CHECK.first(),
        "states": _licensed_names(),
        "connection": rules().connection,
        "can_book": video(timezone.localdate()) is not None,
    }
    return render(request, "visits/video_visits.html", context)


@open_page
@require_safe
def visit_states(request: HttpRequest) -> HttpResponse:
    """List the states with a license, each with its source and date."""
    held = [(str(STATES[key]), license) for key, license in licensed_states().items()]
    return render(request, "visits/states.html", {"held": sorted(held, key=lambda pair: pair[0])})


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def visit_check(request: HttpRequest, key: str) -> HttpResponse:
    """Ask one question."""
    response = CHECK.page(request, key)
    if request.method == "POST" and response.status_code == 302 and not CHECK.missing(request):
        carry_over(request)
    return response


@open_page
@require_safe
def visit_result(request: HttpRequest) -> HttpResponse:
    """Say which kind of visit fits, and why."""
    missing = CHECK.missing(request)
    if missing is not None:
        return missing
    given = CHECK.answers(request)
    found = decision(given)
    where = given["where"]["where"]
    reasons = rules().reasons
    context = {
        "found": found,
        "reasons": [reasons[key] for key in found.reasons],
        "state": STATES.get(where, ""),
        "states": _licensed_names(),
        "not_licensed": Why.NOT_LICENSED in found.whys,
        "interpreter": given.get("language", {}).get("interpreter") == "yes",
        "again": CHECK.first(),
        "can_book": video(timezone.localdate()) is not None,
    }
    return render(request, f"visits/result_{found.kind}.html", context)


@open_page
@require_safe
# Camera and microphone for this page alone, and not for a refusal of another method.
@permissions_policy_override(
    {**settings.PERMISSIONS_POLICY, "camera": "self", "microphone": "self"}
)
def device_test(request: HttpRequest) -> HttpResponse:
    """Try camera, microphone and connection against this server; nothing leaves the browser."""
    return render(
        request,
        "visits/device_test.html",
        {"connection": rules().connection, "bytes": TEST_BYTES},
    )


@open_page
@require_safe
def speed_down(request: HttpRequest) -> HttpResponse:
    """Send bytes to be timed; random, so that nothing on the way packs them."""
    return HttpResponse(
        secrets.token_bytes(TEST_BYTES),
        content_type="application/octet-stream",
        headers={"Content-Encoding": "identity"},
    )


@open_page
@require_POST
def speed_up(request: HttpRequest) -> HttpResponse:
    """Read bytes to be timed and drop them."""
    said = str(request.META.get("CONTENT_LENGTH", ""))
    if not (said.isdecimal() and 0 < int(said) <= TEST_BYTES):
        return HttpResponse("Send 1 to 1,000,000 bytes.\n", status=413, content_type="text/plain")
    while request.read(_CHUNK):
        pass
    return HttpResponse(status=204)
