"""Why a condition stands where it stands: every piece of evidence with its ratio and source.

A piece of evidence is one row over all conditions: what it adds to each one's log weight. Two
readings of the same rows are given. Against something else a piece has one likelihood ratio,
whatever else is known. Against all other conditions together it depends on who is still in play,
so the pieces are added in a fixed order and each one's ratio is the step it makes. Both sum, with
the prior, to the reported log odds; see decision 0015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from hematon.engine.assessment import NOT_STATED, Contribution
from hematon.engine.batch import JUDGED, CaseBatch
from hematon.engine.describe_terms import mixture_words, term_words
from hematon.engine.facts import LINEAGES
from hematon.engine.phenotypes import steps
from hematon.engine.variants import variant
from hematon.knowledge.compiled import SOMETHING_ELSE, Analyte, EvidenceInfo, FindingInfo

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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


class _Words(NamedTuple):
    """What is said of a piece of evidence beside its numbers; see `Contribution`."""

    text: str
    observed: bool | None
    frequency: float | None
    background: float | None
    basis: str
    grade: str
    source: tuple[str, ...]
    counted: str


class _Piece(NamedTuple):
    """One piece of evidence: its id, (conditions,) log weights, and its words for a condition."""

    evidence: str
    told: Floats
    words: Callable[[int], _Words]


class Explanation:
    """The evidence of one child, taken apart for any condition.

    Args:
        result: the batch, judged with its terms kept.
        i: row of the child.

    Raises:
        ValueError: the terms were not kept.
    """

    def __init__(self, result: BatchAssessment, i: int) -> None:
        pieces = [p for p in _pieces(result, i) if p.told.any()]
        told = np.array([p.told for p in pieces])
        self._pieces = pieces
        self._against_else = told - told[:, -1:]
        self._against_rest = np.diff(log_odds(np.cumsum(told, axis=0)), axis=0, prepend=0.0)

    def of(self, index: int) -> tuple[Contribution, ...]:
        """Give the contributions to one condition, in the order in which they were added."""
        out = []
        for k, piece in enumerate(self._pieces):
            words, ratio = piece.words(index), float(self._against_else[k, index])
            out.append(
                Contribution(
                    evidence=piece.evidence,
                    log_likelihood_ratio=ratio,
                    likelihood_ratio=float(np.exp(ratio)),
                    log_ratio_against_rest=float(self._against_rest[k, index]),
                    **words._asdict(),
                )
            )
        return tuple(out)


def log_odds(log_weights: Floats) -> Floats:
    """Give the log odds of each condition against all the others together.

    Worked out from the others themselves and not from one minus a share, so that it stays exact
    where a share is nearly one.

    Args:
        log_weights: (..., conditions), on any common scale.

    Returns:
        (..., conditions), natural log.
    """
    rest = np.full_like(log_weights, -np.inf)
    rest[..., 1:] = np.logaddexp.accumulate(log_weights, axis=-1)[..., :-1]
    after = np.logaddexp.accumulate(log_weights[..., ::-1], axis=-1)[..., ::-1]
    rest[..., :-1] = np.logaddexp(rest[..., :-1], after[..., 1:])
    return np.asarray(log_weights - rest)


# --- the pieces, in order ----------------------------------------------------------------------


def _pieces(result: BatchAssessment, i: int) -> Iterator[_Piece]:
    """Give prior, counts, other numbers, findings, stated terms and variants."""
    terms = result.differential.parts
    yield _Piece("prior", terms.log_prior[i], _prior(result))
    yield _Piece("counts", terms.counts[i], _counts(result, i))
    yield from _channels(result, i)
    yield from _findings(result, i)
    yield from _terms(result, i)
    yield from _variants(result, i)


def _prior(result: BatchAssessment) -> Callable[[int], _Words]:
    setting = result.knowledge.settings["all"][result.setting]
    power = setting["prior_exponent"]

    def words(index: int) -> _Words:
        condition = result.knowledge.conditions[index]
        basis = f"{condition.prior:g} per million child-years"
        if power != 1:
            basis += f", to the power of {power:g}"
        if condition.id == SOMETHING_ELSE:
            basis = "share of the setting"
        return _Words(
            f"how often it comes at this age and sex, setting: {setting['name']}",
            None,
            None,
            None,
            basis,
            condition.prior_grade,
            condition.prior_source,
            "",
        )

    return words


def _counts(result: BatchAssessment, i: int) -> Callable[[int], _Words]:
    knowledge, seen = result.knowledge, result.presentation
    batch = seen.batch
    said, unknown = [], []
    for k, analyte_id in enumerate(JUDGED):
        analyte = knowledge.analytes[analyte_id]
        state = {1: "low", -1: "not low", 0: "not known"}[int(seen.lineages[i, k])]
        if batch.measured[i, analyte.index]:
            said.append(f"{analyte.name} {_shown(batch, i, analyte)}: {state}")
        elif seen.lineages[i, k]:
            said.append(f"{analyte.name}: {state}")
        else:
            unknown.append(_lower(analyte.name))
    if unknown:
        said.append(f"{', '.join(unknown)} not known")
    text = "; ".join(said)
    if seen.nadir[i]:
        text += " (an earlier draw: the lowest of the neutrophil cycle)"
    elif seen.earlier[i]:
        text += " (an earlier draw: no lineage is low now)"
    red, white, platelet = (int(x) for x in seen.lineages[i])
    pattern = (red, white, platelet)
    known = [MARGINAL[LINEAGES[k]] for k in range(3) if pattern[k] != 0]
    finding = PARTITION.get(pattern) or (known[0] if known else "LAB_PANCYTOPENIA")

    def words(index: int) -> _Words:
        evidence = _evidence(result, index, finding)
        return _Words(
            text,
            True,
            None,
            None,
            "presentations mixed over which lineages are low and how deep",
            evidence.grade,
            evidence.source,
            _counted(evidence),
        )

    return words


def _channels(result: BatchAssessment, i: int) -> Iterator[_Piece]:
    knowledge, batch = result.knowledge, result.presentation.batch
    told = result.differential.parts.channels[i]
    for k, channel in enumerate(knowledge.raw["channels"]):
        if not told[k].any():
            continue
        analyte = knowledge.analytes[channel["analyte"]]
        finding = _named_state(channel["states"], result, i)
        present = bool(result.presentation.facts.finding(finding.id)[i] == 1)
        text = (
            f"{analyte.name} {_shown(batch, i, analyte)} "
            f"({_lower(finding.name)}: {'yes' if present else 'no'})"
        )
        yield _Piece(channel["analyte"], told[k], _by_frequency(result, finding.id, text, present))


def _findings(result: BatchAssessment, i: int) -> Iterator[_Piece]:
    knowledge, terms = result.knowledge, result.differential.parts
    present, absent = terms.present[i], terms.absent[i]
    for at in np.flatnonzero((present > 0) | (absent > 0)):
        info = knowledge.findings[knowledge.finding_ids[at]]
        observed = bool(present[at])
        told = (
            present[at] * knowledge.log_ratio_present[at]
            if observed
            else absent[at] * knowledge.log_ratio_absent[at]
        )
        text = info.name if observed else f"not present: {_lower(info.name)}"
        yield _Piece(info.id, told, _by_frequency(result, info.id, text, observed))


def _by_frequency(
    result: BatchAssessment, finding: str, text: str, observed: bool
) -> Callable[[int], _Words]:
    """Give the words of a piece that rests on one finding's frequency in the condition."""

    def words(index: int) -> _Words:
        evidence = _evidence(result, index, finding)
        return _Words(
            text,
            observed,
            evidence.frequency,
            evidence.background,
            evidence.basis,
            evidence.grade,
            evidence.source,
            _counted(evidence),
        )

    return words


