"""A family's request as a browser fills it, page by page."""

from __future__ import annotations

import uuid

from django.test import Client

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import User
from hematon.portal.care import tasks
from hematon.portal.care.ask_forms import RECORDS
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind, Status

CANARY = "Zyxwvu"
"""Stands in every box that takes a text."""

ANSWERS: dict[str, dict[str, object]] = {
    "your-name": {"name": f"{CANARY} Parent"},
    "who": {"relationship": "parent"},
    "phone": {"phone": "303 555 0100"},
    "language": {"language": "es", "other_language": ""},
    "interpreter": {"interpreter": "yes"},
    "child-name": {"child_name": f"{CANARY} Niña"},
    "birth-date": {"month": "5", "day": "14", "year": "2019"},
    "worry": {"worry": f"{CANARY} low counts"},
    "care-now": {"hospital": f"{CANARY} clinic", "doctor": f"Dr {CANARY}"},
    "told": {"told": "partly"},
    "symptoms": {"symptoms": ["fever", "bruises"]},
    "question": {"question": f"{CANARY}?"},
    "questions": {"question_1": f"{CANARY} one?", "question_2": "two?", "question_3": ""},
    "blood-count": {"blood_count": "later"},
    "records": {**{code: "no" for code, _label in RECORDS}, "hla": "hospital", "marrow": "later"},
    "report": {"receiver": "doctor"},
    "report-doctor": {"report_doctor": f"Dr {CANARY}", "report_place": "Town"},
    "consent-records": {"agree": ["yes"]},
    "consent-report": {"agree": ["yes"]},
    "wish": {"wish": f"{CANARY} visit"},
}


def family() -> tuple[Client, User]:
    """Give a signed-in family."""
    address = f"{uuid.uuid4().hex}@tests.invalid"
    user = User.objects.create_without_password(address, UserKind.FAMILY)
    client = Client()
    client.force_login(user)
    return client, user


def begun(client: Client, kind: Kind, language: str = "en") -> Case:
    """Begin a draft as a browser does."""
    client.post(f"/{language}/requests/where/", {"where": "other"})
    answer = client.post(f"/{language}/requests/begin/{kind.value}/")
    assert answer.status_code == 302
    return Case.objects.get(pk=answer["Location"].split("/")[3])


def fill(client: Client, case: Case, language: str = "en", *, without: str = "") -> list[str]:
    """Answer every task but one, page by page; give what the pages were."""
    pages = []
    for task in tasks.tasks_of(case.kind):
        if task.key == without:
            continue
        step = client.get(f"/{language}/requests/{case.pk}/tasks/{task.key}/", follow=True)
        for _turn in range(20):
            path = step.request["PATH_INFO"]
            if path.endswith(f"/{case.pk}/tasks/"):
                break
            pages.append(step.content.decode())
            step = client.post(path, ANSWERS[path.rstrip("/").rpartition("/")[2]], follow=True)
        assert step.request["PATH_INFO"].endswith("/tasks/"), step.content.decode()
    case.refresh_from_db()
    return pages


def sent(client: Client, kind: Kind = Kind.SECOND_OPINION) -> Case:
    """Send a request as a browser does."""
    case = begun(client, kind)
    fill(client, case)
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    case.refresh_from_db()
    assert case.status == Status.RECEIVED
    return case
