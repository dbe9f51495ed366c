"""The opinion: written, read, signed once, released by consent, and nothing of it before that."""

from __future__ import annotations

import io
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from django.db import connection, connections
from django.test import Client

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event
from hematon.portal.care import ending, working
from hematon.portal.care.models import Case, ConsentScope
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import Stage, Status
from hematon.portal.clinic.reading import knowledge
from hematon.portal.families.models import Granted, Guardianship
from hematon.portal.families.models import Status as LinkStatus
from hematon.portal.notify.models import Kind as Mail
from hematon.portal.notify.models import Notice
from hematon.portal.opinions import access, actions
from hematon.portal.opinions.content import Answered, Content, begun, reads, unfinished
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.models import Opinion, Receiver, Release, Revision, Signed
from hematon.portal.opinions.packet_pdf import packet_pdf
from hematon.portal.opinions.panel import panel_of
from opinion_cases import (
    AT,
    BORN,
    browser,
    file_of,
    given_to,
    message,
    outside,
    ready,
    referred,
    sent,
    staff,
    text_of,
)

pytestmark = pytest.mark.django_db
CANARY = "canary-Opal-93"
FAMILY_EN = "The tests show low counts. We think more tests will help. Please call us."
FAMILY_ES = "Los conteos son bajos. Faltan más pruebas. Por favor, llame a su equipo."
FAMILY, DOCTOR = Receiver.FAMILY, Receiver.DOCTOR


def written(case: Case) -> Content:
    """Give a whole opinion on a case."""
    return replace(
        begun(case),
        answers=tuple(
            Answered(one.question, f"{CANARY} answer {n}")
            for n, one in enumerate(begun(case).answers, start=1)
        ),
        recommendations="Consider a marrow examination.",
        would_change="A normal breakage test.",
        limits="No slides were seen.",
        family_en=FAMILY_EN,
        family_es=FAMILY_ES,
        spanish_by="Sample translator A",
    )


def saved(case: Case, by: User, content: Content | None = None) -> Opinion:
    """Save an opinion over what is there."""
    _, seen = actions.kept_or_begun(case)
    return actions.save(case=case, content=content or written(case), by=by, at=AT, seen=seen)


def signed(case: Case, by: User, **more: Any) -> Signed:
    """Sign what is saved."""
    seen = saved(case, by).revision
    return actions.sign(case=case, seen=seen, by=by, at=AT, **more)


def released(case: Case, by: User, *to: Receiver, **more: Any) -> Signed:
    """Release the latest version from the page as it is now."""
    case.refresh_from_db()
    latest = access.latest_signed(case)
    assert latest is not None
    return actions.release(
        case=case,
        version=latest.number,
        to=to or (FAMILY,),
        by=by,
        at=AT,
        seen=case.revision,
        **more,
    )


# --- writing -------------------------------------------------------------------------------------


def test_every_text_is_kept_and_a_stale_page_is_refused() -> None:
    """Two at one opinion never undo each other unseen; the same text again is no new one."""
    case, doctor, _ = ready()
    first = saved(case, doctor)
    assert actions.save(case=case, content=written(case), by=doctor, at=AT, seen=1).revision == 1
    other = replace(written(case), limits="Other limits.")
    assert saved(case, doctor, other).revision == 2
    with pytest.raises(NotInThisState):
        actions.save(case=case, content=written(case), by=doctor, at=AT, seen=first.revision)
    kept = [Content.of(one.content).limits for one in Revision.objects.order_by("number")]
    assert kept == ["No slides were seen.", "Other limits."]
    case.refresh_from_db()
    assert case.stage == Stage.BEING_WRITTEN
    assert Event.objects.filter(action="opinion.saved").count() == 2


