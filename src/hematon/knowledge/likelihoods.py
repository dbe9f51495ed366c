"""From frequencies to what the model multiplies: shrinkage, presentations, channel weights.

What is decided here: how a counted n of N is drawn towards the background, what silence of an
entry means, and how what is known about lineages becomes weights of presentations. The numbers
behind it are in `model.yaml`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from hematon.knowledge import records
from hematon.knowledge.annotations import Counts
from hematon.knowledge.compiled import Floats
from hematon.knowledge.files import KnowledgeFiles

Json = dict[str, Any]
Pooled = Mapping[str, Mapping[str, Counts]]
"""Condition id to finding id to counts; see `annotations.counts`."""

LINEAGE_FINDINGS = {
    "red": "LAB_ANEMIA",
    "white": "LAB_NEUTROPENIA",
    "platelet": "LAB_THROMBOCYTOPENIA",
}
PARTITION = (
    "LAB_ISO_ANEMIA",
    "LAB_ISO_NEUTROPENIA",
    "LAB_ISO_THROMBOCYTOPENIA",
    "LAB_BICYTOPENIA",
    "LAB_PANCYTOPENIA",
)
"""Which lineages are low together: these exclude each other."""
SOMETHING_ELSE_NORMAL_COUNTS = 0.3
"""Share of normal counts in the row for something else: it must be able to explain them."""
NORMAL_COUNTS_FLOOR = 0.002
LEAST_WEIGHT = 1e-6


def packed(values: Floats) -> str:
    """Write a large table as text of its bytes: it is read in one step."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def rounded(values: Floats) -> Any:
    """Write numbers with ten decimals: far below what any frequency is known to, half the size."""
    return np.round(values, 10).tolist()


