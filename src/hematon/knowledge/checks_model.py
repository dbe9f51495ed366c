"""Checks of the likelihood model itself: priors, parameters, densities, weights, treatments.

They refuse what would make an assessment fail or mislead later: a parameter nobody reads, a
density without its partner, a band of wording that no posterior reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

from hematon.errors import Issue
from hematon.knowledge import records
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.likelihoods import LINEAGE_FINDINGS
from hematon.knowledge.places import broken

PARAMETERS = (
    "damping_exponent",
    "ratio_min",
    "ratio_max",
    "pseudo_count",
    "counted_least",
    "tail_degrees_of_freedom",
    "gate_log_penalty",
    "neonatal_log_penalty",
    "age_ratio_min",
    "age_ratio_max",
    "age_min_sd",
    "frequency_floor",
    "sex_ratio_min",
    "supported_widening",
    "test_never_miss_weight",
    "test_burden_none",
    "test_burden_blood",
    "test_burden_imaging",
    "test_burden_skin",
    "test_burden_marrow",
    "test_burden_lumbar_puncture",
    "test_tier_factor",
    "test_half_worth_days",
)
"""What the compiler and the engine read from `model.yaml`."""

FITTED = (
    "prior_exponent",
    "something_else_share",
    "no_cytopenia_log_weight",
    "weight_age_and_sex",
    "weight_counts",
    "weight_stated_counts",
    "weight_channels",
    "weight_laboratory",
    "weight_described",
    "weight_recorded",
    "weight_annotations",
    "annotation_own_level",
    "annotation_unrelated",
    "annotation_ratio_max",
    "annotation_absent_weight",
    "annotation_entry_share",
)
"""What they read from `fitted.yaml`."""


def check_prior(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every prior and every multiplier of a prior is above zero."""
    for condition in files.conditions:
        if condition.prior.value <= 0:
            yield _prior(f"conditions/{condition.id}.yaml#/prior/value")
    for index, setting in enumerate(files.settings.settings):
        for condition_id, factor in setting.multipliers.items():
            if factor <= 0:
                yield _prior(f"settings.yaml#/settings/{index}/multipliers/{condition_id}")


def _prior(where: str) -> Issue:
    return broken(
        "prior", where, "a prior is above zero: nothing is impossible beforehand", "correct it"
    )


def check_parameter(files: KnowledgeFiles) -> Iterator[Issue]:
    """The model has every parameter that the compiler and the engine read, and no other."""
    for file, wanted, given in (
        ("model.yaml", PARAMETERS, files.model.parameters),
        ("fitted.yaml", FITTED, files.fitted.parameters),
    ):
        for name in wanted:
            if name not in given:
                yield broken(
                    "parameter",
                    f"{file}#/parameters",
                    f"the parameter {name} is missing",
                    "add it with its source",
                )
        for name in given:
            if name not in wanted:
                yield broken(
                    "parameter",
                    f"{file}#/parameters/{name}",
                    f"nothing reads {name}",
                    "correct the name, or remove it",
                )


def check_bands(files: KnowledgeFiles) -> Iterator[Issue]:
    """The wording bands of the differential descend and end at zero."""
    starts = [band.at_least for band in files.model.bands]
    if not starts or starts[-1] != 0.0 or any(a <= b for a, b in pairwise(starts)):
        yield broken(
            "bands",
            "model.yaml#/bands",
            "the bands do not descend to zero",
            "order them from the highest, the last at 0.0",
        )


def check_lineages(files: KnowledgeFiles) -> Iterator[Issue]:
    """The model has the three lineages in order, and their first states name no finding.

    A first state takes what the others leave; each of the others names the finding whose
    frequency is its weight.
    """
    if [lineage.lineage for lineage in files.model.lineages] != list(LINEAGE_FINDINGS):
        yield broken(
            "lineages",
            "model.yaml#/lineages",
            "the lineages are not red, white, platelet",
            "state the three in this order",
        )
    for where, states in _state_lists(files):
        for index, state in enumerate(states):
            if (state.finding is None) != (index == 0):
                yield broken(
                    "lineages",
                    f"{where}/{index}/finding",
                    "only the first state takes the rest and names no finding",
                    "name the finding that gives the weight, or none for the first",
                )


def check_emissions(files: KnowledgeFiles) -> Iterator[Issue]:
    """All states of one analyte have their density over one variable, with a width above zero."""
    together = [
        (f"model.yaml#/lineages/{index}", [*lineage.not_low, *lineage.low])
        for index, lineage in enumerate(files.model.lineages)
    ]
    together.extend(
        (f"model.yaml#/channels/{index}", channel.states)
        for index, channel in enumerate(files.model.channels)
    )
    for where, states in together:
        if len({state.emission.on for state in states}) != 1:
            yield broken(
                "emissions",
                where,
                "densities over different variables cannot be compared",
                "state them all on z or all on ln",
            )
        if any(state.emission.scale <= 0 for state in states):
            yield broken("emissions", where, "a density has no width", "give a scale above 0")


def check_variants(files: KnowledgeFiles) -> Iterator[Issue]:
    """Every classification of a reported variant has a weight, and every weight is above zero."""
    weights = {weight.classification: weight for weight in files.model.variants}
    annotation = records.VariantWeight.model_fields["classification"].annotation
    for classification in get_args(annotation):
        weight = weights.get(classification)
        if weight is None or weight.complete <= 0 or weight.incomplete <= 0:
            yield broken(
                "variants",
                "model.yaml#/variants",
                f"{classification} has no weight above zero",
                "add the weight",
            )


def check_treatment_target(files: KnowledgeFiles) -> Iterator[Issue]:
    """A treatment map gives a kind or a finding; a window is of a kind some map recognises."""
    kinds = {entry.kind for entry in files.treatments.maps}
    for index, entry in enumerate(files.treatments.maps):
        if (entry.kind is None) == (entry.finding is None):
            yield broken(
                "treatment-target",
                f"treatments.yaml#/maps/{index}",
                "the words lead to no kind and no finding, or to both",
                "give one of the two",
            )
    for index, window in enumerate(files.treatments.windows):
        if window.kind not in kinds:
            yield broken(
                "treatment-target",
                f"treatments.yaml#/windows/{index}/kind",
                f"no words lead to {window.kind}",
                "add a map of this kind, or correct the kind",
            )


def _state_lists(files: KnowledgeFiles) -> Iterator[tuple[str, list[records.ChannelState]]]:
    for index, lineage in enumerate(files.model.lineages):
        yield f"model.yaml#/lineages/{index}/not_low", lineage.not_low
        yield f"model.yaml#/lineages/{index}/low", lineage.low
    for index, channel in enumerate(files.model.channels):
        yield f"model.yaml#/channels/{index}/states", channel.states
