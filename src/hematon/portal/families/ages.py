"""Birthdays and what they change. Arithmetic alone: rules, dates and a zone are given."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from hematon.portal.programme.shapes import Access, AgeBand, AgeRules


def birthday(born: date, years: int, rules: AgeRules) -> date:
    """Give the day on which someone reaches an age.

    Who was born on February 29 reaches it, in a year without one, on the day the rules name.
    """
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        month, day = (3, 1) if rules.leap_birthday == "march_1" else (2, 28)
        return date(born.year + years, month, day)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the first moment of a day on the programme's clock."""
    return datetime.combine(day, time(), tzinfo=zone)


def has_reached(born: date, years: int, at: datetime, rules: AgeRules, zone: ZoneInfo) -> bool:
    """Say whether the birthday has come, by the calendar on the programme's wall."""
    return at.astimezone(zone).date() >= birthday(born, years, rules)


def band_at(born: date, at: datetime, rules: AgeRules, zone: ZoneInfo) -> AgeBand:
    """Give the band of the latest birthday; before birth the first."""
    reached = [
        band
        for band in rules.bands
        if band.from_years == 0 or has_reached(born, band.from_years, at, rules, zone)
    ]
    return reached[-1]


def next_change(born: date, at: datetime, rules: AgeRules, zone: ZoneInfo) -> AgeBand | None:
    """Give the band that the next birthday with a change brings; None after the last."""
    later = [
        band
        for band in rules.bands
        if band.from_years and not has_reached(born, band.from_years, at, rules, zone)
    ]
    return later[0] if later else None


def ending(rules: AgeRules) -> AgeBand:
    """Give the band that ends parents' access."""
    return next(band for band in rules.bands if band.access is Access.ENDED)
