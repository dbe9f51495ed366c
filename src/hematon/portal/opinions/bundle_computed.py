"""What the engine made of the record, as resources: apart, and with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from hematon.engine.assessment import Assessment
from hematon.knowledge import Knowledge
from hematon.portal.opinions.packet import Packet
from hematon.portal.opinions.resources import HL7, OURS, Json, Maker, concept, instant
from hematon.report import fhir as report


def computed(
    make: Maker, packet: Packet, sources: list[Json], assessment: Assessment, knowledge: Knowledge
) -> Iterator[Json]:
    """Give the engine, its report and where that comes from.

    Args:
        make: makes the resources.
        packet: the case, gathered.
        sources: references to what was read.
        assessment: of that reading.
        knowledge: it was made with.
    """
    versions = assessment.versions
    yield make.new(
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
    made = report.render(assessment, knowledge)
    # The report names the record by the id it was read under, which is that of the Patient.
    for inner in made.get("contained", ()):
        inner["subject"] = make.patient
    yield made | {
        "id": make.id("DiagnosticReport", "computed"),
        "subject": make.patient,
        "performer": [make.to("Organization")],
    }
    yield make.new(
        "Provenance",
        "computed",
        target=[make.to("DiagnosticReport", "computed")],
        recorded=instant(packet.at),
        activity={"text": "Computed from the record; no person has judged it"},
        agent=[
            {
                "type": concept(f"{HL7}/provenance-participant-type", "assembler"),
                "who": make.to("Device", "engine"),
            }
        ],
        entity=[{"role": "source", "what": one} for one in sources]
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
