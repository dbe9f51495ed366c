"""One child's record, as the engine sees it: the shape every reader fills.

Plain frozen values, no behaviour beyond what a reader needs. Time is age in completed days (the
day of birth is day 0), because limits, priors and windows are all in age. A reader that knows
dates turns them into ages with the date of birth; one that knows only ages uses them as they are.
Nothing here is computed: counts are as measured, in the analyte's unit of the knowledge base.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Sex = Literal["male", "female"]
Comparator = Literal["", "<", "<=", ">=", ">"]
TreatmentKind = Literal[
    "red_cell_transfusion",
    "platelet_transfusion",
    "g_csf",
    "steroid",
    "ivig",
    "chemotherapy",
    "transplant",
    "eltrombopag",
]
Classification = Literal[
    "pathogenic", "likely_pathogenic", "uncertain", "likely_benign", "benign", "unknown"
]
Zygosity = Literal["heterozygous", "homozygous", "compound", "hemizygous", "mosaic", "unknown"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One result in the analyte's own unit.

    Attributes:
        analyte: key of `analytes.yaml`, such as `hemoglobin`.
        value: number in that analyte's unit (`analytes.yaml`), exact unless `comparator` is set.
        age_days: age at the draw in completed days; None when the record does not say.
        comparator: `<` and the like when the laboratory gave a bound, else empty.
        lab_low: lower limit printed by the laboratory, same unit, or None.
        lab_high: upper limit printed by the laboratory, same unit, or None.
        basis: how the number came about when it was computed, such as `WBC × (segs + bands) %`.
        where: place in the source document, for issues and for the inputs table.
    """

    analyte: str
    value: float
    age_days: int | None = None
    comparator: Comparator = ""
    lab_low: float | None = None
    lab_high: float | None = None
    basis: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding stated present or absent.

    Attributes:
        code: an HPO id (`HP:0001744`) or a finding id of `findings.yaml` (`FH_CONSANG`).
        observed: True when present, False when looked for and absent.
        label: display text kept beside the code.
        age_days: age at onset or at the examination, None when not stated.
        where: place in the source document.
    """

    code: str
    observed: bool
    label: str = ""
    age_days: int | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Treatment:
    """A treatment that supports or explains a count.

    Attributes:
        kind: what was given.
        start_age_days: age when given or started; None when not stated.
        end_age_days: age when stopped; None when a single event or not stated.
        where: place in the source document.
    """

    kind: TreatmentKind
    start_age_days: int | None = None
    end_age_days: int | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class ReportedVariant:
    """A variant as a laboratory reported it; never raw reads."""

    gene: str
    classification: Classification = "unknown"
    zygosity: Zygosity = "unknown"
    description: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One child's record.

    Attributes:
        id: identifier of the record, chosen by the sender.
        sex: sex for reference limits; None when not stated.
        age_days: age at the end of the record in completed days; None when not stated.
        birth_date: only to turn `as_of` into an age; never printed in a report.
        measurements: every result, any order.
        findings: every finding, any order.
        treatments: every treatment, any order.
        variants: reported variants.
        recorded_conditions: condition keys that the record states as diagnosed.
        excluded_conditions: condition keys that the record states as excluded.
        publications: publications this case comes from (`PMID:...`), for honest evaluation.
        source_format: which reader made it.
    """

    id: str
    sex: Sex | None = None
    age_days: int | None = None
    birth_date: date | None = None
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    variants: tuple[ReportedVariant, ...] = ()
    recorded_conditions: tuple[str, ...] = ()
    excluded_conditions: tuple[str, ...] = ()
    publications: tuple[str, ...] = ()
    source_format: str = ""
