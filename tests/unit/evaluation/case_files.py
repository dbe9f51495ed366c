"""Synthetic patients in the three shapes of a case set; nobody's record."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def packet(
    name: str,
    disease: str | None,
    terms: tuple[str, ...] = ("HP:0001876", "HP:0001172"),
    *,
    publication: str | None = None,
    age: str = "P7Y",
    gene: str = "",
) -> Json:
    """Give a phenopacket with its diagnosis, as others publish it."""
    out: Json = {
        "id": name,
        "subject": {"id": name, "sex": "FEMALE", "timeAtLastEncounter": _age(age)},
        "phenotypicFeatures": [{"type": {"id": t, "label": t}} for t in terms],
        "metaData": {"externalReferences": [{"id": publication}] if publication else []},
    }
    if disease:
        out["diseases"] = [
            {"term": {"id": disease, "label": "d"}},
            {"term": {"id": "OMIM:1", "label": "ruled out"}, "excluded": True},
        ]
    if gene:
        variant = {
            "acmgPathogenicityClassification": "PATHOGENIC",
            "variationDescriptor": {
                "id": "v",
                "geneContext": {"valueId": gene, "symbol": gene},
                "allelicState": {"id": "GENO:0000136", "label": "homozygous"},
            },
        }
        genomic = {
            "subjectOrBiosampleId": name,
            "interpretationStatus": "CAUSATIVE",
            "variantInterpretation": variant,
        }
        out["interpretations"] = [
            {
                "id": "i",
                "progressStatus": "SOLVED",
                "diagnosis": {
                    "disease": {"id": disease, "label": "d"},
                    "genomicInterpretations": [genomic],
                },
            }
        ]
    return out


def _age(text: str) -> Json:
    return {"age": {"iso8601duration": text}}


def terms_row(name: str, disease: str, group: str | None = None, **more: Any) -> Json:
    """Give a row in the shape of phenopacket-store's, without a tier unless one is given."""
    row: Json = {
        "id": name,
        "group": group,
        "disease_id": disease,
        "sex": "MALE",
        "age_onset": None,
        "age_last_encounter": "P3Y",
        "observed": [{"id": "HP:0001903", "label": "Anemia"}],
        "excluded": [{"id": "HP:0001873", "label": "Thrombocytopenia"}],
        "measurements": [],
        "genes": [],
        "pmids": ["PMID:1"],
    }
    return {**row, **more}


COUNTS = {
    "hemoglobin_g_dl": 5.1,
    "wbc_10e9_l": 2.8,
    "anc_10e9_l": 0.6,
    "platelets_10e9_l": 22,
    "mcv_fl": None,
}


def report_row(name: str, key: str, **more: Any) -> Json:
    """Give a row in the shape of a case report with counts."""
    row: Json = {
        "id": name,
        "source_url": f"https://example.org/{name}",
        "age_years": 6.0,
        "sex": "female",
        "ancestry": None,
        "presentation_day0": dict(COUNTS),
        "series": [],
        "findings_observed": [],
        "findings_excluded": [],
        "exposures": [],
        "family_history": None,
        "tests": [],
        "marrow": {"cellularity_percent": None, "description_terms": []},
        "genes": [],
        "diagnosis_key": key,
    }
    return {**row, **more}


def write_lines(path: Path, rows: list[Json]) -> Path:
    """Write rows as JSON Lines, packed when the name says so."""
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_folder(folder: Path) -> Path:
    """Write a folder with a case set of each shape."""
    packets = folder / "packets"
    packets.mkdir(parents=True)
    for row in (
        packet("fa1", "HEMATON:fanconi_anemia", publication="PMID:11"),
        packet("fa2", "OMIM:227645", publication="PMID:11", age="P20Y"),
        packet("dba", "OMIM:105650", ("HP:0001903",), publication="PMID:12", age="P2M"),
        packet("ghosal", "OMIM:620926", ("HP:0001903",), publication="PMID:13", age="P2Y"),
        packet("unknown", "OMIM:999999"),
        packet("nothing", None),
    ):
        (packets / f"{row['id']}.json").write_text(json.dumps(row), "utf-8")
    known = {"pmid_in_hpoa_2025_01_16_for_this_disease": True}
    write_lines(
        folder / "terms.jsonl",
        [
            terms_row("t1", "OMIM:2", "diamond_blackfan_anemia", tier="core", **known),
            terms_row("t2", "OMIM:3", None, tier="other", pmids=["PMID:2"]),
            terms_row("t3", "OMIM:4", "of no kind", tier="core"),
            {"disease_id": "OMIM:5", "tier": "core"},
        ],
    )
    write_lines(
        folder / "others.jsonl.gz",
        [terms_row("o1", "OMIM:105650", pmids=["PMID:3"]), terms_row("o2", "OMIM:6")],
    )
    write_lines(
        folder / "reports.jsonl",
        [
            report_row("r1", "acute-leukemia", ancestry="stated"),
            report_row(
                "r2",
                "fanconi-anemia",
                findings_observed=[{"hpo": "HP:0001172", "hpo_name": "Thumb"}],
            ),
            report_row("r3", "acquired-aplastic-anemia", age_years=None),
            report_row("r4", "of no kind"),
        ],
    )
    (folder / "notes.json").write_text("[1, 2]", "utf-8")
    (folder / "broken.ndjson").write_text("{", "utf-8")
    (folder / "README.md").write_text("not read", "utf-8")
    return folder
