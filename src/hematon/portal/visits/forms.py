"""The five questions of the check, one a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hematon.portal.care import forms as care_forms
from hematon.portal.care.forms import YES_NO
from hematon.portal.ui.forms import Choice, Choices, Form
from hematon.portal.ui.site import site
from hematon.portal.visits.rules import ELSEWHERE, NOT_KNOWN, rules
from hematon.portal.visits.states import by_name


def _places() -> list[tuple[str, str]]:
    return [
        ("", gettext("Choose a place")),
        *by_name(),
        (ELSEWHERE, gettext("Outside the United States")),
        (NOT_KNOWN, gettext("I do not know yet")),
    ]


def _reasons() -> list[tuple[str, str]]:
    return [(key, str(reason.words)) for key, reason in rules().reasons.items()]


class WhereForm(Form):
    """Where the child will be."""

    where = forms.ChoiceField(
        label=_("Where will your child be during the visit?"),
        choices=_places,
        help_text=_("The state your child is in at that time, not where you live."),
        error_messages={
            "required": _("Choose where your child will be."),
            "invalid_choice": _("Choose a place from the list."),
        },
    )


class WhyForm(Form):
    """Why the family wants a visit."""

    why = Choices(
        label=_("Why do you want a visit?"),
        choices=_reasons,
        help_text=_("Choose all that fit."),
        error_messages={"required": _("Choose at least 1 reason.")},
    )


class SymptomsForm(Form):
    """Symptoms now: the same lists for everyone."""

    title = _("Does your child have any of these now?")

    symptoms = Choice(
        label=_("What fits now?"),
        choices=[
            ("now", _("Yes, something from the first list")),
            ("today", _("Yes, something from the second list")),
            ("none", _("None of these")),
        ],
        error_messages={"required": _("Choose what fits now.")},
    )


class DeviceForm(Form):
    """What the family would join with."""

    device = Choice(
        label=_("What would you use for the visit?"),
        choices=[
            ("ready", _("A phone, tablet or computer with camera, microphone and internet")),
            ("unsure", _("I have one, but I do not know if it works")),
            ("none", _("I have none of these")),
        ],
        error_messages={"required": _("Choose what you would use.")},
    )


class LanguageForm(care_forms.LanguageForm):
    """Which language, and whether an interpreter joins: asked here as for a call."""

    title = _("What language should the visit be in?")

    interpreter = Choice(
        label=_("Do you need an interpreter?"),
        choices=YES_NO,
        error_messages={"required": _("Choose yes or no.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interpreter"].help_text = str(site().interpreters)
