"""What the engine makes of a record: time, treatments, statements, contradictions, variants."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest

from hematon.engine import assess, assess_columns, assess_many, criteria
from hematon.engine.assessment import Assessment
from hematon.engine.case import (
    Case,
    Classification,
    Finding,
    Measurement,
    ReportedVariant,
    Sex,
    Treatment,
    Zygosity,
)
from hematon.engine.columns import columns_of
from hematon.engine.differential import BLOCK, band_of
from hematon.engine.facts import Facts
from hematon.engine.ternary import any_of
from hematon.engine.variants import is_complete
from hematon.knowledge import Knowledge

AGE = 2500


def child(
    *counts: Measurement,
    findings: dict[str, bool] | None = None,
    sex: Sex | None = "male",
    age_days: int | None = AGE,
    treatments: tuple[Treatment, ...] = (),
    variants: tuple[ReportedVariant, ...] = (),
    recorded: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    birth_date: date | None = None,
) -> Case:
    """A record in one line."""
    return Case(
        "x",
        sex,
        age_days,
        birth_date,
        counts,
        tuple(Finding(code, seen) for code, seen in (findings or {}).items()),
        treatments,
        variants,
        recorded,
        excluded,
    )


def count(analyte: str, value: float, days_ago: int = 0, **more: float) -> Measurement:
    """A result some days before the age of the record."""
    return Measurement(analyte, value, AGE - days_ago, **more)


def posterior(result: Assessment, condition: str) -> float:
    """A condition's posterior."""
    return next(c.posterior for c in result.differential if c.condition == condition)


def codes(result: Assessment) -> set[str]:
    """The codes of the issues."""
    return {issue.code for issue in result.issues}


# --- time --------------------------------------------------------------------------------------


def test_undated_results_stand_at_the_age_of_the_record(knowledge: Knowledge) -> None:
    """A result without a date is judged with the limits of the stated age."""
    undated = child(Measurement("platelets", 40.0))
    result = assess(undated, knowledge)
    assert result.age_days == AGE
    assert result.lineages.platelet.status == "failing"


def test_undated_result_of_unknown_age_is_judged_by_every_age(knowledge: Knowledge) -> None:
    """Without any age only what is low at every age is low."""
    low = assess(child(Measurement("hemoglobin", 5.0), age_days=None), knowledge)
    doubtful = assess(child(Measurement("hemoglobin", 11.2), age_days=None), knowledge)
    assert low.age_days is None
    assert low.lineages.red.status != "normal"
    assert doubtful.lineages.red.status == "not_assessable"
    assert any("age is unknown" in limit for limit in low.limits)


def test_nothing_after_the_day_of_assessment_is_read(knowledge: Knowledge) -> None:
    """`as_of` hides later counts and later findings."""
    born = date(2015, 1, 1)
    case = dataclasses.replace(
        child(count("platelets", 300.0, 100), count("platelets", 8.0), birth_date=born),
        findings=(Finding("HP:0001744", True, age_days=AGE),),
    )
    as_of = date.fromordinal(born.toordinal() + AGE - 50)
    result = assess(case, knowledge, as_of=as_of)
    assert result.as_of == as_of.isoformat()
    assert result.lineages.platelet.status == "normal"
    assert "HP:0001744" not in {p.evidence for c in result.differential for p in c.contributions}


def test_day_of_assessment_needs_a_birth_date(knowledge: Knowledge) -> None:
    """Without a birth date the day cannot be turned into an age, and that is said."""
    assert "as-of-invalid" in codes(assess(child(), knowledge, as_of=date(2020, 1, 1)))


def test_same_day_results_give_the_lower_median(knowledge: Knowledge) -> None:
    """Of several results on a day a measured one is judged, the lower of two."""
    two = assess(child(count("anc", 1.0), count("anc", 2.0)), knowledge)
    three = assess(child(count("anc", 0.9), count("anc", 2.0), count("anc", 1.8)), knowledge)
    assert two.lineages.white.value == 1.0
    assert three.lineages.white.value == 1.8


