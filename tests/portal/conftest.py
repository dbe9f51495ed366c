"""People and pages for the portal's tests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
import yaml
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

import hematon.portal
from audit_flush import audit_is_emptied_between_tests  # noqa: F401 it is a fixture
from hematon.portal.accounts.models import Kind, Role, StaffRole, User
from hematon.portal.programme import actions, rules
from hematon.portal.programme.models import Kind as RuleKind

Signed = Callable[..., Client]


@pytest.fixture
def signed_in(db: None) -> Signed:
    """Give a browser in which staff with these roles are signed in, with a second factor."""

    def sign_in(*roles: Role, second_factor: bool = True) -> Client:
        name = "-".join(roles) or "none"
        user = User.objects.create_user(f"{name}@tests.invalid", "a long enough password")
        StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in roles)
        if second_factor:
            TOTP.activate(user, generate_totp_secret())
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def rating_rules(db: None) -> Callable[..., None]:
    """Put rating rules into force that differ from the shipped ones as said."""

    def sign(**change: object) -> None:
        at = timezone.now()
        by = User.objects.create_user("rules@tests.invalid")
        StaffRole.objects.create(user=by, role=Role.ADMINISTRATOR)
        value = {**rules.default(RuleKind.RATINGS).model_dump(mode="json"), **change}
        made = actions.make(kind=RuleKind.RATINGS, value=value, note="", by=by, at=at)
        actions.sign(edition=made, by=by, at=at)

    return sign


@pytest.fixture
def signed_in_as(db: None) -> Callable[..., Client]:
    """Give a browser in which a family, or a clinician outside, is signed in."""

    def sign_in(kind: Kind = Kind.FAMILY, address: str = "", *, confirmed: bool = False) -> Client:
        address = address or f"{kind.value}@tests.invalid"
        user = User.objects.with_address(address, kind)
        user = user or User.objects.create_without_password(address, kind)
        client = Client()
        client.force_login(user)
        if confirmed:
            confirm(client)
        return client

    return sign_in


def confirm(client: Client) -> None:
    """Let the person have shown a moment ago that it is them."""
    session = client.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()


@pytest.fixture
def confirm_now() -> Callable[[Client], None]:
    """Give what lets a person have shown a moment ago that it is them."""
    return confirm


@pytest.fixture(scope="session")
def access_matrix() -> dict[str, str]:
    """Who may open each address, by its name."""
    file = Path(hematon.portal.__file__).parent / "access_matrix.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Give what goes to the log, through the handler that the settings configure."""
    handlers = {
        h
        for name in ("django", "hematon", "")
        for h in logging.getLogger(name).handlers
        if type(h) is logging.StreamHandler
    }
    assert handlers
    stream = StringIO()
    before = [(h, h.setStream(stream)) for h in handlers]
    yield stream
    for handler, old in before:
        if old is not None:
            handler.setStream(old)
