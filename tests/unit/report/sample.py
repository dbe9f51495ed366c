"""Assessments built by hand to render: a full one, a sparse one and an emergency.

Realistic, not real: no child has this record, and the numbers of the model are invented. They are
written out rather than computed, so that a change of the engine cannot change what the report
tests see.
"""

# ruff: noqa: E501 one contribution a line reads as a table
from __future__ import annotations

import math
from dataclasses import replace

from hematon.engine.assessment import (
    AlwaysShown,
    Assessment,
    Candidate,
    Change,
    Contribution,
    HazardNote,
    Input,
    IssueNote,
    Lineage,
    Lineages,
    Missing,
    NextTest,
    Outcome,
    Question,
    Reading3,
    Severity,
    StatedFinding,
    Urgency,
    UrgencyReason,
    Versions,
)
from hematon.engine.assessment_trends import (
    LineageTrend,
    NeutrophilCycle,
    SupportedInterval,
    TransfusionNeed,
    Trends,
)

LABEL = (
    "For qualified clinicians. Hematon compares the information entered for this child with "
    "published criteria for bone marrow failure and lists possibilities and options to consider. "
    "It does not make a diagnosis, does not examine the child, does not read images or sequence "
    "files, and must not be used for urgent decisions. Missing information is listed below. Check "
    "the sources and use your own judgement. Not reviewed or cleared by FDA; not CE marked. "
    "Software 0.1.0, knowledge 2026-11-23, generated 2026-11-24."
)

CITATIONS = {
    "ALTER2010": "Alter BP. Inherited bone marrow failure syndromes. Blood Rev 2010;24:101-122",
    "BSH2016": (
        "Killick SB et al. Guidelines for the diagnosis and management of adult aplastic anaemia. "
        "Br J Haematol 2016;172:187-207"
    ),
    "CAMITTA1976": "Camitta BM et al. Severe aplastic anemia. Blood 1976;48:63-70",
    "DALLMAN1977": "Dallman PR. In: Rudolph A (ed). Pediatrics, 16th ed. 1977 p1111",
    "DALLMAN_WBC": "Dallman PR. Leukocyte and differential counts by age. In: Rudolph A. 1977",
    "EXPERT": "expert estimate - no citation",
    "FARF2020": "Fanconi Anemia Research Fund. Clinical care guidelines, 5th ed. 2020",
    "FA_CHROM2012": "Oostra AB et al. Diagnosis of Fanconi anemia: chromosomal breakage. 2012",
    "FA_MEDSCAPE": "Lipton JM. Fanconi anemia. Medscape, 2023",
    "KALB2007": "Kalb R et al. Hypomorphic mutations in FANCD2. Am J Hum Genet 2007;80:895-910",
    "TBDGUIDE2022": "Telomere biology disorders: diagnosis and management guidelines, 2nd ed. 2022",
    "TSANGARIS2011": "Tsangaris E et al. Ataxia and pancytopenia. J Med Genet 2011;48:618-628",
    "WHO2024": "WHO. Guideline on haemoglobin cutoffs to define anaemia. Geneva 2024",
}

# fmt: off
# One row is one record: they are read, and compared, as a table.

G, C9, FL = "g/dL", "10*9/L", "fL"
FIRST, SECOND, THIRD = 2270, 2520, 2641


AGAINST_REST = 0.75
"""Among conditions that are all alike, evidence tells less than against something else."""


def contribution(
    evidence: str,
    text: str,
    ratio: float,
    frequency: float | None = None,
    background: float | None = None,
    grade: str = "expert",
    source: str = "EXPERT",
    *,
    observed: bool | None = True,
    counted: str = "",
) -> Contribution:
    """Make a contribution from its likelihood ratio."""
    basis = "n/N" if counted else "expert"
    return Contribution(
        evidence, text, observed, math.log(ratio), ratio, AGAINST_REST * math.log(ratio), frequency,
        background, basis, grade, (source,), counted,
    )


def candidate(
    rank: int,
    condition: str,
    name: str,
    posterior: float,
    band: str,
    contributions: tuple[Contribution, ...],
    *,
    category: str = "inherited",
    never_miss: bool = True,
    note: str = "",
    excluded: str = "",
    would_change: tuple[Change, ...] = (),
) -> Candidate:
    """Make a candidate whose log odds are the sum of its contributions."""
    total = sum(c.log_likelihood_ratio for c in contributions)
    rest = sum(c.log_ratio_against_rest for c in contributions)
    return Candidate(
        rank, condition, name, category, never_miss, posterior, band, total, rest, contributions,
        would_change, note, excluded,
    )


