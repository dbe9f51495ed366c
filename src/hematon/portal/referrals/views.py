"""A referral until it is sent: start, pages, preview, check, the code of a guest."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts import codes, own_account, sessions
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
from hematon.portal.files import access as file_access
from hematon.portal.files import serve
from hematon.portal.files.forms import Done, UploadForm
from hematon.portal.files.kinds import REFERRAL_LIMITS
from hematon.portal.files.models import StoredFile
from hematon.portal.referrals import access, actions, forms, steps
from hematon.portal.referrals.journey import journey
from hematon.portal.referrals.preview import CALL_NOW, can_be_assessed, computed
from hematon.portal.referrals.preview_page import preview_page
from hematon.portal.referrals.summary import sections
from hematon.portal.ui.views import too_many

read_or_send = require_http_methods(["GET", "HEAD", "POST"])
RATES: Final = {"guest_begun": "20/h/ip"}
"""Drafts that one network may begin without signing in."""
GUEST_LIMITS: Final = replace(REFERRAL_LIMITS, bytes_per_holder=30 * 1024 * 1024)
CODE_FOR: Final = "referral_code_for"
"""Key in the session of what follows a guest's code: sending, at which revision, or keeping."""


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Show a page; who is signed in is warned before the session ends, as on closed pages."""
    user = access.referrer(request)
    own: dict[str, Any] = {"referrer": user}
    if user is not None:
        own["account_session_seconds"] = sessions.seconds_left(request, user)
        own["account_idle_minutes"] = sessions.limits(user).idle // 60
    return render(request, template, {**own, **context}, status=status)


@open_page
@require_safe
def for_clinicians(request: HttpRequest) -> HttpResponse:
    """Say what to send, how fast we answer, and whom to call."""
    return render(request, "referrals/public.html")


@open_page
@read_or_send
def begin(request: HttpRequest) -> HttpResponse:
    """Say what will be asked; begin a draft, signed in or as a guest."""
    if access.is_someone_else(request):
        return render(request, "referrals/someone_else.html")
    user, at = access.referrer(request), timezone.now()
    if request.method != "POST":
        drafts = access.drafts_of(user, at) if user else ()
        here = reverse("referral_begin")
        sign_in = f"{reverse('referrer_sign_in')}?{urlencode({'next': here})}"
        return show(request, "referrals/begin.html", {"drafts": drafts, "sign_in": sign_in})
    if user is None and not _within(request):
        return too_many(request)
    case = actions.begin(sender=user, at=at)
    if user is None:
        request.session[access.GUEST] = str(case.pk)
    return redirect(journey(case, user).first())


def _within(request: HttpRequest) -> bool:
    used = ratelimit.consume(
        request, app="hematon.portal.referrals", action="guest_begun", config=RATES
    )
    return used is not None


def _draft(request: HttpRequest, pk: uuid.UUID) -> Case | HttpResponse:
    """Give a draft; where it was sent already, the page that says so."""
    case = access.draft_of(request, pk, timezone.now())
    if case is not None:
        return case
    user = access.referrer(request)
    earlier = access.sent_of(user, pk) if user is not None else None
    if earlier is not None:
        return _already_sent(request, earlier, 200 if request.method in ("GET", "HEAD") else 409)
    if request.session.get(access.GUEST) == str(pk):
        # This browser began it, so saying that it is over tells nobody anything.
        return show(request, "referrals/over.html", {}, 410)
    raise Http404


def _already_sent(request: HttpRequest, earlier: Case, status: int) -> HttpResponse:
    return show(request, "referrals/already_sent.html", {"case": earlier}, status)


@open_page
@require_safe
def pages(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what is done and what is open."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    rows, reachable = [], True
    for question in steps.asked_of(case.answers):
        done = steps.is_answered(question, case.answers)
        rows.append((question.key, steps.NAMES[question.key], done, reachable))
        reachable = reachable and question.key in case.answers
    count = sum(done for _key, _name, done, _reachable in rows)
    context = {"case": case, "rows": rows, "done": count, "ready": count == len(rows)}
    return show(request, "referrals/steps.html", context)


@sensitive_post_parameters()
@open_page
@read_or_send
def question(request: HttpRequest, pk: uuid.UUID, key: str) -> HttpResponse:
    """Show one page of the referral and save its answer at once."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    if key not in steps.NAMES:
        raise Http404
    user = access.referrer(request)
    asked = [q.key for q in steps.asked_of(case.answers)]
    if key not in asked:
        return redirect("referral_steps", pk=pk)
    if key != "where" and not steps.is_served(case.answers):
        if "where" in case.answers:
            return redirect("referral_not_here", pk=pk)
        return redirect(journey(case, user).first())
    context: dict[str, Any] = {
        "case": case,
        "caption": f"Step {asked.index(key) + 1} of {len(asked)}",
        "is_guest": user is None,
    }
    try:
        if key == "files" and _is_reached(asked, case):
            answer = _files(request, case, user, context)
        else:
            answer = journey(case, user).page(request, key, **context)
    except NotInThisState:
        # Sent, deleted or over, between opening the draft and saving.
        return redirect("referral_steps", pk=pk)
    if request.method == "POST" and answer.status_code == 302:
        return _after(request, case, user, key, answer)
    return answer


