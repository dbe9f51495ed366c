"""Rank the published cases and write docs/evaluation-published.md.

    PYTHONPATH=tests python tools/evaluate_published.py [FOLDER]

The cases (`cases` beside the project, `HEMATON_SHARED`) are converted to phenopackets without
their genes, variants and diagnoses and read by the public reader. A diagnosis counts as found at
the best rank of the conditions named for it below; "something else" is not ranked.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

import hematon
from evaluation.convert_published import bmf_to_phenopackets, published_to_phenopackets
from hematon.engine import assess_many
from hematon.interchange import phenopacket
from hematon.knowledge import Knowledge, load_knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "docs" / "evaluation-published.md"

PUBLISHED = {
    "acquired-aplastic-anemia": ("aa_idiopathic", "aa_hepatitis"),
    "acute-leukemia": ("acute_leukemia",),
    "congenital-amegakaryocytic-thrombocytopenia": ("camt",),
    "copper-deficiency": ("copper_deficiency",),
    "diamond-blackfan-anemia": ("dba",),
    "drug-induced-cytopenia": ("drug_induced", "aa_drug_toxin"),
    "dyskeratosis-congenita": ("tbd",),
    "fanconi-anemia": ("fanconi_anemia",),
    "folate-deficiency": ("b12_folate",),
    "gata2-deficiency": ("gata2",),
    "hlh": ("hlh",),
    "immune-thrombocytopenia": ("itp",),
    "iron-deficiency": ("iron_deficiency",),
    "osteopetrosis": ("osteopetrosis",),
    "parvovirus-aplastic-crisis": ("parvo_aplastic_crisis",),
    "pearson-syndrome": ("pearson",),
    "pnh": ("pnh",),
    "severe-congenital-neutropenia": ("scn",),
    "thrombocytopenia-absent-radius": ("tar",),
    "transient-erythroblastopenia": ("tec",),
    "vitamin-b12-deficiency": ("b12_folate", "inborn_b12"),
    "wiskott-aldrich": ("was_xlt",),
    "other:autoimmune-hemolytic-anemia": ("evans_aiha",),
    "other:autoimmune-lymphoproliferative-syndrome": ("alps_iei",),
    "other:chediak-higashi-syndrome": ("scn_syndromic",),
    "other:childhood-mds-monosomy-7": ("rcc_mds",),
    "other:juvenile-myelomonocytic-leukemia": ("jmml",),
    "other:neonatal-alloimmune-thrombocytopenia": ("neonatal_alloimmune",),
    "other:neuroblastoma-marrow-infiltration": ("marrow_infiltration",),
    "other:systemic-lupus-erythematosus": ("sle",),
}
"""Published diagnosis to the conditions that count as it; scurvy is no condition of ours."""

GROUPS = {
    "alps_autoimmune_cytopenia": ("alps_iei",),
    "diamond_blackfan_anemia": ("dba",),
    "dna_repair_chromosome_instability": ("nbs_lig4",),
    "fanconi_anemia": ("fanconi_anemia",),
    "haemoglobinopathy": ("hemoglobinopathy_hemolytic",),
    "haemolytic_anemia": ("hemoglobinopathy_hemolytic",),
    "hlh": ("hlh",),
    "immune_deficiency_cytopenia": ("alps_iei",),
    "jacobsen_paris_trousseau": ("bss_other_it",),
    "megaloblastic_b12_folate": ("inborn_b12",),
    "samd9_samd9l": ("samd9_9l",),
    "severe_congenital_neutropenia": ("scn",),
    "sideroblastic_anemia": ("sideroblastic",),
    "syndromic_neutropenia": ("scn_syndromic",),
    "telomere_biology_disorder": ("tbd",),
    "wiskott_aldrich": ("was_xlt",),
}
"""Group of a patient with terms only to its condition; groups of many conditions are left out."""

FILES: dict[str, tuple[str, str, Callable[..., Iterator[Any]], dict[str, tuple[str, ...]]]] = {
    "Case reports with counts": (
        "published_cases.jsonl",
        "diagnosis_key",
        published_to_phenopackets,
        PUBLISHED,
    ),
    "Patients with terms only": ("bmf_cases.jsonl", "group", bmf_to_phenopackets, GROUPS),
}


class Scored:
    """Where one case's diagnosis came."""

    def __init__(self, key: str, rank: int, never_miss: bool, shown: bool) -> None:
        self.key = key
        self.rank = rank
        self.never_miss = never_miss
        self.shown = shown or rank <= 5


