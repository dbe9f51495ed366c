"""The assessment of a case: complete on its page, tried with one input changed, and judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

import hematon
from hematon.engine.case import Case as EngineCase
from hematon.engine.case import Finding, Measurement, ReportedVariant, Treatment
from hematon.errors import Issue
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event
from hematon.portal.care import ending
from hematon.portal.care.models import Case
from hematon.portal.care.refused import NotInThisState, NotPermitted
from hematon.portal.care.status import Status
from hematon.portal.clinic.models import Feedback
from hematon.portal.clinic.reading import knowledge
from hematon.portal.opinions import counted, runs
from hematon.portal.opinions.items import items_of
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.models import About, Judgement, Run
from hematon.portal.opinions.moved import moved
from hematon.portal.opinions.packet_pdf import packet_pdf
from hematon.report import html
from opinion_cases import AT, BORN, browser, given_to, ready, referred, sent, staff, text_of

pytestmark = pytest.mark.django_db
CANARY = "canary-Beryl-58"
BREAKAGE = "TST_DEB_POS"
Signed = Callable[..., Client]


@pytest.fixture
def mine() -> tuple[Case, User, Client]:
    """A case, the clinician who reviews it, and that clinician's browser."""
    case, doctor, _ = ready()
    return case, doctor, browser(doctor)


def at(case: Case, number: int | None = None, rest: str = "") -> str:
    """Give an address of the assessment."""
    return f"/staff/cases/{case.pk}/assessment/{'' if number is None else f'{number}/'}{rest}"


def seen(page: str) -> str:
    """Give the inputs that a form names."""
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def option(page: str, words: str) -> str:
    """Give the code of the first choice that says these words."""
    found = re.search(rf'<option value="([^"]+)">[^<]*{re.escape(words)}', page)
    assert found, words
    return found[1]


def tried(client: Client, case: Case, number: int, kind: str, which: str, **answer: str) -> Run:
    """Change one input by its page and give the version that was kept."""
    here = at(case, number, f"change/{kind}/")
    page = client.get(here).content.decode()
    sent_ = {"seen": seen(page), "which": option(page, which), **answer}
    there = client.post(here, sent_)
    assert there.status_code == 302, there.content.decode()
    return Run.objects.get(case=case, number=int(there["Location"].rstrip("/").rsplit("/", 1)[1]))


def judged(client: Client, case: Case, number: int, item: str, **said: str) -> Any:
    """Send a judgement by its page."""
    here = at(case, number, "judge/")
    page = client.get(here).content.decode()
    return client.post(here, {"seen": seen(page), "item": item, "comment": "", **said})


