"""Everything that one case's page shows."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from hematon.portal.accounts.access import staff_of
from hematon.portal.accounts.models import User
from hematon.portal.care import access as care
from hematon.portal.care import changes, identity, told, working
from hematon.portal.care.models import Case
from hematon.portal.care.models.talk import MESSAGE_MOST
from hematon.portal.care.reading_order import birth_date
from hematon.portal.care.status import TRANSITIONS, Kind, Status
from hematon.portal.care.summary import answers_of_call
from hematon.portal.files.access import files_of
from hematon.portal.files.serve import Purpose, may_open
from hematon.portal.inbox import access, replies
from hematon.portal.inbox.basis import age_in_words, basis_of
from hematon.portal.inbox.counts_table import table_of
from hematon.portal.inbox.elapsed import elapsed, in_words
from hematon.portal.inbox.forms import (
    BandForm,
    CallForm,
    CaseForm,
    GiveForm,
    NoteForm,
    PlainForm,
    PrivateForm,
    ReplyForm,
    StageForm,
    StepForm,
)
from hematon.portal.inbox.history import history, said
from hematon.portal.inbox.models import Box
from hematon.portal.inbox.rows import COLORS, KINDS, due_of, status_of
from hematon.portal.opinions.panel import panel_of
from hematon.portal.ui.site import site

TYPED_MOST: Final = 2 * MESSAGE_MOST
"""What is kept of a box while somebody types; more than it takes, so that nothing is cut."""
FILE_STATES: Final = {
    "held": "Not yet checked for viruses",
    "infected": "Refused: the scanner found something",
}
FILE_FLAGS: Final = {
    "javascript": "holds a script",
    "launch": "starts programs",
    "embedded": "holds other files",
    "form": "is a form",
    "link": "holds links",
}


def reply_form(case: Case, user: User, template: str = "", data: Any = None) -> ReplyForm:
    """Give the message box: what was sent, what was typed before, or a template's text."""
    chosen = replies.offered(case).get(template)
    initial = {"key": secrets.token_urlsafe(24)}
    if chosen is not None:
        initial |= {
            "text": replies.text_of(chosen, case),
            "template": template,
            "holds": chosen.holds or "",
        }
    elif kept := access.unsaved_of(user, case).get(Box.MESSAGE):
        initial["text"] = kept
    return ReplyForm(data, case=case, has_patient=_has_patient(case), initial=initial)


def _has_patient(case: Case) -> bool:
    links = case.child.guardianships.all() if case.child else ()
    return any(link.is_patient for link in links)


def give_form(case: Case, data: Any = None) -> GiveForm:
    """Give the form of owner and reviewer."""
    return GiveForm(data, case=case, owners=access.owners(), reviewers=access.reviewers())


def forms_of(case: Case, user: User, template: str) -> dict[str, CaseForm | None]:
    """Give every form of the page, empty."""
    kept = access.unsaved_of(user, case)
    steps = TRANSITIONS[case.status] - {Status.CANCELLED}
    return {
        "step": StepForm(case=case) if steps else None,
        "stage": StageForm(case=case) if case.is_open and case.kind != Kind.CALL else None,
        "give": give_form(case),
        "band": BandForm(case=case, initial={"band": case.band}),
        "reply": reply_form(case, user, template),
        "note": NoteForm(case=case, initial={"text": kept.get(Box.NOTE, "")}),
        "call": CallForm(case=case) if case.kind == Kind.CALL and case.is_open else None,
        "private": PrivateForm(case=case, initial={"hidden": case.confidential_to_minor}),
        "plain": PlainForm(case=case),
    }


def page(
    request: HttpRequest,
    case: Case,
    *,
    bound: Mapping[str, CaseForm] | None = None,
    stale: int | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show a case.

    Args:
        request: of a member of the team.
        case: as it is now.
        bound: forms that were refused, by name.
        stale: the revision of the page that was refused, to tell what happened since.
        status: of the answer.
    """
    user, at = staff_of(request), timezone.now()
    forms = {**forms_of(case, user, request.GET.get("reply", "")), **(bound or {})}
    context: dict[str, Any] = {
        "case": case,
        "kind": KINDS[case.kind],
        "form": next(iter(bound.values())) if bound else None,
        "forms": forms,
        "changed": [(c, said(c)) for c in changes.since(case, stale)] if stale is not None else (),
        "sections": told.sections_of(case),
        "counts": table_of(case.answers),
        "files": _files(case),
        "thread": list(case.messages.select_related("by")),
        "notes": list(case.notes.select_related("by")),
        "history": history(case),
        "basis": basis_of(case),
        "moves": list(case.band_moves.select_related("by")),
        "color": COLORS[case.band],
        "due": due_of(case, at),
        "status": status_of(case),
        "readers": len(care.readers(case, at)),
        "templates": replies.offered(case),
        "template": request.GET.get("reply", ""),
        "looked_at": case.opened_by if working.is_looked_at(case, user, at) else None,
        "is_mine": case.opened_by_id == user.pk,
        "is_emergency": care.is_emergency(user, case, at),
        "may_wait": case.kind == Kind.SECOND_OPINION and case.records_complete_at is None,
        "zone": site().zone,
        "zone_name": site().zone_name,
        "now": at,
        "panel": None if case.kind == Kind.CALL else panel_of(case, user),
        **_times(case, at),
        **_child(user, case, at),
    }
    if case.kind == Kind.CALL:
        context["call"] = answers_of_call(case.answers)
    return render(request, "inbox/item.html", context, status=status)


def _times(case: Case, at: datetime) -> dict[str, str]:
    found = elapsed(case, at)
    if found is None:
        return {}
    return {
        "raw": in_words(found.raw),
        "paused": in_words(found.paused) if found.paused else "",
        "counted": in_words(found.counted),
        "left": in_words(case.left) if case.left is not None else "",
    }


def _child(user: User, case: Case, at: datetime) -> dict[str, Any]:
    born, named = birth_date(case.answers), identity.named(case.answers)
    found: dict[str, Any] = {
        "named": named,
        "may_match": care.may_match(user, case),
        "same_child": [
            other for other in identity.same_child(case) if care.get_case(user, other.pk)
        ],
    }
    today = at.astimezone(site().zone).date()
    if born is not None and born <= today:
        found["age"] = age_in_words((today - born).days)
    if found["may_match"] and case.child is None:
        found["candidates"] = identity.candidates(user, case)
    return found


def _files(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "file": stored,
            "may_open": may_open(stored, Purpose.CARE),
            "state": FILE_STATES.get(stored.state, ""),
            "flags": [FILE_FLAGS.get(flag, flag) for flag in stored.flags],
            "kilobytes": max(1, round(stored.size / 1000)),
        }
        for stored in files_of(case.pk)
    ]


def of(user: User, pk: uuid.UUID, at: datetime) -> Case | None:
    """Give the case of a page; None for "not yours" and "not there" alike."""
    return (
        care.cases_for(user, at)
        .select_related("owner", "reviewer", "opened_by", "child", "sender")
        .filter(pk=pk)
        .first()
    )
