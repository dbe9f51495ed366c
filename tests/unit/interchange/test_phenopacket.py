"""Phenopackets: what each part is read as, what is noted, and that writing reads back the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson, Parse
from hypothesis import given
from phenopackets import Family, Phenopacket

from hematon.engine.case import Case, Finding, Measurement, ReportedVariant, Treatment
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange import phenopacket
from hematon.knowledge import Knowledge, load_knowledge
from strategies import bare, cases

KNOWLEDGE = load_knowledge()
META = {"phenopacketSchemaVersion": "2.0"}
YEAR = 365


def packet(**parts: Any) -> dict[str, Any]:
    """Give a minimal packet with the parts of a test."""
    return {"id": "p1", "subject": {"id": "s1", "sex": "MALE"}, "metaData": META, **parts}


def reading(document: object, today: date | None = None) -> Reading[Case]:
    """Read a document given as an object."""
    return phenopacket.read(json.dumps(document), KNOWLEDGE, today=today)


def case(document: object, today: date | None = None) -> Case:
    """Give the case of a document."""
    value = reading(document, today).value
    assert value is not None
    return value


def codes(issues: tuple[Issue, ...], level: str = "") -> list[str]:
    """Give the issue codes, of one level or all."""
    return [i.code for i in issues if level in ("", i.level)]


def age(duration: str) -> dict[str, Any]:
    """Give a time element that is an age."""
    return {"age": {"iso8601duration": duration}}


def feature(code: str, **more: Any) -> dict[str, Any]:
    """Give a phenotypic feature."""
    return {"type": {"id": code, "label": "a label"}, **more}


def measured(assay: str, value: object, unit: str | None, **more: Any) -> dict[str, Any]:
    """Give a measurement of one quantity."""
    quantity: dict[str, Any] = {"value": value}
    if unit is not None:
        quantity["unit"] = {"id": f"UCUM:{unit}", "label": unit}
    return {"assay": {"id": assay, "label": ""}, "value": {"quantity": quantity}, **more}


# --- documents -------------------------------------------------------------------------------


def test_single_packet_reads_the_child() -> None:
    """A packet gives the id, the sex and the age at the last encounter."""
    document = packet()
    document["subject"]["timeAtLastEncounter"] = age("P3Y2M4D")
    child = case(document)
    assert (child.id, child.sex, child.age_days) == ("p1", "male", int(3 * 365.25 + 60.875 + 4))
    assert child.source_format == "phenopacket"


def test_snake_case_reads_like_camel_case() -> None:
    """Protobuf's JSON with field names as in the schema means the same."""
    document = packet(
        phenotypic_features=[feature("HP:0001744", excluded=True)],
        meta_data=META,
        subject={"id": "s", "sex": 1, "time_at_last_encounter": age("P2Y")},
    )
    del document["metaData"]
    child = case(document)
    assert child.sex == "female"
    assert child.age_days == 730
    assert child.findings[0].observed is False


def test_id_falls_back_to_the_subject() -> None:
    """A packet without an id has its subject's."""
    assert case(packet(id="")).id == "s1"


@pytest.mark.parametrize("sex", ["OTHER_SEX", "UNKNOWN_SEX", 3])
def test_other_sex_leaves_limits_open(sex: object) -> None:
    """Sex that is neither male nor female is unknown to limits, and said."""
    found = reading(packet(subject={"id": "s", "sex": sex}))
    assert found.value is not None
    assert found.value.sex is None
    assert "sex-unknown" in codes(found.issues)


@pytest.mark.parametrize("sex", ["male ", True, 9, ["MALE"]])
def test_sex_that_is_no_member_is_refused(sex: object) -> None:
    """An unknown member of the enumeration is an error."""
    assert "wrong-type" in codes(reading(packet(subject={"id": "s", "sex": sex})).issues)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty-input"),
        (b" \n", "empty-input"),
        ("[]", "empty-input"),
        ("{", "not-json"),
        (b"\xff\xfe{", "not-utf8"),
        ("{\ud800}", "not-utf8"),
        ("{}", "unknown-format"),
        ('{"resourceType": "Bundle", "subject": {}}', "unknown-format"),
        ("3", "unknown-format"),
        ('["x"]', "unknown-format"),
        ('[{"subject": {}}, {"subject": {}}]', "mixed-patients"),
    ],
)
def test_unreadable_documents_say_why(raw: bytes | str, code: str) -> None:
    """Only a document without one readable packet raises, with a code."""
    with pytest.raises(UnreadableError) as caught:
        phenopacket.read(raw, KNOWLEDGE)
    assert caught.value.issues[0].code == code


