"""T-24: whatever a family opens, nothing changes; what changes is a press with its token."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from family_cast import linked, staff
from family_requests import begun, family, sent
from hematon.portal.care import talking
from hematon.portal.care.status import Kind
from hematon.portal.files import actions, scanning
from hematon.portal.files.scanning import Verdict, Word
from hematon.portal.visits.actions import confirm
from hostile_files import CSV
from portal_routes import names, route_of
from visit_people import booking, expert, rule, slots

pytestmark = pytest.mark.django_db
NOWHERE = "00000000-0000-4000-8000-000000000000"
APART = {"audit"}
SESSIONS = {"BrowserSession", "StoredSession"}
"""What is written because somebody looks: the audit, and the session's own row."""


def everything() -> str:
    """Give the hash of every row of the database, but for the audit and sessions."""
    said = hashlib.sha256()
    for model in sorted(apps.get_models(), key=lambda m: m._meta.label):
        if model._meta.app_label in APART or model._meta.object_name in SESSIONS:
            continue
        rows = model._default_manager.order_by("pk").values_list()
        said.update(f"{model._meta.label} {[tuple(map(bytes_of, row)) for row in rows]}".encode())
    return said.hexdigest()


def bytes_of(value: Any) -> str:
    """Give a value as text, whatever the database returns."""
    return bytes(value).hex() if isinstance(value, memoryview) else repr(value)


@pytest.fixture
def place(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents of the test's own, and a scanner that finds nothing."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(scanning, "scan", lambda content, **_: Verdict(Word.CLEAN))


def test_looking_changes_nothing(place: None) -> None:
    """Every page of a family with a draft, a request, messages, files, a child and a visit."""
    client, user = family()
    at = timezone.now()
    nurse = staff()
    child = linked(user, nurse, at=at).child
    free = slots(rule(expert(), at), at)
    visit = confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=at)
    draft, case = begun(client, Kind.QUESTION), sent(client)
    files = [
        actions.take(holder=held.pk, upload=SimpleUploadedFile("a.csv", CSV), by=user, at=at)
        for held in (draft, case)
    ]
    talking.send_message(
        case=case, key="one", text="From the team.", by=nurse, language="en", at=at
    )
    own = [str(pk) for pk in (draft.pk, case.pk, visit.pk, child.pk, *(f.pk for f in files))]
    before, opened = everything(), 0
    for name in names():
        if not name.startswith(("request", "my_", "visit", "book", "ask_", "end_access")):
            continue
        for address in route_of(name).addresses:
            places = own if NOWHERE in address else [""]
            inner = files if address.count(NOWHERE) > 1 else files[:1]
            for pk, held in product(places, inner):
                path = address.replace(NOWHERE, pk, 1).replace(NOWHERE, str(held.pk))
                answer = client.get(path)
                assert answer.status_code < 500, path
                opened += answer.status_code == 200
        assert everything() == before, name
    assert opened >= 60


@pytest.mark.parametrize("where", ["read/", "reply/", "files/", "take-back/"])
def test_a_press_without_its_token_is_refused(where: str) -> None:
    """T-24: 403, and nothing changed."""
    client, user = family()
    case = sent(client)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    before = everything()
    answer = strict.post(f"/en/requests/{case.pk}/{where}", {"seen": case.revision, "text": "x"})
    assert answer.status_code == 403
    assert everything() == before
