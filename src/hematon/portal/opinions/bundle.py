"""A case as one FHIR R4 Bundle.

It holds what was sent and what was done with it: request, task, answers, counts, files, messages,
consents. What the engine computed is added by `with_computed`, apart and with its versions. Every
resource has an id made from the case's, so the same case gives the same ids, and every reference
leads to an entry of the Bundle. Text goes in as it was typed; files go in only when asked for.

Source: HL7 FHIR R4 (4.0.1); mapping of portal.md 3.3.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from django.conf import settings
from django.urls import reverse

from hematon.engine.assessment import Assessment
from hematon.engine.case import Case as EngineCase
from hematon.errors import Reading
from hematon.interchange import fhir, fhir_write
from hematon.knowledge import Knowledge
from hematon.portal.care import tasks
from hematon.portal.care.models import Case, Consent, ConsentScope, Message
from hematon.portal.care.status import HoldReason, Kind, RejectReason, Stage, Status
from hematon.portal.files.models import StoredFile
from hematon.portal.files.serve import Purpose, content_of, may_open
from hematon.portal.opinions.packet import STATES, Packet, sex
from hematon.portal.opinions.results import Result, number_of
from hematon.portal.opinions.stated import stated
from hematon.portal.ui.site import site
from hematon.report import fhir as report

Json = dict[str, Any]

OURS: Final = "https://hematon.org"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
_HL7: Final = "http://terminology.hl7.org/CodeSystem"
_URI: Final = "urn:ietf:rfc:3986"
_TYPES: Final = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "csv": "text/csv",
    "json": "application/json",
}
_ROLES: Final = {"parent": "PRN", "guardian": "GUARD", "relative": "FAMMEMB", "patient": "ONESELF"}
_INTENT_STATUS: Final = {Status.COMPLETED: "completed"} | dict.fromkeys(
    (Status.REJECTED, Status.CANCELLED), "revoked"
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_SPACES: Final = re.compile(r"[^\S \r\n\t]|[\x0b\x0c\x1c-\x1f]")
"""Spaces that FHIR's strings do not know: its pattern allows blank, tab and line ends alone."""


def bundle_of(packet: Packet, knowledge: Knowledge, *, with_files: bool = False) -> Json:
    """Write a case as a Bundle of type `collection`.

    Args:
        packet: the case, gathered.
        knowledge: the units and codes of blood counts.
        with_files: put the content of every file in that may be opened.

    Returns:
        Plain JSON values; the same packet gives the same Bundle.
    """
    return _Writer(packet, knowledge, with_files).bundle()


def read_back(bundle: Json, knowledge: Knowledge, at: datetime) -> Reading[EngineCase]:
    """Read a Bundle as any that comes in: what the engine is given is what was exported.

    Args:
        bundle: of `bundle_of`.
        knowledge: looks the codes up.
        at: now; no date may be after it.
    """
    today = at.astimezone(site().zone).date()
    return fhir.read(orjson.dumps(bundle), knowledge, today=today)


def with_computed(
    bundle: Json, packet: Packet, assessment: Assessment, knowledge: Knowledge
) -> Json:
    """Add what the engine made of the record: a report that says so, and where it comes from.

    Args:
        bundle: of `bundle_of`, the one that was read.
        packet: what it was made of.
        assessment: of that reading.
        knowledge: it was made with.
    """
    writer = _Writer(packet, knowledge, with_files=False)
    entries = [*bundle["entry"], *map(writer.entry, writer.computed(assessment))]
    return {**bundle, "entry": entries}


def text(value: object) -> str:
    """Give a text that FHIR can hold: a control character shows as lost, any space is a blank."""
    return _SPACES.sub(" ", _CONTROL.sub("\ufffd", str(value))).strip()


def concept(system: str, code: str, display: str = "") -> Json:
    """Give a CodeableConcept of one code."""
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": display}]} if display else {"coding": [coding]}


