"""Charts draw what was measured over the band the engine judges with."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hematon.engine import intervals
from hematon.engine.assessment import Assessment
from hematon.engine.batch import SUPPORT_BEFORE
from hematon.engine.describe_inputs import SUPPORT
from hematon.knowledge import Knowledge
from hematon.report import charts
from unit.report import sample


def test_dated_counts_with_limits_are_drawn(knowledge: Knowledge) -> None:
    """A value without an age, or an analyte without limits, is not drawn."""
    assert charts.charted(sample.full(), knowledge) == (
        *("hemoglobin", "anc", "platelets", "mcv", "retic_abs", "hbf_pct", "wbc", "alc"),
        "monocytes",
    )
    assert charts.charted(sample.sparse(), knowledge) == ()


@pytest.mark.parametrize(("sex", "code"), [("female", -1), ("male", 1)])
@pytest.mark.parametrize("analyte", ["hemoglobin", "anc", "platelets", "hbf_pct"])
def test_band_is_the_one_the_engine_judges_with(
    knowledge: Knowledge, analyte: str, sex: str, code: int
) -> None:
    """Picture and judgment come from the same limits, at every age."""
    ages = np.array([0.0, 40.0, 400.0, 2641.0, 6000.0, 9000.0])
    child = replace(sample.full(), sex=sex)
    drawn = charts.band(child, knowledge, analyte, ages)
    judged = intervals.limits(
        knowledge, analyte, ages, np.full(6, code, np.int8), np.zeros(6, np.int8)
    )
    np.testing.assert_allclose(drawn.lower, judged.lower_min)
    np.testing.assert_allclose(drawn.median, judged.median)
    np.testing.assert_allclose(drawn.upper, judged.upper_max)


def test_unknown_sex_draws_the_union(knowledge: Knowledge) -> None:
    """Without a sex the band spans both: no value is drawn outside that could be inside."""
    ages = np.array([5800.0])
    limits = {
        sex: charts.band(replace(sample.full(), sex=sex), knowledge, "hemoglobin", ages)
        for sex in ("female", "male", None)
    }
    assert limits[None].lower == min(limits["female"].lower, limits["male"].lower)
    assert limits[None].upper == max(limits["female"].upper, limits["male"].upper)
    assert limits["female"].upper < limits["male"].upper


def test_duffy_null_has_its_own_band_for_neutrophils(knowledge: Knowledge) -> None:
    """A child known to be Duffy-null is drawn over the limits that fit."""
    ages = np.array([2641.0])
    null = replace(sample.full(), findings=sample.emergency().findings)
    assert charts.is_duffy_null(null)
    assert not charts.is_duffy_null(sample.full())
    usual = charts.band(sample.full(), knowledge, "anc", ages)
    assert charts.band(null, knowledge, "anc", ages).lower < usual.lower
    same = charts.band(sample.full(), knowledge, "mcv", ages)
    assert charts.band(null, knowledge, "mcv", ages).lower == same.lower


def classes(svg: str, element: str) -> list[str]:
    """Give the classes of each such element."""
    return re.findall(rf'<{element} class="([^"]*)"', svg)


def test_marks_say_what_a_value_is_without_color(knowledge: Knowledge) -> None:
    """Hollow under treatment, a triangle for a bound, larger in the judged draw."""
    svg = charts.chart(sample.emergency(), knowledge, "platelets")
    assert classes(svg, "circle") == ["point", "point", "point hollow"]
    assert classes(svg, "polygon") == ["point hollow", "point hollow"]
    full = charts.chart(sample.full(), knowledge, "platelets")
    assert re.findall(r' r="([0-9.]+)"', full) == ["3.4", "3.4", "4.6"]


def test_triangles_point_where_the_value_lies(knowledge: Knowledge) -> None:
    """`<` points down, `>` points up."""
    svg = charts.chart(sample.emergency(), knowledge, "platelets")
    up, down = (
        [float(p.split(",")[1]) for p in points.split()]
        for points in re.findall(r'points="([^"]*)"', svg)
    )
    assert up[2] < up[0]
    assert down[2] > down[0]


def test_a_value_from_before_a_treatment_is_the_childs_own() -> None:
    """Only a treatment that touches the value makes its mark hollow."""
    item = sample.full().inputs[0]
    assert not charts.is_supported(item)
    assert not charts.is_supported(replace(item, support=SUPPORT[SUPPORT_BEFORE]))
    assert charts.is_supported(replace(item, support="under treatment"))


def test_one_draw_has_no_course(knowledge: Knowledge) -> None:
    """A single point is a point, with its label and the band around it."""
    svg = charts.chart(sample.full(), knowledge, "hbf_pct")
    assert 'class="course"' not in svg
    assert ">6.8</text>" in svg
    assert 'class="course"' in charts.chart(sample.full(), knowledge, "hemoglobin")


def test_labels_never_overprint(knowledge: Knowledge) -> None:
    """With two draws a week for months, labels stay few and apart, and the latest has one."""
    full = sample.full()
    first = next(i for i in full.inputs if i.analyte == "anc")
    inputs = tuple(
        replace(first, value=round(1.5 + np.sin(k / 2).item(), 2), age_days=2000 + 3 * k)
        for k in range(60)
    )
    svg = charts.chart(replace(full, inputs=inputs), knowledge, "anc")
    found = re.findall(r'class="value" x="([0-9.]+)" y="([0-9.]+)"[^>]*>([^<]+)<', svg)
    boxes = [(float(x), float(y), len(t) * charts.CHARACTER_WIDTH / 2) for x, y, t in found]
    assert 2 <= len(boxes) <= 4
    assert classes(svg, "circle") == ["point small"] * 60
    for a in range(len(boxes)):
        for b in range(a):
            far = abs(boxes[a][0] - boxes[b][0]) >= boxes[a][2] + boxes[b][2] - 0.2
            assert far or abs(boxes[a][1] - boxes[b][1]) >= charts.LINE_HEIGHT
    assert f">{inputs[-1].value:g}</text>" in svg


def test_a_chart_is_said_in_words(knowledge: Knowledge) -> None:
    """Title and description carry every value for a reader who does not see."""
    svg = charts.chart(sample.full(), knowledge, "hemoglobin")
    assert 'role="img"' in svg
    assert "10.8 g/dL at 6 y 2 mo" in svg
    assert "Reference band at the end of the chart: 11.5 to 15.5 g/dL." in svg


@pytest.mark.parametrize("child", [sample.full(), sample.emergency()])
def test_every_mark_is_on_the_paper(knowledge: Knowledge, child: Assessment) -> None:
    """Zero on a logarithmic axis included."""
    for analyte in charts.charted(child, knowledge):
        svg = charts.chart(child, knowledge, analyte)
        for x, y in re.findall(r'cx="([0-9.-]+)" cy="([0-9.-]+)"', svg):
            assert charts.LEFT <= float(x) <= charts.WIDTH - charts.RIGHT
            assert charts.TOP <= float(y) <= charts.HEIGHT - charts.BOTTOM + 0.1


def test_where_there_is_no_room_a_label_is_left_out(knowledge: Knowledge) -> None:
    """Draws on one day share a place: the latest keeps its label, the marks all stay."""
    full = sample.full()
    first = next(i for i in full.inputs if i.analyte == "anc")
    inputs = tuple(replace(first, value=1.0 + k / 100) for k in range(8))
    svg = charts.chart(replace(full, inputs=inputs), knowledge, "anc")
    assert len(classes(svg, "circle")) == 8
    assert len(classes(svg, "text")) - svg.count('class="tick"') - svg.count('class="edge') == 2
    assert ">1.07</text>" in svg
