"""The knowledge as it would be without what some publications counted in the public annotations.

For judging a published patient honestly: the annotations may have been made from that very paper.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from hematon.knowledge.compiled import Knowledge
from hematon.knowledge.likelihoods import packed, pooled_count, shrunk


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
            left = {k: tuple(v) for k, v in counts.items() if k not in publications}
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
