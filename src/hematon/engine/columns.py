"""Records as flat columns: the form in which a batch of children enters the engine.

A warehouse fills these columns directly; `columns_of` fills them from `Case` objects. One row of
`Results` is one laboratory number, one row of `Given` one treatment. Nothing is interpreted here
but names: analytes, findings, treatment kinds and conditions become indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from hematon.engine.case import Case, TreatmentKind
from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]

TREATMENT_KINDS: tuple[str, ...] = get_args(TreatmentKind)
COMPARATOR_SIGN = {"": 0, "<": -2, "<=": -1, ">=": 1, ">": 2}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Results:
    """Laboratory numbers, one per row, all of length m.

    Attributes:
        case: row of the child in the batch.
        analyte: index of the analyte.
        value: number in the analyte's unit.
        comparator: `COMPARATOR_SIGN`.
        age: age in days at the draw, NaN when undated.
        lab_low: the laboratory's lower limit, NaN when not given.
        lab_high: the laboratory's upper limit, NaN when not given.
    """

    case: Ints
    analyte: Ints
    value: Floats
    comparator: Int8s
    age: Floats
    lab_low: Floats
    lab_high: Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Given:
    """Treatments, one per row: child, kind (`TREATMENT_KINDS`), start and end age (NaN unknown)."""

    case: Ints
    kind: Ints
    start: Floats
    end: Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Described:
    """HPO terms as stated, one per row, by child and number, each once.

    A term stated both ways counts as observed.

    Attributes:
        case: row of the child in the batch.
        term: number of the HPO id.
        observed: whether present; False when looked for and absent.
    """

    case: Ints
    term: Ints
    observed: npt.NDArray[np.bool_]


NOTHING_DESCRIBED = Described(
    np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Columns:
    """A batch of n children as columns.

    Attributes:
        ids: n record ids.
        age: (n,) age in days at the end of the record, NaN when not stated.
        sex: (n,) +1 male, -1 female, 0 not stated.
        as_of_age: (n,) latest age in days to look at, +inf for no limit.
        results: every laboratory number.
        given: every treatment.
        stated: (n, findings) +1 stated present, -1 stated absent, 0 not stated.
        stated_age: (n,) earliest age in days of a stated cytopenia, NaN when none.
        recorded: (n, conditions) +1 recorded diagnosis, -1 recorded exclusion, 0 neither.
        described: every HPO term stated, used or not by a finding.
        variants: (case, gene, classification, zygosity).
        conflicts: (case, finding id) stated both present and absent.
        infections: (case, age in days) of dated acute infections, which bias neutrophil counts.
    """

    ids: Sequence[str]
    age: Floats
    sex: Int8s
    as_of_age: Floats
    results: Results
    given: Given
    stated: Int8s
    stated_age: Floats
    recorded: Int8s
    described: Described = NOTHING_DESCRIBED
    variants: tuple[tuple[int, str, str, str], ...] = ()
    conflicts: tuple[tuple[int, str], ...] = ()
    infections: tuple[tuple[int, float], ...] = ()


CYTOPENIA_FINDINGS = frozenset(
    (
        "LAB_ANEMIA",
        "LAB_NEUTROPENIA",
        "LAB_THROMBOCYTOPENIA",
        "LAB_PANCYTOPENIA",
        "LAB_BICYTOPENIA",
        "LAB_ISO_ANEMIA",
        "LAB_ISO_NEUTROPENIA",
        "LAB_ISO_THROMBOCYTOPENIA",
    )
)

ACUTE_INFECTION_FINDINGS = frozenset(
    ("HP:0001945", "HP:0100806", "SGN_FEVER_3D", "TST_VIRAL_POS", "EXP_VIRAL_4W")
)
"""Findings that, with a date, say of an acute infection then: fever, sepsis, a virus."""


def columns_of(
    cases: Sequence[Case], knowledge: Knowledge, as_of_age: Sequence[float] | None = None
) -> Columns:
    """Write cases as columns.

    A general term excluded excludes every finding beneath it; a specific term observed satisfies
    the general finding. A finding stated both ways counts as observed and is kept in `conflicts`.

    Args:
        cases: n records.
        knowledge: gives the indexes.
        as_of_age: n ages in days after which nothing is looked at; None for no limit.

    Returns:
        The columns.
    """
    n = len(cases)
    analytes = knowledge.analytes
    condition_index = {c.id: c.index for c in knowledge.conditions}
    rows: list[tuple[int, int, float, int, float, float, float]] = []
    given: list[tuple[int, int, float, float]] = []
    stated = np.zeros((n, len(knowledge.findings)), dtype=np.int8)
    stated_age = np.full(n, np.nan)
    recorded = np.zeros((n, len(knowledge.conditions)), dtype=np.int8)
    described: dict[tuple[int, int], bool] = {}
    variants: list[tuple[int, str, str, str]] = []
    conflicts: list[tuple[int, str]] = []
    infections: list[tuple[int, float]] = []
    nan = float("nan")
    for i, case in enumerate(cases):
        for m in case.measurements:
            rows.append(
                (
                    i,
                    analytes[m.analyte].index,
                    m.value,
                    COMPARATOR_SIGN[m.comparator],
                    nan if m.age_days is None else float(m.age_days),
                    nan if m.lab_low is None else m.lab_low,
                    nan if m.lab_high is None else m.lab_high,
                )
            )
        for t in case.treatments:
            given.append(
                (
                    i,
                    TREATMENT_KINDS.index(t.kind),
                    nan if t.start_age_days is None else float(t.start_age_days),
                    nan if t.end_age_days is None else float(t.end_age_days),
                )
            )
        until = np.inf if as_of_age is None else as_of_age[i]
        _state_findings(i, case, until, knowledge, stated, stated_age, described, conflicts)
        infections.extend((i, age) for age in _infections(case, until, knowledge))
        for condition in case.excluded_conditions:
            recorded[i, condition_index[condition]] = -1
        for condition in case.recorded_conditions:
            recorded[i, condition_index[condition]] = 1
        variants.extend((i, v.gene, v.classification, v.zygosity) for v in case.variants)
    sex = [1 if c.sex == "male" else -1 if c.sex == "female" else 0 for c in cases]
    return Columns(
        ids=tuple(c.id for c in cases),
        age=np.array([nan if c.age_days is None else float(c.age_days) for c in cases]),
        sex=np.array(sex, dtype=np.int8),
        as_of_age=np.full(n, np.inf) if as_of_age is None else np.array(as_of_age, dtype=float),
        results=_results(rows),
        given=_given(given),
        stated=stated,
        stated_age=stated_age,
        recorded=recorded,
        described=_described(described),
        variants=tuple(variants),
        conflicts=tuple(conflicts),
        infections=tuple(infections),
    )


def _infections(case: Case, until: float, knowledge: Knowledge) -> list[float]:
    """Give the ages of dated acute infections, in order."""
    return sorted(
        float(f.age_days)
        for f in case.findings
        if f.observed
        and f.age_days is not None
        and f.age_days <= until
        and ACUTE_INFECTION_FINDINGS.intersection(knowledge.findings_of(f.code))
    )


def _state_findings(
    i: int,
    case: Case,
    until: float,
    knowledge: Knowledge,
    stated: Int8s,
    stated_age: Floats,
    described: dict[tuple[int, int], bool],
    conflicts: list[tuple[int, str]],
) -> None:
    excluded: set[str] = set()
    observed: set[str] = set()
    for finding in case.findings:
        if finding.age_days is not None and finding.age_days > until:
            continue
        hits = says(finding.code, finding.observed, knowledge)
        if finding.code.startswith("HP:"):
            term = (i, int(finding.code[3:]))
            described[term] = finding.observed or described.get(term, False)
        if finding.observed:
            observed.update(hits)
            if finding.age_days is not None and CYTOPENIA_FINDINGS.intersection(hits):
                stated_age[i] = np.fmin(stated_age[i], float(finding.age_days))
        else:
            excluded.update(hits)
    index = knowledge.findings
    for hit in excluded:
        stated[i, index[hit].index] = -1
    for hit in observed:
        stated[i, index[hit].index] = 1
    conflicts.extend((i, hit) for hit in sorted(observed & excluded))


def _described(stated: dict[tuple[int, int], bool]) -> Described:
    rows = sorted((*term, observed) for term, observed in stated.items())
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
    return Described(table[:, 0], table[:, 1], table[:, 2].astype(bool))


def says(code: str, observed: bool, knowledge: Knowledge) -> tuple[str, ...]:
    """Give the findings that a code stated present, or absent, makes present, or absent."""
    hits = knowledge.findings_of(code)
    if observed:
        return hits
    # A specific term excluded says little about the general finding it belongs to.
    own = (hit for hit in hits if not code.startswith("HP:") or knowledge.findings[hit].hpo == code)
    return (*own, *knowledge.findings_beneath(code))


def _results(rows: list[tuple[int, int, float, int, float, float, float]]) -> Results:
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 7)
    return Results(
        case=table[:, 0].astype(np.int64),
        analyte=table[:, 1].astype(np.int64),
        value=table[:, 2],
        comparator=table[:, 3].astype(np.int8),
        age=table[:, 4],
        lab_low=table[:, 5],
        lab_high=table[:, 6],
    )


def _given(rows: list[tuple[int, int, float, float]]) -> Given:
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
    return Given(
        case=table[:, 0].astype(np.int64),
        kind=table[:, 1].astype(np.int64),
        start=table[:, 2],
        end=table[:, 3],
    )
