"""The forms of this app: symptoms now, ways to add, the numbers of one day, slips, questions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hematon.portal.counts.draft import CountSet, Doubt, Row
from hematon.portal.counts.lines import Line, lines, questions
from hematon.portal.counts.words import as_number
from hematon.portal.ui.forms import Choice, Choices, Form

_TYPED = re.compile(r"[<>]?[0-9]{1,9}(?:[.,][0-9]{1,6})?")
_EITHER_WAY = re.compile(r"[<>]?[1-9][0-9]{0,2},[0-9]{3}")


class StopForm(Form):
    """Symptoms now: the same question for everyone."""

    now = Choice(
        label=_("Does your child have any of these now?"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        error_messages={"required": _("Choose yes or no")},
    )


class PasteForm(Form):
    """The lines of a printout as text."""

    text = forms.CharField(
        label=_("The lines of the printout"),
        help_text=_("One test on each line. Leave out names, birth dates and record numbers."),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={
            "required": _("Paste at least one line, such as HGB 12.1 g/dL"),
            "max_length": _("Paste at most 100,000 characters"),
        },
    )


class UploadForm(Form):
    """One file; it is checked by `files.opening`."""

    file = forms.FileField(
        label=_("Picture or file of the printout"),
        help_text=_("PDF, JPG, PNG or CSV, smaller than 15MB."),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,.csv"}),
    )


@dataclass(frozen=True)
class Block:
    """The boxes of one line."""

    line: Line
    value: forms.BoundField
    unit: forms.BoundField
    low: forms.BoundField
    high: forms.BoundField
    flag: forms.BoundField
    absent: forms.BoundField
    printed: str
    one_unit: str


def _number(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "inputmode": "decimal",
                "autocomplete": "off",
                "class": "nhsuk-input--width-5",
                "spellcheck": "false",
            }
        ),
        error_messages={"max_length": _("Write the number with at most 20 characters")},
    )


class SetForm(Form):
    """The numbers of one day, a block for each line."""

    date = forms.DateField(
        label=_("Date the blood was taken"),
        help_text=_("As on the printout. You may leave it empty if you enter one date only."),
        required=False,
        # One spelling for every language: it is what browsers send for a date box.
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"}),
        error_messages={"invalid": _("Write the date as year-month-day, such as 2026-03-14")},
    )

    def __init__(
        self, held: CountSet, today: dt.date, others: set[str], *args: Any, **kwargs: Any
    ) -> None:
        """Make the boxes.

        Args:
            held: what is known of the day.
            today: the last day that is accepted.
            others: dates of the other sets.
            args: as for a form.
            kwargs: as for a form.
        """
        self.held, self.today, self.others = held, today, others
        kwargs["initial"] = _initial(held)
        super().__init__(*args, **kwargs)
        self.fields.update(_boxes())

    def blocks(self, main: bool) -> Iterator[Block]:
        """Give the blocks of the lines that are always asked, or of the others."""
        for line in lines().values():
            if line.main == main:
                row = self.held.rows.get(line.id, Row())
                boxes = {
                    part: self[f"{line.id}_{part}"]
                    for part in ("value", "unit", "low", "high", "flag", "absent")
                }
                one = line.units[0].label if len(line.units) == 1 else ""
                yield Block(line=line, printed=row.printed, one_unit=one, **boxes)

    def main_blocks(self) -> list[Block]:
        """For the template."""
        return list(self.blocks(True))

    def more_blocks(self) -> list[Block]:
        """For the template."""
        return list(self.blocks(False))

    def more_given(self) -> bool:
        """Say whether any of the other lines holds something."""
        return any(b.value.value() or b.value.errors or b.unit.errors for b in self.more_blocks())

    def clean_date(self) -> dt.date | None:
        """Refuse a day to come and a day that is there already."""
        day: dt.date | None = self.cleaned_data["date"]
        if day and day > self.today:
            raise ValidationError(gettext("The date must be today or earlier"))
        if day and day.year < 1990:
            raise ValidationError(gettext("Check the year of the date"))
        if day and day.isoformat() in self.others:
            raise ValidationError(
                gettext("You have numbers for this date already. Change them or the date")
            )
        if not day and self.others:
            raise ValidationError(gettext("Enter a date, because you have more than one"))
        return day

    def clean(self) -> dict[str, Any]:
        """Check each block."""
        cleaned = super().clean() or {}
        for line in lines().values():
            self._block(line, cleaned)
        if not self.errors and not any(cleaned.get(f"{key}_value") for key in lines()):
            self.add_error("hemoglobin_value", gettext("Enter at least one number"))
        return cleaned

    def _block(self, line: Line, cleaned: dict[str, Any]) -> None:
        name = str(line.name)
        for part in ("value", "low", "high"):
            key = f"{line.id}_{part}"
            typed = "".join(str(cleaned.get(key, "")).split())
            cleaned[key] = typed
            if typed and not _TYPED.fullmatch(typed):
                self.add_error(
                    key, gettext("%(name)s: write digits only, such as 7.9") % {"name": name}
                )
            elif _EITHER_WAY.fullmatch(typed):
                whole, point = typed.replace(",", ""), typed.replace(",", ".")
                self.add_error(
                    key,
                    gettext("%(name)s: write %(whole)s or %(point)s, without a comma")
                    % {"name": name, "whole": whole, "point": point},
                )
        value, low, high = (
            str(cleaned.get(f"{line.id}_{part}", "")) for part in ("value", "low", "high")
        )
        absent = cleaned.get(f"{line.id}_absent")
        if value and absent:
            self.add_error(
                f"{line.id}_absent",
                gettext('%(name)s: clear the number or clear "Not on the printout"')
                % {"name": name},
            )
        if line.main and not value and not absent and f"{line.id}_value" not in self.errors:
            self.add_error(
                f"{line.id}_value",
                gettext('%(name)s: enter the number or tick "Not on the printout"')
                % {"name": name},
            )
        if value and not cleaned.get(f"{line.id}_unit") and f"{line.id}_unit" not in self.errors:
            self.add_error(f"{line.id}_unit", gettext("%(name)s: choose the unit") % {"name": name})
        if low and high and as_number(low) >= as_number(high):
            self.add_error(
                f"{line.id}_high",
                gettext("%(name)s: the second number of the range must be the larger one")
                % {"name": name},
            )

    def result(self) -> CountSet:
        """Give the day as the family confirmed it."""
        day = self.cleaned_data["date"]
        rows = {}
        for key in lines():
            before = self.held.rows.get(key, Row())
            row = Row(
                printed=before.printed,
                kept=before.kept,
                **{
                    part: self.cleaned_data[f"{key}_{part}"]
                    for part in ("value", "unit", "low", "high", "flag", "absent")
                },
            )
            if row.value or row.absent:
                rows[key] = row
        return CountSet(day.isoformat() if day else "", False, True, rows)


def _initial(held: CountSet) -> dict[str, Any]:
    initial: dict[str, Any] = {"date": held.date or None}
    known = bool(held.rows)
    for key, line in lines().items():
        row = held.rows.get(key, Row(absent=known))
        for part in ("value", "unit", "low", "high", "flag"):
            initial[f"{key}_{part}"] = getattr(row, part)
        # After reading a printout, the lines that were not found begin as not on it.
        initial[f"{key}_absent"] = row.absent and line.main
        if len(line.units) == 1:
            initial[f"{key}_unit"] = line.units[0].key
    return initial


def _boxes() -> dict[str, forms.Field]:
    boxes: dict[str, forms.Field] = {}
    for key, line in lines().items():
        choices: list[tuple[str, Any]] = [(unit.key, unit.label) for unit in line.units]
        if len(choices) > 1:
            choices.insert(0, ("", _("Choose the unit")))
        boxes[f"{key}_value"] = _number(_("Number"))
        boxes[f"{key}_unit"] = forms.ChoiceField(
            label=_("Unit"),
            choices=choices,
            required=False,
            error_messages={"invalid_choice": _("Choose a unit from the list")},
        )
        boxes[f"{key}_low"] = _number(_("From"))
        boxes[f"{key}_high"] = _number(_("To"))
        boxes[f"{key}_flag"] = forms.ChoiceField(
            label=_("Mark beside the number"),
            choices=[
                ("", _("Choose what is printed")),
                ("none", _("No mark")),
                ("H", "H"),
                ("L", "L"),
                ("other", _("Another mark")),
            ],
            required=False,
        )
        boxes[f"{key}_absent"] = forms.BooleanField(label=_("Not on the printout"), required=False)
    return boxes


class SlipForm(Form):
    """For each number that no laboratory prints in its unit: what was meant."""

    def __init__(self, asked: list[Doubt], *args: Any, **kwargs: Any) -> None:
        """Make a question for each doubt."""
        self.asked = asked
        super().__init__(*args, **kwargs)
        for doubt in asked:
            self.fields[doubt.line.id] = self._question(doubt)

    @staticmethod
    def _question(doubt: Doubt) -> forms.Field:
        line, row = doubt.line, doubt.row
        typed = f"{row.value} {_label(line, row.unit)}"
        choices = [
            (
                f"{number}",
                gettext("It is %(value)s %(unit)s")
                % {"value": choice.value, "unit": _label(line, choice.unit)},
            )
            for number, choice in enumerate(doubt.choices)
        ]
        choices.append(("keep", gettext("It is %(typed)s, as I typed it") % {"typed": typed}))
        choices.append(("again", gettext("I want to type it again")))
        other = doubt.choices[0] if doubt.choices else None
        if other and other.unit != row.unit:
            ask = gettext("%(name)s: you typed %(typed)s. Is this %(unit)s?") % {
                "name": line.name,
                "typed": typed,
                "unit": _label(line, other.unit),
            }
        else:
            ask = gettext("%(name)s: you typed %(typed)s. Is this right?") % {
                "name": line.name,
                "typed": typed,
            }
        return Choice(
            label=ask,
            choices=choices,
            error_messages={
                "required": gettext("%(name)s: choose an answer") % {"name": line.name}
            },
        )


def _label(line: Line, key: str) -> str:
    unit = line.unit(key)
    return unit.label if unit else ""


class QuestionsForm(Form):
    """Questions for the visit, from the list and their own."""

    chosen = Choices(
        label=_("Choose questions"),
        required=False,
        choices=lambda: [(key, str(question.text)) for key, question in questions().items()],
    )
    own = forms.CharField(
        label=_("Your own questions (optional)"),
        help_text=_("One on each line. Leave out names."),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"max_length": _("Use at most 1,000 characters")},
    )
