"""FHIR documents: what can be read at all, who it is about, and what is said how often."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from fhir_documents import (
    BORN,
    HPO,
    KNOWLEDGE,
    bundle,
    case,
    concept,
    condition,
    count,
    issues,
    observation,
    patient,
    places,
    quantity,
    reading,
    resource,
)
from hematon.errors import ISSUE_CODES, Issue, UnreadableError
from hematon.interchange import fhir
from hematon.interchange.fhir_record import MOST_TALLIES, SAME_ISSUES_KEPT, collapse

Json = dict[str, Any]


def ndjson(*resources: object) -> bytes:
    """Give resources one a line."""
    return b"\n".join(orjson.dumps(r) for r in resources) + b"\n"


def refused(raw: bytes | str) -> Issue:
    """Give the issue of a document that cannot be read."""
    with pytest.raises(UnreadableError) as caught:
        fhir.read(raw, KNOWLEDGE)
    (issue,) = caught.value.issues
    assert "\n" not in str(caught.value)
    return issue


# --- documents ---------------------------------------------------------------------------------


def test_every_form_of_one_patient_gives_the_same_case() -> None:
    """A Bundle, a list and NDJSON of the same resources differ in places only."""
    parts = [patient(), count()]
    forms = [
        orjson.dumps(bundle(*parts)),
        orjson.dumps(parts),
        ndjson(*parts),
        b"\xef\xbb\xbf" + orjson.dumps(parts),
        orjson.dumps(bundle(*parts)).decode(),
    ]
    for raw in forms:
        value = fhir.read(raw, KNOWLEDGE).value
        assert value is not None
        assert (value.id, value.sex, value.birth_date) == ("p1", "female", BORN)
        assert [(m.analyte, m.value, m.age_days) for m in value.measurements] == [
            ("hemoglobin", 7.1, (date(2024, 3, 5) - BORN).days)
        ]


def test_places_are_json_pointers_after_the_line() -> None:
    """Where a number stands can be found again in a Bundle, a resource and a line."""
    wheres = [
        fhir.read(raw, KNOWLEDGE).value.measurements[0].where
        for raw in (
            orjson.dumps(bundle(patient(), count())),
            orjson.dumps(count()),
            ndjson(patient(), count()),
        )
    ]
    assert wheres == ["/entry/1/resource/valueQuantity", "/valueQuantity", "line 2/valueQuantity"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty-input"),
        (b" \n\xef\xbb\xbf".strip(b"\xef\xbb\xbf"), "empty-input"),
        (b'{"resourceType": "Bundle", "entry": [', "not-json"),
        (b'{\n  "resourceType": "Bundle",\n', "not-json"),
        (b'{"resourceType": NaN}', "not-json"),
        (b'{"resourceType": "Patient", "id": "\xff"}', "not-utf8"),
        ("\ud800", "not-utf8"),
        (b"[" * 5000, "not-json"),
        (b"null", "unknown-format"),
        (b"[]", "unknown-format"),
        (b'{"id": "x"}', "unknown-format"),
        (b'{"resourceType": 5}', "unknown-format"),
        (orjson.dumps(bundle({"resourceType": "ValueSet"})), "no-patient"),
        (orjson.dumps(bundle()), "no-patient"),
    ],
)
def test_unreadable_documents_are_refused_by_name(raw: bytes | str, code: str) -> None:
    """A document that cannot be read is refused with one issue in one line."""
    assert refused(raw).code == code


def test_truncated_json_names_line_and_column_and_no_content() -> None:
    """The place of the break is given; what stands there is not."""
    issue = refused(b'{"resourceType": "Patient",\n "name": "CANARY')
    assert "line 2 column" in issue.message
    assert "CANARY" not in issue.message + issue.fix + issue.where
    assert issue.where == "document"


def test_a_document_larger_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Size is checked before parsing; only NDJSON in bulk may be larger, and no line of it."""
    monkeypatch.setattr(fhir, "MAX_BYTES", 400)
    big = ndjson(patient(), *[count()] * 2)
    assert refused(big).code == "too-large"
    assert refused(orjson.dumps([patient()] * 9)).code == "too-large"
    (only,) = fhir.read_many([("all", big)], KNOWLEDGE)
    assert only.value is not None
    assert len(only.value.measurements) == 2
    long_line = ndjson(patient(), count(note=[{"text": "x" * 500}]))
    first, left = fhir.read_many([("all", long_line)], KNOWLEDGE)
    assert first.value is not None
    assert places(left.issues) == [("too-large", "all line 2")]


