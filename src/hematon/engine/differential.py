"""Which conditions fit, by how much, and why: the likelihood model.

    log P(c | e) = log prior(c | age, sex, setting)
                 + w * log sum over presentations s of weight(s | c) * P(counts | s)
                 + w * sum over channels of log P(number | c)
                 + sum over findings of w * damped log likelihood ratio
                 + w * log ratio of the stated terms over the diseases of c
                 + log ratio of reported variants - log Z

A presentation says which lineages are low and how deep; mixing over presentations is what carries
the correlation between lineages. Channels are analytes whose number is used as a density (MCV,
reticulocytes, HbF, ...). Densities are Student t, so that one number never decides; what was not
measured contributes nothing. Findings of one group are damped together. Every term is linear
algebra over the batch; contributions are worked out only for a child someone asks about.
Each kind of evidence has a weight, because its pieces are less independent than the product of
their ratios takes them for; the weights are fitted on published patients (`fitted.yaml`).

Not decided here: urgency and the always-show list, which never see this module.
Other numbers come from `model.yaml` and the condition files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, pi
from typing import Any

import numpy as np
import numpy.typing as npt

from hematon.engine import intervals, phenotypes, ternary
from hematon.engine.batch import SUPPORT_USED, CaseBatch
from hematon.engine.columns import Described
from hematon.engine.facts import Facts
from hematon.engine.linear import rows_times
from hematon.engine.prior import Prior
from hematon.engine.variants import variant
from hematon.knowledge.compiled import COUNT_GROUPS, Knowledge

Floats = npt.NDArray[np.float64]
Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

BLOCK = 2048
"""Rows worked on at once: small enough that a block stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Terms:
    """What a log posterior was made of; contributions are read off these.

    Attributes:
        log_prior: (n, conditions), gates applied.
        counts: (n, conditions) log likelihood of the three lineages.
        channels: (n, channels, conditions) log likelihood of each channel, 0 where not measured.
        present: (n, findings) weight of each present finding after damping.
        absent: (n, findings) weight of each absent finding after damping.
        terms: (n, conditions) log ratio of the stated HPO terms.

    All as used: the weight of the kind of evidence is in them.
    """

    log_prior: Floats
    counts: Floats
    channels: Floats
    present: Floats
    absent: Floats
    terms: Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Differential:
    """Posterior of every condition, something else last.

    Attributes:
        log_posterior: (n, conditions) natural log; rows sum to 1 after exp.
        terms: what it was made of, when asked for.
    """

    log_posterior: Floats
    terms: Terms | None

    @property
    def parts(self) -> Terms:
        """The terms, for explanation.

        Raises:
            ValueError: the batch was judged without keeping them.
        """
        if self.terms is None:
            raise ValueError("this batch was judged without keeping its terms")
        return self.terms

    @property
    def posterior(self) -> Floats:
        """(n, conditions); each row sums to 1."""
        return np.exp(self.log_posterior)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evidence:
    """What the model is given beyond counts.

    Attributes:
        findings: (n, findings) +1 present, -1 absent, 0 unknown, as used.
        onset_age: (n,) age in days when first ill, NaN unknown.
    """

    findings: Int8s
    onset_age: Floats


