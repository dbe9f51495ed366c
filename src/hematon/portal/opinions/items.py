"""What of an assessment can be judged one by one: its causes, its time to act, its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hematon.engine.assessment import Urgency
from hematon.knowledge.compiled import SOMETHING_ELSE
from hematon.portal.opinions.models import About
from hematon.report import wording
from hematon.report.quantities import prose

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing that an assessment says.

    Attributes:
        about: what kind of thing, of `About`.
        code: of the condition, the level or the test.
        name: as the assessment showed it.
    """

    about: str
    code: str
    name: str

    @property
    def key(self) -> str:
        """Name it in a form."""
        return f"{self.about}:{self.code}"


def items_of(said: Json) -> Iterator[Item]:
    """Give everything of an assessment that can be judged, as JSON holds it."""
    headline = time_to_act(said)
    yield Item(About.URGENCY, said["urgency"]["level"], headline)
    always = {shown["condition"] for shown in said["always_show"]}
    for one in said["differential"]:
        explained = one["contributions"] and one["condition"] != SOMETHING_ELSE
        if explained or one["condition"] in always:
            yield Item(About.CAUSE, one["condition"], f"{prose(one['name'])}, rank {one['rank']}")
    for test in said["next_tests"]:
        yield Item(About.TEST, test["test"], prose(test["name"]))


def time_to_act(said: Json) -> str:
    """Say the level of an assessment as its report does."""
    urgency = said["urgency"]
    return wording.time_to_act(Urgency(urgency["level"], (), tuple(urgency["undetermined"])))[0]
