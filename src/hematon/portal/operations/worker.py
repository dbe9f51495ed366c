"""`hematon portal work`: what a portal does by itself, over and over, until it is told to end.

To add a job, add a line to JOBS. Its function is given the time, is a transaction (or several) of
its own, and may be run by another worker when this one is killed in the middle. One job that fails
is logged by its name and holds up no other. Any number of workers may run: a job is run by the one
whose UPDATE of its row came first. SIGTERM and SIGINT end the worker between two jobs.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import F, Q
from django.utils import timezone

from hematon.portal.accounts.session_store import SessionStore
from hematon.portal.audit.verify import verify_daily
from hematon.portal.care.drafts import remind
from hematon.portal.clinic.actions import purge as purge_records
from hematon.portal.counts.actions import purge_expired as purge_pictures
from hematon.portal.directory.actions import publish_ratings
from hematon.portal.files.actions import rescan_held, sweep
from hematon.portal.inbox.escalating import tell as tell_late
from hematon.portal.notify.sending import send_due
from hematon.portal.operations.models import JobRun
from hematon.portal.ui.site import site

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
ROUND_SECONDS = 1.0
"""Between two looks at what is due."""


def _always(run: JobRun, now: datetime) -> bool:
    return True


def _new_month(run: JobRun, now: datetime) -> bool:
    """Say whether the job has not succeeded in this month, where the programme is."""
    if run.succeeded_at is None:
        return True
    before, today = (at.astimezone(site().zone) for at in (run.succeeded_at, now))
    return (before.year, before.month) != (today.year, today.month)


@dataclass(frozen=True)
class Job:
    """Something to do again and again.

    Attributes:
        name: in the log and on the health page.
        seconds: from one start to the next, at least.
        run: does it; given now.
        longest: seconds after which a run counts as killed, and another worker may begin.
        wanted: what else must be so.
    """

    name: str
    seconds: int
    run: Callable[[datetime], object]
    longest: int = 15 * 60
    wanted: Callable[[JobRun, datetime], bool] = _always


def _end_sessions(now: datetime) -> None:
    SessionStore.clear_expired()


def _forget_limits(now: datetime) -> None:
    """Delete what the cache keeps for nothing; by itself it does so only when it is full."""
    if not isinstance(caches["default"], DatabaseCache):
        return
    table = connection.ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
    # Kept without a zone, in UTC.
    over = connection.ops.adapt_datetimefield_value(now.astimezone(UTC).replace(tzinfo=None))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [over])  # noqa: S608 our own name


def _publish_ratings(now: datetime) -> None:
    publish_ratings(on=now.astimezone(site().zone).date())


JOBS = (
    # Two may overlap without harm: each row has a lease of its own. A killed worker's soon lapses.
    Job("send notices", 10, send_due, longest=60),
    Job("look again at held files", 60, lambda now: rescan_held(at=now)),
    Job("tell intake of late requests", 5 * 60, lambda now: tell_late(at=now)),
    Job("delete uploaded records", 10 * 60, lambda now: purge_records(now=now)),
    Job("delete pictures of printouts", 3600, lambda now: purge_pictures(at=now)),
    Job("delete contents of no file", 3600, lambda now: sweep(at=now)),
    Job("warn of drafts that end", 3600, lambda now: remind(now)),
    # Once a day of UTC, by its own look; asked hourly so that a worker that was off catches up.
    Job("verify the audit", 3600, lambda now: verify_daily(at=now), longest=60 * 60),
    Job("end sessions", 3600, _end_sessions),
    Job("forget limits that are over", 600, _forget_limits),
    # Once a month, so that nobody learns from the day when somebody rated; daily until it succeeds.
    Job("publish ratings", 24 * 3600, _publish_ratings, wanted=_new_month),
)


def run_due(jobs: Sequence[Job], *, clock: Clock, stop: threading.Event | None = None) -> list[str]:
    """Run every job that is due, one after the other.

    Args:
        jobs: such as JOBS.
        clock: gives now.
        stop: when it is set, no further job is begun.

    Returns:
        The names of those that failed.
    """
    failed = []
    for job in jobs:
        if stop is not None and stop.is_set():
            break
        try:
            went_well = _run_if_due(job, clock)
        except DatabaseError:
            log.exception("job %s: the database does not answer", job.name)
            went_well = False
        if not went_well:
            failed.append(job.name)
    return failed


def _run_if_due(job: Job, clock: Clock) -> bool:
    began = clock()
    lease = _take(job, began)
    if lease is None:
        return True
    try:
        job.run(began)
    except Exception:
        # This is where a job's faults end, whatever they are: the others go on. The log's filter
        # keeps type and place, and drops what the message may quote.
        log.exception("job %s failed", job.name)
        _end(job, lease, ended_at=clock(), failures=F("failures") + 1)
        return False
    ended = clock()
    _end(job, lease, ended_at=ended, succeeded_at=ended, failures=0)
    return True


def _take(job: Job, now: datetime) -> datetime | None:
    """Take a job that is due; None when it is not, or another worker has it."""
    run, _ = JobRun.objects.get_or_create(name=job.name)
    latest = now - timedelta(seconds=job.seconds)
    # Asked first, because even an UPDATE of nothing makes SQLite's writers wait.
    if (run.started_at is not None and run.started_at > latest) or not job.wanted(run, now):
        return None
    lease = now + timedelta(seconds=job.longest)
    taken = JobRun.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=now),
        Q(started_at=None) | Q(started_at__lte=latest),
        name=job.name,
    ).update(started_at=now, leased_until=lease)
    return lease if taken else None


def _end(job: Job, lease: datetime, **what: object) -> None:
    # Only while it is ours: who took too long says nothing about the run that followed.
    JobRun.objects.filter(name=job.name, leased_until=lease).update(leased_until=None, **what)


def work(*, once: bool = False, parent: int | None = None, jobs: Sequence[Job] = JOBS) -> list[str]:
    """Run what is due, again and again, until told to end.

    Args:
        once: run what is due now, and end.
        parent: end also when this process, which started the worker, is gone.
        jobs: what to run.

    Returns:
        The names of jobs that failed, when run once.
    """
    if once:
        return run_due(jobs, clock=timezone.now)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set() and (parent is None or os.getppid() == parent):
        # A database that was restarted is connected to again.
        close_old_connections()
        run_due(jobs, clock=timezone.now, stop=stop)
        stop.wait(ROUND_SECONDS)
    return []
