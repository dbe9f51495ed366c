"""The scripts of `tools/`, imported from their files: they are no package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

TOOLS = str(Path(__file__).parents[1] / "tools")


def tool_module(name: str) -> ModuleType:
    """Import a tool by name, together with the tools it imports itself."""
    sys.path.insert(0, TOOLS)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(TOOLS)
