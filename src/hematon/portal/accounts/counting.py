"""The cache in which tries are counted: what could not be counted is a fault, and no limit.

Django's own cache in a database keeps silent when the database refuses. A limit that could not be
counted then looked used up, and a family was told that it had tried too often when a disk was full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, IntegrityError, connection, transaction


class Counts(DatabaseCache):
    """Django's cache in the database that raises what the database says; see the module."""

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        """Keep an entry; say whether it was kept, or another was first.

        Raises:
            DatabaseError: it could not be kept.
        """
        refused: list[DatabaseError] = []

        def noting(execute: Callable[..., Any], *call: Any) -> Any:
            try:
                return execute(*call)
            except DatabaseError as error:
                if not isinstance(error, IntegrityError):
                    refused.append(error)
                raise

        # Its own transaction is inside this one, whose beginning and end Django does not swallow.
        with transaction.atomic(), connection.execute_wrapper(noting):
            kept: bool = super()._base_set(mode, key, value, timeout)  # type: ignore[misc]  # Django has no types
        if refused:
            raise refused[0]
        return kept
