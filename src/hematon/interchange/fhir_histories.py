"""Read what is not a result: the patient, diagnoses, reports, medications and procedures.

What a diagnosis or a drug means is looked up by `Intake`; here is decided which of them are
stated of the patient at all: not those withdrawn, refuted, only considered, planned or not given.
"""

from __future__ import annotations

import re

from hematon.engine.case import Treatment
from hematon.interchange.fhir_codes import (
    CASES_URL,
    NOT_GIVEN_STATUS,
    NOT_HAPPENED_INTENT,
    PUBLICATION_URL,
    Coded,
    Json,
    codings,
    disease_code,
    hpo_id,
)
from hematon.interchange.fhir_record import Record
from hematon.interchange.intake import MAX_TEXT

_LONGEST_ID = 64
"""Of an id in FHIR R4."""
_OVER = frozenset(("inactive", "remission", "resolved"))
_UNCERTAIN = frozenset(("provisional", "differential", "unconfirmed"))
_OF_OTHERS = re.compile(
    r"\?|\b(?:family|fh|mother|father|sibling|brother|sister|maternal|paternal|screening|suspected|"
    r"rule|risk|exclude[ds]?|carrier|trait|possible|query|no|not|without|negative|concern|fear)\b"
)
"""A diagnosis in words is believed only when none of these stands beside it."""

_NOT_DONE_YET = re.compile(
    r"\b(?:education|counsel\w*|referral|refer|evaluation|consult\w*|planning|planned|assessment|"
    r"work-?up|follow-?up|donor|donation|harvest\w*|declined|refused|no|not)\b"
)
"""A procedure in words is believed only when none of these stands beside it; codes need none."""


def patient(record: Record, resource: Json, where: str) -> None:
    """Take id, sex and date of birth; name, address and all else are not looked at."""
    intake = record.intake
    own = ""
    for at, identifier in record.objects(resource, "identifier", where):
        if identifier.get("system") == CASES_URL:
            own = record.text(identifier, "value", at)[:MAX_TEXT]
    stated = own or record.text(resource, "id", where)
    if len(stated) > _LONGEST_ID and not own:
        intake.warn("too-large", f"{where}/id", "the id is longer than FHIR allows; it is cut")
        stated = stated[:_LONGEST_ID]
    intake.case_id = intake.case_id or stated
    gender = record.text(resource, "gender", where).lower()
    if intake.sex is None and gender in ("male", "female"):
        intake.sex = "male" if gender == "male" else "female"
    born = record.text(resource, "birthDate", where)
    if born:
        at = f"{where}/birthDate"
        day = record.day(born, at, "date of birth")
        if day is not None and intake.today is not None and day > intake.today:
            intake.error(
                "date-in-future",
                at,
                "the date of birth lies in the future",
                "correct the date of birth",
            )
        elif intake.birth_date is None:
            intake.birth_date = day
        elif day is not None and day != intake.birth_date:
            intake.error(
                "mixed-patients",
                at,
                "two Patient resources with one id state different "
                "dates of birth; the first is used",
                "send one of the two",
            )
    for at, extension in record.objects(resource, "extension", where):
        if extension.get("url") == PUBLICATION_URL:
            named = record.text(extension, "valueString", at)[:MAX_TEXT]
            intake.publications += [named] if named else []


def condition(record: Record, resource: Json, where: str) -> None:
    """Take a Condition: a finding when HPO-coded, else a diagnosis, present or refuted."""
    statuses = _codes_of(resource.get("verificationStatus"))
    if "entered-in-error" in statuses:
        record.tally(
            "status-not-final",
            f"{where}/verificationStatus",
            "Condition entered in error: it is dropped",
        )
        return
    concept = record.an_object(resource, "code", where)
    if concept is None:
        record.tally("missing-field", where, "a Condition has no code")
        return
    refuted = "refuted" in statuses
    age, _ = record.span(resource, "onset", where, "recordedDate", "assertedDate")
    doubtful = not _UNCERTAIN.isdisjoint(statuses)
    over = not refuted and not _OVER.isdisjoint(_codes_of(resource.get("clinicalStatus")))
    _stated(record, concept, where, age, refuted, doubtful, over)


def _stated(
    record: Record,
    concept: Json,
    where: str,
    age: int | None,
    refuted: bool,
    uncertain: bool,
    over: bool = False,
) -> None:
    coded = list(codings(concept))
    text = _plain_text(concept, coded)
    terms = [c for c in coded if hpo_id(c)]
    if terms:
        first = terms[0]
        label = concept.get("text")
        record.intake.finding(
            hpo_id(first),
            not refuted,
            where,
            age_days=age,
            label=label if isinstance(label, str) else first.display,
        )
        if uncertain:
            record.tally("condition-not-used", where, "a finding is not confirmed; it is used")
        return
    if uncertain:
        record.tally(
            "condition-not-used",
            where,
            "a diagnosis is not confirmed; it is not used",
            "send verificationStatus confirmed once it is",
        )
        return
    if over:
        record.tally(
            "condition-not-used",
            where,
            "a diagnosis is over; it does not explain the counts now and is not used",
        )
        return
    own = [
        c.code
        for c in coded
        if c.system == "CONDITION" and c.code in record.knowledge.condition_ids
    ]
    intake = record.intake
    for key in own:
        kept = intake.excluded_conditions if refuted else intake.recorded_conditions
        if key not in kept:
            kept.append(key)
    if not own:
        intake.condition(
            [disease_code(c) for c in coded], text, where, refuted=refuted, age_days=age
        )


