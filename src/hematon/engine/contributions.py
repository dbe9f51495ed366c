"""Why a condition stands where it stands: every piece of evidence with its ratio and source.

The contributions of a condition sum to its log odds against something else, the prior included,
because they are the very terms of the model, taken apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hematon.engine.assessment import Contribution
from hematon.engine.batch import JUDGED, CaseBatch
from hematon.engine.differential import Terms
from hematon.engine.facts import LINEAGES
from hematon.engine.rare import broad_term, variant
from hematon.knowledge.compiled import Analyte, ConditionInfo, EvidenceInfo, FindingInfo

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

PARTITION = {
    (1, -1, -1): "LAB_ISO_ANEMIA",
    (-1, 1, -1): "LAB_ISO_NEUTROPENIA",
    (-1, -1, 1): "LAB_ISO_THROMBOCYTOPENIA",
    (1, 1, 1): "LAB_PANCYTOPENIA",
    (1, 1, -1): "LAB_BICYTOPENIA",
    (1, -1, 1): "LAB_BICYTOPENIA",
    (-1, 1, 1): "LAB_BICYTOPENIA",
}
MARGINAL = {"red": "LAB_ANEMIA", "white": "LAB_NEUTROPENIA", "platelet": "LAB_THROMBOCYTOPENIA"}


def contributions(result: BatchAssessment, i: int, index: int) -> tuple[Contribution, ...]:
    """Take apart the log odds of one condition of one child.

    Args:
        result: the batch.
        i: row of the child.
        index: the condition.

    Returns:
        The prior first, then by size. The log likelihood ratios sum to
        `log_odds_against_something_else`.
    """
    terms = result.differential.parts
    condition = result.knowledge.conditions[index]
    temperature = result.knowledge.parameters["temperature"]
    rest = len(result.knowledge.conditions) - 1
    prior = float(terms.log_prior[i, index] - terms.log_prior[i, rest])
    pieces = [
        _counts(result, i, index, float(terms.counts[i, index] - terms.counts[i, rest])),
        *_channels(result, terms, i, index),
        *_findings(result, terms, i, index),
        *_extras(result, i, index),
    ]
    scaled = [_scale(p, temperature) for p in pieces if abs(p.log_likelihood_ratio) > 0]
    ordered = sorted(scaled, key=lambda p: (-abs(p.log_likelihood_ratio), p.evidence))
    return (_prior(result, condition, prior), *ordered)


def _scale(piece: Contribution, temperature: float) -> Contribution:
    if temperature == 1.0:
        return piece
    value = piece.log_likelihood_ratio / temperature
    return Contribution(
        piece.evidence,
        piece.text,
        piece.observed,
        value,
        float(np.exp(value)),
        piece.frequency,
        piece.background,
        piece.basis,
        piece.grade,
        piece.source,
        piece.counted,
    )


def _prior(result: BatchAssessment, condition: ConditionInfo, value: float) -> Contribution:
    setting = result.knowledge.settings["all"][result.setting]["name"]
    return Contribution(
        "prior",
        f"how often it comes at this age and sex, setting: {setting}",
        None,
        value,
        float(np.exp(value)),
        None,
        None,
        f"{condition.prior:g} per million child-years",
        condition.prior_grade,
        condition.prior_source,
        "",
    )


def _counts(result: BatchAssessment, i: int, index: int, value: float) -> Contribution:
    knowledge, seen = result.knowledge, result.presentation
    batch = seen.batch
    words = []
    for k, analyte_id in enumerate(JUDGED):
        analyte = knowledge.analytes[analyte_id]
        state = {1: "low", -1: "not low", 0: "not known"}[int(seen.lineages[i, k])]
        number = ""
        if batch.measured[i, analyte.index]:
            number = " " + _shown(batch, i, analyte)
        words.append(f"{analyte.name}{number}: {state}")
    red, white, platelet = (int(x) for x in seen.lineages[i])
    pattern = (red, white, platelet)
    known = [MARGINAL[LINEAGES[k]] for k in range(3) if pattern[k] != 0]
    finding = PARTITION.get(pattern) or (known[0] if known else "LAB_PANCYTOPENIA")
    evidence = _evidence(result, index, finding)
    return Contribution(
        "counts",
        "; ".join(words),
        True,
        value,
        float(np.exp(value)),
        None,
        None,
        "presentations mixed over which lineages are low and how deep",
        evidence.grade,
        evidence.source,
        _counted(evidence),
    )


def _channels(result: BatchAssessment, terms: Terms, i: int, index: int) -> list[Contribution]:
    knowledge, batch = result.knowledge, result.presentation.batch
    out = []
    for k, channel in enumerate(knowledge.raw["channels"]):
        value = float(terms.channels[i, k, index] - terms.channels[i, k, -1])
        if value == 0.0:
            continue
        analyte = knowledge.analytes[channel["analyte"]]
        finding = _named_state(channel["states"], result, i)
        evidence = _evidence(result, index, finding.id)
        present = bool(result.presentation.facts.finding(finding.id)[i] == 1)
        out.append(
            _by_frequency(
                channel["analyte"],
                f"{analyte.name} {_shown(batch, i, analyte)} "
                f"({_lower(finding.name)}: {'yes' if present else 'no'})",
                present,
                value,
                evidence,
            )
        )
    return out


def _by_frequency(
    name: str, text: str, observed: bool, value: float, evidence: EvidenceInfo
) -> Contribution:
    """Give a contribution that rests on one finding's frequency in the condition."""
    return Contribution(
        name,
        text,
        observed,
        value,
        float(np.exp(value)),
        evidence.frequency,
        evidence.background,
        evidence.basis,
        evidence.grade,
        evidence.source,
        _counted(evidence),
    )


