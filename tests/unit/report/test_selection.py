"""No condition is dropped, and a list is never a list of one."""

from __future__ import annotations

from dataclasses import replace

from hematon.report import selection
from unit.report import sample


def test_evidence_is_sorted_by_what_it_does() -> None:
    """Strongest first on either side; what makes no difference stands apart from both."""
    weighed = selection.weigh(sample.full().differential[0])
    assert [c.evidence for c in weighed.prior] == ["prior"]
    assert weighed.supporting[0].evidence == "HP:0001172"
    assert [c.evidence for c in weighed.opposing] == ["HP:0000085"]
    assert {c.evidence for c in weighed.indifferent} == {"FH_CONSANG", "HP:0008404"}
    assert len(weighed.evidence) == 10


def test_every_condition_is_somewhere() -> None:
    """Leading, further, unexplained and something else together are the whole differential."""
    full = sample.full()
    parts = (*selection.leading(full), *selection.others(full), *selection.unexplained(full))
    shown = {c.condition for c in parts}
    assert shown | {"something_else"} == {c.condition for c in full.differential}


def test_one_good_fit_does_not_stand_alone() -> None:
    """When one condition fits far better, rivals are written out all the same."""
    full = sample.full()
    differential = tuple(
        replace(c, band="argues_against") if c.rank > 1 else c for c in full.differential
    )
    alone = replace(full, differential=differential)
    assert len(selection.fitting(alone)) == 1
    assert len(selection.leading(alone)) == selection.ALWAYS_DETAILED


def test_no_more_than_a_reader_reads() -> None:
    """With many that could fit, the first few are written out and the others listed."""
    first = sample.full().differential[0]
    many = tuple(replace(first, condition=f"c{k}", rank=k) for k in range(1, 12))
    crowded = replace(sample.full(), differential=many)
    assert len(selection.leading(crowded)) == selection.DETAILED
    assert len(selection.others(crowded)) == 11 - selection.DETAILED


def test_conditions_without_evidence_are_told_apart() -> None:
    """A condition whose evidence the assessment does not hold is not shown as having none."""
    full = sample.full()
    last = replace(full.differential[-1], contributions=())
    held = replace(full, differential=(*full.differential[:-1], last))
    assert selection.unexplained(held) == (last,)
    assert last not in selection.others(held)


def test_serial_values_run_forward_in_age() -> None:
    """Charts draw oldest first, and leave out what has no age."""
    ages = [i.age_days for i in selection.serial_inputs(sample.emergency(), "platelets")]
    assert ages == [20, 31, 34, 36, 40]
    assert selection.serial_inputs(sample.full(), "ferritin") == ()
