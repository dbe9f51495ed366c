"""Print one link to a review, for a family after a completed visit."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import translation

from hematon.portal.directory.access import every_expert, today
from hematon.portal.directory.actions import ActionRefusedError, mint_review_link


class Command(BaseCommand):
    """See the module's own docstring."""

    help = (
        "Print one link to a review, for a family after a completed clinic or video visit. The "
        "link works once and for 60 days, and is kept nowhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the expert, the family, the day of the visit and the language of the link."""
        parser.add_argument("--expert", required=True, help="id of the expert in the roster")
        parser.add_argument(
            "--family",
            required=True,
            help="what tells this family from others; a keyed hash of it is kept",
        )
        parser.add_argument(
            "--visit", required=True, type=date.fromisoformat, help="day of the visit, 2026-11-20"
        )
        parser.add_argument("--language", choices=("en", "es"), default="en")
        parser.add_argument(
            "--site", default="http://localhost:8000", help="address that families use"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the link and print it."""
        expert = every_expert().filter(slug=options["expert"]).first()
        if expert is None:
            raise CommandError("No expert has this id; the roster export lists them.")
        try:
            token = mint_review_link(
                expert=expert,
                family_key=options["family"],
                visited_on=options["visit"],
                on=today(),
            )
        except ActionRefusedError as refused:
            raise CommandError(str(refused)) from refused
        with translation.override(options["language"]):
            place = reverse("review", kwargs={"token": token})
        self.stdout.write(options["site"].rstrip("/") + place)
