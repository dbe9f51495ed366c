"""The public directory: who is listed, filters, why no ratings, awards while they are valid."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from hematon.portal.accounts.models import Role, User
from hematon.portal.directory import actions
from hematon.portal.directory.demonstration import EXPERTS, load_demonstration_experts
from hematon.portal.directory.models import Claim, Expert, LicensedState
from hematon.portal.directory.roster.records import RESERVED, read_record
from hematon.portal.directory.roster.tabular import cell
from hematon.portal.directory.vocabulary import credentials, vocabulary
from hematon.portal.learn.readability import measure
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import RatingRules

DAY = date(2026, 11, 23)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _directory(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    load_demonstration_experts()
    for place in ("views", "access", "staff_views.access", "templatetags.directory"):
        monkeypatch.setattr(f"hematon.portal.directory.{place}.today", lambda: DAY)


def names(client: Client, query: str = "") -> list[str]:
    """Last letters of the experts listed, in their order."""
    page = client.get(f"/en/experts/{query}").content.decode()
    return re.findall(r'href="/en/experts/sample-[a-z-]+-([a-i])/"', page)


@pytest.mark.parametrize(
    ("query", "letters"),
    [
        ("", "abcdefghi"),
        ("?language=vi", "c"),
        ("?language=vi&language=fr", "cd"),
        ("?state=UT", "g"),
        ("?state=CO&specialty=platelets", "ce"),
        ("?condition=pearson-syndrome", "bg"),
        ("?new=yes&specialty=transplant", ""),
        ("?q=social", "i"),
        ("?q=SPANISH+nurse", "h"),
        ("?q=cgc", "g"),
        ("?q=%C3%A1", "abcdefghi"),
        ("?q=zzz", ""),
        ("?state=XX&language=zz&specialty=%00", "abcdefghi"),
        ("?q=" + "a" * 5000, ""),
    ],
)
def test_filters(client: Client, query: str, letters: str) -> None:
    """Any box within a group, all groups, every word; unknown values are ignored."""
    assert "".join(names(client, query)) == letters


def test_the_count_is_told_in_title_and_status(client: Client) -> None:
    """A screen reader hears it first; 1 is singular."""
    page = client.get("/en/experts/?language=vi").content.decode()
    assert "<title>Find an expert: 1 found" in page
    assert 'role="status"><h2 class="nhsuk-heading-m" id="found-heading">1 expert, by name' in page
    assert "1 especialista, por nombre" in client.get("/es/experts/?language=vi").content.decode()


def test_the_form_needs_no_script_and_keeps_what_was_asked(client: Client) -> None:
    """A GET form with a button; boxes stay checked and their group stays open."""
    page = client.get("/en/experts/?language=vi&q=blood").content.decode()
    form = page[page.index('class="hm-directory__filters"') :]
    assert 'method="get"' in form
    assert re.search(r'value="vi" id="language-\d+" checked', form)
    assert form.count("<details") - form.count('class="hm-filter"><') == 1
    assert 'value="blood"' in form
    assert "onchange" not in page


def test_only_current_licenses_and_members_count(client: Client) -> None:
    """An expired license leaves the state filter and the page; a former member is gone."""
    LicensedState.objects.filter(state="UT").update(expires=DAY)
    assert names(client, "?state=UT") == ["g"]
    LicensedState.objects.filter(state="UT").update(expires=DAY - timedelta(days=1))
    assert 'value="UT"' not in client.get("/en/experts/").content.decode()
    assert "Utah" not in client.get("/en/experts/sample-genetic-counselor-g/").content.decode()
    Expert.objects.filter(slug="sample-physician-a").update(active_to=DAY - timedelta(days=1))
    Expert.objects.filter(slug="sample-physician-b").update(active_from=DAY + timedelta(days=1))
    Expert.objects.filter(slug="sample-physician-c").update(active=False)
    assert names(client) == list("defghi")
    for letter in "abc":
        assert client.get(f"/en/experts/sample-physician-{letter}/").status_code == 404


def test_the_order_is_by_name_never_by_rating(client: Client) -> None:
    """Five stars do not lift the last of the list."""
    last = Expert.objects.get(slug="sample-social-worker-i")
    from hematon.portal.directory.models import Review

    Review.objects.bulk_create(
        Review(expert=last, received_on=DAY, score=10, explained=5, language="en", state="none")
        for _ in range(20)
    )
    actions.publish_ratings(on=DAY)
    assert names(client)[-1] == "i"


def test_the_number_of_queries_does_not_grow_with_the_roster(
    client: Client, django_assert_num_queries: Any
) -> None:
    """The list asks for experts and licenses, an expert's page for ratings and rules too."""
    with django_assert_num_queries(2):
        client.get("/en/experts/")
    with django_assert_num_queries(4):
        client.get("/en/experts/sample-physician-a/")


