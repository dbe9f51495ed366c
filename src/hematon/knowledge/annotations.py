"""Public HPO annotations: how often each finding is seen in each disease of a condition.

A condition of the knowledge stands for one or many diseases (`data/annotations/diseases.csv`:
Fanconi anemia for 22 of OMIM and Orphanet). Each has lines of its own in the public annotations:
a term, n of N patients or a frequency, and the publication they were counted in. Here lines
become the arrays the engine reads: for every disease and every term, how often the term or
anything beneath it is present.

Kept apart from the rest of the compiled knowledge and read only when a record states HPO terms,
so that a child with nothing but counts never waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hematon.knowledge.compiled import COUNT_GROUPS

if TYPE_CHECKING:
    from hematon.knowledge.files import KnowledgeFiles

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Arrays = dict[str, npt.NDArray[Any]]

CLASSES = {
    "HP:0040280": 1.0,
    "HP:0040281": 0.9,
    "HP:0040282": 0.55,
    "HP:0040283": 0.17,
    "HP:0040284": 0.025,
    "HP:0040285": 0.0,
}
"""Frequency classes of the ontology (obligate, very frequent, ... excluded) at their middle."""
UNSTATED_FREQUENCY = 0.5
"""Frequency of a line that states none: it was thought worth noting, so it is not rare."""
PRIOR_PATIENTS = 1.0
PRIOR_FREQUENCY = 0.3
"""A Beta prior on a counted n of N, one patient strong: 1 of 1 is not always. None of N is never
taken for more than nothing: what nobody had must not speak for the disease."""
CERTAIN = 0.99
"""No finding is taken as certain in a disease."""
LEAST = 1e-4
"""A smaller frequency is not stored."""


def publications_of(reference: str) -> frozenset[str]:
    """Give the publications that a line's reference names: often one, sometimes several."""
    return frozenset(reference.split(";"))


def frequencies(lines: Iterable[Sequence[str]], column: Mapping[str, int]) -> dict[int, float]:
    """Give how often each annotated term is present in one disease.

    Counted lines are pooled over publications and drawn a little towards `PRIOR_FREQUENCY`; a
    count outweighs a stated frequency, which outweighs none.

    Args:
        lines: rows of `lines.csv` (disease, term, n, of, frequency, reference).
        column: term to column.

    Returns:
        Column to frequency.
    """
    n: dict[int, int] = defaultdict(int)
    of: dict[int, int] = defaultdict(int)
    stated: dict[int, list[float]] = defaultdict(list)
    for _, term, present, patients, value, _ in lines:
        at = column[term]
        if patients:
            n[at] += int(present)
            of[at] += int(patients)
        else:
            stated[at].append(float(value) if value else UNSTATED_FREQUENCY)
    out = {at: sum(values) / len(values) for at, values in stated.items()}
    for at, counted in of.items():
        prior = PRIOR_FREQUENCY if n[at] else 0.0
        out[at] = (n[at] + PRIOR_PATIENTS * prior) / (counted + PRIOR_PATIENTS)
    return out


def closure(frequency: Mapping[int, float], parents: Sequence[Ints]) -> Floats:
    """Carry frequencies up the ontology: a term is present when anything beneath it is.

    Args:
        frequency: column to frequency, as `frequencies` gives it.
        parents: columns of the parents of each term.

    Returns:
        (terms,) the noisy-or over each term and all beneath it.
    """
    absent = np.ones(len(parents))
    above: dict[int, set[int]] = {}

    def upwards(at: int) -> set[int]:
        if at not in above:
            found = {at}
            for parent in parents[at]:
                found |= upwards(int(parent))
            above[at] = found
        return above[at]

    for at, value in sorted(frequency.items()):
        absent[sorted(upwards(at))] *= 1 - min(value, CERTAIN)
    return 1 - absent


Counts = dict[str, tuple[int, int]]
"""Publication to (n, of)."""


def counts(files: KnowledgeFiles) -> dict[str, dict[str, Counts]]:
    """Count findings over all diseases of a condition, where the annotations give n of N.

    Several terms of one publication may satisfy a finding and count the same patients: the most
    frequent stands for them. Findings that a density or a presentation tells are left alone.

    Returns:
        Condition id to finding id to publication to (n, of).
    """
    told = {s.finding for channel in files.model.channels for s in channel.states}
    kept = {
        f.id for f in files.findings.findings if f.group not in COUNT_GROUPS and f.id not in told
    }
    satisfies: dict[str, list[str]] = defaultdict(list)
    for finding, terms in files.hpo.findings.items():
        if finding in kept:
            for term in terms:
                satisfies[term].append(finding)
    owner = {disease: condition for condition, disease, _ in files.annotations["diseases.csv"]}
    best: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for disease, term, n, of, _, reference in files.annotations["lines.csv"]:
        if of:
            for finding in satisfies[term]:
                key = (owner[disease], finding, reference, disease)
                best[key] = max(best.get(key, (0, 0)), (int(n), int(of)))
    out: dict[str, dict[str, Counts]] = defaultdict(lambda: defaultdict(dict))
    for (condition, finding, reference, _), count in sorted(best.items()):
        so_far = out[condition][finding].get(reference, (0, 0))
        out[condition][finding][reference] = (so_far[0] + count[0], so_far[1] + count[1])
    return out