def test_a_count_older_than_three_days_is_not_mixed_in(knowledge: Knowledge) -> None:
    """The judged draw is the latest; a platelet count of last week is not part of it."""
    result = assess(child(count("hemoglobin", 12.5), count("platelets", 20.0, 7)), knowledge)
    assert result.lineages.platelet.status == "not_assessable"


def test_adults_are_told_so(knowledge: Knowledge) -> None:
    """Limits end at 21 years, and the report says that it is used beyond."""
    old = Case("x", "male", 11000, measurements=(Measurement("anc", 1.0, 11000),))
    assert "age-out-of-scope" in codes(assess(old, knowledge))


# --- treatments --------------------------------------------------------------------------------


def test_a_count_held_up_by_transfusion_is_not_called_normal(knowledge: Knowledge) -> None:
    """A normal hemoglobin under transfusion says nothing about the marrow."""
    transfused = (Treatment("red_cell_transfusion", AGE - 10),)
    result = assess(child(count("hemoglobin", 12.5), treatments=transfused), knowledge)
    assert result.lineages.red.status == "not_assessable"
    assert result.lineages.red.support


def test_count_from_before_the_treatment_is_judged(knowledge: Knowledge) -> None:
    """Platelets before a transfusion tell of the marrow; the count after tells of the danger."""
    given = (Treatment("platelet_transfusion", AGE - 2),)
    case = child(count("platelets", 8.0, 3), count("platelets", 60.0), treatments=given)
    result = assess(case, knowledge)
    assert result.lineages.platelet.value == 8.0
    assert "E3a" not in {r.rule for r in result.urgency.reasons}
    assert result.urgency.level == "S2"
    support = {i.value: i.support for i in result.inputs}
    assert support[60.0] == "under treatment"
    assert support[8.0] == "from before a treatment"


def test_hbf_after_transfusion_is_left_out(knowledge: Knowledge) -> None:
    """HbF after a transfusion is the donor's."""
    given = (Treatment("red_cell_transfusion", AGE - 10),)
    case = child(count("hemoglobin", 7.5), count("hbf_pct", 9.0), treatments=given)
    result = assess(case, knowledge)
    assert {r.id: r.answer for r in result.readings}["hbf_high"] == "unknown"
    blocked = next(i for i in result.inputs if i.analyte == "hbf_pct")
    assert not blocked.used
    assert "left out" in blocked.support


def test_mcv_after_transfusion_is_marked(knowledge: Knowledge) -> None:
    """An MCV drawn under transfusion is listed and not used."""
    given = (Treatment("red_cell_transfusion", AGE - 10),)
    result = assess(child(count("mcv", 104.0), treatments=given), knowledge)
    assert next(i for i in result.inputs if i.analyte == "mcv").support.startswith("left out")


def test_undated_transfusion_is_kept_as_unknown(knowledge: Knowledge) -> None:
    """A transfusion without a date blocks nothing and is not forgotten."""
    given = (Treatment("red_cell_transfusion"),)
    result = assess_many([child(count("hemoglobin", 7.5), treatments=given)], knowledge)
    assert result.serial.facts["red_cells_ever"][0] == 1


# --- statements --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "low"),
    [
        ("LAB_PANCYTOPENIA", (1, 1, 1)),
        ("LAB_ISO_NEUTROPENIA", (-1, 1, -1)),
        ("HP:0001903", (1, 0, 0)),
        ("LAB_BICYTOPENIA", (0, 0, 0)),
    ],
)
def test_stated_lineages(knowledge: Knowledge, finding: str, low: tuple[int, ...]) -> None:
    """A cytopenia stated without numbers decides the lineages it names."""
    result = assess_many([child(findings={finding: True})], knowledge)
    assert tuple(result.lineages[0]) == low


def test_bicytopenia_is_two_lineages_whichever(knowledge: Knowledge) -> None:
    """Two lineages low is known even when not which."""
    result = assess(child(findings={"LAB_BICYTOPENIA": True}), knowledge)
    assert result.urgency.level == "U72"
    assert {a.condition for a in result.always_show} >= {"acute_leukemia", "fanconi_anemia"}


