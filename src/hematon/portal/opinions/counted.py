"""How often clinicians agreed with what was computed, and why not: numbers, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from hematon.portal.clinic.models import Feedback
from hematon.portal.opinions.models import About, Judgement

WHOLE = "report"
"""Judged by somebody who assessed a record of their own: the report, or one condition of it."""
COLUMNS = (*((str(a.value), str(a.label)) for a in About), (WHOLE, "A report outside cases"))


@dataclass(frozen=True)
class Table:
    """A line for agreement and for each reason, a number for each kind of item."""

    heads: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def table() -> Table:
    """Count every judgement there is."""
    counts: Counter[tuple[str, str]] = Counter()
    for about, reason, n in (
        Judgement.objects.order_by().values_list("about", "reason").annotate(Count("pk"))
    ):
        counts[about, reason] += n
    for reason, n in Feedback.objects.order_by().values_list("reason").annotate(Count("pk")):
        counts[WHOLE, reason] += n
    # No reason stands with an agreement; the database sees to it.
    named = [("", str(Feedback.Outcome.ACCEPTED.label)), *Feedback.Reason.choices]
    return Table(
        heads=tuple(words for _, words in COLUMNS),
        lines=tuple(
            (str(words), tuple((head, counts[column, reason]) for column, head in COLUMNS))
            for reason, words in named
        ),
    )
