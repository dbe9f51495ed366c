"""Mail that must not be lost: rows written with what they tell of, sent later by the worker."""