def test_not_pancytopenia_with_an_open_lineage(knowledge: Knowledge) -> None:
    """Pancytopenia excluded speaks against conditions that present with it."""
    counts = (count("hemoglobin", 8.0), count("platelets", 30.0))
    without = assess(child(*counts), knowledge)
    excluded = assess(child(*counts, findings={"HP:0001876": False}), knowledge)
    assert posterior(excluded, "aa_idiopathic") < posterior(without, "aa_idiopathic")


def test_stated_depth_stands_for_a_number(knowledge: Knowledge) -> None:
    """Severe neutropenia that is not very severe is between 0.2 and 0.5."""
    stated = {"LAB_SEV_NEUTROPENIA": True, "LAB_ANC_LT02": False}
    answers = {s.id: s.answer for s in assess(child(findings=stated), knowledge).severity}
    assert answers["neutropenia_severe"] == "yes"
    assert answers["neutropenia_very_severe"] == "no"


def test_a_general_exclusion_excludes_what_lies_beneath(knowledge: Knowledge) -> None:
    """No abnormality of the hand excludes thumb anomalies; the reverse is not so."""
    above = assess_many([child(findings={"HP:0001155": False})], knowledge)
    thumb = knowledge.findings["HP:0001172"].index
    assert above.evidence.findings[0, thumb] == -1
    beneath = assess_many([child(findings={"HP:0009777": False})], knowledge)
    assert beneath.evidence.findings[0, thumb] == 0


def test_a_specific_finding_satisfies_the_general_one(knowledge: Knowledge) -> None:
    """An absent thumb is an abnormal thumb."""
    result = assess_many([child(findings={"HP:0009777": True})], knowledge)
    assert result.evidence.findings[0, knowledge.findings["HP:0001172"].index] == 1


def test_a_broad_term_speaks_for_what_lies_beneath(knowledge: Knowledge) -> None:
    """An abnormal hand, whichever way, speaks for Fanconi anemia, and says so."""
    broad = "HP:0001155"
    with_term = assess(child(findings={broad: True}), knowledge)
    without = assess(child(), knowledge)
    assert posterior(with_term, "fanconi_anemia") > posterior(without, "fanconi_anemia")
    fanconi = next(c for c in with_term.differential if c.condition == "fanconi_anemia")
    assert f"annotations:{broad}" in {c.evidence for c in fanconi.contributions}


def test_present_and_absent_is_said(knowledge: Knowledge) -> None:
    """A finding stated both ways counts as present and is an issue."""
    both = dataclasses.replace(
        child(), findings=(Finding("HP:0001744", True), Finding("HP:0001744", False))
    )
    other = child(findings={"HP:0002716": True})
    result = assess_many([other, both], knowledge)
    assert "finding-conflict" in codes(result.row(1, both))
    assert "finding-conflict" not in codes(result.row(0, other))
    assert result.evidence.findings[1, knowledge.findings["HP:0001744"].index] == 1


def test_numbers_win_over_statements(knowledge: Knowledge) -> None:
    """Thrombocytopenia stated with a normal count is an issue; the count is used."""
    case = child(count("platelets", 300.0), findings={"HP:0001873": True})
    result = assess(case, knowledge)
    assert "finding-contradicts-count" in codes(result)
    assert result.lineages.platelet.status == "normal"


def test_neutrophils_above_white_cells_are_questioned(knowledge: Knowledge) -> None:
    """More neutrophils than white cells is a wrong unit somewhere."""
    result = assess(child(count("anc", 9.0), count("wbc", 3.0)), knowledge)
    assert "value-implausible" in codes(result)
    assert "value-implausible" not in codes(assess(child(count("anc", 9.0)), knowledge))


def test_contradicting_lineages_leave_the_ranking_alone(knowledge: Knowledge) -> None:
    """Statements that cannot be true together do not crash and do not decide."""
    case = child(
        findings={"LAB_ISO_ANEMIA": True, "LAB_ISO_NEUTROPENIA": True, "LAB_PLT_LT20": True}
    )
    assert sum(c.posterior for c in assess(case, knowledge).differential) == pytest.approx(1.0)


