"""Which conditions fit, by how much, and why: the likelihood model.

    log P(c | e) = log prior(c | age, sex, setting)
                 + log sum over presentations s of weight(s | c) * P(counts | s)
                 + sum over channels of log sum over states P(number | state) P(state | c)
                 + sum over findings of damped log likelihood ratios - log Z

A presentation says which lineages are low and how deep; mixing over presentations is what carries
the correlation between lineages. Channels are analytes whose number is used as a density (MCV,
reticulocytes, HbF, ...). Densities are Student t, so that one number never decides; what was not
measured contributes nothing. Findings of one group are damped together. Every term is linear
algebra over the batch; contributions are worked out only for a child someone asks about.

Not decided here: urgency and the always-show list, which never see this module.
Numbers come from `model.yaml` (expert choices until fitted) and the condition files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, pi
from typing import Any

import numpy as np
import numpy.typing as npt

from hematon.engine import criteria, intervals, ternary
from hematon.engine.batch import SUPPORT_USED, CaseBatch
from hematon.engine.facts import Facts
from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]
Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

COUNT_GROUPS = frozenset(("lineage", "lineage_count", "severity_n", "severity_p", "plt_hi"))
"""Groups whose findings are told through the presentations, not one by one."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The parts of the log posterior, each (n, conditions), before normalising."""

    log_prior: Floats
    counts: Floats
    channels: Floats
    findings: Floats
    extras: Floats
    damped_present: Floats
    damped_absent: Floats


