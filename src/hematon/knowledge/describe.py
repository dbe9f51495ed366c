"""What the knowledge holds, for the person who reads, checks or edits it.

`show` writes any entry by its id, `list_sources` says how much rests on each source,
`grade_counts` how sure the evidence is, and `diff` what changed between two editions. Used by
`hematon knowledge`; nothing here takes part in an assessment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple, get_args

from hematon.errors import HematonError
from hematon.knowledge import entries, records
from hematon.knowledge.changes import Change, diff
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.places import citations

__all__ = [
    "Change",
    "SourceUse",
    "UnknownEntryError",
    "diff",
    "grade_counts",
    "list_sources",
    "show",
]

SUGGESTIONS = 5
"""How many near ids an unknown one is answered with."""


class UnknownEntryError(HematonError):
    """No entry has the id asked for. Carries the ids that come near."""

    def __init__(self, name: str, suggestions: tuple[str, ...]) -> None:
        hint = f"; near it: {', '.join(suggestions)}" if suggestions else ""
        super().__init__(f"the knowledge has no entry {name}{hint}")
        self.suggestions = suggestions


class SourceUse(NamedTuple):
    """A source, how far it was read, and how often it is cited."""

    id: str
    status: str
    citation: str
    uses: int


class _Entry(NamedTuple):
    id: str
    names: tuple[str, ...]
    lines: Callable[[], Iterator[str]]


def show(files: KnowledgeFiles, name: str) -> str:
    """Write everything that an id stands for.

    Args:
        files: the knowledge.
        name: id of a condition, finding, test, analyte, source, rule, criterion, definition,
            cut-off, hazard, setting, parameter or HPO term. The case of letters does not count.

    Returns:
        One block of lines for each entry with this id: an analyte and a test may share one.

    Raises:
        UnknownEntryError: nothing has this id. Carries the ids of near names and synonyms.
    """
    every = list(_entries(files))
    wanted = name.strip().casefold()
    blocks = ["\n".join(entry.lines()) for entry in every if entry.id.casefold() == wanted]
    term = "\n".join(entries.term_lines(files, wanted.upper()))
    blocks += [term] if term else []
    if not blocks:
        raise UnknownEntryError(name, _near(wanted, every))
    return "\n\n".join(blocks)


def _near(wanted: str, every: list[_Entry]) -> tuple[str, ...]:
    ids: dict[str, str] = {}
    for entry in every:
        for spelling in (entry.id, *entry.names):
            ids.setdefault(spelling.casefold(), entry.id)
    close = get_close_matches(wanted, ids, n=SUGGESTIONS, cutoff=0.6)
    return tuple(dict.fromkeys(ids[spelling] for spelling in close))


def _entries(files: KnowledgeFiles) -> Iterator[_Entry]:
    for c in files.conditions:
        yield _Entry(c.id, (c.name, *c.synonyms), partial(entries.condition_lines, files, c))
    for f in files.findings.findings:
        yield _Entry(f.id, (f.name,), partial(entries.finding_lines, files, f))
    for t in files.tests.tests:
        yield _Entry(t.id, (t.name,), partial(entries.test_lines, files, t))
    for a in files.analytes.analytes:
        yield _Entry(a.id, (a.name, *a.names), partial(entries.analyte_lines, files, a))
    for u in files.urgency.rules:
        yield _Entry(u.id, (u.name,), partial(entries.urgency_lines, files, u))
    for v in (rule for file in files.severity for rule in file.rules):
        yield _Entry(v.id, (v.name,), partial(entries.severity_lines, files, v))
    for d in files.definitions.definitions:
        yield _Entry(d.id, (d.name,), partial(entries.definition_lines, files, d))
    for k in files.cutoffs.cutoffs:
        yield _Entry(k.id, (), partial(entries.cutoff_lines, k))
    for r in files.floor.rules:
        yield _Entry(r.id, (r.name,), partial(entries.floor_lines, files, r))
    for h in files.hazards.hazards:
        yield _Entry(h.id, (), partial(entries.hazard_lines, files, h))
    for g in files.settings.settings:
        yield _Entry(g.id, (g.name,), partial(entries.setting_lines, files, g))
    for name, p in files.model.parameters.items():
        yield _Entry(name, (), partial(entries.parameter_lines, name, p))
    for name, fitted in files.fitted.parameters.items():
        yield _Entry(name, (), partial(entries.fitted_lines, name, fitted, files.fitted))
    for s in files.sources.sources:
        yield _Entry(s.id, (), partial(entries.source_lines, files, s))


def list_sources(files: KnowledgeFiles) -> list[SourceUse]:
    """Give every source with the number of places that cite it, in order of the file."""
    uses = Counter(source for _, source in citations(files))
    return [SourceUse(s.id, s.status, s.citation, uses[s.id]) for s in files.sources.sources]


def grade_counts(files: KnowledgeFiles) -> dict[str, int]:
    """Count the evidence rows by grade, from the surest to the least sure."""
    found = Counter(row.grade for c in files.conditions for row in c.evidence)
    return {grade: found[grade] for grade in get_args(records.Grade)}
