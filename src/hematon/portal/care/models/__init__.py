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
from hematon.portal.care.models.work import Change, NotThisChild, What

__all__ = [
    "BandMove",
    "Case",
    "Change",
    "Consent",
    "ConsentScope",
    "Message",
    "NotThisChild",
    "Note",
    "Pause",
    "Step",
    "What",
]
