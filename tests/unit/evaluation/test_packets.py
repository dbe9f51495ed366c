"""Rows of a case set become packets that say what the row says, and nothing of the diagnosis."""

from __future__ import annotations

from typing import Any

import pytest

from hematon.evaluation.packets import terms_packet
from hematon.evaluation.report_packets import report_packet, series_day
from unit.evaluation.case_files import report_row, terms_row


def _terms(packet: dict[str, Any]) -> dict[str, bool]:
    return {f["type"]["id"]: "excluded" not in f for f in packet["phenotypicFeatures"]}


def _values(packet: dict[str, Any]) -> dict[str, Any]:
    return {m["assay"]["id"]: m for m in packet["measurements"]}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("P3Y", {"age": {"iso8601duration": "P3Y"}}),
        (
            "HP:0003577|Congenital onset",
            {"ontologyClass": {"id": "HP:0003577", "label": "Congenital onset"}},
        ),
        ("32 weeks", {"gestationalAge": {"weeks": 32}}),
    ],
)
def test_times_are_written_in_their_kind(text: str, written: dict[str, Any]) -> None:
    """An age, a class of onset and a gestational age."""
    seen = [{"id": "HP:0001903", "label": "Anemia", "onset": text}]
    row = terms_row("a", "OMIM:1", age_onset=text, age_last_encounter=text, observed=seen)
    packet = terms_packet(row)
    assert packet["phenotypicFeatures"][0]["onset"] == written
    assert packet["diseases"] == [
        {"term": {"id": "MONDO:0000001", "label": "disease"}, "onset": written}
    ]
    assert packet["subject"]["timeAtLastEncounter"] == written


def test_terms_and_assays_of_a_row() -> None:
    """Observed and excluded terms, a measurement with its own unit, an unknown sex."""
    assay = {"assay_id": "LOINC:718-7", "assay": "Hb", "value": 9.1, "unit_id": "U", "unit": "g/dL"}
    row = terms_row("a", "OMIM:1", sex="UNKNOWN_SEX", measurements=[assay], age_last_encounter=None)
    packet = terms_packet(row)
    assert _terms(packet) == {"HP:0001903": True, "HP:0001873": False}
    assert packet["subject"] == {"id": "a", "sex": "UNKNOWN_SEX"}
    assert _values(packet)["LOINC:718-7"]["value"]["quantity"] == {
        "value": 9.1,
        "unit": {"id": "U", "label": "g/dL"},
    }


def test_variants_only_when_asked_for() -> None:
    """Variants with gene, change and state; without variants the genes alone."""
    variant = {"gene": "FANCC", "hgvs_c": "c.1A>G", "allelic_state": "homozygous"}
    bare = {"gene": "", "hgvs_c": None, "allelic_state": None}
    row = terms_row("a", "OMIM:1", variants=[variant, bare], genes=["FANCC"])
    assert "interpretations" not in terms_packet(row)

    def written(some: dict[str, Any]) -> list[dict[str, Any]]:
        (one,) = terms_packet(some, include_variants=True)["interpretations"]
        return [
            g["variantInterpretation"]["variationDescriptor"]
            for g in one["diagnosis"]["genomicInterpretations"]
        ]

    first, second = written(row)
    assert first["geneContext"]["symbol"] == "FANCC"
    assert first["expressions"][0]["value"] == "c.1A>G"
    assert first["allelicState"]["id"] == "GENO:0000136"
    assert set(second) == {"id", "moleculeContext"}
    (alone,) = written(terms_row("a", "OMIM:1", genes=["RPS19"]))
    assert alone["geneContext"]["symbol"] == "RPS19"


