"""What this app keeps."""

from __future__ import annotations

from hematon.portal.care.models.case import (
    BandMove,
    Case,
    Consent,
    ConsentScope,
    Pause,
    Step,
)
from hematon.portal.care.models.talk import Message, Note

__all__ = [
    "BandMove",
    "Case",
    "Consent",
    "ConsentScope",
    "Message",
    "Note",
    "Pause",
    "Step",
]
