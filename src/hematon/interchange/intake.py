"""What every reader does alike: turn codes, units and words into a `Case`, and say what is wrong.

A reader walks its own format and calls `Intake` for each thing it meets. Codes are looked up in
the knowledge, units converted exactly or refused by name, implausible numbers asked back with the
likely unit, findings resolved through the ontology, treatments recognised. Nothing is dropped
without an issue, and no issue carries a value, a name or a date of the patient.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from hematon import units
from hematon.engine.case import (
    Case,
    Classification,
    Comparator,
    Finding,
    Measurement,
    ReportedVariant,
    Sex,
    Treatment,
    TreatmentKind,
    Zygosity,
)
from hematon.errors import Issue, Level, Reading, UnitError
from hematon.knowledge import Knowledge

COMPARATORS: frozenset[str] = frozenset(("", "<", "<=", ">=", ">"))
MAX_AGE_DAYS = 44_000
"""About 120 years: beyond it an age is a slip of the pen."""
_HPO = re.compile(r"HP:\d{7}")
_LOINC = re.compile(r"\d{1,7}-\d")
"""Only a code of the right shape is repeated in a message: anything else may be a name."""
MAX_TEXT = 400
"""Longer display texts are cut; nothing in them is used beyond display."""


class Intake:
    """Collects one child's record and its issues.

    Args:
        knowledge: where codes, units and words are looked up.
        source_format: name of the reader, kept on the case.
        today: last day a date may have; None when the caller has no clock.
    """

    __slots__ = (
        "age_days",
        "birth_date",
        "case_id",
        "excluded_conditions",
        "findings",
        "issues",
        "knowledge",
        "measurements",
        "publications",
        "recorded_conditions",
        "sex",
        "source_format",
        "today",
        "treatments",
        "variants",
    )

    def __init__(self, knowledge: Knowledge, source_format: str, today: date | None = None) -> None:
        self.knowledge = knowledge
        self.source_format = source_format
        self.today = today
        self.case_id = ""
        self.sex: Sex | None = None
        self.age_days: int | None = None
        self.birth_date: date | None = None
        self.measurements: list[Measurement] = []
        self.findings: list[Finding] = []
        self.treatments: list[Treatment] = []
        self.variants: list[ReportedVariant] = []
        self.recorded_conditions: list[str] = []
        self.excluded_conditions: list[str] = []
        self.publications: list[str] = []
        self.issues: list[Issue] = []

    # --- issues ------------------------------------------------------------------------------

    def error(self, code: str, where: str, message: str, fix: str = "") -> None:
        """Note that something was lost or refused."""
        self._note("error", code, where, message, fix)

    def warn(self, code: str, where: str, message: str, fix: str = "") -> None:
        """Note something kept but doubtful, or read and not used."""
        self._note("warning", code, where, message, fix)

    def _note(self, level: Level, code: str, where: str, message: str, fix: str) -> None:
        self.issues.append(Issue(level, code, where, message, fix))

    # --- time --------------------------------------------------------------------------------

    def age_at(self, day: date | None, where: str) -> int | None:
        """Turn a date into an age in completed days, if the birth date is known and it makes sense.

        A date before birth or after `today` is an error and gives None.
        """
        if day is None or self.birth_date is None:
            return None
        if self.today is not None and day > self.today:
            self.error("date-in-future", where, "the date lies in the future", "correct the date")
            return None
        age = (day - self.birth_date).days
        if age < 0:
            self.error(
                "date-before-birth",
                where,
                "the date lies before the date of birth",
                "correct the date or the date of birth",
            )
            return None
        return age

    def check_age(self, age_days: int | None, where: str) -> int | None:
        """Pass an age that a human can have; note and drop any other."""
        if age_days is not None and not 0 <= age_days <= MAX_AGE_DAYS:
            self.error(
                "age-implausible",
                where,
                "the age is negative or beyond a human life",
                "correct the age",
            )
            return None
        return age_days

    # --- measurements ------------------------------------------------------------------------

    def loinc(
        self,
        code: str,
        value: float,
        unit: str | None,
        where: str,
        *,
        age_days: int | None = None,
        comparator: str = "",
        lab_low: float | None = None,
        lab_high: float | None = None,
        basis: str = "",
    ) -> None:
        """Take a number with a LOINC code; unknown and excluded codes are noted."""
        known = self.knowledge.loinc.get(code)
        if known is None:
            named = f"LOINC {code}" if _LOINC.fullmatch(code) else "the code"
            self.warn("code-unknown", where, f"{named} is not one Hematon uses")
            return
        if known.use == "exclude":
            self.warn("code-excluded", where, f"LOINC {code} is not used: {known.note or ''}")
            return
        self.measurement(
            known.analyte,
            value,
            unit if unit else None,
            where,
            age_days=age_days,
            comparator=comparator,
            lab_low=lab_low,
            lab_high=lab_high,
            basis=basis,
        )

    def measurement(
        self,
        analyte_id: str,
        value: float,
        unit: str | None,
        where: str,
        *,
        age_days: int | None = None,
        comparator: str = "",
        lab_low: float | None = None,
        lab_high: float | None = None,
        basis: str = "",
    ) -> None:
        """Take a number for an analyte in the unit as sent.

        The value is converted exactly to the analyte's unit. A unit that is missing, unknown or
        does not fit, and a number the analyte cannot have, are errors and the value is left out;
        the message names the likely unit and never the number.
        """
        analyte = self.knowledge.analytes[analyte_id]
        if comparator not in COMPARATORS:
            self.error(
                "comparator-unknown",
                where,
                "the comparator is not <, <=, >= or >",
                "send one of <, <=, >=, >",
            )
            return
        if not math.isfinite(value):
            self.error(
                "value-not-number",
                where,
                "the value is not a finite number",
                "send a number or a reason for absence",
            )
            return
        if value < 0:
            self.error("value-negative", where, f"{analyte.name} is below zero", "correct it")
            return
        if analyte.unit is None:
            self.warn(
                "code-excluded",
                where,
                f"{analyte.name} has no fixed unit and is not used",
                "send it as a finding (high or not) with the laboratory's cut-off",
            )
            return
        if unit is None:
            self.error(
                "unit-missing",
                where,
                f"{analyte.name} has no unit",
                f"give the unit, for example {analyte.unit}",
            )
            return
        try:
            number = units.convert(value, unit, analyte.unit, analyte.other_units)
            low = (
                None
                if lab_low is None
                else units.convert(lab_low, unit, analyte.unit, analyte.other_units)
            )
            high = (
                None
                if lab_high is None
                else units.convert(lab_high, unit, analyte.unit, analyte.other_units)
            )
        except UnitError:
            self.error(
                "unit-unknown",
                where,
                f"the unit of {analyte.name} is not known or does not fit",
                f"send {analyte.unit} or a unit that converts to it",
            )
            return
        if not analyte.plausible_low <= number <= analyte.plausible_high:
            self._implausible(analyte_id, value, unit, where)
            return
        sign: Comparator = comparator  # type: ignore[assignment]  # checked above
        self.measurements.append(
            Measurement(analyte_id, number, age_days, sign, low, high, basis, where)
        )

    def qualitative(
        self, analyte_id: str, positive: bool, where: str, *, age_days: int | None = None
    ) -> None:
        """Take a positive or negative result of a test that is read as a finding."""
        analyte = self.knowledge.analytes[analyte_id]
        if analyte.positive_finding is None:
            self.warn(
                "code-excluded",
                where,
                f"{analyte.name} is not read as positive or negative",
                "send the number with its unit",
            )
            return
        self.findings.append(
            Finding(analyte.positive_finding, positive, analyte.name, age_days, where)
        )

    def _implausible(self, analyte_id: str, value: float, unit: str, where: str) -> None:
        analyte = self.knowledge.analytes[analyte_id]
        likely = units.likely_units(
            value,
            unit,
            analyte.unit or "",
            analyte.other_units,
            analyte.plausible_low,
            analyte.plausible_high,
        )
        fix = f"is the unit {' or '.join(likely)}?" if likely else "check the number and the unit"
        self.error(
            "value-implausible",
            where,
            f"{analyte.name} cannot have this number in {units.canonical(unit)}",
            fix,
        )

    # --- findings, conditions, treatments, variants ------------------------------------------

    def finding(
        self,
        code: str,
        observed: bool,
        where: str,
        *,
        label: str = "",
        age_days: int | None = None,
    ) -> None:
        """Take an HPO id (`HP:0001744`) or a finding id of the knowledge (`FH_CONSANG`).

        An obsolete id is replaced and noted; an unknown one is an error; a current term that no
        likelihood depends on is kept on the case and noted.
        """
        code = code.strip()
        if not code.startswith("HP:"):
            if code not in self.knowledge.findings:
                self.error(
                    "code-unknown",
                    where,
                    "the code is not a finding Hematon knows",
                    "use an HPO id or an id of findings.yaml",
                )
                return
        else:
            status = self.knowledge.hpo_status(code)
            if status == "obsolete":
                replacement = self.knowledge.hpo_replacement(code)
                if not replacement:
                    self.error(
                        "hpo-obsolete",
                        where,
                        f"{code} is obsolete without replacement",
                        "use a current HPO term",
                    )
                    return
                self.warn(
                    "hpo-obsolete",
                    where,
                    f"{code} is obsolete; {replacement} is used",
                    f"send {replacement}",
                )
                code, status = replacement, self.knowledge.hpo_status(replacement)
            if status == "unknown":
                named = code if _HPO.fullmatch(code) else "the code"
                self.error(
                    "hpo-unknown",
                    where,
                    f"{named} is not an HPO id of release {self.knowledge.hpo_version}",
                    "check the id",
                )
                return
            if status == "known" and self.knowledge.annotations.column(code) is None:
                self.warn("hpo-not-used", where, f"{code} is read; no likelihood depends on it")
        self.findings.append(Finding(code, observed, label[:MAX_TEXT], age_days, where))

    def condition(
        self,
        codes: Iterable[tuple[str, str]],
        text: str,
        where: str,
        *,
        refuted: bool = False,
        age_days: int | None = None,
    ) -> None:
        """Take a diagnosis: (system, code) pairs with systems as in `Condition.codes`, and text.

        A diagnosis of the knowledge is kept as recorded or, when refuted, as excluded. A code or
        word for a history finding (Down syndrome, hemolytic disease, ...) becomes that finding.
        """
        used = False
        for system, code in codes:
            condition = self.knowledge.condition_codes.get(f"{system}:{code}")
            if condition is not None:
                kept = self.excluded_conditions if refuted else self.recorded_conditions
                if condition not in kept:
                    kept.append(condition)
                used = True
            if system == "SNOMED" and self._mapped(code, "", age_days, None, where, not refuted):
                used = True
        if not used and text and self._mapped("", text, age_days, None, where, not refuted):
            used = True
        if not used:
            self.warn("condition-not-used", where, "the diagnosis is read; nothing depends on it")

    def treatment(
        self,
        text: str,
        where: str,
        *,
        codes: Iterable[tuple[str, str]] = (),
        start: int | None = None,
        end: int | None = None,
    ) -> bool:
        """Take a medication or procedure by words and codes; ages in days.

        Returns:
            Whether it means anything to the knowledge; the caller decides how to note it if not.
        """
        used = False
        for system, code in codes:
            if system in ("SNOMED", "ATC") and self._mapped(code, "", start, end, where, True):
                used = True
        if not used and text:
            used = self._mapped("", text, start, end, where, True)
        return used

    def _mapped(
        self, code: str, text: str, start: int | None, end: int | None, where: str, observed: bool
    ) -> bool:
        hit = False
        words = _words(text[:MAX_TEXT])
        for entry in self.knowledge.treatments:
            coded = bool(code) and (code in entry.snomed or code in entry.atc)
            if not coded and not any(_words(name) in words for name in entry.names):
                continue
            hit = True
            if entry.kind is not None and observed:
                kind: TreatmentKind = entry.kind  # type: ignore[assignment]  # by records.py
                self.treatments.append(Treatment(kind, start, end, where))
            if entry.finding is not None:
                self.findings.append(Finding(entry.finding, observed, "", start, where))
        return hit

    def variant(
        self,
        gene: str,
        classification: Classification,
        zygosity: Zygosity,
        where: str,
        description: str = "",
    ) -> None:
        """Take a reported variant; a gene no condition lists is kept and noted."""
        if not gene:
            self.warn("variant-unclear", where, "the variant names no gene", "give the gene symbol")
            return
        if gene not in self.knowledge.genes:
            self.warn("variant-not-used", where, "no condition here depends on the gene")
        self.variants.append(
            ReportedVariant(gene, classification, zygosity, description[:MAX_TEXT], where)
        )

    # --- the end -----------------------------------------------------------------------------

    def reading(self) -> Reading[Case]:
        """Close the record: the case, and every issue found."""
        if self.sex is None:
            self.warn(
                "sex-unknown",
                "sex",
                "sex is not stated; limits that depend on it stay open",
                "give male or female",
            )
        if self.age_days is None and not any(m.age_days is not None for m in self.measurements):
            self.warn(
                "age-unknown",
                "age",
                "the age cannot be worked out; limits for age are not applied",
                "give a birth date and dates, or ages",
            )
        case = Case(
            id=self.case_id,
            sex=self.sex,
            age_days=self.age_days,
            birth_date=self.birth_date,
            measurements=tuple(self.measurements),
            findings=tuple(self.findings),
            treatments=tuple(self.treatments),
            variants=tuple(self.variants),
            recorded_conditions=tuple(self.recorded_conditions),
            excluded_conditions=tuple(self.excluded_conditions),
            publications=tuple(self.publications),
            source_format=self.source_format,
        )
        return Reading(case, tuple(self.issues))


@lru_cache(maxsize=512)
def _words(text: str) -> str:
    """Reduce a text to its words between single spaces, so that `in` compares whole words."""
    return " " + " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) + " "
