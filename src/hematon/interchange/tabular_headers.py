"""Decide what each column of a table holds, from its heading alone.

A heading is a person's word (`sex`, `collected`), an analyte with or without its unit (`HGB`,
`Platelets (K/uL)`, `hemoglobin_g_dl`), a LOINC code, a finding (`HP:0001744`, `splenomegaly`) or a
treatment (`transfusion`). A table with a column of tests and a column of values is long, with one
result a row; any other is wide, with one draw a row. A heading that means nothing is noted by its
place only, because a file without headings has a patient there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hematon.errors import Issue
from hematon.interchange.tabular_cells import AGE_UNITS, is_unit
from hematon.interchange.tabular_names import CONVENTIONAL_UNITS, named_analyte
from hematon.interchange.words import analyte_named
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import normalize_name

_HEADINGS = {
    # role: headings as `normalize_name` leaves them, the one to prefer first
    "id": (
        "patientid patient mrn medicalrecordnumber subjectid subject personid person "
        "participantid participant childid child caseid case studyid patientno patientnumber "
        "studyno recordid record pid id"
    ),
    "sex": "sex gender sexatbirth birthsex administrativesex sexo",
    "birth": "dob birthdate dateofbirth birth born birthday",
    "date": (
        "collected collectiondate datecollected collectedat collectiontime collectiondatetime "
        "drawdate dateofdraw drawn drawtime sampledate specimendate dateofsample date datetime "
        "charttime effectivedate observationdate measurementdate testdate dateoftest labdate "
        "visitdate resultdate resulttime reported fecha time"
    ),
    "test": (
        "loinc loinccode code testcode test testname analyte analytename component parameter "
        "observation observationname measurement labtest label itemname item lab name"
    ),
    "value": (
        "value result resultvalue testresult observationvalue measurementvalue valuetext "
        "valuenum valuenumeric numericvalue resultnumeric valueasnumber"
    ),
    "unit": (
        "unit units uom valueuom resultunit resultunits unitofmeasure unitsofmeasure ucum unitname"
    ),
    "low": (
        "low lower reflow referencelow refrangelower refrangelow normallow lowerlimit lln "
        "rangelow rangelower lablow referencerangelow"
    ),
    "high": (
        "high upper refhigh referencehigh refrangeupper refrangehigh normalhigh upperlimit uln "
        "rangehigh rangeupper labhigh referencerangehigh"
    ),
    "range": ("referencerange refrange normalrange referenceinterval refinterval reference range"),
    "comparator": "comparator operator",
    "status": "status resultstatus",
    "findings": "findings phenotypes phenotype hpo hpoterms features symptoms",
    "treatments": "treatments treatment medication medications drug drugs therapy",
    "ignored": (
        "flag flags abnormal abnormalflag interpretation comment comments note notes specimen "
        "specimentype sampletype sampleid specimenid accession accessionnumber orderid visit "
        "visitid encounter encounterid hadmid stayid site hospital laboratory method analyzer "
        "row no # itemid firstname lastname surname patientname fullname weight height ward "
        "ethnicity race"
    ),
}
_NAMES = {role: tuple(headings.split()) for role, headings in _HEADINGS.items()}
_LONG_ROLES = ("test", "value", "unit", "low", "high", "range", "comparator", "status")
"""Roles that only a long table has."""
_TREATMENTS = {
    "transfusion": "blood transfusion",
    "transfused": "blood transfusion",
    "rbctransfusion": "red cell transfusion",
    "plttransfusion": "platelet transfusion",
    "steroid": "corticosteroid",
    "steroids": "corticosteroid",
    "chemo": "chemotherapy",
    "transplant": "stem cell transplant",
    "bmt": "bone marrow transplant",
}
"""Short headings for treatments; the knowledge's own names are headings too."""
_AGE = re.compile(r"age(?:at(?:draw|collection|test|visit|sample|diagnosis))?(?:in)?([a-z]*)")
_HPO = re.compile(r"\s*(HP)[:_](\d{7})\b.*", re.IGNORECASE | re.ASCII)
_LOINC = re.compile(r"\s*(?:loinc[\s:_-]*)?(\d{1,6}-\d)\b[\s,]*(.*)", re.IGNORECASE | re.ASCII)
_UNIT_COLUMN = re.compile(r"(.+?)[\s_-]*(?:units?|uom)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds results, a finding or a treatment.

    Attributes:
        index: its place, from 0.
        label: how an issue names it; never text that is not in the knowledge.
        name: the name without the unit, to look up again when a unit turns up elsewhere.
        analyte: analyte id, or empty.
        loinc: LOINC code, or empty.
        unit: unit of the whole column, or None.
        assumed: whether the unit is the conventional one and stands nowhere.
        unit_index: place of the column that gives the unit, or None.
        spare: whether it repeats an analyte in another unit: used where the first is empty.
        finding: code of a finding, or empty.
        treatment: words for a treatment, or empty.
    """

    index: int
    label: str
    name: str = ""
    analyte: str = ""
    loinc: str = ""
    unit: str | None = None
    assumed: bool = False
    unit_index: int | None = None
    spare: bool = False
    finding: str = ""
    treatment: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a table are.

    Attributes:
        width: number of columns.
        labels: how issues name each column.
        roles: role to the places of the columns that play it, preferred one first.
        age_unit: key of `AGE_UNITS` for the age column, empty when its heading has no unit.
        results: columns of analytes, in order.
        findings: columns of one finding each.
        treatments: columns of one treatment each.
        issues: what is wrong with the headings.
    """

    width: int
    labels: tuple[str, ...]
    roles: dict[str, tuple[int, ...]]
    age_unit: str = ""
    results: tuple[Column, ...] = ()
    findings: tuple[Column, ...] = ()
    treatments: tuple[Column, ...] = ()
    issues: tuple[Issue, ...] = field(default=())

    @property
    def is_long(self) -> bool:
        """Whether each row is one result."""
        return "test" in self.roles and "value" in self.roles

    @property
    def is_table(self) -> bool:
        """Whether anything in it can be used."""
        return bool(
            self.is_long
            or self.results
            or self.findings
            or self.treatments
            or {"findings", "treatments"} & self.roles.keys()
        )

    def first(self, role: str) -> int | None:
        """Give the place of the preferred column of a role."""
        places = self.roles.get(role)
        return places[0] if places else None


def read_header(header: Sequence[str], units_row: Sequence[str], knowledge: Knowledge) -> Layout:
    """Read the headings.

    Args:
        header: the first row.
        units_row: the second row if it holds units, else empty.
        knowledge: gives the names of analytes, findings and treatments.

    Returns:
        The layout, with its issues.
    """
    plain = [normalize_name(text) for text in header]
    roles = _roles(plain)
    if not ("test" in roles and "value" in roles):
        roles = {role: places for role, places in roles.items() if role not in _LONG_ROLES}
    labels = [f"column {i + 1}" for i in range(len(header))]
    taken = {i for places in roles.values() for i in places}
    for i in taken:
        labels[i] = f"column {header[i].strip()}"
    age_unit = _take_age(plain, units_row, roles, labels, taken)
    columns: list[Column] = []
    unknown: list[int] = []
    for i, text in enumerate(header):
        if i in taken or not text.strip():
            continue
        column = _column(i, text.strip(), knowledge)
        if column is None:
            unknown.append(i)
        else:
            labels[i] = column.label
            columns.append(_with_unit(column, units_row[i] if units_row else "", knowledge))
    columns, unknown = _with_unit_columns(columns, unknown, header, knowledge)
    results, issues = _without_repeats([c for c in columns if c.analyte])
    issues += [_unknown(i) for i in unknown]
    return Layout(
        len(header),
        tuple(labels),
        roles,
        age_unit,
        tuple(results),
        tuple(c for c in columns if c.finding),
        tuple(c for c in columns if c.treatment),
        tuple(issues),
    )


def looks_like_units(row: Sequence[str], layout: Layout) -> bool:
    """Say whether the row under the headings holds units: under results, units and nothing else."""
    cells = [row[c.index].strip() for c in layout.results if c.index < len(row)]
    cells = [cell for cell in cells if cell]
    return (
        bool(cells)
        and all(not cell[0].isdigit() or "/" in cell for cell in cells)
        and all(is_unit(cell) for cell in cells)
    )


def _roles(plain: Sequence[str]) -> dict[str, tuple[int, ...]]:
    roles = {}
    for role, names in _NAMES.items():
        ranked = sorted((names.index(name), i) for i, name in enumerate(plain) if name in names)
        if ranked:
            roles[role] = tuple(i for _, i in ranked)
    return roles


def _take_age(
    plain: Sequence[str],
    units_row: Sequence[str],
    roles: dict[str, tuple[int, ...]],
    labels: list[str],
    taken: set[int],
) -> str:
    """Find the columns of ages; prefer the finest unit. Give the unit of the preferred one."""
    found = []
    for i, name in enumerate(plain):
        match = _AGE.fullmatch(name)
        if match is None or (match[1] and match[1] not in AGE_UNITS):
            continue
        below = units_row[i].strip().lower() if units_row else ""
        unit = match[1] or (below if below in AGE_UNITS else "")
        found.append((AGE_UNITS.get(unit, 1000.0), i, unit))
        labels[i] = f"column {name}"
        taken.add(i)
    if not found:
        return ""
    found.sort()
    roles["age"] = tuple(i for _, i, _ in found)
    return found[0][2]


def _column(index: int, text: str, knowledge: Knowledge) -> Column | None:
    """Give the column of an analyte, a finding or a treatment; None for anything else."""
    if match := _HPO.fullmatch(text):
        code = f"HP:{match[2]}"
        return Column(index, f"column {code}", finding=code)
    if (match := _LOINC.fullmatch(text)) and match[1] in knowledge.loinc:
        known = knowledge.loinc[match[1]]
        unit = match[2].strip("()[] ")
        return Column(
            index,
            f"column {match[1]}",
            analyte=known.analyte,
            loinc=match[1],
            unit=unit if unit and is_unit(unit) else None,
        )
    named = named_analyte(text, knowledge)
    if named is not None:
        name, analyte, given = named
        return Column(index, f"column {name}", name, analyte, unit=given)
    plain = normalize_name(text)
    if plain in finding_names(knowledge):
        return Column(index, f"column {text}", finding=finding_names(knowledge)[plain])
    if treatment := treatment_names(knowledge).get(plain):
        return Column(index, f"column {text}", treatment=treatment)
    return None


def _with_unit(column: Column, below: str, knowledge: Knowledge) -> Column:
    """Add the unit of the units row, or the conventional one, to a column of results."""
    below = below.strip()
    if below and column.analyte and is_unit(below):
        analyte = analyte_named(knowledge, column.name, below) or column.analyte
        return replace(column, analyte=analyte, unit=below)
    if column.unit is None and column.analyte in CONVENTIONAL_UNITS:
        return replace(column, unit=CONVENTIONAL_UNITS[column.analyte], assumed=True)
    return column


def _with_unit_columns(
    columns: list[Column], unknown: list[int], header: Sequence[str], knowledge: Knowledge
) -> tuple[list[Column], list[int]]:
    """Attach `HGB unit` to `HGB`."""
    left = []
    for i in unknown:
        match = _UNIT_COLUMN.fullmatch(header[i].strip())
        base = normalize_name(match[1]) if match else ""
        owner = next((c for c in columns if base and normalize_name(c.name) == base), None)
        if owner is None:
            left.append(i)
        else:
            columns = [
                replace(c, unit_index=i, assumed=False, unit=None if c.assumed else c.unit)
                if c is owner
                else c
                for c in columns
            ]
    return columns, left


def _without_repeats(columns: list[Column]) -> tuple[list[Column], list[Issue]]:
    """Drop a second column of an analyte; one in another unit is a spare of the first.

    Two LOINC codes of one analyte are two results, by two methods, and both stay.
    """
    kept: list[Column] = []
    issues = []
    for column in columns:
        same = [c for c in kept if c.analyte == column.analyte and not c.spare]
        if not same or (column.loinc and all(c.loinc not in ("", column.loinc) for c in same)):
            kept.append(column)
        elif column.unit is not None and all(c.unit not in (None, column.unit) for c in same):
            kept.append(replace(column, spare=True))
        else:
            issues.append(
                Issue(
                    "error",
                    "header-ambiguous",
                    f"row 1, {column.label}",
                    "another column holds the same analyte; this one is not read",
                    "keep one of them, or give each its LOINC code",
                )
            )
    return kept, issues


def _unknown(index: int) -> Issue:
    return Issue(
        "warning",
        "header-unknown",
        f"row 1, column {index + 1}",
        "the heading is not one that Hematon knows; the column is not read",
        "use the name of an analyte, a LOINC code or an HPO id",
    )


def finding_names(knowledge: Knowledge) -> dict[str, str]:
    """Give name or id of each finding, as `normalize_name` leaves it, to its id."""
    return {normalize_name(t): f.id for f in knowledge.findings.values() for t in (f.name, f.id)}


def treatment_names(knowledge: Knowledge) -> dict[str, str]:
    """Give each treatment heading, as `normalize_name` leaves it, to words `Intake` recognises."""
    known = {normalize_name(n): n for entry in knowledge.treatments for n in entry.names}
    return {**known, **_TREATMENTS}
