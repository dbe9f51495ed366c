"""The mark of a page that anyone may open. Every other page needs sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required

_View = TypeVar("_View", bound=Callable[..., Any])

open_page = login_not_required


def limits_its_body(view: _View) -> _View:
    """Mark a view that refuses a large body itself, in words of its own, before reading it."""
    view.limits_its_body = True  # type: ignore[attr-defined]
    return view
