"""The portal's own settings, for proofs: mail goes to a server without TLS on this machine.

One page is added, for as long as no page of a request takes files: `proof_urls.py`.
"""

from __future__ import annotations

from hematon.portal.settings import *  # noqa: F403 they are the settings

EMAIL_USE_TLS = False
ROOT_URLCONF = "proof_urls"
