"""The number of the hospital's record: how intake ties a child here to the child in the chart."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.record import record
from hematon.portal.families import matching
from hematon.portal.families.actions import ActionRefused, NotInThisState, NotPermitted
from hematon.portal.families.models import Child


class TakenByAnother(ActionRefused):
    """Another child here has this number.

    Attributes:
        other: that child; the same child twice, or a number that was typed wrong.
    """

    def __init__(self, other: Child) -> None:
        super().__init__("another child has this record number")
        self.other = other


@transaction.atomic
def set_record_number(*, child: Child, number: str, seen: str, by: User) -> Child:
    """Keep which record of the hospital is the child's, or that none is known.

    Args:
        child: the row.
        number: as the hospital writes it; empty takes away what was there.
        seen: `record_index` when the page was opened, so that two people do not overwrite each
            other.
        by: of intake; they have the hospital's record before them.

    Raises:
        NotPermitted: not staff of intake.
        NotInThisState: somebody else set it meanwhile.
        TakenByAnother: two children cannot be one record.
    """
    if not by.holds(Role.INTAKE):
        raise NotPermitted
    locked = Child.objects.select_for_update().get(pk=child.pk)
    if locked.record_index != seen:
        raise NotInThisState
    index = matching.record_index(number)
    locked.mrn = number.strip() if index else None
    try:
        with transaction.atomic():
            locked.save()
    except IntegrityError:
        raise TakenByAnother(Child.objects.get(record_index=index)) from None
    record(by, "child.numbered", locked, known=bool(index))
    return locked
