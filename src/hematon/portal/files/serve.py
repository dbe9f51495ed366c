"""Giving a file out. The caller has authorized the person; this decides what may be given at all.

A file goes out as a download with a name of ours, in an answer that runs nothing. Its hash is
checked each time; what was tampered with is not given out.
"""

from __future__ import annotations

import enum
import hashlib
import logging
from typing import Final

from django.http import Http404, HttpResponse

from hematon.portal.files import store
from hematon.portal.files.models import State, StoredFile
from hematon.portal.vault.sealing import SealBrokenError, unseal_large

_TYPES: Final = {
    "pdf": ("application/pdf", "pdf"),
    "jpeg": ("image/jpeg", "jpg"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "json": ("application/json", "json"),
}
_log = logging.getLogger(__name__)


class Purpose(enum.Enum):
    """Why a file is opened.

    Attributes:
        CARE: somebody who may see the case reads it; only what was scanned and is clean.
        SENDER: who sent it opens it again; they may have back what still waits for the scanner.
    """

    CARE = "care"
    SENDER = "sender"


def may_open(stored: StoredFile, purpose: Purpose) -> bool:
    """Say whether a file may be given out for a purpose."""
    states = {State.CLEAN} if purpose is Purpose.CARE else {State.CLEAN, State.HELD}
    return bool(stored.stored_as) and stored.state in states


def content_of(stored: StoredFile, purpose: Purpose) -> bytes:
    """Give the content of a file, as it was when it was taken.

    Raises:
        Http404: it may not be given out for this purpose.
        SealBrokenError: it, its row or its key was tampered with, or it is gone.
    """
    if not may_open(stored, purpose):
        raise Http404
    return opened(stored)


def opened(stored: StoredFile) -> bytes:
    """Open the content of a file, whatever its state: for the scanner and the jobs.

    Raises:
        SealBrokenError: as in `content_of`.
    """
    try:
        sealed = store.read(stored.stored_as)
    except (OSError, ValueError):
        _log.critical("content missing: %s", stored.place)
        raise SealBrokenError(stored.place, "its content is not on the disk") from None
    plain = unseal_large(bytes(stored.sealed_key), sealed, stored.place)
    if hashlib.sha256(plain).hexdigest() != stored.sha256:
        _log.critical("hash wrong: %s", stored.place)
        raise SealBrokenError(stored.place, "its hash is not that of its row")
    return plain


def answer(stored: StoredFile, purpose: Purpose) -> HttpResponse:
    """Give a file as a download.

    Raises:
        Http404: as in `content_of`.
        SealBrokenError: as in `content_of`.
    """
    content = content_of(stored, purpose)
    content_type, ending = _TYPES[stored.kind]
    return HttpResponse(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="file-{stored.pk.hex[:8]}.{ending}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )
