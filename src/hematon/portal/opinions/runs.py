"""Assessments of a case that are kept: what the engine read, what it said, and who had it said.

A run is made anew from its own inputs to the same bytes, as long as software and knowledge are the
same; when they are not, its report still opens as it was. No run is part of the record: the packet
is always judged from what was sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from django.db import transaction
from django.db.models import Max

import hematon
from hematon.engine.case import Case as EngineCase
from hematon.engine.case import Finding, Measurement, ReportedVariant, Treatment
from hematon.errors import Issue, Reading
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.care.refused import NotInThisState, NotPermitted
from hematon.portal.clinic.models import Feedback
from hematon.portal.clinic.reading import judge, knowledge
from hematon.portal.opinions import access
from hematon.portal.opinions.items import Item
from hematon.portal.opinions.models import Judgement, Run
from hematon.report import html

_PARTS: Final[dict[str, Any]] = {
    "measurements": Measurement,
    "findings": Finding,
    "treatments": Treatment,
    "variants": ReportedVariant,
}
_NAMES: Final = ("recorded_conditions", "excluded_conditions", "publications")


@dataclass(frozen=True)
class Record:
    """What the engine is given: a child's record, what the reader found wrong, and whose prior."""

    case: EngineCase
    issues: tuple[Issue, ...]
    setting: str

    @classmethod
    def of(cls, content: bytes) -> Record:
        """Read what `to_bytes` wrote: an equal record."""
        plain = orjson.loads(content)
        case = plain["case"]
        for name, kind in _PARTS.items():
            case[name] = tuple(kind(**one) for one in case[name])
        for name in _NAMES:
            case[name] = tuple(case[name])
        if case["birth_date"] is not None:
            case["birth_date"] = date.fromisoformat(case["birth_date"])
        issues = tuple(Issue(**one) for one in plain["issues"])
        return cls(EngineCase(**case), issues, plain["setting"])

    def to_bytes(self) -> bytes:
        """Write it down; the same record gives the same bytes."""
        return orjson.dumps({"case": self.case, "issues": self.issues, "setting": self.setting})


def made(case: Case, given: Record, *, by: User, at: datetime) -> Run:
    """Assess a record; nothing is kept yet.

    Args:
        case: whose record it is, or was before something was changed.
        given: what the engine reads.
        by: who asks.
        at: now; aware.
    """
    found = judge(Reading(given.case, given.issues), given.setting)
    output = found.to_json()
    return Run(
        case=case,
        inputs=given.to_bytes(),
        input_hash=found.input_hash,
        engine=found.versions.engine,
        knowledge=found.versions.knowledge,
        fingerprint=found.versions.fingerprint,
        output=output,
        output_hash=hashlib.sha256(output).hexdigest(),
        document=html.render(found, knowledge()).encode(),
        at=at,
        by=by,
    )


def comes_out_the_same(run: Run) -> bool | None:
    """Make a run again from its inputs and compare every byte.

    Returns:
        None where software or knowledge is no longer the one that made it.
    """
    if (run.engine, run.fingerprint) != (hematon.__version__, knowledge().fingerprint):
        return None
    again = made(run.case, Record.of(run.inputs), by=run.by, at=run.at)
    return (again.output, again.document) == (run.output, run.document)


@transaction.atomic
def keep_trial(*, start: Run, trial: Run, change: dict[str, str], by: User) -> Run:
    """Keep an assessment with one input changed beside the one that it began with.

    Args:
        start: the run that was changed; when it is not kept yet, it is kept first.
        trial: of `made`, with the change.
        change: what was changed, in words.
        by: who changed it.

    Raises:
        NotPermitted: not a clinician of the case.
    """
    case = _of_clinician(start.case, by)
    trial.changed_from, is_new = _kept(case, start)
    trial.change = change
    _kept(case, trial)
    if is_new:
        _note(trial.changed_from, by)
    _note(trial, by)
    return trial


@transaction.atomic
def say(
    *,
    run: Run,
    item: Item,
    outcome: str,
    reason: str,
    comment: str,
    by: User,
    at: datetime,
) -> Judgement:
    """Keep what a clinician thinks of one item of a run, with the run.

    Args:
        run: when it is not kept yet, it is kept first.
        item: one of `items.items_of` the run.
        outcome: of `Feedback.Outcome`.
        reason: of `Feedback.Reason`; empty with an agreement.
        comment: in the clinician's words.
        by: who judges.
        at: now; aware.

    Raises:
        NotPermitted: not a clinician of the case.
    """
    kept, is_new = _kept(_of_clinician(run.case, by), run)
    judgement = Judgement.objects.create(
        run=kept,
        about=item.about,
        item={"code": item.code, "name": item.name},
        outcome=outcome,
        reason=reason if outcome == Feedback.Outcome.OVERRIDDEN else "",
        comment=comment.strip() or None,
        at=at,
        by=by,
    )
    if is_new:
        _note(kept, by)
    record(
        by, "report.judged", judgement, about=item.about, judged=outcome, reason=judgement.reason
    )
    return judgement


def _of_clinician(case: Case, by: User) -> Case:
    held = Case.objects.select_for_update().get(pk=case.pk)
    if not access.may_judge(by, held):
        raise NotPermitted
    return held


def _kept(case: Case, run: Run) -> tuple[Run, bool]:
    """Keep a run of a case that is held; one of the same record by the same versions is kept once.

    Returns:
        The run as it is kept, and whether it is new.

    Raises:
        NotInThisState: the run is of another case.
    """
    if run.case_id != case.pk:
        raise NotInThisState("the run is of another case")
    if not run._state.adding:
        return run, False
    of_case = Run.objects.filter(case=case)
    if run.change is None:
        for one in of_case.filter(change__isnull=True, output_hash=run.output_hash):
            if (one.inputs, one.document) == (run.inputs, run.document):
                return one, False
    run.number = (of_case.aggregate(last=Max("number"))["last"] or 0) + 1
    run.save(force_insert=True)
    return run, True


def _note(run: Run, by: User) -> None:
    record(
        by,
        "run.kept",
        run,
        number=run.number,
        trial=run.change is not None,
        engine=run.engine,
        knowledge=run.fingerprint[:16],
        input=run.input_hash[:16],
    )
