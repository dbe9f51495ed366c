"""What pages outside this app show of it."""

from __future__ import annotations

from django import template

from hematon.portal.care import promises
from hematon.portal.care.doors import DOORS, Door
from hematon.portal.learn.pages import Card, cards

register = template.Library()


@register.simple_tag
def care_doors() -> tuple[Door, ...]:
    """Give the four doors."""
    return DOORS


@register.simple_tag
def read_within(kind: str) -> str:
    """Give the signed promise of reading what is sent."""
    return promises.read_within(kind)


@register.simple_tag
def answer_within(kind: str) -> str:
    """Give the signed promise of an answer."""
    return promises.answer_within(kind)


@register.simple_tag
def care_card(key: str) -> Card:
    """Give a care card: `now`, `today` or `ask`."""
    return cards()[key]
