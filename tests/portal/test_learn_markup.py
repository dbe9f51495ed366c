"""Prose to HTML: what is ours is made, what is HTML is shown as text."""

from __future__ import annotations

import pytest

from hematon.portal.learn.markup import Rendered, Writers, render

WRITERS = Writers(
    term=lambda key, words, place: f"<b data-term='{key}' id='t{place}'>{words}</b>",
    page=lambda slug: f"/en/conditions/{slug}/",
    figure=lambda name: f"<figure>{name}</figure>",
    card=lambda key: f"<div>card {key}</div>",
    citation_label=lambda number: f"source {number}",
    **({"numbers": lambda opens: ""} if "numbers" in Writers.__dataclass_fields__ else {}),
)


def made(text: str) -> Rendered:
    """Render with writers that are plain to see."""
    return render(text, WRITERS)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "before <img src=x onerror=alert(1)> after",
        "<div onclick='x()'>block</div>",
        "<!-- comment -->",
        "| <script>x</script> |\n|---|\n| <b>y</b> |",
        "- <iframe src='//evil.example'></iframe>",
        "## <svg onload=x>",
        "[<b onmouseover=x>a</b>](page:home)",
    ],
)
def test_html_is_shown_as_text(hostile: str) -> None:
    """No tag of the prose reaches the page, wherever it stands."""
    html = made(hostile).html
    for tag in ("<script", "<img", "<div", "<!--", "<b ", "<b>", "<iframe", "<svg"):
        assert tag not in html
    assert "&lt;" in html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "vbscript:x"]
)
def test_no_address_runs(address: str) -> None:
    """Such a link stays text."""
    assert "href" not in made(f"[press]({address})").html


def test_citations_are_numbered_in_the_order_they_come() -> None:
    """The same source keeps its number; several stand in one bracket."""
    found = made("One [@B2]. Two [@A1; @B2]. Three [@C_3;A1].")
    assert found.cited == ["B2", "A1", "C_3"]
    assert '[<a href="#source-2" aria-label="source 2">2</a>, <a href="#source-1"' in found.html
    assert found.html.count("hm-cite") == 3


def test_a_bracket_that_is_no_citation_stays() -> None:
    """An address of mail or an open bracket is text."""
    found = made("Ask [@ nobody] or [@] or a@b.")
    assert found.cited == []
    assert "[@ nobody]" in found.html


def test_terms_keep_their_words_and_get_places_of_their_own() -> None:
    """The same word twice has two places; the text of the link is not written twice."""
    found = made("Low [platelets](term:platelet) and more [platelets](term:platelet).")
    assert found.terms == ["platelet", "platelet"]
    assert "id='t1'>platelets</b>" in found.html
    assert "id='t2'>platelets</b>" in found.html
    assert found.html.count("platelets") == 2
    assert "</a>" not in found.html


def test_links_inside_and_after_terms_close() -> None:
    """A page link beside a term is whole, with its place on the page."""
    found = made("[A](term:gene) [b](page:tests#blood) [c](https://example.org/)")
    assert '<a href="/en/conditions/tests/#blood">b</a>' in found.html
    assert '<a href="https://example.org/">c</a>' in found.html
    assert found.pages == ["tests"]


def test_cards_and_pictures_are_blocks() -> None:
    """They stand in no paragraph, which could not hold them."""
    found = made("Text.\n\n{{care:now}}\n\n![](figure:marrow)\n\nMore.")
    assert found.cards == ["now"]
    assert found.figures == ["marrow"]
    assert "<p><div" not in found.html
    assert "<p><figure" not in found.html
    assert found.html.count("<p>") == 2


def test_a_card_within_a_sentence_is_text() -> None:
    """Only a line of its own makes a card."""
    found = made("See {{care:now}} here.")
    assert found.cards == []
    assert "{{care:now}}" in found.html


def test_headings_can_be_linked_to() -> None:
    """Also with accents and signs; only the second level stands in the contents."""
    found = made("## ¿Qué es?\n\n### Más\n\n## Tests & care")
    assert found.headings == [("qué-es", "¿Qué es?"), ("tests-care", "Tests & care")]
    assert '<h2 id="qué-es">' in found.html


def test_tables_and_lists_carry_the_design() -> None:
    """The classes of the design system, as nothing else may style them."""
    html = made("- a\n- b\n\n1. c\n\n| a |\n|---|\n| b |").html
    for css in ("nhsuk-list--bullet", "nhsuk-list--number", "nhsuk-table"):
        assert css in html
