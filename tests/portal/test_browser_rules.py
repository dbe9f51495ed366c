"""What every answer tells the browser: policies, cookies, caches; errors that give nothing away."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation

import hematon.portal
from header_rules import ERRORS, PRODUCTION, SAID, Sweep, amiss
from hematon.portal.accounts.models import Role, User
from portal_routes import names, route_of

CANARY = "canary-name-4711"
POLICY = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    "report-uri /csp-report"
)
OWN_POLICY = {"assessment_report", "assessment_download"}
"""Documents with a stricter policy of their own; test_clinic.py holds it."""
DEVICES = {"device_test"}
"""The only pages that may ask for camera and microphone (T-23)."""
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


def check_headers(answer: HttpResponseBase, *, devices: bool = False) -> None:
    """Assert every header that T-22 and T-23 ask for."""
    nonces = set(re.findall(r"'nonce-([^']+)'", answer["Content-Security-Policy"]))
    nonce = "".join(f" 'nonce-{n}'" for n in nonces)
    assert len(nonces) <= 1
    expected = sorted(POLICY.format(nonce=nonce).split("; "))
    assert sorted(answer["Content-Security-Policy"].split("; ")) == expected
    check_common(answer, devices=devices)


def check_common(answer: HttpResponseBase, *, devices: bool = False) -> None:
    """Assert the headers that are the same for every document."""
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    allowed = answer["Permissions-Policy"]
    for device in ("camera", "microphone"):
        own = f"{device}=(self)" in allowed
        assert own or f"{device}=()" in allowed
        assert devices or not own
    for never in ("geolocation", "payment", "usb", "display-capture"):
        assert f"{never}=()" in allowed
    assert "Server" not in answer.headers
    assert "X-Powered-By" not in answer.headers


@pytest.mark.parametrize("name", names())
def test_headers_of_every_route(name: str, signed_in: Signed) -> None:
    """T-22, T-23: pages, redirects to sign-in, refusals and forms that come back."""
    staff, anonymous = signed_in(*Role), Client(enforce_csrf_checks=True)
    for address in route_of(name).addresses:
        answers = [
            anonymous.get(address),
            anonymous.post(address),
            staff.get(address),
            staff.post(address),
            staff.delete(address),
        ]
        for answer in answers:
            check = check_common if name in OWN_POLICY else check_headers
            check(answer, devices=name in DEVICES)


def test_headers_of_errors_and_files(client: Client) -> None:
    """Not found, too large, forged, and a file of our own."""
    check_headers(client.get("/en/nothing-here/"))
    check_headers(client.post("/language", {"x": "y" * 1_100_000}))
    check_headers(Client(enforce_csrf_checks=True).post("/language", {"language": "es"}))
    check_headers(client.get("/"))


@pytest.mark.parametrize("name", names())
def test_nothing_inline_in_any_page(name: str, signed_in: Signed, signed_in_as: Signed) -> None:
    """No style attribute, no handler, no script without an address, nothing from outside."""
    for client in (Client(), signed_in(*Role), signed_in_as(confirmed=True)):
        for address in route_of(name).addresses:
            answer = client.get(address)
            if not answer.get("Content-Type", "").startswith("text/html"):
                continue
            page = answer.content.decode()
            assert not re.search(r"<[^>]+\sstyle=", page)
            assert not re.search(r"<[^>]+\son[a-z]+=", page)
            for tag in re.findall(r"<script\b[^>]*>", page):
                assert "src=" in tag or 'type="application/json"' in tag, tag
            for address_of in re.findall(
                r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="([^"]*)"', page
            ):
                assert not address_of.startswith(("http:", "https:", "//")), address_of


# --- as in production ----------------------------------------------------------------------------


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give the settings of a portal that is in use."""
    secret = tmp_path / "secret-key"
    secret.write_text("0123456789" * 6)
    secret.chmod(0o600)
    monkeypatch.setenv("HEMATON_PORTAL_DIR", str(tmp_path))
    monkeypatch.delenv("HEMATON_DEMO", raising=False)
    monkeypatch.setenv("HEMATON_ALLOWED_HOSTS", "portal.tests.invalid")
    return start()


def start() -> dict[str, Any]:
    """Run the settings in the environment as it is."""
    return runpy.run_path(str(Path(hematon.portal.__file__).parent / "settings.py"))


@pytest.fixture
def in_production(production: dict[str, Any]) -> Iterator[Client]:
    """Give a browser of a portal whose cookies and transport are those of production."""
    wanted = re.compile("(SESSION|CSRF|LANGUAGE)_COOKIE|SECURE_|ALLOWED_HOSTS")
    chosen = {key: value for key, value in production.items() if wanted.match(key)}
    with override_settings(**chosen):
        yield Client(headers={"Host": "portal.tests.invalid"})


def test_cookies_are_bound_to_the_host_and_unreadable(in_production: Client) -> None:
    """T-21: every cookie that is ever set, by family pages and by sign-in."""
    client = in_production
    User.objects.create_user("one@tests.invalid", "a long enough password")
    client.get("/sign-in/login/", secure=True)
    client.post("/language", {"language": "es", "next": "/en/"}, secure=True)
    enter = {"login": "one@tests.invalid", "password": "a long enough password"}
    client.post("/sign-in/login/", enter, secure=True)
    client.get("/staff/", secure=True, follow=True)
    assert {"__Host-session", "__Host-csrf", "__Host-language"} <= set(client.cookies)
    for name, cookie in client.cookies.items():
        assert name.startswith("__Host-")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


