"""What a legal hold keeps, and for how long what the signed rules do not speak of.

Colorado asks hospitals to keep minors' records until the age of 28 or ten years after the last
use, the later of the two; the chart is the record, and this portal is not the chart.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

HOLDS: Final = "legal-holds.txt"
HELD: Final = ("care.case",)
"""What can be held: every purge of these asks `held`. What hangs on a case stays with it."""
CALLBACK: Final = timedelta(days=90)
"""A request to be called, after the call."""


def held(label: str) -> set[UUID]:
    """Give the ids of rows that a legal hold keeps, whatever their time.

    Args:
        label: of the model, one of `HELD`.

    Raises:
        ImproperlyConfigured: a line cannot be read; nothing is purged then.
    """
    found = set()
    for number, line in enumerate(_lines(), start=1):
        subject, _, reason = line.partition(" ")
        model, _, pk = subject.partition(":")
        try:
            if model not in HELD or not reason.strip():
                raise ValueError
            row = UUID(pk)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{hold_file()}, line {number}: write `{HELD[0]}:id reason`; nothing was purged."
            ) from error
        if model == label:
            found.add(row)
    return found


def hold_file() -> Path:
    """Give the file that names what a legal hold keeps; backups hold it too."""
    return Path(settings.DIRECTORY) / HOLDS


def _lines() -> list[str]:
    try:
        text = hold_file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()]