def test_byte_order_mark_is_skipped() -> None:
    """A UTF-8 byte order mark in front changes nothing."""
    raw = b"\xef\xbb\xbf" + json.dumps(packet()).encode()
    assert phenopacket.read(raw, KNOWLEDGE).value is not None


def test_lines_are_read_one_by_one_and_a_bad_one_is_named() -> None:
    """A broken line gives a reading without a case, and the others go on."""
    good = json.dumps(packet())
    raw = f"{good}\n\n{{broken\n[1]\n{good}\n"
    readings = list(phenopacket.read_many(raw, KNOWLEDGE))
    assert [r.value is not None for r in readings] == [True, False, False, True]
    assert readings[1].issues[0].where == "line 3"
    assert readings[1].issues[0].code == "unknown-format"


def test_line_is_part_of_the_place_of_an_issue() -> None:
    """An issue inside a line names the line and the field."""
    bad = json.dumps(packet(subject={"sex": "?"}))
    readings = list(phenopacket.read_many(f"{bad}\n{bad}", KNOWLEDGE))
    assert readings[1].issues[0].where == "line 2/subject/sex"


def test_array_and_cohort_give_one_reading_each() -> None:
    """An array of packets, or a cohort's members, are read in order."""
    packets = [packet(id="a"), 5, packet(id="b")]
    for document in (packets, {"id": "c", "members": packets}):
        readings = list(phenopacket.read_many(json.dumps(document), KNOWLEDGE))
        assert [r.value.id if r.value else None for r in readings] == ["a", None, "b"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (packet(), True),
        ({"proband": {}}, True),
        ({"phenotypic_features": []}, True),
        ({"subject": "x"}, False),
        ({"resourceType": "Patient", "subject": {}}, False),
        ([packet()], False),
    ],
)
def test_sniff_tells_packets_from_the_rest(document: object, expected: bool) -> None:
    """Fields of a packet make a packet, unless a resourceType makes it FHIR."""
    assert phenopacket.sniff(document) is expected


def test_wrong_types_are_noted_and_the_rest_is_read() -> None:
    """A field of another type is an issue with its place, never a crash."""
    document = packet(
        phenotypicFeatures=["x", feature("HP:0001744", excluded="yes"), {"type": 3}],
        measurements={"not": "a list"},
        diseases=[{"term": {"id": 5}}],
    )
    found = reading(document)
    wrong = [i.where for i in found.issues if i.code == "wrong-type"]
    assert wrong == [
        "/phenotypicFeatures/0",
        "/phenotypicFeatures/1/excluded",
        "/phenotypicFeatures/2/type",
        "/measurements",
        "/diseases/0/term/id",
    ]
    assert found.value is not None
    assert len(found.value.findings) == 1


def test_packet_without_subject_or_metadata_is_noted() -> None:
    """What the standard demands and is absent is a warning."""
    found = reading({"phenotypicFeatures": [feature("HP:0001744")]})
    assert {"no-patient", "missing-field"} <= set(codes(found.issues, "warning"))


def test_packet_that_says_nothing_is_noted() -> None:
    """A packet with nothing usable is read, and said to be of no use."""
    assert "nothing-usable" in codes(reading(packet()).issues)


def test_other_schema_version_is_noted() -> None:
    """A packet of version 1 is warned about."""
    for version, expected in (("1.0", True), ("2", False), ("2.0.2", False), ("", False)):
        found = reading(packet(metaData={"phenopacketSchemaVersion": version}))
        assert ("unknown-format" in codes(found.issues)) is expected


def test_publications_are_kept_for_honest_evaluation() -> None:
    """PMIDs and DOIs of the metadata stay on the case, once each."""
    refs = [{"id": "PMID:1"}, {"id": "PMID:1"}, {"id": "DOI:10.1/x"}, {"id": "file"}]
    assert case(packet(metaData={"externalReferences": refs})).publications == (
        "PMID:1",
        "DOI:10.1/x",
    )


def test_biosamples_and_files_are_said_to_be_unused() -> None:
    """Parts that are not read are noted once."""
    found = reading(packet(biosamples=[{"id": "b"}], files=[{"uri": "f"}, {"uri": "g"}]))
    assert codes(found.issues).count("resource-not-used") == 2


# --- features --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["HP:0001744", "HP_0001744", "hp:0001744", "http://purl.obolibrary.org/obo/HP_0001744"]
)
def test_hpo_ids_are_read_in_all_spellings(code: str) -> None:
    """CURIE, OBO and IRI spellings name one term."""
    assert case(packet(phenotypicFeatures=[feature(code)])).findings[0].code == "HP:0001744"


