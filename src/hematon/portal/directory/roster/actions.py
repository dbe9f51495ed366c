"""Loading a roster: read, compare, apply whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.directory.access import every_expert
from hematon.portal.directory.actions import ActionRefusedError
from hematon.portal.directory.models import Expert, LicensedState, RosterUpload
from hematon.portal.directory.roster import fhir, tabular
from hematon.portal.directory.roster.records import COLUMNS, ExpertRecord, Licenses, Problem

READERS = {"csv": tabular.read, "fhir": fhir.read}
_PLAIN = tuple(name for name in COLUMNS if name not in {"id", "states"})


@dataclass(frozen=True)
class Change:
    """One column of one expert that a roster changes."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """What applying a roster would do.

    Attributes:
        new: experts that the directory does not have.
        changed: experts with what changes.
        deactivated: experts of the directory that the roster does not have; they are kept, hidden.
        unchanged: number of the others.
    """

    new: tuple[ExpertRecord, ...]
    changed: tuple[tuple[ExpertRecord, tuple[Change, ...]], ...]
    deactivated: tuple[ExpertRecord, ...]
    unchanged: int

    @property
    def empty(self) -> bool:
        """Whether applying it would do nothing."""
        return not (self.new or self.changed or self.deactivated)


def record_of(expert: Expert) -> ExpertRecord:
    """Give an expert of the directory as a file would."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value := getattr(expert, name), list) else value
        for name in _PLAIN
    }
    states = tuple(sorted((held.state, held.expires) for held in expert.licenses.all()))
    return ExpertRecord(id=expert.slug, states=states, **values)


def roster() -> list[ExpertRecord]:
    """Give the whole roster, former members included."""
    return [record_of(expert) for expert in every_expert()]


def _licenses(held: Sequence[ExpertRecord]) -> Licenses:
    return frozenset((one.id, state, expires) for one in held for state, expires in one.states)


def _fingerprint(held: Sequence[ExpertRecord]) -> str:
    return hashlib.sha256(tabular.write(held).encode()).hexdigest()


def compare(given: Sequence[ExpertRecord], held: Sequence[ExpertRecord]) -> Difference:
    """Say what a roster would change."""
    before: Mapping[str, ExpertRecord] = {one.id: one for one in held}
    ids = {one.id for one in given}
    changed = [
        (one, _changes(before[one.id], one))
        for one in given
        if one.id in before and one != before[one.id]
    ]
    return Difference(
        new=tuple(one for one in given if one.id not in before),
        changed=tuple(changed),
        deactivated=tuple(one for one in held if one.id not in ids and one.active),
        unchanged=sum(one.id in before and one == before[one.id] for one in given),
    )


def _changes(before: ExpertRecord, after: ExpertRecord) -> tuple[Change, ...]:
    return tuple(
        Change(name, tabular.cell(before, name), tabular.cell(after, name))
        for name in COLUMNS
        if getattr(before, name) != getattr(after, name)
    )


def _moved_npis(difference: Difference, held: Sequence[ExpertRecord]) -> list[Problem]:
    """Find NPIs that a hidden or left-out expert of the directory has under another id."""
    owners = {one.npi: one.id for one in held if one.npi}
    given = {one.id: one for one in [*difference.new, *(one for one, _ in difference.changed)]}
    return [
        Problem(
            0,
            f"npi of {one.id}",
            f"belongs to {owners[one.npi]} in the directory",
            "Use that id, or correct the NPI.",
        )
        for one in given.values()
        if one.npi in owners and owners[one.npi] != one.id
    ]


def upload_roster(
    *, text: str, kind: str, by: User, today: date
) -> tuple[RosterUpload | None, list[Problem]]:
    """Read a roster and keep it for its comparison; a roster with problems is not kept."""
    with transaction.atomic():
        held = roster()
        given, problems = READERS[kind](text, _licenses(held), today)
        problems += _moved_npis(compare(given, held), held)
        RosterUpload.objects.filter(by=by).delete()
        upload = None
        if not problems:
            upload = RosterUpload.objects.create(
                by=by, kind=kind, text=text, seen=_fingerprint(held)
            )
        record(by, "roster.checked", upload, kind=kind, experts=len(given), problems=len(problems))
    return upload, problems


def difference_of(upload: RosterUpload, today: date) -> Difference:
    """Say what an upload would change now.

    Raises:
        ActionRefusedError: it can no longer be read; a license has expired since.
    """
    held = roster()
    given, problems = READERS[upload.kind](upload.text, _licenses(held), today)
    if problems:
        raise ActionRefusedError("The roster has problems now. Upload it again to see them.")
    return compare(given, held)


def apply_roster(*, upload: RosterUpload, by: User, today: date) -> Difference:
    """Make the directory what the roster says, whole or not at all.

    Raises:
        ActionRefusedError: the directory has changed since it was compared.
    """
    with transaction.atomic():
        # One at a time: the second finds the upload gone or the directory changed.
        upload = RosterUpload.objects.select_for_update().get(pk=upload.pk)
        held = list(Expert.objects.select_for_update().order_by("slug").values_list("pk"))
        if _fingerprint(roster()) != upload.seen:
            raise ActionRefusedError(
                "The directory has changed since this comparison. Upload the roster again."
            )
        difference = difference_of(upload, today)
        for one in [*difference.new, *(one for one, _ in difference.changed)]:
            _store(one)
        gone = [one.id for one in difference.deactivated]
        Expert.objects.filter(slug__in=gone).update(active=False)
        upload.delete()
        record(
            by,
            "roster.applied",
            before=len(held),
            new=len(difference.new),
            changed=len(difference.changed),
            deactivated=len(gone),
        )
    return difference


def _store(one: ExpertRecord) -> None:
    values = {
        name: list(value) if isinstance(value := getattr(one, name), tuple) else value
        for name in _PLAIN
    }
    expert, _ = Expert.objects.update_or_create(slug=one.id, defaults=values)
    expert.licenses.all().delete()
    LicensedState.objects.bulk_create(
        LicensedState(expert=expert, state=state, expires=expires) for state, expires in one.states
    )


def add_experts(*, records: Sequence[ExpertRecord], by: User | None) -> None:
    """Add experts that the directory does not have."""
    with transaction.atomic():
        for one in records:
            _store(one)
        record(by, "roster.added", new=len(records))


def export_roster(*, kind: str, by: User) -> str:
    """Write the whole roster as a file."""
    with transaction.atomic():
        held = roster()
        record(by, "roster.exported", kind=kind, experts=len(held))
    return fhir.write(held) if kind == "fhir" else tabular.write(held)
