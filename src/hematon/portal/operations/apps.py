"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OperationsConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.operations"

    def ready(self) -> None:
        """Read what every app says about its upkeep."""
        autodiscover_modules("upkeep")
