"""What a rule may ask of a child: bounds of counts, limits, findings, lineages, serial facts.

`Facts` answers leaf questions for n children (or n draws) at once, each as a ternary array. A
number that was measured decides; where there is none, what the record states stands; where it
states nothing, the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hematon.engine import criteria, intervals, ternary
from hematon.engine.batch import SUPPORT_BEFORE, SUPPORT_USED, CaseBatch
from hematon.engine.intervals import Limits
from hematon.engine.ternary import Ternary
from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]
Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]
Bounds = tuple[Floats, Floats, Bools]

LINEAGES = ("red", "white", "platelet")
LINEAGE_OF = {"red": "anemia", "white": "neutropenia", "platelet": "thrombocytopenia"}
ISOLATED = ("LAB_ISO_ANEMIA", "LAB_ISO_NEUTROPENIA", "LAB_ISO_THROMBOCYTOPENIA")
STATED = ("LAB_ANEMIA", "LAB_NEUTROPENIA", "LAB_THROMBOCYTOPENIA")

STATED_BELOW: dict[str, tuple[tuple[str, float], ...]] = {
    "anc": (("LAB_SEV_NEUTROPENIA", 0.5), ("LAB_ANC_LT02", 0.2)),
    "platelets": (("LAB_PLT_LT20", 20.0),),
}
"""What a finding stated without a number says of the number: below a value."""


class Facts:
    """Leaf answers for n rows.

    Args:
        knowledge: definitions, cut-offs, limits.
        age: (n,) days, NaN unknown.
        sex: (n,) +1 male, -1 female, 0 unknown.
        duffy_null: (n,) ternary.
        bounds: analyte id to low, high, measured, each (n,).
        lab: analyte id to the laboratory's own limits.
        stated: finding id to (n,) what the record states.
        recorded: condition id to (n,) +1 recorded, -1 excluded, 0 neither.
        serial: name to (n,) serial facts; unknown when absent.
        supported: lineage analyte to (n,) whether its count is held up by a treatment.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        age: Floats,
        sex: Int8s,
        duffy_null: Int8s,
        bounds: Callable[[str], Bounds],
        *,
        lab: Callable[[str], tuple[Floats, Floats]] | None = None,
        stated: Callable[[str], Ternary] | None = None,
        recorded: Callable[[str], Ternary] | None = None,
        serial: Mapping[str, Ternary] | None = None,
        supported: Callable[[str], Bools] | None = None,
    ) -> None:
        self.knowledge = knowledge
        self.age = age
        self.sex = sex
        self.duffy_null = duffy_null
        self._bounds = bounds
        self._known_bounds: dict[str, Bounds] = {}
        self._lab = lab
        self._stated = stated
        self._recorded = recorded
        self.serial = dict(serial or {})
        self._supported = supported
        self._limits: dict[str, Limits] = {}
        self._answers: dict[str, Ternary] = {}
        self._open: set[str] = set()
        self._definitions = {d["id"]: d for d in knowledge.rules["definitions"]}

    def __len__(self) -> int:
        return len(self.age)

    @property
    def unknown(self) -> Ternary:
        """(n,) all unknown."""
        return np.zeros(len(self), dtype=np.int8)

    def bounds(self, analyte: str) -> Bounds:
        """Give low, high and measured of an analyte's number, each (n,)."""
        known = self._known_bounds.get(analyte)
        if known is None:
            known = self._known_bounds[analyte] = self._bounds(analyte)
        return known

    def limits(self, analyte: str) -> Limits:
        """Give the reference limits of an analyte at each row's age and sex."""
        if analyte not in self._limits:
            self._limits[analyte] = intervals.limits(
                self.knowledge, analyte, self.age, self.sex, self.duffy_null
            )
        return self._limits[analyte]

    def lab_limits(self, analyte: str) -> tuple[Floats, Floats]:
        """Give the laboratory's limits, ours where the laboratory printed none; NaN if neither."""
        nothing = np.full(len(self), np.nan)
        low, high = (nothing, nothing) if self._lab is None else self._lab(analyte)
        if intervals.has_limits(self.knowledge, analyte):
            own = self.limits(analyte)
            low = np.where(np.isnan(low), own.lower_min, low)
            high = np.where(np.isnan(high), own.upper_max, high)
        return low, high

    def definition(self, name: str) -> Ternary:
        """Answer a named definition."""
        return self._remember(f"definition:{name}", lambda: self._rule(self._definitions[name]))

    def finding(self, name: str) -> Ternary:
        """Answer a finding: computed where numbers say, else as stated."""
        return self._remember(f"finding:{name}", lambda: self._finding(name))

    def stated(self, name: str) -> Ternary:
        """Give what the record itself states of a finding."""
        return self.unknown if self._stated is None else self._stated(name)

    def recorded(self, condition: str) -> Ternary:
        """Give whether the record holds a condition as diagnosed or excluded."""
        return self.unknown if self._recorded is None else self._recorded(condition)

    def lineage(self, name: str) -> Ternary:
        """Answer whether a lineage is low."""
        return self._remember(f"lineage:{name}", lambda: self._lineage(name))

    def lineages_low(self, k: int) -> Ternary:
        """Answer whether at least `k` lineages are low."""
        return self._remember(f"low:{k}", lambda: self._lineages_low(k))

    def lineages_low_exactly(self, k: int) -> Ternary:
        """Answer whether exactly `k` lineages are low."""
        return ternary.all_of([self.lineages_low(k), ternary.negate(self.lineages_low(k + 1))])

    def fact(self, name: str) -> Ternary:
        """Give a serial fact."""
        if name == "a_lineage_unknown":
            open_ = np.stack([self.lineage(x) for x in LINEAGES]) == ternary.UNKNOWN
            return ternary.of(open_.any(axis=0), np.ones(len(self), dtype=bool))
        return self.serial.get(name, self.unknown)

    def cutoff(self, name: str) -> tuple[Floats, Floats]:
        """Give the lowest and highest value a stepped cut-off may have for each row."""
        ladders = [c for c in self.knowledge.rules["cutoffs"] if c["id"] == name]
        low, high = self._ladder(next(c for c in ladders if c["population"] == "any"))
        null = [c for c in ladders if c["population"] == "duffy_null"]
        if null and (self.duffy_null > 0).any():
            low_null, high_null = self._ladder(null[0])
            at = self.duffy_null > 0
            low, high = np.where(at, low_null, low), np.where(at, high_null, high)
        return low, high

    # --- how ---------------------------------------------------------------------------------

    def _remember(self, key: str, compute: Callable[[], Ternary]) -> Ternary:
        answer = self._answers.get(key)
        if answer is None:
            answer = compute()
            self._answers[key] = answer
        return answer

    def _rule(self, entry: Mapping[str, Any]) -> Ternary:
        return criteria.answer(entry["when"], entry["unless"], self)

    def _finding(self, name: str) -> Ternary:
        info = self.knowledge.findings[name]
        stated = self.stated(name)
        if info.when is None or name in self._open:
            return stated
        self._open.add(name)
        computed = criteria.answer(info.when, info.unless, self)
        self._open.discard(name)
        return np.where(computed != ternary.UNKNOWN, computed, stated)

    def _lineage(self, name: str) -> Ternary:
        computed = self.definition(LINEAGE_OF[name])
        if self._supported is not None:
            held_up = self._supported(name) & (computed == ternary.NO)
            computed = np.where(held_up, ternary.UNKNOWN, computed).astype(np.int8)
        return np.where(computed != ternary.UNKNOWN, computed, self._stated_lineage(name))

    def _stated_lineage(self, name: str) -> Ternary:
        at = LINEAGES.index(name)
        others = [self.stated(f) for i, f in enumerate(ISOLATED) if i != at]
        low = ternary.any_of(
            [
                self.stated(STATED[at]),
                self.stated(ISOLATED[at]),
                np.maximum(self.stated("LAB_PANCYTOPENIA"), 0),
            ]
        )
        # An isolated cytopenia of another lineage says that this one is not low.
        elsewhere = (np.stack(others) == ternary.YES).any(axis=0)
        own = self.stated(STATED[at])
        answer = np.where(low == ternary.YES, ternary.YES, own)
        answer = np.where((answer == ternary.UNKNOWN) & elsewhere, ternary.NO, answer)
        return answer.astype(np.int8)

    def _lineages_low(self, k: int) -> Ternary:
        if k > len(LINEAGES):
            return np.full(len(self), ternary.NO, dtype=np.int8)
        counted = ternary.at_least(k, [self.lineage(x) for x in LINEAGES])
        two = self.stated("LAB_BICYTOPENIA") == ternary.YES
        said = np.where(two, ternary.YES if k <= 2 else ternary.NO, ternary.UNKNOWN)
        return np.where(counted != ternary.UNKNOWN, counted, said).astype(np.int8)

    def _ladder(self, ladder: Mapping[str, Any]) -> tuple[Floats, Floats]:
        n = len(self)
        low, high = np.full(n, np.nan), np.full(n, np.nan)
        known = ~np.isnan(self.age)
        for step in ladder["steps"]:
            end = np.inf if step["to_days"] is None else step["to_days"]
            at = known & (self.age >= step["from_days"]) & (self.age < end)
            if step["sex"] == "male":
                at &= self.sex >= 0
            elif step["sex"] == "female":
                at &= self.sex <= 0
            low[at] = np.fmin(low[at], step["value"])
            high[at] = np.fmax(high[at], step["value"])
        if not known.all():
            values = [step["value"] for step in ladder["steps"]]
            low[~known], high[~known] = min(values), max(values)
        return low, high


