"""Write a case as a long table: one result, finding or treatment a row.

A table says less than a case: variants, diagnoses, publications and how a number was computed are
left out. What is written reads back as it was.
"""

from __future__ import annotations

import csv
import io

from hematon.engine.case import Case
from hematon.knowledge import Knowledge

COLUMNS = (
    "id",
    "sex",
    "birth_date",
    "age_days",
    "test",
    "value",
    "unit",
    "low",
    "high",
)


def write(case: Case, knowledge: Knowledge) -> str:
    """Write a case as CSV.

    Args:
        case: the record.
        knowledge: gives the units and the words for treatments.

    Returns:
        The table, with lines that end as RFC 4180 says.
    """
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    who = (case.id, case.sex or "", case.birth_date or "")
    for m in case.measurements:
        unit = knowledge.analytes[m.analyte].unit
        table.writerow(
            (
                *who,
                _blank(m.age_days),
                m.analyte,
                f"{m.comparator}{m.value!r}",
                unit,
                _blank(m.lab_low),
                _blank(m.lab_high),
            )
        )
    for f in case.findings:
        answer = "present" if f.observed else "absent"
        table.writerow((*who, _blank(f.age_days), f.code, answer, "", "", ""))
    for t in case.treatments:
        names = next((e.names for e in knowledge.treatments if e.kind == t.kind), (t.kind,))
        table.writerow((*who, _blank(t.start_age_days), names[0], "yes", "", "", ""))
    # The age at the end of the record may be later than any result.
    table.writerow((*who, _blank(case.age_days), "", "", "", "", ""))
    return out.getvalue()


def _blank(value: float | None) -> str:
    return "" if value is None else repr(value)
