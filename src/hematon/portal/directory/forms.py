"""What families fill in: the filters of the directory and the questions of a review."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hematon.portal.directory import rules
from hematon.portal.ui.forms import Choice, Form


class ScoreRadios(forms.RadioSelect):
    """Numbers next to each other, as many in a row as fit."""

    template_name = "directory/forms/score.html"


class ScoreQuestion(Form):
    """0 to 10."""

    score = Choice(
        label=_("How would you rate this expert?"),
        help_text=_("0 is the worst care you can think of. 10 is the best."),
        choices=[(str(n), str(n)) for n in range(11)],
        widget=ScoreRadios,
        error_messages={"required": _("Choose a number from 0 to 10")},
    )


class ExplainedQuestion(Form):
    """1 to 5; not part of the stars."""

    explained = Choice(
        label=_("How well did they explain things?"),
        help_text=_("This answer helps the expert. It does not change the stars."),
        choices=[
            ("5", _("5, very well")),
            ("4", _("4, well")),
            ("3", _("3, neither well nor badly")),
            ("2", _("2, badly")),
            ("1", _("1, very badly")),
        ],
        error_messages={"required": _("Choose an answer from 1 to 5")},
    )


class _Comment(forms.CharField):
    """Counts a line break as one character, as the family sees it."""

    def to_python(self, value: Any) -> str | None:
        """Take the line breaks that browsers send as two characters."""
        return super().to_python(str(value or "").replace("\r\n", "\n"))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the server tell of the length: the browser would cut a paste without a word."""
        return {}


class CommentQuestion(Form):
    """Words, if the family wants to add any."""

    comment = _Comment(
        label=_("What would you like other families to know? (optional)"),
        help_text=_("Please leave out names, dates, phone numbers and record numbers."),
        required=False,
        max_length=rules.COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"max_length": _("Your comment must have 1,000 characters or fewer")},
    )
