"""The part of a page where files are sent: rules, the box to choose them, and what was sent.

A page that asks for files needs no template of its own; `ui/question.html` shows this form as it
shows any other, within a form of the page that is `multipart/form-data` (`form.is_multipart`):

    def records(request, key):
        case = access.get_case(request.user, key)
        form = UploadForm(
            request,
            holder=case.pk,
            step="records",
            title=_("Send the records you have"),
            address=lambda stored: reverse("request_file", args=[case.pk, stored.pk]),
        )
        if request.method == "POST":
            done = form.settle(by=request.user, at=timezone.now())
            if done:
                return redirect(request.path if done is Done.HERE else "request_tasks")
        return render(request, "ui/question.html", {"form": form, "title": form.title})

    def request_file(request, key, file):
        case = access.get_case(request.user, key)
        stored = files.access.get_file(case.pk, file)
        sender = stored.taken_by_id == request.user.pk
        return files.serve.answer(stored, Purpose.SENDER if sender else Purpose.CARE)

Each file is kept when it is sent, so that one bad file costs none of the others. Whoever presses
Continue with files chosen sends them too. Without script everything works.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hematon.portal.accounts.models import User
from hematon.portal.files import access, actions, serve
from hematon.portal.files.kinds import CASE_LIMITS, WORDS, Limits, RefusedError, shown_name
from hematon.portal.files.models import State, StoredFile
from hematon.portal.ui.forms import Form

_ACCEPT = ".pdf,.jpg,.jpeg,.png,.csv,image/jpeg,image/png,application/pdf,text/csv"


class Done(enum.Enum):
    """What a page does after its form was settled.

    Attributes:
        HERE: show the page again, from a redirect.
        ON: go on to the next page.
    """

    HERE = "here"
    ON = "on"


class _Several(forms.FileInput):
    allow_multiple_selected = True


@dataclass(frozen=True)
class Listed:
    """One file as the page lists it.

    Attributes:
        key: id of the file.
        name: what the family called it.
        size: in words.
        state: ready, checking or problem.
        problem: what is wrong, in words.
        address: where it opens; empty when it does not.
    """

    key: uuid.UUID
    name: str
    size: str
    state: str
    problem: str = ""
    address: str = ""


class UploadForm(Form):
    """Files of one step of a case. See the module for its use."""

    template_name = "files/upload.html"

    # Each file is judged by itself, in `settle`.
    file = forms.Field(
        label=gettext_lazy("Choose files"),
        help_text=gettext_lazy("You can choose more than one."),
        required=False,
        widget=_Several(attrs={"accept": _ACCEPT, "multiple": True}),
    )

    def __init__(
        self,
        request: HttpRequest,
        *,
        holder: uuid.UUID,
        step: str = "",
        title: str = "",
        rules: Sequence[str] = (),
        limits: Limits = CASE_LIMITS,
        required: bool = False,
        address: Callable[[StoredFile], str] | None = None,
    ) -> None:
        """Make the form of a step.

        Args:
            request: what was asked; a POST is not looked at before `settle`.
            holder: the case, which the caller has authorized.
            step: key of the question.
            title: heading of the page, where this form is the page.
            rules: what to say above the box besides the limits.
            limits: how much is taken.
            required: whether the page may be left without a file.
            address: gives where a file opens.
        """
        posted = request.method == "POST"
        super().__init__(request.POST if posted else None, request.FILES if posted else None)
        self.holder, self.step, self.limits = holder, step, limits
        self.title, self.rules, self.required = title, rules, required
        self._address = address
        if "json" in limits.kinds:
            self.fields["file"].widget.attrs["accept"] = _ACCEPT + ",.json,application/json"

    @property
    def takes_bundles(self) -> bool:
        """Say whether a FHIR Bundle is taken."""
        return "json" in self.limits.kinds

    @property
    def listed(self) -> list[Listed]:
        """Give what was sent so far."""
        return [listed_as(f, self._address) for f in access.files_of(self.holder, self.step)]

    def settle(self, *, by: User | None, at: datetime) -> Done | None:
        """Do what was pressed: remove a file, send the chosen ones, go on.

        Args:
            by: who is at the page, where that person has an account.
            at: now.

        Returns:
            What the page does next; None when it shows the form with what is wrong.
        """
        self.is_valid()
        if "remove" in self.data:
            return self._remove(by, at)
        sent = self.files.getlist("file") if hasattr(self.files, "getlist") else []
        for said in self._take(sent, by, at):
            self.add_error("file", said)
        pressed_upload = "upload" in self.data
        lacking = self.required and not any(f.state != "problem" for f in self.listed)
        if not self.errors and not sent and (pressed_upload or lacking):
            self.add_error("file", str(WORDS["none"]))
        if self.errors:
            return None
        return Done.HERE if pressed_upload else Done.ON

    def _take(self, sent: Iterable[Any], by: User | None, at: datetime) -> list[str]:
        wrong = []
        sent = list(sent)
        for upload in sent:
            try:
                actions.take(
                    holder=self.holder,
                    upload=upload,
                    by=by,
                    at=at,
                    limits=self.limits,
                    step=self.step,
                )
            except RefusedError as refused:
                name = shown_name(upload.name or "")
                several = len(sent) > 1
                said = _("%(name)s: %(problem)s") % {"name": name, "problem": refused.words}
                wrong.append(said if several else refused.words)
                if refused.code in ("many", "total") and several:
                    break  # it is the same for those that follow
        return wrong

    def _remove(self, by: User | None, at: datetime) -> Done:
        try:
            stored = access.get_file(self.holder, self.data["remove"])
        except Http404:
            return Done.HERE  # pressed twice, or removed in another window
        if stored.step == self.step:
            actions.remove(stored=stored, by=by, at=at)
        return Done.HERE


def listed_as(stored: StoredFile, address: Callable[[StoredFile], str] | None = None) -> Listed:
    """Give a file as a page lists it.

    Args:
        stored: the file.
        address: gives where it opens.
    """
    state = {State.CLEAN.value: "ready", State.HELD.value: "checking"}
    opens = address is not None and serve.may_open(stored, serve.Purpose.SENDER)
    return Listed(
        key=stored.pk,
        name=stored.name,
        size=_size(stored.size),
        state=state.get(stored.state, "problem"),
        problem=str(WORDS.get(stored.reason, "")) if stored.state == State.INFECTED else "",
        address=address(stored) if address is not None and opens else "",
    )


def _size(size: int) -> str:
    if size < 1_000_000:
        return _("%(size)s KB") % {"size": number_format(max(round(size / 1000), 1))}
    return _("%(size)s MB") % {"size": number_format(size / 1_000_000, decimal_pos=1)}
