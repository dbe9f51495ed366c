"""Booking, changing, joining: the pages of families and of staff, and who may see what."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import icalendar
import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone

from hematon.portal import environment
from hematon.portal.accounts.models import Kind, Role, StoredSession, User
from hematon.portal.audit.models import Event
from hematon.portal.directory.models import ReviewLink
from hematon.portal.ui.site import site
from hematon.portal.visits import actions, holding
from hematon.portal.visits.consent import consent
from hematon.portal.visits.models import (
    Appointment,
    Closure,
    JoinAnswer,
    Rule,
    Slot,
    SlotState,
    Status,
    VideoConsent,
)
from visit_people import (
    Child,
    Families,
    Scope,
    at_once,
    booking,
    expert,
    family,
    rule,
    slots,
    stand_in,
)

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
VIDEO = {
    "back_end": "jitsi",
    "address": "https://meet.tests.invalid",
    "app_id": "hematon",
    "secret": b"0123456789abcdef" * 4,
    "agreed_on": date(2026, 1, 1),
}
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def video_is_on() -> Iterator[None]:
    """A video host with an agreement."""
    with override_settings(VIDEO=VIDEO):
        yield


class Clock:
    """The clock of the site; who is signed in signs in again when it moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.people: list[tuple[Client, User]] = []
        self(NOW)

    def __call__(self, moment: datetime) -> None:
        """Set it."""
        self.monkeypatch.setattr(timezone, "now", lambda: moment)
        for client, user in self.people:
            client.force_login(user)

    def keep(self, client: Client, user: User) -> Client:
        """Let someone sign in again whenever it moves."""
        self.people.append((client, user))
        return client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the clock; it stands at NOW unless moved."""
    return Clock(monkeypatch)


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Families:
    """Families."""
    return stand_in(monkeypatch)[0]


@pytest.fixture
def user(db: None) -> User:
    """A family's account."""
    return family()


@pytest.fixture
def child(families: Families, user: User) -> Child:
    """Its child."""
    return families.add(user)


def browser(of: User) -> Client:
    """Give a browser in which someone is signed in."""
    client = Client()
    client.force_login(of)
    return client


@pytest.fixture
def home(user: User, child: Child, clock: Clock) -> Client:
    """The family's browser."""
    return clock.keep(browser(user), user)


@pytest.fixture
def staff(signed_in: Signed, clock: Clock) -> Callable[[Role], Client]:
    """Browsers of staff."""

    def sign_in(role: Role) -> Client:
        client = signed_in(role)
        return clock.keep(client, User.objects.get(email=f"{role}@tests.invalid"))

    return sign_in


@pytest.fixture
def free(db: None, clock: Clock) -> list[Slot]:
    """Times of one clinician."""
    return slots(rule(expert(), NOW), NOW)


DETAILS = {"with_whom": "Sample parent Wvk", "phone": "(303) 555-0100", "note": "Sample note Jqx"}
AGREED = {"agree": "yes", "relationship": "parent", "name": "Sample parent Wvk"}


def answer(client: Client, tongue: str = "en", **other: dict[str, str]) -> None:
    """Answer the questions; all lead on."""
    client.post(f"/{tongue}/visits/book/")
    said = {
        "where": {"where": "CO"},
        "kind": {"kind": "video"},
        "language": {"language": "en", "interpreter": "no"},
        **other,
    }
    for key in ("where", "child", "kind", "language"):
        if key in said:
            sent = client.post(f"/{tongue}/visits/book/ask/{key}/", said[key])
            assert sent.status_code == 302, (key, text(sent))


def text(response: Any) -> str:
    """Give a page's words."""
    return str(response.content.decode())


def hold(client: Client, slot: Slot, tongue: str = "en") -> HttpResponse:
    """Choose a time."""
    day = slot.starts_at.astimezone(slot.zone).date()
    found: HttpResponse = client.post(f"/{tongue}/visits/book/days/{day}/", {"slot": str(slot.pk)})
    return found


def book(client: Client, slot: Slot, tongue: str = "en") -> Appointment:
    """Book a first video visit by its pages; give it."""
    answer(client, tongue)
    assert hold(client, slot, tongue)["Location"] == f"/{tongue}/visits/book/confirm/"
    done = client.post(f"/{tongue}/visits/book/confirm/", {**DETAILS, **AGREED})
    assert done.status_code == 302, text(done)
    visit = Appointment.objects.get(slot=slot)
    assert done["Location"] == f"/{tongue}/visits/{visit.pk}/"
    return visit


def kept_visit(user: User, child: Child, slot: Slot, **other: Any) -> Appointment:
    """Book without the pages, with an agreement to video."""
    visit = actions.confirm(slot_id=slot.pk, guardian=user, booking=booking(child, **other), at=NOW)
    actions.agree(
        appointment=visit,
        agreement=actions.Agreement("Sample parent Wvk", "parent", consent().version, "en"),
        by=user,
        at=NOW,
    )
    return visit


