"""The audit for the privacy officer, and the page on which a record is opened in an emergency."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.audit import fhir
from hematon.portal.audit.record import name_of, record
from hematon.portal.audit.verify import verify_and_note
from hematon.portal.privacy import access, actions
from hematon.portal.privacy.forms import ExportForm, ReasonForm, ReviewForm, SearchForm
from hematon.portal.privacy.models import Finding
from hematon.portal.privacy.standing import standing
from hematon.portal.ui.site import site

PAGE_SIZE = 50


@staff_page(Role.PRIVACY)
@require_http_methods(["GET", "HEAD", "POST"])
def audit_log(request: HttpRequest) -> HttpResponse:
    """Show rows; a search is sent, and comes back with codes alone in the address."""
    user = staff_of(request)
    if request.method == "POST":
        form = SearchForm(request.POST)
        if form.is_valid():
            return redirect(f"{reverse('audit_log')}?{urlencode(form.codes())}#rows")
        return _log_page(request, form, SearchForm({}))
    form = SearchForm(request.GET)
    search = form if form.is_valid() else SearchForm({})
    response = _log_page(request, form if request.GET else SearchForm(), search)
    # Last: who looked is not among what was looked at.
    record(user, "audit.searched", before=_before(request), asked=urlencode(search.codes()))
    return response


def _before(request: HttpRequest) -> int | None:
    number = request.GET.get("before", "")
    return int(number) if number.isdecimal() and len(number) < 19 else None


def _log_page(request: HttpRequest, form: SearchForm, search: SearchForm) -> HttpResponse:
    user = staff_of(request)
    search.full_clean()
    rows, before = search.rows(), _before(request)
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    shown = list(rows[: PAGE_SIZE + 1])
    more = len(shown) > PAGE_SIZE
    codes = search.codes()
    context = {
        "form": form,
        "rows": shown[:PAGE_SIZE],
        "query": urlencode(codes),
        "asked": bool(codes),
        "is_first": before is None,
        "older": urlencode({**codes, "before": shown[PAGE_SIZE - 1].sequence}) if more else "",
        "standing": standing(),
        "openings": access.openings(user, reviewed=False),
        "reviewed": access.openings(user, reviewed=True)[:10],
    }
    return render(request, "privacy/audit_log.html", context)


@staff_page(Role.PRIVACY)
@require_POST
def audit_verify(request: HttpRequest) -> HttpResponse:
    """Read the whole chain now; what is found stands on the audit's page."""
    verify_and_note(by=staff_of(request), at=timezone.now())
    return redirect("audit_log")


@staff_page(Role.PRIVACY)
@require_http_methods(["GET", "HEAD", "POST"])
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """Ask which file; sending gives it, piece by piece."""
    user = staff_of(request)
    if not _proved(request):
        return redirect(request.get_full_path())
    search = SearchForm(request.GET)
    if not search.is_valid():
        return redirect("audit_log")
    rows = search.rows()
    newest = rows.values_list("sequence", flat=True).first() or 0
    form = ExportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        kind, at = form.cleaned_data["kind"], timezone.now()
        # Before the first byte leaves.
        record(
            user, "audit.exported", kind=kind, rows=rows.count(), asked=urlencode(search.codes())
        )
        events = rows.filter(sequence__lte=newest).order_by("sequence").iterator(chunk_size=1000)
        host = request.get_host()
        pieces: Iterator[str] = (
            fhir.ndjson(events, host=host)
            if kind == "ndjson"
            else fhir.bundle(events, host=host, at=at)
        )
        types = {"ndjson": "application/fhir+ndjson", "bundle": "application/fhir+json"}
        names = {"ndjson": "ndjson", "bundle": "json"}
        return StreamingHttpResponse(
            pieces,
            content_type=types[kind],
            headers={
                "Content-Disposition": f'attachment; filename="audit-{at:%Y-%m-%d}.{names[kind]}"'
            },
        )
    context = {"form": form, "count": rows.count(), "query": urlencode(search.codes())}
    return render(request, "privacy/audit_export.html", context)


@staff_page(Role.PRIVACY)
@require_http_methods(["GET", "HEAD", "POST"])
def audit_opening(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one emergency opening with its reason; sending says what was made of it."""
    user = staff_of(request)
    found = access.opening(user, pk)
    if found is None:
        raise Http404
    form = ReviewForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_valid():
        try:
            actions.review(
                opening=found,
                finding=Finding(form.cleaned_data["finding"]),
                note=form.cleaned_data["note"],
                by=user,
                at=timezone.now(),
            )
        except actions.RefusedError as error:
            words = {
                "own": "You opened this record yourself. Somebody else must review it.",
                "reviewed": "Somebody has reviewed this since you opened the page.",
            }
            form.add_error(None, words.get(error.code, "You may not review this."))
            status = 409
            found = access.opening(user, pk)
        else:
            messages.success(request, "The review is recorded.")
            return redirect("audit_log")
    with transaction.atomic():
        context = {
            "found": found,
            "form": form,
            "own": found and found.user_id == user.pk,
            "used": list(access.used(found)) if found else [],
        }
        response = render(request, "privacy/audit_opening.html", context, status=status)
        record(user, "glass.viewed", found)
    return response


@staff_page(*access.MAY_BREAK)
@require_http_methods(["GET", "HEAD", "POST"])
def break_glass(request: HttpRequest, word: str, pk: uuid.UUID) -> HttpResponse:
    """Ask for a reason; sending it opens one record for an hour."""
    user = staff_of(request)
    subject = access.subject_of(word, pk)
    if subject is None:
        raise Http404
    if not _proved(request):
        return redirect(request.get_full_path())
    form = ReasonForm(request.POST if request.method == "POST" else None)
    now = timezone.now()
    if form.is_valid():
        try:
            made = actions.break_glass(
                user=user, subject=subject, reason=form.cleaned_data["reason"], at=now
            )
        except actions.RefusedError as error:
            if error.code != "open":
                raise
            messages.info(request, "You have this record open already.")
        else:
            until = timezone.localtime(made.expires_at, site().zone)
            messages.warning(request, f"The record is open to you until {until:%H:%M}.")
        return redirect(_back(request))
    context = {
        "form": form,
        "subject": name_of(subject),
        "is_open": access.is_broken(user, subject, now),
        "minutes": int(actions.OPEN_FOR.total_seconds() // 60),
        "back": _back(request),
    }
    return render(request, "privacy/break_glass.html", context)


def _proved(request: HttpRequest) -> bool:
    """Ask who it is once more; False where a form was sent too late and must be asked for again.

    allauth would keep a form that was sent, with what was typed, in the session.

    Raises:
        ReauthenticationRequired: a page was asked for; allauth's middleware asks and comes back.
    """
    try:
        _once_more(request)
    except ReauthenticationRequired:
        if request.method != "POST":
            raise
        return False
    return True


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _once_more(request: HttpRequest) -> None:
    """Be what is protected."""


def _back(request: HttpRequest) -> str:
    """Give the staff page that sent here, or the staff's start page."""
    to = request.GET.get("next", "")
    local = url_has_allowed_host_and_scheme(to, allowed_hosts=None, require_https=True)
    return to if local and to.startswith("/staff/") else reverse("staff")
