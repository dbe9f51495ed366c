"""T-41: every column says what it is for; what names a family or tells of a child is sealed."""

from __future__ import annotations

import re

import pytest

from hematon.portal.operations import purposes


def test_every_column_says_what_it_is_for() -> None:
    """A new column fails here until `operations/purposes.yaml` has its line."""
    assert purposes.problems() == []


def test_a_column_that_is_left_out_or_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test above would prove nothing."""
    said = dict(purposes.purposes())
    del said["clinic.upload.kept_at"]
    said["clinic.feedback.condition"] = purposes.Purpose(data="clinical", purpose="For this test.")
    said["clinic.upload.content"] = purposes.Purpose(
        data="clinical", purpose="For this test.", open_because="For this test."
    )
    monkeypatch.setattr(purposes, "purposes", lambda: said)
    assert purposes.problems() == [
        "clinic.upload.kept_at: no line says what it is for",
        "clinic.feedback.condition: clinical and not sealed; seal it or say why not",
        "clinic.upload.content: says why it is open, and is not",
    ]


def test_no_column_for_what_must_not_be_asked() -> None:
    """T-41: no Social Security number, no payment card, no passport."""
    unwanted = re.compile(r"ssn|social_security|card_number|\bcvv\b|passport|iban")
    assert [name for name, _ in purposes.columns() if unwanted.search(name)] == []
