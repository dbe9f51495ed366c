"""What the programme sets: each kind of rules in words, its editions, changing and signing."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.audit.record import record
from hematon.portal.programme import access, actions, rules, words
from hematon.portal.programme.forms import EditForm, written
from hematon.portal.programme.models import Edition, Kind
from hematon.portal.programme.shapes import Calendar
from hematon.portal.ui.site import site

_EDITORS = (Role.ADMINISTRATOR, Role.CLINICIAN)


@staff_page(*_EDITORS)
@require_safe
def programme_settings(request: HttpRequest) -> HttpResponse:
    """List every kind of rules with who signed it."""
    user = staff_of(request)
    rows = [
        (kind, rules.in_force(kind), access.editions(kind).filter(signed_at=None).count())
        for kind in access.kinds_for(user)
    ]
    context = {
        "rows": rows,
        "calendar": rules.current(Calendar),
        "zone": site().zone,
        "problems": list(rules.problems()),
    }
    return render(request, "programme/staff/settings.html", context)


def _kind(request: HttpRequest, code: str) -> Kind:
    kind = access.get_kind(staff_of(request), code)
    if kind is None:
        raise Http404
    return kind


@staff_page(*_EDITORS)
@require_safe
def rules_of(request: HttpRequest, code: str) -> HttpResponse:
    """Show the rules in force in words, and every edition."""
    kind = _kind(request, code)
    context = {
        "kind": kind,
        "in_force": rules.in_force(kind),
        "lines": words.lines(kind, rules.current(rules.KINDS[kind])),
        "editions": access.editions(kind),
        "signer": actions.SIGNED_BY[kind].label.partition(":")[0],
        "zone": site().zone,
    }
    return render(request, "programme/staff/rules.html", context)


@staff_page(*_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def change_rules(request: HttpRequest, code: str) -> HttpResponse:
    """Take a new edition; it waits for its signature."""
    kind = _kind(request, code)
    now = rules.current(rules.KINDS[kind])
    form = EditForm(kind=kind, initial={"text": written(now)})
    if request.method == "POST":
        form = EditForm(request.POST, kind=kind)
        if form.is_valid():
            made = actions.make(
                kind=kind,
                value=form.value,
                note=form.cleaned_data["note"],
                by=staff_of(request),
                at=timezone.now(),
            )
            return redirect("edition", code=kind.value, number=made.number)
    return render(request, "programme/staff/change.html", {"kind": kind, "form": form})


def _edition(request: HttpRequest, code: str, number: int) -> Edition:
    found = access.get_edition(staff_of(request), code, number)
    if found is None:
        raise Http404
    return found


@staff_page(*_EDITORS)
@require_safe
def edition(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one edition: what it says, and what it changes."""
    return _shown(request, _edition(request, code, number))


def _shown(
    request: HttpRequest, found: Edition, problem: str = "", status: int = 200
) -> HttpResponse:
    kind = Kind(found.kind)
    in_force = rules.in_force(kind)
    said = words.lines(kind, rules.KINDS[kind].model_validate(found.value))
    now = words.lines(kind, rules.current(rules.KINDS[kind]))
    overtaken = in_force is not None and in_force.number > found.number
    context: dict[str, Any] = {
        "kind": kind,
        "edition": found,
        "in_force": in_force,
        "changes": words.difference(now, said),
        "lines": said,
        "overtaken": overtaken,
        "may_sign": staff_of(request).holds(actions.SIGNED_BY[kind]),
        "signer": actions.SIGNED_BY[kind].label.partition(":")[0],
        "problem": problem,
        "zone": site().zone,
    }
    return render(request, "programme/staff/edition.html", context, status=status)


@staff_page(*_EDITORS)
@reauthentication_required(allow_get=False)  # type: ignore[untyped-decorator]  # allauth's
@require_http_methods(["GET", "HEAD", "POST"])
def sign_rules(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Put an edition into force, after the person confirmed who they are."""
    found = _edition(request, code, number)
    if request.method != "POST":
        return redirect("edition", code=code, number=number)
    try:
        actions.sign(edition=found, by=staff_of(request), at=timezone.now())
    except actions.NotPermitted:
        return _shown(request, found, "You cannot sign this.", 403)
    except actions.NotInThisState:
        return _shown(request, found, "It was signed before, or a later one is in force.", 409)
    return redirect("rules_of", code=code)


@staff_page(*_EDITORS)
@require_safe
@transaction.atomic
def export_rules(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Give one edition as a file; number 0 is the shipped default."""
    kind = _kind(request, code)
    if number:
        found = _edition(request, code, number)
        value = rules.KINDS[kind].model_validate(found.value)
        signed = f"{found.signed_by}, {found.signed_at:%Y-%m-%d}" if found.signed_at else "nobody"
    else:
        value, signed = rules.default(kind), "nobody"
    record(staff_of(request), "rules.exported", None, kind=kind, number=number)
    head = f"# {kind.label}, {f'edition {number}' if number else 'as shipped'}. Signed by {signed}."
    name = f"{kind.value}-{number}.yaml"
    return HttpResponse(
        f"{head}\n{written(value)}",
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
