"""Which child a case is about, and who of its family sees it from then on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from care_cast import MONDAY, outside, sent, staff
from family_cast import family, linked
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event, Purpose
from hematon.portal.care import access, changes, identity, sending, talking, working
from hematon.portal.care.models import Case, What
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.families import access as families
from hematon.portal.families import actions as family_actions
from hematon.portal.families import asking
from hematon.portal.families.ages import midnight
from hematon.portal.families.matching import child_index
from hematon.portal.families.models import Child, Granted, Guardianship, Proof, Relationship
from hematon.portal.notify.models import Kind as Notice
from hematon.portal.notify.models import Notice as Mail
from hematon.portal.privacy.actions import break_glass
from hematon.portal.programme.shapes import Thing
from hematon.portal.ui.site import site

BORN = date(2018, 5, 20)
EARLIER = datetime(2026, 1, 5, 17, tzinfo=UTC)
NOW = datetime(2026, 11, 30, 17, tzinfo=UTC)


def asked(
    sender: User | None = None,
    name: str = "Sample Child",
    born: date | str = BORN,
    kind: Kind = Kind.QUESTION,
) -> Case:
    """A sent request that names a child."""
    answers = {"child-name": {"child_name": name}, "birth-date": {"date": str(born)}}
    case = sending.begin(kind=kind, sender=sender or outside(), language="es", at=MONDAY)
    for key, answer in answers.items():
        case = sending.save_answer(case=case, question=key, answer=answer, at=MONDAY)
    return sending.send(case=case, seen=case.revision, at=MONDAY)


def matched(case: Case, child: Child, nurse: User) -> Case:
    """A case that intake matched."""
    case.refresh_from_db()
    return identity.match(case=case, child=child, by=nurse, at=NOW, seen=case.revision)


def link_to(user: User, nurse: User, **more: Any) -> Guardianship:
    """A link that staff confirmed long before."""
    return linked(user, nurse, **{"at": EARLIER, **more})


def sees(user: User, at: datetime = NOW) -> set[Any]:
    """The ids of what a person may open."""
    return {case.pk for case in access.cases_for(user, at)}


@pytest.mark.django_db
def test_children_are_offered_by_name_and_date_and_nothing_matches_by_itself() -> None:
    """J4: spelling does not matter, same dates come after, and no row is changed by looking."""
    nurse = staff(Role.INTAKE)
    same = link_to(family("one"), nurse).child
    other = link_to(family("two"), nurse).child
    other.name = "Another Placeholder"
    other.save()
    link_to(family("three"), nurse, born=date(2015, 1, 1))
    case = asked(name="  CHILD, sämple ")
    assert case.match == child_index("Sample Child", BORN) == same.child_index
    found = identity.candidates(nurse, case)
    assert [(c.child.pk, c.same_name) for c in found] == [(same.pk, True), (other.pk, False)]
    assert [link.user.kind for link in found[0].links] == [UserKind.FAMILY]
    case.refresh_from_db()
    assert case.child is None
    assert identity.candidates(staff(Role.CLINICIAN), case) == []


@pytest.mark.django_db
def test_matching_denying_and_taking_back_are_acts_of_a_person() -> None:
    """T-08, T-35: who, which case and which child are in the audit; a stale page is refused."""
    nurse = staff(Role.INTAKE)
    child = link_to(family(), nurse).child
    case = asked()
    act: dict[str, Any] = {"case": case, "by": nurse, "at": NOW}
    case = identity.not_this(**act, child=child, seen=case.revision)
    assert identity.candidates(nurse, case)[0].was_denied
    with pytest.raises(NotInThisState):
        identity.match(**act, child=child, seen=case.revision - 1)
    case = identity.match(**act, child=child, seen=case.revision)
    assert case.child == child
    assert not identity.candidates(nurse, case)[0].was_denied
    for again in (identity.match, identity.not_this):
        with pytest.raises(NotInThisState):
            again(**act, child=child, seen=case.revision)
    with pytest.raises(NotInThisState):
        identity.match_new(**act, seen=case.revision)
    case = identity.take_back(**act, seen=case.revision)
    assert case.child is None
    with pytest.raises(NotInThisState):
        identity.take_back(**act, seen=case.revision)
    rows = Event.objects.filter(action__contains="match").order_by("sequence")
    assert [row.action for row in rows] == ["case.match_denied", "case.matched", "case.unmatched"]
    assert {row.patient for row in rows} == {f"families.child:{child.pk}"}
    assert {row.actor_id for row in rows} == {nurse.pk}
    said = [change.what for change in changes.since(case, 0)]
    assert said == [What.NOT_THIS, What.MATCHED, What.UNMATCHED]


@pytest.mark.django_db
def test_a_new_child_is_made_as_the_sender_named_it() -> None:
    """The next request of the same name finds it; a request without a name makes none."""
    nurse = staff(Role.INTAKE)
    case = asked(name="Sample  Niña")
    case = identity.match_new(case=case, by=nurse, at=NOW, seen=case.revision)
    assert case.child is not None
    assert (case.child.name, case.child.birth_date) == ("Sample Niña", BORN)
    again = asked(name="Nina Sample")
    (found,) = identity.candidates(nurse, again)
    assert (found.child, found.same_name, found.cases) == (case.child, True, [case.reference])
    assert [c.pk for c in identity.same_child(again)] == [case.pk]
    nameless = sent()
    assert identity.candidates(nurse, nameless) == []
    with pytest.raises(Unfinished):
        identity.match_new(case=nameless, by=nurse, at=NOW, seen=nameless.revision)
    assert Child.objects.count() == 1


@pytest.mark.django_db
def test_only_intake_says_who_a_child_is() -> None:
    """T-02: not the reviewing clinician, not the family, not another role."""
    nurse = staff(Role.INTAKE)
    child = link_to(family(), nurse).child
    parent = outside()
    case = asked(parent, kind=Kind.SECOND_OPINION)
    for by in (staff(Role.CLINICIAN), staff(Role.PRIVACY), staff(Role.ADMINISTRATOR), parent):
        act: dict[str, Any] = {"case": case, "by": by, "at": NOW, "seen": case.revision}
        for refused, more in (
            (identity.match, {"child": child}),
            (identity.not_this, {"child": child}),
            (identity.match_new, {}),
            (identity.take_back, {}),
            (identity.keep_from_parents, {"hidden": True}),
        ):
            with pytest.raises(NotPermitted):
                refused(**act, **more)


@pytest.mark.django_db
def test_a_guardian_sees_a_matched_case_and_loses_it_at_once() -> None:
    """T-06, T-08: before the match and after the link's end nothing; in between the whole case."""
    nurse, mother, father, stranger = (staff(Role.INTAKE), *map(family, ("m", "f", "s")))
    child = link_to(mother, nurse).child
    link = link_to(father, nurse, child=child)
    waiting = asking.request(
        asked=asking.Asked("Sample Adult", Relationship.PARENT, "Sample Child", BORN, "CO"),
        by=stranger,
        language="en",
        at=NOW,
    )
    case = asked(mother)
    assert sees(mother) == {case.pk}
    assert sees(father) == set()
    matched(case, child, nurse)
    assert sees(mother) == sees(father) == {case.pk}
    assert sees(stranger) == set(), "who asked for access has none before staff saw proof"
    assert access.things_of(father, case, NOW) == frozenset(Thing)
    assert access.may_write(father, case)
    family_actions.lock(child=child, reason="dispute", by=nurse, at=NOW)
    assert sees(mother) == sees(father) == set(), "a dispute stops the sender too"
    link.refresh_from_db()
    family_actions.unlock(link=link, reason="settled", by=nurse, at=NOW)
    assert sees(father) == {case.pk}
    link.refresh_from_db()
    family_actions.end(link=link, reason="over", by=nurse, at=NOW)
    assert sees(father) == set()
    assert access.things_of(father, case, NOW) == frozenset()
    case.refresh_from_db()
    assert not access.messages_for(father, case).exists()
    with pytest.raises(NotPermitted):
        talking.send_message(case=case, key="k", text="x", by=father, language="en", at=NOW)
    assert waiting.status == "requested"
    identity.take_back(case=case, by=nurse, at=NOW, seen=case.revision)
    assert sees(mother) == {case.pk}, "without the match it is again what she sent"


