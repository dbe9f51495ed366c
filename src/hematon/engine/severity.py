"""Named criteria for how severe it is, answered from their YAML in three-valued logic.

Each criterion keeps its published name and edition. One that needs a marrow stays unknown without
one and says so; counts that reach a level are named as a level of counts, never as the disease.
"""

from __future__ import annotations

import numpy as np

from hematon.engine import criteria
from hematon.engine.facts import Facts
from hematon.engine.ternary import Ternary


def severity(facts: Facts) -> Ternary:
    """Answer every criterion.

    Args:
        facts: n children.

    Returns:
        (n, criteria) ternary, in the order of `knowledge.rules["severity"]`.
    """
    rules = facts.knowledge.rules["severity"]
    return np.stack([criteria.answer(r["when"], r["unless"], facts) for r in rules], axis=1)
