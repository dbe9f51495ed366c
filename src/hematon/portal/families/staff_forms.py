"""What staff decide about a link."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms

from hematon.portal.families import ages
from hematon.portal.families.access import Candidate
from hematon.portal.families.models import (
    REASON_MOST,
    Child,
    Granted,
    Guardianship,
    Proof,
    Status,
)
from hematon.portal.programme.shapes import AgeRules
from hematon.portal.ui.forms import Choice, Form
from hematon.portal.ui.site import site

NEW = "new"
ACTS = {
    "confirm": "Confirm: I have seen the proof",
    "refuse": "Refuse",
    "end": "End it now",
    "keep": "Keep it, although ending it was asked for",
    "lock": "Stop every adult of this child: a dispute",
    "unlock": "Let this one go on: the dispute is settled",
    "override": "Let it go on past the last birthday: the patient cannot decide",
}


def offered(link: Guardianship, rules: AgeRules) -> list[str]:
    """Give what can be done to a link as it stands."""
    if link.status == Status.REQUESTED:
        return ["confirm", "refuse"] if link.locked_at is None else ["unlock", "refuse"]
    if link.status != Status.ACTIVE:
        return []
    found = ["keep"] if link.end_asked_at else []
    found.append("end")
    if not link.is_patient:
        found.append("unlock" if link.locked_at else "lock")
        if rules.override_for_incapacity:
            found.append("override")
    return found


class DecideForm(Form):
    """One act, with what it needs."""

    act = Choice(label="What do you decide?", error_messages={"required": "Choose what you decide"})
    proof_kind = forms.ChoiceField(
        label="Proof you have seen", required=False, choices=[("", "None yet"), *Proof.choices]
    )
    child = Choice(
        label="Which child is it?",
        help_text="The same name and birth date prove nothing. Compare with the record.",
        required=False,
    )
    granted = forms.ChoiceField(
        label="What it gives at most",
        required=False,
        choices=Granted.choices,
    )
    until = forms.DateField(
        label="Last day (optional)",
        help_text="Needed to let it go on past the last birthday.",
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(
            format="%Y-%m-%d", attrs={"type": "date", "class": "nhsuk-input--width-10"}
        ),
        error_messages={"invalid": "Write the date as year-month-day, such as 2027-05-20"},
    )
    reason = forms.CharField(
        label="Reason",
        help_text="Kept in the history. Needed for everything but confirming.",
        required=False,
        max_length=REASON_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        link: Guardianship,
        candidates: Sequence[Candidate],
        rules: AgeRules,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.link = link
        acts = offered(link, rules)
        self.offer("act", [(a, ACTS[a]) for a in acts])
        if "confirm" not in acts:
            for name in ("proof_kind", "child", "granted"):
                del self.fields[name]
            if "override" not in acts:
                del self.fields["until"]
            return
        self.fields["until"].help_text = "Empty: the age rules alone decide when it ends."
        self.candidates = {str(one.child.pk): one.child for one in candidates}
        if candidates:
            known = [
                (str(one.child.pk), f"The same as {one.child.name}, whom we know")
                for one in candidates
            ]
            self.offer("child", [*known, (NEW, "A child we do not know yet")])
        else:
            del self.fields["child"]

    def clean(self) -> dict[str, Any]:
        """Ask for what the act needs."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        act = given.get("act")
        if act == "confirm":
            if not given.get("proof_kind"):
                self.add_error("proof_kind", "Choose the proof you have seen")
            if "child" in self.fields and not given.get("child"):
                self.add_error("child", "Choose which child it is")
        elif act and not given.get("reason", "").strip():
            self.add_error("reason", "Write the reason")
        if act == "override" and not given.get("until") and "until" not in self.errors:
            self.add_error("until", "Write the last day")
        return given

    def ends_at(self) -> datetime | None:
        """Give the moment after the last day, on the programme's wall."""
        last: date | None = self.cleaned_data.get("until")
        return ages.midnight(last + timedelta(days=1), site().zone) if last else None


class RecordNumberForm(Form):
    """Which record of the hospital is the child's."""

    number = forms.RegexField(
        r"^[\w./ -]*$",
        label="Number of the hospital's record",
        help_text="Compare name and birth date with the record first. Empty if it is not known.",
        required=False,
        max_length=40,
        widget=forms.TextInput(
            attrs={"class": "nhsuk-input--width-20", "autocomplete": "off", "spellcheck": "false"}
        ),
        error_messages={"invalid": "Write letters, digits, spaces, dots, dashes and slashes"},
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, child: Child, **kwargs: Any) -> None:
        kwargs["initial"] = {"number": child.mrn or "", "seen": child.record_index}
        super().__init__(*args, **kwargs)
