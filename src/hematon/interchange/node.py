"""Walk a JSON document of which every field may be missing or of the wrong type.

A `Node` is one JSON object with its place in the document. Asking it for a field of another type
than the standard says gives the empty value and an issue; asking for an absent field gives the
empty value and no issue. Names are given in camelCase and found in snake_case too, because
protobuf's JSON may use either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from hematon.interchange.intake import Intake


class Node:
    """One JSON object; false when it holds nothing.

    Args:
        value: the object as parsed.
        where: JSON pointer to it, or `line 3` and a pointer.
        intake: takes the issues.
    """

    __slots__ = ("intake", "value", "where")

    def __init__(self, value: Mapping[str, Any], where: str, intake: Intake) -> None:
        self.value = value
        self.where = where
        self.intake = intake

    def __bool__(self) -> bool:
        return bool(self.value)

    def at(self, name: str) -> str:
        """Give the pointer to a field."""
        return f"{self.where}/{name}"

    def object(self, name: str) -> Node:
        """Give a field that is an object."""
        found = self._get(name)
        if found is not None and not isinstance(found, dict):
            self._wrong_type(self.at(name))
            found = None
        return Node(found or {}, self.at(name), self.intake)

    def objects(self, name: str) -> Iterator[Node]:
        """Give the objects of a field that is a list of objects."""
        found = self._get(name)
        if found is None:
            return
        if not isinstance(found, list):
            self._wrong_type(self.at(name))
            return
        for i, item in enumerate(found):
            where = f"{self.at(name)}/{i}"
            if isinstance(item, dict):
                yield Node(item, where, self.intake)
            else:
                self._wrong_type(where)

    def text(self, name: str) -> str:
        """Give a field that is a string, without surrounding spaces."""
        found = self._get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            self._wrong_type(self.at(name))
            return ""
        return found.strip()

    def number(self, name: str) -> float | None:
        """Give a field that is a number; protobuf also writes numbers and infinities as strings."""
        found = self._get(name)
        if found is None:
            return None
        try:
            if isinstance(found, bool):
                raise TypeError
            return float(found)
        except (TypeError, ValueError):
            self.intake.error(
                "value-not-number", self.at(name), "the value is not a number", "send a JSON number"
            )
            return None

    def flag(self, name: str) -> bool:
        """Give a field that is true or false; absent is false."""
        found = self._get(name)
        if found is None:
            return False
        if not isinstance(found, bool):
            self._wrong_type(self.at(name))
            return False
        return found

    def choice(self, name: str, members: Sequence[str]) -> str:
        """Give a field that is an enumeration, by name or protobuf number; empty when absent."""
        found = self._get(name)
        if found is None:
            return ""
        if type(found) is int and 0 <= found < len(members):
            return members[found]
        if found in members:
            return str(found)
        self._wrong_type(self.at(name))
        return ""

    def _get(self, name: str) -> Any:
        found = self.value.get(name)
        return self.value.get(_snake(name)) if found is None else found

    def _wrong_type(self, where: str) -> None:
        self.intake.error(
            "wrong-type",
            where,
            "the field has another type than the standard says",
            "see the phenopacket schema 2.0",
        )


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda upper: "_" + upper[0].lower(), name)
