"""The short way for plain results: most Observations of blood counts look alike.

A screen reads millions of them, and nearly all are a LOINC-coded number with a UCUM unit, a date
and perhaps one reference range. This way takes such a result when its coding and its unit have
been read before and it needs no remark. It only ever takes; whatever is odd, and the first of each
kind, goes the long way of `fhir_observations`, which explains. Both give the same `Measurement`.
"""

from __future__ import annotations

from hematon import units
from hematon.engine.case import Measurement
from hematon.interchange.fhir_codes import RESULT_STATUS, Json, system_name
from hematon.interchange.fhir_record import Record, Shortcut
from hematon.interchange.fhir_values import units_agree
from hematon.knowledge import Knowledge

MOST_SHORTCUTS = 4_096
_RARE = frozenset(("component", "dataAbsentReason", "focus", "method"))
"""Fields that only the long way understands."""
_NUMBERS = frozenset((int, float))
"""As types, because a bool is an int."""
_LAST: list[tuple[Knowledge, dict[object, Shortcut]]] = []


def take_plain(record: Record, resource: Json, where: str) -> bool:
    """Take a result that needs no remark; False, and nothing done, for any other."""
    try:
        quantity = resource["valueQuantity"]
        coding = resource["code"]["coding"][0]
        coded, printed = quantity["code"], quantity.get("unit")
        analyte, low, high, unit = record.shortcuts[
            coding["system"], coding["code"], quantity["system"], coded, printed
        ]
        value = quantity["value"]
        dated = resource["effectiveDateTime"]
        if (
            type(value) not in _NUMBERS
            or type(dated) is not str
            or "comparator" in quantity
            or resource["status"] not in RESULT_STATUS
            or not _RARE.isdisjoint(resource)
        ):
            return False
        lab_low = lab_high = None
        if "referenceRange" in resource:
            (limits,) = resource["referenceRange"]
            for end in (limits["low"], limits["high"]):
                if end.get("code", coded) != coded or end.get("unit", printed) != printed:
                    return False
                if type(end["value"]) not in _NUMBERS:
                    return False
            lab_low, lab_high = limits["low"]["value"], limits["high"]["value"]
            if "type" in limits or lab_low > lab_high:
                return False
        if unit is not None:
            known = record.knowledge.analytes[analyte]
            wanted, others = known.unit or "", known.other_units
            value = units.convert(value, unit, wanted, others)
            if lab_low is not None and lab_high is not None:
                lab_low = units.convert(lab_low, unit, wanted, others)
                lab_high = units.convert(lab_high, unit, wanted, others)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return False  # not plain, whatever it is: the long way finds out and says so
    if not low <= value <= high:
        return False
    age = record.ages.get(dated)
    if age is None:
        age = record.age_on(dated, f"{where}/effectiveDateTime")
    record.intake.measurements.append(
        Measurement(
            analyte,
            float(value),
            age,
            "",
            None if lab_low is None else float(lab_low),
            None if lab_high is None else float(lab_high),
            "",
            f"{where}/valueQuantity",
        )
    )
    return True


def learn(record: Record, holder: Json, analyte_id: str, unit: str) -> None:
    """Remember how a plain quantity was read, for the next with the same coding and unit."""
    listed, quantity = holder["code"].get("coding"), holder.get("valueQuantity")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(quantity, dict) or not isinstance(first, dict):
        return
    system, code, printed = first.get("system"), first.get("code"), quantity.get("unit")
    known = record.knowledge.loinc.get(code) if isinstance(code, str) else None
    if known is None or known.analyte != analyte_id or system_name(system) != "LOINC":
        return
    if unit != quantity.get("code") or system_name(quantity.get("system")) != "UCUM":
        return
    if not (printed is None or (isinstance(printed, str) and units_agree(unit, printed))):
        return
    analyte = record.knowledge.analytes[analyte_id]
    same = units.conversion_factor(unit, analyte.unit or "", analyte.other_units) == 1.0
    if len(record.shortcuts) < MOST_SHORTCUTS:
        record.shortcuts[system, code, quantity.get("system"), unit, printed] = (
            analyte_id,
            analyte.plausible_low,
            analyte.plausible_high,
            None if same else unit,
        )


def shortcuts_for(knowledge: Knowledge) -> dict[object, Shortcut]:
    """Give what has been learned with this knowledge; another knowledge starts anew."""
    if not _LAST or _LAST[0][0] is not knowledge:
        _LAST[:] = [(knowledge, {})]
    return _LAST[0][1]
