"""Hostile files: each has a stated outcome, and none of what was sent survives in a picture.

Files are made here, so that no hostile file stands in the repository.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hematon.portal.audit.models import Event
from hematon.portal.counts.actions import MAX_PICTURES
from hematon.portal.counts.models import CountsPicture
from hematon.portal.files import decode, incoming, kinds, opening
from hematon.portal.files.kinds import RefusedError
from hematon.portal.files.opening import open_upload
from hostile_files import (
    CANARY,
    CSV,
    EICAR,
    EMBEDDED,
    ENCRYPTED,
    HEIC,
    HTML,
    JAVASCRIPT,
    LAUNCH,
    SVG,
    TAKEN,
    exif_jpeg,
    pdf,
    picture,
    png_of,
    written_pdf,
)

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


URI = "/OpenAction << /S /URI /URI (http://127.0.0.1/) >>"
NO_PAGES = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"
ZIP = b"PK\x03\x04" + b"\x00" * 200
TOO_LARGE = b"\xff\xd8\xff" + b"\x00" * kinds.MAX_BYTES

Made = Callable[[], bytes]
CORPUS: list[tuple[str, Made, str]] = [
    # what it is to be called, how it is made, why it is refused (TAKEN: opened)
    ("photo.jpg", lambda: picture("JPEG"), TAKEN),
    ("photo.jpeg", lambda: picture("JPEG"), TAKEN),
    ("PHOTO.JPG", lambda: picture("JPEG"), TAKEN),
    ("photo.png", lambda: picture("PNG"), TAKEN),
    ("clear.png", lambda: picture("PNG", mode="RGBA"), TAKEN),
    ("grey16.png", lambda: picture("PNG", mode="I;16"), TAKEN),
    ("palette.png", lambda: picture("PNG", mode="P"), TAKEN),
    ("bits.png", lambda: picture("PNG", mode="1"), TAKEN),
    ("cmyk.jpg", lambda: picture("JPEG", mode="CMYK"), TAKEN),
    ("progressive.jpg", lambda: picture("JPEG", progressive=True), TAKEN),
    ("place.jpg", exif_jpeg, TAKEN),
    ("page.pdf", pdf, TAKEN),
    ("text.pdf", written_pdf, TAKEN),
    ("most-pages.pdf", lambda: pdf(200, (50, 50)), TAKEN),
    ("counts.csv", lambda: CSV, TAKEN),
    ("excel.csv", lambda: CSV.decode().encode("utf-16"), TAKEN),
    ("windows.csv", lambda: "Neutrófilos,1.2,K/uL\n".encode("cp1252"), TAKEN),
    ("formula.csv", lambda: b"=cmd|' /C calc'!A0,1\nHGB,7.9,g/dL\n", TAKEN),
    # empty and too large
    ("empty.jpg", lambda: b"", "empty"),
    ("empty.pdf", lambda: b"", "empty"),
    ("empty.csv", lambda: b"", "empty"),
    ("spaces.csv", lambda: b" \r\n \r\n", "empty"),
    ("large.jpg", lambda: picture("JPEG") + b"\x00" * kinds.MAX_BYTES, "size"),
    ("large.pdf", lambda: b"%PDF-1.4\n" + b"\x00" * kinds.MAX_BYTES, "size"),
    ("large.csv", lambda: b"HGB,7.9,g/dL\n" * 80_000, "csv_size"),
    ("rows.csv", lambda: b"HGB,7.9\n" * 5_002, "csv_size"),
    ("flood.png", lambda: png_of(60_000, 60_000), "pixels"),
    ("just-over.png", lambda: png_of(8_001, 5_000), "pixels"),
    ("bomb.png", lambda: png_of(6_000, 6_000, b"\x00" * 108_006_000), TAKEN),
    ("just-over-print.jpg", lambda: picture("JPEG", (7_000, 5_000), "CMYK"), "pixels"),
    ("pages.pdf", lambda: pdf(201, (50, 50)), "pages"),
    ("huge-page.pdf", lambda: pdf(1, (1_000_000, 1_000_000)), TAKEN),
    # names that lie, and types we do not take
    ("scan.heic", lambda: HEIC, "heic"),
    ("scan.HEIF", lambda: HEIC, "heic"),
    ("scan.jpg", lambda: HEIC, "heic"),
    ("drawing.svg", lambda: SVG, "type"),
    ("drawing.png", lambda: SVG, "mismatch"),
    ("drawing.csv", lambda: SVG, TAKEN),
    ("page.html", lambda: HTML, "type"),
    ("page.pdf", lambda: HTML, "mismatch"),
    ("page.jpg", lambda: HTML, "mismatch"),
    ("run.exe", lambda: b"MZ" + b"\x00" * 100, "type"),
    ("run.jpg", lambda: b"MZ" + b"\x00" * 100, "mismatch"),
    ("archive.zip", lambda: ZIP, "archive"),
    ("archive.csv", lambda: ZIP, "mismatch"),
    ("sheet.xlsx", lambda: ZIP, "type"),
    ("bomb.zip", lambda: ZIP + zlib.compress(b"\x00" * 10_000_000), "archive"),
    ("moving.gif", lambda: picture("GIF"), "type"),
    ("moving.png", lambda: picture("GIF"), "mismatch"),
    ("moving.csv", lambda: b"GIF89a/*" + b"x" * 50 + b"*/=1;", "mismatch"),
    ("photo.webp", lambda: picture("WEBP"), "type"),
    ("photo.tiff", lambda: picture("TIFF"), "type"),
    ("photo.png", lambda: picture("JPEG"), "mismatch"),
    ("photo.jpg", lambda: picture("PNG"), "mismatch"),
    ("photo.jpg", pdf, "mismatch"),
    ("page.pdf", lambda: picture("PNG"), "mismatch"),
    ("page.csv", pdf, "mismatch"),
    ("photo.csv", lambda: picture("JPEG"), "mismatch"),
    ("noending", lambda: picture("JPEG"), "type"),
    (".jpg.", lambda: picture("JPEG"), "type"),
    ("photo.jpg.php", lambda: picture("JPEG"), "type"),
    ("photo.php.jpg", lambda: picture("JPEG") + b"<?php " + CANARY, TAKEN),
    ("photo.jpg\x00.php", lambda: picture("JPEG"), "type"),
    ("../../etc/passwd", lambda: b"root", "type"),
    ("../../photo.jpg", lambda: picture("JPEG"), TAKEN),
    ("a" * 400 + ".jpg", lambda: picture("JPEG"), TAKEN),
    ("photo\u202egpj.exe", lambda: b"MZ", "type"),
    ("foto\u202e\u00e9.jpg", lambda: picture("JPEG"), TAKEN),
    ("con.jpg", lambda: picture("JPEG"), TAKEN),
    # damaged and two things at once
    ("cut.jpg", lambda: picture("JPEG", (400, 400))[:300], "damaged"),
    ("cut.png", lambda: picture("PNG", (400, 400))[:-30], "damaged"),
    ("head.png", lambda: b"\x89PNG\r\n\x1a\n", "damaged"),
    ("head.jpg", lambda: b"\xff\xd8\xff\xe0", "damaged"),
    ("head.pdf", lambda: b"%PDF-1.7\n", "damaged"),
    ("cut.pdf", lambda: pdf()[:120], "damaged"),
    ("nopages.pdf", lambda: NO_PAGES, "damaged"),
    ("zero.png", lambda: png_of(0, 0), "damaged"),
    ("php.jpg", lambda: picture("JPEG") + b"<?php " + CANARY + b" ?>", TAKEN),
    ("script.png", lambda: picture("PNG") + b"<script>" + CANARY, TAKEN),
    ("html.pdf", lambda: HTML + pdf(), "mismatch"),
    ("tail.pdf", lambda: written_pdf() + HTML + CANARY, TAKEN),
    ("gif.jpg", lambda: b"GIF89a" + picture("JPEG"), "mismatch"),
    ("archive.jpg", lambda: picture("JPEG") + ZIP + CANARY, TAKEN),
    # PDFs that want to act: only ever turned into pictures
    ("locked.pdf", lambda: ENCRYPTED, "encrypted"),
    ("script.pdf", lambda: written_pdf(catalog=JAVASCRIPT), TAKEN),
    ("launch.pdf", lambda: written_pdf(catalog=LAUNCH), TAKEN),
    ("inside.pdf", lambda: written_pdf(catalog=EMBEDDED), TAKEN),
    ("fetch.pdf", lambda: written_pdf(catalog=URI), TAKEN),
    ("loop.pdf", lambda: written_pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), "damaged"),
    # text that is no text
    ("eicar.csv", lambda: EICAR, TAKEN),
    ("zeros.csv", lambda: b"HGB,\x007.9\n", "text"),
    ("binary.csv", lambda: bytes(range(256)), "text"),
    ("escape.csv", lambda: b"HGB,7.9\x1b[2J\n", "text"),
    ("half.csv", lambda: b"\xff\xfeH", "text"),
]  # fmt: skip


def opened(name: str, content: bytes) -> tuple[str, opening.Opened | None]:
    """Open a file as the page would; give why it was refused, or what it held."""
    file = SimpleUploadedFile("name", content)
    file._name = name  # type: ignore[attr-defined]  # Django would clean it before we see it
    try:
        return TAKEN, open_upload(file)
    except RefusedError as refused:
        return refused.code, None


def test_the_corpus_is_large_enough() -> None:
    """At least 60 files with stated outcomes."""
    assert len(CORPUS) >= 60


@pytest.mark.parametrize(("name", "made", "outcome"), CORPUS, ids=range(len(CORPUS)))
def test_a_hostile_file_has_its_stated_outcome(name: str, made: Made, outcome: str) -> None:
    """Refused with its words, or re-made from pixels with nothing else of it left."""
    why, found = opened(name, made())
    assert why == outcome
    assert why == TAKEN or why in kinds.WORDS
    if found is not None:
        for page in found.pictures:
            assert CANARY not in page
            assert b"<script" not in page
            assert b"<?php" not in page
            with Image.open(io.BytesIO(page)) as image:
                assert image.format == "JPEG"
                assert dict(image.getexif()) == {}
                assert max(image.size) <= 2000


def test_a_grey_picture_keeps_its_print() -> None:
    """16 bits of grey become 8, not white."""
    out = io.BytesIO()
    page = Image.new("I;16", (60, 40), 60_000)
    page.paste(Image.new("I;16", (30, 40), 500), (0, 0))
    page.save(out, "PNG")
    _, found = opened("grey.png", out.getvalue())
    assert found is not None
    with Image.open(io.BytesIO(found.pictures[0])) as image:
        dark, light = image.convert("L").getpixel((5, 20)), image.convert("L").getpixel((55, 20))
    assert dark < 20  # type: ignore[operator]
    assert light > 220  # type: ignore[operator]


def test_the_text_of_a_pdf_is_offered() -> None:
    """What the laboratory printed as text can be read into the boxes."""
    _, found = opened("text.pdf", written_pdf())
    assert found is not None
    assert "HGB 7.9 g/dL 11.5 - 14.5" in found.text


@settings(max_examples=10_000 if LONG else 30)
@given(
    st.sampled_from(["jpg", "png", "pdf", "csv"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=20),
    st.integers(0, 4_000),
)
def test_mutated_files_are_opened_or_refused(
    kind: str, changes: list[tuple[int, int]], cut: int
) -> None:
    """Bytes changed and cut anywhere: an answer in words, never a crash of ours."""
    whole = {
        "jpg": exif_jpeg(),
        "png": picture("PNG"),
        "pdf": written_pdf(catalog=JAVASCRIPT),
        "csv": CSV * 5,
    }[kind]
    content = bytearray(whole)
    for place, byte in changes:
        content[place % len(content)] = byte
    why, found = opened(f"file.{kind}", bytes(content[: len(content) - cut % len(content)]))
    assert (found is None) == bool(why)


@pytest.mark.parametrize("purpose", ["show", "keep"])
@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("png", lambda: picture("PNG", (6_300, 6_300), "RGBA")),
        ("png", lambda: picture("PNG", (8_000, 5_000), "I;16")),
        ("png", lambda: picture("PNG", (6_300, 6_300), "P")),
        ("png", lambda: picture("PNG", (6_300, 6_300), "LA")),
        ("jpeg", lambda: picture("JPEG", (8_000, 5_000))),
        ("jpeg", lambda: picture("JPEG", (6_000, 5_000), "CMYK", progressive=True)),
        ("pdf", lambda: pdf(5, (1_000_000, 1_000_000))),
    ],
)
def test_the_largest_pictures_need_less_than_300_mb(kind: str, made: Made, purpose: str) -> None:
    """Measured on the process that opens them; more than 640 MB it cannot have."""
    code = (
        f"import runpy, sys\nrunpy.run_path({decode.__file__!r}, run_name='__main__')\n"
        "print(open('/proc/self/status').read(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, kind, purpose],
        input=made(),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout.partition(b"\n")[0])["problem"] == ""
    peak = next(line for line in done.stderr.splitlines() if line.startswith(b"VmHWM"))
    assert int(peak.split()[1]) < 300_000


def test_a_decoder_that_eats_memory_or_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends, the page says that the upload failed, and the next upload works."""
    monkeypatch.setattr(opening, "WALL_SECONDS", 0.001)
    assert opened("photo.jpg", picture("JPEG"))[0] == "failed"
    monkeypatch.undo()
    monkeypatch.setattr(opening, "WAIT_SECONDS", 0.01)
    with opening._running, opening._running:
        assert opened("photo.jpg", picture("JPEG"))[0] == "failed"
    assert opened("photo.jpg", picture("JPEG"))[0] == TAKEN


