"""The forms of the list and of one case. Each has a prefix of its own: they stand on one page."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django import forms

from hematon.portal.accounts.models import User
from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.models.talk import MESSAGE_MOST
from hematon.portal.care.reference import read_reference
from hematon.portal.care.status import TRANSITIONS, HoldReason, Kind, RejectReason, Stage, Status
from hematon.portal.inbox.looking import FLAGS
from hematon.portal.inbox.models import NAME_MOST
from hematon.portal.ui.forms import Choice, Form

BANDS: Final = [(band.value, band.label) for band in Band]
HOLDS: Final = [
    (HoldReason.FAMILY.value, "An answer from the sender"),
    (HoldReason.RECORDS.value, "Records"),
    (HoldReason.RESULT.value, "A test result"),
    (HoldReason.TEAM.value, "Someone on our team: the clock goes on"),
]
"""What a case waits for, in words of staff; families read their own."""
STEPS: Final = {
    Status.ACCEPTED: "Accept: we work on it",
    Status.IN_PROGRESS: "A specialist works on it",
    Status.ON_HOLD: "Wait for others",
    Status.COMPLETED: "Close: it is answered",
    Status.REJECTED: "Refuse: we cannot take it",
}
MATCHES: Final = [("match", "match"), ("deny", "deny"), ("new", "new"), ("undo", "undo")]
ANY: Final = [("", "Any")]


class ReferenceForm(Form):
    """Finding what a family on the phone names."""

    prefix = "find"
    reference = forms.CharField(
        label="Find by reference",
        max_length=40,
        widget=forms.TextInput(
            attrs={"class": "nhsuk-input--width-10", "autocomplete": "off", "spellcheck": "false"}
        ),
        error_messages={"required": "Enter a reference, such as HM-2345-6789."},
    )

    def clean_reference(self) -> str:
        """Take the number however it was typed; say when a character is wrong."""
        kept = read_reference(self.cleaned_data["reference"])
        if kept is None:
            raise forms.ValidationError(
                "That is not a reference: a character is wrong or missing. Read it back, "
                "8 characters after HM."
            )
        return kept


class FilterForm(Form):
    """What the list is narrowed to; codes alone, they stand in the address."""

    view = forms.CharField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(label="Kind", required=False)
    band = forms.ChoiceField(label="Reading order", choices=[*ANY, *BANDS], required=False)
    language = forms.ChoiceField(
        label="Language", choices=[*ANY, ("en", "English"), ("es", "Spanish")], required=False
    )
    flag = forms.ChoiceField(
        label="Only",
        choices=[("", "All"), *((code, name) for code, (name, _) in FLAGS.items())],
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # When the page is made: the names of kinds are translated.
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*ANY, *((k.value, str(k.label)) for k in Kind)]


class KeepFilterForm(Form):
    """A name for what the list shows now."""

    prefix = "keep"
    name = forms.CharField(
        label="Name for this filter",
        max_length=NAME_MOST,
        error_messages={
            "required": "Enter a name for this filter.",
            "max_length": f"Use at most {NAME_MOST} letters.",
        },
    )


def _to_nobody(people: Sequence[User]) -> list[tuple[str, str]]:
    return [("", "Nobody"), *((str(user.pk), str(user)) for user in people)]


class PersonField(forms.ChoiceField):
    """One of several members of staff, or nobody."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.people: dict[str, User] = {}

    def offer(self, people: Sequence[User]) -> None:
        """Say who there is."""
        self.people = {str(user.pk): user for user in people}
        self.choices = _to_nobody(people)

    def clean(self, value: Any) -> User | None:
        """Give the person."""
        return self.people.get(super().clean(value))


class AssignAllForm(Form):
    """Giving several cases of the list to one person."""

    prefix = "give"
    to = PersonField(label="Give the chosen requests to")

    def __init__(self, *args: Any, people: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, PersonField)
        field.offer(people)


# --- one case -------------------------------------------------------------------------------------