# --- booking -------------------------------------------------------------------------------------


def test_a_family_books_a_first_video_visit(home: Client, free: list[Slot]) -> None:
    """S23: location first, then child, kind, language; a day, a time, who comes, consent, yes."""
    start = text(home.get("/en/visits/book/"))
    assert "Where your child will be" in start
    assert home.post("/en/visits/book/")["Location"] == "/en/visits/book/ask/where/"
    visit = book(home, free[0])
    assert (visit.status, visit.kind, visit.location_state) == ("booked", "video", "CO")
    assert (visit.with_whom, visit.phone, visit.note) == (
        "Sample parent Wvk",
        "303 555 0100",
        "Sample note Jqx",
    )
    agreed = VideoConsent.objects.get()
    assert (agreed.text_version, agreed.language) == (consent().version, "en")
    page = text(home.get(f"/en/visits/{visit.pk}/"))
    assert "Your visit is booked." in page
    assert "Friday, November 27, 2026" in page
    assert "9 am MST" in page
    assert "Mountain Time" in page
    # A second visit asks for no consent again.
    answer(home)
    hold(home, free[2])
    assert "Do you agree?" not in text(home.get("/en/visits/book/confirm/"))
    assert home.post("/en/visits/book/confirm/", DETAILS).status_code == 302


def test_the_same_in_spanish(home: Client, free: list[Slot]) -> None:
    """Every page of it, the consent's words included."""
    answer(home, "es")
    days = text(home.get("/es/visits/book/days/"))
    assert "hora de la Montaña" in days
    assert "viernes 27 de noviembre de 2026" in days
    hold(home, free[0], "es")
    page = text(home.get("/es/visits/book/confirm/"))
    assert str(consent().points[0].es) in page
    assert str(consent().points[0].en) not in page
    home.post("/es/visits/book/confirm/", {**DETAILS, **AGREED})
    visit = Appointment.objects.get()
    assert visit.page_language == VideoConsent.objects.get().language == "es"
    for path in ("", "change/", "cancel/"):
        shown = text(home.get(f"/es/visits/{visit.pk}/{path}"))
        assert '<html lang="es">' in shown
        assert not re.search(r">(Your visit|Cancel|Change|Details|Child|Booked)\b", shown)


def test_what_the_check_asked_is_not_asked_again(home: Client, free: list[Slot]) -> None:
    """The result "video suits" leads to booking, with place and language."""
    check = "/en/video-visits/check/"
    for key, said in {
        "where": {"where": "CO"},
        "why": {"why": ["results"]},
        "symptoms": {"symptoms": "none"},
        "device": {"device": "ready"},
        "language": {"language": "es", "interpreter": "yes"},
    }.items():
        home.post(f"{check}{key}/", said)
    assert 'action="/en/visits/book/"' in text(home.get(f"{check}result/"))
    assert home.post("/en/visits/book/")["Location"] == "/en/visits/book/ask/kind/"
    assert home.post("/en/visits/book/ask/kind/", {"kind": "video"})["Location"] == (
        "/en/visits/book/days/"
    )
    assert "Spanish, with an interpreter" in text(home.get("/en/visits/book/days/"))


def test_no_step_can_be_skipped(home: Client, free: list[Slot]) -> None:
    """T-05: each page leads back to the first thing that is open, and nothing is made."""
    day = free[0].starts_at.date()
    for path in ("days/", f"days/{day}/", "confirm/"):
        for ask in (home.get, home.post):
            if path == "days/" and ask == home.post:
                continue
            assert ask(f"/en/visits/book/{path}")["Location"] == "/en/visits/book/ask/where/"
    answer(home)
    assert home.get("/en/visits/book/confirm/")["Location"] == "/en/visits/book/days/"
    assert home.post("/en/visits/book/confirm/", DETAILS)["Location"] == "/en/visits/book/days/"
    assert not Appointment.objects.exists()


def test_where_no_license_is_held_only_the_clinic_is_offered(
    home: Client, free: list[Slot]
) -> None:
    """A page that says why, with a phone number; a kind sent by hand is refused."""
    clinic = rule(expert("sample-b"), NOW, kind="in-person")
    home.post("/en/visits/book/")
    home.post("/en/visits/book/ask/where/", {"where": "UT"})
    page = text(home.get("/en/visits/book/ask/kind/"))
    assert "Your child will be somewhere else" in page
    assert site().phones.day.number in page
    assert 'value="video"' not in page
    assert home.post("/en/visits/book/ask/kind/", {"kind": "video"}).status_code == 200
    home.post("/en/visits/book/ask/kind/", {"kind": "in-person"})
    home.post("/en/visits/book/ask/language/", {"language": "en", "interpreter": "no"})
    assert "Friday, November 27, 2026" in text(home.get("/en/visits/book/days/"))
    hold(home, slots(clinic, NOW)[0])
    assert home.post("/en/visits/book/confirm/", DETAILS).status_code == 302
    assert Appointment.objects.get().kind == "in-person"


