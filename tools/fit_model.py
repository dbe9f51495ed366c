"""Fit the parameters of `fitted.yaml` on published patients, and say how they do on unseen ones.

    python tools/fit_model.py [CASES]

What is fitted is few and global: how much each kind of evidence counts, how much incidence still
tells among published patients, and the weight of something else. No parameter belongs to a
condition, a finding or a case. The loss is the mean of -log(posterior of the right conditions),
each case counting as 1 / sqrt(cases of its publication), see also SET_POWER; the evidence
counted in a case's own publication is left out of the knowledge that judges it.

The log posterior is linear in most parameters before it is normalised. So the engine is run a few
times with all but one of them at zero, its parts are kept, and the weights are found by descent
on these parts. The few parameters inside the annotations are taken from a small grid.

Held-out figures are from five folds over publications: each fold's cases are judged by parameters
fitted on the others.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from scipy.optimize import minimize

from hematon.engine import assess_many, phenotypes
from hematon.engine.columns import columns_of
from hematon.engine.ternary import YES
from hematon.evaluation.case_sets import EvaluationCase, read_case_sets
from hematon.evaluation.truth import load_truth
from hematon.knowledge import Knowledge, load_knowledge
from hematon.knowledge.without import each_without_own

ROOT = Path(__file__).parents[1]
FITTED = ROOT / "src/hematon/knowledge/data/fitted.yaml"
SETTING = "referral"
FOLDS = 5
SET_POWER = 0.25
"""A case set counts as its size to this power: not alike, or 50 reports would count as 2,000
patients; not by size, or those with other diseases would decide everything."""
RIDGE = 0.002
"""Pull of every weight towards its start, so that what the cases do not tell stays put."""

Floats = npt.NDArray[np.float64]
Values = dict[str, float]

WEIGHTS = (
    "weight_counts",
    "weight_stated_counts",
    "weight_channels",
    "weight_laboratory",
    "weight_described",
    "weight_recorded",
    "weight_annotations",
)
DESCENT: Mapping[str, tuple[float, str]] = {
    # Where the descent starts, and the scale it goes on.
    "prior_exponent": (0.2, "log"),
    "weight_age_and_sex": (0.5, "log"),
    "weight_counts": (0.5, "log"),
    "weight_stated_counts": (0.3, "log"),
    "weight_channels": (0.3, "log"),
    "weight_laboratory": (0.5, "log"),
    "weight_described": (0.3, "log"),
    "weight_recorded": (0.8, "log"),
    "weight_annotations": (0.35, "log"),
    "something_else_share": (0.02, "logit"),
    "no_cytopenia_log_weight": (3.5, "plain"),
}
GRID_START: Values = {
    "annotation_own_level": 0.9,
    "annotation_unrelated": 0.2,
    "annotation_absent_weight": 0.1,
    "annotation_entry_share": 0.3,
    "annotation_ratio_max": 1000.0,
}
GRID: Mapping[str, tuple[float, ...]] = {
    "annotation_own_level": (0.8, 0.9, 0.95),
    "annotation_unrelated": (0.1, 0.2, 0.3),
    "annotation_absent_weight": (0.0, 0.1, 0.3),
    "annotation_entry_share": (0.1, 0.3, 0.5),
    "annotation_ratio_max": (300.0, 1000.0, 3000.0),
}
TEXT = {
    "prior_exponent": "power of the incidence where a child is referred for an unexplained count",
    "something_else_share": "share of something else where a child is referred for one",
    "no_cytopenia_log_weight": "added to something else when no lineage is known to be low",
    "weight_age_and_sex": "power of the likelihood ratio of age and sex",
    "weight_counts": "weight of the three lineages where a count was measured",
    "weight_stated_counts": "weight of the three lineages where they are only stated",
    "weight_channels": "weight of other numbers told as densities (MCV, reticulocytes, HbF, ...)",
    "weight_laboratory": "weight of laboratory findings that are told as present or absent",
    "weight_described": "weight of what a person described, by the condition's own entry",
    "weight_recorded": "weight of tests, marrow, exposures, history and course",
    "weight_annotations": "weight of stated HPO terms, by the public annotations",
    "annotation_own_level": "share of a term's ratio taken at its own level, the rest from above",
    "annotation_unrelated": "share of findings that have nothing to do with the disease",
    "annotation_ratio_max": "largest likelihood ratio one stated term may have",
    "annotation_absent_weight": "weight of a term looked for and absent: reports are selective",
    "annotation_entry_share": "share of the condition's own entry among its diseases",
}


@dataclass(frozen=True)
class Parts:
    """What the engine makes of n cases, kind of evidence by kind, each at weight one.

    Attributes:
        incidence, age_and_sex, gates: (n, conditions) parts of the log prior.
        evidence: (kinds, n, conditions) log likelihood, in the order of `WEIGHTS`.
        no_cytopenia: (n,) whether no lineage is known to be low.
        right: (n, conditions) whether an answer is right.
        case_weight: (n,) sums to a power of the number of cases in each case set.
    """

    incidence: Floats
    age_and_sex: Floats
    gates: Floats
    evidence: Floats
    no_cytopenia: Floats
    right: npt.NDArray[np.bool_]
    case_weight: Floats

    def log_posterior(self, v: Values) -> Floats:
        """(n, conditions), as the engine would give it."""
        prior = v["prior_exponent"] * self.incidence + v["weight_age_and_sex"] * self.age_and_sex
        share = v["something_else_share"]
        top = prior[:, :-1].max(axis=1, keepdims=True)
        total = np.log(np.exp(prior[:, :-1] - top).sum(axis=1)) + top[:, 0]
        prior[:, -1] = np.log(share / (1 - share)) + total
        prior[:, -1] += v["no_cytopenia_log_weight"] * self.no_cytopenia
        raw = prior + self.gates
        for k, name in enumerate(WEIGHTS):
            raw += v[name] * self.evidence[k]
        raw -= raw.max(axis=1, keepdims=True)
        return np.asarray(raw - np.log(np.exp(raw).sum(axis=1, keepdims=True)))

    def loss(self, v: Values, rows: npt.NDArray[np.bool_] | None = None) -> float:
        """Mean loss per case in nats, over some rows."""
        return self.loss_of(self.log_posterior(v), rows)

    def loss_of(self, log_posterior: Floats, rows: npt.NDArray[np.bool_] | None = None) -> float:
        """Mean loss per case in nats of a posterior, over some rows."""
        right = np.log(np.maximum((np.exp(log_posterior) * self.right).sum(axis=1), 1e-12))
        weight = self.case_weight if rows is None else self.case_weight * rows
        return float(-(right * weight).sum() / weight.sum())


class Runs:
    """The cases through the engine, with parameters changed for the purpose."""

    def __init__(self, cases: Sequence[EvaluationCase]) -> None:
        self.cases = cases
        self.base = load_knowledge()
        self.batches = each_without_own([case.case.publications for case in cases])

    def changed(self, knowledge: Knowledge, values: Values) -> Knowledge:
        """Give a knowledge with other parameters."""
        chosen = knowledge.settings["all"][SETTING]
        exponent = values.get("prior_exponent", chosen["prior_exponent"])
        settings = {
            **knowledge.settings,
            "all": {SETTING: {**chosen, "prior_exponent": exponent}},
        }
        changed = replace(
            knowledge, parameters={**knowledge.parameters, **values}, settings=settings
        )
        # The annotations of a changed copy are those of the original, not opened again.
        changed.__dict__["annotations"] = knowledge.annotations
        return changed

    def over(self, values: Values, part: str) -> Floats:
        """(n, conditions) one part of the model under some parameters."""
        out = np.empty((len(self.cases), len(self.base.conditions)))
        for knowledge, rows in self.batches:
            used = self.changed(knowledge, values)
            result = assess_many([self.cases[i].case for i in rows], used, setting=SETTING)
            terms = result.differential.parts
            if part == "prior":
                out[rows] = terms.log_prior
            elif part == "counts":
                out[rows] = terms.counts
            elif part == "channels":
                out[rows] = terms.channels.sum(axis=1)
            else:
                out[rows] = terms.present @ used.log_ratio_present
                out[rows] += terms.absent @ used.log_ratio_absent
        return out

    def annotations(self, values: Values) -> Floats:
        """(n, conditions) log ratio of the stated terms under some parameters."""
        out = np.zeros((len(self.cases), len(self.base.conditions)))
        for knowledge, rows in self.batches:
            used = self.changed(knowledge, values)
            described = columns_of([self.cases[i].case for i in rows], used).described
            out[rows] = phenotypes.log_ratios(described, len(rows), used)
        return out

    def no_cytopenia(self) -> Floats:
        """(n,) 1 where no lineage is known to be low."""
        out = np.empty(len(self.cases))
        for knowledge, rows in self.batches:
            result = assess_many([self.cases[i].case for i in rows], knowledge, setting=SETTING)
            out[rows] = ~(result.presentation.lineages == YES).any(axis=1)
        return out


def parts_of(cases: Sequence[EvaluationCase], runs: Runs) -> Parts:
    """Run the engine and take its model apart."""
    quiet: Values = {"no_cytopenia_log_weight": 0.0}
    open_: Values = {**quiet, "gate_log_penalty": 0.0, "neonatal_log_penalty": 0.0}
    none: Values = {"prior_exponent": 0.0, "weight_age_and_sex": 0.0}
    flat = runs.over({**open_, **none}, "prior")
    kinds = ("weight_laboratory", "weight_described", "weight_recorded")
    off = dict.fromkeys(kinds, 0.0)
    none_counted: Values = {"weight_counts": 0.0, "weight_stated_counts": 0.0}
    conditions = [c.id for c in runs.base.conditions]
    sets = Counter(case.case_set for case in cases)
    publications = Counter(case.publication for case in cases)
    weight = np.array([publications[case.publication] ** -0.5 for case in cases])
    for name in sets:
        rows = np.array([case.case_set == name for case in cases])
        weight[rows] *= sets[name] ** SET_POWER / weight[rows].sum()
    return Parts(
        incidence=runs.over({**open_, **none, "prior_exponent": 1.0}, "prior") - flat,
        age_and_sex=runs.over({**open_, **none, "weight_age_and_sex": 1.0}, "prior") - flat,
        gates=runs.over({**quiet, **none}, "prior") - flat,
        evidence=np.stack(
            [
                runs.over({**none_counted, "weight_counts": 1.0}, "counts"),
                runs.over({**none_counted, "weight_stated_counts": 1.0}, "counts"),
                runs.over({"weight_channels": 1.0}, "channels"),
                *(runs.over({**off, kind: 1.0}, "findings") for kind in kinds),
                np.zeros(flat.shape),
            ]
        ),
        no_cytopenia=runs.no_cytopenia(),
        right=np.array([[c in case.truth.conditions for c in conditions] for case in cases]),
        case_weight=weight,
    )


def descend(
    parts: Parts, rows: npt.NDArray[np.bool_] | None = None, near: Values | None = None
) -> tuple[Values, float]:
    """Find the weights that give the least loss.

    Args:
        parts: the cases.
        rows: those to fit on; all of them when None.
        near: where to begin, when something near the answer is known; the pull stays the same.
    """
    names = list(DESCENT)
    start = np.array([_inward(name, DESCENT[name][0]) for name in names])
    begin = start if near is None else np.array([_inward(name, near[name]) for name in names])

    def objective(x: Floats) -> float:
        return parts.loss(_values(names, x), rows) + RIDGE * float(((x - start) ** 2).sum())

    found = minimize(objective, begin, method="L-BFGS-B", options={"maxiter": 200})
    values = _values(names, found.x)
    return values, parts.loss(values, rows)


def _inward(name: str, value: float) -> float:
    scale = DESCENT[name][1]
    if scale == "log":
        return float(np.log(value))
    return float(np.log(value / (1 - value))) if scale == "logit" else value


def _values(names: Sequence[str], x: Floats) -> Values:
    out = {}
    for name, inward in zip(names, x, strict=True):
        scale = DESCENT[name][1]
        if scale == "log":
            out[name] = float(np.exp(inward))
        else:
            out[name] = float(1 / (1 + np.exp(-inward))) if scale == "logit" else float(inward)
    return out


def folds(cases: Sequence[EvaluationCase]) -> Iterator[npt.NDArray[np.bool_]]:
    """Give the rows of each fold; a publication is never split."""
    names = sorted({case.publication for case in cases})
    fold = {name: k % FOLDS for k, name in enumerate(names)}
    for k in range(FOLDS):
        yield np.array([fold[case.publication] == k for case in cases])


def best_grid(parts: Parts, runs: Runs) -> Values:
    """Go through the grid one parameter at a time, until none gets better."""
    values = dict(GRID_START)
    parts.evidence[-1] = runs.annotations(values)
    weights, _ = descend(parts)
    best = parts.loss(weights)
    better = True
    while better:
        better = False
        for name, choices in GRID.items():
            for choice in choices:
                if choice == values[name]:
                    continue
                kept = parts.evidence[-1].copy()
                parts.evidence[-1] = runs.annotations({**values, name: choice})
                _, loss = descend(parts)
                print(f"  {name} {choice:g}: {loss:.4f}", flush=True)
                if loss < best - 1e-3:
                    values[name], best, better = choice, loss, True
                else:
                    parts.evidence[-1] = kept
    return values


def read_cases(folder: Path | None) -> list[EvaluationCase]:
    """Read the cases that some condition, or something else, is right for."""
    default = Path(os.environ.get("HEMATON_SHARED", ROOT.parent / "shared")) / "cases"
    knowledge = load_knowledge()
    if not (folder or default).exists():
        sys.exit("evaluation data not present (set HEMATON_SHARED)")
    found = read_case_sets(folder or default, knowledge, load_truth(knowledge)).cases
    return [case for case in found if case.truth.conditions]


def held_out(cases: Sequence[EvaluationCase], parts: Parts) -> Floats:
    """(n, conditions) log posterior of each case by weights that did not see its publication."""
    out = np.empty(parts.gates.shape)
    for rows in folds(cases):
        fitted, _ = descend(parts, ~rows)
        out[rows] = parts.log_posterior(fitted)[rows]
    return out


def main() -> None:
    """Fit, cross-validate, write the file."""
    cases = read_cases(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    runs = Runs(cases)
    parts = parts_of(cases, runs)
    grid = best_grid(parts, runs)
    values, loss = descend(parts)
    held = parts.loss_of(held_out(cases, parts))
    print(f"loss {loss:.4f}, held out {held:.4f}")
    content = {
        "command": "make fit",
        "cases": len(cases),
        "publications": len({case.publication for case in cases}),
        "loss": round(loss, 4),
        "loss_held_out": round(held, 4),
        "parameters": {
            name: {"value": float(f"{value:.3g}"), "text": TEXT[name]}
            for name, value in {**values, **grid}.items()
        },
    }
    FITTED.write_text(
        "# Made by `make fit`; do not edit by hand.\n"
        + yaml.safe_dump(content, sort_keys=False, width=100)
    )


if __name__ == "__main__":
    main()
