"""The programme's own facts, from one YAML file: names, phones, hours, prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InBoth(_Strict):
    """A text in both languages; prints the one of the page."""

    en: str
    es: str

    def __str__(self) -> str:
        """Give the text in the active language."""
        return self.es if (translation.get_language() or "en").startswith("es") else self.en


class Phone(_Strict):
    """A phone line and when it is answered."""

    number: str
    hours: InBoth


class Phones(_Strict):
    """The lines a family may need."""

    emergency: str
    day: Phone
    night: Phone


_SATURDAY: Final = 5


class Office(_Strict):
    """When calls are returned, on the programme's own clock. Saturdays and Sundays are free."""

    opens: time
    closes: time
    closed_on: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _around_noon(self) -> Office:
        if not self.opens < time(12) < self.closes:
            raise ValueError("opens must be before noon and closes after it")
        return self

    def is_business_day(self, day: date) -> bool:
        """Say whether calls are returned on this day."""
        return day.weekday() < _SATURDAY and day not in self.closed_on

    def business_day_after(self, day: date, days: int) -> date:
        """Give the business day that comes this many business days after a day."""
        while days > 0:
            day += timedelta(days=1)
            days -= self.is_business_day(day)
        return day


class Prices(_Strict):
    """What a family pays, said before it asks."""

    call: InBoth
    visit: InBoth
    second_opinion: InBoth


class SecondOpinion(_Strict):
    """How the programme gives second opinions.

    Attributes:
        report_to: who receives the report.
        where: who may ask, by where the child lives.
        served: the same as codes: the hospital's state, other states, abroad.
    """

    report_to: InBoth
    where: InBoth
    served: frozenset[Literal["home", "other", "abroad"]] = frozenset({"home", "other"})


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not an IANA time zone")
    return name


class Site(_Strict):
    """The programme's own facts."""

    hospital: InBoth
    programme: InBoth
    time_zone: Annotated[str, AfterValidator(_zone)]
    zone_name: InBoth
    state: str
    phones: Phones
    office: Office
    prices: Prices
    second_opinion: SecondOpinion
    interpreters: InBoth
    address: InBoth

    @property
    def zone(self) -> ZoneInfo:
        """The programme's time zone."""
        return ZoneInfo(self.time_zone)


@lru_cache(maxsize=1)
def site() -> Site:
    """Give the programme's own facts.

    Raises:
        ImproperlyConfigured: the file is missing or wrong; the message names the place.
    """
    file = Path(settings.SITE_FILE)
    try:
        return Site.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error


@dataclass(frozen=True)
class LanguageLink:
    """Where the same page stands in another language."""

    code: str
    name: str
    address: str


def other_languages(request: HttpRequest) -> list[LanguageLink]:
    """Give the same page in every other language; none for pages of one language."""
    here = translation.get_language()
    try:
        match = resolve(request.path_info)
    except Resolver404:
        match = None
    found = []
    for code, name in settings.LANGUAGES:
        if code == here:
            continue
        with translation.override(code):
            if match and match.url_name and request.path_info.startswith(f"/{here}/"):
                found.append(
                    LanguageLink(code, name, reverse(match.view_name, kwargs=match.kwargs))
                )
            elif not request.path_info.startswith(("/staff/", "/sign-in/")):
                found.append(LanguageLink(code, name, reverse("home")))
    return found


def context(request: HttpRequest) -> dict[str, Any]:
    """Give every template the site, the demonstration mark and the language links."""
    return {
        "site": site(),
        # allauth's views put another `site` over it; the layout takes this one.
        "programme_site": site(),
        "demo": settings.DEMO,
        "other_languages": other_languages(request),
    }
