"""Pages of families and of intake: who can see a child, asking, agreeing, ending, deciding."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from family_cast import asked_for, family, linked, set_ages, staff
from hematon.portal.accounts.models import Kind, Role, User
from hematon.portal.audit.models import Event
from hematon.portal.families import access, actions
from hematon.portal.families.access import Scope
from hematon.portal.families.models import Guardianship, Relationship, Status, Step
from hematon.portal.learn.readability import INFLESZ_LEAST, grade, inflesz, measure

LIST = "/en/children/"
Signed = Callable[..., Client]
pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    """A browser in which this family is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def nurse(db: None) -> User:
    """Staff of intake who set the stage."""
    return staff()


@pytest.fixture
def parent(db: None) -> User:
    """A family."""
    return family()


def now_linked(user: User, nurse: User, **say: Any) -> Guardianship:
    """A link that holds today, by the real clock."""
    return linked(user, nurse, at=timezone.now() - timedelta(minutes=1), **say)


ASK = {
    "adult_name": "Sample Adult",
    "relationship": "parent",
    "child_name": "Sample Child",
    "birth_date": "2018-05-20",
}

# --- families ------------------------------------------------------------------------------------


def test_asking_and_what_is_seen_until_staff_answer(parent: User) -> None:
    """T-08: the request waits with its date; the child's page does not exist yet."""
    client = browser(parent)
    answer = client.post(f"{LIST}ask/", ASK, follow=True)
    page = answer.content.decode()
    assert "Sent. We tell you by email when we have an answer." in page
    assert "Requests that wait" in page
    assert "You do not see any child here yet." in page
    link = Guardianship.objects.get()
    assert client.get(f"{LIST}{link.child.pk}/another/").status_code == 404
    assert access.scope(parent, link.child, timezone.now()) is Scope.NONE


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"adult_name": ""}, "adult_name"),
        ({"adult_name": "123"}, "adult_name"),
        ({"relationship": ""}, "relationship"),
        ({"relationship": "owner"}, "relationship"),
        ({"child_name": "x" * 121}, "child_name"),
        ({"birth_date": "20.5.2018"}, "birth_date"),
        ({"birth_date": "2999-01-01"}, "birth_date"),
        ({"birth_date": "1900-01-01"}, "birth_date"),
    ],
)
def test_mistakes_are_told_beside_the_field(
    parent: User, language: str, change: dict[str, str], field: str
) -> None:
    """With the title, the summary's link and what was typed; nothing is made."""
    answer = browser(parent).post(f"/{language}/children/ask/", {**ASK, **change})
    page = answer.content.decode()
    assert "<title>Error: " in page
    assert f'href="#id_{field}' in page
    assert f'id="id_{field}-error"' in page
    assert not Guardianship.objects.exists()


def test_the_page_says_who_and_until_when_and_why(parent: User, nurse: User) -> None:
    """S26: the reader first, then the others; the birthday that changes it, in words."""
    today = timezone.now().date()
    born = date(today.year - 10, 1, 15)
    link = now_linked(parent, nurse, born=born)
    other = family("two")
    now_linked(other, nurse, child=link.child, born=born)
    page = browser(parent).get(LIST).content.decode()
    assert page.index("You</strong>") < page.index("Ask us to end this access")
    assert f"Jan. 15, {born.year + 14}. The child turns 14 then" in page
    spanish = browser(parent).get("/es/children/").content.decode()
    assert f"15 de enero de {born.year + 14}. Ese día el menor cumple 14 años" in spanish


def test_after_a_revocation_the_next_request_shows_nothing(parent: User, nurse: User) -> None:
    """T-06: in the same session: no name, and 404 where there was a page."""
    link = now_linked(parent, nurse)
    client = browser(parent)
    assert "Sample Child" in client.get(LIST).content.decode()
    actions.end(link=link, reason="", by=nurse, at=timezone.now())
    assert "Sample Child" not in client.get(LIST).content.decode()
    for address in (f"{link.child.pk}/another/", f"access/{link.pk}/end/"):
        assert client.get(f"{LIST}{address}").status_code == 404


