"""A case: sent exactly once, its clock in business hours, seen by its own people alone."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from care_cast import CANARY, MONDAY, draft, outside, sent, staff, stepped
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event
from hematon.portal.care import access, clock, sending, talking, working
from hematon.portal.care.models import Case, Message, Note, Pause
from hematon.portal.care.models.case import Band
from hematon.portal.care.refused import NotInThisState, NotPermitted, SentBefore, Unfinished
from hematon.portal.care.status import OPEN, TRANSITIONS, HoldReason, Kind, Stage, Status
from hematon.portal.ui.site import site

# --- sending --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_sent_again_from_the_same_page_is_the_same_case() -> None:
    """T-36: one reference and one audit row, however often it is sent."""
    case = draft()
    seen = case.revision
    first = sending.send(case=case, seen=seen, at=MONDAY)
    again = sending.send(case=case, seen=seen, at=MONDAY + timedelta(hours=1))
    assert first.reference is not None
    assert (again.pk, again.reference, again.sent_at) == (first.pk, first.reference, MONDAY)
    assert Event.objects.filter(action="case.sent").count() == 1
    assert first.steps.count() == 1


@pytest.mark.django_db
def test_a_page_from_before_a_change_cannot_send() -> None:
    """What the family saw is what is sent; a case that was sent is never replaced."""
    case = draft()
    old = case.revision
    case = sending.save_answer(case=case, question="worry", answer={"text": "other"}, at=MONDAY)
    with pytest.raises(NotInThisState):
        sending.send(case=case, seen=old, at=MONDAY)
    sending.send(case=case, seen=case.revision, at=MONDAY)
    with pytest.raises(SentBefore):
        sending.send(case=case, seen=old, at=MONDAY)
    with pytest.raises(NotInThisState):
        sending.save_answer(case=case, question="worry", answer=None, at=MONDAY)


@pytest.mark.django_db
def test_a_draft_whose_time_is_over_is_neither_changed_nor_sent() -> None:
    """T-40: 30 days from the last answer, to the second."""
    case = draft()
    kept = timedelta(days=30)
    last = MONDAY + kept - timedelta(seconds=1)
    case = sending.save_answer(case=case, question="a", answer=1, at=last)
    over = last + kept
    for act in (
        lambda: sending.save_answer(case=case, question="a", answer=2, at=over),
        lambda: sending.send(case=case, seen=case.revision, at=over),
    ):
        with pytest.raises(NotInThisState):
            act()


@pytest.mark.django_db
def test_a_guest_key_is_used_once() -> None:
    """T-36: the same answers give the same case, others are refused."""

    def send(**answers: str) -> Case:
        return sending.send_new(key="k", kind=Kind.CALL, answers=answers, language="en", at=MONDAY)

    first = send(name="a")
    assert send(name="a").pk == first.pk
    with pytest.raises(SentBefore):
        send(name="b")
    assert Case.objects.count() == 1


@pytest.mark.django_db
def test_a_repeated_reference_is_drawn_again() -> None:
    """Two cases never share one; a source that only repeats is a fault."""
    draws = iter(["HM-2222-2222", "HM-2222-2222", "HM-3333-3333"])
    for expected in ("HM-2222-2222", "HM-3333-3333"):
        case = draft()
        made = sending.send(case=case, seen=case.revision, at=MONDAY, draw=lambda: next(draws))
        assert made.reference == expected
    case = draft()
    with pytest.raises(IntegrityError):
        sending.send(case=case, seen=case.revision, at=MONDAY, draw=lambda: "HM-2222-2222")
    assert Case.objects.get(pk=case.pk).status == Status.DRAFT


@pytest.mark.django_db(transaction=True)
def test_fifty_sends_at_once_make_one_case() -> None:
    """T-36: the database holds the others off."""
    case = draft()
    found: list[str | None] = []
    start = threading.Barrier(50)

    def press() -> None:
        start.wait()
        try:
            found.append(sending.send(case=case, seen=case.revision, at=MONDAY).reference)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 50
    assert len(set(found)) == 1
    assert Event.objects.filter(action="case.sent").count() == 1


@pytest.mark.django_db
def test_the_database_refuses_what_does_not_belong_together() -> None:
    """A sent case without a reference, a hold without its reason: not even by mistake."""
    case = sent()
    for wrong in (
        {"reference": None},
        {"status": Status.ON_HOLD},
        {"status": Status.REJECTED},
        {"status": "lost"},
        {"left": 5},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**wrong)


@pytest.mark.django_db
def test_nothing_typed_stands_open_in_the_database_or_the_audit() -> None:
    """T-29, T-32: answers, messages, notes and reasons are sealed."""
    nurse, family = staff(Role.INTAKE), outside()
    case = sent(family)
    say = {"case": case, "text": CANARY, "at": MONDAY}
    talking.send_message(**say, key="1", by=family, language="en")
    talking.write_note(**say, by=nurse)
    case.refresh_from_db()
    working.move_band(
        case=case, band=Band.FIRST, reason=CANARY, by=nurse, at=MONDAY, seen=case.revision
    )
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith(("care_", "audit_")):
                cursor.execute(f'SELECT * FROM "{table}"')
                held = b" ".join(
                    bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode()
                    for row in cursor.fetchall()
                    for v in row
                )
                assert CANARY.encode() not in held, table
    assert case.answers["worry"]["text"] == CANARY


# --- the clock ------------------------------------------------------------------------------------

_TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)


@given(start=_TIMES, seconds=st.integers(1, 30 * 9 * 3600))
def test_after_and_between_agree(start: datetime, seconds: int) -> None:
    """What `after` gives is so many seconds of business time away, within office hours."""
    here = site()
    end = clock.after(start, seconds, here.office, here.zone)
    assert clock.between(start, end, here.office, here.zone) == seconds
    assert here.office.opens <= end.time() <= here.office.closes
    assert here.office.is_business_day(end.date())


@given(at=st.lists(_TIMES, min_size=3, max_size=3).map(sorted))
def test_business_time_adds_up(at: list[datetime]) -> None:
    """From the first to the third is from the first to the second and on to the third."""
    here = site()

    def passed(a: datetime, b: datetime) -> int:
        return clock.between(a, b, here.office, here.zone)

    assert passed(at[0], at[2]) == passed(at[0], at[1]) + passed(at[1], at[2])
    assert passed(at[2], at[0]) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("reason", HoldReason.values)
def test_a_pause_for_others_stops_the_clock_and_no_other_does(reason: str) -> None:
    """J4: three business hours later the same time is left, to the second."""
    nurse = staff(Role.INTAKE)
    case = stepped(sent(), Status.ACCEPTED, nurse)
    due = case.due_at
    assert due is not None
    held = stepped(case, Status.ON_HOLD, nurse, reason=reason, at=MONDAY + timedelta(hours=1))
    resumed = stepped(case, Status.IN_PROGRESS, nurse, at=MONDAY + timedelta(hours=4))
    if reason != HoldReason.TEAM:
        assert held.due_at is None
        assert resumed.due_at is not None
        here = site()
        assert clock.between(due, resumed.due_at, here.office, here.zone) == 3 * 3600
        (pause,) = Pause.objects.all()
        assert pause.ended_at == MONDAY + timedelta(hours=4)
    else:
        assert held.due_at == resumed.due_at == due
        assert not Pause.objects.exists()


@pytest.mark.django_db
def test_a_second_opinion_is_counted_from_complete_records() -> None:
    """The promise of the report begins when nothing is missing, and once."""
    nurse = staff(Role.INTAKE)
    case = sent(kind=Kind.SECOND_OPINION)
    assert case.due_at is None
    at = MONDAY + timedelta(days=2)
    case = working.complete_records(case=case, by=nurse, at=at, seen=case.revision)
    here = site()
    assert case.due_at is not None
    assert clock.between(at, case.due_at, here.office, here.zone) == 7 * clock.day_seconds(
        here.office
    )
    with pytest.raises(NotInThisState):
        working.complete_records(case=case, by=nurse, at=at, seen=case.revision)


@pytest.mark.django_db
def test_a_family_that_answers_ends_the_wait_for_it() -> None:
    """Its message resumes the clock and starts the promise of a reply."""
    nurse, family = staff(Role.INTAKE), outside()
    case = stepped(sent(family), Status.ACCEPTED, nurse)
    stepped(case, Status.ON_HOLD, nurse, reason=HoldReason.FAMILY)
    at = MONDAY + timedelta(hours=2)
    talking.send_message(case=case, key="m", text="here", by=family, language="en", at=at)
    case.refresh_from_db()
    assert (case.status, case.left, case.hold_reason) == (Status.IN_PROGRESS, None, "")
    assert case.reply_due_at is not None
    assert case.due_at is not None
    talking.send_message(case=case, key="r", text="thanks", by=nurse, language="en", at=at)
    case.refresh_from_db()
    assert case.reply_due_at is None
    assert case.answered_at == at


# --- steps ----------------------------------------------------------------------------------------


def test_every_status_has_its_steps() -> None:
    """No status without a row in the table; closed ones lead nowhere but to reopening."""
    assert set(TRANSITIONS) == set(Status)
    assert set().union(*TRANSITIONS.values()) <= set(Status)
    for status in OPEN:
        assert Status.CANCELLED in TRANSITIONS[status]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [s for s in Status if s != Status.DRAFT])
def test_only_the_steps_of_the_table_are_taken(status: Status) -> None:
    """From "received", whatever is asked for."""
    nurse, family = staff(Role.INTAKE), outside()
    case = sent(family)
    by = family if status == Status.CANCELLED else nurse
    reason = {"on-hold": HoldReason.TEAM, "rejected": "not-ours"}.get(status.value, "")
    if status in TRANSITIONS[Status.RECEIVED]:
        assert stepped(case, status, by, reason=reason).status == status
    else:
        with pytest.raises(NotInThisState):
            stepped(case, status, by, reason=reason)


@pytest.mark.django_db
def test_nothing_is_closed_without_its_answer() -> None:
    """A question needs a reply; a referral also that its report was read."""
    nurse = staff(Role.INTAKE)
    case = stepped(sent(), Status.ACCEPTED, nurse)
    with pytest.raises(Unfinished, match="answer"):
        stepped(case, Status.COMPLETED, nurse)
    talking.send_message(case=case, key="r", text="x", by=nurse, language="en", at=MONDAY)
    assert stepped(case, Status.COMPLETED, nurse).closed_at == MONDAY
    referral = stepped(sent(outside(UserKind.REFERRER), Kind.REFERRAL), Status.ACCEPTED, nurse)
    Case.objects.filter(pk=referral.pk).update(answered_at=MONDAY)
    with pytest.raises(Unfinished, match="answer-read"):
        stepped(referral, Status.COMPLETED, nurse)


@pytest.mark.django_db
def test_two_people_at_one_case_see_each_other() -> None:
    """J4: the second one learns who works on it, and a stale page changes nothing."""
    first, second = staff(Role.INTAKE), staff(Role.INTAKE)
    case = sent()
    assert working.open_case(case=case, by=first, at=MONDAY).opened_by == first
    seen = working.open_case(case=case, by=second, at=MONDAY + timedelta(minutes=2))
    assert seen.opened_by == first
    working.assign(case=case, to=first, by=first, at=MONDAY, seen=seen.revision)
    with pytest.raises(NotInThisState):
        working.assign(case=case, to=second, by=second, at=MONDAY, seen=seen.revision)
    later = working.open_case(case=case, by=second, at=MONDAY + timedelta(hours=1))
    assert later.opened_by == second
    assert later.first_read_at == MONDAY


@pytest.mark.django_db
def test_a_moved_band_keeps_its_reason_and_moves_the_promise() -> None:
    """From "no data" to A: read within one business hour of its coming."""
    nurse = staff(Role.INTAKE)
    case = sent()
    assert case.band == Band.NOT_KNOWN
    with pytest.raises(Unfinished):
        working.move_band(
            case=case, band=Band.FIRST, reason=" ", by=nurse, at=MONDAY, seen=case.revision
        )
    moved = working.move_band(
        case=case, band=Band.FIRST, reason="bleeding", by=nurse, at=MONDAY, seen=case.revision
    )
    assert moved.read_due_at == MONDAY + timedelta(hours=1)
    (kept,) = moved.band_moves.all()
    assert (kept.before, kept.after, kept.reason) == ("u", "a", "bleeding")


@pytest.mark.django_db
def test_what_cannot_be_sorted_stands_above_routine() -> None:
    """The inbox begins with A, then B, then what has no data, then routine."""
    nurse = staff(Role.INTAKE)
    cases = {}
    for band in (Band.ROUTINE, Band.NOT_KNOWN, Band.FIRST, Band.SAME_DAY):
        case = sent()
        cases[band] = working.move_band(
            case=case, band=band, reason="x", by=nurse, at=MONDAY, seen=case.revision
        )
    found = [case.band for case in access.cases_for(nurse)]
    assert found == [Band.FIRST, Band.SAME_DAY, Band.NOT_KNOWN, Band.ROUTINE]


@pytest.mark.django_db
def test_a_stage_is_a_step_of_its_own() -> None:
    """The family's timeline reads it; the status stays."""
    nurse = staff(Role.INTAKE)
    case = sent()
    moved = working.move_stage(
        case=case, stage=Stage.SCHEDULED, by=nurse, at=MONDAY, seen=case.revision
    )
    assert (moved.status, moved.stage) == (Status.RECEIVED, Stage.SCHEDULED)
    assert [step.stage for step in moved.steps.all()] == ["", "scheduled"]


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_person_sees_their_own_and_no_draft_of_others() -> None:
    """T-02: families and referrers what they sent, clinicians what is theirs, others nothing."""
    family, other = outside(), outside()
    question, opinion, mine = sent(family), sent(family, Kind.SECOND_OPINION), draft(family)
    nurse, clinician, colleague = staff(Role.INTAKE), staff(Role.CLINICIAN), staff(Role.CLINICIAN)

    def sees(user: User) -> set[uuid.UUID]:
        return {case.pk for case in access.cases_for(user)}

    assert sees(family) == sees(nurse) == {question.pk, opinion.pk}
    assert sees(other) == set()
    assert sees(clinician) == {opinion.pk}
    working.ask_reviewer(case=opinion, to=clinician, by=nurse, at=MONDAY, seen=opinion.revision)
    assert sees(clinician) == {opinion.pk}
    assert sees(colleague) == set()
    for role in set(Role) - {Role.INTAKE, Role.CLINICIAN}:
        assert sees(staff(role)) == set()
    assert [d.pk for d in access.own_drafts(family)] == [mine.pk]
    for user in (other, nurse, clinician):
        assert not access.own_drafts(user).exists()
        assert access.get_case(user, mine.pk) is None


