"""A referral until it is checked and sent: start, pages, files, preview."""

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
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import open_page
from hematon.portal.accounts.models import User
from hematon.portal.care import sending
from hematon.portal.care.models import Case
from hematon.portal.care.refused import NotInThisState
from hematon.portal.files import access as file_access
from hematon.portal.files import serve
from hematon.portal.files.forms import Done, UploadForm
from hematon.portal.files.kinds import REFERRAL_LIMITS
from hematon.portal.files.models import StoredFile
from hematon.portal.referrals import access, actions, forms, steps
from hematon.portal.referrals.journey import journey, read_again
from hematon.portal.referrals.preview import can_be_assessed, computed
from hematon.portal.referrals.preview_page import preview_page
from hematon.portal.referrals.sending_views import ask_for_code
from hematon.portal.referrals.showing import draft_or_answer, show
from hematon.portal.ui.views import too_many

read_or_send = require_http_methods(["GET", "HEAD", "POST"])
RATES: Final = {"guest_begun": "20/h/ip"}
"""Drafts that one network may begin without signing in."""
GUEST_LIMITS: Final = replace(REFERRAL_LIMITS, bytes_per_holder=30 * 1024 * 1024)


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


@open_page
@require_safe
def pages(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what is done and what is open."""
    case = draft_or_answer(request, pk)
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
    case = draft_or_answer(request, pk)
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
    return ask_for_code(request, case, "keep")


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
    case = draft_or_answer(request, pk)
    if isinstance(case, HttpResponse):
        return case
    where = forms.state_name(case.answers.get("where", {}).get("where", ""))
    return show(request, "referrals/not_here.html", {"case": case, "where": where})


@open_page
@require_safe
def preview(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the engine's report on exactly what was entered."""
    case = draft_or_answer(request, pk)
    if isinstance(case, HttpResponse):
        return case
    if not can_be_assessed(case.answers):
        return show(request, "referrals/no_preview.html", {"case": case})
    user, at = access.referrer(request), timezone.now()
    again = read_again(case)
    unread = again.issues if again else ()
    assessment = computed(case.answers, today=forms.today(), unread=unread)
    if assessment is None:
        return show(request, "referrals/no_preview.html", {"case": case, "failed": True})
    document, policy = preview_page(case, assessment, again=again, at=at)
    actions.note_previewed(case=case, by=user, level=assessment.urgency.level)
    return HttpResponse(document, headers={"Content-Security-Policy": policy})


@open_page
@read_or_send
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once, then delete a draft."""
    case = draft_or_answer(request, pk)
    if isinstance(case, HttpResponse):
        return case
    if request.method != "POST":
        return show(request, "referrals/delete.html", {"case": case})
    user = access.referrer(request)
    try:
        sending.discard(case=case, by=user, at=timezone.now())
    except NotInThisState:
        return redirect("referral_steps", pk=pk)
    request.session.pop(access.GUEST, None)
    messages.info(request, "The draft was deleted.")
    return redirect("referrals" if user is not None else "for_clinicians")
