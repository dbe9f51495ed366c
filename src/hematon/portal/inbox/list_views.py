"""The list of cases: views, filters, finding by reference, giving several to one person."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.audit.record import record
from hematon.portal.care import access as care
from hematon.portal.care.refused import Unfinished
from hematon.portal.inbox import access, actions, looking
from hematon.portal.inbox.forms import AssignAllForm, FilterForm, KeepFilterForm, ReferenceForm
from hematon.portal.inbox.rows import row_of
from hematon.portal.ui.forms import Form
from hematon.portal.ui.site import site

PAGE_SIZE = 25
_REFUSED = {
    "name": "Enter a name for this filter.",
    "room": f"You keep {actions.FILTERS_MOST} filters already. Drop one first.",
}


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the cases of a view in the suggested reading order."""
    return _page(request, looking.asked_of(request.GET.dict()))


def _page(
    request: HttpRequest,
    asked: looking.Asked,
    *,
    find: ReferenceForm | None = None,
    keep: KeepFilterForm | None = None,
    behind_glass: uuid.UUID | None = None,
    status: int = 200,
) -> HttpResponse:
    user, at = staff_of(request), timezone.now()
    found = looking.shown(user, asked, at).select_related("owner", "opened_by")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    files, numbers = access.files_by_case(page), looking.counts(user, at)
    record(user, "case.listed", None, shown=len(page), page=page.number, view=asked.view)
    forms: list[Form] = [form for form in (find, keep) if form is not None]
    narrowed = {name: value for name, value in asked.codes().items() if name != "view"}
    context = {
        "page": page,
        "rows": [row_of(case, at, files) for case in page],
        "asked": asked,
        "views": [(view, numbers[view.code]) for view in looking.VIEWS],
        "kept": [(row, urlencode(row.codes)) for row in access.filters_of(user)],
        "codes": urlencode(asked.codes()),
        "narrowed": urlencode(narrowed),
        "filter": FilterForm(initial=asked.codes()),
        "find": find or ReferenceForm(),
        "keep": keep or KeepFilterForm(),
        "give": AssignAllForm(people=access.owners()),
        "form": forms[0] if forms else None,
        "behind_glass": behind_glass,
        "zone": site().zone,
        "zone_name": site().zone_name,
        "now": at,
    }
    return render(request, "inbox/inbox.html", context, status=status)


def _asked(request: HttpRequest) -> looking.Asked:
    return looking.asked_of({n: request.POST.get(n, "") for n in ("view", *_NARROWS)})


_NARROWS = ("kind", "band", "language", "flag")


def _back(asked: looking.Asked) -> str:
    return f"{reverse('inbox')}?{urlencode(asked.codes())}"


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def inbox_find(request: HttpRequest) -> HttpResponse:
    """Open the case that a family on the phone names; a reference never stands in an address."""
    user, find = staff_of(request), ReferenceForm(request.POST)
    if not find.is_valid():
        return _page(request, looking.Asked(), find=find, status=422)
    reference = find.cleaned_data["reference"]
    found = care.by_reference(user, reference)
    if found is not None:
        return redirect("case_item", pk=found.pk)
    find.add_error("reference", "No request that you may open has this reference.")
    return _page(
        request,
        looking.Asked(),
        find=find,
        behind_glass=care.behind_glass(user, reference),
        status=404,
    )


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def inbox_keep(request: HttpRequest) -> HttpResponse:
    """Keep what the list shows under a name."""
    asked, keep = _asked(request), KeepFilterForm(request.POST)
    if keep.is_valid():
        try:
            actions.keep_filter(
                user=staff_of(request),
                name=keep.cleaned_data["name"],
                codes=asked.codes(),
                at=timezone.now(),
            )
        except Unfinished as error:
            keep.add_error("name", _REFUSED[error.what])
        else:
            messages.info(request, "The filter is kept. It stands above the list.")
            return redirect(_back(asked))
    return _page(request, asked, keep=keep, status=422)


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def inbox_drop(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Drop one of one's own filters."""
    user = staff_of(request)
    kept = access.filter_of(user, pk)
    if kept is None:
        raise Http404
    actions.drop_filter(kept=kept, by=user)
    messages.info(request, "The filter is dropped.")
    return redirect("inbox")


@staff_page(Role.INTAKE, Role.CLINICIAN)
@require_POST
def inbox_give(request: HttpRequest) -> HttpResponse:
    """Give the chosen cases to one person; what moved on since the list was made stays."""
    user, asked = staff_of(request), _asked(request)
    form = AssignAllForm(request.POST, people=access.owners())
    chosen = []
    for value in request.POST.getlist("case")[:PAGE_SIZE]:
        key, _, seen = value.partition(":")
        case = care.get_case(user, uuid.UUID(key)) if _is_uuid(key) else None
        if case is not None and seen.isascii() and seen.isdigit() and len(seen) < 10:
            chosen.append((case, int(seen)))
    if not chosen or not form.is_valid():
        messages.info(request, "Choose at least one request, and a person.")
        return redirect(_back(asked))
    to = form.cleaned_data["to"]
    given, stale = actions.assign_all(chosen=chosen, to=to, by=user, at=timezone.now())
    said = f"{given} given to {to or 'nobody'}."
    if stale:
        said += f" {stale} had moved on since you opened the list and stayed as they were."
    messages.info(request, said)
    return redirect(_back(asked))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
