"""The health page: every app's lines, those that need somebody first."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from hematon.portal.ui.faults import Fault, fault_of
from hematon.portal.ui.upkeep import HEALTH, Health, Line, State

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
    """Ask every app; one that fails is a line that says so, and hides no other.

    Where the database itself fails, what needs none of it is told all the same.
    """
    found, answers = [], True
    for name, ask in HEALTH.items():
        try:
            lines = _asked(ask, now) if answers else tuple(ask(now))
        except Exception as error:  # whatever an app does wrong, the others must show
            answers = answers and fault_of(error) is Fault.OURS
            lines = _failed(name, error)
            if not answers:
                with suppress(Exception):  # it is told by the line
                    lines = tuple(ask(now))
        found.append(Topic(name, lines))
    return sorted(found, key=lambda topic: topic.rank)


def _asked(ask: Health, now: datetime) -> tuple[Line, ...]:
    with transaction.atomic():
        return tuple(ask(now))


def _failed(name: str, error: Exception) -> tuple[Line, ...]:
    _log.exception("the health lines of %s failed", name)
    fault, fix = fault_of(error), "Look at the log."
    if fault is Fault.OURS:
        return (Line(name, "could not be read", State.UNKNOWN, fix),)
    return (Line(name, f"could not be read: {fault.told}", State.ATTENTION, fix),)
