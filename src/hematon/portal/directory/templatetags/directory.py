"""Tags of the directory: awards that may be shown, stars."""

from __future__ import annotations

from typing import Any

from django import template

from hematon.portal.directory.access import current_claims, today
from hematon.portal.directory.models import Claim

register = template.Library()


@register.inclusion_tag("directory/awards.html")
def current_awards() -> dict[str, Any]:
    """Show the awards that are valid today; nothing when there are none.

    It asks the database, so it does not belong on error pages.
    """
    return {"awards": list(current_claims(Claim.Kind.AWARD, today()))}


@register.filter
def star_parts(tenths: int) -> list[tuple[int, int]]:
    """Give where each of five stars stands and how much of it is filled, in hundredths."""
    return [(26 * place, 10 * max(0, min(10, tenths - 10 * place))) for place in range(5)]