def test_a_broken_line_costs_only_itself() -> None:
    """NDJSON with one bad line gives the others and an error."""
    raw = ndjson(patient(), count()) + b'{"resourceType": "Obs\n\n' + ndjson(count("777-3", 28))
    found = fhir.read(
        raw.replace(
            b'"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}}',
            b'"unit":"g/dL","code":"g/dL"}}',
        ),
        KNOWLEDGE,
    )
    assert ("not-json", "line 3") in places(found.issues)
    assert found.value is not None
    assert found.has_errors


@pytest.mark.parametrize(
    ("document", "is_fhir"),
    [
        (patient(), True),
        ([patient()], True),
        ([], False),
        ([1], False),
        ({}, False),
        ({"resourceType": 1}, False),
        ("Patient", False),
        (None, False),
    ],
)
def test_sniff(document: object, is_fhir: bool) -> None:
    """FHIR is known by its resourceType."""
    assert fhir.sniff(document) is is_fhir


def test_odd_parts_of_a_bundle_become_issues() -> None:
    """Whatever stands in place of an entry or a resource costs only itself."""
    document = bundle(patient(), count())
    document["entry"] += [
        5,
        {},
        {"request": {"method": "DELETE"}},
        {"response": {"status": "200"}},
        {"resource": 7},
        {"resource": {"id": "x"}},
        {"fullUrl": 5, "resource": count("777-3", 28, "10*3/uL")},
    ]
    found = fhir.read(orjson.dumps(document), KNOWLEDGE)
    assert found.value is not None
    assert len(found.value.measurements) == 2
    assert places(found.issues) == [
        ("wrong-type", "/entry/2"),
        ("missing-field", "/entry/3"),
        ("wrong-type", "/entry/6/resource"),
        ("missing-field", "/entry/7/resource"),
    ]
    assert {i.code for i in found.issues} <= set(ISSUE_CODES)


def test_an_entry_that_is_no_list_is_noted() -> None:
    """A Bundle whose entry is an object says so."""
    inner = {"resourceType": "Bundle", "entry": {"resource": count()}}
    assert ("wrong-type", "/entry/1/resource/entry") in issues(inner)
    assert issues({"resourceType": "Bundle"}, count()) == []


def test_bundles_in_bundles_are_followed_to_a_depth() -> None:
    """A batch response holds Bundles; a tower of them is refused, not followed."""
    near = case(bundle(count()), bundle(bundle(count("777-3", 28, "10*3/uL"))))
    assert [m.analyte for m in near.measurements] == ["hemoglobin", "platelets"]
    tower: Json = count()
    for _ in range(8):
        tower = bundle(tower)
    assert "too-large" in [code for code, _ in issues(tower)]
    assert case(tower).measurements == ()


def test_a_history_counts_only_the_newest_version() -> None:
    """Older versions in a history Bundle are not results of their own."""
    entries = [
        {"fullUrl": "http://a.org/Observation/1", "resource": count(value=7.1)},
        {"fullUrl": "http://a.org/Observation/1", "resource": count(value=71)},
        {"fullUrl": "http://a.org/Observation/2", "request": {"method": "DELETE"}},
        {"fullUrl": "http://a.org/Observation/2", "resource": count(value=5)},
        {"resource": count(value=9)},
    ]
    entries.insert(0, {"resource": patient()})
    document = {"resourceType": "Bundle", "type": "history", "entry": entries}
    value = fhir.read(orjson.dumps(document), KNOWLEDGE).value
    assert value is not None
    assert [m.value for m in value.measurements] == [7.1, 9]


# --- patients ----------------------------------------------------------------------------------


