"""Looking for viruses: clamd, over its unix socket.

Whatever goes wrong with the scanner, a file is held and looked at again later: `UNKNOWN` is never
`CLEAN`. A scanner whose word is taken has shown within the hour that it finds the test file that
every set of signatures knows (EICAR); one that says OK to everything is not believed.

clamd.conf needs `StreamMaxLength` of at least 15M, `AlertEncrypted yes` and a `LocalSocketMode`
that is not open to the world.
"""

from __future__ import annotations

import enum
import re
import socket
import struct
import time
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock
from typing import Final

from django.conf import settings

SECONDS = 10.0
"""While somebody waits for the page."""
SECONDS_AGAIN = 130.0
"""For the job that looks again; clamd itself stops at 120 (MaxScanTime)."""
TRUSTED_SECONDS = 3600.0
_CHUNK: Final = 64 * 1024
_LONGEST_ANSWER: Final = 4096

# In two halves, so that no scanner takes this file for what it names.
EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Word(enum.Enum):
    """What the scanner says of a file."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """What is known after a scan.

    Attributes:
        word: see `Word`.
        reason: code; why it is unknown (`no_scanner`, `down`, `slow`, `garbage`, `too_large`,
            `unproven`) or what was found (`virus`, `encrypted`).
        signatures: date of the signatures, where the scanner said it.
    """

    word: Word
    reason: str = ""
    signatures: date | None = None


@dataclass(frozen=True)
class Status:
    """How the scanner is, for the health page.

    Attributes:
        reason: empty when it works; else as in `Verdict`.
        engine: its version.
        signatures: date of its signatures; None when it has none of its makers'.
    """

    reason: str
    engine: str = ""
    signatures: date | None = None

    @property
    def works(self) -> bool:
        """Say whether files are being looked at."""
        return not self.reason


class _FailedError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_lock = Lock()
_trusted: dict[str, float] = {}


def scan(content: bytes, *, seconds: float | None = None) -> Verdict:
    """Have a content looked at."""
    limit = SECONDS if seconds is None else seconds
    try:
        said = _instream(content, limit)
        verdict = _verdict(said)
        if verdict.word is Word.CLEAN:
            _prove(limit)
            return Verdict(Word.CLEAN, signatures=_version(min(limit, 2.0))[1])
    except _FailedError as failed:
        return Verdict(Word.UNKNOWN, failed.reason)
    return verdict


def status() -> Status:
    """Say how the scanner is."""
    try:
        engine, signatures = _version(2.0)
        _trusted.clear()
        _prove(SECONDS)
    except _FailedError as failed:
        return Status(failed.reason)
    return Status("", engine, signatures)


def _prove(seconds: float) -> None:
    """Let the scanner show that it finds what every scanner finds."""
    where = str(settings.CLAMD_SOCKET)
    with _lock:
        if _trusted.get(where, 0.0) > time.monotonic():
            return
    if _verdict(_instream(EICAR, seconds)).word is not Word.INFECTED:
        raise _FailedError("unproven")
    with _lock:
        _trusted[where] = time.monotonic() + TRUSTED_SECONDS


def _verdict(said: bytes) -> Verdict:
    if said == b"stream: OK":
        return Verdict(Word.CLEAN)
    found = re.fullmatch(rb"stream: ([\x21-\x7e]{1,200}) FOUND", said)
    if found is None:
        too_large = said.startswith(b"INSTREAM size limit exceeded")
        raise _FailedError("too_large" if too_large else "garbage")
    if found[1].startswith(b"Heuristics.Limits.Exceeded"):
        raise _FailedError("too_large")
    if found[1].startswith(b"Heuristics.Encrypted"):
        return Verdict(Word.INFECTED, "encrypted")
    return Verdict(Word.INFECTED, "virus")


def _version(seconds: float) -> tuple[str, date | None]:
    said = _ask(b"zVERSION\0", b"", seconds).decode("ascii", "replace")
    parts = said.split("/")
    if not re.fullmatch(r"ClamAV [\w.+~-]{1,40}", parts[0]):
        raise _FailedError("garbage")
    signatures = None
    if len(parts) == 3:
        try:
            signatures = datetime.strptime(parts[2].strip(), "%a %b %d %H:%M:%S %Y").date()
        except ValueError:
            raise _FailedError("garbage") from None
    return parts[0], signatures


def _instream(content: bytes, seconds: float) -> bytes:
    return _ask(b"zINSTREAM\0", content, seconds)


def _ask(command: bytes, content: bytes, seconds: float) -> bytes:
    """Ask clamd; the whole of it takes at most so many seconds."""
    where = str(settings.CLAMD_SOCKET)
    if not where:
        raise _FailedError("no_scanner")
    ends = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.settimeout(_left(ends))
            line.connect(where)
            line.sendall(command)
            if command == b"zINSTREAM\0":
                _send(line, content, ends)
            return _answer(line, ends)
        except TimeoutError as error:
            raise _FailedError("slow") from error
        except OSError as error:
            raise _FailedError("down") from error


def _send(line: socket.socket, content: bytes, ends: float) -> None:
    try:
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            line.settimeout(_left(ends))
            line.sendall(struct.pack(">I", len(chunk)) + chunk)
        line.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        return  # it has said why, and closed


def _answer(line: socket.socket, ends: float) -> bytes:
    said = b""
    while not said.endswith(b"\0"):
        line.settimeout(_left(ends))
        more = line.recv(_LONGEST_ANSWER)
        said += more
        if not more:
            break
        if len(said) > _LONGEST_ANSWER:
            raise _FailedError("garbage")
    if not said.endswith(b"\0"):
        raise _FailedError("down" if not said else "garbage")
    return said[:-1]


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
