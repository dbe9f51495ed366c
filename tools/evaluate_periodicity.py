"""Simulate neutrophil counts with and without a cycle; write docs/evaluation-periodicity.md.

    python tools/evaluate_periodicity.py [--children N]

Every number is simulated, with a fixed seed, and shares no code with the detector: it proves
nothing clinical. It measures how often each call is made over schedules, noise, amplitude, period,
infection and G-CSF, how often children without a cycle are called, whether the false-alarm
probability is what it says, and how often the next nadir falls into its interval.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

import hematon
from hematon.engine import assess_columns
from hematon.engine.columns import TREATMENT_KINDS, Columns, Given, Results
from hematon.engine.cycles import CALLS, Cycles
from hematon.knowledge import Knowledge, load_knowledge

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evaluation-periodicity.md"
PICTURE = ROOT / "docs" / "evaluation-periodicity.svg"
SEED = 20261123
BIRTH = 1500
CONFIRMED, PROBABLE = CALLS.index("confirmed"), CALLS.index("probable")

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator


# --- children ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Child:
    """How one kind of child is simulated.

    Attributes:
        shape: of the neutrophils over a cycle, or `steady`.
        low, high: count at nadir and at peak, 10*9/L; for `steady` the level is `high`.
        period: days; its standard deviation from cycle to cycle is `unevenness`.
        noise: standard deviation of the natural logarithm of a count.
        memory: correlation time of the noise in days; 0 for independent noise.
        infections: a month; each multiplies neutrophils for about a week.
        flagged: whether infections are documented with their day.
        treatment: kind and days between doses, if any.
    """

    shape: str = "steady"
    low: float = 0.1
    high: float = 1.5
    period: float = 21.0
    unevenness: float = 0.5
    noise: float = 0.25
    memory: float = 0.0
    infections: float = 0.0
    flagged: bool = True
    treatment: tuple[str, int] | None = None


def course(child: Child, days: int, rng: Rng) -> tuple[Floats, list[int], list[float]]:
    """Simulate daily counts: values, days of infection, days of nadirs."""
    day = np.arange(days, dtype=float)
    level = np.full(days, math.log(child.high))
    troughs: list[float] = []
    if child.shape != "steady":
        at = -rng.uniform(0, child.period)
        while at < days + child.period:
            troughs.append(at)
            at += rng.normal(child.period, child.unevenness)
        edges = np.array([troughs[0] - child.period, *troughs, troughs[-1] + child.period])
        k = np.searchsorted(edges, day, side="right") - 1
        phase = (day - edges[k]) / (edges[k + 1] - edges[k])
        level = SHAPES[child.shape](phase, child)
    fresh = rng.normal(size=days)
    noise = fresh.copy()
    if child.memory:
        keep = math.exp(-1 / child.memory)
        slow = rng.normal()
        for d in range(days):
            slow = keep * slow + math.sqrt(1 - keep**2) * rng.normal()
            noise[d] = slow
    level = level + child.noise * noise
    infected = np.flatnonzero(rng.random(days) < child.infections / 30).tolist()
    for start in infected:
        rise = rng.uniform(0.3, 1.3)
        after = day - start
        level += np.where(after >= 0, rise * np.exp(-np.maximum(after, 0) / 4), 0)
    return np.exp(level), infected, troughs


def _sine(phase: Floats, child: Child) -> Floats:
    """A sine on the logarithm."""
    low, high = math.log(child.low), math.log(child.high)
    return (low + high) / 2 - (high - low) / 2 * np.cos(2 * np.pi * phase)


def _linear(phase: Floats, child: Child) -> Floats:
    """A sine of the count itself: narrow deep nadirs on the logarithm."""
    wave = (child.low + child.high) / 2 - (child.high - child.low) / 2 * np.cos(2 * np.pi * phase)
    return np.log(wave)


def _dip(phase: Floats, child: Child) -> Floats:
    """Level for two thirds of a cycle, then four days at the nadir and back."""
    away = np.minimum(phase, 1 - phase) * child.period
    share = 1 / (1 + np.exp(-(away - 3) / 0.6))
    return math.log(child.low) + (math.log(child.high) - math.log(child.low)) * share


SHAPES: dict[str, Callable[[Floats, Child], Floats]] = {
    "sine of log": _sine,
    "sine of count": _linear,
    "narrow dip": _dip,
}


# --- schedules ---------------------------------------------------------------------------------


def weekdays(weeks: int, *days: int) -> Callable[[Rng, list[int]], list[int]]:
    """Draw on fixed days of the week, from a random one of them on."""

    def schedule(rng: Rng, _: list[int]) -> list[int]:
        first = int(rng.integers(len(days)))
        every = [7 * w + d for w in range(weeks + 1) for d in days]
        return [d - every[first] for d in every[first : first + weeks * len(days)]]

    return schedule


def opportunistic(rng: Rng, infected: list[int]) -> list[int]:
    """Twenty visits in 26 weeks at random, and one at each infection."""
    days = set(rng.choice(182, 20, replace=False).tolist())
    days.update(d for d in infected if d < 182)
    return sorted(days)


SCHEDULES: dict[str, Callable[[Rng, list[int]], list[int]]] = {
    "3 a week, 6 weeks": weekdays(6, 0, 2, 4),
    "2 a week, 6 weeks": weekdays(6, 0, 3),
    "2 a week, 12 weeks": weekdays(12, 0, 3),
    "weekly, 12 weeks": weekdays(12, 0),
    "opportunistic, 26 weeks": opportunistic,
}
LONGEST = 200


# --- through the engine ------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What the engine said of n children of one kind on one schedule."""

    call: npt.NDArray[np.int64]
    cycles: Cycles | None
    troughs: list[list[float]]
    last: list[int]

    @property
    def called(self) -> Floats:
        """(n,) whether probable or confirmed."""
        return (self.call >= PROBABLE).astype(float)

    @property
    def chance(self) -> Floats:
        """(n,) false-alarm probability; 1 where nothing could be looked for."""
        if self.cycles is None:
            return np.ones(len(self.call))
        found = self.cycles.found
        known = np.append(self.cycles.probability, 1.0)
        period = np.append(self.cycles.peak.period, np.nan)
        accepted = (period[found] >= 14) & (period[found] <= 36)
        return np.where(accepted, known[found], 1.0)


