"""The list: the suggested order with its reasons, views, filters, finding, giving."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.care import talking, working
from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.reference import new_reference
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.inbox import actions, looking
from hematon.portal.inbox.models import SavedFilter
from hematon.portal.privacy.actions import break_glass
from inbox_pages import CANARY, call, family, nurse, request, text_of

pytestmark = pytest.mark.django_db
REFERENCE = re.compile(r'type="submit">(HM-[A-Z0-9]{4}-[A-Z0-9]{4})</button>')


def shown(page: str) -> list[str]:
    """The references of a list, in its order."""
    return REFERENCE.findall(page)


def number_of(page: str, view: str) -> int:
    """How many the tab of a view says."""
    found = re.search(rf'view={view}"[^>]*>[^<]*<span[^>]*>(?:<span[^>]*>, </span>)?(\d+)<', page)
    assert found, view
    return int(found[1])


def test_the_list_stands_in_the_suggested_order_with_its_reason() -> None:
    """J4: A with its rule, then B, then what nobody could sort, then routine; all in words."""
    client, user = nurse()
    routine = request(kind=Kind.LEARN_MORE)
    unknown = request(counts={}, symptoms={"symptoms": ["none"]})
    same_day = request(counts={})
    first = request()
    working.move_band(
        case=routine,
        band=Band.ROUTINE,
        reason="x",
        by=user,
        at=timezone.now(),
        seen=routine.revision,
    )
    page = text_of(client.get("/staff/inbox/"))
    order = [first, same_day, unknown, routine]
    assert shown(page) == [case.reference for case in order]
    assert "Platelets below 20 × 10⁹/L." in page
    assert "No rule fired. Not told:" in page
    assert "America/Denver" in page
    assert "7 years" in page


def test_a_child_that_is_not_matched_comes_first_in_its_band() -> None:
    """J4: identity before clinical work; the matched one stands behind it."""
    client, user = nurse()
    from hematon.portal.care import identity

    matched, waiting = request(), request(**{"child-name": {"child_name": "Other Placeholder"}})
    identity.match_new(case=matched, by=user, at=timezone.now(), seen=matched.revision)
    page = text_of(client.get("/staff/inbox/"))
    assert shown(page) == [waiting.reference, matched.reference]
    assert page.count("Child not matched") == 2, "the row's flag, and the filter of that name"


def test_views_choose_and_count_and_none_is_left_out() -> None:
    """Each view shows what its name says; its number is what it shows."""
    client, user = nurse()
    parent = family()
    mine, held, closed, calling = request(), request(sender=parent), request(), call()
    opinion = request(Kind.SECOND_OPINION)
    referral = request(Kind.REFERRAL, note={"text": "a"})
    at = timezone.now()
    mine = working.assign(case=mine, to=user, by=user, at=at, seen=mine.revision)
    for case, steps in (
        (held, [(Status.ACCEPTED, ""), (Status.ON_HOLD, HoldReason.RECORDS)]),
        (closed, [(Status.REJECTED, "not-ours")]),
    ):
        for status, reason in steps:
            case.refresh_from_db()
            working.step(
                case=case, status=status, by=user, at=at, seen=case.revision, reason=reason
            )
    talking.send_message(case=closed, key="k", text="x", by=closed.sender, language="en", at=at)
    expected = {
        "open": {mine, held, closed, calling, opinion, referral},
        "mine": {mine},
        "unassigned": {held, calling, opinion, referral},
        "replies": {closed},
        "waiting": {held},
        "calls": {calling},
        "second-opinions": {opinion},
        "referrals": {referral},
        "closed": {closed},
    }
    for view, cases in expected.items():
        page = text_of(client.get(f"/staff/inbox/?view={view}"))
        assert set(shown(page)) == {case.reference for case in cases}, view
        assert number_of(page, view) == len(cases), view
    seen = set[str]()
    for view in looking.VIEWS:
        seen |= set(shown(text_of(client.get(f"/staff/inbox/?view={view.code}"))))
    assert len(seen) == Case.objects.count()


def test_due_today_is_by_the_programmes_day_and_the_soonest_promise() -> None:
    """What is late says so; what waits for others says that the clock stands."""
    client, user = nurse()
    late, later = request(), request()
    now = timezone.now()
    Case.objects.filter(pk=late.pk).update(due_at=now - timedelta(minutes=5))
    far = now + timedelta(days=9)
    Case.objects.filter(pk=later.pk).update(due_at=far, read_due_at=far)
    page = text_of(client.get("/staff/inbox/?view=due"))
    assert shown(page) == [late.reference]
    assert ">Late<" in page
    for status, reason in ((Status.ACCEPTED, ""), (Status.ON_HOLD, HoldReason.FAMILY)):
        later.refresh_from_db()
        working.step(case=later, status=status, by=user, at=now, seen=later.revision, reason=reason)
    working.open_case(case=later, by=user, at=now)
    assert "The clock stands" in text_of(client.get("/staff/inbox/"))


def test_filters_are_codes_and_what_is_none_is_left_out() -> None:
    """T-29: the address holds codes alone; any other value narrows nothing and breaks nothing."""
    client, _user = nurse()
    spanish, english = request(), request(Kind.START, language="en", counts={})
    for query, cases in (
        ("kind=start", [english]),
        ("band=a", [spanish]),
        ("language=es", [spanish]),
        ("flag=interpreter", []),
        ("flag=unmatched", [spanish, english]),
        ("flag=unread&language=en", [english]),
        ("kind=nothing&band=%00&flag='&view=..&page=-3", [spanish, english]),
    ):
        page = text_of(client.get(f"/staff/inbox/?{query}"))
        assert shown(page) == [case.reference for case in cases], query
        assert CANARY not in page


def test_a_person_keeps_filters_of_their_own() -> None:
    """T-02, T-32: nobody else sees or drops them; the name is sealed, the rest is codes."""
    client, user = nurse()
    other, _ = nurse()
    given = {"view": "open", "language": "es", "flag": "nonsense", "keep-name": "  My  Spanish "}
    assert client.post("/staff/inbox/filters/", given)["Location"].endswith("view=open&language=es")
    kept = SavedFilter.objects.get()
    assert (kept.user, kept.name) == (user, "My Spanish")
    assert kept.codes == {"view": "open", "language": "es"}
    assert "My Spanish" in text_of(client.get("/staff/inbox/"))
    assert "My Spanish" not in text_of(other.get("/staff/inbox/"))
    assert other.post(f"/staff/inbox/filters/{kept.pk}/drop/").status_code == 404
    wrong = client.post("/staff/inbox/filters/", {"keep-name": " "})
    assert wrong.status_code == 422
    assert "<title>Error: " in text_of(wrong)
    for number in range(actions.FILTERS_MOST - 1):
        client.post("/staff/inbox/filters/", {"keep-name": f"n{number}"})
    full = client.post("/staff/inbox/filters/", {"keep-name": "one more"})
    assert "Drop one first" in text_of(full)
    client.post(f"/staff/inbox/filters/{kept.pk}/drop/")
    assert SavedFilter.objects.count() == actions.FILTERS_MOST - 1
    assert "My Spanish" not in str(list(Event.objects.values()))


def test_a_reference_is_found_by_a_form_and_never_in_an_address() -> None:
    """T-29: lower case and missing dashes are fine; a slip is told from "not there"."""
    client, _user = nurse()
    case = call()
    assert case.reference is not None
    typed = case.reference.replace("-", "").lower()
    found = client.post("/staff/inbox/find/", {"find-reference": typed})
    assert found["Location"] == f"/staff/cases/{case.pk}/"
    slip = case.reference[:-1] + ("2" if case.reference[-1] != "2" else "3")
    for wrong, said in (
        (slip, "not a reference"),
        ("", "Enter a reference"),
        (new_reference(), "No request that you may open"),
    ):
        answer = client.post("/staff/inbox/find/", {"find-reference": wrong})
        assert said in text_of(answer)
        assert "<title>Error: " in text_of(answer)
    assert client.get("/staff/inbox/find/").status_code == 405


def test_a_clinician_sees_what_is_theirs_and_opens_the_rest_in_an_emergency_alone() -> None:
    """T-11: the way to the glass is shown for a reference; after it the case opens, for an hour."""
    client, user = nurse(Role.CLINICIAN)
    opinion, question = request(Kind.SECOND_OPINION), request()
    assert shown(text_of(client.get("/staff/inbox/"))) == [opinion.reference]
    here = f"/staff/cases/{question.pk}/"
    assert client.get(here).status_code == 404
    assert client.post(f"{here}note/", {"note-text": "x"}).status_code == 404
    page = text_of(client.post("/staff/inbox/find/", {"find-reference": question.reference}))
    assert f"/case/{question.pk}/" in page
    break_glass(user=user, subject=question, reason="in the ward now", at=timezone.now())
    answer = text_of(client.get(here))
    assert "Opened in an emergency" in answer
    assert Event.objects.filter(action="case.viewed", purpose="BTG").count() == 1
    assert set(shown(text_of(client.get("/staff/inbox/")))) == {
        opinion.reference,
        question.reference,
    }


def test_several_are_given_at_once_and_what_moved_on_stays() -> None:
    """The stale one keeps its owner, the others get theirs, each with its audit row."""
    client, user = nurse()
    one, two, moved = request(), request(), request()
    seen = {case.pk: case.revision for case in (one, two, moved)}
    working.assign(case=moved, to=user, by=user, at=timezone.now(), seen=moved.revision)
    _client, colleague = nurse()
    given = {
        "case": [*(f"{pk}:{revision}" for pk, revision in seen.items()), "x:1", f"{one.pk}:-1"],
        "give-to": str(colleague.pk),
    }
    answer = client.post("/staff/inbox/give/", given, follow=True)
    assert "2 given to" in text_of(answer)
    assert "1 had moved on" in text_of(answer)
    owners = [Case.objects.get(pk=pk).owner for pk in seen]
    assert owners == [colleague, colleague, user]
    assert Event.objects.filter(action="case.assigned").count() == 3
    nothing = client.post("/staff/inbox/give/", {"give-to": str(colleague.pk)}, follow=True)
    assert "Choose at least one request" in text_of(nothing)


def test_the_list_has_pages_and_asks_little_of_the_database(
    django_assert_max_num_queries: object,
) -> None:
    """The 26th stands on the second page; a page of 25 costs as many queries as one of 5."""
    client, _user = nurse()
    for _each in range(26):
        call()
    first = shown(text_of(client.get("/staff/inbox/?view=calls")))
    second = shown(text_of(client.get("/staff/inbox/?view=calls&page=2")))
    assert (len(first), len(second)) == (25, 1)
    assert len({*first, *second}) == 26
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        client.get("/staff/inbox/")


def test_looking_at_the_list_is_recorded_once() -> None:
    """T-35: how many were shown and in which view; no reference and no name."""
    client, user = nurse()
    case = request()
    client.get("/staff/inbox/?view=second-opinions")
    row = Event.objects.get(action="case.listed")
    assert (row.actor_id, row.detail["view"], row.detail["shown"]) == (
        user.pk,
        "second-opinions",
        0,
    )
    assert str(case.reference) not in str(row.detail)
