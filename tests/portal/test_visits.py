"""Whether a video visit fits: the rules as a table, the pages, and the device test."""

from __future__ import annotations

import re
from itertools import combinations, product
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from pydantic import ValidationError

from hematon.portal.learn.pages import cards
from hematon.portal.ui.site import site
from hematon.portal.visits import rules as rules_module
from hematon.portal.visits.rules import (
    ELSEWHERE,
    NOT_KNOWN,
    Decision,
    Kind,
    Rules,
    Why,
    decide,
    licensed_states,
    rules,
)
from hematon.portal.visits.states import STATES

PLACES = [*STATES, ELSEWHERE, NOT_KNOWN]
SYMPTOMS = ["now", "today", "none"]
DEVICES = ["ready", "unsure", "none", ""]
LICENSED = {"CO", "WY"}


def chosen() -> list[tuple[str, ...]]:
    """Give every reason alone and every two together."""
    keys = list(rules().reasons)
    return [(key,) for key in keys] + list(combinations(keys, 2))


def decided(where: str, why: tuple[str, ...], symptoms: str, device: str) -> Decision:
    """Decide with the licenses of this test."""
    return decide(
        where=where,
        why=why,
        symptoms=symptoms,
        device=device,
        licensed=LICENSED,
        reasons=rules().reasons,
    )


def test_every_combination_has_the_answer_that_the_rules_call_for() -> None:
    """Symptoms first; then place and device; then the reasons: any that needs an examination."""
    reasons = rules().reasons
    met = set()
    for where, why, symptoms, device in product(PLACES, chosen(), SYMPTOMS, DEVICES):
        found = decided(where, why, symptoms, device)
        met.add(found.kind)
        if symptoms != "none":
            assert found.kind is Kind.CALL_NOW
            continue
        video = (
            where in LICENSED
            and device != "none"
            and all(reasons[key].fits == "video" for key in why)
        )
        assert found.kind is (Kind.VIDEO if video else Kind.IN_PERSON)
        # Whatever is said, something says why.
        assert found.reasons or found.whys
    assert met == set(Kind)


@pytest.mark.parametrize(
    ("where", "why", "symptoms", "device", "kind", "whys", "reasons"),
    [
        ("CO", ("results",), "none", "ready", Kind.VIDEO, (), ("results",)),
        ("WY", ("results",), "none", "unsure", Kind.VIDEO, (Why.TRY_DEVICE,), ("results",)),
        ("UT", ("results",), "none", "ready", Kind.IN_PERSON, (Why.NOT_LICENSED,), ()),
        ("UT", (), "none", "", Kind.IN_PERSON, (Why.NOT_LICENSED,), ()),
        (ELSEWHERE, (), "none", "", Kind.IN_PERSON, (Why.OUTSIDE,), ()),
        (NOT_KNOWN, (), "none", "", Kind.IN_PERSON, (Why.STATE_UNKNOWN,), ()),
        ("CO", ("results",), "none", "none", Kind.IN_PERSON, (Why.NO_DEVICE,), ()),
        ("CO", ("results", "blood_test"), "none", "ready", Kind.IN_PERSON, (), ("blood_test",)),
        ("CO", ("first_visit",), "none", "ready", Kind.IN_PERSON, (), ("first_visit",)),
        ("CO", ("results",), "now", "ready", Kind.CALL_NOW, (Why.EMERGENCY,), ()),
        ("CO", ("results",), "today", "", Kind.CALL_NOW, (Why.CALL_TODAY,), ()),
        ("UT", ("results",), "now", "none", Kind.CALL_NOW, (Why.EMERGENCY,), ()),
    ],
)
def test_each_rule_names_what_decided(
    where: str,
    why: tuple[str, ...],
    symptoms: str,
    device: str,
    kind: Kind,
    whys: tuple[Why, ...],
    reasons: tuple[str, ...],
) -> None:
    """The reasons given are those that speak for the answer, and no other."""
    assert decided(where, why, symptoms, device) == Decision(kind, whys, reasons)


def test_symptoms_are_the_lists_that_every_page_shows() -> None:
    """The keys of the question are care cards; nothing here has a list of its own."""
    assert {"now", "today"} <= set(cards())


