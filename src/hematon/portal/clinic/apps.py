"""Django's registration of this app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest


class ClinicConfig(AppConfig):
    """See the package's own docstring."""

    name = "hematon.portal.clinic"

    def ready(self) -> None:
        """Signing out deletes what was uploaded."""
        user_logged_out.connect(_forget, dispatch_uid="hematon.portal.clinic")


def _forget(sender: Any, request: HttpRequest, **kwargs: object) -> None:
    from hematon.portal.clinic.actions import forget_session

    if request.session.session_key:
        forget_session(session_key=request.session.session_key)