@pytest.mark.parametrize("who", ["nurse", "other clinician", "owner, no clinician", "taken away"])
def test_only_the_cases_own_clinician_writes(who: str) -> None:
    """T-02: reviewer, or owner who is a clinician; losing the case takes it away at once."""
    case, doctor, _ = ready()
    person = doctor
    if who == "nurse":
        person = staff(Role.INTAKE)
    elif who == "other clinician":
        person = staff(Role.CLINICIAN)
    elif who == "owner, no clinician":
        person = staff(Role.INTAKE)
        case = working.assign(case=case, to=person, by=person, at=AT, seen=case.revision)
    else:
        saved(case, doctor)
        case.refresh_from_db()
        nurse = staff(Role.INTAKE)
        case = working.ask_reviewer(case=case, to=None, by=nurse, at=AT, seen=case.revision)
    with pytest.raises(NotPermitted):
        saved(case, person)
    page = browser(person).get(f"/staff/cases/{case.pk}/opinion/write/")
    assert page.status_code in (403, 404)


def test_what_was_written_down_cannot_be_changed() -> None:
    """Rows of texts, signatures and releases are added and never changed, nor deleted alone."""
    case, doctor, _ = ready()
    version = signed(case, doctor)
    released(case, doctor)
    for row in (version, version.revision, version.releases.get()):
        with pytest.raises(TypeError):
            row.save()
        with pytest.raises(TypeError):
            row.delete()


# --- signing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"recommendations": ""}, "recommendations"),
        ({"would_change": ""}, "would_change"),
        ({"limits": ""}, "limits"),
        ({"family_en": ""}, "family_en"),
        ({"family_es": ""}, "family_es"),
        ({"spanish_by": ""}, "spanish_by"),
        (
            {
                "family_en": "The hematopoietic insufficiency necessitates comprehensive "
                "multidisciplinary cytogenetic investigation, notwithstanding considerable "
                "diagnostic uncertainty regarding the underlying etiology."
            },
            "family_en",
        ),
    ],
)
def test_nothing_unfinished_or_too_hard_is_signed(change: dict[str, str], missing: str) -> None:
    """Each part is there; the family's version keeps to the gates, in both languages."""
    case, doctor, _ = ready()
    seen = saved(case, doctor, replace(written(case), **change)).revision
    with pytest.raises(Unfinished) as error:
        actions.sign(case=case, seen=seen, by=doctor, at=AT)
    assert error.value.what == missing
    assert not Signed.objects.exists()


def test_an_unanswered_question_holds_the_signature() -> None:
    """One answer for each question that was asked."""
    case, _, _ = ready()
    whole = written(case)
    assert [one.question for one in whole.answers] == [
        "Is it aplastic anemia?",
        "Which tests come next?",
    ]
    last = replace(whole.answers[1], answer="")
    part = replace(whole, answers=(whole.answers[0], last))
    assert unfinished(part, case)[0][0] == "answer_2"


def test_what_is_signed_is_whole_and_a_change_is_seen() -> None:
    """T-42: words, document and records are hashed, the audit holds the digest."""
    case, doctor, _ = ready()
    version = signed(case, doctor)
    assert version.is_whole
    event = Event.objects.get(action="opinion.signed")
    assert event.detail["digest"] == version.digest
    again = Signed.objects.get(pk=version.pk)
    assert again.is_whole
    for name, value in (
        ("number", 7),
        ("content", {**again.content, "limits": "none"}),
        ("document", again.document + b" "),
        ("packet", b"{}"),
        ("at", again.at + timedelta(seconds=1)),
    ):
        other = Signed.objects.get(pk=version.pk)
        setattr(other, name, value)
        assert not other.is_whole, name


def test_a_text_that_changed_since_is_not_signed_and_none_twice() -> None:
    """What is signed is what was on the page; a second press signs nothing more."""
    case, doctor, _ = ready()
    seen = saved(case, doctor).revision
    saved(case, doctor, replace(written(case), limits="Changed."))
    with pytest.raises(NotInThisState):
        actions.sign(case=case, seen=seen, by=doctor, at=AT)
    actions.sign(case=case, seen=seen + 1, by=doctor, at=AT)
    with pytest.raises(NotInThisState):
        actions.sign(case=case, seen=seen + 1, by=doctor, at=AT)
    assert Signed.objects.count() == 1


