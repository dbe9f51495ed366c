"""The worker: each job in its time, by one worker, whatever happens to the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.cache import BaseCache, caches
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.utils import timezone

from hematon.portal import settings as portal_in_use
from hematon.portal.accounts.models import Kind as AccountKind
from hematon.portal.accounts.models import User
from hematon.portal.audit.models import Event
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind
from hematon.portal.operations import worker
from hematon.portal.operations.models import JobRun
from hematon.portal.operations.worker import JOBS, Job, run_due, work

AT = datetime(2026, 3, 14, 9, tzinfo=UTC)
PROGRAM = [sys.executable, "-c", "from hematon.cli import main; main()"]

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = AT) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now


def counting(name: str = "count", seconds: int = 60, **more: object) -> tuple[Job, list[datetime]]:
    """Give a job that notes when it ran."""
    ran: list[datetime] = []
    return Job(name, seconds, ran.append, **more), ran  # type: ignore[arg-type]


def fail(now: datetime) -> None:
    """Fail with something nobody may read in a log."""
    raise ValueError("canary-4711 Lucia")


def test_a_job_runs_when_its_time_has_come() -> None:
    """At once the first time, then no sooner than its seconds after the latest start."""
    job, ran = counting(seconds=60)
    clock = Clock()
    for seconds in (0, 1, 59, 60, 61, 119, 120, 500):
        clock.now = AT + timedelta(seconds=seconds)
        assert run_due([job], clock=clock) == []
    assert [(at - AT).seconds for at in ran] == [0, 60, 120, 500]
    row = JobRun.objects.get(name="count")
    assert row.started_at == row.ended_at == row.succeeded_at == clock.now
    assert (row.leased_until, row.failures) == (None, 0)


def test_one_that_fails_is_named_and_holds_up_no_other(log: StringIO) -> None:
    """T-29: the log has the job's name, the fault's type and its place, not its words."""
    good, ran = counting()
    bad = Job("bad job", 60, fail)
    clock = Clock()
    assert run_due([bad, good], clock=clock) == ["bad job"]
    assert len(ran) == 1
    assert "job bad job failed" in log.getvalue()
    assert "ValueError" in log.getvalue()
    assert "canary" not in log.getvalue()
    clock.now += timedelta(seconds=60)
    assert run_due([bad, good], clock=clock) == ["bad job"]
    row = JobRun.objects.get(name="bad job")
    assert (row.failures, row.succeeded_at, row.leased_until) == (2, None, None)
    clock.now += timedelta(seconds=60)
    assert run_due([Job("bad job", 60, lambda now: None)], clock=clock) == []
    row.refresh_from_db()
    assert (row.failures, row.succeeded_at) == (0, clock.now)


def test_a_database_that_does_not_answer_is_waited_for(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker outlives it and goes on with the next job."""
    job, ran = counting()
    real = worker._take

    def broken(asked: Job, now: datetime) -> datetime | None:
        if asked.name == "first":
            raise OperationalError("canary-4711")
        return real(asked, now)

    monkeypatch.setattr(worker, "_take", broken)
    assert run_due([Job("first", 1, fail), job], clock=Clock()) == ["first"]
    assert len(ran) == 1
    assert "job first: the database does not answer" in log.getvalue()
    assert "canary" not in log.getvalue()


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_runs_a_job() -> None:
    """On SQLite and PostgreSQL: eight at the same moment, one run."""
    job, ran = counting()
    JobRun.objects.create(name="count")
    together = threading.Barrier(8)

    def one() -> None:
        try:
            together.wait()
            run_due([job], clock=Clock())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 1


def test_a_killed_workers_job_is_taken_over_when_its_lease_lapses() -> None:
    """And what the first worker says after that counts for nothing."""
    job, ran = counting(seconds=10, longest=60)
    lease = worker._take(job, AT)
    assert lease == AT + timedelta(seconds=60)
    clock = Clock(AT + timedelta(seconds=59))
    run_due([job], clock=clock)
    assert ran == []
    clock.now = AT + timedelta(seconds=60)
    run_due([job], clock=clock)
    assert ran == [clock.now]
    worker._end(job, lease, failures=9)
    assert JobRun.objects.get().failures == 0


def test_it_ends_between_two_jobs() -> None:
    """The job that runs is finished; the next is not begun."""
    stop, (after, ran) = threading.Event(), counting("after")
    before = Job("before", 1, lambda now: stop.set())
    assert run_due([before, after], clock=Clock(), stop=stop) == []
    assert JobRun.objects.get(name="before").succeeded_at == AT
    assert ran == []


