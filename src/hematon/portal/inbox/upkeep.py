"""What the inbox opens in a restore drill."""

from __future__ import annotations

from django.urls import reverse

from hematon.portal.care.models import Case
from hematon.portal.ui.upkeep import opens


@opens("a request")
def first_request() -> str | None:
    """Give the page of the newest request."""
    found = Case.objects.filter(sent_at__isnull=False).order_by("-sent_at").first()
    return reverse("case_item", args=[found.pk]) if found else None