def prior(ratio: float, source: str = "EXPERT", grade: str = "expert") -> Contribution:
    """Make the contribution of the prior."""
    text = "How common at this age and sex in this setting"
    return contribution("prior", text, ratio, None, None, grade, source, observed=None)


_DIFFERENTIAL = (
    candidate(
        1, "fanconi_anemia", "Fanconi anemia", 0.71, "fits_well",
        (
            prior(1.9, "TSANGARIS2011", "named_source"),
            contribution("counts", "Hemoglobin, neutrophils and platelets low together", 6.2, grade="derived"),
            contribution("mcv", "Mean corpuscular volume 102 fL, high for age", 5.4, 0.75, 0.12),
            contribution("hbf_pct", "Hemoglobin F 6.8 %, high for age", 4.1, 0.7, 0.15),
            contribution("HP:0001172", "Abnormal thumb morphology", 19.0, 0.38, 0.02, "named_source", "FA_MEDSCAPE"),
            contribution("HP:0004322", "Short stature", 2.3, 0.5, 0.16, "named_source", "FA_MEDSCAPE"),
            contribution("HP:0000957", "Cafe-au-lait spot", 3.2, 0.45, 0.1, "named_source", "FA_MEDSCAPE"),
            contribution("MAR_HYPO", "Hypocellular marrow", 4.25, 0.85, 0.2, "counted", "KALB2007", counted="25/28"),
            contribution("FH_CONSANG", "no parents related", 0.92, 0.15, 0.16, observed=False),
            contribution("HP:0008404", "no nail dystrophy", 1.05, 0.02, 0.05, observed=False),
            contribution("HP:0000085", "no horseshoe kidney", 0.88, 0.15, 0.03, "named_source", "FA_MEDSCAPE", observed=False),
        ),
        note="25-40 % have no physical anomaly. Never start ATG or standard conditioning before the breakage test",
        would_change=(
            Change("TST_DEB_POS", "Chromosome breakage positive", "test", 0.7, 3.5, -3.5, 3.5),
            Change("FH_CONSANG", "Parents related by blood", "history", 0.12, 0.6, -0.05, 0.12),
        ),
    ),
    candidate(
        2, "aa_idiopathic", "Idiopathic aplastic anemia", 0.11, "could_fit",
        (
            prior(4.8, "BSH2016", "named_source"),
            contribution("counts", "Hemoglobin, neutrophils and platelets low together", 5.1, grade="derived"),
            contribution("MAR_HYPO", "Hypocellular marrow", 4.7, 0.97, 0.2, "named_source", "BSH2016"),
            contribution("mcv", "Mean corpuscular volume 102 fL, high for age", 1.6, 0.3, 0.12),
            contribution("HP:0001172", "Abnormal thumb morphology", 0.18, 0.003, 0.02),
            contribution("HP:0004322", "Short stature", 0.31, 0.04, 0.16),
        ),
        category="acquired",
    ),
    candidate(
        3, "tbd", "Telomere biology disorder", 0.08, "could_fit",
        (
            prior(0.8),
            contribution("counts", "Hemoglobin, neutrophils and platelets low together", 5.8, grade="derived"),
            contribution("mcv", "Mean corpuscular volume 102 fL, high for age", 4.9, 0.7, 0.12),
            contribution("HP:0008404", "no nail dystrophy", 0.34, 0.66, 0.05, "counted", "ALTER2010", observed=False, counted="33/50"),
            contribution("HP:0002745", "no oral leukoplakia", 0.55, 0.45, 0.01, "named_source", "TBDGUIDE2022", observed=False),
        ),
    ),
    candidate(4, "something_else", "Something else (none of these)", 0.04, "could_fit", (), category="other", never_miss=False),
    candidate(
        5, "rcc_mds", "Refractory cytopenia of childhood and other MDS", 0.035, "could_fit",
        (
            prior(1.1),
            contribution("counts", "Hemoglobin, neutrophils and platelets low together", 4.4, grade="derived"),
            contribution("mcv", "Mean corpuscular volume 102 fL, high for age", 3.0, 0.55, 0.12),
            contribution("HP:0001172", "Abnormal thumb morphology", 0.4, 0.01, 0.02),
        ),
        category="malignant_or_clonal",
    ),
    candidate(
        6, "acute_leukemia", "Acute leukemia", 0.012, "less_likely",
        (
            prior(12.0),
            contribution("counts", "Hemoglobin, neutrophils and platelets low together", 2.4, grade="derived"),
            contribution("MAR_HYPO", "Hypocellular marrow", 0.06, 0.02, 0.2),
            contribution("LAB_BLASTS", "no blasts in blood", 0.21, 0.82, 0.004, observed=False),
        ),
        category="malignant",
    ),
    candidate(
        7, "b12_folate", "Vitamin B12 or folate deficiency", 0.0061, "less_likely",
        (prior(1.4), contribution("mcv", "Mean corpuscular volume 102 fL, high for age", 5.0, 0.8, 0.12),
         contribution("retic_abs", "Reticulocytes 28 ×10⁹/L", 1.02, 0.6, 0.5)),
        category="nutritional", excluded="Vitamin B12 and folate not low",
    ),
    candidate(8, "hlh", "Hemophagocytic lymphohistiocytosis", 0.0009, "argues_against",
        (prior(0.4), contribution("HP:0001744", "no splenomegaly", 0.12, 0.9, 0.1, observed=False))),
    candidate(9, "duffy_null", "Duffy-null associated neutrophil count", 0.0001, "argues_against",
        (prior(0.02),), category="benign", never_miss=False),
)


