"""What each app puts on a signed-in family's first page.

An app that has something there keeps a module `family_home` whose function carries `on_home`; the
app `accounts` finds the modules and shows the panels, and knows nothing else of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One thing to open.

    Attributes:
        name: what it is; the words of the link.
        address: where it opens.
        hint: one sentence below.
        tag: what it is waiting for, in a word or two; empty when nothing.
        color: of the tag, as the design system names it.
    """

    name: str
    address: str
    hint: str = ""
    tag: str = ""
    color: str = "blue"


@dataclass(frozen=True)
class Panel:
    """One part of the page.

    Attributes:
        key: unique on the page.
        heading: what it is about.
        entries: what there is.
        empty: what stands there instead when there is nothing.
        links: words and address of what else can be done.
    """

    key: str
    heading: str
    entries: tuple[Entry, ...] = ()
    empty: str = ""
    links: tuple[tuple[str, str], ...] = ()


Makes = Callable[[Any, datetime], Panel]
"""Given the signed-in person and now."""
_PANELS: dict[int, Makes] = {}


def on_home(place: int) -> Callable[[Makes], Makes]:
    """Register a function that makes a panel.

    Args:
        place: the lower, the higher on the page; one function each.
    """

    def register(makes: Makes) -> Makes:
        if _PANELS.get(place, makes) is not makes:
            raise ValueError(f"two panels at place {place}")
        _PANELS[place] = makes
        return makes

    return register


def panels(user: Any, at: datetime) -> list[Panel]:
    """Give the panels of a person's page, from top to bottom."""
    return [makes(user, at) for _place, makes in sorted(_PANELS.items())]