def test_a_place_changed_later_asks_again_for_the_kind(home: Client, free: list[Slot]) -> None:
    """From Colorado to Utah: what was possible is possible no longer."""
    answer(home)
    home.post("/en/visits/book/ask/where/", {"where": "UT"})
    assert home.get("/en/visits/book/days/")["Location"] == "/en/visits/book/ask/kind/"


def test_no_video_is_booked_while_video_is_off(home: Client, free: list[Slot]) -> None:
    """Without the vendor's agreement the kind is not offered."""
    with override_settings(VIDEO=None):
        home.post("/en/visits/book/")
        home.post("/en/visits/book/ask/where/", {"where": "CO"})
        page = text(home.get("/en/visits/book/ask/kind/"))
        assert 'value="video"' not in page
        assert "Video visits cannot be booked at the moment" in page


def test_a_time_that_was_just_taken_gets_a_clear_page(
    home: Client, families: Families, free: list[Slot]
) -> None:
    """T-54: 409, the reason beside the question, and the times that are left."""
    answer(home)
    other = family()
    actions.confirm(
        slot_id=free[0].pk, guardian=other, booking=booking(families.add(other)), at=NOW
    )
    refused = hold(home, free[0])
    assert refused.status_code == 409
    page = text(refused)
    assert "Someone else has just taken this time" in page
    assert "<title>Error:" in page
    assert f'value="{free[1].pk}"' in page
    assert f'value="{free[0].pk}"' not in page


def test_the_hold_is_shown_extended_and_given_back(
    home: Client, free: list[Slot], clock: Clock
) -> None:
    """WCAG 2.2.1: the page says until when, and gives more time by a button without a script."""
    answer(home)
    hold(home, free[0])
    page = text(home.get("/en/visits/book/confirm/"))
    assert 'data-seconds="600"' in page
    assert "Until 10:10 am MST" in page
    clock(NOW + timedelta(minutes=8))
    assert home.post("/en/visits/book/confirm/extend/")["Location"] == "/en/visits/book/confirm/"
    assert "Until 10:18 am MST" in text(home.get("/en/visits/book/confirm/"))
    script = home.post("/en/visits/book/confirm/extend/", headers={"accept": "application/json"})
    assert script.status_code == 204
    home.post("/en/visits/book/confirm/release/")
    free[0].refresh_from_db()
    assert free[0].state == SlotState.FREE
    script = home.post("/en/visits/book/confirm/extend/", headers={"accept": "application/json"})
    assert script.status_code == 409


def test_a_lapsed_hold_says_so_and_loses_nothing_typed_by_force(
    home: Client, families: Families, free: list[Slot], clock: Clock
) -> None:
    """Opened again late it leads to the days; sent late it books if nobody else has it."""
    answer(home)
    hold(home, free[0])
    clock(NOW + timedelta(minutes=11))
    shown = home.get("/en/visits/book/confirm/", follow=True)
    assert "We no longer hold this time for you" in text(shown)
    hold(home, free[0])
    clock(NOW + timedelta(minutes=30))
    assert home.post("/en/visits/book/confirm/", {**DETAILS, **AGREED}).status_code == 302
    assert Appointment.objects.count() == 1
    answer(home)
    hold(home, free[2])
    clock(NOW + timedelta(minutes=50))
    other = family()
    holding.hold(
        slot_id=free[2].pk,
        wanted=booking(families.add(other)).wanted(NOW + timedelta(minutes=50)),
        by=other,
    )
    lost = home.post("/en/visits/book/confirm/", DETAILS, follow=True)
    assert "Someone else has just taken this time" in text(lost)
    assert Appointment.objects.count() == 1


def test_what_is_missing_is_said_in_words(home: Client, free: list[Slot]) -> None:
    """An empty last page: every field named, what was typed kept, nothing booked."""
    answer(home)
    hold(home, free[0])
    page = text(home.post("/en/visits/book/confirm/", {"phone": "555", "name": "Sample <b>"}))
    assert "<title>Error:" in page
    for said in (
        "Enter who will be with your child.",
        "Enter a phone number with area code",
        "Check the box if you agree to video visits.",
        "Choose who you are to the child.",
    ):
        assert page.count(said) >= 2, said
    assert "Sample &lt;b&gt;" in page
    assert not Appointment.objects.exists()


