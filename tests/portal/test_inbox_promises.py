"""Promises that were not kept, and the texts that replies begin with."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from care_cast import MONDAY, sent, staff
from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.care import talking, working
from hematon.portal.care.models import Case
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.inbox import replies
from hematon.portal.inbox.escalating import tell
from hematon.portal.inbox.history import history
from hematon.portal.inbox.models import Escalation
from hematon.portal.learn.readability import GRADE_AIM, INFLESZ_LEAST, grade, inflesz, measure
from hematon.portal.learn.wording import banned_in
from hematon.portal.notify.models import Kind as Notice
from hematon.portal.notify.models import Notice as Mail
from hematon.portal.operations.worker import JOBS

MONTH = timedelta(days=30)


def mails() -> int:
    """How many mails staff are owed."""
    return Mail.objects.filter(kind=Notice.STAFF_TASK).count()


@pytest.mark.django_db
def test_intake_is_told_once_of_each_promise_that_was_not_kept() -> None:
    """Read and answer: one row and one mail for each of intake, however often the job runs."""
    for _each in range(2):
        staff(Role.INTAKE)
    staff(Role.CLINICIAN)
    case = sent()
    assert tell(at=MONDAY) == 0
    assert case.read_due_at is not None
    assert tell(at=case.read_due_at) == 0, "at the moment itself it is kept"
    assert tell(at=case.read_due_at + timedelta(seconds=1)) == 1
    assert mails() == 2
    for _run in range(3):
        assert tell(at=case.read_due_at + timedelta(hours=1)) == 0
    assert tell(at=MONDAY + MONTH) == 1, "the answer is late too"
    assert mails() == 4
    Mail.objects.all().delete()
    assert tell(at=MONDAY + 3 * MONTH) == 0, "also after the outbox was purged"
    assert Event.objects.filter(action="case.escalated").count() == 2
    kept = Case.objects.get()
    told = [one.what for one in history(kept) if one.what.startswith("Late")]
    assert told == ["Late (to be read): intake was told", "Late (to be answered): intake was told"]
    assert (kept.status, kept.owner, kept.band) == (Status.RECEIVED, None, case.band)


@pytest.mark.django_db
def test_what_was_read_what_waits_and_what_is_closed_is_not_late() -> None:
    """The clock that stands ends nothing; a promise that was moved can be missed anew."""
    nurse = staff(Role.INTAKE)
    read, waits, done = sent(), sent(), sent()
    working.open_case(case=read, by=nurse, at=MONDAY)
    Case.objects.filter(pk=read.pk).update(due_at=None)
    working.open_case(case=waits, by=nurse, at=MONDAY)
    for case, steps in (
        (waits, [(Status.ACCEPTED, ""), (Status.ON_HOLD, HoldReason.FAMILY)]),
        (done, [(Status.REJECTED, "not-ours")]),
    ):
        for status, reason in steps:
            case.refresh_from_db()
            working.step(
                case=case, status=status, by=nurse, at=MONDAY, seen=case.revision, reason=reason
            )
    assert tell(at=MONDAY + MONTH) == 0
    waits.refresh_from_db()
    working.step(
        case=waits, status=Status.IN_PROGRESS, by=nurse, at=MONDAY + MONTH, seen=waits.revision
    )
    assert tell(at=MONDAY + 2 * MONTH) == 1
    assert Escalation.objects.get().case == waits


@pytest.mark.django_db
def test_a_family_that_wrote_about_a_finished_request_is_owed_a_reply() -> None:
    """A closed request comes back into sight, and its reply can be late."""
    nurse = staff(Role.INTAKE)
    case = sent()
    for status in (Status.ACCEPTED, Status.COMPLETED):
        Case.objects.filter(pk=case.pk).update(answered_at=MONDAY)
        case.refresh_from_db()
        working.step(case=case, status=status, by=nurse, at=MONDAY, seen=case.revision)
    assert case.sender is not None
    talking.send_message(
        case=case, key="k", text="x", by=case.sender, language="en", at=MONDAY + MONTH
    )
    assert tell(at=MONDAY + 2 * MONTH) == 1
    assert Escalation.objects.get().promised == "reply"


@pytest.mark.django_db
def test_the_worker_has_the_job() -> None:
    """Every five minutes, by the worker that sends the mail."""
    (job,) = [job for job in JOBS if job.name == "tell intake of late requests"]
    staff(Role.INTAKE)
    sent(at=timezone.now() - MONTH)
    job.run(timezone.now())
    assert Escalation.objects.count() == 2
    assert job.seconds <= 300


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("code", sorted(replies.replies()))
def test_each_text_is_easy_to_read_and_promises_nothing(code: str, language: str) -> None:
    """Grade 6, INFLESZ 60, at most 20 words; no verdict, no vague promise, usted in Spanish."""
    text = getattr(replies.replies()[code], language)
    plain = re.sub(r"\[[^\]]*\]|\{records\}", "", text)
    plain = re.sub(r"\{[a-z]+\}", "8", plain)
    found = measure(plain, language)
    assert max(found.sentences) <= 20
    if language == "en":
        assert grade(found) <= GRADE_AIM
    else:
        assert inflesz(found) >= INFLESZ_LEAST
    assert list(banned_in(plain, language)) == []


def test_each_text_fills_what_it_names_and_has_the_same_gaps_in_both_languages() -> None:
    """No brace is left, and no language asks a person for more than the other."""
    for code, reply in replies.replies().items():
        for text in (reply.en, reply.es):
            assert set(re.findall(r"\{(\w+)\}", text)) <= {"records", "phone", "hours", "emergency"}
        assert reply.en.count("[") == reply.es.count("["), code
        case = Case(kind=Kind.QUESTION, language="es", answers={"records": {"marrow": "later"}})
        filled = replies.text_of(reply, case)
        assert "{" not in filled
        if "{records}" in reply.es:
            assert "- Informe de la médula ósea" in filled
