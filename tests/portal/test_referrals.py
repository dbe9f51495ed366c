"""A clinician's referral: begun, kept, checked, sent once, and nobody else's."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pypdfium2
import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from hematon.portal.accounts.models import Kind, User
from hematon.portal.audit.models import Event
from hematon.portal.care import drafts, sending
from hematon.portal.care.models import Case, Consent
from hematon.portal.care.refused import Unfinished
from hematon.portal.care.status import Status
from hematon.portal.files.models import StoredFile
from hematon.portal.referrals import actions, steps
from hematon.portal.referrals.models import Record
from portal_accounts import (
    CLINICIANS,
    CLINICIANS_CODE,
    Clock,
    another,
    ask,
    code_in_mail,
    enter,
)
from referral_pages import (
    ADDRESS,
    ANSWERS,
    CANARY,
    HOME,
    at,
    begun,
    clinician,
    fill,
    seen_in,
    sent,
)

pytestmark = pytest.mark.django_db
OF_A_DRAFT = (
    *("steps/", "steps/you/", "not-here/", "preview/", "check/", "confirm/", "keep/", "delete/"),
    "files/00000000-0000-4000-8000-000000000000/",
)
OF_A_REFERRAL = ("", "sent/", "receipt.pdf", "reply/", "read/", "take-back/")


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    """Each test begins with no code sent and no draft begun from its network."""
    cache.clear()


def test_a_signed_in_clinician_sends_once() -> None:
    """T-36: from the first page to one reference, pressed twice; the team reads one set of keys."""
    client, user = clinician()
    case = begun(client)
    page = fill(client, case)[-1]
    assert CANARY in page
    for _press in range(2):
        answer = client.post(at(case, "check/"), {"seen": seen_in(page)})
        assert answer["Location"] == at(case, "sent/")
    case.refresh_from_db()
    assert (case.status, case.sender, case.interpreter) == (Status.RECEIVED, user, True)
    assert case.reference
    assert case.reference in client.get(at(case, "sent/")).content.decode()
    assert Event.objects.filter(action="case.sent").count() == 1
    assert case.answers["child-name"] == {"child_name": f"Sample child {CANARY}"}
    assert case.answers["birth-date"]["date"] == "2019-05-14"
    assert case.answers["where"] == {"where": "home", "state": "CO"}
    assert case.match
    assert Consent.objects.get(case=case).signer["name"] == f"Sample physician {CANARY}"
    again = client.get(at(case, "check/")).content.decode()
    assert case.reference in again
    assert 'name="seen"' not in again


def test_a_guest_sends_once_after_a_code_and_follows_it() -> None:
    """T-36: the draft becomes the account's whose mail holds the code; two presses send once."""
    client = Client()
    case = begun(client)
    assert case.sender is None
    page = fill(client, case)[-1]
    answer = client.post(at(case, "check/"), {"seen": seen_in(page)})
    assert answer["Location"] == at(case, "confirm/")
    assert mail.outbox[-1].to == [ADDRESS]
    code = code_in_mail()
    wrong = client.post(at(case, "confirm/"), {"code": another(code)})
    assert "This code is not right" in wrong.content.decode()
    case.refresh_from_db()
    assert (case.status, case.sender) == (Status.DRAFT, None)
    for _press in range(2):
        assert client.post(at(case, "confirm/"), {"code": code})["Location"] == at(case, "sent/")
    case.refresh_from_db()
    user = User.objects.with_address(ADDRESS, Kind.REFERRER)
    assert (case.status, case.sender) == (Status.RECEIVED, user)
    assert Event.objects.filter(action="case.sent").count() == 1
    assert Event.objects.filter(action="referral.claimed").count() == 1
    assert case.reference
    assert case.reference in client.get(at(case)).content.decode()
    # Elsewhere the same address is enough, and nothing less is.
    other = Client()
    assert other.get(at(case)).status_code == 302
    ask(other, ADDRESS, CLINICIANS)
    assert enter(other, code_in_mail(), CLINICIANS_CODE)["Location"] == HOME
    assert case.reference in other.get(HOME).content.decode()


