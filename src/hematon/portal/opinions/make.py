"""The packet of a case, whole: gathered, written, read back, and judged by the engine."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from hematon.portal.care.models import Case
from hematon.portal.clinic.reading import judge, knowledge
from hematon.portal.opinions.bundle import bundle_of, read_back, with_computed
from hematon.portal.opinions.packet import Packet, gathered

_log = logging.getLogger(__name__)


def packet_of(case: Case, at: datetime, *, with_files: bool = False) -> Packet:
    """Give the packet of a case.

    The engine gets the record as the Bundle says it, so that whoever reads the Bundle elsewhere
    gets the same. Nothing of what is computed here is ever shown to a family. Where the engine
    fails, the packet says so and holds everything else: nobody waits for records because of it.

    Args:
        case: sent; the caller has authorized who asks.
        at: now; aware.
        with_files: put the content of the files into the Bundle.
    """
    packet = gathered(case, at)
    known = knowledge()
    record = bundle_of(packet, known, with_files=with_files)
    try:
        reading = read_back(record, known, at)
        assessment = judge(reading, known.settings["default"])
    except Exception:
        # Where the engine's faults end, whatever they are; the log keeps type and place alone.
        _log.exception("the engine failed on the record of a packet")
        return replace(packet, bundle=record)
    whole = with_computed(record, packet, assessment, known)
    return replace(packet, bundle=whole, reading=reading, assessment=assessment)
