"""A portal made from a backup in an empty place, and looked at before anybody uses it.

Runs before Django is set up, since it makes the folder that the settings read; `look_over` runs
after, in the restored portal.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hematon.errors import HematonError
from hematon.portal.operations.copies import (
    DamagedError,
    copy,
    files_in,
    fingerprint,
    private_folder,
    read_manifest,
    refuse_damage,
)
from hematon.portal.vault.keys import read_keyring, write_keyring

FILES: Final = "files"
PER_COLUMN: Final = 25
"""How many values of each sealed column are opened; each file's own key is among them."""


class NotEmptyError(HematonError):
    """The place to restore into holds something."""


def read(backup: Path, keys: Path) -> dict[str, Any]:
    """Look a backup over before anything is made from it.

    Args:
        backup: its folder.
        keys: the key ring of its time.

    Returns:
        The manifest.

    Raises:
        DamagedError: it is not whole, or the ring is another one.
    """
    said = read_manifest(backup, read_keyring(keys))
    refuse_damage(backup, said)
    return said


@contextmanager
def place(backup: Path, said: dict[str, Any], into: Path, keys: Path) -> Iterator[None]:
    """Make the folder of the restored portal; take it away again if what follows fails.

    Args:
        backup: the folder of the backup.
        said: its manifest, as `read` gave it.
        into: the new portal's folder; not there yet, or empty.
        keys: the key ring, copied into the folder.

    Raises:
        NotEmptyError: the folder holds something.
        DamagedError: the disk has no room.
    """
    if into.exists() and any(into.iterdir()):
        raise NotEmptyError(f"{into} is not empty; name a folder that is, or a new one")
    was_there = into.exists()
    private_folder(into)
    into.chmod(0o700)
    size = sum(size for _, size in said["files"].values())
    if shutil.disk_usage(into).free < size * 1.1:
        raise DamagedError(f"{into} has no room for {size:,} bytes")
    try:
        for name in said["files"]:
            if name.startswith(f"{FILES}/") or name.endswith((".sqlite3", ".yaml", ".txt")):
                copy(backup / name, into / name)
        write_keyring(into / "keyring.json", read_keyring(keys))
        secret = into / "secret-key"
        secret.touch(mode=0o600)
        # A new one: sessions and links of the old place end here.
        secret.write_text(secrets.token_urlsafe(48) + "\n", encoding="utf-8")
        yield
    except BaseException:
        shutil.rmtree(into)
        if was_there:
            into.mkdir(mode=0o700)
        raise


def look_over(said: dict[str, Any]) -> Iterator[str]:
    """Compare the restored portal with the manifest; give everything that is wrong.

    Args:
        said: the manifest.
    """
    from django.conf import settings
    from django.db import connection

    from hematon.portal.operations.database import facts
    from hematon.portal.ui.upkeep import RESTORED

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA integrity_check")
            if (found := cursor.fetchone()[0]) != "ok":
                yield f"integrity_check: {found}"
            cursor.execute("PRAGMA foreign_key_check")
            if rows := cursor.fetchall():
                yield f"foreign_key_check: {len(rows)} rows refer to nothing"
    there = facts()
    for table in sorted(said["tables"].keys() | there["tables"].keys()):
        wanted, has = said["tables"].get(table), there["tables"].get(table)
        if wanted != has:
            yield f"table {table}: {has} rows, and the backup says {wanted}"
    media = Path(settings.MEDIA_ROOT)
    names = {f"{FILES}/{file}": file for file in files_in(media)}
    wanted_files = {n: f for n, f in said["files"].items() if n.startswith(f"{FILES}/")}
    for name in sorted(wanted_files.keys() ^ names.keys()):
        yield f"{name}: there or in the manifest, not both"
    for name in wanted_files.keys() & names.keys():
        if list(fingerprint(media / names[name])) != list(wanted_files[name]):
            yield f"{name}: its hash is not the manifest's"
    if there["audit"] != said["audit"]:
        yield f"the audit ends at {there['audit']}, and the backup says {said['audit']}"
    yield from sealed_values_open()
    for name, problems in RESTORED.items():
        for problem in problems():
            yield f"{name}: {problem}"


def sealed_values_open() -> Iterator[str]:
    """Open some values of every sealed column; give the places that do not open."""
    from hematon.portal.operations.rotation import sample
    from hematon.portal.vault.sealing import SealBrokenError

    for open_one in sample(PER_COLUMN):
        try:
            open_one()
        except SealBrokenError as error:
            yield f"{error.place} does not open"


def end_sessions() -> int:
    """End every session that was open when the backup was made.

    Returns:
        How many.
    """
    from hematon.portal.accounts.models import StoredSession

    ended, _ = StoredSession.objects.all().delete()
    return ended


def carry_checkpoints(old: Path, said: dict[str, Any], *, at: datetime) -> str:
    """Bring the audit's checkpoints of the old portal into the restored one, and record it.

    Lines that the restored rows still bear out go on. The whole old file stays beside them with a
    note, since its later lines are the proof of what was lost: without them nobody could tell a
    restore from rows that were cut off, and with them among the others the audit would never be
    whole again.

    Args:
        old: the old portal's file of checkpoints; it is read and stays as it is.
        said: the manifest.
        at: now.

    Returns:
        What whoever restores is told.
    """
    from django.db import transaction

    from hematon.portal.audit import checkpoint
    from hematon.portal.audit.record import record

    ended = int((said["audit"] or {}).get("number", 0))
    signed, problem, lines = [], "", []
    if old.is_file():
        lines = old.read_text(encoding="utf-8", errors="replace").splitlines()
        try:
            for made in checkpoint.checkpoints(old):
                signed.append(made)
        except checkpoint.CheckpointError as error:
            problem = str(error)
    last = max((made.sequence for made in signed), default=0)
    kept = [line for line, made in zip(lines, signed, strict=False) if made.sequence <= ended]
    lost = max(0, last - ended)
    folder = checkpoint.file().parent
    if lines:
        private_folder(folder)
        stamp = f"{at:%Y-%m-%dT%H-%M-%SZ}"
        note = {
            "restored_at": at.isoformat(),
            "backup_made_at": said["made_at"],
            "audit_ends_at_row": ended,
            "last_row_signed_before": last,
            "rows_lost_at_least": lost,
            "problem": problem,
        }
        _keep(folder / f"before-restore-{stamp}.jsonl", "\n".join(lines) + "\n")
        _keep(folder / f"before-restore-{stamp}.note.json", json.dumps(note, indent=1) + "\n")
        if kept:
            _keep(checkpoint.file(), "\n".join(kept) + "\n")
    with transaction.atomic():
        record(None, "portal.restored", made_at=said["made_at"], audit_end=ended, rows_lost=lost)
    if problem:
        return f"{problem}; it is kept beside the new ones: find out why before you go on"
    if lost:
        return f"rows {ended + 1} to {last}, at least, were written after the backup and are lost"
    return f"no checkpoint is later than row {ended}, where the backup ends"


def _keep(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
