"""T-31: what is wrong around the portal is told from what is wrong in it, and told plainly."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache
from django.core.management import call_command
from django.db import (
    DatabaseError,
    DataError,
    Error,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
)
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from hematon.portal import check
from hematon.portal.accounts.counting import Counts
from hematon.portal.accounts.models import Role
from hematon.portal.notify.upkeep import lines as mail_lines
from hematon.portal.operations import health, probes
from hematon.portal.ui.faults import Fault, fault_of
from hematon.portal.ui.logs import quiet_server
from hematon.portal.ui.site import site
from hematon.portal.ui.upkeep import State
from tool_modules import tool_module

CANARY = "canary-fault-9182"
FAULTS = [fault for fault in Fault if fault is not Fault.OURS]
Signed = Callable[..., Client]


def caused(error: type[Exception], cause: BaseException) -> Exception:
    """Give what Django raises around what a driver raised."""
    try:
        raise error(CANARY) from cause
    except error as made:
        return made


class Driver(Exception):  # noqa: N818 it stands for psycopg's
    """What psycopg raises, as far as anybody looks."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__(CANARY)
        self.sqlstate = sqlstate


def sqlite_errors(folder: Path) -> Iterator[tuple[Exception, Fault]]:
    """Let SQLite itself fail in every way that its surroundings let it."""
    file = folder / "one.sqlite3"

    def failed(act: Callable[[sqlite3.Connection], object], **how: Any) -> Exception:
        with closing(sqlite3.connect(how.get("at", file), timeout=0)) as line:
            try:
                act(line)
            except sqlite3.Error as error:
                return error
        raise AssertionError("it did not fail")

    with closing(sqlite3.connect(file)) as line:
        line.execute("CREATE TABLE t (x)")
        line.commit()

        def fills(full: sqlite3.Connection) -> None:
            full.execute("PRAGMA max_page_count=2")
            full.execute("INSERT INTO t VALUES (zeroblob(100000))")

        def writes(closed: sqlite3.Connection) -> None:
            closed.execute("PRAGMA query_only=ON")
            closed.execute("INSERT INTO t VALUES (1)")

        yield failed(fills), Fault.FULL
        yield failed(writes), Fault.READ_ONLY
        yield failed(lambda c: c.execute("SELECT * FROM none")), Fault.NOT_READY
        line.execute("BEGIN EXCLUSIVE")
        yield failed(lambda c: c.execute("INSERT INTO t VALUES (1)")), Fault.BUSY


def test_sqlite_is_believed(tmp_path: Path) -> None:
    """Full, read-only, without its tables, held by another: as the real one says it."""
    errors = sqlite_errors(tmp_path)
    for _ in range(4):
        error, expected = next(errors)
        assert fault_of(caused(OperationalError, error)) is expected
    with pytest.raises(sqlite3.OperationalError) as away:
        sqlite3.connect(tmp_path)
    assert fault_of(caused(OperationalError, away.value)) is Fault.AWAY


@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        ("57P01", OperationalError, Fault.AWAY),
        ("57P03", OperationalError, Fault.AWAY),
        ("08006", OperationalError, Fault.AWAY),
        ("53300", OperationalError, Fault.AWAY),
        ("53100", OperationalError, Fault.FULL),
        ("25006", InterfaceError, Fault.READ_ONLY),
        ("55P03", OperationalError, Fault.BUSY),
        ("40P01", OperationalError, Fault.BUSY),
        ("42P01", ProgrammingError, Fault.NOT_READY),
        ("22001", DataError, Fault.OURS),
        ("42601", ProgrammingError, Fault.OURS),
        (None, OperationalError, Fault.AWAY),
        (None, InterfaceError, Fault.AWAY),
        (None, DataError, Fault.OURS),
    ],
)
def test_postgresql_is_believed(code: str | None, error: type[Error], expected: Fault) -> None:
    """By its codes; without one, a connection that is gone is the database away."""
    assert fault_of(caused(error, Driver(code))) is expected


def test_disks_are_believed_and_other_faults_are_ours() -> None:
    """A fault of ours that happened while another was handled is ours still."""
    assert fault_of(OSError(errno.ENOSPC, "x")) is Fault.FULL
    assert fault_of(OSError(errno.EROFS, "x")) is Fault.READ_ONLY
    assert fault_of(caused(RuntimeError, OSError(errno.EDQUOT, "x"))) is Fault.FULL
    assert fault_of(ConnectionRefusedError(errno.ECONNREFUSED, "x")) is Fault.OURS
    assert fault_of(None) is Fault.OURS
    ours = KeyError()
    ours.__context__ = OperationalError()
    assert fault_of(ours) is Fault.OURS


