"""What was read: every number with its limits, every finding, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from hematon.engine import intervals
from hematon.engine.assessment import Input, StatedFinding
from hematon.engine.batch import (
    BASIS,
    BLOCKED,
    SUPPORT_BEFORE,
    SUPPORT_BLOCKED,
    SUPPORT_NONE,
    SUPPORT_USED,
    bounds_of,
)
from hematon.engine.case import Case, Measurement
from hematon.engine.columns import COMPARATOR_SIGN
from hematon.engine.intervals import MAX_AGE_DAYS
from hematon.errors import Issue

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

SUPPORT = {
    SUPPORT_USED: "under treatment",
    SUPPORT_BEFORE: "from before a treatment",
    SUPPORT_BLOCKED: "left out: not the child's own after treatment",
}


def inputs(result: BatchAssessment, i: int, case: Case) -> tuple[Input, ...]:
    """List every number of the record, and every number computed from them that was judged."""
    knowledge, batch = result.knowledge, result.batch
    treated = _treated_draws(result, i)
    by_analyte: dict[str, list[tuple[Measurement, str, bool]]] = {}
    for m in case.measurements:
        j = knowledge.analytes[m.analyte].index
        day = m.age_days if m.age_days is not None else batch.value_age[i, j]
        used = bool(
            batch.measured[i, j]
            and batch.basis[i, j] == 0
            and np.floor(day) == np.floor(batch.value_age[i, j])
            and _is_the_value(batch.low[i, j], batch.high[i, j], m)
        )
        support = int(batch.support[i, j]) if used else _support_of(result, i, m, treated)
        by_analyte.setdefault(m.analyte, []).append((m, SUPPORT.get(support, ""), used))
    for analyte in knowledge.analytes.values():
        j = analyte.index
        if batch.measured[i, j] and batch.basis[i, j] > 0:
            day = None if np.isnan(batch.age[i]) else int(batch.value_age[i, j])
            computed = Measurement(
                analyte.id,
                float(batch.low[i, j]),
                day,
                basis=BASIS[batch.basis[i, j]],
                where="computed",
            )
            words = SUPPORT.get(int(batch.support[i, j]), "")
            by_analyte.setdefault(analyte.id, []).append((computed, words, True))
    return tuple(
        entry
        for analyte in knowledge.analytes
        for entry in _of_analyte(result, i, analyte, by_analyte.get(analyte, []))
    )


def _of_analyte(
    result: BatchAssessment, i: int, analyte: str, rows: list[tuple[Measurement, str, bool]]
) -> list[Input]:
    """Set an analyte's numbers against the limits of their day; undated first, then latest."""
    info = result.knowledge.analytes[analyte]
    ordered = sorted(
        rows,
        key=lambda row: (
            row[0].age_days is not None,
            -(row[0].age_days or 0),
            row[0].value,
            row[0].comparator,
            row[0].where,
        ),
    )
    limits = _limits(result, i, analyte, [m for m, _, _ in ordered])
    return [
        Input(
            analyte=analyte,
            name=info.name,
            value=m.value,
            unit=info.unit or "",
            comparator=m.comparator,
            age_days=m.age_days,
            lower=lower,
            median=median,
            upper=upper,
            z=z,
            lab_low=m.lab_low,
            lab_high=m.lab_high,
            basis=m.basis,
            support=support,
            used=used,
            where=m.where,
        )
        for (m, support, used), (lower, median, upper, z) in zip(ordered, limits, strict=True)
    ]


def _limits(
    result: BatchAssessment, i: int, analyte: str, measurements: list[Measurement]
) -> list[tuple[float | None, float | None, float | None, float | None]]:
    """Give lower, median, upper limit and z of each number; None where there is none."""
    n = len(measurements)
    if not n or not intervals.has_limits(result.knowledge, analyte):
        return [(None, None, None, None)] * n
    now = result.batch.age[i]
    age = np.array([now if m.age_days is None else float(m.age_days) for m in measurements])
    value = np.array([m.value for m in measurements])
    one = np.ones(n, dtype=np.int8)
    bounds = intervals.limits(
        result.knowledge, analyte, age, result.facts.sex[i] * one, result.facts.duffy_null[i] * one
    )
    log = result.knowledge.analytes[analyte].scale == "log"
    z = intervals.z_score(value, bounds, log=log)
    return [
        (None, None, None, None)
        if np.isnan(bounds.median[k])
        else (
            float(bounds.lower_min[k]),
            float(bounds.median[k]),
            float(bounds.upper_max[k]),
            float(z[k]),
        )
        for k in range(n)
    ]


