"""A Spanish-speaking parent on a phone, without script; and what the doors promise."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from hematon.portal.care import models
from hematon.portal.care import urls as care_urls
from hematon.portal.care.doors import DOORS
from hematon.portal.ui.site import site
from hematon.portal.visits import urls as visit_urls

ENGLISH = re.compile(
    r"\b(the|your child|call us|continue|back|change|reference|request|visit|you)\b", re.IGNORECASE
)


def main_of(page: str) -> str:
    """Give what stands in the page's main part, as text; English asides are marked as such."""
    main = page.split("<main")[1].split("</main>")[0]
    main = re.sub(r'<(\w+)[^>]*\blang="en"[^>]*>.*?</\1>', " ", main, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", main)


@pytest.mark.django_db
def test_a_spanish_speaking_parent_gets_a_call(client: Client) -> None:
    """From the browser's language to one reference, every page in Spanish."""
    home = client.get("/", headers={"accept-language": "es-MX,es;q=0.9,en;q=0.5"})
    assert home["Location"] == "/es/"
    seen = [client.get("/es/"), client.get("/es/get-care/"), client.get("/es/get-care/start/")]
    assert 'hreflang="en" href="/en/get-care/start/"' in seen[-1].content.decode()

    result = client.post("/es/video-visits/check/where/", {"where": "UT"}, follow=True)
    seen.append(result)
    assert site().phones.day.number in main_of(result.content.decode())

    step = client.post("/es/get-care/callback/", {"about": "video-visit"}, follow=True)
    for given in (
        {"relationship": "parent"},
        {"name": "Persona de prueba"},
        {"phone": "303 555 0100"},
        {"time": "afternoon"},
        {"language": "es"},
        {"interpreter": "yes"},
        {"note": "Gracias."},
    ):
        seen.append(step)
        step = client.post(step.request["PATH_INFO"], given, follow=True)
    assert step.request["PATH_INFO"] == "/es/get-care/callback/check/"
    seen.append(step)
    key = re.search(r'name="key" value="([^"]+)"', step.content.decode())
    assert key
    # The line drops: the answer is lost, and the parent presses again.
    client.post("/es/get-care/callback/check/", {"key": key[1]})
    sent = client.post("/es/get-care/callback/check/", {"key": key[1]}, follow=True)
    seen.append(sent)
    request = models.Case.objects.get()
    assert request.reference is not None
    assert request.reference in sent.content.decode()
    assert (request.answers["language"], request.interpreter) == ("es", True)
    assert request.language == "es"
    assert re.search(r"\d{1,2} de [a-z]+ de 20\d\d", main_of(sent.content.decode()))
    for answer in seen:
        page = answer.content.decode()
        assert answer.status_code == 200
        assert '<html lang="es">' in page
        found = ENGLISH.search(main_of(page))
        assert not found, (answer.request["PATH_INFO"], found)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "es"])
def test_each_door_says_what_the_site_promises(client: Client, language: str) -> None:
    """Emergency first, phones, how fast, price, what to have ready, and a way to act."""
    index = client.get(f"/{language}/get-care/").content.decode()
    for door in DOORS:
        address = f"/{language}/get-care/{door.slug}/"
        assert f'href="{address}"' in index
        page = client.get(address).content.decode()
        main = main_of(page)
        assert site().phones.day.number in main
        assert site().phones.night.number in main
        price = site().prices.call
        assert (price.es if language == "es" else price.en) in main
        assert f'name="about" value="{door.slug}"' in page
        first_heading = re.search(r"<h2[^>]*>(.*?)</h2>", page.split("<main")[1], re.DOTALL)
        assert first_heading
        assert "911" in first_heading[1]


@pytest.mark.django_db
def test_the_second_opinion_page_has_the_whole_checklist(client: Client) -> None:
    """Three groups: needed to start, may come later, never asked online."""
    page = main_of(client.get("/en/get-care/second-opinion/").content.decode())
    for said in (
        "We need this to start",
        "1 to 3 questions",
        "may come later",
        "chromosome breakage",
        "never ask for this online",
        "Social Security",
        "Nobody examines your child",
        "7 business days after the records are complete",
    ):
        assert said in page


@pytest.mark.django_db
def test_home_follows_the_tasks_families_come_with(client: Client) -> None:
    """Counts and emergencies before the doors, the doors before video visits and experts."""
    main = client.get("/en/").content.decode().split("<main")[1]
    places = [
        main.index(mark)
        for mark in (
            "Understand blood counts",
            "Is this an emergency?",
            "How can we help you?",
            "What do these blood counts mean?",
            "Is a video visit right for us?",
            "Who are the experts?",
        )
    ]
    assert places == sorted(places)


@pytest.mark.django_db
def test_unknown_doors_are_not_found(client: Client) -> None:
    """An address that is no door is 404, in words."""
    assert client.get("/en/get-care/nowhere/").status_code == 404


def test_every_route_stands_in_the_access_matrix(access_matrix: dict[str, str]) -> None:
    """Who may open each page of these two apps is written down."""
    named = {p.name for p in (*care_urls.urlpatterns, *visit_urls.urlpatterns)}
    assert named <= set(access_matrix)
    assert {access_matrix[name] for name in named} == {"anyone"}


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_page_has_script_or_style_of_its_own(client: Client, language: str) -> None:
    """Everything the policy would refuse is absent: inline scripts, styles and handlers."""
    for part in (
        "",
        "get-care/",
        "get-care/second-opinion/",
        "get-care/callback/",
        "get-care/where-we-help/",
        "video-visits/",
        "video-visits/states/",
        "video-visits/check/where/",
        "video-visits/device-test/",
    ):
        page = client.get(f"/{language}/{part}").content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), part
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), part
