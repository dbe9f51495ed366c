"""Forms of schedulers and clinicians; in English, as all staff pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from django import forms

from hematon.portal.care.forms import PhoneForm
from hematon.portal.directory.models import Expert
from hematon.portal.families.models import Child
from hematon.portal.ui.forms import Choice, Choices, Form
from hematon.portal.ui.site import site
from hematon.portal.visits.finding import AHEAD_DAYS
from hematon.portal.visits.models import Status, VisitKind
from hematon.portal.visits.opening import TICK_MINUTES, Opening
from hematon.portal.visits.states import STATES

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE = {"class": "nhsuk-input--width-10", "placeholder": ""}


def _day(label: str, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text="For example 2027-03-31.",
        required=required,
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": f"Enter a date: {label.lower()}.",
            "invalid": "Enter a date as year-month-day, such as 2027-03-31.",
        },
        widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
    )


def _time(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        help_text="24-hour clock, for example 13:30.",
        input_formats=["%H:%M"],
        error_messages={
            "required": f"Enter a time: {label.lower()}.",
            "invalid": "Enter a time such as 09:00 or 13:30.",
        },
        widget=forms.TimeInput(attrs={"class": "nhsuk-input--width-5"}, format="%H:%M"),
    )


class ShowForm(Form):
    """Which part of the schedule."""

    day = forms.DateField(
        label="Day",
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Enter a date as year-month-day, such as 2027-03-31."},
        widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
    )
    clinician = forms.ChoiceField(label="Clinician", required=False)

    def __init__(self, *args: Any, experts: Sequence[Expert], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(
            "clinician", [("", "Everyone"), *((expert.slug, expert.name) for expert in experts)]
        )


class RuleForm(Form):
    """When a clinician is open."""

    clinician = forms.ChoiceField(
        label="Clinician", error_messages={"required": "Choose a clinician."}
    )
    kind = Choice(
        label="Kind of visit",
        choices=[
            (VisitKind.VIDEO, "Video"),
            (VisitKind.PHONE, "Phone"),
            (VisitKind.IN_PERSON, "At the clinic"),
        ],
        error_messages={"required": "Choose a kind of visit."},
    )
    weekdays = Choices(
        label="Days of the week",
        choices=[(str(number), name) for number, name in enumerate(WEEKDAYS)],
        error_messages={"required": "Choose at least one day of the week."},
    )
    opens = _time("Opens")
    closes = _time("Closes")
    minutes = forms.TypedChoiceField(
        label="Length of a visit",
        coerce=int,
        choices=[(m, f"{m} minutes") for m in (15, 20, 30, 40, 45, 60, 90)],
        initial=30,
    )
    every_weeks = forms.TypedChoiceField(
        label="How often",
        coerce=int,
        choices=[(1, "Every week"), (2, "Every 2 weeks"), (4, "Every 4 weeks")],
    )
    first_day = _day("First day")
    last_day = _day("Last day (optional)", required=False)
    interpreter_hours = forms.IntegerField(
        label="Hours needed to find an interpreter",
        min_value=0,
        max_value=AHEAD_DAYS * 24,
        initial=48,
        error_messages={
            "required": "Enter how many hours are needed to find an interpreter; 0 for none.",
            "invalid": "Enter hours as a whole number.",
            "min_value": "Enter 0 or more hours.",
            "max_value": f"Enter at most {AHEAD_DAYS * 24} hours.",
        },
        widget=forms.NumberInput(attrs={"class": "nhsuk-input--width-4"}),
    )

    def __init__(self, *args: Any, experts: Sequence[Expert], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(
            "clinician",
            [("", "Choose a clinician"), *((expert.slug, expert.name) for expert in experts)],
        )

    def clean(self) -> dict[str, Any]:
        """Refuse what gives no time."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        opens, closes = given.get("opens"), given.get("closes")
        for name in ("opens", "closes"):
            at = given.get(name)
            if at is not None and at.minute % TICK_MINUTES:
                self.add_error(name, f"Use times in steps of {TICK_MINUTES} minutes.")
        if opens is not None and closes is not None and not self.errors:
            if opens >= closes:
                self.add_error("closes", "It must close after it opens, on the same day.")
            elif _minutes(closes) - _minutes(opens) < given.get("minutes", 0):
                self.add_error(
                    "closes", "No visit of this length fits between opening and closing."
                )
        first, last = given.get("first_day"), given.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day must not be before the first.")
        return given

    def opening(self) -> Opening:
        """Give the rule."""
        given = self.cleaned_data
        return Opening(
            weekdays=[int(number) for number in given["weekdays"]],
            opens=given["opens"],
            closes=given["closes"],
            zone=site().time_zone,
            first_day=given["first_day"],
            last_day=given["last_day"],
            every_weeks=given["every_weeks"],
            minutes=given["minutes"],
        )


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


class ClosureForm(Form):
    """Days on which a clinician, or everyone, is closed."""

    clinician = forms.ChoiceField(label="Clinician", required=False)
    first_day = _day("First day")
    last_day = _day("Last day")

    def __init__(self, *args: Any, experts: Sequence[Expert], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(
            "clinician", [("", "Everyone"), *((expert.slug, expert.name) for expert in experts)]
        )

    def clean(self) -> dict[str, Any]:
        """Refuse days out of order, and more than a year."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        first: date | None = given.get("first_day")
        last: date | None = given.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day must not be before the first.")
        elif first and last and (last - first).days > 366:
            self.add_error("last_day", "A closure lasts at most a year.")
        return given


class FamilyForm(Form):
    """Whose visit: found by the family's email address."""

    address = forms.EmailField(
        label="Email address of the family's account",
        max_length=254,
        error_messages={
            "required": "Enter the family's email address.",
            "invalid": "Enter an email address such as name@example.org.",
            "max_length": "Enter an email address of at most 254 characters.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ForFamilyForm(Form):
    """A visit that staff book with a family on the phone."""

    address = forms.CharField(widget=forms.HiddenInput)
    child = Choice(label="Child", error_messages={"required": "Choose a child."})
    state = forms.ChoiceField(
        label="Where will the child be during the visit?",
        error_messages={"required": "Choose a state."},
    )
    language = forms.ChoiceField(
        label="Language of the visit",
        choices=[("en", "English"), ("es", "Spanish"), ("other", "Another")],
    )
    other_language = forms.CharField(
        label="Which other language? (optional)", required=False, max_length=60
    )
    needs = Choices(
        label="Interpreter", choices=[("interpreter", "An interpreter is needed")], required=False
    )
    with_whom = forms.CharField(
        label="Who will be with the child?",
        max_length=200,
        error_messages={"required": "Enter who will be with the child."},
    )
    phone = PhoneForm.base_fields["phone"]

    clean_phone = PhoneForm.clean_phone

    def __init__(self, *args: Any, children: Sequence[Child], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("child", [(str(child.pk), child.name) for child in children])
        self.offer(
            "state", [("", "Choose a state"), *((code, name.en) for code, name in STATES.items())]
        )


class OutcomeForm(Form):
    """What came of a visit."""

    status = Choice(label="What came of it?", error_messages={"required": "Choose an answer."})
    seen = forms.ChoiceField(choices=Status.choices, widget=forms.HiddenInput)

    def __init__(self, *args: Any, steps: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("status", steps)
