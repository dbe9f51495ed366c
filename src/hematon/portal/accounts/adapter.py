"""allauth's switches that are code: nobody signs up, and passkeys of families name nobody."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.utils.translation import gettext as _

from hematon.portal.accounts import factor_secrets
from hematon.portal.accounts.models import Kind, User


class StaffAdapter(DefaultAccountAdapter):
    """Staff accounts are made for people, never by them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no."""
        return False


class Passkeys(DefaultMFAAdapter):
    """What a passkey keeps of the person, readable to whoever holds the device; sealed secrets."""

    def encrypt(self, text: str) -> str:
        """Leave it: `factor_secrets` takes it away before the row is written."""
        return text

    def decrypt(self, encrypted_text: str) -> str:
        """Open what stands for a secret."""
        return factor_secrets.opened(encrypted_text)

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """Give a random handle and a neutral name to everyone but staff."""
        if user.kind == Kind.STAFF:
            entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
            return entity
        name = _("My account")
        return {"id": user.address.pk.bytes, "name": name, "display_name": name}
