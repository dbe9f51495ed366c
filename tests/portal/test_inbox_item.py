"""One request: everything of it on one page, each act once, and nobody's work undone unseen."""

from __future__ import annotations

import threading
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.utils import timezone

from family_cast import linked
from hematon.portal.accounts.models import Role, StaffRole
from hematon.portal.audit.models import Event
from hematon.portal.care import access, talking, working
from hematon.portal.care.models import Case, Message, Note
from hematon.portal.care.models.case import Band
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.families.models import Child, Relationship
from hematon.portal.files import actions as files
from hematon.portal.files import scanning
from hematon.portal.files.scanning import Verdict, Word
from hematon.portal.inbox.actions import keep_typed
from hematon.portal.inbox.models import Box, Unsaved
from hematon.portal.notify.models import Kind as Notice
from hematon.portal.notify.models import Notice as Mail
from hostile_files import written_pdf
from inbox_pages import CANARY, boxes, boxes_of, call, family, nurse, post, request, text_of

EARLIER = timezone.now() - timedelta(days=30)


def fresh(case: Case) -> Case:
    """The case as the database has it."""
    return Case.objects.get(pk=case.pk)


# --- what is shown --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_shows_everything_and_looking_changes_nothing() -> None:
    """T-24, T-25, T-35: basis, answers as text, counts by date; one audit row for each look."""
    client, user = nurse()
    case = request(Kind.SECOND_OPINION)
    before = {f.attname: getattr(fresh(case), f.attname) for f in Case._meta.concrete_fields}
    page = text_of(client.get(f"/staff/cases/{case.pk}/"))
    after = {f.attname: getattr(fresh(case), f.attname) for f in Case._meta.concrete_fields}
    assert before == after
    for said in (
        "Platelets below 20 × 10⁹/L.",
        "Nobody has signed them",
        f"{CANARY} one?",
        f"{CANARY} &lt;b&gt;low&lt;/b&gt; counts",
        "9.4 g/dL",
        "11.5 to 14.5",
        "Records are complete",
    ):
        assert said in page, said
    assert page.index("2026-11-20</th>") < page.index("2026-11-03</th>")
    assert CANARY not in page.split("<title>")[1].split("</title>")[0]
    row = Event.objects.get(action="case.viewed")
    assert (row.actor_id, row.subject) == (user.pk, f"care.case:{case.pk}")
    assert CANARY not in str(list(Event.objects.values()))


@pytest.mark.django_db
def test_taking_up_keeps_the_promise_to_read_and_shows_to_others() -> None:
    """J4: the second one sees who looks since when; messages count as read by the team."""
    (first, one), (second, _two) = nurse(), nurse()
    case = request()
    talking.send_message(
        case=case, key="m", text="x", by=case.sender, language="es", at=timezone.now()
    )
    assert "Nobody has read this yet." in text_of(first.get(f"/staff/cases/{case.pk}/"))
    answer = first.post(f"/staff/cases/{case.pk}/open/")
    assert answer["Location"] == f"/staff/cases/{case.pk}/"
    kept = fresh(case)
    assert (kept.opened_by, kept.first_read_at is not None) == (one, True)
    assert case.messages.get().read_at is not None
    assert f"<strong>{one}</strong> is looking at this since" in text_of(
        second.get(f"/staff/cases/{case.pk}/")
    )
    assert "is looking at this" not in text_of(first.get(f"/staff/cases/{case.pk}/"))


@pytest.mark.django_db
def test_nobody_else_sees_or_does_anything() -> None:
    """T-02: families, referrers, other roles and clinicians without a part in it, at each act."""
    case = request()
    acts = ["open", "step", "stage", "give", "band", "reply", "note", "call", "records"]
    acts += ["child", "private", "typed/note"]
    clinician, _ = nurse(Role.CLINICIAN)
    others = [nurse(role)[0] for role in set(Role) - {Role.INTAKE, Role.CLINICIAN}]
    parent = Client()
    assert case.sender is not None
    parent.force_login(case.sender)
    for act in ["", *(f"{act}/" for act in acts)]:
        path = f"/staff/cases/{case.pk}/{act}"
        ask = "post" if act else "get"
        expected = 403 if act in ("child/", "private/") else 404
        assert getattr(clinician, ask)(path).status_code == expected, path
        for other in (*others, parent):
            assert getattr(other, ask)(path).status_code == 403, path
    assert fresh(case).revision == case.revision


