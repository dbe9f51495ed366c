"""What the report says about time, and the picture of the cycle."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from hematon.engine import assess
from hematon.engine.assessment import Assessment
from hematon.engine.case import Finding
from hematon.knowledge import Knowledge
from hematon.report import cycle_chart, html, over_time, terminal
from series import SIX_WEEKS, TWELVE_WEEKS, case_of, cycling
from unit.report import sample
from unit.report.test_html import Page


@pytest.fixture(scope="module")
def confirmed(knowledge: Knowledge) -> Assessment:
    """A confirmed cycle with one infected count and a companion."""
    monocytes = [2.0 if c < 0.3 else 0.5 + 0.02 * k for k, c in enumerate(cycling(SIX_WEEKS))]
    case = case_of(
        SIX_WEEKS,
        cycling(SIX_WEEKS),
        other={"monocytes": monocytes, "platelets": [250.0] * len(SIX_WEEKS)},
        findings=(Finding("HP:0001945", True, age_days=1006),),
    )
    return assess(case, knowledge)


@pytest.fixture(scope="module")
def probable(knowledge: Knowledge) -> Assessment:
    """A probable cycle of weekly counts."""
    return assess(case_of(TWELVE_WEEKS, cycling(TWELVE_WEEKS, phase=1.0)), knowledge)


def printed(assessment: Assessment) -> str:
    """Print the part about time."""
    console = Console(file=io.StringIO(), width=400)
    terminal.render(assessment, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return text.partition("OVER TIME")[2].partition("SEVERITY CRITERIA")[0]


def test_terminal_tells_the_cycle(confirmed: Assessment) -> None:
    """Call, companion, what was left out, the next nadir and what is due."""
    text = printed(confirmed)
    assert "confirmed on serial counts" in text
    assert "Monocytes cycle with them (p " in text
    assert re.search(r"Left out: \d counts about a documented infection", text)
    assert re.search(r"Next nadir expected \d+ days after the last count used \(\d+ to \d+;", text)
    assert "ELANE" in text
    assert "Platelets cycle" not in text
    assert "White cells: no trend beyond chance" in text


def test_terminal_tells_what_is_missing(probable: Assessment) -> None:
    """The alias, the criteria not met and the counts that would tell."""
    text = printed(probable)
    assert re.search(r"cannot tell this period from one of 10\.\d* days", text)
    assert "Not confirmed for want of: Not a shorter period" in text
    assert "18 further neutrophil counts, 3 a week for 6 weeks" in text
    assert "Next nadir" not in text


def test_terminal_tells_treatments() -> None:
    """Dependence, intervals and what held counts up."""
    text = printed(sample.full())
    assert "Red cells: transfusion dependent, transfused on 4 days of the last 16 weeks" in text
    assert "usually every 21 days" in text
    assert "Platelets: not transfusion dependent" in text
    assert "hemoglobin carried by transfused red cells" in text
    assert "Platelets: falling" in text


def test_nothing_to_tell() -> None:
    """Without serial counts the terminal is silent and the page says so."""
    assert printed(sample.sparse()) == ""
    assert not over_time.is_told(sample.sparse())


def test_page_holds_the_picture(confirmed: Assessment, knowledge: Knowledge) -> None:
    """One point a count, hollow where left out, the expected nadir, and the same in words."""
    page = html.render(confirmed, knowledge)
    assert not Page(page).open
    figure = page.partition('class="chart cycle"')[2].partition("</svg>")[0]
    cycle = confirmed.trends.neutrophil_cycle
    assert figure.count("<circle") == len(cycle.counts)
    left_out = sum(bool(c.left_out) for c in cycle.counts)
    assert 0 < left_out == figure.count("hollow")
    assert "next nadir, day" in figure
    assert "(left out)" in figure
    assert "<script" not in figure
    assert "What the call rests on" in page


def test_page_without_a_cycle(knowledge: Knowledge) -> None:
    """Counts that are asked for stand there without a picture; nothing else does."""
    few = assess(case_of(SIX_WEEKS[:3], [0.3, 0.4, 0.2]), knowledge)
    page = html.render(few, knowledge)
    assert "further neutrophil counts" in page
    assert "chart cycle" not in page
    assert "Over time" not in html.render(sample.sparse(), knowledge)


def test_picture_of_a_probable_cycle(probable: Assessment) -> None:
    """No nadir is foretold; a long course has a tick at most every few days."""
    cycle = probable.trends.neutrophil_cycle
    assert cycle.fit is not None
    figure = str(cycle_chart.cycle_chart(cycle, cycle.fit))
    assert "next nadir" not in figure
    ticks = re.findall(r'text-anchor="middle">(\d+)<', figure)
    assert [int(t) for t in ticks] == [0, 14, 28, 42, 56, 70, 84]


def test_height_is_the_published_formula(confirmed: Assessment) -> None:
    """At its trough the wave is level, slope and minus the amplitude."""
    fit = confirmed.trends.neutrophil_cycle.fit
    assert fit is not None
    flat = replace(fit, slope_per_day=0.0)
    assert cycle_chart.height(flat, fit.trough_age_days) == pytest.approx(
        10 ** (fit.level - fit.amplitude)
    )
    half = fit.trough_age_days + fit.period_days / 2
    assert cycle_chart.height(flat, half) == pytest.approx(10 ** (fit.level + fit.amplitude))


def test_words_for_what_is_not_known() -> None:
    """A nadir without an age and a slope without counts are dashes."""
    trends = sample.full().trends
    bare = replace(
        trends.platelet, nadir=None, slope_per_30_days=None, from_age_days=None, onset_age_days=None
    )
    (row,) = over_time.trend_rows(replace(trends, red=replace(trends.red, draws=2), platelet=bare))
    assert (row[2], row[4], row[5]) == ("–", "–", "–")