def test_a_dispute_hides_the_child_from_every_adult(parent: User, nurse: User) -> None:
    """T-09: the page says that it is stopped and whom to call, without the name."""
    link = now_linked(parent, nurse)
    actions.lock(child=link.child, reason="Sample dispute", by=nurse, at=timezone.now())
    page = browser(parent).get(LIST).content.decode()
    assert "We have stopped it for the moment" in page
    assert "Sample Child" not in page
    assert "Sample dispute" not in page


def test_ending_ones_own_access(parent: User, nurse: User) -> None:
    """One page that says what it means, one button."""
    link = now_linked(parent, nurse)
    client, address = browser(parent), f"{LIST}access/{link.pk}/end/"
    assert "To see it again, you must ask again." in client.get(address).content.decode()
    page = client.post(address, {"reason": ""}, follow=True).content.decode()
    assert "Done. Your access has ended." in page
    assert access.scope(parent, link.child, timezone.now()) is Scope.NONE


def test_taking_a_request_back(parent: User) -> None:
    """The words fit a request, and staff see it no more."""
    link = asked_for(parent)
    client, address = browser(parent), f"{LIST}access/{link.pk}/end/"
    assert "<h1>Take the request back</h1>" in client.get(address).content.decode()
    client.post(address, {})
    link.refresh_from_db()
    assert link.status == Status.ENDED


def test_asking_for_the_end_of_anothers_access(parent: User, nurse: User) -> None:
    """Sent to staff; the other keeps it and reads neither the reason nor who asked."""
    link, other = now_linked(parent, nurse), family("two")
    theirs = now_linked(other, nurse, child=link.child)
    client, address = browser(parent), f"{LIST}access/{theirs.pk}/end/"
    page = client.post(address, {"reason": "Sample secret reason"}, follow=True).content.decode()
    assert "Our team looks at it and calls you." in page
    assert "Our team was asked to end this." in page
    assert access.scope(other, link.child, timezone.now()) is Scope.FULL
    assert "Sample secret reason" not in browser(other).get(LIST).content.decode()


@pytest.mark.parametrize("address", ["{child}/another/", "access/{link}/end/"])
def test_strangers_get_404_as_for_nothing(parent: User, nurse: User, address: str) -> None:
    """T-02: another family's child and link, and random ones, answer alike."""
    link = now_linked(family("two"), nurse)
    client = browser(parent)
    for child, pk in ((link.child.pk, link.pk), (uuid.uuid4(), uuid.uuid4())):
        place = LIST + address.format(child=child, link=pk)
        assert client.get(place).status_code == client.post(place, {}).status_code == 404
    place = f"{LIST}access/{link.pk}/agree/"
    assert client.post(place, {"agrees": "yes"}).status_code == 404


@pytest.mark.parametrize("kind", [Kind.REFERRER, None])
def test_others_who_are_signed_in_get_403(signed_in: Signed, kind: Kind | None) -> None:
    """T-01: referring clinicians, and staff with every role."""
    client = (
        browser(User.objects.create_without_password("d@refers.invalid", kind))
        if kind
        else signed_in(*Role)
    )
    for address in ("", "ask/", f"{uuid.uuid4()}/another/", f"access/{uuid.uuid4()}/end/"):
        assert client.get(LIST + address).status_code == 403


def test_asking_for_another_adult(parent: User, nurse: User) -> None:
    """The answer is the same whether the address has an account or not; never one's own."""
    link = now_linked(parent, nurse)
    client, address = browser(parent), f"{LIST}{link.child.pk}/another/"
    family("known")
    pages = []
    for name in ("known", "unknown"):
        given = {"adult_name": "Other Sample", "relationship": "parent"}
        given["address"] = f"{name}@families.invalid"
        pages.append(client.post(address, given, follow=True).content.decode())
        assert "Sent. We tell the person when we have an answer." in pages[-1]
    again = client.post(address, {**given, "address": "one@families.invalid"})
    assert "We cannot ask for this person." in again.content.decode()
    wrong = client.post(address, {**given, "address": "no address"})
    assert "name@example.com" in wrong.content.decode()
    stranger = User.objects.with_address("unknown@families.invalid")
    assert stranger is not None
    assert "Sample Child" not in browser(stranger).get(LIST).content.decode()


