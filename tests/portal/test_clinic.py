"""The assessment page: what it reads, whom it shows it to, what it leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from hematon.engine import assess
from hematon.interchange.detect import read_any
from hematon.knowledge import Knowledge
from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.clinic.actions import purge
from hematon.portal.clinic.models import KEPT_FOR, Feedback, Upload
from hematon.portal.clinic.reading import MAX_BYTES, MAX_RECORDS
from hematon.report import html
from hematon.report.tested import with_doubt

CHILD = (Path(__file__).parents[2] / "examples" / "demo_child.json").read_bytes()
PAGE = "/staff/assess/"
CANARY = "CANARY-4711"
TABLE = "id,age,sex,date,HGB (g/dL),PLT (K/uL),ANC (K/uL)\n"
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinician(signed_in: Signed) -> Client:
    """A browser in which a clinician is signed in."""
    return signed_in(Role.CLINICIAN)


def send(client: Client, content: bytes, setting: str = "referral") -> str:
    """Upload a file and give the address it leads to; empty when the form comes back."""
    file = SimpleUploadedFile("record.bin", content)
    answer = client.post(PAGE, {"file": file, "setting": setting})
    assert answer.status_code in (200, 302)
    return str(answer.headers.get("Location", ""))


def rows(count: int) -> bytes:
    """Give a table of some children."""
    line = "{}-{},4 y,F,2026-01-01,8.{},2{},0.3\n"
    return (TABLE + "".join(line.format(CANARY, i, i % 9, i % 9) for i in range(count))).encode()


def test_report_is_the_one_of_the_command_line(clinician: Client, knowledge: Knowledge) -> None:
    """What `hematon assess --html` writes is shown whole, and downloads byte for byte."""
    (reading,) = read_any(CHILD, knowledge, today=timezone.now().date())
    assert reading.value is not None
    judged = with_doubt(assess(reading.value, knowledge, setting="referral", issues=reading.issues))
    expected = html.render(judged, knowledge)
    address = send(clinician, CHILD)
    page = clinician.get(address).content.decode()
    assert expected.partition("<header>")[2] in page
    for _ in range(2):
        download = clinician.get(address + "html/")
        assert download.content.decode() == expected
    assert json.loads(clinician.get(address + "json/").content) == judged.to_dict()
    resource = json.loads(clinician.get(address + "fhir/").content)
    assert resource["resourceType"] == "DiagnosticReport"
    assert clinician.get(address + "pdf/").status_code == 404


def test_an_engine_that_fails_says_so_on_every_page_that_needs_it(
    clinician: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """T-31: an error to those who watch the site, words to who reads it; the record still opens."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    address = send(clinician, rows(1))
    monkeypatch.setattr("hematon.portal.clinic.reading.assess", fails)
    before = Event.objects.count()
    for page in (address, address + "json/", address + "feedback/"):
        answer = clinician.get(page)
        assert (answer.status_code, "Nothing was computed" in answer.content.decode()) == (
            500,
            True,
        )
    assert Event.objects.count() == before
    assert "the engine failed on a record of an upload RuntimeError at " in caplog.text
    assert CANARY not in caplog.text
    assert clinician.get(address.rsplit("/", 2)[0] + "/").status_code == 200
    monkeypatch.undo()
    assert clinician.get(address).status_code == 200


def test_report_allows_its_own_style_by_hash_and_nothing_else(clinician: Client) -> None:
    """T-22: the page of the report carries a policy of its own, without unsafe-inline."""
    answer = clinician.get(send(clinician, CHILD))
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in policy
    page = answer.content.decode()
    assert " style=" not in page
    assert "<script" not in page
    assert page.count("<style>") == 1


