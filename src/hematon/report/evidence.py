"""How the evidence for and against a condition is said, and how the ranking is explained.

Possibilities are "to consider", never a verdict, and no probability is put into words. The words
for likelihood ratios follow Jaeschke, Guyatt and Sackett (JAMA 1994;271:703-707): from 10 strong,
from 5 moderate, from 2 some, and the inverse against.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from hematon.engine.assessment import NOT_STATED, Assessment, Candidate, Change, Contribution
from hematon.knowledge.compiled import Knowledge
from hematon.report import selection
from hematon.report.quantities import number, percent, prose, ratio

BANDS: Final[Mapping[str, str]] = {
    "fits_well": "fits well",
    "could_fit": "could fit",
    "less_likely": "less likely",
    "argues_against": "argues against",
}

LEARNED: Final[Mapping[str, str]] = {
    "phenotype": "ask or examine",
    "exposure": "ask",
    "history": "ask",
    "pattern": "earlier or later counts",
    "lab": "blood test",
    "marrow": "marrow",
    "test": "test",
}
"""How a kind of finding is learned."""

CHANGES: Final = (
    "What would change this most, of what is not known: how far each answer would move the odds "
    "against all the others, the likelier answers counting for more."
)

RANKING_RULE: Final = (
    "A list to consider, not a diagnosis. Ranked by the model's total for each condition, highest "
    "first. What was not measured or asked counts neither way."
)

WEIGHTS: Final[Mapping[str, str]] = {
    "weight_age_and_sex": "age and sex",
    "weight_counts": "the three lineages as measured",
    "weight_stated_counts": "as only stated",
    "weight_channels": "other numbers",
    "weight_laboratory": "laboratory findings told as present or absent",
    "weight_described": "what was described",
    "weight_recorded": "tests, marrow, exposures, history and course",
    "weight_annotations": "HPO terms stated as present, by the annotations",
    "annotation_absent_weight": "HPO terms stated as absent, beside that",
}
"""Parameters of the knowledge that weigh a kind of evidence, and its words."""

LEGEND: Final = (
    "LR: likelihood ratio for the condition against something else, as it counts here: nearer to 1 "
    "than the frequencies beside it give, because no piece is quite independent of the others. "
    "“With it” and “without”: how often it is seen in children with the condition, and in other "
    "children with an unexplained cytopenia. “HPO term”: a stated term by the published "
    "annotations of the disease that fits best, and “without” among patients with any annotated "
    "disease. A finding that the knowledge also holds itself then stands twice, each with less "
    "than its full weight."
)


WATERFALL: Final = (
    "Step by step: the pieces of evidence in a fixed order. A step's LR is against all the other "
    "rows together, as the evidence before it left them; small steps are gathered. The odds are "
    "working numbers of the ranking, not this child's risk."
)

STEPS: Final = (
    "Each piece of evidence in the order it was added: what it did to the natural log odds of this "
    "condition against all the other rows together, then the sum so far."
)


def band(candidate: Candidate) -> str:
    """Say how well a condition fits."""
    return BANDS[candidate.band]


def strength(log_ratio: float) -> str:
    """Say how much a likelihood ratio weighs; on which side it lies is said by its place."""
    size = abs(log_ratio)
    for least, word in ((10.0, "strong"), (5.0, "moderate"), (2.0, "some")):
        if size >= math.log(least) - 1e-9:
            return word
    return "slight" if size >= selection.NO_DIFFERENCE else "none"


def step(log_ratio: float) -> str:
    """Say a likelihood ratio with its side and how much it weighs: `LR 5.4 for, moderate`."""
    word = strength(log_ratio)
    if word == "none":
        return f"LR {ratio(math.exp(log_ratio))}, no difference"
    side = "for" if log_ratio > 0 else "against"
    return f"LR {ratio(math.exp(log_ratio))} {side}, {word}"


def change(found: Change) -> str:
    """Say what each answer to something not yet known would do to a condition."""
    answers = (
        f"{word} {step(size)}"
        for word, size in (("present", found.if_present), ("absent", found.if_absent))
    )
    return f"{prose(found.name)} ({LEARNED[found.kind]}): {'; '.join(answers)}"


def seen(contribution: Contribution) -> str:
    """Say how often the finding is seen with the condition and without, empty when not known.

    Of a stated HPO term also who says so, or that nobody does.
    """
    parts = []
    if contribution.frequency is not None:
        # An entry that is silent still counts, as if the condition had nothing to do with it.
        taken = " (not stated, as in all children)" if contribution.basis == NOT_STATED else ""
        parts.append(f"{percent(contribution.frequency)} with it{taken}")
        if contribution.background is not None:
            parts.append(f"{percent(contribution.background)} without")
    said = ", ".join(parts)
    if contribution.evidence.startswith("annotations:HP:"):
        return "; ".join(part for part in (said, prose(contribution.basis)) if part)
    return said


def evidence_text(contribution: Contribution) -> str:
    """Say what was seen, as a phrase of its own."""
    text = prose(contribution.text)
    return text[:1].upper() + text[1:]


def strongest(candidate: Candidate) -> tuple[str, str]:
    """Say the strongest evidence for and against a condition, a dash where there is none."""
    weighed = selection.weigh(candidate)
    sides = (weighed.supporting, weighed.opposing)
    first, second = (with_ratio(side[0]) if side else "none stated" for side in sides)
    return first, second


def with_ratio(contribution: Contribution) -> str:
    """Say a piece of evidence with its likelihood ratio."""
    return f"{evidence_text(contribution)} (LR {ratio(contribution.likelihood_ratio)})"


def no_difference(evidence: Iterable[Contribution]) -> str:
    """Say which evidence was weighed and made no difference."""
    return f"Makes no difference: {'; '.join(evidence_text(c) for c in evidence)}."


def expert_share(assessment: Assessment) -> str:
    """Say how much of the evidence shown is expert estimate."""
    shown = [
        contribution
        for candidate in selection.leading(assessment)
        for contribution in selection.weigh(candidate).evidence
    ]
    estimates = sum(1 for c in shown if c.grade == "expert")
    if not shown:
        return "No evidence could be weighed."
    return (
        f"{estimates} of the {len(shown)} pieces of evidence for the conditions above rest on an "
        "expert estimate."
    )


def how_ranking_works(assessment: Assessment) -> str:
    """Explain the ranking in one plain paragraph."""
    setting = prose(assessment.setting.replace("_", " "))
    return (
        "Each condition starts from how common it is at the child's age and sex. How much that "
        f"tells depends on the setting, here “{setting}”: little where a child is referred for an "
        "unexplained count, and in full elsewhere. Counts, findings, tests and reported variants "
        "then raise or lower it. A likelihood ratio (LR) says how many times more often this "
        "evidence is seen with the condition than with something else: an LR of 10 or more is "
        "strong, 5 to 10 moderate, 2 to 5 some and below 2 slight; 0.1, 0.2 and 0.5 weigh as much "
        "against. Evidence overlaps, so each kind of it but reported variants has a weight below "
        "one, and findings of one organ system are damped; the LRs shown are after both. Stated "
        "HPO terms count over the published annotations of the diseases that a condition stands "
        "for, and some count a second time as findings of the condition's own entry. No single "
        "count can decide. What was not measured or not asked changes nothing. The row “something "
        "else” stands for causes that the knowledge does not hold. Time to act and the list of "
        "conditions that must not be missed come from fixed rules that never see this ranking."
    )


def weights(knowledge: Knowledge) -> str:
    """Say how much each kind of evidence weighs, and what that was fitted on."""
    said = ", ".join(
        f"{words} {number(knowledge.parameters[name], 2)}" for name, words in WEIGHTS.items()
    )
    fit = knowledge.fit
    return (
        f"Weights (powers of the likelihood ratio): {said}. Fitted on {fit['cases']:,} published "
        f"patients of {fit['publications']:,} publications; knowledge {knowledge.version}."
    )


def band_rule(knowledge: Knowledge) -> str:
    """Say where the words for fit begin."""
    cuts = ", ".join(
        f"{BANDS[name]} from {percent(least)}" for name, _, least in knowledge.bands[:-1]
    )
    return f"The words for fit are cuts through the model's share of each condition: {cuts}."


def excluded(candidate: Candidate) -> str:
    """Say that the record excludes a condition; empty when it does not."""
    return f"Excluded in the record: {prose(candidate.excluded)}" if candidate.excluded else ""


def place(assessment: Assessment, condition: str) -> str:
    """Say where the ranking puts a condition, empty when it is not ranked."""
    for candidate in assessment.differential:
        if candidate.condition == condition:
            return f"ranked {candidate.rank}, {band(candidate)}"
    return ""
