"""Turn the records into the compiled form: lookups for readers, arrays for the engine.

What is decided here: how reference bands become continuous limits, how frequencies become
likelihood ratios (shrinkage, floor, clamp; `model.yaml`), and how what is known about lineages
becomes weights of presentations. Deterministic: the same files give the same bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hematon.knowledge import records
from hematon.knowledge.annotations import counts
from hematon.knowledge.compiled import SOMETHING_ELSE, Floats
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.likelihoods import (
    channels,
    evidence,
    frequencies,
    lineage_weights,
    packed,
    rounded,
)

Json = dict[str, Any]

DIVISORS = {"mean+-2SD": 2.0, "5th pct (lower)": 1.6449}
"""Standard deviations between the median and a limit, by kind of limit; 1.96 for the others."""
LONG_BAND_DAYS = 365
"""Within a longer band the limit is flat, but for this half-width around each edge."""
EDGE_DAYS = 182


def compile_knowledge(files: KnowledgeFiles, fingerprint: str) -> Json:
    """Compile validated records into one JSON-able bundle.

    Args:
        files: every knowledge file.
        fingerprint: SHA-256 of the files.

    Returns:
        The bundle that `Knowledge.from_bundle` reads.
    """
    parameters = {name: p.value for name, p in files.model.parameters.items()}
    parameters.update((name, p.value) for name, p in files.fitted.parameters.items())
    findings = files.findings.findings
    pooled = counts(files)
    frequency, background = frequencies(files, pooled, parameters)
    tests = _tests(files, frequency)
    return {
        "version": max(c.reviewed for c in files.conditions).isoformat(),
        "fingerprint": fingerprint,
        "hpo_version": files.hpo.version,
        "annotation_release": files.release.annotations,
        "analytes": [_analyte(i, a) for i, a in enumerate(files.analytes.analytes)],
        "loinc": [
            {
                "code": c.code,
                "name": c.name,
                "analyte": a.id,
                "use": c.use,
                "unit": c.unit,
                "note": c.note,
            }
            for a in files.analytes.analytes
            for c in a.loinc
        ],
        "findings": [
            {
                "index": i,
                "id": f.id,
                "kind": f.kind,
                "name": f.name,
                "hpo": f.hpo,
                "group": f.group,
                "only_sex": f.only_sex,
                "only_from_days": f.only_from_days,
                "background": f.background,
                "grade": f.grade,
                "source": f.source,
                "when": rule(f.when),
                "unless": rule(f.unless),
            }
            for i, f in enumerate(findings)
        ],
        "conditions": [_condition(i, c) for i, c in enumerate(files.conditions)]
        + [_something_else(len(files.conditions))],
        "tests": tests["info"],
        "treatments": [
            {
                "kind": m.kind,
                "finding": m.finding,
                "names": m.names,
                "snomed": m.snomed,
                "atc": m.atc,
            }
            for m in files.treatments.maps
        ],
        "windows": [
            w.model_dump(include={"kind", "analytes", "days", "effect", "text"})
            for w in files.treatments.windows
        ],
        "rules": _rules(files),
        "settings": {
            "default": files.settings.default,
            "all": {s.id: _setting(s, parameters) for s in files.settings.settings},
        },
        "parameters": parameters,
        "fit": {
            "cases": files.fitted.cases,
            "publications": files.fitted.publications,
            "settings": [s.id for s in files.settings.settings if s.prior_exponent is None],
        },
        "bands": [[b.id, b.name, b.at_least] for b in files.model.bands],
        "sources": {
            s.id: {
                "citation": s.citation,
                "status": s.status,
                **({"pmid": s.pmid} if s.pmid else {}),
                **({"doi": s.doi} if s.doi else {}),
            }
            for s in files.sources.sources
        },
        "raw": {
            "condition_codes": {
                f"{code.system}:{code.code}": c.id
                for c in reversed(files.conditions)
                for code in c.codes
            },
            "genes": _genes(files),
            "hpo_findings": _invert(files.hpo.findings),
            "hpo_broader": files.hpo.broader,
            "hpo_obsolete": files.hpo.obsolete,
            "hpo_ids": files.hpo.ids,
            "intervals": {f.analyte: _interval(f) for f in files.intervals},
            "frequency": packed(np.round(frequency, 10)),
            "background": rounded(background),
            "evidence": evidence(files, pooled, parameters),
            "undamped_groups": files.model.undamped_groups,
            "lineages": [c.model_dump() for c in files.model.lineages],
            "lineage_weights": rounded(lineage_weights(files, frequency, background).T),
            "channels": channels(files, frequency),
            "variants": [v.model_dump() for v in files.model.variants],
            "test_outcomes": tests["outcomes"],
        },
    }


def rule(criterion: records.Criterion | None) -> Json | None:
    """Write a criterion as plain nested values, without unset keys."""
    if criterion is None:
        return None
    plain: Json = criterion.model_dump(by_alias=True, exclude_none=True)
    return plain


def _invert(findings: Mapping[str, list[str]]) -> dict[str, list[str]]:
    inverted: dict[str, list[str]] = {}
    for finding, terms in findings.items():
        for term in terms:
            inverted.setdefault(term, []).append(finding)
    return inverted


def _analyte(index: int, a: records.Analyte) -> Json:
    return {
        "index": index,
        "id": a.id,
        "name": a.name,
        "unit": a.unit,
        "scale": a.scale,
        "decimals": a.decimals,
        "plausible_low": a.plausible.low if a.plausible else 0.0,
        "plausible_high": a.plausible.high if a.plausible else 1e12,
        "other_units": {o.unit: o.factor for o in a.other_units},
        "names": a.names,
        "loinc": [c.code for c in a.loinc if c.use in ("primary", "alternate")],
        "positive_finding": a.positive_finding,
        "valid_days": a.valid_days,
        "part_of_count": a.part_of_count,
    }


def _condition(index: int, c: records.Condition) -> Json:
    return {
        "index": index,
        "id": c.id,
        "name": c.name,
        "category": c.category,
        "never_miss": c.never_miss,
        "prior": c.prior.value,
        "prior_grade": c.prior.grade,
        "prior_source": c.prior.source,
        "age_median": c.age.median,
        "age_p5": c.age.p5,
        "age_p95": c.age.p95,
        "male_fraction": c.sex.male_fraction,
        "inheritance": c.inheritance,
        "marrow": c.presentation.marrow,
        "note": c.note,
        "gate": rule(c.gate),
    }


def _something_else(index: int) -> Json:
    return {
        "index": index,
        "id": SOMETHING_ELSE,
        "name": "Something else (none of these)",
        "category": "other",
        "never_miss": False,
        "prior": 0.0,
        "prior_grade": "expert",
        "prior_source": ["HEMATON_MODEL"],
        "age_median": 8.0,
        "age_p5": 0.0,
        "age_p95": 18.0,
        "male_fraction": 0.5,
        "inheritance": None,
        "marrow": None,
        "note": "Takes the share of causes this knowledge does not hold",
        "gate": None,
    }


def _setting(setting: records.Setting, parameters: Mapping[str, float]) -> Json:
    plain: Json = setting.model_dump()
    for name in ("prior_exponent", "something_else_share"):
        if plain[name] is None:
            plain[name] = parameters[name]
    return plain


def _rules(files: KnowledgeFiles) -> Json:
    return {
        "definitions": [
            {
                "id": d.id,
                "name": d.name,
                "text": d.text,
                "when": rule(d.when),
                "unless": rule(d.unless),
                "source": d.source,
                "grade": d.grade,
            }
            for d in files.definitions.definitions
        ],
        "severity": [
            {
                "id": r.id,
                "group": r.group,
                "name": r.name,
                "text": r.text,
                "when": rule(r.when),
                "unless": rule(r.unless),
                "source": r.source,
                "grade": r.grade,
                "needs_marrow": r.needs_marrow,
                "criteria": f.criteria,
                "edition": f.edition,
            }
            for f in files.severity
            for r in f.rules
        ],
        "urgency": [
            {
                "id": r.id,
                "level": r.level,
                "name": r.name,
                "text": r.text,
                "act": r.act,
                "confirm": r.confirm,
                "confirmed_by": r.confirmed_by,
                "when": rule(r.when),
                "unless": rule(r.unless),
                "source": r.source,
                "grade": r.grade,
            }
            for r in files.urgency.rules
        ],
        "floor": [
            {
                "id": r.id,
                "name": r.name,
                "when": rule(r.when),
                "unless": rule(r.unless),
                "conditions": r.conditions,
            }
            for r in files.floor.rules
        ],
        "floor_exclusions": [
            {"condition": e.condition, "when": rule(e.when), "text": e.text}
            for e in files.floor.exclusions
        ],
        "floor_source": files.floor.source,
        "floor_grade": files.floor.grade,
        "hazards": [
            {
                "id": h.id,
                "text": h.text,
                "conditions": h.conditions,
                "when": rule(h.when),
                "unless": rule(h.unless),
                "test": h.test,
                "source": h.source,
                "grade": h.grade,
            }
            for h in files.hazards.hazards
        ],
        "cutoffs": [
            {
                "id": c.id,
                "analyte": c.analyte,
                "population": c.population,
                "steps": [
                    s.model_dump(include={"from_days", "to_days", "sex", "value"}) for s in c.steps
                ],
            }
            for c in files.cutoffs.cutoffs
        ],
        "editions": {
            "urgency": files.urgency.edition,
            "definitions": files.definitions.edition,
            "floor": files.floor.edition,
            "hazards": files.hazards.edition,
        },
    }


# --- reference intervals -----------------------------------------------------------------------


def _interval(file: records.IntervalsFile) -> Json:
    variants: Json = {}
    populations = {b.population for b in file.bands}
    for sex in ("female", "male"):
        for population in ("any", "duffy_null"):
            bands = [b for b in file.bands if b.sex in ("any", sex)]
            if population == "duffy_null":
                if "duffy_null" not in populations:
                    continue
                null = [b for b in bands if b.population == "duffy_null"]
                first = min(b.age_min_days for b in null)
                bands = [
                    b for b in bands if b.population != "duffy_null" and b.age_max_days < first
                ] + null
            else:
                bands = [b for b in bands if b.population != "duffy_null"]
            variants[f"{sex}/{population}"] = _knots(sorted(bands, key=lambda b: b.age_min_days))
    return {
        "variants": variants,
        "source": sorted({s for b in file.bands for s in b.source}),
        "edition": file.edition,
        "bands": [
            {
                "sex": b.sex,
                "population": b.population,
                "from": b.age_min_days,
                "to": b.age_max_days,
                "grade": b.grade,
                "source": b.source,
                "kind": b.kind,
            }
            for b in file.bands
        ],
    }


def _knots(bands: list[records.IntervalBand]) -> list[list[float]]:
    """Place knots so that limits run continuously through the bands.

    A short band has one knot in its middle; a long one is flat but near its edges. Each row is
    age, lower, median, upper, and the standard deviations between median and limit.
    """
    rows: list[list[float]] = []
    for band in bands:
        width = band.age_max_days - band.age_min_days + 1
        if width > LONG_BAND_DAYS:
            ages = [float(band.age_min_days + EDGE_DAYS), float(band.age_max_days - EDGE_DAYS)]
        else:
            ages = [(band.age_min_days + band.age_max_days) / 2]
        divisor = DIVISORS.get(band.kind, 1.96)
        rows.extend([age, band.lower, band.median, band.upper, divisor] for age in ages)
    return rows


# --- genes and tests ---------------------------------------------------------------------------


def _genes(files: KnowledgeFiles) -> dict[str, list[list[Any]]]:
    genes: dict[str, list[list[Any]]] = {}
    for i, condition in enumerate(files.conditions):
        for gene in condition.genes:
            genes.setdefault(gene.symbol, []).append([i, list(gene.modes)])
    return genes


def _tests(files: KnowledgeFiles, frequency: Floats) -> Json:
    """Give the tests and P(outcome | condition) for those that show a finding of the model.

    A test has one row for each finding it can show, present when the ones before it are absent,
    and a last row for none of them. So acting on its result is the same as entering the findings.
    """
    column = {f.id: i for i, f in enumerate(files.findings.findings)}
    info: list[Json] = []
    rows: list[Any] = []
    for index, test in enumerate(files.tests.tests):
        shown = test.outcomes or ([] if test.finding is None else [test.finding])
        if test.planning:
            shown = []
        row = len(rows) if shown else -1
        none = np.ones(len(frequency))
        for finding in shown:
            present = frequency[:, column[finding]]
            rows.append(rounded(none * present))
            none = none * (1 - present)
        if shown:
            rows.append(rounded(none))
        info.append(
            {
                "index": index,
                "row": row,
                "outcomes": shown,
                "id": test.id,
                "name": test.name,
                "tier": test.tier,
                "tier_when": test.tier_when,
                "specimen": test.specimen,
                "positive": test.positive,
                "conditions": test.conditions,
                "invasiveness": test.invasiveness,
                "before_transfusion": test.before_transfusion,
                "turnaround": test.turnaround,
                "turnaround_days": test.turnaround_days,
                "pitfalls": test.pitfalls,
                "finding": test.finding,
                "done_when": test.done_when,
                "done_by": test.done_by,
                "grade": test.grade,
                "source": test.source,
            }
        )
    return {"info": info, "outcomes": rows}
