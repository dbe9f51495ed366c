"""Read an Observation: a count, a finding, a temperature, a comment on a smear, a variant.

Decides by the code what an Observation states, in this order: an analyte, a finding, a special
code (age, temperature, smear), HPO terms as the value, the name of an analyte. A plain result of a
kind read before takes the short way of `fhir_plain`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hematon.interchange import words
from hematon.interchange.fhir_codes import (
    AGE_LOINCS,
    GENE_LOINC,
    LOINC_CODE,
    SIGNIFICANCE_LOINC,
    SMEAR_LOINCS,
    TEMPERATURE_LOINCS,
    VARIANT_LOINCS,
    Coded,
    Json,
    codings,
    hpo_id,
)
from hematon.interchange.fhir_plain import learn, take_plain
from hematon.interchange.fhir_record import Record
from hematon.interchange.fhir_temperatures import take_temperature
from hematon.interchange.fhir_values import (
    amount,
    basis_of,
    blasts_in,
    lab_limits,
    note_absent,
    parse,
    value_name,
    verdict,
)
from hematon.interchange.fhir_variants import read_variant

_NOT_BLOOD = re.compile(
    r"\b(?:urine|csf|cerebrospinal|spinal|fluid|stool|feces|faeces|marrow|pleural|peritoneal|"
    r"ascit\w*|synovial|sputum|swab|tissue|cord|saliva|bronch\w*|lavage)\b"
)
_SMEAR = re.compile(r"\b(?:smear|film|morphology|differential)\b")
_SOMEONE_ELSE = re.compile(r"(?:^|/)(?:Patient|RelatedPerson|Group|FamilyMemberHistory)/")
_VARIANT_PARTS = frozenset((GENE_LOINC, SIGNIFICANCE_LOINC))
_LONGEST_NAME = 80


def observation(record: Record, resource: Json, where: str) -> None:
    """Read one Observation into the record."""
    if not take_plain(record, resource, where):
        _take_any(record, resource, where)


def _take_any(record: Record, resource: Json, where: str) -> None:
    if not record.stands(resource, where):
        return
    focus = resource.get("focus")
    for target in focus if isinstance(focus, list) else ():
        named = target.get("reference") if isinstance(target, dict) else None
        if isinstance(named, str) and _SOMEONE_ELSE.search(named[:200]):
            record.tally(
                "resource-not-used", where, "an Observation is about someone else than its subject"
            )
            return
    age, _ = record.span(resource, "effective", where, "issued")
    parts = list(record.objects(resource, "component", where))
    if age is None:
        age = next(
            (a for at, part in parts if (a := _stated_age(record, part, at)) is not None), None
        )
    if VARIANT_LOINCS & _loincs(resource) or any(
        _VARIANT_PARTS & _loincs(part) for _, part in parts
    ):
        read_variant(record, resource, parts, where)
        return
    specimen = record.an_object(resource, "specimen", where) or {}
    is_blood = not _NOT_BLOOD.search(str(specimen.get("display", ""))[:_LONGEST_NAME].lower())
    has_parts = bool(parts) or bool(resource.get("hasMember"))
    _Result(record, resource, where, age, is_blood, has_parts).read()
    for at, part in parts:
        if not AGE_LOINCS & _loincs(part):
            _Result(record, part, at, age, is_blood, False).read()


def _loincs(holder: Json) -> frozenset[str]:
    concept = holder.get("code")
    if not isinstance(concept, dict):
        return frozenset()
    return frozenset(c.code for c in codings(concept) if _is_loinc(c))


def _is_loinc(coded: Coded) -> bool:
    return coded.system == "LOINC" or (
        not coded.system and LOINC_CODE.fullmatch(coded.code) is not None
    )


def _stated_age(record: Record, part: Json, where: str) -> int | None:
    if not AGE_LOINCS & _loincs(part):
        return None
    quantity = record.an_object(part, "valueQuantity", where)
    return None if quantity is None else record.days(quantity, f"{where}/valueQuantity")


class _Result:
    """One code with its value: an Observation itself or one of its components."""

    __slots__ = ("age", "has_parts", "holder", "is_blood", "name", "record", "where")

    def __init__(
        self,
        record: Record,
        holder: Json,
        where: str,
        age: int | None,
        is_blood: bool,
        has_parts: bool,
    ) -> None:
        self.record = record
        self.holder = holder
        self.where = where
        self.age = age
        self.is_blood = is_blood
        self.has_parts = has_parts
        self.name = value_name(holder)

    def read(self) -> None:
        """Find out what the code means, and take the value as that."""
        concept = self.record.an_object(self.holder, "code", self.where)
        if concept is None:
            self.record.tally("missing-field", self.where, "an Observation has no code")
            return
        coded = list(codings(concept))
        if any(self._take_coded(c, concept) for c in coded):
            return
        loincs = [c.code for c in coded if _is_loinc(c)]
        for code in loincs:
            if code in _SPECIAL:
                _SPECIAL[code](self)
                return
        if self._take_valued_finding() or (not self.name and self.has_parts):
            return
        if not loincs and self._take_by_name(concept, coded):
            return
        if blasts_in(self.holder, self.name):
            self._smear(_SMEAR.search(_title(concept, coded)) is not None and self.is_blood)
            return
        named = next((c for c in loincs if LOINC_CODE.fullmatch(c)), "")
        self.record.tally(
            "code-unknown",
            self.where,
            f"LOINC {named} is not one Hematon uses"
            if named
            else "an Observation has no code that Hematon knows",
            "" if named else "send a LOINC or HPO code",
            about=named or _title(concept, coded),
        )

    def _take_coded(self, coded: Coded, concept: Json) -> bool:
        knowledge = self.record.knowledge
        if _is_loinc(coded) and coded.code in knowledge.loinc:
            known = knowledge.loinc[coded.code]
            if known.use == "exclude":
                note = f": {known.note}" if known.note else ""
                self.record.tally(
                    "code-excluded", self.where, f"LOINC {coded.code} is not used{note}"
                )
            else:
                self._measure(known.analyte)
            return True
        if coded.system == "ANALYTE" and coded.code in knowledge.analytes:
            self._measure(coded.code)
            return True
        finding = coded.code if coded.system == "FINDING" else hpo_id(coded)
        if finding:
            text = concept.get("text")
            self._finding(finding, text if isinstance(text, str) else coded.display)
            return True
        return False

    # --- numbers -----------------------------------------------------------------------------

    def _measure(self, analyte_id: str, *, is_coded: bool = True) -> None:
        record, holder, where = self.record, self.holder, self.where
        analyte = record.knowledge.analytes[analyte_id]
        if not self.name:
            note_absent(record, holder, where, has_parts=self.has_parts)
            return
        if holder.get("dataAbsentReason") is not None:
            record.tally(
                "value-absent",
                where,
                "a result has a value and a reason for its absence; the value is used",
                "send one of the two",
            )
        if analyte.positive_finding is not None:
            said = verdict(holder, self.name)
            if said is not None:
                record.intake.qualitative(analyte_id, said, where, age_days=self.age)
                return
        found = amount(record, holder, self.name, where, analyte)
        if found is None:
            return
        low, high = lab_limits(record, holder, found.unit, where)
        taken = len(record.intake.measurements)
        record.intake.measurement(
            analyte_id,
            found.value,
            found.unit,
            found.where,
            age_days=self.age,
            comparator=found.comparator,
            lab_low=low,
            lab_high=high,
            basis=basis_of(holder),
        )
        is_taken = len(record.intake.measurements) > taken
        if is_taken and is_coded and self.name == "valueQuantity" and found.unit is not None:
            learn(record, holder, analyte_id, found.unit)

    def _temperature(self) -> None:
        if self.name:
            take_temperature(self.record, self.holder, self.name, self.where, self.age)
        else:
            note_absent(self.record, self.holder, self.where, has_parts=self.has_parts)

    def _age(self) -> None:
        age = _stated_age(self.record, self.holder, self.where)
        if age is not None:
            self.record.intake.age_days = max(age, self.record.intake.age_days or 0)

    # --- findings ----------------------------------------------------------------------------

    def _finding(self, code: str, label: str) -> None:
        if not self.name and self.holder.get("dataAbsentReason") is not None:
            note_absent(self.record, self.holder, self.where, has_parts=False)
            return
        said = verdict(self.holder, self.name)
        value = self.holder.get(self.name)
        text = value.get("text") if isinstance(value, dict) else value
        if said is None and isinstance(text, str) and words.why_no_number(text[:_LONGEST_NAME]):
            self.record.tally("value-absent", self.where, "a finding is stated as not known")
            return
        self.record.intake.finding(
            code, said is not False, self.where, label=label, age_days=self.age
        )

    def _take_valued_finding(self) -> bool:
        """Take HPO terms that stand as the value, under any code for symptoms or findings."""
        value = self.holder.get("valueCodeableConcept")
        found = [c for c in codings(value) if hpo_id(c)] if isinstance(value, dict) else []
        for coded in found:
            self.record.intake.finding(
                hpo_id(coded),
                True,
                f"{self.where}/valueCodeableConcept",
                label=coded.display,
                age_days=self.age,
            )
        return bool(found)

    def _smear(self, is_smear: bool = True) -> None:
        said = blasts_in(self.holder, self.name)
        if said == "present" and is_smear:
            self.record.intake.finding(
                "LAB_BLASTS", True, f"{self.where}/{self.name}", age_days=self.age
            )
        elif said:
            self.record.tally(
                "value-not-number",
                f"{self.where}/{self.name}",
                "a comment names blasts and is not used: read it",
                "send a blast count or HP:0032372",
            )
        else:
            self.record.tally("resource-not-used", self.where, "a comment on a smear is not used")

    # --- names -------------------------------------------------------------------------------

    def _take_by_name(self, concept: Json, coded: list[Coded]) -> bool:
        """Take a result of blood without any LOINC coding by the name it bears."""
        if not self.is_blood:
            return False
        hint = _unit_hint(self.holder, self.name)
        for name in (concept.get("text"), *(c.display for c in coded), *(c.code for c in coded)):
            if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
                continue
            analyte = words.analyte_named(self.record.knowledge, name, hint)
            if analyte is not None:
                self.record.tally(
                    "code-unknown",
                    f"{self.where}/code",
                    "a result without a LOINC code is read "
                    f"by its name as {self.record.knowledge.analytes[analyte].name}",
                    "send the LOINC code",
                    about=analyte,
                )
                self._measure(analyte, is_coded=False)
                return True
        return False


_SPECIAL: dict[str, Callable[[_Result], None]] = {
    **dict.fromkeys(AGE_LOINCS, _Result._age),
    **dict.fromkeys(TEMPERATURE_LOINCS, _Result._temperature),
    **dict.fromkeys(SMEAR_LOINCS, _Result._smear),
}


def _title(concept: Json, coded: list[Coded]) -> str:
    text = concept.get("text")
    said = [text[:_LONGEST_NAME]] if isinstance(text, str) else []
    said += [f"{c.display[:_LONGEST_NAME]} {c.code}" for c in coded]
    return " ".join(said).lower()


def _unit_hint(holder: Json, name: str) -> str | None:
    value = holder.get(name)
    if isinstance(value, dict):
        hints = (value.get("unit"), value.get("code"))
        return next((h for h in hints if isinstance(h, str) and h), None)
    found = parse(value[:_LONGEST_NAME], "") if isinstance(value, str) else None
    return None if found is None else found.unit
