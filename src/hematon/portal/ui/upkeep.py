"""What each app says about its own upkeep: what it lets go, what it shows on the health page.

An app that has any of it keeps a module `upkeep` whose functions carry these decorators; the app
`operations` finds the modules and knows nothing else of them. Everything said here is counts,
codes and dates: it goes to the command line, the audit and a page of administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class State(Enum):
    """How a line of the health page stands."""

    GOOD = "good"
    ATTENTION = "attention"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Line:
    """One line of the health page.

    Attributes:
        name: what it is about.
        value: the figure or date.
        state: whether somebody must do something.
        fix: what to do, where something is wrong.
    """

    name: str
    value: str
    state: State = State.GOOD
    fix: str = ""


@dataclass(frozen=True)
class Purge:
    """Something that is deleted when its time is over.

    Attributes:
        name: what, as the command says it.
        purge: deletes what is due at a time and gives how many; with `dry` it only counts.
    """

    name: str
    purge: Callable[..., int]


Health = Callable[[datetime], Iterable[Line]]
Restored = Callable[[], Iterable[str]]
Opens = Callable[[], str | None]

PURGES: dict[str, Purge] = {}
HEALTH: dict[str, Health] = {}
RESTORED: dict[str, Restored] = {}
OPENS: dict[str, Opens] = {}


def purges(name: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Register `purge(*, now: datetime, dry: bool) -> int`.

    Args:
        name: what is deleted, as the command says it.
    """

    def register(purge: Callable[..., int]) -> Callable[..., int]:
        PURGES[name] = Purge(name, purge)
        return purge

    return register


def health(topic: str) -> Callable[[Health], Health]:
    """Register a function that gives lines for the health page.

    Args:
        topic: the heading they stand under; one function each.
    """

    def register(lines: Health) -> Health:
        HEALTH[topic] = lines
        return lines

    return register


def restored(name: str) -> Callable[[Restored], Restored]:
    """Register a function that gives what is wrong in a portal restored from a backup.

    Args:
        name: what it looks at, as the command says it.
    """

    def register(problems: Restored) -> Restored:
        RESTORED[name] = problems
        return problems

    return register


def opens(name: str) -> Callable[[Opens], Opens]:
    """Register a function that gives the address of a page of staff for the drill to open.

    Args:
        name: what it shows; the function gives None where there is nothing to show yet.
    """

    def register(address: Opens) -> Opens:
        OPENS[name] = address
        return address

    return register
