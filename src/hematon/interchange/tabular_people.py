"""Who a table's rows are about and how old the child was on each: sex, birth, dates and ages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hematon.engine.case import Sex
from hematon.interchange.intake import Intake
from hematon.interchange.tabular_cells import Conventions, parse_age, parse_date
from hematon.interchange.tabular_headers import Layout

Row = tuple[int, list[str]]
"""A row's number as a spreadsheet shows it, and its cells."""
_SEXES: dict[str, Sex | None] = {
    **dict.fromkeys(("m", "male", "boy", "man", "masculino", "mâle"), "male"),
    **dict.fromkeys(("f", "female", "girl", "woman", "femenino", "femelle"), "female"),
    **dict.fromkeys(("u", "unknown", "other", "o", "x", "n/a", "na", "-", "?", "unk"), None),
}


@dataclass(slots=True)
class Sheet:
    """What all rows of a table share.

    Attributes:
        layout: what the columns hold.
        conventions: how the file writes numbers and dates.
        finding_names: names and ids of findings.
    """

    layout: Layout
    conventions: Conventions
    finding_names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns dates of one child into ages.

    Attributes:
        intake: takes the issues, and knows today.
        conventions: how the file writes dates.
        birth: date of birth, stated or worked out from an age on a dated row; None when unknown.
    """

    intake: Intake
    conventions: Conventions
    birth: date | None

    def age_on(self, cell: str, where: str) -> int | None:
        """Give the age on the day a cell means; an unreadable or impossible day is noted."""
        day = read_day(self.intake, self.conventions, cell, where)
        if day is None or self.birth is None:
            return None
        age = (day - self.birth).days
        if age < 0:
            self.intake.error(
                "date-before-birth",
                where,
                "the date lies before the birth",
                "correct the date, the date of birth or the age",
            )
            return None
        return self.intake.check_age(age, where)


def read_person(
    intake: Intake, sheet: Sheet, rows: Sequence[Row]
) -> tuple[Clock, list[int | None]]:
    """Take sex, birth and age of a child; give the clock, and the age on each row."""
    intake.sex = _sex(intake, sheet, rows)
    intake.birth_date = _birth(intake, sheet, rows) or intake.birth_date
    stated = _stated_ages(intake, sheet, rows)
    birth = intake.birth_date or _implied_birth(intake, sheet, rows, stated)
    clock = Clock(intake, sheet.conventions, birth)
    ages = list(stated)
    at = sheet.layout.first("date")
    if at is not None:
        for i, (number, cells) in enumerate(rows):
            if cells[at]:
                age = clock.age_on(cells[at], f"row {number}, {sheet.layout.labels[at]}")
                ages[i] = stated[i] if birth is None else age
    intake.age_days = max((age for age in ages if age is not None), default=None)
    return clock, ages


def read_day(intake: Intake, conventions: Conventions, cell: str, where: str) -> date | None:
    """Give the day a cell means; note one that cannot be read or lies in the future."""
    day = parse_date(cell, conventions)
    if isinstance(day, date):
        if intake.today is None or day <= intake.today:
            return day
        intake.error("date-in-future", where, "the date lies in the future", "correct the date")
    elif day == "ambiguous":
        intake.error("date-invalid", where, "day and month cannot be told apart", "use YYYY-MM-DD")
    else:
        intake.error("date-invalid", where, "the date cannot be read", "use YYYY-MM-DD")
    return None


def _cells(sheet: Sheet, role: str, rows: Sequence[Row]) -> dict[str, str]:
    """Give each different cell of a column with the first place it stands at."""
    at = sheet.layout.first(role)
    found: dict[str, str] = {}
    if at is not None:
        for number, cells in rows:
            if cells[at]:
                found.setdefault(cells[at], f"row {number}, {sheet.layout.labels[at]}")
    return found


def _sex(intake: Intake, sheet: Sheet, rows: Sequence[Row]) -> Sex | None:
    stated: set[Sex] = set()
    for cell, where in _cells(sheet, "sex", rows).items():
        word = cell.lower()
        if word not in _SEXES:
            intake.warn(
                "sex-unknown", where, "the word for the sex is not known", "write male or female"
            )
        elif (sex := _SEXES[word]) is not None:
            stated.add(sex)
    if len(stated) > 1:
        _note_mixed(intake, "two sexes")
        return None
    return stated.pop() if stated else None


def _birth(intake: Intake, sheet: Sheet, rows: Sequence[Row]) -> date | None:
    found = _cells(sheet, "birth", rows).items()
    days = {read_day(intake, sheet.conventions, cell, where) for cell, where in found} - {None}
    if len(days) > 1:
        _note_mixed(intake, "two dates of birth")
        return None
    return days.pop() if days else None


def _note_mixed(intake: Intake, what: str) -> None:
    intake.error(
        "mixed-patients",
        "document",
        f"the rows of one patient state {what}; neither is used",
        "correct them, or add a patient column",
    )


def _stated_ages(intake: Intake, sheet: Sheet, rows: Sequence[Row]) -> list[int | None]:
    layout = sheet.layout
    at = layout.first("age")
    if at is None:
        return [None] * len(rows)
    ages: list[int | None] = []
    for number, cells in rows:
        age = parse_age(cells[at], layout.age_unit or "years") if cells[at] else None
        where = f"row {number}, {layout.labels[at]}"
        if cells[at] and age is None:
            intake.error(
                "age-unknown",
                where,
                "the age cannot be read",
                "write a number of days, months or years and name the unit in the heading",
            )
        ages.append(intake.check_age(age, where))
    bare = any(cells[at][-1:].isdigit() for _, cells in rows)
    if bare and not layout.age_unit:
        intake.warn(
            "age-unknown",
            layout.labels[at],
            "the age has no unit; years are assumed",
            "write the unit in the heading, for example age (months)",
        )
    return ages


def _implied_birth(
    intake: Intake, sheet: Sheet, rows: Sequence[Row], ages: Sequence[int | None]
) -> date | None:
    """Work the birth out from the row with the latest date that has an age as well."""
    at = sheet.layout.first("date")
    dated = []
    for (_, cells), age in zip(rows, ages, strict=True):
        day = parse_date(cells[at], sheet.conventions) if at is not None else None
        if isinstance(day, date) and age is not None:
            dated.append((day, age))
    if not dated:
        return None
    day, age = max(dated)
    return day - timedelta(days=age)
