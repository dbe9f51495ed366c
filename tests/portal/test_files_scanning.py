"""T-44: the scanner works, is away, is slow, lies, or babbles; a file is never lost by it."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings

from hematon.portal import check
from hematon.portal.audit.models import Event
from hematon.portal.files import actions, kinds, scanning, serve
from hematon.portal.files.actions import Refused
from hematon.portal.files.models import State, StoredFile
from hematon.portal.files.scanning import Status, Verdict, Word
from hematon.portal.files.serve import Purpose
from hostile_files import CSV, EICAR, picture, written_pdf
from scanners import HAS_CLAMD, WHY, Answer, Clamd, fake, honest

HOLDER = uuid.UUID(int=9)
AT = timezone.now()
needs_clamd = pytest.mark.skipif(not HAS_CLAMD, reason=WHY)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any) -> None:
    """No scanner, and contents of each test's own."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.CLAMD_SOCKET = ""
    scanning._trusted.clear()


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clamd]:
    """A real clamd that knows EICAR and nothing else."""
    real = Clamd(tmp_path_factory.mktemp("clamd"))
    real.start()
    yield real
    real.stop()


def take(name: str = "counts.csv", content: bytes = CSV) -> StoredFile:
    """Take a file for a case."""
    upload = SimpleUploadedFile(name, content)
    return actions.take(holder=HOLDER, upload=upload, by=None, at=AT)


# --- the real one --------------------------------------------------------------------------------


@needs_clamd
def test_clamd_finds_what_it_must(clamd: Clamd, settings: Any) -> None:
    """EICAR is found and nothing else, for a small file and for 15 MB."""
    settings.CLAMD_SOCKET = str(clamd.socket)
    assert scanning.scan(CSV).word is Word.CLEAN
    assert scanning.scan(b"x" * 15 * 1024 * 1024).word is Word.CLEAN
    assert scanning.scan(EICAR) == Verdict(Word.INFECTED, "virus")
    assert scanning.scan(b"a,b\n" + EICAR + b"\n") == Verdict(Word.INFECTED, "virus")
    status = scanning.status()
    assert status.works
    assert status.engine.startswith("ClamAV 1.")


@needs_clamd
def test_clamd_that_will_not_take_so_much_leaves_it_held(clamd: Clamd, settings: Any) -> None:
    """Over StreamMaxLength it answers with an error, not with a verdict."""
    settings.CLAMD_SOCKET = str(clamd.socket)
    assert scanning.scan(b"x" * 16 * 1024 * 1024) == Verdict(Word.UNKNOWN, "too_large")


@needs_clamd
@pytest.mark.django_db
def test_eicar_is_refused_in_words(clamd: Clamd, settings: Any) -> None:
    """J2, step 7: as CSV, and behind a picture or a PDF; a clean file is ready at once."""
    settings.CLAMD_SOCKET = str(clamd.socket)
    for name, content in [
        ("x.csv", EICAR),
        ("x.jpg", picture("JPEG") + EICAR),
        ("x.pdf", written_pdf() + EICAR),
    ]:
        with pytest.raises(Refused) as refused:
            take(name, content)
        assert refused.value.words == "The selected file contains a virus"
    assert set(StoredFile.objects.values_list("state", "stored_as")) == {("infected", "")}
    assert take().state == State.CLEAN


@needs_clamd
@pytest.mark.django_db(transaction=True)
def test_files_wait_for_a_scanner_that_was_stopped(clamd: Clamd, settings: Any) -> None:
    """T-44: stop clamd: accepted and held; start it again: released, and a virus deleted."""
    settings.CLAMD_SOCKET = str(clamd.socket)
    clamd.stop()
    clean, infected = take(), take("x.csv", EICAR)
    assert {clean.state, infected.state} == {State.HELD}
    assert clean.reason == "down"
    assert scanning.status() == Status("down")
    assert actions.rescan_held(at=AT) == {"clean": 0, "infected": 0, "held": 1}
    assert serve.content_of(clean, Purpose.SENDER) == CSV
    clamd.start()
    assert actions.rescan_held(at=AT) == {"clean": 1, "infected": 1, "held": 0}
    clean.refresh_from_db()
    infected.refresh_from_db()
    assert (clean.state, clean.reason, clean.scanned_at) == (State.CLEAN, "", AT)
    assert serve.content_of(clean, Purpose.CARE) == CSV
    assert (infected.state, infected.reason, infected.stored_as) == ("infected", "virus", "")
    assert len([p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]) == 1
    assert str(kinds.WORDS[infected.reason]) == "The selected file contains a virus"
    said = [(e.action, e.detail["state"], e.detail["reason"]) for e in Event.objects.all()[:2]]
    assert sorted(said) == [("files.scanned", "clean", ""), ("files.scanned", "infected", "virus")]


