"""The questions of a family's request, one form a page.

What a form gave is kept as JSON, and fits the same form again: before sending, every answer is
checked once more, so that a rule that changed since is told and not skipped.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hematon.portal.care import forms as callback
from hematon.portal.ui.forms import Choice, Choices, Form
from hematon.portal.ui.site import site

TEXT_MOST: Final = 2000
OLDEST_YEARS: Final = 39
"""Bone marrow failure of childhood is asked about by young adults too."""

PLACES: Final = [
    ("home", _("In the state of the hospital")),
    ("other", _("In another state or territory of the United States")),
    ("abroad", _("Outside the United States")),
]
SYMPTOMS: Final = [
    ("fever", _("Fever of 38 °C (100.4 °F) or more")),
    ("bleeding", _("Bleeding that does not stop")),
    ("bruises", _("New bruises or tiny red spots")),
    ("breathing", _("Hard to breathe")),
    ("hard_to_wake", _("Hard to wake, or very weak")),
    ("unwell", _("Looks very sick")),
    ("headache", _("Very bad headache")),
    ("head_injury", _("A fall or hit to the head")),
    ("none", _("None of these today")),
]
"""The codes stay as they are: the reading order is made from them."""
TOLD: Final = [
    ("yes", _("Yes")),
    ("partly", _("Some of it")),
    ("no", _("No, not yet")),
    ("young", _("My child is too young to understand")),
]
COUNT_WAYS: Final = [
    ("attached", _("Send the values I typed on this site")),
    ("file", _("I will send a file or a photo")),
    ("later", _("It comes later")),
    ("none", _("I do not have one")),
]
RECORDS: Final = [
    ("counts", _("All blood counts with their dates")),
    ("reticulocytes", _("Young red cells (reticulocytes)")),
    ("marrow", _("Bone marrow report")),
    ("chromosomes", _("Reports of chromosome and gene tests")),
    ("breakage", _("Chromosome breakage test")),
    ("telomeres", _("Telomere length")),
    ("pnh", _("PNH test")),
    ("hla", _("Tissue type (HLA)")),
    ("transfusions", _("Transfusions and medicines, with dates")),
    ("growth", _("Growth, and what doctors saw")),
    ("imaging", _("Reports of scans and X-rays")),
    ("family", _("Illnesses in the family")),
]
RECORD_STATES: Final = [
    ("have", _("I send it here")),
    ("hospital", _("The hospital or doctor sends it")),
    ("later", _("It comes later")),
    ("no", _("I do not have it")),
    ("unknown", _("I do not know")),
]
RECEIVERS: Final = [
    ("me", _("Only me")),
    ("doctor", _("Me and my child's doctor")),
]
YES: Final = [("yes", _("I agree"))]


def _line(label: object, needed: object, most: int = 100, **more: Any) -> forms.CharField:
    """Give a line of text; the messages name what to enter."""
    attrs = more.pop("attrs", {})
    return forms.CharField(
        label=label,  # type: ignore[arg-type]  # lazy text
        max_length=most,
        widget=forms.TextInput(attrs={"spellcheck": "false", **attrs}),
        error_messages={
            "required": needed,  # type: ignore[dict-item]  # lazy text
            "max_length": _("Use at most 100 letters."),
        },
        **more,
    )


def _area(label: object, needed: object = "", **more: Any) -> forms.CharField:
    return forms.CharField(
        label=label,  # type: ignore[arg-type]  # lazy text
        max_length=TEXT_MOST,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": needed,  # type: ignore[dict-item]  # lazy text
            "max_length": _(
                "Your text has %(show_value)s characters. Use at most %(limit_value)s."
            ),
        },
        **more,
    )


class WhereForm(Form):
    """Where the family lives: asked before anything else."""

    where = Choice(
        label=_("Where does your child live?"),
        choices=PLACES,
        error_messages={"required": _("Choose where your child lives.")},
    )

    def is_served(self) -> bool:
        """Say whether the programme gives second opinions there."""
        return is_served(self.cleaned_data["where"])


def is_served(where: str) -> bool:
    """Say whether the programme gives second opinions to a place."""
    return where in site().second_opinion.served


class YourNameForm(Form):
    """Who asks."""

    name = _line(
        _("What is your full name?"),
        _("Enter your full name."),
        help_text=_("Your name, not the child's."),
        attrs={"autocomplete": "name"},
    )


class InterpreterForm(callback.InterpreterForm):
    """Whether an interpreter joins."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interpreter"].label = _("Do you need an interpreter?")


class ChildNameForm(Form):
    """Whom it is about."""

    child_name = _line(_("What is your child's full name?"), _("Enter your child's full name."))


def _part(label: object, width: int) -> forms.CharField:
    return forms.CharField(
        label=label,  # type: ignore[arg-type]  # lazy text
        required=False,
        max_length=4,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "class": f"nhsuk-input--width-{width}"}
        ),
        error_messages={"max_length": _("Enter numbers, such as 5.")},
    )


