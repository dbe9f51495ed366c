"""When a video visit fits: rules as data, decided in one function.

The rules look at where the child will be, why the family wants a visit, symptoms now (the same for
everyone) and the device. They never see a blood count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from hematon.portal.ui.site import InBoth
from hematon.portal.visits.states import STATES

ELSEWHERE, NOT_KNOWN = "elsewhere", "unknown"
"""Answers to "where" that are no state: outside the United States, and not known yet."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class License(_Strict):
    """That a clinician of the programme may see children who are in a state."""

    source: str
    checked: date


class VisitReason(_Strict):
    """Why a family wants a visit.

    Attributes:
        fits: which kind of visit it calls for.
        words: what the family chooses.
        because: why it must be in person.
    """

    fits: Literal["video", "in_person"]
    words: InBoth
    because: InBoth | None = None

    @model_validator(mode="after")
    def _explained(self) -> VisitReason:
        if (self.fits == "in_person") != (self.because is not None):
            raise ValueError("`because` is given for in_person and for nothing else")
        return self


class Connection(_Strict):
    """Speeds each way, in megabits a second."""

    least: float
    enough: float


class Rules(_Strict):
    """The whole file."""

    signed_by: str | None
    signed_on: date | None
    connection: Connection
    states: dict[str, License]
    reasons: dict[str, VisitReason]

    @model_validator(mode="after")
    def _known_states(self) -> Rules:
        unknown = sorted(set(self.states) - set(STATES))
        if unknown:
            raise ValueError(f"not a state's two letters: {', '.join(unknown)}")
        return self


@lru_cache(maxsize=1)
def rules() -> Rules:
    """Give the rules.

    Raises:
        ImproperlyConfigured: the file is missing or wrong; the message names the place.
    """
    own = Path(settings.DIRECTORY) / "visit_rules.yaml"
    file = own if own.is_file() else Path(__file__).parent / "rules.yaml"
    try:
        return Rules.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error


def licensed_states() -> dict[str, License]:
    """Give the states where the programme may hold video visits, by their two letters."""
    return rules().states


class Kind(StrEnum):
    """What the check says."""

    VIDEO = "video"
    IN_PERSON = "in_person"
    CALL_NOW = "call_now"


class Why(StrEnum):
    """What decided, besides the reasons that the family chose."""

    EMERGENCY = "emergency"
    CALL_TODAY = "call_today"
    NOT_LICENSED = "not_licensed"
    OUTSIDE = "outside"
    STATE_UNKNOWN = "state_unknown"
    NO_DEVICE = "no_device"
    TRY_DEVICE = "try_device"


@dataclass(frozen=True)
class Decision:
    """What fits, and everything that decided it."""

    kind: Kind
    whys: tuple[Why, ...]
    reasons: tuple[str, ...]


def decide(
    *,
    where: str,
    why: Collection[str],
    symptoms: str,
    device: str,
    licensed: Collection[str],
    reasons: dict[str, VisitReason],
) -> Decision:
    """Say which kind of visit fits.

    Symptoms come before everything: no other answer can turn "call now" into a visit.

    Args:
        where: a state's two letters, ELSEWHERE or NOT_KNOWN.
        why: keys of the reasons chosen.
        symptoms: `now`, `today` (keys of the care cards) or `none`.
        device: `ready`, `unsure` or `none`; empty where it was not asked.
        licensed: states with a license.
        reasons: every reason there is.

    Returns:
        The kind, what decided it, and which of the chosen reasons speak for it.
    """
    if symptoms in ("now", "today"):
        return Decision(
            Kind.CALL_NOW, (Why.EMERGENCY if symptoms == "now" else Why.CALL_TODAY,), ()
        )
    against: list[Why] = []
    if where == ELSEWHERE:
        against.append(Why.OUTSIDE)
    elif where == NOT_KNOWN:
        against.append(Why.STATE_UNKNOWN)
    elif where not in licensed:
        against.append(Why.NOT_LICENSED)
    if device == "none":
        against.append(Why.NO_DEVICE)
    in_person = tuple(key for key in reasons if key in why and reasons[key].fits == "in_person")
    if against or in_person:
        return Decision(Kind.IN_PERSON, tuple(against), in_person)
    notes = (Why.TRY_DEVICE,) if device == "unsure" else ()
    return Decision(Kind.VIDEO, notes, tuple(key for key in reasons if key in why))
