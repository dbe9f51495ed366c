"""The pages of a referral, but for blood counts and findings.

What a form gave is kept as JSON and fits the same form again: it is checked once more before the
referral is sent.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from hematon.portal.care import forms as callback
from hematon.portal.care.ask_forms import BirthDateForm
from hematon.portal.directory.npi import is_npi
from hematon.portal.ui.forms import Choice, Choices, Form
from hematon.portal.ui.site import site
from hematon.portal.visits.states import STATES, by_name

TEXT_MOST: Final = 4000
ABROAD: Final = "abroad"
PROFESSIONS: Final = [
    ("pediatrician", "Pediatrician"),
    ("family-medicine", "Family physician"),
    ("hematologist", "Hematologist or oncologist"),
    ("emergency", "Emergency physician"),
    ("hospitalist", "Hospitalist"),
    ("advanced", "Nurse practitioner or physician assistant"),
    ("other", "Another clinician"),
]
SEXES: Final = [("male", "Male"), ("female", "Female"), ("unknown", "Not stated")]
URGENCIES: Final = [
    ("now", "Now: the child may need care today"),
    ("day", "Within 24 hours"),
    ("week", "Within a week"),
    ("two-weeks", "Within 2 weeks"),
    ("routine", "It can wait for a routine visit"),
]
TREATMENTS: Final = [
    ("red_cell_transfusion", "Red cell transfusion"),
    ("platelet_transfusion", "Platelet transfusion"),
    ("g_csf", "G-CSF"),
    ("steroid", "Steroids"),
    ("ivig", "Immunoglobulin (IVIG)"),
    ("eltrombopag", "Eltrombopag"),
    ("chemotherapy", "Chemotherapy"),
    ("transplant", "Stem cell transplant"),
    ("none", "None of these"),
]
"""The codes are those of the engine's treatments."""
FAMILY_KNOWS: Final = [
    ("yes", "Yes, the family knows and agrees"),
    ("soon", "Not yet; I will tell them before you call"),
]
YES: Final = [("yes", "I confirm this")]


def _line(label: str, needed: str = "", *, most: int = 120, **more: Any) -> forms.CharField:
    attrs = more.pop("attrs", {})
    return forms.CharField(
        label=label,
        max_length=most,
        required=bool(needed),
        widget=forms.TextInput(attrs={"spellcheck": "false", **attrs}),
        error_messages={
            "required": needed,
            "max_length": f"{label}: use at most {most} characters.",
        },
        **more,
    )


def _area(label: str, needed: str = "", *, rows: int = 5, **more: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=TEXT_MOST,
        required=bool(needed),
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={
            "required": needed,
            "max_length": "Your text has %(show_value)s characters. Use at most %(limit_value)s.",
        },
        **more,
    )


class WhereForm(Form):
    """Where the child lives, asked before the long form."""

    where = forms.ChoiceField(
        label="Where does the child live?",
        help_text="State or territory of the child's home.",
        choices=lambda: [("", "Choose"), *by_name(), (ABROAD, "Outside the United States")],
        error_messages={"required": "Choose where the child lives."},
    )


def place_of(where: str) -> str:
    """Give a state as the place by which the programme says whom it serves."""
    if where == ABROAD:
        return "abroad"
    return "home" if where == site().state else "other"


def state_name(where: str) -> str:
    """Give the name of where the child lives."""
    return str(STATES[where]) if where in STATES else "Outside the United States"


