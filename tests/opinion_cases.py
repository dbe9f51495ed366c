"""Cases to write packets and opinions of: sent by a family, with counts, a file and messages."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.care import ask_forms as ask
from hematon.portal.care import asking, sending, talking, tasks, working
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.counts.lines import lines
from hematon.portal.families.models import (
    Child,
    Granted,
    Guardianship,
    Proof,
    Relationship,
    Status,
)
from hematon.portal.files import store
from hematon.portal.files.models import State, StoredFile
from hematon.portal.vault.sealing import seal_large

AT = datetime(2026, 11, 20, 17, tzinfo=UTC)
"""A Friday, 10 am at the programme."""
CHILD, BORN = "Sample Child Ñandú", date(2019, 5, 14)

ANSWERS: dict[str, dict[str, Any]] = {
    "your-name": {"name": "Sample parent A"},
    "who": {"relationship": "parent"},
    "phone": {"phone": "303 555 0100"},
    "language": {"language": "es", "other_language": ""},
    "interpreter": {"interpreter": "yes"},
    "child-name": {"child_name": CHILD},
    "birth-date": {"month": "5", "day": "14", "year": "2019", "date": BORN.isoformat()},
    "worry": {"worry": "Conteos bajos desde marzo"},
    "care-now": {"hospital": "Sample hospital", "doctor": "Sample physician B"},
    "told": {"told": "partly"},
    "symptoms": {"symptoms": ["bruises"]},
    "question": {"question": "What do these counts mean?"},
    "questions": {
        "question_1": "Is it aplastic anemia?",
        "question_2": "Which tests come next?",
        "question_3": "",
    },
    "blood-count": {"blood_count": "attached"},
    "records": {
        **dict.fromkeys([code for code, _ in ask.RECORDS], "no"),
        "counts": "later",
        "marrow": "later",
        "hla": "later",
    },
    "report": {"receiver": "doctor"},
    "report-doctor": {"report_doctor": "Sample physician B", "report_place": "Sample town"},
    "consent-records": {"agree": ["yes"]},
    "consent-report": {"agree": ["yes"]},
    "wish": {"wish": "How do you work?"},
}


def result(
    line: str, value: str, unit: str, low: str = "", high: str = "", flag: str = ""
) -> dict[str, Any]:
    """Give one value as the page about blood counts writes it."""
    known = lines()[line]
    chosen = known.unit(unit)
    assert chosen is not None
    return {
        "line": line,
        "name": known.name.model_dump(),
        "value": value,
        "unit": unit,
        "unit_label": chosen.label,
        "low": low,
        "high": high,
        "flag": flag,
    }


def counts(*sets: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Give counts as the page about blood counts writes them."""
    return {
        "version": 1,
        "made_at": AT.isoformat(),
        "sets": [{"date": day, "results": results} for day, results in sets],
        "questions": ["What do these counts mean for my child?"],
    }


COUNTS = counts(
    (
        "2026-03-02",
        [
            result("hemoglobin", "9.8", "g/dL", "11.5", "14.5", "L"),
            result("platelets", "88", "10*3/uL", "150", "450", "L"),
            result("neutrophils", "1200", "/uL", "1500", "8000", "L"),
            result("wbc", "3.9", "10*9/L", "4.5", "13.5", "L"),
            result("mcv", "97", "fL", "75", "90", "H"),
        ],
    ),
    (
        "2026-07-15",
        [
            result("hemoglobin", "8.6", "g/dL", "11.5", "14.5", "L"),
            result("platelets", "41", "10*3/uL", "150", "450", "L"),
            result("neutrophils", "0.7", "10*9/L", "1.5", "8.0", "L"),
            result("mcv", "99", "fL", "75", "90", "H"),
        ],
    ),
    (
        "2026-11-03",
        [
            result("hemoglobin", "79", "g/L", "115", "145", "L"),
            result("platelets", "19", "10*3/uL", "150", "450", "L"),
            result("neutrophils", "0.4", "10*9/L", "1.5", "8.0", "L"),
            result("wbc", "2.1", "10*9/L", "4.5", "13.5", "L"),
            result("mcv", "101", "fL", "75", "90", "H"),
            result("reticulocytes", "<0.5", "%", "0.5", "2.0", "L"),
        ],
    ),
)
"""Three draws in units that differ, as laboratories do."""


def staff(*roles: Role, name: str = "") -> User:
    """Give a new member of staff."""
    address = f"{uuid.uuid4().hex}@tests.invalid"
    user = User.objects.create_user(address, "a long enough password", name=name)
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in roles)
    return user