def run(child: Child, schedule: str, n: int, knowledge: Knowledge, key: int) -> Run:
    """Simulate n children and assess them."""
    rng = np.random.default_rng([SEED, key])
    anc = knowledge.analytes["anc"].index
    rows: list[tuple[int, int, float]] = []
    given: list[tuple[int, int]] = []
    infections: list[tuple[int, float]] = []
    troughs, last = [], []
    for i in range(n):
        counts, infected, nadirs = course(child, LONGEST, rng)
        days = SCHEDULES[schedule](rng, infected)
        rows.extend((i, d, round(float(counts[d]), 2)) for d in days)
        if child.flagged:
            infections.extend((i, float(BIRTH + d)) for d in infected)
        if child.treatment:
            given.extend((i, d) for d in range(-3, LONGEST, child.treatment[1]))
        troughs.append(nadirs)
        last.append(max(days))
    case, day, value = (np.array(part) for part in zip(*rows, strict=True))
    nothing = np.full(len(rows), np.nan)
    kind = TREATMENT_KINDS.index(child.treatment[0]) if child.treatment else 0
    start = np.array([float(BIRTH + d) for _, d in given])
    columns = Columns(
        ids=[str(i) for i in range(n)],
        age=np.array([float(BIRTH + d) for d in last]),
        sex=np.ones(n, np.int8),
        as_of_age=np.full(n, np.inf),
        results=Results(
            case,
            np.full(len(rows), anc),
            value.astype(float),
            np.zeros(len(rows), np.int8),
            day + float(BIRTH),
            nothing,
            nothing,
        ),
        given=Given(
            np.array([i for i, _ in given], np.int64),
            np.full(len(given), kind),
            start,
            np.full(len(given), np.nan),
        ),
        stated=np.zeros((n, len(knowledge.findings)), np.int8),
        stated_age=np.full(n, np.nan),
        recorded=np.zeros((n, len(knowledge.conditions)), np.int8),
        infections=tuple(infections),
    )
    cycles = assess_columns(columns, knowledge).serial.cycles
    call = np.zeros(n, dtype=np.int64) if cycles is None else cycles.call
    return Run(call, cycles, troughs, last)


