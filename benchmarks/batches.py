"""Batches for the benchmarks: random children as columns, and the bare arithmetic beside them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hematon.engine.columns import Columns, Given, Results
from hematon.knowledge import Knowledge

TYPICAL = {
    "hemoglobin": 12.0,
    "mcv": 84.0,
    "wbc": 7.0,
    "anc": 3.0,
    "platelets": 280.0,
    "alc": 3.0,
    "monocytes": 0.5,
    "retic_abs": 60.0,
    "hbf_pct": 0.8,
}
ALWAYS = ("hemoglobin", "mcv", "wbc", "anc", "platelets")


def random_columns(knowledge: Knowledge, n: int, seed: int = 0) -> Columns:
    """Make n children with one or two draws each and a few findings. Not clinical."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(30, 6500, n).round()
    parts = []
    for name, typical in TYPICAL.items():
        index = knowledge.analytes[name].index
        now = np.flatnonzero(rng.random(n) < (1.0 if name in ALWAYS else 0.5))
        before = now[rng.random(len(now)) < 0.5]
        for rows, back in ((now, 0), (before, 60)):
            value = typical * np.exp(rng.normal(-0.3, 0.6, len(rows)))
            parts.append((rows, np.full(len(rows), index), value, np.maximum(age[rows] - back, 1)))
    case, analyte, value, when = (np.concatenate(p) for p in zip(*parts, strict=True))
    nothing = np.full(len(case), np.nan)
    stated = np.zeros((n, len(knowledge.findings)), dtype=np.int8)
    chance = rng.random(stated.shape)
    stated[chance < 0.02], stated[chance > 0.96] = 1, -1
    computed = [f.index for f in knowledge.findings.values() if f.kind in ("lab", "pattern")]
    stated[:, computed] = 0
    return Columns(
        ids=[str(i) for i in range(n)],
        age=age,
        sex=rng.choice([-1, 1], n).astype(np.int8),
        as_of_age=np.full(n, np.inf),
        results=Results(case, analyte, value, np.zeros(len(case), np.int8), when, nothing, nothing),
        given=Given(*(np.zeros(0, dtype=t) for t in (np.int64, np.int64, float, float))),
        stated=stated,
        stated_age=np.full(n, np.nan),
        recorded=np.zeros((n, len(knowledge.conditions)), dtype=np.int8),
    )


def serial_columns(knowledge: Knowledge, n: int, seed: int = 0) -> Columns:
    """Make n children with 12 to 40 neutrophil and platelet counts over 6 to 26 weeks each.

    Benign neutropenia: one in five falls below 0.5 now and then. Not clinical.
    """
    rng = np.random.default_rng(seed)
    size, weeks = rng.integers(12, 41, n), rng.integers(6, 27, n)
    day = rng.random((n, 7 * 26)) + (np.arange(7 * 26) >= 7 * weeks[:, None])
    first = np.argsort(day, axis=1)[:, :40]
    keep = np.arange(40) < np.minimum(size, 7 * weeks)[:, None]
    drawn = np.where(keep, first, -1)
    case, k = np.nonzero(drawn >= 0)
    when = 2000.0 + drawn[case, k]
    level = rng.normal(0.3, 0.3, n)
    anc = np.exp(level[case] + rng.normal(0, 0.35, len(case)))
    platelets = 250 * np.exp(rng.normal(0, 0.2, len(case)))
    analytes = [knowledge.analytes[a].index for a in ("anc", "platelets")]
    nothing = np.full(2 * len(case), np.nan)
    return Columns(
        ids=[str(i) for i in range(n)],
        age=2000.0 + 7 * weeks,
        sex=rng.choice([-1, 1], n).astype(np.int8),
        as_of_age=np.full(n, np.inf),
        results=Results(
            np.tile(case, 2),
            np.repeat(analytes, len(case)),
            np.concatenate([anc, platelets]),
            np.zeros(2 * len(case), np.int8),
            np.tile(when, 2),
            nothing,
            nothing,
        ),
        given=Given(*(np.zeros(0, dtype=t) for t in (np.int64, np.int64, float, float))),
        stated=np.zeros((n, len(knowledge.findings)), dtype=np.int8),
        stated_age=np.full(n, np.nan),
        recorded=np.zeros((n, len(knowledge.conditions)), dtype=np.int8),
    )


def bare_arithmetic(knowledge: Knowledge, n: int) -> Callable[[], object]:
    """Give the matrix products, logarithms and exponentials of the model and nothing else.

    Same shapes as the differential: present and absent findings, presentations, one product per
    channel, one logarithm and one exponential over (children, conditions), in plain NumPy.
    """
    rng = np.random.default_rng(1)
    findings = rng.random((n, len(knowledge.findings)))
    presentations = rng.random((n, knowledge.lineage_weights.shape[0]))
    weights = [np.array(c["weights"]) for c in knowledge.raw["channels"]]
    states = [rng.random((n, w.shape[0])) for w in weights]

    def work() -> object:
        found = findings @ knowledge.log_ratio_present
        found += findings @ knowledge.log_ratio_absent
        likelihood = presentations @ knowledge.lineage_weights
        for state, weight in zip(states, weights, strict=True):
            likelihood *= state @ weight
        found += np.log(likelihood)
        posterior = np.exp(found - found.max(axis=1, keepdims=True))
        return posterior / posterior.sum(axis=1, keepdims=True)

    return work