@pytest.mark.django_db
def test_nobody_works_on_what_is_not_theirs() -> None:
    """Neither a family on its own case, nor staff without the role, nor a stranger."""
    family, case = outside(), sent()
    mine = sent(family)
    for by, target in (
        (family, mine),
        (family, case),
        (staff(Role.EDITOR), case),
        (staff(Role.CLINICIAN), case),
    ):
        with pytest.raises(NotPermitted):
            stepped(target, Status.ACCEPTED, by)
        with pytest.raises(NotPermitted):
            talking.write_note(case=target, text="x", by=by, at=MONDAY)
        with pytest.raises(NotPermitted):
            working.assign(case=target, to=None, by=by, at=MONDAY, seen=target.revision)
    with pytest.raises(NotPermitted):
        talking.send_message(case=case, key="k", text="x", by=family, language="en", at=MONDAY)
    with pytest.raises(NotPermitted):
        stepped(case, Status.CANCELLED, staff(Role.INTAKE))
    assert not Message.objects.exists()
    assert not Note.objects.exists()


@pytest.mark.django_db
def test_a_message_is_kept_once() -> None:
    """The same key and text is the same message; another text under it is refused."""
    family = outside()
    case = sent(family)
    send = {"case": case, "key": "k", "by": family, "language": "en", "at": MONDAY}
    first = talking.send_message(**send, text="one")
    assert talking.send_message(**send, text="one").pk == first.pk
    with pytest.raises(SentBefore):
        talking.send_message(**send, text="two")
    nurse = staff(Role.INTAKE)
    assert talking.read_messages(case=case, by=family, at=MONDAY) == 0
    assert talking.read_messages(case=case, by=nurse, at=MONDAY) == 1
    assert talking.read_messages(case=case, by=nurse, at=MONDAY) == 0
