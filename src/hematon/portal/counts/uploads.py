"""What a family may upload, and how it is opened without trusting it.

Name, first bytes and a real parse must agree. Files are kept in memory while they arrive, in
bounded chunks, and are never written anywhere. Pictures and PDFs are opened by `decode.py` in a
process with 640 MB of memory and 20 seconds of processor at most; at most two run at a time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext_lazy as _

from hematon.portal.counts import decode

MAX_BYTES = decode.MAX_BYTES
MAX_CSV_BYTES = 1_000_000
MAX_CSV_ROWS = 5_000
MAX_REQUEST_BYTES = 64 * 1024 * 1024
"""A request that announces more is answered before it is read."""
WALL_SECONDS = 30
WAIT_SECONDS = 20

_KINDS = {"pdf": "pdf", "jpg": "jpeg", "jpeg": "jpeg", "png": "png", "csv": "csv"}
_MAGIC = {"pdf": (b"%PDF-",), "jpeg": (b"\xff\xd8\xff",), "png": (b"\x89PNG\r\n\x1a\n",)}
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")
_running = BoundedSemaphore(2)

WORDS = {
    "none": _("Select a file"),
    "type": _("The selected file must be a PDF, JPG, PNG or CSV"),
    "mismatch": _(
        "The selected file is not what its name says. "
        "Save it again as a PDF, JPG, PNG or CSV and select the copy"
    ),
    "heic": _(
        "The selected file is a HEIC photo, which we cannot open. Send a JPG: open the photo, "
        "take a screenshot of it, and select the screenshot"
    ),
    "size": _("The selected file must be smaller than 15MB"),
    "csv_size": _("The selected CSV file must be smaller than 1MB and have at most 5,000 rows"),
    "pixels": _(
        "The selected picture must have at most 40 megapixels. Take it again in a smaller size"
    ),
    "pages": _("The selected PDF must have at most 200 pages. Save only the pages you need"),
    "empty": _("The selected file is empty"),
    "encrypted": _("The selected file is password protected"),
    "damaged": _("The selected file cannot be opened. Take a new picture or save a new copy of it"),
    "text": _("The selected CSV file is not plain text. Save it again as CSV and select the copy"),
    "failed": _("The selected file could not be uploaded - try again"),
}


class RefusedError(Exception):
    """A file that is not taken.

    Attributes:
        code: key of WORDS.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Opened:
    """What an upload holds: text to read, pictures to show beside it."""

    text: str
    pictures: tuple[bytes, ...]


class InMemory(FileUploadHandler):
    """Takes what arrives up to the limit and lets the rest pass by."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.kept, self.size = BytesIO(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a chunk while the file is within the limit."""
        self.size += len(raw_data)
        if self.size <= MAX_BYTES:
            self.kept.write(raw_data)
        else:
            self.kept = BytesIO()

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """Give the file; one that was too large keeps its size and loses its content."""
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept,
            self.field_name,
            self.file_name or "file",
            self.content_type or "",
            self.size,
            self.charset,
            self.content_type_extra,
        )


def open_upload(file: UploadedFile[bytes]) -> Opened:
    """Open a file by its kind.

    Raises:
        RefusedError: it is not taken; the code says why.
    """
    if not file.size:
        raise RefusedError("empty")
    if file.size > MAX_BYTES:
        raise RefusedError("size")
    content = file.read(MAX_BYTES + 1)
    kind = kind_of(file.name or "", content)
    return _text(content) if kind == "csv" else _pictures(kind, content)


def kind_of(name: str, content: bytes) -> str:
    """Give the kind on which a name and the first bytes agree.

    Raises:
        RefusedError: they do not, or the kind is not taken.
    """
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in ("heic", "heif") or (content[4:8] == b"ftyp" and content[8:12] in _HEIC):
        raise RefusedError("heic")
    kind = _KINDS.get(ending)
    if kind is None:
        raise RefusedError("type")
    if kind == "csv":
        if content.startswith((*_MAGIC["pdf"], *_MAGIC["jpeg"], *_MAGIC["png"], b"PK", b"GIF8")):
            raise RefusedError("mismatch")
        return kind
    if not content.startswith(_MAGIC[kind]):
        raise RefusedError("mismatch")
    return kind


def _text(content: bytes) -> Opened:
    if len(content) > MAX_CSV_BYTES:
        raise RefusedError("csv_size")
    text = decoded(content)
    if text is None:
        raise RefusedError("text")
    if not text.strip():
        raise RefusedError("empty")
    if text.count("\n") > MAX_CSV_ROWS:
        raise RefusedError("csv_size")
    return Opened(text, ())


def decoded(content: bytes) -> str | None:
    """Give the text of a file as spreadsheets save it; None when it is no text."""
    codecs = ["utf-8-sig", "cp1252"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        codecs = ["utf-16"]
    for codec in codecs:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if any(ord(c) < 32 and c not in "\t\r\n\f" for c in text):
            return None
        return text
    return None


def _pictures(kind: str, content: bytes) -> Opened:
    if not _running.acquire(timeout=WAIT_SECONDS):
        raise RefusedError("failed")
    try:
        done = subprocess.run(  # noqa: S603 - our own file, fixed words
            [sys.executable, "-I", str(Path(decode.__file__)), kind],
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


def _answer(done: subprocess.CompletedProcess[bytes]) -> Opened:
    head, _sep, rest = done.stdout.partition(b"\n")
    if done.returncode != 0:
        # It ran out of memory or time, or its library crashed: the file is to blame, not us.
        raise RefusedError("damaged")
    said: Mapping[str, object] = json.loads(head)
    if problem := str(said["problem"]):
        raise RefusedError(problem)
    pictures, at = [], 0
    sizes = said["sizes"]
    for size in sizes if isinstance(sizes, list) else []:
        pictures.append(rest[at : at + size])
        at += size
    return Opened(str(said["text"]), tuple(pictures))
