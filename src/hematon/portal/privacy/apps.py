"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.privacy"