def test_counts_of_a_report_keep_their_time() -> None:
    """Counts today and dated later or earlier; what nothing dates, or repeats, is left out."""
    later = {"day": 30, "hemoglobin_g_dl": 9.0}
    earlier = {"day": None, "label": "two counts, 2 months earlier", "hemoglobin_g_dl": 7.0}
    again = {"day": 0, "hemoglobin_g_dl": 5.1}
    undated = {"day": None, "label": "later", "hemoglobin_g_dl": 6.0}
    packet = report_packet(report_row("r", "x", series=[later, earlier, again, undated]))
    hemoglobin = {
        m["value"]["quantity"]["value"]: m["timeObserved"]["age"]["iso8601duration"]
        for m in packet["measurements"]
        if m["assay"]["id"] == "LOINC:718-7"
    }
    assert hemoglobin == {5.1: "P2191D", 9.0: "P2221D", 7.0: "P2130D"}
    assert series_day({"day": None, "label": "a week earlier"}) == -7
    ageless = report_packet(report_row("r", "x", age_years=None))
    assert "timeAtLastEncounter" not in ageless["subject"]
    assert all("timeObserved" not in m for m in ageless["measurements"])


def test_numbers_of_tests_and_marrow() -> None:
    """A value with its unit, a bound, a share of leukocytes, cellularity and blasts."""
    row = report_row(
        "r",
        "x",
        tests=[
            {"name": "Ferritin", "result": "350 ng/mL"},
            {"name": "B12", "result": "<100 pg/mL"},
            {"name": "nucleated red cells", "result": "4 per 100 leukocytes"},
            {"name": "maternal vitamin B12", "result": "90 pg/mL"},
        ],
        marrow={"cellularity_percent": 10, "description_terms": ["25% blasts", "hypocellular"]},
    )
    values = _values(report_packet(row))
    assert values["LOINC:2276-4"]["value"]["quantity"]["unit"]["label"] == "ng/mL"
    bound = values["LOINC:2132-9"]["complexValue"]["typedQuantities"][0]
    assert bound["type"]["id"] == "HEMATON:less-than"
    assert values["LOINC:58413-6"]["value"]["quantity"]["unit"]["label"] == "/100{WBC}"
    assert values["HEMATON:marrow_cellularity"]["value"]["quantity"]["value"] == 10
    assert values["HEMATON:marrow_blasts_pct"]["value"]["quantity"]["value"] == 25.0


def test_words_of_a_report_become_findings() -> None:
    """Exposures, family, marrow and answered tests; a positive stands over a negative."""
    row = report_row(
        "r",
        "x",
        findings_observed=[{"hpo": "HP:0005528", "hpo_name": "Hypocellular"}],
        findings_excluded=[{"hpo": "HP:0001744", "hpo_name": "Splenomegaly"}],
        exposures=["Cow's milk 1 L a day", "linezolid"],
        family_history="Non-consanguineous parents; a sibling affected",
        tests=[
            {"name": "Direct Coombs", "result": "negative"},
            {"name": "direct antiglobulin", "result": "positive 2+"},
            {"name": "chromosome breakage", "result": "equivocal"},
            {"name": "C3", "result": "low"},
            {"name": "ferritin", "result": "elevated"},
            {"name": "folate", "result": "normal"},
            {"name": "fibrinogen", "result": "elevated"},
            {"name": "lactate", "result": "pending"},
            {"name": "karyotype", "result": "monosomy 7"},
        ],
        marrow={"cellularity_percent": None, "description_terms": ["hypocellular"]},
    )
    packet = report_packet(row)
    assert _terms(packet) == {
        "HP:0005528": True,
        "HP:0001744": False,
        "HEMATON:EXP_COW_MILK": True,
        "HEMATON:FH_CONSANG": False,
        "HEMATON:FH_SIB": True,
        "HP:0032366": True,
        "HP:0005421": True,
        "HP:0003281": True,
        "HP:0100507": False,
        "HEMATON:MAR_MONO7": True,
    }
    assert packet["medicalActions"][0]["treatment"]["agent"]["label"] == "linezolid"


def test_publication_and_genes_of_a_report() -> None:
    """PubMed's address is a publication; genes come when asked for."""
    address = "https://pubmed.ncbi.nlm.nih.gov/12345"
    gene = {"symbol": "ELANE", "zygosity": "het"}
    row = report_row("r", "x", source_url=address, genes=[gene])
    packet = report_packet(row)
    assert packet["metaData"]["externalReferences"] == [{"id": "PMID:12345"}]
    assert "interpretations" not in packet
    assert "interpretations" in report_packet(row, include_variants=True)
