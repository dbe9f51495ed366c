"""The evaluation as a page a person reads: `docs/evaluation.md`, figures only from `Figures`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hematon.evaluation.figures import (
    Baseline,
    Figures,
    Level,
    NeverMiss,
    Ranking,
    Stratum,
)
from hematon.evaluation.goals import Scale, goals
from hematon.evaluation.measure import MARROW_FAILURE
from hematon.evaluation.scores import BINS, DRAWS, SEED, Estimate
from hematon.report.evidence import BANDS

NEVER_SPLITS: Final = ("all", "case set", "condition")
RANKING_HEAD: Final = ("cases", "publications", "first", "in three", "in five", "reciprocal rank")
SPLITS: Final[Mapping[str, str]] = {
    "all": "",
    "own publication kept": "own publication kept in the knowledge: ",
    "case set": "",
    "evidence": "",
    "both, one hidden": "both, ",
    "age": "",
}


@dataclass(frozen=True, slots=True)
class Sibling:
    """A page of something measured apart, beside this one.

    Attributes:
        title: its heading.
        page: its address, as seen from this page.
        picture: address of its picture; empty for none.
    """

    title: str
    page: str
    picture: str


def page(
    figures: Figures,
    conditions: Mapping[str, str],
    survey: Sequence[str] = (),
    plot: str = "evaluation-reliability.svg",
    siblings: Sequence[Sibling] = (),
) -> str:
    """Write the page as Markdown.

    Args:
        figures: what the evaluation found.
        conditions: condition id to name.
        survey: lines of the survey's section; empty when there was none.
        plot: address of the reliability plot, as seen from the page; empty for none.
        siblings: what was measured apart.
    """
    lines = [
        "# Evaluation",
        "",
        "Made by `make evaluate` (`hematon evaluate`); do not edit by hand. "
        f"Engine {figures.engine}, knowledge {figures.knowledge} "
        f"(`{figures.fingerprint[:16]}`), setting {figures.setting}.",
        "",
        *_goals(figures),
        *_how(figures),
        *_case_sets(figures),
        *_rankings(figures),
        *_baselines(figures.baselines),
        *_calibration(figures, plot),
        *_never_miss(figures.never_miss, conditions),
        *_specificity(figures),
        *_tested(figures, conditions),
        *survey,
        *_measured_apart(siblings),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _goals(figures: Figures) -> Iterator[str]:
    aims = goals(figures)
    if not aims:
        return
    yield from _table(
        ("goal", "cases", "sought", "measured", "met"),
        (
            (
                aim.text,
                f"{aim.cases:,}",
                f"{'at least' if aim.at_least else 'at most'} {_scaled(aim.sought, aim.scale)}",
                _estimate(aim.measured, aim.scale),
                ("yes" if aim.met else "**no**") + (", in doubt" if aim.in_doubt else ""),
            )
            for aim in aims
        ),
    )
    yield from (
        "",
        "In doubt: the interval reaches to the other side of the goal. Groups of conditions are "
        "ranked, something else is not.",
        "",
    )


def _how(figures: Figures) -> Iterator[str]:
    own = (
        "Evidence of the knowledge that rests on a case's own publication alone is left out when "
        f"that case is judged ({figures.knowledge_remade} cases)."
        if figures.own_sources_left_out
        else "Evidence from a case's own publication is **not** left out in this run."
    )
    yield from (
        "Published patients, with genes, variants and diagnoses withheld from the engine. What "
        "counts as right is `src/hematon/evaluation/truth.yaml`. The weights of the model were "
        "fitted on the project's own case sets (`make fit`), and the model was looked at against "
        "them while it was built: on those this is no independent test. " + own,
        "",
        "A condition is right only where its entry covers the disease. A patient with another "
        "disease is *something else*, also where a cytopenia was seen; a disease that belongs to a "
        "group but to none of its conditions is scored at group level alone.",
        "",
        f"Brackets hold 95 % intervals from {DRAWS:,} resamples of publications (seed {SEED}); one "
        "publication alone has none, and with a handful they are too narrow.",
        "",
    )


def _case_sets(figures: Figures) -> Iterator[str]:
    yield from ("## Cases", "")
    head = ("set", "scored", "publications", "circular", "unreadable", "not scored")
    yield from _table(
        head,
        (
            (
                s.name,
                f"{s.scored:,}",
                f"{s.publications:,}",
                f"{s.circular:,}",
                f"{s.unreadable:,}",
                "; ".join(f"{d} {n}" for d, n in s.not_scored.items()) or "none",
            )
            for s in figures.case_sets
        ),
    )
    yield from (
        "",
        "Circular: the patient's own publication is known to have fed the public annotations of "
        "its disease, or evidence of the knowledge. Not scored: the truth table knows no condition "
        "and no group for the disease.",
        "",
    )


# --- ranking -----------------------------------------------------------------------------------


def _rankings(figures: Figures) -> Iterator[str]:
    yield from ("## Ranking", "")
    yield (
        "Where the right answer stands. Something else is not ranked; the last column ranks it "
        "too. *Moves*: how far the share that came first moves, at most, when one publication is "
        "left out of the count. The largest publication: "
        f"{figures.largest_publication or 'none'}."
    )
    for level, title in (
        ("group", "Groups of conditions"),
        ("condition", "Single conditions"),
    ):
        yield from ("", f"### {title}", "")
        split = [s for s in figures.strata if s.by in SPLITS]
        yield from _ranking_table(split, "condition" if level == "condition" else "group")
    yield from ("", "### By group of the right answer", "")
    yield from _ranking_table([s for s in figures.strata if s.by == "group"], "group")
    yield ""


def _ranking_table(strata: Sequence[Stratum], level: Level) -> Iterator[str]:
    rows = (
        (
            f"**{SPLITS.get(s.by, '')}{s.name}**" if s.by == "all" else _named(s),
            *_ranking(r),
            _estimate(r.with_something_else),
            _share(r.largest_shift),
        )
        for s in strata
        for r in s.rankings
        if r.level == level
    )
    yield from _table(("", *RANKING_HEAD, "first, something else ranked", "moves"), rows)


def _named(stratum: Stratum) -> str:
    return f"{SPLITS.get(stratum.by, '')}{stratum.name}"


def _ranking(r: Ranking) -> tuple[str, ...]:
    estimates = (r.top_1, r.top_3, r.top_5)
    return (
        f"{r.cases:,}",
        f"{r.publications:,}",
        *(_estimate(e) for e in estimates),
        _estimate(r.reciprocal_rank, "plain"),
    )


def _baselines(baselines: Sequence[Baseline]) -> Iterator[str]:
    yield from ("## Beside simpler ways to rank", "")
    yield "Each baseline with Hematon on the same cases; genes and diagnoses withheld from all."
    for baseline in baselines:
        yield from ("", f"### {baseline.name}", "", baseline.text, "")
        rows = []
        for theirs, ours in zip(baseline.strata, baseline.hematon, strict=True):
            for their, our in zip(theirs.rankings, ours.rankings, strict=True):
                where = f"{theirs.name}, {their.level}s"
                rows.append((where, baseline.name, *_ranking(their)))
                rows.append((where, "Hematon", *_ranking(our)))
        yield from _table(("cases", "ranked by", *RANKING_HEAD), rows)
    yield ""


# --- shares ------------------------------------------------------------------------------------


def _calibration(figures: Figures, plot: str) -> Iterator[str]:
    yield from ("## Do the shares mean what they say", "")
    yield (
        "One prediction per case: the leading row of its ranking, something else among the rows, "
        "and the share it was given. Expected calibration error: the mean distance between the "
        f"share stated and the share right over {BINS} bins of equal mass (equal width beside "
        "it), weighted by cases. Brier: multi-class over all rows, 0 perfect, 2 worst; several "
        "right answers are one class."
    )
    yield ""
    yield from _table(
        ("cases", "rows", "n", "calibration error", "equal width", "Brier"),
        (
            (
                c.name,
                f"{c.level}s",
                f"{c.cases:,}",
                _estimate(c.error, "plain"),
                _estimate(c.error_equal_width, "plain"),
                _estimate(c.brier, "plain"),
            )
            for c in figures.calibration
        ),
    )
    if plot and (whole := figures.whole_calibration) is not None:
        yield from ("", f"![Reliability of the leading row, {whole.cases:,} cases]({plot})")
    yield from ("", "Every condition of every case, by the word the report uses for its fit:", "")
    yield from _table(
        ("word", "conditions", "mean share stated", "right", "Brier"),
        (
            (
                BANDS.get(b.band, b.band),
                f"{b.predictions:,}",
                _share(b.stated),
                _share(b.right),
                f"{b.brier:.4f}",
            )
            for b in figures.bands
        ),
    )
    yield ""


def _never_miss(rows: Sequence[NeverMiss], conditions: Mapping[str, str]) -> Iterator[str]:
    yield from ("## Conditions that must not be missed", "")
    yield (
        "Cases whose right answer is marked `never_miss`: whether it is among the first five "
        "conditions, and whether it is there or in the list that is always shown."
    )
    yield ""
    yield from _table(
        ("", "cases", "in five", "in five or always shown"),
        (
            (
                conditions.get(r.name, r.name),
                f"{r.cases:,}",
                _estimate(r.in_five),
                _estimate(r.shown),
            )
            for by in NEVER_SPLITS
            for r in rows
            if r.by == by
        ),
    )
    yield ""


def _specificity(figures: Figures) -> Iterator[str]:
    yield from ("## Patients with another disease", "")
    yield (
        "Patients whose disease no condition of the knowledge covers. Marrow failure conditions "
        f"are those of the categories {', '.join(MARROW_FAILURE)}."
    )
    yield ""
    yield from _table(
        (
            "cases",
            "n",
            "something else leads",
            "no marrow failure condition fits well",
            "one or the other",
            "no condition fits well",
        ),
        (
            (
                s.name,
                f"{s.cases:,}",
                _estimate(s.something_else_first),
                _estimate(s.no_marrow_failure_fits_well),
                _estimate(s.either),
                _estimate(s.no_condition_fits_well),
            )
            for s in figures.specificity
        ),
    )
    yield ""


def _tested(figures: Figures, conditions: Mapping[str, str]) -> Iterator[str]:
    tested = figures.tested
    never = [name for c, name in conditions.items() if c not in tested.conditions]
    yield from ("## Never tested", "")
    yield (
        f"{len(never)} of {len(conditions)} conditions have no published patient here: "
        f"{'; '.join(never) or 'none'}. The ancestry is stated for {tested.ancestry_stated} of "
        f"{tested.cases} patients, and Duffy-null for {tested.duffy_null}: how well the ranking "
        "does by ancestry is not known. The clinician report says the same of each condition it "
        "names, from `src/hematon/report/tested.json`."
    )
    yield ""


def _measured_apart(siblings: Sequence[Sibling]) -> Iterator[str]:
    if not siblings:
        return
    yield from ("## Measured apart", "")
    for sibling in siblings:
        yield f"[{sibling.title}]({sibling.page})"
        yield ""
        if sibling.picture:
            yield from (f"![{sibling.title}]({sibling.picture})", "")


# --- cells -------------------------------------------------------------------------------------


def _estimate(e: Estimate, scale: Scale = "share") -> str:
    if e.low is None or e.high is None:
        return _scaled(e.value, scale)
    interval = f"{_scaled(e.low, scale)} to {_scaled(e.high, scale)}"
    unit = {"share": " %", "per_thousand": " per 1,000", "plain": ""}[scale]
    return f"{_scaled(e.value, scale)} ({interval.replace(unit, '') if unit else interval})"


def _scaled(value: float, scale: Scale) -> str:
    if scale == "share":
        return _share(value)
    return f"{1000 * value:.2f} per 1,000" if scale == "per_thousand" else f"{value:.3f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if value >= 0.1 or value == 0 else f"{100 * value:.1f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
