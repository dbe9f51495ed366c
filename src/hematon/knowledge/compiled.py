"""The compiled knowledge: what a running assessment and the readers look things up in.

Made by `compile.py` from the records, stored as JSON, loaded without pydantic or YAML. Numbers
the engine multiplies are arrays; everything a person reads is plain frozen values. All axes are
fixed at compile time: `conditions` has the conditions in file order and, last, the row
`something_else`; `findings` are the columns of the likelihood matrices; `analytes` the columns of
every count array.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hematon.knowledge.annotations import Annotations

Floats = npt.NDArray[np.float64]
SOMETHING_ELSE = "something_else"
COUNT_GROUPS = frozenset(("lineage", "lineage_count", "severity_n", "severity_p", "plt_hi"))
"""Groups whose findings are told through presentations, not one by one: their frequencies must add
up, so they are kept as stated."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analyte:
    """Something a laboratory measures; see `records.Analyte`."""

    index: int
    id: str
    name: str
    unit: str | None
    scale: str
    decimals: int
    plausible_low: float
    plausible_high: float
    other_units: Mapping[str, float]
    names: tuple[str, ...]
    loinc: tuple[str, ...]
    positive_finding: str | None
    valid_days: int
    part_of_count: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LoincCode:
    """What a LOINC code maps to."""

    code: str
    name: str
    analyte: str
    use: str
    unit: str | None
    note: str | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FindingInfo:
    """A finding and where its numbers come from."""

    index: int
    id: str
    kind: str
    name: str
    hpo: str | None
    group: str | None
    only_sex: str | None
    only_from_days: int
    background: float | None
    grade: str
    source: tuple[str, ...]
    when: Mapping[str, Any] | None
    unless: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConditionInfo:
    """A condition as a reader of the report needs it."""

    index: int
    id: str
    name: str
    category: str
    never_miss: bool
    prior: float
    prior_grade: str
    prior_source: tuple[str, ...]
    age_median: float
    age_p5: float
    age_p95: float
    male_fraction: float
    inheritance: str | None
    marrow: str | None
    note: str | None
    gate: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EvidenceInfo:
    """Where the frequency of a finding in a condition comes from."""

    frequency: float
    background: float
    n: int | None
    of: int | None
    basis: str
    grade: str
    source: tuple[str, ...]
    note: str | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TestInfo:
    """A test, as `records.Test`, with its first row in the outcome matrix (-1 when it has none).

    One row for each of `outcomes`, then one for none of them.
    """

    index: int
    row: int
    outcomes: tuple[str, ...]
    id: str
    name: str
    tier: int
    tier_when: str | None
    specimen: str
    positive: str | None
    conditions: tuple[str, ...]
    invasiveness: str
    before_transfusion: bool
    turnaround: str
    turnaround_days: float
    pitfalls: str | None
    finding: str | None
    done_when: tuple[str, ...]
    done_by: tuple[str, ...]
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TreatmentMap:
    """How a treatment or exposure is recognised: whole words without case, or codes."""

    kind: str | None
    finding: str | None
    names: tuple[str, ...]
    snomed: tuple[str, ...]
    atc: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SupportWindow:
    """How long a treatment makes a count unfit to judge by itself."""

    kind: str
    analytes: tuple[str, ...]
    days: int
    effect: str
    text: str


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Everything an assessment knows. Immutable; share it between threads."""

    version: str
    fingerprint: str
    hpo_version: str
    annotation_release: str
    analytes: Mapping[str, Analyte]
    loinc: Mapping[str, LoincCode]
    findings: Mapping[str, FindingInfo]
    conditions: tuple[ConditionInfo, ...]
    tests: tuple[TestInfo, ...]
    treatments: tuple[TreatmentMap, ...]
    windows: tuple[SupportWindow, ...]
    rules: Mapping[str, Any]
    """Definitions, severity, urgency, floor, hazards, cut-offs: nested plain values."""
    settings: Mapping[str, Any]
    parameters: Mapping[str, float]
    fit: Mapping[str, Any]
    """How many published patients the weights were fitted on, and for which settings."""
    bands: tuple[tuple[str, str, float], ...]
    sources: Mapping[str, Mapping[str, str]]
    raw: Mapping[str, Any]
    """The rest of the bundle, turned into arrays on first use."""
    read_annotations: Callable[[], Annotations]
    """Opens the public annotations; called once, when a record first states an HPO term."""

    @classmethod
    def from_bundle(
        cls, bundle: Mapping[str, Any], read_annotations: Callable[[], Annotations]
    ) -> Knowledge:
        """Build from the compiled JSON."""
        analytes = {a["id"]: _make(Analyte, a) for a in bundle["analytes"]}
        return cls(
            version=bundle["version"],
            fingerprint=bundle["fingerprint"],
            hpo_version=bundle["hpo_version"],
            annotation_release=bundle["annotation_release"],
            analytes=analytes,
            loinc={c["code"]: _make(LoincCode, c) for c in bundle["loinc"]},
            findings={f["id"]: _make(FindingInfo, f) for f in bundle["findings"]},
            conditions=tuple(_make(ConditionInfo, c) for c in bundle["conditions"]),
            tests=tuple(_make(TestInfo, t) for t in bundle["tests"]),
            treatments=tuple(_make(TreatmentMap, t) for t in bundle["treatments"]),
            windows=tuple(_make(SupportWindow, w) for w in bundle["windows"]),
            rules=bundle["rules"],
            settings=bundle["settings"],
            parameters=bundle["parameters"],
            fit=bundle["fit"],
            bands=tuple((b[0], b[1], b[2]) for b in bundle["bands"]),
            sources=bundle["sources"],
            raw=bundle["raw"],
            read_annotations=read_annotations,
        )

    # --- lookups for readers -----------------------------------------------------------------

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Column heading, normalized by `normalize_name`, to analyte id."""
        found: dict[str, str] = {}
        for analyte in self.analytes.values():
            for name in (analyte.id, analyte.name, *analyte.names):
                found.setdefault(normalize_name(name), analyte.id)
        return found

    @cached_property
    def condition_codes(self) -> Mapping[str, str]:
        """`ICD10CM:D61.03`, `SNOMED:30575002`, `OMIM:227650`, ... to condition id."""
        codes: dict[str, str] = self.raw["condition_codes"]
        return codes

    @cached_property
    def condition_ids(self) -> frozenset[str]:
        """Every condition id, without the row for something else."""
        return frozenset(c.id for c in self.conditions if c.id != SOMETHING_ELSE)

    @cached_property
    def genes(self) -> Mapping[str, tuple[tuple[int, tuple[str, ...]], ...]]:
        """Gene symbol to (condition index, inheritance modes), one per condition."""
        return {
            gene: tuple((int(i), tuple(modes)) for i, modes in rows)
            for gene, rows in self.raw["genes"].items()
        }

    def findings_of(self, code: str) -> tuple[str, ...]:
        """Give the findings that an observed HPO id or finding id satisfies; empty when none."""
        if code in self.findings and not code.startswith("HP:"):
            return (code,)
        hits: list[str] = self._satisfied.get(code, [])
        return tuple(hits)

    def findings_beneath(self, code: str) -> tuple[str, ...]:
        """Give the findings beneath a broader HPO term: what its exclusion excludes."""
        beneath: list[str] = self.raw["hpo_broader"].get(code, [])
        return tuple(beneath)

    def hpo_status(self, code: str) -> str:
        """Give `used`, `known`, `unknown`, or `obsolete` for an HPO id."""
        if code in self._satisfied or code in self.raw["hpo_broader"]:
            return "used"
        if code in self.raw["hpo_obsolete"]:
            return "obsolete"
        digits = code[3:]
        if len(digits) == 7 and digits.isdigit() and self._is_current(int(digits)):
            return "known"
        return "unknown"

    def hpo_replacement(self, code: str) -> str:
        """Give the replacement of an obsolete HPO id, empty when there is none."""
        replacement: str = self.raw["hpo_obsolete"].get(code, "")
        return replacement

    def _is_current(self, number: int) -> bool:
        starts, ends = self._hpo_ranges
        at = int(np.searchsorted(starts, number, side="right")) - 1
        return at >= 0 and number <= int(ends[at])

    @cached_property
    def _hpo_ranges(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        pairs = [part.partition("-") for part in self.raw["hpo_ids"].split(",")]
        starts = np.array([int(a) for a, _, _ in pairs])
        ends = np.array([int(b or a) for a, _, b in pairs])
        return starts, ends

    @cached_property
    def _satisfied(self) -> Mapping[str, list[str]]:
        satisfied: Mapping[str, list[str]] = self.raw["hpo_findings"]
        return satisfied

    @cached_property
    def annotations(self) -> Annotations:
        """The public HPO annotations of the diseases the conditions stand for."""
        return self.read_annotations()

    # --- arrays for the engine ---------------------------------------------------------------

    @cached_property
    def frequency(self) -> Floats:
        """(conditions, findings): P(finding | condition) as used, after shrinkage and floor."""
        flat = np.frombuffer(binascii.a2b_base64(self.raw["frequency"]), dtype=np.float64)
        return flat.reshape(len(self.conditions), len(self.findings))

    @cached_property
    def log_ratio_present(self) -> Floats:
        """(findings, conditions): natural log likelihood ratio of a present finding.

        Against the background frequency, each ratio held between `ratio_min` and `ratio_max`.
        """
        ratio = self.frequency / np.array(self.raw["background"])
        return self._held(ratio)

    @cached_property
    def log_ratio_absent(self) -> Floats:
        """(findings, conditions): natural log likelihood ratio of an absent finding."""
        ratio = (1 - self.frequency) / (1 - np.array(self.raw["background"]))
        return self._held(ratio)

    def _held(self, ratio: Floats) -> Floats:
        low, high = self.parameters["ratio_min"], self.parameters["ratio_max"]
        return np.ascontiguousarray(np.log(np.clip(ratio, low, high)).T)

    @cached_property
    def lineage_weights(self) -> Floats:
        """(states, conditions): weight of each presentation in a condition; columns sum to 1."""
        return np.array(self.raw["lineage_weights"])

    @cached_property
    def test_outcomes(self) -> Floats:
        """(outcomes of all tests, conditions): P(outcome | condition); see `TestInfo`."""
        return np.array(self.raw["test_outcomes"])

    @cached_property
    def finding_ids(self) -> tuple[str, ...]:
        """Finding ids in column order."""
        return tuple(self.findings)

    def evidence(self, condition: str, finding: str) -> EvidenceInfo | None:
        """Give where the frequency of a finding in a condition comes from; None if not stated."""
        row = self.raw["evidence"].get(condition, {}).get(finding)
        return None if row is None else _make(EvidenceInfo, row)

    def stated_evidence(self, condition: str) -> tuple[str, ...]:
        """Give the findings whose frequency a condition's entry states."""
        return tuple(self.raw["evidence"].get(condition, {}))


def normalize_name(name: str) -> str:
    """Reduce a column heading to letters, digits, `#` and `%`, lower case."""
    return "".join(c for c in name.lower() if c.isalnum() or c in "#%")


def _make(kind: type[Any], row: Mapping[str, Any]) -> Any:
    values = {}
    for field in _field_names(kind):
        value = row[field]
        values[field] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _field_names(kind: type[Any]) -> tuple[str, ...]:
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(f.name for f in fields(kind))
    return names


_FIELDS: dict[type[Any], tuple[str, ...]] = {}
