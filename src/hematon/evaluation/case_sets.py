"""Find and read case sets: phenopackets, and the JSON Lines of published patients.

A file is what its content says it is, whatever its name. Genes, variants and diagnoses are
withheld from the case that the engine sees; the diagnosis becomes its truth. A case whose disease
the truth table does not name is counted, and not scored. Parquet files are population surveys and
are read by `survey`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.evaluation import report_packets
from hematon.evaluation.packets import Json, disease_ids, terms_packet, withheld_packet
from hematon.evaluation.truth import Truth, TruthTable
from hematon.interchange import phenopacket
from hematon.interchange.folder import SUFFIXES, read_bytes
from hematon.knowledge import Knowledge

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""

SURVEY = ".parquet"


@dataclass(frozen=True, slots=True)
class EvaluationCase:
    """A published patient.

    Attributes:
        case: what the engine sees, without genes, variants and diagnoses.
        truth: the right answers.
        case_set: name of the file or folder the case comes from.
        publication: what the case is resampled with: its publications, or else its address.
        circular: whether its publication is known to have fed the public HPO annotations of its
            disease.
        ancestry_stated: whether the publication states the ancestry.
    """

    case: Case
    truth: Truth
    case_set: str
    publication: str
    circular: bool = False
    ancestry_stated: bool = False

    @property
    def key(self) -> str:
        """Name the case among those of all sets."""
        return f"{self.case_set}:{self.case.id}"


@dataclass(frozen=True, slots=True)
class CaseSets:
    """Everything found at a place.

    Attributes:
        cases: the cases that can be scored.
        not_scored: (set, diagnosis) to the number of cases whose diagnosis names no condition.
        unreadable: set to the number of cases that could not be read.
        passed_over: files that hold no case set.
        surveys: files of a population survey.
    """

    cases: tuple[EvaluationCase, ...]
    not_scored: dict[tuple[str, str], int]
    unreadable: dict[str, int]
    passed_over: tuple[str, ...]
    surveys: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One case before it is read: its packet, and what is known beside it."""

    packet: Json
    truth: Truth | None
    diagnosis: str
    address: str = ""
    circular: bool = False
    ancestry_stated: bool = False


def read_case_sets(
    place: Path,
    knowledge: Knowledge,
    table: TruthTable,
    *,
    include_variants: bool = False,
    progress: Progress = lambda done, total: None,
) -> CaseSets:
    """Read every case set of a file or a folder and its subfolders, in order of path.

    Args:
        place: a file or a folder. Phenopackets that are a file each make one set per folder.
        knowledge: where codes, units and words are looked up.
        table: what counts as right.
        include_variants: whether the engine sees reported genes and variants.
        progress: told as each file is taken.

    Returns:
        The cases, and what was left out and why.

    Raises:
        UnreadableError: there is nothing at the place, or no case set in it.
    """
    if not place.exists():
        raise _unreadable(place.name, "there is nothing at this place", "name a file or folder")
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    surveys = tuple(p for p in files if p.suffix.lower() == SURVEY)
    files = [p for p in files if p.suffix.lower() in SUFFIXES]
    cases: list[EvaluationCase] = []
    not_scored: Counter[tuple[str, str]] = Counter()
    unreadable: Counter[str] = Counter()
    passed_over = []
    for number, file in enumerate(files, start=1):
        progress(number, len(files))
        name = _set_name(file, place)
        documents = list(_documents(read_bytes(file)))
        make = _shape(documents)
        if make is None:
            passed_over.append(file.name)
            continue
        for document in documents:
            row = _made(make, document, table, include_variants)
            case = None if row is None else _read(row.packet, knowledge)
            if row is None or case is None:
                unreadable[name] += 1
            elif row.truth is None:
                not_scored[name, row.diagnosis] += 1
            else:
                cases.append(_evaluation_case(row, row.truth, case, name))
    if not cases:
        raise _unreadable(
            place.name,
            "no case could be scored",
            "name phenopackets whose disease is in truth.yaml, or JSON Lines of published cases",
        )
    return CaseSets(tuple(cases), dict(not_scored), dict(unreadable), tuple(passed_over), surveys)


def _unreadable(where: str, message: str, fix: str) -> UnreadableError:
    return UnreadableError((Issue("error", "empty-input", where, message, fix),))


def _set_name(file: Path, place: Path) -> str:
    """Name the set: the file, or for one packet per file the folder it lies in."""
    if file.suffix.lower() == ".json" and file != place:
        return file.parent.name
    return file.name.removesuffix(".gz")


def _read(packet: Json, knowledge: Knowledge) -> Case | None:
    reading: Reading[Case] = next(phenopacket.read_many(orjson.dumps([packet]), knowledge))
    return reading.value


def _evaluation_case(row: _Row, truth: Truth, case: Case, name: str) -> EvaluationCase:
    publications = "; ".join(sorted(case.publications))
    return EvaluationCase(
        replace(case, recorded_conditions=(), excluded_conditions=()),
        truth,
        name,
        publications or row.address or f"{name}:{case.id}",
        row.circular,
        row.ancestry_stated,
    )


# --- the shapes of a file ----------------------------------------------------------------------


_Maker = Callable[[Json, TruthTable, bool], _Row]


def _shape(documents: list[Json]) -> _Maker | None:
    """Say how the rows of a file are taken; None when it holds no case set."""
    first = documents[0] if documents else {}
    if "diagnosis_key" in first and "presentation_day0" in first:
        return _report
    if "disease_id" in first and "observed" in first:
        return _terms
    if phenopacket.sniff(first):
        return _packet
    return None


def _made(make: _Maker, document: Json, table: TruthTable, include_variants: bool) -> _Row | None:
    """Take one row; None when it has not the shape of the others."""
    try:
        return make(document, table, include_variants)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _documents(content: bytes) -> Iterator[Json]:
    """Give the objects of a document, of an array, or of lines; nothing when it is not JSON."""
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError:
        whole = None
    if isinstance(whole, list):
        yield from (item for item in whole if isinstance(item, dict))
    elif isinstance(whole, dict):
        yield whole
    else:
        for line in content.splitlines():
            try:
                document = orjson.loads(line)
            except orjson.JSONDecodeError:
                return
            if isinstance(document, dict):
                yield document


def _report(row: Json, table: TruthTable, include_variants: bool) -> _Row:
    key = row["diagnosis_key"]
    return _Row(
        report_packets.report_packet(row, include_variants=include_variants),
        table.of_diagnosis(key),
        key,
        row["source_url"],
        ancestry_stated=bool(row.get("ancestry")),
    )


def _terms(row: Json, table: TruthTable, include_variants: bool) -> _Row:
    """Take a patient of phenopacket-store.

    A set without tiers is of other diseases, as its makers say; in a set with tiers, those of the
    tier `other` are of another kind unless a condition covers their disease.
    """
    disease, group = row["disease_id"], row.get("group")
    if "tier" not in row:
        truth: Truth | None = table.something_else()
    else:
        truth = table.of_diseases([disease]) or table.of_case_group(group or "")
        if truth is None and row["tier"] == "other":
            truth = table.something_else()
    flags = (value for name, value in row.items() if name.startswith("pmid_in_hpoa"))
    return _Row(
        terms_packet(row, include_variants=include_variants),
        truth,
        f"{group} ({disease})" if group else disease,
        circular=any(flags),
    )


def _packet(document: Json, table: TruthTable, include_variants: bool) -> _Row:
    ids = disease_ids(document)
    return _Row(
        withheld_packet(document, include_variants=include_variants),
        table.of_diseases(ids),
        ", ".join(ids) or "no disease named",
    )
