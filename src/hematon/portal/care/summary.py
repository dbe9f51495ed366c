"""Answers as rows to check, and the blood counts that another page attached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hematon.portal.care import forms
from hematon.portal.care.callback import About, Language, Relationship, Time
from hematon.portal.care.times import time_choices
from hematon.portal.ui.journey import Answers

_PRINTED = {"H", "L"}


@dataclass(frozen=True)
class Row:
    """One answer.

    Attributes:
        question: in short.
        answer: as the family gave it.
        change: address of its question.
        what: what the Change link names to a screen reader.
    """

    question: str
    answer: str
    change: str
    what: str


def rows(given: Answers) -> list[Row]:
    """Give every answer, in the order asked."""

    def row(key: str, question: str, answer: str) -> Row:
        change = reverse("callback_question", kwargs={"key": key})
        return Row(question, answer, change, question.lower())

    language = given["language"]
    spoken = language["other_language"] or str(Language(language["language"]).label)
    return [
        row("who", _("Who you are"), str(Relationship(given["who"]["relationship"]).label)),
        row("name", _("Name to ask for"), given["name"]["name"]),
        row("phone", _("Phone number"), given["phone"]["phone"]),
        row("time", _("Best time"), dict(time_choices())[given["time"]["time"]]),
        row("language", _("Language"), spoken),
        row(
            "interpreter",
            _("Interpreter"),
            str(dict(forms.YES_NO)[given["interpreter"]["interpreter"]]),
        ),
        row("about", _("What about"), str(About(given["about"]["about"]).label)),
        row("note", _("Your note"), given["note"]["note"] or _("None")),
    ]


def answers_of_call(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Give a request to be called in the words of its questions, for the team."""
    spoken = kept["other_language"] or str(Language(kept["language"]).label)
    return {
        "name": kept["name"],
        "phone": kept["phone"],
        # What a phone dials, without the extension.
        "dials": kept["phone"].partition(" ext ")[0],
        "time": str(Time(kept["time"]).label),
        "language": spoken,
        "interpreter": kept["interpreter"],
        "relationship": str(Relationship(kept["relationship"]).label),
        "about": str(About(kept["about"]).label),
        "note": kept["note"],
    }


@dataclass(frozen=True)
class CountLine:
    """One value of a printout, as the family confirmed it; nothing here judges it."""

    date: date | None
    name: str
    value: str
    range: str
    flag: str


def attached_counts(kept: Mapping[str, Any] | None) -> list[CountLine]:
    """Give the attached counts as lines; none when nothing is attached.

    Args:
        kept: what the page about blood counts wrote: {"sets": [{"date": ISO or "", "results":
            [{"name": {"en", "es"}, "value", "unit_label", "low", "high", "flag"}]}]}.
    """
    language = (get_language() or "en")[:2]
    lines = []
    for drawn in (kept or {}).get("sets", []):
        on = date.fromisoformat(drawn["date"]) if drawn["date"] else None
        for line in drawn["results"]:
            value = f"{line['value']} {line['unit_label']}".strip()
            low, high = line["low"], line["high"]
            printed = " - ".join(part for part in (low, high) if part)
            flag = line["flag"] if line["flag"] in _PRINTED else ""
            lines.append(CountLine(on, line["name"][language], value, printed, flag))
    return lines
