"""The only way from a request to a picture: the browser that sent it, while it is kept."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest

from hematon.portal.accounts.session_store import row_of
from hematon.portal.counts.models import CountsPicture


def pictures_of(request: HttpRequest, at: datetime) -> QuerySet[CountsPicture]:
    """Give the pictures of this browser that are still kept, in their order."""
    pictures = CountsPicture.objects.filter(purge_at__gt=at).order_by("kept_at", "page")
    key = request.session.session_key
    return pictures.filter(session=row_of(key)) if key else pictures.none()


def picture_of(request: HttpRequest, key: str, at: datetime) -> CountsPicture | None:
    """Give one picture; None for "not yours", "expired" and "not there" alike."""
    return pictures_of(request, at).filter(pk=key).first()
