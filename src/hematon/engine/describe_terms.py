"""What is said of a stated HPO term: how often the disease that fits best has it, and who says."""

from __future__ import annotations

from typing import NamedTuple

from hematon.knowledge.annotations import Annotations, Line

TOO_BROAD = 0.1
"""A broader term that so many patients with any disease have says nothing of the one stated."""
SHOWN_REFERENCES = 2
"""References named beside a frequency; the rest are counted."""


class TermWords(NamedTuple):
    """The words of a term for one disease; see `assessment.Contribution`."""

    frequency: float | None
    background: float | None
    basis: str
    grade: str
    counted: str
    source: str = "HPOA"


def term_words(annotations: Annotations, row: int, column: int) -> TermWords:
    """Say how often a disease has a term, and where that was counted.

    Args:
        annotations: the public annotations.
        row: the disease.
        column: the term.

    Returns:
        The frequency of the term and its background. A disease that is annotated only with a
        broader term, or not at all, has no frequency to give: the basis says so.
    """
    level = _annotated(annotations, row, column)
    if level is None:
        return TermWords(None, None, "not annotated", "derived", "")
    frequency = float(annotations.frequency(level)[row])
    lines = annotations.lines(row, level)
    whose = _references(lines) or "this knowledge's own entry"
    if level != column:
        broader = f"{annotations.term_name(level)} (in {frequency:.0%})".replace("%", " %")
        return TermWords(
            None, None, f"not annotated but for the broader {broader}: {whose}", "derived", ""
        )
    counted = next((line for line in lines if line.of), None)
    return TermWords(
        frequency,
        float(annotations.background[level]),
        whose,
        "counted" if counted else "named_source" if lines else "derived",
        f"{counted.n}/{counted.of}" if counted else "",
        "HPOA" if lines else "HEMATON_MODEL",
    )


def mixture_words(annotations: Annotations, row: int) -> str:
    """Say which disease of its condition fits the stated terms best, and out of how many."""
    disease, name = annotations.disease(row)
    # The first of each condition is its own entry, which is no disease by itself.
    among = int((annotations.owner == annotations.owner[row]).sum()) - 1
    if not disease:
        return "HPO terms read by this knowledge's own entry, not by a published disease"
    best = f"{name} ({disease})"
    if among == 1:
        return f"HPO terms read as {best}"
    return f"HPO terms spread over {among} diseases, best: {best}"


def _annotated(annotations: Annotations, row: int, column: int) -> int | None:
    """Give the term or, level by level, the nearest broader one that the disease has.

    Not the root or an organ system right beneath it: every disease has something there.
    """
    if annotations.frequency(column)[row] > 0:
        return column
    level = [int(p) for p in annotations.parents(column)]
    while level:
        for at in level:
            if annotations.frequency(at)[row] > 0 and annotations.background[at] < TOO_BROAD:
                return at
        level = [int(p) for at in level for p in annotations.parents(at)]
    return None


def _references(lines: list[Line]) -> str:
    # A line may rest on several publications, with semicolons between them.
    named = list(dict.fromkeys(r for line in lines for r in line.reference.split(";")))
    more = len(named) - SHOWN_REFERENCES
    return ", ".join(named[:SHOWN_REFERENCES]) + (f" and {more} more" if more > 0 else "")
