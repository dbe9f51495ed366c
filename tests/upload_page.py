"""A page that asks for files, as a request does, for tests of the form."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone

from hematon.portal import urls
from hematon.portal.files import access
from hematon.portal.files.forms import Done, UploadForm
from hematon.portal.files.kinds import CASE_LIMITS, REFERRAL_LIMITS
from hematon.portal.files.serve import Purpose, answer
from hematon.portal.ui.open import open_page

HOLDER = uuid.UUID(int=11)
PAGE = "/try/"


@open_page
def page(request: HttpRequest, kind: str = "") -> HttpResponse:
    """Ask for files, as a request does."""
    form = UploadForm(
        request,
        holder=HOLDER,
        step="records",
        title="Send the records you have",
        required=kind == "required",
        limits=REFERRAL_LIMITS if kind == "referral" else CASE_LIMITS,
        address=lambda stored: f"/try/{stored.pk}",
    )
    if request.method == "POST":
        done = form.settle(by=None, at=timezone.now())
        if done:
            return redirect(request.path if done is Done.HERE else "/on/")
    return render(request, "ui/question.html", {"form": form, "title": form.title})


@open_page
def file(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Give one back."""
    return answer(access.get_file(HOLDER, key), Purpose.SENDER)


urlpatterns = [
    path("try/", page),
    path("try/<uuid:key>", file),
    path("try/<str:kind>/", page),
    *urls.urlpatterns,
]