def test_an_amendment_is_a_new_version_that_names_the_old_and_why() -> None:
    """The first version stays as it was signed."""
    case, doctor, _ = ready()
    first = signed(case, doctor)
    seen = saved(case, doctor, replace(written(case), limits="More was seen.")).revision
    with pytest.raises(Unfinished):
        actions.sign(case=case, seen=seen, by=doctor, at=AT)
    second = actions.sign(case=case, seen=seen, by=doctor, at=AT, reason="A slide came.")
    assert (second.number, second.replaces_id, second.reason) == (2, first.pk, "A slide came.")
    assert Signed.objects.get(pk=first.pk).is_whole
    assert "More was seen." not in text_of(Signed.objects.get(pk=first.pk).document)
    assert "A slide came." in text_of(second.document)


def test_the_page_to_sign_asks_who_is_there_once_more() -> None:
    """T-20: without a confirmation of the last minutes nothing is signed, by GET or by POST."""
    case, doctor, _ = ready()
    seen = saved(case, doctor).revision
    here = f"/staff/cases/{case.pk}/opinion/sign/"
    client = browser(doctor)
    for answer in (client.get(here), client.post(here, {"seen": seen, "read": "yes"})):
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
    assert not Signed.objects.exists()


def test_a_second_reader_is_another_person_and_reads_one_text() -> None:
    """Who wrote it cannot; a later text takes the reading away; the report names it."""
    case, doctor, _ = ready()
    owner = staff(Role.CLINICIAN, name="Sample physician B")
    nurse = staff(Role.INTAKE)
    case = working.assign(case=case, to=owner, by=nurse, at=AT, seen=case.revision)
    seen = saved(case, doctor).revision

    def read(by: User, at_revision: int = seen) -> None:
        actions.second_read(case=case, seen=at_revision, agrees=True, comment="", by=by, at=AT)

    for person in (doctor, nurse, staff(Role.CLINICIAN)):
        with pytest.raises(NotPermitted):
            read(person)
    read(owner)
    with pytest.raises(NotInThisState):
        read(owner)
    version = actions.sign(case=case, seen=seen, by=doctor, at=AT)
    assert "Second reader: Sample physician B" in text_of(version.document)


# --- releasing -----------------------------------------------------------------------------------


def test_nothing_is_seen_outside_before_the_release() -> None:
    """T-03: no page, no PDF, no word of it, while it is written and when it is signed."""
    case, doctor, sender = ready()
    client = browser(sender)
    pages = (f"/en/requests/{case.pk}/report/", f"/en/requests/{case.pk}/report/report.pdf")

    def nothing() -> None:
        for page in pages:
            assert client.get(page).status_code == 404
        assert client.post(pages[0]).status_code == 404
        assert CANARY not in client.get(f"/en/requests/{case.pk}/").content.decode()

    nothing()
    saved(case, doctor)
    nothing()
    seen = actions.kept_or_begun(case)[1]
    actions.sign(case=case, seen=seen, by=doctor, at=AT)
    nothing()
    assert not Notice.objects.filter(kind=Mail.REPORT_READY).exists()


def test_release_is_one_act_with_its_mail_its_stage_and_its_answer() -> None:
    """Exactly once: a second press and a page from before change nothing."""
    case, doctor, sender = ready()
    signed(case, doctor)
    released(case, doctor)
    case.refresh_from_db()
    assert (case.stage, case.answered_at) == (Stage.REPORT_RETURNED, AT)
    assert [n.user_id for n in Notice.objects.filter(kind=Mail.REPORT_READY)] == [sender.pk]
    with pytest.raises(NotInThisState):
        released(case, doctor)
    with pytest.raises(NotInThisState):
        actions.release(case=case, version=1, to=[DOCTOR], by=doctor, at=AT, seen=case.revision - 1)
    assert Release.objects.count() == Event.objects.filter(action="opinion.released").count() == 1
    assert case.steps.filter(stage=Stage.REPORT_RETURNED).count() == 1


