"""Forms of families and referring clinicians: address, code, passkey."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_decode

from hematon.portal.accounts.forms import MALFORMED, Credential, refused
from hematon.portal.accounts.models import Address, User
from hematon.portal.ui.forms import Form

_INVALID = _("Enter an email address in full, like name@example.com")


class AddressForm(Form):
    """Asks for an address."""

    address = forms.EmailField(
        label=_("Your email address"),
        help_text=_("We send a 6-digit code to it. You need no password."),
        max_length=200,
        error_messages={"required": _INVALID, "invalid": _INVALID, "max_length": _INVALID},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )


class NewAddressForm(AddressForm):
    """Asks for another address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["address"].label = _("Your new email address")
        self.fields["address"].help_text = _("We send a 6-digit code to the new address.")


class CodeForm(Form):
    """Asks for the code that was sent."""

    code = forms.CharField(
        label=_("6-digit code"),
        help_text=_("It works for 10 minutes."),
        max_length=40,
        error_messages={
            "required": _("Enter the 6-digit code from the email"),
            "max_length": _("Enter the 6-digit code from the email"),
        },
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": "nhsuk-input--width-10",
            }
        ),
    )

    def clean_code(self) -> str:
        """Take spaces and dashes away; people copy them along."""
        code = re.sub(r"[\s\-.]", "", unicodedata.normalize("NFKC", self.cleaned_data["code"]))
        if not re.fullmatch(r"[0-9]{6}", code):
            raise ValidationError(_("Enter the 6-digit code from the email"))
        return code


class AddPasskey(Form):
    """Takes what a device made."""

    credential = Credential()

    def clean_credential(self) -> dict[str, Any]:
        """Check that it answers our question and asked for a finger, a face or a PIN."""
        credential: dict[str, Any] = self.cleaned_data["credential"]
        try:
            auth.parse_registration_response(credential)
            made = auth.complete_registration(credential)
        except MALFORMED as error:
            raise refused() from error
        if not made.is_user_verified():
            raise refused()
        return credential


class UsePasskey(Form):
    """Takes what a passkey answered, of this person or of whoever it says."""

    credential = Credential()

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_credential(self) -> Authenticator:
        """Find the passkey and check its answer."""
        credential = self.cleaned_data["credential"]
        try:
            auth.parse_authentication_response(credential)
            found: Authenticator = auth.complete_authentication(
                self.user or _owner(credential), credential
            )
        except MALFORMED as error:
            raise refused() from error
        return found


def _owner(credential: dict[str, Any]) -> User:
    handle = UUID(bytes=websafe_decode(credential["response"]["userHandle"]))
    address = Address.objects.select_related("user").filter(pk=handle).first()
    if address is None:
        raise refused()
    return address.user
