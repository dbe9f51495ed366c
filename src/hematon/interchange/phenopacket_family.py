"""Read the family around a proband: parents related by blood, and an affected sibling."""

from __future__ import annotations

from hematon.interchange.node import Node

AFFECTED = ("MISSING", "UNAFFECTED", "AFFECTED")


def read_family(family: Node, proband: Node) -> None:
    """Take what a family says about the proband; what its other packets say is only noted."""
    intake = family.intake
    if family.flag("consanguinousParents") or family.flag("consanguineousParents"):
        intake.finding("FH_CONSANG", True, family.at("consanguinousParents"))
    sibling = _affected_sibling(family, proband.object("subject").text("id"))
    if sibling is not None:
        intake.finding("FH_SIB", True, sibling.where)
    relatives = sum(1 for _ in family.objects("relatives"))
    if relatives:
        intake.warn(
            "family-not-used",
            family.at("relatives"),
            f"the packets of {relatives} relatives are read and not used",
            "state what matters as a feature of the proband",
        )


def _affected_sibling(family: Node, proband_id: str) -> Node | None:
    """Give a person of the pedigree who is affected and has both parents of the proband."""
    persons = list(family.object("pedigree").objects("persons"))
    parents = {p.text("individualId"): _parents(p) for p in persons}.get(proband_id)
    for person in persons:
        if (
            person.text("individualId") != proband_id
            and parents is not None
            and _parents(person) == parents
            and person.choice("affectedStatus", AFFECTED) == "AFFECTED"
        ):
            return person
    return None


def _parents(person: Node) -> tuple[str, str] | None:
    mother, father = person.text("maternalId"), person.text("paternalId")
    # A zero stands for an unknown parent, as in PED files.
    return (mother, father) if {mother, father}.isdisjoint({"", "0"}) else None
