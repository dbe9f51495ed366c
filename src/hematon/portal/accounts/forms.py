"""allauth's passkey forms for staff, made to refuse what no browser sends instead of failing."""

from __future__ import annotations

import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError

from hematon.portal.accounts.models import Kind

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError, struct.error)
"""What the libraries below raise for a credential that is no credential."""


def refused() -> ValidationError:
    """Give the error of a passkey that does not hold."""
    return ValidationError("The passkey could not be read. Try again.", "incorrect_code")


class Credential(forms.JSONField):
    """JSON from the browser; numbers and nesting that Python refuses are errors of the sender."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Parse it."""
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as error:
            raise refused() from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Give nothing: what was sent is used once and never shown again."""
        return None

    def prepare_value(self, value: Any) -> str:
        """Begin empty; the browser's key fills it."""
        return ""


class Add(webauthn.AddWebAuthnForm):
    """Adds a passkey or a security key."""

    credential = Credential()

    def clean(self) -> dict[str, Any]:
        """Check what the key answered."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except MALFORMED as error:
            raise refused() from error
        return cleaned


class _Checked:
    def clean_credential(self) -> Authenticator:
        """Check what the key answered."""
        try:
            return super().clean_credential()  # type: ignore[misc]  # of the class beside it
        except MALFORMED as error:
            raise refused() from error


class Authenticate(_Checked, webauthn.AuthenticateWebAuthnForm):
    """The second factor after a password."""

    credential = Credential()


class Login(_Checked, webauthn.LoginWebAuthnForm):
    """Signs in by passkey alone."""

    credential = Credential()

    def clean_credential(self) -> Authenticator:
        """Check what the key answered, and that it is a key of staff."""
        authenticator = super().clean_credential()
        if authenticator.user.kind != Kind.STAFF:
            raise refused()
        return authenticator


class Reauthenticate(_Checked, webauthn.ReauthenticateWebAuthnForm):
    """Confirms that the person is still there."""

    credential = Credential()
