"""Children of a national survey through the engine: whom it would call urgent, and what it says.

The survey is NHANES 1999-2010 (US public domain): one blood count each, nothing else known. It goes
through the array path that a warehouse uses. Reading it needs pyarrow, which is imported when a
survey is there: the extra `evaluate` brings it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hematon.engine import BatchAssessment, assess_columns
from hematon.engine.columns import Columns, Given, Results
from hematon.engine.urgency import LEVELS
from hematon.errors import HematonError
from hematon.evaluation.figures import PopulationGroup
from hematon.evaluation.measure import fits_well
from hematon.knowledge import Knowledge

ANALYTES = {
    "wbc": "wbc_10e9_L",
    "anc": "neutrophils_10e9_L",
    "alc": "lymphocytes_10e9_L",
    "monocytes": "monocytes_10e9_L",
    "eosinophils": "eosinophils_10e9_L",
    "rbc": "rbc_10e12_L",
    "hemoglobin": "hemoglobin_g_dL",
    "hematocrit": "hematocrit_pct",
    "mcv": "mcv_fL",
    "rdw_cv": "rdw_pct",
    "platelets": "platelets_10e9_L",
    "mpv": "mpv_fL",
}
AGE_BANDS = ((1, 2), (2, 6), (6, 12), (12, 18))

Floats = npt.NDArray[np.float64]


class Survey:
    """The children of the survey as arrays."""

    def __init__(self, path: Path, below_years: int = 18) -> None:
        table = _parquet().read_table(path)
        column = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
        months = column["age_months"].astype(float)
        years = column["age_years"].astype(float)
        exact = np.where(np.isnan(months), years + 0.5, months / 12)
        keep = (exact < below_years) & ~column["pregnant_at_exam"].astype(bool)
        self.ids = [str(i) for i in column["SEQN"][keep]]
        self.years = exact[keep]
        self.male = np.array([s == "male" for s in column["sex"][keep]])
        self.ancestry = np.array([str(s) for s in column["race_ethnicity_ridreth1"][keep]])
        self.weight = column["exam_weight"][keep].astype(float)
        self.values = {a: column[name][keep].astype(float) for a, name in ANALYTES.items()}

    def columns(self, knowledge: Knowledge) -> Columns:
        """Give the survey as columns for the engine: one draw each, nothing else known."""
        n = len(self.ids)
        age = np.floor(self.years * 365.25)
        parts = []
        for analyte, value in self.values.items():
            rows = np.flatnonzero(~np.isnan(value))
            index = np.full(len(rows), knowledge.analytes[analyte].index)
            parts.append((rows, index, value[rows], age[rows]))
        case, index, value, when = (np.concatenate(p) for p in zip(*parts, strict=True))
        nothing = np.full(len(case), np.nan)
        return Columns(
            ids=self.ids,
            age=age,
            sex=np.where(self.male, 1, -1).astype(np.int8),
            as_of_age=np.full(n, np.inf),
            results=Results(
                case, index, value, np.zeros(len(case), np.int8), when, nothing, nothing
            ),
            given=Given(*(np.zeros(0, dtype=t) for t in (np.int64, np.int64, float, float))),
            stated=np.zeros((n, len(knowledge.findings)), np.int8),
            stated_age=np.full(n, np.nan),
            recorded=np.zeros((n, len(knowledge.conditions)), np.int8),
        )


def _groups(survey: Survey) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Name the groups the tables are split by."""
    yield "all", np.ones(len(survey.ids), dtype=bool)
    for low, high in AGE_BANDS:
        yield f"{low}-{high - 1} y", (survey.years >= low) & (survey.years < high)
    yield "girls", ~survey.male
    yield "boys", survey.male
    for name in sorted(set(survey.ancestry)):
        yield name, survey.ancestry == name


def _share(hit: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_], weight: Floats) -> str:
    """Write a count and the share weighted to the population."""
    if not rows.any():
        return "-"
    weighted = weight[rows & hit].sum() / weight[rows].sum()
    return f"{int((rows & hit).sum())} ({1000 * weighted:.1f})"


def tables(survey: Survey, result: BatchAssessment) -> Iterator[str]:
    """Write the tables."""
    names = list(_groups(survey))
    header = "| | " + " | ".join(f"{g} (n={int(r.sum()):,})" for g, r in names) + " |"
    line = "|---|" + "---:|" * len(names)
    yield "Children (and, in brackets, per 1,000 of the population by examination weight).\n"
    yield header.replace("| |", "| urgency |", 1)
    yield line
    for level in reversed(LEVELS):
        hit = result.urgency_levels == level
        yield f"| {level} | " + " | ".join(_share(hit, r, survey.weight) for _, r in names) + " |"
    yield ""
    yield header.replace("| |", "| rule matched |", 1)
    yield line
    silent = []
    for k, rule in enumerate(result.knowledge.rules["urgency"]):
        hit = result.urgency.rules[:, k] == 1
        if not hit.any():
            silent.append(rule["id"])
            continue
        cells = " | ".join(_share(hit, r, survey.weight) for _, r in names)
        yield f"| {rule['id']} {rule['name']} | {cells} |"
    yield ""
    yield f"Rules that matched no child: {', '.join(silent)}."
    yield ""
    yield header.replace("| |", "| lineage low |", 1)
    yield line
    for k, name in enumerate(("red", "white", "platelet")):
        hit = result.lineages[:, k] == 1
        yield f"| {name} | " + " | ".join(_share(hit, r, survey.weight) for _, r in names) + " |"


