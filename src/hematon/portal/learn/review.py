"""What the editors have to do: each page with its dates, languages, reading and problems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.urls import reverse
from django.utils import translation

from hematon.portal.learn import gates, score_sheet
from hematon.portal.learn.pages import LANGUAGES, Page, cards, pages
from hematon.portal.learn.problems import Problem
from hematon.portal.learn.readability import grade, inflesz
from hematon.portal.learn.wording import measured

SOON_DAYS = 30


@dataclass(frozen=True)
class Version:
    """A page in one language."""

    language: str
    title: str
    address: str
    words: int
    reading: str
    points: int


@dataclass(frozen=True)
class Row:
    """A page in all its languages.

    Attributes:
        slug: its address.
        title: in the first language it is in.
        group: where it is listed.
        written: when its text was last checked against its sources.
        reviewed: when a clinician signed it off.
        reviewer: by what role.
        next_review: when it is due; the earliest of its languages.
        days_left: until then; negative when past.
        versions: one for each language it is in.
        missing: languages it is not in.
        problems: what the gates say, in words.
        read: whether its points come from reading it, not from its group alone.
    """

    slug: str
    title: str
    group: str
    written: date
    reviewed: date | None
    reviewer: str | None
    next_review: date
    days_left: int
    versions: tuple[Version, ...]
    missing: tuple[str, ...]
    problems: tuple[Problem, ...]
    read: bool

    @property
    def urgency(self) -> str:
        """Give `now` when it is wrong or past its review, `soon`, or empty."""
        if self.days_left < 0 or self.missing or self.problems:
            return "now"
        return "soon" if self.days_left <= SOON_DAYS else ""

    @property
    def days_past(self) -> int:
        """Days since the review was due."""
        return -self.days_left


@dataclass(frozen=True)
class Queue:
    """Every page, most urgent first, and what does not belong to one page.

    Attributes:
        rows: the pages.
        shared: problems of words, cards and the score sheet.
        unsigned: care cards that no clinician has signed.
        card_count: how many care cards there are.
    """

    rows: tuple[Row, ...]
    shared: tuple[Problem, ...]
    unsigned: int
    card_count: int

    @property
    def counters(self) -> list[tuple[str, int, bool]]:
        """Give (what, how many, whether any is wrong) for the head of the page."""
        rows = self.rows
        return [
            ("Pages", len(rows), False),
            ("Past review", sum(row.days_left < 0 for row in rows), True),
            (
                f"Due in {SOON_DAYS} days",
                sum(0 <= row.days_left <= SOON_DAYS for row in rows),
                False,
            ),
            ("Lacking a language", sum(bool(row.missing) for row in rows), True),
            ("With problems", sum(bool(row.problems) for row in rows), True),
            ("Not reviewed by a clinician", sum(row.reviewed is None for row in rows), True),
            ("Points from the group alone", sum(not row.read for row in rows), False),
            (f"Care cards not signed, of {self.card_count}", self.unsigned, True),
        ]


@lru_cache(maxsize=2)
def queue(today: date) -> Queue:
    """Look at every page; pages are files that change with a release, so once a day is enough.

    Args:
        today: in the programme's time zone.
    """
    found = gates.problems(today)
    of_pages = {f"{language}/{slug}" for slug in _slugs() for language in LANGUAGES}
    rows = [_row(slug, found, today) for slug in _slugs()]
    rows.sort(
        key=lambda row: (
            row.days_left >= 0,
            not row.missing,
            not row.problems,
            row.days_left,
            row.title,
        )
    )
    return Queue(
        rows=tuple(rows),
        shared=tuple(problem for problem in found if problem.page not in of_pages),
        unsigned=sum(card.signed_by is None for card in cards().values()),
        card_count=len(cards()),
    )


def _slugs() -> list[str]:
    return sorted({slug for _, slug in pages()})


def _row(slug: str, found: list[Problem], today: date) -> Row:
    here = [pages()[language, slug] for language in LANGUAGES if (language, slug) in pages()]
    facts = here[0].facts
    due = min(page.facts.next_review for page in here)
    names = {f"{language}/{slug}" for language in LANGUAGES}
    return Row(
        slug=slug,
        title=facts.title,
        group=facts.group,
        written=min(page.facts.written for page in here),
        reviewed=facts.reviewed,
        reviewer=facts.reviewer,
        next_review=due,
        days_left=(due - today).days,
        versions=tuple(_version(page) for page in here),
        missing=tuple(code for code in LANGUAGES if (code, slug) not in pages()),
        problems=tuple(problem for problem in found if problem.page in names),
        read=score_sheet.was_read(here[0]),
    )


def _version(page: Page) -> Version:
    counts = measured(page)
    with translation.override(page.language):
        address = reverse("page", kwargs={"slug": page.slug})
    return Version(
        language=page.language,
        title=page.facts.title,
        address=address,
        words=counts.words,
        reading=(
            f"grade {grade(counts):.1f}"
            if page.language == "en"
            else f"INFLESZ {inflesz(counts):.0f}"
        ),
        points=round(score_sheet.score(page)),
    )