def _inputs() -> tuple[Input, ...]:
    rows = {
        ("hemoglobin", "Hemoglobin", G): ((10.8, 9.7, 8.9), 11.5, 13.5, 15.5, -4.6, 11.5, 15.5),
        ("mcv", "Mean corpuscular volume", FL): ((98, 100, 102), 77.0, 86.0, 95.0, 3.56, 76.0, 90.0),
        ("wbc", "White blood cells", C9): ((3.9, 3.4, 2.9), 4.8, 8.3, 14.1, -3.6, 4.5, 13.5),
        ("anc", "Absolute neutrophil count", C9): ((1.32, 1.1, 0.9), 1.5, 4.3, 8.0, -2.9, 1.5, 8.5),
        ("alc", "Absolute lymphocyte count", C9): ((2.1, 1.94, 1.7), 1.5, 2.9, 6.6, -1.6, 1.5, 6.8),
        ("platelets", "Platelets", C9): ((95, 68, 45), 150.0, 300.0, 450.0, -5.4, 150.0, 450.0),
    }
    out = []
    for (analyte, name, unit), (values, low, mid, high, z, lab_low, lab_high) in rows.items():
        for k, (value, age) in enumerate(zip(values, (FIRST, SECOND, THIRD), strict=True)):
            out.append(Input(
                analyte, name, float(value), unit, "", age, low, mid, high, z if k == 2 else z + 0.8 * (2 - k),
                lab_low, lab_high, "WBC × (segs + bands) %" if analyte == "anc" else "",
                "", k == 2, f"row {k + 2}",
            ))
    out += [
        Input("retic_abs", "Reticulocytes, absolute", 28.0, C9, "", THIRD, 25.0, 60.0, 110.0, -1.6, None, 100.0, "", "", True, "row 4"),
        Input("hbf_pct", "Hemoglobin F", 6.8, "%", "", THIRD, 0.1, 0.6, 1.6, 12.2, None, 2.0, "", "", True, "row 4"),
        Input("monocytes", "Absolute monocyte count", 0.25, C9, "<", THIRD, 0.2, 0.5, 1.0, -1.2, None, None, "", "", True, "row 4"),
        Input("ferritin", "Ferritin", 312.0, "ng/mL", "", None, None, None, None, None, 10.0, 120.0, "", "", False, "row 5"),
        Input("hiv_agab", "HIV 1+2 antibody and p24 antigen", 0.0, "{presence}", "", THIRD, None, None, None, None, None, None, "", "", True, "row 6"),
    ]
    return tuple(out)