@pytest.mark.django_db
def test_another_adult_of_the_child_reads_along_and_takes_nothing_back() -> None:
    """T-02: the page of a request opens to a guardian, with the messages, and without the end."""
    nurse, father, mother = staff(Role.INTAKE), family("f"), family("m")
    case = matched(asked(mother), link_to(father, nurse).child, nurse)
    talking.send_message(
        case=case, key="k", text="Sample answer", by=nurse, language="en", at=timezone.now()
    )
    client = Client()
    client.force_login(father)
    here = f"/en/requests/{case.pk}/"
    page = client.get(here).content.decode()
    assert "Sample answer" in page
    assert "take-back" not in page
    for ask in (client.get, client.post):
        assert ask(f"{here}take-back/", {"seen": "9"})["Location"] == here
    case.refresh_from_db()
    assert case.status == Status.RECEIVED
    client.force_login(mother)
    assert "take-back" in client.get(here).content.decode()


@pytest.mark.django_db
def test_the_age_rules_decide_to_the_second() -> None:
    """T-09: full, then limited without files, then ended, on the programme's own birthday."""
    nurse, parent, sender = staff(Role.INTAKE), family(), family("sender")
    child = link_to(parent, nurse, born=BORN).child
    link_to(sender, nurse, child=child)
    case = matched(asked(sender), child, nurse)
    second = timedelta(seconds=1)
    limited = midnight(date(2032, 5, 20), site().zone)
    ended = midnight(date(2036, 5, 20), site().zone)
    assert Thing.FILES in access.things_of(parent, case, limited - second)
    assert Thing.FILES not in access.things_of(parent, case, limited)
    assert Thing.REQUESTS in access.things_of(parent, case, limited + second)
    for user in (parent, sender):
        assert sees(user, ended - second) == {case.pk}
        assert sees(user, ended) == set()


