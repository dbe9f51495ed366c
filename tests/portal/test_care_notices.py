"""What a request tells outside its pages: mails by code alone, consents by edition, days, ages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone, translation
from django.utils.html import escape

from family_requests import ANSWERS, CANARY, begun, family, fill, sent
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.care import asking, consents, drafts, minors, sending
from hematon.portal.care.models import Case, Consent
from hematon.portal.care.refused import Unfinished
from hematon.portal.care.status import Kind, Status
from hematon.portal.notify.models import Kind as Notice
from hematon.portal.notify.models import Notice as Row
from hematon.portal.notify.sending import send_due
from hematon.portal.operations.worker import JOBS
from hematon.portal.programme import actions as programme
from hematon.portal.programme import rules
from hematon.portal.programme.models import Kind as RuleKind
from hematon.portal.ui.site import site
from hematon.portal.visits.consent import consent as video_consent

pytestmark = pytest.mark.django_db
BORN = date(2010, 5, 14)


def test_a_request_that_was_received_is_told_once() -> None:
    """T-37, T-29: one mail for a request however often it was sent; no word of what it holds."""
    client, user = family()
    case = sent(client)
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    row = Row.objects.get()
    assert (row.key, row.kind, row.user) == (f"received:{case.pk}", Notice.REQUEST_RECEIVED, user)
    send_due(timezone.now())
    send_due(timezone.now())
    (letter,) = mail.outbox
    said = f"{letter.subject}\n{letter.body}\n{letter.message().as_string()}"
    assert letter.subject == "We received your request"
    for unwanted in (CANARY, case.reference, str(case.pk), "opinion", "marrow"):
        assert unwanted not in said
    assert "/en/account/home/" in letter.body


def test_the_mail_is_of_the_same_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-37: where sending fails no mail is owed."""
    client, user = family()
    case = begun(client, Kind.QUESTION)
    fill(client, case)

    def fail(*_: object, **_more: object) -> None:
        assert Row.objects.exists()
        raise RuntimeError

    monkeypatch.setattr(sending, "record", fail)
    with pytest.raises(RuntimeError):
        asking.send(case=case, seen=case.revision, by=user, language="es", at=timezone.now())
    assert not Row.objects.exists()
    case.refresh_from_db()
    assert case.status == Status.DRAFT


def test_a_draft_that_ends_is_warned_of_by_the_worker() -> None:
    """T-40: the worker's own functions, 23 days on: one mail, in the draft's language, neutral."""
    client, _user = family()
    case = begun(client, Kind.QUESTION, "es")
    early = case.saved_at + timedelta(days=23) - timedelta(seconds=1)
    assert drafts.remind(early) == 0
    late = case.saved_at + timedelta(days=23)
    for _hour in range(3):
        drafts.remind(late)
    send_due(late)
    (letter,) = mail.outbox
    with translation.override("es"):
        assert letter.subject == translation.gettext("Your request is not sent yet")
    assert Row.objects.get().kind == Notice.DRAFT_ENDS
    # Saved again, it may be warned of again.
    sending.save_answer(case=case, question="worry", answer=ANSWERS["worry"], at=late)
    drafts.remind(late + timedelta(days=23))
    assert Row.objects.count() == 2


def test_the_worker_runs_the_warning() -> None:
    """The job stands in the worker's list."""
    (job,) = [job for job in JOBS if job.name == "warn of drafts that end"]
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    job.run(case.saved_at + timedelta(days=24))
    assert Row.objects.filter(kind=Notice.DRAFT_ENDS).count() == 1


HASHES = {
    "records-2026-11": "e96d2b32486f1bcd637e4b8865d4efa48c45cce06cae6b04b9c9272550f4f4fb",
    "report-to-doctor-2026-11": "4a105be5a06d597bf4891ca6ec9a4bce46048c706169803baf1d6d262d47172b",
}
"""Of the words of each edition in both languages. A line here is never changed: a text that
differs is a new edition with a line of its own, because a consent names the words it was given to.
"""
VIDEO_HASHES = {"2026-11": "fe07acb8a2357feeccf706607abfa7ffb8ede82e57a7a56b9122195e66c025c0"}


def test_the_words_of_an_edition_do_not_change() -> None:
    """A text that changed without a new edition fails here."""
    assert {e.id: e.sha256 for e in consents.editions().values()} == HASHES
    now = video_consent()
    assert consents.sha256(now.points) == VIDEO_HASHES[now.version]


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_consent_page_shows_the_words_of_its_edition(language: str) -> None:
    """What is signed is what the edition says, in the page's language."""
    client, _user = family()
    case = begun(client, Kind.SECOND_OPINION, language)
    pages = fill(client, case, language)
    for edition in consents.editions().values():
        words = [f"<li>{escape(getattr(point, language))}</li>" for point in edition.points]
        assert sum(all(word in page for word in words) for page in pages) == 1, edition.id
    client.post(f"/{language}/requests/{case.pk}/check/", {"seen": case.revision})
    assert {c.language for c in Consent.objects.filter(case=case)} == {language}


