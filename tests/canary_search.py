"""The search: every byte that the portal left anywhere, for what was typed.

Database files as they lie on the disk, every value of every table decoded as far as it is written
in layers, contents of files, the backup, mail, logs, addresses, titles, headers, pages of errors.
What is sealed and holds no typed word is searched by its own bytes.
"""

from __future__ import annotations

import base64
import email
import pickle
import re
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email import policy
from itertools import chain
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from canaries import BORN_MARKS, MARK, PHONE_MARKS, marks_in
from canary_journeys import NOT_TYPED
from canary_walk import Record
from hematon.portal.audit import fhir
from hematon.portal.audit.models import Event
from hematon.portal.vault.fields import SealedField, sealed_fields

WORDS_ARE_ALLOWED: Final = {"To"}
"""Headers of a mail: the address that it goes to is what was typed."""
PIECE_LEAST, PIECE_MOST = 12, 256
TABLES: Final = {
    "accounts_storedsession": "sessions",
    "cache_entries": "limits",
    "audit_event": "audit",
}
"""Tables that are told apart in the figures."""


@dataclass
class Sealed:
    """What the sealed columns held, whenever it was noted: what is deleted must be gone, too.

    Attributes:
        columns: how many rows of each were seen to hold a word.
        pieces: of what columns hold in which no word can be read, with their names.
    """

    columns: dict[str, int] = field(default_factory=dict)
    pieces: dict[bytes, str] = field(default_factory=dict)

    def note(self) -> None:
        """Open every value that there is now."""
        for column in sealed_fields():
            name = f"{column.model._meta.label_lower}.{column.name}"
            plain = [column.to_bytes(value) for value in self._opened(column)]
            typed = sum(map(_is_typed, plain))
            self.columns[name] = max(typed, self.columns.get(name, 0))
            for content in plain if name in NOT_TYPED else ():
                if len(content) >= PIECE_LEAST and not _is_typed(content):
                    start = max(0, len(content) // 2 - PIECE_MOST // 2)
                    self.pieces[content[start : start + PIECE_MOST]] = name

    def wrong(self) -> Iterator[str]:
        """Every sealed column held what somebody typed, or is searched by what it held."""
        for name, typed in self.columns.items():
            if name in NOT_TYPED:
                if name not in self.pieces.values():
                    yield f"sealed {name}: nothing was there to search for"
            elif not typed:
                yield f"sealed {name}: no form was filled that leads there"
        for name in NOT_TYPED.keys() - self.columns.keys():
            yield f"sealed {name}: there is no such column"

    @staticmethod
    def _opened(column: SealedField) -> Iterator[Any]:
        for row in column.model._base_manager.all():
            value = getattr(row, column.attname)
            if value is not None:
                yield value


@dataclass
class Search:
    """One search and what it found.

    Attributes:
        folder: of the portal.
        record: what everybody saw.
        logs: everything that was logged or printed, by who wrote it.
        codes: of mail, with which people signed in.
        sealed: what the sealed columns held.
        wrong: what stands where it must not, one line each.
    """

    folder: Path
    record: Record
    logs: Mapping[str, str]
    codes: Sequence[str]
    sealed: Sealed
    searched: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    mails: int = 0

    def run(self) -> list[str]:
        """Search everywhere; give what is wrong."""
        self.wrong += self.sealed.wrong()
        for name, text in self.logs.items():
            self._find("logs", text.encode(), name)
            self._find_codes("logs", name, text)
        for seen in self.record.seen:
            self._find(seen.place, seen.text.encode(), seen.where)
            self._find_codes(seen.place, seen.where, seen.text)
        self._values()
        self._export()
        self._database_files()
        self._folders()
        return list(dict.fromkeys(self.wrong))

    def _find(self, place: str, content: bytes, where: str = "", *, stored: bool = False) -> None:
        self.searched[place] += len(content)
        found = marks_in(content)
        if found:
            self.hits[place] += found
            named = self.record.canaries.named(content)
            self.wrong.append(f"{place} {where}: {found} x {named}")
        if stored:
            for piece, column in self.sealed.pieces.items():
                if piece in content:
                    self.hits[place] += 1
                    self.wrong.append(f"{place} {where}: what {column} holds, in the open")

    def _find_codes(self, place: str, where: str, text: str) -> None:
        for code in self.codes:
            if re.search(rf"\b{code}\b", text):
                self.hits[place] += 1
                self.wrong.append(f"{place} {where}: a sign-in code")

    # --- the database ----------------------------------------------------------------------------

    def _values(self) -> None:
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')
                place = TABLES.get(table, "rows")
                for value in chain.from_iterable(cursor.fetchall()):
                    for layer in layers(value):
                        self._find(place, layer, table, stored=True)

    def _export(self) -> None:
        rows = Event.objects.order_by("sequence")
        host = "localhost"
        self._find("audit export", "".join(fhir.ndjson(rows, host=host)).encode(), "NDJSON")
        bundle = "".join(fhir.bundle(rows, host=host, at=timezone.now()))
        self._find("audit export", bundle.encode(), "Bundle")

    def _database_files(self) -> None:
        """As they lie on the disk: pages that are free again and the log of changes among them."""
        if connection.vendor == "sqlite":
            # While it is open: closing it would clear the log of changes away.
            for file in sorted(self.folder.glob("portal.sqlite3*")):
                self._find("database files", file.read_bytes(), file.name, stored=True)
            return
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SHOW data_directory")
            (data,) = cursor.fetchone()
        connection.close()
        for file in sorted(Path(data).rglob("*")):
            place = "database log" if "pg_wal" in file.parts else "database files"
            # The server deletes and renames files of its log as it likes.
            with suppress(FileNotFoundError):
                if file.is_file():
                    content = file.read_bytes()
                    self._find(place, content, str(file.relative_to(data)), stored=True)

    # --- files -----------------------------------------------------------------------------------

    def _folders(self) -> None:
        places = {
            "mail": Path(settings.EMAIL_FILE_PATH),
            "contents": Path(settings.MEDIA_ROOT),
            "backup": self.folder / "copies",
        }
        for file in sorted(self.folder.rglob("*")):
            if not file.is_file() or "static" in file.relative_to(self.folder).parts:
                continue
            place = next((n for n, where in places.items() if where in file.parents), "other files")
            if place == "mail":
                self._mail(file)
            elif not file.name.startswith("portal.sqlite3") or place == "backup":
                self._find(place, file.read_bytes(), file.name, stored=True)
            if file.suffix == ".dump":
                self._dump(file)

    def _dump(self, file: Path) -> None:
        """A backup of PostgreSQL is packed; unpacked it is SQL."""
        from with_postgres import programs

        run = [str(programs() / "pg_restore"), "-f", "-", str(file)]
        plain = subprocess.run(run, capture_output=True, check=True).stdout
        self._find("backup", plain, f"{file.name} as SQL", stored=True)

    def _mail(self, file: Path) -> None:
        mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
        self.mails += 1
        for name, value in mail.items():
            if name not in WORDS_ARE_ALLOWED:
                self._find("mail", f"{name}: {value}".encode(), file.name)
        for part in mail.walk():
            if not part.is_multipart():
                content: Any = part.get_payload(decode=True)
                self._find("mail", content or b"", file.name, stored=True)


def _is_typed(plain: bytes) -> bool:
    lower = plain.lower()
    marks = (MARK, *PHONE_MARKS, *BORN_MARKS)
    return any(mark.lower().encode() in lower for mark in marks)


def layers(value: object) -> Iterator[bytes]:
    """Give a value as bytes, and what is in it where it is signed, packed or pickled."""
    if value is None or isinstance(value, bool | int | float):
        return
    content = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    yield content
    if isinstance(value, str):
        head = value.partition(":")[0]
        with suppress(ValueError, zlib.error):
            # As Django signs: a leading dot says that it is packed.
            packed = head.startswith(".")
            plain = base64.urlsafe_b64decode(head.lstrip(".") + "=" * 3)
            yield zlib.decompress(plain) if packed else plain
        with suppress(Exception):
            content = base64.b64decode(value)
            # As every pickle since protocol 2 begins; what else is read as one may be anything.
            if content.startswith(b"\x80"):
                yield repr(pickle.loads(content)).encode()
