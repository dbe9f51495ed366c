"""Checks of the public annotation tables: diseases, lines and terms must agree."""

from __future__ import annotations

from collections.abc import Iterator

from hematon.errors import Issue
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.places import broken


def check_annotation_disease(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every disease belongs to one known condition and has lines; every line has its disease."""
    conditions = {c.id for c in files.conditions}
    annotated = {line[0] for line in files.annotations["lines.csv"]}
    seen: set[str] = set()
    for number, (condition, disease, _) in _numbered(files, "diseases.csv"):
        where = f"annotations/diseases.csv#/{number}"
        if condition not in conditions:
            yield broken("annotation-disease", where, f"{condition} is no condition", "correct it")
        if disease in seen:
            yield broken("annotation-disease", where, f"{disease} stands twice", "remove one")
        elif disease not in annotated:
            message = f"{disease} has no line in lines.csv"
            yield broken("annotation-disease", where, message, "run tools/compile_annotations.py")
        seen.add(disease)
    for disease in sorted(annotated - seen):
        yield broken(
            "annotation-disease",
            "annotations/lines.csv#",
            f"{disease} is not in diseases.csv",
            "run tools/compile_annotations.py",
        )


def check_annotation_line(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every line names a known term, and counts n of N or states a frequency, not both."""
    terms = {row[0] for row in files.annotations["terms.csv"]}
    for number, (_, term, n, of, frequency, reference) in _numbered(files, "lines.csv"):
        counted = n.isdigit() and of.isdigit() and int(n) <= int(of) and int(of) > 0
        stated = not n and not of and (not frequency or _in_range(frequency, 0.0))
        if term not in terms or not reference or not (stated or (counted and not frequency)):
            yield broken(
                "annotation-line",
                f"annotations/lines.csv#/{number}",
                "a term that is unknown, a reference that is missing, or numbers that cannot be",
                "run tools/compile_annotations.py",
            )


def check_annotation_term(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every term has a background above zero; terms are in order and lead to one root."""
    rows = files.annotations["terms.csv"]
    terms = {row[0] for row in rows}
    roots = [row[0] for row in rows if not row[2]]
    if len(roots) != 1 or [row[0] for row in rows] != sorted(terms):
        yield broken(
            "annotation-term",
            "annotations/terms.csv#",
            "the terms are out of order, stand twice, or have not one root",
            "run tools/compile_annotations.py",
        )
    for number, (_, _, parents, background) in _numbered(files, "terms.csv"):
        if not terms.issuperset(parents.split()) or not _in_range(background, 1e-9):
            yield broken(
                "annotation-term",
                f"annotations/terms.csv#/{number}",
                "a parent that is unknown, or a background that cannot be",
                "run tools/compile_annotations.py",
            )


def _numbered(files: KnowledgeFiles, name: str) -> Iterator[tuple[int, list[str]]]:
    yield from enumerate(files.annotations[name])


def _in_range(text: str, least: float) -> bool:
    try:
        return least <= float(text) <= 1.0
    except ValueError:
        return False