def test_two_lineages_stated_contradicting_numbers(knowledge: Knowledge) -> None:
    """Bicytopenia with two normal counts has no fitting presentation; the counts still stand."""
    case = child(
        count("hemoglobin", 12.5), count("platelets", 300.0), findings={"LAB_BICYTOPENIA": True}
    )
    assert sum(c.posterior for c in assess(case, knowledge).differential) == pytest.approx(1.0)


# --- laboratory limits -------------------------------------------------------------------------


def test_the_laboratorys_own_limit_is_used(knowledge: Knowledge) -> None:
    """LDH is high against the limit the laboratory printed, and unknown without one."""
    ldh = knowledge.findings["LAB_LDH_HIGH"].index
    printed = assess_many([child(count("ldh", 900.0, lab_high=300.0))], knowledge)
    bare = assess_many([child(count("ldh", 900.0))], knowledge)
    assert printed.evidence.findings[0, ldh] == 1
    assert bare.evidence.findings[0, ldh] == 0


def test_low_against_the_laboratorys_limit(knowledge: Knowledge) -> None:
    """Copper and ceruloplasmin are low against their printed limits."""
    case = child(count("copper", 20.0, lab_low=70.0), count("ceruloplasmin", 5.0, lab_low=20.0))
    result = assess_many([case], knowledge)
    assert result.evidence.findings[0, knowledge.findings["LAB_COPPER_LOW"].index] == 1


def test_our_limit_where_the_laboratory_printed_none(knowledge: Knowledge) -> None:
    """An analyte with limits of its own falls back on them."""
    facts = assess_many([child(count("platelets", 100.0))], knowledge).facts
    low, high = facts.lab_limits("platelets")
    assert low[0] == pytest.approx(170.0)
    assert high[0] == pytest.approx(450.0)


# --- exclusions, variants, settings ------------------------------------------------------------


def test_recorded_exclusion_lowers_and_leaves_the_floor(knowledge: Knowledge) -> None:
    """A condition recorded as excluded falls, says so, and leaves the always-show list."""
    counts = (count("hemoglobin", 7.0), count("platelets", 20.0), count("anc", 0.4))
    case = child(*counts, excluded=("fanconi_anemia",))
    result, open_ = assess(case, knowledge), assess(child(*counts), knowledge)
    fanconi = next(c for c in result.differential if c.condition == "fanconi_anemia")
    assert fanconi.excluded
    assert fanconi.posterior < posterior(open_, "fanconi_anemia")
    assert "fanconi_anemia" not in {a.condition for a in result.always_show}
    assert "fanconi_anemia" in {a.condition for a in open_.always_show}


def test_negative_breakage_test_leaves_the_floor(knowledge: Knowledge) -> None:
    """Only a recorded result takes Fanconi anemia off the list, and closes its hazard."""
    counts = (count("hemoglobin", 7.0), count("platelets", 20.0), count("anc", 0.4))
    before = assess(child(*counts), knowledge)
    after = assess(child(*counts, findings={"HP:0003221": False}), knowledge)
    hazard = "full_intensity_conditioning"
    assert hazard in {h.id for h in before.hazards}
    assert hazard not in {h.id for h in after.hazards}
    assert "fanconi_anemia" not in {a.condition for a in after.always_show}


def test_reported_variant_speaks_for_its_condition(knowledge: Knowledge) -> None:
    """A pathogenic ELANE variant lifts both neutropenias it causes, with its weight shown."""
    variants = (ReportedVariant("ELANE", "pathogenic", "heterozygous"),)
    case = child(count("anc", 0.1), variants=variants)
    other = child(count("anc", 0.1))
    result = assess_many([case, other], knowledge)
    with_variant, without = result.row(0, case), result.row(1, other)
    assert posterior(with_variant, "scn") > 5 * posterior(without, "scn")
    scn = next(c for c in with_variant.differential if c.condition == "scn")
    assert "variant:ELANE" in {c.evidence for c in scn.contributions}