def test_feature_keeps_label_and_onset() -> None:
    """Label and onset stay beside the code."""
    document = packet(phenotypicFeatures=[feature("HP:0001744", onset=age("P1W"))])
    found = case(document).findings[0]
    assert (found.label, found.age_days, found.observed) == ("a label", 7, True)


def test_own_findings_are_read_by_id() -> None:
    """`HEMATON:` ids are Hematon's own findings."""
    document = packet(phenotypicFeatures=[feature("HEMATON:FH_CONSANG")])
    assert case(document).findings[0].code == "FH_CONSANG"


@pytest.mark.parametrize(
    ("code", "issue"),
    [
        ("HEMATON:NOPE", "code-unknown"),
        ("MP:0000001", "code-unknown"),
        ("", "missing-field"),
        ("HP:9999999", "hpo-unknown"),
    ],
)
def test_unknown_features_are_errors(code: str, issue: str) -> None:
    """A feature that cannot be used is an error and is left out."""
    found = reading(packet(phenotypicFeatures=[feature(code)]))
    assert issue in codes(found.issues, "error")
    assert found.value is not None
    assert not found.value.findings


def test_hpo_release_of_the_sender_explains_unknown_ids() -> None:
    """With an unknown id, the release the packet names is told; without one it is not."""
    resources = [
        {"namespacePrefix": "GENO", "version": "x"},
        {"namespacePrefix": "HP"},
        {"namespacePrefix": "HP", "version": "hp/releases/2031-01-01"},
    ]
    meta = {**META, "resources": resources}
    found = reading(packet(metaData=meta, phenotypicFeatures=[feature("HP:9999999")]))
    assert any("2031-01-01" in i.message for i in found.issues)
    quiet = reading(packet(metaData=meta, phenotypicFeatures=[feature("HP:0001744")]))
    assert not any("2031-01-01" in i.message for i in quiet.issues)


# --- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "days"),
    [
        (age("P1Y"), 365),
        (age("P6M"), 182),
        (age("P1W2D"), 9),
        (age("P1DT36H"), 2),
        (age("P0,5Y"), 182),
        (
            {
                "ageRange": {
                    "start": {"iso8601duration": "P10D"},
                    "end": {"iso8601duration": "P20D"},
                }
            },
            15,
        ),
        ({"ageRange": {"end": {"iso8601duration": "P20D"}}}, 20),
        ({"ontologyClass": {"id": "HP:0003577", "label": "Congenital onset"}}, 0),
        ({"ontologyClass": {"id": "HP:0003593", "label": "Infantile onset"}}, 183),
        ({"ontologyClass": {"id": "NCIT:C17998", "label": "Unknown"}}, None),
        ({"gestationalAge": {"weeks": 20}}, 0),
        ({}, None),
    ],
)
def test_time_elements_become_ages(element: object, days: int | None) -> None:
    """Each way to say when becomes completed days, or stays unknown."""
    document = packet(phenotypicFeatures=[feature("HP:0001744", onset=element)])
    assert case(document).findings[0].age_days == days


@pytest.mark.parametrize(
    ("element", "issue"),
    [
        (age("3 years"), "date-invalid"),
        (age("P"), "date-invalid"),
        (age("-P1Y"), "date-invalid"),
        ({"age": {"iso8601duration": 3}}, "wrong-type"),
        (age("P400Y"), "age-implausible"),
        ({"ontologyClass": {"id": "HP:0001744"}}, "code-unknown"),
        ({"timestamp": "yesterday"}, "date-invalid"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "age-unknown"),
    ],
)
def test_unreadable_times_are_noted(element: object, issue: str) -> None:
    """A time that cannot be read is noted and left open."""
    found = reading(packet(phenotypicFeatures=[feature("HP:0001744", onset=element)]))
    assert issue in codes(found.issues)
    assert found.value is not None
    assert found.value.findings[0].age_days is None


def test_time_stamps_count_from_the_date_of_birth() -> None:
    """With a date of birth, time stamps and intervals become ages."""
    document = packet(
        subject={
            "id": "s",
            "dateOfBirth": "2020-01-01T00:00:00Z",
            "timeAtLastEncounter": {"timestamp": "2021-01-01T10:00:00Z"},
        },
        phenotypicFeatures=[
            feature(
                "HP:0001744",
                onset={
                    "interval": {"start": "2020-01-11T00:00:00Z", "end": "2020-01-21T00:00:00Z"}
                },
            ),
        ],
    )
    child = case(document)
    assert child.birth_date == date(2020, 1, 1)
    assert child.age_days == 366
    assert child.findings[0].age_days == 15