def compile_annotations(files: KnowledgeFiles) -> Arrays:
    """Turn the files into arrays.

    What a condition's own entry states stands as one more disease of it, the first.

    Args:
        files: every knowledge file.

    Returns:
        What `Annotations` reads.
    """
    rows = files.annotations
    hpo = {f.id: f.hpo for f in files.findings.findings if f.hpo}
    terms = rows["terms.csv"]
    column = {row[0]: i for i, row in enumerate(terms)}
    parents = [np.array([column[p] for p in row[2].split()], dtype=np.int64) for row in terms]
    lines: dict[str, list[list[str]]] = defaultdict(list)
    for line in rows["lines.csv"]:
        lines[line[0]].append(line)
    members: dict[str, list[list[str]]] = defaultdict(list)
    for row in rows["diseases.csv"]:
        members[row[0]].append(row)
    profiles, owner, ids, names = [], [], [], []
    kept: list[tuple[int, list[str]]] = []
    for index, condition in enumerate(files.conditions):
        stated = {column.get(hpo.get(e.finding, ""), -1): e.frequency for e in condition.evidence}
        stated.pop(-1, None)
        profiles.append(closure(stated, parents))
        owner.append(index)
        ids.append("")
        names.append("")
        for _, disease, name in members[condition.id]:
            kept.extend((len(owner), line) for line in lines[disease])
            profiles.append(closure(frequencies(lines[disease], column), parents))
            owner.append(index)
            ids.append(disease)
            names.append(name)
    table = np.array(profiles)
    table[table < LEAST] = 0.0
    at, row_of = np.nonzero(table.T)
    references = sorted({line[5] for _, line in kept})
    place = {reference: i for i, reference in enumerate(references)}
    return {
        "term": np.array([int(row[0][3:]) for row in terms]),
        "term_name": _packed(row[1] for row in terms),
        "parent": np.concatenate([*parents, np.empty(0, dtype=np.int64)]),
        "parent_start": np.cumsum([0, *(len(p) for p in parents)]),
        "background": np.array([float(row[3]) for row in terms]),
        "owner": np.array(owner),
        "disease": _packed(ids),
        "disease_name": _packed(names),
        "cell_start": np.searchsorted(at, np.arange(len(terms) + 1)),
        "cell_row": row_of.astype(np.int16),
        "cell_value": table.T[at, row_of].astype(np.float32),
        "line_row": np.array([row for row, _ in kept], dtype=np.int16),
        "line_term": np.array([column[line[1]] for _, line in kept], dtype=np.int32),
        "line_n": np.array([int(line[2] or -1) for _, line in kept], dtype=np.int32),
        "line_of": np.array([int(line[3] or 0) for _, line in kept], dtype=np.int32),
        "line_frequency": np.array([float(line[4] or "nan") for _, line in kept]),
        "line_reference": np.array([place[line[5]] for _, line in kept], dtype=np.int32),
        "reference": _packed(references),
    }


