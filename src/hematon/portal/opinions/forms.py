"""Writing, reading, signing and releasing an opinion."""

from __future__ import annotations

from typing import Any

from django import forms

from hematon.portal.care.models import Case
from hematon.portal.opinions.content import Answered, Content, is_for_family, needs_spanish
from hematon.portal.opinions.models import Receiver
from hematon.portal.ui.forms import Choice, Choices, Form

TEXT_MOST = 8000


def _area(label: str, hint: str = "", rows: int = 6) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        required=False,
        max_length=TEXT_MOST,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={
            "max_length": "This text has %(show_value)s characters. Use at most %(limit_value)s."
        },
    )


class OpinionForm(Form):
    """The text of an opinion; everything may wait until it is signed."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    recommendations = _area(
        "What do you recommend?", "Options to consider, and who should arrange them."
    )
    would_change = _area("What would change your mind?", "Results or events, and how.", 4)
    limits = _area(
        "What was not seen?", "Records, slides, pictures; the child was not examined.", 4
    )
    references = _area("Literature (optional)", "One a line.", 3)
    family_en = _area(
        "For the family, in English",
        "Plain words and short sentences. An empty line begins a paragraph.",
        10,
    )
    family_es = _area(
        "For the family, in Spanish",
        "Written or checked by a person who is qualified for it. Never by a program.",
        10,
    )
    spanish_by = forms.CharField(
        label="Who wrote or checked the Spanish?",
        help_text="Name and role; it is printed under the text.",
        required=False,
        max_length=120,
    )

    def __init__(self, *args: Any, case: Case, content: Content, **kwargs: Any) -> None:
        self.questions = tuple(one.question for one in content.answers)
        initial = {
            **{f"answer_{n}": one.answer for n, one in enumerate(content.answers, start=1)},
            **{k: v for k, v in content.to_json().items() if k != "answers"},
            **kwargs.pop("initial", {}),
        }
        super().__init__(*args, initial=initial, **kwargs)
        answers = {
            f"answer_{n}": _area(f"Question {n}: {question}", "Your answer.")
            for n, question in enumerate(self.questions, start=1)
        }
        self.fields = {**answers, **self.fields}
        if not is_for_family(case):
            self.fields["family_en"].label += " (optional)"  # type: ignore[operator]  # a text, not lazy
        if not needs_spanish(case):
            for name in ("family_es", "spanish_by"):
                del self.fields[name]

    def content(self) -> Content:
        """Give what was written, with the questions it answers."""
        given = self.cleaned_data
        answers = tuple(
            Answered(question, given.get(f"answer_{n}", ""))
            for n, question in enumerate(self.questions, start=1)
        )
        names = [name for name in Content.__dataclass_fields__ if name != "answers"]
        return Content(answers=answers, **{name: given.get(name, "") for name in names})


class SecondReadingForm(Form):
    """What a second reader thinks of the text as it stands."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    agrees = Choice(
        label="Do you agree with this text?",
        choices=[("yes", "Yes"), ("no", "No, see my comment")],
        error_messages={"required": "Choose whether you agree."},
    )
    comment = forms.CharField(
        label="Comment for the writer (optional)",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for words with a no."""
        given = dict(super().clean() or {})
        if given.get("agrees") == "no" and not given.get("comment"):
            self.add_error("comment", "Say what you do not agree with.")
        return given


class SignForm(Form):
    """Signing; from the second version on with the reason."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    reason = forms.CharField(
        label="Why is it changed?",
        help_text="It is printed in the report and shown to whoever reads it.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why the signed version is changed."},
    )
    read = Choices(
        label="Before you sign",
        choices=[("yes", "I have read the whole text as it is shown here")],
        error_messages={"required": "Tick the box when you have read the text."},
    )

    def __init__(self, *args: Any, amends: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not amends:
            del self.fields["reason"]


class ReleaseForm(Form):
    """Who receives a signed version now."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    to = Choices(
        label="Who receives this version now?",
        error_messages={"required": "Choose who receives it."},
    )
    doctor_address = forms.EmailField(
        label="The doctor's work email",
        help_text="Call the practice to confirm it. The doctor signs in with it; nothing of the "
        "child is mailed.",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "Enter an email address, such as name@example.org."},
    )

    def __init__(
        self, *args: Any, receivers: list[tuple[str, str]], by_mail: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        to = self.fields["to"]
        assert isinstance(to, Choices)
        to.choices = receivers
        if not by_mail:
            del self.fields["doctor_address"]

    def clean(self) -> dict[str, Any]:
        """Ask for the address of a doctor who is chosen."""
        given = dict(super().clean() or {})
        chosen = Receiver.DOCTOR.value in given.get("to", [])
        unsaid = "doctor_address" in self.fields and not self.has_error("doctor_address")
        if chosen and unsaid and not given.get("doctor_address"):
            self.add_error("doctor_address", "Enter the doctor's work email.")
        return given