# --- the page -----------------------------------------------------------------------------------

RAISED = {
    Fault.AWAY: caused(OperationalError, Driver("57P01")),
    Fault.BUSY: caused(OperationalError, Driver("55P03")),
    Fault.READ_ONLY: caused(OperationalError, Driver("25006")),
    Fault.FULL: OSError(errno.ENOSPC, CANARY),
    Fault.NOT_READY: caused(ProgrammingError, Driver("42P01")),
}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("language", "words"), [("en", "Service problem"), ("es", "Problema")])
def test_the_page_of_a_fault_asks_the_database_nothing(
    fault: Fault,
    language: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    log: StringIO,
    django_assert_num_queries: Any,
) -> None:
    """Its status, when to come back, both languages with every phone, no stack and no value."""

    def fails(*args: object, **kwargs: object) -> HttpResponse:
        raise RAISED[fault]

    client = Client(raise_request_exception=False)
    monkeypatch.setattr("hematon.portal.learn.views.render", fails)
    with django_assert_num_queries(0):
        answer = client.get(f"/{language}/words/")
    page = answer.content.decode()
    assert answer.status_code == fault.status
    assert answer["Retry-After"] == str(fault.retry_after)
    assert "no-store" in answer["Cache-Control"]
    assert f'<html lang="{language}">' in page
    assert f"<h1>{words}" in page
    for phone in (site().phones.day.number, site().phones.night.number, "911"):
        assert page.count(f'href="tel:{phone}"') >= 2
    assert "Problema del servicio" in page
    assert "Service problem" in page
    for leak in (CANARY, "Traceback", "OperationalError", "57P01"):
        assert leak not in page
    assert fault.told in log.getvalue()
    assert CANARY not in log.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(("full", "status"), [(True, 507), (False, 400)])
