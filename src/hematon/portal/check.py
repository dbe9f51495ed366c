"""What must be right before families may use a portal; `hematon portal check` prints it."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from hematon.portal.audit.guards import missing
from hematon.portal.notify.texts import tells_the_clinic
from hematon.portal.operations.health import topics
from hematon.portal.programme import rules
from hematon.portal.ui.faults import fault_of
from hematon.portal.ui.retention import hold_file
from hematon.portal.ui.site import site
from hematon.portal.ui.upkeep import State
from hematon.portal.vault.keys import keyring

UPKEEP: Final = (
    "Copies",
    "Database",
    "Disk",
    "Files",
    "Jobs",
    "Keys",
    "Mail",
    "Scanner",
    "Software",
)
"""Topics of the health page that the command looks at too."""
CLOCKS_APART: Final = 5
SQLITE = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 20_000,
    "secure_delete": 1,
}
"""What keeps an acknowledged request through a power loss (2 is FULL), and a deleted one away."""


def problems() -> list[str]:
    """Give everything that is wrong, in words that name the place and the fix."""
    found = [*_of_django(), *_of_keys(), *_of_facts(), *_of_mail(), *_of_video(), *_of_database()]
    if not settings.DEMO:
        found += [*_of_rights(), *_of_clock(), *_of_upkeep()]
    return found


def _of_django() -> Iterator[str]:
    for found in checks.run_checks(include_deployment_checks=not settings.DEMO):
        hint = f" {found.hint}" if found.hint else ""
        yield f"{found.id}: {found.msg}{hint}"


def _of_keys() -> Iterator[str]:
    try:
        keyring()
    except ImproperlyConfigured as error:
        yield str(error)


def _of_rights() -> Iterator[str]:
    """A folder that others may enter, or a file that others may read, is no secret."""
    private = [settings.DIRECTORY, settings.MEDIA_ROOT, settings.BACKUP_DIR, hold_file()]
    database = settings.DATABASES["default"]["NAME"]
    if connection.vendor == "sqlite":
        private.append(Path(str(database)))
    for place in map(Path, private):
        if place.exists() and stat.S_IMODE(place.stat().st_mode) & 0o077:
            mode = "700" if place.is_dir() else "600"
            yield f"{place} is open to others: chmod {mode} it"
    data, backups = Path(settings.DIRECTORY).resolve(), Path(settings.BACKUP_DIR).resolve()
    if backups.is_relative_to(data):
        yield (
            f"backups go to {backups}, beside the data: set HEMATON_BACKUP_DIR to another disk, "
            "and copy them to another building"
        )


def _of_clock() -> Iterator[str]:
    """Sign-in codes, clocks of requests and the audit all need the right time."""
    timedatectl = shutil.which("timedatectl")
    if timedatectl is not None:
        said = subprocess.run(  # noqa: S603 - a program of the system's
            [timedatectl, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.stdout.strip() == "no":
            yield "the machine's clock is not synchronized: set up systemd-timesyncd or chrony"
    if connection.vendor == "postgresql":
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT clock_timestamp()")
                (theirs,) = cursor.fetchone()
        except Error:
            return  # said by `_of_database`
        apart = abs((theirs - timezone.now()).total_seconds())
        if apart > CLOCKS_APART:
            yield f"the database's clock is {apart:.0f} seconds off this machine's"


def _of_upkeep() -> Iterator[str]:
    """Backups, drills, jobs, disk, scanner: what the health page would show as needing somebody."""
    for topic in topics(timezone.now()):
        if topic.name in UPKEEP:
            for line in topic.lines:
                if line.state is State.ATTENTION:
                    yield f"{line.name}: {line.value}. {line.fix}"


def _of_facts() -> Iterator[str]:
    try:
        site()
    except ImproperlyConfigured as error:
        yield str(error)
    if not settings.DEMO and settings.SITE_FILE.is_relative_to(settings.PACKAGE):
        yield (
            f"{settings.DIRECTORY}/site.yaml is missing: copy hematon/portal/ui/demo_site.yaml "
            "there and put in the programme's own names and phone numbers"
        )


def _of_mail() -> Iterator[str]:
    if tells_the_clinic(settings.DEFAULT_FROM_EMAIL):
        yield (
            "HEMATON_EMAIL_FROM tells what kind of clinic writes: choose a neutral name and "
            "address, such as Family portal <portal@hospital.example>"
        )


def _of_video() -> Iterator[str]:
    if settings.VIDEO and settings.VIDEO["agreed_on"] is None:
        yield (
            "HEMATON_VIDEO is set and HEMATON_VIDEO_AGREEMENT is not: video stays off until the "
            "vendor has signed the agreement on health information"
        )


def _of_database() -> Iterator[str]:
    try:
        waiting = MigrationExecutor(connection)
        plan = waiting.migration_plan(waiting.loader.graph.leaf_nodes())
    except Error as error:
        yield f"the database does not answer: {type(error).__name__}, {fault_of(error).told}"
        return
    if plan:
        yield f"{len(plan)} migrations wait: run python -m django migrate"
    else:
        for guard in missing(connection):
            yield f"the audit can be changed: its guard {guard} is not in the database"
    if settings.CACHES["default"]["LOCATION"] not in connection.introspection.table_names():
        yield "the table of sign-in limits is missing: run python -m django createcachetable"
    yield from pragmas()
    if not plan:
        yield from rules.problems()


def pragmas() -> Iterator[str]:
    """Give every SQLite setting that is not what it must be; none on PostgreSQL."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for name, wanted in SQLITE.items():
            cursor.execute(f"PRAGMA {name}")
            (value,) = cursor.fetchone()
            if value != wanted:
                yield f"SQLite's {name} is {value}, and must be {wanted}"
    if getattr(connection, "transaction_mode", None) != "IMMEDIATE":
        yield "SQLite's transactions must begin IMMEDIATE"
