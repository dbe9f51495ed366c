"""The ten syndrome pages: one shape, the same facts in both languages, the warnings in place."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from hematon.knowledge import load_knowledge
from hematon.portal.learn.markup import Rendered
from hematon.portal.learn.pages import LANGUAGES, extra_sources, in_group, pages
from hematon.portal.learn.reading import reading

CONDITIONS = {
    "fanconi-anemia": "fanconi_anemia",
    "diamond-blackfan-anemia": "dba",
    "dyskeratosis-congenita": "tbd",
    "shwachman-diamond-syndrome": "sds",
    "congenital-amegakaryocytic-thrombocytopenia": "camt",
    "thrombocytopenia-with-absent-radii": "tar",
    "thrombocytopenia-disorders": None,
    "severe-congenital-neutropenia": "scn",
    "cyclic-neutropenia": "cyclic_neutropenia",
    "pearson-syndrome": "pearson",
}
SHAPE = {
    "en": [
        "What it is",
        "What families may notice",
        "How doctors find out",
        "Treatment choices",
        "Which doctors help",
        "Check-ups to keep up",
        "What to watch for",
        "Brothers, sisters and family",
        "Living with it",
        "Questions to ask",
        "Support groups",
    ],
    "es": [
        "Qué es",
        "Qué pueden notar las familias",
        "Cómo se llega al diagnóstico",
        "Opciones de tratamiento",
        "Qué médicos ayudan",
        "Controles que conviene mantener",
        "Señales de alerta",
        "Hermanos y familia",
        "Vivir con la condición",
        "Preguntas para la consulta",
        "Grupos de apoyo",
    ],
}
MUST_SAY = [
    (
        "fanconi-anemia",
        "the breakage test comes before any strong treatment",
        "la prueba de roturas va antes de cualquier tratamiento fuerte",
    ),
    (
        "fanconi-anemia",
        "At least 1 in 4 children have none of these body signs",
        "Al menos 1 de cada 4 niños no muestra ninguna de estas señales",
    ),
    (
        "fanconi-anemia",
        "A transplant does not take away the higher risk of cancer",
        "Un trasplante no quita el mayor riesgo de cáncer",
    ),
    (
        "diamond-blackfan-anemia",
        "it does not take away the higher risk of cancer",
        "no quita el mayor riesgo de cáncer",
    ),
    (
        "diamond-blackfan-anemia",
        "must be drawn **before** a first transfusion",
        "se saca **antes** de la primera transfusión",
    ),
    (
        "dyskeratosis-congenita",
        "Low counts can be the first and only sign",
        "Los conteos bajos pueden ser la primera y única señal",
    ),
    (
        "dyskeratosis-congenita",
        "it does not remove the risk of cancer",
        "no quita el riesgo de cáncer",
    ),
    (
        "shwachman-diamond-syndrome",
        "It becomes normal as children grow",
        "Al crecer se vuelve normal",
    ),
    (
        "thrombocytopenia-with-absent-radii",
        "The first year is the dangerous time",
        "El primer año es el más peligroso",
    ),
    (
        "severe-congenital-neutropenia",
        "Do not stop the shots on your own",
        "No deje las inyecciones por su cuenta",
    ),
    (
        "severe-congenital-neutropenia",
        "The risk comes mostly from the disease itself",
        "El riesgo viene sobre todo de la enfermedad misma",
    ),
    ("cyclic-neutropenia", "is a guide and not a rule", "es una guía y no una regla"),
]
DOSE = re.compile(r"\b(?:mg|mcg|µg|mL|ml|UI|IU)\b|/kg")
SURVIVAL = re.compile(r"surviv|supervivencia|sobreviv", re.IGNORECASE)


def text_of(slug: str, language: str) -> str:
    """Give a page's prose."""
    return pages()[language, slug].text


def body_of(slug: str, language: str) -> Rendered:
    """Give a page's prose as HTML."""
    found = reading(slug, language)
    assert found is not None
    return found.body


def test_the_group_holds_the_ten_in_both_languages() -> None:
    """Each syndrome has its page, about the entry of the knowledge that it names."""
    for language in LANGUAGES:
        found = {p.slug: p.facts.condition for p in in_group("syndromes", language)}
        assert found == CONDITIONS
        assert list(found) == list(CONDITIONS)
    known = {condition.id for condition in load_knowledge().conditions}
    assert {c for c in CONDITIONS.values() if c} <= known


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("slug", CONDITIONS)
def test_every_page_has_the_same_shape(slug: str, language: str) -> None:
    """The sections stand in one order; a page may add one of its own."""
    headings = [words for _, words in body_of(slug, language).headings]
    assert [words for words in headings if words in SHAPE[language]] == SHAPE[language]
    assert len(headings) <= len(SHAPE[language]) + 1


@pytest.mark.parametrize("slug", CONDITIONS)
def test_both_languages_say_the_same(slug: str) -> None:
    """Sources, terms, links, pictures and care cards are those of the other language."""
    english, spanish = body_of(slug, "en"), body_of(slug, "es")
    assert english.cards == spanish.cards == ["now", "today"]
    assert english.figures == spanish.figures
    assert set(english.cited) == set(spanish.cited)
    assert set(english.terms) == set(spanish.terms)
    assert set(english.pages) == set(spanish.pages)
    outside = re.compile(r"\]\((https://[^)]+)\)")
    assert outside.findall(text_of(slug, "en")) == outside.findall(text_of(slug, "es")) != []
    each = re.compile(r"^(?:- |\d+\. )", re.M)
    assert len(each.findall(text_of(slug, "en"))) == len(each.findall(text_of(slug, "es")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("slug", CONDITIONS)
def test_no_page_gives_a_dose_or_a_survival_figure(slug: str, language: str) -> None:
    """Doses are for clinicians; figures of survival stand only in a panel that families open."""
    text = text_of(slug, language)
    assert not DOSE.search(text)
    assert not SURVIVAL.search(text)


@pytest.mark.parametrize("slug", CONDITIONS)
def test_no_figure_rests_on_an_estimate(slug: str) -> None:
    """Each source cited is a publication and not an estimate of the makers."""
    sources = load_knowledge().sources
    for key in body_of(slug, "en").cited:
        assert key in extra_sources() or sources[key]["status"] != "expert"


@pytest.mark.parametrize(("slug", "english", "spanish"), MUST_SAY)
def test_what_families_must_not_miss_is_said(slug: str, english: str, spanish: str) -> None:
    """The points on which a page without nuance would mislead stand in both languages."""
    assert english.casefold() in text_of(slug, "en").casefold()
    assert spanish.casefold() in text_of(slug, "es").casefold()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", [s for s in CONDITIONS if "](figure:" in text_of(s, "en")])
def test_pictures_speak_the_language_of_the_page(client: Client, slug: str) -> None:
    """A picture has a name and a description, in the page's words, and no style of its own."""
    pictures = {}
    for language in LANGUAGES:
        html = client.get(f"/{language}/conditions/{slug}/").content.decode()
        (pictures[language],) = re.findall(r"<figure.*?</figure>", html, re.S)
    said = {
        language: re.findall(r"<(title|desc|text|figcaption)\b[^>]*>([^<]*)<", html)
        for language, html in pictures.items()
    }
    for language, html in pictures.items():
        kinds = {kind for kind, _ in said[language]}
        assert 'role="img"' in html
        assert kinds >= {"title", "desc", "figcaption"}
        assert "style" not in html
    for (kind, english), (_, spanish) in zip(said["en"], said["es"], strict=True):
        same = english == spanish and not english.isdigit() and english != "Usual"
        assert not same, f"{kind}: {english}"
