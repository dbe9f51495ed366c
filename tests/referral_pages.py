"""Walking a referral as a browser does, for the tests that need one."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from django.test import Client

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import User
from hematon.portal.care.models import Case
from hematon.portal.care.status import Status
from hematon.portal.referrals.steps import QUESTIONS

HOME = "/clinicians/referrals/"
CANARY = "Zyxwvu"
"""Stands in every box that takes a text."""
ADDRESS = "sample.physician@tests.invalid"
TABLE = "date,HGB (g/dL),MCV (fL),ANC (K/uL),PLT (K/uL)\n2026-10-02,9.8,101,1.9,68\n"
ANSWERS: dict[str, dict[str, Any]] = {
    "where": {"where": "CO"},
    "you": {
        "name": f"Sample physician {CANARY}",
        "profession": "pediatrician",
        "institution": f"{CANARY} clinic, Sample town",
        "address": ADDRESS,
        "phone": "303 555 0100",
        "npi": "1234567893",
        "licence": f"CO {CANARY}",
    },
    "child": {
        "child_name": f"Sample child {CANARY}",
        "month": "5",
        "day": "14",
        "year": "2019",
        "sex": "female",
    },
    "family": {
        "knows": "yes",
        "adult": f"{CANARY} parent",
        "adult_phone": "720 555 0100",
        "language": "Spanish",
        "interpreter": "yes",
    },
    "urgency": {"urgency": "week"},
    "reason": {
        "reason": f"{CANARY} low counts",
        "question_1": f"{CANARY} one?",
        "question_2": "",
        "question_3": "",
    },
    "history": {
        "treatments": ["red_cell_transfusion"],
        "transfused_on": "2026-09-01",
        "history": f"{CANARY} history",
    },
    "counts-way": {"way": "data"},
    "record": {"text": TABLE},
    "confirm": {"agree": ["yes"]},
    "findings": {"present": ["HP:0001172", "HP:0000957"]},
    "absent": {"absent": ["HP:0001744"]},
    "files": {},
    "authority": {"agree": ["yes"]},
}


def clinician(address: str = "") -> tuple[Client, User]:
    """Give a signed-in referring clinician."""
    address = address or f"{uuid.uuid4().hex}@tests.invalid"
    user = User.objects.create_without_password(address, UserKind.REFERRER)
    client = Client()
    client.force_login(user)
    return client, user


def begun(client: Client) -> Case:
    """Begin a draft as a browser does."""
    answer = client.post(f"{HOME}begin/")
    assert answer.status_code == 302, answer.content.decode()
    return Case.objects.get(pk=answer["Location"].split("/")[3])


def at(case: Case, rest: str = "") -> str:
    """Give an address of a referral."""
    return f"{HOME}{case.pk}/{rest}"


def fill(client: Client, case: Case, **change: dict[str, Any]) -> list[str]:
    """Answer page after page until the check page; give what the pages were."""
    pages = []
    answers = {**ANSWERS, **{key.replace("_", "-"): value for key, value in change.items()}}
    step = client.get(at(case, "steps/where/"), follow=True)
    for _turn in range(len(QUESTIONS) + 1):
        path = step.request["PATH_INFO"]
        pages.append(step.content.decode())
        if path.endswith("/check/"):
            break
        key = path.rstrip("/").rpartition("/")[2]
        step = client.post(path, answers[key], follow=True)
        assert step.request["PATH_INFO"] != path, (key, step.content.decode())
    case.refresh_from_db()
    return pages


def sent(client: Client, **change: dict[str, Any]) -> Case:
    """Send a referral of a signed-in clinician as a browser does."""
    case = begun(client)
    page = fill(client, case, **change)[-1]
    client.post(at(case, "check/"), {"seen": seen_in(page)})
    case.refresh_from_db()
    assert case.status == Status.RECEIVED
    return case


def seen_in(page: str) -> str:
    """Give the revision that a page was made from."""
    found = re.search(r'name="seen" value="(\d+)"', page)
    assert found, page
    return found[1]


def bundle(*observations: dict[str, Any], born: str = "2019-05-14") -> str:
    """Give a FHIR Bundle with a Patient and some Observations."""
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": born}
    resources = [patient, *observations]
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, indent=1)


def observation(loinc: str, value: float, unit: str, on: str = "2026-10-02") -> dict[str, Any]:
    """Give an Observation of the Bundle's patient."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": on,
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "code": unit,
            "system": "http://unitsofmeasure.org",
        },
    }
