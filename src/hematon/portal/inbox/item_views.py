"""One case: everything of it on one page, and one address for each thing that is done to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import access as care
from hematon.portal.care import actions as calls
from hematon.portal.care import identity, talking, working
from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.refused import NotInThisState, NotPermitted, SentBefore, Unfinished
from hematon.portal.care.status import RejectReason, Stage, Status
from hematon.portal.files.access import get_file
from hematon.portal.files.serve import Purpose, answer
from hematon.portal.inbox import actions, item
from hematon.portal.inbox.forms import (
    BandForm,
    CallForm,
    CaseForm,
    GiveForm,
    MatchForm,
    NoteForm,
    PlainForm,
    PrivateForm,
    StageForm,
    StepForm,
)
from hematon.portal.inbox.models import Box

Act = Callable[[Case, Any, User, datetime], str]
"""Does it with a valid form, and says in a sentence what was done."""

MOVED_ON: Final = (
    "This request changed since you opened it. Nothing of yours was lost: see below what "
    "happened, look at your text, and send it once more."
)
UNFINISHED: Final = {
    "answer": "Answer the sender first: nothing is closed without its answer.",
    "answer-read": "The referring clinician has not read the report yet. It closes after that.",
    "reply": "Write to the sender first: say why, and who can help.",
    "readers": "Nobody outside the team could read this message.",
    "reason": "Say why you move it.",
    "child": "The sender did not name the child in full.",
}


def _case(request: HttpRequest, pk: uuid.UUID) -> Case:
    found = item.of(staff_of(request), pk, timezone.now())
    if found is None:
        raise Http404
    return found


def _done(case: Case, place: str = "") -> HttpResponse:
    return redirect(reverse("case_item", args=[case.pk]) + place)


def _act(
    request: HttpRequest, case: Case, name: str, form: CaseForm, act: Act, place: str = ""
) -> HttpResponse:
    """Do one thing to a case; a page that is refused brings back what was typed on it."""
    user, at = staff_of(request), timezone.now()
    stale = None
    try:
        if not form.is_valid():
            seen = form.cleaned_data.get("seen")
            if seen is None or seen == case.revision:
                return item.page(request, case, bound={name: form}, status=422)
            # What could be chosen then cannot be chosen now.
            raise NotInThisState("changed since the page was opened")
        done = act(case, form.cleaned_data, user, at)
    except NotInThisState:
        form.again(_case(request, case.pk), MOVED_ON)
        stale = form.cleaned_data["seen"]
        return item.page(request, form.case, bound={name: form}, stale=stale, status=409)
    except SentBefore:
        form.again(case, "This box was sent before with another text. Send it once more.")
        return item.page(request, case, bound={name: form}, status=422)
    except Unfinished as error:
        form.add_error(None, UNFINISHED[error.what])
        return item.page(request, case, bound={name: form}, status=422)
    except NotPermitted:
        raise PermissionDenied from None
    messages.info(request, done)
    return _done(case, place)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_safe
def case_item(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a case. Looking is recorded and changes nothing."""
    case = _case(request, pk)
    working.look_at(case=case, by=staff_of(request), at=timezone.now())
    return item.page(request, case)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_open(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a case up: it is read by a person now, and others see by whom."""
    case, user, at = _case(request, pk), staff_of(request), timezone.now()
    working.open_case(case=case, by=user, at=at)
    talking.read_messages(case=case, by=user, at=at)
    return _done(case)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_step(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a case a step on."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        status = Status(given["status"])
        if status == Status.REJECTED:
            reason = RejectReason(given["reason"])
            actions.refuse(case=case, reason=reason, by=by, at=at, seen=given["seen"])
        else:
            working.step(
                case=case, status=status, by=by, at=at, seen=given["seen"], reason=given["reason"]
            )
        return "The step is recorded."

    return _act(request, case, "step", StepForm(request.POST, case=case), act)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_stage(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say how far the work is."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        stage = Stage(given["stage"])
        working.move_stage(case=case, stage=stage, by=by, at=at, seen=given["seen"])
        return "How far the work is, is recorded."

    return _act(request, case, "stage", StageForm(request.POST, case=case), act)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_give(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give a case an owner and a reviewer."""
    case = _case(request, pk)
    data = request.POST.copy()
    if "take" in data:
        data[f"{GiveForm.prefix}-owner"] = str(staff_of(request).pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        return actions.give(
            case=case,
            owner=given["owner"],
            reviewer=given["reviewer"],
            by=by,
            at=at,
            seen=given["seen"],
        )

    return _act(request, case, "give", item.give_form(case, data), act)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_band(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Move a case in the reading order, with the reason."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        band, seen = Band(given["band"]), given["seen"]
        working.move_band(case=case, band=band, reason=given["reason"], by=by, at=at, seen=seen)
        return "The request is moved. The basis stays as it was."

    return _act(request, case, "band", BandForm(request.POST, case=case), act)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_reply(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a message to who is outside the team."""
    case, user = _case(request, pk), staff_of(request)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        actions.reply(
            case=case,
            key=given["key"],
            text=given["text"],
            template=given["template"],
            holds=given["holds"],
            confidential=given.get("confidential", False),
            by=by,
            at=at,
            seen=given["seen"],
        )
        return "Your message is sent."

    form = item.reply_form(case, user, data=request.POST)
    return _act(request, case, "reply", form, act, "#messages")


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_note(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep a note that only the team reads. It changes nothing, so no page is too old for it."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        actions.keep_note(case=case, text=given["text"], by=by, at=at)
        return "Your note is kept. Only the team reads it."

    return _act(request, case, "note", NoteForm(request.POST, case=case), act, "#notes")


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_call(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Record what came of a call: reached closes it, no answer keeps it open."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        reached = given["outcome"] == "reached"
        calls.mark(case=case, reached=reached, seen=given["seen"], by=by, at=at)
        return "Reached: the request is closed." if reached else "No answer: it stays open."

    return _act(request, case, "call", CallForm(request.POST, case=case), act)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_records(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say that nothing is missing: a second opinion's clock begins."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        working.complete_records(case=case, by=by, at=at, seen=given["seen"])
        return "The records are complete. The clock runs from now."

    return _act(request, case, "plain", PlainForm(request.POST, case=case), act)


@staff_page(Role.INTAKE)
@require_POST
def case_match(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say which child a case is about: one that is there, a new one, or not this one."""
    case, user = _case(request, pk), staff_of(request)
    form = MatchForm(request.POST, case=case)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        common: dict[str, Any] = {"case": case, "by": by, "at": at, "seen": given["seen"]}
        if given["act"] == "new":
            identity.match_new(**common)
            return "A new child is made, and the request is matched to it."
        if given["act"] == "undo":
            identity.take_back(**common)
            return "The match is taken back."
        offered = {one.child.pk: one.child for one in identity.candidates(user, case)}
        child = offered.get(form.chosen() or uuid.UUID(int=0))
        if child is None:
            # It is matched by now, or was never among the children to compare with.
            raise NotInThisState("not offered")
        if given["act"] == "deny":
            identity.not_this(**common, child=child)
            return "Noted: it is not this child."
        identity.match(**common, child=child)
        return "The request is matched. The child's confirmed adults see it from now on."

    return _act(request, case, "match", form, act, "#child")


@staff_page(Role.INTAKE)
@require_POST
def case_private(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say whether a case is kept from parents."""
    case = _case(request, pk)

    def act(case: Case, given: dict[str, Any], by: User, at: datetime) -> str:
        hidden, seen = given["hidden"], given["seen"]
        identity.keep_from_parents(case=case, hidden=hidden, by=by, at=at, seen=seen)
        return "No parent sees it now." if hidden else "Parents whom the rules allow see it."

    return _act(request, case, "private", PrivateForm(request.POST, case=case), act, "#child")


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def case_typed(request: HttpRequest, pk: uuid.UUID, box: str) -> HttpResponse:
    """Keep what is being typed, for its writer alone; a script asks for it now and then."""
    case = _case(request, pk)
    if box not in Box.values:
        raise Http404
    text = request.POST.get("text", "")
    if len(text) > item.TYPED_MOST or "\0" in text:
        return HttpResponse(status=422)
    try:
        actions.keep_typed(
            case=case, box=Box(box), text=text, by=staff_of(request), at=timezone.now()
        )
    except NotPermitted:
        raise PermissionDenied from None
    return HttpResponse(status=204)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_safe
def case_file(request: HttpRequest, pk: uuid.UUID, file: uuid.UUID) -> HttpResponse:
    """Give a file of a case, if it was scanned and is clean; through its case alone."""
    case, user = _case(request, pk), staff_of(request)
    stored = get_file(case.pk, file)
    response = answer(stored, Purpose.CARE)
    purpose = "BTG" if care.is_emergency(user, case, timezone.now()) else "TREAT"
    record(user, "case.file_opened", stored, patient=case.child, purpose=purpose)
    return response
