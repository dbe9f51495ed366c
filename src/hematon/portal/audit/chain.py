"""What ties the rows of the audit together: each signs its own content and the row before it.

    chain = HMAC-SHA256(the key ring's audit key, chain of the row before + canonical JSON)

The key is outside the database, so who can write to the database alone cannot make a row that
fits, change one, take one out or put two in another order without `verify` naming the place. That
the last rows were cut off is told by a checkpoint outside the database (`checkpoint`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, Final

GENESIS: Final = "0" * 64
"""What stands before the first row."""
COLUMNS: Final = (
    "sequence",
    "at",
    "actor_id",
    "action",
    "subject",
    "patient",
    "purpose",
    "outcome",
    "route",
    "client",
    "detail",
)
"""What a row's chain signs, in the order that `canonical` takes it."""
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical(values: tuple[Any, ...]) -> bytes:
    """Write a row down so that equal rows give equal bytes.

    Args:
        values: of `COLUMNS`.
    """
    row = dict(zip(COLUMNS, values, strict=True))
    at: datetime = row["at"]
    row["at"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    return _encode(row).encode()


def link(key: bytes, before: str, values: tuple[Any, ...]) -> str:
    """Give the chain of a row.

    Args:
        key: the key ring's audit key.
        before: chain of the row before; `GENESIS` for the first.
        values: of `COLUMNS`.
    """
    return hmac.digest(key, bytes.fromhex(before) + canonical(values), hashlib.sha256).hex()
