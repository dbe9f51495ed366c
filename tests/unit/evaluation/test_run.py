"""From a folder to a page, a plot and figures, with a survey, baselines and their absence."""

from __future__ import annotations

import shutil
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hematon.errors import UnreadableError
from hematon.evaluation.baselines import read_baselines
from hematon.evaluation.page import page
from hematon.evaluation.plot import reliability_plot
from hematon.evaluation.run import MEASURED_APART, Evaluation, evaluate, siblings_of
from hematon.evaluation.scores import Bin
from hematon.evaluation.survey import ANALYTES, is_survey, judge_survey, population_groups, section
from hematon.knowledge import Knowledge
from unit.evaluation.case_files import packet, write_lines

TYPICAL = {
    "wbc": 7.0, "anc": 3.5, "alc": 2.5, "monocytes": 0.5, "eosinophils": 0.2, "rbc": 4.6,
    "hemoglobin": 12.9, "hematocrit": 38.0, "mcv": 83.0, "rdw_cv": 12.8, "platelets": 290.0,
    "mpv": 9.0,
}  # fmt: skip


def write_survey(path: Path) -> Path:
    """Write a survey of three children and two who are left out: an adult, and one pregnant."""
    rows: list[dict[str, Any]] = []
    for i, (years, months, sex, pregnant) in enumerate(
        [(7, None, "male", False), (16, 200, "female", False), (3, 40, "female", False),
         (40, None, "male", False), (16, None, "female", True)]
    ):  # fmt: skip
        values = {name: TYPICAL[a] for a, name in ANALYTES.items()}
        if i == 1:
            values |= {"hemoglobin_g_dL": 6.0, "platelets_10e9_L": 12.0, "neutrophils_10e9_L": 0.3}
        if i == 2:
            values |= {"mpv_fL": None, "platelets_10e9_L": 100.0}
        row = {
            "SEQN": i, "age_years": years, "age_months": months, "sex": sex,
            "race_ethnicity_ridreth1": "one" if i % 2 else "other", "exam_weight": 2.0,
            "pregnant_at_exam": pregnant,
        }  # fmt: skip
        rows.append({**row, **values})
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture(scope="module")
def whole(folder: Path, loaded: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The synthetic sets with a survey, another table, and a baseline."""
    place = Path(shutil.copytree(folder, tmp_path_factory.mktemp("whole") / "sets"))
    pq.write_table(pa.table({"SEQN": [1]}), place / "feed.parquet")
    write_survey(place / "survey.parquet")
    rows = {"terms.jsonl:t1": [0.9, 0.1], "packets:fa1": [0.2, 0.8]}
    baselines = place.parent / "b.json"
    baselines.write_bytes(orjson.dumps({"baselines": [_baseline(rows)]}))
    return evaluate(place, loaded, baselines=baselines)


def _baseline(cases: dict[str, list[float]], **more: str) -> dict[str, Any]:
    row = {"id": "b", "name": "A baseline", "text": "It ranks.", "kind": "probability"}
    return {**row, "conditions": ["dba", "fanconi_anemia"], "cases": cases, **more}


# --- the whole ---------------------------------------------------------------------------------


def test_page_says_every_figure_it_needs(whole: Evaluation) -> None:
    """Each section stands, with the cases that were left out and why."""
    text = whole.page("plot.svg")
    for heading in (
        "Cases",
        "Ranking",
        "Beside simpler ways to rank",
        "Do the shares mean what they say",
        "Conditions that must not be missed",
        "Patients with another disease",
        "Never tested",
        "Children of a national survey",
    ):
        assert f"\n## {heading}\n" in text
    assert "of no kind (OMIM:4) 1" in text
    assert "### A baseline" in text
    assert "### Prior alone" in text
    assert "](plot.svg)" in text
    assert "both, counts hidden" in text
    assert "Shwachman-Diamond syndrome" in text.partition("## Never tested")[2]
    assert whole.unreadable == 1
    assert "passed over, no survey: feed.parquet" in whole.notes
    assert "passed over, no case set: notes.json" in whole.notes


def test_every_row_of_a_table_has_as_many_cells(whole: Evaluation) -> None:
    """A condition's name or a case set's may hold anything, and the tables stay tables."""
    width = 0
    for line in whole.page().splitlines():
        if not line.startswith("|"):
            width = 0
        else:
            width = width or line.count("|")
            assert line.count("|") == width, line


def test_page_without_survey_plot_or_left_out_sources(folder: Path, loaded: Knowledge) -> None:
    """What was not done is not shown, and that own sources were kept is said."""
    found = evaluate(folder, loaded, leave_out_own=False, include_variants=True)
    text = found.page()
    assert "**not** left out" in text
    assert "![" not in text
    assert "national survey" not in text
    assert found.figures.population == ()


def test_page_ends_with_what_was_measured_apart(whole: Evaluation, tmp_path: Path) -> None:
    """The pages that stand beside it under its name, in order, with the pictures they have."""
    for name, title in (("next-tests", "Next tests"), ("periodicity", "Cycles"), ("other", "No")):
        (tmp_path / f"page-{name}.md").write_text(f"# {title}\n\nText.\n")
    (tmp_path / "page-periodicity.svg").write_text("<svg/>")
    text = whole.page("p.svg", siblings_of(tmp_path / "page.md"))
    assert text.endswith(
        "\n## Measured apart\n\n[Cycles](page-periodicity.md)\n\n"
        "![Cycles](page-periodicity.svg)\n\n[Next tests](page-next-tests.md)\n"
    )


def test_page_without_siblings_says_nothing_of_them(whole: Evaluation, tmp_path: Path) -> None:
    """A page elsewhere has none."""
    assert siblings_of(tmp_path / "page.md") == ()
    assert "Measured apart" not in whole.page()


def test_the_projects_own_page_shows_them() -> None:
    """What `make evaluate` writes beside `docs/evaluation.md` is linked from it."""
    page_file = Path(__file__).parents[3] / "docs" / "evaluation.md"
    siblings = siblings_of(page_file)
    assert {s.page for s in siblings} >= {
        "evaluation-periodicity.md",
        "evaluation-next-tests.md",
    }
    apart = page_file.read_text("utf-8").partition("\n## Measured apart\n")[2]
    assert all(f"]({s.page})" in apart for s in siblings)
    assert all(f"]({s.picture})" in apart for s in siblings if s.picture)
    beside = {file.name for file in page_file.parent.glob("evaluation-*.md")}
    assert beside <= {f"evaluation-{name}.md" for name in MEASURED_APART}


def test_page_of_one_group_has_no_plot(tmp_path: Path, loaded: Knowledge) -> None:
    """Without a case that a condition covers there is nothing to plot, and no band."""
    file = write_lines(tmp_path / "one.jsonl", [packet("g", "OMIM:620926")])
    found = evaluate(file, loaded)
    assert found.plot() == ""
    assert "![" not in found.page("plot.svg")


def test_all_conditions_tested_says_none(whole: Evaluation) -> None:
    """An empty list is said, not left blank."""
    (tested,) = [whole.figures.tested]
    text = page(whole.figures, {c: c for c in tested.conditions})
    assert f"0 of {len(tested.conditions)} conditions have no published patient here: none." in text


def test_evaluation_is_the_same_each_time(folder: Path, loaded: Knowledge) -> None:
    """The page, the plot and the figures, to the byte."""
    one, other = evaluate(folder, loaded), evaluate(folder, loaded)
    assert one.page("p") == other.page("p")
    assert one.plot() == other.plot()
    assert one.figures.to_json() == other.figures.to_json()


def test_progress_has_a_title_for_each_step(folder: Path, loaded: Knowledge) -> None:
    """Reading, then assessing."""
    titles: list[str] = []

    def progress(title: str) -> Callable[[int, int], None]:
        titles.append(title)
        return lambda done, total: None

    evaluate(folder, loaded, progress=progress)
    assert titles == ["reading", "assessing"]


# --- the plot ----------------------------------------------------------------------------------


def test_plot_is_svg_with_a_point_for_each_bin(whole: Evaluation) -> None:
    """It can be parsed, says its title, and draws an interval where there is one."""
    root = ElementTree.fromstring(whole.plot())
    space = "{http://www.w3.org/2000/svg}"
    calibration = next(c for c in whole.figures.calibration if c.level == "condition")
    assert len(root.findall(f"{space}circle")) == len(calibration.bins)
    intervals = sum(b.observed_low is not None for b in calibration.bins)
    drawn = [x for x in root.iter(f"{space}line") if x.get("class") == "interval"]
    assert len(drawn) == intervals
    assert "10 cases" in (root.findtext(f"{space}title") or "")


def test_points_lie_where_the_shares_say(whole: Evaluation) -> None:
    """A perfect bin lies on the dashed line from corner to corner."""
    from dataclasses import replace

    calibration = replace(
        whole.figures.calibration[0],
        bins=(Bin(5, 0.0, 0.0, None, None), Bin(5, 1.0, 1.0, 0.5, 1.0)),
    )
    root = ElementTree.fromstring(reliability_plot(calibration))
    space = "{http://www.w3.org/2000/svg}"
    (ideal,) = [x for x in root.iter(f"{space}line") if x.get("class") == "ideal"]
    low, high = root.findall(f"{space}circle")
    assert (low.get("cx"), low.get("cy")) == (ideal.get("x1"), ideal.get("y1"))
    assert (high.get("cx"), high.get("cy")) == (ideal.get("x2"), ideal.get("y2"))


# --- the survey --------------------------------------------------------------------------------


def test_survey_counts_children_only(tmp_path: Path, loaded: Knowledge) -> None:
    """An adult and a pregnant girl are left out; the sick child is found."""
    path = write_survey(tmp_path / "s.parquet")
    assert is_survey(path)
    survey, result = judge_survey(path, loaded, "general_pediatrics")
    assert survey.ids == ["0", "1", "2"]
    assert survey.years.tolist() == pytest.approx([7.5, 200 / 12, 40 / 12])
    groups = {g.name: g for g in population_groups(survey, result)}
    assert groups["all"].children == 3
    assert groups["all"].urgent == 1
    assert groups["girls"].urgent == 1
    assert groups["boys"].urgent == 0
    assert sum(groups["all"].levels.values()) == 3
    assert groups["any lineage low"].children == 2
    text = "\n".join(section(survey, result))
    assert "Urgency E or U24: 1 of 3" in text
    assert "16.7 y girl" in text


def test_survey_without_pyarrow_is_left_out_and_said(
    folder: Path, tmp_path: Path, loaded: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cases are still evaluated."""
    place = Path(shutil.copytree(folder, tmp_path / "sets"))
    write_survey(place / "survey.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = evaluate(place, loaded)
    assert found.survey == ()
    (note,) = [n for n in found.notes if n.startswith("survey.parquet left out")]
    assert "hematon[evaluate]" in note


# --- baselines ---------------------------------------------------------------------------------


def test_baselines_are_read_in_the_order_of_the_cases(tmp_path: Path) -> None:
    """A case it was not given is unknown; a condition it does not know stands last."""
    file = tmp_path / "b.json"
    rows = [_baseline({"a": [0.9, 0.1]}), _baseline({"a": [0.9, 0.1]}, kind="similarity")]
    file.write_bytes(orjson.dumps({"baselines": rows}))
    ids = ["fanconi_anemia", "tec", "dba", "something_else"]
    probability, similarity = read_baselines(file, ["b", "a"], ids)
    assert np.isnan(probability.shares[0]).all()
    assert probability.shares[1].tolist() == [0.1, 0.0, 0.9, 0.0]
    assert similarity.shares[1].tolist() == [0.1, -1.0, 0.9, -1.0]


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"baselines": [{}]}', orjson.dumps({"baselines": [
        _baseline({"a": [1.0]})]}), orjson.dumps({"baselines": [
        {**_baseline({}), "conditions": ["nothing"]}]})],
)  # fmt: skip
def test_file_that_is_no_baseline_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever is wrong with it, the message says how to make one."""
    file = tmp_path / "b.json"
    file.write_bytes(content)
    with pytest.raises(UnreadableError, match="no file of baselines"):
        read_baselines(file, ["a"], ["dba", "fanconi_anemia", "something_else"])
