"""Gather FHIR resources from documents and sort them by the patient they are about.

Decides who a resource is about: by its subject, resolved as FHIR says through full URLs, relative
and absolute references, contained resources and business identifiers. Two patients are never
mixed: a reference that could mean two is resolved to none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import orjson

from hematon.errors import Issue
from hematon.interchange.fhir_codes import RESOURCE_TYPES, Json

MOST_NESTED = 4
"""Bundles inside Bundles: deeper ones are refused, not followed."""
_REFERENCE = re.compile(r"(.*?)/?([A-Z][A-Za-z]{1,60})/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?")
_BY_IDENTIFIER = "Patient?identifier="
_LONGEST_REFERENCE = 500
_BLANK = ""
"""Key of the patient of resources that name nobody."""


class Item(NamedTuple):
    """A resource, its place, the URL of the entry it stands in, and the resource around it."""

    where: str
    resource: Json
    url: str
    parent: Json | None


class Group(NamedTuple):
    """One patient: the Patient resources, and everything about the patient."""

    key: str
    persons: list[Item]
    items: list[Item]


class Gathering:
    """Every resource of the documents added so far."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.items: list[Item] = []
        self.persons: list[tuple[str, Item]] = []
        self._aliases: dict[str, str | None] = {}
        self._medications: dict[str, Json] = {}
        self._keys: dict[tuple[str, str], str | None] = {}

    # --- gathering ---------------------------------------------------------------------------

    def add(self, document: object, where: str, depth: int = 0) -> None:
        """Add what a document holds: a Bundle, a list of resources, or one resource."""
        if isinstance(document, list):
            for i, resource in enumerate(document):
                self._add_resource(resource, f"{where}/{i}", "", depth)
        else:
            self._add_resource(document, where, "", depth)

    def _add_resource(self, resource: object, where: str, url: str, depth: int) -> None:
        if not isinstance(resource, dict):
            self._error("wrong-type", where, "a resource is not an object")
            return
        kind = resource.get("resourceType")
        if not isinstance(kind, str):
            self._error("missing-field", where, "a resource has no resourceType")
        elif kind == "Bundle":
            self._add_bundle(resource, where, depth)
        else:
            self._add_item(kind, Item(where, resource, url, None))

    def _add_bundle(self, bundle: Json, where: str, depth: int) -> None:
        entries = bundle.get("entry")
        if depth >= MOST_NESTED:
            self._error("too-large", where, f"Bundles within {MOST_NESTED} others are not read")
            return
        if not isinstance(entries, list):
            if entries is not None:
                self._error("wrong-type", f"{where}/entry", "the field is not a list")
            return
        versions: set[str] | None = set() if bundle.get("type") == "history" else None
        for i, entry in enumerate(entries):
            at = f"{where}/entry/{i}"
            if not isinstance(entry, dict):
                self._error("wrong-type", at, "the field is not an object")
                continue
            url = entry.get("fullUrl")
            url = url if isinstance(url, str) and len(url) <= _LONGEST_REFERENCE else ""
            if versions is not None and url:
                if url in versions:
                    continue  # an older version: a history has the newest first
                versions.add(url)
            if "resource" in entry:
                self._add_resource(entry["resource"], f"{at}/resource", url, depth + 1)
            elif "request" not in entry and "response" not in entry:
                self._error("missing-field", at, "an entry has no resource")

    def _add_item(self, kind: str, item: Item) -> None:
        if kind == "Patient":
            self._add_person(item)
            return
        if kind == "Medication" and item.parent is None:
            named = item.resource.get("id")
            for alias in (item.url or "-", f"Medication/{named}", f"urn:uuid:{named}"):
                self._medications.setdefault(alias, item.resource)
        self.items.append(item)
        inner = item.resource.get("contained")
        # What a family history contains may be about the relative. FHIR has no deeper nesting.
        if inner is None or item.parent is not None or kind == "FamilyMemberHistory":
            return
        for i, resource in enumerate(inner if isinstance(inner, list) else ()):
            if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
                if resource["resourceType"] not in ("Patient", "Bundle"):
                    where = f"{item.where}/contained/{i}"
                    self._add_item(
                        resource["resourceType"], Item(where, resource, item.url, item.resource)
                    )
            else:
                self._error(
                    "wrong-type", f"{item.where}/contained/{i}", "a contained resource is not one"
                )

    def _add_person(self, item: Item) -> None:
        named = item.resource.get("id")
        named = named if isinstance(named, str) and 0 < len(named) <= _LONGEST_REFERENCE else ""
        key = item.url or (f"Patient/{named}" if named else _BLANK)
        self.persons.append((key, item))
        if not key:
            return
        aliases = [item.url] if item.url else []
        if named:
            aliases += [f"Patient/{named}", f"urn:uuid:{named}", named]
        listed = item.resource.get("identifier")
        for identifier in listed if isinstance(listed, list) else ():
            aliases += filter(None, [_identifier_key(identifier)])
        for alias in aliases:
            if self._aliases.setdefault(alias, key) != key:
                self._aliases[alias] = None  # two patients claim it

    def _error(self, code: str, where: str, message: str) -> None:
        self.issues.append(Issue("error", code, where, message, "see FHIR R4"))

    # --- sorting -----------------------------------------------------------------------------

    def medication(self, reference: str) -> Json | None:
        """Give the Medication that a reference names, if a document holds it."""
        if reference in self._medications:
            return self._medications[reference]
        match = _REFERENCE.fullmatch(reference[:_LONGEST_REFERENCE])
        return None if match is None else self._medications.get(f"{match[2]}/{match[3]}")

    def groups(self) -> tuple[list[Group], list[Item], list[Item]]:
        """Sort everything by patient.

        Returns:
            The patients; what names nobody; what is about something else than a patient.
        """
        groups: dict[str, Group] = {}
        for key, person in self.persons:
            groups.setdefault(key, Group(key, [], [])).persons.append(person)
        nobody: list[Item] = []
        others: list[Item] = []
        for item in self.items:
            key_of = self._key_of(item, groups)
            if key_of is None:
                others.append(item)
            elif key_of == _BLANK:
                nobody.append(item)
            else:
                if key_of not in groups:
                    groups[key_of] = Group(key_of, [], [])
                groups[key_of].items.append(item)
        if len(groups) == 2 and _BLANK in groups:
            # A Patient without any id beside references to one that is not here: the same person.
            (other,) = (g for g in groups.values() if g.key != _BLANK)
            if not other.persons:
                groups = {other.key: Group(other.key, groups[_BLANK].persons, other.items)}
        return list(groups.values()), nobody, others

    def _key_of(self, item: Item, groups: dict[str, Group]) -> str | None:
        """Give the key of the patient; blank when none is named, None when it is no patient."""
        holder = item.resource if item.parent is None or _names_one(item.resource) else item.parent
        subject = holder.get("subject")
        if subject is None:
            subject = holder.get("patient")
        if not isinstance(subject, dict):
            return _BLANK
        reference = subject.get("reference")
        if not isinstance(reference, str) or len(reference) > _LONGEST_REFERENCE:
            key = _identifier_key(subject.get("identifier"))
            return self._aliases.get(key, key) or _BLANK
        if reference.startswith("#"):
            return self._key_of_contained(item, reference[1:], groups)
        base = _base(item.url) if "://" in item.url else ""
        if (reference, base) not in self._keys:
            self._keys[reference, base] = self._resolve(reference, base)
        return self._keys[reference, base]

    def _resolve(self, reference: str, base: str) -> str | None:
        if reference.startswith(_BY_IDENTIFIER):
            key = f"identifier {reference.removeprefix(_BY_IDENTIFIER)}"
            return self._aliases.get(key, key) or _BLANK
        match = _REFERENCE.fullmatch(reference)
        if match is None:  # urn:uuid and the like, or a bare id
            return self._aliases.get(reference, reference) or _BLANK
        server, kind, named = match.groups()
        if kind != "Patient":
            return None
        server, plain = server or base, f"Patient/{named}"
        full = f"{server}/{plain}"
        if full in self._aliases:
            return self._aliases[full] or _BLANK
        found = self._aliases.get(plain, plain)
        if found is None:
            return _BLANK
        is_elsewhere = plain not in self._aliases or "://" in found
        return full if server and is_elsewhere else found  # one id, two servers: two patients

    def _key_of_contained(self, item: Item, named: str, groups: dict[str, Group]) -> str:
        listed = (item.parent or item.resource).get("contained")
        for i, inner in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(inner, dict) or inner.get("id") != named:
                continue
            if inner.get("resourceType") != "Patient":
                break
            # One contained in each of many resources is one patient when it is the same each time.
            key = "contained " + orjson.dumps(inner, option=orjson.OPT_SORT_KEYS).hex()
            where = f"{item.where.partition('/contained/')[0]}/contained/{i}"
            group = groups.setdefault(key, Group(key, [], []))
            if not group.persons:
                group.persons.append(Item(where, inner, "", None))
            return key
        return _BLANK


def _base(url: str) -> str:
    """Give the server of a full URL: what is before type and id."""
    match = _REFERENCE.fullmatch(url)
    return match[1] if match else ""


def _names_one(resource: Json) -> bool:
    return resource.get("subject") is not None or resource.get("patient") is not None


def _identifier_key(identifier: object) -> str:
    if not isinstance(identifier, dict):
        return ""
    system, value = identifier.get("system", ""), identifier.get("value")
    if not isinstance(system, str) or not isinstance(value, str) or not value:
        return ""
    return f"identifier {system}|{value}"[:_LONGEST_REFERENCE]


def type_of(resource: Json) -> str:
    """Give the resource type when it is one of FHIR's, for use in a message."""
    kind: str = resource["resourceType"]
    return kind if kind in RESOURCE_TYPES else "a resource of an unknown type"
