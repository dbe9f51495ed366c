"""Asking to be called: one question a page, sent exactly once, seen by the intake team alone."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import IntegrityError
from django.http import HttpResponse
from django.test import Client
from django.utils import translation

from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.care import actions, callback
from hematon.portal.care.clock import due
from hematon.portal.care.models import Case
from hematon.portal.care.reference import ALPHABET, new_reference, read_reference
from hematon.portal.care.refused import SentBefore
from hematon.portal.care.status import Status
from hematon.portal.care.summary import attached_counts
from hematon.portal.ui.site import Office

REFERENCE = re.compile(rf"HM-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}")
ANSWERS: dict[str, dict[str, str]] = {
    "who": {"relationship": "parent"},
    "name": {"name": "Sample parent Qzx"},
    "phone": {"phone": "(303) 555-0100"},
    "time": {"time": "morning"},
    "language": {"language": "es"},
    "interpreter": {"interpreter": "yes"},
    "about": {"about": "second-opinion"},
    "note": {"note": "A note Wvk"},
}
COUNTS = {
    "version": 1,
    "sets": [
        {
            "date": "2026-11-03",
            "results": [
                {
                    "line": "hemoglobin",
                    "name": {"en": "Hemoglobin", "es": "Hemoglobina"},
                    "value": "7.9",
                    "unit": "g/dL",
                    "unit_label": "g/dL",
                    "low": "11.5",
                    "high": "14.5",
                    "flag": "L",
                }
            ],
        }
    ],
    "questions": [],
}


def answer_all(client: Client, tongue: str = "en", /, **other: dict[str, str]) -> str:
    """Answer every question; give the key of the form to be sent."""
    client.post(f"/{tongue}/get-care/callback/")
    for key, given in {**ANSWERS, **other}.items():
        sent = client.post(f"/{tongue}/get-care/callback/{key}/", given)
        assert sent.status_code == 302, (key, sent.content.decode())
    page = client.get(f"/{tongue}/get-care/callback/check/")
    assert page.status_code == 200
    match = re.search(r'name="key" value="([^"]+)"', page.content.decode())
    assert match
    return match[1]


def send(client: Client, key: str, language: str = "en") -> HttpResponse:
    """Send the request; give the page it leads to."""
    return client.post(f"/{language}/get-care/callback/check/", {"key": key}, follow=True)


def reference_of(answer: HttpResponse) -> str:
    """Give the reference that a page shows."""
    found = REFERENCE.search(answer.content.decode())
    assert found
    return found[0]


@pytest.mark.django_db
def test_a_family_sends_a_request_and_sees_its_reference(client: Client) -> None:
    """What was answered is kept as it was checked; the page names the day of the call."""
    answer = send(client, answer_all(client))
    request = Case.objects.get()
    assert request.reference == reference_of(answer)
    assert request.answers["name"] == "Sample parent Qzx"
    assert request.answers["phone"] == "303 555 0100"
    assert request.interpreter is True
    assert request.answers["about"] == "second-opinion"
    assert request.answers["note"] == "A note Wvk"
    assert request.due_at is not None
    assert request.sent_at is not None
    assert request.due_at > request.sent_at
    copy = client.get("/en/get-care/callback/copy/")
    assert request.reference is not None
    assert request.reference in copy.content.decode()
    assert "Qzx" not in copy.content.decode()


@pytest.mark.django_db
def test_the_check_page_shows_every_answer_with_a_way_to_change_it(client: Client) -> None:
    """A change leads back to the check, with the new answer and all others."""
    answer_all(client)
    page = client.get("/en/get-care/callback/check/").content.decode()
    for shown in ("Sample parent Qzx", "303 555 0100", "A second opinion", "A note Wvk"):
        assert shown in page
    for key in ANSWERS:
        assert f'href="/en/get-care/callback/{key}/"' in page
    changed = client.post("/en/get-care/callback/name/", {"name": "Another name"})
    assert changed["Location"] == "/en/get-care/callback/check/"
    page = client.get("/en/get-care/callback/check/").content.decode()
    assert "Another name" in page
    assert "A note Wvk" in page


@pytest.mark.django_db
def test_sending_again_gives_the_same_reference(client: Client) -> None:
    """Double click, lost response and bookmark all lead to the one request."""
    key = answer_all(client)
    first = reference_of(send(client, key))
    assert reference_of(send(client, key)) == first
    assert reference_of(client.get("/en/get-care/callback/sent/")) == first
    assert Case.objects.count() == 1
    assert Event.objects.filter(action="case.sent").count() == 1


@pytest.mark.django_db
def test_back_after_sending_says_that_it_was_sent(client: Client) -> None:
    """The pages behind lead to the confirmation; nothing can be sent from them."""
    first = reference_of(send(client, answer_all(client)))
    for page in ("check", "note", "who"):
        answer = client.get(f"/en/get-care/callback/{page}/", follow=True)
        assert reference_of(answer) == first
        assert 'name="key"' not in answer.content.decode()
    assert "already asked" in client.get("/en/get-care/callback/").content.decode()


@pytest.mark.django_db
def test_an_old_form_cannot_send_a_later_draft(client: Client) -> None:
    """The form of the first request, sent again with other answers open, is refused in words."""
    first_key = answer_all(client)
    first = reference_of(send(client, first_key))
    answer_all(client, note={"note": "Something else"})
    answer = client.post("/en/get-care/callback/check/", {"key": first_key})
    assert answer.status_code == 422
    assert reference_of(answer) == first
    assert Case.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_with_other_answers_is_refused() -> None:
    """What was acknowledged is never replaced."""
    asked = asked_now()
    at = datetime(2026, 11, 23, 17, tzinfo=UTC)
    first = submit(key="k", asked=asked, at=at)
    assert submit(key="k", asked=asked, at=at).pk == first.pk
    with pytest.raises(SentBefore) as refused:
        submit(key="k", asked=asked_now(note="other"), at=at)
    assert refused.value.earlier.pk == first.pk


def submit(**given: Any) -> Case:
    """Keep a request from the English pages."""
    return actions.submit(page_language="en", **given)


def asked_now(**other: Any) -> actions.Asked:
    """Give answers as they are sent."""
    given: dict[str, Any] = {
        "relationship": "parent",
        "name": "Sample parent",
        "phone": "303 555 0100",
        "time": "any",
        "language": "en",
        "other_language": "",
        "interpreter": False,
        "about": "other",
        "note": "",
        "counts": None,
    }
    return actions.Asked(**{**given, **other})


@pytest.mark.django_db(transaction=True)
def test_twenty_sends_at_once_make_one_request(client: Client) -> None:
    """The database, not the page, holds the second copy off."""
    key = answer_all(client)
    cookies = client.cookies.output(header="", sep=";")
    found: list[str] = []
    start = threading.Barrier(20)

    def press() -> None:
        mine = Client()
        mine.cookies.load(cookies)
        start.wait()
        try:
            found.append(reference_of(send(mine, key)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) == 1
    assert Case.objects.count() == 1
    assert Event.objects.filter(action="case.sent").count() == 1


@pytest.mark.django_db
def test_a_repeated_reference_is_drawn_again() -> None:
    """Two requests never share a reference; a source that only repeats is a fault."""
    at = datetime(2026, 11, 23, 17, tzinfo=UTC)
    draws = iter(["HM-2222-2222", "HM-2222-2222", "HM-3333-3333"])
    first = submit(key="a", asked=asked_now(), at=at, draw=lambda: next(draws))
    second = submit(key="b", asked=asked_now(), at=at, draw=lambda: next(draws))
    assert (first.reference, second.reference) == ("HM-2222-2222", "HM-3333-3333")
    with pytest.raises(IntegrityError):
        submit(key="c", asked=asked_now(), at=at, draw=lambda: "HM-2222-2222")


def test_references_avoid_look_alikes_and_catch_slips() -> None:
    """Each wrong character and each swap of two is seen, whatever the case and the dashes."""
    assert not set("0O1ILU") & set(ALPHABET)
    drawn = {new_reference() for _ in range(300)}
    assert len(drawn) == 300
    for reference in sorted(drawn)[:40]:
        assert REFERENCE.fullmatch(reference)
        kept = reference.replace("-", "")[2:]
        assert read_reference(f" {kept.lower()[:4]} {kept.lower()[4:]} ") == reference
        for place in range(8):
            for wrong in set(ALPHABET) - {kept[place]}:
                assert read_reference(kept[:place] + wrong + kept[place + 1 :]) is None
        for place in range(7):
            swapped = kept[:place] + kept[place + 1] + kept[place] + kept[place + 2 :]
            assert swapped == kept or read_reference(swapped) is None
    assert read_reference("HM-2222") is None
    assert read_reference("HM-0000-0000") is None


@pytest.mark.django_db
def test_steps_cannot_be_skipped(client: Client) -> None:
    """Jumping to the end leads to the first open question and keeps nothing."""
    assert client.get("/en/get-care/callback/note/")["Location"] == "/en/get-care/callback/"
    client.post("/en/get-care/callback/")
    assert client.get("/en/get-care/callback/note/")["Location"] == "/en/get-care/callback/who/"
    answer = client.get("/en/get-care/callback/check/")
    assert answer["Location"] == "/en/get-care/callback/who/"
    key = client.session["callback_key"]
    answer = client.post("/en/get-care/callback/check/", {"key": key})
    assert answer["Location"] == "/en/get-care/callback/who/"
    for wrong in ("guess", "", "nul\0", "x" * 5000):
        assert client.post("/en/get-care/callback/check/", {"key": wrong}).status_code == 302
    assert not Case.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("who", {}, "Choose who you are"),
        ("who", {"relationship": "x"}, "not one of the available choices"),
        ("name", {"name": "  "}, "Enter the name"),
        ("phone", {"phone": "555"}, "Enter a phone number with area code"),
        ("phone", {"phone": "23035550100"}, "Enter all 10 digits"),
        ("phone", {"phone": "call me"}, "Enter a phone number with area code"),
        ("language", {"language": "other"}, "Enter the language"),
        ("note", {"note": "x" * 501}, "has 501 characters"),
    ],
)
def test_a_wrong_answer_is_named_with_what_to_do(
    client: Client, key: str, given: dict[str, str], said: str
) -> None:
    """The title says Error, the summary links to the field, what was typed stays."""
    client.post("/en/get-care/callback/")
    for earlier, right in ANSWERS.items():
        if earlier == key:
            break
        client.post(f"/en/get-care/callback/{earlier}/", right)
    answer = client.post(f"/en/get-care/callback/{key}/", given)
    page = answer.content.decode()
    assert "<title>Error: " in page
    assert said in page
    assert 'href="#id_' in page
    for typed in given.values():
        if typed.strip() and key in ("phone", "note"):
            assert typed in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("303.555.0100", "303 555 0100"),
        ("+52 55 1234 5678", "+525512345678"),
        ("1-303-555-0100", "303 555 0100"),
        ("(303) 555 0100 ext. 12", "303 555 0100 ext 12"),
    ],
)
def test_phone_numbers_are_taken_however_they_are_typed(
    client: Client, typed: str, kept: str
) -> None:
    """Spaces, dashes, brackets and extensions are no errors."""
    send(client, answer_all(client, phone={"phone": typed}))
    assert Case.objects.get().answers["phone"] == kept


@pytest.mark.django_db
def test_counts_can_go_along_or_be_taken_off(client: Client) -> None:
    """The check shows them as typed; taken off, they are not sent."""
    client.get("/en/get-care/")
    answer_all(client)
    session = client.session
    session["attached_counts"] = COUNTS
    session.save()
    page = client.get("/en/get-care/callback/check/").content.decode()
    assert "7.9 g/dL" in page
    assert "11.5 - 14.5" in page
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    client.post("/en/get-care/callback/counts/")
    assert "7.9 g/dL" not in client.get("/en/get-care/callback/check/").content.decode()
    session = client.session
    session["attached_counts"] = COUNTS
    session.save()
    send(client, key[1])
    assert Case.objects.get().answers["counts"] == COUNTS
    assert "attached_counts" not in client.session


def test_attached_counts_are_read_in_the_page_language() -> None:
    """Names follow the language; a value keeps what the family typed."""
    with translation.override("es"):
        (line,) = attached_counts(COUNTS)
    assert (line.name, line.value, line.range, line.flag) == (
        "Hemoglobina",
        "7.9 g/dL",
        "11.5 - 14.5",
        "L",
    )
    assert line.date == date(2026, 11, 3)
    assert attached_counts(None) == []


@pytest.mark.django_db
def test_nothing_typed_reaches_an_address_a_title_or_the_audit(client: Client) -> None:
    """Names, numbers and notes stand in the form and in the request, nowhere else."""
    key = answer_all(client)
    page = client.get("/en/get-care/callback/check/")
    title = re.search("<title>(.*)</title>", page.content.decode())
    assert title
    assert "Qzx" not in title[1]
    answer = send(client, key)
    for address, _ in answer.redirect_chain:
        assert "Qzx" not in address
        assert "HM-" not in address
    for event in Event.objects.all():
        told = f"{event.action} {event.subject} {event.detail}"
        assert "Qzx" not in told
        assert "0100" not in told
        assert "Wvk" not in told


@pytest.mark.django_db
def test_get_changes_nothing(client: Client) -> None:
    """A crawler or a prefetch leaves no session and no row."""
    for page in ("", "callback/", "callback/check/", "callback/sent/", "callback/copy/", "start/"):
        client.get(f"/en/get-care/{page}")
    assert "session" not in client.cookies
    assert not Case.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_requests_from_before_are_sealed_when_the_portal_is_brought_up_to_date() -> None:
    """Nothing is lost on the way: answers, reference, key and every attempt to call."""
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    executor.migrate([("care", "0002_cases")])
    old = executor.loader.project_state([("care", "0002_cases")]).apps
    at = datetime(2026, 11, 23, 17, tzinfo=UTC)
    asked = {**asdict(asked_now(counts=COUNTS)), "page_language": "es"}
    row = old.get_model("care", "CallbackRequest").objects.create(
        key="k", reference="HM-2222-2222", status="called", sent_at=at, due_at=at, **asked
    )
    for status in ("waiting", "not_reached", "called"):
        old.get_model("care", "StatusChange").objects.create(request=row, status=status, at=at)
    executor = MigrationExecutor(connection)
    executor.migrate(leaves)
    case = Case.objects.get()
    assert (case.pk, case.reference, case.language) == (row.pk, "HM-2222-2222", "es")
    assert case.answers == asdict(asked_now(counts=COUNTS))
    assert case.status == Status.COMPLETED
    assert [(s.status, s.reason) for s in case.steps.all()] == [
        ("received", ""),
        ("received", "not-reached"),
        ("completed", ""),
    ]
    assert submit(key="k", asked=asked_now(counts=COUNTS), at=at).pk == case.pk


# --- the clock --------------------------------------------------------------------------------


DENVER = ZoneInfo("America/Denver")


@pytest.mark.parametrize(
    ("sent", "by"),
    [
        ("2026-11-23 10:00", "2026-11-24 10:00"),  # Monday to Tuesday
        ("2026-11-20 16:00", "2026-11-23 16:00"),  # Friday to Monday
        ("2026-11-21 12:00", "2026-11-23 17:00"),  # Saturday: Monday counts from its opening
        ("2026-11-23 06:30", "2026-11-23 17:00"),  # before the opening
        ("2026-11-23 17:00", "2026-11-24 17:00"),  # at closing: from the next opening
        ("2026-11-25 09:00", "2026-11-27 09:00"),  # Thanksgiving is no business day
        ("2027-03-12 16:00", "2027-03-15 16:00"),  # clocks go forward in between
        ("2026-10-30 16:00", "2026-11-02 16:00"),  # clocks go back in between
    ],
)
def test_a_promise_runs_in_business_hours(sent: str, by: str) -> None:
    """One business day, by the clock on the programme's wall."""
    office = Office(opens="08:00", closes="17:00", closed_on=[date(2026, 11, 26)])
    at = datetime.fromisoformat(sent).replace(tzinfo=DENVER)
    assert due(at.astimezone(UTC), office, DENVER, 1).isoformat(" ")[:16] == by


def test_the_note_says_its_limit() -> None:
    """The words of the hint and the limit of the field are the same number."""
    assert callback.NOTE_MOST == 500


@pytest.mark.django_db
def test_markup_that_a_family_types_is_shown_as_text(client: Client, signed_in: Any) -> None:
    """Neither the check nor the staff's page runs what was typed."""
    typed = "<script>alert(1)</script>{{ 7 }}"
    key = answer_all(
        client,
        name={"name": typed},
        note={"note": typed},
        language={"language": "other", "other_language": typed},
    )
    pages = [client.get("/en/get-care/callback/check/")]
    send(client, key)
    request = Case.objects.get()
    intake = signed_in(Role.INTAKE)
    pages.append(intake.get(f"/staff/cases/{request.pk}/"))
    for answer in pages:
        page = answer.content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 }}" in page
