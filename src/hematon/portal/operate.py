"""The commands of `hematon portal` that keep a portal alive: copies, keys, what is let go."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from django.db.models import Model


_DEMONSTRATION = "\nIs it the folder of `hematon serve`? Then: hematon portal --demo ..."


def set_up() -> None:
    """Set Django up; not before a command runs, so that help needs no portal."""
    from django.core.exceptions import ImproperlyConfigured

    from hematon.portal.serve import prepare

    directory, demo = click.get_current_context().obj
    if not directory.is_dir():
        raise click.UsageError(f"{directory} is not a folder; name the portal's with --dir.")
    os.environ.pop("HEMATON_DEMO", None)
    try:
        prepare(directory, demo=demo)
    except ImproperlyConfigured as error:
        # The first thing that a portal in use is asked for and the demonstration never has.
        is_asked = str(error).startswith("Set HEMATON_ALLOWED_HOSTS")
        raise click.ClickException(f"{error}{_DEMONSTRATION if is_asked else ''}") from error


@click.command()
@click.option(
    "--retire", is_flag=True, help="Take the old key away, once nothing is sealed with it."
)
def rotate_keys(retire: bool) -> None:
    """Seal everything with a new key while the portal runs; may be stopped and started again.

    Run it, copy the new key ring to its safe place, and 10 minutes later run it with --retire.
    Backups made before then open only with the ring of their time: keep it as long as them.
    """
    set_up()
    from hematon.portal.operations import rotation

    if not retire:
        rotation.begin()
    done = rotation.reseal()
    for label, number in sorted(done.resealed.items()):
        click.echo(f"sealed anew  {number:7d}  {label}")
    for place in done.broken:
        click.echo(f"wrong: {place} does not open; its key is kept", err=True)
    for name, columns in sorted(rotation.uses().items()):
        click.echo(f"key {name} seals {sum(columns.values())} values")
    if done.broken:
        raise SystemExit(1)
    if retire:
        try:
            retired = rotation.retire()
        except rotation.NotYetError as error:
            raise click.ClickException(str(error)) from error
        for name in retired:
            click.echo(f"key {name} taken away; no value uses it")
        if not retired:
            click.echo("the ring has one key; there is nothing to take away")
    else:
        click.echo("Copy the key ring to its safe place; in 10 minutes: rotate-keys --retire")


@click.command()
@click.option("--forget-old", is_flag=True, help="Stop accepting what the old secret signed.")
def new_secret_key(forget_old: bool) -> None:
    """Draw a new secret key; the old one still opens sessions and links until --forget-old.

    Restart the portal after either step.
    """
    import secrets

    set_up()
    from django.conf import settings

    from hematon.portal.demo import write_private

    now = Path(settings.SECRET_KEY_FILE)
    old = now.with_name(now.name + ".old")
    if forget_old:
        if not old.exists():
            raise click.ClickException(f"there is no {old}; nothing is to be forgotten.")
        old.unlink()
        click.echo("the old secret is forgotten; restart the portal")
        return
    if old.exists():
        raise click.ClickException(f"{old} exists: finish the last change with --forget-old.")
    beside = now.with_name(now.name + ".new")
    beside.unlink(missing_ok=True)
    write_private(beside, secrets.token_urlsafe(48))
    # Whenever this stops, a secret stands in its place.
    os.link(now, old)
    beside.replace(now)
    click.echo("new secret written; restart the portal, and after 24 hours: --forget-old")


@contextmanager
def _told() -> Iterator[None]:
    """Say what is wrong in one line, and nothing of where in the code."""
    from django.core.exceptions import ImproperlyConfigured

    from hematon.errors import HematonError

    try:
        yield
    except (HematonError, ImproperlyConfigured) as error:
        raise click.ClickException(str(error)) from error


_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER, required=False)
@click.option("--with-keys", type=_FILE, help="Also write the key ring there: another place.")
@click.option("--keep", type=click.IntRange(min=1), help="Delete older backups than this many.")
def backup(folder: Path | None, with_keys: Path | None, keep: int | None) -> None:
    """Copy the database, the files and site.yaml into FOLDER while the portal runs.

    FOLDER is HEMATON_BACKUP_DIR unless given. The key ring is not in the backup: keep a copy of
    it elsewhere, for as long as the backups made with it.
    """
    set_up()
    import shutil

    from django.conf import settings
    from django.utils import timezone

    from hematon.portal.operations import backup as backups

    into = folder or Path(settings.BACKUP_DIR)
    with _told():
        made = backups.backup(into=into, at=timezone.now(), keys_to=with_keys)
    click.echo(f"backup    {made}")
    for old in backups.whole(into)[keep:] if keep else []:
        shutil.rmtree(old)
        click.echo(f"deleted   {old}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", type=_FOLDER, required=True, help="Folder of the new portal; empty.")
@click.option(
    "--keys", type=_FILE, help="Key ring of the backup's time; that of --dir unless given."
)
@click.option(
    "--database-url",
    help="postgresql://... of an empty database, where the backup is of PostgreSQL.",
    envvar="HEMATON_RESTORE_DATABASE_URL",
)
@click.option(
    "--checkpoints",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the audit's checkpoints; HEMATON_AUDIT_CHECKPOINTS, or that of --dir, if not "
    "given.",
)
@click.pass_obj
def restore(
    where: tuple[Path, bool],
    folder: Path,
    into: Path,
    keys: Path | None,
    database_url: str | None,
    checkpoints: Path | None,
) -> None:
    """Make a portal from the backup FOLDER in an empty place, and look it over.

    Refuses a place that is not empty, a backup that is damaged and another key ring. Sessions
    that were open are ended. Checkpoints of the audit that the restored rows bear out go on in the
    new folder; all of them stay beside these, with a note of what was lost. Nothing of the old
    place is touched.
    """
    from django.utils import timezone

    from hematon.portal.operations import copies
    from hematon.portal.operations import restore as restoring
    from hematon.portal.serve import migrate, prepare

    directory, demo = where
    ring = keys or Path(os.environ.get("HEMATON_KEYRING_FILE", str(directory / "keyring.json")))
    elsewhere = os.environ.pop("HEMATON_AUDIT_CHECKPOINTS", "")
    signed = elsewhere or str(directory / "audit-checkpoints")
    begun = time.monotonic()
    os.environ.pop("HEMATON_DEMO", None)
    for name in ("HEMATON_KEYRING_FILE", "HEMATON_SECRET_KEY_FILE", "HEMATON_SITE"):
        os.environ.pop(name, None)
    os.environ.pop("HEMATON_DATABASE_URL", None)
    if database_url:
        os.environ["HEMATON_DATABASE_URL"] = database_url
    with _told():
        said = restoring.read(folder, ring)
        if (said["database"] == "portal.dump") != bool(database_url):
            raise copies.DamagedError(
                f"the backup holds {said['database']}: "
                + ("leave --database-url out" if database_url else "give --database-url")
            )
        with restoring.place(folder, said, into, ring):
            prepare(into, demo=demo)
            if database_url:
                from hematon.portal.operations.database import restore_postgres

                restore_postgres(folder / said["database"], database_url)
            wrong = list(restoring.look_over(said))
            if wrong:
                raise copies.DamagedError("the restored portal is not right:\n" + "\n".join(wrong))
            ended = restoring.end_sessions()
            migrate()
            lost = restoring.carry_checkpoints(
                (checkpoints or Path(signed)) / "checkpoints.jsonl", said, at=timezone.now()
            )
    seconds = time.monotonic() - begun
    click.echo(f"restored  {into}, made {said['made_at']}")
    click.echo(
        f"rows      {sum(said['tables'].values())} in {len(said['tables'])} tables, as there"
    )
    click.echo(f"files     {len(said['files'])}, every hash as in the manifest")
    click.echo(f"sessions  {ended} ended\naudit     {lost}")
    if elsewhere:
        click.echo(f"          set HEMATON_AUDIT_CHECKPOINTS to {into / 'audit-checkpoints'}")
    click.echo(f"seconds   {seconds:.1f}")


@click.command(hidden=True)
def try_out() -> None:
    """Sign in and open a case in a restored portal; the drill runs this. Never in one in use."""
    set_up()
    from hematon.portal.operations.tryout import try_out as try_it

    with _told():
        for name, found in try_it().items():
            click.echo(f"{name}: {found}")


@click.command()
@click.option(
    "--database-url",
    help="An empty PostgreSQL database to restore into; one is made and dropped unless given.",
    envvar="HEMATON_RESTORE_DATABASE_URL",
)
@click.pass_obj
def drill(where: tuple[Path, bool], database_url: str | None) -> None:
    """Back up while somebody writes, restore into an empty place, sign in, open a case; timed.

    Leaves nothing behind but its date, which the health page shows.
    """
    set_up()
    from django.conf import settings
    from django.utils import timezone

    from hematon.portal.operations import backup as backups
    from hematon.portal.operations.database import scratch_database
    from hematon.portal.operations.notes import write_note
    from hematon.portal.operations.tryout import somebody_writes

    demo = ["--demo"] if where[1] else []
    program = [sys.executable, "-c", "from hematon.cli import main; main()", "portal", *demo]
    begun = time.monotonic()
    try:
        with _told(), tempfile.TemporaryDirectory(dir=settings.DIRECTORY, prefix="drill-") as temp:
            with somebody_writes() as wrote:
                made = backups.backup(into=Path(temp) / "backup", at=timezone.now(), note="")
            backed_up = time.monotonic()
            with scratch_database(database_url) as url:
                new, keys = Path(temp) / "new", str(settings.KEYRING_FILE)
                words = ["restore", str(made), "--into", str(new), "--keys", keys]
                _step([*program, *words, *(["--database-url", url] if url else [])], {})
                restored = time.monotonic()
                place = dict.fromkeys(("KEYRING_FILE", "SECRET_KEY_FILE", "SITE"), "")
                opened = _step(
                    [*program, "--dir", str(new), "try-out"], {**place, "DATABASE_URL": url or ""}
                )
    except BaseException:
        write_note("drill", ok=False)
        raise
    seconds = time.monotonic() - begun
    write_note("drill", ok=True, seconds=round(seconds, 1), writes=wrote["writes"])
    click.echo(f"backup    {backed_up - begun:.1f} s, with {wrote['writes']} writes meanwhile")
    click.echo(
        f"restore   {restored - backed_up:.1f} s, rows, hashes, audit and sealed values right"
    )
    click.echo(f"signed in, second factor and all; {'; '.join(opened.split(chr(10))).strip('; ')}")
    click.echo(f"seconds   {seconds:.1f}")


def _step(command: list[str], settings: dict[str, str]) -> str:
    """Run a step in a process of its own, with settings of its own."""
    environment = dict(os.environ)
    for name, value in settings.items():
        environment.pop(f"HEMATON_{name}", None)
        if value:
            environment[f"HEMATON_{name}"] = value
    done = subprocess.run(  # noqa: S603 - this program again
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise click.ClickException(done.stderr.strip()[-2000:])
    return done.stdout


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go; delete nothing.")
@click.option("--rewrite", is_flag=True, help="Also write the database's files anew; at night.")
def purge(dry_run: bool, rewrite: bool) -> None:
    """Delete what is past its time: sessions, uploads, drafts, closed requests, ended links."""
    set_up()
    from django.utils import timezone

    from hematon.portal.operations import purging

    with _told():
        done = purging.purge(now=timezone.now(), dry=dry_run, rewrite=rewrite)
    for name, number in done.items():
        click.echo(f"{'would delete' if dry_run else 'deleted'}  {number:6d}  {name}")


@click.command()
@click.argument("subject")
@click.argument("reason")
def hold(subject: str, reason: str) -> None:
    """Keep SUBJECT (care.case:id, as the audit writes it) whatever its time: a legal hold.

    Whoever began a draft may still discard it. To end a hold, take its line out of legal-holds.txt
    in the portal's folder.
    """
    set_up()
    from django.db import transaction

    from hematon.portal.audit.record import name_of, record
    from hematon.portal.ui import retention

    label, _, pk = subject.partition(":")
    if label not in retention.HELD or not reason.strip():
        raise click.UsageError(f"write hold {retention.HELD[0]}:ID and a reason")
    row = _row(label, pk)
    with _told(), transaction.atomic():
        # A file that cannot be read stops every purge: say so before it grows.
        retention.held(label)
        subject = name_of(row)
        with retention.hold_file().open("a", encoding="utf-8") as out:
            out.write(f"{subject} {' '.join(reason.split())}\n")
        retention.hold_file().chmod(0o600)
        record(None, "hold.set", None, held=subject)
    click.echo(f"held      {subject}")


def _row(label: str, pk: str) -> Model:
    """Give the row that is named; a hold on nothing would be taken for one that keeps something."""
    from django.apps import apps
    from django.core.exceptions import ValidationError

    row: Model | None
    try:
        row = apps.get_model(label)._default_manager.filter(pk=pk).first()
    except ValidationError:
        row = None
    if row is None:
        raise click.ClickException(f"there is no {label} with the id {pk}: nothing is held")
    return row


@click.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--database-date", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Of the advisories."
)
def advisories(report: Path, database_date: datetime) -> None:
    """Note what pip-audit found for the health page: REPORT is what `pip-audit -f json` wrote.

    After seven days the page says UNKNOWN.
    """
    set_up()
    import json

    from hematon.portal.operations.notes import write_note

    try:
        packages = json.loads(report.read_bytes())["dependencies"]
        found = sum(len(package.get("vulns", [])) for package in packages)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.ClickException(f"{report} is not what pip-audit -f json writes") from error
    database = database_date.date().isoformat()
    write_note("advisories", ok=not found, found=found, packages=len(packages), database=database)
    click.echo(f"{found} in {len(packages)} packages, by the database of {database}")
    if found:
        raise SystemExit(1)


COMMANDS = (rotate_keys, new_secret_key, backup, restore, try_out, drill, purge, hold, advisories)
