"""The box in which a referring clinician writes to the team."""

from __future__ import annotations

from django import forms

from hematon.portal.care.message_form import MessageForm as FamilyMessageForm
from hematon.portal.care.models.talk import MESSAGE_MOST


class MessageForm(FamilyMessageForm):
    """One message; its key was made by the server with the page."""

    text = forms.CharField(
        label="Write to the team",
        help_text="Nobody reads this at once. For anything that cannot wait, call.",
        max_length=MESSAGE_MOST,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": "Write your message.",
            "max_length": "Your text has %(show_value)s characters. Use at most %(limit_value)s.",
        },
    )
