"""Whose visits a person sees and acts for, by the links of families and the rules of ages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from hematon.portal.accounts.models import User
from hematon.portal.families import access as families
from hematon.portal.families.ages import band_at
from hematon.portal.families.models import Child
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Access, AgeRules, Thing
from hematon.portal.ui.site import site


def children_of(user: User, at: datetime) -> list[Child]:
    """Give the children whose visits this person may see now."""
    children = families.children_of(user, at)
    return [child for child in children if families.may_see(user, child, Thing.VISITS, at)]


def children_to_act_for(user: User, at: datetime) -> list[Child]:
    """Give the children for whom this person may book, change and join visits now.

    A minor sees its own visits; booking and joining them needs a guardian.
    """
    return [child for child in children_of(user, at) if not _is_minor_itself(user, child, at)]


def may_act(user: User, child_id: uuid.UUID, at: datetime) -> bool:
    """Say whether a person may book, change and join the visits of a child now."""
    return any(child.pk == child_id for child in children_to_act_for(user, at))


def _is_minor_itself(user: User, child: Child, at: datetime) -> bool:
    _, is_patient = families.sight_of(user, child, at)
    if not is_patient:
        return False
    band = band_at(child.birth_date, at, rules.current(AgeRules), site().zone)
    return band.access is not Access.ENDED


def child_names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give the names of children, for pages of staff."""
    return {child.pk: child.name for child in Child.objects.filter(pk__in=ids)}