def _named_state(
    states: list[dict[str, str | None]], result: BatchAssessment, i: int
) -> FindingInfo:
    """Give the finding to name beside a channel: the one that holds, else the first."""
    named = [state["finding"] for state in states if state["finding"] is not None]
    holds = [name for name in named if result.presentation.facts.finding(name)[i] == 1]
    return result.knowledge.findings[(holds or named)[0]]


def _shown(batch: CaseBatch, i: int, analyte: Analyte) -> str:
    low, high = batch.low[i, analyte.index], batch.high[i, analyte.index]
    sign, value = ("", low) if low == high else (">", low) if np.isinf(high) else ("<", high)
    return f"{sign}{value:.{analyte.decimals}f} {analyte.unit}"


def _findings(result: BatchAssessment, terms: Terms, i: int, index: int) -> list[Contribution]:
    knowledge = result.knowledge
    names = knowledge.finding_ids
    out = []
    for at in np.flatnonzero((terms.present[i] > 0) | (terms.absent[i] > 0)):
        name = names[at]
        info = knowledge.findings[name]
        present, absent = terms.present[i, at], terms.absent[i, at]
        observed = bool(present)
        ratio = knowledge.log_ratio_present if observed else knowledge.log_ratio_absent
        value = float((present or absent) * ratio[info.index, index])
        evidence = _evidence(result, index, name)
        out.append(
            _by_frequency(
                name,
                info.name if observed else f"not present: {_lower(info.name)}",
                observed,
                value,
                evidence,
            )
        )
    return out


def _extras(result: BatchAssessment, i: int, index: int) -> list[Contribution]:
    knowledge, columns = result.knowledge, result.batch.columns
    out = []
    for case, term in columns.broad:
        if case == i:
            value = float(broad_term(term, knowledge)[index])
            beneath = ", ".join(
                knowledge.findings[f].name for f in knowledge.findings_beneath(term)
            )
            out.append(
                Contribution(
                    term,
                    f"{term}: at least one of {beneath}",
                    True,
                    value,
                    float(np.exp(value)),
                    None,
                    None,
                    "noisy-or of the findings beneath it",
                    "derived",
                    ("HPO",),
                    "",
                )
            )
    for case, gene, classification, zygosity in columns.variants:
        if case == i:
            value = float(
                variant(gene, classification, zygosity, int(columns.sex[i]), knowledge)[index]
            )
            out.append(
                Contribution(
                    f"variant:{gene}",
                    f"reported variant in {gene}: {classification.replace('_', ' ')}, {zygosity}",
                    True,
                    value,
                    float(np.exp(value)),
                    None,
                    None,
                    "weight of a reported variant by inheritance",
                    "expert",
                    ("HEMATON_MODEL",),
                    "",
                )
            )
    return out


def _evidence(result: BatchAssessment, index: int, finding: str) -> EvidenceInfo:
    """Give where a frequency comes from; the general population where the entry says nothing."""
    knowledge = result.knowledge
    found = knowledge.evidence(knowledge.conditions[index].id, finding)
    if found is not None:
        return found
    info = knowledge.findings[finding]
    return EvidenceInfo(
        float(knowledge.frequency[index, info.index]),
        info.background or 0.0,
        None,
        None,
        "not stated for this condition: frequency among all children",
        info.grade,
        info.source,
        None,
    )


def _lower(name: str) -> str:
    """Begin a name in lower case, unless it begins with an abbreviation."""
    abbreviated = any(c.isupper() or c.isdigit() for c in name.split(" ", 1)[0][1:])
    return name if abbreviated else name[0].lower() + name[1:]


def _counted(evidence: EvidenceInfo) -> str:
    return f"{evidence.n}/{evidence.of}" if evidence.n is not None and evidence.of else ""
