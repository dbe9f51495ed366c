"""Settings of the portal that is broken on purpose: those of proofs, and an engine that may fail.

The engine raises while a file named `engine-fails` lies in the portal's folder, with a word in its
message that must be seen nowhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from proof_settings import *  # noqa: F403 they are the settings

import hematon.engine

CANARY = "canary-of-the-engine"
_assess = hematon.engine.assess


def _assess_or_fail(*args: Any, **kwargs: Any) -> Any:
    if Path(os.environ["HEMATON_PORTAL_DIR"], "engine-fails").exists():
        raise ArithmeticError(CANARY)
    return _assess(*args, **kwargs)


# Before any page is loaded: each of them imports it from here.
hematon.engine.assess = _assess_or_fail
