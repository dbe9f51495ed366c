"""A password must not be made of the hospital's own words: they are the first to be tried."""

from __future__ import annotations

import re
from typing import Final

from django.core.exceptions import ValidationError

from hematon.portal.accounts.models import User
from hematon.portal.ui.site import site

_LEFT: Final = 6
"""Letters that must remain once the known words, digits and signs are taken away."""


class OwnWords:
    """Refuses passwords that are little but words of this programme."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Check one password.

        Raises:
            ValidationError: too little is left without the programme's own words.
        """
        here = site()
        said = f"hematon {here.hospital.en} {here.hospital.es} {here.programme.en} {here.state}"
        rest = password.lower()
        for word in sorted(set(re.findall(r"\w{3,}", said.lower())), key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(re.sub(r"[\d\W_]", "", rest)) < _LEFT and rest != password.lower():
            raise ValidationError(self.get_help_text(), "own-words")

    def get_help_text(self) -> str:
        """Say the rule."""
        return "Your password must not be made of the hospital's or the programme's own words."
