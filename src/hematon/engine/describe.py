"""One row of a batch in full: the Assessment with its reasons, sources and what is missing.

Everything here is read off arrays that the batch already holds, for the one child someone asks
about. Nothing is decided here but what is worth showing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

import hematon
from hematon.engine import criteria, intervals, ternary
from hematon.engine.assessment import (
    AlwaysShown,
    Assessment,
    Candidate,
    HazardNote,
    Input,
    IssueNote,
    Missing,
    NextTest,
    Outcome,
    Reading3,
    Severity,
    StatedFinding,
    Urgency,
    UrgencyReason,
    Versions,
)
from hematon.engine.batch import (
    BASIS,
    BLOCKED,
    SUPPORT_BEFORE,
    SUPPORT_BLOCKED,
    SUPPORT_USED,
    bounds_of,
)
from hematon.engine.case import Case, Measurement
from hematon.engine.columns import COMPARATOR_SIGN
from hematon.engine.contributions import contributions
from hematon.engine.differential import band_of
from hematon.engine.intervals import MAX_AGE_DAYS
from hematon.engine.lineages import lineages
from hematon.engine.next_tests import after
from hematon.engine.urgency import LEVELS
from hematon.errors import Issue
from hematon.knowledge.compiled import SOMETHING_ELSE

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

EXPLAINED = 12
"""Conditions explained by rank; those of the safety floor are explained as well."""
TESTS_SHOWN = 12
OUTCOMES_SHOWN = 3
CONFIRMING_TIER = 2
"""Confirming tests are suggested up to this tier; later ones only for what they tell."""
ANSWER: dict[int, Any] = {1: "yes", -1: "no", 0: "unknown"}
SUPPORT = {
    SUPPORT_USED: "under treatment",
    SUPPORT_BEFORE: "from before a treatment",
    SUPPORT_BLOCKED: "left out: not the child's own after treatment",
}
READINGS = (
    "macrocytosis",
    "microcytosis",
    "hbf_high",
    "reticulocytopenia",
    "reticulocytes_aplastic",
    "lymphopenia",
    "monocytopenia",
    "counts_meet_saa_level",
    "explained",
)

LABEL = (
    "For qualified clinicians. Hematon compares the information entered for this child with "
    "published criteria for bone marrow failure and lists possibilities and options to consider. "
    "It does not make a diagnosis, does not examine the child, does not read images or sequence "
    "files, and must not be used for urgent decisions. Missing information is listed below. Check "
    "the sources and use your own judgement. Not reviewed or cleared by FDA; not CE marked. "
    "Software {engine}, knowledge {knowledge}, as of {as_of}."
)


def describe(
    result: BatchAssessment,
    i: int,
    case: Case,
    *,
    issues: Sequence[Issue],
    as_of: date | None,
    explain: frozenset[str],
) -> Assessment:
    """Write one row of a batch as an Assessment; see `BatchAssessment.row`."""
    knowledge = result.knowledge
    age = result.batch.age[i]
    versions = Versions(
        engine=hematon.__version__,
        knowledge=knowledge.version,
        fingerprint=knowledge.fingerprint,
        hpo=knowledge.hpo_version,
    )
    shown = _always_show(result, i)
    severity = _severity(result, i)
    urgency = _urgency(result, i)
    day = as_of.isoformat() if as_of is not None else None
    parts: dict[str, Any] = {
        "lineages": lineages(result, i),
        "readings": _readings(result, i),
        "severity": severity,
        "urgency": urgency,
        "differential": _differential(result, i, {s.condition for s in shown} | explain),
        "always_show": shown,
        "next_tests": _next_tests(result, i),
        "hazards": _hazards(result, i, {s.condition for s in shown}),
        "missing": _missing(severity, urgency),
    }
    return Assessment(
        id=case.id,
        label=LABEL.format(
            engine=versions.engine,
            knowledge=versions.knowledge,
            as_of=day or "the latest count",
        ),
        versions=versions,
        input_hash=input_hash(case),
        as_of=day,
        setting=result.setting,
        age_days=None if np.isnan(age) else int(age),
        sex=case.sex,
        issues=tuple(
            IssueNote(x.level, x.code, x.where, x.message, x.fix)
            for x in (*issues, *_own_issues(result, i, case, as_of))
        ),
        inputs=_inputs(result, i, case),
        findings=_findings(result, case),
        **parts,
        citations=_citations(result, parts),
        evidence_grades=_grades(parts["differential"]),
        limits=_limits(result, i),
    )


def input_hash(case: Case) -> str:
    """Give the SHA-256 of what a record says, whatever the order and place it is said in."""
    plain = orjson.loads(orjson.dumps(case))
    for name in ("measurements", "findings", "treatments", "variants"):
        for entry in plain[name]:
            entry.pop("where")
        plain[name].sort(key=lambda entry: orjson.dumps(entry, option=orjson.OPT_SORT_KEYS))
    plain.pop("source_format")
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


# --- inputs ------------------------------------------------------------------------------------


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _inputs(result: BatchAssessment, i: int, case: Case) -> tuple[Input, ...]:
    """List every number of the record, and every number computed from them that was judged."""
    knowledge, batch = result.knowledge, result.batch
    rows: list[Input] = []
    for m in case.measurements:
        analyte = knowledge.analytes[m.analyte]
        j = analyte.index
        day = m.age_days if m.age_days is not None else batch.value_age[i, j]
        used = bool(
            batch.measured[i, j]
            and batch.basis[i, j] == 0
            and np.floor(day) == np.floor(batch.value_age[i, j])
            and _is_the_value(batch.low[i, j], batch.high[i, j], m)
        )
        support = SUPPORT.get(int(batch.support[i, j]), "") if used else _treated(result, i, m)
        rows.append(
            _input(
                result,
                i,
                m.analyte,
                m.value,
                m.comparator,
                m.age_days,
                m.basis,
                support,
                used,
                m.where,
                m.lab_low,
                m.lab_high,
            )
        )
    for analyte in knowledge.analytes.values():
        j = analyte.index
        if batch.measured[i, j] and batch.basis[i, j] > 0:
            day = batch.value_age[i, j]
            rows.append(
                _input(
                    result,
                    i,
                    analyte.id,
                    float(batch.low[i, j]),
                    "",
                    None if np.isnan(batch.age[i]) else int(day),
                    BASIS[batch.basis[i, j]],
                    SUPPORT.get(int(batch.support[i, j]), ""),
                    True,
                    "computed",
                    None,
                    None,
                )
            )
    order = {a: k for k, a in enumerate(knowledge.analytes)}
    return tuple(
        sorted(
            rows,
            key=lambda r: (
                order[r.analyte],
                r.age_days is not None,
                -(r.age_days or 0),
                r.value,
                r.comparator,
                r.where,
            ),
        )
    )


def _treated(result: BatchAssessment, i: int, m: Measurement) -> str:
    """Say what a treatment does to a value that was not used."""
    draws = result.batch.draws
    if m.analyte not in draws.column or m.age_days is None:
        blocked = result.batch.support[i, result.knowledge.analytes[m.analyte].index]
        return SUPPORT[SUPPORT_BLOCKED] if blocked == SUPPORT_BLOCKED else ""
    own = slice(int(draws.start[i]), int(draws.start[i + 1]))
    at = draws.treated[own, draws.column[m.analyte]] & (draws.age[own] == m.age_days)
    if not at.any():
        return ""
    return SUPPORT[SUPPORT_BLOCKED if m.analyte in BLOCKED else SUPPORT_USED]


def _is_the_value(low: float, high: float, m: Measurement) -> bool:
    """Whether a measurement is the one whose bounds were judged, not another of that day."""
    own_low, own_high = bounds_of(
        np.array([m.value]), np.array([COMPARATOR_SIGN[m.comparator]], dtype=np.int8)
    )
    return bool(low == own_low[0] and high == own_high[0])


def _input(
    result: BatchAssessment,
    i: int,
    analyte: str,
    value: float,
    comparator: str,
    age_days: int | None,
    basis: str,
    support: str,
    used: bool,
    where: str,
    lab_low: float | None,
    lab_high: float | None,
) -> Input:
    knowledge = result.knowledge
    info = knowledge.analytes[analyte]
    lower = median = upper = z = None
    if intervals.has_limits(knowledge, analyte):
        age = result.batch.age[i] if age_days is None else float(age_days)
        bounds = intervals.limits(
            knowledge,
            analyte,
            np.array([age]),
            result.facts.sex[i : i + 1],
            result.facts.duffy_null[i : i + 1],
        )
        if not np.isnan(bounds.median[0]):
            lower, median = float(bounds.lower_min[0]), float(bounds.median[0])
            upper = float(bounds.upper_max[0])
            z = _number(intervals.z_score(np.array([value]), bounds, log=info.scale == "log")[0])
    return Input(
        analyte=analyte,
        name=info.name,
        value=value,
        unit=info.unit or "",
        comparator=comparator,
        age_days=age_days,
        lower=lower,
        median=median,
        upper=upper,
        z=z,
        lab_low=lab_low,
        lab_high=lab_high,
        basis=basis,
        support=support,
        used=used,
        where=where,
    )


def _findings(result: BatchAssessment, case: Case) -> tuple[StatedFinding, ...]:
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


def _own_issues(result: BatchAssessment, i: int, case: Case, as_of: date | None) -> Iterable[Issue]:
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


# --- rules -------------------------------------------------------------------------------------


def _readings(result: BatchAssessment, i: int) -> tuple[Reading3, ...]:
    entries = {d["id"]: d for d in result.knowledge.rules["definitions"]}
    return tuple(
        Reading3(
            name,
            entries[name]["name"],
            ANSWER[int(result.facts.definition(name)[i])],
            entries[name]["text"],
            entries[name]["grade"],
            tuple(entries[name]["source"]),
        )
        for name in READINGS
    )


def _severity(result: BatchAssessment, i: int) -> tuple[Severity, ...]:
    out = []
    for k, rule in enumerate(result.knowledge.rules["severity"]):
        answer = int(result.severity[i, k])
        missing: tuple[str, ...] = ()
        if answer == ternary.UNKNOWN:
            missing = criteria.missing(rule["when"], result.facts, i)
        out.append(
            Severity(
                rule["id"],
                rule["group"],
                rule["name"],
                rule["criteria"],
                rule["edition"],
                ANSWER[answer],
                rule["text"],
                missing,
                rule["needs_marrow"],
                rule["grade"],
                tuple(rule["source"]),
            )
        )
    return tuple(out)


def _urgency(result: BatchAssessment, i: int) -> Urgency:
    level = int(result.urgency.level[i])
    reasons, undetermined = [], []
    for k, rule in enumerate(result.knowledge.rules["urgency"]):
        answer = int(result.urgency.rules[i, k])
        rank = LEVELS.index(rule["level"])
        if answer == ternary.YES:
            reasons.append(_reason(result, i, rule, ()))
        elif answer == ternary.UNKNOWN and rank > level:
            undetermined.append(
                _reason(result, i, rule, criteria.missing(rule["when"], result.facts_now, i))
            )
    rank_of = {name: -k for k, name in enumerate(LEVELS)}
    return Urgency(
        LEVELS[level],  # type: ignore[arg-type]  # one of UrgencyLevel by definition
        tuple(sorted(reasons, key=lambda r: rank_of[r.level])),
        tuple(sorted(undetermined, key=lambda r: rank_of[r.level])),
    )


def _reason(
    result: BatchAssessment, i: int, rule: dict[str, Any], missing: tuple[str, ...]
) -> UrgencyReason:
    confirm = rule["confirm"] or ""
    if confirm and result.facts.fact(rule["confirmed_by"])[i] == ternary.YES:
        confirm = "confirmed on repeat"
    return UrgencyReason(
        rule["id"],
        rule["level"],
        rule["name"],
        rule["text"],
        rule["act"],
        confirm,
        missing,
        rule["grade"],
        tuple(rule["source"]),
    )


def _always_show(result: BatchAssessment, i: int) -> tuple[AlwaysShown, ...]:
    knowledge = result.knowledge
    rules = knowledge.rules
    gone = {
        e["condition"] for k, e in enumerate(rules["floor_exclusions"]) if result.floor.left[i, k]
    }
    names = {c.id: c for c in knowledge.conditions}
    wanted: dict[str, list[str]] = {}
    for k, rule in enumerate(rules["floor"]):
        if result.floor.rules[i, k]:
            for condition in rule["conditions"]:
                recorded = result.batch.columns.recorded[i, names[condition].index]
                if condition not in gone and recorded >= 0:
                    wanted.setdefault(condition, []).append(rule["name"])
    return tuple(
        AlwaysShown(condition, names[condition].name, tuple(why), names[condition].note or "")
        for condition, why in wanted.items()
    )


def _hazards(result: BatchAssessment, i: int, shown: set[str]) -> tuple[HazardNote, ...]:
    """Give the open hazards whose conditions are on the table: shown, or not argued against."""
    knowledge = result.knowledge
    likely = _likely(result, i)
    tests = {t.id: t.name for t in knowledge.tests}
    out = []
    for k, hazard in enumerate(knowledge.rules["hazards"]):
        of_concern = [c for c in hazard["conditions"] if c in shown or c in likely]
        if of_concern and result.hazards[i, k] == ternary.YES:
            out.append(
                HazardNote(
                    hazard["id"],
                    hazard["text"],
                    tuple(of_concern),
                    tests.get(hazard["test"] or "", ""),
                    hazard["grade"],
                    tuple(hazard["source"]),
                )
            )
    return tuple(out)


def _likely(result: BatchAssessment, i: int) -> set[str]:
    """Give the conditions that fit well or could fit."""
    bands = _bands(result, i)
    return {
        c.id for c in result.knowledge.conditions if bands[c.index] in ("fits_well", "could_fit")
    }


def _missing(severity: Sequence[Severity], urgency: Urgency) -> tuple[Missing, ...]:
    """Turn round what rules lack: for each missing fact, what knowing it could change."""
    changes: dict[str, list[str]] = {}
    for rule in urgency.undetermined:
        for item in rule.missing:
            changes.setdefault(item, []).append(f"urgency {rule.level}: {rule.name}")
    for criterion in severity:
        for item in criterion.missing:
            changes.setdefault(item, []).append(f"severity: {criterion.name}")
    ranked = sorted(changes.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return tuple(Missing(item, item, tuple(dict.fromkeys(what))) for item, what in ranked)


# --- differential and tests --------------------------------------------------------------------


def _differential(result: BatchAssessment, i: int, also_explain: set[str]) -> tuple[Candidate, ...]:
    knowledge = result.knowledge
    log_posterior = result.differential.log_posterior[i]
    order = np.lexsort((np.arange(len(log_posterior)), -log_posterior))
    against_else = log_posterior - log_posterior[-1]
    bands = _bands(result, i)
    out = []
    for rank, index in enumerate(order, start=1):
        condition = knowledge.conditions[index]
        posterior = float(np.exp(log_posterior[index]))
        explained = rank <= EXPLAINED or condition.id in also_explain
        recorded = result.batch.columns.recorded[i, index]
        out.append(
            Candidate(
                rank=rank,
                condition=condition.id,
                name=condition.name,
                category=condition.category,
                never_miss=condition.never_miss,
                posterior=posterior,
                band=bands[index],
                log_odds_against_something_else=float(against_else[index]),
                contributions=contributions(result, i, int(index))
                if explained and condition.id != SOMETHING_ELSE
                else (),
                note=condition.note or "",
                excluded="recorded as excluded" if recorded < 0 else "",
            )
        )
    return tuple(out)


def _bands(result: BatchAssessment, i: int) -> list[Any]:
    """Give the wording band of every condition of one child."""
    log_posterior = result.differential.log_posterior[i]
    against_else = log_posterior - log_posterior[-1]
    terms = result.differential.parts
    prior = terms.log_prior[i] - terms.log_prior[i, -1]
    return [
        band_of(float(np.exp(p)), float(e), result.knowledge)
        for p, e in zip(log_posterior, against_else - prior, strict=True)
    ]


def _next_tests(result: BatchAssessment, i: int) -> tuple[NextTest, ...]:
    """Give the open tests worth most, in tiers.

    Beside those with the highest gain stand the tests that confirm a leading condition, however
    sure the model is of it, those that close an open treatment hazard, and a count that is missing.
    """
    knowledge, tests = result.knowledge, result.tests
    posterior = np.exp(result.differential.log_posterior[i])
    gain = tests.information[i] + tests.never_miss[i]
    best = {int(t) for t in np.argsort(-gain, kind="stable")[:TESTS_SHOWN] if gain[t] > 1e-3}
    likely = _likely(result, i)
    confirming = {
        t.index
        for t in knowledge.tests
        if t.row >= 0 and t.tier <= CONFIRMING_TIER and likely.intersection(t.conditions)
    }
    closing = {
        name
        for k, h in enumerate(knowledge.rules["hazards"])
        if result.hazards[i, k] == ternary.YES and likely.intersection(h["conditions"])
        for name in [h["test"]]
    }
    wanted = (
        best
        | confirming
        | {
            t.index
            for t in knowledge.tests
            if t.id in closing or (t.row < 0 and t.tier == 0 and t.done_when)
        }
    )
    chosen = sorted(
        (t for t in wanted if not tests.done[i, t]),
        key=lambda t: (knowledge.tests[t].tier, -gain[t], t),
    )
    return tuple(_next_test(result, i, t, posterior) for t in chosen)


def _next_test(
    result: BatchAssessment, i: int, index: int, posterior: np.ndarray[Any, Any]
) -> NextTest:
    knowledge, tests = result.knowledge, result.tests
    test = knowledge.tests[index]
    outcomes: tuple[Outcome, ...] = ()
    if test.row >= 0:
        chance = float(tests.positive[i, index])
        outcomes = tuple(
            Outcome(
                name,  # type: ignore[arg-type]  # one of the two results, just below
                probability,
                _leading(
                    after(posterior, test.row, knowledge, positive=name == "positive"), result
                ),
            )
            for name, probability in (("positive", chance), ("negative", 1 - chance))
        )
    return NextTest(
        test=test.id,
        name=test.name,
        tier=test.tier,
        tier_when=test.tier_when or "",
        information_gain=float(tests.information[i, index]),
        never_miss_gain=float(tests.never_miss[i, index]),
        invasiveness=test.invasiveness,
        turnaround=test.turnaround,
        before_transfusion=test.before_transfusion,
        outcomes=outcomes,
        pitfalls=test.pitfalls or "",
        grade=test.grade,
        source=test.source,
    )


def _leading(
    posterior: np.ndarray[Any, Any], result: BatchAssessment
) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-posterior, kind="stable")[:OUTCOMES_SHOWN]
    return tuple((result.knowledge.conditions[k].id, float(posterior[k])) for k in order)


# --- the rest ----------------------------------------------------------------------------------


def _citations(result: BatchAssessment, parts: dict[str, Any]) -> dict[str, str]:
    """Give the citation of every source the assessment names, and of the limits it used."""
    lineages, urgency = parts["lineages"], parts["urgency"]
    cited = [
        lineages.red,
        lineages.white,
        lineages.platelet,
        *parts["readings"],
        *parts["severity"],
        *urgency.reasons,
        *urgency.undetermined,
        *(piece for c in parts["differential"] for piece in c.contributions),
        *parts["next_tests"],
        *parts["hazards"],
    ]
    used = {name for entry in cited for name in entry.source}
    for interval in result.knowledge.raw["intervals"].values():
        used.update(interval["source"])
    sources = result.knowledge.sources
    return {
        name: f"{sources[name]['citation']} [{sources[name]['status']}]"
        for name in sorted(used | {"HPO"})
    }


def _grades(differential: Sequence[Candidate]) -> dict[str, int]:
    counts = {"counted": 0, "named_source": 0, "expert": 0, "derived": 0}
    for candidate in differential[:EXPLAINED]:
        for piece in candidate.contributions:
            counts[piece.grade] += 1
    return counts


def _limits(result: BatchAssessment, i: int) -> tuple[str, ...]:
    knowledge = result.knowledge
    out = []
    if knowledge.parameter_grade == "expert":
        out.append(
            "Damping, tails, temperature and the share of something else are expert choices, not "
            "yet fitted to patients; posteriors are likely to be overconfident."
        )
    out.append(
        f"Priors are for the setting '{knowledge.settings['all'][result.setting]['name']}'; "
        "another setting shifts the ranking."
    )
    if result.presentation.earlier[i]:
        days = int(result.presentation.batch.age[i])
        out.append(
            f"No lineage is low now; the ranking is about the low counts at {days} days of age."
        )
    age = result.batch.age[i]
    if np.isnan(age):
        out.append("The age is unknown: limits for age and priors by age are not applied.")
    elif age < 365:
        out.append("Limits in the first year rest on older and smaller studies.")
    if result.facts.duffy_null[i] > 0 and age < 4383:
        out.append("No Duffy-null interval has been published for children; adult data are scaled.")
    return tuple(out)
