"""What this app keeps."""

from __future__ import annotations

from hematon.portal.care.models.callback import (
    NOTE_MOST,
    OPEN,
    TRANSITIONS,
    About,
    CallbackRequest,
    Language,
    Relationship,
    Status,
    StatusChange,
    Time,
)
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
    "NOTE_MOST",
    "OPEN",
    "TRANSITIONS",
    "About",
    "BandMove",
    "CallbackRequest",
    "Case",
    "Consent",
    "ConsentScope",
    "Language",
    "Message",
    "Note",
    "Pause",
    "Relationship",
    "Status",
    "StatusChange",
    "Step",
    "Time",
]