@pytest.mark.django_db
def test_a_family_never_meets_what_the_team_keeps() -> None:
    """T-03: note, band, basis, reason and engine words are on no page of the family."""
    client, _user = nurse()
    case = request()
    secret = "Qqzzy"
    post(client, case, "note", note_text=f"{secret} note")
    post(client, case, "band", band_band="b", band_reason=f"{secret} reason")
    post(client, case, "reply", reply_text="An answer for you.")
    parent = Client()
    assert case.sender is not None
    parent.force_login(case.sender)
    for path in ("", f"{case.pk}/", f"{case.pk}/sent/", f"{case.pk}/receipt.pdf"):
        for language in ("en", "es"):
            content = parent.get(f"/{language}/requests/{path}").content
            for word in (secret, "Platelets below", "read today", "read first", "thresholds"):
                assert word.encode() not in content, (path, word)
    assert "An answer for you." in text_of(parent.get(f"/es/requests/{case.pk}/"))


# --- two people -----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("act", "given", "text"),
    [
        ("reply", {"reply-text": "My long answer."}, "My long answer."),
        ("band", {"band-band": "c", "band-reason": "My reason."}, "My reason."),
        ("step", {"step-status": "accepted"}, ""),
        ("give", {"take": "1"}, ""),
        ("stage", {"stage-stage": "scheduled"}, ""),
    ],
)
def test_the_second_save_of_a_stale_page_is_refused_with_what_happened(
    act: str, given: dict[str, str], text: str
) -> None:
    """J4: nothing is overwritten, the page tells who did what, and the text comes back to send."""
    (mine, _user), (_other, colleague) = nurse(), nurse()
    case = request()
    filled = boxes(mine, case, act) | given
    working.assign(
        case=case, to=colleague, by=colleague, at=timezone.now(), seen=fresh(case).revision
    )
    answer = mine.post(f"/staff/cases/{case.pk}/{act}/", filled)
    page = text_of(answer)
    assert answer.status_code == 409
    assert "<title>Error: " in page
    assert f"Owner changed: {colleague}, by {colleague}" in page
    assert text in page
    assert fresh(case).revision == case.revision + 1
    again = boxes_of(page, f"/staff/cases/{case.pk}/", act) | given
    assert mine.post(f"/staff/cases/{case.pk}/{act}/", again).status_code == 302
    assert fresh(case).revision > case.revision + 1


@pytest.mark.django_db
def test_a_step_that_is_gone_meanwhile_is_told_as_such() -> None:
    """What could be chosen then and cannot now is a stale page, not a wrong answer."""
    mine, user = nurse()
    case = request()
    filled = boxes(mine, case, "step") | {"step-status": "accepted"}
    at = timezone.now()
    for status in (Status.ACCEPTED, Status.IN_PROGRESS):
        working.step(case=case, status=status, by=user, at=at, seen=fresh(case).revision)
    answer = mine.post(f"/staff/cases/{case.pk}/step/", filled)
    assert answer.status_code == 409
    assert "Status changed: In progress" in text_of(answer)


@pytest.mark.django_db
def test_a_note_is_kept_however_old_the_page_is() -> None:
    """A note undoes nobody's work; it is never refused for being late."""
    client, user = nurse()
    case = request()
    filled = boxes(client, case, "note") | {"note-text": f"{CANARY} called the clinic"}
    working.assign(case=case, to=user, by=user, at=timezone.now(), seen=case.revision)
    assert client.post(f"/staff/cases/{case.pk}/note/", filled).status_code == 302
    assert Note.objects.get().text == f"{CANARY} called the clinic"
    assert not Message.objects.exists()
    assert f"{CANARY} called the clinic" in text_of(client.get(f"/staff/cases/{case.pk}/"))


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_at_once_one_is_first() -> None:
    """T-54: 12 nurses move one request from the same page: one move, eleven told."""
    people = [nurse() for _each in range(12)]
    case = request()
    filled = [boxes(client, case, "band") for client, _user in people]
    found: list[int] = []

    def press(number: int) -> None:
        given = filled[number] | {"band-band": "c", "band-reason": "x"}
        try:
            answer = people[number][0].post(f"/staff/cases/{case.pk}/band/", given)
            found.append(answer.status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=(n,)) for n in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [302, *[409] * 11]
    assert fresh(case).band_moves.count() == 1
    assert Event.objects.filter(action="case.band_moved").count() == 1


