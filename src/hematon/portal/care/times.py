"""When a call may come, in words of the reader's language."""

from __future__ import annotations

from datetime import time

from django.utils.translation import gettext as _

from hematon.portal.care.callback import Time
from hematon.portal.ui.site import site


def hour(at: time) -> str:
    """Write an hour as families read it: 8 am, 1:30 pm."""
    half = "am" if at.hour < 12 else "pm"
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes} {half}"


def time_choices() -> list[tuple[str, str]]:
    """Give the times to choose from, with the office's hours."""
    office = site().office
    return [
        (
            Time.ANY,
            _("Any time, %(opens)s to %(closes)s")
            % {"opens": hour(office.opens), "closes": hour(office.closes)},
        ),
        (Time.MORNING, _("Morning, %(opens)s to noon") % {"opens": hour(office.opens)}),
        (Time.AFTERNOON, _("Afternoon, noon to %(closes)s") % {"closes": hour(office.closes)}),
    ]
