"""Follow the suggested tests in simulated work-ups; write docs/evaluation-next-tests.md and .svg.

    python tools/evaluate_next_tests.py [FOLDER]

Each child starts with a first visit. A policy picks one test after the other; the result is drawn
once for each child from the frequencies of its true condition, entered into the record, and the
record judged anew by the engine. Counted is how many tests, and how much burden, it takes until
the true condition "fits well". Every policy meets the same children and the same results.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from draw_curves import Curve, Panel, picture
from simulate_first_visits import Child, drawn, published

import hematon
from hematon.engine import assess_many
from hematon.engine.case import Case, Finding
from hematon.engine.describe_ranking import bands
from hematon.engine.pipeline import BatchAssessment
from hematon.knowledge import Knowledge, load_knowledge

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evaluation-next-tests.md"
PICTURE = ROOT / "docs" / "evaluation-next-tests.svg"
SEED = 20261123
EACH = 8
"""Children drawn with every condition."""
MOST_TESTS = 15
RESAMPLES = 2000

Floats = npt.NDArray[np.float64]
Choice = Callable[[BatchAssessment, int, "list[int]", int], int]


@dataclass
class Run:
    """What one policy made of a set of children.

    Attributes:
        tests: for each child, tests until its condition fits well, infinite if never.
        burden: the burden of those tests summed, infinite if never.
        spent: (children, 2) burden and days of waiting, summed over every test that was done.
        doubted: for each child, whether the evidence ever argued against its condition.
    """

    tests: Floats
    burden: Floats
    doubted: npt.NDArray[np.bool_]
    spent: Floats = field(default_factory=lambda: np.zeros(0))


def by_worth(result: BatchAssessment, row: int, left: list[int], _: int) -> int:
    """Take the test with the highest gain over its burden: what the report calls number 1."""
    return max(left, key=lambda t: (result.tests.worth[row, t], -t))


def by_gain(result: BatchAssessment, row: int, left: list[int], _: int) -> int:
    """Take the test with the highest gain, whatever its burden."""
    gain = result.tests.information[row] + result.tests.never_miss[row]
    return max(left, key=lambda t: (gain[t], -t))


def fixed_order(result: BatchAssessment, row: int, left: list[int], _: int) -> int:
    """Take the next test of the panel: by tier, then in the order of `tests.yaml`."""
    return min(left, key=lambda t: (result.knowledge.tests[t].tier, t))


def random_order(result: BatchAssessment, row: int, left: list[int], child: int) -> int:
    """Take any open test; drawn once for each child."""
    order = np.random.default_rng((SEED, child)).permutation(len(result.knowledge.tests))
    return min(left, key=lambda t: int(order[t]))


def best_panel(children: Sequence[Child], knowledge: Knowledge) -> Choice:
    """Give the panel one would fix knowing these children: by mean gain at the first visit."""
    gains = assess_many([child.case for child in children], knowledge).tests
    mean = (gains.information + gains.never_miss).mean(axis=0)
    return lambda result, row, left, child: max(left, key=lambda t: (mean[t], -t))


POLICIES: dict[str, Choice] = {
    "suggested order (gain over burden)": by_worth,
    "highest gain, whatever the burden": by_gain,
    "fixed panel by mean gain": by_gain,
    "fixed panel by tier, then tests.yaml": fixed_order,
    "random order": random_order,
}
BEST_PANEL = "fixed panel by mean gain"
"""Its order is worked out for each set of children."""


def follow(children: Sequence[Child], choose: Choice, knowledge: Knowledge) -> Run:
    """Let one policy work up every child, one test a round."""
    n = len(children)
    run = Run(np.full(n, np.inf), np.full(n, np.inf), np.zeros(n, dtype=bool))
    cost = costs(knowledge)
    telling = [t.index for t in knowledge.tests if t.row >= 0]
    records = [child.case for child in children]
    taken: list[set[int]] = [set() for _ in children]
    spent = np.zeros((n, 2))
    open_ = list(range(n))
    for count in range(MOST_TESTS + 1):
        result = assess_many([records[k] for k in open_], knowledge)
        still = []
        for row, k in enumerate(open_):
            words = bands(result, row)
            said = [words[c] for c in children[k].accepted]
            run.doubted[k] |= all(word == "argues_against" for word in said)
            if "fits_well" in said:
                run.tests[k], run.burden[k] = count, spent[k, 0]
                continue
            done = result.tests.done[row]
            left = [t for t in telling if t not in taken[k] and not done[t]]
            if not left:
                continue
            test = choose(result, row, left, k)
            taken[k].add(test)
            spent[k] += cost[test]
            records[k] = with_result(records[k], children[k], test, knowledge)
            still.append(k)
        open_ = still
    run.spent = spent
    return run


def with_result(case: Case, child: Child, test: int, knowledge: Knowledge) -> Case:
    """Enter a test's result into the record: every finding it shows, as it truly is."""
    known = {f.code for f in case.findings}
    shown = []
    for name in knowledge.tests[test].outcomes:
        info = knowledge.findings[name]
        code = info.hpo or name
        if code not in known:
            shown.append(Finding(code, bool(child.truth[info.index])))
    return replace(case, findings=(*case.findings, *shown))


def costs(knowledge: Knowledge) -> Floats:
    """(tests, 2) how invasive each test is, as `model.yaml` weighs it, and the days it takes."""
    p = knowledge.parameters
    return np.array(
        [(p[f"test_burden_{t.invasiveness}"], t.turnaround_days) for t in knowledge.tests]
    )


# --- the page ----------------------------------------------------------------------------------