def _terms(result: BatchAssessment, i: int) -> Iterator[_Piece]:
    """Give each stated HPO term over the public annotations, by number, and their mixture."""
    knowledge, described = result.knowledge, result.batch.columns.described
    own = described.case == i
    terms = list(zip(described.term[own].tolist(), described.observed[own].tolist(), strict=True))
    if not terms:
        return
    told, best = steps(terms, knowledge)
    told *= knowledge.parameters["weight_annotations"]
    annotations = knowledge.annotations
    for k, (number, observed) in enumerate(terms):
        code = f"HP:{number:07d}"
        column = annotations.column(code)
        if column is not None:
            yield _Piece(
                f"annotations:{code}", told[k], _by_annotation(result, best, column, observed)
            )
    yield _Piece("annotations:diseases", told[-1], _by_mixture(result, best))


def _by_annotation(
    result: BatchAssessment, best: Ints, column: int, observed: bool
) -> Callable[[int], _Words]:
    """Give the words of a stated term, for the disease of a condition that fits best."""
    knowledge = result.knowledge
    annotations = knowledge.annotations
    name = annotations.term_name(column)
    # Said, because the same finding may also stand once as the condition's own entry weighs it.
    text = f"{name if observed else f'not present: {_lower(name)}'} (HPO term)"

    def words(index: int) -> _Words:
        if knowledge.conditions[index].id == SOMETHING_ELSE:
            background = float(annotations.background[column])
            basis = "frequency among patients with any annotated disease"
            return _Words(text, observed, background, background, basis, "derived", ("HPOA",), "")
        found = term_words(annotations, int(best[index]), column)
        return _Words(
            text,
            observed,
            found.frequency,
            found.background,
            found.basis,
            found.grade,
            (found.source,),
            found.counted,
        )

    return words


