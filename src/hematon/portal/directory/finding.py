"""Finding an expert: words and filters, in the order of names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from hematon.portal.directory.models import Expert
from hematon.portal.directory.vocabulary import vocabulary
from hematon.portal.learn.pages import fold
from hematon.portal.ui.site import InBoth

MOST_WORDS = 100
_GROUPS = (
    ("specialty", _("Specialty")),
    ("condition", _("Condition")),
    ("language", _("Language spoken")),
    ("state", _("Video visits: where your child will be")),
)


@dataclass(frozen=True)
class Option:
    """One checkbox."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Group:
    """Checkboxes of one kind."""

    name: str
    label: str
    options: tuple[Option, ...]

    @property
    def chosen(self) -> int:
        """How many are checked."""
        return sum(option.chosen for option in self.options)


@dataclass(frozen=True)
class Search:
    """What a family looks for."""

    words: str
    accepting_new: bool
    groups: tuple[Group, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.words or self.accepting_new or any(g.chosen for g in self.groups))


def video_states(expert: Expert, today: date) -> list[str]:
    """Give the states where the expert may see a child by video today."""
    if not expert.telehealth:
        return []
    return sorted(held.state for held in expert.licenses.all() if held.expires >= today)


def _has(expert: Expert, group: str, today: date) -> list[str]:
    if group == "state":
        return video_states(expert, today)
    kinds = {
        "specialty": expert.specialties,
        "condition": expert.conditions,
        "language": expert.languages,
    }
    return list(kinds[group])


def _names(group: str) -> dict[str, InBoth]:
    words = vocabulary()
    kinds = {
        "specialty": words.specialties,
        "condition": words.conditions,
        "language": words.languages,
        "state": words.states,
    }
    return kinds[group]


def search_of(query: QueryDict, experts: Sequence[Expert], today: date) -> Search:
    """Read the filters from the address; what no expert has is not offered.

    Args:
        query: of the address; anything in it that is not offered is ignored.
        experts: whom families may see.
        today: licenses that expired before it do not count.
    """
    groups = []
    for name, label in _GROUPS:
        had = {code for expert in experts for code in _has(expert, name, today)}
        wanted = set(query.getlist(name))
        options = [
            Option(code, str(entry), code in wanted)
            for code, entry in _names(name).items()
            if code in had
        ]
        # The vocabulary's own order for what it orders on purpose; languages and states by name.
        if name in {"language", "state"}:
            options.sort(key=lambda option: fold(option.label))
        groups.append(Group(name, str(label), tuple(options)))
    return Search(
        words=" ".join(query.get("q", "").split())[:MOST_WORDS],
        accepting_new=query.get("new") == "yes",
        groups=tuple(groups),
    )


def found(search: Search, experts: Sequence[Expert], today: date) -> list[Expert]:
    """Give the experts who fit: any of the boxes within a group, all groups, every word."""
    wanted = {
        group.name: {option.value for option in group.options if option.chosen}
        for group in search.groups
        if group.chosen
    }
    words = re.findall(r"\w+", fold(search.words))
    return [
        expert
        for expert in experts
        if (expert.accepting_new or not search.accepting_new)
        and all(codes & set(_has(expert, name, today)) for name, codes in wanted.items())
        and _holds(expert, words)
    ]


def _holds(expert: Expert, words: Sequence[str]) -> bool:
    if not words:
        return True
    parts = [
        expert.name,
        expert.role_name,
        *expert.credentials,
        *expert.specialty_names,
        *expert.language_names,
        *expert.locations,
        *(name for _, name in expert.condition_names),
    ]
    text = fold(" ".join(parts))
    return all(word in text for word in words)