def test_names_and_values_stay_out_of_addresses_titles_and_audit(clinician: Client) -> None:
    """T-29: a record's own id is on the screen of the person who sent it, and nowhere else."""
    where = send(clinician, rows(2))
    listing = clinician.get(where)
    report = clinician.get(where + "1/")
    for answer in (listing, report):
        text = answer.content.decode()
        assert CANARY in text
        title = re.search("<title>(.*?)</title>", text)
        assert title is not None
        assert CANARY not in title[1]
        assert answer["Cache-Control"] == "no-store"
    assert CANARY not in where
    for kind in ("html", "json", "fhir"):
        assert CANARY not in clinician.get(f"{where}1/{kind}/")["Content-Disposition"]
    assert CANARY not in str(list(Event.objects.values()))
    assert [e.action for e in Event.objects.order_by("id")][:2] == [
        "record.uploaded",
        "report.opened",
    ]


def test_database_holds_no_readable_record(clinician: Client) -> None:
    """T-29: what is kept for the hour is sealed with a key that is not in the database."""
    send(clinician, rows(1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM clinic_upload")
        (sealed,) = cursor.fetchone()
    assert CANARY.encode() not in bytes(sealed)
    session = clinician.session.session_key
    assert session is not None
    assert not Upload.objects.filter(session=session).exists(), "a row must not sign anyone in"


def test_only_its_own_person_and_session_open_it(signed_in: Signed, clinician: Client) -> None:
    """Another clinician, and the same one in another browser, find nothing there."""
    where = send(clinician, CHILD)
    assert clinician.get(where).status_code == 200
    other = signed_in(Role.CLINICIAN, Role.INTAKE)
    again = Client()
    again.force_login(Upload.objects.get().user)
    for client in (other, again):
        assert client.get(where).status_code == 404
        assert client.get(where + "html/").status_code == 404


def test_it_is_gone_after_an_hour_and_at_sign_out(
    clinician: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past its hour it cannot be opened even before it is deleted; sign-out deletes at once."""
    where = send(clinician, CHILD)
    now = timezone.now()
    for minutes in (14, 28, 42, 56):
        late = now + timedelta(minutes=minutes)
        monkeypatch.setattr("django.utils.timezone.now", lambda late=late: late)
        assert clinician.get(where).status_code == 200
    late = now + KEPT_FOR + timedelta(seconds=2)
    monkeypatch.setattr("django.utils.timezone.now", lambda: late)
    assert clinician.get(where).status_code == 404
    assert Upload.objects.count() == 1
    assert purge() == 1
    send(clinician, CHILD)
    assert Upload.objects.count() == 1
    clinician.post("/sign-in/logout/")
    assert Upload.objects.count() == 0


def test_several_records_are_listed_to_choose_from(clinician: Client) -> None:
    """Each has its own report; one that does not exist has none."""
    where = send(clinician, rows(3))
    page = clinician.get(where).content.decode()
    assert "3 records" in page
    first, third = (clinician.get(f"{where}{n}/").content.decode() for n in (1, 3))
    assert f"{CANARY}-0" in first
    assert f"{CANARY}-2" in third
    for number in (0, 4, 99999999999999999999):
        assert clinician.get(f"{where}{number}/").status_code == 404


def test_issues_name_the_place_and_the_fix(clinician: Client) -> None:
    """A wrong value is told by row and column, never by itself; the rest is assessed."""
    where = send(clinician, f"{TABLE}a,4 y,F,2026-01-01,n0t-a-number,20,0.3\n".encode())
    page = clinician.get(where).content.decode()
    assert "row 2, column HGB" in page
    assert "write the number without" in page
    assert "n0t-a-number" not in page
    assert clinician.get(where + "1/").status_code == 200


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The selected file is empty."),
        (b"%PDF-1.7", "export the results as FHIR or CSV"),
        (b"PK\x03\x04", "save the workbook as CSV"),
        (b"{" * 20000, "not valid JSON"),
        (b"[" * 200000, "not valid JSON"),
        (b'{"resourceType": "Patient", ', "not valid JSON"),
        (b'{"a": 1}', "neither a resourceType nor"),
        (b"\xff\xfe\x00\x01" * 50, "format is not known"),
        (b"hello", "format is not known"),
        (rows(MAX_RECORDS + 1), f"more than {MAX_RECORDS} records"),
        (b"{" + b" " * MAX_BYTES, "must be smaller than 5 MB"),
    ],
)
def test_bad_files_are_refused_in_words(clinician: Client, content: bytes, said: str) -> None:
    """Nothing is kept of what could not be read, and the page says what to do."""
    file = SimpleUploadedFile("x", content)
    answer = clinician.post(PAGE, {"file": file, "setting": "referral"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<title>Error: " in page
    assert said in page
    assert Upload.objects.count() == 0


def test_pasted_text_is_read_like_a_file(clinician: Client) -> None:
    """Either way works, both at once is a question."""
    pasted = {"text": CHILD.decode(), "setting": "hematology_clinic"}
    answer = clinician.post(PAGE, pasted)
    assert "hematology" in clinician.get(answer["Location"]).content.decode()
    both = clinician.post(PAGE, {**pasted, "file": SimpleUploadedFile("x", CHILD)})
    assert "not both" in both.content.decode()
    neither = clinician.post(PAGE, {"setting": "referral"})
    assert "Select a file, or paste" in neither.content.decode()
    wrong = clinician.post(PAGE, {"text": CHILD.decode(), "setting": "moon"})
    assert wrong.status_code == 200
    assert Upload.objects.count() == 1


def test_label_is_on_every_page(clinician: Client) -> None:
    """Intended use stands above the form, the list and the report."""
    where = send(clinician, rows(2))
    for address in (PAGE, where, where + "1/"):
        page = clinician.get(address).content.decode()
        assert "For qualified clinicians" in page
        assert "must not be used for urgent decisions" in page
        assert "Not reviewed or cleared by FDA" in page


def test_every_part_that_a_clinician_needs_to_judge_the_basis(clinician: Client) -> None:
    """Inputs, missing, evidence for and against, logic, limits, versions: all on the report."""
    page = clinician.get(send(clinician, CHILD)).content.decode()
    for name in ("urgency", "severity", "differential", "always", "tests", "missing", "inputs"):
        assert f'id="{name}"' in page
    for words in (
        "Evidence for",
        "Evidence against",
        "Limits and sources",
        "knowledge 20",
        "Software",
        "UTC",
    ):
        assert words in page


def test_clinician_says_whether_she_agrees(clinician: Client) -> None:
    """5.3: accepted or overridden with a reason, kept with versions and without the record."""
    where = send(clinician, rows(1))
    address = where + "feedback/"
    assert address in clinician.get(where).content.decode()
    page = clinician.get(address).content.decode()
    assert "Fanconi anemia" in page
    assert CANARY not in page
    no_reason = clinician.post(address, {"outcome": "overridden", "condition": ""})
    assert "Say why you disagree." in no_reason.content.decode()
    assert "Say whether you agree" in clinician.post(address, {}).content.decode()
    assert clinician.post(address, {"outcome": "accepted", "condition": "moon"}).status_code == 200
    assert Feedback.objects.count() == 0
    given = {"outcome": "overridden", "condition": "fanconi_anemia", "reason": "rank"}
    answer = clinician.post(address, given, follow=True)
    assert "was noted" in answer.content.decode()
    clinician.post(address, {"outcome": "accepted", "condition": "", "reason": "rank"})
    judged = json.loads(clinician.get(where + "json/").content)
    accepted, overridden = Feedback.objects.all()
    assert (accepted.outcome, accepted.reason) == ("accepted", "")
    assert (overridden.condition, overridden.reason) == ("fanconi_anemia", "rank")
    assert overridden.input_hash == judged["input_hash"]
    assert overridden.knowledge == judged["versions"]["fingerprint"]
    assert CANARY not in str(list(Feedback.objects.values()))
