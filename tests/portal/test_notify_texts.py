"""T-26, T-29: what mail says, to whom, and what it never says."""

from __future__ import annotations

import csv
import re
import runpy
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as portal_settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

import hematon.knowledge
import hematon.portal
from hematon.portal.accounts.models import Address, User
from hematon.portal.accounts.models import Kind as AccountKind
from hematon.portal.check import problems
from hematon.portal.learn.readability import grade, measure
from hematon.portal.notify import access, actions, sending
from hematon.portal.notify.models import Kind, Notice, Reason
from hematon.portal.notify.texts import TEXTS, compose, tells_the_clinic

AT = datetime(2026, 3, 14, 9, tzinfo=UTC)
ADDRESS = "parent@tests.invalid"
NAME = "Canaria Zyxwv"
EVERY = [(kind, language) for kind in Kind for language in ("en", "es")]

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(db: None) -> User:
    """A family whose every field holds a canary."""
    user = User.objects.create_without_password(ADDRESS, AccountKind.FAMILY)
    user.name = NAME
    user.save()
    return user


def written(kind: Kind, language: str, user: User) -> EmailMessage:
    """Give a mail as it goes over the wire, read back."""
    key = f"canary-key-{kind}-{language}"
    actions.enqueue(key=key, kind=kind, user=user, language=language, at=AT)
    content = compose(Notice.objects.get(key=key), user.mail_address).message().as_bytes()
    read = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(read, EmailMessage)
    return read


def said(sent: EmailMessage) -> str:
    """Give all that a stranger who sees the mail could read, but for the recipient."""
    headers = [f"{name}: {value}" for name, value in sent.items() if name != "To"]
    return "\n".join([*headers, sent.get_content()])


@pytest.fixture(scope="module")
def clinical() -> frozenset[str]:
    """Every name of the knowledge: HPO labels, conditions, diseases, analytes, tests, glossary."""
    data = Path(hematon.knowledge.__file__).parent / "data"
    found: set[str] = set()
    for table in ("terms", "diseases"):
        with (data / "annotations" / f"{table}.csv").open(encoding="utf-8", newline="") as rows:
            found |= {row["name"] for row in csv.DictReader(rows)}
    for file in [*data.glob("conditions/*.yaml"), *data.glob("*.yaml")]:
        found |= set(re.findall(r'^\s*(?:- )?name: "(.+)"$', file.read_text("utf-8"), re.MULTILINE))
    content = Path(hematon.portal.__file__).parent / "learn" / "content"
    for entry in yaml.safe_load((content / "glossary.yaml").read_text("utf-8")).values():
        found |= {str(word) for word in entry["word"].values()}
    return frozenset(name.lower() for name in found)


def hits(text: str, names: frozenset[str]) -> list[str]:
    """Give the names that stand in a text as words of their own."""
    words = re.findall(r"[\w'-]+", text.lower())
    longest = max(len(name.split()) for name in names)
    parts = {
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in range(1, longest + 1)
    }
    plain = {re.sub(r"[^\w'-]+", " ", name).strip() for name in names}
    return sorted(parts & plain)


def test_the_search_finds_what_it_looks_for(clinical: frozenset[str]) -> None:
    """Otherwise finding nothing below would prove nothing."""
    assert len(clinical) > 18_000
    text = "Your child's Fanconi anemia: low platelets. La médula ósea."
    assert {"fanconi anemia", "anemia", "platelets", "médula ósea"} <= set(hits(text, clinical))


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_no_clinical_word_and_no_name_in_any_mail(
    kind: Kind, language: str, family: User, clinical: frozenset[str]
) -> None:
    """T-29: 18,000 names of the knowledge, the clinic's words and canaries: 0 hits."""
    text = said(written(kind, language, family))
    assert hits(text, clinical) == []
    assert not tells_the_clinic(text)
    for canary in ("Canaria", "Zyxwv", "canary-key", ADDRESS, "HM-"):
        assert canary.lower() not in text.lower()


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_every_mail_is_plain_text_in_its_language_with_the_way_in(
    kind: Kind, language: str, family: User
) -> None:
    """One part, and one link, which is the portal's own page and carries nothing, or none."""
    sent = written(kind, language, family)
    assert sent.get_content_type() == "text/plain"
    assert sent["To"] == ADDRESS
    links = re.findall(r"https?://\S+", sent.get_content())
    with translation.override(language):
        page = reverse(portal_settings.SIGN_IN_PAGES["family"])
    assert page.startswith(f"/{language}/")
    # Who has no account under that address any more would begin another one.
    leads_in = kind not in {Kind.ADDRESS_CHANGED, Kind.ACCOUNT_DELETED}
    assert links == [f"http://localhost:8000{page}"] * leads_in
    assert ("Inicie sesión aquí" in sent.get_content()) == (language == "es" and leads_in)
    with translation.override("en"):
        in_english = {str(part) for text in TEXTS.values() for part in (text.subject, *text.lines)}
    if language == "es":
        assert not in_english & {sent["Subject"], *sent.get_content().splitlines()}


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_every_mail_is_short_and_easy(kind: Kind, language: str, family: User) -> None:
    """Sentences of at most 20 words, subjects that a phone shows whole, grade 6 or less."""
    sent = written(kind, language, family)
    assert len(sent["Subject"]) <= 45
    sentences = re.split(r"[.?!:]\s", re.sub(r"https?://\S+", "", sent.get_content()))
    assert max(len(sentence.split()) for sentence in sentences) <= 20
    if language == "en":
        with translation.override("en"):
            prose = " ".join(str(line) for line in TEXTS[kind].lines)
        assert grade(measure(prose, "en")) <= 6


