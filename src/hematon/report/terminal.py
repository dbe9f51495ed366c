"""The clinician report in a terminal: most urgent first, readable at 60 columns and when piped.

Layout is hanging indents only, so that nothing depends on boxes, width or color. Where the output
is not a terminal or cannot hold our signs, they are written in ASCII. Text of the record is never
read as Rich markup.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.text import Text

from hematon.engine.assessment import Assessment, Candidate, Contribution
from hematon.errors import HematonError
from hematon.report import evidence, over_time, selection, tested, wording
from hematon.report.quantities import clean, percent, plain, prose, ratio, short_age, signed

_LEVEL_STYLES: Final = {
    "E": "bold red reverse",
    "U24": "bold red",
    "U72": "bold yellow",
    "S2": "bold yellow",
    "R": "bold",
    "none": "bold",
}
_FIRST_FOR, _FIRST_AGAINST = 3, 2
_AT_LENGTH: Final = 2
"""The first conditions get more lines than the rest, whose evidence is mostly the same."""
_QUESTIONS_SHOWN: Final = 5
_WAITING_SHOWN: Final = 4
_MISSING_SHOWN: Final = 8
_TESTS_SHOWN: Final = 6
"""Tests by what they are expected to tell; those asked for by a rule are shown beside them."""
_PITFALLS_SHOWN: Final = 3
_UNTOLD: Final = ("–", wording.NO_TREATMENT, wording.MECHANISMS["undetermined"])
"""Facts of a lineage that say nothing beside its value."""
_BAR_PER_UNIT: Final = 3
_BAR_LONGEST: Final = 15
_NARROWEST: Final = 24


def render(assessment: Assessment, console: Console, *, explain: str | None = None) -> None:
    """Print the report.

    Args:
        assessment: what to report.
        console: where to; its width and abilities are respected.
        explain: a condition to take apart: every contribution with the running sum.

    Raises:
        HematonError: the condition to explain is not in the assessment.
    """
    page = _Page(console)
    if explain is not None:
        _waterfall(page, assessment, _find(assessment, explain))
        return
    _who(page, assessment)
    _urgency(page, assessment)
    _lineages(page, assessment)
    _over_time(page, assessment)
    _severity(page, assessment)
    _differential(page, assessment)
    _always_shown(page, assessment)
    _next_tests(page, assessment)
    _hazards(page, assessment)
    _missing(page, assessment)
    _foot(page, assessment)


class _Page:
    """A console that knows how far it can be trusted with signs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        utf8 = console.encoding.lower().replace("-", "") == "utf8"
        self._ascii = not (console.is_terminal and utf8)

    def heading(self, title: str) -> None:
        """Print a section title after a blank line."""
        self._console.print()
        self.line(title.upper(), style="bold")

    def line(self, text: str, *, indent: int = 0, style: str = "") -> None:
        """Print a line, made safe here once more; where it wraps, the rest hangs two columns in."""
        safe = clean(text)
        lines = textwrap.wrap(
            plain(safe) if self._ascii else safe,
            width=max(self._console.width, indent + _NARROWEST),
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 2),
            break_on_hyphens=False,
        )
        for wrapped in lines:
            self._console.print(Text(wrapped, style=style), soft_wrap=True)


def _who(page: _Page, assessment: Assessment) -> None:
    page.line(wording.TITLE, style="bold")
    page.line("; ".join(f"{label} {value}" for label, value in wording.who(assessment)))
    page.line(prose(assessment.label), style="dim")


def _urgency(page: _Page, assessment: Assessment) -> None:
    urgency = assessment.urgency
    headline, asks = wording.time_to_act(urgency)
    page.heading("Time to act")
    style = _LEVEL_STYLES[urgency.level]
    page.line(f"{headline.upper()} ({asks}; level {urgency.level})", style=style)
    deciding = [r for r in urgency.reasons if r.level == urgency.level]
    for reason in deciding:
        rests_on = wording.reference(reason.grade, reason.source)
        named = f"{prose(reason.rule)} {prose(reason.name)}"
        page.line(f"{named}: {prose(reason.text)} [{rests_on}]", indent=2)
    # Rules of one level often ask for the same.
    for act in wording.distinct(prose(r.act) for r in deciding):
        page.line(f"Do: {act}", indent=4, style="bold")
    for confirm in wording.distinct(prose(r.confirm) for r in deciding if r.confirm):
        page.line(f"Confirm: {confirm}", indent=4)
    lesser = [
        f"{prose(r.rule)} {prose(r.name)} ({wording.URGENCY[r.level][0].lower()})"
        for r in urgency.reasons
        if r.level != urgency.level
    ]
    if lesser:
        page.line(f"also {'; '.join(lesser)}", indent=2)
    if urgency.undetermined:
        page.line(wording.could_be_higher(urgency), style="bold")
    if treated := wording.treated(assessment):
        page.line(treated)
    page.line(wording.CAUTION, style="dim")