def test_nothing_typed_on_the_last_page_stays_in_the_session(
    home: Client, free: list[Slot]
) -> None:
    """T-29: names, phone and note go sealed into the visit and nowhere else."""
    visit = book(home, free[0])
    for row in StoredSession.objects.all():
        kept = str(row.content)
        assert not any(word in kept for word in ("Wvk", "Jqx", "303 555", "Qzx"))
    events = str(list(Event.objects.values_list("action", "subject", "detail")))
    assert not any(word in events for word in ("Wvk", "Jqx", "Qzx", visit.room))


@pytest.mark.django_db(transaction=True)
def test_100_browsers_hold_one_time_at_once(families: Families) -> None:
    """T-54 by the pages: 1 is led on, 99 get a page that says it is taken, 0 faults.

    As many at once as a server of two workers with 4 threads takes; 100 threads at one moment are
    in test_visits_booking.py.
    """
    slot = slots(rule(expert(), NOW), NOW)[0]
    clients = []
    for _ in range(100):
        own = family()
        families.add(own)
        client = browser(own)
        answer(client)
        clients.append(client)
    answers = [
        found
        for some in at_once(8, lambda place: [hold(client, slot) for client in clients[place::8]])
        for found in (some if isinstance(some, list) else [some])
    ]
    codes = [getattr(found, "status_code", found) for found in answers]
    assert sorted(codes) == [302] + [409] * 99
    assert all("just taken" in text(a) for a in answers if getattr(a, "status_code", 0) == 409)


def test_a_family_without_a_verified_child_cannot_book(families: Families, user: User) -> None:
    """T-08: it is told why, and gets the phone."""
    client = browser(user)
    page = text(client.get("/en/visits/book/"))
    assert "once our staff have linked your child" in page
    assert client.post("/en/visits/book/").status_code == 200
    assert client.get("/en/visits/book/ask/where/")["Location"] == "/en/visits/book/"


def test_a_family_with_two_children_says_which(
    families: Families, user: User, home: Client, free: list[Slot]
) -> None:
    """A child that is not theirs is no choice."""
    second = families.add(user, "Sample child Rbt")
    stranger = families.add(family(), "Sample child Other")
    home.post("/en/visits/book/")
    home.post("/en/visits/book/ask/where/", {"where": "CO"})
    page = text(home.get("/en/visits/book/ask/child/"))
    assert "Sample child Rbt" in page
    assert "Sample child Other" not in page
    bad = home.post("/en/visits/book/ask/child/", {"child": str(stranger.pk)})
    assert bad.status_code == 200
    answer(home, child={"child": str(second.pk)})
    hold(home, free[0])
    home.post("/en/visits/book/confirm/", {**DETAILS, **AGREED})
    assert Appointment.objects.get().child_id == second.pk


# --- who sees a visit ----------------------------------------------------------------------------

OWN = ("", "calendar/", "change/", "cancel/", "join/", "room/", "review/")


@pytest.mark.parametrize("path", OWN)
def test_a_visit_is_there_for_its_guardians_alone(
    path: str, families: Families, user: User, child: Child, free: list[Slot], home: Client
) -> None:
    """T-02, T-08: strangers, and guardians whose link is not active, get what nobody has."""
    visit = kept_visit(user, child, free[0])
    stranger, asked, second = family(), family(), family()
    families.add(stranger)
    families.link(asked, child, Scope.NONE)
    families.link(second, child, Scope.GUARDIAN)
    for ask in ("get", "post"):
        theirs = getattr(home, ask)(f"/en/visits/{visit.pk}/{path}").status_code
        nobody = getattr(home, ask)(f"/en/visits/{uuid.uuid4()}/{path}").status_code
        for other in (stranger, asked):
            found = getattr(browser(other), ask)(f"/en/visits/{visit.pk}/{path}").status_code
            assert found == nobody
        assert nobody in (404, 405)
        Appointment.objects.filter(pk=visit.pk).update(status=Status.BOOKED)
        also = getattr(browser(second), ask)(f"/en/visits/{visit.pk}/{path}").status_code
        assert also == theirs or ask == "post"


def test_a_minor_sees_its_visit_and_joins_with_a_guardian(
    families: Families, user: User, child: Child, free: list[Slot], clock: Clock
) -> None:
    """A patient of 17 with an account of its own cannot book, change or join; at 18 it can."""
    teen = family()
    own = families.add(teen, "Sample child T", Scope.PATIENT, date(2008, 11, 27))
    families.link(user, own, Scope.GUARDIAN)
    mine = clock.keep(browser(teen), teen)
    visit = kept_visit(user, own, free[0])
    path = f"/en/visits/{visit.pk}/"
    page = text(mine.get(path))
    assert "A parent or guardian joins this visit with you" in page
    assert "Cancel this visit" not in page
    assert mine.get(f"{path}calendar/").status_code == 200
    clock(visit.slot.starts_at - timedelta(hours=17))
    for door in ("change/", "cancel/", "join/", "room/"):
        assert mine.get(path + door).status_code == 404
    assert "once our staff have linked your child" in text(mine.get("/en/visits/book/"))
    # The birthday begins at midnight where the programme is.
    clock(visit.slot.starts_at - timedelta(minutes=5))
    assert "Where is your child now?" in text(mine.get(f"{path}join/"))


