"""Opening rules in wall time: which moments they are, when the clock is changed too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hematon.portal.accounts.models import User
from hematon.portal.directory.demonstration import load_demonstration_experts
from hematon.portal.ui.site import site
from hematon.portal.visits import opening_actions as acts
from hematon.portal.visits.demonstration import load_demonstration_times
from hematon.portal.visits.finding import Refused, Wanted, bounds, days_ahead, find, on_day
from hematon.portal.visits.models import Closure, Rule, Slot, SlotState
from hematon.portal.visits.opening import TICK_MINUTES, Opening, days, ticks, times
from visit_people import expert, rule

DENVER = ZoneInfo("America/Denver")
FORWARD, BACK = date(2027, 3, 14), date(2026, 11, 1)
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)


def opening(opens: str, closes: str, minutes: int = 30, zone: str = "America/Denver") -> Opening:
    """Open every day."""
    return Opening(
        range(7),
        time.fromisoformat(opens),
        time.fromisoformat(closes),
        zone,
        date(2020, 1, 6),
        None,
        1,
        minutes,
    )


def shown(rule: Opening, day: date) -> list[str]:
    """Give the times of a day as the clock on the wall shows them."""
    zone = ZoneInfo(rule.zone)
    return [f"{start.astimezone(zone):%H:%M%z}" for start, _ in times(rule, day)]


def test_a_usual_day() -> None:
    """The last time ends when the clinic closes."""
    assert shown(opening("13:00", "15:00", 40), date(2026, 11, 23)) == [
        "13:00-0700",
        "13:40-0700",
        "14:20-0700",
    ]


def test_the_hour_that_is_not_there_has_no_times() -> None:
    """On March 14, 2027 the clock in Denver jumps from 2 to 3."""
    assert shown(opening("01:00", "04:00"), FORWARD) == [
        "01:00-0700",
        "01:30-0700",
        "03:00-0600",
        "03:30-0600",
    ]
    assert shown(opening("02:00", "03:00"), FORWARD) == []
    assert shown(opening("02:15", "04:00", 45), FORWARD) == ["03:00-0600"]
    assert shown(opening("01:00", "02:30"), FORWARD) == ["01:00-0700", "01:30-0700"]


def test_the_hour_that_comes_twice_has_times_twice() -> None:
    """On November 1, 2026 the clock in Denver goes from 2 back to 1; no moment comes twice."""
    found = list(times(opening("00:00", "03:00"), BACK))
    assert shown(opening("00:00", "03:00"), BACK) == [
        "00:00-0600",
        "00:30-0600",
        "01:00-0600",
        "01:30-0600",
        "01:00-0700",
        "01:30-0700",
        "02:00-0700",
        "02:30-0700",
    ]
    assert len({start for start, _ in found}) == 8
    assert shown(opening("01:00", "01:30"), BACK) == ["01:00-0600", "01:00-0700"]


def test_a_visit_in_autumn_stays_at_its_wall_time_in_winter() -> None:
    """The rule is in wall time: 9 am is 15:00Z before the change and 16:00Z after."""
    nine = opening("09:00", "09:30")
    assert [start.hour for day in (date(2026, 10, 31), BACK) for start, _ in times(nine, day)] == [
        15,
        16,
    ]


def test_february_29() -> None:
    """The day is there in 2028 and not in 2027; a rule that begins on it goes on."""
    every = opening("09:00", "10:00", 60)
    february = [
        day for year in (2027, 2028) for day in days(every, date(year, 2, 28), date(year, 3, 1))
    ]
    assert february == [
        date(2027, 2, 28),
        date(2027, 3, 1),
        date(2028, 2, 28),
        date(2028, 2, 29),
        date(2028, 3, 1),
    ]
    assert shown(every, date(2028, 2, 29)) == ["09:00-0700"]
    leap = Opening([1], time(9), time(10), "America/Denver", date(2028, 2, 29), None, 1, 60)
    assert list(days(leap, date(2028, 1, 1), date(2028, 3, 14))) == [
        date(2028, 2, 29),
        date(2028, 3, 7),
        date(2028, 3, 14),
    ]


def test_every_other_week_counts_from_the_first() -> None:
    """Whichever day one looks from, the weeks are the same."""
    other = Opening(
        [0, 3], time(9), time(10), "America/Denver", date(2026, 11, 26), date(2026, 12, 31), 2, 60
    )
    whole = [date(2026, 11, 26), date(2026, 12, 7), date(2026, 12, 10), date(2026, 12, 21)]
    whole.append(date(2026, 12, 24))
    assert list(days(other, date(2026, 1, 1), date(2027, 1, 31))) == whole
    assert list(days(other, date(2026, 12, 8), date(2027, 1, 31))) == whole[2:]


@given(
    opens=st.integers(0, 280),
    length=st.integers(1, 200),
    minutes=st.sampled_from([5, 15, 20, 30, 45, 60]),
    zone=st.sampled_from(["America/Denver", "America/Phoenix", "Australia/Lord_Howe", "UTC"]),
    day=st.sampled_from([FORWARD, BACK, date(2026, 10, 4), date(2027, 4, 4), date(2028, 2, 29)]),
)
def test_no_time_outlasts_its_opening(
    opens: int, length: int, minutes: int, zone: str, day: date
) -> None:
    """On days of change in any zone: right length, in order, apart, and within the wall times."""
    at, end = opens * 5, min(opens * 5 + length * 5, 24 * 60 - 5)
    if at >= end:
        return
    first, last = time(at // 60, at % 60), time(end // 60, end % 60)
    found = list(
        times(Opening(range(7), first, last, zone, date(2020, 1, 6), None, 1, minutes), day)
    )
    here = ZoneInfo(zone)
    for start, stop in found:
        assert stop - start == timedelta(minutes=minutes)
        assert start.astimezone(here).date() == day
        assert int(start.timestamp()) % (TICK_MINUTES * 60) == 0
        moments = [start + timedelta(minutes=m) for m in range(0, minutes, 5)]
        assert all(first <= m.astimezone(here).time() < last for m in moments)
    assert all(before[1] <= after[0] for before, after in pairwise(found))


def test_two_times_share_a_tick_exactly_when_they_overlap() -> None:
    """The five minutes that stand in the database tell the same as the clock."""
    base = NOW.replace(minute=0)
    spans = [
        (base + timedelta(minutes=a), base + timedelta(minutes=a + n))
        for a in range(0, 60, 5)
        for n in (5, 20, 45)
    ]
    for one in spans:
        for two in spans:
            overlap = one[0] < two[1] and two[0] < one[1]
            assert bool(set(ticks(*one)) & set(ticks(*two))) is overlap


# --- kept in the database ------------------------------------------------------------------------


@pytest.fixture
def staff(db: None) -> User:
    """Someone who opens times."""
    return User.objects.create_user("scheduler@tests.invalid", name="Sample scheduler A")


@pytest.mark.django_db
def test_times_are_made_once_and_up_to_the_horizon() -> None:
    """Making them again adds nothing; a day later there is one day more."""
    own = rule(expert(), NOW)
    made = own.slots.count()
    assert made == 6 * acts.HORIZON_DAYS + 3  # it is 10 am: 3 have begun
    assert acts.open_times(at=NOW) == 0
    assert acts.open_times(at=NOW + timedelta(days=1)) == 6


def closed_on(of: Rule, day: date) -> int:
    """Count the closed times of a day."""
    first, end = bounds(day, day, DENVER)
    return of.slots.filter(state=SlotState.CLOSED, starts_at__gte=first, starts_at__lt=end).count()


@pytest.mark.django_db
def test_the_programmes_holidays_are_closed(staff: User) -> None:
    """They stand in the site's file; lifting a closure around one does not open it."""
    own = rule(expert(), NOW)
    holiday = date(2026, 12, 25)
    assert holiday in site().office.closed_on
    assert closed_on(own, holiday) == 6
    assert closed_on(own, holiday + timedelta(days=1)) == 0
    closure, _ = acts.close_days(
        clinician=None, first=date(2026, 12, 24), last=date(2026, 12, 26), by=staff, at=NOW
    )
    acts.lift_closure(closure=closure, by=staff, at=NOW)
    assert closed_on(own, holiday) == 6
    assert closed_on(own, holiday + timedelta(days=1)) == 0