def _is_reached(asked: list[str], case: Case) -> bool:
    return all(key in case.answers for key in asked[: asked.index("files")])


def _after(
    request: HttpRequest, case: Case, user: User | None, key: str, answer: HttpResponse
) -> HttpResponse:
    """Go on after a page was saved, or stop here for today."""
    if key == "where" and not steps.is_served(case.answers):
        return redirect("referral_not_here", pk=case.pk)
    if "later" not in request.POST:
        return answer
    if user is not None:
        messages.info(request, "Saved. You can go on with it from this list.")
        return redirect("referrals")
    if "you" not in case.answers:
        messages.info(request, "First say who you are: we keep the draft for your address.")
        return answer
    return _ask_for_code(request, case, "keep")


def _files(
    request: HttpRequest, case: Case, user: User | None, context: Mapping[str, Any]
) -> HttpResponse:
    limits = REFERRAL_LIMITS if case.sender_id else GUEST_LIMITS
    form = UploadForm(
        request,
        holder=case.pk,
        step="files",
        title="Attach reports",
        rules=(
            "Marrow, chromosome and gene reports, flow cytometry, imaging reports, growth curves.",
            "You can leave this empty and send reports later, as a message tells you.",
        ),
        limits=limits,
        address=lambda stored: _address_of(case, stored),
    )
    pages = journey(case, user)
    if request.method == "POST":
        done = form.settle(by=user, at=timezone.now())
        if done is Done.HERE:
            return redirect(request.path)
        if done is Done.ON:
            return pages.done(request, "files", {"seen": True})
    back = pages.at("absent")
    shown = {"form": form, "title": form.title, "back": back, **context}
    return show(request, "referrals/files.html", shown)


def _address_of(case: Case, stored: StoredFile) -> str:
    return reverse("referral_file", kwargs={"pk": case.pk, "file": stored.pk})


@open_page
@require_safe
def file(request: HttpRequest, pk: uuid.UUID, file: uuid.UUID) -> HttpResponse:
    """Give a file back to who sent it."""
    user = access.referrer(request)
    case = access.draft_of(request, pk, timezone.now())
    if case is None and user is not None:
        case = access.sent_of(user, pk)
    if case is None:
        raise Http404
    return serve.answer(file_access.get_file(case.pk, file), serve.Purpose.SENDER)


@open_page
@require_safe
def not_here(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say that a child who lives there is referred by phone."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    where = forms.state_name(case.answers.get("where", {}).get("where", ""))
    return show(request, "referrals/not_here.html", {"case": case, "where": where})


@open_page
@require_safe
def preview(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the engine's report on exactly what was entered."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    if not can_be_assessed(case.answers):
        return show(request, "referrals/no_preview.html", {"case": case})
    user, at = access.referrer(request), timezone.now()
    assessment = computed(case.answers, today=forms.today())
    if assessment is None:
        return show(request, "referrals/no_preview.html", {"case": case, "failed": True})
    document, policy = preview_page(case, assessment, at=at)
    actions.note_previewed(case=case, by=user, level=assessment.urgency.level)
    return HttpResponse(document, headers={"Content-Security-Policy": policy})


@open_page
@read_or_send
def check(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show every answer; sending sends them once, however often it is pressed."""
    if request.method == "POST":
        return _send(request, pk)
    case = _draft(request, pk)
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
        answer = _draft(request, pk)
        assert isinstance(answer, HttpResponse)
        return answer
    seen = request.POST.get("seen", "")
    number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
    if user is None:
        if steps.open_questions(case.answers):
            messages.info(request, "Some pages are not complete yet.")
            return redirect("referral_steps", pk=pk)
        return _ask_for_code(request, case, str(number))
    return _sent(request, case, number, user)


def _sent(request: HttpRequest, case: Case, seen: int, user: User) -> HttpResponse:
    at = timezone.now()
    try:
        if case.sender_id is None:
            case = actions.claim(case=case, user=user, at=at)
        actions.send(case=case, seen=seen, by=user, at=at)
    except SentBefore:
        return _already_sent(request, case, 422)
    except Unfinished:
        messages.info(request, "Some pages are not complete yet.")
        return redirect("referral_steps", pk=case.pk)
    except NotInThisState:
        messages.info(request, "An answer changed since. Check your answers once more.")
        return redirect("referral_check", pk=case.pk)
    request.session.pop(access.GUEST, None)
    return redirect("referral_sent", pk=case.pk)


# --- a guest shows that the address is theirs ----------------------------------------------------


def _ask_for_code(request: HttpRequest, case: Case, then: str) -> HttpResponse:
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
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    user = access.referrer(request)
    if user is not None:
        actions.claim(case=case, user=user, at=timezone.now())
        return redirect("referrals")
    if "you" not in case.answers:
        messages.info(request, "First say who you are: we keep the draft for your address.")
        return redirect("referral_steps", pk=pk)
    return _ask_for_code(request, case, "keep")


@open_page
@read_or_send
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once, then delete a draft."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    if request.method != "POST":
        return show(request, "referrals/delete.html", {"case": case})
    user = access.referrer(request)
    try:
        actions.discard(case=case, by=user)
    except NotInThisState:
        return redirect("referral_steps", pk=pk)
    request.session.pop(access.GUEST, None)
    messages.info(request, "The draft was deleted.")
    return redirect("referrals" if user is not None else "for_clinicians")
