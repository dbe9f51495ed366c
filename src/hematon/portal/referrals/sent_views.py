"""A referral after it was sent: confirmation, receipt, status, messages, report, taking it back."""

from __future__ import annotations

import secrets
import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import referrer_of, referrer_page
from hematon.portal.care import access as care_access
from hematon.portal.care import talking, working
from hematon.portal.care.models import Case
from hematon.portal.care.receipt import receipt_pdf
from hematon.portal.care.refused import NotInThisState, SentBefore
from hematon.portal.care.status import TRANSITIONS, Status
from hematon.portal.files.access import files_of
from hematon.portal.referrals import access, actions
from hematon.portal.referrals.following import (
    next_steps,
    report_address,
    status_of,
    story,
    way,
    who_acts,
)
from hematon.portal.referrals.message_form import MessageForm
from hematon.portal.ui.site import site

read_or_send = require_http_methods(["GET", "HEAD", "POST"])


def _sent(request: HttpRequest, pk: uuid.UUID) -> Case:
    case = access.sent_of(referrer_of(request), pk)
    if case is None:
        raise Http404
    return case


@referrer_page
@require_safe
def referrals(request: HttpRequest) -> HttpResponse:
    """List what this clinician sent, who acts next, and what was begun."""
    user, at = referrer_of(request), timezone.now()
    sent = access.referrals_of(user)
    rows = [(case, status_of(case), who_acts(case), _news(request, case)) for case in sent]
    drafts = access.drafts_of(user, at)
    return render(
        request, "referrals/referrals.html", {"rows": rows, "drafts": drafts, "zone": site().zone}
    )


def _news(request: HttpRequest, case: Case) -> int:
    mine = care_access.messages_for(referrer_of(request), case)
    return mine.filter(from_staff=True, read_at=None).count()


@referrer_page
@require_safe
def referral(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show how far a referral is and what was said; showing the messages reads them."""
    user, at = referrer_of(request), timezone.now()
    if access.draft_of(request, pk, at) is not None:
        return redirect("referral_steps", pk=pk)
    case = _sent(request, pk)
    answer = _page(request, case, MessageForm(initial={"key": secrets.token_urlsafe(24)}))
    if request.method == "GET":
        # After the page was made, so that what is new is marked as new once.
        talking.read_messages(case=case, by=user, at=at)
    return answer


def _page(request: HttpRequest, case: Case, form: MessageForm, status: int = 200) -> HttpResponse:
    answered, read = case.answered_at is not None, case.answer_read_at is not None
    return render(
        request,
        "referrals/referral.html",
        {
            "case": case,
            "status": status_of(case),
            "who": who_acts(case),
            "way": way(case),
            "story": story(case),
            "steps": next_steps(case),
            "report": report_address(case),
            "can_say_read": answered and not read and case.is_open,
            "thread": list(care_access.messages_for(referrer_of(request), case)),
            "files": files_of(case.pk, "files"),
            "form": form,
            "can_write": case.status != Status.CANCELLED,
            "can_take_back": Status.CANCELLED in TRANSITIONS[case.status],
            "zone": site().zone,
        },
        status=status,
    )


@referrer_page
@require_POST
def reply(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep a message, once however often it is sent."""
    case, form = _sent(request, pk), MessageForm(request.POST)
    if not form.is_valid():
        return _page(request, case, form)
    try:
        talking.send_message(
            case=case,
            key=form.cleaned_data["key"],
            text=form.cleaned_data["text"],
            by=referrer_of(request),
            language="en",
            at=timezone.now(),
        )
    except SentBefore:
        form.add_error(None, "This box was sent before with another text. Send it once more.")
        form.data = {"text": form.cleaned_data["text"], "key": secrets.token_urlsafe(24)}
        return _page(request, case, form, 422)
    except NotInThisState:
        return redirect("referral_page", pk=pk)
    messages.info(request, "Your message was sent.")
    return redirect("referral_page", pk=pk)


@referrer_page
@require_POST
def report_read(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take down that the clinician read the report, which closes the loop."""
    case = _sent(request, pk)
    try:
        actions.report_read(case=case, by=referrer_of(request), at=timezone.now())
    except NotInThisState:
        messages.info(request, "There is no report to read yet.")
    else:
        messages.info(request, "Thank you. The team sees that you read the report.")
    return redirect("referral_page", pk=pk)


@referrer_page
@read_or_send
def take_back(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once, then take a referral back."""
    case = _sent(request, pk)
    if Status.CANCELLED not in TRANSITIONS[case.status]:
        return redirect("referral_page", pk=pk)
    if request.method != "POST":
        return render(request, "referrals/take_back.html", {"case": case})
    seen = request.POST.get("seen", "")
    number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
    try:
        working.step(
            case=case,
            status=Status.CANCELLED,
            by=referrer_of(request),
            at=timezone.now(),
            seen=number,
        )
    except NotInThisState:
        messages.info(request, "The referral moved on since. Look at it once more.")
        return redirect("referral_page", pk=pk)
    messages.info(request, "You took the referral back.")
    return redirect("referral_page", pk=pk)


@referrer_page
@require_safe
def sent(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the reference and what happens next; works when it is bookmarked."""
    if access.draft_of(request, pk, timezone.now()) is not None:
        return redirect("referral_steps", pk=pk)
    case = _sent(request, pk)
    is_now = case.answers.get("urgency", {}).get("urgency") == "now"
    context = {"case": case, "steps": next_steps(case), "call_now": is_now}
    return render(request, "referrals/sent.html", context)


@referrer_page
@require_safe
def receipt(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the reference, the date and the next steps as a PDF; nothing about the child."""
    case = _sent(request, pk)
    response = HttpResponse(
        receipt_pdf(case, title="Your referral was sent", steps=next_steps(case)),
        content_type="application/pdf",
    )
    response["Content-Disposition"] = f'attachment; filename="{case.reference}.pdf"'
    return response
