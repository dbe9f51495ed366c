"""Rules in words, one line for each part, so that two editions can be laid side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from hematon.portal.programme.models import Kind
from hematon.portal.programme.shapes import (
    Access,
    AgeRules,
    Promises,
    RatingRules,
    Retention,
    Rules,
    Vendors,
)
from hematon.portal.programme.thresholds import (
    REPORTED,
    Below,
    BelowByAge,
    Condition,
    Group,
    Thresholds,
    Told,
)


@dataclass(frozen=True)
class Line:
    """One part of the rules.

    Attributes:
        key: what it is known by in both editions.
        label: what it is about.
        text: what it says.
        source: where it comes from.
    """

    key: str
    label: str
    text: str
    source: str


def lines(kind: Kind, rules: Rules) -> list[Line]:
    """Say the rules."""
    return list(_SAID[kind](rules))


@dataclass(frozen=True)
class Change:
    """One line that differs.

    Attributes:
        line: the new one, or the old one where it goes away.
        before: what it said; empty where it is new.
        after: what it says; empty where it goes away.
    """

    line: Line
    before: str
    after: str


def difference(before: list[Line], after: list[Line]) -> list[Change]:
    """Give what changes from one edition to the other, in the order of the new one."""
    old = {line.key: line for line in before}
    new = {line.key: line for line in after}
    found = []
    for line in after:
        was = old.get(line.key)
        if was is None:
            found.append(Change(line, "", line.text))
        elif was.text != line.text:
            found.append(Change(line, was.text, line.text))
        elif was.source != line.source:
            found.append(Change(line, f"Source: {was.source}", f"Source: {line.source}"))
    found += [Change(line, line.text, "") for line in before if line.key not in new]
    return found


def condition(one: Condition) -> str:
    """Say a condition of the reading order."""
    if isinstance(one, Below):
        return f"{_plain(one.fact)} below {one.below} {_unit(one.unit)}"
    if isinstance(one, BelowByAge):
        steps = ", ".join(f"from day {s.days}: {s.below}" for s in one.below_by_age)
        return f"{_plain(one.fact)} in {_unit(one.unit)} below ({steps})"
    if isinstance(one, Told):
        return f"{REPORTED[one.told]} reported"
    if isinstance(one, Group):
        joined = "; ".join(condition(part) for part in one.of)
        number = "all" if one.at_least == "all" else f"at least {one.at_least}"
        return f"{number} of ({joined})"
    return f"{_plain(one.use)} as defined"


def _plain(name: str) -> str:
    # 0_5 in an id is the number 0.5.
    return re.sub(r"(?<=\d)_(?=\d)", ".", name).replace("_", " ")


def _unit(code: str) -> str:
    return code.replace("10*9", "× 10⁹").replace("10*3", "× 10³")


def _thresholds(rules: Thresholds) -> Iterator[Line]:
    for rule in rules.rules:
        text = f"Band {rule.band}. {rule.sentence} Exactly: {condition(rule.when)}."
        yield Line(f"rule.{rule.id}", _plain(rule.id), text, rule.source)
    for name, one in rules.definitions.items():
        yield Line(
            f"definition.{name}",
            f"what {_plain(name)} is",
            f"{condition(one)}.",
            rules.sources["definitions"],
        )
    yield Line(
        "missing",
        "missing data",
        f"Band {rules.missing}, behind what fired and before routine.",
        rules.sources["missing"],
    )


def _promises(rules: Promises) -> Iterator[Line]:
    for band, span in sorted(rules.bands.items()):
        yield Line(f"band.{band}", f"band {band}", f"read within {span}", rules.sources["bands"])
    yield Line(
        "same_day",
        "same day until",
        f"{rules.same_day:%H:%M}",
        rules.sources["same_day"],
    )
    for kind, one in rules.kinds.items():
        pauses = ", ".join(_plain(pause) for pause in one.pauses) or "nothing"
        text = f"read within {one.read_within}, answered within {one.answer_within}; "
        text += f"the clock stops for {pauses}"
        yield Line(f"kind.{kind}", _plain(kind), text, rules.sources["kinds"])


def _ages(rules: AgeRules) -> Iterator[Line]:
    for band in rules.bands:
        text = {
            Access.FULL: "parents see everything shared here",
            Access.LIMITED: f"parents see {', '.join(band.sees)} and nothing else",
            Access.ENDED: "parents' access ends",
        }[band.access]
        if band.assent:
            text += "; only while the child agrees"
        yield Line(
            f"band.{band.from_years}",
            f"from {band.from_years} years",
            text,
            rules.sources["bands"],
        )
    yield Line(
        "own_from",
        "the patient's own access",
        f"from {rules.own_from} years",
        rules.sources["own_from"],
    )
    yield Line(
        "leap_birthday",
        "born on February 29",
        f"birthday on {_plain(rules.leap_birthday)} in other years",
        rules.sources["leap_birthday"],
    )
    allowed = "allowed" if rules.override_for_incapacity else "not allowed"
    yield Line(
        "override",
        "for a patient who cannot decide",
        f"staff may let access go on: {allowed}, for {rules.override_days} days at a time",
        f"{rules.sources['override_for_incapacity']}; {rules.sources['override_days']}",
    )


def _ratings(rules: RatingRules) -> Iterator[Line]:
    said = {
        "least": ("ratings needed", f"{rules.least} at least before any shows"),
        "window_days": ("how long a rating counts", f"{rules.window_days} days"),
        "excluded_roles": (
            "roles nobody is asked to rate",
            ", ".join(map(_plain, rules.excluded_roles)) or "none",
        ),
    }
    for key, (label, text) in said.items():
        yield Line(key, label, text, rules.sources[key])


def _retention(rules: Retention) -> Iterator[Line]:
    said = {
        "draft_days": ("drafts", f"deleted {rules.draft_days} days after the latest change"),
        "draft_warning_day": ("warning of drafts", f"on day {rules.draft_warning_day}"),
        "rejected_file_days": ("refused files", f"{rules.rejected_file_days} days"),
        "closed_until_age": ("closed cases", f"until the child is {rules.closed_until_age}"),
        "closed_years": ("or, if later", f"{rules.closed_years} years after the latest use"),
        "audit_years": ("audit", f"at least {rules.audit_years} years; nothing here deletes it"),
        "mail_days": ("sent notices", f"{rules.mail_days} days"),
        "ended_access_years": ("ended access", f"{rules.ended_access_years} years"),
    }
    for key, (label, text) in said.items():
        yield Line(key, label, text, rules.sources[key])


def _vendors(rules: Vendors) -> Iterator[Line]:
    for one in rules.video:
        signed = one.agreement_signed_on
        text = f"agreement signed on {signed}" if signed else "no agreement: carries no visit"
        if one.agreement_ends_on:
            text += f", ends on {one.agreement_ends_on}"
        yield Line(f"video.{one.name}", one.name, text, rules.sources["video"])
    if not rules.video:
        text = "nobody named: the set-up alone decides"
        yield Line("video", "video", text, rules.sources["video"])


_SAID: Final[dict[Kind, Callable[[Any], Iterator[Line]]]] = {
    Kind.THRESHOLDS: _thresholds,
    Kind.PROMISES: _promises,
    Kind.AGES: _ages,
    Kind.RATINGS: _ratings,
    Kind.RETENTION: _retention,
    Kind.VENDORS: _vendors,
}
