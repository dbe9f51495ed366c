"""The box in which a family writes to the team."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from hematon.portal.care.models.talk import MESSAGE_MOST
from hematon.portal.ui.forms import Form


class MessageForm(Form):
    """One message; its key was made by the server with the page."""

    text = forms.CharField(
        label=_("Write to the team"),
        help_text=_("Nobody reads this at once. It is not for emergencies."),
        max_length=MESSAGE_MOST,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": _("Write your message."),
            "max_length": _(
                "Your text has %(show_value)s characters. Use at most %(limit_value)s."
            ),
        },
    )
    key = forms.RegexField(r"\A[A-Za-z0-9_-]{16,64}\Z", widget=forms.HiddenInput)
