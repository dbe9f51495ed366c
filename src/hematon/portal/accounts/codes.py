"""Codes by mail: six digits, ten minutes, five tries, once, in the browser that asked.

Asking looks the same for every address: a known one, an unknown one, one of staff. The browser's
session knows the id of a row; the row holds a keyed hash of the code, never the code.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from allauth.core.internal import ratelimit
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import get_language

from hematon.portal.accounts import known_browsers, mail
from hematon.portal.accounts.models import Kind, MailedCode, Purpose, User, address_index
from hematon.portal.vault.sealing import blind_index

LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
RATES: Final = {
    # From one place, to whatever addresses: a hospital's families share one.
    "code_sent": "30/15m/ip",
    # To one address, from one place: nobody uses up alone what the address has in all.
    "code_sent_from": "4/15m/key,10/d/key",
    # To one address in all: 30 codes a day are 150 guesses among a million.
    "code_sent_to": "10/15m/key,30/d/key",
    # To one address from a browser that has signed in with it before, besides all these.
    "code_sent_known": "5/15m/key,20/d/key",
    "code_tried": "60/15m/ip",
}
_KEPT: Final = timedelta(hours=1)


class Asked(Enum):
    """What came of asking for a code; the same for every address."""

    SENT = "sent"
    TOO_MANY = "too_many"
    NOT_SENT = "not_sent"


class Entered(Enum):
    """What came of typing a code."""

    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"
    TOO_MANY = "too_many"


def ask(request: HttpRequest, *, purpose: Purpose, kind: Kind, address: str) -> Asked:
    """Send a code to an address and remember in this session that it was asked for."""
    address = address.strip().lower()
    key = address_index(address, kind)
    if not _may_ask(request, key):
        return Asked.TOO_MANY
    row, code = _draw(purpose=purpose, kind=kind, address=address)
    request.session[_key(purpose)] = str(row.pk)
    language = get_language() or "en"
    if code:
        sent = mail.send_code(address=address, code=code, language=language)
    else:
        sent = mail.send_no_code(address=address, language=language)
    return Asked.SENT if sent else Asked.NOT_SENT


def over(at: datetime) -> QuerySet[MailedCode]:
    """Give the codes that nobody is told of any more, not even that they ran out."""
    return MailedCode.objects.filter(expires_at__lt=at - _KEPT)


@transaction.atomic
def _draw(*, purpose: Purpose, kind: Kind, address: str) -> tuple[MailedCode, str]:
    at = timezone.now()
    over(at).delete()
    # Both are asked for every address, so that no answer comes sooner than another.
    is_staff = User.objects.filter(email=address).exists()
    is_taken = User.objects.with_address(address, kind) is not None
    refused = is_staff or (is_taken and purpose == Purpose.CHANGE_ADDRESS)
    row = MailedCode(purpose=purpose, kind=kind, address=address, expires_at=at + LIFE)
    code = f"{secrets.randbelow(10**6):06d}"
    row.code_hash = "" if refused else _hash(row, code)
    row.save()
    return row, "" if refused else code


def pending(request: HttpRequest, purpose: Purpose) -> MailedCode | None:
    """Give what this browser asked for and has not used; its time may have run out."""
    pk = request.session.get(_key(purpose))
    if not pk:
        return None
    return MailedCode.objects.filter(pk=pk, purpose=purpose, used_at=None).first()


def enter(
    request: HttpRequest, *, purpose: Purpose, code: str
) -> tuple[Entered, MailedCode | None]:
    """Judge a code that was typed.

    Each try is counted by one conditional update before the code is looked at, so that guesses
    sent at the same moment are counted too; the same holds for its one use.
    """
    if not _within("code_tried", request, None):
        return Entered.TOO_MANY, None
    pk, at = str(request.session.get(_key(purpose), UUID(int=0))), timezone.now()
    rows = MailedCode.objects.filter(pk=pk, purpose=purpose, used_at=None, expires_at__gt=at)
    if rows.filter(tries__lt=TRIES).update(tries=F("tries") + 1) != 1:
        return Entered.OVER, None
    row = MailedCode.objects.get(pk=pk)
    if not constant_time_compare(row.code_hash, _hash(row, code)):
        return (Entered.OVER if row.tries >= TRIES else Entered.WRONG), None
    if rows.update(used_at=at) != 1:
        return Entered.OVER, None
    del request.session[_key(purpose)]
    return Entered.RIGHT, row


def _may_ask(request: HttpRequest, index: str) -> bool:
    """Count that a code is asked for; say whether it is within the limits.

    A flood of asking uses up the limits of strangers. A browser that is known for the address has
    its own, so whoever floods an address does not lock its owner out.
    """
    known = known_browsers.name_for(request, index)
    if known:
        return _within("code_sent_known", request, f"{index}:{known}")
    return (
        _within("code_sent", request, None)
        and _within("code_sent_from", request, f"{index}:{ratelimit.get_ip(request)}")
        and _within("code_sent_to", request, index)
    )


def _within(action: str, request: HttpRequest, key: str | None) -> bool:
    used = ratelimit.consume(
        request, app="hematon.portal.accounts", action=action, config=RATES, key=key
    )
    return used is not None


def _key(purpose: Purpose) -> str:
    return f"code_{Purpose(purpose).value}"


def _hash(row: MailedCode, code: str) -> str:
    return blind_index(f"{row.pk}:{code}", "accounts.code")