def test_a_link_taken_away_bites_at_once(
    families: Families, user: User, child: Child, free: list[Slot], home: Client
) -> None:
    """T-06: with the page open, and for the one who booked it."""
    visit = kept_visit(user, child, free[0])
    assert home.get(f"/en/visits/{visit.pk}/").status_code == 200
    families.link(user, child, Scope.NONE)
    for path in OWN:
        assert home.get(f"/en/visits/{visit.pk}/{path}").status_code in (404, 405)
    assert "Sample child" not in text(home.get("/en/visits/"))


def test_staff_and_referrers_have_no_family_pages(signed_in: Signed, free: list[Slot]) -> None:
    """T-01: a member of staff is no family, and a referring clinician neither."""
    referrer = User.objects.create_without_password("r@tests.invalid", Kind.REFERRER)
    for client in (signed_in(*Role), browser(referrer)):
        for path in ("", "book/", "book/days/", f"{uuid.uuid4()}/"):
            assert client.get(f"/en/visits/{path}").status_code == 403
    assert Client().get("/en/visits/").status_code == 302


# --- a visit's own pages -------------------------------------------------------------------------


def test_my_visits_lists_what_is_to_come_and_what_was(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """The next one first; the past the other way round."""
    kept_visit(user, child, free[7])
    first = kept_visit(user, child, free[0])
    page = text(home.get("/en/visits/"))
    assert page.index("November 27") < page.index("November 28")
    assert "Earlier and cancelled" not in page
    clock(first.slot.ends_at + timedelta(hours=1))
    page = text(home.get("/en/visits/"))
    assert (
        page.index("November 28") < page.index("Earlier and cancelled") < page.index("November 27")
    )


def test_the_calendar_entry_follows_the_visit(
    user: User, child: Child, free: list[Slot], home: Client
) -> None:
    """Same UID, sequence 0, 1, 2, CANCEL at the end; neutral words in the family's language."""
    visit = kept_visit(user, child, free[0])

    def entry(tongue: str = "en") -> tuple[str, Any]:
        answer = home.get(f"/{tongue}/visits/{visit.pk}/calendar/")
        assert answer["Content-Type"].startswith("text/calendar")
        assert visit.room.encode() not in answer.content
        for word in (b"Qzx", b"Wvk", b"Jqx", b"meet.tests", b"marrow", b"blood", b"ematolog"):
            assert word not in answer.content
        whole = icalendar.Calendar.from_ical(answer.content)
        return str(whole["METHOD"]), whole.walk("VEVENT")[0]

    method, first = entry()
    assert (method, first["SEQUENCE"], first["SUMMARY"]) == ("PUBLISH", 0, "Appointment")
    assert entry("es")[1]["SUMMARY"] == "Cita"
    home.post(f"/en/visits/{visit.pk}/change/")
    hold(home, free[7])
    home.post("/en/visits/book/confirm/", DETAILS)
    method, second = entry()
    assert (method, second["SEQUENCE"], second["UID"]) == ("PUBLISH", 1, first["UID"])
    assert second["DTSTART"].dt == free[7].starts_at
    home.post(f"/en/visits/{visit.pk}/cancel/")
    method, third = entry()
    assert (method, third["SEQUENCE"], third["UID"]) == ("CANCEL", 2, first["UID"])


def test_a_change_keeps_the_old_time_until_the_new_is_confirmed(
    user: User, child: Child, free: list[Slot], home: Client
) -> None:
    """What was said before need not be typed again."""
    visit = kept_visit(user, child, free[0])
    assert home.post(f"/en/visits/{visit.pk}/change/")["Location"] == "/en/visits/book/days/"
    hold(home, free[7])
    page = text(home.get("/en/visits/book/confirm/"))
    assert "Your old time is Friday, November 27, 2026, 9 am MST" in page
    assert "Sample parent Wvk" in page
    visit.refresh_from_db()
    assert visit.slot_id == free[0].pk
    home.post("/en/visits/book/confirm/", DETAILS)
    visit.refresh_from_db()
    assert visit.slot_id == free[7].pk
    assert Appointment.objects.count() == 1


def test_cancelling_asks_once_more_and_frees_the_time(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """GET changes nothing; after the start the page leads to the phone."""
    visit = kept_visit(user, child, free[0])
    home.get(f"/en/visits/{visit.pk}/cancel/")
    visit.refresh_from_db()
    assert visit.status == "booked"
    clock(visit.slot.starts_at)
    assert "can no longer be changed here" in text(
        home.post(f"/en/visits/{visit.pk}/cancel/", follow=True)
    )
    clock(NOW)
    home.post(f"/en/visits/{visit.pk}/cancel/")
    free[0].refresh_from_db()
    assert free[0].state == SlotState.FREE


# --- joining -------------------------------------------------------------------------------------

HERE = {"where": "CO", "with_whom": "Sample aunt Zpv"}


def test_the_door_opens_15_minutes_before(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """S24: to the second, at both ends; before and after there is a page and no way in."""
    visit = kept_visit(user, child, free[0])
    path = f"/en/visits/{visit.pk}/"
    start, end = visit.slot.starts_at, visit.slot.ends_at
    second = timedelta(seconds=1)
    for moment, is_open in (
        (start - timedelta(minutes=15) - second, False),
        (start - timedelta(minutes=15), True),
        (end + timedelta(minutes=30), True),
        (end + timedelta(minutes=30) + second, False),
    ):
        clock(moment)
        page = text(home.get(f"{path}join/"))
        assert ("Where is your child now?" in page) is is_open
        assert ("Go to the video visit" in text(home.get(path))) is is_open
        assert home.get(f"{path}room/")["Location"] == f"{path}join/"
    assert "This visit is over" in page


def test_joining_asks_the_place_again_and_makes_the_way_in_at_the_click(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """The page with the button holds no token; only the redirect does, and nothing keeps it."""
    visit = kept_visit(user, child, free[0])
    path = f"/en/visits/{visit.pk}/"
    clock(visit.slot.starts_at)
    assert home.post(f"{path}join/", HERE)["Location"] == f"{path}join/"
    ready = home.get(f"{path}join/")
    assert f'href="{path}room/"' in text(ready)
    assert visit.room not in text(ready)
    assert "eyJ" not in text(ready)
    way = home.get(f"{path}room/")
    assert way["Location"].startswith(f"https://meet.tests.invalid/{visit.room}?jwt=eyJ")
    assert urlsplit(way["Location"]).hostname == "meet.tests.invalid"
    assert "no-store" in way["Cache-Control"]
    assert Event.objects.filter(action="video.joined").count() == 1
    assert "eyJ" not in str(list(Event.objects.values_list("detail", flat=True)))
    assert "form-action 'self'" in ready["Content-Security-Policy"]


def test_another_state_means_a_phone_number_and_no_button(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """Utah at the door: no way in, not by hand either; corrected, the way is open."""
    visit = kept_visit(user, child, free[0])
    path = f"/en/visits/{visit.pk}/"
    clock(visit.slot.starts_at)
    for number, place in enumerate(("UT", "elsewhere", "unknown")):
        clock(visit.slot.starts_at + timedelta(seconds=number))
        home.post(f"{path}join/", {**HERE, "where": place})
        page = text(home.get(f"{path}join/"))
        assert "Please call us" in page
        assert site().phones.day.number in page
        assert "room/" not in page
        assert home.get(f"{path}room/")["Location"] == f"{path}join/"
    assert JoinAnswer.objects.filter(fits=False).count() == 3
    assert "Where is your child now?" in text(home.get(f"{path}join/?again=1"))
    clock(visit.slot.starts_at + timedelta(minutes=1))
    home.post(f"{path}join/", HERE)
    assert "jwt=" in home.get(f"{path}room/")["Location"]


def test_an_answer_at_the_door_does_not_last(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """After half an hour it is asked again; another guardian answers for themselves."""
    visit = kept_visit(user, child, free[0])
    path = f"/en/visits/{visit.pk}/"
    clock(visit.slot.starts_at - timedelta(minutes=15))
    home.post(f"{path}join/", HERE)
    assert "jwt=" in home.get(f"{path}room/")["Location"]
    clock(visit.slot.starts_at + timedelta(minutes=16))
    assert home.get(f"{path}room/")["Location"] == f"{path}join/"
    assert "Where is your child now?" in text(home.get(f"{path}join/"))


def test_a_license_that_was_lost_shuts_the_door(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """Between answer and click too."""
    visit = kept_visit(user, child, free[0])
    path = f"/en/visits/{visit.pk}/"
    clock(visit.slot.starts_at)
    home.post(f"{path}join/", HERE)
    visit.slot.clinician.licenses.update(expires=date(2026, 11, 26))
    assert home.get(f"{path}room/")["Location"] == f"{path}join/"
    assert "Please call us" in text(home.get(f"{path}join/"))


def test_nobody_joins_without_an_agreement(
    families: Families,
    user: User,
    child: Child,
    free: list[Slot],
    home: Client,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A visit that staff booked asks at the door; new words ask everyone again."""
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    path = f"/en/visits/{visit.pk}/"
    clock(visit.slot.starts_at)
    assert home.post(f"{path}join/", HERE).status_code == 200
    assert not JoinAnswer.objects.exists()
    home.post(f"{path}join/", {**HERE, **AGREED})
    assert "jwt=" in home.get(f"{path}room/")["Location"]
    newer = consent().model_copy(update={"version": "newer"})
    monkeypatch.setattr("hematon.portal.visits.visit_views.consent", lambda: newer)
    assert home.get(f"{path}room/")["Location"] == f"{path}join/"


def test_video_that_is_down_is_a_phone_number(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """T-31: no back end, or an agreement that ended: the visit goes on by phone."""
    visit = kept_visit(user, child, free[0])
    clock(visit.slot.starts_at)
    for off in (None, {**VIDEO, "agreed_on": None}):
        with override_settings(VIDEO=off):
            page = text(home.get(f"/en/visits/{visit.pk}/join/"))
            assert "Video does not work at the moment" in page
            assert site().phones.day.number in page
            assert home.get(f"/en/visits/{visit.pk}/room/").status_code == 302


def test_a_cancelled_visit_has_no_door(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """Nor has one that took place, or one at the clinic."""
    visit = kept_visit(user, child, free[0])
    clock(visit.slot.starts_at)
    home.post(f"/en/visits/{visit.pk}/join/", HERE)
    for change in ({"status": "cancelled"}, {"status": "completed"}, {"kind": "in-person"}):
        before = {"status": "booked", "kind": "video"}
        Appointment.objects.filter(pk=visit.pk).update(**{**before, **change})
        assert home.get(f"/en/visits/{visit.pk}/join/").status_code == 302
        assert "meet" not in home.get(f"/en/visits/{visit.pk}/room/")["Location"]


def test_a_completed_visit_offers_one_review(
    user: User, child: Child, free: list[Slot], home: Client, clock: Clock
) -> None:
    """The directory's own link and rule: one in 30 days, and nothing leads back to the family."""
    visit = kept_visit(user, child, free[0])
    path = f"/en/visits/{visit.pk}/"
    assert home.post(f"{path}review/").status_code == 404
    clock(visit.slot.ends_at)
    actions.mark(
        appointment=visit, status=Status.COMPLETED, seen="booked", by=user, at=visit.slot.ends_at
    )
    assert "Write a review" in text(home.get(path))
    led = home.post(f"{path}review/")["Location"]
    assert led.startswith("/en/experts/")
    assert home.get(led, follow=True).status_code == 200
    assert ReviewLink.objects.count() == 1
    assert home.post(f"{path}review/")["Location"] == path
    assert ReviewLink.objects.count() == 1


# --- staff ---------------------------------------------------------------------------------------


def test_a_scheduler_opens_times_by_the_page(signed_in: Signed, clock: Clock) -> None:
    """A rule in wall time; faults name the field and the fix."""
    own = expert()
    client = signed_in(Role.SCHEDULER)
    given = {
        "clinician": own.slug,
        "kind": "video",
        "weekdays": ["0", "2"],
        "opens": "09:00",
        "closes": "12:00",
        "minutes": "30",
        "every_weeks": "1",
        "first_day": "2026-11-23",
        "last_day": "",
        "interpreter_hours": "48",
    }
    for change, said in (
        ({"closes": "08:00"}, "It must close after it opens"),
        ({"closes": "09:20"}, "No visit of this length fits"),
        ({"opens": "09:02"}, "steps of 5 minutes"),
        ({"first_day": "31.12.2026"}, "year-month-day"),
        ({"last_day": "2026-01-01"}, "must not be before the first"),
        ({"weekdays": []}, "at least one day of the week"),
        ({"interpreter_hours": "-1"}, "0 or more hours"),
    ):
        assert said in text(client.post("/staff/opening-times/", {**given, **change}))
    assert not Rule.objects.exists()
    assert client.post("/staff/opening-times/", given).status_code == 302
    made = Rule.objects.get()
    assert (made.weekdays, made.zone) == ([0, 2], "America/Denver")
    assert {
        slot.starts_at.astimezone(made.opening_zone).weekday() for slot in made.slots.all()
    } == {
        0,
        2,
    }
    assert client.post(f"/staff/opening-times/{made.pk}/withdraw/").status_code == 302
    assert not Slot.objects.exists()


def test_a_closure_says_which_visits_stand_in_it(
    signed_in: Signed, user: User, child: Child, free: list[Slot]
) -> None:
    """Booked visits stay; a person must move them."""
    kept_visit(user, child, free[0])
    client = signed_in(Role.SCHEDULER)
    day = {"clinician": "", "first_day": "2026-11-27", "last_day": "2026-11-27"}
    assert "1 booked visits stand in it" in text(client.post("/staff/closures/", day, follow=True))
    free[1].refresh_from_db()
    assert free[1].state == SlotState.CLOSED
    client.post(f"/staff/closures/{Closure.objects.get().pk}/lift/")
    free[1].refresh_from_db()
    assert free[1].state == SlotState.FREE
    bad = client.post("/staff/closures/", {**day, "last_day": "2026-11-26"})
    assert "must not be before the first" in text(bad)


def test_staff_book_move_and_close_a_visit(
    staff: Callable[[Role], Client],
    user: User,
    child: Child,
    free: list[Slot],
    home: Client,
    clock: Clock,
) -> None:
    """S35: found by the account's address, booked, moved, marked; the family sees each."""
    address = user.address.text
    client = staff(Role.SCHEDULER)
    week = text(client.get("/staff/schedule/?day=2026-11-27"))
    assert f"/staff/schedule/times/{free[0].pk}/" in week
    assert "<dt" in week
    assert "CO" in week
    path = f"/staff/schedule/times/{free[0].pk}/"
    unknown = text(client.post(path, {"find": "1", "address": "nobody@tests.invalid"}))
    assert "No account with a verified child has this address." in unknown
    assert "Sample child Qzx" in text(client.post(path, {"find": "1", "address": address}))
    given = {
        "address": address,
        "child": str(child.pk),
        "state": "CO",
        "language": "es",
        "with_whom": "Sample parent Wvk",
        "phone": "303 555 0100",
    }
    assert "may not see a child in that state" in text(client.post(path, {**given, "state": "UT"}))
    assert client.post(path, given).status_code == 302
    visit = Appointment.objects.get()
    assert (visit.guardian, visit.page_language) == (user, "es")
    assert home.get(f"/en/visits/{visit.pk}/").status_code == 200
    assert "Sample child Qzx" in text(client.get("/staff/schedule/?day=2026-11-27"))
    target = f"/staff/schedule/times/{free[7].pk}/?move={visit.pk}"
    assert "Move the visit" in text(client.get(target))
    client.post(target, {"move": str(visit.pk)})
    visit.refresh_from_db()
    assert visit.slot_id == free[7].pk
    own = f"/staff/schedule/visits/{visit.pk}/"
    assert "The visit took place" not in text(client.get(own))
    clock(visit.slot.ends_at)
    assert "The visit took place" in text(client.get(own))
    late = client.post(own, {"status": "completed", "seen": "pending"})
    assert late.status_code == 409
    client.post(own, {"status": "completed", "seen": "booked"})
    visit.refresh_from_db()
    assert visit.status == "completed"


def test_a_clinician_joins_as_host_and_changes_no_times(
    staff: Callable[[Role], Client],
    user: User,
    child: Child,
    free: list[Slot],
    clock: Clock,
) -> None:
    """The room in its window alone; opening and booking are the scheduler's."""
    visit = kept_visit(user, child, free[0])
    client = staff(Role.CLINICIAN)
    room = f"/staff/schedule/visits/{visit.pk}/room/"
    assert client.get(room)["Location"] == f"/staff/schedule/visits/{visit.pk}/"
    clock(visit.slot.starts_at)
    assert "jwt=" in client.get(room)["Location"]
    assert client.get("/staff/opening-times/").status_code == 403
    assert client.get(f"/staff/schedule/times/{free[1].pk}/").status_code == 403
    assert staff(Role.SCHEDULER).get(room).status_code == 403
    assert "Open the video room" in text(client.get(f"/staff/schedule/visits/{visit.pk}/"))


def test_one_time_is_closed_by_its_button(signed_in: Signed, free: list[Slot]) -> None:
    """And opened by the same."""
    client = signed_in(Role.SCHEDULER)
    for expected in (SlotState.CLOSED, SlotState.FREE):
        client.post(f"/staff/schedule/times/{free[0].pk}/toggle/")
        free[0].refresh_from_db()
        assert free[0].state == expected


def test_the_room_and_the_secret_are_on_no_page(
    signed_in: Signed, user: User, child: Child, free: list[Slot], home: Client
) -> None:
    """T-29: not for staff, not for families, at no time."""
    visit = kept_visit(user, child, free[0])
    staff = signed_in(*Role)
    secret = VIDEO["secret"]
    assert isinstance(secret, bytes)
    for client, path in (
        (home, "/en/visits/"),
        (home, f"/en/visits/{visit.pk}/"),
        (staff, "/staff/schedule/?day=2026-11-27"),
        (staff, f"/staff/schedule/visits/{visit.pk}/"),
    ):
        page = client.get(path).content
        assert b"2026" in page
        assert visit.room.encode() not in page
        assert secret not in page


def test_settings_have_no_video_by_default() -> None:
    """Nothing leaves the site until a programme says so."""
    assert environment.video("HEMATON_VIDEO") is None