def test_two_patients_are_refused_with_their_number() -> None:
    """One document, one patient; the way out is named."""
    issue = refused(orjson.dumps(bundle(patient(), patient(id="p2"), count())))
    assert issue.code == "mixed-patients"
    assert "2 patients" in issue.message
    assert "read_many" in issue.fix


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("", "Patient/p1"),
        ("", "p1"),
        ("", "urn:uuid:p1"),
        ("", "Patient/p1/_history/3"),
        ("", "http://a.org/fhir/Patient/p1"),
        ("urn:uuid:0000", "urn:uuid:0000"),
        ("urn:uuid:0000", "http://a.org/fhir/Patient/p1"),
        ("http://a.org/fhir/Patient/p1", "Patient/p1"),
        ("http://a.org/fhir/Patient/p1", "http://a.org/fhir/Patient/p1"),
        ("", "Patient?identifier=urn:mrn|17"),
    ],
)
def test_a_subject_is_found_in_every_form(url: str, reference: str) -> None:
    """Full URL, relative, absolute, versioned, bare and conditional references are resolved."""
    one = {"fullUrl": url, "resource": patient(identifier=[{"system": "urn:mrn", "value": "17"}])}
    two = {"resource": count(subject={"reference": reference})}
    document = {"resourceType": "Bundle", "entry": [one, two]}
    value = fhir.read(orjson.dumps(document), KNOWLEDGE).value
    assert value is not None
    assert (value.id, len(value.measurements), value.sex) == ("p1", 1, "female")


@pytest.mark.parametrize(
    ("url", "entry_url", "reference"),
    [
        ("http://a.org/fhir/Patient/p1", "", "http://b.org/fhir/Patient/p1"),
        ("http://a.org/fhir/Patient/p1", "http://b.org/fhir/Observation/9", "Patient/p1"),
        ("http://a.org/fhir/Patient/p1", "", "Patient/p2"),
        ("http://a.org/fhir/Patient/p1", "", "urn:uuid:7"),
        ("http://a.org/fhir/Patient/p1", "", "Patient?identifier=urn:mrn|99"),
    ],
)
def test_the_same_id_elsewhere_is_another_patient(url: str, entry_url: str, reference: str) -> None:
    """A reference to another server or another id is never taken for the patient at hand."""
    document = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": url, "resource": patient()},
            {"fullUrl": entry_url, "resource": count(subject={"reference": reference})},
        ],
    }
    assert refused(orjson.dumps(document)).code == "mixed-patients"


def test_an_id_that_two_patients_claim_names_neither() -> None:
    """A relative reference that could mean two patients is tied to none."""
    document = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "http://a.org/Patient/p1", "resource": patient(gender="male")},
            {"fullUrl": "http://b.org/Patient/p1", "resource": patient()},
            {"resource": count()},
            {"fullUrl": "http://b.org/Observation/1", "resource": count("777-3", 28, "10*3/uL")},
            {"fullUrl": "odd://", "resource": count("777-3", 29, "10*3/uL")},
            {"resource": count(subject={"reference": "p1"})},
        ],
    }
    male, female, left = fhir.read_many([("x", orjson.dumps(document))], KNOWLEDGE)
    assert male.value is not None
    assert female.value is not None
    assert (male.value.measurements, len(female.value.measurements)) == ((), 1)
    assert [code for code, _ in places(left.issues)] == ["no-patient"] * 3


def test_a_contained_patient_counts_as_one_however_often() -> None:
    """The same patient contained in several resources is one; `#` resolves within the resource."""
    inner = {"resourceType": "Patient", "id": "c", "gender": "male"}
    parts = [
        count(code, value, "10*3/uL", subject={"reference": "#c"}, contained=[5, inner])
        for code, value in (("777-3", 28), ("751-8", 0.4))
    ]
    found = fhir.read(orjson.dumps(parts), KNOWLEDGE)
    assert found.value is not None
    assert (found.value.id, found.value.sex, len(found.value.measurements)) == ("c", "male", 2)


@pytest.mark.parametrize("contained", [None, [], "x", [{"id": "c", "resourceType": "Device"}]])
def test_a_dangling_contained_reference_names_nobody(contained: object) -> None:
    """A reference to what is not contained leaves the resource to the only patient there is."""
    part = count(subject={"reference": "#c"}, contained=contained)
    assert len(case(part).measurements) == 1


