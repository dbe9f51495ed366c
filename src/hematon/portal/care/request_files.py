"""Files of a family's request: the pages of a draft that ask for them, more later, and opening one.

A file is kept when it is sent, before the page answers: `files.actions.take` runs in no transaction
of ours.
"""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.care import access, asking, tasks, uploads
from hematon.portal.care.models import Case
from hematon.portal.care.refused import NotInThisState, SentBefore
from hematon.portal.files.forms import Done, UploadForm
from hematon.portal.files.models import StoredFile
from hematon.portal.files.serve import Purpose, answer
from hematon.portal.ui.journey import Question

read_or_send = require_http_methods(["GET", "HEAD", "POST"])


def _form(request: HttpRequest, case: Case, step: str, title: str) -> UploadForm:
    def address(stored: StoredFile) -> str:
        return reverse("request_file", kwargs={"pk": case.pk, "file": stored.pk})

    return UploadForm(
        request,
        holder=case.pk,
        step=step,
        title=title,
        rules=uploads.rules_for(step),
        required="later" not in request.POST,
        address=address,
    )


def upload(request: HttpRequest, case: Case, task: tasks.Task, key: str) -> HttpResponse:
    """Show the page of a draft that asks for files of one kind, or take them.

    Raises:
        NotInThisState: the draft was sent meanwhile; what was taken is with the request.
    """
    pages = asking.journey(case, task)
    question = pages.reach(request, key)
    if not isinstance(question, Question):
        return question
    name, before = tasks.UPLOADS[key]
    form = _form(request, case, key, str(name))
    if request.method == "POST":
        seen, at = uploads.state_of(case, key), timezone.now()
        done = form.settle(by=family_of(request), at=at)
        if uploads.state_of(case, key) != seen:
            uploads.note_change(case=case, step=key, at=at)
        if done is Done.HERE:
            return redirect(request.path)
        if done is Done.ON:
            return pages.go_on(request, key)
    return render(
        request,
        question.template,
        {
            "form": form,
            "title": form.title,
            "caption": task.name,
            "back": pages.back(request, key),
            "change": pages.at(before),
            "case": case,
        },
    )


@family_page
@read_or_send
def add(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Add files to a request that was sent, and tell the team of them."""
    user = family_of(request)
    case = access.get_case(user, pk)
    if case is None or case.sender_id != user.pk:
        raise Http404
    if not uploads.may_add(case):
        return redirect("request_page", pk=pk)
    form = _form(request, case, uploads.batch(case), _("Add files to your request"))
    if request.method == "POST":
        at = timezone.now()
        done = form.settle(by=user, at=at)
        if done is Done.HERE:
            return redirect(request.path)
        if done is Done.ON:
            try:
                uploads.tell(case=case, by=user, language=(get_language() or "en")[:2], at=at)
            except (NotInThisState, SentBefore):
                messages.info(request, _("Your request moved on since. Look at it once more."))
                return redirect("request_page", pk=pk)
            messages.info(request, _("The team has your files."))
            return redirect("request_page", pk=pk)
    back = reverse("request_page", kwargs={"pk": pk})
    return render(
        request,
        "care/request/add_files.html",
        {"form": form, "title": form.title, "back": back, "caption": case.reference, "case": case},
    )


@family_page
@require_safe
def give(request: HttpRequest, pk: uuid.UUID, file: uuid.UUID) -> HttpResponse:
    """Give a file back to the person who sent it, while its request is theirs."""
    user = family_of(request)
    case = access.get_draft(user, pk, timezone.now()) or access.get_case(user, pk)
    if case is None:
        raise Http404
    stored = uploads.own_file(case, user, file)
    given = answer(stored, Purpose.SENDER)
    uploads.note_opened(stored=stored, by=user)
    return given
