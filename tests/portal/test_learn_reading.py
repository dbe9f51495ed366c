"""The pages families read: parts, dates, words by letter, help, print; and the editors' list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.test import Client

import hematon.portal
from hematon.portal.accounts.models import Role
from hematon.portal.learn import gates, reading, review, views
from hematon.portal.learn.pages import Page, PageFacts, by_letter, cards, pages, terms

Signed = Callable[..., Client]
TODAY = date(2026, 11, 23)
TEXT = """## What it is

The [bone marrow](term:bone_marrow) makes too few cells [@FARF2020].

{{care:now}}

{{care:today}}
"""


def page(slug: str, language: str = "en", **facts: object) -> Page:
    """Make a page about a condition."""
    made = PageFacts.model_validate(
        {
            "title": f"Title of {slug}",
            "lead": "One sentence.",
            "group": "syndromes",
            "order": 10,
            "condition": "dba",
            "written": TODAY,
            "reviewed": None,
            "reviewer": None,
            "next_review": TODAY + timedelta(days=90),
            **facts,
        }
    )
    return Page(slug, language, made, TEXT)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put pages in place of the site's own."""

    def show(*given: Page) -> None:
        found = {(p.language, p.slug): p for p in given} | {
            key: p for key, p in pages().items() if key[1] == "about-this-site"
        }
        for module in (reading, review, gates):
            monkeypatch.setattr(module, "pages", lambda: found)
        monkeypatch.setattr(
            views,
            "in_group",
            lambda group, language: [
                p for p in found.values() if p.facts.group == group and p.language == language
            ],
        )
        reading.reading.cache_clear()
        review.queue.cache_clear()

    yield show
    reading.reading.cache_clear()
    review.queue.cache_clear()


def test_a_page_about_a_condition_shows_its_facts(
    client: Client, shown: Callable[..., None]
) -> None:
    """At a glance with numbered sources after the prose's own, contents, dates, a way to ask."""
    shown(page("first"), page("second"))
    html = client.get("/en/conditions/first/").content.decode()
    assert "At a glance" in html
    assert "Usual age: about 2 months." in html
    assert 'href="#part-at-a-glance"' in html
    assert 'href="#what-it-is"' in html
    listed = set(re.findall(r'id="source-(\d+)"', html))
    linked = set(re.findall(r'href="#source-(\d+)"', html))
    assert linked == listed
    assert listed >= {"1", "2"}
    assert "Not yet" in html
    assert 'rel="next"' in html
    assert 'rel="prev"' not in html
    assert "Call 911 now if your child:" in html


def test_a_page_in_spanish_says_all_of_it_in_spanish(
    client: Client, shown: Callable[..., None]
) -> None:
    """No English label is left around the prose."""
    shown(page("first", "es"))
    html = client.get("/es/conditions/first/").content.decode()
    for english in ("At a glance", "Usual age", "On this page", "Where this comes from", "Genes:"):
        assert english not in html
    assert "En resumen" in html
    assert "Edad usual: cerca de 2 meses." in html


def test_every_id_on_a_page_is_its_own(client: Client, shown: Callable[..., None]) -> None:
    """Links and labels lead to one place."""
    shown(page("first"))
    ids = re.findall(r' id="([^"]+)"', client.get("/en/conditions/first/").content.decode())
    assert len(ids) == len(set(ids))


def test_the_print_button_needs_its_script(client: Client, shown: Callable[..., None]) -> None:
    """Hidden until the site's own small file shows it; nothing inline."""
    shown(page("first"))
    html = client.get("/en/conditions/first/").content.decode()
    assert re.search(r"<button [^>]*data-print hidden>", html)
    assert re.search(r'<script src="/static/learn/print\.[^"]*js" defer></script>', html)
    assert not re.search(r"<script(?![^>]*src=)|style=\"|onclick", html)