def test_contained_results_belong_to_the_subject_of_their_resource() -> None:
    """A result contained in a report is read; nothing within it, nor another patient, is."""
    inner = observation(
        subject=None, valueQuantity=quantity(7.1, "g/dL"), contained=[count("777-3", 28, "10*3/uL")]
    )
    own = count("777-3", 28, "10*3/uL")
    report = resource(
        "DiagnosticReport",
        status="final",
        contained=[
            inner,
            own,
            5,
            {"id": "x"},
            {"resourceType": "Patient", "id": "x"},
        ],
    )
    found = reading(report)
    assert found.value is not None
    assert [m.where for m in found.value.measurements] == [
        "/entry/1/resource/contained/0/valueQuantity",
        "/entry/1/resource/contained/1/valueQuantity",
    ]
    assert [w for _, w in places(found.issues)] == [
        "/entry/1/resource/contained/2",
        "/entry/1/resource/contained/3",
    ]


def test_resources_without_a_subject_belong_to_the_only_patient() -> None:
    """In a record of one patient nothing has to name the patient."""
    part = count()
    del part["subject"]
    assert len(case(part).measurements) == 1
    alone = fhir.read(orjson.dumps(part), KNOWLEDGE).value
    assert alone is not None
    assert (alone.id, len(alone.measurements)) == ("", 1)


def test_a_patient_without_an_id_is_the_one_referred_to() -> None:
    """A nameless Patient beside references to one who is not there is that one."""
    nameless = patient(id=None)
    assert case(nameless, count()).sex == "female"
    document = bundle(nameless, patient(id="p2"), count())
    assert refused(orjson.dumps(document)).code == "mixed-patients"
    assert case(nameless).id == ""
    two = fhir.read_many([("x", orjson.dumps([nameless, patient(id="p2")]))], KNOWLEDGE)
    assert len(two) == 2


@pytest.mark.parametrize(
    ("subject", "id_"),
    [
        ({"reference": "Patient/p9"}, "p9"),
        ({"reference": "http://a.org/Patient/p9"}, "p9"),
        ({"reference": "urn:uuid:p9"}, "p9"),
        ({"identifier": {"system": "urn:mrn", "value": "17"}}, ""),
        ({"identifier": {"value": ""}, "display": "x"}, ""),
        ({"identifier": 5}, ""),
        ({"reference": 5}, ""),
        ({"reference": "x" * 600}, ""),
        ("Patient/p9", ""),
        (None, ""),
    ],
)
def test_the_case_is_named_as_the_reference_names_the_patient(subject: object, id_: str) -> None:
    """Without a Patient resource the id is the one referred to; a business identifier is none."""
    value = fhir.read(orjson.dumps(count(subject=subject)), KNOWLEDGE).value
    assert value is not None
    assert (value.id, len(value.measurements)) == (id_, 1)


def test_results_about_a_group_or_a_device_are_not_the_patients() -> None:
    """A subject of another type is noted and not used."""
    found = reading(
        count(),
        count(subject={"reference": "Group/herd"}),
        count(subject={"reference": "Device/d"}),
    )
    assert found.value is not None
    assert len(found.value.measurements) == 1
    assert ("resource-not-used", "/entry/2/resource") in places(found.issues)


# --- the patient -------------------------------------------------------------------------------


def test_identifiers_of_the_patient_that_are_too_long_or_odd() -> None:
    """An over-long id is cut; odd identifiers and extensions are noted or passed over."""
    long = patient(id="x" * 70, identifier=[{"system": "a"}, {"value": 5}], extension=[{}])
    found = fhir.read(orjson.dumps(long), KNOWLEDGE)
    assert found.value is not None
    assert found.value.id == "x" * 64
    assert "too-large" in [i.code for i in found.issues]


@pytest.mark.parametrize(
    ("gender", "sex"),
    [
        ("male", "male"),
        ("Female", "female"),
        ("other", None),
        ("unknown", None),
        (5, None),
        (None, None),
    ],
)
def test_sex_is_what_gender_says(gender: object, sex: str | None) -> None:
    """Only male and female set limits; anything else leaves them open."""
    found = reading(patient(gender=gender), count())
    assert found.value is not None
    assert found.value.sex == sex
    codes = [i.code for i in found.issues]
    assert ("sex-unknown" in codes) is (sex is None)
    assert ("wrong-type" in codes) is (gender == 5)