def stored(model: Any) -> bytes:
    """Give every byte of a table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table}")
        return b"\0".join(
            bytes(v) if isinstance(v, (bytes, memoryview)) else str(v).encode()
            for row in cursor.fetchall()
            for v in row
        )


# --- the page ------------------------------------------------------------------------------------


def test_the_page_holds_the_checklist_of_clinical_decision_support(mine: Any) -> None:
    """Section 5.3, one to ten: each of the things a clinician must be able to check is there."""
    case, _, client = mine
    page = re.sub(r"\s+", " ", client.get(at(case)).content.decode())
    packet = packet_of(case, AT)
    found = packet.assessment
    assert found is not None
    for words in (
        # 1 who, which children, what for, and what not
        "pediatric hematologists and the clinicians who refer to them",
        "from birth to 18 years",
        "must not be used for urgent decisions",
        # 2 value, unit, date, source, range of the laboratory
        "2026-11-03",
        ">79 g/L<",
        "115 to 145",
        "As the sender typed them from printouts",
        # 3 missing, and what each could change
        found.missing[0].name,
        "Could change: ",
        # 4 each option, with its evidence one click away
        *(c.name for c in found.differential[:3] if c.condition != "something_else"),
        "For: ",
        "Against: ",
        f"/staff/cases/{case.pk}/packet/computed/",
        # 5 how it works
        "How this works",
        "A likelihood ratio (LR) says",
        # 6 tested, and where not; 7 limits
        "Where this was tested, and where not",
        "By ancestry never tested",
        # 8 versions, time, user, input
        f"Software {found.versions.engine}, knowledge {found.versions.knowledge}",
        "Sample physician A",
        f"{timezone.now():%Y-%m-%d}",
        found.input_hash,
        # 9 and 10
        "Agree or disagree",
        "Consider, in this order",
        "Ranked by the model",
    ):
        assert words in page, words
    report = client.get(f"/staff/cases/{case.pk}/packet/computed/").content.decode()
    for words in (
        "Evidence for",
        "Evidence against",
        "Next tests to consider",
        "Where this has not",
    ):
        assert words in report


def test_looking_keeps_nothing(mine: Any) -> None:
    """T-24: pages and forms of the assessment are opened, and no version comes of it."""
    case, _, client = mine
    for rest in ("", "0/change/count/", "0/change/finding/", "0/judge/"):
        assert client.get(at(case) + rest).status_code == 200
    assert not Run.objects.exists()


# --- trials --------------------------------------------------------------------------------------


def test_a_trial_stands_beside_what_was_there(mine: Any) -> None:
    """J5 step 6: two versions, the first re-openable exactly as it was, the record untouched."""
    case, doctor, client = mine
    record, before = case.answers, packet_of(case, AT)
    trial = tried(client, case, 0, "count", "Platelets 19", value="250")
    start = trial.changed_from
    assert (start.number, trial.number) == (1, 2)
    assert (start.change, trial.by, start.input_hash) == (
        None,
        doctor,
        before.assessment.input_hash,
    )
    assert trial.change["after"].startswith("250")
    assert trial.input_hash != start.input_hash
    assert trial.output != start.output
    # The record is what it was, and so is everything that is made of it.
    again = packet_of(Case.objects.get(pk=case.pk), AT)
    assert again.case.answers == record
    assert again.bundle == before.bundle
    assert again.assessment.to_json() == before.assessment.to_json() == start.output
    # And the old version opens as it was.
    shown = client.get(at(case, 1, "report/")).content.decode()
    assert html.render(before.assessment, knowledge()).partition("<header>")[2] in shown
    listed = client.get(at(case)).content.decode()
    assert "the record as it stood" in listed
    assert "Trial, from version 1" in listed


def test_what_moved_is_said_with_the_numbers_of_both_versions(mine: Any) -> None:
    """Rank and share before and after, and the likelihood ratios of the changed input."""
    case, _, client = mine
    trial = tried(client, case, 0, "finding", "Chromosome breakage (DEB/MMC)", answer="present")
    before, after = trial.changed_from.said, trial.said
    ranks = [
        next(c["rank"] for c in said["differential"] if c["condition"] == "fanconi_anemia")
        for said in (before, after)
    ]
    assert ranks[1] == 1 < ranks[0]
    row = moved(before, after).rows[0]
    assert (row.rank_before, row.rank_after, row.way) == (ranks[0], 1, "up")
    (piece,) = [p for p in row.pieces if "breakage" in p.text.lower()]
    assert piece.before == "not counted"
    (weight,) = [
        c["likelihood_ratio"]
        for c in after["differential"][0]["contributions"]
        if c["evidence"] == BREAKAGE
    ]
    assert piece.after.startswith(f"LR {weight:.0f} for, strong")
    # One that was ranked too low to hold its evidence still says what the new result weighs.
    silent = [one.name for one in moved(before, after).rows if not one.pieces]
    assert silent == ["Something else (none of these)"]
    page = client.get(at(case, 2)).content.decode()
    assert f"{ranks[0]} → 1" in page
    assert piece.after in page
    assert moved(after, after).further == 0
    assert not any(one.pieces for one in moved(after, after).rows)


def test_trials_follow_from_one_another_and_take_back(mine: Any) -> None:
    """A trial of a trial is compared with that; taken back, the inputs are the first ones."""
    case, _, client = mine
    first = tried(client, case, 0, "finding", "Chromosome breakage (DEB/MMC)", answer="present")
    second = tried(
        client, case, first.number, "finding", "Chromosome breakage (DEB/MMC)", answer="not stated"
    )
    assert second.changed_from == first
    assert second.change["before"] == "present"
    assert second.input_hash == first.changed_from.input_hash
    assert second.output == first.changed_from.output
    added = tried(client, case, 0, "count", "Hemoglobin F", value="12")
    assert added.changed_from == first.changed_from, "the record as it stands is kept once"
    assert added.change["before"] == "not stated"
    assert any(one["name"].startswith("Hemoglobin F") for one in added.said["inputs"])


def test_a_run_is_made_again_to_the_same_bytes(mine: Any) -> None:
    """Section 5.4: same inputs, same versions, same output; changed bytes are seen."""
    case, _, client = mine
    trial = tried(client, case, 0, "count", "Platelets 19", value="<5")
    for one in (trial, trial.changed_from):
        assert runs.comes_out_the_same(one) is True
        assert one.is_whole
    assert "the same, byte for byte" in client.get(at(case, 2)).content.decode()
    other = Run.objects.get(pk=trial.pk)
    other.output = other.output.replace(b'"rank":1,', b'"rank":2,')
    assert not other.is_whole
    assert runs.comes_out_the_same(other) is False


def test_an_old_version_opens_as_it_was_when_software_is_another(
    mine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its report is read from what was kept; nothing of it is made anew."""
    case, _, client = mine
    trial = tried(client, case, 0, "count", "Platelets 19", value="250")

    def changed(*_: object) -> str:
        raise AssertionError("made anew")

    monkeypatch.setattr(hematon, "__version__", "99.0")
    monkeypatch.setattr(html, "render", changed)
    assert runs.comes_out_the_same(trial) is None
    shown = client.get(at(case, trial.number, "report/"))
    assert shown.status_code == 200
    assert trial.document.decode().partition("<header>")[2] in shown.content.decode()
    assert "A trial, not the record." in shown.content.decode()
    assert "unsafe" not in shown["Content-Security-Policy"]
    page = client.get(at(case, trial.number)).content.decode()
    assert "It opens as it was made then." in page


