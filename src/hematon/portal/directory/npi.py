"""National Provider Identifiers: ten digits of which the last checks the others.

Source: CMS, "Requirements for National Provider Identifier (NPI) and NPI Check Digit": the Luhn
formula over the prefix 80840 and the number.
"""

from __future__ import annotations


def is_npi(text: str) -> bool:
    """Say whether this is an NPI with a right check digit."""
    if not (len(text) == 10 and text.isascii() and text.isdigit() and text[0] in "12"):
        return False
    total = 0
    for place, letter in enumerate(reversed("80840" + text)):
        doubled = int(letter) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
