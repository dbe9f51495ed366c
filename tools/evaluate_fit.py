"""Say how much the fit is worth on patients it did not see; write docs/evaluation-fit.md and .svg.

    python tools/evaluate_fit.py [CASES]

Four questions: how the model does on publications its weights did not see; whether any single
publication carries a figure; whether more patients would help; and which kind of evidence carries
what. The weights are fitted again for each; the numbers of the knowledge stay as they are, without
what was counted in a case's own publication.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from draw_curves import Curve, Panel, picture
from fit_model import (
    GRID,
    WEIGHTS,
    Parts,
    Runs,
    Values,
    descend,
    folds,
    held_out,
    parts_of,
    read_cases,
)

import hematon
from hematon.evaluation.case_sets import EvaluationCase
from hematon.evaluation.scores import calibration_error, equal_mass, estimate, ranks
from hematon.evaluation.truth import TruthTable, load_truth
from hematon.knowledge import Knowledge, load_knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evaluation-fit.md"
PICTURE = ROOT / "docs" / "evaluation-fit.svg"
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
REPEATS = 3
SEED = 20261123
FAMILIES = {"inherited", "inherited_thrombocytopenia", "acquired_bmf", "clonal"}

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Headline:
    """The headline figures, each as one value per case it is about."""

    figures: dict[str, tuple[Floats, Bools]]

    def value(self, name: str) -> float:
        """Give a figure."""
        values, rows = self.figures[name]
        return float(values[rows].mean())


class Judge:
    """Turn a posterior into the headline figures."""

    def __init__(
        self, cases: Sequence[EvaluationCase], knowledge: Knowledge, table: TruthTable
    ) -> None:
        names = [table.group_of(c.id) for c in knowledge.conditions]
        groups = sorted(set(names) - {SOMETHING_ELSE})
        self.member = np.array([[name == group for group in groups] for name in names], dtype=float)
        self.right = np.array([[g in case.truth.groups for g in groups] for case in cases])
        self.named = self.right.any(axis=1)
        self.counts = np.array([bool(case.case.measurements) for case in cases])
        self.other = ~self.named
        self.failing = np.array([c.category in FAMILIES for c in knowledge.conditions])
        self.fits = next(least for name, _, least in knowledge.bands if name == "fits_well")
        places = {name: k for k, name in enumerate(sorted({c.publication for c in cases}))}
        self.publication = np.array([places[case.publication] for case in cases])

    def headline(self, log_posterior: Floats, right: Bools) -> Headline:
        """Give the figures of one posterior; `right` is by condition, for calibration."""
        shares = np.exp(log_posterior)
        rank = np.full(len(shares), np.inf)
        rank[self.named] = ranks(shares[self.named] @ self.member, self.right[self.named])
        only, both = self.named & ~self.counts, self.named & self.counts
        leading = shares.argmax(axis=1)
        hit = right[np.arange(len(shares)), leading]
        stated = shares.max(axis=1)
        error = calibration_error(stated, hit, equal_mass(stated), self.publication)
        top = shares[:, self.failing].max(axis=1) < self.fits
        whole = np.ones(len(shares), dtype=bool)
        return Headline(
            {
                "findings only, first": (rank <= 1, only),
                "findings only, in three": (rank <= 3, only),
                "with counts, first": (rank <= 1, both),
                "with counts, in three": (rank <= 3, both),
                "with counts, in five": (rank <= 5, both),
                "other diseases, no marrow failure condition fits well": (top, self.other),
                "calibration error": (np.full(len(shares), error.value), whole),
            }
        )

    def interval(self, headline: Headline, name: str) -> tuple[float, float]:
        """Give the 95 % interval of a figure over publications."""
        values, rows = headline.figures[name]
        _, place = np.unique(self.publication[rows], return_inverse=True)
        found = estimate(values[rows].astype(float), place)
        return found.low, found.high


def unseen(
    cases: Sequence[EvaluationCase], parts: Parts, judge: Judge, fitted: Headline
) -> list[str]:
    """Write the figures by weights that did not see the publication, beside those that did."""
    held = judge.headline(held_out(cases, parts), parts.right)
    lines = ["| figure | fitted on all | publication not seen by the weights |", "|---|---:|---:|"]
    for name in fitted.figures:
        low, high = judge.interval(held, name)
        between = "" if name == "calibration error" else f" ({low:.1%} to {high:.1%})"
        lines.append(f"| {name} | {fitted.value(name):.1%} | {held.value(name):.1%}{between} |")
    return lines


def without_one(
    cases: Sequence[EvaluationCase], parts: Parts, judge: Judge, whole: Values
) -> list[str]:
    """Fit again without each publication of a named condition; give the largest move."""
    names = [case.publication for case in cases]
    fitted = judge.headline(parts.log_posterior(whole), parts.right)
    moves = dict.fromkeys(fitted.figures, (0.0, ""))
    each = sorted({n for n, named in zip(names, judge.named, strict=True) if named})
    for publication in each:
        rows = np.array([name != publication for name in names])
        values, _ = descend(parts, rows, whole)
        found = judge.headline(parts.log_posterior(values), parts.right)
        for name, (most, _) in moves.items():
            move = found.value(name) - fitted.value(name)
            if abs(move) > abs(most):
                moves[name] = (move, publication)
    lines = [
        f"Fitted {len(each)} times, without each publication that holds a named condition, and "
        "judged on all cases each time.",
        "",
        "| figure | largest move | by | interval |",
        "|---|---:|---|---:|",
    ]
    for name, (move, publication) in moves.items():
        low, high = judge.interval(fitted, name)
        between = "" if name == "calibration error" else f"{low:.1%} to {high:.1%}"
        shown = publication.rpartition("//")[2].partition("/")[0]
        lines.append(f"| {name} | {move:+.1%} | {shown} | {between} |")
    return lines


def learning(
    cases: Sequence[EvaluationCase], parts: Parts, judge: Judge, fitted: Values
) -> tuple[list[str], list[Curve]]:
    """Fit on a share of the publications, judge on a fold apart."""
    rng = np.random.default_rng(SEED)
    names = np.array([case.publication for case in cases])
    wanted = ("findings only, first", "findings only, in three", "with counts, in three")
    found = {name: np.zeros(len(SHARES)) for name in wanted}
    loss = np.zeros(len(SHARES))
    parts_held = list(folds(cases))
    for k, share in enumerate(SHARES):
        repeats = REPEATS if share < 1 else 1
        for _ in range(repeats):
            whole = np.empty(parts.gates.shape)
            for held in parts_held:
                left = np.unique(names[~held])
                kept = rng.permutation(left)[: max(10, round(share * len(left)))]
                values, _ = descend(parts, ~held & np.isin(names, kept), fitted)
                whole[held] = parts.log_posterior(values)[held]
            loss[k] += parts.loss_of(whole) / repeats
            headline = judge.headline(whole, parts.right)
            for name in wanted:
                found[name][k] += headline.value(name) / repeats
    x = np.array(SHARES) * 100
    lines = [
        "| share of the publications fitted on | mean log loss, nats | "
        + " | ".join(wanted)
        + " |",
        "|---:|---:|" + "---:|" * len(wanted),
    ]
    for k, share in enumerate(SHARES):
        figures = " | ".join(f"{found[name][k]:.1%}" for name in wanted)
        lines.append(f"| {share:.0%} | {loss[k]:.3f} | {figures} |")
    return lines, [Curve(name, x, found[name]) for name in wanted]


def without_kinds(parts: Parts, judge: Judge, fitted: Headline) -> list[str]:
    """Fit again without each kind of evidence."""
    wanted = list(fitted.figures)
    lines = ["| without | " + " | ".join(wanted) + " |", "|---|" + "---:|" * len(wanted)]

    def row(name: str, changed: Parts) -> None:
        values, _ = descend(changed)
        found = judge.headline(changed.log_posterior(values), parts.right)
        lines.append(f"| {name} | " + " | ".join(f"{found.value(f):.1%}" for f in wanted) + " |")

    row("nothing", parts)
    names = {
        "weight_annotations": "public annotations",
        "weight_described": "what the entries say of described findings",
        "weight_recorded": "tests, marrow, exposures, history",
        "weight_laboratory": "laboratory findings",
        "weight_channels": "MCV, reticulocytes, HbF and other numbers",
    }
    for kind, name in names.items():
        evidence = parts.evidence.copy()
        evidence[WEIGHTS.index(kind)] = 0.0
        row(name, replace(parts, evidence=evidence))
    evidence = parts.evidence.copy()
    for kind in ("weight_counts", "weight_stated_counts"):
        evidence[WEIGHTS.index(kind)] = 0.0
    row("the three lineages", replace(parts, evidence=evidence))
    row("age and sex", replace(parts, age_and_sex=np.zeros_like(parts.age_and_sex)))
    row("incidence", replace(parts, incidence=np.zeros_like(parts.incidence)))
    return lines


def main() -> None:
    """Write the page and the picture."""
    cases = read_cases(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    knowledge = load_knowledge()
    runs = Runs(cases)
    parts = parts_of(cases, runs)
    parts.evidence[-1] = runs.annotations({name: knowledge.parameters[name] for name in GRID})
    judge = Judge(cases, knowledge, load_truth(knowledge))
    values, _ = descend(parts)
    fitted = judge.headline(parts.log_posterior(values), parts.right)
    table, curves = learning(cases, parts, judge, values)
    text = [
        "# What the fit is worth",
        "",
        f"Made by `make evaluate-fit`; do not edit by hand. Engine {hematon.__version__}, "
        f"knowledge {knowledge.version} (`{knowledge.fingerprint[:16]}`), seed {SEED}. "
        f"{len(cases):,} cases; "
        "what was counted in a case's own publication is left out when it is judged. First and in "
        "three are among groups of conditions, something else not ranked.",
        "",
        "## On publications the weights did not see",
        "",
        "Five folds over publications; the small grid of annotation parameters is that of the "
        "whole fit. The entries were written before, but looked at against these cases.",
        "",
        *unseen(cases, parts, judge, fitted),
        "",
        "## Without any one publication",
        "",
        *without_one(cases, parts, judge, values),
        "",
        "## Would more patients help",
        "",
        "The weights fitted on a share of the publications outside a fold, judged on the fold. A "
        "flat curve says that the few weights have what they need, and that what is missing lies "
        "in the knowledge or in the form of the model.",
        "",
        *table,
        "",
        "![Share ranked first or in three by share of publications fitted on](evaluation-fit.svg)",
        "",
        "## What each kind of evidence carries",
        "",
        "Each left out, the other weights fitted again.",
        "",
        *without_kinds(parts, judge, fitted),
        "",
    ]
    panel = Panel("Per cent of the publications fitted on", curves)
    PICTURE.write_text(picture([panel], "How many are ranked first or in three"), "utf-8")
    PAGE.write_text("\n".join(text), "utf-8")
    print(PAGE.read_text("utf-8"))


if __name__ == "__main__":
    main()