@pytest.mark.parametrize("language", ["en", "es"])
def test_words_stand_by_letter(client: Client, language: str) -> None:
    """Every word once, in order, letters without accents, each letter linked."""
    letters = by_letter(language)
    keys = [key for _, entries in letters for key, _ in entries]
    assert sorted(keys) == sorted(terms())
    assert [letter for letter, _ in letters] == sorted(letter for letter, _ in letters)
    html = client.get(f"/{language}/words/").content.decode()
    for letter, _ in letters:
        assert f'href="#letter-{letter}"' in html
        assert f'id="letter-{letter}"' in html
    for key in keys:
        assert f'id="{key}"' in html


@pytest.mark.parametrize("language", ["en", "es"])
def test_when_to_call_is_the_same_for_everyone(client: Client, language: str) -> None:
    """All cards in order of urgency, the phones as links, no form."""
    html = client.get(f"/{language}/get-help-now/").content.decode()
    for card in cards().values():
        assert getattr(card.heading, language) in html
    assert html.count('href="tel:') >= 4
    main = html.partition("<main")[2].partition("</main>")[0]
    assert "<form" not in main
    order = re.findall(r"nhsuk-card--care--([\w-]+)", main)
    assert order == ["emergency", "urgent", "non-urgent"]


def test_a_page_that_is_not_there_is_not_found(client: Client) -> None:
    """Also when the other language has it."""
    assert client.get("/en/conditions/no-such-page/").status_code == 404


def test_no_template_of_ours_holds_a_style_or_a_script() -> None:
    """The content security policy would refuse them."""
    folder = Path(hematon.portal.__file__).parent / "learn" / "templates"
    for file in folder.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r'\sstyle="|\son\w+="|<script>', text), file


# --- the editors' list ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_editors_see_the_list(client: Client, signed_in: Signed) -> None:
    """Others are refused, strangers sent to sign in."""
    assert client.get("/staff/content/").status_code == 302
    assert signed_in(Role.INTAKE).get("/staff/content/").status_code == 403
    assert signed_in(Role.EDITOR).get("/staff/content/").status_code == 200


def test_what_is_wrong_stands_first(shown: Callable[..., None]) -> None:
    """Past review, then lacking a language, then broken rules, then by days left."""
    both = [page("fine"), page("fine", "es")]
    soon = TODAY + timedelta(days=10)
    due = [page("due", next_review=soon), page("due", "es", next_review=soon)]
    old = TODAY - timedelta(days=200)
    past = {"written": old, "next_review": TODAY - timedelta(days=3)}
    late = [page("late", **past), page("late", "es", **past)]
    wrong = page("wrong")
    broken = [replace(wrong, text=f"{TEXT}\nRest assured.\n"), page("wrong", "es")]
    shown(*both, *due, *late, *broken, page("alone"))
    found = review.queue(TODAY)
    order = [row.slug for row in found.rows]
    assert order[0] == "late"
    assert order.index("late") < order.index("alone") < order.index("wrong")
    by_slug = {row.slug: row for row in found.rows}
    assert by_slug["late"].days_past == 3
    assert by_slug["alone"].missing == ("es",)
    assert any("rest assured" in str(p) for p in by_slug["wrong"].problems)
    assert by_slug["late"].urgency == "now"
    counted = {name: n for name, n, _ in found.counters}
    assert counted["Pages"] == 6
    assert counted["Past review"] == 1
    assert counted["Lacking a language"] == 1
    assert counted["Due in 30 days"] == 1
    assert counted["Not reviewed by a clinician"] == 6


@pytest.mark.django_db
def test_the_list_links_to_every_version(signed_in: Signed, shown: Callable[..., None]) -> None:
    """With reading, points, dates and what is missing."""
    shown(page("fine"), page("fine", "es"), page("alone", reviewed=TODAY, reviewer="clinician"))
    html = signed_in(Role.EDITOR).get("/staff/content/").content.decode()
    for address in ("/en/conditions/fine/", "/es/conditions/fine/", "/en/conditions/alone/"):
        assert f'href="{address}"' in html
    assert "Missing: es" in html
    assert "grade " in html
    assert "INFLESZ " in html
    assert "2026-11-23, clinician" in html
