"""The roster as a FHIR R4 Bundle: a Practitioner and a PractitionerRole for each expert.

What R4 has no element for (pronouns, conditions treated, video) stands in extensions of ours;
state licenses and accepting new patients use those of the Da Vinci PDex Plan Net guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from hematon.portal.directory.roster.records import (
    ExpertRecord,
    Licenses,
    Problem,
    Raw,
    read_record,
    repeated,
)
from hematon.portal.directory.vocabulary import vocabulary

BASE = "https://hematon.org/fhir"
NPI_URL = "http://hl7.org/fhir/sid/us-npi"
ROLES_URL = "https://hematon.org/directory/roles"
SPECIALTIES_URL = "https://hematon.org/directory/specialties"
CONDITIONS_URL = "https://hematon.org/directory/conditions"
PRONOUNS_URL = f"{BASE}/StructureDefinition/pronouns"
TREATS_URL = f"{BASE}/StructureDefinition/condition-treated"
VIDEO_URL = f"{BASE}/StructureDefinition/video-visits"
PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net"
LICENSE_URL = f"{PLAN_NET}/StructureDefinition/practitioner-qualification"
ACCEPTS_URL = f"{PLAN_NET}/StructureDefinition/newpatients"
ACCEPTS_CODES = f"{PLAN_NET}/CodeSystem/AcceptingPatientsCS"
LANGUAGES_URL = "urn:ietf:bcp:47"
SIGN_LANGUAGE = "ase"
"""American Sign Language in BCP 47."""
STATES_URL = "https://www.usps.com/"
LICENSE, EDUCATION = "State license", "Education"
MOST_ENTRIES = 10_000

_PLACES = {
    "id": "Practitioner.id",
    "given_names": "Practitioner.name.given",
    "family_name": "Practitioner.name.family",
    "credentials": "Practitioner.qualification.code.text",
    "languages": "Practitioner.communication",
    "states": "Practitioner.qualification (State license)",
    "education": "Practitioner.qualification (Education).issuer.display",
    "npi": f"Practitioner.identifier ({NPI_URL})",
    "pronouns": f"Practitioner.extension ({PRONOUNS_URL})",
    "active": "Practitioner.active",
    "role": "PractitionerRole.code",
    "specialties": "PractitionerRole.specialty",
    "conditions": f"PractitionerRole.extension ({TREATS_URL})",
    "locations": "PractitionerRole.location.display",
    "telehealth": f"PractitionerRole.extension ({VIDEO_URL})",
    "accepting_new": f"PractitionerRole.extension ({ACCEPTS_URL})",
    "active_from": "PractitionerRole.period.start",
    "active_to": "PractitionerRole.period.end",
}


def place(column: str) -> str:
    """Give the element that holds a column of the roster."""
    return _PLACES[column]


# --- writing -------------------------------------------------------------------------------------


def write(records: Iterable[ExpertRecord]) -> str:
    """Write a Bundle that reads back as the same experts."""
    entries = []
    for record in records:
        for resource in (_practitioner(record), _role(record)):
            address = f"{BASE}/{resource['resourceType']}/{resource['id']}"
            entries.append({"fullUrl": address, "resource": resource})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "collection"}
    if entries:
        bundle["entry"] = entries
    return json.dumps(bundle, ensure_ascii=False, indent=1) + "\n"


def _practitioner(record: ExpertRecord) -> dict[str, Any]:
    name: dict[str, Any] = {"family": record.family_name, "given": [record.given_names]}
    if record.credentials:
        name["suffix"] = list(record.credentials)
    qualifications: list[dict[str, Any]] = [
        {"code": {"text": letters}} for letters in record.credentials
    ]
    qualifications += [
        {"code": {"text": EDUCATION}, "issuer": {"display": school}} for school in record.education
    ]
    qualifications += [_license(state, expires) for state, expires in record.states]
    resource: dict[str, Any] = {
        "resourceType": "Practitioner",
        "id": record.id,
        "active": record.active,
        "name": [name],
        "communication": [
            {"coding": [{"system": LANGUAGES_URL, "code": _bcp47(code)}]}
            for code in record.languages
        ],
    }
    if record.npi:
        resource["identifier"] = [{"system": NPI_URL, "value": record.npi}]
    if qualifications:
        resource["qualification"] = qualifications
    if record.pronouns:
        resource["extension"] = [{"url": PRONOUNS_URL, "valueCode": record.pronouns}]
    return resource


def _license(state: str, expires: date) -> dict[str, Any]:
    where = {"coding": [{"system": STATES_URL, "code": state}]}
    return {
        "extension": [
            {
                "url": LICENSE_URL,
                "extension": [
                    {"url": "status", "valueCode": "active"},
                    {"url": "whereValid", "valueCodeableConcept": where},
                ],
            }
        ],
        "code": {"text": LICENSE},
        "period": {"end": expires.isoformat()},
    }


def _role(record: ExpertRecord) -> dict[str, Any]:
    accepts = {
        "coding": [{"system": ACCEPTS_CODES, "code": "newpt" if record.accepting_new else "nopt"}]
    }
    extensions: list[dict[str, Any]] = [
        {
            "url": ACCEPTS_URL,
            "extension": [{"url": "acceptingPatients", "valueCodeableConcept": accepts}],
        },
        {"url": VIDEO_URL, "valueBoolean": record.telehealth},
    ]
    extensions += [
        {"url": TREATS_URL, "valueCoding": {"system": CONDITIONS_URL, "code": code}}
        for code in record.conditions
    ]
    period = {"start": record.active_from.isoformat()}
    if record.active_to:
        period["end"] = record.active_to.isoformat()
    resource: dict[str, Any] = {
        "resourceType": "PractitionerRole",
        # 64 characters at most, as FHIR has it: the expert's own id has 60.
        "id": f"{record.id}-r",
        "extension": extensions,
        "active": record.active,
        "period": period,
        "practitioner": {"reference": f"Practitioner/{record.id}"},
        "code": [{"coding": [{"system": ROLES_URL, "code": record.role}]}],
    }
    if record.specialties:
        resource["specialty"] = [
            {"coding": [{"system": SPECIALTIES_URL, "code": code}]} for code in record.specialties
        ]
    if record.locations:
        resource["location"] = [{"display": location} for location in record.locations]
    return resource


def _bcp47(code: str) -> str:
    return SIGN_LANGUAGE if code == "asl" else code


# --- reading -------------------------------------------------------------------------------------


def read(text: str, known: Licenses, today: date) -> tuple[list[ExpertRecord], list[Problem]]:
    """Read a Bundle; when there are problems, nothing of it may be used.

    Args:
        text: the file.
        known: licenses in the directory.
        today: as in `read_record`.
    """
    try:
        bundle = _object(json.loads(text.removeprefix("\ufeff")))
    except (ValueError, RecursionError):
        return [], [Problem(0, "file", "is not JSON", "Export the Bundle again.")]
    if bundle.get("resourceType") != "Bundle":
        return [], [Problem(0, "resourceType", "is not Bundle", "Give a FHIR R4 Bundle.")]
    entries = _objects(bundle.get("entry"))
    if len(entries) > MOST_ENTRIES:
        return [], [Problem(0, "entry", f"has more than {MOST_ENTRIES} items", "Split it.")]
    people, roles, problems = _sorted_out(entries)
    records: list[tuple[int, ExpertRecord]] = []
    for row, person in people:
        own = roles.pop(_text(person.get("id")), [])
        if len(own) != 1:
            problems.append(
                Problem(
                    row,
                    "PractitionerRole.practitioner",
                    "no PractitionerRole refers to this Practitioner"
                    if not own
                    else "more than one PractitionerRole refers to this Practitioner",
                    "Give one PractitionerRole for each Practitioner.",
                )
            )
            continue
        record, found = read_record(_raw(person, own[0][1]), row, place, known, today)
        problems += found
        if record is not None:
            records.append((row, record))
    problems += [
        Problem(
            row,
            "PractitionerRole.practitioner",
            "refers to a Practitioner that is not in the Bundle",
            "Add the Practitioner, or take the role out.",
        )
        for own in roles.values()
        for row, _ in own
    ]
    problems += repeated(records, place)
    if not records and not problems:
        problems = [Problem(0, "entry", "has no Practitioner", "Add a Practitioner for each.")]
    return [record for _, record in records], sorted(problems, key=lambda p: p.row)


Numbered = list[tuple[int, dict[str, Any]]]


def _sorted_out(
    entries: Sequence[Mapping[str, Any]],
) -> tuple[Numbered, dict[str, Numbered], list[Problem]]:
    """Give the people, their roles by the id of the person, and entries of another kind."""
    people: Numbered = []
    addresses: dict[str, str] = {}
    referring: list[tuple[int, dict[str, Any], str]] = []
    problems = []
    for row, entry in enumerate(entries, start=1):
        resource = _object(entry.get("resource"))
        kind = _text(resource.get("resourceType"))
        if kind == "Practitioner":
            people.append((row, resource))
            if address := _text(entry.get("fullUrl")):
                addresses[address] = _text(resource.get("id"))
        elif kind == "PractitionerRole":
            reference = _text(_object(resource.get("practitioner")).get("reference"))
            referring.append((row, resource, reference))
        elif kind not in {"Organization", "Location", "HealthcareService", "OperationOutcome"}:
            problems.append(
                Problem(row, "resource", "is not of a roster", "Keep Practitioner and its role.")
            )
    roles: dict[str, Numbered] = {}
    for row, resource, reference in referring:
        person = addresses.get(reference) or reference.rpartition("/")[2]
        roles.setdefault(person, []).append((row, resource))
    return people, roles, problems


def _raw(person: Mapping[str, Any], role: Mapping[str, Any]) -> Raw:
    names = _objects(person.get("name"))
    name = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
    qualifications = _objects(person.get("qualification"))
    period = _object(role.get("period"))
    video = _extension(role, VIDEO_URL).get("valueBoolean")
    accepts = _inner(_extension(role, ACCEPTS_URL), "acceptingPatients")
    active = person.get("active", True) is not False and role.get("active", True) is not False
    codes = [_text(_object(q.get("code")).get("text")) for q in qualifications]
    return {
        "id": _text(person.get("id")),
        "given_names": " ".join(_texts(name.get("given"))),
        "family_name": _text(name.get("family")),
        "credentials": [code for code in codes if code not in {LICENSE, EDUCATION}],
        "role": _code(_first(role.get("code")), ROLES_URL),
        "specialties": [_code(c, SPECIALTIES_URL) for c in _objects(role.get("specialty"))],
        "conditions": [
            _text(_object(extension.get("valueCoding")).get("code"))
            for extension in _objects(role.get("extension"))
            if extension.get("url") == TREATS_URL
        ],
        "languages": [
            _language(_code(c, LANGUAGES_URL)) for c in _objects(person.get("communication"))
        ],
        "locations": [_text(place.get("display")) for place in _objects(role.get("location"))],
        "states": [
            _state(q) for q, code in zip(qualifications, codes, strict=True) if code == LICENSE
        ],
        "pronouns": _text(_extension(person, PRONOUNS_URL).get("valueCode")),
        "education": [
            _text(_object(q.get("issuer")).get("display"))
            for q, code in zip(qualifications, codes, strict=True)
            if code == EDUCATION
        ],
        "npi": next(
            (
                _text(identifier.get("value"))
                for identifier in _objects(person.get("identifier"))
                if identifier.get("system") == NPI_URL
            ),
            "",
        ),
        "telehealth": "yes" if video is True else "no",
        "accepting_new": "yes"
        if _code(accepts, ACCEPTS_CODES) in {"newpt", "existptfam"}
        else "no",
        "active": "yes" if active else "no",
        "active_from": _text(period.get("start"))[:10],
        "active_to": _text(period.get("end"))[:10],
    }


def _state(qualification: Mapping[str, Any]) -> str:
    where = _inner(_extension(qualification, LICENSE_URL), "whereValid")
    expires = _text(_object(qualification.get("period")).get("end"))[:10]
    return f"{_code(where, STATES_URL)}:{expires}"


def _language(code: str) -> str:
    if code == SIGN_LANGUAGE:
        return "asl"
    # es-MX is Spanish for who looks for someone who speaks it.
    general = code.partition("-")[0].lower()
    return general if general in vocabulary().languages else code


def _extension(element: Mapping[str, Any], url: str) -> dict[str, Any]:
    for extension in _objects(element.get("extension")):
        if extension.get("url") == url:
            return extension
    return {}


def _inner(extension: Mapping[str, Any], url: str) -> dict[str, Any]:
    return _object(_extension(extension, url).get("valueCodeableConcept"))


def _code(concept: Mapping[str, Any], system: str) -> str:
    """Give the concept's code of this system; its text, for the message, when it has none."""
    for coding in _objects(concept.get("coding")):
        if coding.get("system") == system:
            return _text(coding.get("code"))
    return _text(concept.get("text")) or ("?" if concept else "")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _first(value: Any) -> dict[str, Any]:
    return next(iter(_objects(value)), {})


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
