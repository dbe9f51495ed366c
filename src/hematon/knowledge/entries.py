"""Write one entry of the knowledge as text: each number with its unit, grade and source.

One function per kind of entry, each giving lines. What is written is what the files say; the
numbers an assessment uses after shrinkage and floor are in the compiled knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hematon.knowledge import records
from hematon.knowledge.annotations import counts
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.likelihoods import is_estimate, pooled_count
from hematon.knowledge.places import citations
from hematon.knowledge.rule_text import RuleText

Lines = Iterator[str]


def cite(record: Any) -> str:
    """Give the grade and the sources of a number, as they are cited."""
    return f"[{record.grade}: {', '.join(record.source) or 'no source'}]"


def condition_lines(files: KnowledgeFiles, c: records.Condition) -> Lines:
    """Describe a condition with every frequency it rests on."""
    rules = RuleText(files)
    yield f"condition {c.id}: {c.name}"
    yield f"  category {c.category}" + ("; never to be missed" if c.never_miss else "")
    yield f"  reviewed {c.reviewed}"
    yield from _texts(
        ("also called", ", ".join(c.synonyms)),
        ("codes", ", ".join(f"{code.system}:{code.code}" for code in c.codes)),
        ("inheritance", c.inheritance),
        ("genes", ", ".join(f"{g.symbol} ({'/'.join(g.modes)})" for g in c.genes)),
        ("incidence", c.incidence),
        ("ancestry", c.ancestry),
    )
    yield f"  prior {c.prior.value:g} {c.prior.unit} {cite(c.prior)}"
    yield (
        f"  age when first seen {c.age.median:g} years"
        f" (5th percentile {c.age.p5:g}, 95th {c.age.p95:g}) {cite(c.age)}"
    )
    yield f"  boys {c.sex.male_fraction:.0%} ({c.sex.text}) [{c.sex.grade}]"
    if c.gate is not None:
        yield f"  only with {rules.write(c.gate)}"
    yield from _texts(*c.presentation.model_dump().items(), ("note", c.note))
    yield "  frequency when first seen (in brackets: with any unexplained cytopenia)"
    background = {f.id: f.background for f in files.findings.findings}
    pooled = counts(files)[c.id]
    parameters = {name: p.value for name, p in files.model.parameters.items()}
    for row in c.evidence:
        counted = "" if row.n is None else f" {row.n} of {row.of}"
        among = background.get(row.finding)
        others = "" if among is None else f" ({among:g})"
        note = "" if row.note is None else f" {row.note}"
        finding = rules.finding(row.finding)
        yield f"    {row.frequency:g}{others} {finding}{counted} {cite(row)}{note}"
        found = pooled[row.finding]
        count = pooled_count(found, parameters) if is_estimate(row) else None
        if count is not None:
            yield (
                f"      used instead: {count[0]} of {count[1]} in {len(found)} publications "
                "[counted: HPOA]"
            )
    if diseases := [f"{name} ({id_})" for owner, id_, name in _diseases(files) if owner == c.id]:
        yield f"  public annotations of {len(diseases)} diseases: {', '.join(diseases)}"
    tests = [t.id for t in files.tests.tests if c.id in t.conditions]
    floor = [r.id for r in files.floor.rules if c.id in r.conditions]
    hazards = [h.id for h in files.hazards.hazards if c.id in h.conditions]
    left = [e.text for e in files.floor.exclusions if e.condition == c.id]
    yield from _texts(
        ("tests", ", ".join(tests)),
        ("always shown by", ", ".join(floor)),
        ("leaves that list when", "; ".join(left)),
        ("hazards", ", ".join(hazards)),
    )


def _diseases(files: KnowledgeFiles) -> list[list[str]]:
    return files.annotations["diseases.csv"]


def finding_lines(files: KnowledgeFiles, f: records.FindingEntry) -> Lines:
    """Describe a finding, how common it is without and with each condition."""
    rules = RuleText(files)
    yield f"finding {f.id}: {f.name}"
    yield f"  kind {f.kind}" + ("" if f.group is None else f"; damped with the group {f.group}")
    yield from _texts(
        ("HPO", ", ".join(term for term in (f.hpo, *f.also_hpo) if term)),
        ("definition", f.definition),
    )
    yield from _rule(rules, f.when, f.unless)
    if f.background is not None:
        yield f"  among children first seen with an unexplained cytopenia {f.background:g}"
        yield f"  among all children {f.general_population:g} {cite(f)}"
    rows = [(row, c) for c in files.conditions for row in c.evidence if row.finding == f.id]
    for row, c in sorted(rows, key=lambda pair: -pair[0].frequency):
        yield f"    {row.frequency:g} in {rules.condition(c.id)} {cite(row)}"


def term_lines(files: KnowledgeFiles, term: str) -> Lines:
    """Describe an HPO id by the findings it stands for; nothing when it stands for none."""
    rules = RuleText(files)
    satisfied = [name for name, terms in files.hpo.findings.items() if term in terms]
    beneath = files.hpo.broader.get(term, [])
    replaced = files.hpo.obsolete.get(term)
    if satisfied or beneath or replaced is not None:
        yield f"HPO term {term} (release {files.hpo.version})"
    if replaced is not None:
        yield f"  obsolete; replaced by {replaced or 'nothing'}"
    yield from (f"  present means {rules.finding(name)}" for name in satisfied)
    yield from (f"  absent means no {rules.finding(name)}" for name in beneath)


def test_lines(files: KnowledgeFiles, t: records.Test) -> Lines:
    """Describe a test: what it finds, how well, and what to beware of."""
    rules = RuleText(files)
    yield f"test {t.id}: {t.name}"
    yield f"  tier {t.tier}, {t.specimen}, invasiveness {t.invasiveness}, {t.turnaround}"
    if t.before_transfusion:
        yield "  draw before transfusion"
    yield from _texts(
        ("in this tier when", t.tier_when),
        ("LOINC", ", ".join(t.loinc)),
        ("positive", t.positive),
        ("rules in", t.rules_in),
        ("rules out", t.rules_out),
        ("for", ", ".join(rules.condition(c) for c in t.conditions)),
        ("beware", t.pitfalls),
        ("read as", None if t.finding is None else rules.finding(t.finding)),
        ("can show", "; ".join(rules.finding(name) for name in t.outcomes)),
        ("done when known", ", ".join(t.done_when)),
        ("done when any known", ", ".join(t.done_by)),
    )
    for name, value in (("sensitivity", t.sensitivity), ("specificity", t.specificity)):
        yield f"  {name} " + ("not stated" if value is None else f"{value:g} {cite(t)}")


def analyte_lines(files: KnowledgeFiles, a: records.Analyte) -> Lines:
    """Describe an analyte: unit, codes, reference limits and stepped cut-offs."""
    unit = a.unit or "no unit"
    yield f"analyte {a.id}: {a.name}, {unit}"
    if a.plausible is not None:
        yield f"  plausible from {a.plausible.low:g} to {a.plausible.high:g} {unit}"
    yield f"  a result may stand for {a.valid_days} days"
    yield from _texts(
        ("headings", ", ".join(a.names)),
        ("other units", ", ".join(f"{o.unit} x {o.factor:g}" for o in a.other_units)),
        ("LOINC", ", ".join(f"{code.code} ({code.use})" for code in a.loinc)),
        ("note", a.note),
    )
    for interval in files.intervals:
        if interval.analyte == a.id:
            yield f"  reference limits, edition {interval.edition}"
            for b in interval.bands:
                yield (
                    f"    day {b.age_min_days} to {b.age_max_days}, {b.sex}, {b.population}:"
                    f" {b.lower:g} to {b.upper:g}, median {b.median:g} {unit}"
                    f" ({b.kind}) {cite(b)}"
                )
    for cutoff in files.cutoffs.cutoffs:
        if cutoff.analyte == a.id:
            yield from (f"  {line}" for line in cutoff_lines(cutoff))


def cutoff_lines(c: records.Cutoff) -> Lines:
    """Describe a stepped cut-off."""
    yield f"cut-off {c.id} of {c.analyte}, population {c.population}"
    for step in c.steps:
        end = "on" if step.to_days is None else f"to before day {step.to_days}"
        yield (
            f"    from day {step.from_days} {end}, {step.sex}: {step.value:g} {c.unit} {cite(step)}"
        )


def source_lines(files: KnowledgeFiles, s: records.Source) -> Lines:
    """Describe a source and every place that cites it."""
    yield f"source {s.id}: {s.citation}"
    yield f"  status {s.status}"
    yield from _texts(("PMID", s.pmid), ("DOI", s.doi), ("read", s.read))
    places = [where for where, source in citations(files) if source == s.id]
    yield f"  cited {len(places)} time(s)"
    yield from (f"    {where}" for where in places)


def urgency_lines(files: KnowledgeFiles, r: records.UrgencyRule) -> Lines:
    """Describe a rule of urgency."""
    yield f"urgency {r.id}: {r.name}, level {r.level} {cite(r)}"
    yield f"  {r.text}"
    yield from _rule(RuleText(files), r.when, r.unless)
    yield from _texts(("act", r.act), ("confirm", r.confirm), ("confirmed by", r.confirmed_by))


def severity_lines(files: KnowledgeFiles, r: records.SeverityCriterion) -> Lines:
    """Describe a severity criterion."""
    marrow = "; needs a marrow" if r.needs_marrow else ""
    yield f"severity {r.id}: {r.name}, group {r.group}{marrow} {cite(r)}"
    yield f"  {r.text}"
    yield from _rule(RuleText(files), r.when, r.unless)


def definition_lines(files: KnowledgeFiles, d: records.Definition) -> Lines:
    """Describe a named reading of the counts."""
    yield f"definition {d.id}: {d.name} {cite(d)}"
    yield f"  {d.text}"
    yield from _rule(RuleText(files), d.when, d.unless)


def hazard_lines(files: KnowledgeFiles, h: records.Hazard) -> Lines:
    """Describe a treatment hazard."""
    rules = RuleText(files)
    yield f"hazard {h.id} {cite(h)}"
    yield f"  {h.text}"
    yield from _rule(rules, h.when, h.unless)
    yield from _texts(
        ("while possible", ", ".join(rules.condition(c) for c in h.conditions)),
        ("test", h.test),
    )


def floor_lines(files: KnowledgeFiles, r: records.FloorRule) -> Lines:
    """Describe an always-show rule."""
    rules = RuleText(files)
    yield f"always shown {r.id}: {r.name} {cite(files.floor)}"
    yield from _rule(rules, r.when, r.unless)
    yield from (f"    {rules.condition(c)}" for c in r.conditions)


def setting_lines(files: KnowledgeFiles, s: records.Setting) -> Lines:
    """Describe a setting and what it does to the priors."""
    rules = RuleText(files)
    yield f"setting {s.id}: {s.name} {cite(s)}"
    yield f"  {s.text}"
    shares = (("share kept for something else", s.something_else_share),)
    for text, value in (*shares, ("power the incidence is raised to", s.prior_exponent)):
        yield f"  {text} " + ("is fitted" if value is None else f"{value:g}")
    for condition, factor in s.multipliers.items():
        yield f"    prior x {factor:g} for {rules.condition(condition)}"


def parameter_lines(name: str, p: records.Parameter) -> Lines:
    """Describe a number of the likelihood model."""
    yield f"parameter {name}: {p.value:g} {cite(p)}"
    yield f"  {p.text}"


def fitted_lines(name: str, p: records.FittedParameter, file: records.FittedFile) -> Lines:
    """Describe a fitted number and what it was fitted on."""
    yield f"parameter {name}: {p.value:g} [fitted by {file.command}]"
    yield f"  {p.text}"
    yield (
        f"  on {file.cases} cases of {file.publications} publications; mean log loss "
        f"{file.loss:g} nats, on publications not seen {file.loss_held_out:g}"
    )


def _rule(
    rules: RuleText, when: records.Criterion | None, unless: records.Criterion | None
) -> Lines:
    if when is not None:
        yield f"  when {rules.write(when)}"
    if unless is not None:
        yield f"  unless {rules.write(unless)}"


def _texts(*pairs: tuple[str, str | None]) -> Iterable[str]:
    return [f"  {label.replace('_', ' ')}: {text}" for label, text in pairs if text]
