"""The code systems, statuses and answer codes of FHIR R4 that Hematon understands.

Tables of the standard's own structure, nothing clinical: what a system is called, which statuses
say that a result stands, which codes answer present or absent. Clinical meaning of codes (LOINC
to analyte, HPO to finding, ICD and SNOMED CT to condition) is in the knowledge. Codes were
checked against FHIR 4.0.1 and LOINC 2.8x. The family table (`fhir_family`) says its own sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from hematon.engine.case import Classification, Zygosity

Json = dict[str, Any]

LOINC_URL = "http://loinc.org"
UCUM_URL = "http://unitsofmeasure.org"
HPO_URL = "http://human-phenotype-ontology.org"
HGNC_URL = "http://www.genenames.org"

FINDINGS_URL = "https://hematon.org/findings"
ANALYTES_URL = "https://hematon.org/analytes"
CONDITIONS_URL = "https://hematon.org/conditions"
TREATMENTS_URL = "https://hematon.org/treatments"
METHODS_URL = "https://hematon.org/methods"
CASES_URL = "https://hematon.org/cases"
PUBLICATION_URL = "https://hematon.org/fhir/StructureDefinition/publication"
DATA_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

CONDITION_SYSTEM_URLS = {
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "SNOMED": "http://snomed.info/sct",
    "OMIM": "http://omim.org",
    "ORPHA": "http://www.orpha.net",
    "MONDO": "http://purl.obolibrary.org/obo/mondo.owl",
    "ATC": "http://www.whocc.no/atc",
}

_SYSTEMS = {
    "loinc.org": "LOINC",
    "urn:oid:2.16.840.1.113883.6.1": "LOINC",
    "unitsofmeasure.org": "UCUM",
    "urn:oid:2.16.840.1.113883.6.8": "UCUM",
    "human-phenotype-ontology.org": "HPO",
    "purl.obolibrary.org/obo/hp.owl": "HPO",
    "purl.obolibrary.org/obo/hp.fhir": "HPO",
    "purl.obolibrary.org/obo/hp": "HPO",
    "snomed.info/sct": "SNOMED",
    "urn:oid:2.16.840.1.113883.6.96": "SNOMED",
    "hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "urn:oid:2.16.840.1.113883.6.90": "ICD10CM",
    "hl7.org/fhir/sid/icd-10": "ICD10CM",
    "urn:oid:2.16.840.1.113883.6.3": "ICD10CM",
    "omim.org": "OMIM",
    "urn:oid:2.16.840.1.113883.6.174": "OMIM",
    "orpha.net": "ORPHA",
    "orphanet.org": "ORPHA",
    "orpha.net/ordo": "ORPHA",
    "purl.obolibrary.org/obo/mondo.owl": "MONDO",
    "purl.obolibrary.org/obo/mondo": "MONDO",
    "whocc.no/atc": "ATC",
    "urn:oid:2.16.840.1.113883.6.73": "ATC",
    "nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "hematon.org/findings": "FINDING",
    "hematon.org/analytes": "ANALYTE",
    "hematon.org/conditions": "CONDITION",
    "hematon.org/treatments": "TREATMENT",
    "hematon.org/methods": "METHOD",
}
_LONGEST_SYSTEM = 120

LOINC_CODE = re.compile(r"\d{1,7}-\d")
HPO_CODE = re.compile(r"(?:https?://purl\.obolibrary\.org/obo/)?(HP[:_])?(\d{7})")
_PREFIX = re.compile(r"(?:OMIM|MIM|ORPHA|ORPHANET|MONDO)[:_]", re.IGNORECASE)

RESULT_STATUS = frozenset(("preliminary", "final", "amended", "corrected", "appended", "partial"))
"""Statuses of an Observation or a DiagnosticReport whose content stands."""
WITHDRAWN_STATUS = frozenset(("registered", "cancelled", "entered-in-error", "unknown"))
NOT_GIVEN_STATUS = frozenset(
    ("not-taken", "not-done", "entered-in-error", "cancelled", "draft", "intended", "preparation")
)
"""Statuses of a medication or a procedure that was not given or not done."""
NOT_HAPPENED_INTENT = frozenset(("proposal", "plan", "option"))
ABSENT_REASONS = frozenset(
    (
        "unknown",
        "asked-unknown",
        "temp-unknown",
        "not-asked",
        "asked-declined",
        "masked",
        "not-applicable",
        "unsupported",
        "as-text",
        "error",
        "not-a-number",
        "negative-infinity",
        "positive-infinity",
        "not-performed",
        "not-permitted",
    )
)

AGE_LOINCS = frozenset(("30525-0", "21612-7", "29553-5"))
"""Age; age as reported; age as calculated."""
TEMPERATURE_LOINCS = frozenset(
    ("8310-5", "8331-1", "8332-9", "8328-7", "8329-5", "8333-7", "75539-7")
)
"""Body temperature, and by site: mouth, rectum, axilla, core, ear drum, temporal artery."""
SMEAR_LOINCS = frozenset(("5909-7", "18314-5", "11156-7", "14869-2"))
"""Blood smear finding, morphology of blood, of leukocytes, pathologist's review of a smear."""
VARIANT_LOINCS = frozenset(("69548-6", "81252-9"))
GENE_LOINC = "48018-6"
SIGNIFICANCE_LOINC = "53037-8"
ALLELIC_STATE_LOINC = "53034-5"
VARIANT_NAME_LOINCS = ("81252-9", "48004-6", "48005-3")
"""Discrete variant, DNA change and amino acid change."""

