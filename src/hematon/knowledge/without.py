"""The knowledge as it would be without what some publications say.

For judging a published patient honestly: the entries may cite that very paper, and the public
annotations may have been made from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import orjson

from hematon.knowledge.annotations import Annotations, compile_annotations, publications_of
from hematon.knowledge.compiled import Knowledge
from hematon.knowledge.likelihoods import packed, pooled_count, shrunk
from hematon.knowledge.load import DATA, load_knowledge


def leave_out(publications: Iterable[str], folder: Path | None = None) -> Knowledge:
    """Load the knowledge as it would be without some publications.

    An entry of evidence is dropped when these publications are all it rests on: the frequency then
    falls back to what the model takes where it knows nothing. Lines of the public annotations
    counted in one of them are dropped, and with them their part of a pooled count. Nothing else
    changes, and nothing is dropped from what a rule says.

    Args:
        publications: ids such as `PMID:17924555` or `DOI:10.1038/...`, in any order.
        folder: folder of knowledge files; the package's own when None.

    Returns:
        The knowledge itself when nothing rests on them; else one made anew, with a fingerprint of
        its own. Kept, so that the same publications cost once.

    Raises:
        KnowledgeError: as `load_knowledge`.
    """
    knowledge = load_knowledge(folder)
    names = frozenset(publications)
    left = sources_alone(knowledge, names)
    counted = knowledge.annotations.counted_in(names)
    return _without(left, counted, folder) if left or counted else knowledge


def each_without_own(
    publications: Sequence[Iterable[str]],
) -> list[tuple[Knowledge, list[int]]]:
    """Group records by the knowledge that leaves out each one's own publications.

    Args:
        publications: those of each of n records.

    Returns:
        Each knowledge that is needed, with the rows it is for; every row stands once.
    """
    groups: dict[str, tuple[Knowledge, list[int]]] = {}
    for row, own in enumerate(publications):
        used = leave_out(own)
        groups.setdefault(used.fingerprint, (used, []))[1].append(row)
    return list(groups.values())


def resting_on(knowledge: Knowledge, publications: Iterable[str]) -> frozenset[str]:
    """Name what `leave_out` would leave out: sources of entries, references of annotations."""
    names = frozenset(publications)
    return sources_alone(knowledge, names) | knowledge.annotations.counted_in(names)


def sources_alone(knowledge: Knowledge, publications: Iterable[str]) -> frozenset[str]:
    """Give the sources that are these publications and on which alone some evidence rests."""
    wanted = {name.upper() for name in publications}
    matching = {
        name
        for name, source in knowledge.sources.items()
        if wanted & {f"PMID:{source.get('pmid')}", f"DOI:{source.get('doi')}".upper()}
    }
    rows = (row for rows in knowledge.raw["evidence"].values() for row in rows.values())
    return frozenset(s for row in rows if _rests_on(matching, row["source"]) for s in row["source"])


def _rests_on(sources: set[str] | frozenset[str], cited: Collection[str]) -> bool:
    """Say whether these sources are all that is cited."""
    return bool(cited) and sources.issuperset(cited)


@lru_cache(maxsize=512)
def _without(sources: frozenset[str], counted: frozenset[str], folder: Path | None) -> Knowledge:
    knowledge = load_knowledge(folder)
    said = f"{knowledge.fingerprint} without {' '.join(sorted(sources | counted))}"
    fingerprint = hashlib.sha256(said.encode()).hexdigest()
    if sources:
        knowledge = _without_entries(sources, fingerprint, folder)
    return replace(without_annotations_of(knowledge, counted), fingerprint=fingerprint)


def _without_entries(sources: frozenset[str], fingerprint: str, folder: Path | None) -> Knowledge:
    from hematon.knowledge.compile import compile_knowledge
    from hematon.knowledge.files import read_files

    files = read_files(folder or DATA)
    conditions = tuple(
        c.model_copy(
            update={"evidence": [e for e in c.evidence if not _rests_on(sources, e.source)]}
        )
        for c in files.conditions
    )
    files = replace(files, conditions=conditions)
    bundle = orjson.loads(orjson.dumps(compile_knowledge(files, fingerprint)))
    return Knowledge.from_bundle(bundle, lambda: Annotations(compile_annotations(files)))


def without_annotations_of(knowledge: Knowledge, publications: Collection[str]) -> Knowledge:
    """Leave out every annotation line counted in some publications.

    Args:
        knowledge: as compiled.
        publications: references such as `PMID:15266616`.

    Returns:
        The knowledge itself when no line was counted in any of them. Counts pooled over
        publications lose theirs, and fall back to the entry's estimate when too few are left.
    """
    annotations = knowledge.annotations.without(publications)
    if annotations is knowledge.annotations:
        return knowledge
    p = knowledge.parameters
    row_of = {c.id: c.index for c in knowledge.conditions}
    frequency, evidence = knowledge.frequency.copy(), {**knowledge.raw["evidence"]}
    for condition, rows in evidence.items():
        for finding, row in rows.items():
            counts = row.get("counts", {})
            left = {
                k: tuple(v)
                for k, v in counts.items()
                if not publications_of(k).intersection(publications)
            }
            if len(left) == len(counts):
                continue
            count = pooled_count(left, p)
            value = row["estimate"]["frequency"]
            changed = {**row, **row["estimate"]}
            if count is not None:
                value = shrunk(*count, row["background"], p)
                changed = {
                    **row,
                    "frequency": count[0] / count[1],
                    "n": count[0],
                    "of": count[1],
                    "counts": left,
                }
            evidence[condition] = {**evidence[condition], finding: changed}
            at = knowledge.findings[finding].index
            floor = p["frequency_floor"]
            frequency[row_of[condition], at] = np.clip(value, floor, 1 - floor)
    return replace(
        knowledge,
        raw={**knowledge.raw, "frequency": packed(frequency), "evidence": evidence},
        read_annotations=lambda: annotations,
    )
