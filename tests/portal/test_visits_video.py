"""The way into a video room: what a token says, which are refused, and when there is none."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from hematon.portal import environment
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.programme import actions, rules
from hematon.portal.programme.models import Kind
from hematon.portal.visits.models import new_room
from hematon.portal.visits.video import Video, is_open, sign, video, way_in

SECRET = b"0123456789abcdef" * 4
JITSI = Video("jitsi", "https://meet.tests.invalid", "hematon", SECRET, date(2026, 1, 1))
START = datetime(2026, 12, 1, 16, tzinfo=UTC)
VISIT: Any = SimpleNamespace(
    slot=SimpleNamespace(starts_at=START, ends_at=START + timedelta(minutes=30)), room=new_room()
)


def token_of(address: str) -> str:
    """Give the token of an address."""
    return parse_qs(urlsplit(address).query)["jwt"][0]


def decode(token: str, at: datetime = START, **other: Any) -> dict[str, Any]:
    """Read a token as the video host does, by a decoder that is not ours."""
    expected: dict[str, Any] = {
        "audience": "jitsi",
        "issuer": "hematon",
        "subject": "meet.tests.invalid",
    }
    claims: dict[str, Any] = jwt.decode(
        token,
        SECRET,
        algorithms=["HS256"],
        options={
            "require": ["aud", "iss", "sub", "exp", "nbf", "room"],
            "verify_exp": False,
            "verify_nbf": False,
        },
        **{**expected, **other},
    )
    # The decoder's clock cannot be set, so its two checks are made here with ours.
    if at.timestamp() < claims["nbf"]:
        raise jwt.ImmatureSignatureError
    if at.timestamp() >= claims["exp"]:
        raise jwt.ExpiredSignatureError
    if claims["room"] != other.get("room", VISIT.room):
        raise jwt.InvalidTokenError("another room")
    return claims


def test_a_token_opens_one_room_for_one_hour() -> None:
    """`nbf` is 15 minutes before, `exp` 30 minutes after; no name, no child, no email."""
    address = way_in(VISIT, JITSI, host=False)
    assert address.startswith(f"https://meet.tests.invalid/{VISIT.room}?jwt=")
    assert decode(token_of(address)) == {
        "aud": "jitsi",
        "iss": "hematon",
        "sub": "meet.tests.invalid",
        "room": VISIT.room,
        "nbf": int((START - timedelta(minutes=15)).timestamp()),
        "exp": int((START + timedelta(minutes=60)).timestamp()),
        "context": {"user": {"name": "Family", "moderator": "false"}},
    }
    host = decode(token_of(way_in(VISIT, JITSI, host=True)))
    assert host["context"]["user"] == {"name": "Team", "moderator": "true"}


def test_a_room_has_128_random_bits() -> None:
    """Nobody guesses one, and no two visits share one."""
    rooms = {new_room() for _ in range(2000)}
    assert len(rooms) == 2000
    assert all(len(bytes.fromhex(room)) == 16 for room in rooms)


def _part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _changed(**claims: Any) -> Callable[[str], str]:
    def change(token: str) -> str:
        told = jwt.decode(token, options={"verify_signature": False})
        told.update(claims)
        return sign({name: value for name, value in told.items() if value is not None}, SECRET)

    return change


def _payload(token: str) -> str:
    head, body, end = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=="))
    return f"{head}.{_part({**told, 'room': 'other'})}.{end}"


WRONG: dict[str, Callable[[str], str]] = {
    "empty": lambda token: "",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "alg none": lambda token: f"{_part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}.",
    "alg HS512 over the same": lambda token: jwt.encode(
        jwt.decode(token, options={"verify_signature": False}), SECRET, algorithm="HS512"
    ),
    "another secret": lambda token: sign(
        jwt.decode(token, options={"verify_signature": False}), SECRET[::-1]
    ),
    "a flipped bit in the signature": lambda token: (
        token[:-4] + ("A" if token[-4] != "A" else "B") + token[-3:]
    ),
    "a changed payload": _payload,
    "cut": lambda token: token[:-10],
    "twice the body": lambda token: token.replace(".", ".e30.", 1),
    "another audience": _changed(aud="other"),
    "no audience": _changed(aud=None),
    "another issuer": _changed(iss="other"),
    "no issuer": _changed(iss=None),
    "another host": _changed(sub="other.tests.invalid"),
    "another room": _changed(room=new_room()),
    "every room": _changed(room="*"),
    "no room": _changed(room=None),
    "no end": _changed(exp=None),
    "no beginning": _changed(nbf=None),
    "over": _changed(exp=int(START.timestamp())),
    "not yet": _changed(nbf=int(START.timestamp()) + 1),
    "an end that is no number": _changed(exp="tomorrow"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_refused(name: str) -> None:
    """T-45 for video: forged, cut, moved to another room, host or time."""
    right = token_of(way_in(VISIT, JITSI, host=False))
    assert decode(right)
    with pytest.raises((jwt.InvalidTokenError, TypeError)):
        decode(WRONG[name](right))


@pytest.mark.parametrize(
    ("at", "is_valid"),
    [
        (START - timedelta(minutes=15, seconds=1), False),
        (START - timedelta(minutes=15), True),
        (START + timedelta(minutes=60, seconds=-1), True),
        (START + timedelta(minutes=60), False),
    ],
)
def test_a_token_holds_for_its_window(at: datetime, is_valid: bool) -> None:
    """To the second, at both ends; the page opens for no longer than the token."""
    token = token_of(way_in(VISIT, JITSI, host=False))
    if is_valid:
        assert decode(token, at)
        assert is_open(VISIT, at)
    else:
        with pytest.raises(jwt.InvalidTokenError):
            decode(token, at)
    assert not is_open(VISIT, START - timedelta(minutes=15, seconds=1))
    assert not is_open(VISIT, START + timedelta(minutes=60, seconds=1))


def test_a_link_carries_the_room_alone() -> None:
    """The template's {room} is the only thing that changes."""
    link = Video("link", "https://video.tests.invalid/r/{room}", agreed_on=date(2026, 1, 1))
    assert way_in(VISIT, link, host=False) == f"https://video.tests.invalid/r/{VISIT.room}"