# --- acts -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_moving_in_the_order_needs_a_reason_and_keeps_the_basis() -> None:
    """J4: B to A with a reason; the promise moves, the basis of the rules stays."""
    client, user = nurse()
    case = request()
    refused = post(client, case, "band", band_band="b", band_reason=" ")
    assert refused.status_code == 422
    assert "Say why you move it." in text_of(refused)
    assert post(client, case, "band", band_band="c", band_reason="seen today").status_code == 302
    moved = fresh(case)
    assert (moved.band, moved.basis) == (Band.ROUTINE, case.basis)
    assert (moved.band_moves.get().reason, moved.band_moves.get().by) == ("seen today", user)
    page = text_of(client.get(f"/staff/cases/{case.pk}/"))
    assert "seen today" in page
    assert "Platelets below 20" in page


@pytest.mark.django_db
def test_a_message_from_a_template_is_in_the_familys_language_and_holds_the_case() -> None:
    """J4: the Spanish text names the missing record; sent once, the clock stands, one mail."""
    client, user = nurse()
    case = request(Kind.SECOND_OPINION)
    filled = boxes(client, case, "reply", "?reply=missing_records")
    assert "Informe de la médula ósea" in filled["reply-text"]
    assert "Gracias por lo que nos envió" in filled["reply-text"]
    given = filled | {"reply-holds": "records"}
    for _press in range(2):
        assert client.post(f"/staff/cases/{case.pk}/reply/", given).status_code == 302
    kept = fresh(case)
    assert (kept.status, kept.hold_reason) == (Status.ON_HOLD, HoldReason.RECORDS)
    message = Message.objects.get()
    assert (message.language, message.template, message.by) == ("es", "missing_records", user)
    assert Mail.objects.filter(kind=Notice.MESSAGE_WAITING, user=case.sender).count() == 1
    assert [step.status for step in kept.steps.all()] == ["received", "accepted", "on-hold"]
    other = client.post(f"/staff/cases/{case.pk}/reply/", {**given, "reply-text": "Other"})
    assert other.status_code == 422
    assert "sent before with another text" in text_of(other)


@pytest.mark.django_db
def test_a_template_is_not_sent_with_its_gaps() -> None:
    """What a person was to write in must be written; a text of one's own may hold brackets."""
    client, _user = nurse()
    case = request(language="en")
    filled = boxes(client, case, "reply", "?reply=another_service")
    refused = client.post(f"/staff/cases/{case.pk}/reply/", filled)
    assert refused.status_code == 422
    assert "Fill the gap [Write which team, and how to reach it.]" in text_of(refused)
    assert not Message.objects.exists()
    own = post(client, case, "reply", reply_text="See [1] of the list.")
    assert own.status_code == 302


@pytest.mark.django_db
def test_nothing_is_refused_without_a_word_and_nothing_closed_without_its_answer() -> None:
    """The sender is told first; then the step is taken."""
    client, _user = nurse()
    case = request(language="en")
    reject = {"step_status": "rejected", "step_reject": "place"}
    assert "Choose why we cannot take it." in text_of(
        post(client, case, "step", step_status="rejected")
    )
    refused = post(client, case, "step", **reject)
    assert refused.status_code == 422
    assert "Write to the sender first" in text_of(refused)
    assert post(client, case, "step", step_status="accepted").status_code == 302
    assert "Choose what we wait for." in text_of(post(client, case, "step", step_status="on-hold"))
    closed = post(client, case, "step", step_status="completed")
    assert "Answer the sender first" in text_of(closed)
    post(client, case, "reply", reply_text="Here is the answer.")
    assert post(client, case, "step", **reject).status_code == 302
    assert fresh(case).reject_reason == "place"


