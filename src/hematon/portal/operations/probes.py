"""Trying out what every request needs, and leaving no trace: a row, a limit, a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import Error, transaction

from hematon.portal.operations.models import JobRun
from hematon.portal.ui.faults import fault_of

_NAME: Final = "a write of the health page"
_KEY: Final = "health-probe"


class _TakenBackError(Exception):
    pass


def database_refuses() -> str:
    """Write a row and take it back; say why it was refused, or nothing."""
    try:
        with transaction.atomic():
            JobRun.objects.update_or_create(name=_NAME)
            raise _TakenBackError
    except _TakenBackError:
        return ""
    except Error as error:
        return fault_of(error).told


def cache_refuses() -> str:
    """Count once and look; say why the count was not kept, or nothing."""
    try:
        # Where the cache is a table, what it refuses must not spoil the caller's transaction.
        with transaction.atomic():
            cache.set(_KEY, 1, 10)
            kept = cache.get(_KEY) == 1
            cache.delete(_KEY)
    except Exception as error:
        said = fault_of(error)
        return f"not counted: {said.told if isinstance(error, Error) else type(error).__name__}"
    return "" if kept else "not counted: what is counted is not kept"


def files_refuse() -> str:
    """Write a content and delete it; say why it was refused, or nothing."""
    folder = Path(settings.MEDIA_ROOT)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix="probe-") as written:
            written.write(bytes(4096))
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        return f"refused: {fault_of(error).told if error.errno else type(error).__name__}"
    return ""