# --- through the page ----------------------------------------------------------------------------


@pytest.fixture
def family(client: Client, db: None) -> Client:
    """A browser past the stop screen."""
    client.post("/en/blood-counts/", {"now": "no"})
    return client


def send(client: Client, name: str, content: bytes) -> str:
    """Send a file and give the page that follows."""
    answer = client.post(
        "/en/blood-counts/upload/",
        {"file": SimpleUploadedFile(name, content)},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jpg", b"", "The selected file is empty"),
        ("a.jpg", TOO_LARGE, "The selected file must be smaller than 15MB"),
        ("a.pdf", ENCRYPTED, "The selected file is password protected"),
        ("a.heic", HEIC, "Send a JPG"),
        ("a.exe", b"MZ", "The selected file must be a PDF, JPG, PNG or CSV"),
        ("a.csv", EICAR, "We could not read a number in this file"),
        ("a.csv", SVG, "We could not read a number in this file"),
    ],
)  # fmt: skip
def test_the_page_says_what_is_wrong(family: Client, name: str, content: bytes, words: str) -> None:
    """In the words of the rules, in the summary and beside the box, with Error: in the title."""
    page = send(family, name, content)
    assert page.count(words) == 2
    assert "<title>Error: " in page
    assert 'href="#id_file"' in page
    assert not CountsPicture.objects.exists()