def _by_mixture(result: BatchAssessment, best: Ints) -> Callable[[int], _Words]:
    """Give the words of what it costs that a condition is several diseases."""
    basis = "the HPO terms are weighed for each disease of a condition, and the diseases mixed"

    def words(index: int) -> _Words:
        text = "something else is one disease"
        if result.knowledge.conditions[index].id != SOMETHING_ELSE:
            text = mixture_words(result.knowledge.annotations, int(best[index]))
        return _Words(text, True, None, None, basis, "derived", ("HPOA",), "")

    return words


def _variants(result: BatchAssessment, i: int) -> Iterator[_Piece]:
    knowledge, columns = result.knowledge, result.batch.columns
    for case, gene, classification, zygosity in columns.variants:
        if case == i:
            yield _Piece(
                f"variant:{gene}",
                variant(gene, classification, zygosity, int(columns.sex[i]), knowledge),
                _same(
                    f"reported variant in {gene}: {classification.replace('_', ' ')}, {zygosity}",
                    "weight of a reported variant by inheritance",
                    "expert",
                    "HEMATON_MODEL",
                ),
            )


def _same(text: str, basis: str, grade: str, source: str) -> Callable[[int], _Words]:
    """Give words that are the same for every condition."""
    words = _Words(text, True, None, None, basis, grade, (source,), "")
    return lambda _: words


# --- words -------------------------------------------------------------------------------------


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
    # Few reticulocytes are a number too: 0.6 is not shown as 1.
    number = f"{value:.{analyte.decimals}f}" if value >= 10 else f"{value:.2g}"
    return f"{sign}{number} {analyte.unit}"


def _evidence(result: BatchAssessment, index: int, finding: str) -> EvidenceInfo:
    """Give where a frequency comes from; the general population where the entry says nothing."""
    knowledge = result.knowledge
    condition = knowledge.conditions[index].id
    found = knowledge.evidence(condition, finding)
    if found is not None:
        return found
    info = knowledge.findings[finding]
    basis = NOT_STATED
    if condition == SOMETHING_ELSE:
        basis = "frequency among children with an unexplained cytopenia"
    return EvidenceInfo(
        float(knowledge.frequency[index, info.index]),
        info.background or 0.0,
        None,
        None,
        basis,
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
