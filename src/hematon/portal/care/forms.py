"""The questions of the request to be called, one a page."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from hematon.portal.care.callback import NOTE_MOST, About, Language, Relationship
from hematon.portal.care.times import time_choices
from hematon.portal.ui.forms import Choice, Form
from hematon.portal.ui.site import site

YES_NO = [("yes", _("Yes")), ("no", _("No"))]
_NOT_DIALED = re.compile(r"[\s().\-/]+")
_PHONE = re.compile(r"(\+?\d{7,15})(?:(?:ext|x)(\d{1,6}))?")


class WhoForm(Form):
    """Who asks."""

    relationship = Choice(
        label=_("Who are you to the child?"),
        choices=Relationship.choices,
        error_messages={"required": _("Choose who you are to the child.")},
    )


class NameForm(Form):
    """Whom to ask for."""

    name = forms.CharField(
        label=_("What name should we ask for when we call?"),
        help_text=_("Your name, not the child's."),
        max_length=100,
        error_messages={
            "required": _("Enter the name we should ask for."),
            "max_length": _("Enter a name of at most 100 letters."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
    )


class PhoneForm(Form):
    """Where to call."""

    phone = forms.CharField(
        label=_("What phone number should we call?"),
        help_text=_("With area code. For a number outside the United States, start with +."),
        max_length=40,
        error_messages={
            "required": _("Enter the phone number we should call."),
            "max_length": _("Enter 1 phone number of at most 40 characters."),
        },
        widget=forms.TextInput(
            attrs={"type": "tel", "autocomplete": "tel", "class": "nhsuk-input--width-20"}
        ),
    )

    def clean_phone(self) -> str:
        """Take the number however it was typed; keep what a phone dials."""
        typed = _NOT_DIALED.sub("", self.cleaned_data["phone"].lower()).replace("ext:", "ext")
        match = _PHONE.fullmatch(typed)
        if not match:
            raise ValidationError(_("Enter a phone number with area code, such as 303 555 0100."))
        digits, extension = match[1], match[2]
        if not digits.startswith("+"):
            # The 1 of long distance is no part of the number.
            digits = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
            if len(digits) != 10:
                raise ValidationError(
                    _("Enter all 10 digits of the phone number, such as 303 555 0100.")
                )
            digits = f"{digits[:3]} {digits[3:6]} {digits[6:]}"
        return f"{digits} ext {extension}" if extension else digits


class TimeForm(Form):
    """When to call."""

    time = Choice(
        label=_("When is the best time to call?"),
        choices=time_choices,
        error_messages={"required": _("Choose the best time to call.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time"].help_text = _("We call on business days. Hours are in %(zone)s.") % {
            "zone": site().zone_name
        }


class LanguageForm(Form):
    """Which language to speak."""

    title = _("What language should we speak?")

    language = Choice(
        label=_("Language"),
        choices=Language.choices,
        error_messages={"required": _("Choose the language we should speak.")},
    )
    other_language = forms.CharField(
        label=_("Which other language? (only if you chose another language)"),
        required=False,
        max_length=60,
        error_messages={"max_length": _("Enter a language of at most 60 letters.")},
        widget=forms.TextInput(attrs={"class": "nhsuk-input--width-20"}),
    )

    def clean(self) -> dict[str, Any]:
        """Ask which, where it is another; drop what was typed where it is not."""
        given = dict(super().clean() or {})
        if given.get("language") == Language.OTHER and not given.get("other_language"):
            if "other_language" not in self.errors:
                self.add_error("other_language", _("Enter the language we should speak."))
        elif given.get("language") != Language.OTHER:
            given["other_language"] = ""
        return given


class InterpreterForm(Form):
    """Whether an interpreter joins the call."""

    interpreter = Choice(
        label=_("Do you need an interpreter on the call?"),
        choices=YES_NO,
        error_messages={"required": _("Choose yes or no.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interpreter"].help_text = str(site().interpreters)


class AboutForm(Form):
    """What the call is about."""

    about = Choice(
        label=_("What would you like to talk about?"),
        choices=About.choices,
        error_messages={"required": _("Choose what you would like to talk about.")},
    )


class NoteForm(Form):
    """Anything to know before the call."""

    note = forms.CharField(
        label=_("Is there anything we should know before we call? (optional)"),
        help_text=_("At most 500 characters. You can leave this empty."),
        required=False,
        max_length=NOTE_MOST,
        error_messages={
            "max_length": _("Your note has %(show_value)s characters. Use at most %(limit_value)s.")
        },
        widget=forms.Textarea(attrs={"rows": 5}),
    )
