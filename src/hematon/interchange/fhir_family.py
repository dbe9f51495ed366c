"""Read a FamilyMemberHistory into the family findings of the knowledge.

The table below says which diseases of which relatives make which finding. It restates in codes
and words what the findings' own names and definitions in `findings.yaml` (`FH_...`) say, such as
"First/second-degree relative with MDS/AML/aplastic anemia < 50 y"; HPO ids are of the release the
knowledge names. A disease in a relative that no row names is noted as not used; so is a relative
by marriage or adoption, who shares no genes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hematon.interchange.fhir_codes import Json, codings, disease_code, hpo_id
from hematon.interchange.fhir_record import Record, Relative
from hematon.interchange.intake import MAX_TEXT

_ROLES = {
    "parent": "PRN NPRN MTH NMTH FTH NFTH",
    "sibling": "SIB NSIB BRO NBRO SIS NSIS TWIN FTWIN ITWIN TWINBRO FTWINBRO ITWINBRO TWINSIS "
    "FTWINSIS ITWINSIS",
    "child": "CHILD NCHILD SON SONC DAU DAUC",
    "second": "HSIB HBRO HSIS GRPRN GRFTH GRMTH MGRPRN MGRFTH MGRMTH PGRPRN PGRFTH PGRMTH AUNT "
    "MAUNT PAUNT UNCLE MUNCLE PUNCLE NIENEPH NEPHEW NIECE GRNDCHILD GRNDDAU GRNDSON",
    "distant": "EXT COUSN MCOUSN PCOUSN GGRPRN GGRFTH GGRMTH MGGRPRN MGGRFTH MGGRMTH PGGRPRN "
    "PGGRFTH PGGRMTH FAMMEMB",
}
"""v3-RoleCode of relatives by blood."""
_PARENT, _SIBLING, _CHILD, _SECOND_DEGREE, _DISTANT = (
    frozenset(codes.split()) for codes in _ROLES.values()
)
_WORDS_FOR = (
    (re.compile(r"\b(?:step|adopt|foster|law|spouse|wife|husband|partner)"), ""),
    (re.compile(r"\bhalf|grand|\b(?:aunt|uncle|niece|nephew)\b"), "HSIB"),
    (re.compile(r"\b(?:mother|father|parent|mom|dad)\b"), "PRN"),
    (re.compile(r"\b(?:brother|sister|sibling|twin)\b"), "SIB"),
    (re.compile(r"\b(?:son|daughter|child)\b"), "CHILD"),
    (re.compile(r"\b(?:cousin|relative)\b"), "EXT"),
)
_FIRST_DEGREE = _PARENT | _SIBLING | _CHILD
_NEAR = _FIRST_DEGREE | _SECOND_DEGREE
_ALL = _NEAR | _DISTANT

_FIFTY_YEARS = 18_262
_DENIED = re.compile(r"\b(?:no|not|without|negative|denies|unknown|screening|rule|suspected)\b|\?")


class _Row(NamedTuple):
    """Which diseases of which relatives make a finding."""

    finding: str
    relatives: frozenset[str]
    lab_findings: frozenset[str]
    hpo: frozenset[str]
    conditions: frozenset[str]
    words: re.Pattern[str]
    before_days: int | None = None


_NOTHING: frozenset[str] = frozenset()
_TABLE = (
    _Row(
        "FH_NEUTROPENIA",
        _PARENT | _SIBLING,
        frozenset(("LAB_NEUTROPENIA",)),
        _NOTHING,
        frozenset(("scn", "scn_syndromic", "cyclic_neutropenia", "idiopathic_neutropenia")),
        re.compile(r"\b(?:neutropeni[ac]|agranulocytosis|kostmann)\b"),
    ),
    _Row(
        "FH_THROMBOCYTOPENIA",
        _PARENT,
        frozenset(("LAB_THROMBOCYTOPENIA",)),
        _NOTHING,
        frozenset(("ankrd26", "etv6", "runx1", "myh9", "bss_other_it", "was_xlt")),
        re.compile(r"\b(?:thrombocytopeni[ac]|low platelets?)\b"),
    ),
    _Row(
        "FH_MDS_AML",
        _NEAR,
        _NOTHING,
        frozenset(("HP:0002863", "HP:0004808", "HP:0001909", "HP:0001915")),
        frozenset(("rcc_mds", "acute_leukemia", "aa_idiopathic", "aa_hepatitis", "aa_drug_toxin")),
        re.compile(r"\b(?:myelodysplas\w+|mds|aml|leuk(?:a?emia|a?emic)|aplastic an(?:a?emia))\b"),
        _FIFTY_YEARS,
    ),
    _Row(
        "FH_TBD",
        _ALL,
        _NOTHING,
        frozenset(("HP:0002206", "HP:0001394", "HP:0002216", "HP:0012288")),
        frozenset(("tbd",)),
        re.compile(
            r"\b(?:pulmonary fibrosis|lung fibrosis|(?:premature|early) gr[ae]y(?:ing)?|"
            r"dyskeratosis congenita|head and neck (?:cancer|carcinoma))\b|"
            r"^(?!.*(?:alcohol|viral|hepatitis|biliary)).*\bcirrhosis\b"
        ),
        _FIFTY_YEARS,
    ),
    _Row(
        "FH_ANEMIA_DBA",
        _ALL,
        _NOTHING,
        frozenset(("HP:0012410",)),
        frozenset(("dba",)),
        re.compile(r"\b(?:diamond[- ]blackfan|pure red cell aplasia|red cell aplasia)\b"),
    ),
    _Row(
        "FH_AUTOIMMUNE",
        _FIRST_DEGREE,
        _NOTHING,
        frozenset(("HP:0002960", "HP:0002725")),
        frozenset(("sle", "evans_aiha")),
        re.compile(
            r"\b(?:autoimmune|lupus|rheumatoid arthritis|type 1 diabetes|co?eliac|hashimoto|"
            r"graves|vitiligo|multiple sclerosis)\b"
        ),
    ),
)
_CYTOPENIAS = frozenset(
    ("LAB_NEUTROPENIA", "LAB_THROMBOCYTOPENIA", "LAB_ANEMIA", "LAB_PANCYTOPENIA")
)


def family(record: Record, resource: Json, where: str) -> None:
    """Take what one relative has."""
    status = resource.get("status")
    if status in ("entered-in-error", "health-unknown"):
        record.tally(
            "status-not-final",
            f"{where}/status",
            "FamilyMemberHistory that is withdrawn or unknown: it is dropped",
        )
        return
    relation = _relation(record.an_object(resource, "relationship", where) or {})
    used = False
    for at, entry in record.objects(resource, "condition", where):
        concept = record.an_object(entry, "code", at)
        if concept is not None and relation:
            age = record.an_object(entry, "onsetAge", at)
            onset = None if age is None else record.days(age, f"{at}/onsetAge")
            used |= _take(record, concept, relation, onset, at)
    if not used:
        record.tally("family-not-used", where, "a family history entry is read and not used")


def _relation(concept: Json) -> str:
    """Give the v3-RoleCode of a relative by blood, empty for any other or none."""
    for coded in codings(concept):
        if coded.code in _ALL:
            return coded.code
        if coded.code.isupper():
            return ""  # a role code of someone who is no relative by blood
    text = concept.get("text")
    displays = [c.display for c in codings(concept)]
    said = " ".join([text if isinstance(text, str) else "", *displays])[:MAX_TEXT].lower()
    return next((role for words, role in _WORDS_FOR if words.search(said)), "")


def _take(record: Record, concept: Json, relation: str, onset: int | None, where: str) -> bool:
    knowledge = record.knowledge
    coded = list(codings(concept))
    terms = frozenset(filter(None, map(hpo_id, coded)))
    labs = frozenset(finding for term in terms for finding in knowledge.findings_of(term))
    keys = frozenset(
        key
        for c in coded
        if (key := knowledge.condition_codes.get(":".join(disease_code(c)))) is not None
    )
    text = concept.get("text")
    said = " / ".join([text if isinstance(text, str) else "", *(c.display for c in coded)])
    said = said[:MAX_TEXT].lower()
    if _DENIED.search(said):
        return False
    found = [
        row.finding
        for row in _TABLE
        if relation in row.relatives
        and (row.before_days is None or onset is None or onset < row.before_days)
        and (
            row.lab_findings & labs
            or row.hpo & terms
            or row.conditions & keys
            or row.words.search(said)
        )
    ]
    if relation in _SIBLING:
        found += ["FH_SIB"] if keys & _inherited(record) else []
        cytopenias = labs & _CYTOPENIAS
        if cytopenias:
            record.siblings.append(Relative(cytopenias, where))
    for finding in found:
        record.intake.finding(finding, True, where)
    return bool(found) or (relation in _SIBLING and bool(labs & _CYTOPENIAS))


def _inherited(record: Record) -> frozenset[str]:
    return frozenset(
        c.id for c in record.knowledge.conditions if c.category.startswith("inherited")
    )


def judge_siblings(record: Record) -> None:
    """Take a sibling's cytopenia as a finding when the patient is stated to have the same."""
    knowledge, intake = record.knowledge, record.intake
    own = {hit for f in intake.findings if f.observed for hit in knowledge.findings_of(f.code)}
    for sibling in record.siblings:
        if sibling.findings & own:
            intake.finding("FH_SIB", True, sibling.where)
        else:
            record.tally(
                "family-not-used",
                sibling.where,
                "a sibling's cytopenia is used only "
                "when the patient is stated, by HPO, to have the same",
                "state FH_SIB when it is the same",
            )