_LINEAGES = Lineages(
    red=Lineage(
        "failing", "hemoglobin", 8.9, G, "", -4.6, 11.5, "moderate", FIRST, 3, 8.9, -0.154, "",
        "production", "Hemoglobin below the limit for age, falling over 12 months; reticulocytes are low for the anemia",
        ("DALLMAN1977", "WHO2024"),
    ),
    white=Lineage(
        "failing", "anc", 0.9, C9, "", -2.9, 1.5, "moderate", FIRST, 3, 0.9, -0.034, "",
        "undetermined", "Neutrophils 0.5-0.99 10*9/L; lymphocytes within limits", ("DALLMAN_WBC",),
    ),
    platelet=Lineage(
        "failing", "platelets", 45.0, C9, "", -5.4, 150.0, "severe", FIRST, 3, 45.0, -4.04, "",
        "undetermined", "Platelets 20-49 10*9/L", ("EXPERT",),
    ),
)

NO_CYCLE = NeutrophilCycle(
    "insufficient", "Fewer than 8 usable neutrophil counts: too few to look for a cycle.", None, None, None, "none", 0,
    None, 2, None, None, 0, None, None, None, None, None, (), (), (), (), None, None, "", ("DALE2017",),
)
TRENDS = Trends(
    red=LineageTrend("hemoglobin", G, 3, FIRST, THIRD, "no_trend", -0.21, 0.33, SECOND, 8.4, THIRD, None),
    white=LineageTrend("anc", C9, 2, FIRST, THIRD, "too_few", None, None, None, 1.6, THIRD, None),
    platelet=LineageTrend("platelets", C9, 6, FIRST, THIRD, "falling", -9.5, 0.0028, FIRST, 31.0, THIRD, None),
    transfusions=(
        TransfusionNeed("red_cell_transfusion", "yes", 4, 21.0, THIRD),
        TransfusionNeed("platelet_transfusion", "no", 1, None, SECOND),
    ),
    supported=(SupportedInterval("red_cell_transfusion", SECOND, THIRD, ("hemoglobin",), "hemoglobin carried by transfused red cells"),),
    neutrophil_cycle=NO_CYCLE,
)
NO_TRENDS = replace(
    TRENDS,
    red=replace(TRENDS.red, draws=0, from_age_days=None, to_age_days=None, direction="too_few", slope_per_30_days=None, mann_kendall_p=None, onset_age_days=None, nadir=None, nadir_age_days=None),
    platelet=replace(TRENDS.platelet, draws=0),
    transfusions=(TransfusionNeed("red_cell_transfusion", "unknown", 0, None, None),),
    supported=(),
)

