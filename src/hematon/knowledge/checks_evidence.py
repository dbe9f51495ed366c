"""Checks of the conditions, their evidence and the findings it rests on, ontology included.

They keep apart what is counted, what a source says and what is an estimate, and refuse a number
that contradicts another: a share above its whole, a finding more frequent than the broader one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise

from hematon.errors import Issue
from hematon.knowledge import records
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.likelihoods import LINEAGE_FINDINGS, PARTITION
from hematon.knowledge.places import broken, nodes

OWN_SOURCES = frozenset({"EXPERT", "HEMATON_MODEL"})
"""Sources that are our own judgment and can back no count and no citation."""
CITING = ("counted", "named_source")
COUNT_TOLERANCE = 0.10 + 1e-9
"""How far a counted frequency may lie from n/N (the sliver is for binary fractions)."""
ROUNDING = 0.02
"""Frequencies have two digits; sums and nested ones may miss by this much."""
NEONATAL_YEARS = 0.25
"""A neonatal condition is first seen before this age; the model penalizes it later."""
GENE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)?")

Frequencies = Mapping[str, float]


def check_evidence_sign(files: KnowledgeFiles) -> Iterator[Issue]:
    """No evidence row uses a sign: signs decide urgency and have no background frequency."""
    signs = {finding.id for finding in files.findings.findings if finding.kind == "sign"}
    for where, row in _evidence(files):
        if row.finding in signs:
            yield broken(
                "evidence-sign",
                f"{where}/finding",
                f"{row.finding} is a sign and takes no part in the likelihood",
                "use a finding of another kind",
            )


def check_evidence_count(files: KnowledgeFiles) -> Iterator[Issue]:
    """A counted row says n of N, n is at most N, and one is not given without the other."""
    for where, row in _evidence(files):
        both = row.n is not None and row.of is not None
        neither = row.n is None and row.of is None and row.grade != "counted"
        possible = neither or (both and 0 <= (row.n or 0) <= (row.of or 0) and row.of != 0)
        if not possible:
            yield broken(
                "evidence-count",
                where,
                "n and of do not say how many of how many",
                "give both, n at most of, or neither and another grade",
            )


def check_evidence_frequency(files: KnowledgeFiles) -> Iterator[Issue]:
    """A counted frequency lies within 0.10 of its n/N."""
    for where, row in _evidence(files):
        if row.grade != "counted" or row.n is None or not row.of:
            continue
        if abs(row.n / row.of - row.frequency) > COUNT_TOLERANCE:
            yield broken(
                "evidence-frequency",
                f"{where}/frequency",
                "the frequency is not what n of N gives",
                "correct it, or grade it expert and say why in the note",
            )


def check_grade_source(files: KnowledgeFiles) -> Iterator[Issue]:
    """What is graded counted or named_source cites a source that is not our own judgment."""
    for where, record in nodes(files):
        stated = vars(record)
        if stated.get("grade") not in CITING or "source" not in stated:
            continue
        if not set(stated["source"]) - OWN_SOURCES:
            yield broken(
                "grade-source",
                f"{where}/grade",
                "the grade promises a source and none is cited",
                "cite it, or grade it expert",
            )


def check_partition_missing(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every condition says how often each lineage is low, alone, in pairs and all together."""
    for where, condition in _conditions(files):
        present = {row.finding for row in condition.evidence}
        for finding in (*LINEAGE_FINDINGS.values(), *PARTITION):
            if finding not in present:
                yield broken(
                    "partition-missing",
                    f"{where}/evidence",
                    f"there is no row for {finding}",
                    "add it; 0.0 where it does not occur",
                )


def check_partition_sum(files: KnowledgeFiles) -> Iterator[Issue]:
    """The ways lineages are low together exclude each other: their shares sum to at most one."""
    for where, condition in _conditions(files):
        frequency = _frequency(condition)
        if sum(frequency.get(finding, 0.0) for finding in PARTITION) > 1 + ROUNDING:
            yield broken(
                "partition-sum",
                f"{where}/evidence",
                "isolated, two-lineage and three-lineage shares sum to more than one",
                "correct the shares",
            )


def check_broader_finding(files: KnowledgeFiles) -> Iterator[Issue]:
    """No finding is more frequent in a condition than one it implies, its ancestor.

    What implies what comes from the ontology and from the depths of each lineage in the model.
    """
    implied = list(_implied(files))
    for where, condition in _conditions(files):
        frequency = _frequency(condition)
        for narrow, broad in implied:
            if frequency.get(narrow, 0.0) > frequency.get(broad, 1.0) + ROUNDING:
                yield broken(
                    "broader-finding",
                    f"{where}/evidence",
                    f"{narrow} is more frequent than {broad}, which it implies",
                    "raise the broader or lower the narrower frequency",
                )