def test_the_family_opens_it_by_a_press_and_then_it_was_read() -> None:
    """T-24: looking changes nothing; opening closes the loop, once."""
    case, doctor, sender = ready()
    signed(case, doctor)
    released(case, doctor)
    client, here = browser(sender), f"/es/requests/{case.pk}/report/"
    cover = client.get(here).content.decode()
    assert "Abrir el informe" in cover
    assert "Los conteos son bajos" not in cover
    assert client.get(f"{here}report.pdf")["Location"] == here
    case.refresh_from_db()
    assert case.answer_read_at is None
    for _ in range(2):
        assert client.post(here)["Location"] == here
    page = client.get(here).content.decode()
    assert "Los conteos son bajos" in page
    assert CANARY not in page, "the clinicians' pages are in the PDF alone"
    pdf = client.get(f"{here}report.pdf")
    assert pdf["Content-Disposition"].startswith("attachment")
    assert b"".join(pdf) == Signed.objects.get().document
    case.refresh_from_db()
    assert case.stage == Stage.REPORT_READ
    assert case.answer_read_at is not None
    assert Event.objects.filter(action="opinion.report_opened").count() == 1
    assert case.steps.filter(stage=Stage.REPORT_READ).count() == 1


@pytest.mark.parametrize("why", ["unlinked", "ended", "locked", "another child", "16 years old"])
def test_who_may_not_see_the_childs_opinions_gets_nothing(why: str) -> None:
    """T-06, T-08, T-09: the unverified see only what they sent; age rules decide the rest."""
    case, doctor, sender = ready()
    link = Guardianship.objects.get(user=sender)
    signed(case, doctor)
    client, here = browser(sender), f"/en/requests/{case.pk}/report/"
    if why != "16 years old":
        released(case, doctor)
        assert client.get(here).status_code == 200
    if why == "unlinked":
        link.status, link.ended_at = LinkStatus.REFUSED, AT
    elif why == "ended":
        link.status, link.ended_at = LinkStatus.ENDED, AT
    elif why == "locked":
        link.locked_at = AT
    elif why == "another child":
        link.child.name = "Another Child"
        link.child.save()
    else:
        # Limited access as shipped leaves opinions; a programme that takes them is asked below.
        assert access.family_may_read(sender, case, AT.replace(year=2035))
        assert not access.family_may_read(sender, case, AT.replace(year=2037, month=12))
        return
    link.save()
    assert client.get(here).status_code == 404
    assert client.post(here).status_code == 404


