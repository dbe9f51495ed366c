"""The reasoning sections of the HTML report: what to consider, and what to do next."""

from __future__ import annotations

import math
from typing import Final

from hematon.engine.assessment import Assessment, Candidate, Contribution, NextTest, Question
from hematon.knowledge.compiled import Knowledge
from hematon.report import evidence, selection, tested, wording
from hematon.report.html_parts import bullets, details, linked, paragraph, reference, section, table
from hematon.report.markup import Child, Markup, element, join
from hematon.report.quantities import number, percent, prose, ratio, signed
from hematon.report.waterfall import waterfall

_FULL_BAR: Final = math.log(50.0)
"""A likelihood ratio of 50 fills the bar: the largest that one finding may have."""
_CHANGES_SHOWN: Final = 3
_STEPS_OPEN: Final = 2
"""Conditions whose steps are unfolded, and so printed: more is not read."""


def differential(assessment: Assessment, knowledge: Knowledge) -> Markup:
    """Give the ranked list with the evidence for and against each condition."""
    return section(
        "differential",
        wording.CONSIDER,
        paragraph(evidence.RANKING_RULE),
        _cards(assessment),
        paragraph(f"{evidence.expert_share(assessment)} {evidence.LEGEND}", class_="note"),
        [paragraph(line, class_="note") for line in tested.lines(assessment)],
        paragraph(f"{evidence.CHANGES} {evidence.WATERFALL}", class_="note"),
        _others(assessment),
        details(
            "How this ranking works",
            paragraph(evidence.how_ranking_works(assessment)),
            paragraph(evidence.weights(knowledge)),
            paragraph(evidence.band_rule(knowledge)),
            class_="explains",
        ),
        _model_numbers(assessment),
    )


def _cards(assessment: Assessment) -> Markup:
    leading = {c.condition for c in selection.leading(assessment)}
    cards = []
    for candidate in assessment.differential:
        if selection.is_something_else(candidate):
            cards.append(element("li", _something_else(candidate), class_="candidate other"))
        elif candidate.condition in leading:
            card = _candidate(candidate, assessment)
            cards.append(element("li", card, class_=f"candidate {candidate.band}"))
    return element("ol", cards, class_="candidates")


def _heading(candidate: Candidate) -> Markup:
    return element(
        "h3",
        element("span", f"{candidate.rank}", class_="rank"),
        element("span", prose(candidate.name), class_="name"),
        element("span", evidence.band(candidate), class_="band"),
        element("span", "must not be missed", class_="flag") if candidate.never_miss else None,
    )


def _candidate(candidate: Candidate, assessment: Assessment) -> Markup:
    weighed = selection.weigh(candidate)
    doubt = tested.of_condition(assessment, candidate.condition)
    return join(
        _heading(candidate),
        paragraph(evidence.excluded(candidate), class_="excluded") if candidate.excluded else None,
        paragraph(prose(candidate.note), class_="remark") if candidate.note else None,
        paragraph(doubt, class_="note") if doubt else None,
        element(
            "div",
            _side("Evidence for", weighed.supporting, assessment),
            _side("Evidence against", weighed.opposing, assessment),
            class_="sides",
        ),
        paragraph(evidence.no_difference(weighed.indifferent), class_="note")
        if weighed.indifferent
        else None,
        [paragraph(_prior(p, assessment), class_="note") for p in weighed.prior],
        _would_change(candidate),
        _steps(candidate, assessment),
    )


def _would_change(candidate: Candidate) -> Markup | None:
    shown = candidate.would_change[:_CHANGES_SHOWN]
    if not shown:
        return None
    return element(
        "div",
        element("h4", "What would change this most"),
        bullets((evidence.change(c) for c in shown), "changes"),
        class_="change",
    )


def _steps(candidate: Candidate, assessment: Assessment) -> Markup | None:
    if not candidate.contributions:
        return None
    fitting = selection.fitting(assessment) or selection.leading(assessment)
    return details(
        "Step by step, from the starting point to its place",
        waterfall(candidate, assessment.citations),
        open_=candidate in fitting[:_STEPS_OPEN],
        class_="steps",
    )


