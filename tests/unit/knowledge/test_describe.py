"""What the knowledge says of itself: every number with its unit, grade and source."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from hematon.knowledge.describe import (
    Change,
    UnknownEntryError,
    diff,
    grade_counts,
    list_sources,
    show,
)
from hematon.knowledge.facts import FACTS
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.records import Criterion
from hematon.knowledge.rule_text import RuleText

DOCUMENT = Path(__file__).parents[3] / "docs" / "knowledge.md"
FA = "conditions/fanconi_anemia.yaml"


# --- show --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "fanconi_anemia",
            [
                "condition fanconi_anemia: Fanconi anemia",
                "  category inherited; never to be missed",
                "  prior 0.5 per million child-years [named_source: TSANGARIS2011, FA_INC2011]",
                "  age when first seen 7 years (5th percentile 0.1, 95th 18)"
                " [expert: FA_TR, EXPERT]",
                "  boys 50% (1:1) [expert]",
                "    0.85 (0.2) MAR_HYPO Hypocellular marrow 25 of 28 [counted: KALB2007]",
                "    0.85 (0.55) LAB_THROMBOCYTOPENIA Thrombocytopenia [expert: EXPERT]"
                " usually first lineage",
            ],
        ),
        ("dba", ["  only with red lineage low"]),
        ("duffy_null", ["  category benign_variant"]),
        (
            "TST_EADA_HIGH",
            [
                "finding TST_EADA_HIGH: Erythrocyte ADA high",
                "  kind test; damped with the group test",
                "    0.84 in dba (Diamond-Blackfan anemia syndrome) [named_source: FARGO2013]",
            ],
        ),
        ("SGN_HEADACHE", ["  kind sign"]),
        ("LAB_MCV_HIGH", ["  when mcv above the upper limit for age"]),
        (
            "deb_mmc",
            [
                "  read as: TST_DEB_POS Chromosome breakage (DEB/MMC) positive",
                "  sensitivity 0.97 [named_source: FA_CHROM2012]",
            ],
        ),
        ("eada", ["  draw before transfusion"]),
        ("cbc_diff", ["  for: every condition", "  sensitivity not stated"]),
        (
            "platelets",
            [
                "analyte platelets: Platelets, 10*9/L",
                "    day 122 to 273, any, any: 241 to 591, median 416 10*9/L (2.5-97.5)"
                " [named_source: HINCHLIFFE2013]",
            ],
        ),
        (
            "hemoglobin",
            [
                "  other units: mmol/L x 1.611",
                "  cut-off anemia_who of hemoglobin, population any",
                "      from day 5479 on, male: 13 g/dL [named_source: WHO2024]",
            ],
        ),
        ("marrow_cellularity", ["analyte marrow_cellularity: Marrow cellularity, %"]),
        (
            "KALB2007",
            ["  PMID: 17436244"],
        ),
        (
            "E2",
            [
                "  act: Emergency department now; antibiotic within 60 minutes",
            ],
        ),
        ("S1", ["  confirmed by: same_lineage_low_28d"]),
        (
            "severe_aplastic_anemia",
            [
                "severity severe_aplastic_anemia: Severe aplastic anemia criteria,"
                " group aplastic_anemia; needs a marrow [named_source: CAMITTA1976, BSH2016]"
            ],
        ),
        ("thrombocytopenia", ["  when platelets < 150 10*9/L"]),
        (
            "steroids_before_dba",
            [
                "  unless not [reticulocytopenia (Reticulocytes low for the anemia)]",
                "  test: eada",
            ],
        ),
        ("two_lineages", ["    tbd (Dyskeratosis congenita / telomere biology disorder)"]),
        (
            "population",
            ["    prior x 3 for viral_suppression (Viral marrow suppression (transient))"],
        ),
        ("pseudo_count", ["parameter pseudo_count: 2 [expert: HEMATON_MODEL]"]),
        (
            "HP:0001433",
            ["  present means HP:0001744 Splenomegaly", "  present means HP:0002240 Hepatomegaly"],
        ),
        ("HP:0000057", ["  obsolete; replaced by HP:0008665"]),
        ("HP:0000489", ["  obsolete; replaced by nothing"]),
        ("HP:0000365", ["  absent means no HP:0000407 Sensorineural hearing impairment"]),
        ("  FANCONI_ANEMIA ", ["condition fanconi_anemia: Fanconi anemia"]),
    ],
)
def test_entry_is_shown(files: KnowledgeFiles, name: str, lines: list[str]) -> None:
    """Each kind of entry is written with its numbers, units, grades and sources."""
    written = show(files, name).splitlines()
    assert [line for line in lines if line not in written] == []


def test_every_entry_can_be_shown(files: KnowledgeFiles) -> None:
    """Whatever has an id can be looked up by it."""
    ids = [
        *(c.id for c in files.conditions),
        *(f.id for f in files.findings.findings),
        *(t.id for t in files.tests.tests),
        *(a.id for a in files.analytes.analytes),
        *(r.id for r in files.urgency.rules),
        *(r.id for s in files.severity for r in s.rules),
        *(d.id for d in files.definitions.definitions),
        *(c.id for c in files.cutoffs.cutoffs),
        *(h.id for h in files.hazards.hazards),
        *(s.id for s in files.settings.settings),
        *files.model.parameters,
        *files.fitted.parameters,
    ]
    for name in set(ids):
        assert show(files, name).splitlines()


def test_condition_shows_every_frequency(files: KnowledgeFiles) -> None:
    """No evidence row is left out, and none is without grade and source."""
    for condition in files.conditions:
        written = show(files, condition.id)
        rows = re.findall(r"^    [\d.e-]+ .* \[(\w+): [^\]]+\]", written, re.MULTILINE)
        assert len(rows) == len(condition.evidence)


def test_what_shares_an_id_is_shown_together(files: KnowledgeFiles) -> None:
    """An analyte and the test that measures it may have one id."""
    blocks = show(files, "eada").split("\n\n")
    assert [block.split(":")[0] for block in blocks] == ["test eada", "analyte eada"]


def test_source_shows_where_it_is_cited(files: KnowledgeFiles) -> None:
    """An editor who withdraws a source sees what rests on it."""
    written = show(files, "FARGO2013")
    uses = {s.id: s.uses for s in list_sources(files)}["FARGO2013"]
    assert f"  cited {uses} time(s)" in written.splitlines()
    assert len(re.findall(r"^    \S+#/\S+$", written, re.MULTILINE)) == uses
    assert re.search(r"^    conditions/dba\.yaml#/evidence/\d+/source/0$", written, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("fanconi_anaemia", "fanconi_anemia"),
        ("Fanconi anaemia", "fanconi_anemia"),
        ("Diamond-Blackfan anemia", "dba"),
        ("platelet", "platelets"),
        ("DALLMAN1978", "DALLMAN1977"),
    ],
)
def test_unknown_entry_names_what_comes_near(files: KnowledgeFiles, name: str, near: str) -> None:
    """A slip, a synonym or a heading leads to the id."""
    with pytest.raises(UnknownEntryError, match=near) as caught:
        show(files, name)
    assert near in caught.value.suggestions
    assert len(set(caught.value.suggestions)) == len(caught.value.suggestions)


def test_unknown_entry_near_nothing_says_so(files: KnowledgeFiles) -> None:
    """There is not always a suggestion."""
    with pytest.raises(UnknownEntryError, match=r"no entry qqqqqqqqqq$") as caught:
        show(files, "qqqqqqqqqq")
    assert caught.value.suggestions == ()


# --- rules in words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"analyte": "anc", "below": 0.5}, "anc < 0.5 10*9/L"),
        ({"analyte": "platelets", "at_most": 20.0}, "platelets <= 20 10*9/L"),
        ({"analyte": "wbc", "above": 50.0}, "wbc > 50 10*9/L"),
        ({"analyte": "ferritin", "from": 500.0}, "ferritin >= 500 ng/mL"),
        ({"analyte": "nothing", "from": 500.0}, "nothing >= 500"),
        ({"analyte": "mcv", "above_limit": 1.0}, "mcv above the upper limit for age"),
        (
            {"analyte": "hemoglobin", "below_limit": 0.65},
            "hemoglobin below 0.65 x the lower limit for age",
        ),
        (
            {"analyte": "eada", "above_lab_limit": 1.0},
            "eada above the laboratory's upper limit",
        ),
        (
            {"analyte": "eada", "below_lab_limit": 2.0},
            "eada below 2 x the laboratory's lower limit",
        ),
        ({"analyte": "anc", "below_cutoff": "neutropenia"}, "anc below the cut-off neutropenia"),
        ({"finding": "LAB_BLASTS"}, "LAB_BLASTS Circulating blasts"),
        ({"finding": "NOT_THERE"}, "NOT_THERE"),
        ({"lineage": "red"}, "red lineage low"),
        ({"lineages_low": 2}, "at least 2 lineage(s) low"),
        ({"lineages_low_exactly": 1}, "exactly 1 lineage(s) low"),
        ({"sex": "female"}, "female"),
        ({"definition": "anemia"}, "anemia (Anemia)"),
        ({"definition": "not_there"}, "not_there (?)"),
        ({"recorded": "itp"}, "recorded: itp (Immune thrombocytopenia)"),
        ({"recorded": "not_there"}, "recorded: not_there (?)"),
        ({"fact": "prior_normal"}, f"prior_normal: {FACTS['prior_normal']}"),
        ({"fact": "not_there"}, "not_there: ?"),
        ({"age_from_days": 29}, "age from day 29"),
        ({"age_to_days": 29}, "age before day 29"),
        ({"age_from_days": 5, "age_to_days": 76}, "age from day 5 before day 76"),
        (
            {"all": [{"sex": "male"}, {"any": [{"lineage": "red"}, {"not": {"lineages_low": 3}}]}]},
            "all of [male; any of [red lineage low; not [at least 3 lineage(s) low]]]",
        ),
        (
            {"at_least": 2, "of": [{"sex": "male"}, {"lineage": "white"}]},
            "at least 2 of [male; white lineage low]",
        ),
    ],
)
def test_rule_is_written_in_words(files: KnowledgeFiles, rule: dict[str, Any], words: str) -> None:
    """The words say exactly what the rule says, with the unit of each number."""
    assert RuleText(files).write(Criterion.model_validate(rule)) == words


# --- sources and grades ------------------------------------------------------------------------


def test_sources_are_listed_in_order_of_the_file(files: KnowledgeFiles) -> None:
    """Each source once, with how far it was read and how often it is cited."""
    listed = list_sources(files)
    assert [s.id for s in listed] == [s.id for s in files.sources.sources]
    uses = {s.id: s.uses for s in listed}
    assert uses["EXPERT"] > 1000
    assert uses["HPO"] == 1
    assert uses["CALIPER_XN"] == 0


def test_grades_count_every_evidence_row(files: KnowledgeFiles) -> None:
    """Each row is counted once, from the surest grade to the least sure."""
    counts = grade_counts(files)
    assert list(counts) == ["counted", "named_source", "expert", "derived"]
    assert sum(counts.values()) == sum(len(c.evidence) for c in files.conditions)


def test_document_states_the_present_figures(files: KnowledgeFiles) -> None:
    """docs/knowledge.md says what the commands it names print today."""
    rows = r"^\| `?([\w ]+?)`? \|.*\| ([\d,]+)(?: \((\d+) %\))? \|$"
    written = re.findall(rows, DOCUMENT.read_text("utf-8"), re.MULTILINE)
    sources, grades = list_sources(files), grade_counts(files)
    grades["cited"] = grades["counted"] + grades["named_source"]
    every = sum(len(c.evidence) for c in files.conditions)
    expected = {name: (f"{n:,}", f"{100 * n / every:.0f}") for name, n in grades.items()}
    for status in ("retrieved", "recalled", "expert"):
        expected[f"source {status}"] = (str(sum(s.status == status for s in sources)), "")
    expected["not cited"] = (str(sum(s.uses == 0 for s in sources)), "")
    assert {name: (count, share) for name, count, share in written} == expected


# --- diff --------------------------------------------------------------------------------------


def _edit(file: str, *at: Any, **change: Any) -> dict[str, Any]:
    return {"file": file, "at": list(at), **change}


def test_same_edition_has_no_changes(files: KnowledgeFiles) -> None:
    """Nothing changed is nothing reported."""
    assert diff(files, files) == []


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (
            _edit(FA, "evidence", {"finding": "HP:0004322"}, "frequency", value=0.6),
            Change(FA, "/evidence/HP:0004322/frequency", 0.5, 0.6),
        ),
        (_edit(FA, "prior", "value", value=0.7), Change(FA, "/prior/value", 0.5, 0.7)),
        (
            _edit(FA, "gate", value={"lineage": "red"}),
            Change(FA, "/gate", None, {"lineage": "red"}),
        ),
        (
            _edit(FA, "genes", {"symbol": "FANCB"}, "modes", value=["AR"]),
            Change(FA, "/genes/FANCB/modes", ["XL"], ["AR"]),
        ),
        (
            _edit(FA, "codes", {"system": "ORPHA"}, remove=True),
            Change(FA, "/codes/ORPHA 84", {"system": "ORPHA", "code": "84"}, None),
        ),
        (
            _edit("cutoffs.yaml", "cutoffs", 0, "steps", 0, "value", value=3.0),
            Change("cutoffs.yaml", "/cutoffs/neutropenia any/steps/0 any/value", 3.5, 3.0),
        ),
        (
            _edit("reference_intervals/mpv.yaml", "bands", 0, "upper", value=11.0),
            Change("reference_intervals/mpv.yaml", "/bands/any any 0/upper", 10.8, 11.0),
        ),
        (
            _edit("severity/hlh_2004.yaml", "rules", 0, "when", "at_least", value=4),
            Change("severity/hlh", "/rules/hlh_2004/when/at_least", 5, 4),
        ),
        (
            _edit("model.yaml", "parameters", "pseudo_count", "value", value=3.0),
            Change("model.yaml", "/parameters/pseudo_count/value", 2.0, 3.0),
        ),
        (
            _edit("urgency.yaml", "rules", {"id": "E3c"}, "when", "all", value=[{"sex": "male"}]),
            None,
        ),
    ],
)
def test_change_is_reported_by_name(
    files: KnowledgeFiles, patched: Any, edit: dict[str, Any], change: Change | None
) -> None:
    """One edit is one change, at a path that names entries and not their numbers."""
    changes = diff(files, patched([edit]))
    if change is None:
        assert {c.path.split("/")[2] for c in changes} == {"E3c"}
    else:
        assert changes == [change]


def test_moved_entry_is_no_change(files: KnowledgeFiles, patched: Any) -> None:
    """Order carries no meaning where entries have names."""
    rows = [
        row.model_dump(exclude_none=True)
        for c in files.conditions
        if c.id == "dba"
        for row in c.evidence
    ]
    moved = patched([_edit("conditions/dba.yaml", "evidence", value=rows[::-1])])
    assert diff(files, moved) == []


def test_list_whose_entries_have_no_names_is_compared_as_a_whole(
    files: KnowledgeFiles, patched: Any
) -> None:
    """Two windows of one kind cannot be told apart by name: the list is one change."""
    edited = patched([_edit("treatments.yaml", "windows", 0, "days", value=120)])
    (change,) = diff(files, edited)
    assert (change.file, change.path) == ("treatments.yaml", "/windows")
    assert (change.old[0]["days"], change.new[0]["days"]) == (90, 120)


def test_list_whose_names_repeat_is_compared_as_a_whole(patched: Any) -> None:
    """Two bounds on one analyte share its name: the rule's parts are one change."""

    def bounded(low: float) -> KnowledgeFiles:
        parts = [{"analyte": "anc", "below": 1.0}, {"analyte": "anc", "from": low}]
        place = ["definitions", {"id": "neutropenia"}, "when"]
        edited: KnowledgeFiles = patched([_edit("definitions.yaml", *place, value={"all": parts})])
        return edited

    (change,) = diff(bounded(0.2), bounded(0.5))
    assert change.path == "/definitions/neutropenia/when/all"


