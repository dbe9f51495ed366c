"""One page to take along, and the same as data to send with a request.

`send` puts the page into the session under `attached_counts`, ready for JSON:

    {"version": 1, "made_at": "2026-11-23T08:00:00+00:00",
     "sets": [{"date": "2026-11-03",          ISO, or "" when the family gave none
               "results": [{"line": "hemoglobin", "name": {"en": "Hemoglobin", "es": ...},
                            "value": "7.9",   as typed, with < or > where printed
                            "unit": "g/dL",   UCUM
                            "unit_label": "g/dL",   as printed
                            "low": "11.5", "high": "14.5",   the laboratory's own, or ""
                            "flag": "L"}]}],  H, L, other, none, or "" when not said
     "questions": ["What do these counts mean for my child?"]}

It holds no name, no birth date and no conclusion. Whoever sends it takes it from there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hematon.portal.counts.draft import Draft
from hematon.portal.counts.lines import questions

ATTACHED_KEY = "attached_counts"
_VERSION = 1


def asked(draft: Draft) -> list[str]:
    """Give the questions for the visit in the language of the page, then their own."""
    chosen = [str(question.text) for key, question in questions().items() if key in draft.questions]
    return chosen + [line.strip() for line in draft.own_questions.splitlines() if line.strip()]


def attach(request: HttpRequest, draft: Draft, at: datetime) -> dict[str, Any]:
    """Put the summary where the next request finds it."""
    made: dict[str, Any] = {
        "version": _VERSION,
        "made_at": at.isoformat(),
        "sets": [
            {
                "date": held.date,
                "results": [
                    {
                        "line": line.id,
                        "name": line.name.model_dump(),
                        "value": row.value,
                        "unit": row.unit,
                        "unit_label": unit.label if (unit := line.unit(row.unit)) else "",
                        "low": row.low,
                        "high": row.high,
                        "flag": row.flag,
                    }
                    for line, row in held.given()
                ],
            }
            for held in draft.confirmed()
        ],
        "questions": asked(draft),
    }
    request.session[ATTACHED_KEY] = made
    return made


def attached(request: HttpRequest) -> dict[str, Any] | None:
    """Give what will be sent with the next request; None when nothing is attached."""
    found: dict[str, Any] | None = request.session.get(ATTACHED_KEY)
    return found
