"""The published JSON Schema describes what `Assessment.to_json` writes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, ValidationError

from hematon.engine import assess
from hematon.engine.case import Case
from hematon.interchange.detect import read_any
from strategies import KNOWLEDGE, cases

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/reference/assessment.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """The assessment of the bundled child, as its JSON reads."""
    raw = (ROOT / "examples/demo_child.json").read_bytes()
    (reading,) = read_any(raw, KNOWLEDGE, today=date(2024, 1, 1))
    assert reading.value is not None
    plain: dict[str, Any] = json.loads(
        assess(reading.value, KNOWLEDGE, issues=reading.issues).to_json()
    )
    return plain


def test_schema_is_valid() -> None:
    """It is a JSON Schema of draft 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


def test_demo_assessment_fits(demo: dict[str, Any]) -> None:
    """A full assessment of a real record fits, and its long lists are not empty."""
    VALIDATOR.validate(demo)
    for name in ("inputs", "findings", "differential", "next_tests", "always_show", "missing"):
        assert demo[name], name


def test_empty_record_fits() -> None:
    """A record that says nothing gives an assessment that fits as well."""
    VALIDATOR.validate(json.loads(assess(Case("nobody"), KNOWLEDGE).to_json()))


@given(cases())
def test_any_assessment_fits(case: Case) -> None:
    """Whatever the record says, its assessment fits the schema."""
    VALIDATOR.validate(json.loads(assess(case, KNOWLEDGE).to_json()))


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of a schema that lists its properties."""
    if isinstance(part, dict):
        if "properties" in part:
            yield part
        for value in part.values():
            yield from objects(value)


def test_every_field_is_required_and_no_other_allowed() -> None:
    """A consumer can rely on each field: none is optional, none comes unannounced."""
    for part in objects(SCHEMA):
        assert sorted(part["required"]) == sorted(part["properties"])
        assert part["additionalProperties"] is False


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a.pop("urgency"),
        lambda a: a["urgency"].update(level="U48"),
        lambda a: a["differential"][0].update(posterior="0.9"),
        lambda a: a["lineages"]["red"].update(score=1),
        lambda a: a["versions"].update(schema="0"),
    ],
    ids=["missing field", "unknown level", "text for a number", "extra field", "other version"],
)
def test_schema_refuses_what_is_not_an_assessment(demo: dict[str, Any], spoil: Any) -> None:
    """The schema bites: each of these is not an assessment."""
    wrong = copy.deepcopy(demo)
    spoil(wrong)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(wrong)
