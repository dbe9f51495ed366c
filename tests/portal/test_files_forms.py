"""The part of a page where files are sent: what it says, takes, lists and removes."""

from __future__ import annotations

import re
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone, translation

from hematon.portal.files import access, scanning
from hematon.portal.files.forms import UploadForm
from hematon.portal.files.models import State, StoredFile
from hematon.portal.files.scanning import Verdict, Word
from hostile_files import CSV, EICAR, ENCRYPTED, HEIC, bundle, picture
from upload_page import HOLDER, PAGE

pytestmark = [pytest.mark.django_db, pytest.mark.urls("upload_page")]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents of each test's own, and a scanner that knows one virus."""
    settings.MEDIA_ROOT = tmp_path

    def scan(content: bytes, **_: float) -> Verdict:
        found = EICAR in content
        return Verdict(Word.INFECTED, "virus") if found else Verdict(Word.CLEAN)

    monkeypatch.setattr(scanning, "scan", scan)


def send(client: Client, *files: tuple[str, bytes], where: str = PAGE, **fields: str) -> Any:
    """Press a button, with files chosen."""
    return client.post(
        where, {"file": [SimpleUploadedFile(*one) for one in files], **fields}, follow=False
    )


def text_of(page: HttpResponse) -> str:
    """Give what a page says, without its tags."""
    main = page.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_the_rules_stand_before_the_box(client: Client) -> None:
    """S18: rules, box, button, list; one heading of the page; the box has its label and hint."""
    html = client.get(PAGE).content.decode()
    order = ["<h1>Send the records", "smaller than 15MB", 'type="file"', ">Upload<", "Your files"]
    places = [html.index(one) for one in order]
    assert places == sorted(places)
    assert html.count("<h1") == 1
    assert 'enctype="multipart/form-data"' in html
    box = re.search(r'<input type="file"[^>]*>', html)
    assert box
    assert "multiple" in box[0]
    # iPhones send a JPG in the place of a HEIC to a box that does not ask for HEIC.
    assert "image/jpeg" in box[0]
    assert "heic" not in html.lower()
    assert 'aria-describedby="id_file-hint"' in box[0]
    assert '<label class="nhsuk-label nhsuk-label--s" for="id_file">' in html
    assert "You have not sent a file here." in html


def test_files_are_listed_with_their_state_and_open(client: Client) -> None:
    """Several at once; each with its name, size, state, link and button to remove it."""
    sent = send(client, ("Blood <b>.csv", CSV), ("photo.jpg", picture("JPEG")), upload="1")
    assert (sent.status_code, sent["Location"]) == (302, PAGE)
    html = client.get(PAGE).content.decode()
    assert "Blood &lt;b&gt;.csv" in html
    assert html.count(">Ready<") == 2
    assert "1 KB" in html
    for stored in access.files_of(HOLDER, "records"):
        assert f'name="remove" value="{stored.pk}"' in html
        assert f'href="/try/{stored.pk}"' in html
        assert client.get(f"/try/{stored.pk}").status_code == 200
    assert re.findall(r"Remove<span class=\"nhsuk-u-visually-hidden\"> ([^<]+)<", html)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", EICAR, "The selected file contains a virus"),
        ("a.jpg", b"\xff\xd8\xff" + b"\0" * 16_000_000, "must be smaller than 15MB"),
        ("a.jpg", b"", "The selected file is empty"),
        ("a.pdf", ENCRYPTED, "The selected file is password protected"),
        ("a.heic", HEIC, "Send a JPG"),
        ("a.exe", b"MZ", "The selected file must be a PDF, JPG, PNG or CSV"),
        ("a.zip", b"PK\x03\x04", "Open it and select the files inside"),
        ("a.json", bundle(), "The selected file must be a PDF, JPG, PNG or CSV"),
    ],
)
def test_a_refusal_is_said_where_it_is(
    name: str, content: bytes, words: str, client: Client
) -> None:
    """In the summary, with a link to the box, beside the box, and in the title."""
    answer = send(client, (name, content), upload="1")
    assert answer.status_code == 200
    html = answer.content.decode()
    assert "<title>Error: " in html
    assert text_of(answer).count(words) >= 2
    assert 'href="#id_file"' in html
    assert 'id="id_file-error"' in html
    assert 'aria-describedby="id_file-hint id_file-error"' in html


def test_one_bad_file_costs_none_of_the_others(client: Client) -> None:
    """The good ones are kept and listed; the bad ones are named."""
    answer = send(client, ("a.csv", CSV), ("b.exe", b"MZ"), ("c.csv", CSV), upload="1")
    assert "b.exe: The selected file must be a PDF" in text_of(answer)
    kept = {stored.name for stored in access.files_of(HOLDER, "records")}
    assert kept == {"a.csv", "c.csv"}


