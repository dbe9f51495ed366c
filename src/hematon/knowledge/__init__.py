"""Curated, cited clinical knowledge.

`load_knowledge()` gives the compiled, frozen knowledge every assessment runs on. Sources are the
YAML files under `data/`; the compiled form is kept beside them like Python's own byte code and is
remade whenever a file changes, so the YAML is always what counts.
"""

from hematon.knowledge.compiled import Knowledge
from hematon.knowledge.load import load_knowledge

__all__ = ["Knowledge", "load_knowledge"]
