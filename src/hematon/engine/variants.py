"""Reported variants: evidence too rare for a column of its own."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
import numpy.typing as npt

from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]


def variant(
    gene: str, classification: str, zygosity: str, sex: int, knowledge: Knowledge
) -> Floats:
    """(conditions,) log ratio of a reported variant, by how the gene's disease is inherited."""
    out = np.zeros(len(knowledge.conditions))
    weights = next(w for w in knowledge.raw["variants"] if w["classification"] == classification)
    for index, modes in knowledge.genes.get(gene, ()):
        complete = is_complete(modes, zygosity, sex)
        out[index] = log(weights["complete"] if complete else weights["incomplete"])
    return out


def is_complete(modes: Sequence[str], zygosity: str, sex: int) -> bool:
    """Whether a variant is enough for the disease: one copy, both, or the only one."""
    if zygosity == "unknown" or "AD" in modes or "SOM" in modes or "MT" in modes:
        return True
    if "XL" in modes and (sex > 0 or zygosity == "hemizygous"):
        return True
    return zygosity in ("homozygous", "compound", "hemizygous")
