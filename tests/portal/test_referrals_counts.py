"""Blood counts of a referral: read, named by line, corrected, confirmed, assessed."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from fhir.resources.R4B.bundle import Bundle

from hematon.engine import assess
from hematon.interchange.detect import read_any
from hematon.portal.care.models import Case
from hematon.portal.care.summary import attached_counts
from hematon.portal.clinic.reading import knowledge
from hematon.portal.files.models import StoredFile
from hematon.portal.opinions.make import packet_of
from hematon.portal.referrals import forms
from hematon.portal.referrals.findings import groups, is_finding, search
from hematon.portal.referrals.preview import assessment_of
from hematon.report.tested import with_doubt
from referral_pages import ANSWERS, TABLE, at, begun, bundle, fill, observation, seen_in, sent
from referral_pages import clinician as signed_in

pytestmark = pytest.mark.django_db
BAD = (
    "date,HGB (g/dL),ANC (K/uL),PLT (K/uL)\n"
    "2026-10-02,9.8,1.9,68\n"
    "2026-10-09,9.1,many,61\n"
    "2026-10-16,9.0,1.7\n"
    "2026-13-45,9.0,1.7,60\n"
)


def at_the_record() -> tuple[Client, Case]:
    """Give a draft that is asked for its record."""
    client, _user = signed_in()
    case = begun(client)
    for key in list(ANSWERS)[: list(ANSWERS).index("record")]:
        client.post(at(case, f"steps/{key}/"), ANSWERS[key])
    return client, case


def give(client: Client, case: Case, **data: object) -> str:
    """Send a record; give the page that comes, or where it leads."""
    answer = client.post(at(case, "steps/record/"), data)
    case.refresh_from_db()
    return answer.headers.get("Location", "") or answer.content.decode()


def test_bad_lines_are_named_with_the_fix_and_the_text_stays() -> None:
    """Each bad line by its number, nothing lost; corrected in place, it is read."""
    client, case = at_the_record()
    page = give(client, case, text=BAD)
    assert "<title>Error: " in page
    for place in ("row 3", "row 4", "row 5"):
        assert place in page
    assert "2026-10-09,9.1,many,61" in page
    assert "record" not in case.answers
    good = BAD.replace("many", "1.8").replace("1.7\n2026-13-45", "1.7,58\n2026-10-23")
    assert give(client, case, text=good) == at(case, "steps/confirm/")


def test_going_on_without_bad_lines_is_a_choice_that_is_made() -> None:
    """What could be read goes on, what could not is told to have been left out."""
    client, case = at_the_record()
    assert 'name="go_on"' in give(client, case, text=BAD)
    assert give(client, case, text=BAD, go_on="yes") == at(case, "steps/confirm/")
    page = client.get(at(case, "steps/confirm/")).content.decode()
    assert "9.8" in page
    assert "many" not in page


def test_a_file_with_errors_comes_back_as_text_to_correct() -> None:
    """A browser drops a chosen file: its text stands in the box instead."""
    client, case = at_the_record()
    page = give(client, case, file=SimpleUploadedFile("counts.csv", BAD.encode()))
    assert "2026-10-09,9.1,many,61" in page
    assert "row 4" in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"resourceType": "Bundle", "entry": [\n{"resource": ', "not valid JSON"),
        ("no headings at all", "the format is not known"),
        ("date,HGB (g/dL)\n", "no rows below the headings"),
        ("patient,HGB (g/dL)\na,9\nb,10\n", "more than one child"),
        (bundle(observation("718-7", 9.8, "g/dL"), born="2018-01-01"), "another date of birth"),
        (bundle(), "no blood count was found"),
        ("", "Paste the counts, or select a file"),
    ],
)
def test_what_cannot_be_used_says_why_and_stays(text: str, words: str) -> None:
    """A broken Bundle by its line, another child by the date of birth: no way on, nothing lost."""
    client, case = at_the_record()
    page = give(client, case, text=text, go_on="yes")
    assert words in page
    assert "<title>Error: " in page
    assert "record" not in case.answers
    if text.startswith("{") and "not valid" in words:
        assert re.search(r"line \d+, column \d+", page)
    assert "resourceType" in page or not text.startswith("{")


def test_a_bundle_is_read_by_its_codes_and_its_units_are_kept_apart() -> None:
    """LOINC and UCUM in, the shared shape out: a line where families' pages have one, else none."""
    client, case = at_the_record()
    text = bundle(
        observation("718-7", 98, "g/L"),
        observation("777-3", 68, "10*3/uL"),
        observation("2276-4", 40, "ng/mL"),
        observation("718-7", 9.1, "mg/dL"),
    )
    page = give(client, case, text=text)
    assert "/entry/4/resource" in page
    assert give(client, case, text=text, go_on="yes") == at(case, "steps/confirm/")
    client.post(at(case, "steps/confirm/"), {"agree": "yes"})
    case.refresh_from_db()
    (drawn,) = case.answers["counts"]["sets"]
    assert drawn["date"] == "2026-10-02"
    shown = {r["loinc"]: (r["line"], r["value"], r["unit"]) for r in drawn["results"]}
    assert shown["718-7"] == ("hemoglobin", "9.8", "g/dL")
    assert shown["777-3"][:2] == ("platelets", "68")
    assert shown["2276-4"][:2] == ("", "40")
    assert len(attached_counts(case.answers["counts"])) == 3


