"""What the care app lets go, shows to administrators, and opens in a restore drill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max
from django.urls import reverse

from hematon.portal.care.models import OPEN, CallbackRequest, Status, StatusChange
from hematon.portal.ui.retention import CALLBACK, held
from hematon.portal.ui.upkeep import Line, State, health, opens, purges


@purges("requests to be called, closed")
def purge_closed(*, now: datetime, dry: bool) -> int:
    """Delete requests whose call was made longer ago than they are kept."""
    over = (
        CallbackRequest.objects.filter(status=Status.CALLED)
        .annotate(closed_at=Max("changes__at"))
        .filter(closed_at__lt=now - CALLBACK)
    )
    kept = held("care.callbackrequest")
    ids = [pk for pk in over.values_list("pk", flat=True) if str(pk) not in kept]
    if not dry:
        StatusChange.objects.filter(request__in=ids).delete()
        CallbackRequest.objects.filter(pk__in=ids).delete()
    return len(ids)


@health("Requests")
def lines(now: datetime) -> Iterator[Line]:
    """Say how many calls are owed, and how many late."""
    waiting = CallbackRequest.objects.filter(status__in=OPEN)
    late = waiting.filter(due_at__lt=now).count()
    yield Line(
        "Calls owed",
        f"{waiting.count()}, {late} past their time",
        State.ATTENTION if late else State.GOOD,
        "Call these families today." if late else "",
    )


@opens("a request to be called")
def first_request() -> str | None:
    """Give the page of the newest request."""
    found = CallbackRequest.objects.order_by("-sent_at").first()
    return reverse("callback_request", args=[found.pk]) if found else None
