"""What people type is on the screens that are for it and nowhere else: the proof's short form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from django.http import HttpResponse

from canaries import Canaries
from canary_harm import HARMS, missed
from canary_screens import WRITER, Table
from canary_walk import Record

TOOL = Path(__file__).parents[2] / "tools" / "prove_canary.py"
TABLE = Table(
    {"case_note": "note", "inbox_keep": "filter", "request_question": "request"},
    frozenset({("case_item", "note", "intake"), ("inbox", "filter", WRITER)}),
)
ITEM, INBOX = "/staff/cases/00000000-0000-4000-8000-000000000000/", "/staff/inbox/"


def seen(route: str, address: str, person: str, by: str = "clinician") -> list[str]:
    """Say what is wrong when a person reads on a page what somebody typed on another."""
    record = Record(Canaries())
    word = record.canaries.new(by, route, "text")
    record.look(person, "GET", address, HttpResponse(f"<p>{word}</p>"))
    return list(TABLE.wrong(record))


def test_what_is_typed_stands_on_its_screens_and_nowhere_else() -> None:
    """T-29, T-32, short: the journeys alone; each sealed column reached, each leak named."""
    done = subprocess.run(
        [sys.executable, str(TOOL), "--short"], capture_output=True, text=True, check=False
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert f"leaks planted   {len(HARMS) + 1}, of which 0 were not named" in said
    assert re.search(r"sealed columns  (\d+): (?!0)\d+ hold a word", said)
    assert "database files " in said
    assert re.search(r"end of time     (?!0)\d+ sealed columns emptied by the purge", said)
    assert re.search(r"\n0 wrong; \d+ s", said)


def test_a_screen_that_is_not_listed_is_named() -> None:
    """T-29: the listed one passes; another page, another person, another sort of words is named."""
    assert seen("case_note", ITEM, "intake") == []
    assert seen("case_note", INBOX, "intake") == ["screen inbox: shows note to intake"]
    assert seen("case_note", ITEM, "family") == ["screen case_item: shows note to family"]
    assert seen("request_question", ITEM, "intake") == ["screen case_item: shows request to intake"]


def test_what_is_for_its_writer_alone_is_named_when_a_colleague_reads_it() -> None:
    """T-29: two people of one kind are two people."""
    assert seen("inbox_keep", INBOX, "intake", by="intake") == []
    assert seen("inbox_keep", INBOX, "intake") == ["screen inbox: shows filter to intake"]


def test_a_listed_screen_that_nobody_sees_is_named() -> None:
    """T-29: the table says no more than what is there."""
    assert list(TABLE.unseen(Record(Canaries()))) == [
        "screen case_item: never seen to show note to intake, as listed",
        "screen inbox: never seen to show filter to the writer, as listed",
    ]


def test_a_form_of_which_nobody_said_what_it_takes_is_named() -> None:
    """T-29: a new box for words cannot be forgotten."""
    assert seen("case_call", ITEM, "intake")[0].startswith("typed into case_call: ")


def test_a_search_that_finds_nothing_has_missed_every_leak() -> None:
    """T-29: what the proof says of planted leaks can be a no."""
    by = {name: f"nobody case_note.{name}" for name in HARMS}
    assert set(missed(by, [])) > set(HARMS)
