"""The upload form of the assessment page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html

from hematon.engine.assessment import Assessment
from hematon.portal.clinic.models import Feedback
from hematon.portal.clinic.reading import MAX_BYTES, knowledge
from hematon.portal.ui.forms import Choice, Form

_MEGABYTES = MAX_BYTES // 1_000_000


def _choices() -> list[tuple[str, str]]:
    hinted = '{}<span class="hm-option-hint">{}.</span>'
    return [
        (name, format_html(hinted, one["name"], one["text"]))
        for name, one in knowledge().settings["all"].items()
    ]


class AssessForm(Form):
    """A record as a file or pasted, and whose prior to use."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text=f"A FHIR R4 Bundle or NDJSON, a phenopacket, or a CSV table; up to {_MEGABYTES} "
        "MB and 50 records. No images, scans or sequence files.",
    )
    text = forms.CharField(
        label="Or paste it",
        required=False,
        strip=False,
        help_text="The same formats, up to 1 MB.",
        widget=forms.Textarea(
            attrs={
                "rows": 8,
                "class": "hm-code",
                "spellcheck": "false",
                "autocomplete": "off",
                "autocapitalize": "off",
            }
        ),
    )
    setting = Choice(
        choices=_choices,
        initial=lambda: knowledge().settings["default"],
        label="Where does this child come from?",
        help_text="It decides how much the commonness of a condition counts. Evidence of the "
        "record itself counts the same in each.",
    )

    def clean_file(self) -> UploadedFile[bytes] | None:
        """Refuse a file that is too large, before it is read."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(
                f"The selected file must be smaller than {_MEGABYTES} MB.", "too-large"
            )
        if file is not None and not file.size:
            raise forms.ValidationError("The selected file is empty.", "empty")
        return file

    def clean(self) -> dict[str, Any]:
        """Ask for one of file and text."""
        given = self.cleaned_data
        text = given.get("text", "").strip()
        if not self.has_error("file"):
            if given.get("file") is None and not text:
                self.add_error("file", "Select a file, or paste the record below.")
            elif given.get("file") is not None and text:
                self.add_error("file", "Give a file or a pasted record, not both.")
        return given

    def content(self) -> bytes:
        """Give the record as bytes."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None:
            return bytes(file.read())
        return str(self.cleaned_data["text"]).encode()


class FeedbackForm(Form):
    """Agree or disagree, with what, and why: codes, so that nothing of the child is kept."""

    condition = forms.ChoiceField(label="What is it about?", required=False)
    outcome = Choice(
        label="What do you think?",
        choices=Feedback.Outcome.choices,
        error_messages={"required": "Say whether you agree or disagree."},
    )
    reason = Choice(
        label="If you disagree, why?",
        choices=Feedback.Reason.choices,
        required=False,
        help_text="Leave it empty if you agree.",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a reason with a disagreement."""
        given = self.cleaned_data
        if given.get("outcome") == Feedback.Outcome.OVERRIDDEN and not given.get("reason"):
            self.add_error("reason", "Say why you disagree.")
        return given


def feedback_form(assessment: Assessment) -> type[FeedbackForm]:
    """Give the form for one report, with its own conditions to choose from."""
    listed = [(c.condition, c.name) for c in assessment.differential if c.condition]
    about = forms.ChoiceField(
        label="What is it about?",
        required=False,
        choices=[("", "The report as a whole"), *listed],
    )
    return type("FeedbackForm", (FeedbackForm,), {"condition": about})
