"""One patient's record while FHIR resources are read into it.

Decides how odd JSON is met (the field counts as absent and an issue says where), how a date or an
age becomes an age in completed days, and what is said once instead of a hundred thousand times.
Decides nothing about what a resource means: the readers by type do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import NamedTuple

from hematon.engine.case import Case
from hematon.errors import Issue, Level, Reading
from hematon.interchange.fhir_codes import DAYS_PER_UNIT, RESULT_STATUS, WITHDRAWN_STATUS, Json
from hematon.interchange.intake import Intake
from hematon.knowledge import Knowledge

SAME_ISSUES_KEPT = 20
"""Of issues with one code and message, as many are kept one by one; the rest are counted."""
MOST_TALLIES = 1_000
"""However many different codes a document holds, no more are told apart."""
LONGEST_NUMBER = 40
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[Tt ].*)?)?)?", re.ASCII | re.DOTALL)
_MID_YEAR, _MID_MONTH = (7, 1), 15

Shortcut = tuple[str, float, float, str | None]
"""Analyte, lowest and highest plausible value, and the unit to convert from; None if the same."""


class Temperature(NamedTuple):
    """A body temperature; judged when the whole record is read."""

    celsius: float
    age_days: int | None
    where: str


class Relative(NamedTuple):
    """A finding that a sibling has; used when the patient is stated to have it too."""

    findings: frozenset[str]
    where: str


class Record:
    """The intake of one patient, with times and tallies.

    Args:
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None when the caller has no clock.
        shortcuts: from codings and unit to what plain results need; shared between records.
        find: gives the resource a reference names, None when the documents do not hold it.
    """

    __slots__ = (
        "_tallies",
        "ages",
        "find",
        "intake",
        "knowledge",
        "shortcuts",
        "siblings",
        "temperatures",
    )

    def __init__(
        self,
        knowledge: Knowledge,
        today: date | None,
        shortcuts: dict[object, Shortcut],
        find: Callable[[str], Json | None],
    ) -> None:
        self.knowledge = knowledge
        self.intake = Intake(knowledge, "fhir", today)
        self.shortcuts = shortcuts
        self.find = find
        self.ages: dict[str, int] = {}
        self.temperatures: list[Temperature] = []
        self.siblings: list[Relative] = []
        self._tallies: dict[object, tuple[Level, str, str, str, str, list[int]]] = {}

    # --- what is said once -------------------------------------------------------------------

    def tally(
        self,
        code: str,
        where: str,
        message: str,
        fix: str = "",
        *,
        about: object = None,
        level: Level = "warning",
    ) -> None:
        """Note something that may come many times: one issue, at its first place, with a count.

        Args:
            code: issue code.
            where: this place.
            message: what is wrong, the same each time.
            fix: what the sender can do.
            about: what is counted apart from others with the same message; never shown.
            level: as in `Issue`.
        """
        key = (code, message, about)
        if key not in self._tallies and len(self._tallies) >= MOST_TALLIES:
            message, fix = "further issues of this kind are counted, not listed", ""
            key = (code, message, None)
        if key in self._tallies:
            self._tallies[key][5][0] += 1
        else:
            self._tallies[key] = (level, code, where, message, fix, [1])

    def stands(self, resource: Json, where: str) -> bool:
        """Say whether the status of a result lets its content stand; notes when it does not."""
        status = resource.get("status")
        if isinstance(status, str) and status in RESULT_STATUS:
            return True
        kind = resource["resourceType"]
        if isinstance(status, str) and status in WITHDRAWN_STATUS:
            self.tally(
                "status-not-final",
                f"{where}/status",
                f"{kind} with status {status}: its content is dropped",
            )
            return False
        code = "missing-field" if status is None else "wrong-type"
        self.tally(
            code,
            f"{where}/status",
            f"{kind} without a status of FHIR R4: its content is taken as final",
            "send final, amended, cancelled, ...",
        )
        return True

    # --- fields of whatever type -------------------------------------------------------------

    def an_object(self, parent: Json, name: str, where: str) -> Json | None:
        """Give a field that is an object, None when absent or of another type."""
        found = parent.get(name)
        if found is None or isinstance(found, dict):
            return found
        self.wrong_type(f"{where}/{name}", "an object")
        return None

    def objects(self, parent: Json, name: str, where: str) -> Iterator[tuple[str, Json]]:
        """Give the objects of a field that is a list of objects, each with its place."""
        found = parent.get(name)
        if found is None:
            return
        if not isinstance(found, list):
            self.wrong_type(f"{where}/{name}", "a list")
            return
        for i, item in enumerate(found):
            if isinstance(item, dict):
                yield f"{where}/{name}/{i}", item
            elif item is not None:
                self.wrong_type(f"{where}/{name}/{i}", "an object")

    def text(self, parent: Json, name: str, where: str) -> str:
        """Give a field that is a string, empty when absent or of another type."""
        found = parent.get(name)
        if isinstance(found, str):
            return found
        if found is not None:
            self.wrong_type(f"{where}/{name}", "a string")
        return ""

    def wrong_type(self, where: str, wanted: str) -> None:
        """Note a field that had to be left out because it has another JSON type."""
        self.intake.error(
            "wrong-type", where, f"the field is not {wanted}", "see the type in FHIR R4"
        )

    def number(self, parent: Json, name: str, where: str) -> float | None:
        """Give a field that is a number; a number sent as text is taken, and noted."""
        found = parent.get(name)
        if found is None:
            return None
        if type(found) is float or type(found) is int:
            return float(found)
        text = found.strip() if isinstance(found, str) and len(found) <= LONGEST_NUMBER else ""
        if _NUMBER.fullmatch(text):
            self.intake.warn(
                "wrong-type", f"{where}/{name}", "a number is sent as text", "send a JSON number"
            )
            return float(text)
        self.intake.error(
            "value-not-number", f"{where}/{name}", "the field is not a number", "send a JSON number"
        )
        return None

    # --- time --------------------------------------------------------------------------------

    def day(self, text: str, where: str, middle_of: str = "date") -> date | None:
        """Read a FHIR date or dateTime; of a year or a month, the middle is taken and noted."""
        match = _DAY.fullmatch(text)
        if match is not None:
            year, month, day = match.groups()
            try:
                if day is not None:
                    return date(int(year), int(month), int(day))
                middle = (int(month), _MID_MONTH) if month is not None else _MID_YEAR
                whole = date(int(year), *middle)
            except ValueError:
                pass
            else:
                self.tally(
                    "date-invalid",
                    where,
                    f"the {middle_of} has no day; the middle of its month or year is used",
                    "send the full date",
                )
                return whole
        self.intake.error(
            "date-invalid", where, f"the {middle_of} cannot be read", "send YYYY-MM-DD"
        )
        return None

    def age_on(self, text: object, where: str) -> int | None:
        """Give the age in completed days on a date, None when that cannot be worked out."""
        if not isinstance(text, str):
            self.wrong_type(where, "a string")
            return None
        age = self.ages.get(text)
        if age is None:
            day = self.day(text, where)
            age = self.intake.check_age(self.intake.age_at(day, where), where)
            if age is not None:
                self.ages[text] = age
        return age

    def days(self, quantity: Json, where: str) -> int | None:
        """Give an Age or a Duration in completed days."""
        value = self.number(quantity, "value", where)
        if value is None:
            return None
        unit = quantity.get("code") or quantity.get("unit")
        factor = DAYS_PER_UNIT.get(unit.strip().lower()) if isinstance(unit, str) else None
        if factor is None:
            self.intake.error(
                "unit-unknown",
                where,
                "the unit of the age is not known",
                "send a UCUM unit of time: d, wk, mo or a",
            )
            return None
        scaled = value * factor
        return self.intake.check_age(int(scaled) if -1e9 < scaled < 1e9 else -1, where)

    def span(
        self, parent: Json, stem: str, where: str, *also: str
    ) -> tuple[int | None, int | None]:
        """Give the ages at which a choice of types such as `onset[x]` starts and ends.

        Args:
            parent: the object with the field.
            stem: the name without its type, such as `onset`.
            where: place of the parent.
            also: names of date fields to use when none of the choices is there.

        Returns:
            Start and end in completed days of age; a single moment has no end.
        """
        for name in (f"{stem}DateTime", f"{stem}Instant"):
            if parent.get(name) is not None:
                return self.age_on(parent[name], f"{where}/{name}"), None
        name = f"{stem}Age"
        if (age := self.an_object(parent, name, where)) is not None:
            return self.days(age, f"{where}/{name}"), None
        for name, first, last, read in (
            (f"{stem}Period", "start", "end", self._end_on),
            (f"{stem}Range", "low", "high", self._end_days),
        ):
            if (both := self.an_object(parent, name, where)) is not None:
                at = f"{where}/{name}"
                return read(both, first, at), read(both, last, at)
        for name in also:
            if parent.get(name) is not None:
                return self.age_on(parent[name], f"{where}/{name}"), None
        return None, None

    def _end_on(self, period: Json, name: str, where: str) -> int | None:
        found = period.get(name)
        return None if found is None else self.age_on(found, f"{where}/{name}")

    def _end_days(self, both: Json, name: str, where: str) -> int | None:
        end = self.an_object(both, name, where)
        return None if end is None else self.days(end, f"{where}/{name}")

    # --- the end -----------------------------------------------------------------------------

    def close(self) -> Reading[Case]:
        """Close the record: the case, and every issue, repeated ones counted."""
        intake = self.intake
        if not (
            intake.measurements
            or intake.findings
            or intake.treatments
            or intake.variants
            or intake.recorded_conditions
            or intake.excluded_conditions
        ):
            intake.error(
                "nothing-usable",
                "",
                "nothing here is about blood, findings or tests",
                "send Observations with LOINC codes, or Conditions with HPO codes",
            )
        elif intake.age_days is None and all(m.age_days is None for m in intake.measurements):
            # Undated content of a child whose birth date is known is taken to be of today.
            intake.age_days = intake.age_at(intake.today, "/birthDate")
        for level, code, where, message, fix, count in self._tallies.values():
            times = f" ({count[0]} times)" if count[0] > 1 else ""
            intake.issues.append(Issue(level, code, where, message + times, fix))
        reading = intake.reading()
        return Reading(reading.value, collapse(reading.issues))


def collapse(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Keep the first issues of each code and message, and count the others in one more."""
    kept: list[Issue] = []
    seen: dict[tuple[str, str], int] = {}
    first_left: dict[tuple[str, str], Issue] = {}
    for issue in issues:
        if not issue.where:
            issue = Issue(issue.level, issue.code, "document", issue.message, issue.fix)
        key = (issue.code, issue.message)
        seen[key] = count = seen.get(key, 0) + 1
        if count <= SAME_ISSUES_KEPT:
            kept.append(issue)
        elif count == SAME_ISSUES_KEPT + 1:
            first_left[key] = issue
    for key, left in first_left.items():
        more = seen[key] - SAME_ISSUES_KEPT
        kept.append(
            Issue(
                left.level,
                left.code,
                left.where,
                f"{left.message} (and {more} more like it)",
                left.fix,
            )
        )
    return tuple(kept)
