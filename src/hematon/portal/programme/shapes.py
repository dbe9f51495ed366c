"""What each kind of rule says. Every figure names where it comes from, in `sources`.

A source is a key of the clinical or portal references, or begins with `proposal:` when the figure
is ours and waits for the programme to agree.
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300)]
Years = Annotated[int, Field(ge=0, le=40)]
Days = Annotated[int, Field(ge=1, le=3660)]


class Strict(BaseModel):
    """Takes what is named and nothing else; cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rules(Strict):
    """A kind of rule whose every part has a source."""

    sources: dict[str, Words]

    @model_validator(mode="after")
    def _every_part_has_its_source(self) -> Self:
        parts = set(type(self).model_fields) - {"sources"}
        if missing := sorted(parts - set(self.sources)):
            raise ValueError(f"sources: {', '.join(missing)} must name where it comes from")
        if unknown := sorted(set(self.sources) - parts):
            raise ValueError(f"sources: {', '.join(unknown)} is no part of these rules")
        return self


# --- promises ------------------------------------------------------------------------------------


class RequestKind(StrEnum):
    """What can be promised an answer; the values of the cases' own kinds, and two more."""

    QUESTION = "question"
    SECOND_OPINION = "second_opinion"
    START = "start"
    LEARN_MORE = "learn_more"
    REFERRAL = "referral"
    CALL = "call"
    MESSAGE = "message"
    ACCESS = "access"


class Pause(StrEnum):
    """What may stop a clock. Both times are kept, with the pause and without."""

    WAITING_FOR_FAMILY = "waiting_for_family"
    WAITING_FOR_RECORDS = "waiting_for_records"


class Span(Strict):
    """A time in the office's hours: so many business hours, or so many business days."""

    business_hours: Annotated[int, Field(ge=1, le=80)] | None = None
    business_days: Annotated[int, Field(ge=1, le=60)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.business_hours is None) == (self.business_days is None):
            raise ValueError("say business_hours or business_days, one of them")
        return self

    def __str__(self) -> str:
        """Say it."""
        number, unit = (
            (self.business_hours, "hour") if self.business_hours else (self.business_days, "day")
        )
        return f"{number} business {unit}{'' if number == 1 else 's'}"


class Promise(Strict):
    """What one kind of request is promised."""

    read_within: Span
    answer_within: Span
    pauses: tuple[Pause, ...] = ()


def _quoted(value: object) -> object:
    # YAML reads 15:00 as 900, which would be taken for a quarter past midnight.
    if not isinstance(value, str | time):
        raise ValueError('write the hour in quotes, such as "15:00"')
    return value


Hour = Annotated[time, BeforeValidator(_quoted)]


class Promises(Rules):
    """How soon a person reads and answers.

    Attributes:
        same_day: the hour by which a request of band B that came today is read today; what comes
            later counts as the next business day.
        bands: how soon a request of each band is read; the shorter of this and its kind's.
        kinds: each kind of request.
    """

    same_day: Hour
    bands: dict[Literal["A", "B", "C"], Span]
    kinds: dict[RequestKind, Promise]

    @model_validator(mode="after")
    def _nothing_is_left_out(self) -> Self:
        if missing := sorted({"A", "B", "C"} - set(self.bands)):
            raise ValueError(f"bands: {', '.join(missing)} is missing")
        if missing := sorted(set(RequestKind) - set(self.kinds)):
            raise ValueError(f"kinds: {', '.join(missing)} is missing")
        return self


class Calendar(Strict):
    """Office hours and holidays, from the site file, which pages for families print too."""

    time_zone: str
    opens: time
    closes: time
    closed_on: tuple[date, ...]


# --- ages ----------------------------------------------------------------------------------------


class Access(StrEnum):
    """How much of a child's things an adult sees."""

    FULL = "full"
    LIMITED = "limited"
    ENDED = "ended"


class Thing(StrEnum):
    """What there is to see of a child."""

    REQUESTS = "requests"
    MESSAGES = "messages"
    FILES = "files"
    COUNTS = "counts"
    OPINIONS = "opinions"
    VISITS = "visits"


