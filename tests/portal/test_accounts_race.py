"""Guesses and uses of a code that come at the same moment are counted one by one."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory

from hematon.portal.accounts import codes
from hematon.portal.accounts.codes import Entered
from hematon.portal.accounts.models import MailedCode, Purpose
from portal_accounts import another, ask, code_in_mail

AT_ONCE = 12

pytestmark = pytest.mark.django_db(transaction=True)


def all_at_once(code: str, monkeypatch: pytest.MonkeyPatch) -> Counter[Entered]:
    """Type a code in many requests of one browser that begin together."""
    row = str(MailedCode.objects.get().pk)
    # Its lock would put the requests in line; what is shown here must hold without it.
    monkeypatch.setattr(codes, "_within", lambda *args: True)
    start = Barrier(AT_ONCE)

    def one(_: int) -> Entered:
        request: HttpRequest = RequestFactory().post("/")
        request.session = {"code_sign_in": row}  # type: ignore[assignment]
        start.wait()
        try:
            return codes.enter(request, purpose=Purpose.SIGN_IN, code=code)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(one, range(AT_ONCE)))


def test_guesses_at_once_are_five_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-14: twelve wrong codes in one moment: four are told to try again, and none is left."""
    cache.clear()
    ask(Client(), "one@tests.invalid")
    found = all_at_once(another(code_in_mail()), monkeypatch)
    assert found[Entered.WRONG] <= codes.TRIES - 1
    assert found[Entered.WRONG] + found[Entered.OVER] == AT_ONCE
    assert MailedCode.objects.get().tries == codes.TRIES


def test_the_right_code_at_once_signs_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A double click, or a thief beside the parent: one of them is in."""
    cache.clear()
    ask(Client(), "one@tests.invalid")
    found = all_at_once(code_in_mail(), monkeypatch)
    assert found[Entered.RIGHT] == 1
    assert found[Entered.OVER] == AT_ONCE - 1
