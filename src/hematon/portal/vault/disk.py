"""What must be on the disk before anybody is told that it is kept."""

from __future__ import annotations

import os
from pathlib import Path


def flush(place: Path) -> None:
    """Write a file, or the names in a folder, through to the disk."""
    held = os.open(place, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
