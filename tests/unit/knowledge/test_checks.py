"""Each rule of the knowledge has a file that breaks it, and it alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hematon.knowledge.checks import CHECK_CODES, CHECKS, run_checks
from hematon.knowledge.checks_limits import is_loinc
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.places import file_records

BROKEN = Path(__file__).parent / "broken"
DOCUMENT = Path(__file__).parents[3] / "docs" / "knowledge.md"


def broken_cases() -> list[Any]:
    """Give every case of every breaking file as (code, case)."""
    return [
        pytest.param(path.stem, case, id=f"{path.stem}-{number}")
        for path in sorted(BROKEN.glob("*.yaml"))
        for number, case in enumerate(yaml.safe_load(path.read_text("utf-8"))["cases"])
    ]


def test_shipped_knowledge_breaks_no_rule(files: KnowledgeFiles) -> None:
    """What is released satisfies every rule."""
    assert run_checks(files) == ()


@pytest.mark.parametrize(("code", "case"), broken_cases())
def test_mistake_breaks_exactly_its_rule(code: str, case: dict[str, Any], patched: Any) -> None:
    """A mistake is reported by its own rule, in the file that holds it, and by no other rule."""
    issues = run_checks(patched(case["edits"]))
    assert {issue.code for issue in issues} == {code}, case["because"]
    wanted = case.get("where", f"{case['edits'][0]['file']}#")
    assert any(issue.where.startswith(wanted) for issue in issues), [i.where for i in issues]
    assert all(issue.level == "error" and issue.message and issue.fix for issue in issues)


@pytest.mark.parametrize("code", list(CHECK_CODES))
def test_each_rule_has_a_file_that_breaks_it(code: str) -> None:
    """No rule stands that was never seen to fail."""
    assert (BROKEN / f"{code}.yaml").exists()


def test_no_breaking_file_is_left_over() -> None:
    """Each breaking file is named for a rule that still exists."""
    assert {path.stem for path in BROKEN.glob("*.yaml")} == set(CHECK_CODES)


def test_each_code_has_one_function() -> None:
    """Codes and functions go by the same names, in the same order."""
    names = [check.__name__.removeprefix("check_").replace("_", "-") for check in CHECKS]
    assert names == list(CHECK_CODES)


def test_places_point_at_what_is_wrong(patched: Any) -> None:
    """`where` is the file and the JSON pointer of the very value."""
    edits = [
        {
            "file": "conditions/fanconi_anemia.yaml",
            "at": ["evidence", 0, "source", 0],
            "value": "NOBODY1999",
        }
    ]
    (issue,) = run_checks(patched(edits))
    assert issue.where == "conditions/fanconi_anemia.yaml#/evidence/0/source/0"


def test_places_use_the_keys_of_the_file(patched: Any) -> None:
    """A pointer through `not` names the key as it is written, not as Python must call it."""
    edits = [
        {
            "file": "hazards.yaml",
            "at": ["hazards", {"id": "full_intensity_conditioning"}, "unless"],
            "value": {"not": {"finding": "TST_NOTHING"}},
        }
    ]
    (issue,) = run_checks(patched(edits))
    assert issue.where == "hazards.yaml#/hazards/0/unless/not/finding"


def test_every_file_has_a_place(files: KnowledgeFiles) -> None:
    """No two files of the knowledge go by one name."""
    places = [path for path, _ in file_records(files)]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("code", ["718-7", "777-3", "58410-2", "30313-1"])
def test_real_loinc_codes_are_accepted(code: str) -> None:
    """Codes of the published table have a valid check digit."""
    assert is_loinc(code)


@pytest.mark.parametrize("code", ["718-8", "7187", "718-", "-7", "LP1-2", "718-77", ""])
def test_what_is_no_loinc_code_is_refused(code: str) -> None:
    """A wrong digit, another form or nothing at all is not a LOINC code."""
    assert not is_loinc(code)


def test_document_lists_every_rule() -> None:
    """The table in docs/knowledge.md says what `CHECK_CODES` says."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert {code: text for code, text in rows if code in CHECK_CODES} == CHECK_CODES