class AgeBand(Strict):
    """From a birthday on, until the next band's.

    Attributes:
        from_years: the birthday it begins at.
        access: what a parent or guardian sees.
        sees: the things that limited access leaves; empty unless limited.
        assent: whether the child must agree first.
    """

    from_years: Years
    access: Access
    sees: tuple[Thing, ...] = ()
    assent: bool = False

    @model_validator(mode="after")
    def _limited_says_to_what(self) -> Self:
        if (self.access is Access.LIMITED) != bool(self.sees):
            raise ValueError("sees: name what limited access leaves, and only for limited access")
        if self.assent and self.access is Access.ENDED:
            raise ValueError("assent: nothing to agree to once access has ended")
        return self


class AgeRules(Rules):
    """When parents' access changes, by the child's birthdays in the programme's time zone.

    Attributes:
        bands: from birth on, in order; the last one ends access.
        own_from: the birthday from which a patient may have access of their own.
        leap_birthday: when a child born on February 29 has a birthday in other years.
        override_for_incapacity: whether staff may let access go on, with proof, for a patient
            who cannot decide.
        override_days: how long such an override lasts before it is looked at again.
    """

    bands: tuple[AgeBand, ...]
    own_from: Years
    leap_birthday: Literal["february_28", "march_1"]
    override_for_incapacity: bool
    override_days: Days

    @model_validator(mode="after")
    def _from_birth_to_the_end(self) -> Self:
        starts = [band.from_years for band in self.bands]
        if not starts or starts[0] != 0:
            raise ValueError("bands: the first must begin at 0 years")
        if starts != sorted(set(starts)):
            raise ValueError("bands: each must begin later than the one before")
        if self.bands[-1].access is not Access.ENDED:
            raise ValueError("bands: the last must end access")
        if self.own_from > self.bands[-1].from_years:
            raise ValueError("own_from: no later than the birthday that ends parents' access")
        return self


# --- ratings, retention, vendors -----------------------------------------------------------------


class RatingRules(Rules):
    """When ratings of an expert show. Nothing here depends on what a rating says.

    Attributes:
        least: ratings that must count before any shows.
        window_days: how long a rating counts.
        excluded_roles: roles that no family is asked to rate; codes of the directory's vocabulary.
    """

    least: Annotated[int, Field(ge=1, le=1000)]
    window_days: Days
    excluded_roles: tuple[Name, ...]


class Retention(Rules):
    """How long each kind of row is kept. A legal hold on a case stops all of it.

    Attributes:
        draft_days: an unsent request, from its latest change.
        draft_warning_day: the day on which its owner is told.
        rejected_file_days: a file that was refused.
        closed_until_age: a closed case is kept until the child has this age,
        closed_years: or for these years after it was last used, whichever is later.
        audit_years: the audit, at least; no purge touches it, for its chain would break.
        mail_days: a row of the outbox after it was sent.
        ended_access_years: a link between an adult and a child after it ended.
    """

    draft_days: Days
    draft_warning_day: Days
    rejected_file_days: Days
    closed_until_age: Years
    closed_years: Years
    audit_years: Annotated[int, Field(ge=6, le=40)]
    mail_days: Days
    ended_access_years: Annotated[int, Field(ge=6, le=40)]

    @model_validator(mode="after")
    def _warned_before(self) -> Self:
        if self.draft_warning_day >= self.draft_days:
            raise ValueError("draft_warning_day: must come before draft_days")
        return self

    def record_until(self, *, born: date, used: date) -> date:
        """Give the day from which what is kept about a child need not be kept any longer.

        Args:
            born: the child's birth date.
            used: when it was last used.
        """
        return max(_years_after(used, self.closed_years), _years_after(born, self.closed_until_age))


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return date(day.year + years, 3, 1)


def years_before(moment: datetime, years: int) -> datetime:
    """Give the moment so many years earlier; on the 28th where February has no 29th."""
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)


class Vendor(Strict):
    """A company that carries video visits, and the agreement that lets it.

    Attributes:
        agreement_signed_on: when the business associate agreement was signed; none, no video.
        agreement_ends_on: its last day; none if it has no end.
    """

    name: Words
    agreement_signed_on: date | None = None
    agreement_ends_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        signed, ends = self.agreement_signed_on, self.agreement_ends_on
        if ends is not None and (signed is None or ends < signed):
            raise ValueError("agreement_ends_on: must come after agreement_signed_on")
        return self

    def may_carry(self, day: date) -> bool:
        """Say whether the agreement holds on a day."""
        signed, ends = self.agreement_signed_on, self.agreement_ends_on
        return signed is not None and signed <= day and (ends is None or day <= ends)


class Vendors(Rules):
    """Who carries video visits."""

    video: tuple[Vendor, ...]
