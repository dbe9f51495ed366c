"""What else could tell: sign-in with words, every kind of fault, commands, the server's own log."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.core.cache import cache
from django.db import DataError, IntegrityError, OperationalError
from django.test import Client

from canary_walk import Record, Walker

ROOT = Path(__file__).parents[1]
COMMANDS = (
    ("work", "--once"),
    ("check",),
    ("verify-audit", "--checkpoint"),
    ("purge",),
    ("backup", "copies"),
)
MUST_SUCCEED = ("work", "verify-audit", "backup")
"""The others say by their exit code what is not in order in a portal made for a proof."""


def browser() -> Client:
    """Give the browser of somebody who is not signed in; a fault is a page, as in use."""
    return Client(headers={"host": "localhost"}, raise_request_exception=False)


def code_in_the_last_mail() -> str:
    """Give the code that a person reads in their mail."""
    mail = max(Path(settings.EMAIL_FILE_PATH).iterdir(), key=lambda p: p.stat().st_mtime_ns)
    code = re.search(r"\b\d{6}\b", mail.read_text(encoding="utf-8").partition("\n\n")[2])
    assert code is not None
    return code[0]


def sign_in(record: Record) -> list[str]:
    """Ask for codes, type wrong ones, sign in; type words where staff sign in. Give the codes."""
    codes = []
    for page, route in (
        ("/en/account/sign-in/", "family_sign_in"),
        ("/clinicians/sign-in/", "referrer_sign_in"),
    ):
        cache.clear()
        person = browser()
        word = record.canaries.new("anonymous", route, "address")
        wrong = record.canaries.new("anonymous", route, "code")
        for address, data in (
            (page, {"address": f"{word} is no address"}),
            (page, {"address": f"{word}@families.invalid"}),
            (f"{page}code/", {"code": wrong}),
        ):
            record.look("anonymous", "POST", address, person.post(address, data))
        codes.append(code_in_the_last_mail())
        answer = person.post(f"{page}code/", {"code": codes[-1]})
        record.look("anonymous", "POST", f"{page}code/", answer)
        assert answer.status_code == 302, answer.content.decode()[-800:]
    cache.clear()
    for address, route, box in (
        ("/sign-in/login/", "account_login", "login"),
        ("/sign-in/password/reset/", "account_reset_password", "email"),
    ):
        word = record.canaries.new("anonymous", route, box)
        data = {box: f"{word}@staff.invalid"}
        if box == "login":
            data["password"] = record.canaries.new("anonymous", route, "password")
        record.look("anonymous", "POST", address, browser().post(address, data))
    return codes


def faults(record: Record, people: Mapping[str, Walker]) -> None:
    """Every kind of error, with words in the address, the form and the exception."""
    word = record.canaries.new("everybody", "error", "anything")
    form, page = "/en/get-care/callback/name/", "/en/words/"
    for name in ("anonymous", "family", "clinician outside", "intake", "privacy"):
        # A visitor of whom nothing is begun: a form would rightly show again what it was sent.
        client = browser() if name == "anonymous" else people[name].client
        answers = [
            client.get("/en/nothing-here/"),
            client.post(page, {"x": word}),
            client.put("/en/", word, content_type="text/plain"),
            client.post(form, {"name": word * 50_000}),
            client.generic("POST", form, word, CONTENT_LENGTH="99000000"),
            client.post("/csp-report", word, content_type="application/csp-report"),
            client.get("/en/", headers={"host": f"{word}.invalid"}),
        ]
        client.handler.enforce_csrf_checks = True
        answers.append(client.post(form, {"name": word}))
        client.handler.enforce_csrf_checks = False
        for error in (
            RuntimeError(word),
            IntegrityError(f"Key (address)=({word}) already exists"),
            DataError(word),
            OperationalError(word),
            OSError(28, word),
        ):
            for place in ("learn.views.render", "care.views.intake.begin"):
                with mock.patch(f"hematon.portal.{place}", side_effect=error):
                    answers.append(client.get(page))
                    answers.append(client.post("/en/get-care/callback/", {"about": word}))
        for answer in answers:
            record.look(name, "ANY", "/error/", answer)
        record.look(name, "GET", "/staff/audit/", client.get("/staff/audit/", {"person": word}))


def commands(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What the machine does by itself and what an operator types.

    Yields:
        Name of the command, what it printed, and what went wrong with it.
    """
    from throwaway import RUN

    for name, *rest in COMMANDS:
        words = [str(folder / word) if word == "copies" else word for word in rest]
        done = subprocess.run(
            [*RUN, "portal", "--dir", str(folder), "--demo", name, *words],
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        failed = done.returncode and name in MUST_SUCCEED
        yield name, done.stdout + done.stderr, done.stderr[-400:] if failed else ""


def gunicorn(folder: Path, environment: Mapping[str, str], record: Record) -> str:
    """The server's own logs: words in addresses, headers, forms and broken requests."""
    from with_postgres import free_port

    port, word = free_port(), record.canaries.new("everybody", "error", "request to gunicorn")
    log, access = folder / "gunicorn.err", folder / "gunicorn.out"
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "deploy/gunicorn.conf.py")]
    with log.open("wb") as errors, access.open("wb") as lines:
        server = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "--workers", "1"],
            env=dict(environment),
            stdout=lines,
            stderr=errors,
        )
    try:
        _ask(port, word)
    finally:
        server.terminate()
        server.wait(40)
    written = "".join(file.read_text("utf-8", "replace") for file in (log, access))
    if os.environ.get("HEMATON_PROOF_LOG"):
        print(written)
    log.unlink()
    access.unlink()
    return written


def _ask(port: int, word: str) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.1)
    for method, path, body in (
        ("GET", f"/en/search/?q={word}", None),
        ("GET", f"/nothing/{word}/", None),
        ("POST", f"/en/get-care/callback/name/?x={word}", f"name={word}"),
        ("POST", "/csp-report", word),
        ("GET", f"/en/{word}%00", None),
    ):
        line = http.client.HTTPConnection("localhost", port, timeout=30)
        line.request(method, path, body, {"Referer": f"http://localhost/{word}"})
        line.getresponse().read()
        line.close()
    for raw in (
        f"{word} / HTTP/1.1\r\n\r\n",
        f"GET /{word} HTTP/9\r\n\r\n",
        f"GET / HTTP/1.1\r\n{word}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as broken:
            broken.sendall(raw.encode())
            with suppress(OSError):
                broken.recv(4000)
