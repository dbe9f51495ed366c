"""Cases for the tests of the inbox, and its forms read from its pages as a browser reads them."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from care_cast import staff
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.care import sending, tasks
from hematon.portal.care.actions import Asked, submit
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from portal_forms import forms_of

CANARY = "Zyxwvu"
"""Stands in every text of a sender."""
AGO = timedelta(hours=1)


def result(line: str, value: str, unit: str, **more: str) -> dict[str, Any]:
    """One line of a printout."""
    shown = {"unit": unit, "unit_label": unit, "low": "150", "high": "450", "flag": "L"}
    return {"line": line, "name": {"en": line.title(), "es": line}, "value": value, **shown, **more}


LOW = {
    "version": 1,
    "made_at": "2026-11-20T10:00:00+00:00",
    "sets": [
        {"date": "2026-11-03", "results": [result("platelets", "31", "10*9/L")]},
        {
            "date": "2026-11-20",
            "results": [
                result("platelets", "18", "10*9/L"),
                result("hemoglobin", "9.4", "g/dL", low="11.5", high="14.5"),
            ],
        },
    ],
    "questions": ["What do these counts mean?"],
}

ANSWERS: dict[str, Any] = {
    "your-name": {"name": f"{CANARY} Parent"},
    "who": {"relationship": "parent"},
    "phone": {"phone": "303 555 0100"},
    "language": {"language": "es", "other_language": ""},
    "interpreter": {"interpreter": "yes"},
    "child-name": {"child_name": f"{CANARY} Niña"},
    "birth-date": {"date": "2019-05-14"},
    "worry": {"worry": f"{CANARY} <b>low</b> counts"},
    "care-now": {"hospital": "A clinic", "doctor": "Sample physician B"},
    "told": {"told": "partly"},
    "symptoms": {"symptoms": ["bruises"]},
    "question": {"question": f"{CANARY}?"},
    "questions": {"question_1": f"{CANARY} one?", "question_2": "", "question_3": ""},
    "blood-count": {"blood_count": "attached"},
    "records": {code: "have" for code, _ in tasks.ask.RECORDS} | {"marrow": "later"},
}


def family() -> User:
    """A family's account."""
    address = f"{uuid.uuid4().hex}@tests.invalid"
    return User.objects.create_without_password(address, UserKind.FAMILY)


def request(
    kind: Kind = Kind.QUESTION,
    sender: User | None = None,
    language: str = "es",
    **more: Any,
) -> Case:
    """A request that a family sent an hour ago."""
    answers = (
        tasks.asked_answers(kind, {**ANSWERS, tasks.COUNTS: LOW, **more})
        if (kind in tasks.TASKS)
        else more
    )
    return sending.send_new(
        key=uuid.uuid4().hex,
        kind=kind,
        answers=answers,
        language=language,
        sender=sender or family(),
        at=timezone.now() - AGO,
    )


def call(**more: Any) -> Case:
    """A request to be called."""
    said = {
        "relationship": "parent",
        "name": f"{CANARY} Parent",
        "phone": "303 555 0100 ext 7",
        "time": "morning",
        "language": "en",
        "other_language": "",
        "interpreter": True,
        "about": "second-opinion",
        "note": "",
        "counts": None,
    }
    return submit(
        key=uuid.uuid4().hex,
        asked=Asked(**{**said, **more}),
        page_language="en",
        at=timezone.now() - AGO,
    )


def nurse(*roles: Role) -> tuple[Client, User]:
    """A member of staff at a browser; intake if no role is named."""
    user = staff(*(roles or (Role.INTAKE,)))
    TOTP.activate(user, generate_totp_secret())
    client = Client()
    client.force_login(user)
    return client, user


def text_of(answer: HttpResponse) -> str:
    """The text of an answer."""
    return answer.content.decode()


def boxes(client: Client, case: Case, act: str, query: str = "") -> dict[str, str]:
    """What the form of an act holds on the page of a case, as a browser would send it."""
    here = f"/staff/cases/{case.pk}/"
    page = text_of(client.get(here + query))
    return boxes_of(page, here, act)


def boxes_of(page: str, here: str, act: str) -> dict[str, str]:
    """What the form of an act holds on a page."""
    form = next(f for f in forms_of(here, page) if f.action == f"{here}{act}/")
    hidden = {c.name: "".join(c.values[:1]) for c in form.controls.values() if c.kind == "hidden"}
    for name in (c.name for c in form.controls.values() if c.kind == "textarea"):
        found = re.search(rf'<textarea name="{name}"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL)
        assert found
        hidden[name] = found[1]
    hidden.pop("csrfmiddlewaretoken", None)
    return hidden


def post(client: Client, case: Case, act: str, /, query: str = "", **given: str) -> HttpResponse:
    """Send the form of an act as the page of the moment shows it, with some of it changed."""
    filled = {
        **boxes(client, case, act, query),
        **{k.replace("_", "-"): v for k, v in given.items()},
    }
    return client.post(f"/staff/cases/{case.pk}/{act}/", filled)
