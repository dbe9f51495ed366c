"""Settings of the portal that `tools/prove_faults.py` breaks: its own, and a page for files."""

from __future__ import annotations

from hematon.portal.settings import *  # noqa: F403

ROOT_URLCONF = "fault_site"
# The mail server of the proof speaks no TLS.
EMAIL_USE_TLS = False
