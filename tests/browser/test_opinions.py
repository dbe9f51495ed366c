"""J5: packet, trial, judgement, opinion, release; the family reads in Spanish, the doctor too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.care.models import Case
from hematon.portal.care.status import Stage
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.models import Release, Signed
from opinion_cases import file_of, given_to, linked, message, outside, ready, sent, staff

Visit = Callable[..., Any]
FAMILY_EN = "The counts are low. We think more tests will help. Please call us."
FAMILY_ES = "Los conteos son bajos. Faltan más pruebas. Por favor, llame a su equipo."

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def signed_in(visitor: Any, user: User) -> Any:
    """Put the session of somebody who signed in into a browser."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": visitor.site}
    visitor.page.context.add_cookies([cookie])
    return visitor.page


def look(page: Any) -> None:
    """Assert what every page keeps to: axe, the width of the screen, one main heading."""
    found = [
        f"{page.url} {violation['id']}: {node['html'][:160]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if 'class="hm-demo"' not in node["html"]
    ]
    assert found == []
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"
    assert page.locator("h1").count() == 1, page.url


def press(page: Any, name: str) -> None:
    """Press a button by its words and wait for what it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def follow(page: Any, name: str) -> None:
    """Follow a link by its words."""
    with page.expect_navigation():
        page.get_by_role("link", name=name).first.click()


def confirm(page: Any, secret: str) -> None:
    """Show by a code of the app that it is still the same person."""
    counter = list(yield_hotp_counters_from_time())[1]
    page.fill("[name=code]", str(format_hotp_value(hotp_value(secret, counter))))
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.long)])
def test_from_the_packet_to_a_report_that_was_read(visit: Visit, width: int) -> None:
    """J5: every step in a browser; each page fits, is named, and axe finds nothing on it."""
    family = outside()
    linked(family)
    doctor, secret = staff(Role.CLINICIAN, name="Sample physician A"), generate_totp_secret()
    TOTP.activate(doctor, secret)
    case = sent(sender=family)
    file_of(case, "Hemograma.pdf")
    message(case, family, "¿Llegó todo?")
    case = given_to(Case.objects.get(pk=case.pk), doctor)

    visitor = visit(width)
    page = signed_in(visitor, doctor)
    visitor.open(f"/staff/cases/{case.pk}/packet/")
    look(page)
    assert page.locator("svg.chart").count() >= 4
    with page.expect_download() as taken:
        page.get_by_role("link", name="Packet as PDF").click()
    assert taken.value.suggested_filename == f"packet-{case.reference}.pdf"
    visitor.open(f"/staff/cases/{case.pk}/packet/computed/")
    assert page.get_by_text("Aplastic").count() or page.get_by_text("aplastic").count()
    visitor.open(f"/staff/cases/{case.pk}/packet/")
    tries_and_judges(page, case)
    visitor.open(f"/staff/cases/{case.pk}/packet/")
    assert page.get_by_text("Transfusions hide the MCV.").count() == 1

    follow(page, "Write or sign the opinion")
    look(page)
    follow(page, "Begin the opinion")
    look(page)
    page.fill("[name=answer_1]", "The records fit several causes.")
    page.fill("[name=family_es]", "La insuficiencia hematopoyética requiere caracterización.")
    page.get_by_text("Too hard to read").wait_for()
    press(page, "Save")
    look(page)
    assert page.get_by_text("Before it can be signed").count() == 1
    follow(page, "Answer question 2.")
    assert page.url.endswith("#id_answer_2")
    for name, words in {
        "answer_2": "A chromosome breakage test comes first.",
        "recommendations": "Consider a marrow examination.",
        "would_change": "A normal breakage test.",
        "limits": "No slides were seen.",
        "family_en": FAMILY_EN,
        "family_es": FAMILY_ES,
        "spanish_by": "Sample translator A",
    }.items():
        page.fill(f"[name={name}]", words)
    press(page, "Save")
    look(page)
    follow(page, "Sign it")
    assert "/reauthenticate/" in page.url
    confirm(page, secret)
    assert page.url.endswith("/opinion/sign/")
    look(page)
    press(page, "Sign this text")
    assert page.title().startswith("Error: ")
    look(page)
    page.get_by_label("I have read the whole text").check()
    press(page, "Sign this text")
    look(page)
    assert Signed.objects.count() == 1

    follow(page, "Release version 1")
    look(page)
    page.get_by_label("The family", exact=True).check()
    page.get_by_label("The doctor the family named").check()
    press(page, "Release it now")
    assert page.title().startswith("Error: ")
    look(page)
    page.fill("[name=doctor_address]", "doctor-b@tests.invalid")
    press(page, "Release it now")
    look(page)
    assert Release.objects.count() == 2

    reads_in_spanish(visit(width, "es", script=False), family, case)
    other = User.objects.with_address("doctor-b@tests.invalid", UserKind.REFERRER)
    assert other is not None
    the_doctor_reads(visit(width), other, case)
    case.refresh_from_db()
    assert case.stage == Stage.REPORT_READ
    page.reload()
    assert page.get_by_text("Version 1 released to the family, read and the doctor, read").count()


def tries_and_judges(page: Any, case: Case) -> None:
    """J5, steps 6 and 7: one input changed beside the old version, one item disagreed with."""
    before = packet_of(case, timezone.now())
    assert before.assessment is not None
    follow(page, "Assessment: try a change")
    look(page)
    follow(page, "Change one count")
    look(page)
    press(page, "See what moves")
    assert page.title().startswith("Error: ")
    look(page)
    page.get_by_label("Which count?").select_option(index=1)
    page.get_by_label("What should it be?").fill("a lot")
    press(page, "See what moves")
    assert page.get_by_text("as a number, such as 7.9").count() == 2
    look(page)
    follow(page, "Change a finding or test instead")
    look(page)
    breakage = "Chromosome breakage (DEB/MMC) positive"
    page.get_by_label("Which finding or test?").select_option(breakage)
    page.get_by_label("Present, or positive").check()
    press(page, "See what moves")
    assert page.locator("h1").inner_text() == "Assessment, version 2"
    assert page.get_by_text("Made again just now: the same, byte for byte.").count() == 1
    assert page.locator(".hm-moved tbody tr").first.get_by_text("Fanconi anemia").count() == 1
    look(page)
    follow(page, "Open its whole report, as it was made")
    look(page)
    follow(page, "Back to version 2")
    follow(page, "version 1")
    look(page)
    follow(page, "Open its whole report, as it was made")
    kept = page.locator("main#report").inner_text()
    page.go_back()
    follow(page, "Agree or disagree")
    look(page)
    press(page, "Keep it")
    assert page.title().startswith("Error: ")
    look(page)
    page.get_by_label("What is it about?").select_option(value="cause:fanconi_anemia")
    page.get_by_label("I disagree with it").check()
    page.get_by_label("Evidence that matters is missing").check()
    page.get_by_label("Comment (optional)").fill("Transfusions hide the MCV.")
    press(page, "Keep it")
    assert page.locator("h1").inner_text() == "Assessment"
    assert page.get_by_text("Disagrees", exact=True).count() == 1
    look(page)
    page.goto(page.url.split("/staff/")[0] + f"/staff/cases/{case.pk}/assessment/1/report/")
    assert page.locator("main#report").inner_text() == kept
    page.goto(page.url.split("/staff/")[0] + "/staff/judgements/")
    look(page)
    # Nothing of the record moved.
    after = packet_of(Case.objects.get(pk=case.pk), before.at)
    assert after.bundle == before.bundle


def reads_in_spanish(visitor: Any, family: User, case: Case) -> None:
    """A parent without script: a page to take breath, then the letter."""
    page = signed_in(visitor, family)
    visitor.open(f"/es/requests/{case.pk}/report/")
    assert page.locator("html").get_attribute("lang") == "es"
    assert "Los conteos son bajos" not in page.inner_text("main")
    press(page, "Abrir el informe")
    assert "Los conteos son bajos" in page.inner_text("main")
    assert page.locator("[lang=es] .hm-letter, .hm-letter[lang=es]").count() == 1
    with page.expect_download() as taken:
        page.get_by_role("link", name="Guardar el informe completo (PDF)").click()
    assert taken.value.suggested_filename == f"report-{case.reference}-1.pdf"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def the_doctor_reads(visitor: Any, doctor: User, case: Case) -> None:
    """A clinician outside reads, and says so."""
    page = signed_in(visitor, doctor)
    visitor.open(f"/clinicians/referrals/{case.pk}/report/")
    look(page)
    press(page, "I have read this report")
    assert page.get_by_text("Thank you. The team sees that you have read it.").count() == 1
    look(page)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_family_pages_fit_a_phone(visit: Visit, language: str) -> None:
    """Cover and letter in both languages with axe, at 320 px; by keyboard alone to the letter."""
    from portal.test_opinions import released, signed

    case, doctor, family = ready()
    signed(case, doctor)
    released(case, doctor)
    visitor = visit(320, language)
    page = signed_in(visitor, family)
    visitor.open(f"/{language}/requests/{case.pk}/report/")
    look(page)
    button = page.locator("main form button[type=submit]")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    look(page)
    assert page.locator(".hm-letter").count() == 1
