"""FHIR documents for tests: short ways to say what a hospital would send."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson

from hematon.engine.case import Case
from hematon.errors import Issue, Reading
from hematon.interchange import fhir
from hematon.knowledge import load_knowledge

KNOWLEDGE = load_knowledge()
LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
HPO = "http://human-phenotype-ontology.org"
SUBJECT = {"reference": "Patient/p1"}
BORN = date(2017, 9, 30)
Json = dict[str, Any]


def concept(system: str | None, code: str, display: str = "", text: str = "") -> Json:
    """A CodeableConcept of one coding."""
    coding = {"code": code} | ({"system": system} if system else {})
    if display:
        coding["display"] = display
    return {"coding": [coding]} | ({"text": text} if text else {})


def quantity(value: object, unit: str) -> Json:
    """A quantity in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def patient(**fields: object) -> Json:
    """The patient every other resource is about."""
    plain: Json = {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "female",
        "birthDate": BORN.isoformat(),
    }
    return plain | fields


def observation(code: object = None, **fields: object) -> Json:
    """An Observation, hemoglobin unless another code is given."""
    plain: Json = {
        "resourceType": "Observation",
        "status": "final",
        "subject": SUBJECT,
        "code": concept(LOINC, "718-7") if code is None else code,
        "effectiveDateTime": "2024-03-05T08:12:00+01:00",
    }
    return plain | fields


def count(loinc: str = "718-7", value: object = 7.1, unit: str = "g/dL", **fields: object) -> Json:
    """An Observation of a number with a LOINC code."""
    return observation(concept(LOINC, loinc)) | {"valueQuantity": quantity(value, unit)} | fields


def resource(kind: str, **fields: object) -> Json:
    """Any resource about the patient."""
    plain: Json = {"resourceType": kind, "subject": SUBJECT}
    return plain | fields


def condition(code: object, **fields: object) -> Json:
    """A Condition of the patient."""
    return resource("Condition", code=code, **fields)


def bundle(*resources: object, type: str = "collection") -> Json:
    """A Bundle of resources without full URLs."""
    return {"resourceType": "Bundle", "type": type, "entry": [{"resource": r} for r in resources]}


def reading(*resources: object, today: date | None = None) -> Reading[Case]:
    """Read resources as one Bundle with the patient; a patient among them takes its place."""
    has_one = any(isinstance(r, dict) and r.get("resourceType") == "Patient" for r in resources)
    document = bundle(*([] if has_one else [patient()]), *resources)
    return fhir.read(orjson.dumps(document), KNOWLEDGE, today=today)


def case(*resources: object, today: date | None = None) -> Case:
    """Give the case of resources."""
    value = reading(*resources, today=today).value
    assert value is not None
    return value


def issues(*resources: object, today: date | None = None) -> list[tuple[str, str]]:
    """Give code and place of each issue."""
    return places(reading(*resources, today=today).issues)


def places(found: tuple[Issue, ...]) -> list[tuple[str, str]]:
    """Give code and place of issues."""
    return [(i.code, i.where) for i in found]
