"""The basics pages, their pictures, and the panel that keeps numbers closed."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from django.utils import translation

from hematon.knowledge import load_knowledge
from hematon.portal.learn.childhood import BOTTOM, LEFT, RIGHT, TOP, childhood
from hematon.portal.learn.pages import LANGUAGES, in_group, pages
from hematon.portal.learn.readability import measure
from hematon.portal.learn.reading import reading

SLUGS = (
    "what-is-bone-marrow-failure",
    "what-is-aplastic-anemia",
    "causes",
    "how-it-affects-my-child",
    "who-gets-it",
    "signs",
    "tests",
    "treatments",
    "living-with-low-counts",
    "questions-families-ask",
    "second-opinions",
)
SYNDROMES = (
    "fanconi-anemia",
    "diamond-blackfan-anemia",
    "dyskeratosis-congenita",
    "shwachman-diamond-syndrome",
    "congenital-amegakaryocytic-thrombocytopenia",
    "thrombocytopenia-with-absent-radii",
    "thrombocytopenia-disorders",
    "severe-congenital-neutropenia",
    "cyclic-neutropenia",
    "pearson-syndrome",
)
PICTURES = {
    "marrow",
    "marrow_failure",
    "low_counts",
    "counts_through_childhood",
    "transplant_steps",
    "three_in_four",
    "of_100",
    "fever_steps",
    "second_opinion_steps",
}
EVERY = [(language, slug) for language in LANGUAGES for slug in SLUGS]
PANEL = re.compile(r"\{\{numbers:open\}\}.*?\{\{numbers:close\}\}", re.S)
MARKUP = re.compile(r"!?\[@[^\]]*\]|!\[\]\([^)]*\)|\]\([^)]*\)|\{\{[^}]*\}\}|[\[\]*#]")
SURVIVAL = re.compile(r"\b(alive|survi\w+|died|vivían|vivos|sobrevi\w+|murieron)\b", re.I)


def body(language: str, slug: str) -> str:
    """Give a page's prose as HTML."""
    with translation.override(language):
        found = reading(slug, language)
    assert found is not None
    return found.body.html


def plain_text(text: str) -> str:
    """Take citations, links, cards and other marks out of prose."""
    return MARKUP.sub("", text)


def test_the_basics_stand_in_order_in_both_languages() -> None:
    """The reader of either language finds the same pages in the same order."""
    for language in LANGUAGES:
        assert tuple(page.slug for page in in_group("basics", language)) == SLUGS


@pytest.mark.parametrize(("language", "slug"), EVERY)
def test_a_basics_page_has_its_parts(language: str, slug: str) -> None:
    """300 to 700 words, terms explained, a source, care cards and questions for the visit."""
    page = pages()[language, slug]
    found = reading(slug, language)
    assert found is not None
    words = measure(f"{page.facts.lead}\n{plain_text(page.text)}", language).words
    assert 300 <= words <= 720
    assert len(set(found.body.terms)) >= 2
    assert found.sources
    assert {"now", "today"} <= set(found.body.cards)
    questions = "Questions for the visit" if language == "en" else "Preguntas para la visita"
    assert questions in [text for _, text in found.body.headings]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_causes_lead_to_every_inherited_condition(language: str) -> None:
    """Each of the ten inherited conditions is one press away."""
    found = reading("causes", language)
    assert found is not None
    assert [slug for slug in found.body.pages if slug in SYNDROMES] == list(SYNDROMES)


@pytest.mark.parametrize(("language", "slug"), EVERY)
def test_survival_is_told_only_to_those_who_open_the_panel(language: str, slug: str) -> None:
    """A line on survival with a figure in it stands in the closed panel, nowhere else."""
    outside = PANEL.sub("", pages()[language, slug].text)
    for line in outside.splitlines():
        assert not (SURVIVAL.search(line) and re.search(r"\d", plain_text(line))), line


def test_the_panel_is_closed_until_it_is_opened() -> None:
    """The panel works without script, says what is in it, and holds the numbers."""
    html = body("en", "treatments")
    panel = re.search(r"<details.*?</details>", html, re.S)
    assert panel is not None
    assert not re.match(r"<details[^>]*\bopen\b", panel[0])
    assert "Open if you want to see numbers" in panel[0]
    assert "92 of 100" in panel[0]
    assert "92 of 100" not in html.replace(panel[0], "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_drawn_named_and_told_in_words(language: str) -> None:
    """Each picture has a caption and, where it is not mere decoration, a name and a description.

    None carries a style of its own, and no id stands twice on a page.
    """
    seen = set()
    for slug in SLUGS:
        html = body(language, slug)
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        found = reading(slug, language)
        assert found is not None
        seen |= set(found.body.figures)
        for figure in re.findall(r"<figure.*?</figure>", html, re.S):
            assert "<figcaption>" in figure
            assert "style=" not in figure
            assert "<style" not in figure
            for svg in re.findall(r"<svg.*?</svg>", figure, re.S):
                root = ElementTree.fromstring(svg)
                if root.get("aria-hidden") == "true":
                    continue
                assert root.get("role") == "img"
                named = str(root.get("aria-labelledby")).split()
                texts = {e.get("id"): e.text for e in root if e.tag in ("title", "desc")}
                assert len(named) == 2
                assert all(texts[name] for name in named)
    assert seen == PICTURES


def test_a_picture_speaks_the_language_of_its_page() -> None:
    """The words in the pictures are Spanish on a Spanish page."""
    assert "Médula llena" in body("es", "what-is-bone-marrow-failure")
    assert "Full marrow" not in body("es", "what-is-bone-marrow-failure")


def numbers(path: str) -> list[tuple[float, float]]:
    """Give the corners of a path."""
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


@pytest.mark.parametrize("analyte", ["hemoglobin", "anc"])
def test_the_chart_stays_in_its_frame_and_runs_from_birth_to_18(analyte: str) -> None:
    """Lines and area lie inside the axes, and ages only grow along the line."""
    chart = childhood(analyte)
    line = numbers(chart.girls)
    assert line[0][0] == LEFT
    assert line[-1][0] == RIGHT
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    for x, y in line + numbers(chart.area) + numbers(chart.boys):
        assert LEFT <= x <= RIGHT
        assert TOP <= y <= BOTTOM


def test_hemoglobin_is_lowest_at_two_months_and_parts_by_sex_after_12() -> None:
    """The picture says what the reference intervals say."""
    chart = childhood("hemoglobin")
    lowest = max(numbers(chart.girls), key=lambda point: point[1])
    months = ((lowest[0] - LEFT) / (RIGHT - LEFT)) ** 2 * 18 * 12
    assert 1.5 <= months <= 3
    usual = {(row.age, row.who): row.usual for row in chart.rows}
    assert usual["2m", ""] == "10.8"
    assert float(usual["18", "boys"]) > float(usual["18", "girls"])
    started = ((numbers(chart.boys)[0][0] - LEFT) / (RIGHT - LEFT)) ** 2 * 18
    assert 12 <= started < 15


def test_the_chart_names_what_it_is_drawn_from() -> None:
    """Edition and sources are the intervals' own; those not drawn are not named."""
    chart = childhood("anc")
    knowledge = load_knowledge()
    assert chart.edition == knowledge.raw["intervals"]["anc"]["edition"]
    assert any("Manroe" in source for source in chart.sources)
    assert not any("Duffy" in source for source in chart.sources)
    html = body("en", "tests")
    assert f"edition {chart.edition}" in html
    assert all(source.replace("&", "&amp;") in html for source in chart.sources)
