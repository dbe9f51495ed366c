"""The health page: every app's lines, those that need somebody first."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from hematon.portal.ui.faults import Fault, fault_of
from hematon.portal.ui.upkeep import HEALTH, Line, State

_log = logging.getLogger(__name__)
_ORDER = {State.ATTENTION: 0, State.UNKNOWN: 1, State.GOOD: 2}


@dataclass(frozen=True)
class Topic:
    """Lines under one heading."""

    name: str
    lines: tuple[Line, ...]

    @property
    def rank(self) -> int:
        """Give how soon somebody should look."""
        return min((_ORDER[line.state] for line in self.lines), default=2)


def topics(now: datetime) -> list[Topic]:
    """Ask every app; one that fails is a line that says so, and hides no other."""
    found = []
    for name, ask in HEALTH.items():
        try:
            with transaction.atomic():
                lines = tuple(ask(now))
        except Exception as error:  # whatever an app does wrong, the others must show
            _log.exception("the health lines of %s failed", name)
            fault, fix = fault_of(error), "Look at the log."
            lines = (Line(name, "could not be read", State.UNKNOWN, fix),)
            if fault is not Fault.OURS:
                lines = (Line(name, f"could not be read: {fault.told}", State.ATTENTION, fix),)
        found.append(Topic(name, lines))
    return sorted(found, key=lambda topic: topic.rank)