@pytest.mark.parametrize(
    ("kind", "sent_", "words"),
    [
        ("count", {"which": "value-0", "value": "a lot"}, "as a number, such as 7.9"),
        ("count", {"which": "value-0", "value": "-3"}, "as a number, such as 7.9"),
        ("count", {"which": "value-0", "value": "98"}, "cannot have this number"),
        ("count", {"which": "value-999", "value": "9"}, "Select a valid choice"),
        ("count", {"value": "9"}, "Choose which count to change."),
        ("count", {"which": "value-0"}, "Enter the number to try."),
        ("finding", {"which": BREAKAGE}, "Choose what it should be."),
        ("finding", {"which": "LAB_ANEMIA", "answer": "present"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_tried_is_said(
    mine: Any, kind: str, sent_: dict[str, str], words: str
) -> None:
    """A clear message, what was typed still there, and nothing kept."""
    case, _, client = mine
    here = at(case, 0, f"change/{kind}/")
    answer = client.post(here, {**sent_, "seen": seen(client.get(here).content.decode())})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<title>Error: " in page
    assert words in page
    assert not Run.objects.exists()


def test_a_page_from_before_another_record_is_refused(mine: Any) -> None:
    """Position in a list means nothing once the list is another; the second press is knowing."""
    case, _, client = mine
    for rest, sent_ in {
        "change/count/": {"which": "value-0", "value": "9"},
        "judge/": {"item": "cause:fanconi_anemia", "outcome": "accepted", "reason": ""},
    }.items():
        answer = client.post(at(case, 0, rest), {**sent_, "seen": "0" * 64})
        assert answer.status_code == 409
        assert "The record changed since you opened this page" in answer.content.decode()
        again = seen(answer.content.decode())
        assert client.post(at(case, 0, rest), {**sent_, "seen": again}).status_code == 302


def _ages() -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, 7000)


@given(
    st.builds(
        EngineCase,
        id=st.text(max_size=9),
        sex=st.sampled_from([None, "male", "female"]),
        age_days=_ages(),
        birth_date=st.none() | st.dates(date(2000, 1, 1), date(2026, 1, 1)),
        measurements=st.lists(
            st.builds(
                Measurement,
                analyte=st.sampled_from(["hemoglobin", "platelets"]),
                value=st.floats(0, 1e6),
                age_days=_ages(),
                lab_low=st.none() | st.floats(0, 1e3),
                where=st.text(max_size=5),
            ),
            max_size=3,
        ).map(tuple),
        findings=st.lists(
            st.builds(Finding, code=st.just("HP:0001744"), observed=st.booleans()), max_size=2
        ).map(tuple),
        treatments=st.just((Treatment("g_csf", 3),)),
        variants=st.just((ReportedVariant("FANCA"),)),
        excluded_conditions=st.just(("dba",)),
    ),
    st.just((Issue("warning", "sex-unknown", "Patient", "the sex is not stated"),)),
)
def test_what_is_kept_is_read_back_equal(case: EngineCase, issues: tuple[Issue, ...]) -> None:
    """Nothing of a record is lost or rounded where a run keeps it."""
    given_ = runs.Record(case, issues, "referral")
    assert runs.Record.of(given_.to_bytes()) == given_
    assert runs.Record.of(given_.to_bytes()).to_bytes() == given_.to_bytes()


# --- judgements ----------------------------------------------------------------------------------


def test_a_disagreement_stands_in_the_case_and_in_the_packet(mine: Any) -> None:
    """J5 step 7: a coded reason and words, beside the run, printed as the clinician's."""
    case, doctor, client = mine
    page = client.get(at(case, 0, "judge/")).content.decode()
    cause, test = option(page, "Fanconi anemia"), option(page, "Chromosome breakage")
    assert cause == "cause:fanconi_anemia"
    answer = judged(client, case, 0, cause, outcome="overridden", reason="", comment=CANARY)
    assert answer.status_code == 200
    assert "Say why you disagree." in answer.content.decode()
    assert not Judgement.objects.exists()
    assert judged(
        client, case, 0, cause, outcome="overridden", reason="evidence_missing", comment=CANARY
    )["Location"] == at(case)
    judged(client, case, 1, test, outcome="accepted")
    urgency = next(items_of(Run.objects.get().said)).key
    judged(client, case, 1, urgency, outcome="overridden", reason="rank")
    assert Run.objects.count() == 1, "each judged the same assessment"
    one = Judgement.objects.get(about=About.CAUSE)
    assert (one.item["code"], one.reason, one.by) == ("fanconi_anemia", "evidence_missing", doctor)
    for here in (at(case), at(case, 1), f"/staff/cases/{case.pk}/packet/"):
        shown = client.get(here).content.decode()
        assert CANARY in shown, here
        assert "Evidence that matters is missing" in shown
    printed = " ".join(text_of(packet_pdf(packet_of(case, AT), knowledge())).split())
    _, _, theirs = printed.partition("What clinicians said of what was computed")
    for words in (
        "Said by the clinicians who are named. Not computed.",
        "Fanconi anemia",
        "Disagrees",
        "Evidence that matters is missing",
        CANARY,
        "Sample physician A",
        "version 1",
    ):
        assert words in theirs, words


def test_reasons_are_counted_without_what_they_were_about(mine: Any, signed_in: Signed) -> None:
    """A number for each reason and kind, of cases and of records that were assessed outside."""
    case, _, client = mine
    found = packet_of(case, AT).assessment
    assert found is not None
    first, second, *_ = (i.key for i in items_of(found.to_dict()) if i.about == About.CAUSE)
    judged(client, case, 0, first, outcome="overridden", reason="rank")
    judged(client, case, 0, second, outcome="overridden", reason="rank")
    judged(client, case, 0, first, outcome="accepted", comment=CANARY)
    Feedback.objects.create(
        at=AT,
        by=staff(Role.CLINICIAN),
        input_hash="0" * 64,
        engine="1",
        knowledge="1",
        setting="referral",
        outcome="overridden",
        reason="rank",
    )
    lines = {words: dict(numbers) for words, numbers in counted.table().lines}
    assert lines["It stands too high or too low"] == {
        "A possible cause": 2,
        "The time to act": 0,
        "A suggested test": 0,
        "A report outside cases": 1,
    }
    assert lines["I agree with it"]["A possible cause"] == 1
    page = signed_in(Role.CLINICIAN).get("/staff/judgements/").content.decode()
    assert "It stands too high or too low" in page
    assert "Fanconi" not in page
    assert CANARY not in page


def test_the_database_refuses_what_the_page_refuses(mine: Any) -> None:
    """A disagreement without a reason, a trial without its change, a second version 1."""
    case, doctor, client = mine
    trial = tried(client, case, 0, "count", "Platelets 19", value="250")
    item = {"code": "x", "name": "x"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Judgement.objects.create(
            run=trial, about="cause", item=item, outcome="overridden", at=AT, by=doctor
        )
    given_ = runs.Record.of(trial.inputs)
    for fields in ({"number": 3, "changed_from": trial}, {"number": 1}):
        other = runs.made(case, given_, by=doctor, at=AT)
        for name, value in fields.items():
            setattr(other, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            other.save(force_insert=True)
    with pytest.raises(TypeError):
        trial.save()
    with pytest.raises(TypeError):
        trial.delete()


# --- who, and for how long -----------------------------------------------------------------------


def test_only_a_clinician_of_the_case_tries_and_judges(mine: Any, signed_in: Signed) -> None:
    """T-02: intake reads; a clinician of another case gets 404; outside its case no run opens."""
    case, doctor, client = mine
    trial = tried(client, case, 0, "count", "Platelets 19", value="250")
    pages = (at(case), at(case, 2), at(case, 2, "report/"))
    acts = (at(case, 2, "change/count/"), at(case, 2, "change/finding/"), at(case, 2, "judge/"))
    intake, other = signed_in(Role.INTAKE), browser(staff(Role.CLINICIAN))
    assert [intake.get(a).status_code for a in pages] == [200] * 3
    assert [intake.post(a).status_code for a in acts] == [403] * 3
    assert {other.get(a).status_code for a in (*pages, *acts)} == {404}
    assert {other.post(a).status_code for a in acts} == {404}
    elsewhere = given_to(sent(), doctor)
    for rest in ("", "report/", "change/count/", "judge/"):
        assert client.get(at(elsewhere, 2, rest)).status_code == 404
    assert client.get(at(case, 2, "change/other/")).status_code == 404
    item = next(items_of(trial.said))
    said: dict[str, Any] = {"outcome": "accepted", "reason": "", "comment": "", "at": AT}
    with pytest.raises(NotPermitted):
        runs.say(run=trial, item=item, by=staff(Role.CLINICIAN), **said)
    fresh = runs.made(elsewhere, runs.Record.of(trial.inputs), by=doctor, at=AT)
    fresh.case_id = case.pk
    with pytest.raises(NotPermitted):
        runs.keep_trial(start=trial, trial=fresh, change={}, by=staff(Role.INTAKE))
    stray = runs.made(elsewhere, runs.Record.of(trial.inputs), by=doctor, at=AT)
    with pytest.raises(NotInThisState):
        runs.keep_trial(start=trial, trial=stray, change={}, by=doctor)


def test_a_family_and_a_referrer_see_nothing_of_it() -> None:
    """T-03: neither trial nor judgement stands on any page of who sent the case."""
    case, doctor, sender = ready()
    client = browser(doctor)
    tried(client, case, 0, "count", "Platelets 19", value="250")
    judged(client, case, 0, "cause:fanconi_anemia", outcome="accepted", comment=CANARY)
    outside_ = browser(sender)
    for here in (f"/en/requests/{case.pk}/", f"/en/requests/{case.pk}/report/", "/en/requests/"):
        page = outside_.get(here, follow=True).content.decode()
        assert CANARY not in page
        assert "Fanconi" not in page
    assert outside_.get(at(case)).status_code in (302, 403, 404)
    referral = given_to(referred(), doctor)
    judged(client, referral, 0, "cause:fanconi_anemia", outcome="accepted", comment=CANARY)
    assert referral.sender is not None
    assert referral.sender.kind == UserKind.REFERRER
    page = browser(referral.sender).get(f"/clinicians/referrals/{referral.pk}/").content.decode()
    assert CANARY not in page


def test_inputs_outputs_and_words_are_sealed_and_the_audit_holds_codes(mine: Any) -> None:
    """T-32, T-35: no word of either table lies open; the audit holds numbers and codes."""
    case, doctor, client = mine
    tried(client, case, 0, "finding", "Chromosome breakage (DEB/MMC)", answer="present")
    judged(
        client, case, 2, "cause:fanconi_anemia", outcome="overridden", reason="rank", comment=CANARY
    )
    for model in (Run, Judgement):
        raw = stored(model)
        for word in (CANARY, "anconi", "hemoglobin", "breakage", "differential", "<html"):
            assert word.encode() not in raw, (model, word)
    rows = list(Event.objects.filter(action__in=("run.kept", "report.judged", "report.opened")))
    kept = [row for row in rows if row.action == "run.kept"]
    assert len(kept) == 2
    (one,) = [row for row in rows if row.action == "report.judged"]
    assert one.actor == doctor.pk or one.actor == doctor
    everything = str(list(Event.objects.values()))
    for word in (CANARY, "anconi", "breakage", "DEB"):
        assert word not in everything


def test_runs_go_with_their_case() -> None:
    """T-40: at the end of its time nothing of what was computed or said stays behind."""
    case, doctor, _ = ready()
    client = browser(doctor)
    tried(client, case, 0, "count", "Platelets 19", value="250")
    judged(client, case, 2, "cause:fanconi_anemia", outcome="accepted")
    Case.objects.filter(pk=case.pk).update(status=Status.COMPLETED, closed_at=AT)
    assert ending.purge(AT.replace(year=BORN.year + 60)) == 1
    assert not Run.objects.exists()
    assert not Judgement.objects.exists()


def test_where_the_engine_fails_what_was_kept_still_opens(
    mine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-31: the page says that nothing was computed; forms are not there; versions open."""
    case, _, client = mine
    tried(client, case, 0, "count", "Platelets 19", value="250")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("hematon.portal.opinions.make.judge", broken)
    page = client.get(at(case)).content.decode()
    assert "Nothing was computed" in page
    assert "Version 2" in page
    assert client.get(at(case, 0, "judge/")).status_code == 404
    assert client.get(at(case, 2, "report/")).status_code == 200