def test_undated_packet_is_noted_once() -> None:
    """Without a date of birth, many time stamps give one issue."""
    onset = {"timestamp": "2020-01-01T00:00:00Z"}
    features = [feature("HP:0001744", onset=onset), feature("HP:0002716", onset=onset)]
    issues = reading(packet(phenotypicFeatures=features)).issues
    assert sum("dateOfBirth" in i.message for i in issues) == 1


def test_birth_in_the_future_is_refused() -> None:
    """A date of birth after today is an error and is not used."""
    document = packet(subject={"id": "s", "dateOfBirth": "2030-01-01T00:00:00Z"})
    found = reading(document, today=date(2026, 1, 1))
    assert "date-in-future" in codes(found.issues, "error")
    assert found.value is not None
    assert found.value.birth_date is None
    assert case(document, today=date(2031, 1, 1)).birth_date == date(2030, 1, 1)


# --- the age the child is judged at ------------------------------------------------------------

COUNT = measured("LOINC:718-7", 7.1, "g/dL", timeObserved=age("P4Y"))
EARLIER = measured("LOINC:718-7", 8.2, "g/dL", timeObserved=age("P3Y"))


@pytest.mark.parametrize(
    ("last", "onset", "parts", "days", "warned"),
    [
        ("P30Y", "P2Y", {}, 730, True),
        ("P2Y", "P30Y", {}, 730, False),
        (None, "P2Y", {}, 730, True),
        ("P5Y", "P2Y", {"measurements": [COUNT]}, 1826, False),
        (None, None, {"measurements": [COUNT, EARLIER]}, 1461, True),
        (
            None,
            None,
            {
                "phenotypicFeatures": [
                    feature("HP:0001744", onset=age("P3D")),
                    feature("HP:0002716", onset=age("P9D")),
                ]
            },
            3,
            True,
        ),
        (
            None,
            None,
            {"phenotypicFeatures": [feature("HP:0001744", onset=age("P3D"), excluded=True)]},
            None,
            True,
        ),
        (None, None, {}, None, True),
    ],
)
def test_age_is_the_onset_unless_counts_say_otherwise(
    last: str | None, onset: str | None, parts: dict[str, Any], days: int | None, warned: bool
) -> None:
    """A description is judged at its onset, a record with counts at its last encounter."""
    document = packet(**parts)
    if last:
        document["subject"]["timeAtLastEncounter"] = age(last)
    if onset:
        document["diseases"] = [{"term": {"id": "OMIM:1"}, "onset": age(onset)}]
    found = reading(document)
    assert found.value is not None
    assert found.value.age_days == days
    assert ("age-unknown" in codes(found.issues)) is warned


def test_stated_unknown_age_is_not_inferred() -> None:
    """A sender who says that the age is unknown is believed."""
    document = packet(measurements=[COUNT])
    document["subject"]["timeAtLastEncounter"] = {"ontologyClass": {"id": "NCIT:C17998"}}
    assert case(document).age_days is None


def test_onset_of_an_excluded_disease_is_no_onset() -> None:
    """A disease that was ruled out did not begin."""
    document = packet(
        diseases=[
            {"term": {"id": "OMIM:1"}, "onset": age("P1D"), "excluded": True},
        ]
    )
    assert case(document).age_days is None


# --- measurements ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "assay", ["LOINC:718-7", "718-7", "https://loinc.org/718-7", "HEMATON:hemoglobin"]
)
def test_assays_are_known_by_loinc_or_own_id(assay: str) -> None:
    """LOINC in its spellings and our own analyte ids name an analyte."""
    found = case(packet(measurements=[measured(assay, 71, "g/L", timeObserved=age("P1Y"))]))
    assert found.measurements[0].analyte == "hemoglobin"
    assert found.measurements[0].value == 7.1
    assert found.measurements[0].age_days == YEAR


def test_assay_without_a_known_code_is_known_by_its_label() -> None:
    """A label that names an analyte serves; the unit tells a percentage from a count."""
    document = packet(
        measurements=[
            {
                "assay": {"id": "X:1", "label": "Neutrophils"},
                "value": {"quantity": {"unit": {"id": "UCUM:%"}, "value": 40}},
            },
            {
                "assay": {"id": "X:1", "label": "Neutrophils"},
                "value": {"quantity": {"unit": {"id": "X:2", "label": "10^9/L"}, "value": "1.5"}},
            },
        ]
    )
    assert [m.analyte for m in case(document).measurements] == ["neutrophils_pct", "anc"]


