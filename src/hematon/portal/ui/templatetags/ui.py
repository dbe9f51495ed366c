"""Tags for the patterns that pages repeat."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms, template
from django.utils import formats
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hematon.portal.ui.site import site

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
def day(moment: datetime) -> str:
    """Write the day of a moment by the programme's clock, not by the server's."""
    return formats.date_format(moment.astimezone(site().zone).date(), "DATE_FORMAT")


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


class _Remembered(template.Node):
    """Renders its content once per language."""

    def __init__(self, content: template.NodeList) -> None:
        self.content = content
        self.kept: dict[str, SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        language = get_language() or ""
        if language not in self.kept:
            self.kept[language] = self.content.render(context)
        return self.kept[language]


@register.tag
def remember(parser: template.base.Parser, token: template.base.Token) -> _Remembered:
    """Render what stands between remember and endremember once per language and process.

    For parts that are the same for every page and every person: navigation, phone numbers.
    """
    content = parser.parse(("endremember",))
    parser.delete_first_token()
    return _Remembered(content)
