"""The answers of a draft as cards to check, each with its Change link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from hematon.portal.care import ask_forms as ask
from hematon.portal.care import forms as callback
from hematon.portal.care import tasks
from hematon.portal.care.callback import Language, Relationship
from hematon.portal.care.models import Case
from hematon.portal.care.summary import Row
from hematon.portal.files import access
from hematon.portal.files.models import State


@dataclass(frozen=True)
class Section:
    """A task as a card."""

    name: str
    rows: list[Row]


def _named(choices: list[tuple[str, Any]], codes: Any) -> str:
    names = dict(choices)
    return "\n".join(str(names[c]) for c in (codes if isinstance(codes, list) else [codes]))


def _language(given: Mapping[str, Any]) -> str:
    return given["other_language"] or str(Language(given["language"]).label)


def _questions(given: Mapping[str, Any]) -> str:
    asked = [given[f"question_{n}"] for n in (1, 2, 3)]
    return "\n".join(f"{n}. {text}" for n, text in enumerate(filter(None, asked), 1))


def _records(given: Mapping[str, Any]) -> str:
    states = dict(ask.RECORD_STATES)
    return "\n".join(f"{label}: {states[given[code]]}" for code, label in ask.RECORDS)


def _files(case: Case, step: str) -> str:
    lines = []
    for stored in access.files_of(case.pk, step).exclude(state=State.INFECTED):
        waits = _("%(file)s (we are still checking it)") % {"file": stored.name}
        lines.append(waits if stored.state == State.HELD else stored.name)
    return "\n".join(lines)


def _born(given: Mapping[str, Any]) -> str:
    return formats.date_format(date.fromisoformat(given["date"]), "DATE_FORMAT")


def _shown() -> dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]]:
    """Give, by key of the question, what the row is called and how the answer reads."""
    return {
        "your-name": (_("Your name"), lambda g: g["name"]),
        "who": (_("Who you are"), lambda g: str(Relationship(g["relationship"]).label)),
        "phone": (_("Phone number"), lambda g: g["phone"]),
        "language": (_("Language"), _language),
        "interpreter": (_("Interpreter"), lambda g: _named(callback.YES_NO, g["interpreter"])),
        "child-name": (_("Child's name"), lambda g: g["child_name"]),
        "birth-date": (_("Date of birth"), _born),
        "worry": (_("Diagnosis or main worry"), lambda g: g["worry"]),
        "care-now": (_("Hospital and doctor"), lambda g: f"{g['hospital']}\n{g['doctor']}"),
        "told": (_("What your child knows"), lambda g: _named(ask.TOLD, g["told"])),
        "symptoms": (_("Now"), lambda g: _named(ask.SYMPTOMS, g["symptoms"])),
        "questions": (_("Your questions"), _questions),
        "question": (_("Your question"), lambda g: g["question"]),
        "wish": (_("What you would like to know"), lambda g: g["wish"]),
        "blood-count": (
            _("Newest blood count"),
            lambda g: _named(ask.COUNT_WAYS, g["blood_count"]),
        ),
        "records": (_("Records"), _records),
        "report": (_("Who gets the report"), lambda g: _named(ask.RECEIVERS, g["receiver"])),
        "report-doctor": (
            _("Doctor who gets the report"),
            lambda g: f"{g['report_doctor']}\n{g['report_place']}",
        ),
        "consent-records": (_("Reading the records"), lambda g: _named(ask.YES, g["agree"])),
        "consent-report": (_("Sending the report"), lambda g: _named(ask.YES, g["agree"])),
    }


def sections(case: Case, answers: Mapping[str, Any]) -> list[Section]:
    """Give every answer that will be sent, by task.

    Args:
        case: the draft.
        answers: as `uploads.answers_of` gives them.
    """
    shown, found = _shown(), []
    for task in tasks.tasks_of(case.kind):
        rows = []
        for key, answer in tasks.given(task, answers).items():
            if key in tasks.UPLOADS:
                record = tasks.UPLOADS[key][0]
                name = _("Files: %(record)s") % {"record": record}
                text = _files(case, key)
            else:
                name, told = shown[key]
                text = told(answer)
            kwargs = {"pk": case.pk, "task": task.key, "key": key}
            rows.append(Row(name, text, reverse("request_question", kwargs=kwargs), name.lower()))
        found.append(Section(str(task.name), rows))
    return found
