"""Bring the public ratings up to date; run it once a month."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from hematon.portal.directory.access import today
from hematon.portal.directory.actions import publish_ratings


class Command(BaseCommand):
    """See the module's own docstring."""

    help = "Bring the public ratings up to date; run it once a month."

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish and say how many experts show ratings."""
        done = publish_ratings(on=today())
        self.stdout.write(
            f"Ratings show for {done.shown} experts and do not show for {done.not_shown}."
        )
