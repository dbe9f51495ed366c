"""What is done to rules: an edition is made, and it is signed. Each is one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.record import record
from hematon.portal.programme import rules
from hematon.portal.programme.models import NOTE_MOST, Edition, Kind

SIGNED_BY: Final[dict[Kind, Role]] = {
    kind: Role.CLINICIAN if kind == Kind.THRESHOLDS else Role.ADMINISTRATOR for kind in Kind
}
"""Who may sign each kind: what orders clinical reading is signed by a clinician alone."""


class NotPermitted(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The person does not hold the role for it."""


class NotInThisState(Exception):  # noqa: N818 - as above
    """It was signed before, or a later edition is in force already."""


@transaction.atomic
def make(*, kind: Kind, value: Any, note: str, by: User, at: datetime) -> Edition:
    """Keep a new edition, unsigned: nothing changes until it is signed.

    Raises:
        NotPermitted: an administrator makes editions, and who may sign the kind.
        ValidationError: the value is not of the shape.
        ValueError: an app that uses it refuses it.
    """
    if not by.holds(Role.ADMINISTRATOR, SIGNED_BY[kind]):
        raise NotPermitted
    checked = rules.read(kind, value)
    latest = Edition.objects.filter(kind=kind).aggregate(Max("number"))["number__max"] or 0
    made = Edition.objects.create(
        kind=kind,
        number=latest + 1,
        value=checked.model_dump(mode="json", exclude_defaults=True),
        note=note.strip()[:NOTE_MOST],
        made_by=by,
        made_at=at,
    )
    record(by, "rules.made", made, kind=kind, number=made.number)
    return made


@transaction.atomic
def sign(*, edition: Edition, by: User, at: datetime) -> None:
    """Put an edition into force. The caller has asked the person to confirm who they are.

    Raises:
        NotPermitted: the person may not sign this kind.
        NotInThisState: it was signed before, or a later one is in force.
    """
    kind = Kind(edition.kind)
    if not by.holds(SIGNED_BY[kind]):
        raise NotPermitted
    later = Edition.objects.filter(
        kind=kind, number__gt=edition.number, signed_at__isnull=False
    ).exists()
    if later or not Edition.objects.filter(pk=edition.pk).sign(by=by, at=at):
        raise NotInThisState
    record(by, "rules.signed", edition, kind=kind, number=edition.number)