def test_every_job_of_the_list_runs() -> None:
    """Against the portal's own tables, with nothing in them; each has a name of its own."""
    assert run_due(JOBS, clock=timezone.now) == []
    assert set(JobRun.objects.values_list("name", flat=True)) == {job.name for job in JOBS}
    assert not JobRun.objects.filter(succeeded_at=None).exists()
    assert len({job.name for job in JOBS}) == len(JOBS)


@pytest.mark.django_db(transaction=True)
def test_a_notice_that_is_due_is_sent() -> None:
    """T-37: by `work --once` as by the worker that stays; not inside a transaction of the job."""
    user = User.objects.create_without_password("parent@tests.invalid", AccountKind.FAMILY)
    enqueue(key="a", kind=Kind.MESSAGE_WAITING, user=user, language="es", at=timezone.now())
    assert work(once=True) == []
    assert [sent.to for sent in mail.outbox] == [["parent@tests.invalid"]]


def test_ratings_are_published_once_a_month_where_the_programme_is() -> None:
    """Not on the day when somebody rated; the month turns in Denver, not in Greenwich."""
    job = next(job for job in JOBS if job.name == "publish ratings")
    clock = Clock()

    def published() -> int:
        return Event.objects.filter(action="ratings.published").count()

    for now, times in [
        (datetime(2026, 3, 14, 9, tzinfo=UTC), 1),
        (datetime(2026, 3, 15, 10, tzinfo=UTC), 1),
        (datetime(2026, 4, 1, 5, tzinfo=UTC), 1),
        (datetime(2026, 4, 1, 7, tzinfo=UTC), 2),
        (datetime(2026, 4, 2, 8, tzinfo=UTC), 2),
    ]:
        clock.now = now
        assert run_due([job], clock=clock) == []
        assert published() == times, now


# --- as a process --------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demonstration's folder with one mail that is due."""
    for name in list(os.environ):
        if name.startswith(("HEMATON_", "DJANGO_")):
            monkeypatch.delenv(name)
    made = """
import sys; from pathlib import Path
from hematon.portal.serve import prepare, migrate
prepare(Path(sys.argv[1]), demo=True); migrate()
from django.utils import timezone
from hematon.portal.accounts.models import Kind as Of, User
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind
user = User.objects.create_without_password("parent@tests.invalid", Of.FAMILY)
enqueue(key="a", kind=Kind.MESSAGE_WAITING, user=user, language="en", at=timezone.now())
"""
    subprocess.run([sys.executable, "-c", made, str(tmp_path)], check=True)
    return tmp_path


@pytest.fixture
def start(place: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a worker of that folder; it is gone after the test."""
    started = []

    def begin(*options: str) -> subprocess.Popen[str]:
        command = [*PROGRAM, "portal", "--dir", str(place), "--demo", "work", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_the_command_works_until_it_is_told_to_end(
    place: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """It sends what is due, ends on SIGTERM with exit code 0, and says nothing."""
    process = start()
    until(lambda: list(place.glob("mail/*.eml")))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")
    assert len(list(place.glob("mail/*.eml"))) == 1


def test_the_command_ends_with_the_process_that_started_it(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    """A server that is killed leaves no worker behind."""
    process = start("--parent", "1")
    assert process.wait(timeout=30) == 0


@pytest.fixture
def limits(db: None, settings: Any) -> BaseCache:
    """Give the cache that the portal's settings name, in the database of the tests."""
    settings.CACHES = portal_in_use.CACHES
    call_command("createcachetable", verbosity=0)
    return caches["default"]


def test_many_sign_ins_do_not_wipe_out_anybodys_limit(limits: BaseCache) -> None:
    """T-14: the counter of guesses stays while hundreds of others are written."""
    limits.set("0-of-one-account", [1, 2, 3], 86400)
    for number in range(400):
        limits.set(f"9-of-another-{number}", [1], 900)
    assert limits.get("0-of-one-account") == [1, 2, 3]


def test_limits_that_are_over_are_deleted(limits: BaseCache) -> None:
    """The table of limits holds what still counts, not every address that ever signed in."""
    limits.set("over", 1, 60)
    limits.set("counts", 1, 3600)
    (job,) = [job for job in JOBS if job.name == "forget limits that are over"]
    job.run(timezone.now() + timedelta(minutes=2))
    assert limits.get("counts") == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM cache_entries")
        assert cursor.fetchone() == (1,)
