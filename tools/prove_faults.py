"""T-31: one fault at a time around a real server; each is told, nothing is half kept, it ends.

    python tools/prove_faults.py                                    SQLite
    python tools/prove_faults.py --postgres                         a PostgreSQL of its own
    python tools/prove_faults.py --only "disk full" --only cache

gunicorn as in deploy/, in a folder of its own; on a small disk of its own (tmpfs) where the user is
root. While each fault lasts, a family opens a page that explains and its own requests, sends a
request that it had typed before, a file and its address to sign in, and staff open a report. Then
the fault ends and the same request is sent again.

Prints for each fault what was answered, what was kept, after how many seconds all was well, and
what `hematon portal check` said meanwhile. Exit code 1 when an answer, a row or a file is wrong.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

ROOT = Path(__file__).parents[1]
for _place in (ROOT / "tests", ROOT / "tools"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

import smtp_sink  # noqa: E402
import throwaway  # noqa: E402
from with_postgres import free_port  # noqa: E402

from scanners import HAS_CLAMD, WHY, Clamd  # noqa: E402

DISK = "size=200m,mode=755"
BACK_WITHIN = 15.0
"""Seconds: a fault that ended and is still felt after that is not over by itself."""
ASKED = ("explains", "requests", "send", "file", "code", "report", "healthz")
WELL = {
    "explains": 200,
    "requests": 200,
    "send": 302,
    "file": 302,
    "code": 302,
    "report": 200,
    "healthz": 200,
}
UNCOUNTED = (429, 503, 507)
"""Sign-in where tries cannot be counted: they are taken for too many, or the page of the fault."""
ALL_BUT_EXPLAINS = tuple(name for name in ASKED if name != "explains")


class Wire:
    """A port of this machine that leads to another, and can be cut and mended."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to, self.port, self.met = to, free_port(), 0
        self._door: socket.socket | None = None
        self._ends: set[socket.socket] = set()
        self.mend()

    def mend(self) -> None:
        """Lead on from now."""
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._open, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        """End what runs and let nobody in."""
        if self._door is not None:
            # Without it the port stays taken by the call that waits in accept.
            with suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            self._door = None
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _open(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = door.accept()
                self.met += 1
                there = socket.create_connection(self._to)
                self._ends |= {here, there}
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._ends.discard(end)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """Keeps cookies and the token of forms, and follows nothing."""

    def __init__(self, port: int, session: str = "") -> None:
        self.port, self.cookies = port, {"session": session} if session else {}

    def ask(
        self, method: str, path: str, fields: dict[str, str] | None = None, file: bytes = b""
    ) -> Answer:
        """Send a request and read the whole answer."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = b""
        if fields is not None:
            fields = {"csrfmiddlewaretoken": self.cookies.get("csrf", ""), **fields}
            if file:
                headers["Content-Type"] = "multipart/form-data; boundary=edge"
                body = b"".join(
                    f'--edge\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
                    for k, v in fields.items()
                )
                body += b'--edge\r\nContent-Disposition: form-data; name="file"; '
                body += b'filename="counts.csv"\r\nContent-Type: text/csv\r\n\r\n'
                body += file + b"\r\n--edge--\r\n"
            else:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                body = urlencode(fields).encode()
        line = http.client.HTTPConnection("localhost", self.port, timeout=60)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            line.close()
        for cookie in answer.msg.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(answer.status, dict(answer.getheaders()), text)

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self.ask("GET", path)

    def post(self, path: str, fields: dict[str, str], file: bytes = b"") -> Answer:
        """Send a form."""
        return self.ask("POST", path, fields, file)


CALL = {
    "who": {"relationship": "parent"},
    "name": {"name": "Sample parent A"},
    "phone": {"phone": "(303) 555-0100"},
    "time": {"time": "morning"},
    "language": {"language": "en"},
    "interpreter": {"interpreter": "no"},
    "about": {"about": "second-opinion"},
    "note": {"note": "A sample note. " * 30},
}
COUNTS = b"date,HGB (g/dL),PLT (K/uL)\n2026-01-01,9.8,40\n"


class Site:
    """The portal under test, seen from the outside and from the inside."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment, self.folder, self.port = environment, folder, free_port()
        self.place = Path(environment["HEMATON_PORTAL_DIR"])
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start gunicorn and wait until it answers."""
        self._server = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "--config",
                    str(ROOT / "deploy/gunicorn.conf.py"),
                ),
                *("--bind", f"127.0.0.1:{self.port}", "--workers", "2"),
            ],
            env=self.environment,
            stderr=(self.folder / "server.log").open("wb"),
        )
        self.wait_until_well(60)

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(40)

    def wait_until_well(self, seconds: float) -> float:
        """Give after how many seconds the probe of the machine said yes."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            with suppress(OSError, http.client.HTTPException):
                if Browser(self.port).get("/healthz").status == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise SystemExit(f"the portal is not well after {seconds} seconds")

    def typed(self) -> tuple[Browser, str]:
        """Let a family answer every question of a request to be called; give the form's key."""
        browser = Browser(self.port)
        browser.get("/en/get-care/callback/")
        browser.post("/en/get-care/callback/", {})
        for key, fields in CALL.items():
            answer = browser.post(f"/en/get-care/callback/{key}/", fields)
            assert answer.status == 302, (key, answer.status, answer.text[-2000:])
        page = browser.get("/en/get-care/callback/check/").text
        found = re.search(r'name="key" value="([^"]+)"', page)
        assert found is not None
        return browser, found[1]

    def check(self) -> str:
        """Give what the check says, as of a portal in use."""
        environment = {k: v for k, v in self.environment.items() if k != "HEMATON_DEMO"}
        environment |= {
            "HEMATON_ALLOWED_HOSTS": "localhost",
            "HEMATON_EMAIL_FROM": "Family portal <portal@hospital.invalid>",
            "HEMATON_SITE_URL": "https://localhost",
        }
        done = subprocess.run(
            [*throwaway.RUN, "portal", "--dir", str(self.place), "check"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr


@dataclass(frozen=True)
class Kept:
    """What stands in the database and on the disk."""

    rows: dict[str, frozenset[str]]
    contents: frozenset[str]
    named: frozenset[str]

    @property
    def orphans(self) -> int:
        """Give how many contents no row names: the sweep of the hour deletes them."""
        return len(self.contents - self.named)


NOT_LOOKED_AT = {"sessions.Session", "operations.JobRun", "accounts.BrowserSession"}
"""What reading and waiting write too."""


def kept() -> Kept:
    """Look at every table and at the folder of files."""
    from django.apps import apps
    from django.conf import settings
    from django.db import connection

    from hematon.portal.files.models import StoredFile

    connection.close()
    rows = {
        model._meta.label: frozenset(map(str, model._base_manager.values_list("pk", flat=True)))
        for model in apps.get_models()
        if model._meta.label not in NOT_LOOKED_AT
    }
    contents = {p.name for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()}
    named = set(StoredFile.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    connection.close()
    return Kept(rows, frozenset(contents), frozenset(named))


@dataclass
class Trial:
    """A fault, and what must be answered while it lasts.

    Attributes:
        name: of the fault.
        during: makes it and ends it.
        expected: what each question is answered, where it is not as always.
        said: what the check must say of it; empty where it cannot run, with the reason in `unsaid`.
        unsaid: why the check was not asked.
        adds: tables that may have more rows although nothing was acknowledged.
        after: what must have come right by itself; raises AssertionError.
        fills: send until one is refused, at most so often.
    """

    name: str
    during: Callable[[], Any]
    expected: dict[str, tuple[int, ...]] = field(default_factory=dict)
    said: str = ""
    unsaid: str = ""
    adds: tuple[str, ...] = ()
    after: Callable[[], str] = lambda: ""
    fills: int = 1


class Proof:
    """All trials on one site."""

    def __init__(self, site: Site, family: str, staff: str) -> None:
        self.site, self.family, self.staff = site, family, staff
        self.wrong: list[str] = []

    def run(self, trial: Trial) -> None:
        """Make the fault, ask everything, end it, look at what is left."""
        from django.core.cache import cache

        site, wrong = self.site, list[str]()
        with suppress(Exception):
            cache.clear()
        sender, key = site.typed()
        family = Browser(site.port, self.family)
        family.get("/es/requests/")
        report = self._uploaded()
        asking = Browser(site.port)
        asking.get("/en/account/sign-in/")
        filing = Browser(site.port)
        filing.get("/try/")
        more = [site.typed() for _ in range(trial.fills - 1)]
        before = kept()
        answers: dict[str, Answer] = {}
        acknowledged = {"send": 0, "file": 0, "code": 0}
        with trial.during():
            answers["explains"] = Browser(site.port).get("/en/get-help-now/")
            answers["requests"] = family.get("/es/requests/")
            answers["send"] = sender.post("/en/get-care/callback/check/", {"key": key})
            acknowledged["send"] += answers["send"].status == 302
            for other, its in more:
                if answers["send"].status != 302:
                    break
                answers["send"] = other.post("/en/get-care/callback/check/", {"key": its})
                acknowledged["send"] += answers["send"].status == 302
            answers["file"] = filing.post("/try/", {"upload": "1"}, COUNTS)
            acknowledged["file"] += answers["file"].status == 302
            answers["code"] = asking.post(
                "/en/account/sign-in/", {"address": "family.b@proof.invalid"}
            )
            acknowledged["code"] = answers["code"].status < 500
            answers["report"] = Browser(site.port, self.staff).get(report)
            answers["healthz"] = Browser(site.port).get("/healthz")
            said = site.check() if trial.said else ""
        ended = time.monotonic()
        site.wait_until_well(BACK_WITHIN)
        for name in ASKED:
            wrong += self._judge(trial, name, answers[name])
        if trial.said and not re.search(trial.said, said):
            wrong.append(f"the check does not say {trial.said!r}: {said[-400:]}")
        after = kept()
        wrong += self._compare(trial, before, after, acknowledged)
        # The same form once more, until it is taken.
        again = sender.post("/en/get-care/callback/check/", {"key": key})
        while again.status != 302 and time.monotonic() - ended < BACK_WITHIN:
            time.sleep(0.2)
            again = sender.post("/en/get-care/callback/check/", {"key": key})
        back = time.monotonic() - ended
        if again.status != 302:
            wrong.append(f"after the fault the request is answered {again.status}")
        wrong += self._once(key)
        note = ""
        try:
            note = trial.after()
        except AssertionError as error:
            wrong.append(f"afterwards: {error}")
        told = " ".join(f"{n}={answers[n].status}" for n in ASKED)
        check = "said by check" if trial.said else trial.unsaid
        print(
            f"{'ok   ' if not wrong else 'WRONG'} {trial.name:26} {told}\n"
            f"      kept {acknowledged['send']} requests and {acknowledged['file']} files, as "
            f"acknowledged; {after.orphans - before.orphans} contents await the sweep; well after "
            f"{back:.1f} s; {check}{note}",
            flush=True,
        )
        for line in wrong:
            print(f"      {line}")
        self.wrong += wrong

    def _uploaded(self) -> str:
        """Let staff upload a record; give the address of its report."""
        staff = Browser(self.site.port, self.staff)
        page = staff.get("/staff/assess/")
        assert page.status == 200, page.status
        child = (ROOT / "examples/demo_child.json").read_text(encoding="utf-8")
        answer = staff.post("/staff/assess/", {"text": child, "setting": _setting(page.text)})
        assert answer.status == 302, (answer.status, answer.text[-1500:])
        return answer.headers["Location"]

    def _judge(self, trial: Trial, name: str, answer: Answer) -> Iterator[str]:
        expected = trial.expected.get(name, (WELL[name],))
        if answer.status not in expected:
            yield f"{name}: {answer.status}, and not {expected}"
        if answer.status < 500 or name == "healthz":
            return
        for phone in ("555-0100", "555-0199", "911"):
            if f"tel:{phone}" not in answer.text:
                yield f"{name}: the page does not name {phone}"
        if answer.status != 500 and "Retry-After" not in answer.headers:
            yield f"{name}: no Retry-After"
        for leak in ("Traceback", "Error at", "sqlite", "psycopg", "canary", str(self.site.place)):
            if leak in answer.text:
                yield f"{name}: the page tells {leak}"
        for header in ("Content-Security-Policy", "X-Content-Type-Options", "Cache-Control"):
            if header not in answer.headers:
                yield f"{name}: no {header}"
        if name == "requests" and '<html lang="es">' not in answer.text:
            yield "requests: the page is not in Spanish"

    def _compare(
        self, trial: Trial, before: Kept, after: Kept, acknowledged: dict[str, int]
    ) -> Iterator[str]:
        new = {t: len(after.rows[t] - before.rows[t]) for t in after.rows}
        gone = {t: len(before.rows[t] - after.rows[t]) for t in after.rows}
        if any(gone.values()):
            yield f"rows are gone: { {t: n for t, n in gone.items() if n} }"
        sent, filed = acknowledged["send"], acknowledged["file"]
        if new["care.Case"] != sent or new["care.Step"] != sent:
            yield f"{sent} requests acknowledged, {new['care.Case']} kept"
        if new["files.StoredFile"] != filed:
            yield f"{filed} files acknowledged, {new['files.StoredFile']} kept"
        if after.named - after.contents:
            yield f"{len(after.named - after.contents)} rows name a content that is not there"
        allowed = {"care.Case", "care.Step", "files.StoredFile", "audit.Event", *trial.adds}
        if acknowledged["code"]:
            allowed.add("accounts.MailedCode")
        more = {t: n for t, n in new.items() if n and t not in allowed}
        if more:
            yield f"rows that nothing was acknowledged for: {more}"

    def _once(self, key: str) -> Iterator[str]:
        from django.db import connection

        from hematon.portal.audit.verify import verify
        from hematon.portal.care.models import Case

        connection.close()
        found = Case.objects.filter(key=key).count()
        if found != 1:
            yield f"the request stands {found} times"
        bad = verify().bad
        if bad is not None:
            yield f"the audit is broken: {bad}"
        connection.close()


def _setting(page: str) -> str:
    found = re.search(r'name="setting"[^>]*value="([^"]+)"', page) or re.search(
        r'<option value="([^"]+)"', page
    )
    assert found is not None
    return found[1]


# --- the faults ----------------------------------------------------------------------------------


def refused(*names: str, status: tuple[int, ...] = (503,)) -> dict[str, tuple[int, ...]]:
    """Say that these are refused with one of these."""
    return dict.fromkeys(names, status)


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
    for _ in range(200):
        done = subprocess.run(
            ["mount", "-o", "remount,ro", str(disk)], capture_output=True, check=False
        )
        if done.returncode == 0:
            break
        # Busy while a file is open for writing: what failed requests left goes with the garbage.
        Browser(site.port).get("/en/words/")
    else:
        raise SystemExit(f"{disk} cannot be made read-only: {done.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Write zeros until nothing more is taken."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(1 << 20))
    with ballast.open("ab", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(512))
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
def answering(sink: smtp_sink.Sink, words: str) -> Iterator[None]:
    """Let the mail server answer something else than yes."""
    sink.answer = words
    try:
        yield
    finally:
        sink.answer = ""


@contextmanager
def nothing() -> Iterator[None]:
    """Break nothing."""
    yield


def trials(
    site: Site, disk: Path | None, url: str | None, tools: dict[str, Any]
) -> Iterator[Trial]:
    """Give every fault that can be made here; say which cannot."""
    database = site.place / "portal.sqlite3"
    away = refused(*ALL_BUT_EXPLAINS)
    yield Trial("none", nothing)
    if url is None:
        yield Trial(
            "database away", lambda: file_moved(database), away, said="the database does not answer"
        )
        yield Trial(
            "database held by another",
            lambda: held_by_another(database),
            # Reading goes on; what must be written waits 5 seconds.
            {
                **refused("send", "file", "report"),
                "requests": (200, 503),
                "code": UNCOUNTED,
            },
            unsaid="the check waits as well",
        )
    else:
        yield Trial(
            "database away",
            lambda: cut(tools["database"]),
            away,
            said="the database does not answer",
        )
        yield Trial(
            "tables held by another",
            lambda: locked(url),
            refused("send", "file", "requests"),
            unsaid="the check reads other tables",
        )
        yield Trial(
            "database read-only",
            lambda: refusing_writes(url),
            {**refused("send", "file", "report"), "requests": (200, 503), "code": UNCOUNTED},
            said="Writes: it takes no writes",
        )
    if disk is None:
        print("skipped: disk full, disk read-only (only root can mount a small disk)")
    else:
        writes = ("send", "file", "code", "report")
        yield Trial(
            "disk full",
            lambda: full(disk),
            {
                # A file that cannot be written is told in its own form, beside its name.
                **refused("send", "report", status=(507, 503)),
                "file": (200, 507, 503),
                "code": UNCOUNTED,
                "requests": (200, 507, 503),
                "healthz": (200, 503),
            }
            if url is None
            else {
                # PostgreSQL has room of its own for a while: taken and kept, or refused.
                **refused(*writes, status=(200, 302, 503, 507)),
                "requests": (200, 503, 507),
                "healthz": (200, 503),
            },
            said="the disk is full",
            fills=3,
        )
        if url is None:
            yield Trial(
                "disk read-only",
                lambda: read_only(site, disk),
                {
                    **refused("send", "code", "report"),
                    "file": (200, 503),
                    "requests": (200, 503),
                    "healthz": (200, 503),
                },
                said="read-only|does not answer",
            )
    yield Trial(
        "cache away",
        without_cache,
        # Without the count of tries nobody signs in.
        refused("code"),
        said="the table of sign-in limits is missing",
    )
    if tools.get("scanner"):
        yield Trial(
            "scanner away",
            lambda: stopped(tools["scanner"]),
            said="Virus scanner: does not answer",
            after=files_are_clean,
        )
    else:
        print(f"skipped: scanner away ({WHY})")
    yield Trial(
        "mail server away",
        lambda: cut(tools["mail"]),
        {"code": (200,)},
        said="Mail server: does not answer",
        after=lambda: mail_goes_once(tools["sink"]),
    )
    yield Trial(
        "mail server refuses",
        lambda: answering(tools["sink"], "451 later"),
        {"code": (200,)},
        unsaid="an open conversation is no refusal: the outbox tells it",
        after=lambda: mail_goes_once(tools["sink"]),
    )
    yield Trial(
        "video vendor away",
        nothing,
        unsaid="only the family's browser ever speaks to it",
        after=lambda: vendor_was_not_met(site, tools["vendor"]),
    )
    yield Trial(
        "engine raises",
        lambda: flagged(site.place / "engine-fails"),
        {"report": (500,)},
        unsaid="of one record; the log names the place",
    )


def files_are_clean() -> str:
    """The worker looks again at what was held."""
    from django.db import connection
    from django.utils import timezone

    from hematon.portal.files.actions import rescan_held
    from hematon.portal.files.models import State, StoredFile

    connection.close()
    held = StoredFile.objects.filter(state=State.HELD).count()
    assert held, "no file was held"
    done = rescan_held(at=timezone.now())
    assert done["clean"] == held, done
    assert not StoredFile.objects.filter(state=State.HELD).exists()
    connection.close()
    return f"; {held} held file clean by the worker"


def mail_goes_once(sink: smtp_sink.Sink) -> str:
    """A mail that was owed while the server was away goes once, by itself."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from hematon.portal.accounts.models import User
    from hematon.portal.notify import actions, sending
    from hematon.portal.notify.models import Kind, Notice, Reason

    connection.close()
    user, now = User.objects.get(kind="family"), timezone.now()
    key = f"proof:{now.timestamp():.0f}"
    actions.enqueue(key=key, kind=Kind.MESSAGE_WAITING, user=user, language="en", at=now)
    before = len(sink.received)
    sink.answer = "451 later"
    done = sending.send_due(now)
    assert done.sent == 0, done
    reason = Notice.objects.get(key=key).reason
    assert reason == Reason.SERVER_REFUSES, reason
    sink.answer = ""
    # The pause after the first try is a minute.
    done = sending.send_due(now + timedelta(seconds=75))
    assert done.sent == 1, done
    done = sending.send_due(now + timedelta(days=1))
    assert done.sent == 0, done
    assert len(sink.received) == before + 1, "mails"
    Notice.objects.filter(key=key).delete()
    connection.close()
    return "; the owed mail went once"


def vendor_was_not_met(site: Site, vendor: Wire) -> str:
    """Every page about visits works, and none of them asked the vendor anything."""
    for path in ("/en/video-visits/", "/es/video-visits/", "/en/video-visits/test/"):
        assert Browser(site.port).get(path).status in {200, 404}, path
    assert vendor.met == 0, f"{vendor.met} connections"
    return "; 0 connections to it"


# --- putting it together -------------------------------------------------------------------------


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """Mount a small disk, where the user may."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        yield None
        return
    place = Path(tempfile.mkdtemp(prefix="hematon-disk-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        place.rmdir()
        yield None
        return
    before, tempfile.tempdir = tempfile.tempdir, str(place)
    try:
        yield place
    finally:
        tempfile.tempdir = before
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def sessions() -> tuple[str, str]:
    """Make a family and a clinician; give the cookies of their sessions."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from hematon.portal.accounts.models import Kind, Role, StaffRole, User

    found = []
    family = User.objects.create_without_password("family.a@proof.invalid", Kind.FAMILY)
    staff = User.objects.create_user("staff@proof.invalid")
    StaffRole.objects.bulk_create(StaffRole(user=staff, role=role) for role in Role)
    TOTP.activate(staff, generate_totp_secret())
    for user in (family, staff):
        client = Client()
        client.force_login(user)
        found.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    connection.close()
    return found[0], found[1]


def prove(only: list[str]) -> int:
    """Run every trial on the database of the environment."""
    with ExitStack() as stack:
        # With PostgreSQL the caller has mounted it, so that its data lie on the disk as well.
        given = os.environ.get("HEMATON_PROOF_DISK")
        disk = Path(given) if given else stack.enter_context(small_disk())
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        environment = stack.enter_context(throwaway.portal())
        sink = stack.enter_context(smtp_sink.running(smtp_sink.Sink()))
        tools: dict[str, Any] = {"sink": sink, "mail": Wire(("127.0.0.1", sink.port))}
        tools["vendor"] = Wire(("127.0.0.1", 9))
        if HAS_CLAMD:
            scanner = Clamd(logs)
            scanner.start()
            stack.callback(scanner.stop)
            tools["scanner"] = scanner
            environment["HEMATON_CLAMD_SOCKET"] = str(scanner.socket)
        environment |= {
            "DJANGO_SETTINGS_MODULE": "fault_settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]),
            "HEMATON_EMAIL_URL": f"smtp://127.0.0.1:{tools['mail'].port}",
            "HEMATON_VIDEO": f"https://127.0.0.1:{tools['vendor'].port}/{{room}}",
            "HEMATON_VIDEO_AGREEMENT": "2026-01-05",
        }
        subprocess.run(
            [sys.executable, "-m", "django", "collectstatic", "--no-input", "-v", "0"],
            env=environment,
            check=True,
        )
        os.environ.update(environment)
        url = environment.get("HEMATON_DATABASE_URL")
        if url is not None:
            parts = urlsplit(url)
            wire = Wire((str(parts.hostname), int(parts.port or 5432)))
            tools["database"] = wire
            place = f"{parts.username}:{parts.password}@127.0.0.1:{wire.port}"
            through = urlunsplit(parts._replace(netloc=place))
            environment = {**environment, "HEMATON_DATABASE_URL": through}
        import logging

        import django

        django.setup()
        logging.disable(logging.CRITICAL)
        site = Site(environment, logs)
        family, staff = sessions()
        site.start()
        stack.callback(site.stop)
        proof, number, began = Proof(site, family, staff), 0, time.monotonic()
        print(
            f"database  {'PostgreSQL' if url else 'SQLite'}; disk {'tmpfs' if disk else 'shared'}"
        )
        for trial in trials(site, disk, url, tools):
            if only and trial.name != "none" and not any(word in trial.name for word in only):
                continue
            proof.run(trial)
            number += 1
        log = (logs / "server.log").read_text(encoding="utf-8", errors="replace")
        for leak in ("Sample parent", "303 555", "canary-of-the-engine", "family.b@"):
            if leak in log:
                proof.wrong.append(f"the server's log tells {leak}")
        if proof.wrong and os.environ.get("HEMATON_PROOF_LOG"):
            print(log[-8000:])
        print(
            f"{number} trials, {len(proof.wrong)} wrong; {log.count('service fault')} faults in "
            f"the log, none with what was typed; {time.monotonic() - began:.0f} s"
        )
        return 1 if proof.wrong else 0


def main() -> int:
    """Run here, or again under a PostgreSQL whose data lie on the small disk."""
    options = argparse.ArgumentParser(description="Prove what happens when things fail.")
    options.add_argument("--postgres", action="store_true")
    options.add_argument("--only", action="append", default=[])
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not given.postgres:
        return prove(given.only)
    with small_disk() as disk:
        environment = dict(os.environ)
        if disk is not None:
            environment |= {"HEMATON_PROOF_DISK": str(disk), "TMPDIR": str(disk)}
        words = [w for name in given.only for w in ("--only", name)]
        run = [sys.executable, str(ROOT / "tools/with_postgres.py"), sys.executable, __file__]
        return subprocess.run([*run, *words], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
