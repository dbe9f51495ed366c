"""Read GA4GH phenopackets, version 2, as JSON: one, a family, a cohort, an array or one per line.

Decides which part of a packet says what about the child: features are findings, measurements are
results, medical actions are treatments, interpretations are reported variants, diseases are
recorded or excluded diagnoses. Decides nothing about the codes themselves; `Intake` looks them up.

Which age is the child's. `Case.age_days` is the age the counts and the prior are judged at:

- A packet with measurements is a record: the age is the time at last encounter.
- A packet without measurements is a description of a patient, often seen again years after the
  illness began: the age is the earliest onset of a disease, when the packet gives one, and never
  later than the last encounter. A warning says so.
- Without either, the age of the latest measurement, else of the earliest observed feature, is
  used, and a warning says which.

Findings and results keep ages of their own. Terms and ids that begin with `HEMATON:` are Hematon's
own finding, analyte, treatment and condition ids, for what no public code says.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

import orjson

from hematon.engine.case import Case
from hematon.engine.intervals import MAX_AGE_DAYS
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange.intake import Intake
from hematon.interchange.node import Node
from hematon.interchange.phenopacket_family import read_family
from hematon.interchange.phenopacket_results import (
    OWN,
    mark_compound,
    read_action,
    read_interpretation,
    read_measurement,
)
from hematon.interchange.phenopacket_time import Span, read_date, read_time
from hematon.interchange.phenopacket_write import write
from hematon.knowledge import Knowledge

__all__ = ["read", "read_many", "sniff", "write"]

SEXES = ("UNKNOWN_SEX", "FEMALE", "MALE", "OTHER_SEX")
_MARKS = (
    "subject",
    "phenotypicFeatures",
    "phenotypic_features",
    "medicalActions",
    "medical_actions",
    "metaData",
    "meta_data",
    "proband",
    "members",
)
_HPO_ID = re.compile(r"(?:\S*/)?HP[:_](\d{7})", re.IGNORECASE | re.ASCII)
_RELEASE = re.compile(r"\S*?(\d{4}-\d{2}-\d{2})\S*", re.ASCII)
_DISEASE_PREFIXES = {
    "OMIM": "OMIM",
    "MIM": "OMIM",
    "ORPHA": "ORPHA",
    "ORPHANET": "ORPHA",
    "MONDO": "MONDO",
    "SNOMED": "SNOMED",
    "SNOMEDCT": "SNOMED",
    "SCTID": "SNOMED",
    "ICD10CM": "ICD10CM",
    "ICD-10-CM": "ICD10CM",
}


def sniff(document: object) -> bool:
    """Say whether a parsed JSON document looks like a phenopacket, a family or a cohort."""
    return (
        isinstance(document, dict)
        and "resourceType" not in document
        and any(isinstance(document.get(mark), dict | list) for mark in _MARKS)
    )


def read(raw: bytes | str, knowledge: Knowledge, *, today: date | None = None) -> Reading[Case]:
    """Read one child's phenopacket, or the proband of a family.

    Args:
        raw: the JSON text.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None for no limit.

    Returns:
        The case and every issue found.

    Raises:
        UnreadableError: no phenopacket can be read, or there is more than one.
    """
    readings = list(islice(read_many(raw, knowledge, today=today), 2))
    if not readings:
        raise _unreadable("empty-input", "there is no phenopacket in the document")
    if len(readings) > 1:
        raise _unreadable(
            "mixed-patients",
            "there is more than one phenopacket",
            "read them one by one with read_many",
        )
    if readings[0].value is None:
        raise UnreadableError(readings[0].issues)
    return readings[0]


def read_many(
    raw: bytes | str, knowledge: Knowledge, *, today: date | None = None
) -> Iterator[Reading[Case]]:
    """Read every phenopacket of a document, one after the other.

    A line or an element that cannot be read gives a reading without a case, and the others go on.

    Args:
        raw: one packet, family or cohort; a JSON array of packets; or one packet a line.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None for no limit.

    Returns:
        One reading per packet, in order.

    Raises:
        UnreadableError: nothing in the document is a phenopacket.
    """
    content = _as_bytes(raw)
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        if any(sniff(_parsed(line)) for line in io.BytesIO(content)):
            return _read_lines(content, knowledge, today)
        raise _not_json(content) from None
    return _read_document(document, knowledge, today)


def _as_bytes(raw: bytes | str) -> bytes:
    try:
        content = raw.encode() if isinstance(raw, str) else raw
    except UnicodeEncodeError:
        raise _unreadable("not-utf8", "the text holds half characters", "send UTF-8") from None
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise _unreadable("empty-input", "the document is empty")
    return content


def _parsed(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _not_json(content: bytes) -> UnreadableError:
    try:
        content.decode()
    except UnicodeDecodeError:
        return _unreadable("not-utf8", "the bytes are not UTF-8", "save the document as UTF-8")
    return _unreadable("not-json", "the text is not valid JSON", "check that it is complete")


def _unreadable(code: str, message: str, fix: str = "") -> UnreadableError:
    return UnreadableError((Issue("error", code, "document", message, fix),))


def _read_lines(
    content: bytes, knowledge: Knowledge, today: date | None
) -> Iterator[Reading[Case]]:
    for number, line in enumerate(io.BytesIO(content), start=1):
        if line.strip():
            yield _read_one(_parsed(line), f"line {number}", knowledge, today)


def _read_document(
    document: object, knowledge: Knowledge, today: date | None
) -> Iterator[Reading[Case]]:
    if isinstance(document, dict) and isinstance(document.get("members"), list):
        packets: list[Any] = document["members"]
        return (_read_one(p, f"/members/{i}", knowledge, today) for i, p in enumerate(packets))
    if isinstance(document, list):
        return (_read_one(p, f"/{i}", knowledge, today) for i, p in enumerate(document))
    if not sniff(document):
        raise _unreadable(
            "unknown-format",
            "the document is not a phenopacket",
            "send phenopacket schema 2.0 as JSON",
        )
    return iter([_read_one(document, "", knowledge, today)])


def _read_one(
    document: object, where: str, knowledge: Knowledge, today: date | None
) -> Reading[Case]:
    if not isinstance(document, dict) or not sniff(document):
        return Reading(
            None,
            (
                Issue(
                    "error",
                    "unknown-format",
                    where or "document",
                    "not a phenopacket",
                    "send phenopacket schema 2.0 as JSON",
                ),
            ),
        )
    intake = Intake(knowledge, "phenopacket", today)
    root = Node(document, where, intake)
    if proband := root.object("proband"):
        _read_packet(proband)
        read_family(root, proband)
    else:
        _read_packet(root)
    return intake.reading()


# --- one packet --------------------------------------------------------------------------------


def _read_packet(packet: Node) -> None:
    intake = packet.intake
    subject = packet.object("subject")
    intake.case_id = packet.text("id") or subject.text("id")
    _read_subject(subject)
    for feature in packet.objects("phenotypicFeatures"):
        _read_feature(feature)
    for measurement in packet.objects("measurements"):
        read_measurement(measurement)
    unused = sum(not read_action(action) for action in packet.objects("medicalActions"))
    if unused:
        intake.warn(
            "medication-not-used",
            packet.at("medicalActions"),
            f"{unused} medical actions are read; nothing depends on them",
        )
    onset = _read_diseases(packet)
    for interpretation in packet.objects("interpretations"):
        read_interpretation(interpretation)
    intake.variants = mark_compound(intake.variants)
    for name in ("biosamples", "files"):
        if any(packet.objects(name)):
            intake.warn("resource-not-used", packet.at(name), f"{name} are not used")
    _read_metadata(packet)
    intake.age_days = _age(packet, subject, onset)
    if not (intake.findings or intake.measurements or intake.treatments or intake.variants):
        intake.warn(
            "nothing-usable",
            packet.where or "document",
            "no finding, result, treatment or variant could be used",
        )


def _read_subject(subject: Node) -> None:
    intake = subject.intake
    if not subject:
        intake.warn("no-patient", subject.where, "the packet has no subject", "give its id and sex")
    sex = subject.choice("sex", SEXES)
    intake.sex = "male" if sex == "MALE" else "female" if sex == "FEMALE" else None
    born = read_date(subject, "dateOfBirth")
    if born is not None and intake.today is not None and born > intake.today:
        intake.error(
            "date-in-future",
            subject.at("dateOfBirth"),
            "the date of birth lies in the future",
            "correct the date",
        )
        born = None
    intake.birth_date = born


def _read_feature(feature: Node) -> None:
    intake = feature.intake
    term = feature.object("type")
    code, label, where = term.text("id"), term.text("label"), term.at("id")
    age = read_time(feature.object("onset")).middle
    observed = not feature.flag("excluded")
    if not code:
        intake.error("missing-field", where, "the feature has no type", "give an HPO id")
        return
    if match := _HPO_ID.fullmatch(code):
        code = f"HP:{match[1]}"
        # Hematon writes a finding of its own as its HPO term with the exact id as a modifier.
        own = (m.text("id").removeprefix(OWN) for m in feature.objects("modifiers"))
        code = next((c for c in own if c in intake.knowledge.findings), code)
    elif code.startswith(OWN):
        code = code.removeprefix(OWN)
    else:
        intake.error(
            "code-unknown", where, "the term is neither of the HPO nor of Hematon", "use an HPO id"
        )
        return
    # A label that only repeats the id stands for none: the standard demands one.
    intake.finding(
        code, observed, where, label="" if label == term.text("id") else label, age_days=age
    )


def _read_diseases(packet: Node) -> int | None:
    """Take the diagnoses; give the earliest onset of one that is not excluded."""
    onsets = []
    for disease in packet.objects("diseases"):
        excluded = disease.flag("excluded")
        onset = read_time(disease.object("onset")).middle
        if onset is not None and not excluded:
            onsets.append(onset)
        _read_disease(disease.object("term"), excluded, onset)
    return min(onsets, default=None)


def _read_disease(term: Node, refuted: bool, onset: int | None) -> None:
    intake = term.intake
    prefix, _, code = term.text("id").partition(":")
    if f"{prefix}:" == OWN and code in intake.knowledge.condition_ids:
        kept = intake.excluded_conditions if refuted else intake.recorded_conditions
        kept.append(code)
        return
    system = _DISEASE_PREFIXES.get(prefix.upper())
    intake.condition(
        [(system, code)] if system else [],
        term.text("label"),
        term.where,
        refuted=refuted,
        age_days=onset,
    )


def _read_metadata(packet: Node) -> None:
    intake = packet.intake
    metadata = packet.object("metaData")
    if not metadata:
        intake.warn("missing-field", metadata.where, "the packet has no metaData")
        return
    version = metadata.text("phenopacketSchemaVersion")
    if version and version != "2" and not version.startswith("2."):
        intake.warn(
            "unknown-format",
            metadata.at("phenopacketSchemaVersion"),
            "the packet says it follows another schema than version 2",
            "convert it to phenopacket schema 2.0",
        )
    for reference in metadata.objects("externalReferences"):
        publication = reference.text("id")
        if publication.startswith(("PMID:", "DOI:")) and publication not in intake.publications:
            intake.publications.append(publication)
    for resource in metadata.objects("resources"):
        if resource.text("namespacePrefix") == "HP":
            _note_release(resource)


def _note_release(resource: Node) -> None:
    """Say which HPO release the sender used, where that explains an id we do not know."""
    intake = resource.intake
    release = _RELEASE.fullmatch(resource.text("version"))
    if any(issue.code == "hpo-unknown" for issue in intake.issues) and release is not None:
        intake.warn(
            "hpo-unknown",
            resource.at("version"),
            f"the packet uses HPO {release[1]}, Hematon {intake.knowledge.hpo_version}",
        )


def _age(packet: Node, subject: Node, onset: int | None) -> int | None:
    """Choose the age the child is judged at, as the module says."""
    intake = packet.intake
    encounter = subject.object("timeAtLastEncounter")
    seen: Span = read_time(encounter)
    last, where = seen.middle, encounter.where
    # An onset at birth dates the malformation, not the cytopenia: a child seen later is judged
    # at the age seen, unless that is an adult's.
    tells = onset is not None and (onset > 0 or last is None or last > MAX_AGE_DAYS)
    if onset is not None and tells and (last is None or (onset < last and not intake.measurements)):
        intake.warn(
            "age-unknown",
            where,
            "the onset of the disease is used as the age",
            "give counts, or the time of the encounter to judge",
        )
        return onset
    if last is not None or encounter:
        return last
    drawn = [m.age_days for m in intake.measurements if m.age_days is not None]
    began = [f.age_days for f in intake.findings if f.observed and f.age_days is not None]
    if drawn or began:
        source = "latest measurement" if drawn else "earliest feature"
        intake.warn(
            "age-unknown",
            where,
            f"the age is not given; that of the {source} is used",
            "give timeAtLastEncounter",
        )
        return max(drawn) if drawn else min(began)
    return None
