"""What the drill does in a restored portal: sign in with a second factor and open a case.

Everything goes through the pages' own addresses, with Django's test client in place of a browser.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from hematon.errors import HematonError
from hematon.portal.accounts.models import Role, StaffRole, StoredSession, User
from hematon.portal.ui.upkeep import OPENS

ADDRESS = "restore-drill@drill.invalid"


class FailedError(HematonError):
    """The restored portal does not do what a portal does; says at which step."""


def try_out() -> dict[str, str]:
    """Sign in and open a page of each kind that an app names.

    Returns:
        What was opened, by name; "none there" where the backup holds none.

    Raises:
        FailedError: a step did not work.
    """
    from allauth.mfa.totp.internal import auth

    password, secret = secrets.token_urlsafe(16), auth.generate_totp_secret()
    user = User.objects.create_user(ADDRESS, password, name="Restore drill")
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in Role)
    auth.TOTP.activate(user, secret)
    host = settings.ALLOWED_HOSTS[0].lstrip(".")
    client = Client(headers={"host": host}, raise_request_exception=False)
    ask: dict[str, Any] = {"secure": not settings.DEMO}
    _expect(client.get("/healthz", **ask), 200, "the portal answers")
    sent = {"login": ADDRESS, "password": password}
    _expect(client.post("/sign-in/login/", sent, **ask), 302, "the password is taken")
    counter = next(iter(auth.yield_hotp_counters_from_time()))
    code = auth.format_hotp_value(auth.hotp_value(secret, counter))
    _expect(
        client.post("/sign-in/2fa/authenticate/", {"code": code}, **ask), 302, "the code is taken"
    )
    _expect(client.get("/staff/", **ask), 200, "the staff's page opens")
    found = {}
    for name, address in OPENS.items():
        where = address()
        found[name] = "none there"
        if where is not None:
            _expect(client.get(where, **ask), 200, f"{name} opens")
            found[name] = "opened"
    return found


def _expect(answer: Any, status: int, what: str) -> None:
    if answer.status_code != status:
        raise FailedError(f"{what}: answered {answer.status_code}, not {status}")


@contextmanager
def somebody_writes() -> Iterator[dict[str, int]]:
    """Write to the live database meanwhile: sessions that are over at once, and nobody's.

    Gives:
        How often, under "writes".
    """
    said, stop = {"writes": 0}, Event()

    def write() -> None:
        try:
            while not stop.is_set():
                key = f"drill{secrets.token_hex(12)}"
                over = timezone.now() - timedelta(seconds=1)
                row = StoredSession.objects.create(pk=key, content=b"", ends_at=over)
                said["writes"] += 1
                row.delete()
                time.sleep(0.01)
        finally:
            connection.close()

    thread = Thread(target=write)
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join()
