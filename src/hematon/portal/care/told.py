"""What the sender said, as cards for the team, whatever kind of case it is.

An app that takes a kind of its own in says here how its answers read (`tells`). What nobody knows
how to say is shown as it was kept: no answer is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hematon.portal.care import ask_summary, tasks
from hematon.portal.care.ask_summary import Section
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.care.summary import Row, answers_of_call

Teller = Callable[[Case], list[Section]]
_tellers: Final[dict[str, Teller]] = {}
_SHOWN_APART: Final = frozenset({tasks.COUNTS})


def tells(kind: Kind) -> Callable[[Teller], Teller]:
    """Register how the answers of a kind read."""

    def register(teller: Teller) -> Teller:
        _tellers[kind] = teller
        return teller

    return register


def sections_of(case: Case) -> list[Section]:
    """Give every answer of a case, by card; blood counts stand apart."""
    if case.kind in _tellers:
        return _tellers[case.kind](case)
    if case.kind in tasks.TASKS:
        return [section for section in ask_summary.sections(case) if section.rows]
    if case.kind == Kind.CALL:
        return [_call(case)]
    return [Section("Answers", list(_as_kept(case.answers)))]


def _call(case: Case) -> Section:
    said = answers_of_call(case.answers)
    rows = [
        ("Ask for", said["name"]),
        ("To the child", said["relationship"]),
        ("Best time", said["time"]),
        ("Language", said["language"]),
        ("Interpreter", "Needed" if said["interpreter"] else "Not needed"),
        ("About", said["about"]),
        ("Note", said["note"] or "None"),
    ]
    return Section("The call", [Row(name, text, "", "") for name, text in rows])


def _as_kept(answers: Mapping[str, Any]) -> Iterator[Row]:
    for key, answer in answers.items():
        if key not in _SHOWN_APART:
            yield Row(_title(key), _flat(answer), "", "")


def _title(key: str) -> str:
    return key.replace("-", " ").replace("_", " ").capitalize()


def _flat(answer: Any) -> str:
    if isinstance(answer, Mapping):
        parts = [(_title(str(key)), _flat(value)) for key, value in answer.items()]
        only = parts[0][1] if len(parts) == 1 else None
        return only or "\n".join(f"{name}: {text}" for name, text in parts if text)
    if isinstance(answer, list | tuple):
        return "\n".join(filter(None, (_flat(value) for value in answer)))
    if isinstance(answer, bool):
        return "Yes" if answer else "No"
    return "" if answer is None else str(answer)