def test_a_guests_draft_is_this_browsers_alone_and_ends_after_two_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T-02: nobody else opens it, by GET or POST; after two hours it is over, then deleted."""
    clock = Clock(monkeypatch)
    client = Client()
    case = begun(client)
    client.post(at(case, "steps/where/"), ANSWERS["where"])
    family = Client()
    family.force_login(User.objects.create_without_password("f@tests.invalid", Kind.FAMILY))
    for stranger in (Client(), clinician()[0], family):
        for path in OF_A_DRAFT:
            for send in (stranger.get, stranger.post):
                if path == "confirm/":
                    # It may have been sent just now by the first of two presses: it leads there.
                    assert send(at(case, path), follow=True).status_code in (200, 403, 404)
                    continue
                assert send(at(case, path)).status_code in (404, 405), path
    clock.move(minutes=119)
    assert client.post(at(case, "steps/you/"), ANSWERS["you"]).status_code == 302
    clock.move(minutes=119)
    assert client.get(at(case, "steps/")).status_code == 200
    clock.move(minutes=2)
    assert client.get(at(case, "steps/")).status_code == 410
    assert client.post(at(case, "steps/you/"), ANSWERS["you"]).status_code == 410
    assert drafts.purge(clock.now) == 1
    assert not Case.objects.exists()


def test_a_guest_keeps_a_draft_for_an_account() -> None:
    """Save and come back later: after the code it opens in any browser of that address."""
    client = Client()
    case = begun(client)
    client.post(at(case, "steps/where/"), ANSWERS["where"])
    early = client.post(at(case, "keep/"), follow=True)
    assert "First say who you are" in early.content.decode()
    answer = client.post(at(case, "steps/you/"), {**ANSWERS["you"], "later": "1"})
    assert answer["Location"] == at(case, "confirm/")
    assert client.post(at(case, "confirm/"), {"code": code_in_mail()})["Location"] == HOME
    case.refresh_from_db()
    assert case.ends_at is not None
    assert case.ends_at > timezone.now() + timedelta(days=29)
    other, _user = Client(), None
    ask(other, ADDRESS, CLINICIANS)
    enter(other, code_in_mail(), CLINICIANS_CODE)
    page = fill(other, case)[-1]
    other.post(at(case, "check/"), {"seen": seen_in(page)})
    case.refresh_from_db()
    assert case.status == Status.RECEIVED


def test_another_address_than_the_one_that_was_shown_does_not_send() -> None:
    """A code for one address is worth nothing after the address on the page was changed."""
    client = Client()
    case = begun(client)
    page = fill(client, case)[-1]
    client.post(at(case, "check/"), {"seen": seen_in(page)})
    code = code_in_mail()
    client.post(at(case, "steps/you/"), {**ANSWERS["you"], "address": "other@tests.invalid"})
    assert client.post(at(case, "confirm/"), {"code": code})["Location"] == at(case, "check/")
    case.refresh_from_db()
    assert (case.status, case.sender) == (Status.DRAFT, None)


def test_an_answer_changed_meanwhile_is_checked_again() -> None:
    """T-36: the code of a page that is no longer right claims the draft and sends nothing."""
    client = Client()
    case = begun(client)
    page = fill(client, case)[-1]
    client.post(at(case, "check/"), {"seen": seen_in(page)})
    client.post(at(case, "steps/urgency/"), {"urgency": "routine"})
    answer = client.post(at(case, "confirm/"), {"code": code_in_mail()})
    assert answer["Location"] == at(case, "check/")
    case.refresh_from_db()
    assert case.status == Status.DRAFT
    assert case.sender is not None
    page = client.get(at(case, "check/")).content.decode()
    assert client.post(at(case, "check/"), {"seen": seen_in(page)})["Location"].endswith("/sent/")


def test_no_page_is_skipped() -> None:
    """T-05: with any one answer gone, neither the check page nor sending is reached."""
    client, user = clinician()
    case = begun(client)
    fill(client, case)
    whole = dict(case.answers)
    for key in steps.NAMES:
        if key in ("record",):
            continue
        sending.save_answer(case=case, question=key, answer=None, at=timezone.now())
        case.refresh_from_db()
        for answer in (
            client.get(at(case, "check/")),
            client.post(at(case, "check/"), {"seen": case.revision}),
        ):
            assert answer["Location"] == at(case, "steps/"), key
        with pytest.raises(Unfinished):
            actions.send(case=case, seen=case.revision, by=user, at=timezone.now())
        sending.save_answer(case=case, question=key, answer=whole[key], at=timezone.now())
        case.refresh_from_db()
    fresh = begun(client)
    assert client.get(at(fresh, "steps/authority/"))["Location"] == at(fresh, "steps/where/")


def test_a_child_who_lives_where_we_may_not_help_is_referred_by_phone() -> None:
    """The state rule is a page with a number before the long form, not an error after it."""
    client = Client()
    case = begun(client)
    answer = client.post(at(case, "steps/where/"), {"where": "abroad"}, follow=True)
    assert answer.request["PATH_INFO"] == at(case, "not-here/")
    assert "tel:" in answer.content.decode()
    assert client.get(at(case, "steps/you/"))["Location"] == at(case, "not-here/")
    client.post(at(case, "steps/where/"), {"where": "WY"})
    assert client.get(at(case, "steps/you/")).status_code == 200


def test_a_referral_is_nobody_elses() -> None:
    """T-01, T-02: every address of a sent one, for others by GET and POST."""
    client, _user = clinician()
    case = sent(client)
    stranger, _other = clinician()
    for path in (*OF_A_DRAFT, *OF_A_REFERRAL):
        for send in (stranger.get, stranger.post):
            if path == "confirm/":
                continue
            assert send(at(case, path)).status_code in (404, 405), path
    anonymous = Client()
    for path in OF_A_REFERRAL:
        answer = anonymous.get(at(case, path))
        assert answer.status_code in (302, 405), path
        assert CANARY not in answer.content.decode()


def test_words_of_a_form_are_told_by_the_place() -> None:
    """A wrong NPI, a date of birth to come, an address that is none: each beside its box."""
    client = Client()
    case = begun(client)
    client.post(at(case, "steps/where/"), ANSWERS["where"])
    page = client.post(
        at(case, "steps/you/"), {**ANSWERS["you"], "npi": "1234567890", "address": "none"}
    ).content.decode()
    assert "<title>Error: " in page
    assert 'href="#id_npi"' in page
    assert "This is not an NPI" in page
    assert "Enter an email address in full" in page
    client.post(at(case, "steps/you/"), ANSWERS["you"])
    answer = client.post(at(case, "steps/child/"), {**ANSWERS["child"], "year": "2999"})
    assert "must be in the past" in answer.content.decode()


def test_what_was_typed_is_in_no_address_title_mail_or_audit() -> None:
    """T-29, T-35: a word that stands in every box is on the sender's pages and nowhere else."""
    client = Client()
    case = begun(client)
    pages = fill(client, case)
    client.get(at(case, "preview/"))
    client.post(at(case, "check/"), {"seen": seen_in(pages[-1])})
    client.post(at(case, "confirm/"), {"code": code_in_mail()})
    case.refresh_from_db()
    pages += [client.get(at(case, path)).content.decode() for path in ("", "sent/")]
    assert sum(CANARY in page for page in pages) >= 3
    for page in pages:
        title = re.search("<title>(.*?)</title>", page)
        assert title
        assert CANARY not in title[1]
    assert all(CANARY not in f"{m.subject}{m.body}" for m in mail.outbox)
    assert all(CANARY not in str(event.detail) for event in Event.objects.all())
    reader = pypdfium2.PdfDocument(io.BytesIO(client.get(at(case, "receipt.pdf")).content))
    text = reader[0].get_textpage().get_text_bounded()
    assert case.reference
    assert case.reference in text
    assert "Your referral was sent" in text
    assert CANARY not in text


