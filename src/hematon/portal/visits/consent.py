"""The words that a family agrees to before a first video visit."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, ValidationError

from hematon.portal.ui.site import InBoth


class Consent(BaseModel):
    """The whole file.

    Attributes:
        version: kept with each agreement; a new one asks everyone again.
        signed_by: who answers for the words; None while nobody does.
        signed_on: since when.
        points: what is agreed to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    signed_by: str | None
    signed_on: date | None
    points: tuple[InBoth, ...]


@lru_cache(maxsize=1)
def consent() -> Consent:
    """Give the words; a site's own are video_consent.yaml in its folder.

    Raises:
        ImproperlyConfigured: the file is missing or wrong; the message names the place.
    """
    own = Path(settings.DIRECTORY) / "video_consent.yaml"
    file = own if own.is_file() else Path(__file__).parent / "consent.yaml"
    try:
        return Consent.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error
