"""Files: kept sealed, given out whole or not at all, taken back, purged, swept."""

from __future__ import annotations

import io
import os
import stat
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from PIL import Image

from hematon.portal.audit.models import Event
from hematon.portal.files import access, actions, kinds, scanning, serve, store
from hematon.portal.files.actions import REFERRAL_LIMITS, Refused
from hematon.portal.files.kinds import Limits
from hematon.portal.files.models import State, StoredFile
from hematon.portal.files.scanning import Verdict, Word
from hematon.portal.files.serve import Purpose
from hematon.portal.vault.sealing import SealBrokenError
from hostile_files import CANARY, CSV, EICAR, bundle, exif_jpeg, picture, written_pdf

pytestmark = pytest.mark.django_db
HOLDER = uuid.UUID(int=7)
AT = timezone.now()
Say = Callable[..., None]
Commits = Callable[..., AbstractContextManager[object]]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """A place for contents of each test's own."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def scanner(monkeypatch: pytest.MonkeyPatch) -> Say:
    """Let the scanner say something; without, there is none."""

    def say(word: Word, reason: str = "") -> None:
        monkeypatch.setattr(scanning, "scan", lambda content, **_: Verdict(word, reason))

    return say


def take(name: str, content: bytes, **more: object) -> StoredFile:
    """Take a file for a case."""
    given: dict[str, object] = {"holder": HOLDER, "by": None, "at": AT, **more}
    return actions.take(upload=SimpleUploadedFile(name, content), **given)  # type: ignore[arg-type]


def contents(media: Path) -> list[Path]:
    """Give everything that stands on the disk."""
    return [place for place in media.rglob("*") if place.is_file()]


def test_a_file_is_kept_and_given_back(scanner: Say) -> None:
    """T-42: what was sent comes out again, with its size, its hash and its name."""
    scanner(Word.CLEAN)
    sent = written_pdf(content=f"BT ({CANARY.decode()}) Tj ET")
    stored = take("marrow.pdf", sent, step="records")
    again = access.get_file(HOLDER, str(stored.pk))
    assert (again.name, again.kind, again.size, again.step) == (
        "marrow.pdf",
        "pdf",
        len(sent),
        "records",
    )
    assert again.state == State.CLEAN
    assert serve.content_of(again, Purpose.CARE) == sent
    (event,) = Event.objects.all()
    assert (event.action, event.detail) == ("files.taken", {"kind": "pdf", "state": "clean"})


def test_the_answer_runs_nothing(scanner: Say) -> None:
    """A download with a name of ours, in a sandbox, kept by no cache."""
    scanner(Word.CLEAN)
    stored = take("<script>.pdf", written_pdf(catalog="/OpenAction << /S /JavaScript /JS (x) >>"))
    answer = serve.answer(stored, Purpose.CARE)
    assert answer.headers["Content-Type"] == "application/pdf"
    name = f'attachment; filename="file-{stored.pk.hex[:8]}.pdf"'
    assert answer.headers["Content-Disposition"] == name
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert stored.flags == ["javascript"]


def test_pictures_are_made_anew_and_large_enough_to_read(scanner: Say) -> None:
    """No place and no camera survive; a page stays readable; a PNG becomes a JPEG."""
    scanner(Word.CLEAN)
    stored = take("photo.jpg", exif_jpeg())
    content = serve.content_of(stored, Purpose.CARE)
    assert CANARY not in content
    large = take("photo.png", picture("PNG", (4000, 2000)))
    with Image.open(io.BytesIO(serve.content_of(large, Purpose.CARE))) as image:
        assert (image.format, image.size) == ("JPEG", (3000, 1500))
        assert dict(image.getexif()) == {}


def test_a_spreadsheet_runs_nothing_of_a_csv(scanner: Say) -> None:
    """Formulas become text; numbers, dashes and results stay as they are."""
    scanner(Word.CLEAN)
    sent = 'HGB,7.9,-1.5,+2,-\n=1+1,+cmd|x,"=2",@SUM(1),\t=3\n<0.1,+++,-1e-3,1;=4,-2%\n'
    kept = serve.content_of(take("c.csv", sent.encode()), Purpose.CARE).decode()
    assert kept == (
        "HGB,7.9,-1.5,+2,-\n'=1+1,'+cmd|x,\"'=2\",'@SUM(1),\t'=3\n<0.1,+++,-1e-3,1;'=4,-2%\n"
    )
    assert kinds.inert(kept) == kept


def test_bundles_are_for_referrals_alone(scanner: Say) -> None:
    """A family's page does not take JSON, a clinician's does."""
    scanner(Word.CLEAN)
    with pytest.raises(Refused, match="type"):
        take("record.json", bundle())
    stored = take("record.json", bundle(), limits=REFERRAL_LIMITS)
    assert serve.answer(stored, Purpose.CARE).headers["Content-Type"] == "application/json"


# --- sealed --------------------------------------------------------------------------------------


def test_nothing_of_a_file_can_be_read_on_the_disk_or_in_the_database(
    media: Path, scanner: Say
) -> None:
    """T-32: neither what it says nor what it is called; and only its owner may read the bytes."""
    scanner(Word.CLEAN)
    stored = take("Zquxcanary Jane.csv", CSV + CANARY)
    (place,) = contents(media)
    assert CANARY not in place.read_bytes()
    assert b"HGB" not in place.read_bytes()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert str(stored.pk) not in str(place)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM files_storedfile")
        row = repr([bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone()])
    assert "Zquxcanary" not in row
    assert "CANARY" not in row


@pytest.mark.parametrize("place", [0, 11, 12, 40, -1])
def test_a_flipped_bit_is_refused_and_alarmed(
    place: int, media: Path, scanner: Say, caplog: pytest.LogCaptureFixture
) -> None:
    """T-32, T-42: wherever it is, nothing of the file is given out."""
    scanner(Word.CLEAN)
    stored = take("c.csv", CSV)
    (file,) = contents(media)
    sealed = bytearray(file.read_bytes())
    sealed[place] ^= 1
    file.write_bytes(sealed)
    with pytest.raises(SealBrokenError):
        serve.answer(stored, Purpose.CARE)
    assert "CRITICAL" in {r.levelname for r in caplog.records}


def test_swapped_moved_and_exchanged_contents_are_refused(media: Path, scanner: Say) -> None:
    """T-32: a content opens for its own file of its own case."""
    scanner(Word.CLEAN)
    first, second = take("a.csv", CSV), take("b.csv", CSV + b"PLT,20,K/uL\n")
    one, two = (store.path_of(s.stored_as) for s in (first, second))
    kept = one.read_bytes(), two.read_bytes()
    one.write_bytes(kept[1])
    with pytest.raises(SealBrokenError):
        serve.answer(first, Purpose.CARE)
    # With its key and hash it still belongs to the other row.
    first.sealed_key, first.sha256 = second.sealed_key, second.sha256
    with pytest.raises(SealBrokenError):
        serve.answer(first, Purpose.CARE)
    # A row that was given to another case.
    second.holder = uuid.UUID(int=8)
    with pytest.raises(SealBrokenError):
        serve.answer(second, Purpose.CARE)


def test_a_wrong_hash_and_a_missing_content_are_refused(
    media: Path, scanner: Say, caplog: pytest.LogCaptureFixture
) -> None:
    """T-42: the hash of the row is that of what is given out."""
    scanner(Word.CLEAN)
    stored = take("c.csv", CSV)
    stored.sha256 = "0" * 64
    with pytest.raises(SealBrokenError, match="hash"):
        serve.answer(stored, Purpose.CARE)
    contents(media)[0].unlink()
    with pytest.raises(SealBrokenError, match="not on the disk"):
        serve.answer(stored, Purpose.CARE)
    assert caplog.text.count("CRITICAL") == 2


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 47, "A" * 48, "0" * 46 + "/."])
def test_a_place_is_ours_or_none(name: str) -> None:
    """T-07: no row can name a file of the machine."""
    with pytest.raises(ValueError, match="not a name"):
        store.path_of(name)


def test_a_content_is_on_the_disk_before_its_row(
    scanner: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-37: written beside, flushed, renamed, folder flushed; then the row."""
    scanner(Word.CLEAN)
    done: list[str] = []
    fsync, rename, save = os.fsync, Path.rename, StoredFile.save

    def flushed(number: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "content")
        fsync(number)

    def renamed(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    def saved(self: StoredFile, **more: bool) -> None:
        done.append("row")
        save(self, **more)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(StoredFile, "save", saved)
    take("c.csv", CSV)
    assert done[-4:] == ["content", "rename", "folder", "row"]


def test_a_full_disk_is_said_and_leaves_nothing(
    media: Path, scanner: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row, no half of a content; the family is asked to try again."""
    scanner(Word.CLEAN)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match="failed"):
        take("c.csv", CSV)
    assert not StoredFile.objects.exists()
    assert contents(media) == []


# --- who may open what ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "reason", "care", "sender"),
    [
        (Word.CLEAN, "", True, True),
        (Word.UNKNOWN, "down", False, True),
    ],
)
def test_only_what_is_clean_is_read_by_others(
    word: Word, reason: str, care: bool, sender: bool, scanner: Say
) -> None:
    """T-07: what was not scanned goes to nobody but who sent it."""
    scanner(word, reason)
    stored = take("c.csv", CSV)
    for purpose, may in ((Purpose.CARE, care), (Purpose.SENDER, sender)):
        assert serve.may_open(stored, purpose) is may
        if may:
            assert serve.answer(stored, purpose).content == CSV
        else:
            with pytest.raises(Http404):
                serve.answer(stored, purpose)


def test_a_file_is_found_through_its_case_alone(scanner: Say) -> None:
    """T-07: another case's, a removed one, none and nonsense are all the same 404."""
    scanner(Word.CLEAN)
    stored, removed = take("a.csv", CSV), take("b.csv", CSV)
    actions.remove(stored=removed, by=None, at=AT)
    assert access.get_file(HOLDER, stored.pk) == stored
    for holder, key in [
        (uuid.UUID(int=8), stored.pk),
        (HOLDER, removed.pk),
        (HOLDER, uuid.uuid4()),
        (HOLDER, "../../etc/passwd"),
        (HOLDER, ""),
    ]:
        with pytest.raises(Http404):
            access.get_file(holder, key)
    assert list(access.files_of(HOLDER)) == [stored]
    assert list(access.files_of(HOLDER, "other")) == []


def test_a_virus_is_refused_and_leaves_a_row_without_content(media: Path, scanner: Say) -> None:
    """The family reads why, staff see that it happened, nothing of it is kept."""
    scanner(Word.INFECTED, "virus")
    with pytest.raises(Refused) as refused:
        take("c.csv", EICAR)
    assert refused.value.words == "The selected file contains a virus"
    (stored,) = StoredFile.objects.all()
    assert (stored.state, stored.reason, stored.stored_as) == (State.INFECTED, "virus", "")
    assert contents(media) == []
    for purpose in Purpose:
        with pytest.raises(Http404):
            serve.answer(stored, purpose)
    (event,) = Event.objects.all()
    assert (event.action, event.detail) == ("files.refused", {"kind": "csv", "reason": "virus"})


def test_the_database_holds_to_the_states() -> None:
    """An infected file with content, a clean one that nobody scanned, no such state: refused."""
    for wrong in (
        {"state": "infected", "stored_as": "0" * 48},
        {"state": "clean"},
        {"state": "fine"},
        {"state": "removed"},
        {"state": "held", "removed_at": AT},
    ):
        given = {"holder": HOLDER, "name": "x", "kind": "csv", "size": 1, "taken_at": AT}
        with pytest.raises(IntegrityError), transaction.atomic():
            StoredFile.objects.create(**{**given, **wrong})


# --- limits --------------------------------------------------------------------------------------


def test_the_words_say_the_limits_that_hold() -> None:
    """Numbers in the words are those of the code."""
    assert kinds.MAX_BYTES == 15 * 1024 * 1024
    assert "15MB" in kinds.WORDS["size"]
    assert kinds.MAX_CSV_BYTES == 1_000_000
    assert kinds.MAX_CSV_ROWS == 5_000
    assert "1MB and have at most 5,000 rows" in kinds.WORDS["csv_size"]
    assert kinds.MAX_JSON_BYTES == 5 * 1024 * 1024
    assert "5MB" in kinds.WORDS["json_size"]
    assert kinds.decode.MEGAPIXELS == 40
    assert kinds.decode.MAX_PAGES == 200
    assert actions.CASE_LIMITS.files_per_step == 10
    assert "10 files" in kinds.WORDS["many"]
    assert actions.CASE_LIMITS.bytes_per_holder == 60 * 1024 * 1024
    assert "60MB" in kinds.WORDS["total"]


def test_a_step_holds_ten_files_and_a_case_60_mb(scanner: Say, media: Path) -> None:
    """Removed and refused files do not count; another step and another case have their own."""
    scanner(Word.CLEAN)
    few = Limits(files_per_step=2, bytes_per_holder=5 * len(CSV))
    first = take("a.csv", CSV, limits=few, step="one")
    take("b.csv", CSV, limits=few, step="one")
    with pytest.raises(Refused, match="many"):
        take("c.csv", CSV, limits=few, step="one")
    actions.remove(stored=first, by=None, at=AT)
    take("c.csv", CSV, limits=few, step="one")
    take("d.csv", CSV * 3, limits=few, step="two")
    with pytest.raises(Refused, match="total"):
        take("e.csv", CSV, limits=few, step="two")
    take("e.csv", CSV, limits=few, step="two", holder=uuid.UUID(int=8))
    rows = StoredFile.objects.exclude(stored_as="").count()
    assert len(contents(media)) == rows == 5


def test_sending_and_taking_back_does_not_fill_the_disk(scanner: Say) -> None:
    """Four times the limit at most, until the purge."""
    scanner(Word.CLEAN)
    few = Limits(bytes_per_holder=len(CSV))
    for _ in range(4):
        actions.remove(stored=take("a.csv", CSV, limits=few), by=None, at=AT)
    with pytest.raises(Refused, match="total"):
        take("a.csv", CSV, limits=few)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("marrow report.pdf", "marrow report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\foto.jpg", "foto.jpg"),
        ("photo\u202egpj.exe", "photo gpj.exe"),
        ("photo\r\nX: 1.jpg", "photo X: 1.jpg"),
        ("a\0b.jpg", "b.jpg"),
        ("e\u0301.jpg", "é.jpg"),
        ("", "file"),
        ("...", "file"),
        ("\u200b", "file"),
        ("a" * 300 + ".jpeg", "a" * 94 + "…" + ".jpeg"),
        ("צילום.jpg", "צילום.jpg"),
    ],
)
def test_names_are_shown_without_what_hides(name: str, shown: str) -> None:
    """No folder, no line, no turned ending, at most 100 characters with the ending kept."""
    assert kinds.shown_name(name) == shown
    assert len(kinds.shown_name(name)) <= 100


