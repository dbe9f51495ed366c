"""Every address of the portal, found in the URLconf, with something to put into its gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation

import hematon.portal

SAMPLES: dict[str, Any] = {
    "int": 1,
    "uuid": "00000000-0000-4000-8000-000000000000",
    "slug": "about-this-site",
    "string": "sample",
    "path": "sample",
}
"""By converter. What is not there answers 404, which tells as much about who may open it."""

BY_NAME: dict[str, dict[str, Any]] = {
    "account_reset_password_from_key": {"uidb36": "1", "key": "sample"},
}
"""For addresses made of regular expressions, which do not say what fits."""


@dataclass(frozen=True)
class Route:
    """One named address; one per language where it has several."""

    name: str
    addresses: tuple[str, ...]
    view: Any


@lru_cache(maxsize=1)
def routes() -> tuple[Route, ...]:
    """Give every route of the portal in the order of the URLconf."""
    found = []
    for pattern in _patterns(get_resolver().url_patterns):
        assert pattern.name, f"{pattern} has no name, so nothing says who may open it"
        kwargs = BY_NAME.get(pattern.name) or {
            name: SAMPLES[type(converter).__name__.removesuffix("Converter").lower()]
            for name, converter in pattern.pattern.converters.items()
        }
        addresses = {}
        for code, _ in settings.LANGUAGES:
            with translation.override(code):
                addresses[reverse(pattern.name, kwargs=kwargs)] = None
        found.append(Route(pattern.name, tuple(addresses), pattern.callback))
    return tuple(found)


def names(*, without: tuple[str, ...] = ()) -> list[str]:
    """Give the name of every route, for parametrized tests.

    Args:
        without: groups of the access matrix to leave out.
    """
    who = matrix()
    return [route.name for route in routes() if who.get(route.name) not in without]


@lru_cache(maxsize=1)
def matrix() -> dict[str, str]:
    """Give who may open each route, by its name."""
    file = Path(hematon.portal.__file__).parent / "access_matrix.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def route_of(name: str) -> Route:
    """Give a route by its name."""
    return next(route for route in routes() if route.name == name)


def _patterns(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            # Arguments of the outer part belong to the whole address.
            for inner in _patterns(pattern.url_patterns):
                outer = pattern.pattern.converters
                inner.pattern.converters = {**outer, **inner.pattern.converters}
                yield inner
        else:
            yield pattern
