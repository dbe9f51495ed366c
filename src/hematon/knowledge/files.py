"""Read the knowledge files into records: YAML in, validated pydantic out.

Only authoring, checking and the first start after a change come through here; later starts read
the compiled form. Every problem found is gathered before `KnowledgeError` is raised, so an editor
sees all of them at once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from hematon.errors import Issue, KnowledgeError
from hematon.knowledge import records

DATA = Path(__file__).parent / "data"

R = TypeVar("R", bound=records.Record)

SINGLE_FILES: dict[str, type[records.Record]] = {
    "sources.yaml": records.SourcesFile,
    "analytes.yaml": records.AnalytesFile,
    "cutoffs.yaml": records.CutoffsFile,
    "definitions.yaml": records.DefinitionsFile,
    "findings.yaml": records.FindingsFile,
    "hpo.yaml": records.HpoFile,
    "tests.yaml": records.TestsFile,
    "urgency.yaml": records.UrgencyFile,
    "safety_floor.yaml": records.FloorFile,
    "hazards.yaml": records.HazardsFile,
    "treatments.yaml": records.TreatmentsFile,
    "settings.yaml": records.SettingsFile,
    "model.yaml": records.ModelFile,
    "fitted.yaml": records.FittedFile,
    "annotations/release.yaml": records.AnnotationRelease,
}
TABLES: dict[str, tuple[str, ...]] = {
    "diseases.csv": ("condition", "disease", "name"),
    "lines.csv": ("disease", "term", "n", "of", "frequency", "reference"),
    "terms.csv": ("term", "name", "parents", "background"),
}
"""The files of `annotations/` and their headings."""
FOLDERS: dict[str, type[records.Record]] = {
    "conditions": records.Condition,
    "reference_intervals": records.IntervalsFile,
    "severity": records.SeverityFile,
}


@dataclass(frozen=True)
class KnowledgeFiles:
    """Every knowledge file as validated records."""

    sources: records.SourcesFile
    analytes: records.AnalytesFile
    cutoffs: records.CutoffsFile
    definitions: records.DefinitionsFile
    findings: records.FindingsFile
    hpo: records.HpoFile
    tests: records.TestsFile
    urgency: records.UrgencyFile
    floor: records.FloorFile
    hazards: records.HazardsFile
    treatments: records.TreatmentsFile
    settings: records.SettingsFile
    model: records.ModelFile
    fitted: records.FittedFile
    release: records.AnnotationRelease
    annotations: dict[str, list[list[str]]]
    """Rows of the files of `annotations/`, as text."""
    conditions: tuple[records.Condition, ...]
    intervals: tuple[records.IntervalsFile, ...]
    severity: tuple[records.SeverityFile, ...]


def attribute_of(name: str) -> str:
    """Give the attribute of `KnowledgeFiles` that holds a single file."""
    other = {"safety_floor.yaml": "floor", "annotations/release.yaml": "release"}
    return other.get(name, name.removesuffix(".yaml"))


def data_files(folder: Path) -> list[Path]:
    """Give every knowledge file of a folder, sorted by path."""
    return sorted((*folder.rglob("*.yaml"), *folder.rglob("*.csv")))


def read_files(folder: Path = DATA) -> KnowledgeFiles:
    """Read and validate every knowledge file.

    Args:
        folder: the folder that holds `sources.yaml` and its siblings.

    Returns:
        The records.

    Raises:
        KnowledgeError: a file is missing, is not YAML or does not fit its schema. Carries every
            such problem.
    """
    issues: list[Issue] = []
    single = {
        name: _read(folder / name, kind, folder, issues) for name, kind in SINGLE_FILES.items()
    }
    many: dict[str, list[records.Record]] = {}
    for name, kind in FOLDERS.items():
        read = [
            _read(path, kind, folder, issues) for path in sorted((folder / name).glob("*.yaml"))
        ]
        many[name] = [record for record in read if record is not None]
    tables = {name: _read_table(folder, name, issues) for name in TABLES}
    if issues:
        first = issues[0]
        raise KnowledgeError(
            f"{len(issues)} problem(s) in the knowledge files; the first: "
            f"{first.where}: {first.message}",
            tuple(issues),
        )
    # Each record was made by the kind its file name stands for, which the types cannot follow.
    return KnowledgeFiles(
        **{attribute_of(name): record for name, record in single.items()},  # type: ignore[arg-type]
        annotations=tables,
        conditions=tuple(many["conditions"]),  # type: ignore[arg-type]
        intervals=tuple(many["reference_intervals"]),  # type: ignore[arg-type]
        severity=tuple(many["severity"]),  # type: ignore[arg-type]
    )


def _read(path: Path, kind: type[R], folder: Path, issues: list[Issue]) -> R | None:
    where = str(path.relative_to(folder))
    try:
        loaded = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 a safe loader
    except FileNotFoundError:
        issues.append(Issue("error", "missing-file", where, "the file is missing", "restore it"))
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        issues.append(Issue("error", "not-yaml", where + line, "not valid YAML", "mend the syntax"))
        return None
    try:
        return kind.model_validate(loaded)
    except ValidationError as error:
        issues.extend(_issues(error, where))
        return None


def _read_table(folder: Path, name: str, issues: list[Issue]) -> list[list[str]]:
    where = f"annotations/{name}"
    try:
        with (folder / where).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        issues.append(Issue("error", "missing-file", where, "the file is missing", "restore it"))
        return []
    except UnicodeDecodeError:
        issues.append(Issue("error", "not-csv", where, "not UTF-8 text", "save it as UTF-8"))
        return []
    header = TABLES[name]
    wrong = [i for i, row in enumerate(rows, start=1) if len(row) != len(header)]
    if not rows or tuple(rows[0]) != header or wrong:
        place = f"{where}, row {wrong[0]}" if wrong else where
        heading = ", ".join(header)
        issues.append(
            Issue("error", "not-csv", place, f"the columns are not {heading}", "mend the row")
        )
    return rows[1:]


def _issues(error: ValidationError, where: str) -> Iterator[Issue]:
    for problem in error.errors(include_url=False):
        place = "/".join(str(part) for part in problem["loc"])
        yield Issue("error", "schema", f"{where}#/{place}", problem["msg"], "see records.py")


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
