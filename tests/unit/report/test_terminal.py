"""The terminal report is urgent first, narrow enough, plain when piped, and safe."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from hematon.engine import assess
from hematon.engine.assessment import Assessment
from hematon.engine.case import Case, Measurement
from hematon.errors import HematonError
from hematon.knowledge import Knowledge
from hematon.report import terminal
from unit.report import sample
from unit.report.test_html import hostile

SAMPLES = [sample.full(), sample.sparse(), sample.emergency()]


class Utf8(io.StringIO):
    """A text stream that claims an encoding, as a terminal does."""

    encoding = "utf-8"


def printed(
    assessment: Assessment, width: int = 100, *, tty: bool = False, explain: str | None = None
) -> str:
    """Render to text."""
    console = Console(
        file=Utf8(), width=width, force_terminal=tty, color_system=None, legacy_windows=False
    )
    terminal.render(assessment, console, explain=explain)
    return console.file.getvalue()


def test_the_most_urgent_comes_first() -> None:
    """Time to act stands before every other section."""
    text = printed(sample.emergency())
    heads = re.findall(r"^[A-Z][A-Z ,]+$", text, re.MULTILINE)
    assert heads[0] == "TIME TO ACT"
    assert "EMERGENCY: GO NOW" in text
    assert text.index("EMERGENCY") < text.index("COUNTS")


@pytest.mark.parametrize("assessment", SAMPLES)
@pytest.mark.parametrize("width", [60, 120])
def test_lines_fit(assessment: Assessment, width: int) -> None:
    """Nothing is wider than the terminal and no line ends in blanks."""
    for line in printed(assessment, width).splitlines():
        assert len(line) <= width
        assert line == line.rstrip()


def test_a_full_case_is_short_enough_to_read() -> None:
    """A full case fits some three screens of an ordinary width."""
    assert 80 <= len(printed(sample.full(), 120).splitlines()) <= 140


def test_piped_output_is_plain_ascii() -> None:
    """In a pipe there are no signs a plain reader cannot show, and no color."""
    text = printed(replace(sample.full(), id="case"))
    assert text.isascii()
    assert "45 x10^9/L" in text


def test_a_terminal_gets_the_real_signs() -> None:
    """Where they can be shown, units and marks are written as printed."""
    text = " ".join(printed(sample.full(), tty=True).split())
    assert "45 ×10⁹/L" in text
    assert "◐ named source: FA_MEDSCAPE" in text


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize("assessment", SAMPLES)
def test_a_record_cannot_drive_the_terminal(assessment: Assessment, tty: bool) -> None:
    """Escape sequences and Rich markup in a record are shown, not obeyed."""
    attacked = replace(hostile(assessment), id="[bold red]x[/] \x1b[2J")
    text = printed(attacked, tty=tty)
    assert not [c for c in text if c != "\n" and (c < " " or "\x7f" <= c <= "\x9f")]
    assert "\x1b[2J" not in text
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "[bold red]x[/]" in text


def test_no_probability_without_being_asked() -> None:
    """Shares of the ranking are printed only when a condition is taken apart."""
    assert "71 %" not in printed(sample.full())
    assert "71 %" in printed(sample.full(), explain="fanconi_anemia")


def test_a_condition_taken_apart_adds_up() -> None:
    """Every contribution is there, the prior included, and the last sum is the total."""
    leader = sample.full().differential[0]
    text = printed(sample.full(), explain="fanconi_anemia")
    sums = re.findall(r"^ *([+-]?\d+\.\d\d) +([+-]?\d+\.\d\d)  \S", text, re.MULTILINE)
    assert len(sums) == len(leader.contributions)
    steps = [c.log_ratio_against_rest for c in leader.contributions]
    assert [float(step) for step, _ in sums] == [pytest.approx(s, abs=0.006) for s in steps]
    assert float(sums[-1][1]) == pytest.approx(leader.log_odds_against_rest, abs=0.006)
    assert "TSANGARIS2011" in text


def test_taking_apart_what_holds_no_contributions() -> None:
    """The absence of contributions is said."""
    assert "holds no contributions" in printed(sample.full(), explain="something_else")


def test_taking_apart_an_unknown_condition_is_refused_before_printing() -> None:
    """A misspelled id is an error a user can read, and nothing is printed."""
    console = Console(file=io.StringIO())
    with pytest.raises(HematonError, match="no condition with the id 'fancony'"):
        terminal.render(sample.full(), console, explain="fancony")
    assert console.file.getvalue() == ""


def test_empty_parts_say_so() -> None:
    """A sparse record is not an all-clear."""
    text = printed(sample.sparse())
    for said in ("NOT SETTLED", "not measured", "No rule names", "No test is", "No hazard is"):
        assert said in text


def test_nothing_missing_is_said() -> None:
    """With no missing item and no issue, the section says that it looked."""
    tidy = replace(sample.full(), missing=(), issues=())
    assert "no issue was found" in printed(tidy)


def test_variants_of_the_full_case() -> None:
    """Exclusions, confirmations, long lists, single criteria and unknown tiers are all printed."""
    full = sample.full()
    leader = replace(full.differential[0], excluded="DEB negative")
    few = tuple(replace(m, item=str(k)) for k in range(4) for m in full.missing)
    changed = replace(
        full,
        urgency=replace(
            full.urgency, level="S2", reasons=full.urgency.reasons[2:], undetermined=()
        ),
        severity=full.severity[:5],
        differential=(leader, *full.differential[1:5]),
        missing=few,
        next_tests=(replace(full.next_tests[0], tier=9),),
    )
    text = printed(changed)
    assert "Confirm: Repeat the count" in text
    assert "Excluded in the record: DEB negative" in text
    assert "Not met: 1 criterion" in text
    assert "4 more in the full report" in text
    assert "Tier 9" in text
    assert "Less likely" not in text
    unmet = replace(full, severity=full.severity[:1])
    assert "Not met" not in printed(unmet)


@pytest.mark.parametrize("assessment", SAMPLES)
def test_the_same_input_gives_the_same_text(assessment: Assessment) -> None:
    """Nothing depends on a clock or on the order of a set."""
    assert printed(assessment) == printed(assessment)


def test_a_sparse_record_is_short(knowledge: Knowledge) -> None:
    """Two counts make three screens, and what is the same for every condition is said once."""
    counts = (
        Measurement("hemoglobin", 8.1, 1500),
        Measurement("platelets", 40.0, 1500),
    )
    told = printed(assess(Case("x", sex="female", measurements=counts), knowledge))
    assert len(told.splitlines()) <= 145
    assert told.count("Hemoglobin 8.1 g/dL: low") == 1
    assert "for the counts, LR" in told
    assert "Treatment none stated" not in told


def test_the_table_of_missing_names_what_most_rules_wait_for(knowledge: Knowledge) -> None:
    """One line says what is missing and how many rules wait for it."""
    told = " ".join(printed(assess(Case("x"), knowledge)).split())
    assert re.search(r"how many rules wait for it: Platelets \(\d+\); Hemoglobin \(\d+\)", told)


def test_a_test_says_only_an_outcome_that_reorders_the_list() -> None:
    """What would lead is said where something else leads now; the rest, in the full report."""
    full = sample.full()
    told = printed(full)
    first = full.differential[0].name
    assert f"{first} would lead" not in told
    assert " would lead" in printed(replace(full, differential=full.differential[1:]))
    many = tuple(replace(full.next_tests[0], test=str(k), order=k + 1) for k in range(9))
    assert "3 more in the full report" in printed(replace(full, next_tests=many))