@pytest.mark.parametrize(
    ("modes", "zygosity", "sex", "complete"),
    [
        (("AR",), "heterozygous", 1, False),
        (("AR",), "compound", 1, True),
        (("AR",), "homozygous", -1, True),
        (("AD",), "heterozygous", 0, True),
        (("XL",), "heterozygous", -1, False),
        (("XL",), "heterozygous", 1, True),
        (("XL",), "hemizygous", 0, True),
        (("AR",), "unknown", 0, True),
    ],
)
def test_inheritance_decides_what_one_copy_means(
    modes: tuple[str, ...], zygosity: Zygosity, sex: int, complete: bool
) -> None:
    """One recessive copy is a carrier; one X-linked copy is enough in a boy."""
    assert is_complete(modes, zygosity, sex) is complete


@pytest.mark.parametrize("classification", ["benign", "likely_benign"])
def test_benign_variants_say_nothing(knowledge: Knowledge, classification: Classification) -> None:
    """A benign variant leaves the ranking as it was."""
    variants = (ReportedVariant("ELANE", classification, "heterozygous"),)
    with_variant = assess(child(count("anc", 0.1), variants=variants), knowledge)
    without = assess(child(count("anc", 0.1)), knowledge)
    assert posterior(with_variant, "scn") == pytest.approx(posterior(without, "scn"), rel=1e-9)


def test_setting_shifts_the_prior(knowledge: Knowledge) -> None:
    """In a marrow failure clinic inherited disease weighs more than a passing virus."""
    case = child(count("platelets", 60.0), count("anc", 1.2), count("hemoglobin", 9.0))
    general = assess(case, knowledge, setting="general_pediatrics")
    clinic = assess(case, knowledge, setting="marrow_failure_clinic")
    assert posterior(clinic, "fanconi_anemia") > posterior(general, "fanconi_anemia")
    assert clinic.setting == "marrow_failure_clinic"


def test_unknown_setting_is_refused(knowledge: Knowledge) -> None:
    """A prior without a named setting is meaningless."""
    with pytest.raises(KeyError):
        assess(child(), knowledge, setting="nowhere")


def test_weight_of_a_kind_of_evidence_flattens_it_and_still_sums(knowledge: Knowledge) -> None:
    """Evidence that counts less makes the model less sure; contributions still add up."""
    kinds = ("weight_described", "weight_annotations", "weight_channels")
    halved = {kind: knowledge.parameters[kind] / 2 for kind in kinds}
    warm = dataclasses.replace(knowledge, parameters={**knowledge.parameters, **halved})
    findings = {"HP:0001172": True, "HP:0004322": True, "HP:0000957": True, "HP:0000252": True}
    case = child(count("platelets", 20.0), count("mcv", 104.0), findings=findings)
    hot, cold = assess(case, warm), assess(case, knowledge)
    assert hot.differential[0].posterior < cold.differential[0].posterior
    first = hot.differential[0]
    total = sum(c.log_likelihood_ratio for c in first.contributions)
    assert total == pytest.approx(first.log_odds_against_something_else, abs=1e-9)


def test_limits_say_what_was_fitted_and_what_was_not(knowledge: Knowledge) -> None:
    """Only the setting the weights were fitted for has calibrated posteriors."""
    fitted = assess(child(), knowledge).limits
    other = assess(child(), knowledge, setting="general_pediatrics").limits
    assert f"{knowledge.fit['cases']:,} published patients" in fitted[0]
    assert not any("not been calibrated" in line for line in fitted)
    assert any("not been calibrated" in line for line in other)


