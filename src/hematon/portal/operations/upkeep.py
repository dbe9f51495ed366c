"""The lines of the health page about copies, keys, disk, jobs and the software itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Q

from hematon.portal.files import scanning
from hematon.portal.notify.models import Notice
from hematon.portal.operations import children, probes
from hematon.portal.operations.backup import newest
from hematon.portal.operations.models import JobRun
from hematon.portal.operations.notes import last
from hematon.portal.operations.worker import JOBS
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention
from hematon.portal.ui.upkeep import Line, State, health, purges
from hematon.portal.vault.keys import keyring

BACKUP_AGE: Final = timedelta(hours=26)
DRILL_AGE: Final = timedelta(days=31)
PURGE_AGE: Final = timedelta(hours=2)
ADVISORY_AGE: Final = timedelta(days=7)
JOB_AGE: Final = timedelta(hours=26)
LEAST_FREE: Final = 2_000_000_000
SIGNATURES: Final = ("/var/lib/clamav/daily.cld", "/var/lib/clamav/daily.cvd")

SCANNER_SAYS: Final = {
    "down": "does not answer",
    "slow": "answers too slowly",
    "garbage": "answers what cannot be read",
    "unproven": "does not find the test virus",
    "too_large": "takes no file as small as the test virus",
}
"""Reasons of `files.scanning` in words."""


def ago(at: datetime, now: datetime) -> str:
    """Give a time and how long ago it was."""
    hours = max(0, int((now - at).total_seconds() // 3600))
    past = f"{hours} hours" if hours < 48 else f"{hours // 24} days"
    return f"{at:%Y-%m-%d %H:%M} UTC, {past} ago"


@health("Copies")
def copies(now: datetime) -> Iterator[Line]:
    """Say when the last backup, drill and purge were."""
    found = newest(Path(settings.BACKUP_DIR))
    fix = "Run hematon portal backup; see its timer."
    if found is None:
        yield Line("Last backup", "none", State.ATTENTION, fix)
    else:
        old = now - found[1] > BACKUP_AGE
        state = State.ATTENTION if old else State.GOOD
        yield Line("Last backup", ago(found[1], now), state, fix if old else "")
    for kind, name, age in (
        ("drill", "Last restore drill", DRILL_AGE),
        ("purge", "Last purge", PURGE_AGE),
    ):
        note = last(kind)
        fix = f"Run hematon portal {kind}."
        if note is None:
            yield Line(name, "never", State.ATTENTION, fix)
            continue
        seconds = note.figures.get("seconds")
        took = f", took {seconds} seconds" if seconds is not None else ""
        wrong = not note.ok or now - note.at > age
        value = f"{'failed ' if not note.ok else ''}{ago(note.at, now)}{took}"
        yield Line(name, value, State.ATTENTION if wrong else State.GOOD, fix if wrong else "")


@health("Keys")
def keys(now: datetime) -> Iterator[Line]:
    """Say whether a change of keys is under way."""
    ring = keyring()
    at = datetime.fromtimestamp(Path(settings.KEYRING_FILE).stat().st_mtime, now.tzinfo)
    if len(ring.keys) > 1:
        fix = "Run hematon portal rotate-keys, then rotate-keys --retire."
        yield Line("Key ring", f"{len(ring.keys)} keys, a change is not over", State.ATTENTION, fix)
    else:
        yield Line("Key ring", f"1 key, written {ago(at, now)}")


@health("Disk")
def disk(now: datetime) -> Iterator[Line]:
    """Say how much room is left, where the data and the backups are."""
    for name, folder in (("Data", settings.DIRECTORY), ("Backups", settings.BACKUP_DIR)):
        place = Path(folder)
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free
        state = State.GOOD if free >= LEAST_FREE else State.ATTENTION
        fix = "" if state is State.GOOD else "Make room before requests are refused."
        yield Line(f"{name}, free", f"{free / 1e9:.1f} GB", state, fix)
    wrong = probes.files_refuse()
    fix = "Nobody can send files: see docs/operations.md, Faults." if wrong else ""
    yield Line("Files, writes", wrong or "taken", State.ATTENTION if wrong else State.GOOD, fix)


@health("Database")
def database(now: datetime) -> Iterator[Line]:
    """Say whether what is sent can be kept, and whether sign-in can count tries."""
    for name, wrong, right, fix in (
        ("Writes", probes.database_refuses(), "taken", "See docs/operations.md, Faults."),
        ("Sign-in limits", probes.cache_refuses(), "counted", "Nobody can sign in: see the log."),
    ):
        state = State.ATTENTION if wrong else State.GOOD
        yield Line(name, wrong or right, state, fix if wrong else "")


@health("Jobs")
def jobs(now: datetime) -> Iterator[Line]:
    """Say when each job of the worker last went well."""
    # Rows of jobs that an earlier release had are no worry: the list says which there are.
    runs = {run.name: run for run in JobRun.objects.all()}
    fix = "Start the worker: systemctl status hematon-worker."
    if not runs:
        yield Line("Worker", "has never run", State.ATTENTION, fix)
        return
    for job in JOBS:
        run = runs.get(job.name, JobRun(name=job.name))
        at = run.succeeded_at
        late = at is None or now - at > JOB_AGE
        # What is done once a month is late only when this month's is not done.
        wrong = run.failures or (late and job.wanted(run, now))
        value = ago(at, now) if at else "never went well"
        if run.failures:
            value += f", failed {run.failures} times since"
        yield Line(job.name, value, State.ATTENTION if wrong else State.GOOD, fix if wrong else "")


@health("Scanner")
def scanner(now: datetime) -> Iterator[Line]:
    """Say whether the scanner answers and how old its signatures are, where one is set up."""
    if not settings.CLAMD_SOCKET:
        fix = "Install clamav-daemon and set HEMATON_CLAMD_SOCKET; until then every file waits."
        state = State.UNKNOWN if settings.DEMO else State.ATTENTION
        yield Line("Virus scanner", "not set up", state, fix)
        return
    found = scanning.status()
    if not found.works:
        fix = "Look at clamd: systemctl status clamav-daemon. Files wait, and none is lost."
        yield Line("Virus scanner", SCANNER_SAYS[found.reason], State.ATTENTION, fix)
        return
    yield Line("Virus scanner", f"answers, {found.engine}")
    there = [Path(file) for file in SIGNATURES if Path(file).exists()]
    if not there:
        yield Line("Signatures", "date not known", State.UNKNOWN, "Look at freshclam's log.")
        return
    at = datetime.fromtimestamp(max(f.stat().st_mtime for f in there), now.tzinfo)
    old = now - at > ADVISORY_AGE
    fix = "Look at freshclam's log." if old else ""
    yield Line("Signatures", ago(at, now), State.ATTENTION if old else State.GOOD, fix)


@health("Software")
def software(now: datetime) -> Iterator[Line]:
    """Say what is known of the packages, as of when; a number without its date says nothing."""
    note = last("advisories")
    fix = "Run pip-audit and hematon portal advisories."
    if note is None:
        yield Line("Known weaknesses of packages", "UNKNOWN: never looked", State.UNKNOWN, fix)
        return
    as_of = date.fromisoformat(str(note.figures["database"]))
    found = int(note.figures["found"])
    if now.date() - as_of > ADVISORY_AGE:
        value = f"UNKNOWN: the last database is of {as_of}"
        yield Line("Known weaknesses of packages", value, State.UNKNOWN, fix)
        return
    wrong = State.ATTENTION if found else State.GOOD
    value = f"{found} in {note.figures['packages']} packages, by the database of {as_of}"
    fix = "Update the packages it names." if found else ""
    yield Line("Known weaknesses of packages", value, wrong, fix)


@purges("mail that was sent")
def purge_mail(*, now: datetime, dry: bool) -> int:
    """Delete rows of the outbox that were settled longer ago than they are kept.

    What was given up waits for staff, but keeps a former address no longer than that either.
    """
    until = now - timedelta(days=rules.current(Retention).mail_days)
    over = Notice.objects.filter(
        Q(sent_at__lt=until)
        | Q(settled_at__lt=until)
        | Q(failed_at__lt=until, address__isnull=False)
    )
    return over.count() if dry else over.delete()[0]


@purges("children whom nothing here needs")
def purge_children(*, now: datetime, dry: bool) -> int:
    """Delete children once all that names them is gone, whatever the time."""
    del now
    return children.unneeded().count() if dry else children.purge()