@pytest.mark.parametrize(
    ("item", "issue"),
    [
        (measured("LOINC:9999-9", 1, "g/dL"), "code-unknown"),
        (measured("LOINC:4579-9", 1, "g/dL"), "code-excluded"),
        (measured("X:1", 1, "g/dL"), "code-unknown"),
        (measured("HEMATON:nope", 1, "g/dL"), "code-unknown"),
        (measured("LOINC:718-7", 7.1, None), "unit-missing"),
        (measured("LOINC:718-7", 7.1, "wibble"), "unit-unknown"),
        (measured("LOINC:718-7", 7100, "g/dL"), "value-implausible"),
        (measured("LOINC:718-7", "seven", "g/dL"), "value-not-number"),
        (measured("LOINC:718-7", True, "g/dL"), "value-not-number"),
        (measured("LOINC:718-7", "Infinity", "g/dL"), "value-not-number"),
        (measured("LOINC:718-7", None, None), "value-absent"),
        ({"assay": {"id": "718-7"}}, "value-absent"),
        ({"assay": {"id": "718-7"}, "value": {"quantity": {"referenceRange": {}}}}, "value-absent"),
    ],
)
def test_unusable_measurements_are_noted(item: object, issue: str) -> None:
    """A measurement that cannot be used is noted and left out."""
    found = reading(packet(measurements=[item]))
    assert issue in codes(found.issues)
    assert found.value is not None
    assert not found.value.measurements


def test_zero_that_protobuf_left_out_is_read_as_zero() -> None:
    """Protobuf omits zeros: a unit without a value is a count of zero, and said."""
    found = reading(
        packet(
            measurements=[
                {"assay": {"id": "751-8"}, "value": {"quantity": {"unit": {"id": "UCUM:10*9/L"}}}},
            ]
        )
    )
    assert found.value is not None
    assert found.value.measurements[0].value == 0.0
    assert "value-absent" in codes(found.issues, "warning")


def test_reference_range_is_kept_in_the_analytes_unit() -> None:
    """The laboratory's own limits are converted with the value."""
    item = measured("718-7", 71, "g/L")
    item["value"]["quantity"]["referenceRange"] = {"low": 115, "high": "Infinity"}
    found = case(packet(measurements=[item])).measurements[0]
    assert (found.lab_low, found.lab_high) == (11.5, None)


def test_reference_range_in_another_unit_is_not_used() -> None:
    """Limits in another unit than the value are noted and left out."""
    item = measured("718-7", 71, "g/L")
    item["value"]["quantity"]["referenceRange"] = {
        "unit": {"id": "UCUM:g/dL"},
        "low": 11.5,
        "high": 15.5,
    }
    found = reading(packet(measurements=[item]))
    assert found.value is not None
    assert found.value.measurements[0].lab_low is None
    assert "unit-unknown" in codes(found.issues, "warning")


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        ({"id": "NCIT:C38758", "label": ""}, True),
        ({"id": "NCIT:C48190", "label": ""}, False),
        ({"id": "X:1", "label": "Positive"}, True),
        ({"id": "X:1", "label": "not detected"}, False),
    ],
)
def test_words_answer_tests_that_are_positive_or_negative(answer: object, observed: bool) -> None:
    """A term or a label for present or absent becomes the test's finding."""
    item = {"assay": {"id": "LOINC:1007-4"}, "value": {"ontologyClass": answer}}
    found = case(packet(measurements=[item])).findings[0]
    assert (found.code, found.observed) == ("LAB_DAT_POS", observed)


@pytest.mark.parametrize(
    ("assay", "answer", "issue"),
    [
        ("LOINC:1007-4", "borderline", "value-not-number"),
        ("LOINC:718-7", "positive", "code-excluded"),
        ("LOINC:4579-9", "positive", "code-unknown"),
    ],
)
def test_words_that_answer_nothing_are_noted(assay: str, answer: str, issue: str) -> None:
    """A word that is neither, or for a test that wants a number, is noted."""
    item = {"assay": {"id": assay}, "value": {"ontologyClass": {"id": "X:1", "label": answer}}}
    assert issue in codes(reading(packet(measurements=[item])).issues)


def test_typed_quantities_are_results_of_their_types() -> None:
    """Each typed quantity of a complex value is a result of its own."""
    item = {
        "assay": {"id": "X:panel"},
        "complexValue": {
            "typedQuantities": [
                {
                    "type": {"id": "LOINC:718-7"},
                    "quantity": {"unit": {"id": "UCUM:g/dL"}, "value": 7.1},
                },
                {
                    "type": {"id": "LOINC:777-3"},
                    "quantity": {"unit": {"id": "UCUM:10*9/L"}, "value": 5},
                },
            ]
        },
    }
    found = case(packet(measurements=[item])).measurements
    assert [m.analyte for m in found] == ["hemoglobin", "platelets"]


