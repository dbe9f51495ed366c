"""The look, the shared patterns and the site's own facts; no models."""

from __future__ import annotations

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Templates, form fields and static files that every app uses."""

    name = "hematon.portal.ui"