def _lineages(page: _Page, assessment: Assessment) -> None:
    page.heading("Counts")
    for name, title in wording.LINEAGES:
        lineage = getattr(assessment.lineages, name)
        status = wording.lineage_status(lineage)
        drawn = wording.drawn(assessment, lineage)
        page.line(
            f"{title}: {wording.lineage_value(lineage)}{f' {drawn}' if drawn else ''}, {status}",
            style="" if lineage.status == "normal" else "bold",
        )
        if lineage.value is not None:
            facts = dict(wording.lineage_facts(lineage))
            if lineage.draws == 1:
                del facts["Lowest"]
            said = [f"{label} {fact}" for label, fact in facts.items() if fact not in _UNTOLD]
            page.line("; ".join(said), indent=2, style="dim")
    for answer in ("yes", "unknown", "no"):
        names = [prose(r.name) for r in assessment.readings if r.answer == answer]
        if names:
            page.line(f"{wording.ANSWERS[answer].capitalize()}: {'; '.join(names)}")


def _over_time(page: _Page, assessment: Assessment) -> None:
    if not over_time.is_told(assessment):
        return
    page.heading("Over time")
    trends, cycle = assessment.trends, assessment.trends.neutrophil_cycle
    for row in over_time.trend_rows(trends):
        named = zip(over_time.TREND_HEADERS[2:], row[2:], strict=True)
        facts = [f"{label} {fact}" for label, fact in named if fact != "–"]
        page.line(f"{row[0]}: {row[1]}")
        page.line("; ".join(facts), indent=2, style="dim")
    if over_time.cycle_is_told(cycle):
        page.line(over_time.called(cycle), style="bold")
        for line in over_time.cycle_lines(cycle):
            page.line(line, indent=2)
    for line in over_time.treatment_lines(trends):
        page.line(line)


def _severity(page: _Page, assessment: Assessment) -> None:
    page.heading("Severity criteria")
    met = selection.severity_by_answer(assessment, "yes")
    if met:
        page.line(f"Met: {'; '.join(f'{prose(c.name)} ({prose(c.edition)})' for c in met)}")
    waiting = selection.severity_by_answer(assessment, "unknown")
    if waiting:
        names = wording.listed((c.name for c in waiting), most=_WAITING_SHOWN)
        page.line(f"Cannot be graded yet: {names}; {wording.waits_for(waiting)}")
    unmet = selection.severity_by_answer(assessment, "no")
    if unmet:
        noun = "criterion" if len(unmet) == 1 else "criteria"
        page.line(f"Not met: {len(unmet)} {noun}", style="dim")


# --- what to consider ---------------------------------------------------------------------------


def _differential(page: _Page, assessment: Assessment) -> None:
    page.heading(wording.CONSIDER)
    page.line(evidence.RANKING_RULE, style="dim")
    leading = [c.condition for c in selection.leading(assessment)]
    fitting = selection.fitting(assessment) or selection.leading(assessment)[:1]
    at_length = frozenset(c.condition for c in fitting[:_AT_LENGTH])
    if counts := selection.counts(assessment):
        page.line(f"The counts: {prose(counts)}")
    for candidate in assessment.differential:
        if selection.is_something_else(candidate):
            page.line(_titled(candidate), style="bold")
        elif candidate.condition in leading:
            if candidate.condition in at_length:
                _at_length(page, candidate, tested.of_condition(assessment, candidate.condition))
            else:
                _in_brief(page, candidate, tested.in_brief(assessment, candidate.condition))
    lower = [c for c in selection.others(assessment) if c.band == "less_likely"]
    if lower:
        page.line(f"Less likely: {'; '.join(prose(c.name) for c in lower)}", style="dim")
    doubts = (*tested.lines(assessment), evidence.expert_share(assessment))
    page.line(" ".join(doubts), style="dim")


