"""Yes, no, unknown: Kleene logic over int8 arrays.

+1 is yes, -1 is no, 0 is unknown. A value that was not measured is unknown, never no, so a rule
over missing data answers unknown instead of the mild answer. With this coding `all_of` is the
minimum and `any_of` the maximum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ternary = npt.NDArray[np.int8]

YES, NO, UNKNOWN = 1, -1, 0


def of(yes: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> Ternary:
    """Give +1 where known and yes, -1 where known and not, 0 elsewhere. Same shape as inputs."""
    return np.where(known, np.where(yes, YES, NO), UNKNOWN).astype(np.int8)


def negate(a: Ternary) -> Ternary:
    """Swap yes and no; unknown stays unknown."""
    return -a


def all_of(parts: Sequence[Ternary]) -> Ternary:
    """Yes when all are yes, no when one is no, unknown otherwise.

    Raises:
        ValueError: no parts given.
    """
    answer: Ternary = np.minimum.reduce(_stack(parts))
    return answer


def any_of(parts: Sequence[Ternary]) -> Ternary:
    """Yes when one is yes, no when all are no, unknown otherwise.

    Raises:
        ValueError: no parts given.
    """
    answer: Ternary = np.maximum.reduce(_stack(parts))
    return answer


def at_least(k: int, parts: Sequence[Ternary]) -> Ternary:
    """Yes when `k` are yes, no when `k` can no longer be reached, unknown otherwise.

    Raises:
        ValueError: no parts given.
    """
    stacked = _stack(parts)
    yes = (stacked == YES).sum(axis=0)
    possible = (stacked != NO).sum(axis=0)
    return np.where(yes >= k, YES, np.where(possible < k, NO, UNKNOWN)).astype(np.int8)


def _stack(parts: Sequence[Ternary]) -> Ternary:
    if not parts:
        raise ValueError("ternary logic needs at least one part")
    return np.stack(parts)
