"""Editing rules as text, with errors that name the place."""

from __future__ import annotations

from typing import Any

import yaml
from django import forms
from pydantic import ValidationError

from hematon.portal.programme.models import NOTE_MOST, Kind
from hematon.portal.programme.rules import read
from hematon.portal.programme.shapes import Rules
from hematon.portal.ui.forms import Form

LONGEST = 60_000
_SHOWN = 12


class EditForm(Form):
    """One edition as YAML, and why it is made."""

    text = forms.CharField(
        label="The rules",
        help_text="YAML. Each part keeps its source, or says proposal.",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "hm-code"}),
        error_messages={"required": "Write the rules"},
    )
    note = forms.CharField(
        label="What changes, and why",
        max_length=NOTE_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what changes, and why"},
    )

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.value: Any = None

    def clean_text(self) -> str:
        """Take YAML that is of the shape; keep what it says in `value`."""
        text: str = self.cleaned_data["text"]
        try:
            # The safe loader, less dates and references: what is kept is JSON.
            self.value = yaml.load(text, Loader=_Texts)  # noqa: S506 - made from the safe one
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"Line {mark.line + 1}: " if mark else ""
            problem = getattr(error, "problem", None) or "not YAML"
            raise forms.ValidationError(f"{where}{problem}") from error
        except (RecursionError, ValueError) as error:
            raise forms.ValidationError("This cannot be read as YAML.") from error
        try:
            read(self.kind, self.value)
        except ValidationError as error:
            raise forms.ValidationError(_told(error)) from error
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return text


def _told(error: ValidationError) -> list[str]:
    """Give each mistake once, by its place."""
    said = []
    for one in error.errors(include_url=False, include_input=False):
        # Names of classes stand among the places of a choice between shapes.
        parts = [str(p) for p in one["loc"] if not (isinstance(p, str) and p[:1].isupper())]
        place = ".".join(parts)
        said.append(f"{place}: {one['msg']}" if place else one["msg"])
    return list(dict.fromkeys(said))[:_SHOWN]


class _Texts(yaml.SafeLoader):
    """Reads dates as texts, and no aliases: a few lines could stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            # The stubs leave PyYAML's parser untyped.
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "write it out: references (*name) are not read", mark
            )
        return super().compose_node(parent, index)


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def written(rules: Rules) -> str:
    """Write rules down as they are edited and exported."""
    value = rules.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