def _titled(candidate: Candidate) -> str:
    flag = "; must not be missed" if candidate.never_miss else ""
    return f"{candidate.rank}. {prose(candidate.name)}: {evidence.band(candidate)}{flag}"


def _at_length(page: _Page, candidate: Candidate, doubt: str) -> None:
    page.line(_titled(candidate), style="bold")
    if candidate.excluded:
        page.line(evidence.excluded(candidate), indent=3)
    if doubt:
        page.line(doubt, indent=3, style="dim")
    weighed = selection.weigh(candidate)
    shown = (*weighed.supporting[:_FIRST_FOR], *weighed.opposing[:_FIRST_AGAINST])
    for contribution in shown:
        side = "for    " if contribution.log_likelihood_ratio > 0 else "against"
        page.line(f"{side} {_evidence(contribution)}", indent=3)
    if candidate.would_change:
        page.line(f"would change it most: {evidence.change(candidate.would_change[0])}", indent=3)
    left = len(weighed.evidence) - len(shown)
    if left:
        page.line(f"{left} more: explain {prose(candidate.condition)}", indent=3, style="dim")


def _in_brief(page: _Page, candidate: Candidate, doubt: str) -> None:
    weighed = selection.weigh(candidate)
    said = [
        f"{side} {_named(pieces[0])}, LR {ratio(pieces[0].likelihood_ratio)}"
        for side, pieces in (("for", weighed.supporting), ("against", weighed.opposing))
        if pieces
    ]
    parts = (_titled(candidate), evidence.excluded(candidate), *said, doubt)
    page.line("; ".join(part for part in parts if part))


def _named(contribution: Contribution) -> str:
    # They are written out above, and are the same for every condition.
    if contribution.evidence == selection.COUNTS:
        return "the counts"
    return evidence.evidence_text(contribution)


def _evidence(contribution: Contribution) -> str:
    weight = evidence.strength(contribution.log_likelihood_ratio)
    parts = (
        f"LR {ratio(contribution.likelihood_ratio)}, {weight}",
        evidence.seen(contribution),
        wording.reference(contribution.grade, contribution.source, contribution.counted),
    )
    return f"{_named(contribution)} ({'; '.join(part for part in parts if part)})"


def _always_shown(page: _Page, assessment: Assessment) -> None:
    page.heading("Must not be missed, whatever the ranking")
    by_reason: dict[str, list[str]] = {}
    for shown in assessment.always_show:
        by_reason.setdefault(wording.why_shown(shown), []).append(prose(shown.name))
    for why, names in by_reason.items():
        page.line(f"{why}: {'; '.join(names)}")
    if not by_reason:
        page.line("No rule names a condition from what is stated.")


# --- what to do next ----------------------------------------------------------------------------


def _next_tests(page: _Page, assessment: Assessment) -> None:
    page.heading("Next tests to consider")
    names = selection.conditions_by_id(assessment)
    if assessment.questions:
        asked = (prose(q.name) for q in assessment.questions[:_QUESTIONS_SHOWN])
        page.line(f"{wording.ASK}: {'; '.join(asked)}")
    now = assessment.differential[0].condition if assessment.differential else ""
    shown = {t.test for t in assessment.next_tests if t.order <= _TESTS_SHOWN or t.worth <= 0}
    if shown:
        page.line(wording.ORDER, style="dim")
    for tier, tests in selection.tests_by_tier(assessment):
        here = [test for test in tests if test.test in shown]
        if here:
            page.line(wording.TIERS.get(tier, f"Tier {tier}"), style="bold")
        for test in here:
            flag = "; draw before transfusion" if test.before_transfusion else ""
            page.line(f"{prose(test.name)} ({wording.practicalities(test)}{flag})", indent=2)
            # What leaves the order as it is, is not said.
            positive = [o for o in test.outcomes if o.result == "positive"]
            for outcome in sorted(positive, key=lambda o: -o.probability)[:1]:
                if outcome.leading and outcome.leading[0][0] != now:
                    first = replace(outcome, leading=outcome.leading[:1])
                    page.line(wording.outcome(first, names), indent=4, style="dim")
            if test.pitfalls and test.order <= _PITFALLS_SHOWN:
                pitfall, _, more = prose(test.pitfalls).partition("; ")
                page.line(f"Pitfall: {pitfall}{' ...' if more else ''}", indent=4, style="dim")
    left = len(assessment.next_tests) - len(shown)
    if left:
        page.line(f"{left} more in the full report", style="dim")
    if not assessment.next_tests:
        page.line("No test is proposed from what is stated.")


