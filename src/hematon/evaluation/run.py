"""One evaluation from the place where cases lie to what is written: figures, page and plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hematon.evaluation.baselines import read_baselines
from hematon.evaluation.case_sets import Progress, read_case_sets
from hematon.evaluation.figures import Figures, PopulationGroup
from hematon.evaluation.measure import measure
from hematon.evaluation.page import Sibling, page
from hematon.evaluation.plot import reliability_plot
from hematon.evaluation.survey import (
    NoPyarrowError,
    is_survey,
    judge_survey,
    population_groups,
    section,
)
from hematon.evaluation.truth import load_truth
from hematon.knowledge import Knowledge

PLOT_SUFFIX = "-reliability.svg"
MEASURED_APART = ("fit", "periodicity", "next-tests")
"""Endings of the names of pages that other commands write beside the page of the evaluation."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found, and how it is written.

    Attributes:
        figures: every figure.
        unreadable: how many cases could not be read.
        notes: what was left out, and why.
    """

    figures: Figures
    conditions: dict[str, str]
    survey: tuple[str, ...]
    unreadable: int
    notes: tuple[str, ...]

    def page(self, plot: str = "", siblings: Sequence[Sibling] = ()) -> str:
        """Write the page; `plot` is the address of the reliability plot as seen from it."""
        return page(self.figures, self.conditions, self.survey, plot, siblings)

    def plot(self) -> str:
        """Draw the reliability plot over all cases."""
        whole = self.figures.whole_calibration
        return "" if whole is None else reliability_plot(whole)


def siblings_of(file: Path) -> tuple[Sibling, ...]:
    """Give the pages measured apart that stand beside a page, with their pictures if they have one.

    Args:
        file: the page, written or not: `docs/evaluation.md` has `docs/evaluation-periodicity.md`.
    """
    found = []
    for name in MEASURED_APART:
        page_file = file.with_name(f"{file.stem}-{name}.md")
        picture = page_file.with_suffix(".svg")
        if page_file.is_file():
            with page_file.open(encoding="utf-8") as lines:
                title = lines.readline().lstrip("#").strip()
            found.append(Sibling(title, page_file.name, picture.name if picture.is_file() else ""))
    return tuple(found)


def evaluate(
    place: Path,
    knowledge: Knowledge,
    *,
    setting: str | None = None,
    leave_out_own: bool = True,
    include_variants: bool = False,
    baselines: Path | None = None,
    progress: Callable[[str], Progress] = lambda title: lambda done, total: None,
) -> Evaluation:
    """Evaluate the case sets at a place.

    Args:
        place: a file or folder of phenopackets, JSON Lines of published cases, and surveys.
        knowledge: the package's own knowledge.
        setting: whose prior; the knowledge's default when None.
        leave_out_own: whether each case is judged without evidence from its own publication.
        include_variants: whether the engine sees reported genes and variants.
        baselines: file of other rankings, made by `tools/rank_baselines.py`.
        progress: gives what is told the progress of a step, by its title.

    Raises:
        UnreadableError: there is no case set at the place, or the baselines cannot be read.
        KnowledgeError: the truth table does not fit the knowledge.
        KeyError: the setting is not known.
    """
    setting = setting or knowledge.settings["default"]
    table = load_truth(knowledge)
    sets = read_case_sets(
        place,
        knowledge,
        table,
        include_variants=include_variants,
        progress=progress("reading"),
    )
    ids = [c.id for c in knowledge.conditions]
    others = (
        () if baselines is None else read_baselines(baselines, [c.key for c in sets.cases], ids)
    )
    notes = [f"passed over, no case set: {name}" for name in sets.passed_over]
    survey: tuple[str, ...] = ()
    population: tuple[PopulationGroup, ...] = ()
    for file in sets.surveys:
        try:
            if is_survey(file):
                children, result = judge_survey(file, knowledge, setting)
                survey = tuple(section(children, result))
                population = population_groups(children, result)
                break
            notes.append(f"passed over, no survey: {file.name}")
        except NoPyarrowError as error:
            notes.append(f"{file.name} left out: {error}")
    figures = measure(
        sets,
        knowledge,
        table,
        setting=setting,
        leave_out_own=leave_out_own,
        baselines=others,
        population=population,
        progress=progress("assessing"),
    )
    return Evaluation(
        figures,
        {c.id: c.name for c in knowledge.conditions if c.id in knowledge.condition_ids},
        survey,
        sum(sets.unreadable.values()),
        tuple(notes),
    )
