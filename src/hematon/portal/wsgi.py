"""The WSGI application: `gunicorn hematon.portal.wsgi`."""

from __future__ import annotations

import os

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hematon.portal.settings")


def _application() -> WSGIHandler:
    made = get_wsgi_application()
    from hematon.portal.learn.search import warm
    from hematon.portal.vault.keys import keyring

    # Without its keys a portal does not start.
    keyring()
    # Rendering every page takes a second or two: here, not when the first family asks.
    warm()
    return made


application = _application()