def test_limited_access_without_opinions_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-09: where the age rules leave no opinions to limited access, there is no report."""
    from hematon.portal.families import access as families
    from hematon.portal.programme import rules
    from hematon.portal.programme.shapes import AgeRules

    case, _, sender = ready()
    link = Guardianship.objects.get(user=sender)
    link.granted = Granted.LIMITED
    link.save()
    assert access.family_may_read(sender, case, AT)
    kept = rules.current(AgeRules)
    bands = tuple(
        band.model_copy(update={"sees": tuple(t for t in band.sees if t != "opinions")})
        for band in kept.bands
    )
    monkeypatch.setattr(families, "current", lambda _: kept.model_copy(update={"bands": bands}))
    assert not access.family_may_read(sender, case, AT)


def test_a_family_that_nobody_verified_gets_no_release() -> None:
    """T-08: the team is told to confirm the link first; nothing is written."""
    doctor = staff(Role.CLINICIAN)
    case = given_to(sent(), doctor)
    signed(case, doctor)
    with pytest.raises(Unfinished) as error:
        released(case, doctor)
    assert error.value.what == actions.NO_READER
    assert not Release.objects.exists()
    case.refresh_from_db()
    assert case.answered_at is None


def test_the_doctor_gets_it_by_consent_alone() -> None:
    """Withdrawn before the release: blocked. Withdrawn after: closed at the next look."""
    case, doctor, _ = ready()
    signed(case, doctor)
    consent = case.consents.get(scope=ConsentScope.REPORT_TO_DOCTOR)
    consent.ended_at = AT
    consent.save()
    with pytest.raises(Unfinished) as error:
        released(case, doctor, FAMILY, DOCTOR, doctor_address="b@tests.invalid")
    assert error.value.what == actions.NO_CONSENT
    assert not Release.objects.exists()
    consent.ended_at = None
    consent.save()
    released(case, doctor, FAMILY, DOCTOR, doctor_address="B@tests.invalid ")
    outside_doctor = User.objects.with_address("b@tests.invalid", UserKind.REFERRER)
    assert outside_doctor is not None
    client, here = browser(outside_doctor), f"/clinicians/referrals/{case.pk}/report/"
    page = client.get(here).content.decode()
    assert f"{CANARY} answer 1" in page
    assert client.post(here)["Location"] == here
    case.refresh_from_db()
    assert case.answer_read_at is None, "the family asked, and has not read it"
    assert browser(outside(UserKind.REFERRER)).get(here).status_code == 404
    consent.ended_at = AT
    consent.save()
    for address in (here, f"{here}report.pdf"):
        assert client.get(address).status_code == 404


def test_a_referral_is_answered_to_its_clinician_and_closes_when_read() -> None:
    """J3: returned and read; the case cannot be completed before."""
    doctor, sender = staff(Role.CLINICIAN), outside(UserKind.REFERRER)
    case = given_to(referred(sender), doctor)
    plain = replace(written(case), family_en="", family_es="", spanish_by="")
    seen = saved(case, doctor, plain).revision
    actions.sign(case=case, seen=seen, by=doctor, at=AT)
    released(case, doctor, DOCTOR)

    def close() -> None:
        case.refresh_from_db()
        working.step(case=case, status=Status.COMPLETED, by=doctor, at=AT, seen=case.revision)

    case.refresh_from_db()
    case = working.step(case=case, status=Status.ACCEPTED, by=doctor, at=AT, seen=case.revision)
    with pytest.raises(Unfinished):
        close()
    client, here = browser(sender), f"/clinicians/referrals/{case.pk}/report/"
    assert "I have read this report" in client.get(here).content.decode()
    client.post(here)
    assert "Thank you" in client.get(here).content.decode()
    close()


def test_an_amended_version_must_be_read_again() -> None:
    """The loop closes with the version that stands."""
    case, doctor, sender = ready()
    signed(case, doctor)
    released(case, doctor)
    client, here = browser(sender), f"/en/requests/{case.pk}/report/"
    client.post(here)
    seen = saved(case, doctor, replace(written(case), family_en=f"{FAMILY_EN} New.")).revision
    actions.sign(case=case, seen=seen, by=doctor, at=AT, reason="A slide came.")
    assert "New." not in client.get(here).content.decode(), "signed is not released"
    released(case, doctor)
    case.refresh_from_db()
    assert (case.stage, case.answer_read_at) == (Stage.REPORT_RETURNED, None)
    assert "Open the report" in client.get(here).content.decode()
    client.post(here)
    assert "New." in client.get(here).content.decode()


@pytest.mark.django_db(transaction=True)
def test_twenty_presses_at_once_release_once() -> None:
    """T-36: the database lets one of them through; one row, one mail, one step."""
    case, doctor, _ = ready()
    signed(case, doctor)
    case.refresh_from_db()
    outcomes: list[str] = []
    start = threading.Barrier(20)

    def press() -> None:
        start.wait()
        try:
            actions.release(case=case, version=1, to=[FAMILY], by=doctor, at=AT, seen=case.revision)
            outcomes.append("released")
        except NotInThisState:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 19 + ["released"]
    assert Release.objects.count() == 1
    assert Notice.objects.filter(kind=Mail.REPORT_READY).count() == 1


# --- what stands where ---------------------------------------------------------------------------


def test_no_word_of_it_lies_open_in_the_database() -> None:
    """T-32: opinion, texts, signed version, document and records are sealed."""
    case, doctor, _ = ready()
    signed(case, doctor)
    with connection.cursor() as cursor:
        for model in (Opinion, Revision, Signed):
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            for row in cursor.fetchall():
                raw = b"".join(
                    bytes(v) if isinstance(v, (bytes, memoryview)) else str(v).encode() for v in row
                )
                for open_word in (CANARY, "%PDF", "resourceType", FAMILY_EN):
                    assert open_word.encode() not in raw


def test_nothing_computed_reaches_the_family() -> None:
    """T-03: no possibility, ratio or version of the engine in any page or document outside."""
    case, doctor, sender = ready()
    version = signed(case, doctor)
    released(case, doctor, FAMILY, DOCTOR, doctor_address="b@tests.invalid")
    client, here = browser(sender), f"/en/requests/{case.pk}/report/"
    client.post(here)
    packet = packet_of(case, AT)
    assert packet.assessment is not None
    said = text_of(version.document) + client.get(here).content.decode()
    named = [c.name for c in packet.assessment.differential if c.condition]
    assert named
    for word in (*named, "LR ", "likelihood", packet.assessment.input_hash, "preliminary"):
        assert word.lower() not in said.lower(), word
    computed = " ".join(text_of(packet_pdf(packet, knowledge())).split())
    assert [name for name in named[:3] if name[:20] not in computed] == []


def test_the_packet_as_pdf_holds_what_it_promises() -> None:
    """Reference and numbers on each page; questions, owed records, values, hashes, versions."""
    case, _, sender = ready()
    stored = file_of(case, "Hemograma.pdf")
    message(case, sender, "¿Llegó todo? 漢")
    case.refresh_from_db()
    packet = packet_of(case, AT)
    pdf = packet_pdf(packet, knowledge())
    assert pdf == packet_pdf(packet, knowledge())
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    pages = [page.get_textpage().get_text_bounded() for page in document]
    title = document.get_metadata_dict()["Title"]
    document.close()
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert case.reference in page
    assert title == f"Packet {case.reference}"
    whole = "\n".join(pages)
    for words in (
        "Is it aplastic anemia?",
        "Bone marrow report",
        "1200 /µL",
        "edition 2026-11-23",
        "checked, nothing found",
        stored.sha256[:8],
        "¿Llegó todo? □",
        "1 letter of what was typed cannot be printed",
        "Not a clinical judgement",
        packet.assessment.versions.fingerprint[:16] if packet.assessment else "",
    ):
        assert words in whole, words
    for mark in (b"/StructTreeRoot", b"/MarkInfo", b"/Lang", b"/ParentTree"):
        assert mark in pdf
    first = next(n for n, page in enumerate(pages) if "Computed from the record" in page)
    assert not any("LR " in page for page in pages[:first])


def test_the_longest_texts_are_printed_to_their_end() -> None:
    """A box filled to its last letter, by words or by lines, loses and breaks nothing."""
    long, lines = "word " * 399, "\n" * 1950
    case = sent(
        answers={
            "worry": {"worry": f"a{lines}end-of-worry"},
            "questions": {
                "question_1": f"{long}end1",
                "question_2": f"b{lines}end2",
                "question_3": "x" * 1950 + " end3",
            },
        }
    )
    file_of(case, "n" * 200 + ".pdf")
    message(case, staff(Role.INTAKE), f"c{lines}{lines}end-of-message")
    case.refresh_from_db()
    packet = packet_of(case, AT)
    said = text_of(packet_pdf(replace(packet, assessment=None), knowledge()))
    for end in ("end-of-worry", "end1", "end2", "end3", "end-of-message"):
        assert end in said


def test_staff_pages_of_the_packet_and_who_opens_them() -> None:
    """T-01, T-07: the case's people alone; each taking out is an export on record."""
    case, doctor, _ = ready()
    stored = file_of(case, "Hemograma.pdf")
    other = file_of(sent(), "Other.pdf")
    client = browser(doctor)
    here = f"/staff/cases/{case.pk}/packet/"
    page = client.get(here)
    assert "Sample Child" in page.content.decode()
    assert "Sample Child" not in re.search("<title>.*</title>", page.content.decode())[0]  # type: ignore[index]
    for name, kind in (("packet.pdf", "pdf"), ("packet.json", "fhir"), ("computed/", "")):
        answer = client.get(here + name)
        assert answer.status_code == 200
        assert (
            not kind or Event.objects.filter(action="packet.exported", detail__kind=kind).exists()
        )
    assert client.get(f"{here}files/{stored.pk}").content == b"%PDF-1.7 sample"
    assert client.get(f"{here}files/{other.pk}").status_code == 404
    stranger = browser(staff(Role.CLINICIAN))
    for name in ("", "packet.pdf", "packet.json", "with-files.json", f"files/{stored.pk}"):
        assert stranger.get(here + name).status_code == 404