# --- medical actions -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            {"procedure": {"code": {"id": "SNOMEDCT:71493000"}, "performed": age("P9D")}},
            Treatment("red_cell_transfusion", 9),
        ),
        (
            {"procedure": {"code": {"id": "X:1", "label": "Platelet transfusion"}}},
            Treatment("platelet_transfusion"),
        ),
        ({"treatment": {"agent": {"id": "ATC:L03AA02", "label": ""}}}, Treatment("g_csf")),
        (
            {
                "treatment": {
                    "agent": {"label": "prednisone"},
                    "doseIntervals": [
                        {
                            "interval": {
                                "start": "2020-01-05T00:00:00Z",
                                "end": "2020-01-09T00:00:00Z",
                            }
                        },
                        {
                            "interval": {
                                "start": "2020-01-03T00:00:00Z",
                                "end": "2020-01-04T00:00:00Z",
                            }
                        },
                    ],
                }
            },
            Treatment("steroid", 2, 8),
        ),
        (
            {
                "therapeuticRegimen": {
                    "ontologyClass": {"label": "chemotherapy"},
                    "startTime": age("P3D"),
                    "endTime": age("P7D"),
                }
            },
            Treatment("chemotherapy", 3, 7),
        ),
        (
            {"therapeuticRegimen": {"externalReference": {"id": "x", "description": "ivig"}}},
            Treatment("ivig"),
        ),
        (
            {
                "procedure": {
                    "code": {"id": "HEMATON:transplant"},
                    "performed": {
                        "ageRange": {
                            "start": {"iso8601duration": "P3D"},
                            "end": {"iso8601duration": "P5D"},
                        }
                    },
                }
            },
            Treatment("transplant", 3, 5),
        ),
    ],
)
def test_actions_are_treatments(action: object, expected: Treatment) -> None:
    """Procedures, drugs and regimens are recognised by code or words, with their ages."""
    document = packet(medicalActions=[action])
    document["subject"]["dateOfBirth"] = "2020-01-01T00:00:00Z"
    (found,) = case(document).treatments
    assert replace(found, where="") == expected


def test_radiation_is_a_finding() -> None:
    """Radiation therapy is the exposure that the knowledge knows."""
    document = packet(medicalActions=[{"radiationTherapy": {"fractions": 3}}])
    assert case(document).findings[0].code == "EXP_CHEMO_RAD"


def test_actions_that_mean_nothing_are_counted() -> None:
    """Unused actions give one issue with their number."""
    actions = [{"procedure": {"code": {"label": "haircut"}}}, {}, {"treatment": {}}]
    issues = reading(packet(medicalActions=actions)).issues
    assert [i.message[:1] for i in issues if i.code == "medication-not-used"] == ["3"]


# --- diseases and variants -------------------------------------------------------------------


def test_diseases_are_recorded_or_excluded() -> None:
    """A disease of the knowledge is recorded, or excluded when the packet says so."""
    document = packet(
        diseases=[
            {"term": {"id": "MIM:274150"}},
            {"term": {"id": "Orphanet:906"}, "excluded": True},
            {"term": {"id": "HEMATON:itp"}},
            {"term": {"id": "HEMATON:dba"}, "excluded": True},
        ]
    )
    child = case(document)
    assert child.recorded_conditions == ("ttp", "itp")
    assert child.excluded_conditions == ("was_xlt", "dba")


@pytest.mark.parametrize("code", ["OMIM:1", "HEMATON:nope", "X"])
def test_disease_outside_the_knowledge_is_noted(code: str) -> None:
    """Any other diagnosis is read and not used."""
    assert "condition-not-used" in codes(reading(packet(diseases=[{"term": {"id": code}}])).issues)


def interpreted(*genomic: object) -> dict[str, Any]:
    """Give a packet with one interpretation."""
    return packet(interpretations=[{"diagnosis": {"genomicInterpretations": list(genomic)}}])


def variant(gene: str, acmg: str, state: str, **more: Any) -> dict[str, Any]:
    """Give one genomic interpretation."""
    return {
        "interpretationStatus": "CAUSATIVE",
        "variantInterpretation": {
            "acmgPathogenicityClassification": acmg,
            "variationDescriptor": {
                "geneContext": {"symbol": gene},
                "allelicState": {"id": state, "label": "hemizygous"},
                **more,
            },
        },
    }


