"""The portal's own settings, for proofs: mail goes to a server without TLS on this machine."""

from __future__ import annotations

from hematon.portal.settings import *  # noqa: F403 they are the settings

EMAIL_USE_TLS = False
