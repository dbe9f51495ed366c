"""Run the engine over the children of a national survey and write docs/evaluation.md.

    python tools/evaluate_population.py [SURVEY.parquet]

The survey is NHANES 1999-2010 (US public domain), read from the evaluation data beside the
project (`HEMATON_SHARED`, default ../shared). It goes through the array path that a warehouse
uses. What is printed: the share of children flagged by each urgency rule, by age, sex and
ancestry, and every child in urgency E or U24 with the numbers that put it there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

import hematon
from hematon.engine import BatchAssessment, assess_columns
from hematon.engine.columns import Columns, Given, Results
from hematon.engine.urgency import LEVELS
from hematon.knowledge import Knowledge, load_knowledge

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "docs" / "evaluation.md"
SURVEY = "cases/nhanes_1999_2010_cbc.parquet"
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
        table = pq.read_table(path)
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


def groups(survey: Survey) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Name the groups the tables are split by."""
    yield "all", np.ones(len(survey.ids), dtype=bool)
    for low, high in AGE_BANDS:
        yield f"{low}-{high - 1} y", (survey.years >= low) & (survey.years < high)
    yield "girls", ~survey.male
    yield "boys", survey.male
    for name in sorted(set(survey.ancestry)):
        yield name, survey.ancestry == name


def share(hit: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_], weight: Floats) -> str:
    """Write a count and the share weighted to the population."""
    if not rows.any():
        return "-"
    weighted = weight[rows & hit].sum() / weight[rows].sum()
    return f"{int((rows & hit).sum())} ({1000 * weighted:.1f})"


def tables(survey: Survey, result: BatchAssessment) -> Iterator[str]:
    """Write the tables."""
    names = list(groups(survey))
    header = "| | " + " | ".join(f"{g} (n={int(r.sum()):,})" for g, r in names) + " |"
    line = "|---|" + "---:|" * len(names)
    yield "Children (and, in brackets, per 1,000 of the population by examination weight).\n"
    yield header.replace("| |", "| urgency |", 1)
    yield line
    for level in reversed(LEVELS):
        hit = result.urgency_levels == level
        yield f"| {level} | " + " | ".join(share(hit, r, survey.weight) for _, r in names) + " |"
    yield ""
    yield header.replace("| |", "| rule matched |", 1)
    yield line
    silent = []
    for k, rule in enumerate(result.knowledge.rules["urgency"]):
        hit = result.urgency.rules[:, k] == 1
        if not hit.any():
            silent.append(rule["id"])
            continue
        cells = " | ".join(share(hit, r, survey.weight) for _, r in names)
        yield f"| {rule['id']} {rule['name']} | {cells} |"
    yield ""
    yield f"Rules that matched no child: {', '.join(silent)}."
    yield ""
    yield header.replace("| |", "| lineage low |", 1)
    yield line
    for k, name in enumerate(("red", "white", "platelet")):
        hit = result.lineages[:, k] == 1
        yield f"| {name} | " + " | ".join(share(hit, r, survey.weight) for _, r in names) + " |"


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


def report(survey: Survey, result: BatchAssessment) -> str:
    """Write the page."""
    n = len(survey.ids)
    flagged = int((result.urgency.level >= LEVELS.index("U24")).sum())
    knowledge = result.knowledge
    return "\n".join(
        [
            "# Evaluation",
            "",
            "Made by `make evaluation`; do not edit by hand. "
            f"Engine {hematon.__version__}, knowledge {knowledge.version} "
            f"(`{knowledge.fingerprint[:16]}`).",
            "",
            "## Children of a national survey",
            "",
            f"{n:,} children of 1 to 17 years with a blood count, NHANES 1999-2010 (US public "
            "domain), one draw each, nothing else known about them. They were well enough to come "
            "to an examination center, so nearly all should need nothing at once.",
            "",
            f"**Urgency E or U24: {flagged} of {n:,} ({1000 * flagged / n:.2f} per 1,000; goal "
            "below 1).** Each of them:",
            "",
            *urgent(survey, result),
            "",
            "How it splits by age, sex and ancestry (as the survey records it; the engine is not "
            "told the ancestry, and Duffy-null status is unknown for everyone, so neutropenia in "
            "Black children is over-called here as it would be in any laboratory without it):",
            "",
            *tables(survey, result),
            "",
            "What this cannot say: nothing below one year of age, nothing about sick children, and "
            "unweighted counts over-represent some groups (the weighted share is in brackets).",
            "",
        ]
    )


def main() -> None:
    """Evaluate and write the page; say what is missing when the survey is not there."""
    default = Path(os.environ.get("HEMATON_SHARED", ROOT.parent / "shared")) / SURVEY
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    if not path.exists():
        sys.exit(f"evaluation data not present: {path.name} (set HEMATON_SHARED)")
    knowledge = load_knowledge()
    survey = Survey(path)
    page = report(survey, assess_columns(survey.columns(knowledge), knowledge))
    OUTPUT.write_text(page, "utf-8")
    print(page.split("How it splits")[0])


if __name__ == "__main__":
    main()
