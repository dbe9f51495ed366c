"""What may be sent: kinds, limits, names, and the words for what is not taken.

A name, the first bytes and a real parse must agree; this module judges the first two. Nothing here
opens a file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from hematon.portal.files import decode

MAX_BYTES: Final = decode.MAX_BYTES
MAX_CSV_BYTES: Final = 1_000_000
MAX_CSV_ROWS: Final = 5_000
MAX_JSON_BYTES: Final = decode.MAX_JSON_BYTES
MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""A request that announces more is answered before it is read."""
NAME_LENGTH: Final = 100

FAMILY_KINDS: Final = frozenset({"pdf", "jpeg", "png", "csv"})

_ENDINGS: Final = {
    "pdf": "pdf",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "png": "png",
    "csv": "csv",
    "json": "json",
}
_MAGIC: Final = {"pdf": (b"%PDF-",), "jpeg": (b"\xff\xd8\xff",), "png": (b"\x89PNG\r\n\x1a\n",)}
_NO_TEXT: Final = (
    *(first for firsts in _MAGIC.values() for first in firsts),
    *(b"PK", b"GIF8", b"\x1f\x8b", b"\x7fELF", b"BZh", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ"),
)
_HEIC: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")


@dataclass(frozen=True)
class Limits:
    """How much one step of a form, and one case, may hold.

    Attributes:
        kinds: what is taken; `json` is a FHIR Bundle, for referrals.
        files_per_step: files of one question of a form.
        bytes_per_holder: everything that a case holds.
    """

    kinds: frozenset[str] = FAMILY_KINDS
    files_per_step: int = 10
    bytes_per_holder: int = 60 * 1024 * 1024


CASE_LIMITS: Final = Limits()
REFERRAL_LIMITS: Final = Limits(kinds=FAMILY_KINDS | {"json"})

WORDS: Final = {
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
    "archive": _(
        "The selected file is a compressed folder. Open it and select the files inside, one by one"
    ),
    "size": _("The selected file must be smaller than 15MB"),
    "csv_size": _("The selected CSV file must be smaller than 1MB and have at most 5,000 rows"),
    "json_size": _("The selected JSON file must be smaller than 5MB"),
    "json": _(
        "The selected JSON file is not a FHIR Bundle. Export it again and select the new file"
    ),
    "pixels": _(
        "The selected picture must have at most 40 megapixels. Take it again in a smaller size"
    ),
    "pages": _("The selected PDF must have at most 200 pages. Save only the pages you need"),
    "empty": _("The selected file is empty"),
    "encrypted": _("The selected file is password protected"),
    "virus": _("The selected file contains a virus"),
    "damaged": _("The selected file cannot be opened. Take a new picture or save a new copy of it"),
    "text": _("The selected CSV file is not plain text. Save it again as CSV and select the copy"),
    "many": _("You can send at most 10 files here. Remove a file to send another"),
    "total": _("Your files together must be smaller than 60MB. Remove a file to send another"),
    "failed": _("The selected file could not be uploaded - try again"),
}
"""What a person reads, by the code of a refusal."""


class RefusedError(Exception):
    """A file that is not taken.

    Attributes:
        code: key of WORDS.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def words(self) -> str:
        """Say it in the language of the page."""
        return str(WORDS[self.code])

    def __str__(self) -> str:
        """Give the code."""
        return self.code


def kind_of(name: str, content: bytes, kinds: frozenset[str] = FAMILY_KINDS) -> str:
    """Give the kind on which a name and the first bytes agree.

    Raises:
        RefusedError: they do not, or the kind is not taken.
    """
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in ("heic", "heif") or (content[4:8] == b"ftyp" and content[8:12] in _HEIC):
        raise RefusedError("heic")
    if ending in ("zip", "gz", "tgz", "7z", "rar", "tar", "bz2", "xz"):
        raise RefusedError("archive")
    kind = _ENDINGS.get(ending)
    if kind is None or kind not in kinds:
        raise RefusedError("type")
    if kind in _MAGIC:
        if not content.startswith(_MAGIC[kind]):
            raise RefusedError("mismatch")
    elif content.startswith(_NO_TEXT):
        raise RefusedError("mismatch")
    return kind


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


def csv_text(content: bytes) -> str:
    """Give the text of a CSV file.

    Raises:
        RefusedError: it is too large, empty, or no text.
    """
    if len(content) > MAX_CSV_BYTES:
        raise RefusedError("csv_size")
    text = decoded(content)
    if text is None:
        raise RefusedError("text")
    if not text.strip():
        raise RefusedError("empty")
    if text.count("\n") > MAX_CSV_ROWS or text.count("\r") > MAX_CSV_ROWS:
        raise RefusedError("csv_size")
    return text


# A cell begins a line or follows what programs put between cells. What begins like a formula and
# is no number, dash or result such as +++ becomes text.
_FORMULA_CELL: Final = re.compile(
    r"""(^|[,;|\t\r\n\f])([ "]*)"""
    r"""(?=[=@＝＠]|[+\-＋－](?![+\-\s]*(?:[,;|\t\r\n\f"]|\Z))"""
    r"""(?!\s?\d[\d.,]*(?:[eE][+\-]?\d+)?\s*(?:[%"]*\s*)(?:[,;|\t\r\n\f]|\Z)))"""
)


def inert(text: str) -> str:
    """Give a CSV text in which no cell is a formula; numbers stay as they are."""
    return _FORMULA_CELL.sub(r"\1\2'", text)


def shown_name(name: str) -> str:
    """Give a file's name as it can be shown: no folders, no unseen or turning characters.

    What is dropped could hide the ending (a right-to-left override), break a line or name a place.
    """
    last = re.split(r"[\\/\0]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(c if not unicodedata.category(c).startswith(("C", "Z")) else " " for c in last)
    seen = " ".join(seen.split()).strip(". ")
    if len(seen) <= NAME_LENGTH:
        return seen or "file"
    stem, dot, ending = seen.rpartition(".")
    if not dot or len(ending) > 10:
        return seen[: NAME_LENGTH - 1] + "…"
    return stem[: NAME_LENGTH - len(ending) - 2] + "…." + ending
