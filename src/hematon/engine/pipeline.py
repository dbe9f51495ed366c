"""From records to results: the order in which a batch is judged.

    columns -> batch -> serial facts -> facts -> lineages, severity, urgency, safety floor
                                              -> evidence -> differential -> next tests

Urgency is complete before the differential starts and is handed nothing from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hematon.engine import (
    batch as batch_module,
)
from hematon.engine import (
    facts as facts_module,
)
from hematon.engine import (
    next_tests,
    ternary,
)
from hematon.engine import (
    severity as severity_module,
)
from hematon.engine import (
    urgency as urgency_module,
)
from hematon.engine.batch import CaseBatch
from hematon.engine.case import Case
from hematon.engine.columns import Columns, columns_of
from hematon.engine.differential import Differential, Evidence, differential
from hematon.engine.facts import LINEAGES, Facts
from hematon.engine.next_tests import TestGains
from hematon.engine.ternary import Ternary
from hematon.engine.trends import Serial, serial_facts
from hematon.engine.urgency import LEVELS, FloorResult, UrgencyResult
from hematon.errors import Issue
from hematon.knowledge.compiled import Knowledge

if TYPE_CHECKING:
    from hematon.engine.assessment import Assessment


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Presentation:
    """The counts the differential is about.

    They are the judged ones, unless nothing is low now and something was in the last year: a
    child whose counts came back is still a child who had a reason. Where neutrophils cycle, the
    nadir tells about the marrow and the last draw about the day of the cycle.

    Attributes:
        earlier: (n,) whether an earlier draw stands for the judged one.
        nadir: (n,) whether it does so because it is the nadir of a cycle.
        batch, facts, lineages: as in `BatchAssessment`, at that draw.
    """

    earlier: npt.NDArray[np.bool_]
    nadir: npt.NDArray[np.bool_]
    batch: CaseBatch
    facts: Facts
    lineages: Ternary


@dataclass(frozen=True, eq=False, repr=False)
class BatchAssessment:
    """Results of n children as arrays; `row` gives one of them in full.

    Attributes:
        ids: n record ids.
        setting: the setting whose prior was used.
        lineages: (n, 3) whether red, white and platelet lineages are low.
        severity: (n, criteria) answers.
        urgency: level and rule answers.
        floor: which always-show lists apply.
        hazards: (n, hazards) which treatment hazards are open.
        differential: posterior of every condition.
        batch, serial, facts, evidence: what the results were made of.
        presentation: the counts the differential is about.
        facts_now: the facts urgency was judged by: counts as they are under treatment.
    """

    ids: Sequence[str]
    setting: str
    lineages: Ternary
    severity: Ternary
    urgency: UrgencyResult
    floor: FloorResult
    hazards: Ternary
    differential: Differential
    batch: CaseBatch
    serial: Serial
    facts: Facts
    facts_now: Facts
    presentation: Presentation
    evidence: Evidence
    knowledge: Knowledge

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def tests(self) -> TestGains:
        """What each test is expected to tell, worked out when first asked for."""
        return next_tests.gains(self.differential.posterior, self.facts, self.batch, self.knowledge)

    @property
    def urgency_levels(self) -> npt.NDArray[np.str_]:
        """(n,) the level of each child as written in the JSON."""
        return np.array(LEVELS)[self.urgency.level]

    def row(
        self,
        i: int,
        case: Case,
        *,
        issues: Sequence[Issue] = (),
        as_of: date | None = None,
        explain: frozenset[str] = frozenset(),
    ) -> Assessment:
        """Give one child's assessment in full.

        Args:
            i: row of the child.
            case: the record the row came from, for its inputs and findings as stated.
            issues: what the reader found.
            as_of: the day of assessment, if one was set.
            explain: conditions whose contributions are wanted whatever their rank.
        """
        from hematon.engine.describe import describe

        return describe(self, i, case, issues=issues, as_of=as_of, explain=explain)


def assess_columns(
    columns: Columns,
    knowledge: Knowledge,
    *,
    setting: str | None = None,
    keep_terms: bool = False,
) -> BatchAssessment:
    """Judge a batch given as columns: the form a warehouse has.

    Args:
        columns: n children.
        knowledge: from `load_knowledge()`.
        setting: key of `settings.yaml`; its default when None.
        keep_terms: whether rows will be asked for in full, with their contributions.

    Returns:
        Results as arrays.

    Raises:
        KeyError: the setting is not known.
    """
    setting = setting or knowledge.settings["default"]
    batch = batch_module.build(columns, knowledge)
    serial = serial_facts(batch, knowledge)
    facts = facts_module.of_batch(batch, knowledge, serial.facts)
    lineages = np.stack([facts.lineage(name) for name in LINEAGES], axis=1)
    severity = severity_module.severity(facts)
    # Danger is judged by the count as it is now, the marrow by the count before treatment.
    now = facts
    if batch.current:
        now = facts_module.of_batch(batch, knowledge, serial.facts, now=True)
    urgency = urgency_module.urgency(now)
    floor = urgency_module.safety_floor(facts)
    hazards = urgency_module.hazards(facts)
    first = _presentation(batch, facts, lineages, serial, knowledge)
    evidence = Evidence(
        findings=np.stack([first.facts.finding(f) for f in knowledge.finding_ids], axis=1),
        onset_age=serial.onset_age,
    )
    ranked = differential(
        first.batch, first.facts, evidence, knowledge, setting, keep_terms=keep_terms
    )
    return BatchAssessment(
        ids=columns.ids,
        setting=setting,
        lineages=lineages,
        severity=severity,
        urgency=urgency,
        floor=floor,
        hazards=hazards,
        differential=ranked,
        batch=batch,
        serial=serial,
        facts=facts,
        facts_now=now,
        presentation=first,
        evidence=evidence,
        knowledge=knowledge,
    )


def _presentation(
    batch: CaseBatch, facts: Facts, lineages: Ternary, serial: Serial, knowledge: Knowledge
) -> Presentation:
    """Go back to the low draw where nothing is low any more, or to the nadir of a cycle."""
    lowest = np.full(len(batch), np.nan)
    if serial.cycles is not None:
        lowest = serial.cycles.nadir_age
    nadir = lowest < batch.age
    recovered = ~(lineages == ternary.YES).any(axis=1) & ~np.isnan(serial.presenting_age)
    earlier = nadir | recovered
    if not earlier.any():
        return Presentation(earlier, nadir, batch, facts, lineages)
    columns = batch.columns
    then = np.where(nadir, lowest, serial.presenting_age)
    until = np.where(earlier, then, columns.as_of_age)
    past = batch_module.build(replace(columns, as_of_age=until), knowledge)
    view = facts_module.of_batch(past, knowledge, serial.facts)
    low = np.stack([view.lineage(name) for name in LINEAGES], axis=1)
    return Presentation(earlier, nadir, past, view, low)


def assess_many(
    cases: Sequence[Case],
    knowledge: Knowledge,
    *,
    setting: str | None = None,
    as_of: date | None = None,
) -> BatchAssessment:
    """Judge many children at once.

    Args:
        cases: n records.
        knowledge: from `load_knowledge()`.
        setting: key of `settings.yaml`; its default when None.
        as_of: nothing after this day is looked at, for records that know the birth date.

    Returns:
        Results as arrays; row i is the same as assessing case i alone.

    Raises:
        KeyError: the setting is not known.
    """
    limit = None
    if as_of is not None:
        limit = [
            np.inf if c.birth_date is None else float((as_of - c.birth_date).days) for c in cases
        ]
    return assess_columns(
        columns_of(cases, knowledge, limit), knowledge, setting=setting, keep_terms=True
    )


def assess(
    case: Case,
    knowledge: Knowledge,
    *,
    setting: str | None = None,
    as_of: date | None = None,
    issues: Sequence[Issue] = (),
    explain: frozenset[str] = frozenset(),
) -> Assessment:
    """Judge one child and say why.

    Args:
        case: the record.
        knowledge: from `load_knowledge()`.
        setting: key of `settings.yaml`; its default when None.
        as_of: nothing after this day is looked at; needs the birth date.
        issues: what the reader found, carried into the result.
        explain: conditions whose contributions are wanted whatever their rank.

    Returns:
        The assessment; the same case and versions give the same bytes.

    Raises:
        KeyError: the setting is not known.
    """
    many = assess_many([case], knowledge, setting=setting, as_of=as_of)
    return many.row(0, case, issues=issues, as_of=as_of, explain=explain)
