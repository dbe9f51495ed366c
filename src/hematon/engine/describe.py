"""One row of a batch in full: the Assessment with its reasons, sources and what is missing.

Everything here is read off arrays that the batch already holds, for the one child someone asks
about. Nothing is decided here but what is worth showing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

import hematon
from hematon.engine.assessment import (
    Assessment,
    Candidate,
    IssueNote,
    Versions,
)
from hematon.engine.case import Case
from hematon.engine.describe_inputs import inputs, own_issues, stated_findings
from hematon.engine.describe_ranking import (
    EXPLAINED,
    candidates,
    chosen_tests,
    outcome_rows,
    questions,
    suggested_tests,
)
from hematon.engine.describe_rules import (
    always_shown,
    hazard_notes,
    missing_facts,
    readings,
    severity_criteria,
    urgency_reasons,
)
from hematon.engine.describe_trends import trends
from hematon.engine.lineages import lineages
from hematon.engine.what_if import open_answers
from hematon.errors import Issue

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment


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
    shown = always_shown(result, i)
    severity = severity_criteria(result, i)
    urgency = urgency_reasons(result, i)
    day = as_of.isoformat() if as_of is not None else None
    chosen = chosen_tests(result, i)
    # Questions and outcomes of tests are judged together: one small batch instead of two.
    answers = open_answers(result, i, outcome_rows(chosen, knowledge))
    parts: dict[str, Any] = {
        "lineages": lineages(result, i),
        "trends": trends(result, i),
        "readings": readings(result, i),
        "severity": severity,
        "urgency": urgency,
        "differential": candidates(result, i, answers, {s.condition for s in shown} | explain),
        "always_show": shown,
        "questions": questions(result, i, answers),
        "next_tests": suggested_tests(result, i, chosen, answers.also),
        "hazards": hazard_notes(result, i, {s.condition for s in shown}),
        "missing": missing_facts(severity, urgency),
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
            for x in (*issues, *own_issues(result, i, case, as_of))
        ),
        inputs=inputs(result, i, case),
        findings=stated_findings(result, case),
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
        *parts["questions"],
        *parts["next_tests"],
        *parts["hazards"],
        parts["trends"].neutrophil_cycle,
    ]
    used = {name for entry in cited for name in entry.source}
    for interval in result.knowledge.raw["intervals"].values():
        used.update(interval["source"])
    sources = result.knowledge.sources
    return {
        name: f"{sources[name]['citation']}{_pmid(sources[name])} [{sources[name]['status']}]"
        for name in sorted(used | {"HPO"})
    }


def _pmid(source: Mapping[str, str]) -> str:
    pmid = source.get("pmid")
    return f" PMID:{pmid}" if pmid and pmid not in source["citation"] else ""


def _grades(differential: Sequence[Candidate]) -> dict[str, int]:
    counts = {"counted": 0, "named_source": 0, "expert": 0, "derived": 0}
    for candidate in differential[:EXPLAINED]:
        for piece in candidate.contributions:
            counts[piece.grade] += 1
    return counts


def _limits(result: BatchAssessment, i: int) -> tuple[str, ...]:
    knowledge = result.knowledge
    out = []
    fit = knowledge.fit
    out.append(
        f"How much each kind of evidence counts was fitted on {fit['cases']:,} published patients "
        f"of {fit['publications']:,} publications, most of them not seen by the engine as children "
        "with a new blood count are. Damping, tails and densities are expert choices."
    )
    if result.setting not in fit["settings"]:
        out.append("Posteriors in this setting have not been calibrated on patients.")
    out.append(
        f"Priors are for the setting '{knowledge.settings['all'][result.setting]['name']}'; "
        "another setting shifts the ranking."
    )
    if result.presentation.earlier[i]:
        years = result.presentation.batch.age[i] / 365.25
        why = (
            "Neutrophils cycle; the ranking is about the lowest counts, at the age of "
            if result.presentation.nadir[i]
            else "No lineage is low now; the ranking is about the low counts at the age of "
        )
        out.append(
            f"{why}{years:.1f} years. What was not counted in that draw or before is not known "
            "there."
        )
    age = result.batch.age[i]
    if np.isnan(age):
        out.append("The age is unknown: limits for age and priors by age are not applied.")
    elif age < 365:
        out.append("Limits in the first year rest on older and smaller studies.")
    if result.facts.duffy_null[i] > 0 and age < 4383:
        out.append("No Duffy-null interval has been published for children; adult data are scaled.")
    return tuple(out)