@pytest.mark.django_db
def test_a_call_is_rung_from_the_page_and_each_try_is_kept() -> None:
    """Phone and best time; no answer keeps it open, reached closes it, a stale page is refused."""
    client, _user = nurse()
    case = call()
    page = text_of(client.get(f"/staff/cases/{case.pk}/"))
    assert 'href="tel:3035550100"' in page
    assert "Best time: <strong>morning</strong>" in page
    assert "Nobody outside the team can read a message" in page
    old = boxes(client, case, "call") | {"call-outcome": "reached"}
    assert post(client, case, "call", call_outcome="not-reached").status_code == 302
    assert client.post(f"/staff/cases/{case.pk}/call/", old).status_code == 409
    assert fresh(case).is_open
    assert post(client, case, "call", call_outcome="reached").status_code == 302
    kept = fresh(case)
    assert (kept.status, kept.answered_at is not None) == (Status.COMPLETED, True)
    assert [(step.status, step.reason) for step in kept.steps.all()] == [
        ("received", ""),
        ("received", "not-reached"),
        ("accepted", ""),
        ("completed", ""),
    ]
    page = text_of(client.get(f"/staff/cases/{case.pk}/"))
    assert "Called, no answer" in page
    assert 'name="call-outcome"' not in page


@pytest.mark.django_db
def test_owner_and_reviewer_are_given_in_one_go() -> None:
    """The clinician who was asked sees it from then on; "I take it" needs no choosing."""
    client, user = nurse()
    clinician, doctor = nurse(Role.CLINICIAN)
    case = request()
    assert post(client, case, "give", take="1").status_code == 302
    assert fresh(case).owner == user
    assert clinician.get(f"/staff/cases/{case.pk}/").status_code == 404
    post(client, case, "give", give_owner=str(user.pk), give_reviewer=str(doctor.pk))
    assert fresh(case).reviewer == doctor
    assert clinician.get(f"/staff/cases/{case.pk}/").status_code == 200
    wrong = post(client, case, "give", give_owner=str(case.sender_id))
    assert wrong.status_code == 422
    StaffRole.objects.filter(user=doctor).delete()
    assert str(doctor) in text_of(client.get(f"/staff/cases/{case.pk}/"))


@pytest.mark.django_db
def test_records_complete_begins_the_clock_and_pauses_are_told_apart() -> None:
    """Raw, waited and counted business time stand on the page, with the zone named."""
    client, user = nurse()
    case = request(Kind.SECOND_OPINION)
    assert fresh(case).due_at is None
    assert post(client, case, "records").status_code == 302
    assert fresh(case).due_at is not None
    # A week of three days' wait, in the past.
    began = timezone.now() - timedelta(days=7)
    Case.objects.filter(pk=case.pk).update(records_complete_at=began, sent_at=began)
    held = fresh(case)
    for status, reason, days in (
        (Status.ACCEPTED, "", 7),
        (Status.ON_HOLD, HoldReason.RECORDS, 6),
        (Status.IN_PROGRESS, "", 3),
    ):
        at = timezone.now() - timedelta(days=days)
        held = working.step(
            case=held, status=status, by=user, at=at, seen=held.revision, reason=reason
        )
    page = text_of(client.get(f"/staff/cases/{case.pk}/"))
    assert "Waited for others" in page
    assert "Counted" in page
    assert "The clock goes on; it stood for" in page
    assert "America/Denver" in page


