"""Tags for the patterns that pages repeat."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.utils.translation import gettext as _

register = template.Library()


@register.inclusion_tag("ui/error_summary.html")
def error_summary(form: forms.BaseForm) -> dict[str, Any]:
    """List every error of a form, each a link to its field."""
    found = []
    for name, errors in form.errors.items():
        target = ""
        if name in form.fields:
            bound = form[name]
            first = bound.use_fieldset and not isinstance(bound.field.widget, forms.MultiWidget)
            target = f"{bound.auto_id}_0" if first else bound.id_for_label or bound.auto_id
        found += [(target, error) for error in errors]
    return {"found": found}


@register.simple_tag
def title_prefix(form: forms.BaseForm | None) -> str:
    """Begin the page's title with Error: where the form has errors."""
    return _("Error:") + " " if form is not None and form.is_bound and form.errors else ""


@register.filter
def tel(number: str) -> str:
    """Give what a phone dials: digits and a leading plus."""
    return "".join(c for c in str(number) if c.isdigit() or c == "+")


@register.filter
def with_class(field: forms.BoundField, name: str) -> str:
    """Give a field of a library's form in the design system, described by its error."""
    css = f"{name} {name}--error" if field.errors else name
    attributes: dict[str, str | bool] = {"class": css, "required": False}
    # An empty placeholder takes the place of the library's, which says the label once more.
    attributes["placeholder"] = ""
    described = [f"{field.auto_id}-hint"] if field.help_text else []
    if field.errors:
        described.append(f"{field.auto_id}-error")
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attributes)