@pytest.mark.django_db
def test_what_is_the_young_persons_alone_no_parent_sees_or_counts() -> None:
    """T-10: neither the case, nor a message, nor a mail; who sent it as a parent included."""
    nurse, parent, young = staff(Role.INTAKE), family("parent"), family("young")
    born = date(2011, 5, 20)
    child = link_to(parent, nurse, born=born).child
    link_to(young, nurse, child=child, relationship=Relationship.PATIENT, born=born)
    case = matched(asked(parent, born=born), child, nurse)
    at = timezone.now()
    say: dict[str, Any] = {"case": case, "by": nurse, "language": "en", "at": at}
    talking.send_message(**say, key="open", text="for both")
    talking.send_message(**say, key="own", text="alone", confidential_to_minor=True)
    assert access.messages_for(parent, case).count() == 1
    assert access.messages_for(young, case).count() == 2
    waiting = Mail.objects.filter(kind=Notice.MESSAGE_WAITING)
    assert waiting.filter(user=parent).count() == 1
    assert waiting.filter(user=young).count() == 2
    case.refresh_from_db()
    identity.keep_from_parents(case=case, hidden=True, by=nurse, at=at, seen=case.revision)
    assert sees(parent, at) == set()
    assert sees(young, at) == {case.pk}
    talking.send_message(**say, key="more", text="more")
    assert waiting.filter(user=parent).count() == 1
    assert waiting.filter(user=young).count() == 3


@pytest.mark.django_db
def test_a_message_is_told_once_to_each_who_may_read_it_and_answers_to_the_team() -> None:
    """T-29: one mail for a message however often it is sent; the family's goes to its owner."""
    nurse, other, parent = staff(Role.INTAKE), staff(Role.INTAKE), family()
    case = sent(parent)
    for _press in range(2):
        talking.send_message(case=case, key="a", text="x", by=nurse, language="es", at=MONDAY)
        talking.send_message(case=case, key="b", text="y", by=parent, language="es", at=MONDAY)
    (mail,) = Mail.objects.filter(kind=Notice.MESSAGE_WAITING)
    assert (mail.user, mail.language) == (parent, "es")
    tasks = Mail.objects.filter(kind=Notice.STAFF_TASK)
    assert {task.user_id for task in tasks} == {nurse.pk, other.pk}
    case.refresh_from_db()
    working.assign(case=case, to=other, by=nurse, at=MONDAY, seen=case.revision)
    talking.send_message(case=case, key="c", text="z", by=parent, language="es", at=MONDAY)
    assert (tasks.filter(user=nurse).count(), tasks.filter(user=other).count()) == (1, 2)