def test_staff_are_led_to_their_own_page(family: User) -> None:
    """And get no phone lines for families."""
    staff = User.objects.create_user("one@tests.invalid")
    text = written(Kind.STAFF_TASK, "en", staff).get_content()
    assert "http://localhost:8000/staff/\n" in text
    assert "911" not in text
    assert "911" in written(Kind.MESSAGE_WAITING, "en", family).get_content()


# --- T-26: nothing typed becomes a header ------------------------------------------------------

INJECTED = (
    "a@tests.invalid\r\nBcc: evil@tests.invalid",
    "a@tests.invalid\nSubject: other",
    "a@tests.invalid\rX: y",
    "a@tests.invalid, evil@tests.invalid",
    "Name <a@tests.invalid>",
    "a@tests.invalid\x00",
    "a@tests.invalid\u2028Bcc: evil@tests.invalid",
    "not an address",
)


@pytest.mark.parametrize("address", INJECTED)
def test_an_address_that_holds_more_than_one_is_refused(family: User, address: str) -> None:
    """T-26: it is shown to staff and nothing is sent, to anybody."""
    row = Address.objects.get(user=family)
    row.text = address
    row.save()
    actions.enqueue(key="a", kind=Kind.MESSAGE_WAITING, user=family, language="en", at=AT)
    with pytest.raises(ValidationError):
        compose(Notice.objects.get(), address)
    assert sending.send_due(AT) == sending.Sent(failed=1)
    assert access.failed().get().reason == Reason.ADDRESS_UNUSABLE
    assert mail.outbox == []


@pytest.fixture
def in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Give the settings of a portal in use with mail, some of them changed."""
    monkeypatch.delenv("HEMATON_DEMO")
    monkeypatch.setenv("HEMATON_ALLOWED_HOSTS", "portal.tests.invalid")
    monkeypatch.setenv("HEMATON_EMAIL_URL", "smtp://mail.tests.invalid")
    monkeypatch.setenv("HEMATON_EMAIL_FROM", "Family portal <portal@tests.invalid>")
    monkeypatch.setenv("HEMATON_SITE_URL", "https://portal.tests.invalid/")

    def read(name: str = "", value: str | None = None) -> dict[str, Any]:
        if name and value is None:
            monkeypatch.delenv(name)
        elif name and value is not None:
            monkeypatch.setenv(name, value)
        file = Path(hematon.portal.__file__).parent / "settings.py"
        return runpy.run_path(str(file))

    return read


def test_a_portal_with_mail_knows_its_sender_and_its_address(
    in_use: Callable[..., dict[str, Any]],
) -> None:
    """And a server that stops answering is given up."""
    made = in_use()
    assert made["DEFAULT_FROM_EMAIL"] == "Family portal <portal@tests.invalid>"
    assert made["SITE_URL"] == "https://portal.tests.invalid"
    assert made["MAIL_IS_ON"] is True
    assert made["EMAIL_TIMEOUT"] == 20
    assert in_use("HEMATON_EMAIL_URL")["MAIL_IS_ON"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEMATON_EMAIL_FROM", None),
        ("HEMATON_EMAIL_FROM", ""),
        ("HEMATON_EMAIL_FROM", "Family portal"),
        ("HEMATON_EMAIL_FROM", "a@tests.invalid, b@tests.invalid"),
        ("HEMATON_EMAIL_FROM", "A <a@tests.invalid>\r\nBcc: b@tests.invalid"),
        ("HEMATON_EMAIL_FROM", "A\u2028<a@tests.invalid>"),
        ("HEMATON_SITE_URL", None),
        ("HEMATON_SITE_URL", "http://portal.tests.invalid"),
        ("HEMATON_SITE_URL", "https://portal.tests.invalid/path"),
        ("HEMATON_SITE_URL", "portal.tests.invalid"),
        ("HEMATON_SITE_URL", "https://portal.tests.invalid\nx"),
    ],
)
def test_a_portal_with_mail_does_not_start_without_them(
    in_use: Callable[..., dict[str, Any]], name: str, value: str | None
) -> None:
    """T-26, T-50: nothing is guessed, no line break gets in, and the message names the variable."""
    with pytest.raises(ImproperlyConfigured, match=name):
        in_use(name, value)


@pytest.mark.parametrize(
    ("sender", "tells"),
    [
        ("Hematology clinic <a@tests.invalid>", True),
        ("Portal <marrow@tests.invalid>", True),
        ("Clínica de la médula <a@tests.invalid>", True),
        ("Family portal <portal@tests.invalid>", False),
    ],
)
def test_the_check_names_a_sender_that_tells_the_clinic(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, sender: str, tells: bool
) -> None:
    """`hematon portal check` reads the sender as a stranger would."""
    settings.DEFAULT_FROM_EMAIL = sender
    monkeypatch.setitem(settings.CACHES["default"], "LOCATION", "none")
    assert any("HEMATON_EMAIL_FROM" in problem for problem in problems()) == tells


def test_the_tests_send_from_the_settings_sender(family: User) -> None:
    """What the check reads is what goes out."""
    sent = written(Kind.MESSAGE_WAITING, "en", family)
    assert sent["From"] == portal_settings.DEFAULT_FROM_EMAIL