def test_laboratory_finding_stated_as_a_term_counts_as_described(knowledge: Knowledge) -> None:
    """Ferritin is worth more as a laboratory result than as a word in a report."""
    weights = {"weight_laboratory": 0.9, "weight_described": 0.1, "weight_annotations": 0.0}
    told = dataclasses.replace(knowledge, parameters={**knowledge.parameters, **weights})

    def ratio(code: str) -> float:
        case = child(count("hemoglobin", 7.0), findings={code: True})
        result = assess(case, told, explain=frozenset(["iron_deficiency"]))
        found = next(c for c in result.differential if c.condition == "iron_deficiency")
        return next(
            c.log_likelihood_ratio for c in found.contributions if c.evidence == "LAB_FERRITIN_LOW"
        )

    assert ratio("LAB_FERRITIN_LOW") == pytest.approx(9 * ratio("HP:0012343"))


def test_terms_are_kept_only_when_asked_for(knowledge: Knowledge) -> None:
    """A warehouse batch does not carry explanations; asking for one says why not."""
    case = child(count("platelets", 20.0))
    batch = assess_columns(columns_of([case], knowledge), knowledge)
    assert len(batch) == 1
    np.testing.assert_array_equal(
        batch.differential.posterior, assess_many([case], knowledge).differential.posterior
    )
    with pytest.raises(ValueError, match="without keeping its terms"):
        batch.row(0, case)


def test_low_share_with_evidence_for_it_is_not_argued_against(knowledge: Knowledge) -> None:
    """The lowest band needs evidence against, not only better rivals."""
    assert band_of(0.5, 3.0, knowledge) == "fits_well"
    assert band_of(1e-6, 3.0, knowledge) == "less_likely"
    assert band_of(1e-6, -3.0, knowledge) == "argues_against"


def test_confirming_test_is_suggested_however_sure_the_model_is(knowledge: Knowledge) -> None:
    """A saturated posterior still names the test that proves it."""
    findings = {"HP:0001172": True, "HP:0004322": True, "HP:0000957": True, "HP:0000252": True}
    counts = (count("hemoglobin", 8.0), count("anc", 0.8), count("platelets", 30.0))
    result = assess(child(*counts, count("mcv", 104.0), findings=findings), knowledge)
    assert result.differential[0].condition == "fanconi_anemia"
    assert "deb_mmc" in {t.test for t in result.next_tests}


def test_mechanism_of_a_low_lineage(knowledge: Knowledge) -> None:
    """Low reticulocytes point to production, hemolysis to destruction, both to neither."""
    low = (count("hemoglobin", 6.0), count("retic_abs", 5.0))
    high = (count("hemoglobin", 6.0), count("retic_abs", 300.0))
    assert assess(child(*low), knowledge).lineages.red.mechanism == "production"
    assert assess(child(*high), knowledge).lineages.red.mechanism == "destruction_or_loss"
    both = child(*low, findings={"HP:0032366": True})
    assert assess(both, knowledge).lineages.red.mechanism == "undetermined"


def test_bounds_keep_their_sign(knowledge: Knowledge) -> None:
    """`<10` platelets are below 10, and shown so."""
    bound = Measurement("platelets", 10.0, AGE, "<")
    result = assess(child(bound), knowledge)
    assert result.urgency.level == "E"
    assert result.lineages.platelet.comparator == "<"
    above = assess(child(Measurement("ferritin", 10000.0, AGE, ">")), knowledge)
    assert above.urgency.level == "E"


