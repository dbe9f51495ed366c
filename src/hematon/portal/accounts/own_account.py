"""What families and referring clinicians do to their own account. Each is one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.contrib.auth import login
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from hematon.portal.accounts import deletion, notices, sessions
from hematon.portal.accounts.models import Kind, User, address_index
from hematon.portal.audit.record import record
from hematon.portal.notify.models import Kind as Notice


class AccountClosedError(Exception):
    """The address is right and the account was closed by the programme."""


class AddressTakenError(Exception):
    """Another account has come to use the address in the meantime."""


@transaction.atomic
def sign_in(request: HttpRequest, *, address: str, kind: Kind) -> User:
    """Sign in who has shown a code sent to an address; the first time makes the account.

    Raises:
        AccountClosedError: the account may not sign in any more.
    """
    user = User.objects.with_address(address, kind)
    if user is None:
        try:
            with transaction.atomic():
                user = User.objects.create_without_password(address, kind)
        except IntegrityError:
            # Two codes for one address, both right, in the same moment.
            user = User.objects.with_address(address, kind)
            if user is None:
                raise
    begin(request, user=user, by="code")
    return user


@transaction.atomic
def begin(request: HttpRequest, *, user: User, by: str) -> None:
    """Sign in; what was typed in this browser before stays, under a new session id.

    Raises:
        AccountClosedError: the account may not sign in any more.
    """
    if not user.is_active or user.kind == Kind.STAFF:
        raise AccountClosedError
    login(request, user)
    sessions.confirm(request)


@transaction.atomic
def add_passkey(*, user: User, credential: dict[str, Any]) -> Authenticator:
    """Keep a passkey. It has a number and no name: a name would be text that someone typed."""
    numbers = [int(a.wrap().name) for a in passkeys(user)]
    added: Authenticator = WebAuthn.add(user, str(max(numbers, default=0) + 1), credential).instance
    notices.sign_in_changed(user, f"passkey-{added.pk}")
    record(user, "account.passkey_added", user)
    return added


@transaction.atomic
def remove_passkey(*, user: User, passkey: Authenticator) -> None:
    """Drop a passkey."""
    number = passkey.pk
    passkey.delete()
    notices.sign_in_changed(user, f"passkey-{number}")
    record(user, "account.passkey_removed", user)


def passkeys(user: User) -> list[Authenticator]:
    """Give the person's passkeys, oldest first."""
    mine = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return list(mine.order_by("created_at", "pk"))


@transaction.atomic
def change_address(*, user: User, address: str) -> None:
    """Use another address from now on; the old one is told.

    Raises:
        AddressTakenError: another account uses it.
    """
    row = user.address
    old = row.text
    row.text, row.index = address, address_index(address, Kind(user.kind))
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise AddressTakenError from error
    notices.former_address(user, old, Notice.ADDRESS_CHANGED)
    record(user, "account.address_changed", user)


@transaction.atomic
def end_sessions(*, user: User, by: User, only: UUID | None = None, but: str = "") -> int:
    """End sessions of a person; see `sessions.end`."""
    ended = sessions.end(user=user, only=only, but=but)
    record(by, "sessions.ended", user, sessions=ended)
    return ended


@transaction.atomic
def delete_account(*, user: User) -> bool:
    """Delete everything of an account that says who it was; False when something stands against it.

    The empty row stays: the audit says by its number what it did.
    """
    if deletion.reasons_to_stay(user):
        return False
    for forget in deletion.FORGETTERS:
        forget(user)
    notices.former_address(user, user.address.text, Notice.ACCOUNT_DELETED)
    user.address.delete()
    Authenticator.objects.filter(user=user).delete()
    sessions.end(user=user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    record(user, "account.deleted", user)
    return True