def test_rows_are_left_out_and_those_without_a_date_get_one() -> None:
    """Every value, unit and date is confirmed; a row that is wrong need not be sent."""
    client, case = at_the_record()
    give(client, case, text="HGB (g/dL),PLT (K/uL)\n9.8,68\n")
    here = at(case, "steps/confirm/")
    page = client.post(here, {}).content.decode()
    assert "Compare the values" in page
    early = client.post(here, {"agree": "yes", "drawn": "2018-01-01"}).content.decode()
    assert "before the date of birth" in early
    all_out = client.post(here, {"agree": "yes", "leave": ["1", "2"]}).content.decode()
    assert "Keep at least one" in all_out
    answer = client.post(here, {"agree": "yes", "drawn": "2026-10-02", "leave": "2"})
    assert answer.status_code == 302
    case.refresh_from_db()
    (drawn,) = case.answers["counts"]["sets"]
    assert drawn["date"] == "2026-10-02"
    assert [r["line"] for r in drawn["results"]] == ["hemoglobin"]


def test_another_birth_date_asks_to_confirm_the_dates_again() -> None:
    """Limits go by age: confirmed rows do not outlive the birth date that they were read with."""
    client, _user = signed_in()
    case = begun(client)
    fill(client, case)
    assert "confirm" in case.answers
    client.post(at(case, "steps/child/"), {**ANSWERS["child"], "year": "2018"})
    case.refresh_from_db()
    assert "confirm" not in case.answers
    assert "counts" not in case.answers
    assert client.get(at(case, "check/"))["Location"] == at(case, "steps/")
    client.post(at(case, "steps/confirm/"), {"agree": "yes"})
    assert client.get(at(case, "check/")).status_code == 200


def test_the_team_gets_the_record_as_it_was_given() -> None:
    """The document goes along as a file; a corrected one takes the place of the first."""
    client, case = at_the_record()
    give(client, case, text=TABLE)
    give(client, case, text=TABLE.replace("9.8", "9.9"))
    kept = [f for f in StoredFile.objects.filter(holder=case.pk) if f.state != "removed"]
    assert [(f.step, f.kind) for f in kept] == [("record", "csv")]


def test_the_preview_is_the_assessment_of_the_record_as_it_was_read() -> None:
    """The same counts through the form and through the reader give the same result."""
    client, _user = signed_in()
    case = begun(client)
    fill(
        client,
        case,
        history={"treatments": ["none"], "transfused_on": "", "history": ""},
        findings={"present": []},
        absent={"absent": []},
    )
    ours = assessment_of(case.answers, name="x", today=forms.today())
    born = date.fromisoformat(case.answers["child"]["date"])
    text = "sex," + TABLE.replace("\n2026", "\nfemale,2026")
    (reading,) = read_any(text.encode(), knowledge(), born=born)
    assert reading.value is not None
    theirs = with_doubt(assess(reading.value, knowledge()))
    assert ours.urgency.level == theirs.urgency.level
    assert [(c.condition, c.posterior) for c in ours.differential] == [
        (c.condition, c.posterior) for c in theirs.differential
    ]
    assert [(i.analyte, i.value, i.age_days) for i in ours.inputs] == [
        (i.analyte, i.value, i.age_days) for i in theirs.inputs
    ]


def test_findings_and_treatments_count_in_the_preview() -> None:
    """What is ticked is what the engine reads, present and absent."""
    client, _user = signed_in()
    case = begun(client)
    fill(client, case)
    stated = {
        f.code: f.observed
        for f in assessment_of(case.answers, name="x", today=forms.today()).findings
    }
    assert stated["HP:0001172"] is True
    assert stated["HP:0001744"] is False


