"""The CDC Clear Communication Index of each page, from `content/clear_communication.yaml`.

What can be seen in the text (a picture, a list, a figure with a percentage) is decided here for
each page, so that a sheet cannot claim it; the rest are answers of the makers, with who and when.

Source: CDC Clear Communication Index, score sheet and user guide; pass mark of 90 as in its guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

import yaml
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, ValidationError

from hematon.portal.learn.pages import CONTENT, Page, pages
from hematon.portal.learn.problems import Make, Problem, maker
from hematon.portal.learn.readability import measure
from hematon.portal.learn.wording import CARE, LINK, plain_text

PASS = 90
ITEMS = 20
LEAD_SENTENCES = 3
Answer = Literal["met", "missed", "not_applicable"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One of the 20 items.

    Attributes:
        part: of the index; A applies to every page.
        text: what is asked.
        rule: decides it from the text; answered by hand without one.
        applies: what a page must hold for the item to count.
    """

    part: Literal["A", "B", "C", "D"]
    text: str
    rule: (
        Literal["lead", "figure", "action", "list", "headings", "care", "no_percentage", "no_math"]
        | None
    ) = None
    applies: Literal["care", "number", "chance"] | None = None


class Answers(_Strict):
    """Answers of one reader on one day.

    Attributes:
        by: who answered.
        scored: when.
        read: for a group, the pages that were read for it.
        answers: by item.
        because: for a page, why it differs from its group.
    """

    by: str
    scored: date
    read: tuple[str, ...] = ()
    answers: dict[str, Answer]
    because: str = ""


class Sheet(_Strict):
    """The file."""

    items: dict[str, Item]
    groups: dict[str, Answers]
    pages: dict[str, Answers] = {}


@lru_cache(maxsize=1)
def sheet() -> Sheet:
    """Read the file.

    Raises:
        ImproperlyConfigured: it is wrong; the message names the place.
    """
    file = CONTENT / "clear_communication.yaml"
    try:
        return Sheet.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error


def _lead(page: Page) -> Answer:
    said = len(measure(page.facts.lead, page.language).sentences)
    return "met" if 1 <= said <= LEAD_SENTENCES else "missed"


def _has(found: object) -> Answer:
    return "met" if found else "missed"


def _prose(page: Page) -> str:
    return plain_text(page.text)


_HOLDS: Mapping[str, Callable[[Page], object]] = {
    "care": lambda page: CARE.search(page.text),
    "number": lambda page: re.search(r"\d", _prose(page)),
    "chance": lambda page: re.search(r"\d+ (?:in|out of|of|de cada|de) \d+", _prose(page)),
}
_RULES: Mapping[str, Callable[[Page], Answer]] = {
    "lead": _lead,
    "figure": lambda page: _has([1 for _, kind, _ in LINK.findall(page.text) if kind == "figure"]),
    # Pages about a condition end with a way to ask us; others must say it themselves.
    "action": lambda page: _has(page.facts.group != "site" or LINK.search(page.text)),
    "list": lambda page: _has(re.search(r"^\s*(?:[-*]|\d+\.) ", page.text, re.M)),
    "headings": lambda page: _has(len(re.findall(r"^## ", page.text, re.M)) > 1),
    "care": lambda page: _has(CARE.search(page.text)),
    "no_percentage": lambda page: _has(not re.search(r"\d\s?%", _prose(page))),
    "no_math": lambda page: _has(not re.search(r"\d\s?[:/x×]\s?\d", _prose(page))),
}


def answers(page: Page) -> dict[str, Answer | None]:
    """Give every item's answer; None where nobody has answered.

    What a page does not hold cannot count for or against it: numbers on a page without any.
    """
    of = sheet()
    by_hand = {
        **_given(of.groups.get(page.facts.group)),
        **_given(of.pages.get(page.slug)),
    }
    found: dict[str, Answer | None] = {}
    for key, item in of.items.items():
        if item.applies and not _HOLDS[item.applies](page):
            found[key] = "not_applicable"
        else:
            found[key] = _RULES[item.rule](page) if item.rule else by_hand.get(key)
    if found.get("one_main_message") == "missed":
        # The index's own rule: without a main message, nothing about it counts.
        found |= {"message_first": "missed", "message_stands_out": "missed", "visual": "missed"}
    return found


def _given(of: Answers | None) -> dict[str, Answer]:
    return dict(of.answers) if of else {}


def score(page: Page) -> float:
    """Give the points of 100 among the items that apply; what is not answered counts as missed."""
    counted = [answer for answer in answers(page).values() if answer != "not_applicable"]
    return 100 * counted.count("met") / max(len(counted), 1)


def was_read(page: Page) -> bool:
    """Say whether somebody read this very page for its score, and not others of its group."""
    of = sheet()
    group = of.groups.get(page.facts.group)
    return page.slug in of.pages or (group is not None and page.slug in group.read)


def problems() -> Iterator[Problem]:
    """Check the sheet and every page's score."""
    of, make = sheet(), maker("clear_communication.yaml")
    if len(of.items) != ITEMS:
        yield make(1, f"{len(of.items)} items, the index has {ITEMS}")
    for name, given in (*of.groups.items(), *of.pages.items()):
        for key, answer in given.answers.items():
            item = of.items.get(key)
            if item is None:
                yield make(1, f"{name}: there is no item {key}")
            elif item.rule:
                yield make(1, f"{name}: {key} is decided by the text; take it out")
            elif item.part == "A" and answer == "not_applicable":
                yield make(1, f"{name}: {key} applies to every page: say met or missed")
    slugs = {slug for _, slug in pages()}
    for slug, given in of.pages.items():
        if slug not in slugs:
            yield make(1, f"there is no page {slug}")
        if not given.because:
            yield make(1, f"{slug}: say why its answers differ (because)")
    for page in pages().values():
        yield from of_page(page, maker(f"{page.language}/{page.slug}"))


def of_page(page: Page, make: Make) -> Iterator[Problem]:
    """Check one page's sheet: complete, no older than the text, and good enough."""
    of = sheet()
    given = of.pages.get(page.slug) or of.groups.get(page.facts.group)
    if given is None:
        yield make(1, "no score sheet: add its group to clear_communication.yaml")
        return
    if given.scored < page.facts.written:
        yield make(1, f"scored on {given.scored}, before the text was last checked: score it again")
    found = answers(page)
    if missing := sorted(key for key, answer in found.items() if answer is None):
        yield make(1, f"score sheet incomplete: {', '.join(missing)}")
        return
    points = score(page)
    if points < PASS:
        lost = ", ".join(sorted(key for key, answer in found.items() if answer == "missed"))
        yield make(1, f"scores {points:.0f} of 100, at least {PASS}: {lost}")
