"""Words for a browser."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from hematon.portal.accounts.models import BrowserSession

register = template.Library()
_NAMES = {
    "edge": "Edge",
    "opera": "Opera",
    "samsung": "Samsung Internet",
    "firefox": "Firefox",
    "chrome": "Chrome",
    "safari": "Safari",
}


@register.simple_tag
def browser_words(session: BrowserSession) -> str:
    """Name a browser and the kind of device it runs on."""
    name = _NAMES.get(session.browser) or _("A browser")
    if session.is_phone:
        return _("%(browser)s on a phone or tablet") % {"browser": name}
    return _("%(browser)s on a computer") % {"browser": name}