def differential(
    batch: CaseBatch,
    facts: Facts,
    evidence: Evidence,
    knowledge: Knowledge,
    setting: str,
    *,
    keep_terms: bool = False,
) -> Differential:
    """Give each condition's posterior for each child.

    Args:
        batch: n children.
        facts: their facts, for gates and limits.
        evidence: their findings.
        knowledge: the model.
        setting: key of `settings.yaml`.
        keep_terms: whether to keep the parts, for explanation.

    Returns:
        (n, conditions) log posterior, and its terms if asked for.

    Raises:
        KeyError: the setting is not known.

    Source:
        HEMATON_MODEL
    """
    model = _model(knowledge)
    n, width = len(batch), len(knowledge.conditions)
    prior = Prior(batch, facts, evidence.onset_age, knowledge, setting)
    lineages = [
        _lineage_states(channel, batch, facts, evidence.findings, knowledge, model)
        for channel in model.lineages
    ]
    patterns = _stated_patterns(model, facts, batch, knowledge)
    channels, measured = _channel_states(batch, facts, knowledge, model)
    extras = _extras(batch, knowledge)
    p = knowledge.parameters
    of_terms = phenotypes.log_ratios(batch.columns.described, n, knowledge)
    of_terms *= p["weight_annotations"]
    numbers = [knowledge.analytes[c["analyte"]].index for c in model.lineages]
    weight_counts = np.where(
        batch.measured[:, numbers].any(axis=1), p["weight_counts"], p["weight_stated_counts"]
    )
    kinds = _Kinds(batch.columns.described, knowledge)
    out = np.empty((n, width))
    terms = None
    if keep_terms:
        terms = Terms(
            np.empty((n, width)),
            np.empty((n, width)),
            np.zeros((n, len(model.channels), width)),
            np.empty(evidence.findings.shape),
            np.empty(evidence.findings.shape),
            of_terms,
        )
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        raw = prior.log_weight(rows)
        counts = rows_times(_joint(lineages, patterns, rows), knowledge.lineage_weights)
        np.log(counts, out=counts)
        counts *= weight_counts[rows, None]
        if terms is not None:
            terms.log_prior[rows] = raw
            terms.counts[rows] = counts
        raw += counts
        likelihood = np.ones((len(raw), width))
        for k, states in enumerate(channels):
            if states is not None:
                told = rows_times(states[rows], model.channel_weights[k])
                # Exactly nothing for a child without the number, whatever the rounding.
                told[~measured[rows, k]] = 1.0
                likelihood *= told
                if terms is not None:
                    terms.channels[rows, k] = p["weight_channels"] * np.log(told)
        present, absent = _damped(evidence.findings[rows], measured[rows], model)
        weight = kinds.weights(rows)
        present *= weight
        absent *= weight
        # One logarithm for all channels together.
        np.log(likelihood, out=likelihood)
        likelihood *= p["weight_channels"]
        raw += likelihood
        raw += rows_times(present, knowledge.log_ratio_present)
        raw += rows_times(absent, knowledge.log_ratio_absent)
        raw += of_terms[rows]
        for case, ratio in extras:
            if start <= case < rows.stop:
                raw[case - start] += ratio
        raw -= raw.max(axis=1, keepdims=True)
        np.subtract(raw, np.log(np.exp(raw).sum(axis=1, keepdims=True)), out=out[rows])
        if terms is not None:
            terms.present[rows], terms.absent[rows] = present, absent
    return Differential(out, terms)


# --- the model as arrays -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Model:
    lineages: Sequence[Mapping[str, Any]]
    channels: Sequence[Mapping[str, Any]]
    channel_weights: Sequence[Floats]
    channel_findings: Sequence[npt.NDArray[np.int64]]
    group: npt.NDArray[np.int64]
    group_matrix: Floats
    shrink: Floats
    counted: Int8s
    degrees: float


@lru_cache(maxsize=4)
def _model(knowledge: Knowledge) -> _Model:
    findings = list(knowledge.findings.values())
    names = sorted({f.group for f in findings if f.group is not None})
    group = np.array([names.index(f.group) if f.group else len(names) for f in findings])
    matrix = np.zeros((len(findings), len(names) + 1))
    matrix[np.arange(len(findings)), group] = 1.0
    undamped = set(knowledge.raw["undamped_groups"])
    damping = knowledge.parameters["damping_exponent"]
    exponent = np.array([0.0 if g in undamped else damping for g in names] + [0.0])
    most = np.maximum(np.arange(len(findings) + 1), 1)
    channels = knowledge.raw["channels"]
    told = [f.group in COUNT_GROUPS or f.group is None for f in findings]
    return _Model(
        lineages=knowledge.raw["lineages"],
        channels=channels,
        channel_weights=[np.array(c["weights"]) for c in channels],
        channel_findings=[
            np.array(
                [
                    knowledge.findings[state["finding"]].index
                    for state in channel["states"]
                    if state["finding"] is not None
                ]
            )
            for channel in channels
        ],
        group=group,
        group_matrix=matrix,
        shrink=most[:, None] ** -exponent[None, :],
        counted=np.where(told, 0, 1).astype(np.int8),
        degrees=knowledge.parameters["tail_degrees_of_freedom"],
    )


# --- counts ------------------------------------------------------------------------------------


def _lineage_states(
    channel: Mapping[str, Any],
    batch: CaseBatch,
    facts: Facts,
    findings: Int8s,
    knowledge: Knowledge,
    model: _Model,
) -> Floats:
    """(n, states) likelihood of each state of a lineage: from its number, else as stated."""
    states = [*channel["not_low"], *channel["low"]]
    density = _density(batch, facts, channel["analyte"], states, knowledge, model)
    said = _stated_states(channel, facts, findings, knowledge)
    j = knowledge.analytes[channel["analyte"]].index
    usable = batch.measured[:, j] & np.isfinite(density).all(axis=1)
    return np.where(usable[:, None], density, said)


