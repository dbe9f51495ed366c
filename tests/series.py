"""Seeded series of counts for the tests of trends: schedules, waves and noise.

Written apart from the engine, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hematon.engine.case import Case, Finding, Measurement, Treatment

Floats = npt.NDArray[np.float64]

SIX_WEEKS = tuple(7 * week + day for week in range(6) for day in (0, 2, 4))
TWELVE_WEEKS = tuple(7 * week for week in range(12))


def cycling(
    days: tuple[int, ...],
    *,
    period: float = 21.0,
    lowest: float = 0.05,
    highest: float = 1.6,
    phase: float = 5.0,
    noise: float = 0.15,
    seed: int = 3,
) -> list[float]:
    """Neutrophils that swing between two counts, with log-normal noise (natural log)."""
    rng = np.random.default_rng(seed)
    middle, half = (lowest + highest) / 2, (highest - lowest) / 2
    return [
        max(middle - half * math.cos(2 * math.pi * (day + phase) / period), 0.0)
        * math.exp(rng.normal(0, noise))
        for day in days
    ]


def steady(
    days: tuple[int, ...], level: float, *, noise: float = 0.3, seed: int = 1
) -> list[float]:
    """Neutrophils around one level, with log-normal noise."""
    rng = np.random.default_rng(seed)
    return [level * math.exp(rng.normal(0, noise)) for _ in days]


def case_of(
    days: tuple[int, ...],
    counts: list[float],
    *,
    start: int = 1000,
    other: dict[str, list[float]] | None = None,
    findings: tuple[Finding, ...] = (),
    treatments: tuple[Treatment, ...] = (),
    comparators: dict[int, str] | None = None,
) -> Case:
    """Make a record of neutrophil counts, and others beside them."""
    columns = {"anc": counts, **(other or {})}
    return Case(
        "serial",
        "female",
        start + days[-1],
        measurements=tuple(
            Measurement(
                name,
                round(value, 3),
                start + day,
                (comparators or {}).get(k, "") if name == "anc" else "",  # type: ignore[arg-type]
            )
            for name, values in columns.items()
            for k, (day, value) in enumerate(zip(days, values, strict=True))
        ),
        findings=findings,
        treatments=treatments,
    )