_FULL = Assessment(
    id="case-0147",
    label=LABEL,
    versions=Versions("0.1.0", "2026-11-23", "24dfc68ceca696b4b058056aace890c4", "2025-11-24"),
    input_hash="9f2c4a1de07b55c38f6d21aa0b7c9e44",
    as_of="2026-11-24",
    setting="hematology_clinic",
    age_days=THIRD,
    sex="female",
    issues=(
        IssueNote("warning", "hpo-not-used", "/findings/6", "An HPO term is read, and no likelihood in the knowledge depends on it.", ""),
        IssueNote("error", "unit-unknown", "row 5, column FERR", "A unit is not known or does not fit the analyte.", "Send ng/mL or ug/L"),
    ),
    inputs=_inputs(),
    trends=TRENDS,
    findings=(
        StatedFinding("HP:0001172", "Abnormal thumb morphology", True, ("HP:0001172",)),
        StatedFinding("HP:0004322", "Short stature", True, ("HP:0004322",)),
        StatedFinding("HP:0000957", "Cafe-au-lait spot", True, ("HP:0000957",)),
        StatedFinding("MAR_HYPO", "Hypocellular marrow", True, ("MAR_HYPO",)),
        StatedFinding("HP:0000365", "Hearing impairment", True, ()),
        StatedFinding("HP:0001744", "Splenomegaly", False, ("HP:0001744",)),
        StatedFinding("HP:0008404", "Nail dystrophy", False, ("HP:0008404",)),
        StatedFinding("LAB_BLASTS", "Blasts in blood", False, ("LAB_BLASTS",)),
    ),
    lineages=_LINEAGES,
    readings=(
        Reading3("macrocytosis", "Macrocytosis for age", "yes", "MCV 102 fL, upper limit 95 fL", "named_source", ("DALLMAN1977",)),
        Reading3("hbf_high", "Hemoglobin F raised for age", "yes", "HbF 6.8 %, upper limit 1.6 %", "named_source", ("EXPERT",)),
        Reading3("reticulocytopenia", "Reticulocytes low for the anemia", "yes", "28 10*9/L", "expert", ("EXPERT",)),
        Reading3("monocytopenia", "Monocytopenia", "unknown", "Reported as a bound", "expert", ("EXPERT",)),
        Reading3("lymphopenia", "Lymphopenia for age", "no", "1.7 10*9/L, lower limit 1.5", "named_source", ("DALLMAN_WBC",)),
        Reading3("cycling", "Neutrophils cycle", "unknown", "Three draws in 12 months are too few; 2-3 counts a week for 6 weeks would tell", "expert", ("EXPERT",)),
    ),
    severity=(
        Severity("aa_criteria", "aplastic_anemia", "Aplastic anemia criteria", "aplastic_anemia", "1976/1988/2016", "yes", "Two of hemoglobin below 10.0 g/dL, platelets below 50, neutrophils below 1.5 10*9/L, and a hypocellular trephine", (), True, "named_source", ("CAMITTA1976", "BSH2016")),
        Severity("thrombocytopenia_severe", "thrombocytopenia", "Severe thrombocytopenia", "thrombocytopenia", "2019", "yes", "Platelets 20-49 10*9/L; in a newborn 25-49", (), False, "named_source", ("BSH2016",)),
        Severity("anemia_moderate", "anemia", "Moderate anemia", "who_anemia", "2024", "yes", "Hemoglobin below the moderate and at least the severe limit", (), False, "named_source", ("WHO2024",)),
        Severity("severe_aplastic_anemia", "aplastic_anemia", "Severe aplastic anemia criteria", "aplastic_anemia", "1976/1988/2016", "unknown", "Marrow cellularity below 25 %, and two of neutrophils below 0.5, platelets below 20, reticulocytes below 60 10*9/L", ("Marrow cellularity", "Residual hematopoietic cells"), True, "named_source", ("CAMITTA1976",)),
        Severity("neutropenia_severe", "neutropenia", "Severe neutropenia", "neutropenia", "2022", "no", "Neutrophils 0.2-0.49 10*9/L", (), False, "named_source", ("BSH2016",)),
        Severity("thrombocytopenia_critical", "thrombocytopenia", "Critical thrombocytopenia", "thrombocytopenia", "2019", "no", "Platelets below 10 10*9/L", (), False, "named_source", ("BSH2016",)),
    ),
    urgency=Urgency(
        "U24",
        (
            UrgencyReason("U1a", "U24", "Three lineages low", "Hemoglobin, neutrophils and platelets low, new and unexplained", "Hematology contact the same or next day; smear on the same sample", "", (), "expert", ("EXPERT",)),
            UrgencyReason("U5", "U72", "Two lineages, or one at a dangerous depth", "Two lineages low, new and unexplained; platelets below 50 10*9/L", "Seen by hematology within 72 hours", "", (), "expert", ("EXPERT",)),
            UrgencyReason("S1", "S2", "One lineage moderately low", "Neutrophils 0.5-0.99, platelets 50-99 10*9/L", "Clinic or virtual visit within two weeks", "Repeat the count in 1-4 weeks before referral", (), "expert", ("EXPERT",)),
        ),
        (
            UrgencyReason("E3c", "E", "Platelets below 50 with bleeding or procedure", "Platelets below 50 10*9/L with active significant bleeding, head injury, or need for surgery or lumbar puncture", "Emergency department and on-call hematology now", "", ("Active significant bleeding", "Head injury"), "expert", ("EXPERT",)),
            UrgencyReason("E7", "E", "HLH alert", "Fever with two cytopenias and ferritin at least 500 ng/mL or a palpable spleen", "Emergency department and on-call hematology now", "", ("Fever",), "named_source", ("BSH2016",)),
        ),
    ),
    differential=_DIFFERENTIAL,
    questions=(
        Question("FH_CONSANG", "Parents related by blood", "history", 0.21, 0.08,
            (Outcome("present", "", 0.12, (("fanconi_anemia", 0.81), ("tbd", 0.06), ("aa_idiopathic", 0.05))), Outcome("absent", "", 0.88, (("fanconi_anemia", 0.69), ("aa_idiopathic", 0.12), ("tbd", 0.07)))),
            "expert", ("EXPERT",)),
        Question("HP:0000252", "Microcephaly", "phenotype", 0.05, 0.02, (), "named_source", ("FA_MEDSCAPE",)),
    ),
    always_show=(
        AlwaysShown("acute_leukemia", "Acute leukemia", ("Two or more lineages low",), "A smear without blasts does not exclude it"),
        AlwaysShown("hlh", "Hemophagocytic lymphohistiocytosis", ("Two or more lineages low",), ""),
        AlwaysShown("fanconi_anemia", "Fanconi anemia", ("Two or more lineages low",), ""),
        AlwaysShown("tbd", "Telomere biology disorder", ("Two or more lineages low",), ""),
        AlwaysShown("hiv", "HIV infection", ("Two or more lineages low",), ""),
    ),
    next_tests=(
        NextTest("smear", "Peripheral smear reviewed by a hematologist", 4, 0, "", 0.06, 0.05, 0.11, "blood", "0.5 d", False,
            (Outcome("positive", "", 0.02, (("acute_leukemia", 0.7), ("fanconi_anemia", 0.2))), Outcome("negative", "", 0.98, (("fanconi_anemia", 0.72), ("aa_idiopathic", 0.11)))),
            "Blood blasts absent in 10-20 % of ALL: a negative smear never excludes leukemia; capillary samples clot", "expert", ("EXPERT",)),
        NextTest("pnh_flow", "PNH flow cytometry", 5, 1, "", 0.02, 0.01, 0.02, "blood", "5 d", True, (), "", "named_source", ("BSH2016",)),
        NextTest("deb_mmc", "Chromosome breakage with DEB or MMC", 1, 2, "any unexplained pancytopenia", 0.83, 0.61, 0.9, "blood", "14 d", True,
            (Outcome("positive", "", 0.7, (("fanconi_anemia", 0.99), ("aa_idiopathic", 0.003), ("tbd", 0.002))), Outcome("negative", "", 0.3, (("aa_idiopathic", 0.36), ("tbd", 0.27), ("rcc_mds", 0.11)))),
            "Negative in lymphocyte mosaicism: repeat on fibroblasts if suspicion stays", "named_source", ("FA_CHROM2012",)),
        NextTest("telomere_flowfish", "Lymphocyte telomere length by flow-FISH", 2, 2, "in any marrow failure", 0.31, 0.25, 0.25, "blood", "28 d", True,
            (Outcome("positive", "", 0.1, (("tbd", 0.8),)),), "Short telomeres are common in Fanconi anemia", "named_source", ("TBDGUIDE2022",)),
        NextTest("marrow_repeat", "Marrow aspirate and trephine with cytogenetics, repeated", 3, 3, "after 2 weeks when hypocellular without a clone", 0.1, 0.1, 0.02, "marrow", "3-7 d", False, (), "", "expert", ("EXPERT",)),
    ),
    hazards=(
        HazardNote("full_intensity_conditioning", "No full-intensity conditioning or ATG before Fanconi anemia is excluded: full doses are lethal in Fanconi anemia", ("fanconi_anemia",), "deb_mmc", "named_source", ("FARF2020",)),
        HazardNote("transfusion_before_tubes", "Draw HbF, chromosome breakage, telomere, HLA, B12 and viral tubes before the first red cell transfusion, unless unstable", ("fanconi_anemia", "tbd"), "", "expert", ("EXPERT",)),
    ),
    missing=(
        Missing("fever", "Fever", ("Time to act could become an emergency (E7)",)),
        Missing("marrow_cellularity", "Marrow cellularity", ("Severe aplastic anemia criteria", "Very severe aplastic anemia criteria")),
        Missing("mpv", "Mean platelet volume", ()),
    ),
    citations=CITATIONS,
    evidence_grades={"counted": 3, "named_source": 8, "expert": 14, "derived": 4},
    limits=(
        "Not tested prospectively. Checked on published case reports only; sub-groups by ancestry were too small to report.",
        "No published pediatric Duffy-null interval exists; the limits used are scaled from adults.",
    ),
)


