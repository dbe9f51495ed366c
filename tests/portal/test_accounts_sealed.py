"""Sessions and second factors are sealed: at rest, when changed, and while keys are rotated."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings as portal
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from hematon.portal.accounts.models import FactorSecret, Role, StoredSession, User
from hematon.portal.accounts.session_store import SessionStore, row_of
from hematon.portal.audit.models import Event
from hematon.portal.operations import rotation
from hematon.portal.vault import keys
from hematon.portal.vault.sealing import SealBrokenError
from portal_accounts import sign_in

pytestmark = pytest.mark.django_db
Signed = Callable[..., Client]
WORD = "Qzv-canary-word"
HOME = "/en/account/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def ring_file(tmp_path: Path, settings: Settings) -> Path:
    """A key ring of its own."""
    file = tmp_path / "keyring.json"
    keys.write_keyring(file, keys.new_keyring())
    settings.KEYRING_FILE = file
    return file


def raw(table: str) -> bytes:
    """Give every byte of a table as the database holds it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        rows = cursor.fetchall()
    return b"|".join(
        bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for r in rows for v in r
    )


def cookie(client: Client) -> str:
    """Give what the browser holds."""
    return client.cookies[portal.SESSION_COOKIE_NAME].value


def content(client: Client) -> bytes:
    """Give the sealed content of a browser's session."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT content FROM accounts_storedsession WHERE id = %s", [row_of(cookie(client))]
        )
        return bytes(cursor.fetchone()[0])


def put(client: Client, sealed: bytes) -> None:
    """Write a content behind the portal's back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_storedsession SET content = %s WHERE id = %s",
            [sealed, row_of(cookie(client))],
        )


def typed(client: Client) -> Client:
    """Let a draft wait in the browser's session."""
    session = client.session
    session["draft"] = {"note": WORD}
    session.save()
    return client


def now_code(secret: str) -> str:
    """Give what a code app shows now."""
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


# --- sessions ------------------------------------------------------------------------------------


def test_no_byte_of_a_session_can_be_read_or_used() -> None:
    """T-29, T-32: neither a typed word nor who is there nor the cookie stands in the table."""
    client = typed(sign_in())
    there = raw("accounts_storedsession")
    assert StoredSession.objects.count() == 1
    for secret in (WORD, cookie(client), "_auth_user_id", "note"):
        assert secret.encode() not in there
    assert client.session["draft"] == {"note": WORD}
    assert client.get(HOME).status_code == 200
    # What stands in the table is no cookie.
    thief = Client()
    thief.cookies[portal.SESSION_COOKIE_NAME] = StoredSession.objects.get().pk
    assert thief.get(HOME).status_code == 302


