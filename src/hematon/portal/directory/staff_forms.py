"""What staff fill in: a roster, a decision about a comment, an award or a fact."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import URLValidator

from hematon.portal.directory import photos
from hematon.portal.directory.models import Claim
from hematon.portal.directory.moderation import Reason, words
from hematon.portal.ui.forms import Choice, Choices, Form

MOST_BYTES = 5_000_000


class RosterForm(Form):
    """One file, CSV or FHIR."""

    file = forms.FileField(
        label="Roster file",
        help_text="CSV as exported here, or a FHIR R4 Bundle (JSON). At most 5 MB, in UTF-8.",
        error_messages={
            "required": "Choose a file",
            "empty": "The file is empty. Choose the roster as CSV or JSON",
        },
    )

    def clean(self) -> dict[str, Any]:
        """Read the file as text and tell its kind by what it holds, not by its name."""
        given = super().clean() or {}
        file = given.get("file")
        if isinstance(file, UploadedFile):
            if (file.size or 0) > MOST_BYTES:
                self.add_error("file", "The file must be smaller than 5 MB. Split the roster")
                return given
            try:
                text = file.read().decode("utf-8")
            except UnicodeDecodeError:
                self.add_error("file", "The file must be text in UTF-8. Save it as CSV UTF-8")
                return given
            if "\x00" in text:
                self.add_error("file", "The file must be CSV or JSON, not another kind of file")
            given["text"] = text
            given["kind"] = "fhir" if text.lstrip("\ufeff \r\n\t").startswith(("{", "[")) else "csv"
        return given


class PhotoForm(Form):
    """A photograph and what it shows, in both languages."""

    file = forms.FileField(
        label="Photograph",
        help_text="JPEG, PNG or WebP, at most 5 MB. It is cut to a square around the middle.",
        error_messages={"required": "Choose a picture", "empty": "The file is empty"},
    )
    alt_en = forms.CharField(
        label="What it shows, in English",
        help_text="For those who cannot see it. Such as: a woman with gray hair, smiling.",
        max_length=160,
        error_messages={"required": "Say in English what the picture shows"},
    )
    alt_es = forms.CharField(
        label="What it shows, in Spanish",
        max_length=160,
        error_messages={"required": "Say in Spanish what the picture shows"},
    )

    def clean_file(self) -> bytes:
        """Draw the picture anew."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > photos.MOST_BYTES:
            raise forms.ValidationError("The picture must be smaller than 5 MB")
        try:
            return photos.small_square(file.read())
        except photos.UnreadablePhotoError as error:
            raise forms.ValidationError(str(error)) from error


class DecisionForm(Form):
    """What one reader decides. Words to cover are pointed at by their number."""

    decision = Choice(
        label="Your decision",
        choices=[
            ("show", "Show it (with the words covered that you mark above)"),
            *((reason.value, f"Leave it out: {reason.label}") for reason in Reason),
        ],
        error_messages={"required": "Choose whether to show the comment or why to leave it out"},
    )
    concern = Choices(
        label="Safety",
        choices=[
            ("yes", "It tells of harm, or a risk of harm, to a child. The care team gets a task.")
        ],
        required=False,
    )

    def __init__(self, *args: Any, comment: str, **kwargs: Any) -> None:
        # Before the form reads what was posted, which points at these words.
        self.words = words(comment)
        super().__init__(*args, **kwargs)

    def marked(self) -> list[int]:
        """Give the numbers of the words marked, as posted."""
        # Of a request, so a QueryDict; the types allow any mapping.
        posted = self.data.getlist("mask") if self.is_bound else []  # type: ignore[attr-defined]
        return [int(n) for n in posted if n.isascii() and n.isdigit() and len(n) < 5]

    def clean(self) -> dict[str, Any]:
        """Turn marked words into places of the comment."""
        given = super().clean() or {}
        numbers = self.marked()
        if any(n >= len(self.words) for n in numbers):
            self.add_error(None, "A marked word is not in the comment. Open the page again")
        else:
            given["masks"] = [self.words[n][:2] for n in sorted(set(numbers))]
            if given["masks"] and given.get("decision") in Reason.values:
                self.add_error("decision", "Words are covered only in comments to show")
            if self.words and len(given["masks"]) == len(self.words):
                self.add_error("decision", "Every word is covered: leave the comment out instead")
        return given


def _line(label: str, most: int, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=most, error_messages={"required": f"Fill in: {label}"}, **options
    )


class ClaimForm(Form):
    """An award or a fact, with its evidence, in both languages."""

    kind = Choice(
        label="What is it?",
        choices=Claim.Kind.choices,
        error_messages={"required": "Choose award or fact"},
    )
    issuer = _line(
        "Who says so",
        120,
        help_text="The body that gives the award, or the source of the fact.",
    )
    title_en = _line("Title in English", 160)
    title_es = _line("Title in Spanish", 160)
    scope_en = _line(
        "What it covers, in English", 200, help_text="Such as the whole hospital or one program."
    )
    scope_es = _line("What it covers, in Spanish", 200)
    edition = _line("Edition or year", 40)
    evidence = _line(
        "Address of the evidence",
        300,
        help_text="A public page of who says so, beginning with https://",
        validators=[
            URLValidator(schemes=["https"], message="Give an address beginning with https://")
        ],
    )
    valid_to = forms.DateField(
        label="Last day it may be shown",
        help_text="For example 2027-12-31. After it the site hides the entry by itself.",
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": "Fill in: Last day it may be shown",
            "invalid": "Write the last day as 2027-12-31",
        },
    )
