"""Who may read which words on which screen: the table, and what was seen against it.

`canary_screens.yaml` sorts words by the page they are typed on, and names for each screen which
sorts it may show to whom. A form's own page may also show a person what that person just typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from canaries import Box
from canary_walk import Record

FILE: Final = Path(__file__).with_suffix(".yaml")
SAME_AS: Final = {"second clinician": "clinician"}
"""People who stand for the same kind of person."""
WRITER: Final = "the writer"
"""Whoever typed the word, and nobody else of that kind."""

Cell = tuple[str, str, str]
"""Route of the screen, sort of the words, who sees it."""


@dataclass(frozen=True)
class Table:
    """What the file says.

    Attributes:
        sorts: sort of the words, by route of the form they are typed into.
        allowed: what may be seen.
    """

    sorts: dict[str, str]
    allowed: frozenset[Cell]

    def sort_of(self, box: Box) -> str:
        """Give the sort of a word; a question mark where the file does not know its form."""
        return self.sorts.get(box.route, "?") if box.route else box.name

    def seen(self, record: Record) -> set[Cell]:
        """Give the screens that show words, but for a form's own page to who just typed them."""
        return {
            (
                route,
                self.sort_of(box),
                WRITER if person == box.person else SAME_AS.get(person, person),
            )
            for route, person, box in record.screens
            if (route, person) != (box.route, box.person)
        }

    def wrong(self, record: Record) -> Iterator[str]:
        """Give what is seen and is not in the table."""
        unknown = {b.route for b in record.canaries.of.values() if self.sort_of(b) == "?"}
        for route in sorted(unknown):
            yield f"typed into {route}: {FILE.name} does not say what sort of words that is"
        for route, sort, person in sorted(self.seen(record) - self.allowed):
            yield f"screen {route}: shows {sort} to {person}"

    def unseen(self, record: Record) -> Iterator[str]:
        """Give what is in the table and was not seen."""
        for route, sort, person in sorted(self.allowed - self.seen(record)):
            yield f"screen {route}: never seen to show {sort} to {person}, as listed"


def table() -> Table:
    """Read the file."""
    given = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return Table(
        {route: sort for sort, routes in given["typed"].items() for route in routes},
        frozenset(
            (route, sort, person)
            for route, sorts in given["screens"].items()
            for sort, people in sorts.items()
            for person in people
        ),
    )