# --- what is asked -----------------------------------------------------------------------------

CYCLIC = Child(shape="sine of count", low=0.05, high=1.5)
CHANGES: dict[str, Child] = {
    "base: sine of the count, 0.05 to 1.5, 21 d, noise 25 %": CYCLIC,
    "sine of the logarithm, 0.12 to 1.5": replace(CYCLIC, shape="sine of log", low=0.12),
    "narrow dip, 0.08 to 1.5": replace(CYCLIC, shape="narrow dip", low=0.08),
    "peak 1.0": replace(CYCLIC, high=1.0),
    "peak 2.0": replace(CYCLIC, high=2.0),
    "noise 15 %": replace(CYCLIC, noise=0.15),
    "noise 40 %": replace(CYCLIC, noise=0.4),
    "noise 60 %": replace(CYCLIC, noise=0.6),
    "period 18 d": replace(CYCLIC, period=18.0),
    "period 24 d": replace(CYCLIC, period=24.0),
    "period 28 d": replace(CYCLIC, period=28.0),
    "uneven cycles (SD 2 d)": replace(CYCLIC, unevenness=2.0),
    "noise with a memory of 2 d": replace(CYCLIC, memory=2.0),
    "an infection a month, documented": replace(CYCLIC, infections=1.0),
    "an infection a month, not documented": replace(CYCLIC, infections=1.0, flagged=False),
    "on G-CSF throughout": replace(CYCLIC, treatment=("g_csf", 3)),
}
OTHERS: dict[str, Child] = {
    "benign neutropenia, 0.7": Child(high=0.7, noise=0.4),
    "benign neutropenia, 0.7, wide noise": Child(high=0.7, noise=0.7),
    "benign neutropenia, memory 2 d": Child(high=0.7, noise=0.4, memory=2.0),
    "benign neutropenia, memory 5 d": Child(high=0.7, noise=0.5, memory=5.0),
    "benign neutropenia, infections documented": Child(high=0.6, noise=0.4, infections=1.5),
    "benign neutropenia, infections not documented": Child(
        high=0.6, noise=0.4, infections=1.5, flagged=False
    ),
    "severe chronic neutropenia, 0.25": Child(high=0.25, noise=0.6),
    "severe chronic neutropenia, memory 3 d": Child(high=0.3, noise=0.7, memory=3.0),
    "normal neutrophils, 2.8": Child(high=2.8, noise=0.3),
    "chemotherapy every 21 d, recorded": replace(
        CYCLIC,
        shape="sine of log",
        low=0.1,
        high=2.5,
        unevenness=0.0,
        treatment=("chemotherapy", 21),
    ),
    "chemotherapy every 21 d, not recorded": replace(
        CYCLIC, shape="sine of log", low=0.1, high=2.5, unevenness=0.0
    ),
}
NULLS: dict[str, Child] = {
    "independent log-normal": Child(high=0.7, noise=0.4),
    "memory 2 d": Child(high=0.7, noise=0.4, memory=2.0),
    "memory 5 d": Child(high=0.7, noise=0.4, memory=5.0),
    "undocumented infections": Child(high=0.7, noise=0.4, infections=1.5, flagged=False),
}
LEVELS = (0.01, 0.05, 0.1, 0.2)


