"""Write a case as a FHIR R4 Bundle that `fhir.read` reads back to the same case.

How time is written, since a case has ages and FHIR has mostly dates:

- With a date of birth, results and drugs carry dates, which are the birth date plus the age.
- Without one no date is made up. An Observation then has a component LOINC 30525-0 (Age) with the
  age at the result in days; a treatment is a Procedure, the one resource whose `performed[x]` may
  be an Age or a Range of ages. Onsets are ages in either case.
- FHIR wants an Age above zero (invariant age-1): day 0 is a Range from 0.
- The age of the case itself is an Observation with LOINC 30525-0.

Codes: LOINC and UCUM for results, HPO for phenotypic features. What has no public code (findings
of the knowledge, conditions, kinds of treatment) has one of ours under `https://hematon.org/`,
beside public codes where the knowledge lists any. Places and the source format are not written.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta

from hematon.engine.case import Case, Finding, Measurement, ReportedVariant, Treatment
from hematon.interchange.fhir_codes import (
    ALLELIC_STATE_LOINC,
    ANALYTES_URL,
    CASES_URL,
    CLASSIFICATIONS,
    CONDITION_SYSTEM_URLS,
    CONDITIONS_URL,
    FINDINGS_URL,
    GENE_LOINC,
    HPO_URL,
    LOINC_URL,
    METHODS_URL,
    PUBLICATION_URL,
    SIGNIFICANCE_LOINC,
    TREATMENTS_URL,
    UCUM_URL,
    ZYGOSITIES,
    Json,
)
from hematon.knowledge import Knowledge

_NAMESPACE = uuid.UUID("1f0f7a52-6a3b-5a53-9d0b-6b1f5b3f4f10")
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_DRUGS = frozenset(("g_csf", "steroid", "ivig", "chemotherapy", "eltrombopag"))
_USES = ("primary", "alternate", "component")
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def write(case: Case, knowledge: Knowledge) -> Json:
    """Write a case as a Bundle of type `collection`.

    Args:
        case: the record.
        knowledge: the one the case was read with; gives codes and units.

    Returns:
        The Bundle as plain JSON values. The same case gives the same Bundle.
    """
    return _Writer(case, knowledge).bundle()


class _Writer:
    def __init__(self, case: Case, knowledge: Knowledge) -> None:
        self.case = case
        self.knowledge = knowledge
        self.subject = {"reference": self._url(0)}

    def bundle(self) -> Json:
        resources = [self._patient(), *self._resources()]
        entries = [
            {"fullUrl": self._url(i), "resource": resource} for i, resource in enumerate(resources)
        ]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    def _url(self, position: int) -> str:
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{self.case.id}/{position}')}"

    def _resources(self) -> Iterator[Json]:
        case = self.case
        if case.age_days is not None:
            yield self._observation(_loinc("30525-0", "Age")) | {
                "valueQuantity": _quantity(case.age_days, "d")
            }
        for measurement in case.measurements:
            yield self._measurement(measurement)
        for finding in case.findings:
            yield self._finding(finding)
        for treatment in case.treatments:
            yield self._treatment(treatment)
        for variant in case.variants:
            yield self._variant(variant)
        for key in case.recorded_conditions:
            yield self._diagnosis(key, "confirmed")
        for key in case.excluded_conditions:
            yield self._diagnosis(key, "refuted")

    def _patient(self) -> Json:
        case = self.case
        patient: Json = {"resourceType": "Patient"}
        if _FHIR_ID.fullmatch(case.id):
            patient["id"] = case.id
        elif case.id:
            patient["identifier"] = [{"system": CASES_URL, "value": case.id}]
        if case.publications:
            patient["extension"] = [
                {"url": PUBLICATION_URL, "valueString": named} for named in case.publications
            ]
        if case.sex is not None:
            patient["gender"] = case.sex
        if case.birth_date is not None:
            patient["birthDate"] = case.birth_date.isoformat()
        return patient

    # --- results -----------------------------------------------------------------------------

    def _observation(self, code: Json) -> Json:
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": self.subject,
        }

    def _measurement(self, m: Measurement) -> Json:
        analyte = self.knowledge.analytes[m.analyte]
        unit = analyte.unit or ""
        resource = self._observation(self._analyte_code(m.analyte))
        resource["category"] = [
            {"coding": [{"system": f"{_TERMINOLOGY}/observation-category", "code": "laboratory"}]}
        ]
        resource["valueQuantity"] = _quantity(m.value, unit)
        if m.comparator:
            resource["valueQuantity"]["comparator"] = m.comparator
        limits = {"low": m.lab_low, "high": m.lab_high}
        given = {end: _quantity(v, unit) for end, v in limits.items() if v is not None}
        if given:
            resource["referenceRange"] = [given]
        if m.basis:
            resource["method"] = {
                "coding": [{"system": METHODS_URL, "code": "computed"}],
                "text": m.basis,
            }
        return resource | self._effective(m.age_days)

    def _analyte_code(self, analyte: str) -> Json:
        named = [
            c for c in self.knowledge.loinc.values() if c.analyte == analyte and c.use in _USES
        ]
        if not named:
            return {
                "coding": [{"system": ANALYTES_URL, "code": analyte}],
                "text": self.knowledge.analytes[analyte].name,
            }
        best = min(named, key=lambda c: _USES.index(c.use))
        return _loinc(best.code, best.name)

    def _effective(self, age_days: int | None) -> Json:
        if age_days is None:
            return {}
        if self.case.birth_date is not None:
            return {"effectiveDateTime": self._date(age_days)}
        return {
            "component": [
                _component("30525-0", "Age") | {"valueQuantity": _quantity(age_days, "d")}
            ]
        }

    def _date(self, age_days: int) -> str:
        born = self.case.birth_date
        return "" if born is None else (born + timedelta(days=age_days)).isoformat()

    def _variant(self, variant: ReportedVariant) -> Json:
        resource = self._observation(_loinc("69548-6", "Genetic variant assessment"))
        resource["valueCodeableConcept"] = _loinc("LA9633-4", "Present")
        parts = [
            _component(GENE_LOINC, "Gene studied [ID]")
            | {"valueCodeableConcept": {"text": variant.gene}}
        ]
        if variant.classification != "unknown":
            parts.append(
                _component(SIGNIFICANCE_LOINC, "Genetic variation clinical significance [Imp]")
                | {"valueCodeableConcept": _answer(CLASSIFICATIONS, variant.classification)}
            )
        if variant.zygosity != "unknown":
            parts.append(
                _component(ALLELIC_STATE_LOINC, "Allelic state")
                | {"valueCodeableConcept": _answer(ZYGOSITIES, variant.zygosity)}
            )
        if variant.description:
            parts.append(
                _component("81252-9", "Discrete genetic variant")
                | {"valueCodeableConcept": {"text": variant.description}}
            )
        return resource | {"component": parts}

    # --- findings, diagnoses, treatments -----------------------------------------------------

    def _finding(self, finding: Finding) -> Json:
        is_hpo = finding.code.startswith("HP:")
        code: Json = {
            "coding": [{"system": HPO_URL if is_hpo else FINDINGS_URL, "code": finding.code}]
        }
        if finding.label:
            code["text"] = finding.label
        if is_hpo:
            status = "confirmed" if finding.observed else "refuted"
            return self._condition(code, status) | _ages("onset", finding.age_days, None)
        return (
            self._observation(code)
            | {"valueBoolean": finding.observed}
            | self._effective(finding.age_days)
        )

    def _diagnosis(self, key: str, status: str) -> Json:
        codes = (
            known.partition(":")
            for known, id_ in self.knowledge.condition_codes.items()
            if id_ == key
        )
        name = next((c.name for c in self.knowledge.conditions if c.id == key), key)
        return self._condition(
            {
                "coding": [
                    {"system": CONDITIONS_URL, "code": key},
                    *(
                        {"system": CONDITION_SYSTEM_URLS[system], "code": code}
                        for system, _, code in codes
                    ),
                ],
                "text": name,
            },
            status,
        )

    def _condition(self, code: Json, status: str) -> Json:
        return {
            "resourceType": "Condition",
            "verificationStatus": {
                "coding": [{"system": f"{_TERMINOLOGY}/condition-ver-status", "code": status}]
            },
            "code": code,
            "subject": self.subject,
        }

    def _treatment(self, t: Treatment) -> Json:
        known = next((m for m in self.knowledge.treatments if m.kind == t.kind), None)
        coding = [{"system": TREATMENTS_URL, "code": t.kind}]
        for system, codes in (("SNOMED", known.snomed), ("ATC", known.atc)) if known else ():
            coding += [{"system": CONDITION_SYSTEM_URLS[system], "code": c} for c in codes[:1]]
        code = {"coding": coding, "text": t.kind.replace("_", " ")}
        start, end = t.start_age_days, t.end_age_days
        dated = self.case.birth_date is not None and not (start is None and end is None)
        if dated and t.kind in _DRUGS:
            return {
                "resourceType": "MedicationAdministration",
                "status": "completed",
                "medicationCodeableConcept": code,
                "subject": self.subject,
                **self._dates("effective", start, end),
            }
        return {
            "resourceType": "Procedure",
            "status": "completed",
            "code": code,
            "subject": self.subject,
            **(self._dates("performed", start, end) if dated else _ages("performed", start, end)),
        }

    def _dates(self, stem: str, start: int | None, end: int | None) -> Json:
        if start is not None and end is None:
            return {f"{stem}DateTime": self._date(start)}
        ends = {"start": start, "end": end}
        return {f"{stem}Period": {k: self._date(v) for k, v in ends.items() if v is not None}}


def _ages(stem: str, start: int | None, end: int | None) -> Json:
    if start is None and end is None:
        return {}
    if start and end is None:
        return {f"{stem}Age": _quantity(start, "d")}
    ends = {"low": start, "high": end}
    return {f"{stem}Range": {k: _quantity(v, "d") for k, v in ends.items() if v is not None}}


def _quantity(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM_URL, "code": unit}


def _loinc(code: str, name: str) -> Json:
    return {"coding": [{"system": LOINC_URL, "code": code, "display": name}]}


def _component(code: str, name: str) -> Json:
    return {"code": _loinc(code, name)}


def _answer(table: Mapping[str, str], meaning: str) -> Json:
    """Give the LOINC answer code of a meaning where there is one, and the words."""
    codes = [code for code, means in table.items() if means == meaning]
    text = "compound heterozygous" if meaning == "compound" else meaning.replace("_", " ")
    answers = [c for c in codes if c.startswith("LA") and meaning != "mosaic"]
    if not answers:
        return {"text": text}
    return {"coding": [{"system": LOINC_URL, "code": answers[0]}], "text": text}