def test_added_file_is_one_change(files: KnowledgeFiles) -> None:
    """A new condition is reported as a whole, and so is one that is gone."""
    fewer = dataclasses.replace(files, conditions=files.conditions[1:])
    (added,) = diff(fewer, files)
    (removed,) = diff(files, fewer)
    assert (added.file, added.path, added.old) == ("conditions/aa_drug_toxin.yaml", "", None)
    assert added.new == removed.old
    assert added.new["id"] == "aa_drug_toxin"


LINES, TERMS, DISEASES = (f"annotations/{name}.csv" for name in ("lines", "terms", "diseases"))


def _tables(files: KnowledgeFiles, **rows: list[list[str]]) -> KnowledgeFiles:
    named = {f"{name}.csv": value for name, value in rows.items()}
    return dataclasses.replace(files, annotations={**files.annotations, **named})


@pytest.mark.parametrize(
    ("table", "old", "new", "change"),
    [
        (
            "lines",
            ["OMIM:1", "HP:0001876", "3", "7", "", "PMID:9"],
            ["OMIM:1", "HP:0001876", "4", "7", "", "PMID:9"],
            Change(LINES, "/OMIM:1 HP:0001876 PMID:9/n", "3", "4"),
        ),
        (
            "terms",
            ["HP:0001876", "Pancytopenia", "HP:0001871", "0.02"],
            ["HP:0001876", "Pancytopenia", "HP:0001871", "0.03"],
            Change(TERMS, "/HP:0001876/background", "0.02", "0.03"),
        ),
        (
            "diseases",
            ["pnh", "OMIM:1", "A disease"],
            ["dba", "OMIM:1", "A disease"],
            Change(DISEASES, "/OMIM:1/condition", "pnh", "dba"),
        ),
    ],
)
def test_cell_of_a_table_is_one_change(
    files: KnowledgeFiles, table: str, old: list[str], new: list[str], change: Change
) -> None:
    """A row is found by what names it, wherever it stands, and only its cell is reported."""
    others = [["X:2", *old[1:]], ["X:3", *old[1:]]]
    if table == "diseases":
        others = [["pnh", f"X:{k}", "Another"] for k in (2, 3)]
    before = _tables(files, **{table: [old, *others]})
    after = _tables(files, **{table: [*reversed(others), new]})
    assert diff(before, after) == [change]


