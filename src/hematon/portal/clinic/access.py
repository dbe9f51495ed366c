"""The only way to an uploaded record: its own person, in its own session, within its hour."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest
from django.utils import timezone

from hematon.portal.accounts.access import staff_of
from hematon.portal.clinic.models import Upload, mark_of


def upload_of(request: HttpRequest, pk: uuid.UUID) -> tuple[Upload, bytes]:
    """Give an upload and its content.

    Raises:
        Http404: it is not there, not theirs, of another session, or past its hour.
    """
    upload = Upload.objects.filter(
        pk=pk, user=staff_of(request), session=mark_of(request.session.session_key or "")
    ).first()
    content = upload.open(timezone.now()) if upload is not None else None
    if upload is None or content is None:
        raise Http404
    return upload, content