def _joint(lineages: Sequence[Floats], patterns: Floats | None, rows: slice) -> Floats:
    """(block, presentations) likelihood of the counts in every presentation."""
    red, white, platelet = (part[rows] for part in lineages)
    joint = red[:, :, None, None] * white[:, None, :, None] * platelet[:, None, None, :]
    if patterns is not None:
        joint *= patterns[rows]
    flat = joint.reshape(len(red), -1)
    # Impossible together (a contradiction in the record): then the lineages say nothing.
    flat[flat.sum(axis=1) <= 0] = 1.0
    return flat


def _stated_states(
    channel: Mapping[str, Any], facts: Facts, findings: Int8s, knowledge: Knowledge
) -> Floats:
    """(n, states) 1 where a state agrees with what is stated about an unmeasured lineage."""
    n_not, n_low = len(channel["not_low"]), len(channel["low"])
    low = facts.lineage(channel["lineage"])
    said = np.ones((len(facts), n_not + n_low))
    said[low == ternary.YES, :n_not] = 0.0
    said[low == ternary.NO, n_not:] = 0.0
    for k, state in enumerate([*channel["not_low"], *channel["low"]]):
        if state["finding"] is None:
            continue
        stated = findings[:, knowledge.findings[state["finding"]].index]
        if k < n_not:
            said[stated == ternary.YES, n_not:] = 0.0
            said[stated == ternary.YES, 0] = 0.0
            said[stated == ternary.NO, k] = 0.0
        else:
            said[stated == ternary.YES, :k] = 0.0
            said[stated == ternary.NO, k:] = 0.0
    return said


def _stated_patterns(
    model: _Model, facts: Facts, batch: CaseBatch, knowledge: Knowledge
) -> Floats | None:
    """(n, red, white, platelet) 1 where a pattern agrees with a stated number of lineages.

    None when no record states one that its numbers do not already tell.
    """
    measured = np.stack(
        [batch.measured[:, knowledge.analytes[c["analyte"]].index] for c in model.lineages]
    )
    open_ = ~measured.all(axis=0)
    two = (facts.stated("LAB_BICYTOPENIA") == ternary.YES) & open_
    not_three = (facts.stated("LAB_PANCYTOPENIA") == ternary.NO) & open_
    if not (two.any() or not_three.any()):
        return None
    low = [
        np.arange(len(c["not_low"]) + len(c["low"])) >= len(c["not_low"]) for c in model.lineages
    ]
    number = low[0][:, None, None].astype(int) + low[1][None, :, None] + low[2][None, None, :]
    agree = np.ones((len(facts), *number.shape))
    agree[two] = number == 2
    agree[not_three] *= number != 3
    return agree


def _channel_states(
    batch: CaseBatch, facts: Facts, knowledge: Knowledge, model: _Model
) -> tuple[list[Floats | None], Bools]:
    """Give (n, states) likelihood of each channel, None where no child has it.

    Scaled so that the likeliest state has 1; a child without the number has 1 in every state.
    Also (n, channels): who has a number that can be placed.
    """
    out: list[Floats | None] = []
    measured = np.zeros((len(batch), len(model.channels)), dtype=bool)
    for k, channel in enumerate(model.channels):
        seen = batch.measured[:, knowledge.analytes[channel["analyte"]].index]
        if not seen.any():
            out.append(None)
            continue
        density = _density(batch, facts, channel["analyte"], channel["states"], knowledge, model)
        measured[:, k] = seen & np.isfinite(density).all(axis=1)
        density /= density.max(axis=1, keepdims=True)
        out.append(np.where(measured[:, k, None], density, 1.0))
    return out, measured


def _density(
    batch: CaseBatch,
    facts: Facts,
    analyte: str,
    states: Sequence[Mapping[str, Any]],
    knowledge: Knowledge,
    model: _Model,
) -> Floats:
    """(n, states) Student t density of the number in each state; NaN where it cannot be placed.

    A bound (`<10`) is placed at the bound. A number held up by a treatment is spread wider.
    """
    info = knowledge.analytes[analyte]
    j = info.index
    # A bound is taken where it stands: `<10` is at most 10, and nearly all that lies below it
    # belongs to the same state.
    value = np.where(np.isinf(batch.high[:, j]), batch.low[:, j], batch.high[:, j])
    if states[0]["emission"]["on"] == "ln":
        x = np.log(np.maximum(value, LOG_FLOOR.get(analyte, 0.01)))
    else:
        x = intervals.z_score(value, facts.limits(analyte), log=info.scale == "log")
    widen = np.where(
        batch.support[:, j] == SUPPORT_USED, knowledge.parameters["supported_widening"], 1.0
    )
    nu = model.degrees
    constant = np.exp(lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi))
    out = np.empty((len(batch), len(states)))
    for k, state in enumerate(states):
        scale = state["emission"]["scale"] * widen
        z = (x - state["emission"]["location"]) / scale
        out[:, k] = constant / scale * (1 + z * z / nu) ** (-(nu + 1) / 2)
    return out


