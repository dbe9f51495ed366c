"""What is done with a referral. Each act is one transaction with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import sending
from hematon.portal.care.models import Case, Consent, ConsentScope, Step
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import CLOSED, Kind, Stage, Status
from hematon.portal.care.tasks import COUNTS
from hematon.portal.files import access as file_access
from hematon.portal.files import actions as files
from hematon.portal.files.kinds import REFERRAL_LIMITS
from hematon.portal.opinions.stated import STATED, Fact, kept
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention
from hematon.portal.referrals import access, steps
from hematon.portal.referrals.models import Record
from hematon.portal.referrals.reading import Row, answer_of

AUTHORITY_TEXT: Final = "referral-authority-2026-11"
"""Edition of the statement that is confirmed; another text is another edition."""
RECORD_STEP: Final = "record"
"""Step of the file that holds the record as it was given."""


def begin(*, sender: User | None, at: datetime) -> Case:
    """Begin a draft: of an account, or of nobody until its address is confirmed."""
    kept = None if sender else access.GUEST_KEPT
    return sending.begin(kind=Kind.REFERRAL, sender=sender, language="en", at=at, kept=kept)


@transaction.atomic
def save(
    *, case: Case, question: str, answer: dict[str, Any], user: User | None, at: datetime
) -> None:
    """Keep one answer. A draft of nobody becomes that of who signed in and went on with it.

    Raises:
        NotInThisState: it was sent, or its time is over.
    """
    held = sending.save_answer(case=case, question=question, answer=answer, at=at)
    if question == "child" and "confirm" in held.answers:
        # Dates were read with the birth date, limits with the sex: both are confirmed anew.
        held = _unconfirmed(held, at)
    _kept(held, user, at)
    _renew(case, held)


def _unconfirmed(held: Case, at: datetime) -> Case:
    for key in ("confirm", COUNTS, STATED):
        held = sending.save_answer(case=held, question=key, answer=None, at=at)
    return held


def keep_record(*, case: Case, content: bytes, user: User | None, at: datetime) -> None:
    """Keep what was given to be read, and for the team the same as a file.

    Raises:
        NotInThisState: it was sent, or its time is over.
        RefusedError: it is kept and read, and is no file that the team gets; the code says why.
    """
    with transaction.atomic():
        answer = {"characters": len(content)}
        held = sending.save_answer(case=case, question="record", answer=answer, at=at)
        held = _unconfirmed(held, at)
        Record.objects.filter(case=held).delete()
        Record.objects.create(case=held, content=content, kept_at=at)
        _kept(held, user, at)
    _renew(case, held)
    for earlier in file_access.files_of(case.pk, RECORD_STEP):
        files.remove(stored=earlier, by=user, at=at, reason="replaced")
    is_json = content.lstrip()[:1] in (b"{", b"[")
    name = "blood-counts.json" if is_json else "blood-counts.csv"
    files.take(
        holder=case.pk,
        upload=SimpleUploadedFile(name, content),
        by=user,
        at=at,
        limits=REFERRAL_LIMITS,
        step=RECORD_STEP,
    )


@transaction.atomic
def confirm_rows(
    *,
    case: Case,
    rows: Sequence[Row],
    facts: Sequence[Fact],
    left_out: int,
    undated: str,
    user: User | None,
    at: datetime,
) -> None:
    """Keep what was compared with the record: values, and what it states beside them.

    Args:
        case: the draft.
        rows: those that are not left out.
        facts: the same.
        left_out: how many are.
        undated: ISO date of the rows without one; empty when it is not known.
        user: the signed-in clinician, if any.
        at: now; aware.
    """
    counts = answer_of(rows, undated=undated, at=at)
    held = sending.save_answer(case=case, question=COUNTS, answer=counts, at=at)
    held = sending.save_answer(case=held, question=STATED, answer=kept(facts), at=at)
    said = {"results": len(rows), "left_out": left_out, "drawn": undated}
    held = sending.save_answer(case=held, question="confirm", answer=said, at=at)
    _kept(held, user, at)
    _renew(case, held)


def _kept(held: Case, user: User | None, at: datetime) -> None:
    if held.sender_id is None and user is not None:
        _claim(held, user, at)
    elif held.sender_id is None:
        held.ends_at = at + access.GUEST_KEPT
        held.save(update_fields=["ends_at"])


def _renew(case: Case, held: Case) -> None:
    """Let the caller's object know what was saved."""
    case.answers, case.revision, case.sender = held.answers, held.revision, held.sender


