"""A family's request: begun, kept, checked, sent once, followed, and nobody else's."""

from __future__ import annotations

import io
import re
import uuid
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
from django.test import Client
from django.utils import timezone, translation

from family_requests import ANSWERS, CANARY, begun, family, fill, sent
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.care import asking, consents, drafts, sending, talking, tasks, working
from hematon.portal.care.models import Case, Consent, ConsentScope, Message
from hematon.portal.care.refused import Unfinished
from hematon.portal.care.status import HoldReason, Kind, Status
from portal_routes import names, route_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", list(tasks.TASKS))
def test_each_kind_is_asked_checked_and_sent_once(kind: Kind, language: str) -> None:
    """T-36: from the first page to one reference, pressed twice and from two tabs."""
    client, user = family()
    case = begun(client, kind, language)
    fill(client, case, language)
    check = client.get(f"/{language}/requests/{case.pk}/check/")
    seen = re.search(r'name="seen" value="(\d+)"', check.content.decode())
    assert seen
    assert CANARY in check.content.decode()
    for _press in range(2):
        answer = client.post(f"/{language}/requests/{case.pk}/check/", {"seen": seen[1]})
        assert answer["Location"] == f"/{language}/requests/{case.pk}/sent/"
    case.refresh_from_db()
    assert (case.status, case.sender, case.interpreter) == (Status.RECEIVED, user, True)
    assert case.reference in client.get(answer["Location"]).content.decode()
    assert Event.objects.filter(action="case.sent").count() == 1
    back = client.get(f"/{language}/requests/{case.pk}/check/")
    assert case.reference in back.content.decode()
    assert 'name="seen"' not in back.content.decode()


def test_no_one_skips_to_the_end() -> None:
    """T-05: with any one task open, neither the check page nor sending is reached."""
    client, _user = family()
    for task in tasks.tasks_of(Kind.SECOND_OPINION):
        case = begun(client, Kind.SECOND_OPINION)
        fill(client, case, without=task.key) if not task.after else None
        here = f"/en/requests/{case.pk}/check/"
        case.refresh_from_db()
        for answer in (client.get(here), client.post(here, {"seen": case.revision})):
            assert answer["Location"] == f"/en/requests/{case.pk}/tasks/"
    assert not Case.objects.exclude(status=Status.DRAFT).exists()


def test_the_last_task_waits_for_the_first_ones() -> None:
    """T-05: the consent cannot be given before the form says who signs for whom."""
    client, _user = family()
    case = begun(client, Kind.SECOND_OPINION)
    page = client.get(f"/en/requests/{case.pk}/tasks/").content.decode()
    assert "Cannot start yet" in page
    for path in ("report/", "report/consent-records/"):
        answer = client.post(
            f"/en/requests/{case.pk}/tasks/report/consent-records/", {"agree": "yes"}
        )
        assert answer["Location"].endswith("/tasks/")
        assert client.get(f"/en/requests/{case.pk}/tasks/{path}")["Location"].endswith("/tasks/")
    case.refresh_from_db()
    assert "consent-records" not in case.answers


