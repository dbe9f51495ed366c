"""Letting Django empty a test's database, which the guards of the audit refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from hematon.portal.audit import guards


@pytest.fixture(scope="session", autouse=True)
def audit_is_emptied_between_tests() -> Iterator[None]:
    """Lift the guards while every table is emptied after a transactional test, and no longer.

    Rows of the audit cannot be deleted, which is what the guards are for. The portal itself never
    empties its tables, so this stands in the tests alone.
    """
    operations = type(connection.ops)
    flush = operations.execute_sql_flush

    if getattr(flush, "lifts_guards", False):
        # Another folder's conftest was here first.
        yield
        return

    def lifted(self: Any, sql_list: list[str]) -> None:
        with transaction.atomic(using=self.connection.alias):
            guards.run(self.connection, guards.LIFT)
            flush(self, sql_list)
            guards.run(self.connection, guards.SET)

    lifted.lifts_guards = True  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", lifted)
        yield
