"""From the first saved answer to a case that the team has: each sent exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import identity, promises, reading_order, telling
from hematon.portal.care.models import Case, Step
from hematon.portal.care.models.case import Band
from hematon.portal.care.reference import new_reference
from hematon.portal.care.refused import NotInThisState, SentBefore
from hematon.portal.care.status import Kind, Status
from hematon.portal.families.matching import child_index
from hematon.portal.files import actions as files
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention
from hematon.portal.vault.sealing import blind_index

_DRAWS = 5
"""A repeated reference is one draw in billions; five in a row are a fault, not chance."""


@transaction.atomic
def begin(
    *,
    kind: Kind,
    sender: User | None,
    language: str,
    at: datetime,
    kept: timedelta | None = None,
) -> Case:
    """Begin a draft.

    Args:
        kind: what will be asked.
        sender: whose draft it is, and nobody else sees it; None for a browser's own.
        language: of the pages.
        at: now; aware.
        kept: how long, where that is not what the programme keeps drafts.
    """
    case = Case.objects.create(
        kind=kind,
        sender=sender,
        language=language,
        begun_at=at,
        saved_at=at,
        ends_at=_ends(at) if kept is None else at + kept,
    )
    record(sender, "case.begun", case, kind=kind.value)
    return case


def _ends(at: datetime) -> datetime:
    return at + timedelta(days=rules.current(Retention).draft_days)


@transaction.atomic
def save_answer(*, case: Case, question: str, answer: Any, at: datetime) -> Case:
    """Keep one answer of a draft; a week more is not asked of anyone who came back.

    Args:
        case: the draft.
        question: key of the question.
        answer: what its form gave; None drops it.
        at: now; aware.

    Raises:
        NotInThisState: it was sent, or its time is over.
    """
    held = _draft(case, at)
    answers = dict(held.answers)
    if answer is None:
        answers.pop(question, None)
    else:
        answers[question] = answer
    held.answers = answers
    held.saved_at, held.ends_at = at, _ends(at)
    held.revision += 1
    held.save(update_fields=["answers", "saved_at", "ends_at", "revision"])
    return held


@transaction.atomic
def discard(*, case: Case, by: User | None, at: datetime) -> None:
    """Delete a draft at the wish of whoever began it; the caller has authorized them.

    Raises:
        NotInThisState: it was sent; what was sent is taken back by `working.step`.
    """
    held = _draft(case, at)
    key, kind = held.pk, held.kind
    files.let_go_of(holder=key)
    held.delete()
    held.pk = key
    record(by, "case.discarded", held, kind=kind)


def send(*, case: Case, seen: int, at: datetime, draw: Callable[[], str] = new_reference) -> Case:
    """Send a draft; sent again from the same page it is the same case.

    Args:
        case: the draft.
        seen: its revision on the page that was sent.
        at: now; aware.
        draw: gives a reference.

    Raises:
        NotInThisState: an answer changed since the page was made, or its time is over.
        SentBefore: it was sent from a page with other answers.
    """
    key = f"{case.pk}-{seen}"

    def sent() -> Case:
        held = Case.objects.select_for_update().get(pk=case.pk)
        if held.status != Status.DRAFT:
            if held.key == key:
                return held
            raise SentBefore(held)
        if held.revision != seen or (held.ends_at is not None and held.ends_at <= at):
            raise NotInThisState("an answer changed since")
        held.key = key
        _receive(held, at, draw())
        return held

    return _with_a_fresh_reference(sent)


def send_new(
    *,
    key: str,
    kind: Kind,
    answers: dict[str, Any],
    language: str,
    at: datetime,
    sender: User | None = None,
    interpreter: bool = False,
    draw: Callable[[], str] = new_reference,
) -> Case:
    """Keep a case that was never a draft; the same key sent again gives the case it made.

    Args:
        key: made by the server, unique to this form.
        kind: what is asked.
        answers: by key of the question.
        language: of the pages.
        at: when it came; aware.
        sender: None where no sign-in was asked.
        interpreter: whether one is needed.
        draw: gives a reference.

    Raises:
        SentBefore: the key was used with other answers.
    """
    said = json.dumps([kind, answers], sort_keys=True, separators=(",", ":"))
    digest = blind_index(said, "care.case.digest")

    def sent() -> Case:
        earlier = Case.objects.filter(key=key).first()
        if earlier is None:
            made = Case(
                kind=kind,
                key=key,
                digest=digest,
                sender=sender,
                language=language,
                interpreter=interpreter,
                answers=answers,
                begun_at=at,
                saved_at=at,
            )
            _receive(made, at, draw())
            return made
        if earlier.digest != digest:
            raise SentBefore(earlier)
        return earlier

    return _with_a_fresh_reference(sent)


def _draft(case: Case, at: datetime) -> Case:
    held = Case.objects.select_for_update().filter(pk=case.pk, status=Status.DRAFT).first()
    if held is None or (held.ends_at is not None and held.ends_at <= at):
        raise NotInThisState("not a draft any more")
    return held


def _with_a_fresh_reference(act: Callable[[], Case]) -> Case:
    # Whichever unique value was taken, the next round sees the row that took it.
    for attempt in range(1, _DRAWS + 1):
        try:
            with transaction.atomic():
                return act()
        except IntegrityError:
            if attempt == _DRAWS:
                raise
    raise AssertionError("unreachable")


def _receive(case: Case, at: datetime, reference: str) -> None:
    case.status, case.reference = Status.RECEIVED, reference
    case.sent_at, case.ends_at = at, None
    said = identity.named(case.answers)
    case.match = child_index(said.name, said.born) if said else ""
    placed = reading_order.place(answers=case.answers, at=at)
    case.band, case.rank, case.basis = placed.band, placed.rank, placed.basis
    case.read_due_at = promises.read_by(case.kind, case.band, at)
    # A second opinion's clock begins when the records are complete.
    case.due_at = None if case.kind == Kind.SECOND_OPINION else promises.answer_by(case.kind, at)
    case.revision += 1
    case.save()
    Step.objects.create(case=case, status=case.status, at=at, by=case.sender)
    telling.tell_sender(case, at=at)
    if case.band == Band.FIRST:
        telling.tell_team(case, key=f"band-a:{case.pk}", at=at)
    record(case.sender, "case.sent", case, kind=case.kind, language=case.language)
