"""A referral followed to its end: the way, messages, the report that must be read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.care import talking, working
from hematon.portal.care.models import Case, Message, Step
from hematon.portal.care.models.case import Band
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import HoldReason, RejectReason, Stage, Status
from hematon.portal.inbox.counts_table import table_of
from hematon.portal.notify.models import Notice
from hematon.portal.referrals import actions
from hematon.portal.referrals.following import next_steps, status_of, story, way, who_acts
from referral_pages import HOME, at, clinician, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse() -> User:
    """One of the intake team."""
    user = User.objects.create_user("nurse@tests.invalid")
    StaffRole.objects.create(user=user, role=Role.INTAKE)
    return user


def stepped(case: Case, nurse: User, *statuses: Status, reason: str = "") -> Case:
    """Take a case through statuses, as it is now."""
    for status in statuses:
        case.refresh_from_db()
        case = working.step(
            case=case,
            status=status,
            by=nurse,
            at=timezone.now(),
            seen=case.revision,
            reason=reason if status == statuses[-1] else "",
        )
    return case


def returned(case: Case, nurse: User) -> Case:
    """Return the report, as releasing it does."""
    case = stepped(case, nurse, Status.ACCEPTED, Status.IN_PROGRESS)
    case = working.move_stage(
        case=case, stage=Stage.REPORT_RETURNED, by=nurse, at=timezone.now(), seen=case.revision
    )
    working.answered(case, timezone.now())
    case.save()
    return case


def closed(case: Case, nurse: User) -> Case:
    """Close a case."""
    return stepped(case, nurse, Status.COMPLETED)


def test_a_referral_closes_only_when_its_report_is_returned_and_read(nurse: User) -> None:
    """J3: without a report, and with one that nobody read, closing is refused; then it works."""
    client, user = clinician()
    case = stepped(sent(client), nurse, Status.ACCEPTED)
    with pytest.raises(Unfinished, match=r"^answer$"):
        closed(case, nurse)
    with pytest.raises(NotInThisState):
        actions.report_read(case=case, by=user, at=timezone.now())
    case = stepped(case, nurse, Status.IN_PROGRESS)
    working.answered(case, timezone.now())
    case.save()
    with pytest.raises(Unfinished, match="answer-read"):
        closed(case, nurse)
    page = client.get(at(case)).content.decode()
    assert "I have read the report" in page
    assert "You: please read the report" in client.get(HOME).content.decode()
    for _press in range(2):
        assert client.post(at(case, "read/"))["Location"] == at(case)
    case.refresh_from_db()
    assert case.answer_read_at is not None
    assert case.stage == Stage.REPORT_READ
    assert Event.objects.filter(action="referral.report_read").count() == 1
    assert Step.objects.filter(case=case, stage=Stage.REPORT_READ).count() == 1
    assert "I have read the report</button>" not in client.get(at(case)).content.decode()
    case = closed(case, nurse)
    assert case.status == Status.COMPLETED
    assert [mark.on is not None for mark in way(case)] == [True] * 5


def test_only_its_sender_says_that_it_was_read(nurse: User) -> None:
    """T-02: neither another clinician nor the team can close the loop for the sender."""
    client, _user = clinician()
    case = returned(sent(client), nurse)
    stranger, other = clinician()
    assert stranger.post(at(case, "read/")).status_code == 404
    assert Client().post(at(case, "read/")).status_code == 302
    for by in (other, nurse):
        with pytest.raises(NotPermitted):
            actions.report_read(case=case, by=by, at=timezone.now())
    case.refresh_from_db()
    assert case.answer_read_at is None


def test_a_page_from_before_the_reading_does_not_undo_it(nurse: User) -> None:
    """The team's page shows a revision; reading raises it."""
    client, user = clinician()
    case = returned(sent(client), nurse)
    seen = case.revision
    actions.report_read(case=case, by=user, at=timezone.now())
    with pytest.raises(NotInThisState):
        working.step(
            case=case, status=Status.ON_HOLD, by=nurse, at=timezone.now(), seen=seen, reason="team"
        )


def test_messages_go_both_ways_once(nurse: User) -> None:
    """A message pressed twice is one; the team's is new until the page was opened."""
    client, _user = clinician()
    case = sent(client)
    page = client.get(at(case)).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    for _press in range(2):
        client.post(at(case, "reply/"), {"text": "More counts follow.", "key": key[1]})
    assert Message.objects.filter(case=case).count() == 1
    other = client.post(at(case, "reply/"), {"text": "Something else.", "key": key[1]})
    assert other.status_code == 422
    assert "sent before with another text" in other.content.decode()
    empty = client.post(at(case, "reply/"), {"text": "", "key": key[1]}).content.decode()
    assert "<title>Error: " in empty
    case.refresh_from_db()
    talking.send_message(
        case=case, key="k" * 20, text="Thank you.", by=nurse, language="en", at=timezone.now()
    )
    assert "1 new message" in client.get(HOME).content.decode()
    assert "Thank you." in client.get(at(case)).content.decode()
    assert "new message" not in client.get(HOME).content.decode()


