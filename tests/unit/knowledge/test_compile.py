"""Compiling: what becomes of a frequency, a band and an ontology term, the same every time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import orjson
import pytest

from hematon.knowledge import Knowledge
from hematon.knowledge.annotations import Annotations
from hematon.knowledge.compile import compile_knowledge, rule
from hematon.knowledge.compiled import SOMETHING_ELSE, normalize_name
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.records import Criterion, IntervalBand, IntervalsFile


@pytest.fixture(scope="module")
def bundle(files: KnowledgeFiles) -> dict[str, Any]:
    """The compiled bundle, as JSON would give it back."""
    made: dict[str, Any] = orjson.loads(orjson.dumps(compile_knowledge(files, "f" * 64)))
    return made


@pytest.fixture(scope="module")
def compiled(bundle: dict[str, Any]) -> Knowledge:
    """The compiled knowledge."""
    return Knowledge.from_bundle(bundle, no_annotations)


def no_annotations() -> Annotations:
    """Nothing compiled here opens the annotations."""
    raise AssertionError


def _columns(compiled: Knowledge, *names: str) -> list[int]:
    return [compiled.findings[name].index for name in names]


def _row(compiled: Knowledge, condition: str) -> int:
    (index,) = [c.index for c in compiled.conditions if c.id == condition]
    return index


# --- the bundle as a whole ---------------------------------------------------------------------


def test_same_files_give_the_same_bundle(files: KnowledgeFiles) -> None:
    """Nothing in the compiled form depends on the run."""
    first, second = (orjson.dumps(compile_knowledge(files, "f" * 64)) for _ in range(2))
    assert first == second


def test_axes_are_those_of_the_files(files: KnowledgeFiles, compiled: Knowledge) -> None:
    """Rows are the conditions in order and something else; columns are the findings in order."""
    ids = [c.id for c in files.conditions]
    assert [c.id for c in compiled.conditions] == [*ids, SOMETHING_ELSE]
    assert list(compiled.finding_ids) == [f.id for f in files.findings.findings]
    shape = (len(compiled.conditions), len(compiled.findings))
    assert compiled.frequency.shape == shape
    assert compiled.log_ratio_present.shape == compiled.log_ratio_absent.shape == shape[::-1]
    assert [c.index for c in compiled.conditions] == list(range(shape[0]))
    assert [f.index for f in compiled.findings.values()] == list(range(shape[1]))


def test_something_else_is_no_condition_of_the_files(compiled: Knowledge) -> None:
    """The row for a cause the knowledge does not hold has no file and no prior of its own."""
    assert SOMETHING_ELSE not in compiled.condition_ids
    assert compiled.conditions[-1].prior == 0.0


def test_rule_is_plain_values_without_unset_keys() -> None:
    """A compiled rule uses the keys of the file."""
    written = {"not": {"analyte": "anc", "from": 1.0}}
    assert rule(Criterion.model_validate(written)) == written
    assert rule(None) is None


def test_setting_without_numbers_takes_the_fitted_ones(
    files: KnowledgeFiles, compiled: Knowledge
) -> None:
    """One setting is the one the weights were fitted for; the others say their own."""
    referral = compiled.settings["all"]["referral"]
    for name in ("prior_exponent", "something_else_share"):
        assert referral[name] == files.fitted.parameters[name].value
    assert compiled.settings["all"]["population"]["prior_exponent"] == 1.0
    assert compiled.fit["settings"] == ["referral"]


# --- likelihoods -------------------------------------------------------------------------------


def test_frequencies_stay_off_zero_and_one(compiled: Knowledge) -> None:
    """No finding is taken as impossible or certain in any condition."""
    floor = compiled.parameters["frequency_floor"]
    assert compiled.frequency.min() >= floor
    assert compiled.frequency.max() <= 1 - floor


def test_counted_frequency_is_drawn_to_the_background(
    files: KnowledgeFiles, compiled: Knowledge
) -> None:
    """25 of 28 children with background 0.2 and two children's worth of it: (25 + 0.4) / 30."""
    (row,) = [
        e
        for c in files.conditions
        if c.id == "fanconi_anemia"
        for e in c.evidence
        if e.finding == "MAR_HYPO"
    ]
    assert (row.n, row.of, row.grade) == (25, 28, "counted")
    assert compiled.findings["MAR_HYPO"].background == 0.2
    assert compiled.parameters["pseudo_count"] == 2.0
    (column,) = _columns(compiled, "MAR_HYPO")
    used = compiled.frequency[_row(compiled, "fanconi_anemia"), column]
    assert used == pytest.approx(25.4 / 30)