def test_a_teen_agrees_and_takes_it_back(parent: User, nurse: User) -> None:
    """T-09: where the rules ask; the button stands for the patient alone."""
    set_ages(
        own_from=13,
        bands=[
            {"from_years": 0, "access": "full"},
            {"from_years": 13, "access": "limited", "sees": ["messages"], "assent": True},
            {"from_years": 18, "access": "ended"},
        ],
    )
    born, teen = date(timezone.now().year - 15, 1, 1), family("teen")
    link = now_linked(parent, nurse, born=born)
    patient = Relationship.PATIENT
    now_linked(teen, nurse, child=link.child, relationship=patient, born=born)
    client, address = browser(teen), f"{LIST}access/{link.pk}/agree/"
    assert "I agree" in client.get(LIST).content.decode()
    page = client.post(address, {"agrees": "yes"}, follow=True).content.decode()
    assert "I no longer agree" in page
    seen = browser(parent).get(LIST).content.decode()
    assert "A part: messages" in seen
    assert f"{LIST}access/{link.pk}/agree/" not in seen
    client.post(address, {"agrees": "no"})
    assert "Sample Child" not in browser(parent).get(LIST).content.decode()


@pytest.mark.parametrize("language", ["en", "es"])
def test_families_read_short_sentences(parent: User, nurse: User, language: str) -> None:
    """At most 20 words in each, grade 6 or INFLESZ 65 over every page of this part."""
    link = now_linked(parent, nurse)
    asked_for(parent, child="Second Sample")
    client, said = browser(parent), []
    for address in ("", "ask/", f"{link.child.pk}/another/", f"access/{link.pk}/end/"):
        page = client.get(f"/{language}/children/{address}").content.decode()
        main = page[page.index("<main") : page.index("</main>")]
        for text in re.findall(r"<(?:p|dd|h1|h2|label|legend)[^>]*>(.*?)</", main, re.S):
            said.append(re.sub(r"<[^>]+>", " ", text).strip())
    counts = measure("\n".join(said), language)
    assert max(counts.sentences) <= 20
    assert grade(counts) <= 6 if language == "en" else inflesz(counts) >= INFLESZ_LEAST


def test_no_title_or_address_tells_a_name(parent: User, nurse: User) -> None:
    """T-34: neither the child's nor an adult's."""
    link = now_linked(parent, nurse)
    client = browser(parent)
    for address in ("", "ask/", f"{link.child.pk}/another/", f"access/{link.pk}/end/"):
        page = client.get(f"{LIST}{address}").content.decode()
        (title,) = re.findall(r"<title>(.*?)</title>", page)
        assert "Sample" not in title


# --- intake --------------------------------------------------------------------------------------


@pytest.fixture
def desk(signed_in: Signed) -> Client:
    """A browser of intake."""
    return signed_in(Role.INTAKE)


def test_the_queue_shows_what_waits_with_its_clock(desk: Client, parent: User) -> None:
    """The soonest due first, overdue marked; opening it is recorded."""
    asked_for(parent, at=timezone.now() - timedelta(days=30))
    asked_for(parent, at=timezone.now(), child="Later Sample")
    page = desk.get("/staff/access-requests/").content.decode()
    assert page.index("Sample Child") < page.index("Later Sample")
    assert page.count("Overdue") == 1
    assert Event.objects.filter(action="guardian.listed").exists()


def place(link: Guardianship) -> str:
    """The staff page of a link."""
    return f"/staff/access-requests/{link.pk}/"


