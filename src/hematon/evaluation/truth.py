"""What counts as the right answer for a published patient: `truth.yaml`, read and checked.

Decides which conditions, and which group of conditions, a disease id, a diagnosis key or the group
of a case set stands for. A disease that nothing here names is not scored. The groups are those a
group-level ranking sums over; they part the conditions of the knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from hematon.errors import Issue, KnowledgeError
from hematon.interchange.phenopacket_results import OWN
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE
from hematon.knowledge.records import Record

FILE = Path(__file__).parent / "truth.yaml"


class CaseGroup(Record):
    """The group scored for a group of a case set; without conditions at group level only."""

    group: str
    conditions: list[str] = Field(default_factory=list)


class Diseases(Record):
    """Disease ids and what they stand for: conditions, or a group that no condition covers."""

    ids: list[str]
    conditions: list[str] = Field(default_factory=list)
    group: str | None = None
    note: str | None = None


class TruthFile(Record):
    """`truth.yaml`."""

    reviewed: date
    groups: dict[str, list[str]]
    case_groups: dict[str, CaseGroup]
    diagnoses: dict[str, list[str]]
    diseases: list[Diseases]


@dataclass(frozen=True, slots=True)
class Truth:
    """The right answers for a case.

    Attributes:
        conditions: any of these is right; empty when no condition covers the disease.
        groups: any of these is right at group level.
    """

    conditions: frozenset[str]
    groups: frozenset[str]

    @property
    def is_something_else(self) -> bool:
        """Whether the right answer is a cause that the knowledge does not hold."""
        return self.conditions == {SOMETHING_ELSE}


class TruthTable:
    """Look up the truth of a case."""

    def __init__(self, file: TruthFile, knowledge: Knowledge) -> None:
        self._file = file
        self._group_of = {c: group for group, members in file.groups.items() for c in members}
        self._known = frozenset(knowledge.condition_ids)
        self._codes = knowledge.condition_codes
        self._diseases = {name: entry for entry in file.diseases for name in entry.ids}
        if issues := tuple(_check(file, self._known)):
            first = f"{issues[0].where}: {issues[0].message}"
            raise KnowledgeError(f"{len(issues)} problem(s) in {first}", issues)

    def group_of(self, condition: str) -> str:
        """Give the group of a condition; one that is in none is its own."""
        return self._group_of.get(condition, condition)

    def diseases_of(self, condition: str) -> list[str]:
        """Give every disease id, of the table and of the knowledge, that a condition covers."""
        named = [name for name, e in self._diseases.items() if condition in e.conditions]
        return list(dict.fromkeys([*named, *(c for c, i in self._codes.items() if i == condition)]))

    def of_conditions(self, conditions: Iterable[str]) -> Truth:
        """Give the truth of conditions, any of which is right."""
        named = frozenset(conditions)
        return Truth(named, frozenset(map(self.group_of, named)))

    def something_else(self) -> Truth:
        """Give the truth of a disease of another kind."""
        return self.of_conditions([SOMETHING_ELSE])

    def of_diseases(self, ids: Iterable[str]) -> Truth | None:
        """Give the truth of the first disease id that is known; None when none is."""
        for name in ids:
            if name in self._diseases:
                entry = self._diseases[name]
                if entry.group is not None:
                    return Truth(frozenset(), frozenset([entry.group]))
                return self.of_conditions(entry.conditions)
            if name.removeprefix(OWN) in self._known:
                return self.of_conditions([name.removeprefix(OWN)])
            if name in self._codes:
                return self.of_conditions([self._codes[name]])
        return None

    def of_diagnosis(self, key: str) -> Truth | None:
        """Give the truth of the diagnosis key of a case report; None when it is not known."""
        named = self._file.diagnoses.get(key)
        return None if named is None else self.of_conditions(named)

    def of_case_group(self, name: str) -> Truth | None:
        """Give the truth of the group of a case set; None when it is not known."""
        entry = self._file.case_groups.get(name)
        if entry is None:
            return None
        return Truth(frozenset(entry.conditions), frozenset([entry.group]))


def load_truth(knowledge: Knowledge, file: Path = FILE) -> TruthTable:
    """Read the table.

    Args:
        knowledge: whose conditions it names.
        file: the table; the package's own by default.

    Raises:
        KnowledgeError: it does not fit its schema, names a condition that is not known, names a
            disease twice, or puts a condition into two groups.
    """
    try:
        content = TruthFile.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except ValidationError as error:
        where = "/".join(str(part) for part in error.errors()[0]["loc"])
        raise KnowledgeError(f"{file.name} does not fit its schema at {where}") from None
    return TruthTable(content, knowledge)


def _check(file: TruthFile, known: frozenset[str]) -> Iterable[Issue]:
    allowed = known | {SOMETHING_ELSE}
    named: Mapping[str, list[str]] = {
        **{f"groups/{name}": members for name, members in file.groups.items()},
        **{f"case_groups/{name}": g.conditions for name, g in file.case_groups.items()},
        **{f"diagnoses/{name}": members for name, members in file.diagnoses.items()},
        **{f"diseases/{i}": entry.conditions for i, entry in enumerate(file.diseases)},
    }
    for where, conditions in named.items():
        for condition in conditions:
            if condition not in allowed:
                yield _issue("condition-unknown", where, f"{condition} is no condition")
    members = [c for group in file.groups.values() for c in group]
    for condition in sorted({c for c in members if members.count(c) > 1}):
        yield _issue("duplicate-id", "groups", f"{condition} stands in two groups")
    ids = [name for entry in file.diseases for name in entry.ids]
    for name in sorted({i for i in ids if ids.count(i) > 1}):
        yield _issue("duplicate-id", "diseases", f"{name} stands there twice")
    groups = set(file.groups) | allowed
    for i, entry in enumerate(file.diseases):
        if bool(entry.conditions) == (entry.group is not None):
            yield _issue("schema", f"diseases/{i}", "give conditions, or else a group")
        elif entry.group is not None and entry.group not in groups:
            yield _issue("condition-unknown", f"diseases/{i}", f"{entry.group} is no group")
    for name, group in file.case_groups.items():
        if group.group not in groups:
            yield _issue("condition-unknown", f"case_groups/{name}", f"{group.group} is no group")


def _issue(code: str, where: str, message: str) -> Issue:
    return Issue("error", code, f"truth.yaml#/{where}", message, "mend the table")