def table(children: Sequence[Child], runs: dict[str, Run], knowledge: Knowledge) -> Iterator[str]:
    """Write how far each policy came."""
    never = np.array([knowledge.conditions[c.condition].never_miss for c in children])
    yield (
        "| order of tests | fits well at once | within 1 | 3 | 5 | 10 | 15 tests | "
        "mean tests, at most 15 | mean burden | mean days, one after the other | "
        "never-miss cause ever argued against |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, run in runs.items():
        within = [f"{100 * np.mean(run.tests <= k):.0f} %" for k in (0, 1, 3, 5, 10, MOST_TESTS)]
        mean = np.minimum(run.tests, MOST_TESTS).mean()
        burden, days = run.spent.mean(axis=0)
        doubted = f"{int((run.doubted & never).sum())} of {int(never.sum())}"
        spent = f"{mean:.2f} | {burden:.2f} | {days:.0f}"
        yield f"| {name} | {' | '.join(within)} | {spent} | {doubted} |"
    yield ""


def difference(runs: dict[str, Run], name: str, other: str) -> str:
    """Say how many tests one order saves against another, with a paired bootstrap interval."""
    saved = np.minimum(runs[other].tests, MOST_TESTS) - np.minimum(runs[name].tests, MOST_TESTS)
    rng = np.random.default_rng(SEED)
    draws = saved[rng.integers(0, len(saved), (RESAMPLES, len(saved)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    more, fewer = int((saved > 0).sum()), int((saved < 0).sum())
    return (
        f"Tests saved a child by the suggested order, against {other}: {saved.mean():.2f} "
        f"(95 % bootstrap interval {low:.2f} to {high:.2f}); fewer tests in {more} children, "
        f"more in {fewer}, as many in {len(saved) - more - fewer}."
    )


def hardest(children: Sequence[Child], run: Run, knowledge: Knowledge) -> str:
    """Name the conditions that the suggested order reaches least often."""
    missed: dict[int, list[bool]] = {}
    for child, tests in zip(children, run.tests, strict=True):
        missed.setdefault(child.condition, []).append(bool(np.isinf(tests)))
    worst = sorted(missed.items(), key=lambda item: (-sum(item[1]), item[0]))
    named = [f"{knowledge.conditions[c].id} ({sum(m)} of {len(m)})" for c, m in worst if sum(m)]
    return "Never reached in 15 tests: " + (", ".join(named) or "none") + "."


def curves(runs: dict[str, Run]) -> tuple[list[Curve], list[Curve]]:
    """Give the share reached over the number of tests, and over the burden."""
    counts = np.arange(MOST_TESTS + 1.0)
    spends = np.arange(0.0, 25.0, 0.25)
    return (
        [Curve(n, counts, _share(run.tests, counts)) for n, run in runs.items()],
        [Curve(n, spends, _share(run.burden, spends)) for n, run in runs.items()],
    )


def _share(reached: Floats, at: Floats) -> Floats:
    return np.asarray((reached[:, None] <= at[None, :]).mean(axis=0))


def main() -> None:
    """Run every policy on every set of children and write the page and the picture."""
    default = Path(os.environ.get("HEMATON_SHARED", ROOT.parent / "shared")) / "cases"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    knowledge = load_knowledge()
    sets = {"Drawn children": drawn(knowledge, EACH, SEED)}
    path = folder / "published_cases.jsonl"
    if not path.exists():
        sys.exit(f"evaluation data not present: {path.name} (set HEMATON_SHARED)")
    sets["Published children"] = published(path, knowledge, SEED)
    text = [
        "# Next tests, simulated",
        "",
        "Made by `make evaluate`; do not edit by hand. "
        f"Engine {hematon.__version__}, knowledge {knowledge.version} "
        f"(`{knowledge.fingerprint[:16]}`), seed {SEED}.",
        "",
        "**This is a simulation. It shows that the suggestions are consistent with the knowledge "
        "they come from, not that they help a child.** Results of tests are drawn from the same "
        "frequencies the engine judges by, most of them expert estimates; drawn children come "
        "from the same presentations as well. Real tests are ordered in parallel, fail, "
        "and are read by people; no cost, delay or harm but the burden is counted.",
        "",
        f"Drawn children: {EACH} with each condition, so common and rare causes count alike; "
        "published children: case reports with counts, everything a test can show withheld, "
        "results drawn for the published diagnosis. One test at a time, result entered into the "
        f"record, record judged anew (setting: {knowledge.settings['default']}), until the true "
        "condition fits well. Every order meets the same results. How a child is drawn: "
        "`tools/simulate_first_visits.py`.",
        "",
        f"![Share of children whose cause fits well, over tests and over burden]({PICTURE.name})",
        "",
    ]
    text += [
        "The suggested order puts a marrow, a skin biopsy and a slow result later than their gain "
        "alone would, so it may need more tests than the order by gain. The panel by mean gain is "
        "the best one could fix beforehand knowing these very children; the panel by tier is the "
        "one in which `tests.yaml` lists them. No published panel covers all conditions.",
        "",
    ]
    panels = []
    for title, children in sets.items():
        policies = {**POLICIES, BEST_PANEL: best_panel(children, knowledge)}
        runs = {name: follow(children, choose, knowledge) for name, choose in policies.items()}
        first, gain, best, fixed, _ = runs
        text += [f"## {title} ({len(children)})", "", *table(children, runs, knowledge)]
        for other in (fixed, best, gain):
            text += [difference(runs, first, other), ""]
        text += [hardest(children, runs[first], knowledge), ""]
        over_tests, over_burden = curves(runs)
        panels.append(Panel(f"{title}: number of tests", over_tests))
        panels.append(Panel(f"{title}: summed burden (1 a blood sample)", over_burden))
    PICTURE.write_text(picture(panels, "Share of children whose cause fits well"), "utf-8")
    PAGE.write_text("\n".join(text), "utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