def test_an_engine_that_fails_keeps_no_record_from_the_team(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The packet opens, as page, PDF and Bundle, and says that nothing was computed."""
    case, doctor, _ = ready()

    def fails(*args: object, **kwargs: object) -> None:
        raise ArithmeticError("Sample Child 19")

    monkeypatch.setattr("hematon.portal.opinions.make.judge", fails)
    client, here = browser(doctor), f"/staff/cases/{case.pk}/packet/"
    page = client.get(here).content.decode()
    assert "Nothing was computed" in page
    assert "Sample Child" in page
    for name in ("packet.pdf", "packet.json"):
        assert client.get(here + name).status_code == 200
    assert client.get(f"{here}computed/").status_code == 404
    assert "the engine failed" in caplog.text


def test_writing_on_pages_and_what_a_stale_page_keeps() -> None:
    """A page from before another's saving comes back with its text, the other's beside it."""
    case, doctor, _ = ready()
    client, here = browser(doctor), f"/staff/cases/{case.pk}/opinion/write/"
    form = {"seen": "0", "answer_1": "Mine", "family_en": FAMILY_EN}
    assert client.post(here, form)["Location"] == f"/staff/cases/{case.pk}/opinion/"
    stale = client.post(here, {**form, "answer_1": "Theirs"})
    page = stale.content.decode()
    assert stale.status_code == 409
    assert "<title>Error: " in page
    assert "Theirs" in page
    assert "Mine" in page
    assert 'name="seen" value="1"' in page
    assert client.post(here, {**form, "seen": "1", "stay": "1"})["Location"] == here
    assert "Reading grade" in client.get(here).content.decode()
    grade = client.post(
        f"/staff/cases/{case.pk}/opinion/grade/", {"language": "es", "text": FAMILY_ES}
    ).json()
    assert grade["said"].startswith("INFLESZ")
    assert grade["holds"]


def test_reading_grades_are_those_of_the_pages() -> None:
    """Both ways: short and plain holds, long and learned does not."""
    assert reads(FAMILY_EN, "en").holds
    assert reads(FAMILY_ES, "es").holds
    assert not reads("", "en").holds
    hard = "La insuficiencia hematopoyética requiere caracterización citogenética complementaria."
    assert not reads(hard, "es").holds
    assert any("your child has" in line for line in reads("Your child has it.", "en").advice)


def test_the_panel_says_where_it_stands() -> None:
    """For the page of the case: not begun, written, signed, released, read."""
    case, doctor, sender = ready()

    def state() -> str:
        case.refresh_from_db()
        return panel_of(case, doctor).state

    assert state() == "Not begun"
    saved(case, doctor)
    assert state() == "Being written, revision 1"
    actions.sign(case=case, seen=1, by=doctor, at=AT)
    assert state() == "Version 1 signed, not released"
    released(case, doctor)
    assert state() == "Version 1 released to the family, not read yet"
    browser(sender).post(f"/en/requests/{case.pk}/report/")
    assert state() == "Version 1 released to the family, read"


def test_a_case_at_the_end_of_its_time_takes_its_opinion_along() -> None:
    """T-40: nothing of it stays behind."""
    case, doctor, _ = ready()
    signed(case, doctor)
    released(case, doctor)
    Case.objects.filter(pk=case.pk).update(status=Status.COMPLETED, closed_at=AT)
    assert ending.purge(AT.replace(year=BORN.year + 60)) == 1
    for model in (Opinion, Revision, Signed, Release):
        assert not model.objects.exists()


def test_ids_of_nothing_are_not_found(signed_in_as: Callable[..., Client]) -> None:
    """404 for not yours and not there alike."""
    nowhere = uuid.uuid4()
    assert signed_in_as().get(f"/en/requests/{nowhere}/report/").status_code == 404
    clinician = signed_in_as(UserKind.REFERRER)
    assert clinician.get(f"/clinicians/referrals/{nowhere}/report/").status_code == 404
