"""The shape of every knowledge file: the only schema there is.

Each class mirrors one file or one entry under `knowledge/data`. Files are checked strictly and
unknown keys are refused, so a misspelled key is an error at load and never a silent default.
Their JSON Schema for an editor is `docs/reference/knowledge.schema.json`.

These classes are used when the files are read (`load.py`) and checked (`checks.py`). A running
assessment sees only the compiled form (`compiled.py`), which needs neither pydantic nor YAML.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Grade = Literal["counted", "named_source", "expert", "derived"]
"""How sure a number is: counted n of N in a source; stated in a named source; expert estimate
(or adjusted away from a cited number); derived from other numbers of the same entry."""

ReadStatus = Literal["retrieved", "recalled", "expert"]
Category = Literal[
    "inherited",
    "inherited_thrombocytopenia",
    "acquired_bmf",
    "clonal",
    "mimic",
    "neonatal",
    "benign_variant",
]
Level = Literal["E", "U24", "U72", "S2", "R", "none"]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Record(BaseModel):
    """Base: strict, frozen, no unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


# --- sources ---------------------------------------------------------------------------------


class Source(Record):
    """A citation and how far it was read."""

    id: str
    citation: str
    pmid: str | None = None
    doi: str | None = None
    status: ReadStatus
    read: str | None = None


class SourcesFile(Record):
    """`sources.yaml`."""

    sources: list[Source]


# --- analytes and limits ---------------------------------------------------------------------


class Loinc(Record):
    """A laboratory code and how it maps to the analyte."""

    code: str
    name: str
    use: Literal["primary", "alternate", "component", "exclude"]
    unit: str | None = None
    specimen: str | None = None
    method: str | None = None
    note: str | None = None


class Plausible(Record):
    """Beyond these, in the analyte's unit, a number is a question back to the sender."""

    low: float
    high: float


class MolarFactor(Record):
    """How an amount-of-substance or mass unit of another kind converts to the analyte's unit."""

    unit: str
    factor: float
    note: str | None = None


class Analyte(Record):
    """Something a laboratory measures."""

    id: str
    name: str
    unit: str | None
    scale: Literal["linear", "log"] = "linear"
    decimals: int = 1
    plausible: Plausible | None = None
    other_units: list[MolarFactor] = []
    names: list[str] = []
    loinc: list[Loinc] = []
    positive_finding: str | None = None
    valid_days: int = 90
    part_of_count: bool = False
    note: str | None = None


class AnalytesFile(Record):
    """`analytes.yaml`."""

    analytes: list[Analyte]


class IntervalBand(Record):
    """Reference limits over one band of ages, both ends inclusive, in completed days."""

    sex: Literal["any", "female", "male"]
    population: Literal["any", "duffy_any", "duffy_null"]
    age_min_days: int
    age_max_days: int
    lower: float
    median: float
    upper: float
    kind: Literal[
        "mean+-2SD",
        "2.5-97.5",
        "~95% range",
        "95% range",
        "5th pct (lower)",
        "observed range",
        "expert",
    ]
    grade: Grade
    source: list[str]
    note: str | None = None


class IntervalsFile(Record):
    """`reference_intervals/<analyte>.yaml`."""

    analyte: str
    unit: str
    edition: str
    reviewed: date
    bands: list[IntervalBand]


class CutoffStep(Record):
    """One step of a cut-off ladder. Ages in completed days, half-open [from, to)."""

    from_days: int
    to_days: int | None
    sex: Literal["any", "female", "male"] = "any"
    value: float
    grade: Grade
    source: list[str]
    note: str | None = None


class Cutoff(Record):
    """A named limit that steps with age, for a rule that a guideline states in steps."""

    id: str
    analyte: str
    unit: str
    population: Literal["any", "duffy_null"] = "any"
    steps: list[CutoffStep]


class CutoffsFile(Record):
    """`cutoffs.yaml`."""

    edition: str
    reviewed: date
    cutoffs: list[Cutoff]


# --- criteria --------------------------------------------------------------------------------


