"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.accounts"

    def ready(self) -> None:
        """Connect what happens at sign-in; refuse to start where its limits would not count."""
        cache = str(settings.CACHES["default"]["BACKEND"]).rpartition(".")[2]
        if cache == "DummyCache" or (cache == "LocMemCache" and not settings.DEMO):
            raise ImproperlyConfigured(
                f"CACHES: {cache} forgets how often someone tried to sign in, or lets each worker "
                "count for itself. Use the DatabaseCache that hematon/portal/settings.py sets."
            )
        # Loading them is the point: they listen.
        from hematon.portal.accounts import factor_secrets, notices, sessions  # noqa: F401

        autodiscover_modules("family_home")
