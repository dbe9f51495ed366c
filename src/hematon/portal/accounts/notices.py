"""Owing people a mail about their own sign-in, in the transaction of what happened."""

from __future__ import annotations

from allauth.account.signals import password_changed, password_set
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import get_language

from hematon.portal.accounts.models import BrowserSession, User
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind


def new_browser(row: BrowserSession) -> None:
    """Tell of a sign-in from a make of browser that the account has not used lately."""
    _owe(f"new-sign-in:{row.pk}", Kind.NEW_SIGN_IN, row.user)


def sign_in_changed(user: User, what: str) -> None:
    """Tell of a change in how somebody signs in.

    Args:
        user: whose.
        what: names the change, in letters, digits and hyphens; part of the mail's key.
    """
    at = timezone.now()
    _owe(f"sign-in-changed:{user.pk}:{what}:{at.timestamp():.0f}", Kind.SIGN_IN_CHANGED, user)


def former_address(user: User, address: str, kind: Kind) -> None:
    """Tell an address that the account has no more: the old one, or that of a deleted account."""
    _owe(f"former-address:{user.pk}:{timezone.now().timestamp():.6f}", kind, user, address)


def _owe(key: str, kind: Kind, user: User, address: str | None = None) -> None:
    # Staff pages are in English; a session without a language has none to ask.
    language = get_language() or "en"
    if language not in dict(settings.LANGUAGES):
        language = "en"
    with transaction.atomic():
        enqueue(
            key=key, kind=kind, user=user, language=language, at=timezone.now(), address=address
        )


@receiver([authenticator_added, authenticator_removed, authenticator_reset])
def _factor_changed(user: User, authenticator: Authenticator, **kwargs: object) -> None:
    sign_in_changed(user, f"factor-{authenticator.pk}")


@receiver([password_changed, password_set])
def _password_changed(user: User, **kwargs: object) -> None:
    sign_in_changed(user, "password")
