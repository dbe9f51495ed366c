"""Form fields in the design system's patterns: one template line per field, errors beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Renders fields, widgets and error lists with the portal's own templates and their tags."""

    form_template_name = "ui/forms/form.html"
    field_template_name = "ui/forms/field.html"


_CLASSES = {
    "text": "nhsuk-input",
    "email": "nhsuk-input",
    "tel": "nhsuk-input",
    "number": "nhsuk-input",
    "search": "nhsuk-input",
    "url": "nhsuk-input",
    "date": "nhsuk-input",
    "file": "nhsuk-file-upload",
    "select": "nhsuk-select",
    "textarea": "nhsuk-textarea",
}


class Field(forms.BoundField):
    """A field of a form, in the design system's classes, described by its hint and its error."""

    @property
    def aria_describedby(self) -> str:
        """Give the ids of the hint and of the error, as the templates write them."""
        told = {"hint": self.help_text, "error": self.errors}
        return " ".join(f"{self.auto_id}-{name}" for name, text in told.items() if text)

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Add the class of the kind of box, and whether it is in error."""
        widget = widget or self.field.widget
        made: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        css = _CLASSES.get(getattr(widget, "input_type", "textarea"))
        if css:
            error = f"{css}--error" if self.errors else ""
            given = made.get("class", widget.attrs.get("class", ""))
            made["class"] = " ".join(f"{css} {error} {given}".split())
        return made


class Form(forms.Form):
    """A form whose errors are told by the server alone, with no `required` in the page."""

    use_required_attribute = False
    bound_field_class = Field

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def offer(self, name: str, choices: Iterable[tuple[str, Any]]) -> None:
        """Say what a field of choices offers on this page."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)


class Choice(forms.ChoiceField):
    """One of a few answers, as radios; an answer left out is an error in words."""

    widget = forms.RadioSelect


class Choices(forms.MultipleChoiceField):
    """Any of a few answers, as checkboxes."""

    widget = forms.CheckboxSelectMultiple