class Study:
    """Runs each kind of child on each schedule once."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.knowledge = load_knowledge()
        self._runs: dict[tuple[Child, str], Run] = {}

    def run(self, child: Child, schedule: str) -> Run:
        """Give the run, made when first asked for."""
        key = child, schedule
        if key not in self._runs:
            self._runs[key] = run(child, schedule, self.n, self.knowledge, len(self._runs))
        return self._runs[key]

    def threshold(self, schedule: str) -> float:
        """Give the probability below which one in a hundred children without a cycle comes."""
        return float(np.quantile(self.run(NULLS["independent log-normal"], schedule).chance, 0.01))


def percent(share: float) -> str:
    """Write a share."""
    return f"{100 * share:.1f}" if 0 < share < 0.0995 else f"{100 * share:.0f}"


def table(header: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """Write a table."""
    yield "| " + " | ".join(header) + " |"
    yield "|---|" + "---:|" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def sensitivity(study: Study) -> Iterator[list[str]]:
    """Give called / confirmed / by the bare statistic at 1 %, for each change and schedule."""
    for name, child in CHANGES.items():
        cells = []
        for schedule in SCHEDULES:
            found = study.run(child, schedule)
            bare = (found.chance <= study.threshold(schedule)).mean()
            confirmed = (found.call == CONFIRMED).mean()
            cells.append(f"{percent(found.called.mean())} / {percent(confirmed)} / {percent(bare)}")
        yield [name, *cells]


def false_positives(study: Study) -> Iterator[list[str]]:
    """Give called / confirmed / not supported of children without a cycle of their own."""
    for name, child in OTHERS.items():
        cells = []
        for schedule in SCHEDULES:
            call = study.run(child, schedule).call
            shares = [(call >= PROBABLE).mean(), (call == CONFIRMED).mean(), (call == 1).mean()]
            cells.append(" / ".join(percent(s) for s in shares))
        yield [name, *cells]


def calibration(study: Study) -> Iterator[list[str]]:
    """Give the share of noise whose probability is below each level; every child permuted."""
    for name, child in NULLS.items():
        for schedule in SCHEDULES:
            share = permuted(study, child, schedule)
            yield [name, schedule, *(percent((share < level).mean()) for level in LEVELS)]


def permuted(study: Study, child: Child, schedule: str) -> Floats:
    """Give the probabilities by permutation, also of children no rule would call."""
    from hematon.engine.chance import chance

    cycles = study.run(child, schedule).cycles
    assert cycles is not None
    known = np.flatnonzero(~np.isnan(cycles.peak.period))
    part = cycles.series.of(known)
    peak = type(cycles.peak)(
        *(getattr(cycles.peak, f)[known] for f in type(cycles.peak).__dataclass_fields__)
    )
    gap = cycles.gap[known]
    return chance(part, peak, 2 * gap, gap).probability


def coverage(study: Study) -> Iterator[list[str]]:
    """Give how often the true next nadir falls into the interval, and how wide it is."""
    for name in (*list(CHANGES)[:3], "noise 40 %", "uneven cycles (SD 2 d)"):
        found = study.run(CHANGES[name], "3 a week, 6 weeks")
        assert found.cycles is not None
        inside, width = [], []
        for i, row in enumerate(found.cycles.found.tolist()):
            if row < 0 or np.isnan(found.cycles.next_nadir[row, 0]):
                continue
            low, _, high = found.cycles.next_nadir[row] - BIRTH
            width.append((high - low) / 2)
            inside.append(any(low <= t <= high for t in found.troughs[i]))
        yield [name, str(len(inside)), percent(float(np.mean(inside))), f"{np.mean(width):.1f}"]


# --- the picture -------------------------------------------------------------------------------


def picture(study: Study) -> str:
    """Draw called children by schedule: with a cycle over noise, and without one."""
    noises = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
    width, height, left, top = 720, 300, 52, 28
    plot_w, plot_h = 400, 210
    colors = ("#46328c", "#a81e54", "#7a5200", "#1f6f5c", "#6b6b6b")
    marks = ("none", "6 3", "2 3", "8 3 2 3", "1 4")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="sans-serif" font-size="11">',
        "<title>Children called by noise and schedule</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="16" font-size="12">Called probable or confirmed, % of simulated '
        "children (solid dots: with a cycle; open: without)</text>",
    ]

    def x(noise: float) -> float:
        return left + (noise - noises[0]) / (noises[-1] - noises[0]) * plot_w

    def y(share: float) -> float:
        return top + (1 - share) * plot_h

    for share in (0, 0.2, 0.4, 0.6, 0.8, 0.95, 1):
        out.append(
            f'<line x1="{left}" x2="{left + plot_w}" y1="{y(share):.1f}" y2="{y(share):.1f}" '
            f'stroke="#d8d3e2"/><text x="{left - 6}" y="{y(share) + 4:.1f}" '
            f'text-anchor="end">{100 * share:.0f}</text>'
        )
    for noise in noises:
        out.append(
            f'<text x="{x(noise):.1f}" y="{top + plot_h + 16}" '
            f'text-anchor="middle">{100 * noise:.0f} %</text>'
        )
    out.append(
        f'<text x="{left + plot_w / 2}" y="{top + plot_h + 34}" text-anchor="middle">'
        "noise of a single count (standard deviation of its natural logarithm)</text>"
    )
    for k, schedule in enumerate(SCHEDULES):
        for child, fill in ((CYCLIC, colors[k]), (Child(high=0.6), "#fff")):
            shares = [study.run(replace(child, noise=s), schedule).called.mean() for s in noises]
            path = "L".join(f"{x(s):.1f} {y(v):.1f}" for s, v in zip(noises, shares, strict=True))
            out.append(
                f'<path d="M{path}" fill="none" stroke="{colors[k]}" stroke-width="1.6" '
                f'stroke-dasharray="{marks[k]}"/>'
            )
            out.extend(
                f'<circle cx="{x(s):.1f}" cy="{y(v):.1f}" r="3" fill="{fill}" '
                f'stroke="{colors[k]}"/>'
                for s, v in zip(noises, shares, strict=True)
            )
        at = top + 20 + 22 * k
        out.append(
            f'<line x1="{left + plot_w + 24}" x2="{left + plot_w + 60}" y1="{at}" y2="{at}" '
            f'stroke="{colors[k]}" stroke-width="1.6" stroke-dasharray="{marks[k]}"/>'
            f'<text x="{left + plot_w + 68}" y="{at + 4}">{schedule}</text>'
        )
    out.append("</svg>\n")
    return "\n".join(out)


def page(study: Study) -> Iterator[str]:
    """Write the page."""
    version = study.knowledge.version
    yield "# Evaluation of the search for periodic neutropenia\n"
    yield (
        "Made by `make evaluate-periodicity`; do not edit by hand. "
        f"Engine {hematon.__version__}, knowledge {version}, seed {SEED}, {study.n} simulated "
        "children in each cell.\n"
    )
    yield (
        "**Simulated children prove nothing clinical.** The simulator shares no code with the "
        "detector, but the same people chose its shapes. No public series of real children with "
        "this disease was found to test on.\n"
    )
    base = next(iter(CHANGES.values()))
    often = study.run(base, "3 a week, 6 weeks")
    weekly = study.run(base, "weekly, 12 weeks")
    yield (
        "In short, for the base child: three counts a week for six weeks call "
        f"{percent(often.called.mean())} % (goal 95), weekly counts for twelve weeks "
        f"{percent(weekly.called.mean())} % (goal 80).\n"
    )
    yield "![Children called by noise and schedule](evaluation-periodicity.svg)\n"
    yield "## Children with a cycle\n"
    yield (
        "Percent called (probable or confirmed) / confirmed / by the bare statistic: period 14 to "
        "36 days and a false-alarm probability at or below the one that 1 % of independent noise "
        "reaches on that schedule. Weekly counts are never confirmed: they cannot exclude the "
        "shorter period that they would show as the same.\n"
    )
    yield from table(["child", *SCHEDULES], sensitivity(study))
    yield "\n## Children without a cycle of their own\n"
    yield "Percent called / confirmed / not supported.\n"
    yield from table(["child", *SCHEDULES], false_positives(study))
    yield (
        "\nChemotherapy that nobody recorded is a cycle of 21 days to the engine: only the record "
        "can say otherwise.\n"
    )
    yield "## Is the false-alarm probability what it says?\n"
    yield (
        "Percent of series without a cycle whose probability by permutation is below each level, "
        "at any period. At or below the level is right.\n"
    )
    yield from table(
        ["noise", "schedule", *(f"below {level:g}" for level in LEVELS)], calibration(study)
    )
    yield "\n## The next nadir\n"
    yield (
        "Confirmed children, three counts a week for six weeks: how often a true nadir lies in the "
        "interval said to hold it with 95 %, and half its width in days.\n"
    )
    yield from table(["child", "confirmed", "in the interval, %", "half width, d"], coverage(study))


def main() -> None:
    """Write page and picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--children", type=int, default=100)
    study = Study(parser.parse_args().children)
    PAGE.write_text("\n".join(page(study)) + "\n", encoding="utf-8")
    PICTURE.write_text(picture(study), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
