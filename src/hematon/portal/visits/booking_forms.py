"""The questions of booking, and what is asked at the end and at the door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from hematon.portal.care.forms import PhoneForm
from hematon.portal.families.models import Child
from hematon.portal.ui.forms import Choice, Choices, Form
from hematon.portal.visits.finding import Refused
from hematon.portal.visits.forms import WhereForm
from hematon.portal.visits.models import Signer, Slot, VisitKind
from hematon.portal.visits.times import clock

WHOM_MOST, NOTE_MOST = 200, 500


class ChildForm(Form):
    """Which child; asked of families with several."""

    children: ClassVar[Sequence[Child]] = ()

    child = Choice(
        label=_("Which child is the visit for?"),
        error_messages={"required": _("Choose a child.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("child", [(str(child.pk), child.name) for child in self.children])


class KindForm(Form):
    """How to meet; what is not possible is not offered, and the page says why."""

    kinds: ClassVar[Sequence[VisitKind]] = ()
    near: ClassVar[bool] = True

    kind = Choice(
        label=_("How would you like to meet?"),
        error_messages={"required": _("Choose how you would like to meet.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("kind", [(kind.value, kind.label) for kind in self.kinds])


class TimeForm(Form):
    """One time of a day."""

    slot = Choice(label=_("Choose a time"), error_messages={"required": _("Choose a time.")})

    def __init__(self, *args: Any, slots: Sequence[Slot], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(
            "slot",
            [
                (
                    str(slot.pk),
                    _("%(time)s with %(name)s")
                    % {"time": clock(slot.starts_at, slot.zone), "name": slot.clinician.name},
                )
                for slot in slots
            ],
        )
        self.fields["slot"].error_messages["invalid_choice"] = Refused("taken").words


class AgreementFields(Form):
    """What a guardian agrees to before a first video visit."""

    agree = Choices(
        label=_("Do you agree?"),
        choices=[("yes", _("I have read this and agree to video visits"))],
        error_messages={"required": _("Check the box if you agree to video visits.")},
    )
    relationship = Choice(
        label=_("Who are you to the child?"),
        choices=Signer.choices,
        error_messages={"required": _("Choose who you are to the child.")},
    )
    name = forms.CharField(
        label=_("Your full name"),
        max_length=100,
        error_messages={
            "required": _("Enter your full name."),
            "max_length": _("Enter a name of at most 100 letters."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
    )


def _with_whom(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=_("For example: mother and grandmother."),
        max_length=WHOM_MOST,
        error_messages={
            "required": _("Enter who will be with your child."),
            "max_length": _("Enter at most 200 characters."),
        },
    )


class DetailsForm(Form):
    """The last page of booking."""

    with_whom = _with_whom(_("Who will be with your child?"))
    phone = PhoneForm.base_fields["phone"]
    note = forms.CharField(
        label=_("What would you like to talk about? (optional)"),
        required=False,
        max_length=NOTE_MOST,
        error_messages={"max_length": _("Enter at most 500 characters.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    clean_phone = PhoneForm.clean_phone


class DetailsAndAgreementForm(DetailsForm, AgreementFields):
    """The last page of booking a first video visit."""

    field_order = (
        "agree",
        "relationship",
        "name",
        "with_whom",
        "phone",
        "note",
    )


class JoinForm(Form):
    """Asked again at the door."""

    where = forms.ChoiceField(
        label=_("Where is your child now?"),
        choices=WhereForm.base_fields["where"].choices,  # type: ignore[attr-defined]  # a field of choices
        help_text=_("The state where your child is at this moment."),
        error_messages={
            "required": _("Choose where your child is now."),
            "invalid_choice": _("Choose a place from the list."),
        },
    )
    with_whom = _with_whom(_("Who is with your child now?"))


class JoinAndAgreementForm(JoinForm, AgreementFields):
    """At the door of a first video visit that staff booked."""

    field_order = ("agree", "relationship", "name", "where", "with_whom")
