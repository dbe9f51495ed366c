"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.accounts"

    def ready(self) -> None:
        """Connect what happens at sign-in."""
        from hematon.portal.accounts import sessions  # noqa: F401