def test_licenses_carry_source_and_date() -> None:
    """Each state says where its license was looked up, and when."""
    assert licensed_states()
    for held in licensed_states().values():
        assert held.source
        assert held.checked
    assert "UT" not in licensed_states()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"states": {"XX": {"source": "s", "checked": "2026-11-23"}}}, "XX"),
        (
            {"reasons": {"a": {"fits": "in_person", "words": {"en": "a", "es": "a"}}}},
            "because",
        ),
    ],
)
def test_wrong_rules_are_refused(change: dict[str, object], said: str) -> None:
    """A state that is none, or an in-person reason without its why, names itself."""
    whole = {
        "signed_by": None,
        "signed_on": None,
        "connection": {"least": 0.5, "enough": 1.0},
        "states": {},
        "reasons": {},
    }
    Rules.model_validate(whole)
    with pytest.raises(ValidationError, match=said):
        Rules.model_validate({**whole, **change})


def test_a_site_has_rules_of_its_own(tmp_path: Path) -> None:
    """visit_rules.yaml in the portal's folder replaces ours; a fault in it names the file."""
    (tmp_path / "visit_rules.yaml").write_text("states: {}\n")
    rules_module.rules.cache_clear()
    try:
        with (
            override_settings(DIRECTORY=tmp_path),
            pytest.raises(ImproperlyConfigured, match=r"visit_rules\.yaml"),
        ):
            rules_module.rules()
    finally:
        rules_module.rules.cache_clear()


# --- pages ----------------------------------------------------------------------------------------


def walk(client: Client, language: str, /, **answers: object) -> str:
    """Answer the questions; give the last address led to."""
    led = ""
    for key, given in answers.items():
        form = given if isinstance(given, dict) else {key: given}
        led = client.post(f"/{language}/video-visits/check/{key}/", form)["Location"]
    return led


FITS: dict[str, object] = {
    "where": "CO",
    "why": ["results", "genetics"],
    "symptoms": "none",
    "device": "unsure",
    "language": {"language": "es", "interpreter": "yes"},
}


@pytest.mark.django_db
def test_a_visit_that_fits_says_why_and_what_next(client: Client) -> None:
    """Reasons by name, the device test, the interpreter, and the way to a call."""
    assert walk(client, "en", **FITS).endswith("/check/result/")
    page = client.get("/en/video-visits/check/result/").content.decode()
    for said in ("A video visit fits", "Talk about test results", "license in Colorado"):
        assert said in page
    assert "/en/video-visits/device-test/" in page
    assert "You need an interpreter" in page
    assert 'action="/en/get-care/callback/"' in page


@pytest.mark.django_db
def test_a_child_in_utah_gets_a_page_with_a_phone_in_spanish(client: Client) -> None:
    """Where no license is held the first answer ends the questions: a page, not an error."""
    led = walk(client, "es", where="UT")
    assert led == "/es/video-visits/check/result/"
    answer = client.get(led)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert '<html lang="es">' in page
    assert "No podemos dar una visita por video en Utah" in page
    assert site().phones.day.number in page
    assert 'action="/es/get-care/callback/"' in page


@pytest.mark.django_db
@pytest.mark.parametrize(("symptoms", "said"), [("now", "Call 911 now"), ("today", "Call us now")])
def test_symptoms_end_the_questions_with_a_phone(client: Client, symptoms: str, said: str) -> None:
    """No device or language is asked of a family that should call."""
    led = walk(client, "en", where="CO", why=["results"], symptoms=symptoms)
    assert led.endswith("/check/result/")
    page = client.get(led).content.decode()
    assert f"<h1>{said}</h1>" in page
    assert "video-visits/device-test" not in page.split("<main")[1].split("</main>")[0]


@pytest.mark.django_db
def test_an_examination_is_named(client: Client) -> None:
    """Each reason that needs a visit in person says why it does."""
    answers = {**FITS, "why": ["results", "blood_test", "first_visit"]}
    page = client.get(walk(client, "en", **answers)).content.decode()
    for key in ("blood_test", "first_visit"):
        assert str(rules().reasons[key].because).replace("'", "&#x27;") in page
    assert str(rules().reasons["results"].words) not in page