def full() -> Assessment:
    """Give a girl of seven with three lineages falling, Fanconi anemia leading."""
    return _FULL


def sparse() -> Assessment:
    """Give a record that says next to nothing: no age, no count that can be judged."""
    unknown = Lineage("not_assessable", "hemoglobin", None, G, "", None, None, "", None, 0, None, None, "", "undetermined", "Hemoglobin was not measured", ())
    return replace(
        _FULL,
        id="case-0002",
        as_of=None,
        setting="general_pediatrics",
        age_days=None,
        sex=None,
        issues=(IssueNote("warning", "age-unknown", "/", "The age cannot be worked out.", "State the date of birth"),),
        inputs=(),
        findings=(),
        trends=NO_TRENDS,
        lineages=Lineages(
            red=unknown,
            white=replace(unknown, analyte="anc", unit=C9, text="Neutrophils were not measured"),
            platelet=replace(unknown, analyte="platelets", unit=C9, text=""),
        ),
        readings=(),
        severity=(replace(_FULL.severity[3], missing=()),),
        urgency=Urgency("none", (), tuple(replace(r, missing=()) for r in _FULL.urgency.undetermined)),
        differential=(
            candidate(1, "something_else", "Something else (none of these)", 0.6, "fits_well", (), category="other", never_miss=False),
            candidate(2, "viral_suppression", "Viral suppression", 0.0019, "less_likely", (prior(0.5),), category="infection", never_miss=False),
        ),
        always_show=(),
        questions=(),
        next_tests=(),
        hazards=(),
        missing=(Missing("age", "age", ("Every limit depends on it",)), Missing("hemoglobin", "Hemoglobin", ())),
        citations={},
        evidence_grades={},
        limits=(),
    )