# --- identity -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_identity_is_matched_by_a_person_and_opens_the_case_to_the_childs_adults() -> None:
    """J4, T-08, T-10: compare, deny, match, keep from parents, take back; each by a button."""
    client, user = nurse()
    sender, father, young = family(), family(), family()
    case = request(sender=sender, language="en")
    child = linked(father, user, born=date(2011, 5, 14), at=EARLIER).child
    linked(
        young,
        user,
        child=child,
        born=child.birth_date,
        relationship=Relationship.PATIENT,
        at=EARLIER,
    )
    case.answers["birth-date"] = {"date": "2011-05-14"}
    case.save(update_fields=["answers"])
    here = f"/staff/cases/{case.pk}/"
    page = text_of(client.get(here))
    assert "It is this child" in page
    assert "Other name" in page
    act = {"match-child": str(child.pk)}

    def press(what: str, **more: str) -> int:
        seen = {"match-seen": str(fresh(case).revision), "match-act": what}
        return client.post(f"{here}child/", seen | more).status_code

    assert press("deny", **act) == 302
    assert "Said to be another" in text_of(client.get(here))
    stranger = Child.objects.create(
        name="Else", birth_date=date(2001, 1, 1), made_at=timezone.now()
    )
    assert press("match", **{"match-child": str(stranger.pk)}) == 409
    assert access.get_case(father, case.pk) is None
    assert press("match", **act) == 302
    assert access.get_case(father, case.pk) is not None
    assert press("new") == 409
    assert "For the young person alone" in text_of(client.get(here))
    post(client, case, "private", private_hidden="on")
    assert access.get_case(father, case.pk) is None
    assert access.get_case(young, case.pk) is not None
    assert "Kept from parents" in text_of(client.get(here))
    assert press("undo") == 302
    assert access.get_case(young, case.pk) is None
    rows = Event.objects.filter(action__startswith="case.", patient__contains=str(child.pk))
    assert {row.action for row in rows} >= {
        "case.matched",
        "case.match_denied",
        "case.unmatched",
        "case.confidentiality_set",
    }


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """A place for contents."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path


@pytest.mark.django_db
def test_a_file_leaves_through_its_case_alone(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-07, T-44: clean only, to who may open the case, each time in the audit."""
    client, _user = nurse()
    clinician, _ = nurse(Role.CLINICIAN)
    case, other = request(), request()
    assert case.sender is not None
    stored = {}
    for name, word in (("clean.pdf", Word.CLEAN), ("held.pdf", Word.UNKNOWN)):
        monkeypatch.setattr(scanning, "scan", lambda content, w=word, **_: Verdict(w, ""))
        stored[name] = files.take(
            holder=case.pk,
            upload=SimpleUploadedFile(name, written_pdf(content="BT ET")),
            by=case.sender,
            at=timezone.now(),
        )
    page = text_of(client.get(f"/staff/cases/{case.pk}/"))
    assert "clean.pdf</a>" in page
    assert "held.pdf</span>" in page
    assert "Not yet checked for viruses" in page
    assert "2 files, 1 not yet checked" in text_of(client.get("/staff/inbox/"))
    clean, held = stored["clean.pdf"], stored["held.pdf"]
    answer = client.get(f"/staff/cases/{case.pk}/files/{clean.pk}/")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content.startswith(b"%PDF")
    assert Event.objects.get(action="case.file_opened").subject.endswith(str(clean.pk))
    for path, who in (
        (f"{case.pk}/files/{held.pk}/", client),
        (f"{other.pk}/files/{clean.pk}/", client),
        (f"{case.pk}/files/{uuid.uuid4()}/", client),
        (f"{case.pk}/files/{clean.pk}/", clinician),
    ):
        assert who.get(f"/staff/cases/{path}").status_code == 404
    assert Event.objects.filter(action="case.file_opened").count() == 1


# --- what is typed --------------------------------------------------------------------------------


@pytest.fixture
def typed(db: None) -> tuple[Client, Case]:
    """A nurse who typed into the box of notes, and whose session ended."""
    client, user = nurse()
    case = request()
    here = f"/staff/cases/{case.pk}/typed/note/"
    assert client.post(here, {"text": f"{CANARY} half a sent"}).status_code == 204
    assert client.post(here, {"text": f"{CANARY} half a sentence"}).status_code == 204
    client.logout()
    assert client.post(here, {"text": "x"}).status_code == 302
    client.force_login(user)
    return client, case


def test_what_was_typed_outlives_the_session_and_goes_when_it_is_kept(
    typed: tuple[Client, Case],
) -> None:
    """T-18, J4: signed out with an unsaved note, it is there after signing in; sealed; once."""
    client, case = typed
    assert boxes(client, case, "note")["note-text"] == f"{CANARY} half a sentence"
    assert Unsaved.objects.count() == 1
    other, _user = nurse()
    assert boxes(other, case, "note")["note-text"] == ""
    post(client, case, "note", note_text=f"{CANARY} whole")
    assert not Unsaved.objects.exists()
    assert boxes(client, case, "note")["note-text"] == ""


def test_what_is_typed_has_a_limit_and_a_box(typed: tuple[Client, Case]) -> None:
    """Nothing else can be put there, and an emptied box is forgotten."""
    client, case = typed
    here = f"/staff/cases/{case.pk}/typed/"
    assert client.post(f"{here}other/", {"text": "x"}).status_code == 404
    assert client.post(f"{here}note/", {"text": "x" * 9000}).status_code == 422
    assert client.post(f"{here}message/", {"text": "x"}).status_code == 204
    assert client.post(f"{here}note/", {"text": " "}).status_code == 204
    assert {row.box for row in Unsaved.objects.all()} == {Box.MESSAGE}
    keep_typed(
        case=case,
        box=Box.MESSAGE,
        text="",
        by=Unsaved.objects.get().by,
        at=timezone.now(),
    )
    assert not Unsaved.objects.exists()
