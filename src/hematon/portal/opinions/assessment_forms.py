"""Trying a change, and judging one item of an assessment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from hematon.portal.clinic.forms import FeedbackForm
from hematon.portal.opinions import trials
from hematon.portal.opinions.items import Item
from hematon.portal.opinions.models import About
from hematon.portal.ui.forms import Choice, Form

_CHOOSE = ("", "Choose one")
COMMENT_MOST = 2000


class _OnRecord(Form):
    """Names the inputs that the page showed: the record may have grown since."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)


class CountForm(_OnRecord):
    """One count, changed or added."""

    which = forms.ChoiceField(
        label="Which count?", error_messages={"required": "Choose which count to change."}
    )
    value = forms.CharField(
        label="What should it be?",
        help_text="A number in the unit that stands beside the count, such as 7.9 or <0.5.",
        max_length=20,
        error_messages={"required": "Enter the number to try."},
        widget=forms.TextInput(attrs={"class": "nhsuk-input--width-10", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, groups: trials.Groups, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["which"], groups)


class FindingForm(_OnRecord):
    """One finding or result of a test, stated or taken away."""

    which = forms.ChoiceField(
        label="Which finding or test?",
        error_messages={"required": "Choose which finding or test to change."},
    )
    answer = Choice(
        label="What should it be?",
        choices=trials.ANSWERS,
        error_messages={"required": "Choose what it should be."},
    )

    def __init__(self, *args: Any, groups: trials.Groups, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["which"], groups)


class JudgementForm(FeedbackForm):
    """Agree or disagree with one item, and why."""

    condition = None  # type: ignore[assignment]  # so does Django take a field away
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    item = forms.ChoiceField(
        label="What is it about?", error_messages={"required": "Choose what it is about."}
    )
    comment = forms.CharField(
        label="Comment (optional)",
        help_text="It stays in this case and is printed in the packet as yours.",
        required=False,
        max_length=COMMENT_MOST,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "max_length": "This text has %(show_value)s characters. Use at most %(limit_value)s."
        },
    )
    field_order = ("seen", "item", "outcome", "reason", "comment")

    def __init__(self, *args: Any, items: Iterable[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = {one.key: one for one in items}
        groups = [
            (str(about.label), [(k, i.name) for k, i in self.items.items() if i.about == about])
            for about in (About.URGENCY, About.CAUSE, About.TEST)
        ]
        _offer(self.fields["item"], groups)


def _offer(field: forms.Field, groups: trials.Groups) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = [_CHOOSE, *(group for group in groups if group[1])]
