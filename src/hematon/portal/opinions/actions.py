"""What is done with an opinion: saved, read by a second person, signed, amended, released, opened.

Each act is one transaction with its audit row. Acts of the team name the revision that their page
showed: of the opinion's text, or of the case where the act moves the case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime

import orjson
from django.db import IntegrityError, transaction

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import working
from hematon.portal.care.models import Case, Step
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import Kind, Stage
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind as Mail
from hematon.portal.opinions import access
from hematon.portal.opinions.content import Content, begun, unfinished
from hematon.portal.opinions.make import packet_of
from hematon.portal.opinions.models import (
    Opinion,
    Reading,
    Receiver,
    Release,
    Revision,
    SecondReading,
    Signed,
)
from hematon.portal.opinions.report_pdf import report_pdf

NO_READER = "reader"
"""Nobody of the family may read: no adult's link to the child is confirmed."""
NO_CONSENT = "consent"
"""The family has not agreed that the doctor gets the report, or took it back."""
NO_ADDRESS = "address"
"""Nobody said where the doctor receives mail."""


@transaction.atomic
def save(*, case: Case, content: Content, by: User, at: datetime, seen: int) -> Opinion:
    """Keep a text of an opinion as its next revision; the same text again is no revision.

    Args:
        case: the case; its opinion is begun with the first saving.
        content: what was written; the questions are those of the page.
        by: who writes.
        at: now; aware.
        seen: the revision on the page; 0 before anything was saved.

    Raises:
        NotPermitted: not the case's reviewer or owning clinician.
        NotInThisState: another text was saved since the page was opened.
    """
    held = _case(case)
    if not access.may_write(by, held):
        raise NotPermitted
    opinion = Opinion.objects.select_for_update().filter(case=held).first()
    if opinion is None:
        opinion = Opinion(case=held, begun_at=at, begun_by=by, saved_at=at)
    if opinion.revision != seen:
        raise NotInThisState("another text was saved since")
    if opinion.revision and Content.of(opinion.content) == content:
        return opinion
    opinion.content, opinion.saved_at = content.to_json(), at
    opinion.revision += 1
    opinion.save()
    Revision.objects.create(
        opinion=opinion, number=opinion.revision, content=opinion.content, at=at, by=by
    )
    if opinion.revision == 1 and held.stage in (Stage.NONE, Stage.SCHEDULED):
        # Families read this step; the case's own revision moves, as with every step.
        working.move_stage(case=held, stage=Stage.BEING_WRITTEN, by=by, at=at, seen=held.revision)
    record(by, "opinion.saved", opinion, revision=opinion.revision)
    return opinion


@transaction.atomic
def second_read(
    *, case: Case, seen: int, agrees: bool, comment: str, by: User, at: datetime
) -> SecondReading:
    """Note that another clinician read the text as it stands.

    Raises:
        NotPermitted: not a clinician of the case, or who wrote this text.
        NotInThisState: another text was saved since, or this one was read or signed before.
    """
    held = _case(case)
    if not access.may_second_read(by, held):
        raise NotPermitted
    revision = _revision(held, seen)
    if revision.by_id == by.pk:
        raise NotPermitted
    if revision.readings.filter(by=by).exists() or _is_signed(revision):
        raise NotInThisState("read before")
    reading = SecondReading.objects.create(
        revision=revision, agrees=agrees, comment=comment.strip() or None, at=at, by=by
    )
    record(by, "opinion.second_read", revision.opinion, revision=seen, agrees=agrees)
    return reading


def sign(*, case: Case, seen: int, by: User, at: datetime, reason: str = "") -> Signed:
    """Sign the text as it stands; from now on this version cannot be changed by anyone.

    The caller has asked the person to show once more that it is them. Records and document are
    made before the transaction, because that takes seconds in which nobody else could write; what
    they were made of is compared inside it.

    Args:
        case: the case.
        seen: the revision that the person read on the page.
        by: who signs.
        at: now; aware.
        reason: why it amends the version before; asked for from the second version on.

    Raises:
        NotPermitted: not the case's reviewer or owning clinician.
        NotInThisState: another text was saved since, this one is signed, or the records changed.
        Unfinished: something is not written, too hard to read, or has no reason.
    """
    fresh = Case.objects.get(pk=case.pk)
    made = _to_sign(fresh, seen, by, at, reason.strip())
    with transaction.atomic():
        held = _case(case)
        before = access.latest_signed(held)
        if not access.may_write(by, held):
            raise NotPermitted
        if _is_signed(_revision(held, seen)) or (before and before.pk) != made.replaces_id:
            raise NotInThisState("signed before")
        if held.revision != fresh.revision:
            raise NotInThisState("the records changed meanwhile")
        made.save(force_insert=True)
        record(
            by,
            "opinion.signed",
            made.opinion,
            version=made.number,
            revision=seen,
            digest=made.digest,
        )
    return made


def _to_sign(case: Case, seen: int, by: User, at: datetime, reason: str) -> Signed:
    if not access.may_write(by, case):
        raise NotPermitted
    opinion = access.opinion_of(case)
    if opinion is None or opinion.revision != seen:
        raise NotInThisState("another text was saved since")
    revision = opinion.revisions.get(number=seen)
    if _is_signed(revision):
        raise NotInThisState("signed before")
    open_parts = unfinished(Content.of(revision.content), case)
    if open_parts:
        raise Unfinished(open_parts[0][0])
    before = access.latest_signed(case)
    if before is not None and not reason:
        raise Unfinished("reason")
    packet = packet_of(case, at)
    records = orjson.dumps(packet.bundle)
    made = Signed(
        opinion=opinion,
        number=before.number + 1 if before else 1,
        revision=revision,
        content=revision.content,
        replaces=before,
        reason=reason if before else None,
        packet=records,
        packet_hash=hashlib.sha256(records).hexdigest(),
        at=at,
        by=by,
    )
    made.document = report_pdf(packet, made)
    made.document_hash = hashlib.sha256(made.document).hexdigest()
    made.digest = made.digest_now()
    return made