def test_a_failed_upload_says_try_again(family: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is our fault is not blamed on the file."""
    monkeypatch.setattr(opening, "WALL_SECONDS", 0.001)
    page = send(family, "a.jpg", picture("JPEG"))
    assert "The selected file could not be uploaded - try again" in page


def test_a_request_that_announces_too_much_is_not_read(family: Client) -> None:
    """2 GB are refused by the length alone."""
    answer = family.post(
        "/en/blood-counts/upload/", {"file": SimpleUploadedFile("a.jpg", b"x")},
        CONTENT_LENGTH=str(2 * 1024**3),
    )  # fmt: skip
    assert answer.status_code == 413
    assert "must be smaller than 15MB" in answer.content.decode()


def test_nothing_is_kept_of_a_file_that_is_too_large() -> None:
    """While it arrives, at most the limit is held in memory, and nothing on disk."""
    taken = incoming.InMemory()
    taken.new_file("file", "a.jpg", "image/jpeg", None)
    for _ in range(40):
        taken.receive_data_chunk(b"x" * 1024 * 1024, 0)
        assert len(taken.kept.getvalue()) <= kinds.MAX_BYTES
    assert taken.file_complete(0).size == 40 * 1024 * 1024


def test_a_picture_is_shown_to_the_browser_that_sent_it_alone(family: Client) -> None:
    """Anyone else gets the same 404 as for a picture that never was."""
    page = send(family, "photo.jpg", exif_jpeg())
    kept = CountsPicture.objects.get()
    address = f"/en/blood-counts/pictures/{kept.pk}"
    assert f'src="{address}"' in page
    shown = family.get(address)
    assert shown.status_code == 200
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["Content-Disposition"] == 'inline; filename="page-1.jpg"'
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert shown.headers["Cache-Control"] == "no-store"
    assert CANARY not in shown.content
    stranger = Client()
    stranger.post("/en/blood-counts/", {"now": "no"})
    assert stranger.get(address).status_code == 404
    assert stranger.get("/en/blood-counts/pictures/nothing").status_code == 404


def test_a_picture_is_gone_after_a_day(family: Client) -> None:
    """Not shown, and deleted when asked for and by the command; the audit has counts alone."""
    send(family, "photo.jpg", picture("JPEG"))
    send(family, "photo.png", picture("PNG"))
    first, second = CountsPicture.objects.order_by("kept_at")
    first.purge_at = timezone.now() - timedelta(seconds=1)
    first.save()
    assert family.get(f"/en/blood-counts/pictures/{first.pk}").status_code == 404
    assert list(CountsPicture.objects.all()) == [second]
    CountsPicture.objects.update(purge_at=timezone.now() - timedelta(seconds=1))
    call_command("purge_counts", stdout=io.StringIO())
    assert not CountsPicture.objects.exists()
    done = {event.action for event in Event.objects.all()}
    assert done == {"counts.pictures_kept", "counts.pictures_purged"}
    assert all(set(e.detail) == {"pages"} for e in Event.objects.all())


def test_what_was_sent_can_be_deleted(family: Client) -> None:
    """The button deletes pictures and numbers at once."""
    send(family, "photo.jpg", picture("JPEG"))
    family.post("/en/blood-counts/delete/")
    assert not CountsPicture.objects.exists()
    assert "counts" not in family.session


def test_a_browser_holds_a_few_pictures(family: Client) -> None:
    """The eleventh is refused in words."""
    for _ in range(MAX_PICTURES):
        send(family, "photo.png", picture("PNG"))
    assert "You have 10 pictures here" in send(family, "photo.png", picture("PNG"))
    assert CountsPicture.objects.count() == MAX_PICTURES


def pages_of(text: str) -> Iterator[str]:
    """Give the pieces of a page between picture tags."""
    yield from text.split("<img ")[1:]


def test_only_five_pages_of_a_pdf_are_shown(family: Client) -> None:
    """A long PDF is no reason to keep 200 pictures."""
    page = send(family, "long.pdf", pdf(12))
    assert len(list(pages_of(page))) == 5


def test_a_csv_fills_the_boxes_and_leaves_no_file(family: Client) -> None:
    """Numbers stand in boxes to be confirmed; nothing is stored beside the session."""
    page = send(family, "counts.csv", CSV)
    assert 'name="hemoglobin_value" value="7.9"' in page
    assert not CountsPicture.objects.exists()


def test_the_form_token_is_needed() -> None:
    """Taking the upload's handlers first does not open a hole."""
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/en/blood-counts/upload/", {"file": SimpleUploadedFile("a.csv", CSV)})
    assert answer.status_code == 403
