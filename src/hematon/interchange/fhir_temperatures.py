"""Read body temperatures into the findings fever and hypothermia.

A temperature is no analyte of the knowledge; what counts is whether the child is febrile at the
end of the record. So temperatures are gathered while it is read and judged when it is complete.
"""

from __future__ import annotations

from hematon.interchange.fhir_codes import Json
from hematon.interchange.fhir_record import Record, Temperature
from hematon.interchange.fhir_values import amount

FEVER_ONCE_C, FEVER_TWICE_C, HYPOTHERMIA_C = 38.3, 38.0, 36.0
"""Fever is one reading of 38.3 or two of 38.0, as in guidelines on fever with neutropenia."""
LIVING_C = (25.0, 45.0)
CURRENT_DAYS = 2
"""A temperature older than the end of the record by more says nothing about today [expert]."""
_CELSIUS = frozenset(("cel", "[cel]", "c", "°c", "degc", "deg c", "deg_c", "celsius"))
_FAHRENHEIT = frozenset(("[degf]", "f", "°f", "degf", "deg f", "deg_f", "fahrenheit"))


def take_temperature(
    record: Record, holder: Json, name: str, where: str, age_days: int | None
) -> None:
    """Take the value of an Observation or component as a body temperature.

    Args:
        record: takes it.
        holder: the Observation or component.
        name: which `value[x]` it has.
        where: place of the holder.
        age_days: age at the reading.
    """
    at = f"{where}/{name}"
    quantity = holder[name]
    if name == "valueQuantity" and isinstance(quantity, dict) and quantity.get("value") is not None:
        # Not by way of `units`: a printed C is a coulomb to UCUM.
        number = record.number(quantity, "value", at)
        printed = [quantity.get("code"), quantity.get("unit")]
    else:
        found = amount(record, holder, name, where, None)
        number = None if found is None else found.value
        printed = [None if found is None else found.unit]
    if number is None:
        return
    said = [unit.strip().lower() for unit in printed if isinstance(unit, str)]
    if not _FAHRENHEIT.isdisjoint(said):
        number = (number - 32) / 1.8
    elif _CELSIUS.isdisjoint(said):
        record.intake.error(
            "unit-unknown" if any(said) else "unit-missing",
            at,
            "the unit of a body temperature is missing or not known",
            "send Cel or [degF]",
        )
        return
    if not LIVING_C[0] <= number <= LIVING_C[1]:
        record.intake.error(
            "value-implausible", at, "nobody has this body temperature", "check number and unit"
        )
        return
    # Decimals of a conversion would put 100.4 [degF] a hair below 38.0 Cel.
    record.temperatures.append(Temperature(round(number, 2), age_days, where))


def judge_temperatures(record: Record) -> None:
    """Turn the latest temperatures of a record into fever or hypothermia, or neither."""
    taken = record.temperatures
    known = [m.age_days for m in record.intake.measurements if m.age_days is not None]
    known += [t.age_days for t in taken if t.age_days is not None]
    end = max(known, default=0)
    current = [t for t in taken if t.age_days is None or t.age_days >= end - CURRENT_DAYS]
    if len(current) < len(taken):
        record.tally(
            "resource-not-used", "", "temperatures from before the end of the record are not used"
        )
    warm = [t for t in current if t.celsius >= FEVER_TWICE_C]
    hot = [t for t in warm if t.celsius >= FEVER_ONCE_C]
    for code, reason in (
        ("HP:0001945", hot or (warm if len(warm) > 1 else [])),
        ("SGN_HYPOTHERMIA", [t for t in current if t.celsius < HYPOTHERMIA_C]),
    ):
        if reason:
            record.intake.finding(code, True, reason[-1].where, age_days=reason[-1].age_days)
