"""The faults that `prove_faults.py` makes, and what must be answered while each of them lasts."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import fault_after
import throwaway
from fault_portal import Site, Wire
from real_portal import Mail

from scanners import WHY, Clamd

WELL = {
    "explains": 200,
    "requests": 200,
    "send": 302,
    "file": 302,
    "code": 302,
    "report": 200,
    "packet": 200,
    "preview": 200,
    "refer": 200,
    "healthz": 200,
}
"""What is asked, and what is answered when nothing is wrong."""
WRITES = ("send", "file", "code", "report", "packet", "preview")
"""What notes something: who read a record is on record, too."""
ASKS_THE_DATABASE = tuple(name for name in WELL if name != "explains")


@dataclass
class Trial:
    """A fault, and what must be answered while it lasts.

    Attributes:
        name: of the fault.
        during: makes it and ends it.
        expected: what each question is answered, where it is not as always.
        shown: words that an answer must have.
        said: what the check must say of it; empty where it cannot run, with the reason in `unsaid`.
        unsaid: why the check was not asked.
        meanwhile: what else must hold while it lasts; raises AssertionError.
        after: what must have come right by itself, in words; raises AssertionError.
        calls: send until one is refused, at most so often.
    """

    name: str
    during: Callable[[], Any] = nullcontext
    expected: dict[str, tuple[int, ...]] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    said: str = ""
    unsaid: str = ""
    meanwhile: Callable[[], None] = lambda: None
    after: Callable[[], str] = lambda: ""
    calls: int = 1


def trials(site: Site) -> Iterator[Trial]:
    """Give every fault that can be made here; say which cannot."""
    computed = {
        "packet": "Open what was computed",
        "preview": "Computed, not a clinical judgement",
        "refer": "Preview the assessment",
    }
    yield Trial("none", shown=computed, unsaid="nothing to say")
    yield from _of_sqlite(site) if site.url is None else _of_postgresql(site, site.url)
    if site.disk is None:
        print("skipped: disk full, disk read-only (only root can mount a small disk)")
    else:
        yield from _of_the_disk(site, site.disk)
    yield Trial(
        "cache away",
        without_cache,
        # Without the count of tries nobody signs in.
        refused("code"),
        said="the table of sign-in limits is missing",
    )
    if site.scanner is None:
        print(f"skipped: scanner away ({WHY})")
    else:
        scanner = site.scanner
        yield Trial(
            "scanner away",
            lambda: stopped(scanner),
            said="Virus scanner: does not answer",
            after=fault_after.files_are_clean,
        )
    yield from _of_the_mail(site)
    yield Trial(
        "video vendor away",
        unsaid="only the family's browser ever speaks to it",
        after=lambda: fault_after.vendor_was_not_met(site),
    )
    yield Trial(
        "engine raises",
        lambda: flagged(site.place / "engine-fails"),
        # The report is the engine's own page, and an error to those who watch the site; everybody
        # else goes on without it.
        {"report": (500,)},
        shown=dict.fromkeys(("packet", "preview", "refer", "report"), "Nothing was computed"),
        unsaid="of one record; the log names the place",
    )


def refused(*names: str, status: tuple[int, ...] = (503,)) -> dict[str, tuple[int, ...]]:
    """Say that these are refused with one of these."""
    return dict.fromkeys(names, status)


def _of_sqlite(site: Site) -> Iterator[Trial]:
    file = site.place / "portal.sqlite3"
    yield Trial(
        "database away",
        lambda: file_moved(file),
        refused(*ASKS_THE_DATABASE),
        said="the database does not answer",
    )
    yield Trial(
        "database held by another",
        lambda: held_by_another(file),
        # Reading goes on; who is there is told once a minute, and must then wait.
        {**refused(*WRITES), **refused("requests", "refer", status=(200, 503))},
        unsaid="the check waits as well",
    )


def _of_postgresql(site: Site, url: str) -> Iterator[Trial]:
    yield Trial(
        "database away",
        lambda: cut(site.wires["database"]),
        refused(*ASKS_THE_DATABASE),
        said="the database does not answer",
    )
    yield Trial(
        "tables held by another",
        lambda: locked(url),
        refused("send", "file", "requests", "packet", "preview", "refer"),
        unsaid="the check reads other tables",
    )
    yield Trial(
        "database read-only",
        lambda: refusing_writes(url),
        {**refused(*WRITES), **refused("requests", "refer", status=(200, 503))},
        said="Writes: it takes no writes",
    )


def _of_the_disk(site: Site, disk: Path) -> Iterator[Trial]:
    reads = refused("requests", "refer", status=(200, 503, 507))
    # A file that cannot be written is told in its own form, beside its name.
    full_now = {
        **refused(*WRITES, status=(503, 507)),
        "file": (200, 503, 507),
        **reads,
        "healthz": (200, 503),
    }
    # PostgreSQL has room of its own for a while: taken and kept, or refused.
    full_soon = {
        **refused(*WRITES, status=(200, 302, 503, 507)),
        **reads,
        "healthz": (200, 503),
    }
    yield Trial(
        "disk full",
        lambda: full(disk),
        full_now if site.url is None else full_soon,
        said="the disk is full",
        calls=3,
    )
    if site.url is None:
        yield Trial(
            "disk read-only",
            lambda: read_only(site, disk),
            {
                **refused(*WRITES),
                "file": (200, 503),
                **refused("requests", "refer", "healthz", status=(200, 503)),
            },
            said="read-only|does not answer",
        )


def _of_the_mail(site: Site) -> Iterator[Trial]:
    owed = fault_after.Owed(site.mail)
    yield Trial(
        "mail server away",
        lambda: cut(site.wires["mail"]),
        {"code": (200,)},
        said="Mail server: does not answer",
        meanwhile=lambda: owed.is_not_sent("server_silent"),
        after=owed.goes_once,
    )
    again = fault_after.Owed(site.mail)
    yield Trial(
        "mail server refuses",
        lambda: answering(site.mail, "451 later"),
        {"code": (200,)},
        unsaid="an open conversation is no refusal: the outbox tells it",
        meanwhile=lambda: again.is_not_sent("server_refuses"),
        after=again.goes_once,
    )


# --- the faults ----------------------------------------------------------------------------------


@contextmanager
def file_moved(file: Path) -> Iterator[None]:
    """Let a folder stand where the database was: as where a disk was not mounted."""
    moved = [(p, Path(f"{p}.aside")) for p in (file, Path(f"{file}-wal"), Path(f"{file}-shm"))]
    moved = [(p, a) for p, a in moved if p.exists()]
    for place, a in moved:
        place.rename(a)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        for place, a in moved:
            a.rename(place)


@contextmanager
def held_by_another(file: Path) -> Iterator[None]:
    """Begin a write and do not end it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as line:
        line.execute("BEGIN IMMEDIATE")
        yield
        line.execute("ROLLBACK")