@pytest.mark.parametrize(
    ("born", "day", "code"),
    [
        ("2017-09-30", BORN, ""),
        ("2017-09", date(2017, 9, 15), "date-invalid"),
        ("2017", date(2017, 7, 1), "date-invalid"),
        ("2017-13", None, "date-invalid"),
        ("2017-02-30", None, "date-invalid"),
        ("30.09.2017", None, "date-invalid"),
        (20170930, None, "wrong-type"),
        ("2025-01-01", None, "date-in-future"),
    ],
)
def test_date_of_birth(born: object, day: date | None, code: str) -> None:
    """A partial date stands for its middle and is noted; an impossible one is refused."""
    found = reading(
        patient(birthDate=born), condition(concept(HPO, "HP:0001744")), today=date(2024, 6, 1)
    )
    assert found.value is not None
    assert found.value.birth_date == day
    assert [c for c, w in places(found.issues) if w == "/entry/0/resource/birthDate"] == (
        [code] if code else []
    )


def test_two_versions_of_a_patient_are_one() -> None:
    """The first statement of each thing counts; two dates of birth are an error."""
    same = reading(patient(gender=None), patient(gender="male"), count())
    assert same.value is not None
    assert same.value.sex == "male"
    assert "mixed-patients" not in [i.code for i in same.issues]
    other = reading(patient(), patient(birthDate="2016-01-01"), count())
    assert other.value is not None
    assert other.value.birth_date == BORN
    assert ("mixed-patients", "/entry/1/resource/birthDate") in places(other.issues)


def test_race_and_ethnicity_say_nothing() -> None:
    """Ancestry is never inferred from race."""
    race = {
        "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension": [
            {
                "url": "ombCategory",
                "valueCoding": {"code": "2054-5", "display": "Black or African American"},
            }
        ],
    }
    assert case(patient(extension=[race]), count()).findings == ()


def test_undated_content_is_of_today_when_the_birth_is_known() -> None:
    """A record of findings alone has the age of today, if the caller has a clock."""
    term = condition(concept(HPO, "HP:0001744"))
    today = date(2024, 6, 1)
    assert case(term, today=today).age_days == (today - BORN).days
    assert case(term).age_days is None
    assert case(term, count(), today=today).age_days is None


# --- many --------------------------------------------------------------------------------------


def test_a_bulk_export_is_joined_by_patient_and_ordered_by_id() -> None:
    """Files by type become cases; what is tied to nobody stands in the last reading."""
    stray = observation(subject=None, valueQuantity=quantity(7.1, "g/dL"))
    readings = fhir.read_many(
        [
            (
                "Observation.ndjson",
                ndjson(
                    count(subject={"reference": "Patient/b"}),
                    count(subject={"reference": "Patient/a"}),
                    stray,
                ),
            ),
            ("Patient.ndjson", ndjson(patient(id="b"), patient(id="a"), patient(id="c"))),
            ("Organization.json", orjson.dumps({"resourceType": "Organization", "id": "o"})),
            ("Medication.json", orjson.dumps({"resourceType": "Medication", "id": "m"})),
            ("Group.json", orjson.dumps(count(subject={"reference": "Group/g"}))),
            ("broken.json", b"{"),
            ("empty.json", b""),
        ],
        KNOWLEDGE,
    )
    cases = [r.value for r in readings[:-1]]
    assert [(c.id, len(c.measurements)) for c in cases if c] == [("a", 1), ("b", 1), ("c", 0)]
    left = readings[-1]
    assert left.value is None
    assert sorted(places(left.issues)) == [
        ("empty-input", "empty.json"),
        ("no-patient", "Observation.ndjson line 3"),
        ("not-json", "broken.json"),
        ("resource-not-used", "Group.json"),
        ("resource-not-used", "Medication.json"),
        ("resource-not-used", "Organization.json"),
    ]


def test_a_folder_of_one_patient_needs_no_subjects() -> None:
    """With a single patient everything is that patient's, and nothing is left over."""
    stray = observation(subject=None, valueQuantity=quantity(7.1, "g/dL"))
    (only,) = fhir.read_many(
        [("p.json", orjson.dumps(patient())), ("o.json", orjson.dumps(stray).decode())], KNOWLEDGE
    )
    assert only.value is not None
    assert only.value.measurements[0].where == "o.json/valueQuantity"


