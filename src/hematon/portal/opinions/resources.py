"""How every resource of a case's Bundle is made: ids, references, and texts that FHIR can hold.

An id is made from the case's own, so the same case gives the same ids, and a reference leads to an
entry of the Bundle.
"""

from __future__ import annotations

import base64
import re
import uuid
from datetime import datetime
from typing import Any, Final

from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind

Json = dict[str, Any]

OURS: Final = "https://hematon.org"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
HL7: Final = "http://terminology.hl7.org/CodeSystem"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_SPACES: Final = re.compile(r"[^\S \r\n\t]|[\x0b\x0c\x1c-\x1f]")
"""Spaces that FHIR's strings do not know: its pattern allows blank, tab and line ends alone."""


def text(value: object) -> str:
    """Give a text that FHIR can hold: a control character shows as lost, any space is a blank."""
    return _SPACES.sub(" ", _CONTROL.sub("\ufffd", str(value))).strip()


def concept(system: str, code: str, display: str = "") -> Json:
    """Give a CodeableConcept of one code."""
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": display}]} if display else {"coding": [coding]}


def without_nothing(resource: Json) -> Json:
    """Leave out what is not there: FHIR knows no empty text, list or object."""
    return {key: value for key, value in resource.items() if value not in ("", None, [], {})}


class Maker:
    """Makes the resources of one case.

    Attributes:
        case: the case.
        patient: reference to the child.
        asker: reference to who sent it.
        request: reference to what is asked.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.is_referral = case.kind == Kind.REFERRAL
        self.patient = self.to("Patient")
        self.asker = self.to("Practitioner" if self.is_referral else "RelatedPerson", "asker")
        self.request = self.to("ServiceRequest")

    def id(self, kind: str, name: object = "") -> str:
        """Give the id of a resource."""
        return str(uuid.uuid5(self.case.pk, f"{kind}/{name}"))

    def to(self, kind: str, name: object = "") -> Json:
        """Refer to a resource that is made under this name."""
        return {"reference": f"urn:uuid:{self.id(kind, name)}"}

    @staticmethod
    def to_made(resource: Json) -> Json:
        """Refer to a resource that was made."""
        return {"reference": f"urn:uuid:{resource['id']}"}

    def new(self, kind: str, name: object = "", /, **fields: Any) -> Json:
        """Make a resource."""
        return without_nothing({"resourceType": kind, "id": self.id(kind, name), **fields})


def entry(resource: Json) -> Json:
    """Give a resource as an entry of a Bundle."""
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}


def named_hash(sha256: str) -> str:
    """Give a SHA-256 as a URI (RFC 6920)."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def instant(at: datetime | None) -> str:
    """Write a moment; nothing where there is none."""
    return "" if at is None else at.isoformat(timespec="milliseconds")
