"""A family's request after it was sent: confirmation, receipt, status, messages, taking it back."""

from __future__ import annotations

import secrets
import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.accounts.models import User
from hematon.portal.care import access, reading, talking, uploads, working
from hematon.portal.care.following import next_steps, story, who_acts
from hematon.portal.care.message_form import MessageForm
from hematon.portal.care.models import Case
from hematon.portal.care.receipt import receipt_pdf
from hematon.portal.care.refused import NotInThisState, SentBefore
from hematon.portal.care.status import TRANSITIONS, Stage, Status
from hematon.portal.files.forms import Listed, listed_as
from hematon.portal.files.models import StoredFile
from hematon.portal.programme.shapes import Thing

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
    rows = [(case, who_acts(case), reading.new_for(user, case)) for case in sent]
    drafts = access.own_drafts(user).filter(ends_at__gt=at)
    return render(request, "care/request/requests.html", {"rows": rows, "drafts": drafts})


@family_page
@require_safe
def request_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show where a request stands and what was said; showing it changes nothing."""
    if access.get_draft(family_of(request), pk, timezone.now()) is not None:
        return redirect("request_tasks", pk=pk)
    case = _sent(request, pk)
    return _page(request, case, MessageForm(initial={"key": secrets.token_urlsafe(24)}))


def _own(request: HttpRequest, pk: uuid.UUID) -> Case:
    """Give a case to who sent it; other adults of the child have pages of it, not this one."""
    case = _sent(request, pk)
    if case.sender_id != family_of(request).pk:
        raise Http404
    return case


def _files(case: Case, user: User, things: frozenset[Thing]) -> list[Listed]:
    def address(stored: StoredFile) -> str:
        return reverse("request_file", kwargs={"pk": case.pk, "file": stored.pk})

    # What others sent, and how they called it, is for those who may see files of the child.
    all_of_it = Thing.FILES in things
    return [
        listed_as(stored, address if stored.taken_by_id == user.pk else None)
        for stored in uploads.shown(case)
        if all_of_it or stored.taken_by_id == user.pk
    ]


def _page(request: HttpRequest, case: Case, form: MessageForm, status: int = 200) -> HttpResponse:
    user = family_of(request)
    things = access.things_of(user, case)
    thread = list(access.messages_for(user, case))
    is_sender = case.sender_id == user.pk
    returned = case.stage in (Stage.REPORT_RETURNED, Stage.REPORT_READ)
    return render(
        request,
        "care/request/request.html",
        {
            "case": case,
            "who": who_acts(case),
            "story": story(case),
            "steps": next_steps(case),
            "thread": thread,
            "last": thread[-1] if thread else None,
            "news": sum(m.from_staff and m.read_at is None for m in thread),
            "files": _files(case, user, things),
            "may_add": is_sender and uploads.may_add(case),
            "files_asked": is_sender and uploads.is_asked_for(case),
            "files_untold": is_sender and len(uploads.untold(case)),
            "is_sender": is_sender,
            "report": returned and Thing.OPINIONS in things,
            "form": form,
            "can_write": Thing.MESSAGES in things and case.status != Status.CANCELLED,
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
    """Keep a message, once however often it is sent; who answers has read what was on the page."""
    user, at = family_of(request), timezone.now()
    case, form = _sent(request, pk), MessageForm(request.POST)
    if not form.is_valid():
        return _page(request, case, form)
    try:
        talking.send_message(
            case=case,
            key=form.cleaned_data["key"],
            text=form.cleaned_data["text"],
            by=user,
            language=(get_language() or "en")[:2],
            at=at,
        )
    except SentBefore:
        form.add_error(None, _("This box was sent before with another text. Send it once more."))
        form.data = {"text": form.cleaned_data["text"], "key": secrets.token_urlsafe(24)}
        return _page(request, case, form, 422)
    except NotInThisState:
        return redirect("request_page", pk=pk)
    _read(request, case)
    messages.info(request, _("Your message was sent."))
    return redirect("request_page", pk=pk)


@family_page
@require_POST
def mark_read(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Note that the messages on the page were read."""
    _read(request, _sent(request, pk))
    return redirect("request_page", pk=pk)


def _read(request: HttpRequest, case: Case) -> None:
    user = family_of(request)
    upto = reading.on_page(user, case, request.POST.get("upto", ""))
    if upto is not None:
        reading.mark_read(case=case, upto=upto, by=user, at=timezone.now())


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
    case = _own(request, pk)
    by_hospital = "hospital" in case.answers.get("records", {}).values()
    page = {
        "case": case,
        "steps": next_steps(case),
        "by_hospital": by_hospital,
        "files": uploads.told_count(case),
    }
    return render(request, "care/request/sent.html", page)


@family_page
@require_safe
def receipt(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the reference, the date and the next steps as a PDF; nothing that the family typed."""
    case = _own(request, pk)
    pdf = receipt_pdf(case, files=uploads.told_count(case))
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{case.reference}.pdf"'
    return response