LOG_FLOOR = {"anc": 0.02, "platelets": 1.0, "retic_abs": 1.0}
"""Counts of zero are placed here on the log scale: below it a laboratory does not tell apart."""


# --- findings ----------------------------------------------------------------------------------


def _damped(findings: Int8s, measured: Bools, model: _Model) -> tuple[Floats, Floats]:
    """Weights of present and absent findings: 1 / k ** exponent over the k known of a group.

    Findings told by the counts, or by a channel whose number is known, weigh nothing here.
    """
    used = findings * model.counted
    for k, columns in enumerate(model.channel_findings):
        used[np.ix_(np.flatnonzero(measured[:, k]), columns)] = 0
    weight = used.astype(np.float64)
    known = rows_times(np.abs(weight), model.group_matrix)
    shrink = model.shrink[known.astype(np.int64), np.arange(known.shape[1])]
    weight *= shrink[:, model.group]
    return np.maximum(weight, 0.0), np.maximum(-weight, 0.0)


class _Kinds:
    """How much the ratio of each finding counts, by the kind of evidence it is.

    What the laboratory found, what a person described, and what a test, a marrow or a history
    settled differ in how independent they are. A laboratory finding that the record states as an
    HPO term is a description: its number is not there.
    """

    def __init__(self, described: Described, knowledge: Knowledge) -> None:
        p = knowledge.parameters
        self._described = p["weight_described"]
        kinds = [kind_of(finding) for finding in knowledge.finding_ids]
        self._usual = np.array([p[f"weight_{kind}"] for kind in kinds])
        stated: list[tuple[int, int]] = []
        numbers, place = np.unique(described.term, return_inverse=True)
        for k, number in enumerate(numbers):
            for finding in knowledge.findings_of(f"HP:{number:07d}"):
                at = knowledge.findings[finding].index
                if kinds[at] == "laboratory":
                    stated.extend((int(case), at) for case in described.case[place == k])
        pairs = np.array(sorted(set(stated)), dtype=np.int64).reshape(-1, 2)
        self._case, self._finding = pairs[:, 0], pairs[:, 1]

    def weights(self, rows: slice) -> Floats:
        """(block, findings) or, where all are alike, (1, findings)."""
        first, end = np.searchsorted(self._case, (rows.start, rows.stop))
        if first == end:
            return self._usual[None, :]
        out = np.tile(self._usual, (rows.stop - rows.start, 1))
        out[self._case[first:end] - rows.start, self._finding[first:end]] = self._described
        return out


def kind_of(finding: str) -> str:
    """Give the kind of evidence a finding is: laboratory, described or recorded."""
    prefix = finding.partition("_")[0]
    if prefix == "LAB":
        return "laboratory"
    return "described" if finding.startswith("HP:") or prefix == "SGN" else "recorded"


def _extras(batch: CaseBatch, knowledge: Knowledge) -> list[tuple[int, Floats]]:
    """Give (child, log ratios) of the reported variants."""
    sex = batch.columns.sex
    return [
        (case, variant(gene, classification, zygosity, int(sex[case]), knowledge))
        for case, gene, classification, zygosity in batch.columns.variants
    ]


def band_of(posterior: float, evidence: float, knowledge: Knowledge) -> str:
    """Give the wording band of a condition.

    Args:
        posterior: its posterior.
        evidence: its log likelihood ratio against something else, without the prior. A condition
            the evidence does not argue against is never said to be argued against, however
            small its share: rivals may merely fit far better.
        knowledge: the bands.

    Returns:
        The id of a band of `model.yaml`.
    """
    ids = [name for name, _, _ in knowledge.bands]
    at = next(k for k, (_, _, least) in enumerate(knowledge.bands) if posterior >= least)
    if at == len(ids) - 1 and evidence >= 0:
        at -= 1
    return ids[at]