def test_plain_http_is_sent_to_https_with_headers_and_no_cookie(in_production: Client) -> None:
    """T-23: HSTS for two years with subdomains; the redirect itself carries the policy."""
    answer = in_production.get("/en/")
    assert answer.status_code == 301
    assert answer["Location"] == "https://portal.tests.invalid/en/"
    check_headers(answer)
    assert not answer.cookies
    page = in_production.get("/en/", secure=True)
    assert page["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains; preload"


def test_headers_and_cookies_whoever_asks(production: dict[str, Any]) -> None:
    """T-21 to T-23: every kind of person at some routes, and every page of an error.

    `tools/prove_headers.py` asks at every route.
    """
    assert {name: production[name] for name in PRODUCTION} == PRODUCTION
    sweep = Sweep()
    sweep.routes([route_of(name) for name in ("my_access", "account_login", "health", "root")])
    sweep.errors()
    assert sweep.wrong == []
    assert [status for status in ERRORS if not sweep.asked[status]] == []
    assert "__Host-session" in sweep.cookies


def test_the_judge_of_headers_finds_what_is_missing() -> None:
    """An answer without any of them, and one with a cookie that others may read."""
    bare = HttpResponse()
    assert len(amiss(bare)) >= len(SAID) + 5
    bare.set_cookie("session", "x")
    bare["Server"] = "x"
    assert {"it names Server"} <= set(amiss(bare))
    assert any("cookie session" in rule for rule in amiss(bare))


def test_other_hosts_are_refused(in_production: Client) -> None:
    """A forged Host cannot get into a link or a mail."""
    answer = in_production.get("/en/", secure=True, headers={"Host": "elsewhere.invalid"})
    assert answer.status_code == 400


def test_pages_that_only_explain_set_no_cookie(client: Client) -> None:
    """Reading about a condition leaves no trace in the browser."""
    for address in ("/en/", "/es/conditions/", "/en/words/", "/en/get-help-now/"):
        assert not client.get(address).cookies


# --- errors and logs -----------------------------------------------------------------------------


def fail(*args: object, **kwargs: object) -> HttpResponse:
    """Fail as a database or a library might: with what was typed in the message."""
    secret = CANARY
    raise RuntimeError(f"{secret} is not a number")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Service problem"), ("es", "Problema del servicio")]
)
def test_page_of_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, log: StringIO, language: str, words: str
) -> None:
    """T-31: the emergency line, no trace, no value; the log has the place and no value either."""
    monkeypatch.setattr("hematon.portal.learn.views.render", fail)
    client = Client(raise_request_exception=False)
    answer = client.get(f"/{language}/words/?q={CANARY}")
    page = answer.content.decode()
    assert answer.status_code == 500
    check_headers(answer)
    assert f'<html lang="{language}">' in page
    assert 'href="tel:911"' in page
    for leak in (CANARY, "Traceback", "RuntimeError", "settings.py", "Django"):
        assert leak not in page
    said = log.getvalue()
    assert "RuntimeError" in said
    assert "test_browser_rules.py" in said
    assert CANARY not in said


def test_page_of_a_fault_while_the_layout_is_broken_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-31: when even the error page fails, a plain one still names the emergency number."""
    monkeypatch.setattr("hematon.portal.learn.views.render", fail)
    monkeypatch.setattr("hematon.portal.ui.views.render", fail)
    answer = Client(raise_request_exception=False).get("/en/words/")
    assert answer.status_code == 500
    assert b"911" in answer.content
    assert CANARY.encode() not in answer.content


def test_fault_of_the_database_is_told_plainly(
    monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    """T-31: staff sign-in with the database away gives the page of a fault, not a trace."""
    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", fail)
    client = Client(raise_request_exception=False)
    fields = {"login": f"{CANARY}@tests.invalid", "password": CANARY}
    answer = client.post("/sign-in/login/", fields)
    assert answer.status_code == 500
    assert "911" in answer.content.decode()
    assert CANARY not in answer.content.decode()
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize("language", ["en", "es"])
def test_pages_of_other_errors(language: str, log: StringIO) -> None:
    """400, 403 and 404 in the language of the address, each with the emergency line."""
    strict = Client(enforce_csrf_checks=True)
    with translation.override(language):
        search = reverse("search")
    large = Client(enforce_csrf_checks=True)
    large.get("/sign-in/login/")
    answers = {
        404: strict.get(f"/{language}/{CANARY}/"),
        403: strict.post(search, {"q": CANARY}),
        400: large.post(search, {"q": CANARY * 100_000}),
    }
    for status, answer in answers.items():
        page = answer.content.decode()
        assert answer.status_code == status
        assert CANARY not in page
        assert f'<html lang="{language}">' in page
        assert 'href="tel:911"' in page
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize("length", ["64000001", "9" * 40, "-1", "1e3", "many"])
def test_bodies_that_no_form_takes_are_not_read(client: Client, length: str) -> None:
    """A huge upload is refused by what it says of its size, before any of it is written."""
    answer = client.post("/language", {"language": "es"}, CONTENT_LENGTH=length)
    assert answer.status_code == 400
    assert "911" in answer.content.decode()
    check_headers(answer)


def test_csp_reports_are_counted_and_not_kept(client: Client, log: StringIO) -> None:
    """What a browser refused can name a child."""
    answer = client.post("/csp-report", CANARY, content_type="application/csp-report")
    assert answer.status_code == 204
    assert "content security policy" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_security_txt_is_in_date(client: Client) -> None:
    """RFC 9116: a contact, and an end within the year that has not come."""
    text = client.get("/.well-known/security.txt").content.decode()
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert fields["Contact"].startswith("mailto:")
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=7) < expires - timezone.now() < timedelta(days=366)


def test_policies_are_those_of_the_settings() -> None:
    """The texts above are what is meant, so a change of the settings must change them too."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert {part.split(" ")[0] for part in POLICY.split("; ")} == set(directives)
