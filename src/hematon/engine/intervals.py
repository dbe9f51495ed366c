"""Limits for age and sex, continuous in age, and where a value stands.

Limits run through the knots that `knowledge.compile` places in the published bands, so no limit
jumps at a birthday. When sex is not stated the two sexes' limits are both kept: a value below both
is below, between them is unknown. Values are bounds (low, high) so that `<0.5` keeps its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]
Int8s = npt.NDArray[np.int8]

MAX_AGE_DAYS = 7670
"""Limits reach to 21 years; an older person is judged with the last ones and told so."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Limits:
    """Limits of one analyte for n children.

    `lower_min` and `lower_max` differ where sex or age is not stated (likewise for upper): they
    are the extremes over what is not known. `median` and the standard deviations are the mean of
    both sexes, and NaN where the age is unknown.
    """

    lower_min: Floats
    lower_max: Floats
    median: Floats
    upper_min: Floats
    upper_max: Floats
    sd_below: Floats
    sd_above: Floats


def has_limits(knowledge: Knowledge, analyte: str) -> bool:
    """Whether the knowledge holds reference limits for the analyte."""
    return analyte in knowledge.raw["intervals"]


def limits(
    knowledge: Knowledge, analyte: str, age: Floats, sex: Int8s, duffy_null: Int8s
) -> Limits:
    """Give the limits of an analyte for each child.

    Args:
        knowledge: the reference intervals.
        analyte: analyte id; must have limits.
        age: (n,) days, NaN unknown.
        sex: (n,) +1 male, -1 female, 0 unknown.
        duffy_null: (n,) +1 when known Duffy-null.

    Returns:
        (n,) arrays; standard deviations are on the natural-log scale for analytes whose `scale`
        is log, in units otherwise.

    Source:
        DALLMAN1977
    """
    variants = knowledge.raw["intervals"][analyte]["variants"]
    log = knowledge.analytes[analyte].scale == "log"
    known = _limits_at_age(variants, age, sex, duffy_null, log)
    unknown = np.isnan(age)
    if not unknown.any():
        return known
    # At an unknown age a value is below only when it is below the lowest limit of any age.
    every = np.concatenate([np.array(knots) for knots in variants.values()])
    lowest, highest = every.min(axis=0), every.max(axis=0)
    return Limits(
        np.where(unknown, lowest[1], known.lower_min),
        np.where(unknown, highest[1], known.lower_max),
        known.median,
        np.where(unknown, lowest[3], known.upper_min),
        np.where(unknown, highest[3], known.upper_max),
        known.sd_below,
        known.sd_above,
    )


def _limits_at_age(
    variants: dict[str, list[list[float]]], age: Floats, sex: Int8s, duffy_null: Int8s, log: bool
) -> Limits:
    female = _at(variants["female/any"], age, log)
    if variants["female/any"] == variants["male/any"]:
        male = female
    else:
        male = _at(variants["male/any"], age, log)
    if "female/duffy_null" in variants and (duffy_null > 0).any():
        null = duffy_null > 0
        female = np.where(null, _at(variants["female/duffy_null"], age, log), female)
        male = np.where(null, _at(variants["male/duffy_null"], age, log), male)
    girl, boy = sex < 0, sex > 0
    if male is female:
        one = female
        return Limits(one[0], one[0], one[1], one[2], one[2], one[3], one[4])
    low = np.where(girl, female, np.where(boy, male, np.minimum(female, male)))
    high = np.where(girl, female, np.where(boy, male, np.maximum(female, male)))
    mean = np.where(girl, female, np.where(boy, male, (female + male) / 2))
    return Limits(low[0], high[0], mean[1], low[2], high[2], mean[3], mean[4])


def _at(knots: list[list[float]], age: Floats, log: bool) -> Floats:
    """Interpolate knots at ages: (5, n) lower, median, upper, sd below, sd above."""
    table = np.array(knots)
    out = np.stack([np.interp(age, table[:, 0], table[:, k]) for k in range(1, 5)])
    lower, median, upper, divisor = out
    if log:
        below = (np.log(median) - np.log(lower)) / divisor
        above = (np.log(upper) - np.log(median)) / divisor
    else:
        below, above = (median - lower) / divisor, (upper - median) / divisor
    result = np.stack([lower, median, upper, below, above])
    result[:, np.isnan(age)] = np.nan
    return result


def z_score(value: Floats, bounds: Limits, *, log: bool) -> Floats:
    """Give standard deviations from the median for age and sex, split-normal; NaN if unknown.

    On the log scale a value of zero is taken as a hundredth of the lower limit.
    """
    if log:
        tiny = np.maximum(value, bounds.lower_min * 0.01)
        distance = np.log(tiny) - np.log(bounds.median)
    else:
        distance = value - bounds.median
    return np.where(distance < 0, distance / bounds.sd_below, distance / bounds.sd_above)
