"""How an upload is opened without trusting it.

Name, first bytes and a real parse must agree. Pictures, PDFs and JSON are opened by `decode.py` in
a process with 640 MB of memory and 20 seconds of processor at most; at most two run at a time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from hematon.portal.files import decode
from hematon.portal.files.kinds import (
    FAMILY_KINDS,
    MAX_BYTES,
    MAX_JSON_BYTES,
    WORDS,
    RefusedError,
    csv_text,
    inert,
    kind_of,
)

WALL_SECONDS = 30
WAIT_SECONDS = 20

_running = BoundedSemaphore(2)


@dataclass(frozen=True)
class Opened:
    """What an upload holds: text to read, pictures to show beside it."""

    text: str
    pictures: tuple[bytes, ...]


@dataclass(frozen=True)
class Kept:
    """What is kept of an upload.

    Attributes:
        kind: pdf, jpeg, csv or json; every picture becomes a JPEG.
        content: pictures made anew from pixels, CSV without formulas, PDF and JSON as they came.
        flags: what a PDF holds that acts when it is opened elsewhere.
    """

    kind: str
    content: bytes
    flags: tuple[str, ...] = field(default=())


def open_upload(file: UploadedFile[bytes]) -> Opened:
    """Open a file to show it beside the boxes that it helps to fill; nothing of it is kept.

    Raises:
        RefusedError: it is not taken; the code says why.
    """
    content = whole(file)
    kind = kind_of(file.name or "", content)
    if kind == "csv":
        return Opened(csv_text(content), ())
    said, pictures = _decoded(kind, "show", content)
    return Opened(str(said["text"]), tuple(pictures))


def whole(file: UploadedFile[bytes]) -> bytes:
    """Give the bytes of a file.

    Raises:
        RefusedError: there are none, or too many.
    """
    if not file.size:
        raise RefusedError("empty")
    if file.size > MAX_BYTES:
        raise RefusedError("size")
    content: bytes = file.read(MAX_BYTES + 1)
    if len(content) != file.size:
        # It was cut on its way, or its size was not what it said.
        raise RefusedError("failed")
    return content


def to_keep(name: str, content: bytes, kinds: frozenset[str] = FAMILY_KINDS) -> Kept:
    """Give what is kept of a file.

    Raises:
        RefusedError: it is not taken; the code says why.
    """
    kind = kind_of(name, content, kinds)
    if kind == "csv":
        return Kept("csv", inert(csv_text(content)).encode())
    if kind == "json" and len(content) > MAX_JSON_BYTES:
        raise RefusedError("json_size")
    said, pictures = _decoded(kind, "keep", content)
    if kind in ("pdf", "json"):
        return Kept(kind, content, tuple(sorted(str(flag) for flag in said["flags"])))
    return Kept("jpeg", pictures[0])


def _decoded(kind: str, purpose: str, content: bytes) -> tuple[dict[str, Any], list[bytes]]:
    if not _running.acquire(timeout=WAIT_SECONDS):
        raise RefusedError("failed")
    try:
        done = subprocess.run(  # noqa: S603 - our own file, fixed words
            [sys.executable, "-I", str(Path(decode.__file__)), kind, purpose],
            input=content,
            capture_output=True,
            timeout=WALL_SECONDS,
            env={},
            cwd="/",
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise RefusedError("failed") from error
    finally:
        _running.release()
    return _answer(done)


def _answer(done: subprocess.CompletedProcess[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    head, _sep, rest = done.stdout.partition(b"\n")
    if done.returncode != 0:
        # It ran out of memory or time, or its library crashed: the file is to blame, not us.
        raise RefusedError("damaged")
    said: dict[str, Any] = json.loads(head)
    if problem := said["problem"]:
        raise RefusedError(problem if problem in WORDS else "damaged")
    pictures, at = [], 0
    for size in said["sizes"]:
        pictures.append(rest[at : at + size])
        at += size
    return said, pictures
