"""The pages of one draft: which form each shows, and where its answer goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from hematon.portal.accounts.models import User
from hematon.portal.care.models import Case
from hematon.portal.files.kinds import RefusedError
from hematon.portal.referrals import access, actions, forms
from hematon.portal.referrals.reading import Read, read, rows_of
from hematon.portal.referrals.steps import QUESTIONS, is_data, stated_of
from hematon.portal.ui.journey import Journey, Question


@dataclass(frozen=True)
class ReferralJourney(Journey):
    """The pages of one draft; each answer is saved in it at once."""

    case: Case | None = None
    user: User | None = None

    def _case(self) -> Case:
        if self.case is None:
            raise ValueError("a journey of a draft needs its draft")
        return self.case

    def kept(self, request: HttpRequest) -> Mapping[str, Any]:
        """Give the answers of the draft."""
        answers: Mapping[str, Any] = self._case().answers
        return answers

    def keep(self, request: HttpRequest, key: str, answer: dict[str, Any]) -> None:
        """Save one answer; a record and its confirmed rows go where they belong."""
        case, at = self._case(), timezone.now()
        if key == "record":
            try:
                actions.keep_record(case=case, content=answer["content"], user=self.user, at=at)
            except RefusedError as refused:
                # The values are kept; the team lacks the document they come from.
                messages.warning(
                    request,
                    "The values were read. The document itself could not be kept for the team: "
                    f"{refused.words}. You can attach the laboratory's report later.",
                )
        elif key == "confirm":
            actions.confirm_rows(
                case=case,
                rows=answer["rows"],
                facts=answer["facts"],
                left_out=answer["left_out"],
                undated=answer["drawn"],
                user=self.user,
                at=at,
            )
        else:
            actions.save(case=case, question=key, answer=answer, user=self.user, at=at)

    def done(self, request: HttpRequest, key: str, answer: dict[str, Any]) -> HttpResponse:
        """Keep the answer of a page that has a form of its own, and go on."""
        self.keep(request, key, answer)
        return self.go_on(request, key)

    def at(self, key: str) -> str:
        """Give the address of a page of this draft."""
        return reverse(self.view, kwargs={"pk": self._case().pk, "key": key})

    def before(self) -> str:
        """Lead back to the list of pages."""
        return reverse(self.start, kwargs={"pk": self._case().pk})

    def after(self) -> str:
        """Lead to checking the answers."""
        return reverse(self.end, kwargs={"pk": self._case().pk})

    def made(self, request: HttpRequest, question: Question, **given: Any) -> django_forms.Form:
        """Make a form; some need what other pages asked."""
        return question.form(**given, **_needed(question.key, self._case(), self.user))


def _needed(key: str, case: Case, user: User | None) -> dict[str, Any]:
    answers = case.answers
    if key == "you":
        return {"signed_in_as": user.mail_address if user else ""}
    if key == "history":
        return {"born": born_of(answers) if "child" in answers else None}
    if key == "record":
        return {"born": born_of(answers), "sex": answers["child"]["sex"]}
    if key == "confirm":
        again, born = read_again(case), born_of(answers)
        rows = rows_of(again.record, born) if again and again.record else []
        return {"rows": rows, "again": again, "born": born}
    if key == "absent":
        present = stated_of(answers).findings
        return {"present": tuple(found.code for found in present if found.observed)}
    return {}


def born_of(answers: Mapping[str, Any]) -> date:
    """Give the child's date of birth."""
    return date.fromisoformat(answers["child"]["date"])


def read_again(case: Case) -> Read | None:
    """Read the record with the birth date and sex of now; None where none is sent as data."""
    held = access.record_of(case) if is_data(case.answers) else None
    if held is None:
        return None
    return read(
        bytes(held.content),
        born=born_of(case.answers),
        sex=case.answers["child"]["sex"],
        today=forms.today(),
    )


def journey(case: Case, user: User | None) -> ReferralJourney:
    """Give the pages of a draft.

    Args:
        case: the draft.
        user: the signed-in referring clinician; None for a guest.
    """
    return ReferralJourney(
        name="referral",
        questions=QUESTIONS,
        view="referral_question",
        start="referral_steps",
        end="referral_check",
        case=case,
        user=user,
    )
