"""Form fields in the design system's patterns: one template line per field, errors beside it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Renders fields, widgets and error lists with the portal's own templates and their tags."""

    form_template_name = "ui/forms/form.html"
    field_template_name = "ui/forms/field.html"


class Form(forms.Form):
    """A form whose errors are told by the server alone, with no `required` in the page."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            described = []
            if field.help_text:
                described.append(f"id_{name}-hint")
            if self.is_bound and name in self.errors:
                described.append(f"id_{name}-error")
            if described:
                field.widget.attrs["aria-describedby"] = " ".join(described)
            css = _CLASSES.get(getattr(field.widget, "input_type", "")) or (
                "nhsuk-textarea" if isinstance(field.widget, forms.Textarea) else ""
            )
            if isinstance(field.widget, forms.Select) and not isinstance(
                field.widget, forms.RadioSelect
            ):
                css = "nhsuk-select"
            if css:
                if self.is_bound and name in self.errors:
                    css += f" {css}--error"
                field.widget.attrs["class"] = f"{css} {field.widget.attrs.get('class', '')}".strip()


_CLASSES = {
    "text": "nhsuk-input",
    "email": "nhsuk-input",
    "tel": "nhsuk-input",
    "number": "nhsuk-input",
    "search": "nhsuk-input",
    "url": "nhsuk-input",
    "date": "nhsuk-input",
    "file": "nhsuk-file-upload",
}


class Choice(forms.ChoiceField):
    """One of a few answers, as radios; an answer left out is an error in words."""

    widget = forms.RadioSelect


class Choices(forms.MultipleChoiceField):
    """Any of a few answers, as checkboxes."""

    widget = forms.CheckboxSelectMultiple
