"""The request to be called as a row of questions, and what the session holds of it.

`callback`        answers so far
`callback_key`    key of the form to be sent, made by the server
`callback_sent`   id of the request this browser sent last
`callback_known`  answers that other pages of the site have already asked
`attached_counts` blood counts that the family chose to send along; another app writes it
"""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hematon.portal.care import forms
from hematon.portal.care.actions import Asked
from hematon.portal.care.callback import About
from hematon.portal.ui.journey import Journey, Question

CALLBACK = Journey(
    name="callback",
    questions=(
        Question("who", forms.WhoForm),
        Question("name", forms.NameForm),
        Question("phone", forms.PhoneForm),
        Question("time", forms.TimeForm),
        Question("language", forms.LanguageForm, template="care/titled.html"),
        Question("interpreter", forms.InterpreterForm),
        Question("about", forms.AboutForm),
        Question("note", forms.NoteForm, template="care/note.html"),
    ),
    view="callback_question",
    start="callback",
    end="callback_check",
    caption=_("Ask to be called"),
)
KEY, SENT, KNOWN, COUNTS = "callback_key", "callback_sent", "callback_known", "attached_counts"


def know(request: HttpRequest, **answers: dict[str, Any]) -> None:
    """Keep answers that were asked elsewhere, so that nobody is asked twice.

    Args:
        request: of the browser.
        answers: key of a question here to what its form gives.
    """
    request.session[KNOWN] = answers


def begin(request: HttpRequest, about: str) -> None:
    """Start a new request; the one sent before, if any, stays sent.

    Args:
        request: of the browser.
        about: which door the family came through; anything unknown is asked.
    """
    known = dict(request.session.pop(KNOWN, {}))
    if about in About.values:
        known["about"] = {"about": about}
    request.session.pop(SENT, None)
    request.session[CALLBACK.name] = known
    request.session[KEY] = secrets.token_urlsafe(24)


def has_begun(request: HttpRequest) -> bool:
    """Say whether this browser has a request open."""
    return KEY in request.session


def asked(request: HttpRequest) -> Asked:
    """Give the answers as what is sent; every question must be answered."""
    given = CALLBACK.answers(request)
    return Asked(
        relationship=given["who"]["relationship"],
        name=given["name"]["name"],
        phone=given["phone"]["phone"],
        time=given["time"]["time"],
        language=given["language"]["language"],
        other_language=given["language"]["other_language"],
        interpreter=given["interpreter"]["interpreter"] == "yes",
        about=given["about"]["about"],
        note=given["note"]["note"],
        counts=request.session.get(COUNTS),
    )


def end(request: HttpRequest, pk: object) -> None:
    """Drop the draft; keep which request this browser sent."""
    CALLBACK.forget(request)
    request.session.pop(KEY, None)
    request.session.pop(COUNTS, None)
    request.session[SENT] = str(pk)