@pytest.mark.parametrize("language", ["en", "es"])
def test_letters_are_explained_where_they_stand(client: Client, language: str) -> None:
    """On the list and on the page, in the family's language."""
    meaning = getattr(credentials()["CPNP-PC"], language)
    place = f"/{language}/experts/"
    assert meaning in client.get(place).content.decode()
    page = client.get(f"{place}sample-nurse-practitioner-f/").content.decode()
    assert meaning in page
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize(
    ("change", "anchor"),
    [
        ({}, "too-few"),
        ({"active_from": DAY - timedelta(days=30)}, "new"),
        ({"role": "trainee"}, "not-asked"),
    ],
)
def test_no_ratings_says_why(client: Client, change: dict[str, Any], anchor: str) -> None:
    """The sentence of the rules, and a link to the answer that fits."""
    Expert.objects.filter(slug="sample-physician-a").update(**change)
    page = client.get("/en/experts/sample-physician-a/").content.decode()
    assert "Patient ratings and reviews are not available." in page
    assert f'href="/en/experts/ratings/#{anchor}"' in page
    assert f'id="{anchor}"' in client.get("/en/experts/ratings/").content.decode()


def test_the_why_page_answers_the_six_questions(client: Client, rating_rules: Any) -> None:
    """Why none, who is asked, how stars are made, what is not shown, how to complain."""
    rating_rules(least=33)
    page = client.get("/en/experts/ratings/").content.decode()
    for place in ("why", "too-few", "new", "not-asked", "who", "stars", "not-shown", "complain"):
        assert f'id="{place}"' in page
    assert "at least 33 came in the last 365 days" in page
    assert "1 + 0.4 × the number" in page
    for role in current(RatingRules).excluded_roles:
        assert vocabulary().roles[role].name.en in page


# --- awards and facts ----------------------------------------------------------------------------


def claim(kind: str, valid_to: date, title: str = "Sample title") -> Claim:
    """An award or a fact."""
    return actions.add_claim(
        by=User.objects.create_user(f"{kind}{valid_to}{title}@tests.invalid".replace(" ", "")),
        kind=kind,
        issuer="Sample issuer",
        title_en=title,
        title_es=f"{title} en español",
        scope_en="Whole hospital",
        scope_es="Todo el hospital",
        edition="2026",
        evidence="https://example.org/evidence",
        valid_to=valid_to,
    )


def test_the_site_ships_without_claims(client: Client) -> None:
    """None is invented."""
    assert not Claim.objects.exists()
    assert "There are none to show today" in client.get("/en/experts/program/").content.decode()
    assert "hm-awards" not in client.get("/en/").content.decode()


@pytest.mark.parametrize(("days", "shown"), [(0, True), (-1, False)])
@pytest.mark.parametrize("kind", ["award", "fact"])
def test_a_claim_hides_by_itself_after_its_last_day(
    client: Client, kind: str, days: int, shown: bool
) -> None:
    """It shows on its last day, with its source, and not on the next."""
    claim(kind, DAY + timedelta(days=days))
    page = client.get("/es/experts/program/").content.decode()
    assert ("Sample title en español" in page) is shown
    assert ("https://example.org/evidence" in page) is shown
    home = client.get("/en/").content.decode()
    assert ("Sample title" in home) is (shown and kind == "award")


def test_error_pages_show_no_awards(client: Client) -> None:
    """They must stand when the database does not."""
    claim("award", DAY)
    missing = client.get("/en/experts/nobody/")
    assert missing.status_code == 404
    assert "Sample title" not in missing.content.decode()


