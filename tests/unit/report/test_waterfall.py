"""The steps of one condition as a picture that keeps its words."""

from __future__ import annotations

import math
import re

import pytest

from hematon.engine.assessment import Candidate
from hematon.report.waterfall import waterfall
from unit.report import sample

_NUMBER = r"(-?\d+\.\d\d)%"


def leader() -> Candidate:
    """Fanconi anemia of the full sample: nine pieces of evidence, two of them small."""
    return sample.full().differential[0]


def rows(page: str) -> list[str]:
    """The body rows of the table."""
    return re.findall(r"<tr.*?</tr>", page.split("<tbody", 1)[1])


def test_rows_run_from_the_starting_point_to_the_place() -> None:
    """One row for each larger step in the order given, one for the small ones, and the two ends."""
    page = waterfall(leader(), ())
    heads = [re.search(r"<th[^>]*>(.*?)</th>", row)[1] for row in rows(page)]  # type: ignore[index]
    assert heads[0].startswith("Starting point: ")
    assert heads[1] == "Hemoglobin, neutrophils and platelets low together"
    assert heads[-2] == "2 smaller pieces"
    assert heads[-1] == "Place in this ranking"
    assert len(heads) == 1 + 8 + 1 + 1


def test_bars_are_placed_by_the_log_odds() -> None:
    """Each bar runs from where the last one ended, and its length is its step."""
    found = leader()
    page = rows(waterfall(found, ()))
    bars = [
        tuple(float(x) for x in match.groups())
        for row in page
        if (match := re.search(f'<rect class="(?:up|down)" x="{_NUMBER}" width="{_NUMBER}"', row))
    ]
    marks = [
        float(match[1])
        for row in page
        if (match := re.search(f'<circle class="place" cx="{_NUMBER}"', row))
    ]
    prior = found.contributions[0].log_ratio_against_rest
    scale = (marks[1] - marks[0]) / (found.log_odds_against_rest - prior)
    assert bars[0][0] == pytest.approx(marks[0], abs=0.02)
    assert bars[1][0] == pytest.approx(bars[0][0] + bars[0][1], abs=0.02)
    step = found.contributions[1].log_ratio_against_rest
    assert bars[0][1] == pytest.approx(scale * step, abs=0.02)


def test_side_is_said_in_words() -> None:
    """A step for and a step against differ by word and not only by color."""
    page = waterfall(sample.full().differential[1], ())
    assert re.search(r"LR \d+(\.\d)? for, (strong|moderate|some)", page)
    assert re.search(r"LR 0\.\d+ against, (strong|moderate|some|slight)", page)
    assert 'class="down"' in page


def test_a_condition_without_evidence_stays_where_it_starts() -> None:
    """Only the two ends are drawn, and nothing is gathered."""
    bare = sample.candidate(
        1, "dba", "Diamond-Blackfan anemia", 0.5, "fits_well", (sample.prior(1.0),)
    )
    page = waterfall(bare, ())
    assert len(rows(page)) == 2
    assert page.count("1:1</td>") == 2
    assert "smaller" not in page


def test_one_small_piece_is_one() -> None:
    """Number and noun agree."""
    small = sample.contribution("FH_CONSANG", "no parents related", 1.05)
    one = sample.candidate(
        1, "dba", "Diamond-Blackfan anemia", 0.5, "fits_well", (sample.prior(0.5), small)
    )
    page = waterfall(one, ())
    assert "1 smaller piece<" in page
    assert "no difference" in page


def test_far_odds_are_ticked_sparsely() -> None:
    """A condition that starts at one in ten million still has at most six numbers on its axis."""
    far = sample.candidate(
        1,
        "dba",
        "DBA",
        0.1,
        "could_fit",
        (sample.prior(1e-9), sample.contribution("mcv", "MCV high", 1e10)),
    )
    page = waterfall(far, ())
    ticks = re.findall(r"<text[^>]*>(.*?)</text>", page)
    assert 3 <= len(ticks) <= 6
    assert "1:1" in ticks
    assert math.isfinite(far.log_odds_against_rest)