def score(
    path: Path,
    field: str,
    convert: Callable[..., Iterator[Any]],
    truth: dict[str, tuple[str, ...]],
    knowledge: Knowledge,
) -> tuple[list[Scored], list[str]]:
    """Rank every case of a file; give the scored ones and the keys that name no condition."""
    keys = [json.loads(line)[field] for line in path.read_text("utf-8").splitlines()]
    cases = []
    for packet in convert(path, include_variants=False):
        case = phenopacket.read(orjson.dumps(packet), knowledge).value
        if case is None:
            sys.exit(f"{path.name}: a case could not be read")
        cases.append(case)
    never = {c.id for c in knowledge.conditions if c.never_miss}
    many = assess_many(cases, knowledge)
    scored, left_out = [], []
    for i, (key, case) in enumerate(zip(keys, cases, strict=True)):
        if key not in truth:
            left_out.append(key)
            continue
        result = many.row(i, case)
        ranked = [c.condition for c in result.differential if c.condition != SOMETHING_ELSE]
        expected = set(truth[key])
        rank = min(ranked.index(condition) + 1 for condition in expected)
        shown = any(a.condition in expected for a in result.always_show)
        scored.append(Scored(key, rank, bool(expected & never), shown))
    return scored, left_out


def line(name: str, cases: Iterable[Scored]) -> str:
    """Write one row of a table."""
    rows = list(cases)
    within = [sum(case.rank <= k for case in rows) for k in (1, 3, 5, 10)]
    never = [case for case in rows if case.never_miss]
    kept = f"{sum(case.shown for case in never)} of {len(never)}" if never else ""
    return f"| {name} | {len(rows)} | {' | '.join(map(str, within))} | {kept} |"


def section(
    title: str, scored: list[Scored], left_out: list[str], truth: dict[str, tuple[str, ...]]
) -> Iterator[str]:
    """Write the table of one file."""
    yield from (f"## {title}", "")
    yield "| diagnosis | cases | first | in 3 | in 5 | in 10 | never-miss: in 5 or always shown |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    yield line("**all scored**", scored)
    if "jacobsen_paris_trousseau" in truth:
        yield line(
            "**without Jacobsen syndrome**",
            (case for case in scored if case.key != "jacobsen_paris_trousseau"),
        )
    for key in sorted({case.key for case in scored}):
        name = f"{key} ({', '.join(truth[key])})"
        yield line(name, (case for case in scored if case.key == key))
    names = ", ".join(sorted(set(left_out))) or "none"
    yield from ("", f"Not scored, no single condition stands for them: {len(left_out)} ({names}).")
    yield ""


def main() -> None:
    """Score every file and write the page; say what is missing when the cases are not there."""
    default = Path(os.environ.get("HEMATON_SHARED", ROOT.parent / "shared")) / "cases"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    if not folder.exists():
        sys.exit(f"evaluation data not present: {folder.name} (set HEMATON_SHARED)")
    knowledge = load_knowledge()
    text = [
        "# Published cases",
        "",
        "Made by `make evaluation`; do not edit by hand. "
        f"Engine {hematon.__version__}, knowledge {knowledge.version} "
        f"(`{knowledge.fingerprint[:16]}`).",
        "",
        "Where the diagnosis of a published patient stands in the ranking, for the setting "
        "general pediatrics. Genes, variants and diagnoses are withheld from the engine. The model "
        "was looked at against these cases while it was built, so this is no independent test.",
        "",
    ]
    for title, (name, field, convert, truth) in FILES.items():
        scored, left_out = score(folder / name, field, convert, truth, knowledge)
        text += section(title, scored, left_out, truth)
    OUTPUT.write_text("\n".join(text), "utf-8")
    print(OUTPUT.read_text("utf-8"))


if __name__ == "__main__":
    main()