def test_variants_are_read_as_reported() -> None:
    """Gene, classification, zygosity and description come from the descriptor."""
    first = variant(
        "WAS",
        "PATHOGENIC",
        "GENO:0000134",
        expressions=[{"syntax": "hgvs.g", "value": "g.1"}, {"syntax": "hgvs.c", "value": "c.1A>G"}],
    )
    second = variant("ELANE", "NOT_PROVIDED", "X:1", description="a deletion")
    third = variant(
        "ELANE",
        "BENIGN",
        "GENO:0000137",
        label="named",
        expressions=[{"syntax": "spdi", "value": "1:2:3"}],
    )
    third["variantInterpretation"]["variationDescriptor"]["allelicState"]["label"] = ""
    fourth = {"gene": {"symbol": "MPL"}}
    found = case(interpreted(first, second, third, fourth)).variants
    assert [replace(v, where="") for v in found] == [
        ReportedVariant("WAS", "pathogenic", "hemizygous", "c.1A>G"),
        ReportedVariant("ELANE", "unknown", "hemizygous", "a deletion"),
        ReportedVariant("ELANE", "benign", "unknown", "1:2:3"),
        ReportedVariant("MPL"),
    ]


def test_rejected_and_geneless_variants_are_left_out() -> None:
    """A rejected interpretation and a variant without a gene are noted."""
    rejected = {**variant("WAS", "BENIGN", "x"), "interpretationStatus": "REJECTED"}
    found = reading(interpreted(rejected, {}))
    assert found.value is not None
    assert not found.value.variants
    assert {"variant-not-used", "variant-unclear"} <= set(codes(found.issues))


def test_two_heterozygous_pathogenic_variants_are_compound() -> None:
    """Two in one gene are compound; a benign one, or one of another gene, does not pair."""
    het = "GENO:0000135"
    found = case(
        interpreted(
            variant("MPL", "PATHOGENIC", het),
            variant("MPL", "LIKELY_PATHOGENIC", het),
            variant("MPL", "BENIGN", het),
            variant("SBDS", "PATHOGENIC", het),
        )
    ).variants
    assert [v.zygosity for v in found] == [
        "compound",
        "compound",
        "heterozygous",
        "heterozygous",
    ]


# --- families --------------------------------------------------------------------------------


def person(name: str, affected: str, mother: str = "m", father: str = "f") -> dict[str, Any]:
    """Give a person of a pedigree."""
    return {
        "individualId": name,
        "maternalId": mother,
        "paternalId": father,
        "affectedStatus": affected,
    }


def test_family_gives_the_proband_consanguinity_and_an_affected_sibling() -> None:
    """The proband is read; parents related by blood and an affected full sibling are findings."""
    document = {
        "id": "f",
        "proband": packet(),
        "consanguinousParents": True,
        "relatives": [packet(id="mother"), packet(id="brother")],
        "pedigree": {
            "persons": [
                person("s1", "AFFECTED"),
                person("b", "UNAFFECTED"),
                person("h", "AFFECTED", "other"),
                person("b2", "AFFECTED"),
            ]
        },
    }
    found = reading(document)
    assert found.value is not None
    assert [f.code for f in found.value.findings] == ["FH_CONSANG", "FH_SIB"]
    assert "family-not-used" in codes(found.issues)
    assert Parse(json.dumps(document), Family()).consanguinous_parents


@pytest.mark.parametrize(
    "persons",
    [
        [],
        [person("s1", "AFFECTED", "0", "0"), person("b", "AFFECTED", "0", "0")],
        [person("s1", "AFFECTED", "", ""), person("b", "AFFECTED", "", "")],
        [person("b", "AFFECTED")],
    ],
)
def test_siblings_need_two_known_parents(persons: list[object]) -> None:
    """Unknown parents make nobody a sibling."""
    document = {"proband": packet(), "pedigree": {"persons": persons}}
    assert not case(document).findings


def test_consanguinity_is_read_in_the_right_spelling_too() -> None:
    """The schema misspells the word; a sender may not."""
    assert case({"proband": packet(), "consanguineousParents": True}).findings
    assert not case({"proband": packet(), "consanguinousParents": False}).findings


# --- writing ---------------------------------------------------------------------------------

