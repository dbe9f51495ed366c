"""The assessment of a case: what was computed, tried with one input changed, and judged.

Number 0 stands for the record as it is now; every other number for a run that is kept.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from hematon.engine.assessment import Candidate
from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.clinic.document import framed
from hematon.portal.clinic.reading import knowledge
from hematon.portal.opinions import access, counted, items, moved, runs, trials
from hematon.portal.opinions.assessment_forms import CountForm, FindingForm, JudgementForm
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.models import Run
from hematon.portal.opinions.packet_views import TEAM, case_of
from hematon.portal.ui.site import site
from hematon.report import evidence, selection, tested, wording

AS_IT_IS = 0
SHOWN = 6
"""So many items of what is missing stand on the page; the report holds all."""
STALE = "The record changed since you opened this page. Look at it again, then send it once more."
read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@staff_page(*TEAM)
@require_safe
def case_assessment(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what was computed from the record, on what, how, and what was made of it."""
    case, now = case_of(request, pk), timezone.now()
    packet = packet_of(case, now)
    found, known = packet.assessment, knowledge()
    context: dict[str, Any] = {
        "case": case,
        "packet": packet,
        "found": found,
        "number": AS_IT_IS,
        "kept": list(access.runs_of(case)),
        "judgements": packet.judgements,
        "may_judge": access.may_judge(staff_of(request), case),
        "now": now,
        "zone": site().zone,
    }
    if found is not None:
        leading = selection.leading(found)
        context |= {
            "to_act": wording.time_to_act(found.urgency),
            "higher": wording.could_be_higher(found.urgency),
            "caution": wording.CAUTION,
            "ranking_rule": evidence.RANKING_RULE,
            "leading": [
                (c, evidence.band(c), _strongest(c), tested.in_brief(found, c.condition))
                for c in found.differential
                if c in leading or selection.is_something_else(c)
            ],
            "missing": [
                (one.name, wording.listed(one.changes, most=5)) for one in found.missing[:SHOWN]
            ],
            # Parts of the packet that no engine reads, such as messages, are no doubt of its data.
            "issues": [one for one in found.issues if one.code != "resource-not-used"],
            "tested": tested.lines(found),
            "how": (
                evidence.how_ranking_works(found),
                evidence.weights(known),
                evidence.band_rule(known),
            ),
        }
    answered = render(request, "opinions/assessment.html", context)
    record(staff_of(request), "report.opened", case, kind="assessment")
    return answered


