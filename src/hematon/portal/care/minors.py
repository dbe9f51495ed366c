"""A young patient who asks for themselves, by the age rules in force.

Below the age of an account of one's own, an adult sends every request. Until parents' access
ends, a young patient may ask a question; a second opinion and becoming a patient need the consent
of a parent or guardian, who signs in with an account of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from hematon.portal.care.callback import Relationship
from hematon.portal.care.status import Kind
from hematon.portal.families import ages
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import AgeRules
from hematon.portal.ui.site import site

NEED_CONSENT: Final = frozenset({Kind.SECOND_OPINION, Kind.START})
"""Kinds that a parent or guardian of a minor agrees to."""
DECIDED_BY: Final = frozenset({"who", "birth-date"})
"""Questions whose answers decide it."""


def adult_from() -> int:
    """Give the age from which nobody else need agree."""
    return ages.ending(current(AgeRules)).from_years


def needs_adult(kind: str, answers: Mapping[str, Any], at: datetime) -> bool:
    """Say whether an adult must send this request in the place of the person who answers.

    Args:
        kind: what is asked.
        answers: so far; without who asks and when the child was born, nothing is known.
        at: now; ages turn at midnight of the programme's zone.
    """
    patient = answers.get("who", {}).get("relationship") == Relationship.PATIENT
    born = answers.get("birth-date", {}).get("date")
    if not patient or not born:
        return False
    rules = current(AgeRules)
    years = ages.ending(rules).from_years if kind in NEED_CONSENT else rules.own_from
    return not ages.has_reached(date.fromisoformat(born), years, at, rules, site().zone)
