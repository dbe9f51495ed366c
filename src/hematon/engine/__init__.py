"""The engine: pure arrays in, arrays out; no input or output, no clock, no randomness.

`assess_many` judges a batch of children; `assess` is one row of it.
"""

from hematon.engine.pipeline import BatchAssessment, assess, assess_columns, assess_many

__all__ = ["BatchAssessment", "assess", "assess_columns", "assess_many"]
