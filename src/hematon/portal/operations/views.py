"""S42: what an administrator looks at to know that the portal is well."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from hematon.portal.accounts.access import Role, staff_page
from hematon.portal.operations.health import topics
from hematon.portal.ui.upkeep import State


@staff_page(Role.ADMINISTRATOR)
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Show every line; counts, codes and dates alone."""
    now = timezone.now()
    found = topics(now)
    lines = [line for topic in found for line in topic.lines]
    counters = [
        ("Need somebody", sum(line.state is State.ATTENTION for line in lines), True),
        ("Not known", sum(line.state is State.UNKNOWN for line in lines), True),
        ("In order", sum(line.state is State.GOOD for line in lines), False),
    ]
    context = {"topics": found, "counters": counters, "now": now}
    return render(request, "operations/health.html", context)
