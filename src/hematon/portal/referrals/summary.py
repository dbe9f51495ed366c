"""The answers of a referral as rows to check, each with its Change link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from django.urls import reverse
from django.utils import formats

from hematon.portal.care.ask_summary import Section
from hematon.portal.care.models import Case
from hematon.portal.care.summary import Row
from hematon.portal.files.access import files_of
from hematon.portal.opinions.stated import STATED, facts_in, name_of
from hematon.portal.referrals import forms
from hematon.portal.referrals.record_forms import WAYS
from hematon.portal.referrals.steps import NAMES, asked_of

_SECTIONS: Final = (
    ("You", ("you",)),
    ("The child", ("where", "child", "family")),
    ("The referral", ("urgency", "reason", "history")),
    ("Blood counts", ("counts-way", "record", "confirm")),
    ("Findings", ("findings", "absent")),
    ("Files and authority", ("files", "authority")),
)


def _named(choices: Any, code: str) -> str:
    return str(dict(choices).get(code, code))


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _you(given: Mapping[str, Any]) -> str:
    return _joined(
        given["name"],
        _named(forms.PROFESSIONS, given["profession"]),
        given["institution"],
        given["address"],
        given["phone"],
        f"NPI {given['npi']}" if given["npi"] else "",
        f"License {given['licence']}" if given["licence"] else "",
    )


def _child(given: Mapping[str, Any]) -> str:
    born = formats.date_format(date.fromisoformat(given["date"]), "F j, Y")
    return _joined(given["child_name"], f"Born {born}", _named(forms.SEXES, given["sex"]))


def _family(given: Mapping[str, Any]) -> str:
    interpreter = {"yes": "Interpreter needed", "no": "No interpreter needed"}
    return _joined(
        _named(forms.FAMILY_KNOWS, given["knows"]),
        given["adult"],
        given["adult_phone"],
        given["language"],
        interpreter.get(given["interpreter"], "Not known whether an interpreter is needed"),
    )


def _reason(given: Mapping[str, Any]) -> str:
    asked = filter(None, (given[f"question_{n}"] for n in (1, 2, 3)))
    return _joined(given["reason"], *(f"{n}. {text}" for n, text in enumerate(asked, 1)))


def _history(given: Mapping[str, Any]) -> str:
    on = given["transfused_on"]
    return _joined(
        *(_named(forms.TREATMENTS, code) for code in given["treatments"]),
        f"Last transfusion {formats.date_format(date.fromisoformat(on), 'F j, Y')}" if on else "",
        given["history"],
    )


def _confirmed(given: Mapping[str, Any]) -> str:
    left_out = f", {given['left_out']} left out" if given["left_out"] else ""
    return f"{given['results']} confirmed{left_out}"


def _findings(codes: list[str]) -> str:
    return _joined(*map(name_of, codes)) or "None"


_TOLD: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "where": lambda g: forms.state_name(g["where"]),
    "you": _you,
    "child": _child,
    "family": _family,
    "urgency": lambda g: _named(forms.URGENCIES, g["urgency"]),
    "reason": _reason,
    "history": _history,
    "counts-way": lambda g: _named(WAYS, g["way"]),
    "record": lambda g: "Pasted or uploaded, and read",
    "confirm": _confirmed,
    "findings": lambda g: _findings(g["present"]),
    "absent": lambda g: _findings(g["absent"]),
    "authority": lambda g: "Confirmed",
}


def sections(case: Case) -> list[Section]:
    """Give every answer that will be sent."""
    asked = {question.key for question in asked_of(case.answers)}
    found = []
    for name, keys in _SECTIONS:
        rows = [
            Row(
                NAMES[key],
                _told(case, key),
                reverse("referral_question", kwargs={"pk": case.pk, "key": key}),
                NAMES[key].lower(),
            )
            for key in keys
            if key in asked and key in case.answers
        ]
        found.append(Section(name, rows))
    return found


def _told(case: Case, key: str) -> str:
    if key == "files":
        return _joined(*(file.name for file in files_of(case.pk, "files"))) or "None"
    said = _TOLD[key](case.answers[key])
    if key == "confirm":
        # What else the record stated goes along with its values, and is confirmed with them.
        facts = facts_in(case.answers.get(STATED))
        return _joined(said, *(f"{fact.kind}: {fact.words}" for fact in facts))
    return said
