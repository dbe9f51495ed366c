"""A family's review and an administrator's roster in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.test import Client

from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.directory import actions
from hematon.portal.directory.access import today
from hematon.portal.directory.demonstration import EXPERTS, load_demonstration_experts
from hematon.portal.directory.models import Expert, Review, SafetyConcern
from hematon.portal.directory.roster import tabular

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _experts() -> None:
    cache.clear()
    load_demonstration_experts()


def staff(visit: Visit, *roles: Role) -> Any:
    """A visitor who is signed in."""
    user = User.objects.create_user(f"{'-'.join(roles)}{User.objects.count()}@tests.invalid")
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in roles)
    TOTP.activate(user, generate_totp_secret())
    client = Client()
    client.force_login(user)
    visitor = visit()
    session = client.cookies["session"].value
    visitor.page.context.add_cookies([{"name": "session", "value": session, "url": visitor.site}])
    return visitor


def press(page: Any) -> None:
    """Press the first button of the page's own form and wait for what it leads to."""
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()


def whole(page: Any) -> None:
    """No finding of axe; the page is no wider than the screen and has one main heading."""
    found = Axe().run(page).response["violations"]
    # The mark of the demonstration is the layout's own.
    nodes = [n["html"] for v in found for n in v["nodes"] if "hm-demo" not in n["html"]]
    assert nodes == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    assert page.locator("h1").count() == 1


def link(slug: str = "sample-physician-a") -> str:
    """A link after a visit of today."""
    day = today()
    expert = Expert.objects.get(slug=slug)
    return actions.mint_review_link(expert=expert, family_key="f", visited_on=day, on=day)


@pytest.mark.parametrize(("language", "width"), [("en", 320), ("es", 320), ("en", 1280)])
def test_j7_a_parent_leaves_a_review_by_keyboard(visit: Visit, language: str, width: int) -> None:
    """Link, three questions, the warning, a change, thanks; the link again says it was used."""
    place = f"/{language}/experts/review/{link()}/"
    page = visit(width, language).open(place)
    whole(page)
    press(page)
    whole(page)
    # An answer left out is told, and the message leads to the first number.
    press(page)
    whole(page)
    assert page.evaluate("document.activeElement.id") == "error-summary"
    page.locator(".nhsuk-error-summary__list a").first.click()
    page.focus("#id_score_0")
    page.keyboard.press("ArrowRight")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    whole(page)
    page.focus("#id_explained_4")
    page.keyboard.press("Space")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    whole(page)
    page.fill("textarea", "My son Leo got the wrong dose. Mi hijo Leo.")
    press(page)
    whole(page)
    assert page.locator(".nhsuk-warning-callout strong", has_text="Leo").count() > 0
    with page.expect_navigation():
        page.locator(".nhsuk-warning-callout a").click()
    assert page.input_value("textarea").startswith("My son Leo")
    page.fill("textarea", "They gave the wrong dose and said sorry.")
    press(page)
    assert page.locator(".nhsuk-warning-callout").count() == 0
    press(page)
    whole(page)
    assert page.url.endswith("/review/sent/")
    page.goto(page.url.partition("/experts/")[0] + place.removeprefix(f"/{language}"))
    whole(page)
    assert page.locator("main form").count() == 0
    review = Review.objects.get()
    assert (review.score, review.explained, review.language) == (1, 1, language)
    assert SafetyConcern.objects.get().review == review


def test_j7_works_without_script(visit: Visit) -> None:
    """The same way with the browser's script off."""
    page = visit(320, "es", script=False).open(f"/es/experts/review/{link()}/")
    press(page)
    page.check("#id_score_10", force=True)
    press(page)
    page.check("#id_explained_0", force=True)
    press(page)
    press(page)
    press(page)
    assert page.url.endswith("/es/experts/review/sent/")
    assert Review.objects.get().score == 10


def test_j7_two_readers_in_the_browser(visit: Visit) -> None:
    """One shows, the next covers a word by keyboard; the comment is settled."""
    review = Review.keep(
        expert=Expert.objects.get(slug="sample-physician-a"),
        received_on=today() - timedelta(days=3),
        score=0,
        explained=1,
        comment="Leo smiled.",
        language="en",
        state="waiting",
    )
    for covers in (False, True):
        page = staff(visit, Role.MODERATOR).open("/staff/review-queue/")
        whole(page)
        with page.expect_navigation():
            page.locator("main td a").click()
        if covers:
            page.focus("#mask-0")
            page.keyboard.press("Space")
        whole(page)
        page.check("#id_decision_0", force=True)
        press(page)
    review.refresh_from_db()
    assert (review.state, review.masks) == ("shown", [[0, 3]])


def test_j6_an_administrator_loads_the_roster(visit: Visit, tmp_path: Path) -> None:
    """Problems by line, the mended file, what would change, apply, the public page, the audit."""
    text = tabular.write(EXPERTS)
    new = text.splitlines()[1].replace("sample-physician-a", "sample-new").replace(",A,", ",Z,")
    right = "\r\n".join([*text.splitlines()[:-1], new]) + "\r\n"
    wrong = right.replace(",MD,hematologist", ",XYZ,hematologist")
    assert wrong != right
    for name, content in (("wrong", wrong), ("right", right)):
        (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8", newline="")
    page = staff(visit, Role.ADMINISTRATOR).open("/staff/roster/")
    whole(page)
    page.set_input_files("#id_file", tmp_path / "wrong.csv")
    press(page)
    whole(page)
    assert page.title().startswith("Error: ")
    assert page.locator("td[data-label=Row]").all_inner_texts() == ["2", "10"]
    page.set_input_files("#id_file", tmp_path / "right.csv")
    press(page)
    whole(page)
    assert "1 new, 0 changed, 1 to deactivate, 8 unchanged" in page.inner_text("main")
    press(page)
    assert "Applied: 1 new, 0 changed, 1 deactivated." in page.inner_text("main")
    public = visit(320).open("/en/experts/")
    assert public.locator(".hm-expert__name").all_inner_texts()[-1] == "Sample physician Z"
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as FHIR").click()
    download.value.save_as(tmp_path / "roster.json")
    page.set_input_files("#id_file", tmp_path / "roster.json")
    press(page)
    whole(page)
    assert "0 changes" in page.inner_text("main")
    actions_done = list(Event.objects.order_by("pk").values_list("action", flat=True))
    assert actions_done == [
        "roster.added",
        "roster.checked",
        "roster.checked",
        "roster.applied",
        "roster.exported",
        "roster.checked",
    ]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_directory_is_whole(visit: Visit, language: str, width: int) -> None:
    """List, filters, letters, expert, rules and program; the filters work by keyboard."""
    visitor = visit(width, language)
    for path in ("", "?language=vi", "sample-physician-a/", "ratings/", "program/"):
        whole(visitor.open(f"/{language}/experts/{path}"))
    page = visitor.open(f"/{language}/experts/")
    page.locator(".hm-filter summary").nth(2).focus()
    page.keyboard.press("Enter")
    page.get_by_label({"en": "Vietnamese", "es": "Vietnamita"}[language]).focus()
    page.keyboard.press("Space")
    press(page)
    assert page.locator(".hm-expert").count() == 1
    page.locator(".hm-expert .hm-term").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".hm-term__meaning").first.is_visible()
