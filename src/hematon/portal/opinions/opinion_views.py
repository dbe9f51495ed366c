"""The opinion: where it stands, writing it, a second reader, signing, releasing."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import Role, confirm_first, staff_of, staff_page
from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import Kind
from hematon.portal.opinions import access, actions, panel
from hematon.portal.opinions.content import Content, Reads, needs_spanish, reads, unfinished
from hematon.portal.opinions.forms import OpinionForm, ReleaseForm, SecondReadingForm, SignForm
from hematon.portal.opinions.models import Receiver, Signed
from hematon.portal.opinions.packet import gathered
from hematon.portal.opinions.packet_views import TEAM, case_of, download
from hematon.portal.ui.site import site

read_or_send = require_http_methods(["GET", "HEAD", "POST"])
STALE = "Somebody saved another text since you opened this page. Your own text is still here."
LANGUAGES = ("en", "es")


def _written_by(request: HttpRequest, pk: uuid.UUID) -> Case:
    case = case_of(request, pk)
    if not access.may_write(staff_of(request), case):
        raise Http404
    return case


def _context(request: HttpRequest, case: Case, **more: Any) -> dict[str, Any]:
    return {
        "case": case,
        "panel": panel.panel_of(case, staff_of(request)),
        "zone": site().zone,
        **more,
    }


@staff_page(*TEAM)
@require_safe
def opinion(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show where an opinion stands: text, readers, versions and releases."""
    case = case_of(request, pk)
    found = access.opinion_of(case)
    content, number = actions.kept_or_begun(case)
    user = staff_of(request)
    signed = [] if found is None else list(found.signed.select_related("by").order_by("-number"))
    is_signed = bool(signed) and signed[0].revision.number == number
    revisions = [] if found is None else list(found.revisions.select_related("by"))
    context = _context(
        request,
        case,
        opinion=found,
        content=content,
        number=number,
        reads=_meters(content, case),
        open_parts=unfinished(content, case) if number else [],
        signed=[(one, list(one.releases.all()), one.is_whole) for one in signed],
        is_signed=is_signed,
        can_release=is_signed and len(signed[0].releases.all()) < len(_receivers(case)),
        revisions=revisions[::-1],
        readings=list(revisions[-1].readings.select_related("by")) if revisions else [],
        can_second_read=bool(revisions)
        and not is_signed
        and revisions[-1].by_id != user.pk
        and access.may_second_read(user, case),
    )
    answered = render(request, "opinions/opinion.html", context)
    record(user, "opinion.viewed", case)
    return answered


