"""The portal's addresses, and the page that takes files of a request in proofs.

It is what `files.forms` tells a page to be: the family's own case, the form, one redirect. Where
requests take files by themselves (`visitor.OWN_FILES`) nobody asks for it, and it can go.
"""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone

from hematon.portal import urls
from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.care import access as cases
from hematon.portal.files import access
from hematon.portal.files.forms import UploadForm
from hematon.portal.files.serve import Purpose, answer


def _own(request: HttpRequest, pk: uuid.UUID) -> uuid.UUID:
    user = family_of(request)
    case = cases.get_draft(user, pk, timezone.now()) or cases.get_case(user, pk)
    if case is None:
        raise Http404
    return case.pk


@family_page
def page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take files and list them."""
    form = UploadForm(
        request,
        holder=_own(request, pk),
        step="records",
        title="Records",
        address=lambda stored: f"/proof/{pk}/{stored.pk}/",
    )
    if request.method == "POST" and form.settle(by=family_of(request), at=timezone.now()):
        return redirect(request.path)
    return render(request, "ui/question.html", {"form": form, "title": form.title})


@family_page
def file(request: HttpRequest, pk: uuid.UUID, key: uuid.UUID) -> HttpResponse:
    """Give one back."""
    return answer(access.get_file(_own(request, pk), key), Purpose.SENDER)


urlpatterns = [
    path("proof/<uuid:pk>/", page),
    path("proof/<uuid:pk>/<uuid:key>/", file),
    *urls.urlpatterns,
]
handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
handler429, handler500 = urls.handler429, urls.handler500
