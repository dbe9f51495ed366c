"""What pages outside this app show of it."""

from __future__ import annotations

from django import template

from hematon.portal.care.doors import DOORS, Door
from hematon.portal.learn.pages import Card, cards

register = template.Library()


@register.simple_tag
def care_doors() -> tuple[Door, ...]:
    """Give the four doors."""
    return DOORS


@register.simple_tag
def care_card(key: str) -> Card:
    """Give a care card: `now`, `today` or `ask`."""
    return cards()[key]
