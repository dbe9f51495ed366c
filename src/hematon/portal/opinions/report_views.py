"""A released report: for the family in its language, and for the clinician outside."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import (
    account_of,
    family_of,
    family_page,
    referrer_of,
    referrer_page,
)
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.opinions import access, actions
from hematon.portal.opinions.content import Content
from hematon.portal.opinions.models import Release
from hematon.portal.opinions.opinion_views import given_out
from hematon.portal.ui.site import site

read_or_send = require_http_methods(["GET", "HEAD", "POST"])


def _whole(release: Release | None) -> Release:
    if release is None or not release.signed.is_whole:
        raise Http404
    return release


def _was_opened(release: Release, user: User) -> bool:
    return release.readings.filter(by=user).exists()


@family_page
@read_or_send
def family_report(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say that the report is there; sending opens it, and from then on it is shown."""
    user, at = family_of(request), timezone.now()
    release = _whole(access.family_release(user, pk, at))
    if request.method == "POST":
        actions.opened(release=release, by=user, at=at)
        return redirect("family_report", pk=pk)
    case, signed = release.signed.opinion.case, release.signed
    if not _was_opened(release, user):
        return render(request, "opinions/family_cover.html", {"case": case})
    content = Content.of(signed.content)
    here = (get_language() or "en")[:2]
    language = here if getattr(content, f"family_{here}") else "en"
    text: str = getattr(content, f"family_{language}")
    context = {
        "case": case,
        "signed": signed,
        "paragraphs": [part.strip() for part in text.split("\n\n") if part.strip()],
        "text_language": language,
        "spanish_by": content.spanish_by if language == "es" else "",
        "questions": [one.question for one in content.answers],
        "day": signed.at.astimezone(site().zone).date(),
    }
    answered = render(request, "opinions/family_report.html", context)
    record(user, "opinion.report_viewed", case, version=signed.number)
    return answered


@family_page
@require_safe
def family_report_pdf(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the whole report to keep, once it was opened."""
    user = family_of(request)
    release = _whole(access.family_release(user, pk, timezone.now()))
    if not _was_opened(release, user):
        return redirect("family_report", pk=pk)
    return given_out(request, release.signed)


@referrer_page
@read_or_send
def referrer_report(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the report; sending says that it was read."""
    user = referrer_of(request)
    release = _whole(access.doctor_release(user, pk))
    if request.method == "POST":
        actions.opened(release=release, by=user, at=timezone.now())
        return redirect("referrer_report", pk=pk)
    signed = release.signed
    latest = access.latest_signed(signed.opinion.case)
    context = {
        "case": signed.opinion.case,
        "signed": signed,
        "content": Content.of(signed.content),
        "was_read": _was_opened(release, user),
        "is_latest": latest is None or latest.pk == signed.pk,
        "zone": site().zone,
    }
    answered = render(request, "opinions/referrer_report.html", context)
    record(user, "opinion.report_viewed", signed.opinion.case, version=signed.number)
    return answered


@referrer_page
@require_safe
def referrer_report_pdf(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the report to the clinician to keep."""
    release = _whole(access.doctor_release(account_of(request), pk))
    return given_out(request, release.signed)
