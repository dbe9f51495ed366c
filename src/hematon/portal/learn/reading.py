"""Pages as HTML: rendered once per page and language, then served from memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from hematon.knowledge import load_knowledge
from hematon.portal.learn.at_a_glance import Glance, at_a_glance
from hematon.portal.learn.childhood import childhood
from hematon.portal.learn.markup import Rendered, Writers, render
from hematon.portal.learn.pages import Page, cards, extra_sources, pages, terms


@dataclass(frozen=True)
class Source:
    """A numbered source at the foot of a page."""

    number: int
    citation: str
    address: str


@dataclass(frozen=True)
class Reading:
    """A page ready to show."""

    page: Page
    body: Rendered
    glance: Glance | None
    sources: tuple[Source, ...]

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Give (id, text) of every part, in the active language."""
        parts = list(self.body.headings)
        if self.glance:
            parts.insert(0, ("part-at-a-glance", _("At a glance")))
        if self.sources:
            parts.append(("part-sources", _("Where this comes from")))
        return parts


@lru_cache(maxsize=256)
def reading(slug: str, language: str) -> Reading | None:
    """Give a page as HTML; None when there is none in this language."""
    page = pages().get((language, slug))
    if page is None:
        return None
    with translation.override(language):
        body = render(page.text, _WRITERS)
        cited = list(body.cited)
        condition = page.facts.condition
        glance = at_a_glance(condition, lambda key: _number(cited, key)) if condition else None
    sources = tuple(_source(i, key) for i, key in enumerate(cited, start=1))
    return Reading(page, body, glance, sources)


def _number(cited: list[str], key: str) -> int:
    """Give a source its number; one not cited in the prose comes after those that are."""
    if key not in cited:
        cited.append(key)
    return cited.index(key) + 1


def _source(number: int, key: str) -> Source:
    extra = extra_sources().get(key)
    if extra is not None:
        return Source(number, extra.citation, extra.address)
    known = load_knowledge().sources[key]
    address = ""
    if known.get("doi"):
        address = f"https://doi.org/{known['doi']}"
    elif known.get("pmid"):
        address = f"https://pubmed.ncbi.nlm.nih.gov/{known['pmid']}/"
    return Source(number, str(known["citation"]), address)


def _term(key: str, words: str, place: int) -> str:
    return render_to_string(
        "learn/term.html", {"term": terms()[key], "words": words, "place": f"term-{place}"}
    ).strip()


def _figure(name: str) -> str:
    return render_to_string(f"learn/figures/{name}.html", _DRAWN.get(name, dict)())


def _childhood() -> dict[str, Any]:
    charts = [(childhood(analyte), analyte) for analyte in ("hemoglobin", "anc")]
    sources = dict.fromkeys(source for chart, _ in charts for source in chart.sources)
    return {"charts": charts, "edition": charts[0][0].edition, "sources": list(sources)}


_DRAWN: dict[str, Callable[[], dict[str, Any]]] = {"counts_through_childhood": _childhood}
"""What the pictures that are drawn from the knowledge are given."""


def _card(key: str) -> str:
    return render_to_string("learn/care_card.html", {"card": cards()[key], "key": key})


def _numbers(opens: bool) -> str:
    return render_to_string("learn/numbers_open.html") if opens else "</div></details>"


_WRITERS = Writers(
    term=_term,
    page=lambda slug: reverse("page", kwargs={"slug": slug}),
    figure=_figure,
    card=_card,
    numbers=_numbers,
    citation_label=lambda number: _("source %(number)s") % {"number": number},
)