def test_a_flipped_bit_signs_out_and_raises_the_alarm(caplog: pytest.LogCaptureFixture) -> None:
    """T-32: refused, in the log and once in the audit; the person sees the sign-in page."""
    client = typed(sign_in())
    whole = content(client)
    for place in (0, 5, 15, len(whole) // 2, len(whole) - 1):
        cache.clear()
        put(client, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        before = Event.objects.filter(action="vault.refused").count()
        with caplog.at_level(logging.CRITICAL):
            caplog.clear()
            browser = Client()
            browser.cookies[portal.SESSION_COOKIE_NAME] = cookie(client)
            answer = browser.get(HOME)
            again = Client()
            again.cookies[portal.SESSION_COOKIE_NAME] = cookie(client)
            again.get(HOME)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/en/account/sign-in/")
        assert [r.levelname for r in caplog.records].count("CRITICAL") == 2
        assert WORD not in caplog.text
        assert Event.objects.filter(action="vault.refused").count() == before + 1
    put(client, whole)
    assert client.get(HOME).status_code == 200


def test_a_session_moved_to_another_cookie_does_not_open() -> None:
    """T-32: whoever writes to the table cannot put one browser into another's session."""
    family, other = sign_in("one@tests.invalid"), sign_in("two@tests.invalid")
    before = content(other)
    put(other, content(family))
    assert other.get(HOME).status_code == 302
    put(other, before)


def test_keys_change_under_live_sessions(ring_file: Path, signed_in: Signed) -> None:
    """T-33: nobody is signed out and no draft is lost; then nothing needs the old key."""
    old = keys.keyring().active
    clients = [typed(sign_in(f"{n}@tests.invalid")) for n in range(5)]
    staff = signed_in(Role.INTAKE)
    rotation.begin()
    assert clients[0].get(HOME).status_code == 200
    assert content(clients[0])[1:9] != content(clients[1])[1:9]
    done = rotation.reseal()
    assert done.broken == []
    assert done.resealed["accounts.storedsession.content"] == 5, "one had been written since"
    assert rotation.retire(grace=0) == [old]
    for client in clients:
        assert client.get(HOME).status_code == 200
        assert client.session["draft"] == {"note": WORD}
    assert staff.get("/staff/").status_code == 200


def test_the_store_keeps_to_what_django_asks_of_one() -> None:
    """A cookie is never taken twice or taken over; what was ended does not come back."""
    first = SessionStore()
    first["a"] = 1
    first.create()
    key = first.session_key
    twice = SessionStore(key)
    with pytest.raises(CreateError):
        twice.save(must_create=True)
    chosen = SessionStore("x" * 32)
    assert chosen.load() == {}
    assert chosen.session_key is None, "a cookie that the browser made up is not kept"
    read = SessionStore(key)
    assert (read["a"], read.exists(key)) == (1, True)
    first.delete()
    read["b"] = 2
    with pytest.raises(UpdateError):
        read.save()
    over = SessionStore()
    over.set_expiry(-1)
    over.create()
    assert SessionStore(over.session_key).load() == {}
    SessionStore.clear_expired()
    assert not StoredSession.objects.exists()
    kept = SessionStore()
    kept["a"] = 1
    kept.save()
    before = kept.session_key
    kept.cycle_key()
    assert kept.session_key != before
    assert not kept.exists(before)
    assert SessionStore(kept.session_key)["a"] == 1
    StoredSession.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert SessionStore(kept.session_key).load() == {}


# --- second factors ------------------------------------------------------------------------------


def member(name: str = "n") -> User:
    """Make a member of staff."""
    return User.objects.create_user(f"{name}@tests.invalid", "a long enough password")


def test_no_secret_of_a_second_factor_stands_in_the_open() -> None:
    """T-32: neither the code app's secret nor a seed; both work, and go with the factor."""
    user, secret = member(), generate_totp_secret()
    made = TOTP.activate(user, secret)
    codes = RecoveryCodes.activate(user)
    opened = [row.content for row in FactorSecret.objects.all()]
    assert len(opened) == 2
    assert secret in opened
    there = raw("mfa_authenticator") + raw("accounts_factorsecret")
    for kept in opened:
        assert kept.encode() not in there
    assert made.validate_code(now_code(secret))
    for factor in Authenticator.objects.all():
        factor.record_usage()
    read = Authenticator.objects.get(type="totp").wrap()
    cache.clear()
    assert not read.validate_code("000000" if now_code(secret) != "000000" else "111111")
    assert read.validate_code(now_code(secret))
    unused = codes.get_unused_codes()
    assert codes.validate_code(unused[3])
    after = Authenticator.objects.get(type="recovery_codes").wrap()
    assert after.get_unused_codes() == unused[:3] + unused[4:]
    assert not after.validate_code(unused[3])
    Authenticator.objects.filter(user=user).delete()
    assert not FactorSecret.objects.exists()


def test_a_secret_of_another_person_or_in_the_open_is_not_used() -> None:
    """T-32: who writes to the tables cannot sign in as somebody else by a code app of their own."""
    own, own_secret = member("own"), generate_totp_secret()
    other, secret = member("other"), generate_totp_secret()
    TOTP.activate(own, own_secret)
    TOTP.activate(other, secret)
    mine = Authenticator.objects.filter(user=own).values_list("data", flat=True)[0]
    for forged in (mine, {"secret": own_secret}):
        Authenticator.objects.filter(user=other).update(data=forged)
        read = Authenticator.objects.get(user=other).wrap()
        assert not read.validate_code(now_code(own_secret))
        assert read.validate_code(now_code(secret))
        cache.clear()
    # The sealed values changed places.
    a, b = FactorSecret.objects.get(user=own), FactorSecret.objects.get(user=other)
    with connection.cursor() as cursor:
        for row, value in ((a, b.__dict__["content"]), (b, a.__dict__["content"])):
            pk = row.pk.hex if connection.vendor == "sqlite" else row.pk
            cursor.execute(
                "UPDATE accounts_factorsecret SET content = %s WHERE id = %s", [value.content, pk]
            )
    for user in (own, other):
        with pytest.raises(SealBrokenError):
            Authenticator.objects.get(user=user).wrap().validate_code("123456")
    FactorSecret.objects.filter(user=other).delete()
    with pytest.raises(SealBrokenError, match="not there"):
        Authenticator.objects.get(user=other).wrap().validate_code("123456")
    # Recovery codes that allauth would take as they stand.
    RecoveryCodes.activate(own)
    rows = Authenticator.objects.filter(user=own, type="recovery_codes")
    rows.update(data={**rows.get().data, "migrated_codes": ["00000000"]})
    assert not rows.get().wrap().validate_code("00000000")


def test_a_second_enrolment_at_once_does_not_replace_the_first() -> None:
    """The database takes one code app for each person; its secret stays that one's."""
    user, secret = member(), generate_totp_secret()
    made = TOTP.activate(user, secret)
    with pytest.raises(IntegrityError), transaction.atomic():
        TOTP.activate(user, generate_totp_secret())
    assert made.validate_code(now_code(secret))


def test_keys_change_under_second_factors(ring_file: Path) -> None:
    """T-33: sealed anew like everything else; the code app goes on."""
    user, secret = member(), generate_totp_secret()
    TOTP.activate(user, secret)
    old = keys.keyring().active
    rotation.begin()
    assert rotation.reseal().resealed["accounts.factorsecret.content"] == 1
    assert rotation.retire(grace=0) == [old]
    assert Authenticator.objects.get().wrap().validate_code(now_code(secret))


def test_who_has_a_second_factor_keeps_it_when_it_is_sealed() -> None:
    """The migration seals what stood in the open, once, and leaves passkeys alone."""
    user, secret = member(), generate_totp_secret()
    seed = RecoveryCodes.generate_seed()
    plain: dict[str, Any] = {
        "totp": {"secret": secret},
        "recovery_codes": {"seed": seed, "used_mask": 4},
        "webauthn": {"credential": {"id": "x"}},
    }
    Authenticator.objects.bulk_create(
        Authenticator(user=user, type=kind, data=data) for kind, data in plain.items()
    )
    assert secret.encode() in raw("mfa_authenticator")
    step = importlib.import_module("hematon.portal.accounts.migrations.0006_seal_second_factors")
    apps = MigrationLoader(connection).project_state([("accounts", step.__name__[-24:])]).apps
    step.seal(apps, None)
    step.seal(apps, None)
    there = raw("mfa_authenticator") + raw("accounts_factorsecret")
    assert secret.encode() not in there
    assert seed.encode() not in there
    assert Authenticator.objects.get(type="totp").wrap().validate_code(now_code(secret))
    assert Authenticator.objects.get(type="recovery_codes").data["used_mask"] == 4
    assert Authenticator.objects.get(type="webauthn").data == plain["webauthn"]
