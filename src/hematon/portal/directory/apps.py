"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.directory"

    def ready(self) -> None:
        """Refuse rating rules that name a role which does not exist."""
        from hematon.portal.directory.vocabulary import unknown_roles
        from hematon.portal.programme.rules import also_check
        from hematon.portal.programme.shapes import RatingRules

        also_check(RatingRules, unknown_roles)