@pytest.mark.django_db
def test_no_video_before_the_vendor_has_signed() -> None:
    """No back end, no agreement, or one that begins later: no video."""
    given = {
        "back_end": "jitsi",
        "address": "https://meet.tests.invalid",
        "app_id": "hematon",
        "secret": SECRET,
    }
    day = date(2026, 11, 23)
    for settings, is_on in (
        (None, False),
        ({**given, "agreed_on": None}, False),
        ({**given, "agreed_on": day + timedelta(days=1)}, False),
        ({**given, "agreed_on": day}, True),
    ):
        with override_settings(VIDEO=settings):
            assert (video(day) is not None) is is_on


@pytest.mark.django_db
def test_an_agreement_that_ended_by_the_signed_rules_ends_video() -> None:
    """T-50: an administrator who signs its last day need not wait for who sets up the machine."""
    day = date(2026, 11, 23)
    by = User.objects.create_user("rules@tests.invalid")
    StaffRole.objects.create(user=by, role=Role.ADMINISTRATOR)

    def is_on(**agreement: date) -> bool:
        said = {name: value.isoformat() for name, value in agreement.items()}
        vendors = [{"name": "Sample vendor", **said}]
        value = {**rules.default(Kind.VENDORS).model_dump(mode="json"), "video": vendors}
        made = actions.make(kind=Kind.VENDORS, value=value, note="", by=by, at=START)
        actions.sign(edition=made, by=by, at=START)
        return video(day) is not None

    given = {"back_end": "link", "address": "https://video.tests.invalid/{room}", "agreed_on": day}
    with override_settings(VIDEO=given):
        assert video(day) is not None
        assert not is_on()
        assert is_on(agreement_signed_on=date(2026, 1, 1))
        assert not is_on(
            agreement_signed_on=date(2026, 1, 1), agreement_ends_on=day - timedelta(days=1)
        )


@pytest.mark.parametrize(
    "chosen",
    [
        "http://video.tests.invalid/{room}",
        "https://video.tests.invalid/",
        "https://video.tests.invalid/?r={room}",
        "jitsi:http://meet.tests.invalid",
        "jitsi:meet.tests.invalid",
        "jitsi",
        "javascript:alert(1)//{room}",
        "",
    ],
)
def test_a_setting_that_is_not_safe_is_refused(
    chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only https, only with a place for the room; the message names the setting."""
    monkeypatch.setenv("HEMATON_VIDEO", chosen)
    with pytest.raises(ImproperlyConfigured, match="HEMATON_VIDEO"):
        environment.video("HEMATON_VIDEO")


def test_jitsi_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The secret comes from a file that nobody else may read; a day that is none is named."""
    secret = tmp_path / "jitsi"
    secret.write_text("0123456789" * 6)
    secret.chmod(0o644)
    monkeypatch.setenv("HEMATON_VIDEO", "jitsi:https://meet.tests.invalid")
    monkeypatch.setenv("HEMATON_VIDEO_APP_ID", "hematon")
    monkeypatch.setenv("HEMATON_VIDEO_SECRET_FILE", str(secret))
    monkeypatch.setenv("HEMATON_VIDEO_AGREEMENT", "2026-11-23")
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        environment.video("HEMATON_VIDEO")
    secret.chmod(0o600)
    found = environment.video("HEMATON_VIDEO")
    assert found is not None
    assert Video(**found).agreed_on == date(2026, 11, 23)
    monkeypatch.setenv("HEMATON_VIDEO_AGREEMENT", "soon")
    with pytest.raises(ImproperlyConfigured, match="HEMATON_VIDEO_AGREEMENT"):
        environment.video("HEMATON_VIDEO")
