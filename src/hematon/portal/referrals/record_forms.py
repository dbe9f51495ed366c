"""Forms of blood counts: how they come, the record itself, and the table to confirm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from hematon.errors import Issue
from hematon.portal.opinions.stated import facts_of
from hematon.portal.referrals.forms import past_day, today
from hematon.portal.referrals.reading import MAX_BYTES, Read, Row, read
from hematon.portal.ui.forms import Choice, Choices, Form

MOST_SHOWN: Final = 500_000
"""A longer file is not put into the box to be corrected: it could not be sent back."""
WAYS: Final = [
    ("data", "I paste or upload them as data: CSV or a FHIR Bundle"),
    ("file", "I attach a report as a file: PDF, photo or scan"),
    ("later", "They come later"),
    ("none", "There are none"),
]


class WayForm(Form):
    """How the blood counts come."""

    way = Choice(
        label="How do you send the blood counts?",
        help_text="With data you see an assessment before you send. Nobody types it again.",
        choices=WAYS,
        error_messages={"required": "Choose how you send the blood counts."},
    )


class RecordForm(Form):
    """A table or a Bundle, pasted or as a file, which is read at once.

    Attributes:
        reading: what came of it; None before anything was given.
    """

    title = "Paste or upload the blood counts"
    template_name = "referrals/record_fields.html"
    reading: Read | None = None

    text = forms.CharField(
        label="Paste a table or a FHIR Bundle",
        required=False,
        strip=False,
        help_text="A table begins with a row of headings that name each count with its unit.",
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "class": "hm-code",
                "spellcheck": "false",
                "autocomplete": "off",
                "autocapitalize": "off",
                "wrap": "off",
            }
        ),
    )
    file = forms.FileField(
        label="Or upload a file",
        required=False,
        allow_empty_file=True,
        help_text=f"CSV or JSON, up to {MAX_BYTES // 1_000_000} MB. No pictures here.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.json,application/json"}),
    )
    go_on = forms.MultipleChoiceField(
        label="Go on without what could not be read?",
        required=False,
        choices=[("yes", "Yes, leave out the lines named below")],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, born: date, sex: str, **kwargs: Any) -> None:
        """Make the form for a child of this birth date and sex."""
        super().__init__(*args, **kwargs)
        self._born, self._sex = born, sex
        self.content = b""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Everything found wrong, errors first."""
        found = self.reading.issues if self.reading else ()
        return tuple(sorted(found, key=lambda issue: issue.level != "error"))

    @property
    def offers_to_go_on(self) -> bool:
        """Say whether what could be read is worth going on with."""
        return self.reading is not None and self.reading.has_errors and not self.reading.is_stopped

    def clean_file(self) -> UploadedFile[bytes] | None:
        """Refuse a file that is too large, before it is read."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(
                f"The selected file must be smaller than {MAX_BYTES // 1_000_000} MB."
            )
        if file is not None and not file.size:
            raise forms.ValidationError("The selected file is empty.")
        return file

    def clean(self) -> dict[str, Any]:
        """Read it, and say by place what is wrong."""
        given = dict(super().clean() or {})
        if self.errors:
            return given
        file, text = given["file"], given["text"]
        if file is None and not text.strip():
            self.add_error("text", "Paste the counts, or select a file.")
            return given
        # A file that was just selected is meant, whatever stands in the box from before.
        self.content = bytes(file.read()) if file is not None else text.encode()
        self.reading = read(self.content, born=self._born, sex=self._sex, today=today())
        if file is not None:
            self._show_in_the_box()
        if self.reading.is_stopped:
            self.add_error("text", "This could not be read. The table below says where and why.")
        elif self.reading.has_errors and not given["go_on"]:
            lost = sum(issue.level == "error" for issue in self.reading.issues)
            self.add_error(
                "text",
                f"{lost} place{'s' if lost > 1 else ''} could not be read. Correct the text in "
                "the box, or go on without them.",
            )
        return {"content": self.content}

    def _show_in_the_box(self) -> None:
        """Put a file's text where it can be corrected: a browser does not keep a selected file."""
        if len(self.content) > MOST_SHOWN:
            return
        try:
            text = self.content.decode()
        except UnicodeDecodeError:
            return
        data = QueryDict(mutable=True)
        data.update(self.data)
        data["text"] = text.replace("\0", "")
        self.data = data


class ConfirmForm(Form):
    """What to leave out, the date of rows without one, and that all was compared.

    Attributes:
        facts: what the record states beside counts, each by its number.
        unread: what was not read of it, or is doubtful.
    """

    title = "Check values, units and dates"
    has_heading = True
    template_name = "referrals/confirm_fields.html"

    drawn = forms.CharField(
        label="When were the results without a date drawn?",
        required=False,
        max_length=10,
        help_text="Year, month, day: 2026-11-03. Leave it empty if you do not know.",
        widget=forms.TextInput(attrs={"class": "nhsuk-input--width-10", "autocomplete": "off"}),
        error_messages={"max_length": "Enter a date as year, month, day: 2026-11-03."},
    )
    agree = Choices(
        label="Have you compared these with the laboratory's report?",
        choices=[("yes", "Yes: each value, unit, date and statement is as it was reported")],
        error_messages={"required": "Compare the values, units and dates, and confirm it."},
    )

    def __init__(
        self, *args: Any, rows: Sequence[Row], again: Read | None, born: date, **kwargs: Any
    ) -> None:
        """Make the form for what was read of a child with this birth date."""
        super().__init__(*args, **kwargs)
        self.rows, self._born = rows, born
        record = again.record if again else None
        self.unread = again.issues if again else ()
        self.facts = list(enumerate(facts_of(record) if record else (), len(rows) + 1))
        if not any(row.on is None for row in rows):
            del self.fields["drawn"]
        numbers = {str(n) for n in (*(row.number for row in rows), *dict(self.facts))}
        given = self.data.getlist("leave") if hasattr(self.data, "getlist") else ()
        self.left_out = {int(n) for n in given if n in numbers}

    def clean_drawn(self) -> str:
        """Take a date between the birth and today."""
        typed: str = self.cleaned_data["drawn"]
        return past_day(typed, self._born).isoformat() if typed else ""

    def clean(self) -> dict[str, Any]:
        """Ask for at least one row."""
        given = dict(super().clean() or {})
        if not self.kept:
            self.add_error("agree", "All results are left out. Keep at least one, or go back.")
        return {
            "drawn": given.get("drawn", ""),
            "rows": self.kept,
            "facts": [fact for number, fact in self.facts if number not in self.left_out],
            "left_out": len(self.left_out),
        }

    @property
    def kept(self) -> list[Row]:
        """Give the rows that are not left out."""
        return [row for row in self.rows if row.number not in self.left_out]