def _hazards(page: _Page, assessment: Assessment) -> None:
    page.heading("Treatment hazards")
    for hazard in assessment.hazards:
        page.line(f"! {prose(hazard.text)} [{', '.join(hazard.source)}]")
    if not assessment.hazards:
        page.line("No hazard is named from what is stated.")


def _missing(page: _Page, assessment: Assessment) -> None:
    page.heading("Missing, conflicting or implausible")
    if assessment.missing:
        # What a rule would say is in the rules; here, how many wait for what.
        waiting = (
            f"{prose(m.name)} ({len(m.changes)})" for m in assessment.missing[:_MISSING_SHOWN]
        )
        left = len(assessment.missing) - _MISSING_SHOWN
        more = f"; {left} more in the full report" if left > 0 else ""
        page.line(f"Not stated, and how many rules wait for it: {'; '.join(waiting)}{more}")
    for issue in assessment.issues:
        fix = f"; {prose(issue.fix)}" if issue.fix else ""
        where = f"{prose(issue.level)} {prose(issue.code)} at {prose(issue.where)}"
        page.line(f"{where}: {prose(issue.message)}{fix}.")
    if not (assessment.missing or assessment.issues):
        page.line("Nothing that a rule asks for is missing, and no issue was found.")


def _foot(page: _Page, assessment: Assessment) -> None:
    page.heading("Inputs used, limits and versions")
    used = "; ".join(
        f"{prose(i.name)} {wording.value(i)} at {short_age(i.age_days)}"
        for i in assessment.inputs
        if i.used
    )
    page.line(f"{len(assessment.inputs)} values read; judged: {used or 'none'}", style="dim")
    for limit in assessment.limits:
        page.line(prose(limit), style="dim")
    grades = "; ".join(f"{grade} {count}" for grade, count in wording.grade_counts(assessment))
    if grades:
        page.line(f"Evidence: {grades}. {len(assessment.citations)} sources.", style="dim")
    versions = assessment.versions
    page.line(
        f"Hematon {versions.engine}; knowledge {versions.knowledge} "
        f"({versions.fingerprint[:12]}); HPO {versions.hpo}; input {assessment.input_hash[:12]}",
        style="dim",
    )


# --- one condition taken apart ------------------------------------------------------------------


def _find(assessment: Assessment, condition: str) -> Candidate:
    for candidate in assessment.differential:
        if candidate.condition == condition:
            return candidate
    raise HematonError(f"the assessment has no condition with the id {prose(condition)!r}")


def _waterfall(page: _Page, assessment: Assessment, candidate: Candidate) -> None:
    page.line(_titled(candidate), style="bold")
    page.line("; ".join(f"{label} {value}" for label, value in wording.who(assessment)))
    page.line(evidence.STEPS)
    if not candidate.contributions:
        page.line("The assessment holds no contributions for this condition.")
    total = 0.0
    for contribution in candidate.contributions:
        total += contribution.log_ratio_against_rest
        _step(page, contribution, total)
    page.heading("Sum")
    against_rest = signed(candidate.log_odds_against_rest, 2)
    page.line(f"{against_rest} log odds against all the other rows together")
    against_else = signed(candidate.log_odds_against_something_else, 2)
    page.line(f"{against_else} log odds against something else, the sum of the LRs")
    share = percent(candidate.posterior)
    page.line(f"Share of the ranking {share}; a working number, not a risk", style="dim")
    page.heading("How this ranking works")
    page.line(evidence.how_ranking_works(assessment), style="dim")


def _step(page: _Page, contribution: Contribution, total: float) -> None:
    value = contribution.log_ratio_against_rest
    length = min(round(abs(value) * _BAR_PER_UNIT), _BAR_LONGEST)
    bar = ("+" if value > 0 else "-") * length
    sums = f"{signed(value, 2):>6} {signed(total, 2):>7}"
    page.line(f"{sums}  {evidence.evidence_text(contribution)}", style="bold")
    parts = (
        bar,
        f"LR {ratio(contribution.likelihood_ratio)} against something else",
        evidence.seen(contribution),
        prose(contribution.basis),
        wording.reference(contribution.grade, contribution.source, contribution.counted),
    )
    page.line("; ".join(part for part in parts if part), indent=16, style="dim")