def test_the_promises_are_told_with_their_times(nurse: User) -> None:
    """By when a person reads it and by when we answer; a wait says for what."""
    client, _user = clinician()
    case = sent(client)
    assert next_steps(case)[0].startswith("A person on our team reads it by")
    assert next_steps(case)[1].startswith("You hear from us by")
    held = stepped(case, nurse, Status.ACCEPTED, Status.ON_HOLD, reason=HoldReason.RECORDS)
    assert status_of(held) == "Waiting: we wait for records"
    assert who_acts(held) == "You: please write to us"
    assert "The clock stands: we wait for records." in next_steps(held)
    assert story(held)[-1].what == "Waiting: we wait for records"


def test_what_was_not_taken_and_what_was_taken_back_say_so(nurse: User) -> None:
    """Nothing waits for a report any more, and nobody is asked to read one."""
    client, _user = clinician()
    refused = stepped(sent(client), nurse, Status.REJECTED, reason=RejectReason.NOT_OURS)
    assert (way(refused), who_acts(refused)) == ([], "Nobody: it is closed")
    assert "another service is right" in story(refused)[-1].what
    case = sent(client)
    page = client.get(at(case, "take-back/")).content.decode()
    assert f'value="{case.revision}"' in page
    stale = client.post(at(case, "take-back/"), {"seen": "0"}, follow=True)
    assert "moved on since" in stale.content.decode()
    client.post(at(case, "take-back/"), {"seen": case.revision})
    case.refresh_from_db()
    assert case.status == Status.CANCELLED
    assert client.get(at(case, "take-back/"))["Location"] == at(case)
    assert "Send your message" not in client.get(at(case)).content.decode()


def test_one_neutral_mail_says_that_it_came() -> None:
    """T-36: the mail is owed once, in the transaction that sends."""
    client, user = clinician()
    case = sent(client)
    assert [(n.kind, n.user_id) for n in Notice.objects.filter(key=f"received:{case.pk}")] == [
        ("request_received", user.pk)
    ]


def test_a_visit_shows_on_the_way(nurse: User) -> None:
    """A booked visit is a stretch of the way of those referrals that have one."""
    client, _user = clinician()
    case = stepped(sent(client), nurse, Status.ACCEPTED)
    assert "Visit booked" not in [mark.name for mark in way(case)]
    case = working.move_stage(
        case=case,
        stage=Stage.SCHEDULED,
        by=nurse,
        at=timezone.now() + timedelta(minutes=1),
        seen=case.revision,
    )
    assert "Visit booked" in [mark.name for mark in way(case)]
    assert status_of(case) == "A visit is booked"


@pytest.mark.parametrize(
    ("change", "band", "rule"),
    [
        ({}, Band.FIRST, "neutrophils_below_0_5_and_fever"),
        ({"findings": {"present": []}}, Band.SAME_DAY, "neutrophils_below_0_5"),
        (
            {"findings": {"present": []}, "urgency": {"urgency": "day"}},
            Band.FIRST,
            "clinician_asks_within_a_day",
        ),
    ],
)
def test_what_the_clinician_found_and_asks_for_moves_a_referral_up(
    change: dict[str, Any], band: Band, rule: str
) -> None:
    """J4: fever with 0.4 neutrophils is read first; so is what cannot wait a day."""
    client, _user = clinician()
    counts = {"text": "date,ANC (K/uL),PLT (K/uL)\n2026-10-02,0.4,168\n"}
    found = {"findings": {"present": ["HP:0001945"]}, "absent": {"absent": []}}
    case = sent(client, **{"record": counts, **found, **change})
    assert case.band == band
    assert case.basis["rules"][0]["id"] == rule
    assert case.basis["reported"]["wanted_within_a_day"] is (rule == "clinician_asks_within_a_day")


def test_two_draws_of_one_day_stand_side_by_side() -> None:
    """The lower of two counts of a day is not hidden by the other, in the order or the list."""
    client, _user = clinician()
    text = "date,PLT (K/uL),HGB (g/dL)\n2026-10-02,168,12.8\n2026-10-02,12,\n"
    case = sent(client, record={"text": text}, findings={"present": []}, absent={"absent": []})
    assert case.band == Band.FIRST
    assert case.basis["rules"][0]["id"] == "platelets_below_20"
    table = table_of(case.answers)
    assert table is not None
    shown = [[cell.value for _name, cell in cells if cell] for _on, cells in table.rows]
    assert shown == [["12.8 g/dL", "168 10⁹/L"], ["12 10⁹/L"]]
