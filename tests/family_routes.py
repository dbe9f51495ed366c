"""Every address a family can open by a link; what needs steps before it is walked apart."""

from __future__ import annotations

from pathlib import Path

import yaml
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import translation

import hematon.portal
from hematon.portal.learn.pages import pages


def access_matrix() -> dict[str, str]:
    """Give who may open each address, by its name."""
    file = Path(hematon.portal.__file__).parent / "access_matrix.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def family_paths(language: str) -> list[str]:
    """Give the paths of every page that opens by its address alone; needs the database.

    What asks for steps before it answers with a redirect, and is walked in the journeys.
    """
    client = Client(headers={"accept-language": language})
    found = []
    with translation.override(language):
        for name, audience in access_matrix().items():
            if audience != "anyone":
                continue
            try:
                path = reverse(name)
            except NoReverseMatch:
                continue
            # Sign-in is for staff, and in English alone.
            if path.startswith(f"/{language}/"):
                answer = client.get(path)
                if answer.status_code == 200 and "text/html" in answer["Content-Type"]:
                    found.append(path)
        found += [reverse("page", kwargs={"slug": slug}) for of, slug in pages() if of == language]
    return found
