"""One row for each thing a person did or looked at; holds who and what, never a value."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Event(models.Model):
    """Something that happened. Rows are only ever added.

    `action` is a verb of the code, such as `roster.applied`; `subject` names the thing by kind
    and id; `detail` holds counts and codes, never a name, a number or a text someone typed.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=80, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        """Latest first."""

        ordering = ("-id",)

    def __str__(self) -> str:
        """Name the action."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"