def test_any_of_needs_parts() -> None:
    """Ternary logic over nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one part"):
        any_of([])


def test_input_hash_ignores_order_and_place(knowledge: Knowledge) -> None:
    """The same record said in another order has the same hash; another value has not."""
    a, b = count("platelets", 20.0), count("anc", 0.4)
    moved = dataclasses.replace(b, where="row 7")
    assert (
        assess(child(a, b), knowledge).input_hash == assess(child(moved, a), knowledge).input_hash
    )
    other = dataclasses.replace(b, value=0.5)
    assert (
        assess(child(a, b), knowledge).input_hash != assess(child(a, other), knowledge).input_hash
    )


def test_several_results_of_a_day_are_said(knowledge: Knowledge) -> None:
    """Different results on one day are an issue, and only the one judged is marked as used."""
    result = assess(child(count("anc", 1.0), count("anc", 2.0)), knowledge)
    assert "duplicate-result" in codes(result)
    assert {i.value: i.used for i in result.inputs} == {1.0: True, 2.0: False}


def test_percentage_without_white_cells_is_said(knowledge: Knowledge) -> None:
    """A share of neutrophils alone gives no count."""
    assert "anc-not-computable" in codes(assess(child(count("segs_pct", 20.0)), knowledge))


@pytest.mark.parametrize(
    ("recorded", "level"), [("itp", "U24"), ("fanconi_anemia", "S2"), ("acute_leukemia", "U24")]
)
def test_only_a_diagnosis_that_fits_explains(
    knowledge: Knowledge, recorded: str, level: str
) -> None:
    """ITP on the record does not make three low lineages old news; Fanconi anemia does."""
    counts = (count("hemoglobin", 9.0), count("anc", 1.2), count("platelets", 60.0))
    assert assess(child(*counts, recorded=(recorded,)), knowledge).urgency.level == level


def test_young_infant_with_a_good_hemoglobin_is_not_low(knowledge: Knowledge) -> None:
    """Before six months the limit for age alone decides."""
    infant = Case("x", "male", 30, measurements=(Measurement("hemoglobin", 14.0, 30),))
    assert assess(infant, knowledge).lineages.red.status == "normal"


def test_duffy_null_child_is_told_what_the_limit_rests_on(knowledge: Knowledge) -> None:
    """No pediatric Duffy-null interval exists, and the report says so."""
    result = assess(child(count("anc", 1.1), findings={"HX_DUFFY_NULL": True}), knowledge)
    assert any("Duffy-null" in limit for limit in result.limits)


def test_levels_of_a_batch_are_written_as_in_the_json(knowledge: Knowledge) -> None:
    """The batch and the JSON use the same words."""
    many = assess_many([child(count("platelets", 8.0)), child()], knowledge)
    assert list(many.urgency_levels) == ["E", "none"]


def test_a_batch_larger_than_a_block(knowledge: Knowledge) -> None:
    """Rare evidence stays with its child across blocks."""
    plain = child(count("anc", 0.1))
    variant = child(
        count("anc", 0.1), variants=(ReportedVariant("ELANE", "pathogenic", "heterozygous"),)
    )
    cases = [plain] * BLOCK + [variant]
    batch = assess_columns(columns_of(cases, knowledge), knowledge)
    scn = next(c.index for c in knowledge.conditions if c.id == "scn")
    posterior_scn = batch.differential.posterior[:, scn]
    assert posterior_scn[-1] > 5 * posterior_scn[0]
    assert posterior_scn[0] == posterior_scn[BLOCK - 1]


def test_term_of_another_child_is_not_mine(knowledge: Knowledge) -> None:
    """Each child is explained by its own record."""
    # A mode of inheritance is no phenotype, and nobody is explained by it.
    mine = child(findings={"HP:0001155": True, "HP:0000006": True})
    other = child(count("platelets", 20.0))
    many = assess_many([mine, other], knowledge)
    explained = many.row(0, mine, explain=frozenset(["fanconi_anemia"]))
    own = next(c for c in explained.differential if c.condition == "fanconi_anemia")
    told = {c.evidence for c in own.contributions}
    assert "annotations:HP:0001155" in told
    assert "annotations:HP:0000006" not in told
    explained = many.row(1, other, explain=frozenset(["fanconi_anemia"]))
    fanconi = next(c for c in explained.differential if c.condition == "fanconi_anemia")
    assert not any(c.evidence.startswith("annotations:") for c in fanconi.contributions)


def test_criteria_name_what_is_missing(knowledge: Knowledge) -> None:
    """Sex, age and counts that keep a rule open are named as a reader knows them."""
    facts = assess_many([child(sex=None, age_days=None)], knowledge).facts
    rule = {
        "all": [
            {"sex": "male"},
            {"age_to_days": 365},
            {"recorded": "itp"},
            {"lineages_low_exactly": 2},
            {"analyte": "fibrinogen", "at_most": 150.0},
            {"lineage": "red"},
        ]
    }
    assert criteria.missing(rule, facts, 0) == (
        "sex",
        "age",
        "Hemoglobin",
        "Absolute neutrophil count",
        "Platelets",
        "Fibrinogen",
    )


def test_exactly_three_is_all_three(knowledge: Knowledge) -> None:
    """There is no fourth lineage to be low."""
    counts = (count("hemoglobin", 7.0), count("platelets", 20.0), count("anc", 0.4))
    facts = assess_many([child(*counts)], knowledge).facts
    assert facts.lineages_low_exactly(3)[0] == 1
    assert criteria.evaluate({"analyte": "platelets", "at_most": 20.0}, facts)[0] == 1


def test_draws_have_no_printed_limits(knowledge: Knowledge) -> None:
    """Facts without a laboratory fall back on our limits alone."""
    facts = assess_many([child(count("platelets", 100.0))], knowledge).facts
    bare = Facts(knowledge, facts.age, facts.sex, facts.duffy_null, facts.bounds)
    assert bare.lab_limits("platelets")[0][0] == pytest.approx(170.0)
    assert np.isnan(bare.lab_limits("ldh")[1][0])
    assert bare.recorded("itp")[0] == 0
    assert bare.lineage("platelet")[0] == 1


def test_onset_of_a_stated_cytopenia_is_the_age_of_the_prior(knowledge: Knowledge) -> None:
    """Thrombocytopenia stated since birth in a child of seven is a congenital one."""
    since = dataclasses.replace(child(), findings=(Finding("HP:0001873", True, age_days=2),))
    later = dataclasses.replace(child(), findings=(Finding("HP:0001873", True),))
    both = assess_many([since, later], knowledge)
    assert both.serial.onset_age[0] == 2
    assert posterior(both.row(0, since), "camt") > posterior(both.row(1, later), "camt")


def test_channels_without_terms(knowledge: Knowledge) -> None:
    """A warehouse batch uses the numbers it has and keeps nothing for explanation."""
    cases = [child(count("mcv", 104.0), count("platelets", 60.0)), child(count("platelets", 60.0))]
    bare = assess_columns(columns_of(cases, knowledge), knowledge)
    kept = assess_many(cases, knowledge)
    np.testing.assert_array_equal(bare.differential.log_posterior, kept.differential.log_posterior)


def test_a_child_whose_counts_came_back_is_ranked_by_the_low_ones(knowledge: Knowledge) -> None:
    """Platelets of 12 that are 300 a month later still ask why they were 12."""
    back = child(
        count("platelets", 12.0, 30),
        count("hemoglobin", 12.5, 30),
        count("anc", 3.0, 30),
        count("platelets", 300.0),
        count("hemoglobin", 12.5),
        count("anc", 3.0),
    )
    still = child(count("platelets", 12.0), count("hemoglobin", 12.5), count("anc", 3.0))
    many = assess_many([back, still], knowledge)
    result = many.row(0, back)
    assert result.lineages.platelet.status == "normal"
    assert result.urgency.level == "none"
    for ranked in (result.differential, many.row(1, still).differential):
        named = [c.condition for c in ranked if c.condition != "something_else"]
        assert named[0] == "itp"
    assert any("No lineage is low now" in limit for limit in result.limits)
    # Wherever the counts are weighed, it is said that they are not those shown as the child's.
    itp = next(c for c in result.differential if c.condition == "itp")
    (counts,) = (c for c in itp.contributions if c.evidence == "counts")
    assert "Platelets 12 10*9/L: low" in counts.text
    assert counts.text.endswith("(an earlier draw: no lineage is low now)")
    assert result.to_json() == assess(back, knowledge).to_json()


def test_a_low_count_of_years_ago_is_history(knowledge: Knowledge) -> None:
    """What was low more than a year ago and is not now is not what the ranking is about."""
    result = assess(child(count("platelets", 12.0, 500), count("platelets", 300.0)), knowledge)
    assert not any("No lineage is low now" in limit for limit in result.limits)