def _without_nothing(resource: Json) -> Json:
    """Leave out what is not there: FHIR knows no empty text, list or object."""
    return {key: value for key, value in resource.items() if value not in ("", None, [], {})}


class _Writer:
    def __init__(self, packet: Packet, knowledge: Knowledge, with_files: bool) -> None:
        self.packet, self.case, self.knowledge = packet, packet.case, knowledge
        self.with_files = with_files
        self.patient = self.to("Patient")
        self.asker = self.to("Practitioner" if self._is_referral else "RelatedPerson", "asker")
        self.request = self.to("ServiceRequest")

    @property
    def _is_referral(self) -> bool:
        return self.case.kind == Kind.REFERRAL

    def id(self, kind: str, name: object = "") -> str:
        return str(uuid.uuid5(self.case.pk, f"{kind}/{name}"))

    def to(self, kind: str, name: object = "") -> Json:
        return {"reference": f"urn:uuid:{self.id(kind, name)}"}

    def new(self, kind: str, name: object = "", /, **fields: Any) -> Json:
        return _without_nothing({"resourceType": kind, "id": self.id(kind, name), **fields})

    def entry(self, resource: Json) -> Json:
        return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}

    def bundle(self) -> Json:
        return {
            "resourceType": "Bundle",
            "id": self.id("Bundle"),
            "identifier": {"system": f"{OURS}/packets", "value": f"{self.case.reference}"},
            "type": "collection",
            "timestamp": _instant(self.packet.at),
            "entry": [self.entry(resource) for resource in self._resources()],
        }

    def _resources(self) -> Iterator[Json]:
        yield self._patient()
        yield from self._people()
        yield self._request()
        yield self._task()
        yield self._answers()
        for result in self.packet.results:
            yield self._observation(result)
        yield from self._draws()
        yield from self._stated()
        for stored in self.packet.files:
            yield self._document(stored)
        for message in self.packet.messages:
            yield self._message(message)
        for consent in self.packet.consents:
            yield from self._consent(consent)
        yield self._sent()

    # --- who ---------------------------------------------------------------------------------

    def _patient(self) -> Json:
        born = self.packet.born
        return self.new(
            "Patient",
            name=[{"text": text(self.packet.child)}] if text(self.packet.child) else [],
            birthDate=born.isoformat() if born else "",
            gender=sex(self.case),
        )

    def _people(self) -> Iterator[Json]:
        name = text(self.packet.asker[0])
        phone = _field(self.case, "phone", "phone") or _plain(self.case, "phone")
        who: Json = {
            "name": [{"text": name}] if name else [],
            "telecom": [{"system": "phone", "value": text(phone)}] if text(phone) else [],
        }
        if self._is_referral:
            yield self.new("Practitioner", "asker", **who)
        else:
            code = _field(self.case, "who", "relationship") or _plain(self.case, "relationship")
            relation = {"text": self.packet.asker[1] or "Not stated"}
            if code in _ROLES:
                relation |= concept(f"{_HL7}/v3-RoleCode", _ROLES[code])
            spoken = concept("urn:ietf:bcp:47", self.case.language)
            yield self.new(
                "RelatedPerson",
                "asker",
                patient=self.patient,
                relationship=[relation],
                communication=[{"language": spoken, "preferred": True}],
                **who,
            )
        yield self.new("Organization", name=text(site().programme.en))
        team = {user.pk: user for user in (self.case.owner, self.case.reviewer) if user is not None}
        for user in team.values():
            yield self.new("Practitioner", user.pk, name=[{"text": text(user)}])

    # --- what is asked, and where it stands --------------------------------------------------

    def _request(self) -> Json:
        case = self.case
        worry = _field(case, "worry", "worry") or _field(case, "reason", "reason")
        supporting = [self.to("QuestionnaireResponse")]
        supporting += [self.to("DocumentReference", stored.pk) for stored in self.packet.files]
        supporting += [self.to("Observation", result.place) for result in self.packet.results]
        return self.new(
            "ServiceRequest",
            identifier=[{"system": f"{OURS}/references", "value": case.reference}],
            status=_INTENT_STATUS.get(Status(case.status), "active"),
            intent="order" if self._is_referral else "proposal",
            code={"text": str(Kind(case.kind).label)},
            subject=self.patient,
            authoredOn=_instant(case.sent_at),
            requester=self.asker,
            performer=[self.to("Organization")],
            reasonCode=[{"text": text(worry)}] if text(worry) else [],
            supportingInfo=supporting,
        )

    def _task(self) -> Json:
        case = self.case
        reasons = {**dict(HoldReason.choices), **dict(RejectReason.choices)}
        reason = case.hold_reason or case.reject_reason
        owner = case.owner or case.reviewer
        stage = Stage(case.stage) if case.stage else None
        return self.new(
            "Task",
            status=case.status,
            businessStatus=concept(f"{OURS}/stages", stage.value, str(stage.label))
            if stage
            else None,
            statusReason={"coding": [{"system": f"{OURS}/reasons", "code": reason}]}
            | {"text": str(reasons[reason])}
            if reason
            else None,
            intent="order",
            focus=self.request,
            # Until a person has matched the child, the task is about nobody's record.
            **({"for": self.patient} if getattr(case, "child_id", None) else {}),
            authoredOn=_instant(case.sent_at),
            lastModified=_instant(max(step.at for step in self.packet.steps)),
            requester=self.asker,
            owner=self.to("Practitioner", owner.pk) if owner else self.to("Organization"),
            restriction={"period": {"end": _instant(case.due_at)}} if case.due_at else None,
        )

    def _answers(self) -> Json:
        items = [
            item
            for key, given in self.case.answers.items()
            if key != tasks.COUNTS and (item := _item(key, key, given))
        ]
        asked = (self.case.answers.get(tasks.COUNTS) or {}).get("questions")
        if counted := _item("counts.questions", "counts.questions", asked):
            items.append(counted)
        return self.new(
            "QuestionnaireResponse",
            questionnaire=f"{OURS}/fhir/Questionnaire/{self.case.kind}",
            status="completed",
            subject=self.patient,
            authored=_instant(self.case.sent_at),
            author=self.asker,
            source=self.asker,
            basedOn=[self.request],
            item=items,
        )

    # --- blood counts ------------------------------------------------------------------------

    def _observation(self, result: Result) -> Json:
        code: Json = {"text": text(result.name) or "Result"}
        if result.loinc:
            known = self.knowledge.loinc.get(result.loinc)
            code |= concept(LOINC, result.loinc, known.name if known else "")
        elif result.analyte:
            code |= concept(f"{OURS}/analytes", result.analyte)
        low, high = (self._quantity(end, result) for end in (result.low, result.high))
        limits = _without_nothing({"low": low, "high": high})
        printed = [{**limits, "text": text(result.range)}] if result.range else []
        return self.new(
            "Observation",
            result.place,
            # As typed from a printout; nobody has compared it with the laboratory's own.
            status="preliminary",
            category=[concept(f"{_HL7}/observation-category", "laboratory")],
            code=code,
            subject=self.patient,
            effectiveDateTime=result.drawn.isoformat() if result.drawn else "",
            referenceRange=printed,
            interpretation=[concept(f"{_HL7}/v3-ObservationInterpretation", result.flag)]
            if result.flag in ("H", "L")
            else [],
            **self._value(result),
        )

    def _value(self, result: Result) -> Json:
        quantity = self._quantity(result.value, result)
        return {"valueQuantity": quantity} if quantity else {"valueString": text(result.said)}

    def _quantity(self, printed: str, result: Result) -> Json | None:
        number = number_of(printed)
        if number is None:
            return None
        unit = text(result.unit)
        return _without_nothing(
            {
                "value": number.value,
                "comparator": number.comparator,
                "unit": text(result.unit_label) or unit,
                "system": UCUM if unit else "",
                "code": unit,
            }
        ) | {"value": number.value}

    def _draws(self) -> Iterator[Json]:
        for draw in sorted({result.draw for result in self.packet.results}):
            results = [result for result in self.packet.results if result.draw == draw]
            drawn = results[0].drawn
            yield self.new(
                "DiagnosticReport",
                draw,
                status="preliminary",
                category=[concept(f"{_HL7}/v2-0074", "HM", "Hematology")],
                code={"text": "Blood count"},
                subject=self.patient,
                effectiveDateTime=drawn.isoformat() if drawn else "",
                result=[self.to("Observation", result.place) for result in results],
            )

    def _stated(self) -> Iterator[Json]:
        record = stated(self.case, self.packet.born, self.knowledge)
        # The first entry is the child, whom this Bundle names already.
        for n, entry in enumerate(fhir_write.write(record, self.knowledge)["entry"][1:]):
            yield entry["resource"] | {"id": self.id("stated", n), "subject": self.patient}

    # --- files, messages, consents -----------------------------------------------------------

    def _document(self, stored: StoredFile) -> Json:
        address = reverse("packet_file", kwargs={"pk": self.case.pk, "key": stored.pk})
        attachment: Json = {
            "contentType": _TYPES[stored.kind],
            "url": f"{settings.SITE_URL}{address}",
            "size": stored.size,
            "title": text(stored.name),
            "creation": _instant(stored.taken_at),
        }
        if self.with_files and may_open(stored, Purpose.CARE):
            content = content_of(stored, Purpose.CARE)
            attachment["data"] = base64.b64encode(content).decode()
            # R4 says SHA-1 here; what guards the content is the SHA-256 of the identifier.
            digest = hashlib.sha1(content, usedforsecurity=False).digest()
            attachment["hash"] = base64.b64encode(digest).decode()
        return self.new(
            "DocumentReference",
            stored.pk,
            masterIdentifier={"system": _URI, "value": named_hash(stored.sha256)},
            status="current",
            docStatus="final" if may_open(stored, Purpose.CARE) else "preliminary",
            subject=self.patient,
            date=_instant(stored.taken_at),
            description=f"Scan for viruses: {STATES[stored.state]}",
            content=[{"attachment": _without_nothing(attachment)}],
        )

    def _message(self, message: Message) -> Json:
        team, outside = self.to("Organization"), self.asker
        private = concept(f"{_HL7}/v3-Confidentiality", "R")["coding"]
        return self.new(
            "Communication",
            message.pk,
            meta={"security": private} if message.confidential_to_minor else None,
            language=message.language,
            status="completed",
            subject=self.patient,
            about=[self.request],
            sent=_instant(message.at),
            sender=team if message.from_staff else outside,
            recipient=[outside if message.from_staff else team],
            payload=[{"contentString": text(message.text) or "\ufffd"}],
        )

    def _consent(self, consent: Consent) -> Iterator[Json]:
        to_doctor = consent.scope == ConsentScope.REPORT_TO_DOCTOR
        provision: Json = {"type": "permit"}
        if consent.ended_at is not None:
            provision["period"] = {"end": _instant(consent.ended_at)}
        if to_doctor:
            doctor = consent.signer.get("report_doctor", "")
            yield self.new(
                "Practitioner",
                f"consent/{consent.pk}",
                name=[{"text": text(doctor)}] if text(doctor) else [],
                address=[{"text": text(place)}]
                if (place := consent.signer.get("report_place"))
                else [],
            )
            provision["actor"] = [
                {
                    "role": concept(f"{_HL7}/v3-ParticipationType", "IRCP"),
                    "reference": self.to("Practitioner", f"consent/{consent.pk}"),
                }
            ]
        yield self.new(
            "Consent",
            consent.pk,
            status="active" if consent.ended_at is None else "inactive",
            scope=concept(f"{_HL7}/consentscope", "patient-privacy"),
            category=[concept(LOINC, "59284-0", "Patient Consent")],
            patient=self.patient,
            dateTime=_instant(consent.at),
            performer=[self.asker],
            policy=[{"uri": f"{OURS}/consents/{consent.scope}/{consent.text}"}],
            provision=provision,
        )

    # --- where it comes from -----------------------------------------------------------------

    def _sent(self) -> Json:
        return self.new(
            "Provenance",
            "sent",
            target=[self.request, self.to("QuestionnaireResponse")]
            + [self.to("Observation", result.place) for result in self.packet.results]
            + [self.to("DocumentReference", stored.pk) for stored in self.packet.files],
            recorded=_instant(self.case.sent_at),
            activity={"text": "Sent through the portal by its author"},
            agent=[
                {
                    "type": concept(f"{_HL7}/provenance-participant-type", "author"),
                    "who": self.asker,
                }
            ],
        )

    def computed(self, assessment: Assessment) -> Iterator[Json]:
        """Give the engine, its report and where that comes from."""
        versions = assessment.versions
        yield self.new(
            "Device",
            "engine",
            status="active",
            deviceName=[{"name": "Hematon", "type": "model-name"}],
            version=[
                {"type": {"text": "engine"}, "value": versions.engine},
                {"type": {"text": "knowledge"}, "value": versions.knowledge},
                {"type": {"text": "knowledge fingerprint"}, "value": versions.fingerprint},
                {"type": {"text": "HPO"}, "value": versions.hpo},
            ],
        )
        made = report.render(assessment, self.knowledge)
        # The report names the record by the id it was read under, which is that of the Patient.
        for inner in made.get("contained", ()):
            inner["subject"] = self.patient
        yield made | {
            "id": self.id("DiagnosticReport", "computed"),
            "subject": self.patient,
            "performer": [self.to("Organization")],
        }
        yield self.new(
            "Provenance",
            "computed",
            target=[self.to("DiagnosticReport", "computed")],
            recorded=_instant(self.packet.at),
            activity={"text": "Computed from the record; no person has judged it"},
            agent=[
                {
                    "type": concept(f"{_HL7}/provenance-participant-type", "assembler"),
                    "who": self.to("Device", "engine"),
                }
            ],
            entity=[
                {"role": "source", "what": self.to("Observation", result.place)}
                for result in self.packet.results
            ]
            + [
                {
                    "role": "source",
                    "what": {
                        "identifier": {
                            "system": f"{OURS}/knowledge",
                            "value": f"{versions.knowledge} {versions.fingerprint}",
                        }
                    },
                }
            ],
        )


def named_hash(sha256: str) -> str:
    """Give a SHA-256 as a URI (RFC 6920)."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="milliseconds")


def _field(case: Case, key: str, name: str) -> str:
    given = case.answers.get(key)
    found = given.get(name) if isinstance(given, Mapping) else ""
    return found if isinstance(found, str) else ""


def _plain(case: Case, key: str) -> str:
    found = case.answers.get(key)
    return found if isinstance(found, str) else ""


def _item(link: str, name: str, given: Any) -> Json | None:
    """Give an answer as an item, its fields as items in it; None when nothing was said."""
    if isinstance(given, Mapping):
        inner = [
            item
            for key, value in given.items()
            if (item := _item(f"{link}.{key}", str(key), value)) is not None
        ]
        return {"linkId": link, "text": name, "item": inner} if inner else None
    values = given if isinstance(given, (list, tuple)) else [given]
    answers = [answer for value in values if (answer := _answer(value)) is not None]
    return {"linkId": link, "text": name, "answer": answers} if answers else None


def _answer(value: Any) -> Json | None:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, float):
        return {"valueDecimal": value}
    said = text(value) if value is not None else ""
    return {"valueString": said} if said else None
