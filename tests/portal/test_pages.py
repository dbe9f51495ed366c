"""Pages that explain: they open in both languages, and every gate holds."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from hematon.portal.learn.gates import problems
from hematon.portal.learn.pages import pages


@pytest.mark.django_db
def test_every_page_opens_in_its_language(client: Client) -> None:
    """The address holds the language, the page says it."""
    for language, slug in pages():
        answer = client.get(f"/{language}/conditions/{slug}/")
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.content.decode()


def test_every_gate_holds() -> None:
    """Reading grade, sentences, citations, terms, languages and review dates."""
    assert [str(p) for p in problems(date(2026, 11, 23))] == []