PRESENT_CODES = frozenset(("SNOMED:373066001", "LOINC:LA33-6"))
"""Yes in SNOMED CT and LOINC, beside `words.POSITIVE_CODES`."""
ABSENT_CODES = frozenset(("SNOMED:373067005", "LOINC:LA32-8"))
"""No, likewise."""
PRESENT_INTERPRETATIONS = frozenset(("POS", "DET", "RR", "WR"))
"""v3-ObservationInterpretation. Its `N` is normal and its `A` abnormal: neither answers."""
ABSENT_INTERPRETATIONS = frozenset(("NEG", "ND", "NR"))
NOT_CALLED_CODES = frozenset(("SNOMED:260415000", "LOINC:LA9634-2", "LOINC:LA18198-4"))
"""A variant looked for and absent, or not called."""

CLASSIFICATIONS: dict[str, Classification] = {
    "LA6668-3": "pathogenic",
    "LA26332-9": "likely_pathogenic",
    "LA26333-7": "uncertain",
    "LA26334-5": "likely_benign",
    "LA6675-8": "benign",
    "pathogenic": "pathogenic",
    "likely pathogenic": "likely_pathogenic",
    "pathogenic/likely pathogenic": "likely_pathogenic",
    "uncertain": "uncertain",
    "uncertain significance": "uncertain",
    "variant of uncertain significance": "uncertain",
    "variant of unknown significance": "uncertain",
    "vus": "uncertain",
    "likely benign": "likely_benign",
    "benign": "benign",
}
ZYGOSITIES: dict[str, Zygosity] = {
    "LA6706-1": "heterozygous",
    "LA6705-3": "homozygous",
    "LA6707-9": "hemizygous",
    "heterozygous": "heterozygous",
    "het": "heterozygous",
    "homozygous": "homozygous",
    "hom": "homozygous",
    "hemizygous": "hemizygous",
    "compound": "compound",
    "compound heterozygous": "compound",
    "mosaic": "mosaic",
    "heteroplasmic": "mosaic",
    "LA6703-8": "mosaic",
}

DAYS_PER_UNIT: dict[str, float] = {
    **dict.fromkeys(("a", "y", "yr", "yrs", "year", "years"), 365.25),
    **dict.fromkeys(("mo", "mon", "month", "months"), 30.4375),
    **dict.fromkeys(("wk", "w", "week", "weeks"), 7.0),
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1 / 24),
    **dict.fromkeys(("min", "minute", "minutes"), 1 / 1440),
}

_RESOURCE_TYPE_NAMES = """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse
    AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement
    CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse
    ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition
    Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
    CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest
    DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference
    EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
    EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
    FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService
    ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation
    ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure
    MeasureReport Media Medication MedicationAdministration MedicationDispense
    MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct MessageDefinition
    MessageHeader MolecularSequence NamingSystem NutritionOrder Observation
    ObservationDefinition OperationDefinition OperationOutcome Organization
    OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person
    PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire
    QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition
    ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis
    Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition
    StructureMap Subscription Substance SubstanceSpecification SupplyDelivery SupplyRequest Task
    TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
"""
RESOURCE_TYPES = frozenset(_RESOURCE_TYPE_NAMES.split())
"""Only these are named in a message: any other text in `resourceType` may be anything."""


class Coded(NamedTuple):
    """One coding: `system` is our short name, empty when none is stated, `?` when unknown."""

    system: str
    code: str
    display: str


def codings(concept: Json) -> Iterator[Coded]:
    """Give the codings of a CodeableConcept that are usable, whatever else stands there."""
    listed = concept.get("coding")
    if not isinstance(listed, list):
        return
    for coding in listed:
        if not isinstance(coding, dict):
            continue
        code, display = coding.get("code"), coding.get("display")
        coded = Coded(
            system_name(coding.get("system")),
            code.strip() if isinstance(code, str) and len(code) <= _LONGEST_SYSTEM else "",
            display if isinstance(display, str) else "",
        )
        if coded.code or coded.display:
            yield coded


def system_name(url: object) -> str:
    """Give our short name of a code system, empty when none is stated, `?` when unknown."""
    if not url:
        return ""
    if not isinstance(url, str) or len(url) > _LONGEST_SYSTEM:
        return "?"
    return _system_name(url)


@lru_cache(maxsize=1024)
def _system_name(url: str) -> str:
    plain = re.sub(r"^https?://(?:www\.)?", "", url.strip().lower()).rstrip("/")
    if plain.startswith("snomed.info/sct/"):
        return "SNOMED"  # an edition of SNOMED CT
    return _SYSTEMS.get(plain, "?")


def hpo_id(coded: Coded) -> str:
    """Give the HPO id of a coding as `HP:0001744`, empty when it is none.

    The prefix is proof enough, whatever system is stated; without it the system has to be HPO's.
    """
    match = HPO_CODE.fullmatch(coded.code)
    if match is None or (coded.system != "HPO" and not match[1]):
        return ""
    return f"HP:{match[2]}"


def disease_code(coded: Coded) -> tuple[str, str]:
    """Give a coding as the knowledge writes it: no prefix, and ICD-10 with its dot."""
    code = _PREFIX.sub("", coded.code)
    if coded.system == "ICD10CM":
        code = code.upper()
        if len(code) > 3 and "." not in code:
            code = f"{code[:3]}.{code[3:]}"
    return coded.system, code
