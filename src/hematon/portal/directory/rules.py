"""The rating rules that the site publishes, as arithmetic. Source: section "How ratings work".

Nothing here goes from a score to whether something shows: what shows depends on counts and dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

LINK_DAYS = 60
"""Days that a link to a review works."""
AGAIN_DAYS = 30
"""A family reviews the same expert at most once in this many days."""
COMMENT_LENGTH = 1000
TOGETHER = 5
"""Comments shown at the least, so that no family can be guessed from one."""


def in_window(received_on: date, today: date, window_days: int) -> bool:
    """Say whether a rating still counts: received today or at most the window ago."""
    return today - timedelta(days=window_days) <= received_on <= today


def stars_tenths(scores: Sequence[int]) -> int:
    """Give the mean of 1 + 0.4 x score in tenths of a star, halves rounded up.

    Whole numbers only, so that 4.25 is never 4.2 by the accident of a binary fraction.

    Args:
        scores: 0 to 10 each; at least one.
    """
    n, total = len(scores), sum(scores)
    return (2 * (10 * n + 4 * total) + n) // (2 * n)


def shows(count: int, least: int) -> bool:
    """Say whether an expert's ratings show: enough of them, whatever they say."""
    return count >= least


def hidden_from(received: Sequence[date], least: int, window_days: int) -> date:
    """Give the first day on which too few of these ratings count.

    Args:
        received: the day of each rating; at least `least` of them.
        least: how many must count.
        window_days: how long one counts.
    """
    deciding = sorted(received, reverse=True)[least - 1]
    return deciding + timedelta(days=window_days + 1)