def _packed(texts: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Write texts as the bytes of their lines: a fixed-width array would be ten times as large."""
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Line:
    """One published line: how often a term was seen in a disease, and where it was counted."""

    disease: str
    disease_name: str
    term: str
    term_name: str
    n: int | None
    of: int | None
    frequency: float | None
    reference: str


@dataclass(frozen=True, eq=False)
class Annotations:
    """The public annotations as arrays over m diseases and t terms.

    A disease here is one disease of a condition; the first of each condition stands for what the
    condition's own entry states.

    Attributes:
        arrays: as `compile_annotations` gives them, or an open npz file that reads them lazily.
        left_out: publications whose lines are not used.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    left_out: frozenset[str] = frozenset()
    _changed: Mapping[int, Floats] = field(default_factory=dict)

    @cached_property
    def owner(self) -> Ints:
        """(m,) index of the condition each disease belongs to, ascending."""
        return self.arrays["owner"].astype(np.int64)

    @cached_property
    def background(self) -> Floats:
        """(t,) how often a patient with any annotated disease has the term."""
        return self.arrays["background"]

    @cached_property
    def _terms(self) -> Ints:
        return self.arrays["term"]

    @cached_property
    def _cells(self) -> tuple[Ints, npt.NDArray[np.int16], npt.NDArray[np.float32]]:
        return self.arrays["cell_start"], self.arrays["cell_row"], self.arrays["cell_value"]

    @cached_property
    def _parents(self) -> tuple[Ints, Ints]:
        return self.arrays["parent_start"], self.arrays["parent"]

    def column(self, code: str) -> int | None:
        """Give the column of an HPO id, None for what is no phenotype term of this release."""
        digits = code[3:]
        if not (code.startswith("HP:") and digits.isdigit()):
            return None
        at = int(np.searchsorted(self._terms, int(digits)))
        return at if at < len(self._terms) and self._terms[at] == int(digits) else None

    def parents(self, at: int) -> Ints:
        """Give the columns of a term's parents; none for the root."""
        start, parent = self._parents
        return parent[start[at] : start[at + 1]]

    def frequency(self, at: int) -> Floats:
        """Give (m,) how often a term or anything beneath it is present in each disease."""
        start, row, value = self._cells
        cells = slice(start[at], start[at + 1])
        out = np.zeros(len(self.owner))
        out[row[cells]] = value[cells]
        for disease, profile in self._changed.items():
            out[disease] = profile[at]
        return out

    def terms(self) -> Iterator[tuple[str, str]]:
        """Give the HPO id and the name of every term, by id."""
        for number, name in zip(self._terms, self._term_names, strict=True):
            yield f"HP:{int(number):07d}", name

    def term_name(self, at: int) -> str:
        """Give the name of a term."""
        return self._term_names[at]

    def disease(self, row: int) -> tuple[str, str]:
        """Give id and name of a disease; both empty for a condition's own entry."""
        return self._diseases[row], self._disease_names[row]

    def lines(self, row: int, at: int) -> list[Line]:
        """Give the published lines of a disease at a term or beneath it, most patients first."""
        own = np.flatnonzero(self.arrays["line_row"] == row)
        own = own[[at in self._above(int(t)) for t in self.arrays["line_term"][own]]]
        left = set(self._naming(self.left_out))
        found = [self._line(int(k)) for k in own if int(self._line_reference[k]) not in left]
        return sorted(found, key=lambda x: (-(x.of or 0), -(x.frequency or 0.0), x.term))

    def counted_in(self, publications: Iterable[str]) -> frozenset[str]:
        """Give those of some publications in which a line was counted."""
        return frozenset(publications) & self._counting

    def _naming(self, publications: Iterable[str]) -> list[int]:
        """Give the references that name any of some publications."""
        wanted = frozenset(publications)
        if not wanted:
            return []
        return [i for i, names in enumerate(self._publications) if wanted & names]

    @cached_property
    def _counting(self) -> frozenset[str]:
        return frozenset(name for names in self._publications for name in names)

    @cached_property
    def _publications(self) -> list[frozenset[str]]:
        return [publications_of(reference) for reference in self._references]

    def without(self, publications: Iterable[str]) -> Annotations:
        """Give these annotations without the lines counted in some publications.

        Args:
            publications: references such as `PMID:15266616`.

        Returns:
            Itself when no line was counted in any of them.
        """
        out = frozenset(publications)
        hit = self._naming(out)
        if not hit:
            return self
        rows = np.unique(self.arrays["line_row"][np.isin(self._line_reference, hit)])
        parents = [self.parents(i) for i in range(len(self._terms))]
        changed = dict(self._changed)
        for row in rows:
            own = np.flatnonzero(self.arrays["line_row"] == row)
            kept = own[~np.isin(self._line_reference[own], hit)]
            changed[int(row)] = closure(
                frequencies([self._as_row(int(k)) for k in kept], _Same()), parents
            )
        return replace(self, left_out=self.left_out | out, _changed=changed)

    # --- inside --------------------------------------------------------------------------------

    @cached_property
    def _term_names(self) -> list[str]:
        return _unpacked(self.arrays["term_name"])

    @cached_property
    def _diseases(self) -> list[str]:
        return _unpacked(self.arrays["disease"])

    @cached_property
    def _disease_names(self) -> list[str]:
        return _unpacked(self.arrays["disease_name"])

    @cached_property
    def _references(self) -> list[str]:
        return _unpacked(self.arrays["reference"])

    @cached_property
    def _line_reference(self) -> npt.NDArray[np.int32]:
        return self.arrays["line_reference"]

    def _above(self, at: int) -> set[int]:
        found, open_ = {at}, [at]
        while open_:
            for parent in self.parents(open_.pop()):
                if int(parent) not in found:
                    found.add(int(parent))
                    open_.append(int(parent))
        return found

    def _line(self, k: int) -> Line:
        arrays = self.arrays
        row, at = int(arrays["line_row"][k]), int(arrays["line_term"][k])
        of, stated = int(arrays["line_of"][k]), float(arrays["line_frequency"][k])
        disease, name = self.disease(row)
        return Line(
            disease=disease,
            disease_name=name,
            term=f"HP:{self._terms[at]:07d}",
            term_name=self.term_name(at),
            n=int(arrays["line_n"][k]) if of else None,
            of=of or None,
            frequency=None if np.isnan(stated) else stated,
            reference=self._references[self._line_reference[k]],
        )

    def _as_row(self, k: int) -> tuple[str, Any, str, str, str, str]:
        """Give a line in the form of the file, its term as a column."""
        arrays = self.arrays
        of, stated = int(arrays["line_of"][k]), float(arrays["line_frequency"][k])
        counted = (str(arrays["line_n"][k]), str(of)) if of else ("", "")
        frequency = "" if np.isnan(stated) else str(stated)
        return ("", int(arrays["line_term"][k]), *counted, frequency, "")


class _Same(dict[Any, int]):
    """Columns that are their own names."""

    def __missing__(self, key: int) -> int:
        return key


def _unpacked(packed: npt.NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\n")
