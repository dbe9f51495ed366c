"""Where the ranking has never been tested, from the tallies of the last evaluation.

`tested.json` beside this module is written by `hematon evaluate --tested` and holds only counts.
What is said of a condition or an age comes from it and from nothing else, so it cannot be kinder
than what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

from hematon.engine.assessment import Assessment, Doubt, Tested
from hematon.report import selection

FILE: Final = Path(__file__).parent / "tested.json"
DUFFY_NULL: Final = "HX_DUFFY_NULL"

Json = Mapping[str, Any]


def with_doubt(assessment: Assessment, file: Path = FILE) -> Assessment:
    """Add what the last evaluation says about where this assessment stands.

    Args:
        assessment: as the engine gave it.
        file: the tallies.

    Returns:
        The assessment with its `doubt`; without when there are no tallies.
    """
    tallies = _tallies(file)
    if tallies is None:
        return assessment
    return replace(assessment, doubt=_doubt(assessment, tallies))


@lru_cache(maxsize=2)
def _tallies(file: Path) -> Json | None:
    try:
        tallies: Json = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    return tallies


def _doubt(assessment: Assessment, tallies: Json) -> Doubt:
    named = [c.condition for c in selection.leading(assessment)]
    named += [s.condition for s in assessment.always_show]
    return Doubt(
        knowledge=tallies["knowledge"],
        same_knowledge=tallies["fingerprint"] == assessment.versions.fingerprint,
        conditions=tuple(_tested(c, tallies["conditions"].get(c)) for c in dict.fromkeys(named)),
        age=_age(assessment.age_days, tallies),
        cases=tallies["cases"],
        ancestry_stated=tallies["ancestry_stated"],
        duffy_null=tallies["duffy_null"] if _is_duffy_null(assessment) else None,
    )


def _tested(name: str, tally: Json | None) -> Tested:
    counts = tally or {"cases": 0, "publications": 0, "first": 0, "in_three": 0}
    return Tested(name, **counts)


def _age(age_days: int | None, tallies: Json) -> Tested | None:
    if age_days is None:
        return None
    for band in tallies["ages"]:
        below = band["below_days"]
        if band["from_days"] <= age_days and (below is None or age_days < below):
            return _tested(band["name"], band["tally"])
    return None


def _is_duffy_null(assessment: Assessment) -> bool:
    return any(f.observed and DUFFY_NULL in f.used_as for f in assessment.findings)


# --- how it is said ----------------------------------------------------------------------------


def of_condition(assessment: Assessment, condition: str) -> str:
    """Say on whom a condition's ranking was tested; empty when nothing is known about that."""
    if assessment.doubt is None:
        return ""
    for tested in assessment.doubt.conditions:
        if tested.name == condition:
            if not tested.cases:
                return "Never tested on a published patient"
            return f"Tested on {_counts(tested)}"
    return ""


def in_brief(assessment: Assessment, condition: str) -> str:
    """Say the same in a few words; empty when nothing is known about that."""
    if assessment.doubt is None:
        return ""
    for tested in assessment.doubt.conditions:
        if tested.name == condition:
            if not tested.cases:
                return "never tested"
            return f"tested on {_patients(tested.cases)}, right in {tested.first}"
    return ""


def lines(assessment: Assessment) -> tuple[str, ...]:
    """Say how far the ranking has been tested for this child's age and ancestry."""
    doubt = assessment.doubt
    if doubt is None:
        return ()
    out = []
    if doubt.age is None:
        out.append("The age is not stated, so no age band of the tested patients applies.")
    elif doubt.age.cases:
        out.append(f"At the age of this child ({doubt.age.name}) tested on {_counts(doubt.age)}.")
    else:
        out.append(f"Never tested at the age of this child ({doubt.age.name}).")
    out.append(
        f"By ancestry never tested: it is stated for {doubt.ancestry_stated} of the {doubt.cases} "
        "published patients, and not used."
    )
    if doubt.duffy_null is not None:
        out.append(
            f"Tested on {_patients(doubt.duffy_null)} with the Duffy-null count stated."
            if doubt.duffy_null
            else "Never tested on a published patient with the Duffy-null count stated."
        )
    if not doubt.same_knowledge:
        # Imported here: an assessment written as JSON needs no way of saying numbers.
        from hematon.report.quantities import prose

        out.append(
            f"These tests were of knowledge {prose(doubt.knowledge)} as it then was; the knowledge "
            "used here differs from it."
        )
    return tuple(out)


def _counts(tested: Tested) -> str:
    publications = (
        "1 publication" if tested.publications == 1 else (f"{tested.publications} publications")
    )
    return (
        f"{_patients(tested.cases)} ({publications}): right answer first in {tested.first}, in the "
        f"first three in {tested.in_three}"
    )


def _patients(count: int) -> str:
    return "1 published patient" if count == 1 else f"{count} published patients"
