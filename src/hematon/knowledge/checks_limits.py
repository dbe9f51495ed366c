"""Checks of what a number is compared with: cut-offs, reference intervals, units, LOINC, rules.

Cut-off ladders run from their first step to an open end, reference bands from birth to the last
day an assessment may reach, neither with a gap nor with an overlap, so that no child falls
between two limits and is taken for well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from hematon.errors import Issue
from hematon.knowledge import records
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.places import broken, nodes_of

LAST_DAY = 7670
"""The last day of age, 21 years, that reference intervals reach."""
EVERYONE = ("any", "duffy_any")
LATE_POPULATIONS = frozenset({"duffy_null"})
"""Populations whose bands may start after birth: before that everyone's are used."""
URGENCY_LEVELS = ("E", "U24", "U72", "S2", "R", "none")
SEXES = ("female", "male")


def check_cutoff_ladder(files: KnowledgeFiles) -> Iterator[Issue]:
    """Each cut-off ladder climbs without gap or overlap to an open end, for girls and for boys."""
    for index, cutoff in enumerate(files.cutoffs.cutoffs):
        where = f"cutoffs.yaml#/cutoffs/{index}/steps"
        for sex in SEXES:
            steps = [
                (place, step) for place, step in enumerate(cutoff.steps) if step.sex in ("any", sex)
            ]
            if not steps or steps[-1][1].to_days is not None:
                yield _ladder(where, sex, "the ladder has no open end")
            for (_, before), (place, step) in pairwise(steps):
                if before.to_days != step.from_days:
                    yield _ladder(
                        f"{where}/{place}", sex, "a step does not begin where the last one ends"
                    )
            for place, step in steps:
                if step.to_days is not None and step.to_days <= step.from_days:
                    yield _ladder(f"{where}/{place}", sex, "a step ends before it begins")


def _ladder(where: str, sex: str, what: str) -> Issue:
    return broken("cutoff-ladder", where, f"{what} ({sex})", "make the steps contiguous")


def check_cutoff_analyte(files: KnowledgeFiles) -> Iterator[Issue]:
    """A rule compares an analyte with a cut-off of that same analyte."""
    analyte_of = {cutoff.id: cutoff.analyte for cutoff in files.cutoffs.cutoffs}
    for where, criterion in nodes_of(files, records.Criterion):
        name = criterion.below_cutoff
        if name in analyte_of and criterion.analyte != analyte_of[name]:
            yield broken(
                "cutoff-analyte",
                f"{where}/below_cutoff",
                f"{name} is a cut-off of {analyte_of[name]}, not of {criterion.analyte}",
                "name the cut-off of this analyte",
            )


def check_interval_coverage(files: KnowledgeFiles) -> Iterator[Issue]:
    """Reference bands cover every day from birth to 21 years once, for each sex and population."""
    for interval in files.intervals:
        where = f"reference_intervals/{interval.analyte}.yaml#/bands"
        late = sorted(LATE_POPULATIONS.intersection(b.population for b in interval.bands))
        groups: list[tuple[str, ...]] = [EVERYONE, *((population,) for population in late)]
        for populations in groups:
            for sex in SEXES:
                bands = [
                    (index, band)
                    for index, band in enumerate(interval.bands)
                    if band.population in populations and band.sex in ("any", sex)
                ]
                yield from _uncovered(where, bands, sex, may_start_late=populations != EVERYONE)


def _uncovered(
    where: str, bands: list[tuple[int, records.IntervalBand]], sex: str, *, may_start_late: bool
) -> Iterator[Issue]:
    bands.sort(key=lambda item: item[1].age_min_days)
    if not bands:
        yield _coverage(where, f"no band for {sex}")
        return
    due = bands[0][1].age_min_days if may_start_late else 0
    for index, band in bands:
        if band.age_min_days != due or band.age_max_days < band.age_min_days:
            yield _coverage(f"{where}/{index}", f"{sex}: a band should start at day {due}")
        due = band.age_max_days + 1
    if due != LAST_DAY + 1:
        yield _coverage(where, f"{sex}: the bands end at day {due - 1}, not {LAST_DAY}")


def _coverage(where: str, message: str) -> Issue:
    return broken("interval-coverage", where, message, "close the gap or the overlap")


def check_interval_order(files: KnowledgeFiles) -> Iterator[Issue]:
    """In every reference band the lower limit is below the median and the median below the upper.

    The limits also lie within what the analyte's unit makes plausible.
    """
    plausible = {a.id: a.plausible for a in files.analytes.analytes}
    for interval in files.intervals:
        bounds = plausible.get(interval.analyte)
        for index, band in enumerate(interval.bands):
            ordered = band.lower < band.median < band.upper
            if bounds is not None:
                ordered = ordered and bounds.low <= band.lower and band.upper <= bounds.high
            if not ordered:
                yield broken(
                    "interval-order",
                    f"reference_intervals/{interval.analyte}.yaml#/bands/{index}",
                    "lower, median and upper do not climb within what is plausible",
                    "correct the limits",
                )


