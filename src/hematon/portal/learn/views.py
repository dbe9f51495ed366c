"""Home, condition pages, glossary, search, emergency advice; the editors' list of pages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from hematon.portal.accounts.access import Role, staff_page
from hematon.portal.learn.pages import GROUPS, by_letter, cards, in_group
from hematon.portal.learn.reading import reading
from hematon.portal.learn.review import queue
from hematon.portal.learn.search import WORDS_MOST, find, suggest
from hematon.portal.ui.open import open_page
from hematon.portal.ui.site import site


def _language() -> str:
    return (get_language() or "en")[:2]


@open_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the doors, the counts and the conditions."""
    language = _language()
    return render(
        request,
        "learn/home.html",
        {"basics": in_group("basics", language), "syndromes": in_group("syndromes", language)},
    )


@open_page
@require_safe
def conditions(request: HttpRequest) -> HttpResponse:
    """List every page by group."""
    language = _language()
    groups = [(GROUPS[g], in_group(g, language)) for g in ("basics", "syndromes")]
    return render(request, "learn/conditions.html", {"groups": groups})


@open_page
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one page."""
    found = reading(slug, _language())
    if found is None:
        raise Http404
    row = in_group(found.page.facts.group, _language())
    place = row.index(found.page)
    return render(
        request,
        "learn/page.html",
        {
            "reading": found,
            "facts": found.page.facts,
            "headings": found.contents,
            "before": row[place - 1] if place else None,
            "after": row[place + 1] if place + 1 < len(row) else None,
        },
    )


@open_page
@require_safe
def get_help_now(request: HttpRequest) -> HttpResponse:
    """Show when to call, the same for everyone."""
    return render(request, "learn/get_help_now.html", {"cards": cards()})


@open_page
@require_safe
def glossary(request: HttpRequest) -> HttpResponse:
    """List the words explained."""
    return render(request, "learn/glossary.html", {"letters": by_letter(_language())})


@open_page
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Say how to use the site by keyboard and screen reader, and whom to tell of a barrier."""
    return render(request, "learn/accessibility.html")


@open_page
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Find pages and words."""
    words = " ".join(request.GET.get("q", "").replace("\0", "").split())[:WORDS_MOST]
    found = find(words, _language())
    suggested = [] if found else suggest(words, _language())
    return render(
        request, "learn/search.html", {"words": words, "found": found, "suggested": suggested}
    )


@staff_page(Role.EDITOR)
@require_safe
def content_queue(request: HttpRequest) -> HttpResponse:
    """List the pages for the editors, most urgent first."""
    today = timezone.localdate(timezone=site().zone)
    return render(request, "learn/content_queue.html", {"queue": queue(today)})
