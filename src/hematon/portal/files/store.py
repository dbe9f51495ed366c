"""Contents on the disk: each whole or not there, encrypted, under a name that says nothing.

A content is written beside its place, flushed to the disk, renamed, and its folder flushed, before
its row is committed. After a crash there may be a content without a row, never a row without its
content.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from hematon.portal.vault.disk import flush

_WRITING: Final = ".writing"


def write(sealed: bytes) -> str:
    """Write a content; it stands on the disk when this returns.

    Returns:
        Its random name, for the row.
    """
    name = secrets.token_hex(24)
    place = path_of(name)
    _make_folder(place.parent)
    beside = place.with_name(name + _WRITING)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(sealed)
            out.flush()
            os.fsync(out.fileno())
        beside.rename(place)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    flush(place.parent)
    return name


def read(name: str) -> bytes:
    """Give a content as it stands.

    Raises:
        OSError: it is not there.
    """
    return path_of(name).read_bytes()


def delete(name: str) -> bool:
    """Delete a content; say whether there was one."""
    if not name:
        return False
    place = path_of(name)
    try:
        place.unlink()
    except FileNotFoundError:
        return False
    flush(place.parent)
    return True


def path_of(name: str) -> Path:
    """Say where a content stands.

    Raises:
        ValueError: it is no name of ours.
    """
    if len(name) != 48 or not set(name) <= set("0123456789abcdef"):
        raise ValueError("not a name of a content")
    return Path(settings.MEDIA_ROOT) / name[:2] / name


def written_before(at: datetime) -> Iterator[Path]:
    """Give every content and every half of one that was written before a time."""
    root = Path(settings.MEDIA_ROOT)
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        if len(folder.name) != 2 or not folder.is_dir():
            continue
        for place in sorted(folder.iterdir()):
            try:
                written = place.stat().st_mtime
            except FileNotFoundError:
                continue
            if written < at.timestamp():
                yield place


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        flush(folder.parent)
