"""Read a phenopacket TimeElement as an age in completed days.

The standard offers seven ways to say when. Ages are ISO 8601 durations, with a year of 365.25 and
a month of 30.4375 days, rounded down to completed days. A range or an interval keeps both ends.
Time stamps need the date of birth; without it the time stays unknown and one issue says so. HPO
onset classes are broad: each is read as the middle of the interval that HPO gives it, good enough
for the age at which a child fell ill and for nothing else.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from hematon.interchange.node import Node

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = 30.4375
ONSET_CLASS_DAYS: dict[str, int] = {
    # Before birth: there is no count before birth, so the day of birth stands for it.
    "HP:0030674": 0,  # antenatal
    "HP:0011460": 0,  # embryonal
    "HP:0011461": 0,  # fetal
    "HP:0034199": 0,  # late first trimester
    "HP:0034198": 0,  # second trimester
    "HP:0034197": 0,  # third trimester
    "HP:0003577": 0,  # congenital: at birth
    "HP:0003623": 14,  # neonatal: first 28 days
    "HP:0003593": 183,  # infantile: 28 days to 1 year; half a year
    "HP:0011463": 1096,  # childhood: 1 to 5 years
    "HP:0003621": 3652,  # juvenile: 5 to 15 years
    "HP:0410280": 2739,  # pediatric: before 15 years, as children's onset classes together
    # Adults are out of scope; an age keeps them out of the priors of children.
    "HP:0003581": 10957,  # adult: from 16 years; 30 years by convention
    "HP:0011462": 10227,  # young adult: 16 to 40 years
    "HP:0025708": 6392,  # early young adult: 16 to 19 years
    "HP:0025709": 8583,  # intermediate young adult: 19 to 28 years
    "HP:0025710": 12419,  # late young adult: 28 to 40 years
    "HP:0003596": 18262,  # middle age: 40 to 60 years
    "HP:0003584": 25567,  # late: after 60 years; 70 by convention
}
TIME_UNKNOWN = "NCIT:C17998"
"""NCI Thesaurus `Unknown`: the sender says that the time is not known."""
_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<Y>\d{1,4}(?:[.,]\d{1,6})?)Y)?(?:(?P<M>\d{1,5}(?:[.,]\d{1,6})?)M)?"
    r"(?:(?P<W>\d{1,5}(?:[.,]\d{1,6})?)W)?(?:(?P<D>\d{1,6}(?:[.,]\d{1,6})?)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d{1,7}(?:[.,]\d{1,6})?)H)?(?:\d{1,9}(?:[.,]\d{1,6})?M)?"
    r"(?:\d{1,9}(?:[.,]\d{1,9})?S)?)?",
    re.ASCII,
)
_PART_DAYS = {"Y": DAYS_PER_YEAR, "M": DAYS_PER_MONTH, "W": 7.0, "D": 1.0, "h": 1 / 24}


class Span(NamedTuple):
    """From when to when, in completed days of age; a single moment has no end."""

    start: int | None
    end: int | None

    @property
    def middle(self) -> int | None:
        """The one age to use for it."""
        if self.start is None or self.end is None:
            return self.end if self.start is None else self.start
        return (self.start + self.end) // 2


NEVER = Span(None, None)


def read_time(element: Node) -> Span:
    """Give the ages a TimeElement means; `NEVER` when it is absent or cannot be read."""
    if age := element.object("age"):
        return Span(_duration(age), None)
    if ages := element.object("ageRange"):
        return Span(_duration(ages.object("start")), _duration(ages.object("end")))
    if element.text("timestamp"):
        return Span(_age_at(element, "timestamp"), None)
    if interval := element.object("interval"):
        return read_interval(interval)
    if term := element.object("ontologyClass"):
        return Span(_onset_class(term), None)
    # Before birth there is no age in days since birth: the day of birth stands for it.
    return Span(0, None) if element.object("gestationalAge") else NEVER


def duration_days(text: str) -> int | None:
    """Give an ISO 8601 duration in completed days; None when it is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict().items()
    return int(sum(float(n.replace(",", ".")) * _PART_DAYS[part] for part, n in parts if n))


def read_interval(interval: Node) -> Span:
    """Give the ages a TimeInterval (two time stamps) means."""
    return Span(_age_at(interval, "start"), _age_at(interval, "end"))


def read_date(node: Node, name: str) -> date | None:
    """Give the day of a time stamp; None when it is absent or cannot be read."""
    text = node.text(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        node.intake.error(
            "date-invalid",
            node.at(name),
            "the time stamp cannot be read",
            "write YYYY-MM-DDThh:mm:ssZ",
        )
        return None


def _age_at(node: Node, name: str) -> int | None:
    day = read_date(node, name)
    if day is not None and node.intake.birth_date is None:
        _note_undated(node)
    return node.intake.check_age(node.intake.age_at(day, node.at(name)), node.at(name))


def _note_undated(node: Node) -> None:
    message = "dates cannot become ages without subject.dateOfBirth"
    if not any(issue.message == message for issue in node.intake.issues):
        node.intake.warn("age-unknown", node.where, message, "give the date of birth, or ages")


def _duration(node: Node) -> int | None:
    if not node:
        return None
    where = node.at("iso8601duration")
    days = duration_days(node.text("iso8601duration"))
    if days is None:
        node.intake.error(
            "date-invalid", where, "the age is not an ISO 8601 duration", "write P3Y2M, P5W or P12D"
        )
    return node.intake.check_age(days, where)


def _onset_class(term: Node) -> int | None:
    code = term.text("id")
    if code not in ONSET_CLASS_DAYS and code != TIME_UNKNOWN:
        term.intake.warn(
            "code-unknown",
            term.at("id"),
            "the term is not an HPO class of onset",
            "use an age, or a term beneath HP:0003674",
        )
    return ONSET_CLASS_DAYS.get(code)
