"""The doors, and the request to be called."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.care import access, actions, intake
from hematon.portal.care.doors import DOORS, door
from hematon.portal.care.models import Case
from hematon.portal.care.refused import SentBefore
from hematon.portal.care.summary import attached_counts, rows
from hematon.portal.ui.open import open_page
from hematon.portal.ui.site import site

read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@open_page
@require_safe
def get_care(request: HttpRequest) -> HttpResponse:
    """Show the four doors."""
    return render(request, "care/get_care.html")


@open_page
@require_safe
def get_care_door(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what happens behind one door."""
    found = door(slug)
    if found is None:
        raise Http404
    others = [other for other in DOORS if other is not found]
    return render(request, found.template, {"door": found, "others": others})


@open_page
@require_safe
def where_we_help(request: HttpRequest) -> HttpResponse:
    """Say what a family can get from where it lives, before any form."""
    return render(request, "care/where.html")


@open_page
@read_or_send
def callback(request: HttpRequest) -> HttpResponse:
    """Say what will be asked; sending begins a new request."""
    if request.method == "POST":
        intake.begin(request, request.POST.get("about", ""))
        return redirect(intake.CALLBACK.first())
    return render(request, "care/callback.html", {"sent": _sent(request)})


@open_page
@read_or_send
def callback_question(request: HttpRequest, key: str) -> HttpResponse:
    """Ask one question."""
    if not intake.has_begun(request):
        return redirect("callback_sent" if _sent(request) else "callback")
    return intake.CALLBACK.page(request, key)


@open_page
@read_or_send
def callback_check(request: HttpRequest) -> HttpResponse:
    """Show the answers; sending keeps them, once however often it is sent."""
    if request.method == "POST":
        return _send(request)
    if not intake.has_begun(request):
        return redirect("callback_sent" if _sent(request) else "callback")
    return intake.CALLBACK.missing(request) or render(
        request,
        "care/check.html",
        {
            "rows": rows(intake.CALLBACK.answers(request)),
            "counts": attached_counts(request.session.get(intake.COUNTS)),
            "key": request.session[intake.KEY],
        },
    )


def _send(request: HttpRequest) -> HttpResponse:
    key = request.POST.get("key", "")
    if key and key == request.session.get(intake.KEY):
        missing = intake.CALLBACK.missing(request)
        if missing is not None:
            return missing
        try:
            sent = actions.submit(
                key=key,
                asked=intake.asked(request),
                page_language=(get_language() or "en")[:2],
                at=timezone.now(),
            )
        except SentBefore as error:
            return render(request, "care/sent_before.html", {"sent": error.earlier}, status=422)
        intake.end(request, sent.pk)
        return redirect("callback_sent")
    # Not the form this browser has open: one sent before, from another tab or once more.
    earlier = access.sent_with(key)
    if earlier is None:
        return redirect("callback_check")
    if not intake.has_begun(request):
        intake.end(request, earlier.pk)
        return redirect("callback_sent")
    return render(request, "care/sent_before.html", {"sent": earlier}, status=422)


@open_page
@require_POST
def callback_without_counts(request: HttpRequest) -> HttpResponse:
    """Take the blood counts off the request."""
    request.session.pop(intake.COUNTS, None)
    return redirect("callback_check")


def _sent(request: HttpRequest) -> Case | None:
    return access.own(request.session.get(intake.SENT))


def _next_steps(sent: Case) -> dict[str, object]:
    zone = site().zone
    return {
        "sent": sent,
        # Dates, not instants: a template would turn an instant into another zone.
        "sent_on": sent.sent_at.astimezone(zone).date() if sent.sent_at else None,
        "call_by": sent.due_at.astimezone(zone).date() if sent.due_at else None,
    }


@open_page
@require_safe
def callback_sent(request: HttpRequest) -> HttpResponse:
    """Show the reference and what happens next; works for as long as the session lives."""
    sent = _sent(request)
    if sent is None:
        return redirect("callback")
    return render(request, "care/sent.html", _next_steps(sent))


@open_page
@require_safe
def callback_copy(request: HttpRequest) -> HttpResponse:
    """Give the reference and the next steps as a text to keep; nothing that the family typed."""
    sent = _sent(request)
    if sent is None:
        return redirect("callback")
    text = render_to_string("care/copy.txt", {**_next_steps(sent), "site": site()}, request)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{sent.reference}.txt"'
    return response
