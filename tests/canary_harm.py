"""Leaks made on purpose: a search that finds none of them would prove nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import HttpResponse

from canary_search import Search
from canary_walk import Record
from hematon.portal.care.models import Case

Harm = Callable[[Path, Record, str], None]


def _logged(folder: Path, record: Record, word: str) -> None:
    logging.getLogger("hematon").error("the request of %s could not be kept", word)


def _in_a_title(folder: Path, record: Record, word: str) -> None:
    page = HttpResponse(f"<title>{word}</title>")
    record.look("family", "GET", "/en/requests/", page)


def _in_an_address(folder: Path, record: Record, word: str) -> None:
    record.look("family", "GET", f"/en/requests/?of={word}", HttpResponse())


def _in_a_header(folder: Path, record: Record, word: str) -> None:
    answer = HttpResponse(headers={"Content-Disposition": f'attachment; filename="{word}.pdf"'})
    record.look("family", "GET", "/en/requests/", answer)


def _in_a_cookie(folder: Path, record: Record, word: str) -> None:
    answer = HttpResponse()
    answer.set_cookie("draft", word)
    record.look("family", "GET", "/en/requests/", answer)


def _on_a_page_of_errors(folder: Path, record: Record, word: str) -> None:
    record.look("family", "GET", "/en/requests/", HttpResponse(word, status=500))


def _on_a_screen(folder: Path, record: Record, word: str) -> None:
    record.look("scheduler", "GET", "/staff/schedule/", HttpResponse(f"<p>{word}</p>"))


def _in_a_column(folder: Path, record: Record, word: str) -> None:
    Case.objects.filter(pk=Case.objects.earliest("begun_at").pk).update(digest=word)


def _in_a_mail(folder: Path, record: Record, word: str) -> None:
    letter = Path(settings.EMAIL_FILE_PATH) / "planted.log"
    letter.write_text(f"Subject: A message\n\nAbout {word}.\n", encoding="utf-8")


def _in_an_upload(folder: Path, record: Record, word: str) -> None:
    (Path(settings.MEDIA_ROOT) / "planted").write_text(word, encoding="utf-8")


def _in_the_backup(folder: Path, record: Record, word: str) -> None:
    # In the letters of Windows, which a search for plain bytes passes by.
    (folder / "copies" / "planted").write_bytes(word.encode("utf-16-le"))


def _in_a_file(folder: Path, record: Record, word: str) -> None:
    (folder / "planted").write_text(word, encoding="utf-8")


HARMS: Final[Mapping[str, tuple[str, Harm]]] = {
    "a line of the log": ("logs", _logged),
    "a title": ("title", _in_a_title),
    "an address": ("address", _in_an_address),
    "a header": ("header", _in_a_header),
    "a cookie": ("cookie", _in_a_cookie),
    "a page of errors": ("error page", _on_a_page_of_errors),
    "a column that is not sealed": ("rows", _in_a_column),
    "a mail": ("mail", _in_a_mail),
    "a content in the open": ("contents", _in_an_upload),
    "a backup": ("backup", _in_the_backup),
    "a file beside the database": ("other files", _in_a_file),
    "a screen that is not listed": ("screen schedule: shows note to scheduler", _on_a_screen),
}
"""What is planted, where the search must name it, and how."""


def plant(folder: Path, record: Record, search: Search) -> dict[str, str]:
    """Make every leak there is; give what each must be named by, beside the place."""
    by = {}
    for name, (_, harm) in HARMS.items():
        word = record.canaries.new("nobody", "case_note", name)
        harm(folder, record, word)
        by[name] = f"nobody case_note.{name}"
    piece = next(iter(search.sealed.pieces))
    (folder / "planted-too").write_bytes(b"\x00" + piece)
    return by


def missed(by: Mapping[str, str], wrong: list[str]) -> list[str]:
    """Give the leaks that the search did not name, where they are."""
    found = []
    for name, (place, _) in HARMS.items():
        named = any(w == place or (w.startswith(f"{place} ") and by[name] in w) for w in wrong)
        if not named:
            found.append(name)
    unsealed = by["a column that is not sealed"]
    if not any(w.startswith("database ") and unsealed in w for w in wrong):
        found.append("the same column in the files of the database")
    if not any(w.startswith("other files planted-too") and "in the open" in w for w in wrong):
        found.append("what a sealed column holds")
    return found