def release(
    *,
    case: Case,
    version: int,
    to: Collection[Receiver],
    by: User,
    at: datetime,
    seen: int,
    doctor_address: str = "",
) -> Signed:
    """Give a signed version out; to each receiver once.

    Args:
        case: the case.
        version: number of the signed version; it must be the latest.
        to: who receives it now.
        by: who releases it.
        at: now; aware.
        seen: the case's revision on the page.
        doctor_address: where the doctor of a family's request receives mail.

    Raises:
        NotPermitted: not the case's reviewer or owning clinician.
        NotInThisState: it was released to one of them before, a later version was signed, the
            case was refused or taken back, or moved on since the page was opened.
        Unfinished: nobody was chosen, or a receiver may not have it; the code says which.
    """
    try:
        return _release(case, version, frozenset(to), by, at, seen, doctor_address)
    except IntegrityError as error:
        # Two presses at once: the database let one of them through.
        raise NotInThisState("released before") from error


@transaction.atomic
def _release(
    case: Case,
    version: int,
    to: frozenset[Receiver],
    by: User,
    at: datetime,
    seen: int,
    doctor_address: str,
) -> Signed:
    held = _case(case)
    if not access.may_write(by, held):
        raise NotPermitted
    signed = access.latest_signed(held)
    if signed is None or signed.number != version or held.revision != seen:
        raise NotInThisState("moved on since")
    if not signed.is_whole:
        raise NotInThisState("it is not what was signed")
    if not to:
        raise Unfinished("to")
    if signed.releases.filter(to__in=to).exists():
        raise NotInThisState("released before")
    for receiver in sorted(to):
        _give(signed, held, receiver, by, at, doctor_address)
    answers = _answering(held)
    if answers in to:
        working.answered(held, at)
        # A version that amends one that was read has not been read.
        held.answer_read_at = None
        held.save(update_fields=["answered_at", "answer_read_at"])
        working.move_stage(case=held, stage=Stage.REPORT_RETURNED, by=by, at=at, seen=held.revision)
    record(
        by,
        "opinion.released",
        signed.opinion,
        version=version,
        family=Receiver.FAMILY in to,
        doctor=Receiver.DOCTOR in to,
    )
    return signed


def _answering(case: Case) -> Receiver:
    """Give whose reading answers the case: who asked."""
    return Receiver.DOCTOR if case.kind == Kind.REFERRAL else Receiver.FAMILY


def _give(
    signed: Signed, case: Case, receiver: Receiver, by: User, at: datetime, address: str
) -> None:
    doctor = _doctor(case, address) if receiver == Receiver.DOCTOR else None
    people = [doctor] if doctor is not None else access.readers(case, at)
    if not people:
        raise Unfinished(NO_READER)
    Release.objects.create(signed=signed, to=receiver, user=doctor, at=at, by=by)
    for person in people:
        enqueue(
            key=f"report:{signed.pk}:{person.pk}",
            kind=Mail.REPORT_READY,
            user=person,
            language="en" if doctor is not None else case.language,
            at=at,
        )


def _doctor(case: Case, address: str) -> User:
    if case.kind == Kind.REFERRAL:
        if case.sender is None or case.sender.kind != UserKind.REFERRER:
            raise Unfinished(NO_READER)
        return case.sender
    if access.consent_to_doctor(case) is None:
        raise Unfinished(NO_CONSENT)
    if not address.strip():
        raise Unfinished(NO_ADDRESS)
    known = User.objects.with_address(address, UserKind.REFERRER)
    return known or User.objects.create_without_password(address.strip(), UserKind.REFERRER)


@transaction.atomic
def opened(*, release: Release, by: User, at: datetime) -> Reading:
    """Note that a receiver opened the report; the caller has authorized it. Once a person.

    When it is who asked, the case's answer has been read.
    """
    case = Case.objects.select_for_update().get(pk=release.signed.opinion.case_id)
    earlier = release.readings.filter(by=by).first()
    if earlier is not None:
        return earlier
    reading = Reading.objects.create(release=release, by=by, at=at)
    if release.to == _answering(case) and case.answer_read_at is None:
        case.answer_read_at, case.stage = at, Stage.REPORT_READ
        case.revision += 1
        case.save(update_fields=["answer_read_at", "stage", "revision"])
        Step.objects.create(case=case, status=case.status, stage=case.stage, at=at, by=by)
    record(by, "opinion.report_opened", release.signed.opinion, to=release.to)
    return reading


def _case(case: Case) -> Case:
    return Case.objects.select_for_update().get(pk=case.pk)


def _revision(case: Case, seen: int) -> Revision:
    opinion = Opinion.objects.select_for_update().filter(case=case).first()
    if opinion is None or opinion.revision != seen:
        raise NotInThisState("another text was saved since")
    return opinion.revisions.get(number=seen)


def _is_signed(revision: Revision) -> bool:
    return Signed.objects.filter(revision=revision).exists()


def kept_or_begun(case: Case) -> tuple[Content, int]:
    """Give the text to go on with, and its revision; the questions alone when there is none."""
    opinion = access.opinion_of(case)
    if opinion is None:
        return begun(case), 0
    return Content.of(opinion.content), opinion.revision