def test_estimated_frequency_is_used_as_it_stands(compiled: Knowledge) -> None:
    """There is nothing to shrink in an estimate, whatever count it was adjusted from."""
    stated = compiled.evidence("dba", "LAB_THROMBOCYTOSIS")
    assert (stated.grade, stated.n) == ("expert", 21)
    (column,) = _columns(compiled, "LAB_THROMBOCYTOSIS")
    assert compiled.frequency[_row(compiled, "dba"), column] == stated.frequency


def test_finding_a_condition_says_nothing_of_is_as_in_all_children(
    files: KnowledgeFiles, compiled: Knowledge
) -> None:
    """Silence means that the finding is no part of the condition."""
    silent = next(
        f
        for f in files.findings.findings
        if f.general_population and compiled.evidence("dba", f.id) is None
    )
    used = compiled.frequency[_row(compiled, "dba"), compiled.findings[silent.id].index]
    assert used == pytest.approx(max(silent.general_population or 0, 0.001))


def test_something_else_has_the_background(compiled: Knowledge) -> None:
    """A finding never argues for or against the row for something else."""
    known = [f.index for f in compiled.findings.values() if (f.background or 0) >= 0.001]
    assert np.allclose(compiled.log_ratio_present[known, -1], 0.0, atol=1e-12)
    assert np.allclose(compiled.log_ratio_absent[known, -1], 0.0, atol=1e-12)


def test_likelihood_ratios_are_clamped(compiled: Knowledge) -> None:
    """One finding moves the odds by at most the stated factors, and some reach them."""
    low, high = (np.log(compiled.parameters[p]) for p in ("ratio_min", "ratio_max"))
    for ratios in (compiled.log_ratio_present, compiled.log_ratio_absent):
        assert ratios.min() >= low - 1e-12
        assert ratios.max() <= high + 1e-12
    assert compiled.log_ratio_present.max() == pytest.approx(high)


def test_likelihood_ratio_is_frequency_over_background(compiled: Knowledge) -> None:
    """Splenomegaly in Diamond-Blackfan anemia: 0.02 / 0.20 present, 0.98 / 0.80 absent."""
    column, row = compiled.findings["HP:0001744"].index, _row(compiled, "dba")
    assert compiled.evidence("dba", "HP:0001744").frequency == 0.02
    assert compiled.findings["HP:0001744"].background == 0.2
    assert np.exp(compiled.log_ratio_present[column, row]) == pytest.approx(0.1)
    assert np.exp(compiled.log_ratio_absent[column, row]) == pytest.approx(1.225)


# --- presentations -----------------------------------------------------------------------------


def test_lineage_weights_sum_to_one(compiled: Knowledge) -> None:
    """Each child with a condition presents in exactly one way."""
    assert compiled.lineage_weights.min() >= 0
    assert np.allclose(compiled.lineage_weights.sum(axis=0), 1.0)


def test_isolated_anemia_is_how_diamond_blackfan_anemia_presents(compiled: Knowledge) -> None:
    """The weight of red alone low follows the stated share of isolated anemia."""
    shape = tuple(
        len(lineage["not_low"]) + len(lineage["low"]) for lineage in compiled.raw["lineages"]
    )
    weights = compiled.lineage_weights[:, _row(compiled, "dba")].reshape(shape)
    start = [len(lineage["not_low"]) for lineage in compiled.raw["lineages"]]
    red_alone = weights[start[0] :, : start[1], : start[2]].sum()
    shares = [
        compiled.evidence("dba", name).frequency
        for name in (
            "LAB_ISO_ANEMIA",
            "LAB_ISO_NEUTROPENIA",
            "LAB_ISO_THROMBOCYTOPENIA",
            "LAB_BICYTOPENIA",
            "LAB_PANCYTOPENIA",
        )
    ]
    assert red_alone == pytest.approx(shares[0] / sum(shares), abs=0.005)


def test_something_else_can_explain_normal_counts(compiled: Knowledge) -> None:
    """Three normal lineages are not evidence against a cause the knowledge does not hold."""
    starts = [len(lineage["not_low"]) for lineage in compiled.raw["lineages"]]
    shape = tuple(
        len(lineage["not_low"]) + len(lineage["low"]) for lineage in compiled.raw["lineages"]
    )
    weights = compiled.lineage_weights[:, -1].reshape(shape)
    normal = weights[: starts[0], : starts[1], : starts[2]].sum()
    assert normal == pytest.approx(0.3)


def test_channel_weights_sum_to_one(compiled: Knowledge) -> None:
    """The states of a measured analyte share out each condition among them."""
    for channel in compiled.raw["channels"]:
        weights = np.array(channel["weights"])
        assert weights.shape == (len(channel["states"]), len(compiled.conditions))
        assert weights.min() >= 0
        assert np.allclose(weights.sum(axis=0), 1.0)


