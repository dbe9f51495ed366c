"""Sending a referral: check, send, and for a guest the code that shows whose address it is."""

from __future__ import annotations

import uuid
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from hematon.portal.accounts import codes, own_account
from hematon.portal.accounts.access import open_page
from hematon.portal.accounts.codes import Asked, Entered
from hematon.portal.accounts.family_forms import CodeForm
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Purpose, User
from hematon.portal.accounts.sign_in_views import not_sent, refusal
from hematon.portal.audit.models import Outcome
from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.care.refused import NotInThisState, SentBefore, Unfinished
from hematon.portal.care.summary import attached_counts
from hematon.portal.referrals import access, actions, forms, steps
from hematon.portal.referrals.preview import CALL_NOW, can_be_assessed, computed
from hematon.portal.referrals.showing import already_sent, draft_or_answer, show
from hematon.portal.referrals.summary import sections
from hematon.portal.ui.views import too_many

read_or_send = require_http_methods(["GET", "HEAD", "POST"])
CODE_FOR: Final = "referral_code_for"
"""Key in the session of what follows a guest's code: sending, at which revision, or keeping."""


@open_page
@read_or_send
def check(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show every answer; sending sends them once, however often it is pressed."""
    if request.method == "POST":
        return _send(request, pk)
    case = draft_or_answer(request, pk)
    if isinstance(case, HttpResponse):
        return case
    still_open = steps.open_questions(case.answers)
    if still_open:
        messages.info(request, "Some pages are not complete yet.")
        return redirect("referral_steps", pk=pk)
    user = access.referrer(request)
    may_be = can_be_assessed(case.answers)
    assessment = computed(case.answers, today=forms.today()) if may_be else None
    level = assessment.urgency.level if assessment is not None else ""
    return show(
        request,
        "referrals/check.html",
        {
            "case": case,
            "sections": sections(case),
            "counts": attached_counts(steps.counts_of(case.answers)),
            "can_be_assessed": may_be,
            "failed": may_be and assessment is None,
            "call_now": level in CALL_NOW or case.answers["urgency"]["urgency"] == "now",
            "is_guest": user is None,
            "address": case.answers["you"]["address"],
        },
    )


def _send(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    user, at = access.referrer(request), timezone.now()
    case = access.draft_of(request, pk, at)
    if case is None and user is not None:
        case = access.sent_of(user, pk)
    if case is None:
        answer = draft_or_answer(request, pk)
        assert isinstance(answer, HttpResponse)
        return answer
    seen = request.POST.get("seen", "")
    number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
    if user is None:
        if steps.open_questions(case.answers):
            messages.info(request, "Some pages are not complete yet.")
            return redirect("referral_steps", pk=pk)
        return ask_for_code(request, case, str(number))
    return _sent(request, case, number, user)


def _sent(request: HttpRequest, case: Case, seen: int, user: User) -> HttpResponse:
    at = timezone.now()
    try:
        if case.sender_id is None:
            case = actions.claim(case=case, user=user, at=at)
        actions.send(case=case, seen=seen, by=user, at=at)
    except SentBefore:
        return already_sent(request, case, 422)
    except Unfinished:
        messages.info(request, "Some pages are not complete yet.")
        return redirect("referral_steps", pk=case.pk)
    except NotInThisState:
        messages.info(request, "An answer changed since. Check your answers once more.")
        return redirect("referral_check", pk=case.pk)
    request.session.pop(access.GUEST, None)
    return redirect("referral_sent", pk=case.pk)


# --- a guest shows that the address is theirs ----------------------------------------------------


def ask_for_code(request: HttpRequest, case: Case, then: str) -> HttpResponse:
    """Send a code to the address that a guest gave."""
    asked = codes.ask(
        request,
        purpose=Purpose.SIGN_IN,
        kind=UserKind.REFERRER,
        address=case.answers["you"]["address"],
    )
    if asked == Asked.TOO_MANY:
        return too_many(request)
    if asked == Asked.NOT_SENT:
        messages.error(request, not_sent())
        return redirect("referral_steps" if then == "keep" else "referral_check", pk=case.pk)
    request.session[CODE_FOR] = then
    return redirect("referral_confirm", pk=case.pk)


@open_page
@read_or_send
def confirm(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a guest's code: the draft is from now on the account's, and is sent if that was asked.

    The second of two presses finds it sent.
    """
    case = access.draft_of(request, pk, timezone.now())
    if case is None or access.referrer(request) is not None:
        if access.referrer(request) is None and request.method != "POST":
            raise Http404
        return redirect("referral_sent", pk=pk)
    waiting = codes.pending(request, Purpose.SIGN_IN)
    address = case.answers.get("you", {}).get("address", "")
    then = request.session.get(CODE_FOR, "")
    if waiting is None or waiting.kind != UserKind.REFERRER or waiting.address != address:
        return redirect("referral_check", pk=pk)
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm()
    if form.is_bound and form.is_valid():
        entered, row = codes.enter(request, purpose=Purpose.SIGN_IN, code=form.cleaned_data["code"])
        if entered == Entered.TOO_MANY:
            return too_many(request)
        if row is not None:
            return _confirmed(request, case, row.address, then)
        record(None, "sign_in.failed", None, outcome=Outcome.REFUSED)
        form.add_error("code", refusal(entered))
    again = reverse("referral_check" if then != "keep" else "referral_steps", kwargs={"pk": pk})
    is_sent = then != "keep"
    context = {
        "case": case,
        "form": form,
        "address": address,
        "again": again,
        "is_sent": is_sent,
    }
    return show(request, "referrals/confirm_address.html", context)


def _confirmed(request: HttpRequest, case: Case, address: str, then: str) -> HttpResponse:
    try:
        user = own_account.sign_in(request, address=address, kind=UserKind.REFERRER)
    except own_account.AccountClosedError:
        return render(request, "accounts/closed.html")
    request.session.pop(CODE_FOR, None)
    if then != "keep":
        return _sent(request, case, int(then), user)
    actions.claim(case=case, user=user, at=timezone.now())
    request.session.pop(access.GUEST, None)
    messages.info(request, "Saved. You can go on with it from this list.")
    return redirect("referrals")


@open_page
@require_POST
def keep(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep a draft for an account: this one, or after a code the one of the address given."""
    case = draft_or_answer(request, pk)
    if isinstance(case, HttpResponse):
        return case
    user = access.referrer(request)
    if user is not None:
        actions.claim(case=case, user=user, at=timezone.now())
        return redirect("referrals")
    if "you" not in case.answers:
        messages.info(request, "First say who you are: we keep the draft for your address.")
        return redirect("referral_steps", pk=pk)
    return ask_for_code(request, case, "keep")
