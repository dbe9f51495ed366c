"""The short way for plain results: most Observations of blood counts look alike.

A screen reads millions of them, and nearly all are a LOINC-coded number with a unit, a date and
perhaps one reference range. This way takes such a result when the same codings and units have been
read before and it needs no remark. It only ever takes; whatever is odd, and the first of each
kind, goes the long way of `fhir_observations`, which explains. Both give the same `Measurement`.
"""

from __future__ import annotations

from hematon import units
from hematon.engine.case import Measurement
from hematon.interchange.fhir_codes import RESULT_STATUS, Json
from hematon.interchange.fhir_record import Record, Shortcut
from hematon.interchange.fhir_values import are_one_unit, basis_of
from hematon.interchange.intake import COMPARATORS
from hematon.knowledge import Knowledge

MOST_SHORTCUTS = 4_096
_RARE = frozenset(("component", "dataAbsentReason", "focus"))
"""Fields that only the long way understands."""
_NUMBERS = frozenset((int, float))
"""As types, because a bool is an int."""
_LAST: list[tuple[Knowledge, dict[object, Shortcut]]] = []


def take_plain(record: Record, resource: Json, where: str) -> bool:
    """Take a result that needs no remark; False, and nothing done, for any other."""
    try:
        quantity = resource["valueQuantity"]
        analyte, low, high, unit = record.shortcuts[_key(resource["code"]["coding"], quantity)]
        value, comparator = quantity["value"], quantity.get("comparator", "")
        if (
            type(value) not in _NUMBERS
            or comparator not in COMPARATORS
            or resource["status"] not in RESULT_STATUS
            or not _RARE.isdisjoint(resource)
        ):
            return False
        limits = _limits(resource, quantity) if "referenceRange" in resource else (None, None)
        if limits is None:
            return False
        lab_low, lab_high = limits
        if unit is not None:
            known = record.knowledge.analytes[analyte]
            to, others = known.unit or "", known.other_units
            value = units.convert(value, unit, to, others)
            lab_low = None if lab_low is None else units.convert(lab_low, unit, to, others)
            lab_high = None if lab_high is None else units.convert(lab_high, unit, to, others)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False  # not plain, whatever it is: the long way finds out and says so
    if not low <= value <= high:
        return False
    dated = resource.get("effectiveDateTime")
    age = record.ages.get(dated) if type(dated) is str else None
    if age is None:
        age, _ = record.span(resource, "effective", where, "issued")
    basis = basis_of(resource) if "method" in resource else ""
    record.intake.measurements.append(
        Measurement(
            analyte,
            float(value),
            age,
            comparator,
            lab_low,
            lab_high,
            basis,
            f"{where}/valueQuantity",
        )
    )
    return True


def _key(codings: list[Json], quantity: Json) -> object:
    """Give all that decides, but for the numbers, as what a result is read."""
    if len(codings) == 1:
        coded: object = (codings[0]["system"], codings[0]["code"])
    else:
        coded = tuple([(coding.get("system"), coding.get("code")) for coding in codings])
    return coded, quantity.get("system"), quantity.get("code"), quantity.get("unit")


def _limits(resource: Json, quantity: Json) -> tuple[float | None, float | None] | None:
    """Give the laboratory's limits when there is one range in the unit of the value."""
    listed: list[Json] = resource["referenceRange"] or [{}]
    (only,) = listed
    code, unit = quantity.get("code"), quantity.get("unit")
    found: list[float | None] = []
    for end in (only.get("low"), only.get("high")):
        number = None
        if end is not None:
            number = end["value"]
            if (
                type(number) not in _NUMBERS
                or end.get("code", code) != code
                or end.get("unit", unit) not in (unit, code)
            ):
                return None
            number = float(number)
        found.append(number)
    low, high = found
    if "type" in only or (low is not None and high is not None and low > high):
        return None
    return low, high


def learn(record: Record, holder: Json, analyte_id: str, unit: str) -> None:
    """Remember as what a coded quantity was read, for the next with the same codings and unit.

    Args:
        record: has the shortcuts.
        holder: the Observation; its first known coding is a LOINC code of the analyte.
        analyte_id: what it was read as.
        unit: the unit that was used.
    """
    quantity, analyte = holder["valueQuantity"], record.knowledge.analytes[analyte_id]
    spellings = [quantity.get("code"), quantity.get("unit")]
    if analyte.positive_finding is not None or not all(
        spelling is None or (isinstance(spelling, str) and are_one_unit(unit, spelling))
        for spelling in spellings
    ):
        return  # such a result is read, or remarked on, anew each time
    same = units.conversion_factor(unit, analyte.unit or "", analyte.other_units) == 1.0
    shortcut = (
        analyte_id,
        analyte.plausible_low,
        analyte.plausible_high,
        None if same else unit,
    )
    try:
        if len(record.shortcuts) < MOST_SHORTCUTS:
            record.shortcuts[_key(holder["code"]["coding"], quantity)] = shortcut
    except (KeyError, TypeError, AttributeError):
        return  # a coding without a system, or of another type


def shortcuts_for(knowledge: Knowledge) -> dict[object, Shortcut]:
    """Give what has been learned with this knowledge; another knowledge starts anew."""
    if not _LAST or _LAST[0][0] is not knowledge:
        _LAST[:] = [(knowledge, {})]
    return _LAST[0][1]
