"""Stated HPO terms against the public annotations of the diseases each condition stands for.

    log P(terms | c) = log sum over diseases d of weight(d | c) * product over terms of ratio(t, d)

A condition is a mixture of its diseases: the findings of one complementation group of Fanconi
anemia belong together. The ratio of an observed term is how often the disease has it, or anything
beneath it, against how often a patient with any annotated disease does. A report may be finer or
coarser than the annotation, so part of the ratio is that of the term's parents, and so on up to
the root, which everyone has:

    ratio(t, d) = own * frequency(t, d) / background(t) + (1 - own) * mean of ratio(parents, d)

Any patient may have a finding that has nothing to do with the disease: a share of every ratio is 1.
Terms looked for and absent have a weight of their own, fitted to nothing at present: a report
lists what its authors thought of.
Something else has ratio 1 throughout. The idea of likelihood ratios over annotations is that of
LIRICAL (Robinson PN et al. Am J Hum Genet 2020;107:403); the mixture and the way up are ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hematon.engine.columns import Described
from hematon.knowledge.annotations import Annotations
from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 512
"""Children worked on at once: (terms of a block, diseases) stays small."""
MOST_ABSENT = 0.98
"""An excluded term never rules a disease out by itself."""


def log_ratios(described: Described, n: int, knowledge: Knowledge) -> Floats:
    """Give how well the stated terms fit each condition against something else.

    Args:
        described: the stated terms of n children.
        n: number of children.
        knowledge: the annotations and the parameters.

    Returns:
        (n, conditions) natural log likelihood ratio, 0 for a child without terms.
    """
    out = np.zeros((n, len(knowledge.conditions)))
    if not len(described.case):
        return out
    table = _Ratios(knowledge.annotations, knowledge)
    numbers, place = np.unique(described.term, return_inverse=True)
    columns = [knowledge.annotations.column(f"HP:{number:07d}") for number in numbers]
    known = np.array([column is not None for column in columns])[place]
    case = described.case[known]
    keys, key = np.unique(
        np.stack([place[known], described.observed[known]]), axis=1, return_inverse=True
    )
    if not len(case):
        return out
    ratios = np.stack([table.log_ratio(columns[p], bool(o)) for p, o in keys.T])
    rows, first, size = np.unique(case, return_index=True, return_counts=True)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        fit = np.zeros((len(rows[block]), len(table.owner)))
        # The terms of every child one after another, so that neighbours change nothing.
        for k in range(int(size[block].max())):
            has = np.flatnonzero(size[block] > k)
            fit[has] += ratios[key[first[block][has] + k]]
        out[rows[block], :-1] = table.by_condition(fit)
    return out


def steps(terms: Sequence[tuple[int, bool]], knowledge: Knowledge) -> tuple[Floats, Ints]:
    """Take one child's log ratio apart, term by term.

    A term is given the ratio it has in the disease of the condition that fits all terms best, so
    that it agrees with the frequency said beside it, whatever the order. What the mixture over
    the diseases makes of that is one more row: that it might be any of them costs, and the others
    that fit give some of it back.

    Args:
        terms: (HPO number, whether observed) of one child.
        knowledge: the annotations and the parameters.

    Returns:
        (terms + 1, conditions): what each term adds, then the mixture, something else last with
        0; rows sum to `log_ratios`. And (conditions,): the row of the disease that fits best.
    """
    annotations = knowledge.annotations
    table = _Ratios(annotations, knowledge)
    columns = [annotations.column(f"HP:{number:07d}") for number, _ in terms]
    added = np.zeros((len(terms), len(annotations.owner)))
    for k, (column, (_, observed)) in enumerate(zip(columns, terms, strict=True)):
        if column is not None:
            added[k] = table.log_ratio(column, observed)
    fit = added.sum(axis=0)
    weighted = fit + table.log_weight
    best = np.array([start + int(weighted[start:end].argmax()) for start, end in table.spans])
    out = np.zeros((len(terms) + 1, len(knowledge.conditions)))
    out[:-1, :-1] = added[:, best]
    out[-1, :-1] = table.by_condition(fit[None, :])[0] - fit[best]
    return out, best


class _Ratios:
    """Log ratios of terms over the m diseases; what lies above several is worked out once."""

    def __init__(self, annotations: Annotations, knowledge: Knowledge) -> None:
        p = knowledge.parameters
        self.annotations = annotations
        self.own = p["annotation_own_level"]
        self.unrelated = p["annotation_unrelated"]
        self.most = p["annotation_ratio_max"]
        self.absent = p["annotation_absent_weight"]
        owner = annotations.owner
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        self.starts = first
        self.spans = list(zip(first.tolist(), [*first[1:].tolist(), len(owner)], strict=True))
        self.owner = owner
        self.log_weight = np.log(_weights(owner, first, p["annotation_entry_share"]))
        self._ratio: dict[int, Floats] = {}

    def by_condition(self, fit: Floats) -> Floats:
        """(k, m) to (k, conditions without something else): the mixture over diseases."""
        weighted = fit + self.log_weight
        top = np.maximum.reduceat(weighted, self.starts, axis=1)
        shifted = np.exp(weighted - top[:, self.owner])
        return np.asarray(np.log(np.add.reduceat(shifted, self.starts, axis=1)) + top)

    def log_ratio(self, column: int, observed: bool) -> Floats:
        """(m,) log ratio of one term."""
        if observed:
            mixed = self.unrelated + (1 - self.unrelated) * self._ratios(column)
            return np.asarray(np.log(np.minimum(mixed, self.most)))
        has = np.minimum(self.annotations.frequency(column), MOST_ABSENT)
        log_ratio = np.log((1 - has) / (1 - self.annotations.background[column]))
        return np.asarray(self.absent * log_ratio)

    def _ratios(self, column: int) -> Floats:
        if column not in self._ratio:
            own = self.annotations.frequency(column) / self.annotations.background[column]
            parents = self.annotations.parents(column)
            if len(parents):
                above = np.mean([self._ratios(int(p)) for p in parents], axis=0)
                own = self.own * own + (1 - self.own) * above
            else:
                own = np.ones(len(self.owner))
            self._ratio[column] = own
        return self._ratio[column]


def _weights(owner: Ints, first: Ints, entry_share: float) -> Floats:
    """(m,) weight of each disease in its condition: the entry's own share, the rest alike."""
    size = np.diff(np.append(first, len(owner)))[
        np.searchsorted(first, np.arange(len(owner)), "right") - 1
    ]
    weight = (1 - entry_share) / np.maximum(size - 1, 1)
    weight[first] = np.where(size[first] > 1, entry_share, 1.0)
    return np.asarray(weight)
