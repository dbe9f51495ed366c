"""The packet of a case, whole: gathered, written, read back, and judged by the engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hematon.portal.care.models import Case
from hematon.portal.clinic.reading import judge, knowledge
from hematon.portal.opinions.bundle import bundle_of, read_back, with_computed
from hematon.portal.opinions.packet import Packet, gathered


def packet_of(case: Case, at: datetime, *, with_files: bool = False) -> Packet:
    """Give the packet of a case.

    The engine gets the record as the Bundle says it, so that whoever reads the Bundle elsewhere
    gets the same. Nothing of what is computed here is ever shown to a family.

    Args:
        case: sent; the caller has authorized who asks.
        at: now; aware.
        with_files: put the content of the files into the Bundle.
    """
    packet = gathered(case, at)
    known = knowledge()
    record = bundle_of(packet, known, with_files=with_files)
    assessment = judge(read_back(record, known, at), known.settings["default"])
    whole = with_computed(record, packet, assessment, known)
    return replace(packet, bundle=whole, assessment=assessment)