def test_a_file_with_a_virus_is_listed_as_a_problem_until_removed(client: Client) -> None:
    """It has no link; its button takes it out of the list; why it was refused stays."""
    send(client, ("a.csv", EICAR), upload="1")
    page = client.get(PAGE)
    assert "a.csv" in text_of(page)
    assert "Problem The selected file contains a virus" in text_of(page)
    stored = StoredFile.objects.get()
    assert f"/try/{stored.pk}" not in page.content.decode()
    client.post(PAGE, {"remove": str(stored.pk)})
    assert "a.csv" not in text_of(client.get(PAGE))
    stored.refresh_from_db()
    assert (stored.state, stored.reason) == (State.REMOVED, "virus")


def test_a_file_that_waits_for_the_scanner_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking; the family can go on and open it."""
    monkeypatch.setattr(scanning, "scan", lambda content, **_: Verdict(Word.UNKNOWN, "down"))
    send(client, ("a.csv", CSV), upload="1")
    said = text_of(client.get(PAGE))
    assert "Checking We are still checking this file for viruses. You can go on." in said
    assert client.get(f"/try/{StoredFile.objects.get().pk}").content == CSV


def test_removing(client: Client) -> None:
    """Of this step of this case alone; twice, or of nonsense, does no harm."""
    send(client, ("a.csv", CSV), upload="1")
    mine = StoredFile.objects.get()
    other = StoredFile.objects.create(
        holder=HOLDER, step="other", name="x", kind="csv", size=1, state="held",
        taken_at=timezone.now(),
    )  # fmt: skip
    for key in (str(mine.pk), str(mine.pk), str(other.pk), str(uuid.uuid4()), "x", ""):
        assert client.post(PAGE, {"remove": key})["Location"] == PAGE
    assert list(access.files_of(HOLDER)) == [other]


def test_going_on(client: Client) -> None:
    """Continue sends what was chosen; nothing chosen is an error where a file is needed."""
    assert client.post(PAGE, {})["Location"] == "/on/"
    assert "Select a file" in text_of(client.post(PAGE, {"upload": "1"}))
    assert "Select a file" in text_of(client.post("/try/required/", {}))
    assert send(client, ("a.csv", CSV), where="/try/required/")["Location"] == "/on/"
    assert client.post("/try/required/", {})["Location"] == "/on/"
    assert StoredFile.objects.count() == 1


def test_more_files_than_a_step_takes(client: Client) -> None:
    """Ten are kept, and the eleventh is refused in words, once, not by a bare page."""
    answer = send(client, *((f"{n}.csv", CSV) for n in range(14)), upload="1")
    assert answer.status_code == 200
    summary = answer.content.decode().partition("error-summary__list")[2].partition("</ul>")[0]
    assert summary.count("You can send at most 10 files here") == 1
    assert access.files_of(HOLDER, "records").count() == 10


def test_a_clinician_may_send_a_bundle(client: Client) -> None:
    """Its page says so, and the box lets it be chosen."""
    html = client.get("/try/referral/").content.decode()
    assert "JSON (a FHIR Bundle)" in html
    assert ".json" in html
    answer = send(client, ("a.json", bundle()), where="/try/referral/", upload="1")
    assert answer.status_code == 302


def test_every_word_has_its_spanish(client: Client) -> None:
    """No English is left on the Spanish page, with an error and with a file of each state."""
    with translation.override("es"):
        assert str(UploadForm.base_fields["file"].label) == "Elija archivos"
    client.cookies["language"] = "es"
    send(client, ("a.csv", EICAR), ("b.csv", CSV), upload="1")
    answer = send(client, ("a.exe", b"MZ"), upload="1")
    said = text_of(answer)
    for words in (
        "El archivo elegido debe ser PDF, JPG, PNG o CSV",
        "Antes de elegir",
        "Listo",
        "Problema El archivo elegido contiene un virus",
        "Quitar b.csv",
        "Subir",
        "Sus archivos",
    ):
        assert words in said
    for words in ("The selected", "Remove", "Upload", "Ready", "Choose", "Your files"):
        assert words not in said


def test_no_upload_touches_a_disk_in_the_open(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-32: Django's own handlers would put a file of 6 MB in the folder for temporary files."""

    def opened(*args: object, **more: object) -> None:
        raise AssertionError("a temporary file was made")

    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, opened)
    large = b"\xff\xd8\xff" + b"\0" * 6_000_000
    answer = send(client, ("a.jpg", large), upload="1")
    assert "The selected file cannot be opened" in text_of(answer)
