"""Everything that is known of a case, gathered once for the page, the PDF and the bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.utils import translation

from hematon.engine.assessment import Assessment
from hematon.engine.case import Case as Record
from hematon.errors import Reading
from hematon.portal.care import ask_forms as ask
from hematon.portal.care import told
from hematon.portal.care.callback import Language, Relationship
from hematon.portal.care.models import Case, Consent, Message, Step
from hematon.portal.care.status import Kind
from hematon.portal.clinic.reading import knowledge
from hematon.portal.files.access import files_of
from hematon.portal.files.models import State, StoredFile
from hematon.portal.opinions.content import questions_of
from hematon.portal.opinions.models import Judgement, Run
from hematon.portal.opinions.results import Result, results_of
from hematon.portal.opinions.stated import stated_in

STATES: Final[Mapping[str, str]] = {
    State.HELD: "not yet checked for viruses: cannot be opened",
    State.CLEAN: "checked, nothing found",
    State.INFECTED: "refused: a virus was found",
    State.REMOVED: "taken back",
}
"""What is known of a file, in words."""


@dataclass(frozen=True)
class Said:
    """Answers that belong together: name and answer of each."""

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Missing:
    """Something that is not there.

    Attributes:
        item: what.
        said: what the sender said about it.
        owed: whether the sender said it would come.
    """

    item: str
    said: str
    owed: bool


@dataclass(frozen=True)
class Packet:
    """A case, gathered.

    Attributes:
        at: when.
        asker: who asks, and how that person stands to the child.
        said: every answer, by task.
        stated: findings, treatments, variants and diagnoses, as a record without counts.
        missing: what is not there, what is owed first.
        judgements: what clinicians of the team said of what was computed.
        reading: the record as the engine read it.
        assessment: what the engine made of the record; never for a family.
    """

    case: Case
    at: datetime
    child: str
    born: date | None
    asker: tuple[str, str]
    language: str
    questions: tuple[str, ...]
    said: tuple[Said, ...]
    results: tuple[Result, ...]
    stated: Record
    missing: tuple[Missing, ...]
    files: tuple[StoredFile, ...]
    messages: tuple[Message, ...]
    consents: tuple[Consent, ...]
    steps: tuple[Step, ...]
    judgements: tuple[Judgement, ...]
    bundle: dict[str, Any] | None = None
    reading: Reading[Record] | None = None
    assessment: Assessment | None = None


def gathered(case: Case, at: datetime) -> Packet:
    """Gather a case from its rows, in English; nothing is computed.

    Args:
        case: sent; the caller has authorized who asks.
        at: now; aware.
    """
    with translation.override("en"):
        files = tuple(files_of(case.pk))
        return Packet(
            case=case,
            at=at,
            child=child_name(case),
            born=born(case),
            asker=_asker(case),
            language=_language(case),
            questions=questions_of(case),
            said=tuple(_said(case)),
            results=results_of(case, knowledge()),
            # Families are not asked for findings: no answer of theirs is one.
            stated=stated_in(case.answers if case.kind == Kind.REFERRAL else {}, born(case)),
            missing=tuple(sorted(missing(case, files), key=lambda one: not one.owed)),
            files=files,
            # Messages to and from the sender. What the team notes for itself stays with the team.
            messages=tuple(case.messages.select_related("by")),
            consents=tuple(case.consents.all()),
            steps=tuple(case.steps.select_related("by")),
            judgements=tuple(
                Judgement.objects.filter(run__case=case)
                .select_related("run", "by")
                .defer(*(f"run__{name}" for name in Run.HEAVY))
            ),
        )


def _field(case: Case, key: str, name: str) -> str:
    given = case.answers.get(key)
    found = given.get(name) if isinstance(given, Mapping) else None
    return found.strip() if isinstance(found, str) else ""


def _any(case: Case, name: str) -> str:
    """Give a field whichever page asked for it: families and clinicians are asked differently."""
    return next((said for key in case.answers if (said := _field(case, key, name))), "")


def child_name(case: Case) -> str:
    """Give the child's name as the sender wrote it; empty when it was not asked for."""
    return _any(case, "child_name")


def born(case: Case) -> date | None:
    """Give the birth date as the sender wrote it."""
    for key, given in case.answers.items():
        # Day, month and year are asked for births alone.
        if isinstance(given, Mapping) and {"date", "day", "year"} <= given.keys():
            try:
                return date.fromisoformat(_field(case, key, "date"))
            except ValueError:
                continue
    return None


def sex(case: Case) -> str:
    """Give the child's sex where a clinician stated it; families are not asked."""
    found = _any(case, "sex")
    return found if found in ("female", "male") else ""


def _asker(case: Case) -> tuple[str, str]:
    if case.kind == Kind.CALL:
        return str(case.answers.get("name", "")), _relationship(case.answers.get("relationship"))
    if case.kind == Kind.REFERRAL:
        return _any(case, "name"), "Referring clinician"
    return _field(case, "your-name", "name"), _relationship(_any(case, "relationship"))


def _relationship(code: object) -> str:
    return str(Relationship(code).label) if code in Relationship.values else ""


def _language(case: Case) -> str:
    given = case.answers.get("language")
    if isinstance(given, Mapping):
        other = given.get("other_language")
        if other:
            return str(other)
        if given.get("language") in Language.values:
            return str(Language(given["language"]).label)
    return "Spanish" if case.language == "es" else "English"


def _said(case: Case) -> Iterator[Said]:
    for section in told.sections_of(case):
        yield Said(section.name, tuple((row.question, row.answer) for row in section.rows))


def missing(case: Case, files: tuple[StoredFile, ...]) -> Iterator[Missing]:
    """Give what a second opinion would want and is not here, by the sender's own answers.

    A file that was removed or refused is not here; one that waits for the scanner is.
    """
    here = [stored for stored in files if stored.state != State.INFECTED]
    states = {code: str(label) for code, label in ask.RECORD_STATES}
    given = case.answers.get("records")
    if isinstance(given, Mapping):
        # Uploads name the record in their step; those of older requests do not, and could be any.
        unnamed = [s for s in here if not any(_is_of(s.step, code) for code, _ in ask.RECORDS)]
        for code, label in ask.RECORDS:
            state = given.get(code, "unknown")
            if any(_is_of(stored.step, code) for stored in here):
                continue
            owed = state in ("have", "later")
            said = states.get(state, "Not said")
            if owed and unnamed:
                said += f"; {len(unnamed)} of the files may be it"
            yield Missing(str(label), said, owed)
    way = _field(case, "blood-count", "blood_count")
    if way and way != "attached" and not (way == "file" and here):
        said = str(dict(ask.COUNT_WAYS).get(way, way))
        yield Missing("Newest blood count", said, way in ("file", "later"))


def _is_of(step: str, code: str) -> bool:
    return step in (code, f"files-{code}")