@contextmanager
def read_only(site: Site, disk: Path) -> Iterator[None]:
    """Mount the disk anew, read-only."""
    # Busy while a file is open for writing, as those of failed requests are until the garbage is
    # collected: workers that are new have none.
    assert site.server.server is not None
    site.server.server.send_signal(signal.SIGHUP)
    ends = time.monotonic() + 60
    while (done := _mounted(disk, "ro")).returncode != 0:
        if time.monotonic() > ends:
            raise SystemExit(f"{disk} cannot be made read-only: {done.stderr}")
        time.sleep(0.1)
    try:
        yield
    finally:
        _mounted(disk, "rw").check_returncode()


def _mounted(disk: Path, how: str) -> subprocess.CompletedProcess[str]:
    command = ["mount", "-o", f"remount,{how}", str(disk)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Write zeros until nothing more is taken."""
    ballast = disk / "ballast"
    for size in (1 << 20, 512):
        with ballast.open("ab", buffering=0) as out, suppress(OSError):
            while True:
                out.write(bytes(size))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def cut(wire: Wire) -> Iterator[None]:
    """Cut a wire."""
    wire.cut()
    try:
        yield
    finally:
        wire.mend()


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the tables of requests and of files."""
    import psycopg

    with psycopg.connect(url) as line:
        line.execute("LOCK TABLE care_case, files_storedfile, care_step IN ACCESS EXCLUSIVE MODE")
        yield
        line.rollback()


@contextmanager
def refusing_writes(url: str) -> Iterator[None]:
    """Let the database take no writes, as a standby does."""
    name = urlsplit(url).path.lstrip("/")
    over = urlunsplit(urlsplit(url)._replace(path="/postgres"))
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    others += f"'{name}'"
    throwaway.psql(over, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    throwaway.psql(over, others)
    try:
        yield
    finally:
        throwaway.psql(over, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        throwaway.psql(over, others)


@contextmanager
def without_cache() -> Iterator[None]:
    """Take the table of sign-in limits away."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE cache_entries RENAME TO cache_aside")
    connection.close()
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE cache_aside RENAME TO cache_entries")
        connection.close()


@contextmanager
def stopped(scanner: Clamd) -> Iterator[None]:
    """Stop the scanner."""
    scanner.stop()
    try:
        yield
    finally:
        scanner.start()


@contextmanager
def flagged(file: Path) -> Iterator[None]:
    """Let the engine raise."""
    file.touch()
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def answering(mail: Mail, words: str) -> Iterator[None]:
    """Let the mail server answer something else than yes."""
    mail.sink.answer = words
    try:
        yield
    finally:
        mail.sink.answer = ""