def test_a_session_that_cannot_be_saved_is_our_fault(
    full: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django says 400 of it, as if the family had signed out elsewhere meanwhile."""
    client = Client(raise_request_exception=False)
    client.post("/en/get-care/callback/", {})

    def fails(*args: object, **kwargs: object) -> None:
        if full:
            raise OperationalError from Driver("53100")
        raise DatabaseError

    store = "hematon.portal.accounts.session_store.SessionStore"
    monkeypatch.setattr(f"{store}.save", _saves_as_django_does(fails))
    answer = client.post("/en/get-care/callback/", {})
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("300" if full else None)


def _saves_as_django_does(fails: Callable[..., None]) -> Callable[..., None]:
    def save(*args: object, **kwargs: object) -> None:
        try:
            fails()
        except DatabaseError:
            raise UpdateError  # noqa: B904 as Django does, without a cause

    return save


@pytest.mark.django_db
def test_staff_are_told_in_english_alone(
    monkeypatch: pytest.MonkeyPatch, signed_in: Signed
) -> None:
    """Their pages are in English."""

    def fails(*args: object, **kwargs: object) -> HttpResponse:
        raise RAISED[Fault.AWAY]

    client = signed_in(Role.ADMINISTRATOR)
    client.raise_request_exception = False
    monkeypatch.setattr("hematon.portal.operations.views.render", fails)
    answer = client.get("/staff/health/")
    assert answer.status_code == 503
    assert "Service problem" in answer.content.decode()
    assert "Problema del servicio" not in answer.content.decode()


def test_the_last_resort_has_both_languages_and_the_phones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where no template works."""

    def fails(*args: object, **kwargs: object) -> HttpResponse:
        raise RAISED[Fault.FULL]

    monkeypatch.setattr("hematon.portal.learn.views.render", fails)
    monkeypatch.setattr("hematon.portal.ui.views.render_to_string", fails)
    answer = Client(raise_request_exception=False).get("/en/words/")
    page = answer.content.decode()
    assert answer.status_code == 507
    for words in ("call us", "llámenos", site().phones.day.number, "911"):
        assert words in page


@pytest.mark.django_db
def test_the_probe_of_the_machine_says_503(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """A load balancer learns that this one cannot answer, and why, in one line."""
    assert client.get("/healthz").content == b"ok\n"

    def fails(*args: object, **kwargs: object) -> HttpResponse:
        raise RAISED[Fault.AWAY]

    monkeypatch.setattr("hematon.portal.ui.views.connection.cursor", fails)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")


@pytest.mark.django_db(transaction=True)
def test_tries_that_cannot_be_counted_are_a_fault_and_no_limit() -> None:
    """Django's cache keeps silent then, and 429 told families that they had tried too often."""
    call_command("createcachetable", "counts_of_a_test")
    counts = Counts("counts_of_a_test", {})
    on, off = {
        "sqlite": ("PRAGMA query_only=ON", "PRAGMA query_only=OFF"),
        "postgresql": ("SET default_transaction_read_only=on", "RESET ALL"),
    }[connection.vendor]
    try:
        # A second one who is later is no fault.
        assert [counts.add("one", 1, 10) for _ in range(2)] == [True, False]
        with connection.cursor() as cursor:
            cursor.execute(on)
        for refused in (counts.add, counts.set):
            with pytest.raises(DatabaseError) as error:
                refused("two", 1, 10)
            assert fault_of(error.value) is Fault.READ_ONLY
    finally:
        with connection.cursor() as cursor:
            cursor.execute(off)
            cursor.execute("DROP TABLE counts_of_a_test")


# --- the health page and the check --------------------------------------------------------------


def said(topic: str) -> list[tuple[str, str, State]]:
    """Give what the health page says under a heading."""
    found = {t.name: t.lines for t in health.topics(timezone.now())}
    return [(line.name, line.value, line.state) for line in found[topic]]


@pytest.mark.django_db
def test_writes_are_tried_and_taken_back() -> None:
    """When all is well the lines say so, and the try left no row and no file."""
    from hematon.portal.operations.models import JobRun

    before = list(JobRun.objects.values())
    assert said("Database") == [
        ("Writes", "taken", State.GOOD),
        ("Sign-in limits", "counted", State.GOOD),
    ]
    assert ("Files, writes", "taken", State.GOOD) in said("Disk")
    assert list(JobRun.objects.values()) == before
    assert not list(Path(settings.MEDIA_ROOT).glob("probe-*"))


@pytest.mark.django_db
def test_a_database_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the health page with its reason, and by the check."""

    def fails(*args: object, **kwargs: object) -> None:
        raise RAISED[Fault.READ_ONLY]

    monkeypatch.setattr("hematon.portal.operations.models.JobRun.objects.update_or_create", fails)
    assert ("Writes", Fault.READ_ONLY.told, State.ATTENTION) in said("Database")
    assert any(Fault.READ_ONLY.told in line for line in check._of_upkeep())


@pytest.mark.django_db
def test_a_cache_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-in fails closed without it, so somebody must know."""
    monkeypatch.setattr(cache, "get", lambda *args: None)
    assert "not counted" in probes.cache_refuses()

    def fails(*args: object, **kwargs: object) -> None:
        raise RAISED[Fault.NOT_READY]

    monkeypatch.setattr(cache, "set", fails)
    assert said("Database")[1] == (
        "Sign-in limits",
        f"not counted: {Fault.NOT_READY.told}",
        State.ATTENTION,
    )


@pytest.mark.django_db
def test_a_disk_that_is_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where families' files go."""

    def fails(*args: object, **kwargs: object) -> None:
        raise RAISED[Fault.FULL]

    monkeypatch.setattr("hematon.portal.operations.probes.os.fsync", fails)
    assert ("Files, writes", "refused: the disk is full", State.ATTENTION) in said("Disk")


@pytest.mark.django_db
def test_topics_that_cannot_be_read_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the database away every line needs somebody."""

    def fails(now: object) -> list[Any]:
        raise RAISED[Fault.AWAY]

    monkeypatch.setitem(health.HEALTH, "Mail", fails)
    assert said("Mail") == [
        ("Mail", "could not be read: the database does not answer", State.ATTENTION)
    ]


@pytest.mark.django_db
def test_a_mail_server_that_is_away_is_told_before_a_mail_is_late(settings: Any) -> None:
    """It is asked: sign-in codes do not wait in the outbox, so nothing there would show it."""
    line = {line.name: line for line in mail_lines(timezone.now())}["Mail server"]
    assert (line.value, line.state) == ("answers", State.GOOD)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    line = {line.name: line for line in mail_lines(timezone.now())}["Mail server"]
    assert line.value == "does not answer: ConnectionRefusedError"
    assert line.state is State.ATTENTION
    settings.MAIL_IS_ON = False
    line = {line.name: line for line in mail_lines(timezone.now())}["Mail server"]
    assert (line.value, line.state) == ("not set up", State.ATTENTION)


@pytest.mark.django_db
def test_a_scanner_that_is_away_is_told(settings: Any, tmp_path: Path) -> None:
    """T-44: as soon as it is, not when files have waited."""
    settings.CLAMD_SOCKET = str(tmp_path / "none.sock")
    assert said("Scanner") == [("Virus scanner", "does not answer", State.ATTENTION)]


# --- the server's own log -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            f"Invalid request from ip=127.0.0.1: Invalid HTTP method: '{CANARY}'",
            "Invalid request from ip=127.0.0.1: Invalid HTTP method",
        ),
        (
            f"Invalid request from ip=::1: Invalid HTTP Header: '{CANARY}\n{CANARY}'",
            "Invalid request from ip=::1: Invalid HTTP Header",
        ),
        (f"Error handling request POST /en/?q={CANARY}", "Error handling request"),
        ("Worker (pid:7) was sent SIGKILL!", "Worker (pid:7) was sent SIGKILL!"),
    ],
)
def test_gunicorn_keeps_nothing_of_a_request_it_cannot_read(said: str, kept: str) -> None:
    """T-29: the reason and the place, without the line, the address or the header."""
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 1, said, (), None)
    server = SimpleNamespace(log=SimpleNamespace(error_log=logging.getLogger("tests.gunicorn")))
    quiet_server(server)
    (only,) = server.log.error_log.filters
    server.log.error_log.removeFilter(only)
    assert only.filter(record)
    assert record.getMessage() == kept


# --- the proof with real faults -------------------------------------------------------------------


def test_the_proof_of_faults_sees_each_harm() -> None:
    """T-31: `tools/prove_faults.py` makes the faults; its judge objects to each thing alone."""
    seen, trials, visitor = map(tool_module, ("fault_seen", "fault_trials", "visitor"))
    trial = trials.Trial("one", expected={"send": (503,)}, shown={"packet": "Nothing was computed"})
    here = SimpleNamespace(place="/srv/portal")

    def page(name: str, status: int, text: str = "", after: float = 0, **headers: str) -> set[str]:
        answer = visitor.Answer(status, "", text.encode(), "/", headers)
        return set(seen.on_the_page(here, trial, name, seen.Asked(answer, after)))

    assert page("requests", 200) == page("healthz", 200) == set()
    assert page("send", 302) == {"send: 302, and not (503,)"}
    assert page("requests", 200, after=35) == {"requests: after 35 s, when nginx has given up"}
    assert page("packet", 200) == {"packet: the page does not say 'Nothing was computed'"}
    told = page("send", 503, "Traceback in /srv/portal")
    assert {f"send: the page does not name {n}" for n in ("555-0100", "555-0199", "911")} < told
    assert {"send: no Retry-After", "send: no Cache-Control"} < told
    assert {"send: the page tells Traceback", "send: the page tells /srv/portal"} < told

    tables = ("care.Case", "care.Step", "files.StoredFile", "notify.Notice")
    nothing = seen.Kept({table: frozenset() for table in tables}, frozenset(), frozenset())

    def with_row(table: str, **disk: frozenset[str]) -> Any:
        return replace(nothing, rows={**nothing.rows, table: frozenset({"1"})}, **disk)

    def amiss(before: Any, after: Any, file: int = 0) -> list[str]:
        return list(seen.in_what_is_kept(before, after, {"send": 0, "file": file, "code": 0}))

    assert amiss(nothing, nothing) == []
    assert amiss(nothing, with_row("care.Case")) == ["0 requests acknowledged, 1 kept"]
    assert amiss(nothing, nothing, file=1) == ["1 files acknowledged, 0 kept"]
    named = with_row("files.StoredFile", named=frozenset({"a"}))
    assert amiss(nothing, named, 1) == ["1 rows name a content that is not there"]
    assert amiss(with_row("notify.Notice"), nothing) == ["rows are gone: {'notify.Notice': 1}"]
    assert amiss(nothing, with_row("notify.Notice")) == [
        "rows that nothing was acknowledged for: {'notify.Notice': 1}"
    ]
    assert list(seen.in_the_log("GET requests 503\nSample parent")) == [
        "the server's log tells Sample parent"
    ]