def test_an_administrator_adds_and_withdraws_a_claim(client: Client, signed_in: Any) -> None:
    """The form refuses what lacks evidence; withdrawing hides at once."""
    staff = signed_in(Role.ADMINISTRATOR)
    given = {
        "kind": "award",
        "issuer": "Sample issuer",
        "title_en": "Sample prize",
        "title_es": "Premio de ejemplo",
        "scope_en": "One program",
        "scope_es": "Un programa",
        "edition": "2026",
        "evidence": "javascript:alert(1)",
        "valid_to": "2026-13-01",
    }
    page = staff.post("/staff/claims/add/", given).content.decode()
    assert "Give an address beginning with https://" in page
    assert "Write the last day as 2027-12-31" in page
    assert "Fill in: Who says so" in staff.post("/staff/claims/add/", {}).content.decode()
    right = given | {"evidence": "https://example.org/a", "valid_to": "2026-11-23"}
    assert staff.post("/staff/claims/add/", right).url == "/staff/claims/"
    assert "Sample prize" in client.get("/en/").content.decode()
    staff.post(f"/staff/claims/{Claim.objects.get().pk}/withdraw/")
    assert "Sample prize" not in client.get("/en/").content.decode()
    yesterday = right | {"valid_to": "2026-11-22"}
    page = staff.post("/staff/claims/add/", yesterday, follow=True).content.decode()
    assert "it is not shown" in page
    assert "past its last day" in page


# --- who may open what, and words ----------------------------------------------------------------

STAFF = ["review_queue", "safety_concerns", "roster", "compare_roster", "claims", "add_claim"]


@pytest.mark.parametrize("name", STAFF)
def test_staff_pages_open_for_their_role_alone(
    client: Client, signed_in: Any, access_matrix: dict[str, str], name: str
) -> None:
    """Anyone is sent to sign in, another role is refused, the role of the matrix gets in."""
    from django.urls import reverse

    place, role = reverse(name), Role(access_matrix[name])
    assert client.get(place).status_code == 302
    others = [other for other in Role if other != role]
    assert signed_in(*others).get(place).status_code == 403
    assert signed_in(role).get(place).status_code in {200, 404}


def test_every_route_of_the_directory_is_in_the_matrix(access_matrix: dict[str, str]) -> None:
    """A new page must say who may open it."""
    from hematon.portal.directory import staff_urls, urls

    routes = {str(p.name) for p in [*urls.urlpatterns, *staff_urls.urlpatterns]}
    assert routes <= set(access_matrix)
    assert get_resolver() is not None


def test_no_expert_takes_the_address_of_a_page() -> None:
    """The words after experts/ that are pages are reserved."""
    from hematon.portal.directory import urls

    first = {str(p.pattern).partition("/")[0] for p in urls.urlpatterns}
    assert {word for word in first if word and not word.startswith("<")} == RESERVED


def test_the_demonstration_says_so_and_keeps_the_rules(client: Client) -> None:
    """Placeholders by name, no NPI, no photo, no rating; right by the roster's own rules."""
    for one in EXPERTS:
        assert one.given_names.startswith("Sample ")
        assert not one.npi
        raw = {
            name: [part.strip() for part in cell(one, name).split(";")]
            if isinstance(getattr(one, name), tuple)
            else cell(one, name)
            for name in one.__dataclass_fields__
        }
        assert read_record(raw, 1, str, frozenset(), DAY) == (one, [])
    page = client.get("/en/experts/sample-physician-a/").content.decode()
    assert "This person does not exist." in page
    assert "not available" in page


@pytest.mark.parametrize("language", ["en", "es"])
def test_family_words_are_short(language: str) -> None:
    """No sentence of the vocabulary or the letters has more than 20 words."""
    words = vocabulary()
    texts = [getattr(entry, language) for entry in credentials().values()]
    texts += [getattr(role.does, language) for role in words.roles.values()]
    texts += [getattr(words.fixed_reply, language)]
    for text in texts:
        assert max(measure(text, language).sentences) <= 20, text
