"""What each kind of request asks: tasks, each a row of questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hematon.portal.care import ask_forms as ask
from hematon.portal.care import forms as callback
from hematon.portal.care.status import Kind
from hematon.portal.ui.forms import Choice
from hematon.portal.ui.journey import Answers, Question

COUNTS: Final = "counts"
"""Key among the answers of the values that the page about blood counts gave."""
WHERE: Final = "where"
"""Key among the answers of where the child lives: asked before the draft began."""


class TaskStatus(Enum):
    """Where a task stands, in the words of the list."""

    COMPLETED = _("Completed")
    INCOMPLETE = _("Incomplete")
    CANNOT_START = _("Cannot start yet")
    PROBLEM = _("There is a problem")


@dataclass(frozen=True)
class Task:
    """A row of questions that belong together.

    Attributes:
        key: part of the address.
        name: what the list says.
        questions: in the order asked; their keys are unique in the whole request.
        after: keys of tasks that come first.
    """

    key: str
    name: Promise
    questions: Sequence[Question]
    after: tuple[str, ...] = ()


def _titled(
    key: str, form: type[forms.Form], template: str = "care/request/titled.html"
) -> Question:
    return Question(key, form, template=template)


def _plain(
    key: str,
    form: type[forms.Form],
    template: str = "care/request/question.html",
    asked: Callable[[Answers], bool] | None = None,
) -> Question:
    return Question(key, form, template=template, **({"asked": asked} if asked else {}))


def _upload(key: str, asked: Callable[[Answers], bool]) -> Question:
    return Question(key, ask.FilesForm, asked=asked, template="care/request/upload.html")


def _sent_here(code: str) -> Callable[[Answers], bool]:
    return lambda answers: answers.get("records", {}).get(code) == "have"


def _count_as_file(answers: Answers) -> bool:
    return answers.get("blood-count", {}).get("blood_count") == "file"


def _to_doctor(answers: Answers) -> bool:
    return answers.get("report", {}).get("receiver") == "doctor"


_YOU = Task(
    "about-you",
    _("About you"),
    (
        _plain("your-name", ask.YourNameForm),
        _plain("who", callback.WhoForm),
        _plain("phone", callback.PhoneForm),
        _titled("language", callback.LanguageForm),
        _plain("interpreter", ask.InterpreterForm),
    ),
)
_CHILD_NAMED = (
    _plain("child-name", ask.ChildNameForm),
    _titled("birth-date", ask.BirthDateForm, "care/request/birth_date.html"),
)
_WORRY = _plain("worry", ask.WorryForm)
_CARE_NOW = _titled("care-now", ask.CareNowForm)
_TOLD = _plain("told", ask.ToldForm)
_SYMPTOMS = Task(
    "symptoms",
    _("How your child is now"),
    (_plain("symptoms", ask.SymptomsForm, "care/request/symptoms.html"),),
)
_COUNT = Task(
    "blood-count",
    _("Newest blood count"),
    (
        _plain("blood-count", ask.BloodCountForm, "care/request/blood_count.html"),
        _upload("files-newest-count", _count_as_file),
    ),
)
UPLOADS: Final[Mapping[str, tuple[Promise, str]]] = {
    "files-newest-count": (_COUNT.name, "blood-count"),
    **{f"files-{code}": (label, "records") for code, label in ask.RECORDS},
}
"""Questions that are answered with files: what each page is called, and which answer led there."""

TASKS: Final[Mapping[Kind, tuple[Task, ...]]] = {
    Kind.QUESTION: (
        _YOU,
        Task("about-child", _("About your child"), (*_CHILD_NAMED, _WORRY)),
        _SYMPTOMS,
        Task("question", _("Your question"), (_plain("question", ask.OneQuestionForm),)),
        _COUNT,
    ),
    Kind.SECOND_OPINION: (
        _YOU,
        Task(
            "about-child",
            _("About your child"),
            (*_CHILD_NAMED, _WORRY, _CARE_NOW, _TOLD),
        ),
        _SYMPTOMS,
        Task("questions", _("Your questions"), (_titled("questions", ask.QuestionsForm),)),
        _COUNT,
        Task(
            "records",
            _("Records"),
            (
                _titled("records", ask.RecordsForm, "care/request/records.html"),
                *(_upload(f"files-{code}", _sent_here(code)) for code, _label in ask.RECORDS),
            ),
        ),
        Task(
            "report",
            _("The report, and your consent"),
            (
                _plain("report", ask.ReportForm),
                Question(
                    "report-doctor",
                    ask.ReportDoctorForm,
                    asked=_to_doctor,
                    template="care/request/titled.html",
                ),
                _titled(
                    "consent-records", ask.RecordsConsentForm, "care/request/consent_records.html"
                ),
                Question(
                    "consent-report",
                    ask.ReportConsentForm,
                    asked=_to_doctor,
                    template="care/request/consent_report.html",
                ),
            ),
            after=("about-you", "about-child"),
        ),
    ),
    Kind.START: (
        _YOU,
        Task("about-child", _("About your child"), (*_CHILD_NAMED, _WORRY, _CARE_NOW, _TOLD)),
        _SYMPTOMS,
        _COUNT,
    ),
    Kind.LEARN_MORE: (
        _YOU,
        Task("wish", _("What you would like to know"), (_plain("wish", ask.WishForm),)),
    ),
}
"""Kinds that a family asks online; the others come in other ways."""


def tasks_of(kind: str) -> tuple[Task, ...]:
    """Give the tasks of a kind, in the order of the list."""
    return TASKS[Kind(kind)]


def task_of(kind: str, key: str) -> Task | None:
    """Give one task; None when this kind has none of that name."""
    return next((task for task in tasks_of(kind) if task.key == key), None)


def given(task: Task, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Give the answers to the questions of a task that are asked."""
    found: dict[str, Any] = {}
    for question in task.questions:
        if question.asked(found) and question.key in answers:
            found[question.key] = answers[question.key]
    return found


