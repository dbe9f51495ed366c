"""Who can see a child, for families: the list, asking, agreeing and ending."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.accounts.access import family_of, family_page
from hematon.portal.accounts.models import User
from hematon.portal.families import access, actions, ages, asking, due, words
from hematon.portal.families.forms import AnotherForm, AskForm, EndForm
from hematon.portal.families.models import Child, Guardianship, Relationship, Status
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import AgeRules
from hematon.portal.ui.site import site


@dataclass(frozen=True)
class Section:
    """One child on the page.

    Attributes:
        child: whom the reader sees.
        is_patient: the child is the reader.
        people: who can see it, the reader first.
        may_ask: the reader may ask for access for another person.
    """

    child: Child
    is_patient: bool
    people: list[words.Line]
    may_ask: bool


@family_page
@require_safe
def my_children(request: HttpRequest) -> HttpResponse:
    """Show who can see each child, until when and why, and what waits."""
    user, at = family_of(request), timezone.now()
    links = access.own_links(user)
    children = access.children_of(user, at)
    seen = {child.pk for child in children}
    context = {
        "sections": [_section(user, child, at) for child in children],
        "waiting": [link for link in links if link.status == Status.REQUESTED],
        "refused": [link for link in links if link.status == Status.REFUSED],
        # Without the child's name: the reader sees nothing of this child any more.
        "stopped": [
            words.sees(link, at)
            for link in links
            if link.status == Status.ACTIVE and link.child_id not in seen
        ],
        "days": due.promised_days(),
        "zone": site().zone,
    }
    return render(request, "families/my_children.html", context)


def _section(user: User, child: Child, at: datetime) -> Section:
    rows = access.links_of(child)
    own = next(link for link in rows if link.user_id == user.pk)
    # Someone else's request is no news before it is confirmed.
    shown = [r for r in rows if r.status == Status.ACTIVE or r.asked_by_id == user.pk]
    people = [_line(link, user, own, at) for link in shown]
    people.sort(key=lambda line: not line.is_own)
    return Section(child, own.is_patient, people, own.is_patient or not _grown(child, at))


def _line(link: Guardianship, user: User, own: Guardianship, at: datetime) -> words.Line:
    is_own = link.user_id == user.pk
    band = ages.band_at(link.child.birth_date, at, current(AgeRules), site().zone)
    return words.Line(
        link=link,
        is_own=is_own,
        sees=words.sees(link, at),
        until=words.until(link, at),
        may_end=is_own or (link.status == Status.ACTIVE and link.end_asked_at is None),
        may_agree=own.is_patient and not is_own and band.assent,
    )


def _grown(child: Child, at: datetime) -> bool:
    rules = current(AgeRules)
    years = ages.ending(rules).from_years
    return ages.has_reached(child.birth_date, years, at, rules, site().zone)


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def ask_access(request: HttpRequest) -> HttpResponse:
    """Ask who the person is to the child; sending puts it before staff."""
    user, at = family_of(request), timezone.now()
    today = at.astimezone(site().zone).date()
    form = AskForm(today=today)
    if request.method == "POST":
        form = AskForm(request.POST, today=today)
        if form.is_valid():
            given = form.cleaned_data
            asked = asking.Asked(
                adult_name=given["adult_name"],
                relationship=Relationship(given["relationship"]),
                child_name=given["child_name"],
                birth_date=given["birth_date"],
            )
            try:
                asking.request(asked=asked, by=user, language=_language(), at=at)
            except asking.TooMany:
                form.add_error(None, _("You have 10 requests that wait. Please call us."))
            else:
                messages.success(request, _("Sent. We tell you by email when we have an answer."))
                return redirect("my_children")
    return render(request, "families/ask.html", {"form": form, "title": form.title})


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def ask_another(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for another person's access to a child that this one sees."""
    user, at = family_of(request), timezone.now()
    child = access.get_child(user, pk, at)
    if child is None:
        raise Http404
    grown = _grown(child, at)
    form = AnotherForm(grown=grown)
    if request.method == "POST":
        form = AnotherForm(request.POST, grown=grown)
        if form.is_valid():
            given = form.cleaned_data
            try:
                asking.request_for_another(
                    child=child,
                    address=given["address"],
                    adult_name=given["adult_name"],
                    relationship=Relationship(given["relationship"]),
                    by=user,
                    language=_language(),
                    at=at,
                )
            except actions.NotPermitted:
                raise Http404 from None
            except actions.NotInThisState:
                form.add_error("address", _("We cannot ask for this person. Please call us."))
            except asking.TooMany:
                form.add_error(None, _("You have 10 requests that wait. Please call us."))
            else:
                messages.success(request, _("Sent. We tell the person when we have an answer."))
                return redirect("my_children")
    context = {"form": form, "title": form.title, "child": child, "grown": grown}
    return render(request, "families/another.html", context)


@family_page
@require_http_methods(["GET", "HEAD", "POST"])
def end_access(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """End one's own access, or ask staff to end another person's."""
    user, at = family_of(request), timezone.now()
    own = access.own_link(user, pk)
    link = own or access.link_beside(user, pk, at)
    if link is None:
        raise Http404
    form = EndForm(request.POST) if request.method == "POST" else EndForm()
    if form.is_bound and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            if own is not None:
                actions.end(link=own, reason=reason, by=user, at=at)
                messages.success(request, _("Done. Your access has ended."))
            else:
                actions.ask_to_end(link=link, reason=reason, by=user, at=at)
                messages.success(request, _("Sent. Our team looks at it and calls you."))
        except actions.ActionRefused:
            messages.info(request, _("This has changed in the meantime. Please look again."))
        return redirect("my_children")
    if own is None:
        title = _("Ask us to end another person's access")
    elif own.status == Status.REQUESTED:
        title = _("Take the request back")
    else:
        title = _("End your own access")
    seen = access.get_child(user, link.child_id, at) is not None
    context = {"form": form, "title": title, "link": link, "is_own": own is not None, "seen": seen}
    return render(request, "families/end.html", context)


@family_page
@require_POST
def agree_access(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take the patient's yes or no to what another person sees."""
    user, at = family_of(request), timezone.now()
    link = access.link_beside(user, pk, at)
    if link is None:
        raise Http404
    try:
        actions.assent(link=link, agrees=request.POST.get("agrees") == "yes", by=user, at=at)
    except actions.NotPermitted:
        raise Http404 from None
    except actions.NotInThisState:
        messages.info(request, _("This has changed in the meantime. Please look again."))
    else:
        messages.success(request, _("Done. It works from now on."))
    return redirect("my_children")


def _language() -> str:
    return (get_language() or "en")[:2]
