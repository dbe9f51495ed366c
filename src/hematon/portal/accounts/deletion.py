"""Deleting one's own account: who may stop it, and who forgets what with it.

Apps above this one add to the two lists in their `ready`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hematon.portal.accounts.models import User

BLOCKERS: Final[list[Callable[[User], str | None]]] = []
"""Each gives why the account must stay, in words for the family; None when it need not."""

FORGETTERS: Final[list[Callable[[User], None]]] = []
"""Each deletes what its app keeps for the account; called inside the transaction."""


def reasons_to_stay(user: User) -> list[str]:
    """Give every reason why the account cannot be deleted by a button."""
    return [str(why) for blocker in BLOCKERS if (why := blocker(user))]
