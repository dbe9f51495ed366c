"""A realistic single-patient Bundle of about 20 KB, and how long reading it takes.

    python benchmarks/bundle_20kb.py

Prints the time of `orjson.loads`, of `fhir.read`, and their ratio; the goal is at most 6.
"""

from __future__ import annotations

import timeit
from datetime import date

import orjson

PATIENT = "urn:uuid:5d1f2c7e-8f0a-4b8a-9d52-0c4b1a6f7e21"
COUNTS = (
    ("718-7", "Hemoglobin [Mass/volume] in Blood", 7.1, "g/dL", 11.5, 15.5),
    ("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", 21.4, "%", 35.0, 45.0),
    ("789-8", "Erythrocytes [#/volume] in Blood by Automated count", 2.1, "10*6/uL", 4.0, 5.2),
    ("787-2", "MCV [Entitic volume] by Automated count", 101.9, "fL", 77.0, 95.0),
    ("785-6", "MCH [Entitic mass] by Automated count", 33.8, "pg", 25.0, 33.0),
    ("786-4", "MCHC [Mass/volume] by Automated count", 33.2, "g/dL", 31.0, 37.0),
    ("788-0", "Erythrocyte distribution width [Ratio] by Automated count", 15.9, "%", 11.5, 14.5),
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", 2.3, "10*3/uL", 5.0, 14.5),
    ("751-8", "Neutrophils [#/volume] in Blood by Automated count", 0.4, "10*3/uL", 1.5, 8.0),
    ("731-0", "Lymphocytes [#/volume] in Blood by Automated count", 1.7, "10*3/uL", 1.5, 7.0),
    ("742-7", "Monocytes [#/volume] in Blood by Automated count", 0.1, "10*3/uL", 0.2, 1.0),
    ("777-3", "Platelets [#/volume] in Blood by Automated count", 28, "10*3/uL", 150, 450),
    ("32623-1", "Platelet mean volume [Entitic volume] in Blood", 9.1, "fL", 7.4, 10.4),
    (
        "60474-4",
        "Reticulocytes [#/volume] in Blood by Automated count",
        0.012,
        "10*6/uL",
        0.02,
        0.1,
    ),
)
DRAWS = ("2024-03-05T08:12:00+01:00", "2024-05-21T09:40:00+02:00")


def make_bundle() -> bytes:
    """Make the Bundle: a Patient, a Condition and two blood counts, as a server sends them."""
    entries = [
        {
            "fullUrl": PATIENT,
            "resource": {
                "resourceType": "Patient",
                "id": PATIENT.rpartition(":")[2],
                "identifier": [{"system": "https://hospital.example/mrn", "value": "000-EXAMPLE"}],
                "name": [{"use": "official", "family": "Example", "given": ["Child"]}],
                "gender": "female",
                "birthDate": "2017-09-30",
            },
        },
        {
            "fullUrl": "urn:uuid:9a1d3a52-7f4e-4c11-8a55-5b62a5b1c001",
            "resource": {
                "resourceType": "Condition",
                "subject": {"reference": PATIENT},
                "verificationStatus": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                            "code": "confirmed",
                        }
                    ]
                },
                "code": {
                    "coding": [
                        {
                            "system": "http://human-phenotype-ontology.org",
                            "code": "HP:0000957",
                            "display": "Cafe-au-lait spot",
                        }
                    ]
                },
                "onsetDateTime": "2019-02-01",
            },
        },
    ]
    for draw in DRAWS:
        for code, name, value, unit, low, high in COUNTS:
            in_unit = {"unit": unit, "code": unit}
            entries.append(
                {
                    "fullUrl": f"urn:uuid:0c4b1a6f-7e21-4d52-9d52-{len(entries):012d}",
                    "resource": {
                        "resourceType": "Observation",
                        "id": f"cbc-{len(entries)}",
                        "status": "final",
                        "category": [
                            {
                                "coding": [
                                    {
                                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                        "code": "laboratory",
                                    }
                                ]
                            }
                        ],
                        "code": {
                            "coding": [
                                {"system": "http://loinc.org", "code": code, "display": name}
                            ]
                        },
                        "subject": {"reference": PATIENT},
                        "effectiveDateTime": draw,
                        "valueQuantity": {
                            "value": value,
                            "system": "http://unitsofmeasure.org",
                            **in_unit,
                        },
                        "referenceRange": [
                            {"low": {"value": low, **in_unit}, "high": {"value": high, **in_unit}}
                        ],
                    },
                }
            )
    return orjson.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries})


def best_of(statements: tuple[str, ...], names: dict[str, object]) -> list[float]:
    """Give the shortest time of one run of each, in microseconds, measured in turn.

    Short spells in turn, and the shortest of many, because other processes may run beside.
    """
    timers = [timeit.Timer(statement, globals=names) for statement in statements]
    runs = [[timer.timeit(3) / 3 for timer in timers] for _ in range(500)]
    return [min(run) * 1e6 for run in zip(*runs, strict=True)]


def main() -> None:
    """Measure and print."""
    from hematon.interchange import fhir
    from hematon.knowledge import load_knowledge

    raw, knowledge = make_bundle(), load_knowledge()
    names: dict[str, object] = {
        "raw": raw,
        "knowledge": knowledge,
        "fhir": fhir,
        "orjson": orjson,
        "today": date(2024, 6, 1),
    }
    case = fhir.read(raw, knowledge).value
    loads, read = best_of(("orjson.loads(raw)", "fhir.read(raw, knowledge, today=today)"), names)
    print(f"{len(raw)} bytes, {len(case.measurements) if case else 0} measurements")
    print(f"orjson.loads {loads:.1f} us, fhir.read {read:.1f} us, ratio {read / loads:.2f}")


if __name__ == "__main__":
    main()