class CaseForm(Form):
    """A form about one case: it names the revision of its page."""

    typed: ClassVar[tuple[str, ...]] = ()
    """Fields in which somebody wrote; a page that is stale brings them back."""
    seen = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        kwargs["initial"] = {"seen": case.revision, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.case = case

    def again(self, case: Case, error: str) -> None:
        """Bring what was typed back on a page of the case as it is now, with what went wrong."""
        self.is_valid()
        self.data = {**dict(self.data.items()), self.add_prefix("seen"): str(case.revision)}
        self.case = case
        self.add_error(None, error)


class StepForm(CaseForm):
    """The next step of a case."""

    prefix = "step"
    status = Choice(label="What happens next?", error_messages={"required": "Choose a step."})
    hold = forms.ChoiceField(
        label="What do we wait for?", choices=[("", "Choose"), *HOLDS], required=False
    )
    reject = forms.ChoiceField(
        label="Why can we not take it?",
        choices=[("", "Choose"), *RejectReason.choices],
        required=False,
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        field = self.fields["status"]
        assert isinstance(field, Choice)
        allowed = TRANSITIONS[case.status]
        field.choices = [
            (status.value, self._said(status)) for status in STEPS if status in allowed
        ]
        if Status.ON_HOLD not in allowed:
            del self.fields["hold"]
        if Status.REJECTED not in allowed:
            del self.fields["reject"]

    def _said(self, status: Status) -> str:
        if self.case.status == Status.COMPLETED:
            return "Open it again"
        if self.case.status == Status.ON_HOLD and status == Status.IN_PROGRESS:
            return "Go on: it waits no longer"
        return STEPS[status]

    def clean(self) -> dict[str, Any]:
        """Ask for the reason where the step has one."""
        cleaned: dict[str, Any] = super().clean() or {}
        status = cleaned.get("status")
        cleaned["reason"] = ""
        if status == Status.ON_HOLD:
            cleaned["reason"] = cleaned.get("hold") or ""
            if not cleaned["reason"]:
                self.add_error("hold", "Choose what we wait for.")
        if status == Status.REJECTED:
            cleaned["reason"] = cleaned.get("reject") or ""
            if not cleaned["reason"]:
                self.add_error("reject", "Choose why we cannot take it.")
        return cleaned


class StageForm(CaseForm):
    """How far the work is."""

    prefix = "stage"
    stage = forms.ChoiceField(label="How far is the work?", required=False)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, initial={"stage": case.stage}, **kwargs)
        field = self.fields["stage"]
        assert isinstance(field, forms.ChoiceField)
        # The last two come with the report: nobody says them by hand.
        by_hand = (Stage.SCHEDULED, Stage.BEING_WRITTEN)
        field.choices = [("", "Not said"), *((s.value, str(s.label)) for s in by_hand)]


class GiveForm(CaseForm):
    """Whose case it is, and who reviews it."""

    prefix = "give"
    owner = PersonField(label="Owner")
    reviewer = PersonField(label="Reviewing clinician")

    def __init__(
        self,
        *args: Any,
        case: Case,
        owners: Sequence[User],
        reviewers: Sequence[User],
        **kwargs: Any,
    ) -> None:
        given = {"owner": case.owner_id or "", "reviewer": case.reviewer_id or ""}
        super().__init__(*args, case=case, initial=given, **kwargs)
        for name, people, now in (
            ("owner", owners, case.owner),
            ("reviewer", reviewers, case.reviewer),
        ):
            field = self.fields[name]
            assert isinstance(field, PersonField)
            # Who has it now stays on the list when the role was taken away since.
            here = [*people, *([now] if now is not None and now not in people else [])]
            field.offer(here)


class BandForm(CaseForm):
    """Moving a case in the reading order."""

    prefix = "band"
    typed = ("reason",)
    band = Choice(
        label="Move it to", choices=BANDS, error_messages={"required": "Choose where to."}
    )
    reason = forms.CharField(
        label="Why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why you move it."},
    )


class ReplyForm(CaseForm):
    """A message to the sender."""

    prefix = "reply"
    typed = ("text",)
    text = forms.CharField(
        label="Message to the sender",
        max_length=MESSAGE_MOST,
        widget=forms.Textarea(attrs={"rows": 9}),
        error_messages={
            "required": "Write the message.",
            "max_length": "Your text has %(show_value)s characters. Use at most %(limit_value)s.",
        },
    )
    holds = forms.ChoiceField(
        label="After sending",
        choices=[
            ("", "The request goes on"),
            (HoldReason.FAMILY.value, "It waits for an answer from the sender"),
            (HoldReason.RECORDS.value, "It waits for records"),
        ],
        required=False,
    )
    confidential = forms.BooleanField(
        label="For the young person alone: no parent sees it or is told", required=False
    )
    template = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    key = forms.RegexField(r"\A[A-Za-z0-9_-]{16,64}\Z", widget=forms.HiddenInput)

    def __init__(self, *args: Any, case: Case, has_patient: bool, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        self.fields["text"].widget.attrs["lang"] = case.language
        if not has_patient:
            del self.fields["confidential"]

    def clean_text(self) -> str:
        """Refuse a template whose gaps nobody filled."""
        text: str = self.cleaned_data["text"]
        start = text.find("[")
        if self.data.get(self.add_prefix("template")) and start >= 0 and "]" in text[start:]:
            gap = text[start : text.index("]", start) + 1]
            raise forms.ValidationError(f"Fill the gap {gap[:80]} before you send it.")
        return text


class NoteForm(CaseForm):
    """A note of the team."""

    prefix = "note"
    typed = ("text",)
    text = forms.CharField(
        label="Note for the team",
        max_length=MESSAGE_MOST,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": "Write the note.",
            "max_length": "Your text has %(show_value)s characters. Use at most %(limit_value)s.",
        },
    )


class CallForm(CaseForm):
    """What came of a call."""

    prefix = "call"
    outcome = Choice(
        label="What came of the call?",
        choices=[("reached", "Reached"), ("not-reached", "No answer")],
        error_messages={"required": "Choose what came of the call."},
    )


class MatchForm(CaseForm):
    """Which child it is about; buttons alone."""

    prefix = "match"
    act = forms.ChoiceField(choices=MATCHES, widget=forms.HiddenInput)
    child = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def chosen(self) -> uuid.UUID | None:
        """Give the child that a button stands by."""
        found: uuid.UUID | None = self.cleaned_data.get("child")
        return found


class PrivateForm(CaseForm):
    """Whether a case is kept from parents."""

    prefix = "private"
    hidden = forms.BooleanField(
        label="Only the young person sees this request, no parent", required=False
    )


class PlainForm(CaseForm):
    """A button that says all: records complete, take it up."""

    prefix = "plain"
