"""Forms of findings: what was seen, with a search, and what was looked for and not there."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from hematon.portal.referrals.findings import ABSENT, Group, groups, is_finding, named, search
from hematon.portal.ui.forms import Choices, Form

MOST: Final = 60


class FindingsForm(Form):
    """What was seen. Without script: a search is a press of a button, and loses no tick.

    Attributes:
        found: what the search gave.
        searched: whether it was the search that was pressed.
    """

    title = "What did you find?"
    has_heading = True
    template_name = "referrals/findings_fields.html"
    find = forms.CharField(
        label="Find another finding by name",
        required=False,
        max_length=80,
        help_text="Part of a name of the Human Phenotype Ontology, such as: absent radius. "
        "Or an HPO id.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": "Search for at most 80 letters."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = self.data if self.is_bound else self.initial or {}
        # What a browser sent, or an answer that was kept.
        read = getattr(source, "getlist", source.get)
        given = read("present") or []
        known = {code for group in groups() for code, _name in group.findings}
        self.chosen = [code for code in dict.fromkeys(given) if is_finding(code)]
        self.others = named(code for code in self.chosen if code not in known)
        self.searched = "search" in self.data
        self.found: list[tuple[str, str]] = []

    @property
    def groups(self) -> list[tuple[Group, int]]:
        """Give each group with how many of it are chosen."""
        held = set(self.chosen)
        return [(group, sum(c in held for c, _n in group.findings)) for group in groups()]

    def is_valid(self) -> bool:
        """Say no to a search: the page is shown again with what was found."""
        return super().is_valid() and not self.searched

    def clean(self) -> dict[str, Any]:
        """Take codes that exist; run the search where it was pressed."""
        given = dict(super().clean() or {})
        if len(self.chosen) > MOST:
            self.add_error("find", f"Choose at most {MOST} findings.")
        if self.searched and "find" not in self.errors:
            self.found = [f for f in search(given.get("find", "")) if f[0] not in self.chosen]
            if not given.get("find"):
                self.add_error("find", "Write what to look for, then search.")
        return {"present": self.chosen}


class AbsentForm(Form):
    """What was looked for and is not there."""

    title = "What did you look for and not find?"
    has_heading = True
    absent = Choices(
        label="Looked for, and not there (optional)",
        help_text="Leave what you did not look for.",
        required=False,
        choices=lambda: named(ABSENT),
    )

    def __init__(self, *args: Any, present: tuple[str, ...] = (), **kwargs: Any) -> None:
        """Make the form without what is `present`, which cannot be absent too."""
        super().__init__(*args, **kwargs)
        field = self.fields["absent"]
        assert isinstance(field, Choices)
        field.choices = [pair for pair in named(ABSENT) if pair[0] not in present]