@dataclass(frozen=True, slots=True)
class Differential:
    """Posterior of every condition, something else last.

    Attributes:
        log_posterior: (n, conditions) natural log; rows sum to 1 after exp.
        terms: what it was made of.
    """

    log_posterior: Floats
    terms: Terms

    @property
    def posterior(self) -> Floats:
        """(n, conditions); each row sums to 1."""
        return np.exp(self.log_posterior)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the model is given, beyond counts: ternary findings and rare extras.

    Attributes:
        findings: (n, findings) +1 present, -1 absent, 0 unknown, as used.
        onset_age: (n,) age in days when first ill, NaN unknown.
    """

    findings: Int8s
    onset_age: Floats


def differential(
    batch: CaseBatch, facts: Facts, evidence: Evidence, knowledge: Knowledge, setting: str
) -> Differential:
    """Give each condition's posterior for each child.

    Args:
        batch: n children.
        facts: their facts, for gates and limits.
        evidence: their findings.
        knowledge: the model.
        setting: key of `settings.yaml`.

    Returns:
        (n, conditions) log posterior and its terms.

    Raises:
        KeyError: the setting is not known.

    Source:
        HEMATON_MODEL
    """
    model = _model(knowledge)
    prior = log_prior(batch, facts, evidence.onset_age, knowledge, setting)
    counts = _counts(batch, facts, evidence.findings, knowledge, model)
    channels, measured = _channels(batch, facts, knowledge, model)
    present, absent = _damped(evidence.findings, measured, model)
    findings = present @ knowledge.log_ratio_present + absent @ knowledge.log_ratio_absent
    extras = _extras(batch, knowledge)
    likelihood = counts + channels + findings + extras
    raw = prior + likelihood / knowledge.parameters["temperature"]
    peak = raw.max(axis=1, keepdims=True)
    raw = raw - peak - np.log(np.exp(raw - peak).sum(axis=1, keepdims=True))
    return Differential(raw, Terms(prior, counts, channels, findings, extras, present, absent))


# --- the model as arrays -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Model:
    lineages: Sequence[Mapping[str, Any]]
    channels: Sequence[Mapping[str, Any]]
    channel_weights: Sequence[Floats]
    group: npt.NDArray[np.int64]
    group_matrix: Floats
    exponent: Floats
    in_counts: Bools
    channel_of: npt.NDArray[np.int64]
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
    channels = knowledge.raw["channels"]
    channel_of = np.full(len(findings), -1)
    for k, channel in enumerate(channels):
        for state in channel["states"]:
            if state["finding"] is not None:
                channel_of[knowledge.findings[state["finding"]].index] = k
    return _Model(
        lineages=knowledge.raw["lineages"],
        channels=channels,
        channel_weights=[np.array(c["weights"]) for c in channels],
        group=group,
        group_matrix=matrix,
        exponent=exponent,
        in_counts=np.array([f.group in COUNT_GROUPS or f.group is None for f in findings]),
        channel_of=channel_of,
        degrees=knowledge.parameters["tail_degrees_of_freedom"],
    )


# --- prior -------------------------------------------------------------------------------------


def log_prior(
    batch: CaseBatch, facts: Facts, onset_age: Floats, knowledge: Knowledge, setting: str
) -> Floats:
    """Give the log prior of each condition for age, sex and setting, gates applied.

    Age is the age when first ill where known, else at the judged draw. Something else takes a
    fixed share of the setting, whatever the age.

    Returns:
        (n, conditions) natural log; rows sum to 1 after exp before the gates are applied.
    """
    chosen = knowledge.settings["all"][setting]
    conditions = knowledge.conditions
    base = np.array([c.prior * chosen["multipliers"].get(c.id, 1.0) for c in conditions])
    share = chosen["something_else_share"]
    age = np.where(np.isnan(onset_age), batch.age, onset_age)
    by_age = _age_ratio(np.where(np.isnan(age), -1.0, age), knowledge)
    male = np.array([c.male_fraction for c in conditions])
    sex = batch.columns.sex[:, None]
    ratio = np.where(sex > 0, 2 * male, np.where(sex < 0, 2 * (1 - male), 1.0))
    weight = base * by_age * ratio
    weight[:, -1] = share / (1 - share) * weight[:, :-1].sum(axis=1)
    prior = np.log(weight / weight.sum(axis=1, keepdims=True))
    penalty = knowledge.parameters["gate_log_penalty"]
    for condition in conditions:
        if condition.gate is not None:
            closed = criteria.evaluate(condition.gate, facts) == ternary.NO
            prior[closed, condition.index] += penalty
        if condition.category == "neonatal":
            late = age > 0.25 * 365.25
            prior[late, condition.index] += knowledge.parameters["neonatal_log_penalty"]
    prior[batch.columns.recorded < 0] += penalty
    return prior


def _age_ratio(age: Floats, knowledge: Knowledge) -> Floats:
    """Density of age at presentation against a flat density to 18 years; 1 where age is negative.

    Two-piece normal on the square root of years, clamped. Ages repeat, so each is worked out once.
    """
    unique, inverse = np.unique(np.floor(age), return_inverse=True)
    p = knowledge.parameters
    median, p5, p95 = (
        np.sqrt(np.array([getattr(c, name) for c in knowledge.conditions]))
        for name in ("age_median", "age_p5", "age_p95")
    )
    left = np.maximum((median - p5) / 1.645, p["age_min_sd"])
    right = np.maximum((p95 - median) / 1.645, p["age_min_sd"])
    root = np.sqrt(np.maximum(unique, 0.0) / 365.25)[:, None]
    z = np.where(root < median, (root - median) / left, (root - median) / right)
    density = 2 / (left + right) / np.sqrt(2 * pi) * np.exp(-0.5 * z * z)
    ratio = np.clip(density * np.sqrt(18.0), p["age_ratio_min"], p["age_ratio_max"])
    ratio[unique < 0] = 1.0
    ratio[:, -1] = 1.0
    return np.asarray(ratio[inverse])


# --- counts ------------------------------------------------------------------------------------


def _counts(
    batch: CaseBatch, facts: Facts, findings: Int8s, knowledge: Knowledge, model: _Model
) -> Floats:
    """Log likelihood of the three lineages, mixed over presentations."""
    parts = []
    for channel in model.lineages:
        states = [*channel["not_low"], *channel["low"]]
        density = _density(batch, facts, channel["analyte"], states, knowledge, model)
        said = _stated_states(channel, facts, findings, knowledge)
        j = knowledge.analytes[channel["analyte"]].index
        parts.append(np.where(batch.measured[:, j, None], density, said))
    red, white, platelet = parts
    n = len(batch)
    joint = (red[:, :, None, None] * white[:, None, :, None] * platelet[:, None, None, :])
    joint = joint * _stated_patterns(model, facts, batch, knowledge)
    flat = joint.reshape(n, -1)
    # Impossible together (a contradiction in the record): then the lineages say nothing.
    flat[flat.sum(axis=1) <= 0] = 1.0
    return np.log(flat @ knowledge.lineage_weights)


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
) -> Floats:
    """(n, red, white, platelet) 1 where a pattern agrees with a stated number of lineages."""
    sizes = [len(c["not_low"]) + len(c["low"]) for c in model.lineages]
    low = [np.arange(s) >= len(c["not_low"]) for s, c in zip(sizes, model.lineages, strict=True)]
    number = (
        low[0][:, None, None].astype(int) + low[1][None, :, None] + low[2][None, None, :]
    )
    measured = np.stack(
        [batch.measured[:, knowledge.analytes[c["analyte"]].index] for c in model.lineages]
    )
    open_ = ~measured.all(axis=0)
    agree = np.ones((len(facts), *sizes))
    two = (facts.stated("LAB_BICYTOPENIA") == ternary.YES) & open_
    agree[two] = (number == 2).astype(float)
    three = (facts.stated("LAB_PANCYTOPENIA") == ternary.NO) & open_
    agree[three] *= (number != 3).astype(float)
    return agree


def _channels(
    batch: CaseBatch, facts: Facts, knowledge: Knowledge, model: _Model
) -> tuple[Floats, Bools]:
    """Log likelihood of the measured channels, and (n, channels) which were measured."""
    product = np.ones((len(batch), len(knowledge.conditions)))
    measured = np.zeros((len(batch), len(model.channels)), dtype=bool)
    for k, channel in enumerate(model.channels):
        seen = batch.measured[:, knowledge.analytes[channel["analyte"]].index]
        if not seen.any():
            continue
        likelihood = channel_likelihood(batch, facts, knowledge, k)
        usable = seen & np.isfinite(likelihood).all(axis=1)
        measured[:, k] = usable
        product *= np.where(usable[:, None], likelihood, 1.0)
    return np.log(product), measured


def channel_likelihood(
    batch: CaseBatch, facts: Facts, knowledge: Knowledge, k: int
) -> Floats:
    """(n, conditions) likelihood of one channel's number, relative to its likeliest state."""
    model = _model(knowledge)
    channel = model.channels[k]
    density = _density(batch, facts, channel["analyte"], channel["states"], knowledge, model)
    density = density / density.max(axis=1, keepdims=True)
    return density @ model.channel_weights[k]


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
    used = findings.astype(np.float64)
    used[:, model.in_counts] = 0.0
    through = np.flatnonzero(model.channel_of >= 0)
    used[:, through] *= ~measured[:, model.channel_of[through]]
    known = np.abs(used) @ model.group_matrix
    shrink = np.maximum(known, 1.0) ** -model.exponent
    weight = used * shrink[:, model.group]
    return np.maximum(weight, 0.0), np.maximum(-weight, 0.0)