# --- what happens later --------------------------------------------------------------------------


def test_a_removed_file_goes_after_its_days(
    media: Path, scanner: Say, django_capture_on_commit_callbacks: Commits
) -> None:
    """Not shown from the moment it is taken back; its content is deleted later, its row stays."""
    scanner(Word.CLEAN)
    stored, other = take("a.csv", CSV), take("b.csv", CSV)
    actions.remove(stored=stored, by=None, at=AT)
    actions.remove(stored=stored, by=None, at=AT + timedelta(days=20))
    stored.refresh_from_db()
    with pytest.raises(Http404):
        serve.answer(stored, Purpose.SENDER)
    assert actions.purge(at=AT + timedelta(days=29), days=30) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert actions.purge(at=AT + timedelta(days=30), days=30) == 1
    assert contents(media) == [store.path_of(other.stored_as)]
    stored.refresh_from_db()
    assert (stored.state, stored.stored_as, bytes(stored.sealed_key)) == ("removed", "", b"")
    assert actions.purge(at=AT + timedelta(days=31), days=30) == 0
    assert [e.action for e in Event.objects.order_by("id")] == [
        "files.taken",
        "files.taken",
        "files.removed",
        "files.purged",
    ]


def test_a_crash_leaves_an_orphan_that_is_swept_in_an_hour(
    media: Path, scanner: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-37: the row is the truth; what a crash left goes, and nothing that a row has."""
    scanner(Word.CLEAN)
    kept = take("a.csv", CSV)

    def crash(*args: object, **more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions, "record", crash)
    with pytest.raises(RuntimeError):
        take("b.csv", CSV)
    monkeypatch.undo()
    store_half = store.path_of(kept.stored_as).with_name("ab" * 24 + ".writing")
    store_half.write_bytes(b"half")
    assert StoredFile.objects.count() == 1
    assert len(contents(media)) == 3
    now = timezone.now()
    assert actions.sweep(at=now) == actions.Swept(0, 0)
    assert len(contents(media)) == 3
    assert actions.sweep(at=now + timedelta(hours=1, seconds=1)) == actions.Swept(2, 0)
    assert contents(media) == [store.path_of(kept.stored_as)]


def test_a_row_without_its_content_is_an_alarm(
    media: Path, scanner: Say, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is repaired in silence."""
    scanner(Word.CLEAN)
    take("a.csv", CSV)
    contents(media)[0].unlink()
    assert actions.sweep(at=timezone.now()) == actions.Swept(0, 1)
    assert [r.levelname for r in caplog.records] == ["CRITICAL"]


def test_no_phi_in_the_audit_or_the_log(
    log: io.StringIO, scanner: Say, django_capture_on_commit_callbacks: Commits
) -> None:
    """T-29: neither the name nor the content of a file, whatever becomes of it."""
    scanner(Word.UNKNOWN, "down")
    stored = take("Zquxcanary.csv", CSV + CANARY)
    actions.rescan_held(at=AT)
    actions.remove(stored=stored, by=None, at=AT)
    with django_capture_on_commit_callbacks(execute=True):
        actions.purge(at=AT + timedelta(days=31), days=30)
    actions.sweep(at=AT)
    said = log.getvalue() + repr([(e.action, e.subject, e.detail) for e in Event.objects.all()])
    assert "Zquxcanary" not in said
    assert "CANARY" not in said