@pytest.mark.django_db
def test_closed_days_have_no_times_until_the_closure_is_lifted(staff: User) -> None:
    """A closure closes what is free, also times made later; lifted, they are free again."""
    one, two = expert("sample-a"), expert("sample-b")
    own, other = rule(one, NOW), rule(two, NOW)
    day = date(2026, 12, 24)
    closure, booked = acts.close_days(clinician=one, first=day, last=day, by=staff, at=NOW)
    assert booked == 0
    assert closed_on(own, day) == 6
    assert closed_on(other, day) == 0
    everyone, _ = acts.close_days(clinician=None, first=day, last=day, by=staff, at=NOW)
    acts.lift_closure(closure=closure, by=staff, at=NOW)
    assert closed_on(own, day) == 6
    later = rule(one, NOW, opens=time(13), closes=time(14))
    assert closed_on(later, day) == 2
    acts.lift_closure(closure=everyone, by=staff, at=NOW)
    assert closed_on(own, day) == closed_on(later, day) == 0
    assert not Closure.objects.exists()


@pytest.mark.django_db
def test_a_rule_taken_back_leaves_nothing_free(staff: User) -> None:
    """Its free times go, at once and for good."""
    own = rule(expert(), NOW)
    assert acts.withdraw_rule(rule=own, by=staff, at=NOW) == 0
    assert own.slots.count() == 0
    assert acts.open_times(at=NOW) == 0