# --- reference intervals -----------------------------------------------------------------------


def test_limits_have_knots_in_order_of_age(compiled: Knowledge) -> None:
    """Limits run continuously: each knot lies after the one before, lower < median < upper."""
    for interval in compiled.raw["intervals"].values():
        for knots in interval["variants"].values():
            age, lower, median, upper, divisor = np.array(knots).T
            assert (np.diff(age) > 0).all()
            assert (lower < median).all()
            assert (median < upper).all()
            assert (divisor > 0).all()


def test_short_band_has_one_knot_and_a_long_one_two(files: KnowledgeFiles) -> None:
    """A short band bends in its middle; a long one is flat but for half a year at its edges."""
    band = IntervalBand(
        sex="any",
        population="any",
        age_min_days=0,
        age_max_days=100,
        lower=1.0,
        median=2.0,
        upper=3.0,
        kind="mean+-2SD",
        grade="expert",
        source=["EXPERT"],
    )
    long = band.model_copy(
        update={"age_min_days": 101, "age_max_days": 7670, "kind": "5th pct (lower)"}
    )
    interval = IntervalsFile(
        analyte="mpv", unit="fL", edition="1", reviewed=files.findings.reviewed, bands=[long, band]
    )
    changed = dataclasses.replace(files, intervals=(interval,))
    variants = compile_knowledge(changed, "")["raw"]["intervals"]["mpv"]["variants"]
    assert variants["female/any"] == [
        [50.0, 1.0, 2.0, 3.0, 2.0],
        [283.0, 1.0, 2.0, 3.0, 1.6449],
        [7488.0, 1.0, 2.0, 3.0, 1.6449],
    ]
    assert set(variants) == {"female/any", "male/any"}


def test_duffy_null_limits_begin_where_their_bands_do(compiled: Knowledge) -> None:
    """Before 3 months everyone's limits stand for a Duffy-null child too."""
    variants = compiled.raw["intervals"]["anc"]["variants"]
    everyone, null = variants["male/any"], variants["male/duffy_null"]
    young = [knot for knot in null if knot[0] < 91]
    assert young == [knot for knot in everyone if knot[0] < 61]
    assert null[-1][1] < everyone[-1][1]


# --- ontology ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "findings"),
    [
        # A combined term says both of its parts.
        ("HP:0001433", {"HP:0001744", "HP:0002240"}),
        # A term beneath says the finding above it.
        ("HP:0001199", {"HP:0001172", "HP:0001199"}),
        # A term of the ontology and the finding computed from counts are one.
        ("HP:0001876", {"LAB_PANCYTOPENIA"}),
        # A finding without a term goes by its own id.
        ("TST_DEB_POS", {"TST_DEB_POS"}),
        # A broader term present does not say which of the terms beneath it.
        ("HP:0000365", set()),
        ("HP:9999999", set()),
    ],
)
def test_term_satisfies_findings(compiled: Knowledge, term: str, findings: set[str]) -> None:
    """An observed term counts for each finding that is the term or above it."""
    assert set(compiled.findings_of(term)) == findings


def test_broader_term_has_findings_beneath(compiled: Knowledge) -> None:
    """No hearing impairment means none of its kinds; an unknown term excludes nothing."""
    assert compiled.findings_beneath("HP:0000365") == ("HP:0000407",)
    assert compiled.findings_beneath("HP:9999999") == ()


@pytest.mark.parametrize(
    ("term", "status"),
    [
        ("HP:0001744", "used"),
        ("HP:0011297", "used"),
        ("HP:0000057", "obsolete"),
        ("HP:0000001", "known"),
        ("HP:0000004", "unknown"),
        ("HP:0000000", "unknown"),
        ("HP:9999999", "unknown"),
        ("HP:123", "unknown"),
        ("HP:abcdefg", "unknown"),
    ],
)
def test_status_of_a_term(compiled: Knowledge, term: str, status: str) -> None:
    """A reader can say whether an id is used, merely known, replaced, or no id at all."""
    assert compiled.hpo_status(term) == status


def test_replacement_of_an_obsolete_term(compiled: Knowledge) -> None:
    """A replaced id leads to its successor, one without a successor to nothing."""
    assert compiled.hpo_replacement("HP:0000057") == "HP:0008665"
    assert compiled.hpo_replacement("HP:0000489") == ""
    assert compiled.hpo_replacement("HP:0001744") == ""


# --- lookups -----------------------------------------------------------------------------------


