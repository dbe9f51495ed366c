"""Taking a file, looking at it again, taking it back, and deleting what is over.

None of these may be called inside a transaction of the caller: an infected file leaves a row and
an audit event although it is refused, and the scanner is not waited for with a lock in hand.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.files import opening, scanning, serve, store
from hematon.portal.files.access import files_of
from hematon.portal.files.kinds import (
    CASE_LIMITS,
    REFERRAL_LIMITS,
    Limits,
    RefusedError,
    shown_name,
)
from hematon.portal.files.models import State, StoredFile
from hematon.portal.files.scanning import Verdict, Word
from hematon.portal.vault.sealing import SealBrokenError, seal_large

__all__ = ["CASE_LIMITS", "REFERRAL_LIMITS", "Refused", "purge", "remove", "rescan_held", "take"]

Refused = RefusedError
GRACE: Final = timedelta(hours=1)
"""A content without a row may belong to a request that is still being answered."""
_log = logging.getLogger(__name__)


def take(
    *,
    holder: uuid.UUID,
    upload: UploadedFile[bytes],
    by: User | None,
    at: datetime,
    limits: Limits = CASE_LIMITS,
    step: str = "",
    name: str | None = None,
) -> StoredFile:
    """Take a file: open it, have it scanned, seal it, keep it.

    Args:
        holder: the case it belongs to; the caller has authorized it.
        upload: what arrived.
        by: who sent it, where that person has an account.
        at: now.
        limits: how much is taken.
        step: key of the question that it answers.
        name: what the family called it; the upload's own name unless given.

    Returns:
        The file, clean or held; it is on the disk and in the database.

    Raises:
        RefusedError: it is not taken; the code says why. A file with a virus leaves a row
            without content.
    """
    called = name or upload.name or ""
    _check_room(holder, step, limits, size=0)
    content = opening.whole(upload)
    kept = opening.to_keep(called, content, limits.kinds)
    stored = StoredFile(
        holder=holder,
        step=step,
        name=shown_name(called),
        kind=kept.kind,
        size=len(kept.content),
        sha256=hashlib.sha256(kept.content).hexdigest(),
        flags=list(kept.flags),
        taken_at=at,
        taken_by=by,
    )
    _judge(stored, scanning.scan(content), at)
    if stored.state == State.INFECTED:
        with transaction.atomic(durable=True):
            stored.save(force_insert=True)
            record(by, "files.refused", stored, kind=stored.kind, reason=stored.reason)
        raise RefusedError(stored.reason)
    stored.sealed_key, sealed = seal_large(kept.content, stored.place)
    try:
        stored.stored_as = store.write(sealed)
    except OSError as error:
        _log.error("a content could not be written: %s", type(error).__name__)
        raise RefusedError("failed") from error
    try:
        with transaction.atomic(durable=True):
            _check_room(holder, step, limits, size=stored.size)
            stored.save(force_insert=True)
            record(by, "files.taken", stored, kind=stored.kind, state=stored.state)
    except RefusedError:
        _delete(stored.stored_as)
        raise
    # After any other error the row may be there or not; the sweep knows in an hour.
    return stored


def _check_room(holder: uuid.UUID, step: str, limits: Limits, size: int) -> None:
    held = files_of(holder).exclude(state=State.INFECTED)
    if held.filter(step=step).count() >= limits.files_per_step:
        raise RefusedError("many")
    # Sending and taking back must not fill the disk until the purge.
    on_disk = StoredFile.objects.filter(holder=holder).exclude(stored_as="")
    for found, most in ((held, limits.bytes_per_holder), (on_disk, 4 * limits.bytes_per_holder)):
        if (found.aggregate(all=Sum("size"))["all"] or 0) + size > most:
            raise RefusedError("total")


def _judge(stored: StoredFile, verdict: Verdict, at: datetime) -> None:
    """Write down what the scanner said."""
    stored.reason = verdict.reason
    if verdict.word is Word.UNKNOWN:
        stored.state = State.HELD
        return
    stored.scanned_at, stored.signatures = at, verdict.signatures
    stored.state = State.CLEAN if verdict.word is Word.CLEAN else State.INFECTED


def rescan_held(*, at: datetime, most: int = 1000) -> dict[str, int]:
    """Look again at every file that is held; a job of every few minutes.

    Stops at the first answer that says the scanner itself is away; the rest wait.

    Returns:
        How many are now clean, infected, and still held of those that were looked at.
    """
    done = {"clean": 0, "infected": 0, "held": 0}
    waiting = StoredFile.objects.filter(state=State.HELD).order_by("taken_at", "id")
    for stored in list(waiting[:most]):
        try:
            content = serve.opened(stored)
        except SealBrokenError:
            done["held"] += 1  # alarmed already; it stays where somebody can look at it
            continue
        verdict = scanning.scan(content, seconds=scanning.SECONDS_AGAIN)
        _note(stored.pk, verdict, at)
        if verdict.word is Word.UNKNOWN:
            done["held"] += 1
            if verdict.reason in ("no_scanner", "down", "unproven"):
                break
        else:
            done[verdict.word.value] += 1
    return done


@transaction.atomic(durable=True)
def _note(pk: uuid.UUID, verdict: Verdict, at: datetime) -> None:
    """Write a verdict on a row that is still held; it may have been removed meanwhile."""
    stored = StoredFile.objects.select_for_update().filter(pk=pk, state=State.HELD).first()
    if stored is None:
        return
    _judge(stored, verdict, at)
    if stored.state == State.INFECTED:
        _let_go(stored)
    stored.save()
    if stored.state != State.HELD:
        record(None, "files.scanned", stored, state=stored.state, reason=stored.reason)


def _let_go(stored: StoredFile) -> None:
    """Delete a content once its row says that it is gone."""
    name, stored.stored_as, stored.sealed_key = stored.stored_as, "", b""
    transaction.on_commit(lambda: _delete(name))


def _delete(name: str) -> None:
    try:
        store.delete(name)
    except OSError as error:  # the sweep deletes it later
        _log.error("a content could not be deleted: %s", type(error).__name__)


@transaction.atomic
def remove(
    *, stored: StoredFile, by: User | None, at: datetime, reason: str = "taken_back"
) -> None:
    """Take a file back, or reject it: it is not shown again, and its content goes in `purge`.

    Args:
        stored: the file; the caller has authorized it.
        by: who removes it.
        at: now.
        reason: a code, such as `taken_back` or `rejected`.
    """
    kept = StoredFile.objects.select_for_update().exclude(state=State.REMOVED)
    found = kept.filter(pk=stored.pk).first()
    if found is None:
        return
    # Why a file was refused stays with its row.
    found.reason = found.reason if found.state == State.INFECTED else reason
    found.state, found.removed_at = State.REMOVED, at
    found.save(update_fields=["state", "reason", "removed_at"])
    record(by, "files.removed", found, reason=found.reason)


@transaction.atomic
def let_go_of(*, holder: uuid.UUID) -> int:
    """Delete every file of a case that is deleted, rows and contents, inside that act.

    Args:
        holder: the case; what is recorded about it says that it went.

    Returns:
        How many rows were deleted.
    """
    found = list(StoredFile.objects.select_for_update().filter(holder=holder))
    for stored in found:
        if stored.stored_as:
            _let_go(stored)
        stored.delete()
    return len(found)


@transaction.atomic
def purge(*, at: datetime, days: int) -> int:
    """Delete the contents of files that were removed so many days ago.

    Args:
        at: now.
        days: `Retention.rejected_file_days` of the programme's rules.

    Returns:
        How many contents were deleted; their rows stay.
    """
    over = StoredFile.objects.select_for_update().filter(
        state=State.REMOVED, removed_at__lte=at - timedelta(days=days)
    )
    found = list(over.exclude(stored_as=""))
    for stored in found:
        _let_go(stored)
        stored.save(update_fields=["stored_as", "sealed_key"])
    if found:
        record(None, "files.purged", files=len(found))
    return len(found)


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    Attributes:
        orphans: contents without a row, deleted.
        missing: rows whose content is not there; each is an alarm.
    """

    orphans: int
    missing: int


def sweep(*, at: datetime, grace: timedelta = GRACE) -> Swept:
    """Delete contents that no row knows, left by a crash; say what rows lack.

    Args:
        at: now.
        grace: what was written since may still get its row.
    """
    orphans = 0
    for place in store.written_before(at - grace):
        if not StoredFile.objects.filter(stored_as=place.name).exists():
            place.unlink(missing_ok=True)
            orphans += 1
    if orphans:
        with transaction.atomic(durable=True):
            record(None, "files.swept", files=orphans)
    missing = 0
    for pk, name in StoredFile.objects.exclude(stored_as="").values_list("pk", "stored_as"):
        # Between the two looks it may have been purged.
        there = store.path_of(name).is_file()
        if not there and StoredFile.objects.filter(pk=pk, stored_as=name).exists():
            _log.critical("content missing: files.storedfile:%s", pk)
            missing += 1
    return Swept(orphans, missing)