class BirthDateForm(Form):
    """When the child was born; asked once in a request."""

    title = _("When was your child born?")
    month, day, year = _part(_("Month"), 2), _part(_("Day"), 2), _part(_("Year"), 4)

    def clean(self) -> dict[str, Any]:
        """Take a real date in the past, not too long ago."""
        given = dict(super().clean() or {})
        if self.errors:
            return given
        try:
            born = date(int(given["year"]), int(given["month"]), int(given["day"]))
        except ValueError:
            self.add_error("month", _("Enter a real date, such as month 5, day 14, year 2019."))
            return given
        today = timezone.now().astimezone(site().zone).date()
        if born > today:
            self.add_error("year", _("The date of birth must be in the past."))
        elif today.year - born.year > OLDEST_YEARS:
            self.add_error("year", _("Check the year. We care for children and young adults."))
        return {**given, "date": born.isoformat()}


class WorryForm(Form):
    """What it is about."""

    worry = _area(
        _("What is the diagnosis, or your main worry?"),
        _("Enter the diagnosis or your main worry."),
        help_text=_("Your own words are fine."),
    )


class CareNowForm(Form):
    """Who cares for the child now."""

    title = _("Who cares for your child now?")
    hospital = _line(_("Hospital or clinic"), _("Enter the hospital or clinic."))
    doctor = _line(_("Doctor's name"), _("Enter the doctor's name, or write: I do not know."))


class ToldForm(Form):
    """What the child knows, so that nobody tells it by mistake."""

    told = Choice(
        label=_("Does your child know about the illness?"),
        help_text=_("We ask so that nobody tells your child by mistake."),
        choices=TOLD,
        error_messages={"required": _("Choose what your child knows.")},
    )


class SymptomsForm(Form):
    """How the child is today."""

    symptoms = Choices(
        label=_("Does your child have any of these now?"),
        help_text=_("Choose all that apply. Nobody reads this at once."),
        choices=SYMPTOMS,
        error_messages={"required": _("Choose what you see now, or none of these.")},
    )

    def clean_symptoms(self) -> list[str]:
        """Take some of them, or none."""
        chosen: list[str] = self.cleaned_data["symptoms"]
        if "none" in chosen and len(chosen) > 1:
            raise ValidationError(_("Choose what you see, or none of these, not both."))
        return chosen


class QuestionsForm(Form):
    """What the report is to answer."""

    title = _("What would you like us to answer?")
    question_1 = _area(_("Question 1"), _("Write at least 1 question."))
    question_2 = _area(_("Question 2 (optional)"), required=False)
    question_3 = _area(_("Question 3 (optional)"), required=False)


class OneQuestionForm(Form):
    """What the family asks."""

    question = _area(
        _("What would you like to ask us?"),
        _("Write your question."),
        help_text=_("Your own words are fine."),
    )


class BloodCountForm(Form):
    """How the newest blood count reaches the team."""

    has_counts = False
    blood_count = Choice(
        label=_("How will you send the newest blood count?"),
        choices=COUNT_WAYS,
        error_messages={"required": _("Choose how you will send the blood count.")},
    )

    def clean_blood_count(self) -> str:
        """Refuse typed values where there are none."""
        way: str = self.cleaned_data["blood_count"]
        if way == "attached" and not self.has_counts:
            raise ValidationError(
                _("There are no typed values yet. Type them first, or choose another way.")
            )
        return way


class FilesForm(Form):
    """How many files stand under a question; the page itself shows `files.forms.UploadForm`."""

    count = forms.IntegerField(min_value=1)


class RecordsForm(Form):
    """Which records there are, and how each comes; those sent here have a page each."""

    title = _("Which records do you have?")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, label in RECORDS:
            self.fields[code] = forms.ChoiceField(
                label=label,
                choices=[("", _("Choose")), *RECORD_STATES],
                error_messages={
                    "required": _("Choose one answer for: %(record)s.") % {"record": label}
                },
            )


class ReportForm(Form):
    """Who receives the report."""

    receiver = Choice(
        label=_("Who may get the report?"),
        choices=RECEIVERS,
        error_messages={"required": _("Choose who may get the report.")},
    )


class ReportDoctorForm(Form):
    """The doctor who gets the report, named."""

    title = _("Which doctor may get the report?")
    report_doctor = _line(_("Doctor's name"), _("Enter the doctor's name."))
    report_place = _line(_("Hospital or clinic, and its city"), _("Enter the hospital or clinic."))


class RecordsConsentForm(Form):
    """Agreement that the team reads the records."""

    title = _("Your consent to read the records")
    agree = Choices(
        label=_("The team may read the records I send"),
        choices=YES,
        error_messages={"required": _("To ask us, you must agree that we read the records.")},
    )


class ReportConsentForm(Form):
    """Agreement that the report goes to the doctor."""

    title = _("Your consent to send the report")
    agree = Choices(
        label=_("The report may go to the doctor I named"),
        choices=YES,
        error_messages={
            "required": _(
                "To send the report to the doctor, you must agree. Or change who gets it."
            )
        },
    )


class WishForm(Form):
    """What the family hopes for from a first visit, or wants to know about the team."""

    wish = _area(
        _("What would you like to know about us?"),
        _("Write what you would like to know."),
        help_text=_("Your own words are fine."),
    )
