"""The only way to a file: through the case that holds it, which the caller has authorized."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.http import Http404

from hematon.portal.files.models import State, StoredFile


def files_of(holder: uuid.UUID, step: str | None = None) -> QuerySet[StoredFile]:
    """Give the files of a case, those of one step if it is named, first taken first.

    Removed files are not among them, refused ones are.
    """
    found = StoredFile.objects.filter(holder=holder).exclude(state=State.REMOVED)
    if step is not None:
        found = found.filter(step=step)
    return found.order_by("taken_at", "id")


def get_file(holder: uuid.UUID, key: object) -> StoredFile:
    """Give one file of a case.

    Raises:
        Http404: it is not of this case, was removed, or never was; all alike.
    """
    try:
        return files_of(holder).get(pk=key if isinstance(key, uuid.UUID) else uuid.UUID(str(key)))
    except (StoredFile.DoesNotExist, ValueError):
        raise Http404 from None