def frequencies(
    files: KnowledgeFiles, pooled: Pooled, parameters: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """Give P(finding | condition) and background frequency.

    A counted n of N is drawn towards the background by `pseudo_count` children; a finding with no
    row in a condition has its frequency in the general population; the row for something else
    has the background.
    """
    findings = files.findings.findings
    column = {f.id: i for i, f in enumerate(findings)}
    background = np.array([0.5 if f.background is None else f.background for f in findings])
    general = np.array(
        [0.5 if f.general_population is None else f.general_population for f in findings]
    )
    frequency = np.tile(general, (len(files.conditions) + 1, 1))
    frequency[-1] = background
    for row, condition in enumerate(files.conditions):
        for e in condition.evidence:
            at = column[e.finding]
            value = e.frequency
            found = counted(e, pooled[condition.id].get(e.finding, {}), parameters)
            if found is not None:
                value = shrunk(*found, float(background[at]), parameters)
            frequency[row, at] = value
    floor = parameters["frequency_floor"]
    return np.clip(frequency, floor, 1 - floor), background


def counted(
    e: records.Evidence, found: Counts, parameters: Mapping[str, float]
) -> tuple[int, int] | None:
    """Give the n of N that stands for a frequency; None when the entry's own number does.

    The entry's own count comes first. Where the entry has no count but only an estimate, that of
    the public annotations is used, if it is of enough patients.
    """
    if e.grade == "counted" and e.n is not None and e.of is not None:
        return e.n, e.of
    return pooled_count(found, parameters) if is_estimate(e) else None


def is_estimate(e: records.Evidence) -> bool:
    """Whether a frequency rests on no count at all."""
    return e.grade in ("expert", "derived") and e.n is None


def pooled_count(found: Counts, parameters: Mapping[str, float]) -> tuple[int, int] | None:
    """Add counts over publications; None when they are of too few patients."""
    n, of = (sum(part) for part in zip(*found.values(), strict=True)) if found else (0, 0)
    return (n, of) if of >= parameters["counted_least"] else None


def shrunk(n: int, of: int, background: float, parameters: Mapping[str, float]) -> float:
    """Draw a counted n of N towards the background."""
    k = parameters["pseudo_count"]
    return (n + k * background) / (of + k)


def evidence(files: KnowledgeFiles, pooled: Pooled, parameters: Mapping[str, float]) -> Json:
    """Give condition id to finding id to where the frequency comes from."""
    background = {f.id: f.background for f in files.findings.findings}
    return {
        condition.id: {
            e.finding: {
                "frequency": e.frequency,
                "background": background[e.finding],
                "n": e.n,
                "of": e.of,
                "basis": e.basis,
                "grade": e.grade,
                "source": e.source,
                "note": e.note,
                **_from_annotations(e, pooled[condition.id].get(e.finding, {}), parameters),
            }
            for e in condition.evidence
        }
        for condition in files.conditions
    }


def _from_annotations(e: records.Evidence, found: Counts, parameters: Mapping[str, float]) -> Json:
    """Give what differs in a row when a count of the annotations stands for an estimate."""
    count = pooled_count(found, parameters)
    if count is None or not is_estimate(e):
        return {}
    return {
        "frequency": count[0] / count[1],
        "n": count[0],
        "of": count[1],
        "basis": f"n/N over {len(found)} publications, in place of the estimate {e.frequency:g}",
        "grade": "counted",
        "source": ["HPOA"],
        "counts": {reference: list(pair) for reference, pair in found.items()},
        "estimate": {
            "frequency": e.frequency,
            "basis": e.basis,
            "grade": e.grade,
            "source": e.source,
            "n": None,
            "of": None,
        },
    }


# --- presentations -----------------------------------------------------------------------------


def lineage_weights(files: KnowledgeFiles, frequency: Floats, background: Floats) -> Floats:
    """Give the weight of each presentation: which lineages are low, and how deep.

    Returns:
        (conditions + 1, red states x white states x platelet states); rows sum to 1. States are
        in `model.yaml` order, not_low before low, red slowest.
    """
    ids = [f.id for f in files.findings.findings]
    column = {name: i for i, name in enumerate(ids)}
    n = len(frequency)
    classes = frequency[:, [column[f] for f in PARTITION]]
    total = classes.sum(axis=1)
    none = np.maximum(1 - total, NORMAL_COUNTS_FLOOR)
    none[-1] = SOMETHING_ELSE_NORMAL_COUNTS
    classes = classes / total[:, None] * (1 - none)[:, None]
    marginal = frequency[:, [column[f] for f in LINEAGE_FINDINGS.values()]]
    two = _split_pairs(classes, marginal)
    pattern = np.zeros((n, 2, 2, 2))
    pattern[:, 0, 0, 0] = none
    pattern[:, 1, 0, 0], pattern[:, 0, 1, 0], pattern[:, 0, 0, 1] = classes[:, :3].T
    pattern[:, 1, 1, 0], pattern[:, 1, 0, 1], pattern[:, 0, 1, 1] = two.T
    pattern[:, 1, 1, 1] = classes[:, 4]
    depth = [
        _depth(channel, low_of, frequency, background, column)
        for channel, low_of in zip(files.model.lineages, LINEAGE_FINDINGS.values(), strict=True)
    ]
    weights = np.einsum("nabc,nai,nbj,nck->nijk", pattern, *depth)
    # No presentation is impossible: a record may state just the one an entry gives no share.
    flat = np.maximum(weights.reshape(n, -1), LEAST_WEIGHT)
    return np.asarray(flat / flat.sum(axis=1, keepdims=True))


def _split_pairs(classes: Floats, marginal: Floats) -> Floats:
    """Split the share of two low lineages over red+white, red+platelet, white+platelet.

    The share of each lineage among the pairs is what its marginal leaves after the isolated and
    the three-lineage share; each pair has what the lineage it lacks leaves free.
    """
    bi = classes[:, 3]
    left = np.clip(marginal - classes[:, :3] - classes[:, 4:5], 0.0, None)
    left = np.minimum(left, bi[:, None])
    lacking = np.clip(bi[:, None] - left, 0.02 * bi[:, None] + 1e-9, None)
    share = lacking[:, [2, 1, 0]]
    return np.asarray(share / share.sum(axis=1, keepdims=True) * bi[:, None])


def _depth(
    channel: records.LineageChannel,
    low_finding: str,
    frequency: Floats,
    background: Floats,
    column: Mapping[str, int],
) -> Floats:
    """Give P(state | low or not) as (conditions, 2, states).

    A state that names a finding has that finding's frequency relative to the lineage being low
    (for a not-low state, relative to it not being low). Each low state's finding includes the
    deeper ones, so shares are differences down the ladder. Where a condition says nothing, the
    ratio of the background is used.
    """
    n = len(frequency)
    low = column[low_finding]
    states = [*channel.not_low, *channel.low]
    out = np.zeros((n, 2, len(states)))
    reached = np.ones(n)
    for i in range(len(channel.low) - 1):
        deeper = channel.low[i + 1].finding
        ratio = _conditional(frequency, background, low if deeper is None else column[deeper], low)
        nxt = np.minimum(reached, ratio)
        out[:, 1, len(channel.not_low) + i] = reached - nxt
        reached = nxt
    out[:, 1, len(states) - 1] = reached
    rest = np.ones(n)
    for i, state in enumerate(channel.not_low[1:], start=1):
        named = low if state.finding is None else column[state.finding]
        share = np.clip(
            frequency[:, named] / np.maximum(1 - frequency[:, low], 0.02),
            0.0,
            0.8,
        )
        out[:, 0, i] = share
        rest = rest - share
    out[:, 0, 0] = rest
    return out


def _conditional(frequency: Floats, background: Floats, finding: int, low: int) -> Floats:
    ratio = frequency[:, finding] / np.maximum(frequency[:, low], 1e-3)
    silent = frequency[:, low] <= frequency[:, finding]
    ratio[silent] = background[finding] / background[low]
    return np.clip(ratio, 0.02, 0.98)


def channels(files: KnowledgeFiles, frequency: Floats) -> list[Json]:
    """Give each channel with the weight of its states in every condition, columns summing to 1."""
    column = {f.id: i for i, f in enumerate(files.findings.findings)}
    out = []
    for channel in files.model.channels:
        weights = np.zeros((len(frequency), len(channel.states)))
        for i, state in enumerate(channel.states[1:], start=1):
            weights[:, i] = frequency[:, column[state.finding or ""]]
        over = np.maximum(weights.sum(axis=1) / 0.98, 1.0)
        weights /= over[:, None]
        weights[:, 0] = 1 - weights.sum(axis=1)
        out.append(
            {
                "analyte": channel.analyte,
                "text": channel.text,
                "states": [s.model_dump() for s in channel.states],
                "weights": rounded(weights.T),
            }
        )
    return out
