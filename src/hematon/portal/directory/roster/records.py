"""One expert of a roster, checked: whatever the format, the same rules and the same words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from hematon.portal.directory.npi import is_npi
from hematon.portal.directory.vocabulary import credentials, vocabulary

RESERVED = frozenset({"ratings", "program", "review"})
"""Addresses of other pages, so no expert's."""
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_ITEMS = 20


@dataclass(frozen=True)
class Problem:
    """Why a roster cannot be loaded, and where.

    Attributes:
        row: line of a CSV file, or number of the entry in a Bundle; 0 for the file as a whole.
        column: of the file, or element of the resource.
        message: what is wrong; never what the cell holds.
        fix: what to do.
    """

    row: int
    column: str
    message: str
    fix: str


@dataclass(frozen=True)
class ExpertRecord:
    """One expert as a file gives it."""

    id: str
    given_names: str
    family_name: str
    credentials: tuple[str, ...]
    role: str
    specialties: tuple[str, ...]
    conditions: tuple[str, ...]
    languages: tuple[str, ...]
    locations: tuple[str, ...]
    states: tuple[tuple[str, date], ...]
    pronouns: str
    education: tuple[str, ...]
    npi: str
    telehealth: bool
    accepting_new: bool
    active: bool
    active_from: date
    active_to: date | None


COLUMNS = tuple(f.name for f in fields(ExpertRecord))
LISTS = frozenset(
    {
        "credentials",
        "specialties",
        "conditions",
        "languages",
        "locations",
        "states",
        "education",
    }
)
Raw = Mapping[str, str | Sequence[str]]
"""Column to its text, or to its texts for a list; a state is CO:2027-05-31."""
Licenses = frozenset[tuple[str, str, date]]
"""(id, state, expiry) that the directory holds."""


@dataclass
class _Reader:
    row: int
    raw: Raw
    place: Callable[[str], str]
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, column: str, message: str, fix: str) -> None:
        self.problems.append(Problem(self.row, self.place(column), message, fix))

    def text(self, column: str, most: int, *, needed: bool = False) -> str:
        value = self.raw.get(column, "")
        text = _clean(value if isinstance(value, str) else "")
        if needed and not text:
            self.wrong(column, "is empty", "Fill it in.")
        self._check_text(column, text, most)
        return text

    def texts(self, column: str, most: int = 120, *, needed: bool = False) -> tuple[str, ...]:
        value = self.raw.get(column, ())
        given = [value] if isinstance(value, str) else value
        found = list(dict.fromkeys(text for item in given if (text := _clean(item))))
        if needed and not found:
            self.wrong(column, "is empty", "Give at least one.")
        if len(found) > MOST_ITEMS:
            self.wrong(column, f"has more than {MOST_ITEMS} items", "Keep the important ones.")
        for text in found:
            self._check_text(column, text, most)
        return tuple(found)

    def _check_text(self, column: str, text: str, most: int) -> None:
        if len(text) > most:
            self.wrong(column, f"is longer than {most} characters", "Shorten it.")
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} for letter in text):
            self.wrong(column, "holds a character that cannot be seen", "Type the cell anew.")
        if ";" in text:
            self.wrong(column, "holds a semicolon", "Use a comma; a semicolon parts list items.")

    def codes(
        self, column: str, known: Mapping[str, object], *, needed: bool = False
    ) -> tuple[str, ...]:
        found = self.texts(column, needed=needed)
        if any(code not in known for code in found):
            self.wrong(column, "holds a code that is not known", f"Use: {', '.join(known)}.")
        return found

    def code(self, column: str, known: Mapping[str, object], *, needed: bool = False) -> str:
        found = self.text(column, 60, needed=needed)
        if found and found not in known:
            self.wrong(column, "is not a known code", f"Use one of: {', '.join(known)}.")
        return found

    def yes(self, column: str) -> bool:
        found = self.text(column, 10, needed=True).lower()
        if found and found not in {"yes", "no"}:
            self.wrong(column, "is neither yes nor no", "Write yes or no.")
        return found == "yes"

    def day(self, column: str, *, needed: bool = False) -> date | None:
        found = self.text(column, 20, needed=needed)
        if not found:
            return None
        parsed = _date(found)
        if parsed is None:
            self.wrong(column, "is not a date", "Write it as 2027-05-31.")
        return parsed


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def read_record(
    raw: Raw, row: int, place: Callable[[str], str], known: Licenses, today: date
) -> tuple[ExpertRecord | None, list[Problem]]:
    """Check one expert; gives every problem, not the first.

    Args:
        raw: what the file says.
        row: its line or entry.
        place: column to how the file calls it.
        known: licenses in the directory; an expired one may stay in a file, not come with it.
        today: licenses that expired before it are refused.
    """
    words, reader = vocabulary(), _Reader(row, raw, place)
    slug = reader.text("id", 60, needed=True)
    if slug and not _ID.fullmatch(slug):
        reader.wrong("id", "is not an id", "Use small letters, digits and single hyphens.")
    if slug in RESERVED:
        reader.wrong("id", "is the address of another page", "Use another id.")
    npi = reader.text("npi", 20)
    if npi and not is_npi(npi):
        reader.wrong("npi", "has a wrong check digit or length", "Compare all 10 digits.")
    active_from, active_to = reader.day("active_from", needed=True), reader.day("active_to")
    if active_from and active_to and active_to < active_from:
        reader.wrong("active_to", "comes before active_from", "Correct one of the two dates.")
    record = ExpertRecord(
        id=slug,
        given_names=reader.text("given_names", 100, needed=True),
        family_name=reader.text("family_name", 100, needed=True),
        credentials=reader.codes("credentials", credentials()),
        role=reader.code("role", words.roles, needed=True),
        specialties=reader.codes("specialties", words.specialties),
        conditions=reader.codes("conditions", words.conditions),
        languages=reader.codes("languages", words.languages, needed=True),
        locations=reader.texts("locations"),
        states=_states(reader, slug, known, today),
        pronouns=reader.code("pronouns", words.pronouns),
        education=reader.texts("education", 160),
        npi=npi,
        telehealth=reader.yes("telehealth"),
        accepting_new=reader.yes("accepting_new"),
        active=reader.yes("active"),
        active_from=active_from or today,
        active_to=active_to,
    )
    return (None if reader.problems else record), reader.problems


def _states(
    reader: _Reader, slug: str, known: Licenses, today: date
) -> tuple[tuple[str, date], ...]:
    found: dict[str, date] = {}
    for item in reader.texts("states", 20):
        state, _, written = item.partition(":")
        expires = _date(written)
        if state not in vocabulary().states or expires is None:
            reader.wrong(
                "states", "is not a state with its expiry", "Write CO:2027-05-31; UT:2027-01-31."
            )
        elif state in found:
            reader.wrong("states", f"names {state} twice", "Keep the license that ends later.")
        elif expires < today and (slug, state, expires) not in known:
            reader.wrong(
                "states", f"has a license of {state} that has expired", "Renew it or leave it out."
            )
        else:
            found[state] = expires
    return tuple(sorted(found.items()))


def repeated(
    records: Sequence[tuple[int, ExpertRecord]], place: Callable[[str], str]
) -> list[Problem]:
    """Find ids and NPIs that stand twice in a file."""
    problems = []
    for column in ("id", "npi"):
        first: dict[str, int] = {}
        for row, record in records:
            value = getattr(record, column)
            if value and value in first:
                problems.append(
                    Problem(
                        row,
                        place(column),
                        f"is the same as in row {first[value]}",
                        "Each person has one row, one id and one NPI.",
                    )
                )
            first.setdefault(value, row)
    return problems
