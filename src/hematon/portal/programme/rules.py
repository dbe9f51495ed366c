"""Which rules are in force: the latest signed edition, or the shipped default."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import yaml
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from hematon.portal.programme.models import Edition, Kind
from hematon.portal.programme.shapes import (
    AgeRules,
    Calendar,
    Promises,
    RatingRules,
    Retention,
    Rules,
    Strict,
    Vendors,
)
from hematon.portal.programme.thresholds import Thresholds
from hematon.portal.ui.site import site

M = TypeVar("M", bound=Strict)
R = TypeVar("R", bound=Rules)

KINDS: Final[dict[Kind, type[Rules]]] = {
    Kind.THRESHOLDS: Thresholds,
    Kind.PROMISES: Promises,
    Kind.AGES: AgeRules,
    Kind.RATINGS: RatingRules,
    Kind.RETENTION: Retention,
    Kind.VENDORS: Vendors,
}
_DEFAULTS = Path(__file__).parent / "defaults"
_more: dict[type[Rules], list[Callable[[Any], str]]] = {}


@dataclass(frozen=True)
class Signature:
    """Who signed the edition in force.

    Attributes:
        name: of the person, as at the time of asking.
        at: when.
        number: of the edition.
    """

    name: str
    at: datetime
    number: int


def also_check(model: type[R], check: Callable[[R], str]) -> None:
    """Let an app above this one refuse what it knows to be wrong.

    Args:
        model: the kind of rules.
        check: gives what is wrong in words, or nothing.
    """
    _more.setdefault(model, []).append(check)


def kind_of(model: type[Strict]) -> Kind:
    """Give the kind that a model is of."""
    return next(kind for kind, known in KINDS.items() if known is model)


def in_force(kind: Kind) -> Edition | None:
    """Give the latest signed edition; None while the shipped default applies."""
    signed = Edition.objects.filter(kind=kind, signed_at__isnull=False)
    return signed.select_related("signed_by").order_by("-number").first()


def current(model: type[M]) -> M:
    """Give the rules that apply now.

    Raises:
        ImproperlyConfigured: the signed edition no longer fits the program; `hematon portal
            check` says so before families find out.
    """
    if model is Calendar:
        return cast(M, _calendar())
    kind = kind_of(model)
    signed = Edition.objects.filter(kind=kind, signed_at__isnull=False).order_by("-number")
    pk = signed.values_list("pk", flat=True).first()
    return cast(M, default(kind) if pk is None else _edition(pk))


def signature(model: type[Strict]) -> Signature | None:
    """Say who signed the rules that apply now; None when nobody did."""
    if model is Calendar:
        return None
    found = in_force(kind_of(model))
    if found is None or found.signed_by is None or found.signed_at is None:
        return None
    return Signature(str(found.signed_by), found.signed_at, found.number)


@lru_cache(maxsize=len(Kind))
def default(kind: Kind) -> Rules:
    """Give the shipped rules.

    Raises:
        ImproperlyConfigured: the file is wrong; the message names the place.
    """
    file = _DEFAULTS / f"{kind}.yaml"
    try:
        return read(kind, yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError, ValueError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error


def read(kind: Kind, value: Any) -> Rules:
    """Check rules and give them.

    Raises:
        ValidationError: they are not of the shape.
        ValueError: an app that uses them refuses them.
    """
    model = KINDS[kind]
    found = model.model_validate(value)
    for check in _more.get(model, []):
        if said := check(found):
            raise ValueError(said)
    return found


# An edition is never changed, so what was read of it once holds.
@lru_cache(maxsize=64)
def _edition(pk: uuid.UUID) -> Rules:
    row = Edition.objects.get(pk=pk)
    try:
        return read(Kind(row.kind), row.value)
    except (ValidationError, ValueError) as error:
        raise ImproperlyConfigured(f"{row} no longer fits this version: {error}") from error


def _calendar() -> Calendar:
    here = site()
    return Calendar(
        time_zone=here.time_zone,
        opens=here.office.opens,
        closes=here.office.closes,
        closed_on=here.office.closed_on,
    )


def problems() -> Iterator[str]:
    """Give what is wrong with the rules in force, for `hematon portal check`."""
    for model in KINDS.values():
        try:
            current(model)
        except ImproperlyConfigured as error:
            yield str(error)
