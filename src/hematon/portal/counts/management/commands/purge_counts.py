"""`python -m django purge_counts`: delete pictures of printouts whose day is over."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from hematon.portal.accounts.session_store import SessionStore
from hematon.portal.counts.actions import purge_expired


class Command(BaseCommand):
    """Delete expired pictures and the sessions that hold expired drafts."""

    help = "Delete pictures of printouts after 24 hours, and drafts of ended sessions. Run hourly."

    def handle(self, *args: object, **options: object) -> None:
        """Delete and say how many."""
        deleted = purge_expired(at=timezone.now())
        SessionStore.clear_expired()
        self.stdout.write(f"{deleted} pictures deleted.")