def _prior(prior: Contribution, assessment: Assessment) -> Markup:
    text = f"Starting point: {prose(prior.text)}. "
    return join(text, reference(prior.grade, prior.source, assessment.citations))


def _side(title: str, pieces: tuple[Contribution, ...], assessment: Assessment) -> Markup:
    items = (element("li", _evidence(c, assessment)) for c in pieces)
    body = element("ul", items, class_="evidence") if pieces else paragraph("None stated.")
    return element("div", element("h4", title), body)


def _evidence(contribution: Contribution, assessment: Assessment) -> Markup:
    seen = evidence.seen(contribution)
    return join(
        element("span", linked(evidence.evidence_text(contribution)), class_="what"),
        element(
            "span",
            element("b", f"LR {ratio(contribution.likelihood_ratio)}"),
            f", {evidence.strength(contribution.log_likelihood_ratio)}",
            class_="weight",
        ),
        _bar(contribution.log_likelihood_ratio),
        element(
            "span",
            join(linked(seen), " · ") if seen else None,
            reference(
                contribution.grade, contribution.source, assessment.citations, contribution.counted
            ),
            class_="meta",
        ),
    )


def _bar(log_ratio: float) -> Markup:
    width = round(100 * min(abs(log_ratio) / _FULL_BAR, 1.0), 1)
    bar = element("rect", class_="bar-fill", width=width, height=5)
    ground = element("rect", class_="bar-ground", width=100, height=5)
    box = {"viewBox": "0 0 100 5", "preserveAspectRatio": "none"}
    return element("svg", ground, bar, class_="bar", aria_hidden="true", **box)


def _something_else(candidate: Candidate) -> Markup:
    return join(
        _heading(candidate),
        paragraph("Causes that the knowledge does not hold. Its place says how much room is left."),
    )


def _others(assessment: Assessment) -> Markup:
    rows = [
        (
            f"{c.rank}. {prose(c.name)}",
            evidence.band(c) + (f"; {evidence.excluded(c)}" if c.excluded else ""),
            *evidence.strongest(c),
        )
        for c in selection.others(assessment)
    ]
    rest = [f"{c.rank}. {prose(c.name)}" for c in selection.unexplained(assessment)]
    headers = ("Condition", "Fit", "Strongest for", "Strongest against")
    return join(
        details(f"{len(rows)} further conditions", table("Ranked lower", headers, rows))
        if rows
        else None,
        details(f"{len(rest)} ranked below these", paragraph("; ".join(rest), class_="note"))
        if rest
        else None,
    )


def _model_numbers(assessment: Assessment) -> Markup:
    names = selection.conditions_by_id(assessment)
    ranking = [
        (
            f"{c.rank}. {prose(c.name)}",
            percent(c.posterior),
            signed(c.log_odds_against_rest, 2),
            signed(c.log_odds_against_something_else, 2),
        )
        for c in assessment.differential
    ]
    changes = [
        (
            f"{c.rank}. {prose(c.name)}",
            prose(change.name),
            percent(change.chance),
            signed(change.if_present, 2),
            signed(change.if_absent, 2),
            number(change.expected, 2),
        )
        for c in selection.leading(assessment)
        for change in c.would_change
    ]
    gains = [
        (
            prose(t.name),
            number(t.information_gain, 2),
            number(t.never_miss_gain, 2),
            number(t.worth, 2),
            _chances(t, names),
        )
        for t in assessment.next_tests
    ]
    return details(
        "Model numbers",
        paragraph(
            "Working numbers of the ranking, for review of the model. They are not this child's "
            "risks: see where the model has not been tested, below."
        ),
        table(
            "Share of the ranking",
            (
                "Condition",
                "Share",
                "Log odds against all others",
                "Log odds against something else",
            ),
            ranking,
        ),
        table(
            "Change of the log odds against all others",
            ("Condition", "Not known", "Chance", "If present", "If absent", "Expected size"),
            changes,
        )
        if changes
        else None,
        table(
            "Expected gain of each test",
            ("Test", "Gain, bits", "Gain for must-not-miss, bits", "Over burden", "Outcomes"),
            gains,
        )
        if gains
        else None,
        class_="numbers",
    )


