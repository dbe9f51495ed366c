"""The four doors: what a family may want, in the order of the home page."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hematon.portal.care.status import Kind


@dataclass(frozen=True)
class Door:
    """One way in.

    Attributes:
        slug: part of the address; also what a request to be called is about.
        kind: what a family asks online behind it.
        name: what the door says.
        text: one sentence under it.
    """

    slug: str
    kind: Kind
    name: Promise
    text: Promise

    @property
    def template(self) -> str:
        """Give the page behind the door."""
        return f"care/door_{self.slug.replace('-', '_')}.html"

    @property
    def picture(self) -> str:
        """Give the drawing on the door."""
        return f"care/pictures/{self.slug}.html"


DOORS = (
    Door(
        "about-us",
        Kind.LEARN_MORE,
        _("Learn more about us"),
        _("Who we are, whom we see and how we work."),
    ),
    Door(
        "questions",
        Kind.QUESTION,
        _("Questions about my child's condition"),
        _("Talk with a nurse who knows low blood counts."),
    ),
    Door(
        "second-opinion",
        Kind.SECOND_OPINION,
        _("Want a second opinion?"),
        _("Our team reads your child's records and answers your questions."),
    ),
    Door(
        "start",
        Kind.START,
        _("Get started"),
        _("Become a patient: your first call with us."),
    ),
)


def door(slug: str) -> Door | None:
    """Give one door; None when there is none of that name."""
    return next((d for d in DOORS if d.slug == slug), None)


def door_of(kind: Kind) -> Door:
    """Give the door that leads to a kind of request."""
    return next(d for d in DOORS if d.kind == kind)