def _treated_draws(result: BatchAssessment, i: int) -> frozenset[tuple[int, float]]:
    """Give (count column, age) of every value of the child that a treatment makes unfit."""
    draws = result.batch.draws
    own = slice(int(draws.start[i]), int(draws.start[i + 1]))
    rows, columns = np.nonzero(draws.treated[own])
    return frozenset(zip(columns.tolist(), draws.age[own][rows].tolist(), strict=True))


def _support_of(
    result: BatchAssessment, i: int, m: Measurement, treated: frozenset[tuple[int, float]]
) -> int:
    """Say what a treatment does to a value that was not used."""
    column = result.batch.draws.column.get(m.analyte)
    if column is None or m.age_days is None:
        blocked = int(result.batch.support[i, result.knowledge.analytes[m.analyte].index])
        return blocked if blocked == SUPPORT_BLOCKED else SUPPORT_NONE
    if (column, float(m.age_days)) not in treated:
        return SUPPORT_NONE
    return SUPPORT_BLOCKED if m.analyte in BLOCKED else SUPPORT_USED


def _is_the_value(low: float, high: float, m: Measurement) -> bool:
    """Whether a measurement is the one whose bounds were judged, not another of that day."""
    own_low, own_high = bounds_of(
        np.array([m.value]), np.array([COMPARATOR_SIGN[m.comparator]], dtype=np.int8)
    )
    return bool(low == own_low[0] and high == own_high[0])


def stated_findings(result: BatchAssessment, case: Case) -> tuple[StatedFinding, ...]:
    """List every finding of the record and what the model uses it as."""
    knowledge = result.knowledge
    rows = []
    for f in case.findings:
        used = knowledge.findings_of(f.code)
        if not f.observed or not used:
            used = used or knowledge.findings_beneath(f.code)
        label = f.label or (
            knowledge.findings[f.code].name if f.code in knowledge.findings else f.code
        )
        rows.append(StatedFinding(f.code, label, f.observed, tuple(used)))
    return tuple(sorted(rows, key=lambda r: (not r.observed, r.code, r.label)))


def own_issues(result: BatchAssessment, i: int, case: Case, as_of: date | None) -> Iterable[Issue]:
    """Give what is odd about the record as a whole, beyond what its reader could see."""
    knowledge, columns = result.knowledge, result.batch.columns
    for row, finding in columns.conflicts:
        if row == i:
            yield Issue(
                "warning",
                "finding-conflict",
                "findings",
                f"{knowledge.findings[finding].name} is stated present and absent; present is used",
                "correct the record",
            )
    for finding, info in knowledge.findings.items():
        stated = columns.stated[i, info.index]
        used = result.evidence.findings[i, info.index]
        if stated and used and stated != used:
            yield Issue(
                "warning",
                "finding-contradicts-count",
                "findings",
                f"{knowledge.findings[finding].name} as stated contradicts the numbers; "
                "the numbers are used",
                "correct the record",
            )
    if as_of is not None and case.birth_date is None:
        yield Issue(
            "warning",
            "as-of-invalid",
            "as_of",
            "the record has no birth date, so the day of assessment cannot limit what is read",
            "give the birth date",
        )
    age = result.batch.age[i]
    if age > MAX_AGE_DAYS:
        yield Issue(
            "warning",
            "age-out-of-scope",
            "age",
            "the person is older than 21 years; adult limits are used and priors are for children",
            "use a tool for adults",
        )
    yield from _duplicates(case)
    anc, wbc = (knowledge.analytes[a].index for a in ("anc", "wbc"))
    parts = [knowledge.analytes[a].index for a in ("neutrophils_pct", "segs_pct")]
    if result.batch.measured[i, parts].any() and not result.batch.measured[i, anc]:
        yield Issue(
            "warning",
            "anc-not-computable",
            knowledge.analytes["anc"].name,
            "a percentage of neutrophils was sent without a white cell count of the same draw",
            "send the white cell count or the absolute neutrophil count",
        )
    both = result.batch.measured[i, [anc, wbc]].all()
    if both and result.batch.low[i, anc] > result.batch.high[i, wbc] * 1.1:
        yield Issue(
            "warning",
            "value-implausible",
            "Absolute neutrophil count",
            "the neutrophil count is higher than the white cell count",
            "check both units",
        )


def _duplicates(case: Case) -> Iterable[Issue]:
    """Say which analytes have several different results on one day."""
    seen: dict[tuple[str, int | None], set[tuple[float, str]]] = {}
    for m in case.measurements:
        seen.setdefault((m.analyte, m.age_days), set()).add((m.value, m.comparator))
    for analyte in sorted({name for (name, _), values in seen.items() if len(values) > 1}):
        yield Issue(
            "warning",
            "duplicate-result",
            analyte,
            "several different results on one day; the lower median is used",
            "keep the one that counts, or give each its own day",
        )