def _meters(content: Content, case: Case) -> list[Reads]:
    wanted = LANGUAGES if needs_spanish(case) or content.family_es else LANGUAGES[:1]
    return [reads(getattr(content, f"family_{language}"), language) for language in wanted]


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@read_or_send
def opinion_write(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Write the opinion. A page from before another's saving is refused, its text kept in it."""
    case = _written_by(request, pk)
    content, number = actions.kept_or_begun(case)
    form = OpinionForm(case=case, content=content, initial={"seen": number})
    status = 200
    if request.method == "POST":
        form = OpinionForm(request.POST, case=case, content=content)
        if form.is_valid():
            try:
                actions.save(
                    case=case,
                    content=form.content(),
                    by=staff_of(request),
                    at=timezone.now(),
                    seen=form.cleaned_data["seen"],
                )
            except NotInThisState:
                # The other text is shown beside it; saving once more then replaces it knowingly.
                form.data = {**request.POST.dict(), "seen": str(number)}
                form.add_error(None, STALE)
                status = 409
            else:
                messages.success(request, "Saved.")
                stay = "stay" in request.POST
                return redirect("opinion_write" if stay else "opinion", pk=pk)
    other = content if status == 409 else None
    meters = _meters(form.content() if form.is_bound and not form.errors else content, case)
    context = _context(
        request,
        case,
        form=form,
        other=other,
        reads={one.language: one for one in meters},
        packet=gathered(case, timezone.now()),
    )
    return render(request, "opinions/write.html", context, status=status)


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@require_POST
def opinion_grade(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Say how a text reads, while it is written; nothing of it is kept."""
    _written_by(request, pk)
    language = request.POST.get("language", "en")
    text = request.POST.get("text", "")[:20_000]
    found = reads(text, language if language in LANGUAGES else "en")
    return JsonResponse({"said": found.said, "advice": list(found.advice), "holds": found.holds})


@staff_page(*TEAM)
@require_safe
def opinion_revision(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Show an earlier text."""
    case = case_of(request, pk)
    found = access.opinion_of(case)
    revision = found.revisions.filter(number=number).first() if found is not None else None
    if revision is None:
        raise Http404
    context = _context(request, case, revision=revision, content=Content.of(revision.content))
    answered = render(request, "opinions/revision.html", context)
    record(staff_of(request), "opinion.viewed", case)
    return answered


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@read_or_send
def opinion_second(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Read the text as a second clinician, and say whether one agrees."""
    case = case_of(request, pk)
    content, number = actions.kept_or_begun(case)
    if not number:
        raise Http404
    form = SecondReadingForm(request.POST if request.method == "POST" else None)
    form.initial["seen"] = number
    status = 200
    if form.is_valid():
        try:
            actions.second_read(
                case=case,
                seen=form.cleaned_data["seen"],
                agrees=form.cleaned_data["agrees"] == "yes",
                comment=form.cleaned_data["comment"],
                by=staff_of(request),
                at=timezone.now(),
            )
        except NotPermitted:
            form.add_error(None, "Who wrote this text cannot be its second reader.")
            status = 403
        except NotInThisState:
            form.add_error(None, "Another text was saved since, or you read this one before.")
            status = 409
        else:
            messages.success(request, "Your reading was noted.")
            return redirect("opinion", pk=pk)
    context = _context(request, case, form=form, content=content, number=number)
    return render(request, "opinions/second.html", context, status=status)


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@read_or_send
@confirm_first
def opinion_sign(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the whole text once more, and sign it."""
    case = _written_by(request, pk)
    content, number = actions.kept_or_begun(case)
    before = access.latest_signed(case)
    amends = before is not None
    form = SignForm(initial={"seen": number}, amends=amends)
    status = 200
    if request.method == "POST":
        form = SignForm(request.POST, amends=amends)
        if form.is_valid():
            try:
                signed = actions.sign(
                    case=case,
                    seen=form.cleaned_data["seen"],
                    reason=form.cleaned_data.get("reason", ""),
                    by=staff_of(request),
                    at=timezone.now(),
                )
            except NotInThisState:
                form.data = {**request.POST.dict(), "seen": str(number)}
                form.add_error(
                    None, "The text changed since you opened this page, or it is signed. Read it."
                )
                status = 409
            except Unfinished:
                form.add_error(None, "The text is not finished. The list says what is missing.")
                status = 422
            else:
                messages.success(request, f"Version {signed.number} is signed.")
                return redirect("opinion", pk=pk)
    context = _context(
        request,
        case,
        form=form,
        content=content,
        number=number,
        open_parts=unfinished(content, case),
        before=before,
        is_signed=before is not None and before.revision.number == number,
    )
    return render(request, "opinions/sign.html", context, status=status)


def _receivers(case: Case) -> list[tuple[str, str]]:
    if case.kind == Kind.REFERRAL:
        return [(Receiver.DOCTOR.value, "The clinician who referred the child")]
    found = [(Receiver.FAMILY.value, "The family")]
    consent = access.consent_to_doctor(case)
    if consent is not None:
        doctor = consent.signer.get("report_doctor", "")
        place = consent.signer.get("report_place", "")
        found.append((Receiver.DOCTOR.value, f"The doctor the family named: {doctor}, {place}"))
    return found


_REFUSED = {
    actions.NO_READER: "Nobody of the family may read it yet: confirm an adult's link to the child "
    "first, under Families.",
    actions.NO_CONSENT: "The family's agreement was taken back. The doctor may not have it.",
    actions.NO_ADDRESS: "Enter the doctor's work email.",
}


@sensitive_post_parameters()
@staff_page(Role.CLINICIAN)
@read_or_send
def opinion_release(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show who may receive the signed version, and give it out."""
    case = _written_by(request, pk)
    signed = access.latest_signed(case)
    if signed is None:
        raise Http404
    given = set(signed.releases.values_list("to", flat=True))
    choices = [one for one in _receivers(case) if one[0] not in given]
    by_mail = case.kind != Kind.REFERRAL and any(c[0] == Receiver.DOCTOR for c in choices)
    shape: dict[str, Any] = {"receivers": choices, "by_mail": by_mail}
    form = ReleaseForm(initial={"seen": case.revision, "version": signed.number}, **shape)
    status = 200
    if request.method == "POST":
        form = ReleaseForm(request.POST, **shape)
        if form.is_valid():
            try:
                actions.release(
                    case=case,
                    version=form.cleaned_data["version"],
                    to=[Receiver(one) for one in form.cleaned_data["to"]],
                    by=staff_of(request),
                    at=timezone.now(),
                    seen=form.cleaned_data["seen"],
                    doctor_address=form.cleaned_data.get("doctor_address", ""),
                )
            except Unfinished as error:
                form.add_error("to", _REFUSED[error.what])
                status = 422
            except NotInThisState:
                form.data = {**request.POST.dict(), "seen": str(case.revision)}
                form.add_error(None, "The request moved on since you opened this page. Look again.")
                status = 409
            else:
                messages.success(request, f"Version {signed.number} was released.")
                return redirect("opinion", pk=pk)
    readers = access.readers(case, timezone.now())
    context = _context(
        request,
        case,
        form=form,
        signed=signed,
        content=Content.of(signed.content),
        given=list(signed.releases.all()),
        choices=choices,
        readers=len(readers),
        is_referral=case.kind == Kind.REFERRAL,
        consent=access.consent_to_doctor(case),
    )
    return render(request, "opinions/release.html", context, status=status)


@staff_page(*TEAM)
@require_safe
def opinion_report(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Give a signed version's document, as it was signed."""
    case = case_of(request, pk)
    signed = access.get_signed(case, number)
    if signed is None:
        raise Http404
    return given_out(request, signed)


def given_out(request: HttpRequest, signed: Signed) -> HttpResponse:
    """Give the document of a version that the caller has authorized.

    Raises:
        Http404: it is not what was signed (T-42).
    """
    if not signed.is_whole:
        raise Http404
    case = signed.opinion.case
    record(staff_of(request), "opinion.report_exported", case, version=signed.number)
    return download(
        signed.document, "application/pdf", f"report-{case.reference}-{signed.number}.pdf"
    )