def test_codes_of_conditions_lead_to_them(compiled: Knowledge) -> None:
    """A coded diagnosis is recognised in each system."""
    for code in ("OMIM:227650", "ORPHA:84", "ICD10CM:D61.03", "SNOMED:30575002"):
        assert compiled.condition_codes[code] == "fanconi_anemia"


def test_gene_leads_to_every_condition_it_causes(compiled: Knowledge) -> None:
    """RUNX1 is inherited in one condition and somatic in another."""
    conditions = {compiled.conditions[i].id: modes for i, modes in compiled.genes["RUNX1"]}
    assert {"runx1", "rcc_mds"} <= set(conditions)


def test_headings_lead_to_analytes(compiled: Knowledge) -> None:
    """A column is recognised however it is spaced or capitalized; a count goes before its share."""
    assert compiled.headers[normalize_name("Platelet Count")] == "platelets"
    assert compiled.headers[normalize_name("NEUT %")] == "neutrophils_pct"
    assert compiled.headers[normalize_name("Neutrophils")] == "anc"


def test_only_codes_in_use_belong_to_an_analyte(files: KnowledgeFiles, compiled: Knowledge) -> None:
    """A code that is known and deliberately not used stays out of the analyte's codes."""
    for analyte in files.analytes.analytes:
        used = {c.code for c in analyte.loinc if c.use in ("primary", "alternate")}
        assert set(compiled.analytes[analyte.id].loinc) == used
        assert all(compiled.loinc[c.code].use == c.use for c in analyte.loinc)


def test_analyte_without_plausible_limits_accepts_any_number(
    files: KnowledgeFiles, compiled: Knowledge
) -> None:
    """Where nobody said what is plausible, nothing is questioned."""
    for analyte in files.analytes.analytes:
        made = compiled.analytes[analyte.id]
        if analyte.plausible is None:
            assert (made.plausible_low, made.plausible_high) == (0.0, 1e12)
        else:
            assert made.plausible_low == analyte.plausible.low


# --- tests -------------------------------------------------------------------------------------


def _test(compiled: Knowledge, name: str) -> Any:
    (test,) = [t for t in compiled.tests if t.id == name]
    return test


def test_test_that_reads_a_finding_has_its_frequencies(compiled: Knowledge) -> None:
    """Acting on a result is the same as entering the finding."""
    (column,) = _columns(compiled, "TST_DEB_POS")
    row = _test(compiled, "deb_mmc").row
    present = compiled.frequency[:, column]
    assert compiled.test_outcomes[row] == pytest.approx(present)
    assert compiled.test_outcomes[row + 1] == pytest.approx(1 - present)


def test_first_finding_that_is_present_names_the_outcome(compiled: Knowledge) -> None:
    """Three outcomes of a smear with two findings: the first, the second without it, neither."""
    immune = _test(compiled, "b12_folate_mma")
    assert immune.outcomes == ("LAB_B12_LOW", "LAB_FOLATE_LOW")
    b12, folate = (compiled.frequency[:, k] for k in _columns(compiled, *immune.outcomes))
    rows = compiled.test_outcomes[immune.row : immune.row + 3]
    assert rows == pytest.approx(np.array([b12, (1 - b12) * folate, (1 - b12) * (1 - folate)]))


def test_outcomes_of_every_test_are_a_distribution(compiled: Knowledge) -> None:
    """Whatever the condition, a test has one outcome; each row belongs to one test."""
    rows = 0
    for test in compiled.tests:
        if test.row >= 0:
            assert test.row == rows
            rows += len(test.outcomes) + 1
            block = compiled.test_outcomes[test.row : rows]
            assert (block >= 0).all()
            assert block.sum(axis=0) == pytest.approx(1.0, abs=1e-8)
    assert len(compiled.test_outcomes) == rows


def test_planning_test_tells_nothing(compiled: Knowledge) -> None:
    """Typing a donor does not tell conditions apart, nor does a test that shows no finding."""
    assert _test(compiled, "hla_typing").row == -1
    assert _test(compiled, "cbc_diff").row == -1


def test_sensitivity_is_the_frequency_of_what_a_test_alone_shows(
    files: KnowledgeFiles, compiled: Knowledge
) -> None:
    """Where the rows of a condition rest on a test's accuracy, they do not drift away from it."""
    by_finding = {t.finding: t for t in files.tests.tests}
    rows = [
        (condition.id, row)
        for condition in files.conditions
        for row in condition.evidence
        if row.basis == "sensitivity of the test"
    ]
    assert rows
    for condition, row in rows:
        test = by_finding[row.finding]
        assert row.frequency == min(test.sensitivity or 0.0, 0.995)
        assert "*" in test.conditions or condition in test.conditions
        background = compiled.findings[row.finding].background
        assert background == pytest.approx(max(1 - (test.specificity or 0.0), 0.002))
