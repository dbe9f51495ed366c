"""HTML and SVG built so that text cannot become markup.

`element` escapes every plain string it is given; only a `Markup` passes as it is, and only this
module makes one from text. A hostile label in a record therefore comes out as the text it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias

from hematon.report.quantities import clean

_VOID: Final = frozenset(("meta", "br", "link", "path", "line", "circle", "rect", "polygon"))


class Markup(str):
    """Text that is already HTML or SVG."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
Value: TypeAlias = str | int | float | bool | None


def text(value: str) -> Markup:
    """Give a string as markup: cleaned and escaped, unless it is markup already."""
    if isinstance(value, Markup):
        return value
    return Markup(escape(clean(value), quote=True))


def element(tag: str, /, *children: Child, **attributes: Value) -> Markup:
    """Build an element.

    Args:
        tag: its name.
        *children: strings, which are escaped, markup, or iterables of both; None is left out.
        **attributes: `class_` stands for `class`, `_` for `-`; True writes the bare name, None
            and False leave the attribute out.

    Returns:
        The element as markup.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Put children one after the other."""
    return Markup("".join(_flat(children)))


def _flat(children: Iterable[Child]) -> Iterable[Markup]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            yield text(child)
        else:
            yield from _flat(child)


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    # A float keeps one decimal: below what a screen shows, and the same on every platform.
    shown = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
    return f' {name}="{text(shown)}"'


def style_sheet(css: str) -> Markup:
    """Wrap our own style sheet; the only text that is not escaped."""
    return Markup(f"<style>\n{css}</style>")
