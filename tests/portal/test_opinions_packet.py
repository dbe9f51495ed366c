"""The packet: everything of a case in one Bundle that is valid R4 and reads back the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from hematon import units
from hematon.portal.accounts.models import Role
from hematon.portal.care import ask_forms as ask
from hematon.portal.care import talking, tasks
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.clinic.reading import knowledge
from hematon.portal.counts.lines import lines
from hematon.portal.files.models import State
from hematon.portal.opinions.bundle import read_back
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.packet import Packet, gathered
from hematon.portal.opinions.resources import named_hash, text
from hematon.portal.opinions.results import number_of, results_of
from opinion_cases import (
    ANSWERS,
    AT,
    BORN,
    CHILD,
    COUNTS,
    counts,
    file_of,
    message,
    outside,
    referred,
    result,
    sent,
    staff,
)

pytestmark = pytest.mark.django_db


def by_type(bundle: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Group the resources of a Bundle."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in bundle["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def references(value: Any) -> Iterator[str]:
    """Give every reference in a value, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def checked(packet: Packet) -> dict[str, Any]:
    """Assert that the Bundle is valid R4 and that every reference in it resolves."""
    assert packet.bundle is not None
    raw = orjson.dumps(packet.bundle)
    Bundle.model_validate_json(raw)
    entries = packet.bundle["entry"]
    addresses = [entry["fullUrl"] for entry in entries]
    assert len(set(addresses)) == len(addresses)
    for entry in entries:
        inner = {f"#{one['id']}" for one in entry["resource"].get("contained", ())}
        for reference in references(entry["resource"]):
            assert reference in inner or reference in addresses, reference
    return packet.bundle


def expected(case: Case) -> list[tuple[str, float, str]]:
    """Give each number that was sent in the unit of the knowledge, worked out from the page."""
    found = []
    for drawn in case.answers[tasks.COUNTS]["sets"]:
        for line in drawn["results"]:
            unit = lines()[line["line"]].unit(line["unit"])
            number = number_of(line["value"])
            if unit is None or number is None:
                continue
            known = knowledge().analytes[unit.analyte]
            value = units.convert(number.value, unit.key, known.unit or "1", known.other_units)
            found.append((unit.analyte, value, number.comparator))
    return found


def read_values(bundle: dict[str, Any]) -> list[tuple[str, float, str]]:
    """Give what our own reader reads, without what it works out itself."""
    reading = read_back(bundle, knowledge(), AT)
    assert reading.value is not None
    measured = [m for m in reading.value.measurements if not m.basis]
    return [(m.analyte, m.value, m.comparator) for m in measured]


def same(found: list[tuple[str, float, str]], wanted: list[tuple[str, float, str]]) -> bool:
    """Say whether two lists of values are the same but for the dust of binary arithmetic."""
    return [(a, c) for a, _, c in found] == [(a, c) for a, _, c in wanted] and [
        v for _, v, _ in found
    ] == pytest.approx([v for _, v, _ in wanted], rel=1e-9)


def test_a_whole_case_is_a_valid_bundle_that_reads_back_the_same() -> None:
    """Request, task, answers, counts, files, messages, consents: all there, all linked."""
    case = sent()
    file_of(case, "Hemograma.pdf")
    file_of(case, "Médula.pdf", b"%PDF-1.7 other", State.HELD)
    message(case, case.sender, "¿Llegó todo?")
    message(case, staff(Role.INTAKE), "Sí, gracias.")
    case.refresh_from_db()
    bundle = checked(packet_of(case, AT))
    assert same(read_values(bundle), expected(case))
    found = by_type(bundle)
    assert found["ServiceRequest"][0]["identifier"][0]["value"] == case.reference
    assert found["Task"][0]["status"] == case.status
    assert found["Patient"][0] == {
        "resourceType": "Patient",
        "id": found["Patient"][0]["id"],
        "name": [{"text": CHILD}],
        "birthDate": BORN.isoformat(),
    }
    assert found["RelatedPerson"][0]["name"] == [{"text": "Sample parent A"}]
    assert len(found["Observation"]) == len(expected(case))
    hemoglobin = found["Observation"][0]
    assert hemoglobin["code"]["coding"][0]["system"] == "http://loinc.org"
    assert hemoglobin["valueQuantity"]["value"] == 9.8
    assert hemoglobin["valueQuantity"]["code"] == "g/dL"
    assert hemoglobin["referenceRange"][0]["low"]["value"] == 11.5
    assert hemoglobin["interpretation"][0]["coding"][0]["code"] == "L"
    assert {c["scope"]["coding"][0]["code"] for c in found["Consent"]} == {"patient-privacy"}
    # Both were written in the same moment: which stands first is not said.
    said = {m["payload"][0]["contentString"] for m in found["Communication"]}
    assert said == {"¿Llegó todo?", "Sí, gracias."}


