"""Make the times of every opening rule ahead; run it once a day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from hematon.portal.visits.opening_actions import HORIZON_DAYS, open_times


class Command(BaseCommand):
    """See the module's own docstring."""

    help = f"Make the times of every opening rule, {HORIZON_DAYS} days ahead. Run it once a day."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them."""
        self.stdout.write(f"times made: {open_times(at=timezone.now())}")