def test_a_draft_and_a_request_are_nobody_elses() -> None:
    """T-02: every address of both, by GET and POST, is 404 to another family and 403 to staff."""
    client, _user = family()
    other, _other = family()
    nurse = User.objects.create_user("n@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    staff = Client()
    staff.force_login(nurse)
    tried = 0
    for case in (begun(client, Kind.QUESTION), sent(client)):
        for name in names():
            if not name.startswith("request_"):
                continue
            for address in route_of(name).addresses:
                if "00000000-0000-4000" not in address:
                    continue
                here = address.replace("00000000-0000-4000-8000-000000000000", str(case.pk))
                for ask in ("get", "post"):
                    assert getattr(other, ask)(here).status_code in (404, 405), here
                    assert getattr(staff, ask)(here).status_code in (403, 405), here
                    tried += 2
    assert tried >= 80
    assert CANARY not in other.get("/en/requests/").content.decode()
    assert "HM-" not in other.get("/en/requests/").content.decode()


def test_only_what_a_form_asks_is_kept() -> None:
    """T-04: every column of a case, posted along with an answer, changes nothing."""
    client, user = family()
    case = begun(client, Kind.QUESTION)
    before = {f.attname: getattr(case, f.attname) for f in Case._meta.concrete_fields}
    more = dict.fromkeys(before, "1") | {"status": "completed", "owner": str(user.pk)}
    client.post(
        f"/en/requests/{case.pk}/tasks/about-you/your-name/", {**more, "name": "A placeholder"}
    )
    case.refresh_from_db()
    changed = {n for n, value in before.items() if getattr(case, n) != value}
    assert changed == {"answers", "saved_at", "ends_at", "revision"}
    assert case.answers == {"your-name": {"name": "A placeholder"}}


def test_a_page_from_before_a_change_does_not_send() -> None:
    """What the family saw is what is sent."""
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    fill(client, case)
    old = case.revision
    client.post(f"/en/requests/{case.pk}/tasks/question/question/", {"question": "Another?"})
    answer = client.post(f"/en/requests/{case.pk}/check/", {"seen": old}, follow=True)
    assert answer.request["PATH_INFO"].endswith("/check/")
    assert "An answer changed since" in answer.content.decode()
    for wrong in ("", "x", "-1", "9" * 40, "²"):
        client.post(f"/en/requests/{case.pk}/check/", {"seen": wrong})
    case.refresh_from_db()
    assert case.status == Status.DRAFT
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    assert client.post(f"/en/requests/{case.pk}/check/", {"seen": old}).status_code == 422


def test_a_session_ends_and_the_draft_is_there() -> None:
    """T-18: every answer is in the database, none in the session; another device goes on."""
    client, user = family()
    case = begun(client, Kind.QUESTION)
    fill(client, case, without="question")
    client.session.flush()
    again = Client()
    again.force_login(user)
    page = again.get(f"/en/requests/{case.pk}/tasks/").content.decode()
    assert "4 of 5 tasks are completed" in page
    assert CANARY not in str(dict(again.session))


def test_nothing_typed_leaves_the_pages_it_belongs_to() -> None:
    """T-29: no name, worry or question in an address, a title, the audit or the receipt."""
    client, _user = family()
    case = begun(client, Kind.SECOND_OPINION)
    pages = fill(client, case)
    for page in pages:
        title = page.split("<title>")[1].split("</title>")[0]
        assert CANARY not in title
        assert CANARY not in " ".join(re.findall(r'(?:href|action)="([^"]*)"', page))
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    assert CANARY not in str(list(Event.objects.values()))
    receipt = client.get(f"/en/requests/{case.pk}/receipt.pdf")
    assert CANARY.encode() not in receipt.content
    assert CANARY not in _text(receipt.content)


def _text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_the_receipt_prints_accents_and_the_promise() -> None:
    """The Spanish receipt says the reference and the next steps with their accents."""
    client, _user = family()
    case = sent(client)
    answer = client.get(f"/es/requests/{case.pk}/receipt.pdf")
    assert answer["Content-Type"] == "application/pdf"
    text = _text(answer.content)
    assert case.reference is not None
    assert case.reference in text
    assert "Demostración" in text
    assert "Página 1 de 1" in text
    assert "Lo que usted pidió:" in text
    assert "Your" not in text
    # A screen reader is told the language and which lines are headings.
    for mark in (b"/StructTreeRoot", b"/MarkInfo", b"/Lang"):
        assert mark in answer.content
    with translation.override("es"):
        assert str(Kind(case.kind).label) in text


def test_consents_are_kept_with_their_text_and_signer() -> None:
    """Each consent names the edition of its text, its language, who signed and for which doctor."""
    client, user = family()
    case = sent(client)
    kept = {c.scope: c for c in Consent.objects.filter(case=case)}
    assert {scope: c.text for scope, c in kept.items()} == {
        s.value: consents.edition(s).id for s in ConsentScope
    }
    assert {(c.by, c.language) for c in kept.values()} == {(user, "en")}
    assert kept["report-to-doctor"].signer == {
        "name": f"{CANARY} Parent",
        "relationship": "parent",
        "report_doctor": f"Dr {CANARY}",
        "report_place": "Town",
    }
    assert kept["records"].signer["relationship"] == "parent"


def test_a_report_for_the_family_alone_asks_for_one_consent() -> None:
    """A doctor named first and taken off later is neither sent nor consented to."""
    client, _user = family()
    case = begun(client, Kind.SECOND_OPINION)
    fill(client, case)
    client.post(f"/en/requests/{case.pk}/tasks/report/report/", {"receiver": "me"})
    case.refresh_from_db()
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    case.refresh_from_db()
    assert [c.scope for c in Consent.objects.filter(case=case)] == ["records"]
    assert "report-doctor" not in case.answers


def test_an_answer_that_no_longer_fits_is_a_problem() -> None:
    """A rule that changed since is told in the list, and holds the sending off."""
    client, user = family()
    case = begun(client, Kind.QUESTION)
    fill(client, case)
    case = sending.save_answer(
        case=case, question="symptoms", answer={"symptoms": ["gone"]}, at=timezone.now()
    )
    page = client.get(f"/en/requests/{case.pk}/tasks/").content.decode()
    assert "There is a problem" in page
    assert client.get(f"/en/requests/{case.pk}/tasks/symptoms/")["Location"].endswith("/symptoms/")
    with pytest.raises(Unfinished):
        asking.send(case=case, seen=case.revision, by=user, language="en", at=timezone.now())


def test_where_the_child_lives_comes_before_the_form() -> None:
    """The rule of places is a page with a phone number, not an error at the end."""
    client, _user = family()
    begin = "/en/requests/begin/second-opinion/"
    assert client.post(begin)["Location"] == "/en/requests/where/result/"
    assert client.get("/en/requests/where/result/")["Location"] == "/en/requests/where/"
    page = client.post("/en/requests/where/", {"where": "abroad"}, follow=True).content.decode()
    assert "Please call us first" in page
    assert "Go on with your request" not in page
    assert client.post(begin).status_code == 302
    assert not Case.objects.exists()
    page = client.post("/en/requests/where/", {"where": "home"}, follow=True).content.decode()
    assert "Go on with your request" in page
    client.post(begin)
    assert Case.objects.get().answers == {"where": {"where": "home"}}


def test_values_typed_on_the_site_move_into_the_draft() -> None:
    """What the page about blood counts attached is asked for once, sealed, and sent."""
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    here = f"/en/requests/{case.pk}/tasks/blood-count/blood-count/"
    assert 'value="attached"' not in client.get(here).content.decode()
    assert client.post(here, {"blood_count": "attached"}).status_code == 200
    line = {
        "name": {"en": "Platelets", "es": "Plaquetas"},
        "value": "20",
        "unit_label": "x10^9/L",
        "low": "150",
        "high": "450",
        "flag": "L",
    }
    session = client.session
    session["attached_counts"] = {"sets": [{"date": "2026-11-01", "results": [line]}]}
    session.save()
    assert "Platelets" in client.get(here).content.decode()
    client.post(here, {"blood_count": "attached"})
    case.refresh_from_db()
    assert case.answers["counts"]["sets"][0]["results"] == [line]
    assert "attached_counts" not in client.session
    client.post(here, {"blood_count": "later"})
    case.refresh_from_db()
    assert "counts" not in tasks.asked_answers(case.kind, case.answers)


@pytest.mark.parametrize(
    "given",
    [
        {"month": "2", "day": "30", "year": "2019"},
        {"month": "", "day": "", "year": ""},
        {"month": "5", "day": "14", "year": "2999"},
        {"month": "5", "day": "14", "year": "1900"},
        {"month": "x", "day": "14", "year": "2019"},
    ],
)
def test_a_wrong_birth_date_is_told(given: dict[str, str]) -> None:
    """The error names the fix and what was typed stays."""
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    client.post(f"/en/requests/{case.pk}/tasks/about-child/child-name/", ANSWERS["child-name"])
    answer = client.post(f"/en/requests/{case.pk}/tasks/about-child/birth-date/", given)
    page = answer.content.decode()
    assert "<title>Error: " in page
    assert "There is a problem" in page
    case.refresh_from_db()
    assert "birth-date" not in case.answers


def test_messages_are_kept_once_and_read_marks_are_true() -> None:
    """T-36, T-24, T-10: one message per box; looking reads nothing; one is hidden."""
    client, user = family()
    case = sent(client, Kind.QUESTION)
    nurse = User.objects.create_user("n@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    for key, hidden in (("one", False), ("two", True)):
        talking.send_message(
            case=case,
            key=key,
            text=f"from-team-{key}",
            by=nurse,
            language="en",
            at=timezone.now(),
            confidential_to_minor=hidden,
        )
    assert "1 new message" in client.get("/en/requests/").content.decode()
    page = client.get(f"/en/requests/{case.pk}/").content.decode()
    assert "from-team-one" in page
    assert "from-team-two" not in page
    assert "1 new message" in client.get("/en/requests/").content.decode()
    assert not Message.objects.exclude(read_at=None).exists()
    upto = re.search(r'name="upto" value="([^"]+)"', page)
    assert upto
    hidden_one = Message.objects.get(key="two")
    for wrong in ("", "x", str(uuid.uuid4()), str(hidden_one.pk)):
        client.post(f"/en/requests/{case.pk}/read/", {"upto": wrong})
        assert not Message.objects.exclude(read_at=None).exists()
    client.post(f"/en/requests/{case.pk}/read/", {"upto": upto[1]})
    assert Message.objects.get(key="one").read_at is not None
    assert Message.objects.get(key="two").read_at is None
    assert "new message" not in client.get("/en/requests/").content.decode()
    assert "Mark as read" not in client.get(f"/en/requests/{case.pk}/").content.decode()

    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    for _press in range(2):
        client.post(f"/en/requests/{case.pk}/reply/", {"key": key[1], "text": "Thank you"})
    assert Message.objects.filter(by=user).count() == 1
    other = client.post(f"/en/requests/{case.pk}/reply/", {"key": key[1], "text": "Changed"})
    assert other.status_code == 422
    assert "Changed" in other.content.decode()
    assert Message.objects.filter(by=user).count() == 1
    assert "Not read yet" in client.get(f"/en/requests/{case.pk}/").content.decode()
    empty = client.post(f"/en/requests/{case.pk}/reply/", {"key": "x" * 20, "text": " "})
    assert "Write your message." in empty.content.decode()


def test_a_family_reads_where_it_stands_and_takes_it_back() -> None:
    """The words follow the status; a page from before a change takes nothing back."""
    client, _user = family()
    case = sent(client)
    nurse = User.objects.create_user("n@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    old = case.revision
    for status, reason, words in (
        (Status.ACCEPTED, "", "Our team."),
        (Status.ON_HOLD, HoldReason.RECORDS.value, "You. Please send the records, or write to us."),
    ):
        case.refresh_from_db()
        working.step(
            case=case, status=status, by=nurse, at=timezone.now(), seen=case.revision, reason=reason
        )
        assert words in client.get("/en/requests/").content.decode()
    page = client.get(f"/en/requests/{case.pk}/").content.decode()
    assert "We wait for records" in page
    assert "Our clock for the answer stops until we have it." in page
    assert "tests.invalid" not in page
    client.post(f"/en/requests/{case.pk}/take-back/", {"seen": old})
    case.refresh_from_db()
    assert case.status == Status.ON_HOLD
    client.post(f"/en/requests/{case.pk}/take-back/", {"seen": case.revision})
    case.refresh_from_db()
    assert case.status == Status.CANCELLED
    page = client.get(f"/en/requests/{case.pk}/").content.decode()
    assert "Send your message" not in page
    assert "Nothing more happens" in page


def test_a_draft_is_deleted_at_its_familys_wish() -> None:
    """T-24: asking deletes nothing; pressing does."""
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    client.get(f"/en/requests/{case.pk}/delete/")
    assert Case.objects.filter(pk=case.pk).exists()
    assert client.post(f"/en/requests/{case.pk}/delete/").status_code == 302
    assert not Case.objects.filter(pk=case.pk).exists()


def test_drafts_are_warned_of_at_23_days_and_deleted_at_30() -> None:
    """T-40: to the second; what was sent stays; the audit keeps only the fact."""
    _client, user = family()
    at = datetime(2026, 11, 2, 17, tzinfo=UTC)
    case = sending.begin(kind=Kind.QUESTION, sender=user, language="en", at=at)
    case = sending.save_answer(case=case, question="worry", answer={"worry": CANARY}, at=at)
    second = timedelta(seconds=1)
    assert not drafts.to_remind(at + timedelta(days=23) - second)
    assert list(drafts.to_remind(at + timedelta(days=23))) == [case]
    assert not drafts.to_remind(at + timedelta(days=30))
    kept = sending.begin(kind=Kind.QUESTION, sender=user, language="en", at=at)
    kept = sending.send(case=kept, seen=kept.revision, at=at)
    assert drafts.purge(at + timedelta(days=30) - second) == 0
    assert drafts.purge(at + timedelta(days=30)) == 1
    assert list(Case.objects.all()) == [kept]
    event = Event.objects.get(action="case.purged")
    assert event.subject.endswith(str(case.pk))
    assert event.detail == {"kind": "question"}
