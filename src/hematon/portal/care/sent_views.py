"""A family's request after it was sent: confirmation, receipt, status, messages, taking it back."""

from __future__ import annotations

import secrets
import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.care import access, talking, working
from hematon.portal.care.following import next_steps, story, who_acts
from hematon.portal.care.message_form import MessageForm
from hematon.portal.care.models import Case
from hematon.portal.care.receipt import receipt_pdf
from hematon.portal.care.refused import NotInThisState, SentBefore
from hematon.portal.care.status import TRANSITIONS, Status

read_or_send = require_http_methods(["GET", "HEAD", "POST"])


def _sent(request: HttpRequest, pk: uuid.UUID) -> Case:
    case = access.get_case(family_of(request), pk)
    if case is None:
        raise Http404
    return case


@family_page
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Show what was sent, who acts next, and what was begun."""
    user, at = family_of(request), timezone.now()
    sent = access.cases_for(user).order_by("-sent_at", "pk")
    rows = [(case, who_acts(case), _news(request, case)) for case in sent]
    drafts = access.own_drafts(user).filter(ends_at__gt=at)
    return render(request, "care/request/requests.html", {"rows": rows, "drafts": drafts})


def _news(request: HttpRequest, case: Case) -> int:
    mine = access.messages_for(family_of(request), case)
    return mine.filter(from_staff=True, read_at=None).count()


@family_page
@require_safe
def request_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show where a request stands and what was said; showing the messages reads them."""
    user, at = family_of(request), timezone.now()
    if access.get_draft(user, pk, at) is not None:
        return redirect("request_tasks", pk=pk)
    case = _sent(request, pk)
    answer = _page(request, case, MessageForm(initial={"key": secrets.token_urlsafe(24)}))
    if request.method == "GET":
        # After the page was made, so that what is new is marked as new once.
        talking.read_messages(case=case, by=user, at=at)
    return answer


def _page(request: HttpRequest, case: Case, form: MessageForm, status: int = 200) -> HttpResponse:
    return render(
        request,
        "care/request/request.html",
        {
            "case": case,
            "who": who_acts(case),
            "story": story(case),
            "steps": next_steps(case),
            "thread": list(access.messages_for(family_of(request), case)),
            "form": form,
            "can_write": case.status != Status.CANCELLED,
            "can_take_back": _can_take_back(request, case),
        },
        status=status,
    )


def _can_take_back(request: HttpRequest, case: Case) -> bool:
    # Another adult of the child reads along, and takes nothing back that others sent.
    is_own = case.sender_id == family_of(request).pk
    return is_own and Status.CANCELLED in TRANSITIONS[case.status]


@family_page
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
            by=family_of(request),
            language=(get_language() or "en")[:2],
            at=timezone.now(),
        )
    except SentBefore:
        form.add_error(None, _("This box was sent before with another text. Send it once more."))
        form.data = {"text": form.cleaned_data["text"], "key": secrets.token_urlsafe(24)}
        return _page(request, case, form, 422)
    except NotInThisState:
        return redirect("request_page", pk=pk)
    messages.info(request, _("Your message was sent."))
    return redirect("request_page", pk=pk)


@family_page
@read_or_send
def take_back(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once, then take a request back."""
    case = _sent(request, pk)
    if not _can_take_back(request, case):
        return redirect("request_page", pk=pk)
    if request.method == "POST":
        seen = request.POST.get("seen", "")
        number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
        try:
            working.step(
                case=case,
                status=Status.CANCELLED,
                by=family_of(request),
                at=timezone.now(),
                seen=number,
            )
        except NotInThisState:
            messages.info(request, _("Your request moved on since. Look at it once more."))
            return redirect("request_page", pk=pk)
        messages.info(request, _("You took your request back."))
        return redirect("request_page", pk=pk)
    return render(request, "care/request/take_back.html", {"case": case})


@family_page
@require_safe
def sent(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the reference and what happens next; works when it is bookmarked."""
    if access.get_draft(family_of(request), pk, timezone.now()) is not None:
        return redirect("request_tasks", pk=pk)
    case = _sent(request, pk)
    return render(request, "care/request/sent.html", {"case": case, "steps": next_steps(case)})


@family_page
@require_safe
def receipt(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the reference, the date and the next steps as a PDF; nothing that the family typed."""
    case = _sent(request, pk)
    response = HttpResponse(receipt_pdf(case), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{case.reference}.pdf"'
    return response