def status_of(task: Task, kind: str, answers: Mapping[str, Any]) -> TaskStatus:
    """Say where a task stands. An answer that its form would refuse today is a problem."""
    found = given(task, answers)
    if any(not _still_fits(q, found[q.key], answers) for q in task.questions if q.key in found):
        return TaskStatus.PROBLEM
    if all(q.key in found for q in task.questions if q.asked(found)):
        return TaskStatus.COMPLETED
    first = (task_of(kind, key) for key in task.after)
    if any(t and status_of(t, kind, answers) != TaskStatus.COMPLETED for t in first):
        return TaskStatus.CANNOT_START
    return TaskStatus.INCOMPLETE


def open_tasks(kind: str, answers: Mapping[str, Any]) -> list[Task]:
    """Give the tasks that hold the sending off."""
    return [t for t in tasks_of(kind) if status_of(t, kind, answers) != TaskStatus.COMPLETED]


def asked_answers(kind: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Give the answers that are sent: those asked, not those of a way not taken."""
    kept = {key: answers[key] for key in (WHERE, COUNTS) if key in answers}
    for task in tasks_of(kind):
        kept |= given(task, answers)
    if kept.get("blood-count", {}).get("blood_count") != "attached":
        kept.pop(COUNTS, None)
    # Which files there are stands in the rows of the files alone.
    return {key: answer for key, answer in kept.items() if key not in UPLOADS}


def asked_uploads(kind: str, answers: Mapping[str, Any]) -> set[str]:
    """Give the keys of the questions that are answered with files and are asked."""
    return {
        question.key
        for task in tasks_of(kind)
        for question in task.questions
        if question.key in UPLOADS and question.asked(given(task, answers))
    }


def first_problem(task: Task, answers: Mapping[str, Any]) -> Question | None:
    """Give the first question whose answer does not fit any more."""
    found = given(task, answers)
    for question in task.questions:
        if question.key in found and not _still_fits(question, found[question.key], answers):
            return question
    return None


def _still_fits(question: Question, answer: Any, answers: Mapping[str, Any]) -> bool:
    form = question.form(data=answer)
    prepare(form, answers)
    return form.is_valid()


def prepare(form: forms.Form, answers: Mapping[str, Any], *, has_counts: bool = False) -> None:
    """Tell a form about blood counts whether there are typed values to send."""
    if isinstance(form, ask.BloodCountForm):
        form.has_counts = has_counts or COUNTS in answers
        if not form.has_counts:
            field = form.fields["blood_count"]
            assert isinstance(field, Choice)
            field.choices = [c for c in ask.COUNT_WAYS if c[0] != "attached"]
