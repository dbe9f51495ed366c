"""What is explained, as data: the lines of a printout, their units and the general texts.

The texts are the same for every child. Nothing here knows a number that a family typed, and the
limits of plausibility are used for one thing only: to ask whether a unit or a decimal slipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, ValidationError

from hematon import units
from hematon.knowledge import load_knowledge
from hematon.portal.ui.site import InBoth

FOLDER = Path(__file__).parent


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unit(_Strict):
    """A unit that a family may choose.

    Attributes:
        key: UCUM spelling.
        label: as printed.
        analyte: what a number in this unit is in the knowledge.
        asks_below: a number other than 0 below it is asked about.
    """

    key: str
    label: str
    analyte: str
    asks_below: float | None = None

    def believable(self, value: float) -> bool:
        """Say whether a laboratory could print the number in this unit."""
        analyte = load_knowledge().analytes[self.analyte]
        if self.asks_below is not None and 0 < value < self.asks_below:
            return False
        own = self.in_analyte_unit(value)
        return analyte.plausible_low <= own <= analyte.plausible_high

    def in_analyte_unit(self, value: float) -> float:
        """Give the number in the unit of the knowledge."""
        analyte = load_knowledge().analytes[self.analyte]
        return units.convert(value, self.key, analyte.unit or "1", analyte.other_units)


class Line(_Strict):
    """One line of a printout and what is said about it."""

    id: str
    name: InBoth
    printed: InBoth
    main: bool
    does: InBoth
    fewer: list[InBoth]
    more: list[InBoth]
    units: list[Unit]

    def unit(self, key: str) -> Unit | None:
        """Give one of its units."""
        return next((unit for unit in self.units if unit.key == key), None)


@lru_cache(maxsize=1)
def lines() -> Mapping[str, Line]:
    """Give every line by id, in the order of the page.

    Raises:
        ImproperlyConfigured: the file is wrong; the message names the entry.
    """
    raw = yaml.safe_load((FOLDER / "lines.yaml").read_text(encoding="utf-8"))
    try:
        found = {key: Line.model_validate({"id": key, **entry}) for key, entry in raw.items()}
    except ValidationError as error:
        raise ImproperlyConfigured(f"lines.yaml: {error}") from error
    known = load_knowledge().analytes
    for line in found.values():
        for unit in line.units:
            if unit.analyte not in known:
                raise ImproperlyConfigured(f"lines.yaml: {line.id}: no analyte {unit.analyte}")
    return found


@lru_cache(maxsize=1)
def line_of_analyte() -> Mapping[str, str]:
    """Give the line that explains an analyte, by the analyte's id."""
    return {unit.analyte: line.id for line in lines().values() for unit in line.units}


class Question(_Strict):
    """A question that a family may take to the visit."""

    id: str
    text: InBoth


@lru_cache(maxsize=1)
def questions() -> Mapping[str, Question]:
    """Give the questions to choose from, the same for everyone."""
    raw = yaml.safe_load((FOLDER / "questions.yaml").read_text(encoding="utf-8"))
    return {key: Question(id=key, text=InBoth.model_validate(text)) for key, text in raw.items()}