# --- ones that misbehave -------------------------------------------------------------------------


def says(words: bytes) -> Answer:
    """Say the same to everything, but for its version."""
    return lambda command, content: honest(command, b"") if b"VERSION" in command else words


def hangs_up(command: bytes, content: bytes) -> None:
    """Say nothing."""


def is_slow(command: bytes, content: bytes) -> bytes:
    """Answer too late."""
    time.sleep(0.6)
    return b"stream: OK\0"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hangs_up, "down"),
        (is_slow, "slow"),
        (says(b"stream: OK\0"), "unproven"),
        (says(b""), "down"),
        (says(b"\0"), "garbage"),
        (says(b"stream: OK"), "garbage"),
        (says(b"stream: OK\n\0"), "garbage"),
        (says(b"stream: ok\0"), "garbage"),
        (says(b"OK\0"), "garbage"),
        (says(b"stream: OK\0stream: X FOUND\0"), "garbage"),
        (says(b"stream:  FOUND\0"), "garbage"),
        (says(b"stream: A B FOUND\0"), "garbage"),
        (says(b"UNKNOWN COMMAND\0"), "garbage"),
        (says(b"stream: Can't allocate memory ERROR\0"), "garbage"),
        (says(b"HTTP/1.1 200 OK\r\n\r\n\0"), "garbage"),
        (says(b"x" * 100_000), "garbage"),
        (says(bytes(range(1, 256)) + b"\0"), "garbage"),
        (says(b"INSTREAM size limit exceeded. ERROR\0"), "too_large"),
        (says(b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0"), "too_large"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_scanner_that_misbehaves_leaves_the_file_held(
    answer: Answer, reason: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-44: accepted, held, given to nobody else; released when the scanner is well again."""
    monkeypatch.setattr(scanning, "SECONDS", 0.3)
    with fake(tmp_path, answer) as door:
        settings.CLAMD_SOCKET = str(door)
        stored = take()
        assert (stored.state, stored.reason) == (State.HELD, reason)
        assert stored.scanned_at is None
        assert not serve.may_open(stored, Purpose.CARE)
    with fake(tmp_path, honest) as door:
        settings.CLAMD_SOCKET = str(door)
        assert actions.rescan_held(at=AT)["clean"] == 1
    stored.refresh_from_db()
    assert (stored.state, stored.signatures) == (State.CLEAN, date(2026, 11, 23))
    assert serve.content_of(stored, Purpose.CARE) == CSV


def test_a_scanner_that_babbles_forever_is_left(tmp_path: Path, settings: Any) -> None:
    """A byte now and then does not keep the page waiting: the whole has one limit."""

    def babbles(command: bytes, content: bytes) -> bytes | None:
        time.sleep(0.2)
        return b"s"

    began = time.monotonic()
    with fake(tmp_path, babbles) as door:
        settings.CLAMD_SOCKET = str(door)
        assert scanning.scan(CSV, seconds=0.5).word is Word.UNKNOWN
    assert time.monotonic() - began < 5


def test_a_socket_that_nobody_reads_is_left(tmp_path: Path, settings: Any) -> None:
    """A stopped process whose socket still stands: the file is sent for so long and no longer."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        settings.CLAMD_SOCKET = str(tmp_path / "s")
        began = time.monotonic()
        assert scanning.scan(b"x" * 15_000_000, seconds=0.5) == Verdict(Word.UNKNOWN, "slow")
        assert time.monotonic() - began < 2


def test_a_scanner_is_asked_to_prove_itself_once_an_hour(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise every file would be two."""
    asked: list[bytes] = []

    def answer(command: bytes, content: bytes) -> bytes:
        asked.append(content)
        return honest(command, content)

    with fake(tmp_path, answer) as door:
        settings.CLAMD_SOCKET = str(door)
        for _ in range(3):
            assert scanning.scan(CSV).word is Word.CLEAN
        assert asked.count(EICAR) == 1
        monkeypatch.setattr(scanning, "TRUSTED_SECONDS", 0.0)
        scanning._trusted.clear()
        for _ in range(2):
            scanning.scan(CSV)
        assert asked.count(EICAR) == 3


def test_what_cannot_be_looked_into_is_said_to_have_a_password(
    tmp_path: Path, settings: Any
) -> None:
    """AlertEncrypted names it as a find; it is no virus."""
    with fake(tmp_path, says(b"stream: Heuristics.Encrypted.PDF FOUND\0")) as door:
        settings.CLAMD_SOCKET = str(door)
        assert scanning.scan(CSV) == Verdict(Word.INFECTED, "encrypted")
    assert "encrypted" in kinds.WORDS


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"ClamAV 1.4.6/27800/Mon Nov 2 08:10:00 2026\0", ("", "ClamAV 1.4.6", date(2026, 11, 2))),
        (b"ClamAV 1.4.6\0", ("", "ClamAV 1.4.6", None)),
        (b"ClamAV 1.4.6/27800/yesterday\0", ("garbage", "", None)),
        (b"nginx\0", ("garbage", "", None)),
    ],
)  # fmt: skip
def test_the_health_page_learns_how_old_the_signatures_are(
    said: bytes, status: tuple[str, str, date | None], tmp_path: Path, settings: Any
) -> None:
    """The scanner's version, its signatures' date, and whether it finds the test file."""
    answer: Answer = lambda c, content: said if b"VERSION" in c else honest(c, content)  # noqa: E731
    with fake(tmp_path, answer) as door:
        settings.CLAMD_SOCKET = str(door)
        assert scanning.status() == Status(*status)


@pytest.mark.django_db(transaction=True)
def test_without_a_scanner_files_are_held_for_their_sender() -> None:
    """The demonstration: accepted, not yet checked, open to who sent it and nobody else."""
    stored = take()
    assert (stored.state, stored.reason) == (State.HELD, "no_scanner")
    assert serve.answer(stored, Purpose.SENDER).content == CSV
    assert not serve.may_open(stored, Purpose.CARE)
    assert scanning.status() == Status("no_scanner")
    assert actions.rescan_held(at=AT + timedelta(days=1))["held"] == 1
    stored.refresh_from_db()
    assert stored.state == State.HELD


@pytest.mark.django_db(transaction=True)
def test_a_file_taken_back_while_it_was_scanned_stays_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The verdict comes too late and changes nothing."""
    stored = take()

    def late(content: bytes, **_: float) -> Verdict:
        actions.remove(stored=stored, by=None, at=AT)
        return Verdict(Word.CLEAN)

    monkeypatch.setattr(scanning, "scan", late)
    actions.rescan_held(at=AT)
    stored.refresh_from_db()
    assert (stored.state, stored.scanned_at) == (State.REMOVED, None)


@pytest.mark.django_db
def test_the_check_says_when_nothing_looks_at_files(settings: Settings, tmp_path: Path) -> None:
    """T-44: in production no scanner, and one that does not answer, are named with the fix."""

    def told() -> str:
        return "\n".join(line for line in check._of_upkeep() if line.startswith("Virus scanner"))

    settings.CLAMD_SOCKET = ""
    assert told() == "", "a demonstration needs none"
    settings.DEMO = False
    assert "not set up. Install clamav-daemon and set HEMATON_CLAMD_SOCKET" in told()
    settings.CLAMD_SOCKET = str(tmp_path / "nobody-there")
    assert "does not answer. Look at clamd" in told()
    with fake(tmp_path, honest) as socket:
        settings.CLAMD_SOCKET = str(socket)
        assert told() == ""