def _plain_text(concept: Json, coded: list[Coded]) -> str:
    text = concept.get("text")
    said = [text] if isinstance(text, str) else []
    said += [c.display for c in coded if c.display]
    words = " / ".join(dict.fromkeys(s[:MAX_TEXT] for s in said))[:MAX_TEXT]
    return "" if _OF_OTHERS.search(words.lower()) else words


def _codes_of(value: object) -> frozenset[str]:
    """Give the codes of a status; before R4 it was a bare code."""
    if isinstance(value, str):
        return frozenset((value,))
    return frozenset(c.code for c in codings(value)) if isinstance(value, dict) else frozenset()


def report(record: Record, resource: Json, where: str) -> None:
    """Take the coded conclusions of a DiagnosticReport; its results are read for themselves."""
    if not record.stands(resource, where):
        return
    age, _ = record.span(resource, "effective", where, "issued")
    for at, concept in record.objects(resource, "conclusionCode", where):
        _stated(record, concept, at, age, refuted=False, uncertain=False)


def medication(record: Record, resource: Json, where: str) -> None:
    """Take a medication as stated, asked for or given."""
    if not _was_given(record, resource, where):
        return
    concepts = _medication_concepts(record, resource, where)
    start, end = record.span(resource, "effective", where, "authoredOn")
    if not _treated(record, concepts, where, start, end):
        record.tally(
            "medication-not-used",
            where,
            f"{resource['resourceType']}: nothing depends on the medication",
        )


def procedure(record: Record, resource: Json, where: str) -> None:
    """Take a procedure that was done: a transfusion, a transplant."""
    if not _was_given(record, resource, where):
        return
    concept = record.an_object(resource, "code", where)
    start, end = record.span(resource, "performed", where)
    if not _treated(record, [concept] if concept else [], where, start, end):
        record.tally("resource-not-used", where, "Procedure: nothing depends on it")


def _was_given(record: Record, resource: Json, where: str) -> bool:
    status, intent = resource.get("status"), resource.get("intent")
    not_done = resource.get("doNotPerform") is True or resource.get("notTaken") == "y"
    if not not_done and not (
        (isinstance(status, str) and status in NOT_GIVEN_STATUS)
        or (isinstance(intent, str) and intent in NOT_HAPPENED_INTENT)
    ):
        return True
    record.tally(
        "status-not-final",
        where,
        f"{resource['resourceType']} that was not given or not done: it is dropped",
    )
    return False


def _medication_concepts(record: Record, resource: Json, where: str) -> list[Json]:
    concept = record.an_object(resource, "medicationCodeableConcept", where)
    concepts = [] if concept is None else [concept]
    reference = record.an_object(resource, "medicationReference", where)
    if reference is None:
        return concepts
    display, named = reference.get("display"), reference.get("reference")
    if isinstance(display, str):
        concepts.append({"text": display})
    target = _contained(resource, named) if isinstance(named, str) else None
    if target is None and isinstance(named, str):
        target = record.find(named)
    if target is not None:
        at = f"{where}/medicationReference"
        code = record.an_object(target, "code", at)
        concepts += [] if code is None else [code]
        for _, ingredient in record.objects(target, "ingredient", at):
            item = ingredient.get("itemCodeableConcept")
            concepts += [item] if isinstance(item, dict) else []
    return concepts


def _contained(resource: Json, named: str) -> Json | None:
    if not named.startswith("#"):
        return None
    listed = resource.get("contained")
    for inner in listed if isinstance(listed, list) else ():
        if isinstance(inner, dict) and inner.get("id") == named[1:]:
            return inner
    return None


def _treated(
    record: Record, concepts: list[Json], where: str, start: int | None, end: int | None
) -> bool:
    coded = [c for concept in concepts for c in codings(concept)]
    own = next((c for c in coded if c.system == "TREATMENT"), None)
    if own is not None:
        kind = next((t.kind for t in record.knowledge.treatments if t.kind == own.code), None)
        if kind is not None:
            # A kind of the knowledge is one of TreatmentKind: records.py checks it.
            record.intake.treatments.append(Treatment(kind, start, end, where))  # type: ignore[arg-type]
            return True
    said = [c.get("text") for c in concepts] + [c.display for c in coded]
    text = " / ".join(dict.fromkeys(s[:MAX_TEXT] for s in said if isinstance(s, str) and s))
    if _NOT_DONE_YET.search(text.lower()):
        text = ""
    codes = list(dict.fromkeys((c.system, c.code) for c in coded))
    return record.intake.treatment(text[:MAX_TEXT], where, codes=codes, start=start, end=end)


def medication_itself(record: Record, resource: Json, where: str) -> None:
    """Take nothing: a Medication says what it is, those who refer to it say who got it."""