def _extras(batch: CaseBatch, knowledge: Knowledge) -> Floats:
    """(n, conditions) log ratios of what is rare: broad terms and reported variants."""
    out = np.zeros((len(batch), len(knowledge.conditions)))
    for case, term in batch.columns.broad:
        out[case] += broad_term(term, knowledge)
    for case, gene, classification, zygosity in batch.columns.variants:
        out[case] += variant(
            gene, classification, zygosity, int(batch.columns.sex[case]), knowledge
        )
    return out


def broad_term(term: str, knowledge: Knowledge) -> Floats:
    """(conditions,) log ratio of a broad HPO term: the noisy-or of the findings beneath it.

    A term above too many findings says nothing.
    """
    beneath = [knowledge.findings[f].index for f in knowledge.findings_beneath(term)]
    p = knowledge.parameters
    if len(beneath) > p["general_term_max"]:
        return np.zeros(len(knowledge.conditions))
    present = 1 - np.prod(1 - knowledge.frequency[:, beneath], axis=1)
    ratio = np.clip(present / present[-1], p["ratio_min"], p["ratio_max"])
    return np.asarray(np.log(ratio))


def variant(
    gene: str, classification: str, zygosity: str, sex: int, knowledge: Knowledge
) -> Floats:
    """(conditions,) log ratio of a reported variant, by how the gene's disease is inherited."""
    out = np.zeros(len(knowledge.conditions))
    weights = next(
        w for w in knowledge.raw["variants"] if w["classification"] == classification
    )
    for index, modes in knowledge.genes.get(gene, ()):
        complete = is_complete(modes, zygosity, sex)
        out[index] = log(weights["complete"] if complete else weights["incomplete"])
    return out


def is_complete(modes: Sequence[str], zygosity: str, sex: int) -> bool:
    """Whether a variant is enough for the disease: one copy, both, or the only one."""
    if zygosity == "unknown" or "AD" in modes or "SOM" in modes or "MT" in modes:
        return True
    if "XL" in modes and (sex > 0 or zygosity == "hemizygous"):
        return True
    return zygosity in ("homozygous", "compound", "hemizygous")


def band_of(posterior: float, knowledge: Knowledge) -> str:
    """Give the wording band of a posterior."""
    return next(name for name, _, least in knowledge.bands if posterior >= least)