def _chances(test: NextTest, names: dict[str, str]) -> str:
    return "; ".join(
        f"{prose(o.finding) or o.result} {percent(o.probability)}: "
        + ", ".join(f"{prose(names.get(name, name))} {percent(p)}" for name, p in o.leading)
        for o in test.outcomes
    )


def always_shown(assessment: Assessment) -> Markup:
    """Give the safety floor."""
    items = (
        join(
            element("strong", prose(shown.name)),
            f": {wording.why_shown(shown)}",
            element("span", f" ({place})", class_="ref")
            if (place := evidence.place(assessment, shown.condition))
            else None,
            paragraph(prose(shown.text), class_="note") if shown.text else None,
        )
        for shown in assessment.always_show
    )
    return section(
        "always",
        "Must not be missed, whatever the ranking",
        paragraph(
            "Named by fixed rules on the counts. A condition leaves this list only when the "
            "record excludes it."
        ),
        bullets(items, "floor")
        if assessment.always_show
        else paragraph("No rule names a condition from what is stated."),
    )


def next_tests(assessment: Assessment) -> Markup:
    """Give the tests not yet done, by tier."""
    tiers = [
        join(
            element("h3", wording.TIERS.get(tier, f"Tier {tier}")),
            element("ul", (_test(test, assessment) for test in tests), class_="tests"),
        )
        for tier, tests in selection.tests_by_tier(assessment)
    ]
    return section(
        "tests",
        "Next tests to consider",
        _questions(assessment),
        [paragraph(wording.ORDER, class_="note"), tiers]
        if tiers
        else paragraph("No test is proposed from what is stated."),
    )


def _questions(assessment: Assessment) -> Markup | None:
    if not assessment.questions:
        return None
    return join(
        element("h3", wording.ASK),
        element("ul", (_question(q, assessment) for q in assessment.questions), class_="tests"),
    )


def _question(question: Question, assessment: Assessment) -> Markup:
    names = selection.conditions_by_id(assessment)
    return element(
        "li",
        element("h4", prose(question.name)),
        paragraph(evidence.LEARNED[question.kind], class_="meta"),
        bullets(wording.outcomes(question.outcomes, names), "outcomes")
        if question.outcomes
        else None,
        reference(question.grade, question.source, assessment.citations),
    )


def _test(test: NextTest, assessment: Assessment) -> Markup:
    names = selection.conditions_by_id(assessment)
    return element(
        "li",
        element("h4", prose(test.name)),
        paragraph("Draw before transfusion", class_="flag") if test.before_transfusion else None,
        paragraph(wording.practicalities(test), class_="meta"),
        bullets(wording.outcomes(test.outcomes, names), "outcomes") if test.outcomes else None,
        paragraph(element("b", "Pitfall: "), prose(test.pitfalls)) if test.pitfalls else None,
        reference(test.grade, test.source, assessment.citations),
    )


def hazards(assessment: Assessment, knowledge: Knowledge) -> Markup:
    """Give the treatments that can harm while a condition is not excluded."""
    names = selection.conditions_by_id(assessment)
    tests = {t.id: t.name for t in knowledge.tests}
    items: list[Child] = []
    for hazard in assessment.hazards:
        about = wording.hazard_about(hazard, names)
        settled = tests.get(hazard.test, hazard.test)
        items.append(
            join(
                element("strong", prose(hazard.text)),
                paragraph(f"Because of: {about}") if about else None,
                paragraph(f"Settled by: {prose(settled)}") if settled else None,
                reference(hazard.grade, hazard.source, assessment.citations),
            )
        )
    return section(
        "hazards",
        "Treatment hazards",
        bullets(items, "hazards")
        if items
        else paragraph("No hazard is named from what is stated."),
    )