class YouForm(callback.PhoneForm):
    """Who refers, and how the team reaches them."""

    title = "Who are you?"
    field_order = (
        "name",
        "profession",
        "institution",
        "address",
        "phone",
        "npi",
        "licence",
    )

    name = _line("Your full name", "Enter your full name.", attrs={"autocomplete": "name"})
    profession = forms.ChoiceField(
        label="Your profession",
        choices=[("", "Choose"), *PROFESSIONS],
        error_messages={"required": "Choose your profession."},
    )
    institution = _line(
        "Practice or hospital, and its city",
        "Enter your practice or hospital, and its city.",
        attrs={"autocomplete": "organization"},
    )
    address = forms.EmailField(
        label="Work email address",
        help_text="We send a code to it before the referral goes out. You follow the referral "
        "with this address.",
        max_length=200,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your work email address.",
            "invalid": "Enter an email address in full, like name@example.com.",
            "max_length": "Use an email address of at most 200 characters.",
        },
    )
    npi = _line(
        "NPI (optional)",
        help_text="10 digits. It helps us find you in our directory.",
        most=20,
        attrs={"inputmode": "numeric", "class": "nhsuk-input--width-10"},
    )
    licence = _line(
        "License: state and number (optional)", attrs={"class": "nhsuk-input--width-20"}
    )

    def __init__(self, *args: Any, signed_in_as: str = "", **kwargs: Any) -> None:
        """Make the form; the address of an account is not asked for again."""
        super().__init__(*args, **kwargs)
        self.fields["phone"].label = "Direct phone number"
        self.fields["phone"].help_text = "We call it when something cannot wait."
        if signed_in_as:
            del self.fields["address"]
        self.address_of_account = signed_in_as

    def clean_npi(self) -> str:
        """Take the number without its spaces; check its last digit."""
        npi = re.sub(r"[\s\-]", "", self.cleaned_data["npi"])
        if npi and not is_npi(npi):
            raise ValidationError(
                "This is not an NPI: a digit is wrong. Check all 10 digits, or leave it empty."
            )
        return npi

    def clean_address(self) -> str:
        """Keep the address as accounts do."""
        return str(self.cleaned_data["address"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        """Put the account's own address in."""
        given = dict(super().clean() or {})
        own = self.address_of_account
        return {**given, "address": own} if own else given


class ChildForm(BirthDateForm):
    """Whom it is about. The record that follows is checked against it."""

    title = "Who is the child?"  # type: ignore[assignment]  # a lazy text in families' form
    field_order = ("child_name", "month", "day", "year", "sex")

    child_name = _line(
        "Child's name, or initials",
        "Enter the child's name or initials.",
        help_text="The full name helps us match earlier records. Initials are enough to begin.",
        attrs={"autocomplete": "off"},
    )
    sex = Choice(
        label="Sex, for the limits of blood counts",
        choices=SEXES,
        error_messages={"required": "Choose the sex, or that it is not stated."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("month", "Month of birth"), ("day", "Day"), ("year", "Year")):
            self.fields[name].label = label
        self.fields["month"].help_text = "As a number: 5 for May."


class FamilyForm(Form):
    """How the team reaches the family."""

    title = "How do we reach the family?"

    knows = Choice(
        label="Does the family know about this referral?",
        choices=FAMILY_KNOWS,
        error_messages={"required": "Choose whether the family knows about the referral."},
    )
    adult = _line("Parent or guardian (optional)", attrs={"autocomplete": "off"})
    adult_phone = _line(
        "Their phone number (optional)",
        most=40,
        help_text="Leave it empty if we should call you first.",
        attrs={"type": "tel", "autocomplete": "off", "class": "nhsuk-input--width-20"},
    )
    language = _line(
        "Language the family speaks best (optional)",
        most=60,
        attrs={"class": "nhsuk-input--width-20"},
    )
    interpreter = Choice(
        label="Does the family need an interpreter?",
        choices=[("yes", "Yes"), ("no", "No"), ("unknown", "I do not know")],
        error_messages={"required": "Choose whether an interpreter is needed."},
    )


class UrgencyForm(Form):
    """How soon, in the clinician's own view."""

    urgency = Choice(
        label="How soon should we see this child, in your view?",
        help_text="We also sort by the counts. Your view is read first.",
        choices=URGENCIES,
        error_messages={"required": "Choose how soon."},
    )


class ReasonForm(Form):
    """Why, and what is to be answered."""

    title = "Why do you refer this child?"

    reason = _area(
        "Reason for the referral",
        "Write why you refer this child.",
        help_text="What you saw, since when, and what you think it may be.",
    )
    question_1 = _area("Question you want answered (optional)", rows=2)
    question_2 = _area("Second question (optional)", rows=2)
    question_3 = _area("Third question (optional)", rows=2)


class HistoryForm(Form):
    """What was given, which explains or hides counts."""

    title = "What has been given?"

    treatments = Choices(
        label="Treatments that change blood counts",
        help_text="Choose all that were given.",
        choices=TREATMENTS,
        error_messages={"required": "Choose what was given, or none of these."},
    )
    transfused_on = _line(
        "Date of the last transfusion (optional)",
        help_text="Year, month, day: 2026-11-03.",
        most=10,
        attrs={"class": "nhsuk-input--width-10", "autocomplete": "off"},
    )
    history = _area(
        "Other history (optional)",
        help_text="Medicines, infections, earlier illnesses, growth, what was tried.",
    )

    def __init__(self, *args: Any, born: date | None = None, **kwargs: Any) -> None:
        """Make the form for a child of this birth date."""
        super().__init__(*args, **kwargs)
        self._born = born

    def clean_treatments(self) -> list[str]:
        """Take some of them, or none."""
        chosen: list[str] = self.cleaned_data["treatments"]
        if "none" in chosen and len(chosen) > 1:
            raise ValidationError("Choose what was given, or none of these, not both.")
        return chosen

    def clean_transfused_on(self) -> str:
        """Take a real date that is not in the future."""
        typed: str = self.cleaned_data["transfused_on"]
        return past_day(typed, self._born).isoformat() if typed else ""


def past_day(typed: str, born: date | None) -> date:
    """Read a date of the child's life as it is asked for.

    Raises:
        ValidationError: it is none.
    """
    try:
        day = date.fromisoformat(typed) if re.fullmatch(r"\d{4}-\d\d-\d\d", typed) else None
    except ValueError:
        day = None
    if day is None:
        raise ValidationError("Enter a real date as year, month, day: 2026-11-03.")
    if day > today():
        raise ValidationError("The date must not be in the future.")
    if born is not None and day < born:
        raise ValidationError("The date is before the date of birth you entered.")
    return day


def today() -> date:
    """Give the day by the programme's clock."""
    return timezone.now().astimezone(site().zone).date()


class AuthorityForm(Form):
    """By what right the record is sent."""

    title = "Your authority to send this record"
    has_heading = True

    agree = Choices(
        label="I take care of this child, or act for a clinician who does. I send this record so "
        "that the team can give care. What I entered is right as far as I know.",
        choices=YES,
        error_messages={"required": "To send the referral, you must confirm this."},
    )