RICH = Case(
    "c1",
    "male",
    1000,
    date(2020, 1, 1),
    measurements=(
        Measurement("hemoglobin", 7.1, 990, lab_high=13.0),
        Measurement("platelets", 5.0, 990, "<"),
        Measurement("anc", 0.0, 991, lab_low=1.0, lab_high=8.0, basis="WBC × neutrophils %"),
        Measurement("eada", 1.2),
        Measurement("nrbc_pct", 4.0, 3),
    ),
    findings=(
        Finding("HP:0001744", False, "Splenomegaly", 12),
        Finding("LAB_DAT_POS", True),
        Finding("LAB_FERRITIN_GT500", False, "x"),
        Finding("FH_CONSANG", True, age_days=0),
    ),
    treatments=(
        Treatment("red_cell_transfusion", 980),
        Treatment("g_csf", 970, 975),
        Treatment("steroid"),
        Treatment("transplant"),
        Treatment("transplant", 3, 3),
        Treatment("ivig", None, 5),
    ),
    variants=(ReportedVariant("ELANE", "pathogenic", "mosaic", "c.1A>G"), ReportedVariant("MPL")),
    recorded_conditions=("fanconi_anemia", "itp"),
    excluded_conditions=("dba", "tbd"),
    publications=("PMID:1", "PMID:2"),
)


def written(value: Case, knowledge: Knowledge = KNOWLEDGE) -> str:
    """Give the JSON of a case."""
    return json.dumps(phenopacket.write(value, knowledge))


def test_rich_case_reads_back_the_same() -> None:
    """Every part of a case survives writing and reading."""
    assert bare(phenopacket.read(written(RICH), KNOWLEDGE).value) == RICH


def test_official_library_accepts_and_returns_what_is_written() -> None:
    """GA4GH's own parser takes the packet, and its own JSON reads back the same."""
    message = Parse(written(RICH), Phenopacket())
    assert {r.namespace_prefix for r in message.meta_data.resources} >= {"HP", "LOINC", "HEMATON"}
    for snake, numbers in ((False, False), (True, True)):
        text = MessageToJson(
            message, preserving_proto_field_name=snake, use_integers_for_enums=numbers
        )
        assert bare(phenopacket.read(text, KNOWLEDGE).value) == RICH


@given(cases())
def test_any_case_reads_back_the_same(value: Case) -> None:
    """Writing and reading returns the case, through the official parser as well."""
    text = written(value)
    Parse(text, Phenopacket())
    assert bare(phenopacket.read(text, KNOWLEDGE).value) == bare(value)


def test_every_name_of_the_knowledge_reads_back(knowledge: Knowledge) -> None:
    """Each analyte, finding and condition of the knowledge survives, present and absent."""
    middle = {
        a.id: max(a.plausible_low, min(a.plausible_high, 50.0))
        for a in knowledge.analytes.values()
        if a.unit is not None
    }
    conditions = tuple(sorted(knowledge.condition_ids))
    value = Case(
        "all",
        "female",
        5,
        measurements=tuple(Measurement(name, number, 5) for name, number in middle.items()),
        findings=tuple(
            Finding(code, seen) for code in knowledge.findings for seen in (True, False)
        ),
        recorded_conditions=conditions,
        excluded_conditions=conditions,
    )
    assert bare(phenopacket.read(written(value, knowledge), knowledge).value) == value


def test_empty_case_reads_back_the_same() -> None:
    """A case that says nothing reads back, its age still unknown."""
    assert bare(phenopacket.read(written(Case("")), KNOWLEDGE).value) == Case("")


def test_narrow_finding_is_written_as_its_term_only_when_present() -> None:
    """An absent narrow finding does not exclude the broader HPO term."""
    packets = phenopacket.write(RICH, KNOWLEDGE)["phenotypicFeatures"]
    assert packets[1]["type"]["id"] == "HP:0032366"
    assert packets[2]["type"]["id"] == "HEMATON:LAB_FERRITIN_GT500"


def test_bound_is_never_written_as_an_exact_number() -> None:
    """A value below a bound has no plain quantity that another reader could take for exact."""
    assert "value" not in phenopacket.write(RICH, KNOWLEDGE)["measurements"][1]


def test_time_of_writing_is_the_callers() -> None:
    """There is no clock: `created` stands only when given."""
    assert "created" not in phenopacket.write(RICH, KNOWLEDGE)["metaData"]
    made = phenopacket.write(RICH, KNOWLEDGE, created=datetime(2026, 1, 2, tzinfo=UTC))
    assert Parse(json.dumps(made), Phenopacket()).meta_data.created.seconds == 1767312000


def test_treatment_unknown_to_the_knowledge_is_written_by_its_kind() -> None:
    """A kind that no treatment entry names is written as it is called."""
    silent = replace(KNOWLEDGE, treatments=())
    (action,) = phenopacket.write(Case("c", treatments=(Treatment("steroid"),)), silent)[
        "medicalActions"
    ]
    assert action["therapeuticRegimen"]["ontologyClass"]["label"] == "steroid"
