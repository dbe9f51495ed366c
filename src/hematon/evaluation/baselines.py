"""Simpler ways to rank, to hold the ranking against: read from a file, and the prior alone.

The file is written by a tool that may use what the package may not, such as the whole ontology.
Its shape: `{"baselines": [{"id", "name", "text", "kind", "conditions": [ids], "cases": {key:
[numbers]}}]}`. `kind` is `probability`, whose groups are sums, or `similarity`, whose groups are
the best of their conditions. A condition that is not named stands last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

from hematon.errors import Issue, UnreadableError

Floats = npt.NDArray[np.float64]
Kind = Literal["probability", "similarity"]


@dataclass(frozen=True, slots=True)
class BaselineShares:
    """What a baseline gives n cases.

    Attributes:
        id, name, text: as in `figures.Baseline`.
        kind: how the share of a group is made.
        shares: (n, conditions) in the knowledge's order; NaN for a case it was not given. A
            condition it does not know has no probability, or the least similarity.
    """

    id: str
    name: str
    text: str
    kind: Kind
    shares: Floats


def prior_alone(log_prior: Floats) -> BaselineShares:
    """Rank by the prior for age, sex and setting, whatever else is known of the child.

    Args:
        log_prior: (n, conditions).
    """
    share = np.exp(log_prior - log_prior.max(axis=1, keepdims=True))
    return BaselineShares(
        "prior",
        "Prior alone",
        "How common each condition is for the child's age and sex in the setting.",
        "probability",
        share / share.sum(axis=1, keepdims=True),
    )


def read_baselines(
    file: Path, keys: Sequence[str], condition_ids: Sequence[str]
) -> tuple[BaselineShares, ...]:
    """Read the baselines of a file.

    Args:
        file: made by `tools/rank_baselines.py`.
        keys: n case keys.
        condition_ids: the conditions in order.

    Raises:
        UnreadableError: it is not such a file.
    """
    try:
        rows: list[dict[str, Any]] = orjson.loads(file.read_bytes())["baselines"]
        return tuple(_one(row, keys, condition_ids) for row in rows)
    except (OSError, KeyError, TypeError, ValueError):
        issue = Issue(
            "error",
            "unknown-format",
            file.name,
            "this is no file of baselines",
            "make it with tools/rank_baselines.py",
        )
        raise UnreadableError((issue,)) from None


def _one(row: dict[str, Any], keys: Sequence[str], condition_ids: Sequence[str]) -> BaselineShares:
    kind: Kind = "similarity" if row["kind"] == "similarity" else "probability"
    named = [condition_ids.index(c) for c in row["conditions"]]
    shares = np.full((len(keys), len(condition_ids)), np.nan)
    for i, key in enumerate(keys):
        if key in row["cases"]:
            shares[i] = 0.0 if kind == "probability" else -1.0
            shares[i, named] = np.reshape(row["cases"][key], len(named))
    return BaselineShares(row["id"], row["name"], row["text"], kind, shares)