def test_a_draft_is_deleted_with_its_record_and_files() -> None:
    """Nothing of it stays but the fact that there was one."""
    client = Client()
    case = begun(client)
    fill(client, case)
    assert Record.objects.filter(case=case).exists()
    assert StoredFile.objects.filter(holder=case.pk).exists()
    assert client.post(at(case, "delete/"))["Location"] == "/clinicians/"
    assert not Record.objects.exists()
    assert not StoredFile.objects.exists()
    assert not Case.objects.exists()
    assert client.get(at(case, "steps/")).status_code in (404, 410)


def test_families_and_staff_are_told_that_they_refer_nobody() -> None:
    """A signed-in family begins no referral, by GET or POST."""
    family = Client()
    family.force_login(User.objects.create_without_password("f@tests.invalid", Kind.FAMILY))
    for answer in (family.get(f"{HOME}begin/"), family.post(f"{HOME}begin/")):
        assert "Sign out first" in answer.content.decode()
    assert not Case.objects.exists()


def test_one_network_begins_so_many_drafts_as_a_guest() -> None:
    """T-49: the twenty-first within the hour is refused; who signs in goes on."""
    cache.clear()
    for _turn in range(20):
        assert Client().post(f"{HOME}begin/").status_code == 302
    assert Client().post(f"{HOME}begin/").status_code == 429
    assert clinician()[0].post(f"{HOME}begin/").status_code == 302
    cache.clear()