def stated(code: str, status: str) -> dict[str, Any]:
    """Give a Condition with an HPO id."""
    return {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p"},
        "verificationStatus": {"coding": [{"code": status}]},
        "code": {"coding": [{"system": "http://human-phenotype-ontology.org", "code": code}]},
    }


def variant(**parts: str) -> dict[str, Any]:
    """Give a variant as a laboratory reports it, by LOINC code of each part."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "69548-6"}]},
        "component": [
            {
                "code": {
                    "coding": [{"system": "http://loinc.org", "code": code[1:].replace("_", "-")}]
                },
                "valueCodeableConcept": {"text": words},
            }
            for code, words in parts.items()
        ],
    }


def test_what_else_a_record_states_is_confirmed_previewed_and_sent() -> None:
    """Findings, a variant, a diagnosis: named to be confirmed, then in preview, referral, packet.

    What was not read is named too, by its place; what is left out goes nowhere.
    """
    client, _user = signed_in()
    case = begun(client)
    text = bundle(
        observation("718-7", 9.8, "g/dL"),
        observation("777-3", 68, "10*9/L"),
        stated("HP:0001744", "confirmed"),
        stated("HP:0000252", "confirmed"),
        stated("HP:0002240", "refuted"),
        {
            "resourceType": "Condition",
            "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": "http://www.orpha.net", "code": "84"}]},
        },
        variant(_48018_6="FANCA", _53037_8="Pathogenic", _81252_9="c.1A>G\x01 as reported"),
        {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p"}},
    )
    for key in list(ANSWERS)[: list(ANSWERS).index("record")]:
        client.post(at(case, f"steps/{key}/"), ANSWERS[key])
    assert give(client, case, text=text) == at(case, "steps/confirm/")
    page = client.get(at(case, "steps/confirm/")).content.decode()
    for words in ("Splenomegaly", "Microcephaly", "FANCA, pathogenic", "Fanconi", "AllergyInt"):
        assert words in page, words
    assert "Looked for and not there" in page
    (left_out,) = re.findall(r'value="(\d+)" aria-label="Leave out Finding: Microcephaly"', page)
    client.post(at(case, "steps/confirm/"), {"agree": "yes", "leave": left_out})
    for key in ("findings", "absent", "files", "authority"):
        here = at(case, f"steps/{key}/")
        # What the record states as there is not offered as looked for and not there.
        assert key != "absent" or "Splenomegaly" not in client.get(here).content.decode()
        chosen = {"present": ["HP:0000957"], "absent": ["HP:0000978"]}
        client.post(here, {**ANSWERS[key], **chosen})
    shown = client.get(at(case, "preview/")).content.decode()
    for words in ("finding: Splenomegaly", "FANCA", "AllergyIntolerance", "under “Data quality”"):
        assert words in shown, words
    assert "Microcephaly" not in shown
    check = client.get(at(case, "check/")).content.decode()
    assert "Variant: FANCA, pathogenic" in check
    client.post(at(case, "check/"), {"seen": seen_in(check)})
    case.refresh_from_db()
    packet = packet_of(case, timezone.now())
    assert packet.bundle is not None
    Bundle.model_validate_json(json.dumps(packet.bundle))
    (reading,) = read_any(json.dumps(packet.bundle).encode(), knowledge())
    read = reading.value
    assert read is not None
    assert {f.code: f.observed for f in read.findings} == {
        "HP:0000957": True,
        "HP:0000978": False,
        "HP:0001744": True,
        "HP:0002240": False,
    }
    assert [(v.gene, v.classification) for v in read.variants] == [("FANCA", "pathogenic")]
    assert len(read.recorded_conditions) == 1
    assert [t.kind for t in read.treatments] == ["red_cell_transfusion"]
    assert read.treatments[0].start_age_days is not None
    # The team's engine is given what the referring clinician's was.
    ours = assessment_of(case.answers, name="x", today=forms.today())
    assert packet.assessment is not None
    assert [(c.condition, c.posterior) for c in packet.assessment.differential] == [
        (c.condition, c.posterior) for c in ours.differential
    ]


def test_the_preview_shows_its_basis_and_is_labelled() -> None:
    """Lineages, severity, causes with ratios and sources, versions: and what it is not."""
    client = Client()
    case = begun(client)
    fill(client, case)
    answer = client.get(at(case, "preview/"))
    page = answer.content.decode()
    for words in (
        "Computed, not a clinical judgement",
        "For qualified clinicians",
        "Red cells",
        "Platelets",
        "Severity",
        "To consider",
        "Likelihood ratio",
        "Software",
        "knowledge",
    ):
        assert words.lower() in page.lower(), words
    assert "style-src 'sha256-" in answer["Content-Security-Policy"]
    assert "script" not in answer["Content-Security-Policy"]


def test_an_urgent_count_says_call_now_first() -> None:
    """The programme's number stands above the report, and on the page before sending."""
    client, _user = signed_in()
    case = begun(client)
    urgent = TABLE.replace("1.9,68", "0.1,9")
    check = fill(client, case, record={"text": urgent})[-1]
    page = client.get(at(case, "preview/")).content.decode()
    assert page.index("Call us now") < page.index("Assessment of suspected")
    assert 'href="tel:5550100"' in page
    assert "Call us now" in check
    calm = begun(client)
    well = TABLE.replace("9.8,101,1.9,68", "12.8,84,3.9,268")
    check = fill(
        client, calm, record={"text": well}, findings={"present": []}, absent={"absent": []}
    )[-1]
    assert "Call us now" not in client.get(at(calm, "preview/")).content.decode()
    assert "Call us now" not in check