@staff_page(*TEAM)
@require_safe
def run(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Show a run that is kept: what was changed in it, and what that moved."""
    case = case_of(request, pk)
    kept = _run_of(case, number)
    start = kept.changed_from
    context = {
        "case": case,
        "run": kept,
        "number": number,
        "change": kept.change,
        "moved": moved.moved(start.said, kept.said) if start else None,
        "same": runs.comes_out_the_same(kept),
        "judgements": list(kept.judgements.select_related("by")),
        "may_judge": access.may_judge(staff_of(request), case),
        "zone": site().zone,
    }
    answered = render(request, "opinions/run.html", context)
    record(staff_of(request), "report.opened", kept, kind="run")
    return answered


@staff_page(*TEAM)
@require_safe
def run_report(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Show the report of a run as it was made, whatever software and knowledge are by now."""
    case = case_of(request, pk)
    kept = _run_of(case, number)
    if not kept.is_whole:
        raise Http404
    change = kept.change
    notice = (
        format_html(
            '<p class="portal-computed"><strong>A trial, not the record.</strong> {}: {} instead '
            "of {}.</p>",
            *(change["name"], change["after"], change["before"]),
        )
        if change
        else format_html(
            '<p class="portal-computed"><strong>Version {}, as it was kept.</strong></p>', number
        )
    )
    document, policy = framed(
        kept.document.decode(),
        kept.input_hash,
        links=[(reverse("run", kwargs={"pk": pk, "number": number}), f"Back to version {number}")],
        by=str(kept.by),
        at=kept.at.astimezone(UTC),
        notice=notice,
    )
    record(staff_of(request), "report.opened", kept, kind="run-report")
    return HttpResponse(document, headers={"Content-Security-Policy": policy})


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@read_or_send
def assessment_change(request: HttpRequest, pk: uuid.UUID, number: int, kind: str) -> HttpResponse:
    """Change one input and keep what comes out beside what was there; the record stays."""
    case, now = _judged_by(request, pk), timezone.now()
    start = _start(request, case, number, now)
    given, known, said = runs.Record.of(start.inputs), knowledge(), start.said
    data = request.POST if request.method == "POST" else None
    form: CountForm | FindingForm
    if kind == "count":
        form = CountForm(data, groups=trials.counts(given.case, known), initial=_seen(start))
    elif kind == "finding":
        form = FindingForm(data, groups=trials.findings(said, known), initial=_seen(start))
    else:
        raise Http404
    status = 200
    if form.is_valid():
        sent = form.cleaned_data
        try:
            if sent["seen"] != start.input_hash:
                status = 409
                raise trials.CannotBeTried(STALE)
            change = (
                trials.with_count(given.case, known, sent["which"], sent["value"])
                if kind == "count"
                else trials.with_finding(given.case, known, said, sent["which"], sent["answer"])
            )
        except trials.CannotBeTried as error:
            form.add_error(None if status == 409 else "value", str(error))
            form.data = {**request.POST.dict(), **_seen(start)}
        else:
            by = staff_of(request)
            record_now = runs.Record(change.record, given.issues, given.setting)
            trial = runs.made(case, record_now, by=by, at=now)
            runs.keep_trial(start=start, trial=trial, change=change.to_json(), by=by)
            messages.success(request, f"Kept as version {trial.number}. The record is unchanged.")
            return redirect("run", pk=pk, number=trial.number)
    context = {"case": case, "form": form, "number": number, "kind": kind}
    return render(request, "opinions/change.html", context, status=status)


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@read_or_send
def assessment_judge(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Agree or disagree with one item of an assessment."""
    case, now = _judged_by(request, pk), timezone.now()
    start = _start(request, case, number, now)
    data = request.POST if request.method == "POST" else None
    form = JudgementForm(data, items=items.items_of(start.said), initial=_seen(start))
    status = 200
    if form.is_valid():
        sent = form.cleaned_data
        if sent["seen"] == start.input_hash:
            judgement = runs.say(
                run=start,
                item=form.items[sent["item"]],
                outcome=sent["outcome"],
                reason=sent["reason"],
                comment=sent["comment"],
                by=staff_of(request),
                at=now,
            )
            messages.success(request, f"Kept with version {judgement.run.number}.")
            return redirect("case_assessment", pk=pk)
        form.add_error(None, STALE)
        form.data = {**request.POST.dict(), **_seen(start)}
        status = 409
    context = {"case": case, "form": form, "number": number}
    return render(request, "opinions/judge.html", context, status=status)


@staff_page(Role.CLINICIAN)
@require_safe
def judgement_counts(request: HttpRequest) -> HttpResponse:
    """Show how often clinicians agreed and disagreed, and why, over all cases; numbers alone."""
    return render(request, "opinions/judged.html", {"table": counted.table()})


def _strongest(candidate: Candidate) -> tuple[str, str] | None:
    return None if selection.is_something_else(candidate) else evidence.strongest(candidate)


def _run_of(case: Case, number: int) -> Run:
    found = access.run_of(case, number)
    if found is None:
        raise Http404
    return found


def _judged_by(request: HttpRequest, pk: uuid.UUID) -> Case:
    case = case_of(request, pk)
    if not access.may_judge(staff_of(request), case):
        raise Http404
    return case


def _start(request: HttpRequest, case: Case, number: int, now: datetime) -> Run:
    """Give the run to begin with: a kept one, or the record as it is, kept when it is used."""
    if number != AS_IT_IS:
        return _run_of(case, number)
    packet = packet_of(case, now)
    reading = packet.reading
    if packet.assessment is None or reading is None or reading.value is None:
        raise Http404
    given = runs.Record(reading.value, reading.issues, packet.assessment.setting)
    return runs.made(case, given, by=staff_of(request), at=now)


def _seen(start: Run) -> dict[str, str]:
    return {"seen": start.input_hash}
