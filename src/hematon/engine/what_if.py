"""What an answer not yet known would do: the model, asked again with the answer stated.

Nothing of the model is restated here. One child becomes a small batch in which each row states
one answer more, and the differential judges it as it judges any other batch. So an effect shown
here is what entering the answer will do: damping, implied findings and gates included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hematon.engine import facts as facts_module
from hematon.engine import ternary
from hematon.engine.batch import CaseBatch
from hematon.engine.columns import Described, says
from hematon.engine.differential import Evidence, differential
from hematon.knowledge.compiled import FindingInfo, Knowledge

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]

NO_EFFECT = 1e-9
"""An answer that moves no log weight by more than this is told by the counts already."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answers:
    """What each answer to k open findings would do to one child's ranking.

    Attributes:
        findings: the k findings, in the order of the knowledge.
        chance: (k,) probability of present, from the present ranking.
        log_posterior: (k, 2, conditions) after present and after absent.
        also: (m, conditions) after the other statements that were asked for.
    """

    findings: tuple[FindingInfo, ...]
    chance: Floats
    log_posterior: Floats
    also: Floats


def open_answers(result: BatchAssessment, i: int, also: Int8s) -> Answers:
    """Judge one child under both answers to every finding not known and not told by a number.

    Args:
        result: the batch.
        i: row of the child.
        also: (m, findings) other statements to judge in the same go, as in `judged_with`.

    Returns:
        The answers that would change something.
    """
    knowledge = result.knowledge
    stating = statements(knowledge)
    asked = np.array(
        [
            f.index
            for f in knowledge.findings.values()
            if f.kind != "sign"
            and result.evidence.findings[i, f.index] == ternary.UNKNOWN
            and _can_be_asked(f, float(result.batch.age[i]), int(result.batch.columns.sex[i]))
        ],
        dtype=np.int64,
    )
    now = result.differential.log_posterior[i]
    said = stating[asked].reshape(-1, stating.shape[2])
    names = knowledge.finding_ids
    # What a person describes is an HPO term as well, and is judged as one.
    terms = [
        (2 * k + absent, int(names[at][3:]), not absent)
        for k, at in enumerate(asked)
        if names[at].startswith("HP:")
        for absent in (False, True)
    ]
    judged = judged_with(result, i, np.concatenate([said, also]), terms)
    after = judged[: len(said)].reshape(len(asked), 2, len(now))
    changes = np.abs(after - now).max(axis=(1, 2)) > NO_EFFECT
    return Answers(
        findings=tuple(knowledge.findings[names[k]] for k in asked[changes]),
        chance=np.exp(now) @ knowledge.frequency[:, asked[changes]],
        log_posterior=after[changes],
        also=judged[len(said) :],
    )


def judged_with(
    result: BatchAssessment, i: int, said: Int8s, terms: Sequence[tuple[int, int, bool]] = ()
) -> Floats:
    """Judge one child again, with more stated.

    Args:
        result: the batch.
        i: row of the child.
        said: (m, findings) +1 present, -1 absent, 0 nothing; what the record states stays.
        terms: (row, HPO number, whether observed) of what is stated as an HPO term as well.

    Returns:
        (m, conditions) log posterior.
    """
    knowledge, seen = result.knowledge, result.presentation
    own = seen.batch.columns.stated[i]
    described = _with_terms(seen.batch.columns.described, i, len(said), terms)
    batch = _repeated(seen.batch, i, np.where(own != 0, own, said).astype(np.int8), described)
    rows = np.full(len(said), i)
    serial = {name: fact[rows] for name, fact in result.serial.facts.items()}
    facts = facts_module.of_batch(batch, knowledge, serial)
    evidence = Evidence(
        findings=np.stack([facts.finding(f) for f in knowledge.finding_ids], axis=1),
        onset_age=result.evidence.onset_age[rows],
    )
    return differential(batch, facts, evidence, knowledge, result.setting).log_posterior


@lru_cache(maxsize=4)
def statements(knowledge: Knowledge) -> Int8s:
    """Give what stating each finding says of all: (findings, present and absent, findings)."""
    findings = knowledge.findings
    stated = np.zeros((len(findings), 2, len(findings)), dtype=np.int8)
    for f in findings.values():
        for row, observed, sign in ((0, True, 1), (1, False, -1)):
            # A term that leads to another finding first still answers the one that was asked.
            told = (f.id, *says(f.id, observed, knowledge))
            stated[f.index, row, [findings[name].index for name in told]] = sign
    return stated


def _can_be_asked(finding: FindingInfo, age_days: float, sex: int) -> bool:
    of_sex = {"male": 1, "female": -1}.get(finding.only_sex or "", sex)
    return of_sex * sex >= 0 and not age_days < finding.only_from_days


def _with_terms(
    described: Described, i: int, m: int, terms: Sequence[tuple[int, int, bool]]
) -> Described:
    """Give one child's terms m times, each with its own further ones."""
    own = described.case == i
    number, observed = described.term[own], described.observed[own]
    more = np.array(terms, dtype=np.int64).reshape(-1, 3)
    case = np.concatenate([np.repeat(np.arange(m), len(number)), more[:, 0]])
    term = np.concatenate([np.tile(number, m), more[:, 1]])
    order = np.lexsort((term, case))
    return Described(
        case[order],
        term[order],
        np.concatenate([np.tile(observed, m), more[:, 2].astype(bool)])[order],
    )


def _repeated(batch: CaseBatch, i: int, stated: Int8s, described: Described) -> CaseBatch:
    """Give one child many times, each with its own statements."""
    m = len(stated)
    rows = np.full(m, i)
    columns = batch.columns
    each = range(m)
    return replace(
        batch,
        columns=replace(
            columns,
            ids=("",) * m,
            age=columns.age[rows],
            sex=columns.sex[rows],
            as_of_age=columns.as_of_age[rows],
            stated=stated,
            stated_age=columns.stated_age[rows],
            recorded=columns.recorded[rows],
            described=described,
            variants=tuple(
                (k, gene, classification, zygosity)
                for case, gene, classification, zygosity in columns.variants
                if case == i
                for k in each
            ),
            conflicts=(),
        ),
        age=batch.age[rows],
        low=batch.low[rows],
        high=batch.high[rows],
        measured=batch.measured[rows],
        lab_low=batch.lab_low[rows],
        lab_high=batch.lab_high[rows],
        basis=batch.basis[rows],
        support=batch.support[rows],
        value_age=batch.value_age[rows],
        current={name: (low[rows], high[rows]) for name, (low, high) in batch.current.items()},
        treatment_ages={kind: ages[rows] for kind, ages in batch.treatment_ages.items()},
    )