def test_line_that_came_or_went_is_one_change(files: KnowledgeFiles) -> None:
    """A line of the same term from another publication is another line."""
    first = ["OMIM:1", "HP:0001876", "3", "7", "", "PMID:9"]
    other = ["OMIM:1", "HP:0001876", "", "", "0.55", "ORPHA:1"]
    one, two = _tables(files, lines=[first]), _tables(files, lines=[other, first])
    path = "/OMIM:1 HP:0001876 ORPHA:1"
    cells = {"n": "", "of": "", "frequency": "0.55"}
    assert diff(one, two) == [Change(LINES, path, None, cells)]
    assert diff(two, one) == [Change(LINES, path, cells, None)]


def test_lines_of_one_name_are_compared_together(files: KnowledgeFiles) -> None:
    """Some publications count a term twice: both stand in the change, and order is none."""
    twice = [["OMIM:1", "HP:0001876", n, "7", "", "PMID:9"] for n in ("3", "5")]
    assert diff(_tables(files, lines=twice), _tables(files, lines=twice[::-1])) == []
    (change,) = diff(_tables(files, lines=twice[:1]), _tables(files, lines=twice))
    assert change.path == "/OMIM:1 HP:0001876 PMID:9"
    assert change.old["n"] == "3"
    assert [row["n"] for row in change.new] == ["3", "5"]


def test_fitted_weight_is_one_change(files: KnowledgeFiles, patched: Any) -> None:
    """What `make fit` moves is reported like any number."""
    weight = files.fitted.parameters["weight_counts"].value
    place = ("fitted.yaml", "parameters", "weight_counts", "value")
    edited = patched([_edit(*place, value=weight + 0.1)])
    path = "/parameters/weight_counts/value"
    assert diff(files, edited) == [Change("fitted.yaml", path, weight, weight + 0.1)]