@pytest.mark.django_db
def test_the_demonstration_has_times_and_makes_them_once() -> None:
    """Sample experts alone, each within licenses and kinds that the roster gives; no name else."""
    load_demonstration_experts()
    load_demonstration_times(at=NOW)
    made = set(Slot.objects.values_list("pk", flat=True))
    assert {rule.kind for rule in Rule.objects.all()} == {"video", "phone", "in-person"}
    assert all(rule.clinician.name.startswith("Sample") for rule in Rule.objects.all())
    for kind in ("video", "phone", "in-person"):
        assert days_ahead(Wanted(kind, "CO", False, NOW)), kind
    assert days_ahead(Wanted("video", "WY", True, NOW))
    load_demonstration_times(at=NOW)
    assert set(Slot.objects.values_list("pk", flat=True)) == made


@pytest.mark.django_db
def test_one_time_is_closed_and_opened_again(staff: User) -> None:
    """Only what is free is closed, only what is closed is opened."""
    slot = rule(expert(), NOW).slots.order_by("starts_at").last()
    assert slot is not None
    acts.close_time(slot=slot, by=staff)
    with pytest.raises(Refused):
        acts.close_time(slot=slot, by=staff)
    acts.reopen_time(slot=slot, by=staff)
    with pytest.raises(Refused):
        acts.reopen_time(slot=slot, by=staff)


# --- who may see the child -----------------------------------------------------------------------


@pytest.mark.django_db
def test_only_clinicians_with_a_license_where_the_child_will_be() -> None:
    """By state, on the day of the visit: a license that ends before it does not count."""
    ends = date(2026, 12, 1)
    colorado, wyoming = expert("sample-a", CO=date(2099, 1, 1)), expert("sample-b", WY=ends)
    kansas = expert("sample-c", KS=date(2099, 1, 1))
    for each in (colorado, wyoming, kansas):
        rule(each, NOW)

    def seen(state: str, kind: str = "video") -> set[str]:
        wanted = Wanted(kind, state, False, NOW)
        found = find(wanted, first=NOW, last=NOW + timedelta(days=30))
        return {slot.clinician.slug for slot in found}

    assert seen("CO") == {"sample-a"}
    assert seen("WY") == {"sample-b"}
    # Someone is licensed there, and the programme's own list does not have the state.
    assert seen("KS") == set()
    assert seen("elsewhere") == seen("unknown") == seen("UT") == set()
    wanted = Wanted("video", "WY", False, NOW)
    assert on_day(wanted, ends)
    assert on_day(wanted, ends + timedelta(days=1)) == []


@pytest.mark.django_db
def test_at_the_clinic_any_state_will_do() -> None:
    """The child comes to us, where every clinician works."""
    rule(expert(), NOW, kind="in-person")
    assert days_ahead(Wanted("in-person", "UT", False, NOW))
    assert not days_ahead(Wanted("video", "CO", False, NOW))


@pytest.mark.django_db
def test_video_needs_a_clinician_who_does_video_and_is_listed() -> None:
    """Leaving the team, or video, takes the times away."""
    own = expert()
    rule(own, NOW)
    wanted = Wanted("video", "CO", False, NOW)
    assert days_ahead(wanted)
    own.telehealth = False
    own.save()
    assert not days_ahead(wanted)
    own.telehealth, own.active_to = True, date(2026, 11, 30)
    own.save()
    assert [day.date for day in days_ahead(wanted)][-1] == date(2026, 11, 30)


@pytest.mark.django_db
def test_an_interpreter_needs_lead_time() -> None:
    """Times that are too soon to find one are not offered to who needs one."""
    rule(expert(), NOW, interpreter_hours=72)
    soon = NOW + timedelta(hours=72)
    with_one = find(Wanted("video", "CO", True, NOW), first=NOW, last=NOW + timedelta(days=9))
    without = find(Wanted("video", "CO", False, NOW), first=NOW, last=NOW + timedelta(days=9))
    assert min(slot.starts_at for slot in with_one) >= soon
    assert min(slot.starts_at for slot in without) < soon


@pytest.mark.django_db
def test_a_family_in_another_zone_books_the_same_moment() -> None:
    """Days and times are the clinic's; the moment is one wherever the family reads it."""
    own = rule(expert(), NOW, opens=time(16), closes=time(18))
    slot = own.slots.order_by("starts_at").first()
    assert slot is not None
    new_york = slot.starts_at.astimezone(ZoneInfo("America/New_York"))
    assert (slot.starts_at.astimezone(DENVER).hour, new_york.hour) == (16, 18)
    late = rule(expert("sample-b"), NOW, opens=time(22), closes=time(23)).slots.order_by(
        "starts_at"
    )
    first = late[0].starts_at
    assert first.astimezone(DENVER).date() != first.astimezone(UTC).date()
    found = on_day(Wanted("video", "CO", False, NOW), first.astimezone(DENVER).date())
    assert first in [each.starts_at for each in found]