@pytest.mark.django_db
def test_files_that_come_later_end_the_wait_for_records() -> None:
    """J4: the clock stood for three hours and runs on; the owner is told."""
    nurse, parent = staff(Role.INTAKE), family()
    case = sent(parent)
    due = case.due_at
    for status, reason in ((Status.ACCEPTED, ""), (Status.ON_HOLD, HoldReason.RECORDS)):
        case = working.step(
            case=case, status=status, by=nurse, at=MONDAY, seen=case.revision, reason=reason
        )
    assert case.due_at is None
    case = talking.files_came(case=case, by=parent, at=MONDAY + timedelta(hours=3))
    assert due is not None
    assert (case.status, case.due_at) == (Status.IN_PROGRESS, due + timedelta(hours=3))
    assert Mail.objects.filter(kind=Notice.STAFF_TASK, user=nurse).count() == 1
    for by in (nurse, outside()):
        with pytest.raises(NotPermitted):
            talking.files_came(case=case, by=by, at=MONDAY)


@pytest.mark.django_db
def test_an_emergency_opens_one_case_for_an_hour_and_says_so() -> None:
    """T-11: a clinician reads another's case after breaking the glass, and no longer than that."""
    clinician = staff(Role.CLINICIAN)
    case, other = sent(), sent()
    assert sees(clinician) == set()
    break_glass(user=clinician, subject=case, reason="a child in the ward now", at=NOW)
    assert sees(clinician) == {case.pk}
    assert sees(clinician, NOW + timedelta(minutes=61)) == set()
    assert other.pk not in sees(clinician)
    working.look_at(case=case, by=clinician, at=NOW)
    assert Event.objects.get(action="case.viewed").purpose == Purpose.EMERGENCY
    assert sees(staff(Role.EDITOR)) == set()


@pytest.mark.django_db
def test_a_child_with_a_case_is_not_deleted_when_links_are_joined() -> None:
    """Staff confirm a link for another row of the same child: the case keeps its child."""
    nurse, first, second = staff(Role.INTAKE), family("a"), family("b")
    child = link_to(first, nurse).child
    link = asking.request(
        asked=asking.Asked("Sample Adult", Relationship.PARENT, "Sample Child", BORN, "CO"),
        by=second,
        language="en",
        at=NOW,
    )
    case = matched(asked(), link.child, nurse)
    family_actions.confirm(
        link=link, proof_kind=Proof.RECORD, granted=Granted.FULL, by=nurse, at=NOW, child=child
    )
    case.refresh_from_db()
    assert case.child is not None
    assert families.find("Sample Child", BORN).count() == 2
    assert sees(second) == set(), "until intake matches the case to the child that is linked"


@pytest.mark.django_db(transaction=True)
def test_cases_from_before_are_found_among_children() -> None:
    """The update hashes name and date as children are hashed, and keeps the reading order."""
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    executor.migrate([("care", "0004_child_and_changes")])
    old = executor.loader.project_state([("care", "0004_child_and_changes")]).apps
    answers = {"child-name": {"child_name": "Sample Child"}, "birth-date": {"date": str(BORN)}}
    common = {"kind": "question", "status": "received", "language": "en", "answers": answers}
    times = dict.fromkeys(("begun_at", "saved_at", "sent_at"), NOW)
    for number, (band, rank) in enumerate({"a": 1, "b": 2, "u": 3, "c": 4}.items()):
        old.get_model("care", "Case").objects.create(
            **common, **times, band=band, rank=rank, match="old", reference=f"HM-{number}"
        )
    executor = MigrationExecutor(connection)
    executor.migrate(leaves)
    found = Case.objects.order_by("rank")
    assert "".join(case.band for case in found) == "abuc"
    assert [case.rank for case in found] == [1, 3, 4, 5]
    assert {case.match for case in found} == {child_index("Sample Child", BORN)}
