"""Signing in as families do: address, code from the mail; and a clock that stands still."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client

SIGN_IN, CODE = "/en/account/sign-in/", "/en/account/sign-in/code/"
CLINICIANS, CLINICIANS_CODE = "/clinicians/sign-in/", "/clinicians/sign-in/code/"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime.now(UTC)  # noqa: TID251 sessions are judged against the real one
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)

    def move(self, **by: float) -> None:
        """Go on by some minutes, say."""
        self.now += timedelta(**by)


def code_in_mail() -> str:
    """Give the code of the latest mail."""
    found = re.search(r"\b\d{6}\b", str(mail.outbox[-1].body))
    assert found is not None
    return found[0]


def another(code: str) -> str:
    """Give a code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06d}"


def ask(client: Client, address: str, page: str = SIGN_IN, **more: str) -> HttpResponse:
    """Send the address."""
    answer: HttpResponse = client.post(page, {"address": address, **more})
    return answer


def enter(client: Client, code: str, page: str = CODE) -> HttpResponse:
    """Send the code."""
    answer: HttpResponse = client.post(page, {"code": code})
    return answer


def sign_in(address: str = "one@tests.invalid", client: Client | None = None) -> Client:
    """Sign in by a code from a mail."""
    client = client or Client()
    assert ask(client, address)["Location"] == CODE
    assert enter(client, code_in_mail())["Location"] == "/en/account/home/"
    return client
