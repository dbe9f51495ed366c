"""A family's request until it is sent: start, tasks, questions, check."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import family_of, family_page, open_page
from hematon.portal.care import (
    access,
    ask_forms,
    asking,
    consents,
    intake,
    minors,
    request_files,
    sending,
    tasks,
    uploads,
)
from hematon.portal.care.ask_summary import sections
from hematon.portal.care.doors import door_of
from hematon.portal.care.models import Case, ConsentScope
from hematon.portal.care.refused import NotInThisState, SentBefore, Unfinished
from hematon.portal.care.status import Kind
from hematon.portal.care.summary import attached_counts

read_or_send = require_http_methods(["GET", "HEAD", "POST"])
WHERE = "request_where"
"""Key in the session of where the child lives, until the draft has it."""


def _kind(code: str) -> Kind:
    kind = next((kind for kind in tasks.TASKS if kind.value == code), None)
    if kind is None:
        raise Http404
    return kind


def _served(request: HttpRequest, kind: Kind) -> bool:
    """Say whether the way to the form is open: for a second opinion only from some places."""
    return kind != Kind.SECOND_OPINION or ask_forms.is_served(request.session.get(WHERE, ""))


@open_page
@require_safe
def start(request: HttpRequest, kind: str) -> HttpResponse:
    """Say what will be asked, how long it takes and who sees it."""
    asked = _kind(kind)
    return render(
        request,
        "care/request/start.html",
        {"kind": asked, "door": door_of(asked), "tasks": tasks.tasks_of(asked)},
    )


@open_page
@read_or_send
def where(request: HttpRequest) -> HttpResponse:
    """Ask where the child lives, before the long form."""
    form = ask_forms.WhereForm(request.POST if request.method == "POST" else None)
    form.fields["where"].is_heading = True  # type: ignore[attr-defined]  # for our template
    if request.method == "POST" and form.is_valid():
        request.session[WHERE] = form.cleaned_data["where"]
        return redirect("request_where_result")
    return render(request, "care/request/where.html", {"form": form})


@open_page
@require_safe
def where_result(request: HttpRequest) -> HttpResponse:
    """Say whether we can help there, what it costs and when the report comes."""
    if WHERE not in request.session:
        return redirect("request_where")
    served = ask_forms.is_served(request.session[WHERE])
    return render(
        request, "care/request/where_result.html", {"served": served, "kind": Kind.SECOND_OPINION}
    )


@family_page
@read_or_send
def begin(request: HttpRequest, kind: str) -> HttpResponse:
    """Begin a draft, or go on with one."""
    user, asked, at = family_of(request), _kind(kind), timezone.now()
    if not _served(request, asked):
        return redirect("request_where_result")
    if request.method == "POST":
        place = request.session.get(WHERE, "") if asked == Kind.SECOND_OPINION else ""
        made = asking.begin(kind=asked, sender=user, language=_language(), where=place, at=at)
        return redirect("request_tasks", pk=made.pk)
    earlier = asking.draft_of(user, asked, at)
    return render(request, "care/request/begin.html", {"kind": asked, "earlier": earlier})


def _language() -> str:
    return (get_language() or "en")[:2]


def _draft(request: HttpRequest, pk: uuid.UUID) -> Case | HttpResponse:
    """Give a draft; where it was sent already, the page that says so."""
    user = family_of(request)
    case = access.get_draft(user, pk, timezone.now())
    if case is not None:
        return case
    earlier = access.get_case(user, pk)
    if earlier is None:
        raise Http404
    return _already_sent(request, earlier, 200 if request.method in ("GET", "HEAD") else 409)


def _already_sent(request: HttpRequest, earlier: Case, status: int) -> HttpResponse:
    return render(request, "care/request/already_sent.html", {"case": earlier}, status=status)


@family_page
@require_safe
def task_list(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what is done and what is open."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    answers = uploads.answers_of(case)
    rows = [(t, tasks.status_of(t, case.kind, answers)) for t in tasks.tasks_of(case.kind)]
    done = sum(status == tasks.TaskStatus.COMPLETED for _task, status in rows)
    needs_adult = minors.needs_adult(case.kind, answers, timezone.now())
    return render(
        request,
        "care/request/tasks.html",
        {
            "case": case,
            "rows": rows,
            "done": done,
            "ready": done == len(rows) and not needs_adult,
            "adult_from": minors.adult_from() if needs_adult else None,
        },
    )


def _task(case: Case, key: str) -> tasks.Task:
    found = tasks.task_of(case.kind, key)
    if found is None:
        raise Http404
    return found


@family_page
@require_safe
def task(request: HttpRequest, pk: uuid.UUID, task: str) -> HttpResponse:
    """Lead to the question of a task that is open or wrong, else to its first."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    found, answers = _task(case, task), uploads.answers_of(case)
    if tasks.status_of(found, case.kind, answers) == tasks.TaskStatus.CANNOT_START:
        return redirect("request_tasks", pk=case.pk)
    pages = asking.journey(case, found)
    wrong = tasks.first_problem(found, answers)
    if wrong is not None:
        return redirect(pages.at(wrong.key))
    return pages.missing(request) or redirect(pages.first())


