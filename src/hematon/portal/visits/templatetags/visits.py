"""Days and times of visits in templates."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django import template

from hematon.portal.visits import times

register = template.Library()


@register.filter
def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Write a time with its zone."""
    return times.clock(moment, zone)


@register.filter
def long_day(day: date) -> str:
    """Write a day with its weekday."""
    return times.long_day(day)


@register.filter
def day_of(moment: datetime, zone: ZoneInfo) -> str:
    """Write the day of a moment by the clinic's clock."""
    return times.long_day(moment.astimezone(zone).date())
