"""What families are asked about themselves, the child and each other."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from hematon.portal.families.matching import name_key
from hematon.portal.families.models import NAME_MOST, REASON_MOST, Relationship
from hematon.portal.ui.forms import Choice, Form

_OLDEST = 60


def _is_name(text: str) -> str:
    if not name_key(text):
        raise forms.ValidationError(_("Write the name in letters"))
    return text


class AskForm(Form):
    """Access to a child, for oneself."""

    title = _("Ask to see a child's information")
    adult_name = forms.CharField(
        label=_("Your full name"),
        max_length=NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={
            "required": _("Write your full name"),
            "max_length": _("Write your name with at most 120 characters"),
        },
    )
    relationship = Choice(
        label=_("Who are you to the child?"),
        choices=Relationship.choices,
        error_messages={"required": _("Choose who you are to the child")},
    )
    child_name = forms.CharField(
        label=_("The child's full name"),
        help_text=_("As the hospital knows it. Write your own name if you are the patient."),
        max_length=NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": _("Write the child's full name"),
            "max_length": _("Write the child's name with at most 120 characters"),
        },
    )
    birth_date = forms.DateField(
        label=_("The child's date of birth"),
        help_text=_("Year, month, day. For example 2018-05-20."),
        # One spelling for every language: it is what browsers send for a date box.
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(
            format="%Y-%m-%d",
            attrs={"type": "date", "autocomplete": "off", "class": "nhsuk-input--width-10"},
        ),
        error_messages={
            "required": _("Write the child's date of birth"),
            "invalid": _("Write the date as year-month-day, such as 2018-05-20"),
        },
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        self.today = today
        super().__init__(*args, **kwargs)

    def clean_adult_name(self) -> str:
        """Take a name with letters."""
        return _is_name(self.cleaned_data["adult_name"])

    def clean_child_name(self) -> str:
        """Take a name with letters."""
        return _is_name(self.cleaned_data["child_name"])

    def clean_birth_date(self) -> date:
        """Take a day in the past that a patient of ours can have been born on."""
        born: date = self.cleaned_data["birth_date"]
        if born > self.today:
            raise forms.ValidationError(_("The date of birth must be in the past"))
        if born.year < self.today.year - _OLDEST:
            raise forms.ValidationError(_("Check the year of birth"))
        return born


class AnotherForm(Form):
    """Access for another person."""

    title = _("Ask for access for another person")
    adult_name = forms.CharField(
        label=_("The other person's full name"),
        max_length=NAME_MOST,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": _("Write the other person's full name"),
            "max_length": _("Write the name with at most 120 characters"),
        },
    )
    address = forms.CharField(
        label=_("The other person's email"),
        help_text=_("They sign in with it. Check every letter."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Write the other person's email")},
    )
    relationship = Choice(
        label=_("Who is the person to the child?"),
        error_messages={"required": _("Choose who the person is to the child")},
    )

    def __init__(self, *args: Any, grown: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [Relationship.TRUSTED] if grown else [Relationship.PARENT, Relationship.GUARDIAN]
        self.offer("relationship", [(one.value, one.label) for one in offered])

    def clean_adult_name(self) -> str:
        """Take a name with letters."""
        return _is_name(self.cleaned_data["adult_name"])

    def clean_address(self) -> str:
        """Take an address a mail can go to."""
        address: str = self.cleaned_data["address"].strip()
        try:
            validate_email(address)
        except forms.ValidationError as error:
            raise forms.ValidationError(_("Write the email like this: name@example.com")) from error
        return address


class EndForm(Form):
    """Why, in the family's own words."""

    reason = forms.CharField(
        label=_("Why? (optional)"),
        help_text=_("Our team reads it. The other person does not."),
        required=False,
        max_length=REASON_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": _("Write at most 500 characters")},
    )