@pytest.mark.django_db
def test_the_check_cannot_be_skipped(client: Client) -> None:
    """The result asks for the first open question, whatever was typed as address."""
    led = client.get("/en/video-visits/check/result/")["Location"]
    assert led == "/en/video-visits/check/where/"
    assert client.get("/en/video-visits/check/language/")["Location"] == led
    answer = client.post("/en/video-visits/check/where/", {"where": "ZZ"})
    assert "<title>Error: " in answer.content.decode()


@pytest.mark.django_db
def test_the_symptom_question_shows_both_lists(client: Client) -> None:
    """Every line of both cards stands above the answer."""
    walk(client, "en", where="CO", why=["results"])
    page = client.get("/en/video-visits/check/symptoms/").content.decode()
    for key in ("now", "today"):
        for line in cards()[key].when:
            assert str(line).replace("'", "&#x27;") in page


@pytest.mark.django_db
def test_a_door_and_the_video_check_are_not_asked_again(client: Client) -> None:
    """What the family came for, and answers it gave before, are filled in."""
    for key, given in {
        "where": {"where": "CO"},
        "why": {"why": "results"},
        "symptoms": {"symptoms": "none"},
        "device": {"device": "ready"},
        "language": {"language": "other", "other_language": "Somali", "interpreter": "yes"},
    }.items():
        client.post(f"/en/video-visits/check/{key}/", given)
    client.post("/en/get-care/callback/", {"about": "video-visit"})
    for key, given in {
        "who": {"relationship": "parent"},
        "name": {"name": "Sample parent"},
        "phone": {"phone": "303 555 0100"},
        "time": {"time": "any"},
    }.items():
        sent = client.post(f"/en/get-care/callback/{key}/", given)
    assert sent["Location"] == "/en/get-care/callback/note/"
    client.post("/en/get-care/callback/note/", {"note": ""})
    page = client.get("/en/get-care/callback/check/").content.decode()
    assert "Somali" in page
    assert "A video visit" in page


# --- device test ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_camera_and_microphone_are_for_the_device_test_alone(client: Client) -> None:
    """Every other page forbids both, and no page lets anything else in."""
    policy = client.get("/en/video-visits/device-test/")["Permissions-Policy"]
    assert "camera=(self)" in policy
    assert "microphone=(self)" in policy
    assert "geolocation=()" in policy
    assert "camera=()" in client.post("/en/video-visits/device-test/")["Permissions-Policy"]
    for page in ("/en/", "/en/video-visits/", "/en/get-care/", "/es/video-visits/check/where/"):
        policy = client.get(page)["Permissions-Policy"]
        assert "camera=()" in policy
        assert "microphone=()" in policy


@pytest.mark.django_db
def test_the_page_works_without_script_and_carries_the_rules_numbers(client: Client) -> None:
    """By hand and by phone; the numbers are 0.5 and 1 in both languages."""
    for language in ("en", "es"):
        page = client.get(f"/{language}/video-visits/device-test/").content.decode()
        assert 'data-least="0.5"' in page
        assert 'data-enough="1.0"' in page
        assert 'data-bytes="1000000"' in page
        assert re.search(r"data-by-hand>", page)
        assert re.search(r"data-device-test hidden", page)
        assert site().phones.day.number in page.split("data-by-hand")[1]


@pytest.mark.django_db
def test_a_megabyte_goes_each_way_and_nothing_is_kept() -> None:
    """One million bytes down; the same up; more, none, or no token is refused."""
    client = Client()
    down = client.get("/en/video-visits/device-test/down/")
    assert len(down.content) == 1_000_000
    assert down["Cache-Control"] == "no-store"
    up = "/en/video-visits/device-test/up/"
    sent = {"data": b"x" * 1_000_000, "content_type": "application/octet-stream"}
    assert client.post(up, **sent).status_code == 204  # type: ignore[arg-type]
    sent["data"] = b"x" * 1_000_001
    assert client.post(up, **sent).status_code == 413  # type: ignore[arg-type]
    sent["data"] = b""
    assert client.post(up, **sent).status_code == 413  # type: ignore[arg-type]
    strict = Client(enforce_csrf_checks=True)
    sent["data"] = b"x"
    assert strict.post(up, **sent).status_code == 403  # type: ignore[arg-type]
    assert "session" not in client.cookies
