"""Staff pages: roster, comments to read, safety concerns, awards and facts. English only."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import Role, staff_of, staff_page
from hematon.portal.directory import access, actions
from hematon.portal.directory.identifying import pieces
from hematon.portal.directory.roster import actions as roster_actions
from hematon.portal.directory.roster.records import COLUMNS, Problem
from hematon.portal.directory.staff_forms import ClaimForm, DecisionForm, PhotoForm, RosterForm
from hematon.portal.directory.vocabulary import credentials, vocabulary

_EXPORTS = {"csv": ("text/csv", "roster.csv"), "fhir": ("application/fhir+json", "roster.json")}


@staff_page(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def roster(request: HttpRequest) -> HttpResponse:
    """Show the roster and read a new one, without loading it."""
    day = access.today()
    form = RosterForm(request.POST, request.FILES) if request.method == "POST" else RosterForm()
    problems: list[Problem] = []
    if form.is_bound and form.is_valid():
        upload, problems = roster_actions.upload_roster(
            text=form.cleaned_data["text"],
            kind=form.cleaned_data["kind"],
            by=staff_of(request),
            today=day,
        )
        if upload is not None:
            return redirect("compare_roster")
    words = vocabulary()
    return render(
        request,
        "directory/staff/roster.html",
        {
            "form": form,
            "problems": problems,
            "experts": [(one, one.is_listed(day)) for one in access.every_expert()],
            "columns": COLUMNS,
            "codes": [
                ("credentials", list(credentials())),
                ("role", list(words.roles)),
                ("specialties", list(words.specialties)),
                ("conditions", list(words.conditions)),
                ("languages", list(words.languages)),
                ("pronouns", list(words.pronouns)),
            ],
        },
    )


@staff_page(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def compare_roster(request: HttpRequest) -> HttpResponse:
    """Show what an uploaded roster would change; the button applies it."""
    user, day = staff_of(request), access.today()
    upload = access.own_upload(user)
    try:
        if request.method == "POST":
            done = roster_actions.apply_roster(upload=upload, by=user, today=day)
            messages.success(
                request,
                f"Applied: {len(done.new)} new, {len(done.changed)} changed, "
                f"{len(done.deactivated)} deactivated.",
            )
            return redirect("roster")
        difference = roster_actions.difference_of(upload, day)
    except actions.ActionRefusedError as refused:
        messages.error(request, str(refused))
        return redirect("roster")
    return render(
        request, "directory/staff/compare.html", {"upload": upload, "difference": difference}
    )


@staff_page(Role.ADMINISTRATOR)
@require_POST
def export_roster(request: HttpRequest, kind: str) -> HttpResponse:
    """Give the roster as a file. It is written down who took it, so it takes a button."""
    if kind not in _EXPORTS:
        raise Http404
    content_type, name = _EXPORTS[kind]
    text = roster_actions.export_roster(kind=kind, by=staff_of(request))
    response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@staff_page(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def photo(request: HttpRequest, slug: str) -> HttpResponse:
    """Set or remove an expert's photograph."""
    expert, user = access.expert_of_roster(slug), staff_of(request)
    if "remove" in request.POST:
        actions.remove_photo(expert=expert, by=user)
        messages.success(request, "The photograph is gone.")
        return redirect("roster")
    form = PhotoForm(request.POST, request.FILES) if request.method == "POST" else PhotoForm()
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        actions.set_photo(
            expert=expert,
            jpeg=given["file"],
            alt_en=given["alt_en"],
            alt_es=given["alt_es"],
            by=user,
        )
        messages.success(request, "The photograph is set.")
        return redirect("roster")
    return render(request, "directory/staff/photo.html", {"expert": expert, "form": form})


@staff_page(Role.MODERATOR)
@require_safe
def review_queue(request: HttpRequest) -> HttpResponse:
    """List the comments this person has still to read."""
    waiting = access.waiting_for(staff_of(request))
    return render(request, "directory/staff/review_queue.html", {"waiting": waiting})


@staff_page(Role.MODERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def read_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Read one comment, cover words, decide."""
    user = staff_of(request)
    review = access.comment_to_read(user, pk)
    form = DecisionForm(request.POST if request.method == "POST" else None, comment=review.comment)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            actions.decide(
                review=review,
                by=user,
                reason="" if given["decision"] == "show" else given["decision"],
                masks=given["masks"],
                concern=bool(given["concern"]),
            )
            messages.success(request, "Your decision is kept.")
        except actions.ActionRefusedError as refused:
            messages.error(request, str(refused))
        return redirect("review_queue")
    marked = set(form.marked())
    words = [(n, word, n in marked) for n, (_, _, word) in enumerate(form.words)]
    return render(
        request,
        "directory/staff/read_comment.html",
        {
            "review": review,
            "form": form,
            "words": words,
            "found": pieces(review.comment, [review.expert.name]),
        },
    )


@staff_page(Role.INTAKE)
@require_safe
def safety_concerns(request: HttpRequest) -> HttpResponse:
    """List comments that may tell of harm, open ones first."""
    return render(
        request, "directory/staff/safety_concerns.html", {"concerns": access.safety_concerns()}
    )


@staff_page(Role.INTAKE)
@require_POST
def close_concern(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a concern as looked into."""
    try:
        actions.close_concern(concern=access.open_concern(pk), by=staff_of(request))
        messages.success(request, "The task is closed.")
    except actions.ActionRefusedError as refused:
        messages.error(request, str(refused))
    return redirect("safety_concerns")


@staff_page(Role.ADMINISTRATOR)
@require_safe
def claims(request: HttpRequest) -> HttpResponse:
    """List awards and facts with their last day."""
    day = access.today()
    listed = [(claim, claim.is_current(day)) for claim in access.claims()]
    return render(request, "directory/staff/claims.html", {"claims": listed})


@staff_page(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def add_claim(request: HttpRequest) -> HttpResponse:
    """Add an award or a fact."""
    form = ClaimForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        claim = actions.add_claim(by=staff_of(request), **form.cleaned_data)
        shown = claim.is_current(access.today())
        messages.success(
            request,
            "Added." if shown else "Added, but its last day is over: it is not shown.",
        )
        return redirect("claims")
    return render(request, "directory/staff/add_claim.html", {"form": form})


@staff_page(Role.ADMINISTRATOR)
@require_POST
def withdraw_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop showing an award or a fact."""
    actions.withdraw_claim(claim=access.claim(pk), by=staff_of(request))
    messages.success(request, "It is no longer shown.")
    return redirect("claims")
