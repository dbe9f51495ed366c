"""A case as one FHIR R4 Bundle.

It holds what was sent and what was done with it: request, task, answers, the child's record
(`bundle_record`), messages, consents. What the engine computed is added by `with_computed`, apart
and with its versions. Text goes in as it was typed; files go in only when asked for.

Source: HL7 FHIR R4 (4.0.1); mapping of portal.md 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import orjson

from hematon.engine.assessment import Assessment
from hematon.engine.case import Case as EngineCase
from hematon.errors import Reading
from hematon.interchange import fhir
from hematon.knowledge import Knowledge
from hematon.portal.care import tasks
from hematon.portal.care.models import Case, Consent, ConsentScope, Message
from hematon.portal.care.reading_order import REPORTED_FACTS
from hematon.portal.care.status import HoldReason, Kind, RejectReason, Stage, Status
from hematon.portal.opinions import bundle_record
from hematon.portal.opinions.bundle_computed import computed
from hematon.portal.opinions.packet import Packet, sex
from hematon.portal.opinions.resources import (
    HL7,
    LOINC,
    OURS,
    Json,
    Maker,
    concept,
    entry,
    instant,
    text,
)
from hematon.portal.opinions.stated import STATED
from hematon.portal.ui.site import site

_ROLES: Final = {"parent": "PRN", "guardian": "GUARD", "relative": "FAMMEMB", "patient": "ONESELF"}
_INTENT_STATUS: Final = {Status.COMPLETED: "completed"} | dict.fromkeys(
    (Status.REJECTED, Status.CANCELLED), "revoked"
)
_APART: Final = (tasks.COUNTS, STATED, REPORTED_FACTS)
"""Not answers of a page: the child's record, which is resources of its own, and what follows."""


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
    made = computed(writer, packet, writer.read, assessment, knowledge)
    return {**bundle, "entry": [*bundle["entry"], *map(entry, made)]}


class _Writer(Maker):
    def __init__(self, packet: Packet, knowledge: Knowledge, with_files: bool) -> None:
        super().__init__(packet.case)
        self.packet, self.knowledge, self.with_files = packet, knowledge, with_files

    @cached_property
    def stated(self) -> list[Json]:
        """What is stated beside counts."""
        return list(bundle_record.stated(self, self.packet, self.knowledge))

    @cached_property
    def read(self) -> list[Json]:
        """References to what the engine reads."""
        return [
            *(self.to("Observation", result.place) for result in self.packet.results),
            *(self.to_made(resource) for resource in self.stated),
        ]

    @cached_property
    def files(self) -> list[Json]:
        """References to the files."""
        return [self.to("DocumentReference", stored.pk) for stored in self.packet.files]

    def bundle(self) -> Json:
        return {
            "resourceType": "Bundle",
            "id": self.id("Bundle"),
            "identifier": {"system": f"{OURS}/packets", "value": f"{self.case.reference}"},
            "type": "collection",
            "timestamp": instant(self.packet.at),
            "entry": [entry(resource) for resource in self._resources()],
        }

    def _resources(self) -> Iterator[Json]:
        packet = self.packet
        yield self._patient()
        yield from self._people()
        yield self._request()
        yield self._task()
        yield self._answers()
        for result in packet.results:
            yield bundle_record.observation(self, result, self.knowledge)
        yield from bundle_record.draws(self, packet)
        yield from self.stated
        for stored in packet.files:
            yield bundle_record.document(self, stored, with_files=self.with_files)
        for message in packet.messages:
            yield self._message(message)
        for consent in packet.consents:
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
        if self.is_referral:
            yield self.new("Practitioner", "asker", **who)
        else:
            code = _field(self.case, "who", "relationship") or _plain(self.case, "relationship")
            relation = {"text": self.packet.asker[1] or "Not stated"}
            if code in _ROLES:
                relation |= concept(f"{HL7}/v3-RoleCode", _ROLES[code])
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
        return self.new(
            "ServiceRequest",
            identifier=[{"system": f"{OURS}/references", "value": case.reference}],
            status=_INTENT_STATUS.get(Status(case.status), "active"),
            intent="order" if self.is_referral else "proposal",
            code={"text": str(Kind(case.kind).label)},
            subject=self.patient,
            authoredOn=instant(case.sent_at),
            requester=self.asker,
            performer=[self.to("Organization")],
            reasonCode=[{"text": text(worry)}] if text(worry) else [],
            supportingInfo=[self.to("QuestionnaireResponse"), *self.files, *self.read],
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
            authoredOn=instant(case.sent_at),
            lastModified=instant(max(step.at for step in self.packet.steps)),
            requester=self.asker,
            owner=self.to("Practitioner", owner.pk) if owner else self.to("Organization"),
            restriction={"period": {"end": instant(case.due_at)}} if case.due_at else None,
        )

    def _answers(self) -> Json:
        items = [
            item
            for key, given in self.case.answers.items()
            if key not in _APART and (item := _item(key, key, given))
        ]
        asked = (self.case.answers.get(tasks.COUNTS) or {}).get("questions")
        if counted := _item("counts.questions", "counts.questions", asked):
            items.append(counted)
        return self.new(
            "QuestionnaireResponse",
            questionnaire=f"{OURS}/fhir/Questionnaire/{self.case.kind}",
            status="completed",
            subject=self.patient,
            authored=instant(self.case.sent_at),
            author=self.asker,
            source=self.asker,
            basedOn=[self.request],
            item=items,
        )

    # --- messages, consents ------------------------------------------------------------------

    def _message(self, message: Message) -> Json:
        team, outside = self.to("Organization"), self.asker
        private = concept(f"{HL7}/v3-Confidentiality", "R")["coding"]
        return self.new(
            "Communication",
            message.pk,
            meta={"security": private} if message.confidential_to_minor else None,
            language=message.language,
            status="completed",
            subject=self.patient,
            about=[self.request],
            sent=instant(message.at),
            sender=team if message.from_staff else outside,
            recipient=[outside if message.from_staff else team],
            payload=[{"contentString": text(message.text) or "\ufffd"}],
        )

    def _consent(self, consent: Consent) -> Iterator[Json]:
        to_doctor = consent.scope == ConsentScope.REPORT_TO_DOCTOR
        provision: Json = {"type": "permit"}
        if consent.ended_at is not None:
            provision["period"] = {"end": instant(consent.ended_at)}
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
                    "role": concept(f"{HL7}/v3-ParticipationType", "IRCP"),
                    "reference": self.to("Practitioner", f"consent/{consent.pk}"),
                }
            ]
        yield self.new(
            "Consent",
            consent.pk,
            status="active" if consent.ended_at is None else "inactive",
            scope=concept(f"{HL7}/consentscope", "patient-privacy"),
            category=[concept(LOINC, "59284-0", "Patient Consent")],
            patient=self.patient,
            dateTime=instant(consent.at),
            performer=[self.asker],
            policy=[{"uri": f"{OURS}/consents/{consent.scope}/{consent.text}"}],
            provision=provision,
        )

    # --- where it comes from -----------------------------------------------------------------

    def _sent(self) -> Json:
        return self.new(
            "Provenance",
            "sent",
            target=[self.request, self.to("QuestionnaireResponse"), *self.read, *self.files],
            recorded=instant(self.case.sent_at),
            activity={"text": "Sent through the portal by its author"},
            agent=[
                {
                    "type": concept(f"{HL7}/provenance-participant-type", "author"),
                    "who": self.asker,
                }
            ],
        )


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