class Criterion(Record):
    """One node of a rule, evaluated to yes, no or unknown.

    Exactly one kind of key is set: a combination (`all`, `any`, `not`, `at_least` with `of`) or
    a leaf (`analyte`, `finding`, `lineage`, `lineages_low`, `age_from_days`/`age_to_days`,
    `sex`, `fact`, `definition`, `recorded`).
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)

    all: list[Criterion] | None = None
    any: list[Criterion] | None = None
    not_: Criterion | None = Field(default=None, alias="not")
    at_least: int | None = None
    of: list[Criterion] | None = None
    analyte: str | None = None
    below: float | None = None
    at_most: float | None = None
    above: float | None = None
    from_: float | None = Field(default=None, alias="from")
    below_limit: float | None = None
    above_limit: float | None = None
    below_cutoff: str | None = None
    above_lab_limit: float | None = None
    below_lab_limit: float | None = None
    finding: str | None = None
    lineage: Literal["red", "white", "platelet"] | None = None
    lineages_low: int | None = None
    lineages_low_exactly: int | None = None
    age_from_days: int | None = None
    age_to_days: int | None = None
    sex: Literal["male", "female"] | None = None
    fact: str | None = None
    definition: str | None = None
    recorded: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Criterion:
        kinds = [
            self.all is not None,
            self.any is not None,
            self.not_ is not None,
            self.at_least is not None or self.of is not None,
            self.analyte is not None,
            self.finding is not None,
            self.lineage is not None,
            self.lineages_low is not None,
            self.lineages_low_exactly is not None,
            self.age_from_days is not None or self.age_to_days is not None,
            self.sex is not None,
            self.fact is not None,
            self.definition is not None,
            self.recorded is not None,
        ]
        if sum(kinds) != 1:
            raise ValueError("a criterion has exactly one kind of key")
        if (self.at_least is None) != (self.of is None):
            raise ValueError("at_least needs of, and of needs at_least")
        comparisons = [
            self.below,
            self.at_most,
            self.above,
            self.from_,
            self.below_limit,
            self.above_limit,
            self.below_cutoff,
            self.above_lab_limit,
            self.below_lab_limit,
        ]
        wanted = 1 if self.analyte is not None else 0
        if sum(c is not None for c in comparisons) != wanted:
            raise ValueError("an analyte criterion has exactly one comparison, others have none")
        return self


class Definition(Record):
    """A named reading of the counts, such as macrocytosis, used by rules and findings."""

    id: str
    name: str
    when: Criterion
    unless: Criterion | None = None
    text: str
    grade: Grade
    source: list[str]


class DefinitionsFile(Record):
    """`definitions.yaml`."""

    edition: str
    reviewed: date
    definitions: list[Definition]


class SeverityCriterion(Record):
    """One named grade or set of criteria."""

    id: str
    group: str
    name: str
    when: Criterion
    unless: Criterion | None = None
    text: str
    grade: Grade
    source: list[str]
    needs_marrow: bool = False


class SeverityFile(Record):
    """`severity/<criteria>_<year>.yaml`."""

    criteria: str
    edition: str
    reviewed: date
    rules: list[SeverityCriterion]


class UrgencyRule(Record):
    """A red flag or time-to-act rule. May use counts, findings and facts, never a posterior."""

    id: str
    level: Level
    name: str
    when: Criterion
    unless: Criterion | None = None
    text: str
    act: str
    confirm: str | None = None
    confirmed_by: str | None = None
    grade: Grade
    source: list[str]


class UrgencyFile(Record):
    """`urgency.yaml`: highest matching rule wins."""

    edition: str
    reviewed: date
    rules: list[UrgencyRule]


class FloorRule(Record):
    """Conditions always shown when the counts look like this, whatever their posterior."""

    id: str
    name: str
    when: Criterion
    unless: Criterion | None = None
    conditions: list[str]


class FloorExclusion(Record):
    """The recorded result that lets a condition leave the always-show list."""

    condition: str
    when: Criterion
    text: str


class FloorFile(Record):
    """`safety_floor.yaml`."""

    edition: str
    reviewed: date
    grade: Grade
    source: list[str]
    rules: list[FloorRule]
    exclusions: list[FloorExclusion]


class Hazard(Record):
    """A treatment that can harm while a condition is not excluded."""

    id: str
    text: str
    conditions: list[str]
    when: Criterion | None = None
    unless: Criterion | None = None
    test: str | None = None
    grade: Grade
    source: list[str]


class HazardsFile(Record):
    """`hazards.yaml`."""

    edition: str
    reviewed: date
    hazards: list[Hazard]


# --- findings, conditions, tests -------------------------------------------------------------


class FindingEntry(Record):
    """A finding the model can use, with how common it is without the condition.

    `background` is its frequency among children first seen with an unexplained cytopenia,
    `general_population` among all children. `only_sex` and `only_from_days` say of whom it can be
    asked at all.
    """

    id: str
    kind: Literal["phenotype", "lab", "marrow", "test", "pattern", "exposure", "history", "sign"]
    name: str
    hpo: str | None = None
    also_hpo: list[str] = []
    definition: str | None = None
    background: Probability | None = None
    general_population: Probability | None = None
    group: str | None = None
    only_sex: Literal["female", "male"] | None = None
    only_from_days: int = 0
    when: Criterion | None = None
    unless: Criterion | None = None
    grade: Grade = "expert"
    source: list[str] = []


class FindingsFile(Record):
    """`findings.yaml`."""

    reviewed: date
    findings: list[FindingEntry]


class Gene(Record):
    """A gene and how its disease is inherited: AD, AR, XL, MT, SOM (somatic)."""

    symbol: str
    modes: list[Literal["AD", "AR", "XL", "MT", "SOM"]]


class ConditionCode(Record):
    """A code of the condition in another system."""

    system: Literal["OMIM", "ORPHA", "MONDO", "ICD10CM", "SNOMED"]
    code: str
    name: str | None = None


class Prior(Record):
    """New children per million child-years first seen with a cytopenia from this cause."""

    value: float
    unit: Literal["per million child-years"]
    grade: Grade
    source: list[str]


class AgeAtPresentation(Record):
    """Age when first seen, years."""

    median: float
    p5: float
    p95: float
    grade: Grade
    source: list[str]


class SexRatio(Record):
    """Share of boys among children with the condition; `text` is what the source says."""

    male_fraction: Probability
    text: str
    grade: Grade


class Presentation(Record):
    """How it looks when first seen, in words, for the reader of the entry."""

    lineages: str | None = None
    mcv: str | None = None
    hbf: str | None = None
    reticulocytes: str | None = None
    marrow: str | None = None
    cancer_risk: str | None = None


class Evidence(Record):
    """How often a finding is present in this condition at presentation."""

    finding: str
    frequency: Probability
    basis: str
    n: int | None = None
    of: int | None = None
    grade: Grade
    source: list[str]
    note: str | None = None


class Condition(Record):
    """`conditions/<id>.yaml`: one cause of cytopenia."""

    id: str
    name: str
    synonyms: list[str]
    category: Category
    never_miss: bool
    codes: list[ConditionCode]
    inheritance: str | None
    genes: list[Gene]
    incidence: str | None
    prior: Prior
    age: AgeAtPresentation
    sex: SexRatio
    ancestry: str | None
    presentation: Presentation
    gate: Criterion | None
    note: str | None
    reviewed: date
    evidence: list[Evidence]


class Test(Record):
    """A test, what it finds and what to beware of.

    What a result tells is what its findings tell: `outcomes` are the findings it can show, the
    first that is present naming the outcome; without them `finding` alone. The test is done when
    all of `done_when`, all of its outcomes or any of `done_by` is known. `sensitivity` and
    `specificity` are for the reader; the model uses the frequencies of the findings.
    A `planning` test (HLA typing, donor work-up) prepares treatment and tells no conditions apart.
    """

    id: str
    name: str
    loinc: list[str]
    tier: int
    tier_when: str | None
    specimen: str
    positive: str | None
    rules_in: str | None
    rules_out: str | None
    conditions: list[str]
    sensitivity: Probability | None
    specificity: Probability | None
    invasiveness: Literal["none", "blood", "imaging", "skin", "marrow", "lumbar_puncture"]
    before_transfusion: bool
    turnaround_days: float
    turnaround: str
    pitfalls: str | None
    finding: str | None
    outcomes: list[str] = []
    done_when: list[str] = []
    done_by: list[str] = []
    planning: bool = False
    grade: Grade
    source: list[str]


class TestsFile(Record):
    """`tests.yaml`."""

    reviewed: date
    tests: list[Test]


# --- treatments, settings, model -------------------------------------------------------------


class TreatmentMap(Record):
    """Words and codes by which a treatment or exposure is recognised in a record."""

    kind: (
        Literal[
            "red_cell_transfusion",
            "platelet_transfusion",
            "g_csf",
            "steroid",
            "ivig",
            "chemotherapy",
            "transplant",
            "eltrombopag",
        ]
        | None
    ) = None
    finding: str | None = None
    names: list[str] = []
    snomed: list[str] = []
    atc: list[str] = []
    source: list[str]
    note: str | None = None


class SupportWindow(Record):
    """How long a treatment makes a count unfit to judge by itself."""

    kind: str
    analytes: list[str]
    days: int
    effect: Literal["supported", "blocked"]
    text: str
    grade: Grade
    source: list[str]


class TreatmentsFile(Record):
    """`treatments.yaml`."""

    reviewed: date
    maps: list[TreatmentMap]
    windows: list[SupportWindow]


class Setting(Record):
    """Who is being assessed: what multiplies the prior of each condition.

    `prior_exponent` is the power the incidence is raised to: 1 for those who come by themselves,
    less where rare causes are looked for and what is common was sorted out before. None, for it or
    the share of something else, takes the fitted one.
    """

    id: str
    name: str
    text: str
    multipliers: dict[str, float]
    prior_exponent: Probability | None
    something_else_share: Probability | None
    grade: Grade
    source: list[str]


class SettingsFile(Record):
    """`settings.yaml`."""

    reviewed: date
    default: str
    settings: list[Setting]


class Parameter(Record):
    """One number of the model, with where it comes from."""

    value: float
    text: str
    grade: Grade
    source: list[str]


class Emission(Record):
    """Density of a measured analyte in one state: Student t of `on`, heavy tails.

    `on` is `z` (standard deviations from the median for age and sex) or `ln` (natural log of
    the value in the analyte's unit).
    """

    on: Literal["z", "ln"]
    location: float
    scale: float


class ChannelState(Record):
    """One state of a measured analyte, and the finding whose frequency gives its weight."""

    id: str
    finding: str | None
    emission: Emission


class Channel(Record):
    """An analyte whose number is used as a density, not only as above or below a limit."""

    analyte: str
    states: list[ChannelState]
    text: str
    grade: Grade
    source: list[str]


class LineageChannel(Record):
    """A lineage: its analyte, the state meaning not low, and the low states by depth."""

    lineage: Literal["red", "white", "platelet"]
    analyte: str
    not_low: list[ChannelState]
    low: list[ChannelState]
    grade: Grade
    source: list[str]


class Band(Record):
    """Wording band of the differential: posterior at least `from`."""

    id: str
    name: str
    at_least: Probability


class VariantWeight(Record):
    """Likelihood ratio of a reported variant in a gene of the condition."""

    classification: Literal[
        "pathogenic", "likely_pathogenic", "uncertain", "likely_benign", "benign", "unknown"
    ]
    complete: float
    incomplete: float


class ModelFile(Record):
    """`model.yaml`: every number of the likelihood model that is not a clinical frequency."""

    reviewed: date
    parameters: dict[str, Parameter]
    undamped_groups: list[str]
    lineages: list[LineageChannel]
    channels: list[Channel]
    bands: list[Band]
    variants: list[VariantWeight]
    variants_grade: Grade
    variants_source: list[str]


class FittedParameter(Record):
    """One number of the model that was fitted, and what it does."""

    value: float
    text: str


class FittedFile(Record):
    """`fitted.yaml`: parameters learned from published patients, written by `make fit`.

    `cases` and `publications` say what they were fitted on, `loss` the mean log loss per case in
    nats: of the fit itself, and of cases whose publication the fit did not see.
    """

    command: str
    cases: int
    publications: int
    loss: float
    loss_held_out: float
    parameters: dict[str, FittedParameter]


class AnnotationRelease(Record):
    """`annotations/release.yaml`: which releases the annotation tables were made from."""

    hpo: str
    annotations: str
    diseases_in_background: int
    citation: str


class HpoFile(Record):
    """`hpo.yaml`: the part of the ontology the findings need, made by `tools/compile_hpo.py`."""

    version: str
    citation: str
    findings: dict[str, list[str]]
    broader: dict[str, list[str]]
    obsolete: dict[str, str]
    ids: str