def urgent(survey: Survey, result: BatchAssessment) -> Iterator[str]:
    """List every child in E or U24 with the numbers that put it there."""
    yield "| age, sex | level | rules | Hb g/dL | ANC 10*9/L | platelets 10*9/L | WBC | MCV fL |"
    yield "|---|---|---|---:|---:|---:|---:|---:|"
    for i in np.flatnonzero(result.urgency.level >= LEVELS.index("U24")):
        rules = [
            r["id"]
            for k, r in enumerate(result.knowledge.rules["urgency"])
            if result.urgency.rules[i, k] == 1 and r["level"] in ("E", "U24")
        ]
        v = {a: survey.values[a][i] for a in survey.values}
        sex = "boy" if survey.male[i] else "girl"
        yield (
            f"| {survey.years[i]:.1f} y {sex} | {result.urgency_levels[i]} | {', '.join(rules)} "
            f"| {v['hemoglobin']:.1f} | {v['anc']:.1f} | {v['platelets']:.0f} | {v['wbc']:.1f} "
            f"| {v['mcv']:.0f} |"
        )


def section(survey: Survey, result: BatchAssessment) -> Iterator[str]:
    """Write the survey's section of the page, line by line."""
    n = len(survey.ids)
    flagged = int((result.urgency.level >= LEVELS.index("U24")).sum())
    whole, *_, low = population_groups(survey, result)
    yield from (
        "## Children of a national survey",
        "",
        f"{n:,} children of 1 to 17 years with a blood count, NHANES 1999-2010 (US public domain), "
        "one draw each, nothing else known about them. They were well enough to come to an "
        "examination center, so nearly all should need nothing at once.",
        "",
        f"**Urgency E or U24: {flagged} of {n:,} ({1000 * flagged / n:.2f} per 1,000; goal below "
        "1).** A marrow failure condition *fits well* in "
        f"{whole.fits_well} of {n:,}, and in {low.fits_well} of the {low.children:,} who have a "
        f"lineage low; something else leads in {whole.something_else_first:,} and "
        f"{low.something_else_first:,}. Each child in E or U24:",
        "",
        *urgent(survey, result),
        "",
        "How it splits by age, sex and ancestry (as the survey records it; the engine is not told "
        "the ancestry, and Duffy-null status is unknown for everyone, so neutropenia in Black "
        "children is over-called here as it would be in any laboratory without it):",
        "",
        *tables(survey, result),
        "",
        "What this cannot say: nothing below one year of age, nothing about sick children, and "
        "unweighted counts over-represent some groups (the weighted share is in brackets).",
        "",
    )


# --- reading and judging -----------------------------------------------------------------------


class NoPyarrowError(HematonError):
    """A survey is there, and pyarrow is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "reading a population survey needs pyarrow: pip install 'hematon[evaluate]', "
            "or leave the survey out"
        )


def is_survey(path: Path) -> bool:
    """Say whether a Parquet file is a survey of the shape of NHANES.

    Raises:
        NoPyarrowError: pyarrow is not installed.
    """
    wanted = {"SEQN", "age_years", "sex", "exam_weight", *ANALYTES.values()}
    return wanted <= set(_parquet().read_schema(path).names)


def judge_survey(path: Path, knowledge: Knowledge, setting: str) -> tuple[Survey, BatchAssessment]:
    """Read a survey and judge its children."""
    survey = Survey(path)
    return survey, assess_columns(survey.columns(knowledge), knowledge, setting=setting)


def population_groups(survey: Survey, result: BatchAssessment) -> tuple[PopulationGroup, ...]:
    """Count the children, in all and by age, sex and ancestry."""
    urgent = result.urgency.level >= LEVELS.index("U24")
    posterior = result.differential.posterior
    fits, _ = fits_well(posterior, result.knowledge)
    first = posterior.argmax(axis=1) == posterior.shape[1] - 1
    parts = [*_groups(survey), ("any lineage low", (result.lineages == 1).any(axis=1))]
    return tuple(
        PopulationGroup(
            name=name,
            children=int(rows.sum()),
            urgent=int((rows & urgent).sum()),
            levels={
                level: int((rows & (result.urgency.level == k)).sum())
                for k, level in enumerate(LEVELS)
            },
            fits_well=int((rows & fits).sum()),
            something_else_first=int((rows & first).sum()),
        )
        for name, rows in parts
    )


def _parquet() -> Any:
    try:
        from pyarrow import parquet  # type: ignore[import-untyped]  # it ships no types
    except ImportError:
        raise NoPyarrowError from None
    return parquet
