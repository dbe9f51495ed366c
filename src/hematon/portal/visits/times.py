"""Days and times as families read them: the clinic's clock, with its zone."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from hematon.portal.care.times import hour


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Write a time with its zone: 9:30 am MST. The zone tells the two 1:30s of autumn apart."""
    local = moment.astimezone(zone)
    return f"{hour(local.time())} {local.tzname()}"


def long_day(day: date) -> str:
    """Write a day with its weekday."""
    # Translators: a date format of Django: weekday, month, day, year.
    return date_format(day, _("l, F j, Y"), use_l10n=False)