def test_without_counts_or_findings_there_is_nothing_to_assess() -> None:
    """The page says what it needs; the referral is sent all the same."""
    client, _user = signed_in()
    case = sent(client, counts_way={"way": "file"}, findings={"present": []})
    assert "counts" not in case.answers
    fresh = begun(client)
    assert "Nothing to assess yet" in client.get(at(fresh, "preview/")).content.decode()


def test_an_engine_that_fails_keeps_no_clinician_from_sending(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """T-31: preview and check page say that nothing was computed and whom to call."""
    client, _user = signed_in()
    case = begun(client)
    fill(client, case)

    def fails(*args: object, **kwargs: object) -> None:
        raise ArithmeticError("Sample child")

    monkeypatch.setattr("hematon.portal.referrals.preview.assess", fails)
    for place in ("preview/", "check/"):
        page = client.get(at(case, place)).content.decode()
        assert "Nothing was computed" in page
        assert "No rule for urgent counts was checked" in page
        assert page.count('id="call-heading"') == 1
        assert "Computed, not a clinical judgement" not in page
    assert "the engine failed" in caplog.text
    client.post(at(case, "check/"), {"seen": seen_in(page)})
    case.refresh_from_db()
    assert case.reference


# --- findings ------------------------------------------------------------------------------------


def test_findings_are_found_by_name_and_stay_while_searching() -> None:
    """Without script: a search shows the page again with every tick; what is chosen is kept."""
    client, case = at_the_record()
    give(client, case, text=TABLE)
    client.post(at(case, "steps/confirm/"), {"agree": "yes"})
    here = at(case, "steps/findings/")
    page = client.post(
        here, {"present": ["HP:0000957"], "find": "absent radius", "search": "1"}
    ).content.decode()
    assert 'value="HP:0003974"' in page
    assert re.search(r'value="HP:0000957"[^>]* checked', page)
    client.post(here, {"present": ["HP:0000957", "HP:0003974", "made up"]})
    case.refresh_from_db()
    assert case.answers["findings"] == {"present": ["HP:0000957", "HP:0003974"]}
    assert "Absent radius" in client.get(here).content.decode()
    empty = client.post(here, {"find": "", "search": "1"}).content.decode()
    assert "Write what to look for" in empty


def test_search_reads_names_as_people_write_them() -> None:
    """Hyphens, accents and case do not matter; an id is found; two letters are too few."""
    assert ("HP:0000957", "Cafe-au-lait spot") in search("Café au lait")
    assert search("hp:0001744") == [("HP:0001744", "Splenomegaly")]
    assert search("sp") == []
    assert search("x" * 80) == []
    assert len(search("abnormal")) <= 20


def test_every_group_offers_findings_that_the_engine_knows() -> None:
    """No empty group, no code twice, nothing that counts alone tell."""
    codes = [code for group in groups() for code, _name in group.findings]
    assert len(codes) == len(set(codes))
    assert all(map(is_finding, codes))
    assert not any(code.startswith("LAB_") for code in codes)
    assert len(codes) > 150


def test_a_transfusion_to_come_is_refused() -> None:
    """A date is a real one, of the child's life, and not in the future."""
    tomorrow = (timezone.now() + timedelta(days=2)).date().isoformat()
    born = date(2019, 5, 14)
    for typed in (tomorrow, "2026-02-30", "November", "2019-05-13"):
        given = {"treatments": ["none"], "transfused_on": typed, "history": ""}
        assert "transfused_on" in forms.HistoryForm(given, born=born).errors, typed
