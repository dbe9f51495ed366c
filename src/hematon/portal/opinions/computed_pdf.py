"""What the engine made of the record, on pages of its own and labelled so.

Everything is said by `hematon.report`, as on the clinician's report page: possibilities with what
speaks for and against each, every likelihood ratio with its source, what is missing, and the
versions. There is no probability and no conclusion here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hematon.engine.assessment import Assessment, Candidate, Contribution
from hematon.knowledge import Knowledge
from hematon.portal.ui.paper import Paper
from hematon.report import evidence, selection, tested, wording
from hematon.report.quantities import prose, ratio

LABEL: Final = "Computed by a program. Not a clinical judgement, not read or signed by anyone."


def add(paper: Paper, assessment: Assessment, knowledge: Knowledge) -> None:
    """Add what was computed, beginning with what it is."""
    paper.add("Computed from the record", "title")
    paper.add(LABEL, "mark")
    paper.prose(assessment.label)
    paper.pairs(
        [
            *wording.who(assessment)[1:],
            ("Values read", str(len(assessment.inputs))),
            ("Software", assessment.versions.engine),
            (
                "Knowledge",
                f"{assessment.versions.knowledge} ({assessment.versions.fingerprint[:16]})",
            ),
            ("Human Phenotype Ontology", assessment.versions.hpo),
            ("Input hash", assessment.input_hash),
        ]
    )
    _urgency(paper, assessment)
    _lineages(paper, assessment)
    _ranking(paper, assessment, knowledge)
    _always(paper, assessment)
    _next(paper, assessment)
    _missing(paper, assessment)
    _sources(paper, assessment)


def _urgency(paper: Paper, assessment: Assessment) -> None:
    urgency = assessment.urgency
    headline, asks = wording.time_to_act(urgency)
    paper.add("Time to act", "h1")
    paper.add(f"{headline}: {asks}.", "lead")
    for reason in urgency.reasons:
        said = wording.reference(reason.grade, reason.source)
        paper.items([f"{prose(reason.name)}: {prose(reason.text)} ({said})"])
    paper.add(wording.could_be_higher(urgency))
    paper.add(wording.CAUTION, "quiet")


def _lineages(paper: Paper, assessment: Assessment) -> None:
    paper.add("Cell lines and severity", "h1")
    rows = []
    for name, title in wording.LINEAGES:
        lineage = getattr(assessment.lineages, name)
        value = f"{wording.lineage_value(lineage)} {wording.drawn(assessment, lineage)}".strip()
        rows.append((title, value, wording.lineage_status(lineage), prose(lineage.text)))
    paper.table(("Line", "Latest value", "Judged", "Why"), rows, (1.5, 2.2, 1.8, 4))
    met = selection.severity_by_answer(assessment, "yes")
    if met:
        found = [
            (prose(s.name), f"{prose(s.criteria)}, {prose(s.edition)}", prose(s.text)) for s in met
        ]
        paper.table(("Criterion met", "Edition", "Why"), found, (2.4, 2.2, 4))
    else:
        paper.add("No criterion of severity is met by what is known.")
    waiting = selection.severity_by_answer(assessment, "unknown")
    if waiting:
        paper.add(
            f"{len(waiting)} criteria cannot be judged: {wording.waits_for(waiting)}.", "quiet"
        )


def _ranking(paper: Paper, assessment: Assessment, knowledge: Knowledge) -> None:
    paper.add(wording.CONSIDER, "h1")
    paper.add("A list of possibilities to consider, not a diagnosis.")
    for line in tested.lines(assessment):
        paper.add(line, "quiet")
    for candidate in selection.leading(assessment):
        _candidate(paper, candidate, assessment)
    for candidate in filter(selection.is_something_else, assessment.differential):
        title = f"{candidate.rank}. {prose(candidate.name)}: {evidence.band(candidate)}"
        paper.add(title, "h2")
        paper.add(
            "Causes that the knowledge does not hold. Its place says how much room is left.",
            "quiet",
        )
    others = selection.others(assessment)
    if others:
        rows = [
            (f"{c.rank}. {prose(c.name)}", evidence.band(c), *evidence.strongest(c)) for c in others
        ]
        paper.add("Further down", "h2")
        paper.table(
            ("Condition", "Fit", "Strongest for", "Strongest against"), rows, (3, 1.6, 3, 3)
        )
    paper.add("How this works", "h2")
    paper.add(evidence.how_ranking_works(assessment))
    paper.add(evidence.weights(knowledge), "quiet")
    paper.add(evidence.expert_share(assessment), "quiet")


def _candidate(paper: Paper, candidate: Candidate, assessment: Assessment) -> None:
    never = "; must not be missed" if candidate.never_miss else ""
    paper.add(f"{candidate.rank}. {prose(candidate.name)}: {evidence.band(candidate)}{never}", "h2")
    paper.add(evidence.excluded(candidate))
    paper.add(prose(candidate.note) if candidate.note else "", "quiet")
    paper.add(tested.of_condition(assessment, candidate.condition).capitalize(), "quiet")
    weighed = selection.weigh(candidate)
    rows = [
        *_sides("For", weighed.supporting),
        *_sides("Against", weighed.opposing),
        *_priors(weighed.prior),
    ]
    if rows:
        paper.table(("", "Evidence", "Weight", "Seen, and source"), rows, (0.9, 3.4, 1.6, 4))
    if weighed.indifferent:
        paper.add(evidence.no_difference(weighed.indifferent), "quiet")
    changes = [evidence.change(one) for one in candidate.would_change[:3]]
    if changes:
        paper.add("What would change this most: " + "; ".join(changes) + ".", "quiet")


def _sides(side: str, pieces: Sequence[Contribution]) -> list[tuple[str, str, str, str]]:
    return [
        (
            side,
            evidence.evidence_text(piece),
            f"LR {ratio(piece.likelihood_ratio)}, {evidence.strength(piece.log_likelihood_ratio)}",
            ". ".join(
                part
                for part in (
                    evidence.seen(piece),
                    wording.reference(piece.grade, piece.source, piece.counted),
                )
                if part
            ),
        )
        for piece in pieces
    ]


def _priors(priors: Sequence[Contribution]) -> list[tuple[str, str, str, str]]:
    return [
        ("Start", prose(prior.text), "", wording.reference(prior.grade, prior.source))
        for prior in priors
    ]


def _always(paper: Paper, assessment: Assessment) -> None:
    if assessment.always_show:
        paper.add("Must not be missed, whatever the ranking", "h1")
        rows = [
            (prose(shown.name), evidence.place(assessment, shown.condition), prose(shown.text))
            for shown in assessment.always_show
        ]
        paper.table(("Condition", "In the ranking", "Why it is shown"), rows, (3, 2, 4))
    if assessment.hazards:
        paper.add("Hazards while something is not excluded", "h2")
        paper.items([prose(hazard.text) for hazard in assessment.hazards])


def _next(paper: Paper, assessment: Assessment) -> None:
    if not assessment.next_tests:
        return
    paper.add("Tests that would tell most", "h1")
    paper.add(wording.ORDER, "quiet")
    rows = [
        (
            prose(test.name),
            wording.TIERS.get(test.tier, str(test.tier)),
            wording.practicalities(test),
            wording.reference(test.grade, test.source),
        )
        for test in assessment.next_tests
    ]
    paper.table(("Test", "When", "In practice", "Source"), rows, (3, 2, 3.2, 2))


def _missing(paper: Paper, assessment: Assessment) -> None:
    paper.add("Not stated, conflicting or implausible", "h1")
    rows = [
        (prose(item.name), wording.listed(item.changes, most=6) or "–")
        for item in assessment.missing
    ]
    if rows:
        paper.table(("Not stated", "Knowing it could change"), rows, (3, 6))
    for issue in assessment.issues:
        paper.items([f"{prose(issue.message)} ({prose(issue.code)}, {prose(issue.where)})"])
    paper.add("Where this has not been tested", "h2")
    paper.items([prose(limit) for limit in assessment.limits])


def _sources(paper: Paper, assessment: Assessment) -> None:
    paper.add("Sources", "h1")
    rows = [(prose(key), prose(said)) for key, said in sorted(assessment.citations.items())]
    paper.table(("Key", "Source"), rows, (2, 7))
