"""Upload a record, choose one of several, read its report, take it along."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from hematon.engine.assessment import Assessment
from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.clinic import actions
from hematon.portal.clinic.access import upload_of
from hematon.portal.clinic.document import page
from hematon.portal.clinic.forms import AssessForm, feedback_form
from hematon.portal.clinic.models import KEPT_FOR, Upload
from hematon.portal.clinic.reading import judge, knowledge, read
from hematon.report import fhir, html
from hematon.report.quantities import short_age

_log = logging.getLogger(__name__)
KINDS = {
    "html": ("text/html; charset=utf-8", "hematon-report.html", "Download as HTML"),
    "json": ("application/json", "hematon-report.json", "Download as JSON"),
    "fhir": ("application/fhir+json", "hematon-report.fhir.json", "Download as FHIR"),
}
"""What a report can be taken along as: media type, name of the file, words of the link."""


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@require_http_methods(["GET", "HEAD", "POST"])
def assess_record(request: HttpRequest) -> HttpResponse:
    """Take a record; show what is wrong with it, or go on to its report."""
    if request.method != "POST":
        return render(request, "clinic/assess.html", {"form": AssessForm()})
    actions.purge()
    form = AssessForm(request.POST, request.FILES)
    issues: tuple[Issue, ...] = ()
    if form.is_valid():
        now, content = timezone.now(), form.content()
        try:
            readings = read(content, now.date())
        except UnreadableError as error:
            issues = error.issues
            used = "file" if form.cleaned_data["file"] is not None else "text"
            form.add_error(used, "The record could not be read. The table says where and why.")
        else:
            upload = actions.keep(
                content=content,
                readings=readings,
                setting=form.cleaned_data["setting"],
                session_key=request.session.session_key or "",
                by=staff_of(request),
                at=now,
            )
            if len(readings) == 1 and not readings[0].has_errors:
                return redirect("assessment_report", pk=upload.pk, number=1)
            return redirect("assessment_records", pk=upload.pk)
    return render(request, "clinic/assess.html", {"form": form, "issues": issues})


@dataclass(frozen=True)
class Row:
    """One record in the list."""

    number: int
    id: str
    who: str
    results: int
    findings: int
    reading: Reading[Case]

    @property
    def issues_caption(self) -> str:
        """Head the table of its issues."""
        return f"Issues of record {self.number}"


@staff_page(Role.CLINICIAN)
@require_safe
def assessment_records(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """List the records of an upload with everything found wrong in each."""
    upload, content = upload_of(request, pk)
    rows = [_row(n, r) for n, r in enumerate(read(content, upload.kept_at.date()), start=1)]
    setting = knowledge().settings["all"][upload.setting]
    return render(
        request,
        "clinic/records.html",
        {
            "upload": upload,
            "rows": rows,
            "setting": setting["name"],
            "until": (upload.kept_at + KEPT_FOR).astimezone(UTC),
        },
    )


@staff_page(Role.CLINICIAN)
@require_safe
def assessment_report(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Show the whole report of one record."""
    found = _assessed_or_answer(request, pk, number)
    if isinstance(found, HttpResponse):
        return found
    upload, assessment = found
    links = [(reverse("assessment_records", kwargs={"pk": pk}), "Records and issues")]
    for kind, (_, _, words) in KINDS.items():
        address = reverse("assessment_download", kwargs={"pk": pk, "number": number, "kind": kind})
        links.append((address, words))
    links.append((reverse("assessment_feedback", kwargs={"pk": pk, "number": number}), "Agree?"))
    links += [(reverse("assess_record"), "Assess another"), (reverse("staff"), "Staff page")]
    document, policy = page(
        assessment,
        knowledge(),
        links=links,
        by=str(request.user),
        at=upload.kept_at.astimezone(UTC),
    )
    actions.note_opened(upload=upload, number=number, kind="page", by=staff_of(request))
    return HttpResponse(document, headers={"Content-Security-Policy": policy})


@staff_page(Role.CLINICIAN)
@require_safe
def assessment_download(
    request: HttpRequest, pk: uuid.UUID, number: int, kind: str
) -> HttpResponse:
    """Give the report of one record as a file."""
    if kind not in KINDS:
        raise Http404
    found = _assessed_or_answer(request, pk, number)
    if isinstance(found, HttpResponse):
        return found
    upload, assessment = found
    media, name, _ = KINDS[kind]
    if kind == "html":
        content = html.render(assessment, knowledge()).encode()
    elif kind == "json":
        content = assessment.to_json(indent=True)
    else:
        resource = fhir.render(assessment, knowledge())
        content = orjson.dumps(resource, option=orjson.OPT_INDENT_2)
    actions.note_opened(upload=upload, number=number, kind=kind, by=staff_of(request))
    return HttpResponse(
        content,
        content_type=media,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        },
    )


@staff_page(Role.CLINICIAN)
@require_http_methods(["GET", "HEAD", "POST"])
def assessment_feedback(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Take down whether the clinician agrees with a report."""
    found = _assessed_or_answer(request, pk, number)
    if isinstance(found, HttpResponse):
        return found
    _, assessment = found
    form = feedback_form(assessment)(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actions.give_feedback(
            assessment=assessment, by=staff_of(request), at=timezone.now(), **form.cleaned_data
        )
        messages.success(request, f"Your opinion on the report of record {number} was noted.")
        return redirect("assessment_records", pk=pk)
    back = reverse("assessment_report", kwargs={"pk": pk, "number": number})
    return render(request, "clinic/feedback.html", {"form": form, "back": back})


def _assessed_or_answer(
    request: HttpRequest, pk: uuid.UUID, number: int
) -> tuple[Upload, Assessment] | HttpResponse:
    """Assess one record of an upload; where the engine fails, give the page that says so."""
    upload, content = upload_of(request, pk)
    readings = read(content, upload.kept_at.date())
    if not 1 <= number <= len(readings) or readings[number - 1].value is None:
        raise Http404
    try:
        return upload, judge(readings[number - 1], upload.setting)
    except Exception:
        # Where the engine's faults end, whatever they are; the log keeps type and place alone.
        _log.exception("the engine failed on a record of an upload")
        back = reverse("assessment_records", kwargs={"pk": pk})
        return render(request, "clinic/nothing_computed.html", {"back": back}, status=500)


def _row(number: int, reading: Reading[Case]) -> Row:
    case = reading.value
    if case is None:
        return Row(number, "–", "could not be read", 0, 0, reading)
    age = "age not stated" if case.age_days is None else short_age(case.age_days)
    who = f"{age}, {case.sex or 'sex not stated'}"
    return Row(number, case.id, who, len(case.measurements), len(case.findings), reading)
