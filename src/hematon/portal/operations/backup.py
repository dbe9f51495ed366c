"""A backup: one moment of the database, every file it refers to, the site's facts; not the keys.

Files are copied before the database's moment and once more right after it: a row never refers to
a file that is not in the backup, whether the file was new or about to be deleted. Only a file that
comes and goes between two looks at the folder, a few milliseconds, could be missed. The folder is
called .partial until everything in it is on the disk.
"""

from __future__ import annotations

import secrets
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder

import hematon
from hematon.errors import HematonError
from hematon.portal.operations.copies import (
    FORMAT,
    copy,
    files_in,
    fingerprint,
    marks,
    private_folder,
    read_manifest,
    write_manifest,
)
from hematon.portal.operations.database import copy_database, vendor
from hematon.portal.operations.notes import alone, write_note
from hematon.portal.operations.purposes import in_the_open
from hematon.portal.ui.retention import HOLDS, hold_file
from hematon.portal.vault.disk import flush
from hematon.portal.vault.keys import keyring, write_keyring

SITE = "site.yaml"
PARTIAL = ".partial"
FILES = "files"


class NoRoomError(HematonError):
    """The disk has no room for a backup."""


def backup(*, into: Path, at: datetime, keys_to: Path | None = None, note: str = "backup") -> Path:
    """Make a backup while the portal runs.

    Args:
        into: the folder that backups are kept in.
        at: now; names the backup.
        keys_to: where a copy of the key ring goes; nowhere unless given, never beside the data.
        note: what the health page knows it as; empty leaves no note.

    Returns:
        The backup's folder.

    Raises:
        BusyError: another backup or a purge runs.
        NoRoomError: the disk would fill up.
        HematonError: the database could not be copied.
    """
    begun = time.monotonic()
    private_folder(into)
    if keys_to is not None and keys_to.resolve().is_relative_to(into.resolve()):
        raise HematonError(f"{keys_to} is among the backups; keep the keys apart from them")
    name = f"{at.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"
    with alone():
        if (into / name).exists():
            name += f"-{secrets.token_hex(2)}"
        for left in into.glob(f"*{PARTIAL}"):
            # Of a run that was killed: none other runs, since the lock is held here.
            shutil.rmtree(left)
        _refuse_without_room(into)
        partial = into / f"{name}{PARTIAL}"
        partial.mkdir(mode=0o700)
        try:
            said = _fill(partial, name, at)
            flush_folders(partial)
            partial.rename(into / name)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            if note:
                write_note(note, ok=False)
            raise
        flush(into)
    if keys_to is not None:
        write_keyring(keys_to, keyring())
    if note:
        write_note(
            note,
            ok=True,
            seconds=round(time.monotonic() - begun, 2),
            bytes=sum(size for _, size in said["files"].values()),
            files=len(said["files"]),
            rows=sum(said["tables"].values()),
        )
    return into / name


def _refuse_without_room(into: Path) -> None:
    media = Path(settings.MEDIA_ROOT)
    wanted = sum((media / file).stat().st_size for file in files_in(media))
    if vendor() == "sqlite":
        wanted += Path(str(settings.DATABASES["default"]["NAME"])).stat().st_size
    free = shutil.disk_usage(into).free
    if free < wanted * 1.1:
        raise NoRoomError(f"{into} has {free:,} bytes free; a backup takes about {wanted:,}")


def _fill(folder: Path, name: str, at: datetime) -> dict[str, Any]:
    ring, media = keyring(), Path(settings.MEDIA_ROOT)
    files: dict[str, tuple[str, int]] = {}
    seen: dict[Path, Stamp] = {}

    def look() -> None:
        seen.update(_copy_files(media, folder, files, seen))

    look()
    # The first look may have taken long; this one does not.
    look()
    said = copy_database(folder, once_fixed=look)
    files[said["database"]] = fingerprint(folder / said["database"])
    files[SITE] = copy(Path(str(settings.SITE_FILE)), folder / SITE)
    if hold_file().exists():
        files[HOLDS] = copy(hold_file(), folder / HOLDS)
    manifest = {
        "format": FORMAT,
        "name": name,
        "made_at": at.astimezone(UTC).isoformat(),
        "versions": {"hematon": hematon.__version__, "django": django.get_version()},
        "migrations": dict(
            sorted(MigrationRecorder.Migration.objects.values_list("app", "name").order_by("name"))
        ),
        "demonstration": bool(settings.DEMO),
        **said,
        "files": files,
        "marks": marks(ring, name),
        "sealed": "every Sealed* column and every file; the keys are not in this backup",
        "in_the_open": in_the_open(),
    }
    write_manifest(folder, manifest, ring)
    return manifest


Stamp = tuple[int, int]


def _copy_files(
    media: Path, folder: Path, files: dict[str, tuple[str, int]], seen: dict[Path, Stamp]
) -> dict[Path, Stamp]:
    """Copy what is not copied yet, or was not whole when it was."""
    found: dict[Path, Stamp] = {}
    for file in files_in(media):
        try:
            told = (media / file).stat()
            found[file] = (told.st_size, told.st_mtime_ns)
            if seen.get(file) != found[file]:
                files[f"{FILES}/{file}"] = copy(media / file, folder / FILES / file)
        except FileNotFoundError:
            # Deleted since it was listed: no row of a later moment refers to it.
            found.pop(file, None)
    return found


def flush_folders(folder: Path) -> None:
    """Write the names in a folder, and in those below it, through to the disk."""
    for below in folder.rglob("*"):
        if below.is_dir():
            flush(below)
    flush(folder)


def whole(folder: Path) -> list[Path]:
    """Give the finished backups in a folder, the newest first."""
    return [place for _, place in _dated(folder)]


def newest(folder: Path) -> tuple[Path, datetime] | None:
    """Give the newest finished backup and when it was made; None where there is none."""
    found = _dated(folder)
    return (found[0][1], found[0][0]) if found else None


def _dated(folder: Path) -> list[tuple[datetime, Path]]:
    found = []
    for place in folder.glob("*") if folder.is_dir() else ():
        if place.is_dir() and not place.name.endswith(PARTIAL):
            try:
                found.append((datetime.fromisoformat(read_manifest(place)["made_at"]), place))
            except (HematonError, ValueError):
                # Not a backup, or one of another release.
                continue
    return sorted(found, reverse=True)
