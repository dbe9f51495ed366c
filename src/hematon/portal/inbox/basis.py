"""Why a case stands where it stands in the reading order, in words, from what was kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.programme.thresholds import REPORTED

_NAMES: Final = {
    "absolute_neutrophil_count": "neutrophils",
    "platelets": "platelets",
    "reticulocytes": "reticulocytes",
    "hemoglobin": "hemoglobin",
    "age": "age",
}
SHORT: Final = {Band.FIRST: "A", Band.SAME_DAY: "B", Band.NOT_KNOWN: "?", Band.ROUTINE: "C"}
"""What stands in the list; its words stand beside it for screen readers."""
_FEW: Final = 3


@dataclass(frozen=True)
class Basis:
    """What a person sees of it.

    Attributes:
        fired: the rules that fired: sentence, source, letter.
        facts: what was compared, as it was printed.
        missing: what nobody told.
        drawn: day of the counts; "" where they have none or there are none.
        age_days: of the counts on the day the case came; None if unknown.
        edition: which thresholds, and who signed them.
        is_signed: whether anybody did.
    """

    fired: list[dict[str, str]]
    facts: list[str]
    missing: list[str]
    drawn: str
    edition: str
    is_signed: bool

    @property
    def short(self) -> str:
        """Give one line for the list."""
        if self.fired:
            return self.fired[0]["sentence"]
        if self.missing:
            more = f" and {len(self.missing) - _FEW} more" if len(self.missing) > _FEW else ""
            return f"No rule fired. Not told: {', '.join(self.missing[:_FEW])}{more}."
        return "Every rule was answered and none fired."


def basis_of(case: Case) -> Basis | None:
    """Give the basis of a case; None for one from before there was any."""
    kept: Mapping[str, Any] = case.basis or {}
    if "band" not in kept:
        return None
    number = kept["edition"]
    edition = "The shipped thresholds. Nobody has signed them."
    if number is not None:
        on = str(kept["signed_at"])[:10]
        edition = f"Thresholds, edition {number}, signed by {kept['signer']} on {on}."
    return Basis(
        fired=kept["rules"],
        facts=_facts(kept),
        missing=[_name(one) for one in kept["missing"]],
        drawn=kept["drawn"],
        edition=edition,
        is_signed=number is not None,
    )


def _facts(kept: Mapping[str, Any]) -> list[str]:
    found = [f"{_name(v['fact'])}: {_printed(v)}" for v in kept["values"]]
    if kept["drawn"] and kept["values"]:
        came = date.fromisoformat(kept["made_at"][:10])
        days = (came - date.fromisoformat(kept["drawn"])).days
        if days > 0:
            found.append(f"counts of {kept['drawn']}, {days} days before it came")
    if kept["age_days"] is not None:
        found.append(f"age: {age_in_words(kept['age_days'])}")
    for was, words in ((True, "reported"), (False, "asked for and not reported")):
        names = [_name(name) for name, is_so in kept["reported"].items() if is_so is was]
        if names:
            found.append(f"{words}: {', '.join(names)}")
    return found


def _printed(value: Mapping[str, str]) -> str:
    if not value["printed"].startswith("worked out"):
        return value["printed"]
    number = Decimal(value["value"]).quantize(Decimal("0.01")).normalize()
    return f"{number:f} {value['unit'].replace('10*', '10^')} ({value['printed']})"


def _name(fact: str) -> str:
    return _NAMES.get(fact) or REPORTED.get(fact) or fact.replace("_", " ")


def age_in_words(days: int) -> str:
    """Give an age: days to 8 weeks, months to 2 years, then years."""
    if days < 56:
        return f"{days} day{'' if days == 1 else 's'}"
    if days < 731:
        return f"{int(days / 30.4375)} months"
    return f"{int(days / 365.25)} years"
