"""Searching the audit, exporting from it, and the words around an emergency opening."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from hematon.portal.accounts.models import User
from hematon.portal.audit.events import EVENTS, Kind
from hematon.portal.audit.models import Event, Outcome
from hematon.portal.privacy.actions import REASON_LEAST, REASON_MOST
from hematon.portal.privacy.models import Finding
from hematon.portal.ui.forms import Choice, Form

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ROW = re.compile(rf"[a-z_]{{1,30}}\.[a-z_]{{1,30}}:(\d{{1,19}}|{_UUID})|{_UUID}")
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _actions() -> list[Any]:
    groups: list[Any] = [("", "Any")]
    for kind in Kind:
        told = sorted(
            (action, f"{action}: {event.text}")
            for action, event in EVENTS.items()
            if event.kind is kind
        )
        groups.append((kind.value, told))
    return groups


class SearchForm(Form):
    """Which rows. What it gives back holds codes alone, fit for an address."""

    since = forms.DateField(label="From day", help_text="In UTC.", required=False, widget=_DAY)
    until = forms.DateField(
        label="To day, included", help_text="In UTC.", required=False, widget=_DAY
    )
    person = forms.CharField(
        label="Person",
        help_text="Account number, or the address the person signs in with.",
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    action = forms.ChoiceField(label="What happened", required=False, choices=_actions)
    subject = forms.CharField(
        label="Record or child",
        help_text="Its id, or kind and id as in a row, like accounts.user:12.",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    outcome = forms.ChoiceField(
        label="How it went", required=False, choices=[("", "Any"), *Outcome.choices]
    )

    def clean_person(self) -> str:
        """Turn an address into the number of its account; the address goes no further."""
        typed: str = self.cleaned_data["person"].strip()
        if not typed or (typed.isdecimal() and len(typed) < 19):
            return typed
        if "\0" in typed:
            raise forms.ValidationError("Type a number or an address.")
        found = User.objects.filter(email=typed.lower()).first() or User.objects.with_address(typed)
        if found is None:
            raise forms.ValidationError("No account has this number or address.")
        return str(found.pk)

    def clean_subject(self) -> str:
        """Take an id and nothing else: what is searched for is recorded."""
        typed: str = self.cleaned_data["subject"].strip().lower()
        if typed and not _ROW.fullmatch(typed):
            raise forms.ValidationError(
                "Type an id as it stands in a row, like accounts.user:12. Names are not kept here."
            )
        return typed

    def codes(self) -> dict[str, str]:
        """Give what was asked for, without what was left open."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def rows(self) -> QuerySet[Event]:
        """Give the rows, the latest first."""
        asked = self.cleaned_data
        rows = Event.objects.select_related("actor").order_by("-sequence")
        if asked["since"]:
            rows = rows.filter(at__gte=datetime.combine(asked["since"], time(), UTC))
        if asked["until"]:
            rows = rows.filter(
                at__lt=datetime.combine(asked["until"], time(), UTC) + timedelta(days=1)
            )
        if asked["person"]:
            row = f"accounts.user:{asked['person']}"
            rows = rows.filter(Q(actor=int(asked["person"])) | Q(subject=row))
        if asked["action"]:
            rows = rows.filter(action=asked["action"])
        if asked["outcome"]:
            rows = rows.filter(outcome=asked["outcome"])
        if asked["subject"]:
            named = asked["subject"]
            if ":" in named:
                rows = rows.filter(Q(subject=named) | Q(patient=named))
            else:
                rows = rows.filter(Q(subject__endswith=named) | Q(patient__endswith=named))
        return rows


class ExportForm(Form):
    """In which form."""

    kind = Choice(
        label="File",
        choices=[("ndjson", "NDJSON: one AuditEvent to a line"), ("bundle", "One FHIR Bundle")],
        error_messages={"required": "Choose a kind of file."},
    )


class ReasonForm(Form):
    """Why a record is opened."""

    reason = forms.CharField(
        label="Why do you need this record now?",
        help_text="The privacy officer reads this. Write what is happening, not who the child is.",
        min_length=REASON_LEAST,
        max_length=REASON_MOST,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": "Write why you need this record now.",
            "min_length": f"Write a little more: at least {REASON_LEAST} characters.",
            "max_length": f"Write at most {REASON_MOST} characters.",
        },
    )


class ReviewForm(Form):
    """What the officer makes of it."""

    finding = Choice(
        label="What do you find?",
        choices=Finding.choices,
        error_messages={"required": "Choose what you find."},
    )
    note = forms.CharField(
        label="Note (optional)",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
