"""The serial and recorded facts a rule may ask for by name (`fact:`), and what each means.

A fact is what one count cannot say: something about earlier counts, treatments, or what the
record lacks. The engine works them out; the files only name them. A name outside this list is
refused when the knowledge is checked, so a misspelt fact cannot stay unknown for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FACTS: Mapping[str, str] = MappingProxyType(
    {
        # the record as a whole
        "a_lineage_unknown": "One of the three lineages has no usable count.",
        "explaining_diagnosis": "A recorded diagnosis explains the counts.",
        # when it began, how it went on
        "onset_by_28d": "A cytopenia was present by 28 days of age.",
        "onset_by_90d": "A cytopenia was present by 90 days of age.",
        "onset_by_1y": "A cytopenia was present by one year of age.",
        "prior_normal": "A normal count after 6 months of age came before the first low one.",
        "persistent_12w": "A lineage has been low on three counts over 12 weeks or more.",
        "recovered_8w": "Every lineage that was low was normal again within 8 weeks.",
        "progressive_fall": "Two or more lineages fall over 12 weeks or more, beyond chance.",
        # one lineage over time
        "hemoglobin_fell_2": "Hemoglobin is 2.0 g/dL or more below one of the 30 days before.",
        "monocytes_low_twice": "Monocytes were below 0.2 10*9/L on two counts 14 days apart.",
        "neutrophil_cycle": "Neutrophils cycle: confirmed or probable on serial counts.",
        "neutropenia_ever": "Neutrophils were below the cut-off for age on any count.",
        "platelets_low_180d": "Platelets have been low on two counts 180 days apart.",
        "severe_neutropenia_90d": "Neutrophils were below 0.5 10*9/L on two counts 90 days apart.",
        "same_lineage_low_28d": "A lineage has been low on two counts at least 28 days apart.",
        "same_lineage_low_56d": "A lineage has been low on two counts at least 56 days apart.",
        # treatments
        "red_cells_dependent": "Red cells were transfused on three or more days in 16 weeks.",
        "platelets_dependent": "Platelets were transfused on three or more days in 16 weeks.",
        "red_cells_ever": "Red cells were transfused at any time.",
        "chemotherapy_180d": "Chemotherapy was given in the last 180 days.",
        "chemotherapy_ever": "Chemotherapy was given at any time.",
        "transplant_180d": "A stem cell transplant was done in the last 180 days.",
    }
)
"""Name of a fact to its meaning."""
