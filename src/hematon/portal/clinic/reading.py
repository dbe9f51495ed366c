"""Reading an upload as `hematon assess` does, within the limits of a web page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from hematon.engine import assess
from hematon.engine.assessment import Assessment
from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange.detect import read_any
from hematon.knowledge import Knowledge, load_knowledge
from hematon.report.tested import with_doubt

MAX_BYTES: Final = 5_000_000
MAX_RECORDS: Final = 50

Readings: TypeAlias = Sequence[Reading[Case]]


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """Give the clinical knowledge, loaded once per process."""
    return load_knowledge()


def read(content: bytes, today: date) -> Readings:
    """Read every record of an upload.

    Args:
        content: as uploaded.
        today: last day a date may have.

    Raises:
        UnreadableError: nothing in it can be read, or it holds more than `MAX_RECORDS`.
    """
    found = list(islice(read_any(content, knowledge(), today=today), MAX_RECORDS + 1))
    if len(found) > MAX_RECORDS:
        raise UnreadableError(
            (
                Issue(
                    "error",
                    "too-large",
                    f"record {MAX_RECORDS + 1}",
                    f"there are more than {MAX_RECORDS} records",
                    "send fewer, or use `hematon assess` on your own computer",
                ),
            )
        )
    if all(reading.value is None for reading in found):
        issues = tuple(issue for reading in found for issue in reading.issues)
        nothing = Issue("error", "nothing-usable", "document", "no record was found")
        raise UnreadableError(issues or (nothing,))
    return found


def judge(reading: Reading[Case], setting: str) -> Assessment:
    """Assess one record that could be read.

    Args:
        reading: with a value.
        setting: whose prior.

    Raises:
        ValueError: the reading holds no record.
    """
    if reading.value is None:
        raise ValueError("the reading holds no record")
    judged = assess(reading.value, knowledge(), setting=setting, issues=reading.issues)
    return with_doubt(judged)