@family_page
@read_or_send
def question(request: HttpRequest, pk: uuid.UUID, task: str, key: str) -> HttpResponse:
    """Ask one question and save its answer at once."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    found = _task(case, task)
    if key not in {q.key for q in found.questions}:
        raise Http404
    if tasks.status_of(found, case.kind, uploads.answers_of(case)) == tasks.TaskStatus.CANNOT_START:
        return redirect("request_tasks", pk=case.pk)
    try:
        if key in tasks.UPLOADS:
            answer = request_files.upload(request, case, found, key)
        else:
            answer = asking.journey(case, found).page(request, key, **_beside(request, case, key))
    except NotInThisState:
        # Sent or deleted in another tab, between opening the draft and saving.
        return redirect("request_page", pk=case.pk)
    if request.method == "POST" and answer.status_code == 302:
        if "later" in request.POST:
            messages.info(request, _("Saved. You can come back later."))
            return redirect("request_tasks", pk=case.pk)
        if key in minors.DECIDED_BY and minors.needs_adult(case.kind, case.answers, timezone.now()):
            return redirect("request_tasks", pk=case.pk)
    return answer


def _beside(request: HttpRequest, case: Case, key: str) -> dict[str, object]:
    """Give what a question's page shows beside its form."""
    scope = asking.CONSENTS.get(key, ConsentScope.RECORDS)
    counts = case.answers.get(tasks.COUNTS) or request.session.get(intake.COUNTS)
    return {
        "case": case,
        "counts": attached_counts(counts),
        "doctor": case.answers.get("report-doctor", {}),
        "signer": case.answers.get("your-name", {}),
        "points": consents.edition(scope).points,
    }


@family_page
@read_or_send
def check(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show every answer; sending sends them once, however often it is pressed."""
    if request.method == "POST":
        return _send(request, pk)
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    answers = uploads.answers_of(case)
    if tasks.open_tasks(case.kind, answers) or minors.needs_adult(
        case.kind, answers, timezone.now()
    ):
        messages.info(request, _("Some tasks are not complete yet."))
        return redirect("request_tasks", pk=case.pk)
    asked = tasks.asked_answers(case.kind, answers)
    return render(
        request,
        "care/request/check.html",
        {
            "case": case,
            "sections": sections(case, answers),
            "counts": attached_counts(asked.get(tasks.COUNTS)),
        },
    )


def _send(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    user, at = family_of(request), timezone.now()
    case = access.get_draft(user, pk, at) or access.get_case(user, pk)
    if case is None:
        raise Http404
    seen = request.POST.get("seen", "")
    try:
        number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
        asking.send(case=case, seen=number, by=user, language=_language(), at=at)
    except SentBefore:
        return _already_sent(request, case, 422)
    except Unfinished:
        messages.info(request, _("Some tasks are not complete yet."))
        return redirect("request_tasks", pk=pk)
    except NotInThisState:
        messages.info(request, _("An answer changed since. Check your answers once more."))
        return redirect("request_check", pk=pk)
    return redirect("request_sent", pk=pk)


@family_page
@read_or_send
def discard(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once, then delete a draft."""
    case = _draft(request, pk)
    if isinstance(case, HttpResponse):
        return case
    if request.method == "POST":
        try:
            sending.discard(case=case, by=family_of(request), at=timezone.now())
        except NotInThisState:
            return redirect("request_page", pk=pk)
        messages.info(request, _("Your draft was deleted."))
        return redirect("requests")
    return render(request, "care/request/delete.html", {"case": case})
