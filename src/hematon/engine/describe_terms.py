"""What is said of a stated HPO term: which disease of a condition has it, how often, who says."""

from __future__ import annotations

from typing import NamedTuple

from hematon.knowledge.annotations import Annotations, Line

TOO_BROAD = 0.3
"""A term that so many patients with any disease have says nothing of the one that is stated."""
SHOWN_REFERENCES = 2
"""References named beside a frequency; the rest are counted."""


class TermWords(NamedTuple):
    """The words of a term for one condition; see `assessment.Contribution`."""

    frequency: float
    background: float
    basis: str
    grade: str
    counted: str


def term_words(annotations: Annotations, row: int, column: int, condition: str) -> TermWords:
    """Say how often the disease that fits best has a term, and where that was counted.

    Args:
        annotations: the public annotations.
        row: the disease.
        column: the term.
        condition: name of the condition, for its own entry.

    Returns:
        The frequency of the term or, where the disease is annotated only with a broader one, of
        that; the background of the same term.
    """
    disease, name = annotations.disease(row)
    whose = f"{name} ({disease})" if disease else f"the entry for {condition}"
    level = _annotated(annotations, row, column)
    frequency = float(annotations.frequency(level)[row])
    background = float(annotations.background[level])
    if not frequency:
        return TermWords(0.0, background, f"not annotated in {whose}", "derived", "")
    wider = "" if level == column else f", as the broader {annotations.term_name(level)}"
    lines = annotations.lines(row, level)
    if not lines:
        return TermWords(frequency, background, f"{whose}{wider}", "derived", "")
    counted = next((line for line in lines if line.of), None)
    return TermWords(
        frequency,
        background,
        f"annotations of {whose}{wider}: {_references(lines)}",
        "counted" if counted else "named_source",
        f"{counted.n}/{counted.of}" if counted else "",
    )


def _annotated(annotations: Annotations, row: int, column: int) -> int:
    """Give the term or, level by level, the nearest broader one that the disease has.

    Not the root or an organ system right beneath it: every disease has something there.
    """
    level = [column]
    while level:
        for at in level:
            if annotations.frequency(at)[row] > 0 and annotations.background[at] < TOO_BROAD:
                return at
        level = [int(p) for at in level for p in annotations.parents(at)]
    return column


def _references(lines: list[Line]) -> str:
    named = list(dict.fromkeys(line.reference for line in lines))
    more = len(named) - SHOWN_REFERENCES
    return ", ".join(named[:SHOWN_REFERENCES]) + (f" and {more} more" if more > 0 else "")
