"""Rows of the audit as FHIR R4 AuditEvent, in the shape of IHE's Basic Audit Log Patterns (BALP).

A row claims a BALP profile only where it has all that the profile asks: done, on a page, for its
kind of act. Everything else is an AuditEvent with DICOM's codes, as IHE ATNA has them. What BALP
calls the client is the keyed hash of the visitor's address; addresses are not kept.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hematon.portal.audit.events import EVENTS, Kind
from hematon.portal.audit.models import Event, Outcome

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_REST: Final = "http://hl7.org/fhir/restful-interaction"
_PART: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ENTITY: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_WHY: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_PROFILE: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_ACTIONS: Final = "urn:hematon:audit:action"
_SOURCE = (_DCM, "110153", "Source Role ID")
_DESTINATION = (_DCM, "110152", "Destination Role ID")
_RECIPIENT = (_PART, "IRCP", "information recipient")
_AUTHOR = (_PART, "AUT", "author (originator)")
_CUSTODIAN = ("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian")

_OUTCOMES: Final = {Outcome.SUCCESS: "0", Outcome.REFUSED: "4", Outcome.FAILED: "8"}
_Code = tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """How one kind of event is written.

    Attributes:
        type: of the event.
        subtype: a code beside our own action.
        action: FHIR's letter.
        user: what the person is to the record.
        client: what the browser is.
        server: what the portal is.
        profile: BALP's name of it, with `Patient` before it where a child is named.
    """

    type: _Code
    subtype: _Code | None
    action: str
    user: _Code = _RECIPIENT
    client: _Code = (_DCM, "110150", "Application")
    server: _Code = _CUSTODIAN
    profile: str = ""


def _rest(code: str, letter: str, user: _Code, client: _Code, server: _Code) -> Pattern:
    names = {"search-type": "Query"}
    return Pattern(
        type=(_TYPE, "rest", "Restful Operation"),
        subtype=(_REST, code, code),
        action=letter,
        user=user,
        client=client,
        server=server,
        profile=names.get(code, code.capitalize()),
    )


PATTERNS: Final = {
    Kind.READ: _rest("read", "R", _RECIPIENT, _DESTINATION, _SOURCE),
    Kind.QUERY: _rest("search-type", "E", _RECIPIENT, _SOURCE, _DESTINATION),
    Kind.CREATE: _rest("create", "C", _AUTHOR, _SOURCE, _DESTINATION),
    Kind.UPDATE: _rest("update", "U", _AUTHOR, _SOURCE, _DESTINATION),
    Kind.DELETE: _rest("delete", "D", _AUTHOR, (_DCM, "110150", "Application"), _CUSTODIAN),
    Kind.SIGN_IN: Pattern((_DCM, "110114", "User Authentication"), None, "E"),
    Kind.REFUSED: Pattern((_DCM, "110113", "Security Alert"), None, "E"),
    Kind.SECURITY: Pattern((_DCM, "110113", "Security Alert"), None, "E"),
    Kind.SIGN: Pattern((_DCM, "110110", "Patient Record"), None, "U", user=_AUTHOR),
    Kind.IMPORT: Pattern((_DCM, "110107", "Import"), None, "C", user=_AUTHOR),
    Kind.EXPORT: Pattern((_DCM, "110106", "Export"), None, "R"),
    Kind.RUN: Pattern((_DCM, "110100", "Application Activity"), None, "E"),
}
_SUBTYPES: Final = {
    "session.started": (_DCM, "110122", "Login"),
    "session.ended": (_DCM, "110123", "Logout"),
    "session.timed_out": (_DCM, "110123", "Logout"),
    "sign_in.failed": (_DCM, "110122", "Login"),
    "glass.broken": (_DCM, "110127", "Emergency Override Started"),
    "staff.roles_set": (_DCM, "110136", "Security Roles Changed"),
}


def _coding(code: _Code) -> dict[str, str]:
    return dict(zip(("system", "code", "display"), code, strict=False))


def _concept(code: _Code) -> dict[str, Any]:
    return {"coding": [_coding(code)]}


def _identified(system: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": f"urn:hematon:{system}", "value": value}}


def audit_event(event: Event, *, host: str) -> dict[str, Any]:
    """Write one row.

    Args:
        event: it, with its actor.
        host: the portal's own name.
    """
    kind = EVENTS[event.action].kind
    pattern = PATTERNS[kind]
    subtype = [_coding(code) for code in (pattern.subtype, _SUBTYPES.get(event.action)) if code]
    written: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(event.sequence),
        "type": _coding(pattern.type),
        "subtype": [*subtype, {"system": _ACTIONS, "code": event.action}],
        "action": pattern.action,
        "recorded": event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "outcome": _OUTCOMES[Outcome(event.outcome)],
        "outcomeDesc": EVENTS[event.action].text,
        "agent": list(_agents(event, pattern, host)),
        "source": {
            "site": host,
            "observer": _identified("portal", host),
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                    "display": "Application Server",
                }
            ],
        },
        "entity": list(_entities(event, kind)),
    }
    told = kind is Kind.QUERY or bool(event.subject)
    if pattern.profile and event.client and told and event.outcome == Outcome.SUCCESS:
        whose = "Patient" if event.patient else ""
        written["meta"] = {"profile": [f"{_PROFILE}{whose}{pattern.profile}"]}
    return written


def _agents(event: Event, pattern: Pattern, host: str) -> Iterator[dict[str, Any]]:
    if event.client:
        yield {
            "type": _concept(pattern.client),
            "who": _identified("client", event.client),
            "requestor": False,
            "network": {"address": f"urn:hematon:client:{event.client}", "type": "5"},
        }
    yield {
        "type": _concept(pattern.server),
        "who": _identified("portal", host),
        "requestor": event.actor is None,
        "network": {"address": host, "type": "1"},
    }
    if event.actor is not None:
        person: dict[str, Any] = {
            "type": _concept(pattern.user),
            "who": _identified("account", str(event.actor.pk)),
            "name": str(event.actor),
            "requestor": True,
        }
        if event.purpose:
            person["purposeOfUse"] = [_concept((_WHY, event.purpose))]
        yield person


def _entities(event: Event, kind: Kind) -> Iterator[dict[str, Any]]:
    if event.patient:
        # FHIR's Patient is what is identified; the portal itself serves no such resource.
        yield {
            "what": {"type": "Patient", **_identified("row", event.patient)},
            "type": _coding((_ENTITY, "1", "Person")),
            "role": _coding((_ROLE, "1", "Patient")),
        }
    detail = json.dumps(event.detail, sort_keys=True)
    where = [{"type": "route", "valueString": event.route}] if event.route else []
    if kind is Kind.QUERY:
        # BALP wants what was asked for; the portal keeps its codes and not the text.
        yield {
            "type": _coding((_ENTITY, "2", "System Object")),
            "role": _coding((_ROLE, "24", "Query")),
            "query": base64.b64encode(detail.encode()).decode(),
            "description": event.route or event.action,
        }
        return
    codes = [
        *where,
        {"type": "detail", "valueString": detail},
        {"type": "chain", "valueString": event.chain},
    ]
    thing: dict[str, Any] = {
        "type": _coding((_ENTITY, "2", "System Object")),
        "role": _coding((_ROLE, "4", "Domain Resource")),
        "detail": codes,
    }
    if event.subject:
        thing["what"] = _identified("row", event.subject)
    yield thing


def ndjson(events: Iterable[Event], *, host: str) -> Iterator[str]:
    """Write rows one to a line."""
    for event in events:
        yield json.dumps(audit_event(event, host=host), ensure_ascii=False) + "\n"


def bundle(events: Iterable[Event], *, host: str, at: datetime) -> Iterator[str]:
    """Write rows as one Bundle, piece by piece.

    Args:
        events: the rows.
        host: the portal's own name.
        at: now.
    """
    made = at.astimezone(UTC).isoformat(timespec="milliseconds")
    head = {"resourceType": "Bundle", "type": "collection", "timestamp": made}
    yield json.dumps(head)[:-1]
    # FHIR has no empty lists.
    opening = ', "entry": ['
    for event in events:
        entry = {
            "fullUrl": f"https://{host}/audit/{event.sequence}",
            "resource": audit_event(event, host=host),
        }
        yield opening + json.dumps(entry, ensure_ascii=False)
        opening = ",\n"
    yield "]}" if opening != ', "entry": [' else "}"
