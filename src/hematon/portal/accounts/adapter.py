"""allauth's switches that are code: nobody signs up, an administrator makes accounts."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class StaffAdapter(DefaultAccountAdapter):
    """Staff accounts are made for people, never by them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no."""
        return False
