"""The packet: read on a page, taken along as PDF and as FHIR; its files."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.audit.record import record
from hematon.portal.care.access import get_case
from hematon.portal.care.models import Case
from hematon.portal.clinic.document import page
from hematon.portal.clinic.reading import knowledge
from hematon.portal.files.access import get_file
from hematon.portal.files.serve import Purpose, answer, may_open
from hematon.portal.opinions import panel
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.packet import STATES, Packet
from hematon.portal.opinions.packet_pdf import packet_pdf as pdf_of
from hematon.portal.ui.site import site

TEAM = (Role.INTAKE, Role.CLINICIAN)
DOWNLOAD_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def case_of(request: HttpRequest, pk: uuid.UUID) -> Case:
    """Give a case that this person may open.

    Raises:
        Http404: not theirs, or not there.
    """
    found = get_case(staff_of(request), pk)
    if found is None:
        raise Http404
    return found


def download(content: bytes, media: str, name: str) -> HttpResponse:
    """Give a document to keep; nothing in it runs."""
    return HttpResponse(
        content,
        content_type=media,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": DOWNLOAD_POLICY,
        },
    )


@staff_page(*TEAM)
@require_safe
def packet(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the packet: what is asked, what is missing, counts, files, and where to take it."""
    case = case_of(request, pk)
    made = packet_of(case, timezone.now())
    context = {
        "case": case,
        "packet": made,
        "files": [(f, STATES[f.state], may_open(f, Purpose.CARE)) for f in made.files],
        "charts": panel.charts_of(made),
        "panel": panel.panel_of(case, staff_of(request)),
        "zone": site().zone,
    }
    answered = render(request, "opinions/packet.html", context)
    record(staff_of(request), "packet.viewed", case, kind=case.kind)
    return answered


@staff_page(*TEAM)
@require_safe
def packet_pdf(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the packet as PDF."""
    case = case_of(request, pk)
    made = packet_of(case, timezone.now())
    content = pdf_of(made, knowledge())
    _note(request, made, "pdf")
    return download(content, "application/pdf", f"packet-{case.reference}.pdf")


@staff_page(*TEAM)
@require_safe
def packet_fhir(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the packet as a FHIR Bundle that names its files."""
    return _bundle(request, pk, "fhir")


@staff_page(*TEAM)
@require_safe
def packet_with_files(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the packet as a FHIR Bundle with the content of every file that may be opened."""
    return _bundle(request, pk, "fhir-with-files")


def _bundle(request: HttpRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    case = case_of(request, pk)
    made = packet_of(case, timezone.now(), with_files=kind == "fhir-with-files")
    content = orjson.dumps(made.bundle, option=orjson.OPT_INDENT_2)
    _note(request, made, kind)
    return download(content, "application/fhir+json", f"packet-{case.reference}.json")


@staff_page(*TEAM)
@require_safe
def packet_computed(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the engine's whole report on the record, as for any record that is assessed."""
    case = case_of(request, pk)
    made = packet_of(case, timezone.now())
    if made.assessment is None:
        raise Http404
    links = [
        (reverse("packet", kwargs={"pk": pk}), "Back to the packet"),
        (reverse("case_assessment", kwargs={"pk": pk}), "Assessment: change, agree, disagree"),
    ]
    document, policy = page(
        made.assessment,
        knowledge(),
        links=links,
        by=str(request.user),
        at=made.at.astimezone(UTC),
    )
    record(staff_of(request), "report.opened", case, kind="packet")
    return HttpResponse(document, headers={"Content-Security-Policy": policy})


@staff_page(*TEAM)
@require_safe
def packet_file(request: HttpRequest, pk: uuid.UUID, key: uuid.UUID) -> HttpResponse:
    """Give one file of a case that was scanned and is clean."""
    case = case_of(request, pk)
    given = answer(get_file(case.pk, key), Purpose.CARE)
    record(staff_of(request), "packet.exported", case, kind="file")
    return given


def _note(request: HttpRequest, made: Packet, kind: str) -> None:
    computed = made.assessment
    versions: dict[str, Any] = (
        {}
        if computed is None
        else {
            "engine": computed.versions.engine,
            "knowledge": computed.versions.fingerprint[:16],
            "input": computed.input_hash[:16],
        }
    )
    who, files = staff_of(request), len(made.files)
    record(who, "packet.exported", made.case, kind=kind, files=files, **versions)