def test_one_document_that_names_nobody_is_one_record() -> None:
    """A single document without any subject is read the same by both functions."""
    raw = orjson.dumps(count(subject=None))
    (only,) = fhir.read_many([("o.json", raw)], KNOWLEDGE)
    assert only.value is not None
    assert len(only.value.measurements) == 1
    (left,) = fhir.read_many([("o.json", raw), ("p.json", raw)], KNOWLEDGE)
    assert places(left.issues) == [("no-patient", "o.json"), ("no-patient", "p.json")]


def test_many_documents_of_which_none_can_be_read() -> None:
    """Nothing readable is an error, not an empty list; nothing at all is an empty list."""
    with pytest.raises(UnreadableError) as caught:
        fhir.read_many([("a", b""), ("b", b"{")], KNOWLEDGE)
    assert [i.where for i in caught.value.issues] == ["a", "b"]
    assert fhir.read_many([], KNOWLEDGE) == []


# --- what is said, and how often ---------------------------------------------------------------


def test_unused_resources_are_counted_by_type() -> None:
    """One warning for each type, with the number; a type nobody knows is not named."""
    found = reading(
        count(),
        *[resource("Encounter")] * 3,
        resource("Claim"),
        resource("CanaryJaneDoe"),
        {"resourceType": "OperationOutcome"},
    )
    said = [(i.where, i.message) for i in found.issues if i.code == "resource-not-used"]
    assert said == [
        ("/entry/2/resource", "Encounter is not used (3 times)"),
        ("/entry/5/resource", "Claim is not used"),
        ("/entry/6/resource", "a resource of an unknown type is not used"),
    ]


def test_a_modifier_extension_is_never_ignored() -> None:
    """An extension that may reverse the meaning costs the resource."""
    found = reading(count(modifierExtension=[{"url": "x"}]), count(modifierExtension=[]))
    assert found.value is not None
    assert len(found.value.measurements) == 1
    assert ("resource-not-used", "/entry/1/resource/modifierExtension") in places(found.issues)


def test_a_hundred_thousand_unknown_codes_give_a_handful_of_issues() -> None:
    """Each unknown code is said once, with its count."""
    many = [count("8867-4", i, "/min") for i in range(1000)]
    many += [count("9999999-9", i, "/min") for i in range(10)]
    found = reading(*many, count())
    said = [i.message for i in found.issues if i.code == "code-unknown"]
    assert said == [
        "LOINC 8867-4 is not one Hematon uses (1000 times)",
        "LOINC 9999999-9 is not one Hematon uses (10 times)",
    ]


def test_there_is_a_limit_to_different_codes() -> None:
    """A document that makes up codes without end gets a bounded list."""
    many = [count(f"{i}-9", 1, "/min") for i in range(10_000, 10_000 + MOST_TALLIES + 50)]
    found = reading(*many)
    said = [i.message for i in found.issues if i.code == "code-unknown"]
    assert len(said) == MOST_TALLIES + 1
    assert said[-1] == "further issues of this kind are counted, not listed (50 times)"


def test_repeated_issues_are_cut_and_counted() -> None:
    """Of one code and message the first twenty are kept, then one with the number left out."""
    many = [Issue("error", "unit-missing", f"/{i}", "no unit") for i in range(30)]
    kept = collapse([*many, Issue("warning", "sex-unknown", "", "no sex")])
    assert len(kept) == SAME_ISSUES_KEPT + 2
    assert kept[-1] == Issue("error", "unit-missing", "/20", "no unit (and 10 more like it)")
    assert kept[-2].where == "document"
    assert collapse(many[:20]) == tuple(many[:20])


def test_a_record_without_anything_usable_is_an_error() -> None:
    """A patient and nothing to judge is said, never passed off as all well."""
    found = reading(resource("Encounter"))
    assert ("nothing-usable", "document") in places(found.issues)
    assert found.has_errors
    assert found.value is not None


def test_the_shortcuts_of_one_knowledge_do_not_serve_another() -> None:
    """What was learned with one knowledge is forgotten with the next."""
    from dataclasses import replace

    from hematon.interchange.fhir_plain import shortcuts_for

    other = replace(KNOWLEDGE, version="other")
    first = shortcuts_for(KNOWLEDGE)
    assert shortcuts_for(KNOWLEDGE) is first
    assert shortcuts_for(other) is not first
    assert shortcuts_for(other) == {}
