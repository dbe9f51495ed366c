"""Reference numbers that can be read out over a bad line: HM-XXXX-XXXX.

Seven random characters and a check character. Letters and digits that look or sound alike are left
out. The number names a request to staff and opens nothing: seven of thirty characters are about
34 bits, which keeps two requests apart (the database refuses a repeat) and is no secret.
"""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 7
_PRIME = 31
"""Next prime above the alphabet: every single slip and every swap of two characters is seen."""


def new_reference() -> str:
    """Draw a reference."""
    while True:
        drawn = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
        check = _check(drawn)
        # One sum in 31 has no character; such a draw is thrown away.
        if check < len(ALPHABET):
            return f"HM-{drawn[:4]}-{drawn[4:]}{ALPHABET[check]}"


def read_reference(text: str) -> str | None:
    """Give the reference as it is kept, however it was typed; None when there is a slip in it."""
    kept = "".join(c for c in text.upper() if c.isalnum()).removeprefix("HM")
    if len(kept) != RANDOM + 1 or any(c not in ALPHABET for c in kept):
        return None
    if _check(kept[:-1]) != ALPHABET.index(kept[-1]):
        return None
    return f"HM-{kept[:4]}-{kept[4:]}"


def _check(drawn: str) -> int:
    # Weights 2, 3, ... differ from one another and from the check character's own -1.
    return sum(w * ALPHABET.index(c) for w, c in enumerate(drawn, start=2)) % _PRIME