def emergency() -> Assessment:
    """Give an infant of 40 days with platelets below 10, bleeding, under platelet transfusion."""
    platelets = Lineage(
        "failing", "platelets", 10.0, C9, "<", None, 150.0, "critical", 31, 4, 0.0, 6.0,
        "platelets carried by a transfusion; judge after 5 days", "destruction_or_loss",
        "Platelets below 10 10*9/L", ("EXPERT",),
    )
    red = Lineage("low", "hemoglobin", 9.4, G, "", -2.3, 9.6, "mild", 40, 1, 9.4, None, "", "undetermined", "", ())
    white = Lineage("normal", "anc", 3.4, C9, "", -0.2, 1.0, "", None, 1, 3.4, 0.0, "", "undetermined", "", ("DALLMAN_WBC",))
    serial = (
        Input("platelets", "Platelets", 38.0, C9, "", 31, 150.0, 300.0, 500.0, -6.0, 150.0, 450.0, "", "", False, "/entry/3"),
        Input("platelets", "Platelets", 0.0, C9, "", 34, 150.0, 300.0, 500.0, None, 150.0, 450.0, "", "", False, "/entry/4"),
        Input("platelets", "Platelets", 71.0, C9, "", 36, 150.0, 300.0, 500.0, -4.0, 150.0, 450.0, "", "platelets carried by a transfusion; judge after 5 days", False, "/entry/5"),
        Input("platelets", "Platelets", 10.0, C9, "<", 40, 150.0, 300.0, 500.0, None, 150.0, 450.0, "", "platelets carried by a transfusion; judge after 5 days", True, "/entry/6"),
        Input("platelets", "Platelets", 600.0, C9, ">", 20, 150.0, 300.0, 500.0, None, None, None, "", "", False, "/entry/9"),
        Input("hemoglobin", "Hemoglobin", 9.4, G, "", 40, 9.6, 10.8, 12.5, -2.3, 9.0, None, "", "", True, "/entry/7"),
        Input("anc", "Absolute neutrophil count", 3.4, C9, "", 40, 1.0, 3.8, 9.0, -0.2, None, None, "", "", True, "/entry/8"),
    )
    reason = UrgencyReason("E9", "E", "Newborn or young infant with a dangerous count", "Platelets below 10 10*9/L", "Emergency department and on-call hematology now", "", (), "expert", ("EXPERT",))
    camt = candidate(
        1, "camt", "Congenital amegakaryocytic thrombocytopenia", 0.3, "fits_well",
        (prior(0.2), contribution("counts", "Platelets alone very low", 8.0, grade="derived")),
    )
    duffy = StatedFinding("HX_DUFFY_NULL", "Duffy-null", True, ("HX_DUFFY_NULL",))
    return replace(
        _FULL,
        id="baby 7/β",
        age_days=40,
        sex=None,
        as_of="2026-11-24T08:30:00Z",
        inputs=serial,
        findings=(duffy,),
        lineages=Lineages(red=red, white=white, platelet=platelets),
        urgency=Urgency("E", (reason,), ()),
        differential=(camt,),
        issues=(),
    )
