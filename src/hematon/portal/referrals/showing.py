"""What pages of a draft share: how they are shown, and the draft, or what is said without one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from hematon.portal.accounts import sessions
from hematon.portal.care.models import Case
from hematon.portal.referrals import access


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Show a page; who is signed in is warned before the session ends, as on closed pages."""
    user = access.referrer(request)
    own: dict[str, Any] = {"referrer": user}
    if user is not None:
        own["account_session_seconds"] = sessions.seconds_left(request, user)
        own["account_idle_minutes"] = sessions.limits(user).idle // 60
    return render(request, template, {**own, **context}, status=status)


def draft_or_answer(request: HttpRequest, pk: uuid.UUID) -> Case | HttpResponse:
    """Give a draft; where it was sent already, the page that says so."""
    case = access.draft_of(request, pk, timezone.now())
    if case is not None:
        return case
    user = access.referrer(request)
    earlier = access.sent_of(user, pk) if user is not None else None
    if earlier is not None:
        return already_sent(request, earlier, 200 if request.method in ("GET", "HEAD") else 409)
    if request.session.get(access.GUEST) == str(pk):
        # This browser began it, so saying that it is over tells nobody anything.
        return show(request, "referrals/over.html", {}, 410)
    raise Http404


def already_sent(request: HttpRequest, earlier: Case, status: int) -> HttpResponse:
    """Say that it was sent, with its reference."""
    return show(request, "referrals/already_sent.html", {"case": earlier}, status)
