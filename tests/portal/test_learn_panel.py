"""The panel of numbers in the prose: opened and ended, closed at first."""

from __future__ import annotations

from datetime import date

import pytest

from hematon.portal.learn.gates import of_page
from hematon.portal.learn.markup import Writers, render
from hematon.portal.learn.pages import Page, pages


@pytest.mark.parametrize(
    "text",
    [
        "{{numbers:open}}\n\nMore.",
        "More.\n\n{{numbers:close}}",
        "{{numbers:close}}{{numbers:open}}",
    ],
)
def test_a_panel_left_open_is_a_problem(text: str) -> None:
    """A page whose panel does not end is refused, with what to write."""
    page = Page("probe", "en", pages()["en", "about-this-site"].facts, text)
    said = [problem.text for problem in of_page(page, date(2026, 11, 23))]
    assert any("{{numbers:close}}" in problem for problem in said)


def test_the_panel_holds_the_blocks_between_its_marks() -> None:
    """What stands between the marks stands in the panel, and in no paragraph with it."""
    writers = Writers(
        term=lambda key, words, place: words,
        page=lambda slug: slug,
        figure=lambda name: name,
        card=lambda key: key,
        numbers=lambda opens: "<open>" if opens else "<close>",
        citation_label=str,
    )
    made = render("A.\n\n{{numbers:open}}\n\n- 1\n\n{{numbers:close}}\n\nB.", writers).html
    before, _, rest = made.partition("<open>")
    inside, _, after = rest.partition("<close>")
    assert before.strip() == "<p>A.</p>"
    assert "<li>1</li>" in inside
    assert "<p>" not in inside
    assert after.strip() == "<p>B.</p>"