@transaction.atomic
def claim(*, case: Case, user: User, at: datetime) -> Case:
    """Give a draft of nobody to the account that its browser signed in to.

    The caller has authorized the browser. Claiming it again changes nothing.

    Raises:
        NotPermitted: it is another's, or the account is not a referring clinician's.
        NotInThisState: its time is over.
    """
    held = Case.objects.select_for_update().get(pk=case.pk)
    if held.sender_id == user.pk:
        return held
    if held.sender_id is not None:
        raise NotPermitted
    if held.status != Status.DRAFT or (held.ends_at is not None and held.ends_at <= at):
        raise NotInThisState("its time is over")
    _claim(held, user, at)
    return held


def _claim(held: Case, user: User, at: datetime) -> None:
    if user.kind != UserKind.REFERRER or held.kind != Kind.REFERRAL:
        raise NotPermitted
    held.sender = user
    # From here on it is kept as long as any other draft.
    held.ends_at = at + timedelta(days=rules.current(Retention).draft_days)
    held.save(update_fields=["sender", "ends_at"])
    record(user, "referral.claimed", held)


@transaction.atomic
def send(*, case: Case, seen: int, by: User, at: datetime) -> Case:
    """Send a referral, once, however often it is sent.

    Args:
        case: the draft, of this account.
        seen: its revision on the page that was sent.
        by: whose it is.
        at: now; aware.

    Raises:
        NotPermitted: it is another's.
        Unfinished: a page is open.
        NotInThisState: an answer changed since the page was made, or its time is over.
        SentBefore: it was sent from a page with other answers.
    """
    held = Case.objects.select_for_update().get(pk=case.pk)
    if held.sender_id != by.pk or by.kind != UserKind.REFERRER:
        raise NotPermitted
    if held.status == Status.DRAFT and held.revision == seen:
        still_open = steps.open_questions(held.answers)
        if still_open:
            raise Unfinished(still_open[0].key)
        _finish(held, steps.sent_answers(held.answers), by, at)
    # The audit's row is the last write.
    return sending.send(case=held, seen=seen, at=at)


def _finish(case: Case, answers: dict[str, Any], by: User, at: datetime) -> None:
    # The address that was confirmed, whatever was typed.
    answers["you"] = {**answers["you"], "address": by.mail_address}
    case.answers = answers
    case.interpreter = answers["family"]["interpreter"] == "yes"
    case.save(update_fields=["answers", "interpreter"])
    you = answers["you"]
    Consent.objects.create(
        case=case,
        scope=ConsentScope.RECORDS,
        text=AUTHORITY_TEXT,
        language="en",
        signer={
            "name": you["name"],
            "relationship": f"{you['profession']}, {you['institution']}",
        },
        at=at,
        by=by,
    )
    Record.objects.filter(case=case).delete()


@transaction.atomic
def report_read(*, case: Case, by: User, at: datetime) -> Case:
    """Note that the referring clinician read the report: only now can the referral be closed.

    Saying it again changes nothing.

    Raises:
        NotPermitted: it is not this clinician's referral.
        NotInThisState: there is no report yet, or the referral is over.
    """
    held = Case.objects.select_for_update().get(pk=case.pk)
    if held.sender_id != by.pk or held.kind != Kind.REFERRAL:
        raise NotPermitted
    if held.answer_read_at is not None:
        return held
    if held.answered_at is None or held.status in CLOSED or held.status == Status.DRAFT:
        raise NotInThisState(held.status)
    held.answer_read_at, held.stage = at, Stage.REPORT_READ
    held.revision += 1
    held.save()
    Step.objects.create(case=held, status=held.status, stage=held.stage, at=at, by=by)
    record(by, "referral.report_read", held)
    return held


@transaction.atomic
def note_previewed(*, case: Case, by: User | None, level: str) -> None:
    """Note that the assessment of a draft was shown, with its level of urgency and no value."""
    record(by, "referral.previewed", case, level=level)