def test_confirming_needs_proof(desk: Client, parent: User) -> None:
    """T-08: without the proof the form says so and nothing is given; with it the family sees."""
    link = asked_for(parent, at=timezone.now())
    answer = desk.post(place(link), {"act": "confirm"})
    assert "Choose the proof you have seen" in answer.content.decode()
    assert access.scope(parent, link.child, timezone.now()) is Scope.NONE
    desk.post(place(link), {"act": "confirm", "proof_kind": "record", "granted": "full"})
    assert access.scope(parent, link.child, timezone.now()) is Scope.FULL
    assert "Sample Child" in browser(parent).get(LIST).content.decode()


def test_staff_say_which_child_it_is(desk: Client, parent: User, nurse: User) -> None:
    """With a possible match the question must be answered; the same child is joined."""
    known = now_linked(family("two"), nurse).child
    link = asked_for(parent, child="sample chíld", at=timezone.now())
    confirm = {"act": "confirm", "proof_kind": "record", "granted": "full"}
    assert "Choose which child it is" in desk.post(place(link), confirm).content.decode()
    desk.post(place(link), {**confirm, "child": str(known.pk)})
    link.refresh_from_db()
    assert link.child == known


@pytest.mark.parametrize("act", ["refuse", "end", "lock", "override", "unlock", "keep"])
def test_every_other_act_needs_a_reason(desk: Client, parent: User, nurse: User, act: str) -> None:
    """Kept in the history, shown to staff and never to the family."""
    link = asked_for(parent) if act == "refuse" else now_linked(parent, nurse)
    if act == "unlock":
        actions.lock(child=link.child, reason="x", by=nurse, at=timezone.now())
    if act == "keep":
        other = family("two")
        now_linked(other, nurse, child=link.child)
        actions.ask_to_end(link=link, reason="", by=other, at=timezone.now())
    until = (timezone.now() + timedelta(days=90)).date().isoformat()
    given = {"act": act, "until": until}
    assert "Write the reason" in desk.post(place(link), given).content.decode()
    answer = desk.post(place(link), {**given, "reason": "Sample reason"}, follow=True)
    assert answer.redirect_chain == [(place(link), 302)]
    assert "Sample reason" in answer.content.decode()
    assert "Sample reason" not in browser(parent).get(LIST).content.decode()
    child = desk.get(f"/staff/children/{link.child_id}/").content.decode()
    assert "Sample reason" in child


def test_two_people_at_one_request(desk: Client, parent: User, nurse: User) -> None:
    """T-05: the second is told that it moved on, with what was typed; one step is kept."""
    link = asked_for(parent, at=timezone.now())
    actions.refuse(link=link, reason="First", by=nurse, at=timezone.now())
    answer = desk.post(place(link), {"act": "refuse", "reason": "Second"})
    assert answer.status_code in {200, 409}
    assert link.changes.filter(step=Step.REFUSED).count() == 1


def test_a_dispute_is_told_where_someone_new_is_confirmed(
    desk: Client, parent: User, nurse: User
) -> None:
    """T-09: the form says what to settle first."""
    known = now_linked(family("two"), nurse)
    actions.lock(child=known.child, reason="x", by=nurse, at=timezone.now())
    link = asked_for(parent, at=timezone.now())
    answer = desk.post(
        place(link),
        {
            "act": "confirm",
            "proof_kind": "record",
            "granted": "full",
            "child": str(known.child.pk),
        },
    )
    assert answer.status_code == 409
    assert "A dispute about this child stops it." in answer.content.decode()


def test_staff_read_that_the_age_rules_are_not_signed(desk: Client, parent: User) -> None:
    """Until somebody signs them; then by whom."""
    link = asked_for(parent)
    pages = (place(link), f"/staff/children/{link.child.pk}/")
    for address in pages:
        assert "not signed" in desk.get(address).content.decode()
    set_ages()
    for address in pages:
        assert "edition 1, signed by" in desk.get(address).content.decode()


def test_what_is_not_there_is_404_for_staff(desk: Client) -> None:
    """No difference between a wrong id and none."""
    for kind in ("access-requests", "children"):
        assert desk.get(f"/staff/{kind}/{uuid.uuid4()}/").status_code == 404
