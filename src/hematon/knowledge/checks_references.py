"""Checks that what one entry names exists in another: sources, findings, conditions and the rest.

One function per rule. Each reads every file, yields an issue for each place that breaks the rule
and passes over what another rule reports. Nothing here judges a number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from typing import Any

from hematon.errors import Issue
from hematon.knowledge import records
from hematon.knowledge.facts import FACTS
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.places import broken, citations, nodes, nodes_of, texts

NOT_CITED = "no entry cites it yet"
"""In `read` of a source: kept on purpose although nothing rests on it."""
EVERY_CONDITION = "*"
LINEAGE_DEFINITIONS = {"red": "anemia", "white": "neutropenia", "platelet": "thrombocytopenia"}

_KEYS: dict[type[records.Record], Callable[[Any], Hashable]] = {
    records.Source: lambda r: r.id,
    records.Analyte: lambda r: r.id,
    records.MolarFactor: lambda r: r.unit,
    records.Cutoff: lambda r: (r.id, r.population),
    records.Definition: lambda r: r.id,
    records.UrgencyRule: lambda r: r.id,
    records.FloorRule: lambda r: r.id,
    records.FloorExclusion: lambda r: r.condition,
    records.Hazard: lambda r: r.id,
    records.FindingEntry: lambda r: r.id,
    records.Gene: lambda r: r.symbol,
    records.ConditionCode: lambda r: (r.system, r.code),
    records.Evidence: lambda r: r.finding,
    records.Test: lambda r: r.id,
    records.Setting: lambda r: r.id,
    records.LineageChannel: lambda r: r.lineage,
    records.Channel: lambda r: r.analyte,
    records.ChannelState: lambda r: r.id,
    records.Band: lambda r: r.id,
    records.VariantWeight: lambda r: r.classification,
}
"""What tells the entries of a list apart. Kinds left out have a rule of their own."""


def check_source_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every source id resolves in `sources.yaml`."""
    known = {source.id for source in files.sources.sources}
    for where, source in citations(files):
        if source not in known:
            yield broken(
                "source-unknown",
                where,
                f"{source} is not in sources.yaml",
                "add the source, or correct the id",
            )