def of_batch(
    batch: CaseBatch, knowledge: Knowledge, serial: Mapping[str, Ternary], *, now: bool = False
) -> Facts:
    """Give the facts of the judged draws of a batch.

    Args:
        batch: n children.
        knowledge: the rules.
        serial: their serial facts.
        now: read counts as they are under treatment (for urgency), not from before it.
    """
    columns = batch.columns
    index = {c.id: c.index for c in knowledge.conditions}

    def bounds(analyte: str) -> Bounds:
        j = knowledge.analytes[analyte].index
        measured = batch.measured[:, j]
        if not measured.any() and analyte not in STATED_BELOW:
            nothing = np.full(len(batch), np.nan)
            return nothing, nothing, measured
        low, high = batch.low[:, j], batch.high[:, j]
        if now and analyte in batch.current:
            low, high = batch.current[analyte]
        low, high = np.where(measured, low, np.nan), np.where(measured, high, np.nan)
        for finding, value in STATED_BELOW.get(analyte, ()):
            said = columns.stated[:, knowledge.findings[finding].index]
            below, above = ~measured & (said == ternary.YES), ~measured & (said == ternary.NO)
            if below.any() or above.any():
                high = np.where(below, np.fmin(high, np.nextafter(value, -np.inf)), high)
                low = np.where(above, np.fmax(low, value), low)
        # One bound stated leaves the other open.
        known = ~np.isnan(low) | ~np.isnan(high)
        low = np.where(known & np.isnan(low), 0.0, low)
        high = np.where(known & np.isnan(high), np.inf, high)
        return low, high, known

    def lab(analyte: str) -> tuple[Floats, Floats]:
        j = knowledge.analytes[analyte].index
        return batch.lab_low[:, j], batch.lab_high[:, j]

    def stated(finding: str) -> Ternary:
        return columns.stated[:, knowledge.findings[finding].index]

    def recorded(condition: str) -> Ternary:
        return columns.recorded[:, index[condition]]

    def supported(lineage: str) -> Bools:
        analyte = {"red": "hemoglobin", "white": "anc", "platelet": "platelets"}[lineage]
        support = batch.support[:, knowledge.analytes[analyte].index]
        held_up: Bools = (support == SUPPORT_USED) | (now & (support == SUPPORT_BEFORE))
        return held_up

    return Facts(
        knowledge,
        batch.age,
        columns.sex,
        duffy_null(batch, knowledge),
        bounds,
        lab=lab,
        stated=stated,
        recorded=recorded,
        serial=serial,
        supported=supported,
    )


def duffy_null(batch: CaseBatch, knowledge: Knowledge) -> Ternary:
    """Give whether each child is known Duffy-null: by blood group, genotype or recorded trait."""
    at = knowledge.findings["HX_DUFFY_NULL"].index
    trait = next(c.index for c in knowledge.conditions if c.id == "duffy_null")
    return np.maximum(batch.columns.stated[:, at], batch.columns.recorded[:, trait])