def test_what_a_referrer_ticks_reaches_the_engine_of_the_team() -> None:
    """J3: findings and treatments stand in the Bundle, and its reader gives them back."""
    ticked = {
        "findings": {"present": ["HP:0001744", "FH_CONSANG"]},
        "absent": {"absent": ["HP:0001433"]},
        "history": {
            "treatments": ["red_cell_transfusion", "g_csf"],
            "transfused_on": "2026-10-01",
            "history": "",
        },
    }
    packet = packet_of(referred(answers=ticked), AT)
    checked(packet)
    assert packet.reading is not None
    assert packet.reading.value is not None
    read = packet.reading.value
    assert {(f.code, f.observed) for f in read.findings} == {
        ("HP:0001744", True),
        ("FH_CONSANG", True),
        ("HP:0001433", False),
    }
    day = (date(2026, 10, 1) - BORN).days
    assert {(t.kind, t.start_age_days) for t in read.treatments} == {
        ("red_cell_transfusion", day),
        ("g_csf", None),
    }
    plain = packet_of(referred(), AT)
    assert packet.assessment is not None
    assert plain.assessment is not None
    assert {f.code for f in packet.assessment.findings} >= {"HP:0001744", "FH_CONSANG"}
    assert packet.assessment.input_hash != plain.assessment.input_hash
    # A family is not asked for findings: what stands under such a name is no record.
    family = sent()
    family.answers = {**family.answers, **ticked}
    theirs = packet_of(family, AT).reading
    assert theirs is not None
    assert theirs.value is not None
    assert (theirs.value.findings, theirs.value.treatments) == ((), ())


def test_a_file_is_named_by_its_hash_and_its_guarded_address() -> None:
    """T-42: hash, size, type and the protected route; the content only when it is asked for."""
    case = sent()
    stored = file_of(case, "Hemograma.pdf")
    held = file_of(case, "Médula.pdf", b"%PDF-1.7 other", State.HELD)
    without, whole = (
        {
            d["id"]: d
            for d in by_type(checked(packet_of(case, AT, with_files=on)))["DocumentReference"]
        }
        for on in (False, True)
    )
    assert len(without) == 2
    for document in without.values():
        assert "data" not in document["content"][0]["attachment"]
    named = {d["masterIdentifier"]["value"]: d for d in whole.values()}
    clean = named[named_hash(stored.sha256)]["content"][0]["attachment"]
    assert (clean["contentType"], clean["size"], clean["title"]) == (
        "application/pdf",
        stored.size,
        "Hemograma.pdf",
    )
    assert clean["url"].endswith(f"/staff/cases/{case.pk}/packet/files/{stored.pk}")
    assert clean["data"]
    # What nobody has scanned goes out to nobody.
    assert "data" not in named[named_hash(held.sha256)]["content"][0]["attachment"]


def test_what_is_computed_stands_apart_and_says_what_made_it() -> None:
    """One report, preliminary, with its engine, its knowledge and no conclusion code."""
    bundle = checked(packet_of(sent(), AT))
    found = by_type(bundle)
    (report,) = [r for r in found["DiagnosticReport"] if "conclusion" in r]
    assert report["status"] == "preliminary"
    assert "conclusionCode" not in report
    versions = {v["type"]["text"]: v["value"] for v in found["Device"][0]["version"]}
    assert versions["knowledge fingerprint"] == knowledge().fingerprint
    (made,) = [p for p in found["Provenance"] if len(p["target"]) == 1]
    assert made["target"] == [{"reference": f"urn:uuid:{report['id']}"}]
    assert "no person has judged it" in made["activity"]["text"]


def test_the_same_case_at_the_same_time_gives_the_same_bytes() -> None:
    """Ids are made from the case's; nothing is drawn by chance."""
    case = sent()
    assert orjson.dumps(packet_of(case, AT).bundle) == orjson.dumps(packet_of(case, AT).bundle)


def test_notes_of_the_team_are_in_no_packet() -> None:
    """T-03: what the team writes for itself leaves with nothing."""
    case = sent()
    talking.write_note(case=case, text="canary-note-41", by=staff(Role.INTAKE), at=AT)
    assert b"canary-note-41" not in orjson.dumps(packet_of(case, AT).bundle)


def test_a_referral_comes_from_a_practitioner() -> None:
    """A clinician outside is no relative, and the sex that was stated is read."""
    bundle = checked(packet_of(referred(), AT))
    found = by_type(bundle)
    assert "RelatedPerson" not in found
    assert found["Practitioner"][0]["name"] == [{"text": "Sample physician C"}]
    assert found["ServiceRequest"][0]["intent"] == "order"
    reading = read_back(bundle, knowledge(), AT)
    assert reading.value is not None
    assert reading.value.sex == "female"