def check_unit_differs(files: KnowledgeFiles) -> Iterator[Issue]:
    """Reference intervals and cut-offs are in the unit of their analyte."""
    unit = {analyte.id: analyte.unit for analyte in files.analytes.analytes}
    limits: list[tuple[str, str, str]] = [
        (f"reference_intervals/{i.analyte}.yaml#/unit", i.analyte, i.unit) for i in files.intervals
    ]
    limits.extend(
        (f"cutoffs.yaml#/cutoffs/{index}/unit", c.analyte, c.unit)
        for index, c in enumerate(files.cutoffs.cutoffs)
    )
    for where, analyte, stated in limits:
        if analyte in unit and stated != unit[analyte]:
            yield broken(
                "unit-differs",
                where,
                f"{stated} is not the unit of {analyte}",
                "convert the numbers to the unit of the analyte",
            )


def check_limit_missing(files: KnowledgeFiles) -> Iterator[Issue]:
    """What is compared with a limit for age, or with its z-score, has reference intervals."""
    measured = {interval.analyte for interval in files.intervals}
    for where, criterion in nodes_of(files, records.Criterion):
        for_age = criterion.below_limit is not None or criterion.above_limit is not None
        if for_age and criterion.analyte not in measured:
            yield _limit_missing(where, criterion.analyte)
    for index, lineage in enumerate(files.model.lineages):
        if _uses_z([*lineage.not_low, *lineage.low]) and lineage.analyte not in measured:
            yield _limit_missing(f"model.yaml#/lineages/{index}", lineage.analyte)
    for index, channel in enumerate(files.model.channels):
        if _uses_z(channel.states) and channel.analyte not in measured:
            yield _limit_missing(f"model.yaml#/channels/{index}", channel.analyte)


def _uses_z(states: Sequence[records.ChannelState]) -> bool:
    return any(state.emission.on == "z" for state in states)


def _limit_missing(where: str, analyte: str | None) -> Issue:
    return broken(
        "limit-missing",
        where,
        f"{analyte} has no reference intervals",
        "add reference_intervals for it, or compare with a number",
    )


def check_loinc_twice(files: KnowledgeFiles) -> Iterator[Issue]:
    """A LOINC code maps to one analyte, once."""
    places: dict[str, list[str]] = defaultdict(list)
    for where, loinc in nodes_of(files, records.Loinc):
        places[loinc.code].append(f"{where}/code")
    for code, found in places.items():
        for where in found[1:]:
            yield broken(
                "loinc-twice", where, f"{code} is mapped at {found[0]} too", "keep one of the two"
            )


def check_loinc_digit(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every LOINC code ends in the check digit (mod 10) of the digits before it."""
    codes = [(f"{where}/code", loinc.code) for where, loinc in nodes_of(files, records.Loinc)]
    codes.extend(
        (f"tests.yaml#/tests/{index}/loinc/{place}", code)
        for index, test in enumerate(files.tests.tests)
        for place, code in enumerate(test.loinc)
    )
    for where, code in codes:
        if not is_loinc(code):
            yield broken("loinc-digit", where, f"{code} is not a LOINC code", "correct the code")


def is_loinc(code: str) -> bool:
    """Say whether a code has LOINC's form and check digit: mod 10, every other digit doubled."""
    number, dash, digit = code.partition("-")
    if not (dash and number.isascii() and number.isdigit() and digit.isascii()):
        return False
    total = 0
    for place, character in enumerate(reversed(number)):
        value = int(character) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return digit == str(-total % 10)


def check_urgency_level(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every level of urgency, from go now to no referral, has a rule."""
    present = {rule.level for rule in files.urgency.rules}
    for level in URGENCY_LEVELS:
        if level not in present:
            yield broken(
                "urgency-level",
                "urgency.yaml#/rules",
                f"no rule has level {level}",
                "add the rule, or restore the one that was removed",
            )


def check_criterion_void(files: KnowledgeFiles) -> Iterator[Issue]:
    """No rule is void: one that no child, or every child, would meet."""
    for where, criterion in nodes_of(files, records.Criterion):
        parts = (criterion.all, criterion.any, criterion.of)
        void = any(part is not None and not part for part in parts)
        if criterion.at_least is not None and criterion.of is not None:
            void = void or not 1 <= criterion.at_least <= len(criterion.of)
        for count in (criterion.lineages_low, criterion.lineages_low_exactly):
            void = void or (count is not None and not 1 <= count <= 3)
        start, end = criterion.age_from_days, criterion.age_to_days
        void = void or (start is not None and end is not None and end <= start)
        if void:
            yield broken(
                "criterion-void",
                where,
                "no child, or every child, meets this",
                "state at least one part, a count that can be reached, or an age span",
            )