def test_days_are_the_sites_and_not_the_servers() -> None:
    """Late in the evening in Denver it is the next day in UTC; pages say the day in Denver."""
    client, user = family()
    at = datetime(2026, 11, 4, 5, 30, tzinfo=UTC)
    case = sending.begin(kind=Kind.QUESTION, sender=user, language="en", at=at)
    ends = timezone.now() + timedelta(days=9)
    Case.objects.filter(pk=case.pk).update(ends_at=ends)
    for address in (
        "/en/requests/",
        f"/en/requests/{case.pk}/tasks/",
        "/en/requests/begin/question/",
    ):
        page = client.get(address).content.decode()
        assert "Nov. 3, 2026" in page or "November 3, 2026" in page, address
        assert "4, 2026" not in page


# --- young patients ------------------------------------------------------------------------------


def midnight(years: int) -> datetime:
    """Give the birthday's first moment on the site's clock."""
    return datetime(BORN.year + years, BORN.month, BORN.day, tzinfo=site().zone)


@pytest.mark.parametrize(
    ("kind", "years"), [(Kind.SECOND_OPINION, 18), (Kind.START, 18), (Kind.QUESTION, 14)]
)
def test_a_young_patient_sends_alone_from_the_birthday_on(kind: Kind, years: int) -> None:
    """T-09: to the second, in the site's zone, by the shipped rules."""
    answers = {"who": {"relationship": "patient"}, "birth-date": {"date": BORN.isoformat()}}
    second = timedelta(seconds=1)
    assert minors.needs_adult(kind, answers, midnight(years) - second)
    assert not minors.needs_adult(kind, answers, midnight(years))
    parent = {**answers, "who": {"relationship": "parent"}}
    assert not minors.needs_adult(kind, parent, midnight(years) - second)
    assert not minors.needs_adult(kind, {"who": answers["who"]}, midnight(years))


def test_other_age_rules_bite_at_once() -> None:
    """T-09: ages are data that the programme signs."""
    by = User.objects.create_user("rules@tests.invalid")
    StaffRole.objects.create(user=by, role=Role.ADMINISTRATOR)
    value = rules.default(RuleKind.AGES).model_dump(mode="json")
    value["bands"][-1]["from_years"] = 21
    at = timezone.now()
    made = programme.make(kind=RuleKind.AGES, value=value, note="", by=by, at=at)
    programme.sign(edition=made, by=by, at=at)
    answers = {"who": {"relationship": "patient"}, "birth-date": {"date": BORN.isoformat()}}
    assert minors.needs_adult(Kind.START, answers, midnight(20))
    assert not minors.needs_adult(Kind.START, answers, midnight(21))


def test_a_minor_is_told_and_cannot_send() -> None:
    """T-05, T-09: the page says who sends it and how to correct it; sending is refused as well."""
    client, user = family()
    case = begun(client, Kind.START)
    here = f"/en/requests/{case.pk}/tasks"
    young = str(timezone.now().year - 15)
    for key, given in (
        ("about-you/your-name", ANSWERS["your-name"]),
        ("about-you/who", {"relationship": "patient"}),
        ("about-child/child-name", ANSWERS["child-name"]),
    ):
        client.post(f"{here}/{key}/", given)
    answer = client.post(
        f"{here}/about-child/birth-date/", {"month": "1", "day": "2", "year": young}
    )
    assert answer["Location"] == f"{here}/"
    page = client.get(f"{here}/").content.decode()
    assert "A parent or guardian must send this request" in page
    assert "younger than 18" in page
    assert f'href="{here}/about-you/who/"' in page
    for task in ("about-you", "about-child", "symptoms", "blood-count"):
        step = client.get(f"{here}/{task}/", follow=True)
        for _turn in range(9):
            path = step.request["PATH_INFO"]
            if path.endswith("/tasks/"):
                break
            step = client.post(path, ANSWERS[path.rstrip("/").rpartition("/")[2]], follow=True)
    client.post(f"{here}/about-you/who/", {"relationship": "patient"})
    client.post(f"{here}/about-child/birth-date/", {"month": "1", "day": "2", "year": young})
    case.refresh_from_db()
    assert client.get(f"/en/requests/{case.pk}/check/")["Location"] == f"{here}/"
    assert not re.search(r'href="[^"]*/check/"', client.get(f"{here}/").content.decode())
    with pytest.raises(Unfinished):
        asking.send(case=case, seen=case.revision, by=user, language="en", at=timezone.now())
    client.post(f"{here}/about-you/who/", {"relationship": "parent"})
    assert client.get(f"/en/requests/{case.pk}/check/").status_code == 200