def _implied(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    with_term = [finding for finding in files.findings.findings if finding.hpo]
    for broad, terms in files.hpo.findings.items():
        satisfying = set(terms)
        for finding in with_term:
            if finding.hpo in satisfying and finding.id != broad:
                yield finding.id, broad
    for lineage in files.model.lineages:
        depths = [state.finding for state in lineage.low[1:] if state.finding is not None]
        for broad, narrow in pairwise([LINEAGE_FINDINGS[lineage.lineage], *depths]):
            yield narrow, broad


def check_finding_background(files: KnowledgeFiles) -> Iterator[Issue]:
    """A finding has both frequencies without the condition, between 0 and 1; a sign has none."""
    for index, finding in enumerate(files.findings.findings):
        both = (finding.background, finding.general_population)
        if finding.kind == "sign":
            stated = all(value is None for value in both)
        else:
            stated = all(value is not None and 0.0 < value < 1.0 for value in both)
        if not stated:
            yield broken(
                "finding-background",
                f"findings.yaml#/findings/{index}",
                f"{finding.id} lacks a background a ratio can be taken of, or is a sign with one",
                "give background and general_population between 0 and 1, or for a sign neither",
            )


def check_age_order(files: KnowledgeFiles) -> Iterator[Issue]:
    """In every condition the age when first seen climbs from 5th percentile to median to 95th."""
    for where, condition in _conditions(files):
        age = condition.age
        if not 0.0 <= age.p5 <= age.median <= age.p95:
            yield broken(
                "age-order", f"{where}/age", "p5, median and p95 do not climb", "correct them"
            )


def check_gene_symbol(files: KnowledgeFiles) -> Iterator[Issue]:
    """Gene symbols are written as HGNC does: capitals and digits."""
    for where, condition in _conditions(files):
        for index, gene in enumerate(condition.genes):
            if not GENE.fullmatch(gene.symbol):
                yield broken(
                    "gene-symbol",
                    f"{where}/genes/{index}/symbol",
                    f"{gene.symbol} is not a gene symbol",
                    "write the HGNC symbol",
                )


def check_category(files: KnowledgeFiles) -> Iterator[Issue]:
    """An inherited condition says how; a neonatal one is first seen within 3 months of birth."""
    for where, condition in _conditions(files):
        if condition.category.startswith("inherited") and not condition.inheritance:
            yield broken(
                "category",
                f"{where}/inheritance",
                "an inherited condition does not say how",
                "state the inheritance",
            )
        if condition.category == "neonatal" and condition.age.p95 > NEONATAL_YEARS:
            yield broken(
                "category",
                f"{where}/age/p95",
                "a neonatal condition is first seen later than 3 months",
                "correct the age, or choose another category",
            )


def check_hpo_current(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every HPO id of a finding is current in the release of `hpo.yaml`."""
    pairs = [part.partition("-") for part in files.hpo.ids.split(",")]
    first = [int(start) for start, _, _ in pairs]
    last = [int(end or start) for start, _, end in pairs]
    for index, finding in enumerate(files.findings.findings):
        for term in _terms(finding):
            number = int(term[3:]) if re.fullmatch(r"HP:\d{7}", term) else -1
            at = bisect_right(first, number) - 1
            if at < 0 or number > last[at]:
                yield broken(
                    "hpo-current",
                    f"findings.yaml#/findings/{index}",
                    f"{term} is not a current HPO id",
                    "use the id that replaced it",
                )


def check_hpo_compiled(files: KnowledgeFiles) -> Iterator[Issue]:
    """`hpo.yaml` is up to date: it lists the terms of exactly the findings that have any."""
    compiled = files.hpo.findings
    for index, finding in enumerate(files.findings.findings):
        terms = set(_terms(finding))
        if terms - set(compiled.get(finding.id, ())) or (not terms and finding.id in compiled):
            yield _stale(f"findings.yaml#/findings/{index}", finding.id)
    known = {finding.id for finding in files.findings.findings}
    listed = {name: f"hpo.yaml#/findings/{name}" for name in compiled}
    for term, beneath in files.hpo.broader.items():
        for index, name in enumerate(beneath):
            listed.setdefault(name, f"hpo.yaml#/broader/{term}/{index}")
    for name, where in listed.items():
        if name not in known:
            yield _stale(where, name)


def _stale(where: str, finding: str) -> Issue:
    return broken(
        "hpo-compiled",
        where,
        f"hpo.yaml and findings.yaml disagree about {finding}",
        "run tools/compile_hpo.py",
    )


def _terms(finding: records.FindingEntry) -> list[str]:
    return [term for term in (finding.hpo, *finding.also_hpo) if term]


def _conditions(files: KnowledgeFiles) -> Iterator[tuple[str, records.Condition]]:
    return ((f"conditions/{c.id}.yaml#", c) for c in files.conditions)


def _evidence(files: KnowledgeFiles) -> Iterator[tuple[str, records.Evidence]]:
    for where, condition in _conditions(files):
        for index, row in enumerate(condition.evidence):
            yield f"{where}/evidence/{index}", row


def _frequency(condition: records.Condition) -> Frequencies:
    return {row.finding: row.frequency for row in condition.evidence}
