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
    return _fold(np.minimum, parts)


def any_of(parts: Sequence[Ternary]) -> Ternary:
    """Yes when one is yes, no when all are no, unknown otherwise.

    Raises:
        ValueError: no parts given.
    """
    return _fold(np.maximum, parts)


def at_least(k: int, parts: Sequence[Ternary]) -> Ternary:
    """Yes when `k` are yes, no when `k` can no longer be reached, unknown otherwise.

    Raises:
        ValueError: no parts given.
    """
    yes = _fold(np.add, [np.equal(part, YES).view(np.int8) for part in parts])
    no = _fold(np.add, [np.equal(part, NO).view(np.int8) for part in parts])
    return (yes >= k).astype(np.int8) - (len(parts) - no < k).astype(np.int8)


def _fold(ufunc: np.ufunc, parts: Sequence[Ternary]) -> Ternary:
    if not parts:
        raise ValueError("ternary logic needs at least one part")
    answer = parts[0]
    for part in parts[1:]:
        answer = ufunc(answer, part)
    return answer