def test_what_was_promised_and_is_not_there_is_listed_first() -> None:
    """A file that was refused is not here; one that waits for the scanner is."""
    case = sent()
    owed = [one.item for one in gathered(case, AT).missing if one.owed]
    assert owed == ["All blood counts with their dates", "Bone marrow report", "Tissue type (HLA)"]
    stored = file_of(case, "Hemograma.pdf", state=State.HELD)
    assert "All blood counts with their dates" not in [m.item for m in gathered(case, AT).missing]
    stored.state, stored.stored_as = State.INFECTED, ""
    stored.save()
    assert "All blood counts with their dates" in [m.item for m in gathered(case, AT).missing]


def test_a_value_in_words_is_kept_in_words() -> None:
    """What is no number is not made one, and a thousand is not taken for a decimal."""
    values = counts(
        (
            "",
            [
                {**result("platelets", "clumped", "10*9/L"), "low": "x"},
                result("wbc", "3,900", "/uL"),
                {**result("wbc", "5", "/uL"), "line": "", "name": {"en": "Ferritin"}, "unit": ""},
            ],
        )
    )
    bundle = checked(packet_of(sent(values=values), AT))
    first, second, third = by_type(bundle)["Observation"]
    assert first["valueString"].startswith("clumped")
    assert second["valueString"].startswith("3,900")
    assert third["code"] == {"text": "Ferritin"}
    assert third["valueQuantity"]["value"] == 5
    assert "effectiveDateTime" not in first


# --- any case ------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUES = st.one_of(
    st.decimals(0, 400, places=1).map(str),
    st.decimals(0, 400, places=1).map(lambda d: f"<{d}"),
    TEXTS,
)


@st.composite
def _results(draw: st.DrawFn) -> dict[str, Any]:
    line = draw(st.sampled_from(sorted(lines())))
    unit = draw(st.sampled_from(lines()[line].units))
    made = result(line, draw(VALUES), unit.key, *[draw(st.sampled_from(["", "1", "9.5", "x"]))] * 2)
    known = draw(st.booleans())
    return made if known else {**made, "line": "", "unit": draw(TEXTS), "name": {"en": draw(TEXTS)}}


SETS = st.tuples(
    st.sampled_from(["", "2026-11-03", "2020-02-29"]), st.lists(_results(), max_size=6)
)


@st.composite
def _answers(draw: st.DrawFn) -> dict[str, Any]:
    """Give answers of every question, in any words and with anything chosen."""
    said = {
        key: {
            name: draw(TEXTS) if isinstance(value, str) and name not in _FIXED else value
            for name, value in answer.items()
        }
        for key, answer in ANSWERS.items()
    }
    states = st.sampled_from([code for code, _ in ask.RECORD_STATES])
    said["records"] = {code: draw(states) for code, _ in ask.RECORDS}
    symptoms = st.sampled_from([code for code, _ in ask.SYMPTOMS])
    said["symptoms"] = {"symptoms": draw(st.lists(symptoms, unique=True))}
    dropped = draw(st.sets(st.sampled_from(sorted(said)), max_size=8))
    return {key: value for key, value in said.items() if key not in dropped}


_FIXED = {
    *("relationship", "language", "interpreter", "month", "day", "year", "date"),
    *("told", "receiver", "blood_count"),
}


@settings(max_examples=30)
@given(
    kind=st.sampled_from([*tasks.TASKS, Kind.REFERRAL]),
    answers=_answers(),
    sets=st.lists(SETS, max_size=3),
    language=st.sampled_from(["en", "es"]),
)
def test_any_answers_give_a_valid_bundle(
    kind: Kind, answers: dict[str, Any], sets: list[Any], language: str
) -> None:
    """Whatever was typed, the Bundle is valid, whole, and reads back to the numbers sent."""
    case = sent_as(kind, {**answers, tasks.COUNTS: counts(*sets)}, language)
    packet = packet_of(case, AT)
    bundle = checked(packet)
    asked = by_type(bundle)["QuestionnaireResponse"][0]
    for key, answer in answers.items():
        if any(value and text(value) for value in answer.values()):
            assert key in {item["linkId"] for item in asked.get("item", ())}
    wanted = [
        r for r in results_of(case, knowledge()) if r.analyte and r.loinc and r.number is not None
    ]
    observed = [o for o in by_type(bundle).get("Observation", []) if "valueQuantity" in o]
    numbers = [r.number.value for r in results_of(case, knowledge()) if r.number is not None]
    assert [o["valueQuantity"]["value"] for o in observed] == numbers
    assert len(wanted) <= len(observed)


def sent_as(kind: Kind, answers: dict[str, Any], language: str) -> Case:
    """Give a case with just these answers, past every form: older or other pages sent it."""
    case = Case(
        kind=kind,
        status="received",
        reference="HM-2222-2222",
        sender=outside(),
        language=language,
        answers=answers,
        begun_at=AT,
        saved_at=AT,
        sent_at=AT,
    )
    Case.objects.all().delete()
    case.save()
    case.steps.create(status="received", at=AT)
    return case


def test_the_counts_of_the_sample_are_read_in_full() -> None:
    """The sample has 15 numbers; a reader that dropped one would be seen."""
    assert sum(len(one["results"]) for one in COUNTS["sets"]) == 15
