"""The pages of a referral in their order, which are open, and what of the answers is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from hematon.engine.case import Case as Record
from hematon.portal.care import ask_forms
from hematon.portal.care.reading_order import REPORTED_FACTS
from hematon.portal.care.tasks import COUNTS
from hematon.portal.opinions.stated import STATED, stated_in
from hematon.portal.referrals import forms
from hematon.portal.referrals.finding_forms import AbsentForm, FindingsForm
from hematon.portal.referrals.record_forms import ConfirmForm, RecordForm, WayForm
from hematon.portal.referrals.reported import reported
from hematon.portal.ui.forms import Form
from hematon.portal.ui.journey import Answers, Question


class FilesForm(Form):
    """Stands for the page of files, which has a form of its own."""

    title = "Attach reports"


def is_data(given: Answers) -> bool:
    """Say whether blood counts are sent as data."""
    return given.get("counts-way", {}).get("way") == "data"


def _page(name: str) -> str:
    return f"referrals/{name}.html"


QUESTIONS: Final = (
    Question("where", forms.WhereForm, template=_page("question")),
    Question("you", forms.YouForm, template=_page("you")),
    Question("child", forms.ChildForm, template=_page("titled")),
    Question("family", forms.FamilyForm, template=_page("titled")),
    Question("urgency", forms.UrgencyForm, template=_page("urgency")),
    Question("reason", forms.ReasonForm, template=_page("titled")),
    Question("history", forms.HistoryForm, template=_page("titled")),
    Question("counts-way", WayForm, template=_page("question")),
    Question("record", RecordForm, asked=is_data, template=_page("record")),
    Question("confirm", ConfirmForm, asked=is_data, template=_page("confirm")),
    Question("findings", FindingsForm, template=_page("findings")),
    Question("absent", AbsentForm, template=_page("titled")),
    Question("files", FilesForm, template=_page("files")),
    Question("authority", forms.AuthorityForm, template=_page("titled")),
)
NAMES: Final[Mapping[str, str]] = {
    "where": "Where the child lives",
    "you": "You",
    "child": "The child",
    "family": "The family",
    "urgency": "How soon",
    "reason": "Reason and questions",
    "history": "Treatments and history",
    "counts-way": "How the blood counts come",
    "record": "Blood counts",
    "confirm": "Values, units and dates",
    "findings": "Findings",
    "absent": "Looked for and not there",
    "files": "Files",
    "authority": "Your authority",
}
_THREE: Final = ("question_1", "question_2", "question_3")
_UNREPEATABLE: Final = frozenset({"record", "confirm", "files"})
"""Forms that do not fit their own answer again: what they gave is kept elsewhere."""


def asked_of(answers: Mapping[str, Any]) -> list[Question]:
    """Give the pages that are asked, whether they were answered or not."""
    given: dict[str, Any] = {}
    found = []
    for question in QUESTIONS:
        if question.asked(given):
            found.append(question)
            if question.key in answers:
                given[question.key] = answers[question.key]
    return found


def is_answered(question: Question, answers: Mapping[str, Any]) -> bool:
    """Say whether a page is done, and its form would take the answer today."""
    if question.key not in answers:
        return False
    if question.key == "where":
        return is_served(answers)
    if question.key == "confirm":
        return bool(answers.get(COUNTS, {}).get("sets"))
    if question.key in _UNREPEATABLE:
        return True
    return question.form(data=answers[question.key]).is_valid()


def is_served(answers: Mapping[str, Any]) -> bool:
    """Say whether the programme takes referrals from where the child lives."""
    where = answers.get("where", {}).get("where", "")
    return bool(where) and ask_forms.is_served(forms.place_of(where))


def open_questions(answers: Mapping[str, Any]) -> list[Question]:
    """Give the pages that hold the sending off."""
    return [q for q in asked_of(answers) if not is_answered(q, answers)]


def counts_of(answers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the confirmed counts, where counts are sent as data; else nothing."""
    found: Mapping[str, Any] = answers.get(COUNTS, {}) if is_data(answers) else {}
    return found


def stated_of(answers: Mapping[str, Any]) -> Record:
    """Give what is stated beside counts: on the pages, and in the record where one is sent."""
    kept = answers if is_data(answers) else {k: v for k, v in answers.items() if k != STATED}
    return stated_in(kept, date.fromisoformat(answers["child"]["date"]))


def sent_answers(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Give the answers that are sent: those asked, and the same under the names families' have.

    The team's pages read a child's name, a birth date or a phone number by one key, whoever sent
    it.
    """
    kept = {q.key: answers[q.key] for q in asked_of(answers) if q.key in answers}
    if is_data(kept):
        kept |= {key: answers[key] for key in (COUNTS, STATED) if key in answers}
    absent = kept["absent"]["absent"]
    present = kept["findings"]["present"]
    kept["absent"] = {"absent": [code for code in absent if code not in present]}
    kept[REPORTED_FACTS] = reported(stated_of(kept), kept["urgency"]["urgency"])
    state = kept["where"]["where"]
    return {
        **kept,
        "where": {"where": forms.place_of(state), "state": state},
        "your-name": {"name": kept["you"]["name"]},
        "phone": {"phone": kept["you"]["phone"]},
        "child-name": {"child_name": kept["child"]["child_name"]},
        "birth-date": {key: kept["child"][key] for key in ("date", "year", "month", "day")},
        "worry": {"worry": kept["reason"]["reason"]},
        "questions": {key: kept["reason"][key] for key in _THREE},
    }