def outside(kind: UserKind = UserKind.FAMILY) -> User:
    """Give a new family or referring clinician."""
    return User.objects.create_without_password(f"{uuid.uuid4().hex}@tests.invalid", kind)


def linked(user: User, *, born: date = BORN, name: str = CHILD) -> Guardianship:
    """Link an adult to the child, confirmed by staff."""
    return Guardianship.objects.create(
        user=user,
        child=Child.objects.create(name=name, birth_date=born, made_at=AT),
        asked_by=user,
        adult_name="Sample parent A",
        relationship=Relationship.PARENT,
        status=Status.ACTIVE,
        granted=Granted.FULL,
        confirmed_by=staff(Role.INTAKE),
        proof_kind=Proof.RECORD,
        language="es",
        requested_at=AT,
        due_at=AT,
        starts_at=AT,
    )


def sent(
    kind: Kind = Kind.SECOND_OPINION,
    sender: User | None = None,
    *,
    language: str = "es",
    at: datetime = AT,
    answers: dict[str, Any] | None = None,
    values: dict[str, Any] | None = None,
) -> Case:
    """Send a family's request as its pages do, with consents and counts."""
    sender = sender or outside()
    case = asking.begin(kind=kind, sender=sender, language=language, where="home", at=at)
    for key, answer in {**ANSWERS, **(answers or {}), tasks.COUNTS: values or COUNTS}.items():
        if key == tasks.COUNTS or any(
            key == q.key for task in tasks.tasks_of(kind) for q in task.questions
        ):
            case = sending.save_answer(case=case, question=key, answer=answer, at=at)
    return asking.send(case=case, seen=case.revision, by=sender, language=language, at=at)


def referred(
    sender: User | None = None, at: datetime = AT, answers: dict[str, Any] | None = None
) -> Case:
    """Send a referral, in the words of a clinician outside."""
    sender = sender or outside(UserKind.REFERRER)
    case = sending.begin(kind=Kind.REFERRAL, sender=sender, language="en", at=at)
    for key, answer in {
        "you": {
            "name": "Sample physician C",
            "profession": "physician",
            "institution": "Sample practice",
            "address": "c@tests.invalid",
            "phone": "303 555 0101",
            "npi": "",
            "licence": "",
        },
        "child": {
            "child_name": "S. C.",
            "date": BORN.isoformat(),
            "day": "14",
            "month": "5",
            "year": "2019",
            "sex": "female",
        },
        "reason": {
            "reason": "Pancytopenia since March",
            "question_1": "Marrow now?",
            "question_2": "",
            "question_3": "",
        },
        tasks.COUNTS: COUNTS,
        **(answers or {}),
    }.items():
        case = sending.save_answer(case=case, question=key, answer=answer, at=at)
    return sending.send(case=case, seen=case.revision, at=at)


def given_to(case: Case, clinician: User) -> Case:
    """Make a clinician the reviewer of a case."""
    nurse = staff(Role.INTAKE)
    return working.ask_reviewer(case=case, to=clinician, by=nurse, at=AT, seen=case.revision)


def file_of(
    case: Case, name: str, content: bytes = b"%PDF-1.7 sample", state: State = State.CLEAN
) -> StoredFile:
    """Keep a file of a case; its content opens as one that was uploaded does."""
    stored = StoredFile(
        holder=case.pk,
        step="files-counts",
        name=name,
        kind="pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        state=state,
        taken_at=AT,
        taken_by=case.sender,
        scanned_at=AT if state == State.CLEAN else None,
    )
    stored.sealed_key, sealed = seal_large(content, stored.place)
    stored.stored_as = store.write(sealed)
    stored.save(force_insert=True)
    return stored


def message(case: Case, by: User, text: str) -> None:
    """Write a message in a case."""
    talking.send_message(case=case, key=uuid.uuid4().hex, text=text, by=by, language="en", at=AT)


def ready(kind: Kind = Kind.SECOND_OPINION) -> tuple[Case, User, User]:
    """Give a case, its reviewer, and the family that sent it, linked to the child."""
    sender = outside()
    linked(sender)
    doctor = staff(Role.CLINICIAN, name="Sample physician A")
    return given_to(sent(kind, sender), doctor), doctor, sender


def browser(user: User, *, confirmed: bool = False) -> Client:
    """Give a browser in which somebody is signed in."""
    client = Client()
    if user.kind == UserKind.STAFF:
        TOTP.activate(user, generate_totp_secret())
    client.force_login(user)
    if confirmed:
        session = client.session
        session["confirmed_at"] = timezone.now().timestamp()
        session.save()
    return client


def text_of(pdf: bytes) -> str:
    """Give the words of a PDF."""
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()