def check_source_unused(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every source is cited or named in a note, or says that no entry cites it, and only then."""
    cited = {source for _, source in citations(files)}
    text = texts(files)
    for index, source in enumerate(files.sources.sources):
        marked = NOT_CITED in (source.read or "")
        where = f"sources.yaml#/sources/{index}"
        if not marked and source.id not in cited and source.id not in text:
            yield broken(
                "source-unused",
                where,
                f"nothing cites {source.id}",
                f"cite it, remove it, or say '{NOT_CITED}' in its read",
            )
        elif source.id in cited and marked:
            yield broken(
                "source-unused",
                where,
                f"{source.id} is cited, and its read says that it is not",
                f"remove '{NOT_CITED}' from its read",
            )


def check_duplicate_id(files: KnowledgeFiles) -> Iterator[Issue]:
    """No list holds two entries with one id, or one word twice."""
    yield from _twice("conditions", [c.id for c in files.conditions])
    yield from _twice("reference_intervals", [i.analyte for i in files.intervals])
    for where, record in nodes(files):
        for name, items in vars(record).items():
            if isinstance(items, list) and items:
                key = str if isinstance(items[0], str) else _KEYS.get(type(items[0]))
                if key is not None:
                    yield from _twice(f"{where}/{name}", [key(item) for item in items])


def _twice(where: str, keys: Iterable[Hashable]) -> Iterator[Issue]:
    seen: set[Hashable] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield broken(
                "duplicate-id",
                f"{where}/{index}",
                f"{key} stands here a second time",
                "merge the two or rename one",
            )
        seen.add(key)


def check_severity_id(files: KnowledgeFiles) -> Iterator[Issue]:
    """A severity criterion has an id that no other has, in any severity file."""
    seen: set[str] = set()
    for where, rule in nodes_of(files, records.SeverityCriterion):
        if rule.id in seen:
            yield broken(
                "severity-id",
                f"{where}/id",
                f"{rule.id} is the id of another severity criterion",
                "rename one of them",
            )
        seen.add(rule.id)


def check_condition_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every condition that a test, rule, hazard or setting names has a file."""
    known = {condition.id for condition in files.conditions}
    yield from _unknown("condition-unknown", "a condition", known, _conditions_named(files))


def _conditions_named(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    for where, test in nodes_of(files, records.Test):
        if test.conditions != [EVERY_CONDITION]:
            yield from _listed(f"{where}/conditions", test.conditions)
    for where, rule in nodes_of(files, records.FloorRule):
        yield from _listed(f"{where}/conditions", rule.conditions)
    for where, hazard in nodes_of(files, records.Hazard):
        yield from _listed(f"{where}/conditions", hazard.conditions)
    for where, exclusion in nodes_of(files, records.FloorExclusion):
        yield f"{where}/condition", exclusion.condition
    for where, setting in nodes_of(files, records.Setting):
        yield from ((f"{where}/multipliers/{name}", name) for name in setting.multipliers)
    yield from _stated(files, records.Criterion, "recorded")


def check_test_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every test that a hazard names is in `tests.yaml`."""
    known = {test.id for test in files.tests.tests}
    yield from _unknown("test-unknown", "a test", known, _stated(files, records.Hazard, "test"))


def check_finding_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every finding that evidence, a rule, a test, a treatment or the model names exists."""
    known = {finding.id for finding in files.findings.findings}
    yield from _unknown("finding-unknown", "a finding", known, _findings_named(files))


def _findings_named(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    for kind in (
        records.Evidence,
        records.Criterion,
        records.Test,
        records.TreatmentMap,
        records.ChannelState,
    ):
        yield from _stated(files, kind, "finding")
    yield from _stated(files, records.Analyte, "positive_finding")
    for where, test in nodes_of(files, records.Test):
        yield from _listed(f"{where}/outcomes", test.outcomes)
        yield from _listed(f"{where}/done_by", test.done_by)
    for where, name in _done_when(files):
        if not name.startswith("@"):
            yield where, name


def check_analyte_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every analyte that a limit, a rule, a test, a window or the model names exists."""
    known = {analyte.id for analyte in files.analytes.analytes}
    yield from _unknown("analyte-unknown", "an analyte", known, _analytes_named(files))


def _analytes_named(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    for kind in (
        records.Criterion,
        records.IntervalsFile,
        records.Cutoff,
        records.Channel,
        records.LineageChannel,
    ):
        yield from _stated(files, kind, "analyte")
    for where, window in nodes_of(files, records.SupportWindow):
        yield from _listed(f"{where}/analytes", window.analytes)
    for where, name in _done_when(files):
        if name.startswith("@"):
            yield where, name[1:]


def _done_when(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    for where, test in nodes_of(files, records.Test):
        yield from _listed(f"{where}/done_when", test.done_when)


def check_definition_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every definition that a rule names is in `definitions.yaml`."""
    known = {definition.id for definition in files.definitions.definitions}
    named = _stated(files, records.Criterion, "definition")
    yield from _unknown("definition-unknown", "a definition", known, named)


def check_cutoff_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every stepped cut-off that a rule names has a ladder for any child."""
    known = {cutoff.id for cutoff in files.cutoffs.cutoffs if cutoff.population == "any"}
    named = _stated(files, records.Criterion, "below_cutoff")
    yield from _unknown("cutoff-unknown", "a cut-off for any child", known, named)


def check_fact_unknown(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every fact that a rule asks for is one the engine works out (`facts.py`)."""
    for kind, field in ((records.Criterion, "fact"), (records.UrgencyRule, "confirmed_by")):
        yield from _unknown("fact-unknown", "a fact", FACTS, _stated(files, kind, field))


def check_setting_default(files: KnowledgeFiles) -> Iterator[Issue]:
    """The default setting is one of the settings."""
    known = {setting.id for setting in files.settings.settings}
    named = [("settings.yaml#/default", files.settings.default)]
    yield from _unknown("setting-default", "a setting", known, named)


def check_definition_cycle(files: KnowledgeFiles) -> Iterator[Issue]:
    """No definition rests on itself, directly, through a computed finding or through a lineage.

    A finding may name itself in its own rule: there it means what the record states.
    """
    rests_on: dict[str, set[str]] = {}
    places: dict[str, str] = {}
    for where, definition in nodes_of(files, records.Definition):
        name = f"definition {definition.id}"
        places[name] = where
        rests_on[name] = {*_rests_on(definition.when), *_rests_on(definition.unless)}
    for where, finding in nodes_of(files, records.FindingEntry):
        name = f"finding {finding.id}"
        places[name] = where
        rests_on[name] = {*_rests_on(finding.when), *_rests_on(finding.unless)} - {name}
    for name in rests_on:
        if _reaches(name, name, rests_on):
            yield broken(
                "definition-cycle",
                places[name],
                f"{name} rests on itself",
                "state it in terms of counts",
            )


def _rests_on(criterion: records.Criterion | None) -> Iterator[str]:
    if criterion is None:
        return
    for part in (*(criterion.all or ()), *(criterion.any or ()), *(criterion.of or ())):
        yield from _rests_on(part)
    yield from _rests_on(criterion.not_)
    if criterion.definition is not None:
        yield f"definition {criterion.definition}"
    elif criterion.finding is not None:
        yield f"finding {criterion.finding}"
    elif criterion.lineage is not None:
        yield f"definition {LINEAGE_DEFINITIONS[criterion.lineage]}"
    elif criterion.lineages_low is not None or criterion.lineages_low_exactly is not None:
        yield from (f"definition {name}" for name in LINEAGE_DEFINITIONS.values())


def _reaches(start: str, goal: str, rests_on: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    ahead = list(rests_on[start])
    while ahead:
        name = ahead.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            ahead.extend(rests_on.get(name, ()))
    return False


def _stated(
    files: KnowledgeFiles, kind: type[records.Record], field: str
) -> Iterator[tuple[str, str]]:
    for where, record in nodes_of(files, kind):
        name = getattr(record, field)
        if name is not None:
            yield f"{where}/{field}", name


def _listed(where: str, items: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((f"{where}/{index}", item) for index, item in enumerate(items))


def _unknown(
    code: str, kind: str, known: Collection[str], named: Iterable[tuple[str, str]]
) -> Iterator[Issue]:
    for where, name in named:
        if name not in known:
            yield broken(code, where, f"{name} is not {kind}", "add it, or correct the id")
