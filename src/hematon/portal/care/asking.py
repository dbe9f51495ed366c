"""A family's request on its way: which draft a page answers, and sending it with its consents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from hematon.portal.accounts.models import User
from hematon.portal.care import access, consents, intake, minors, sending, tasks, uploads
from hematon.portal.care.models import Case, Consent, ConsentScope
from hematon.portal.care.refused import NotPermitted, Unfinished
from hematon.portal.care.status import Kind, Status
from hematon.portal.ui.journey import Journey, Question

CONSENTS: Final[Mapping[str, ConsentScope]] = {
    "consent-records": ConsentScope.RECORDS,
    "consent-report": ConsentScope.REPORT_TO_DOCTOR,
}
"""By key of the question that asks for it."""


@dataclass(frozen=True)
class DraftJourney(Journey):
    """One task of a draft; each answer is saved in the draft as soon as it is given."""

    case: Case | None = None

    def _case(self) -> Case:
        if self.case is None:
            raise ValueError("a journey of a draft needs its draft")
        return self.case

    def kept(self, request: HttpRequest) -> Mapping[str, Any]:
        """Give the answers of the draft."""
        return uploads.answers_of(self._case())

    def keep(self, request: HttpRequest, key: str, answer: dict[str, Any]) -> None:
        """Save one answer; the values that were typed on this site move into the draft."""
        at, case = timezone.now(), self._case()
        with transaction.atomic():
            held = sending.save_answer(case=case, question=key, answer=answer, at=at)
            attached = request.session.get(intake.COUNTS)
            if answer.get("blood_count") == "attached" and attached:
                held = sending.save_answer(case=held, question=tasks.COUNTS, answer=attached, at=at)
        if answer.get("blood_count") == "attached":
            request.session.pop(intake.COUNTS, None)
        case.answers, case.revision = held.answers, held.revision

    def at(self, key: str) -> str:
        """Give the address of a question of this task."""
        kwargs = {"pk": self._case().pk, "task": self.name, "key": key}
        return reverse(self.view, kwargs=kwargs)

    def before(self) -> str:
        """Lead back to the list of tasks."""
        return reverse(self.start, kwargs={"pk": self._case().pk})

    def after(self) -> str:
        """Lead to the list of tasks."""
        return reverse(self.end, kwargs={"pk": self._case().pk})

    def made(self, request: HttpRequest, question: Question, **given: Any) -> forms.Form:
        """Make a form; the one about blood counts knows whether there are values to send."""
        form = super().made(request, question, **given)
        tasks.prepare(form, self._case().answers, has_counts=intake.COUNTS in request.session)
        return form


def journey(case: Case, task: tasks.Task) -> DraftJourney:
    """Give the questions of a task as pages."""
    return DraftJourney(
        name=task.key,
        questions=task.questions,
        view="request_question",
        start="request_tasks",
        end="request_tasks",
        caption=task.name,
        case=case,
    )


@transaction.atomic
def begin(*, kind: Kind, sender: User, language: str, where: str, at: datetime) -> Case:
    """Begin a draft; where the child lives was asked before it.

    Args:
        kind: what will be asked.
        sender: whose draft it is.
        language: of the pages.
        where: a code of `ask_forms.PLACES`; empty where the kind does not depend on it.
        at: now; aware.
    """
    case = sending.begin(kind=kind, sender=sender, language=language, at=at)
    if where:
        case = sending.save_answer(case=case, question=tasks.WHERE, answer={"where": where}, at=at)
    return case


@transaction.atomic
def send(*, case: Case, seen: int, by: User, language: str, at: datetime) -> Case:
    """Send a draft with the consents that were given in it; once, however often it is sent.

    Args:
        case: the draft.
        seen: its revision on the page that was sent.
        by: whose draft it is.
        language: of the page, and so of the texts that were agreed to.
        at: now; aware.

    Raises:
        NotPermitted: it is another family's.
        Unfinished: a task is open, or an adult must send it.
        NotInThisState: an answer changed since the page was made, or its time is over.
        SentBefore: it was sent from a page with other answers.
    """
    held = Case.objects.select_for_update().get(pk=case.pk)
    if held.sender_id != by.pk:
        raise NotPermitted
    if held.status == Status.DRAFT and held.revision == seen:
        answers = uploads.answers_of(held)
        still_open = tasks.open_tasks(held.kind, answers)
        if still_open:
            raise Unfinished(still_open[0].key)
        if minors.needs_adult(held.kind, answers, at):
            raise Unfinished("adult")
        _finish(held, by, language, at)
    # Last: it writes the audit's row.
    return sending.send(case=held, seen=seen, at=at)


def _finish(case: Case, by: User, language: str, at: datetime) -> None:
    uploads.let_go_unasked(case=case, by=by, at=at)
    answers = tasks.asked_answers(case.kind, case.answers)
    case.answers = answers
    case.interpreter = answers["interpreter"]["interpreter"] == "yes"
    case.language = language
    case.save(update_fields=["answers", "interpreter", "language"])
    for key, scope in CONSENTS.items():
        if key in answers:
            signer = {
                "name": answers["your-name"]["name"],
                "relationship": answers["who"]["relationship"],
            }
            if scope == ConsentScope.REPORT_TO_DOCTOR:
                signer |= answers["report-doctor"]
            Consent.objects.create(
                case=case,
                scope=scope,
                text=consents.edition(scope).id,
                language=language,
                signer=signer,
                at=at,
                by=by,
            )


def draft_of(user: User, kind: Kind, at: datetime) -> Case | None:
    """Give the latest draft of a kind that can be continued."""
    return access.own_drafts(user).filter(kind=kind, ends_at__gt=at).first()
