"""Every address a family can open by a link; what needs steps before it is walked apart."""

from __future__ import annotations

from pathlib import Path

import yaml
from django.urls import NoReverseMatch, reverse
from django.utils import translation

import hematon.portal
from hematon.portal.learn.pages import pages

NOT_PAGES = {"root", "healthz", "robots", "security_txt", "csp_report", "set_language"}
"""Answers that are no page: redirects, probes, plain texts."""


def access_matrix() -> dict[str, str]:
    """Give who may open each address, by its name."""
    file = Path(hematon.portal.__file__).parent / "access_matrix.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def family_paths(language: str) -> list[str]:
    """Give the paths of every family page without arguments, and of every page of prose."""
    found = []
    with translation.override(language):
        for name, audience in access_matrix().items():
            if audience != "anyone" or name in NOT_PAGES:
                continue
            try:
                found.append(reverse(name))
            except NoReverseMatch:
                continue
        found += [reverse("page", kwargs={"slug": slug}) for of, slug in pages() if of == language]
    return found
