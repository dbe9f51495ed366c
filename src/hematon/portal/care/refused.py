"""Why an act was not done. Nothing is changed when one of these is raised."""

from __future__ import annotations

from hematon.errors import HematonError
from hematon.portal.care.models import Case


class ActionRefused(HematonError):  # noqa: N818 - a refusal is an answer, not a fault
    """The act cannot be done; nothing was changed."""


class NotPermitted(ActionRefused):
    """This person may not do it."""


class NotInThisState(ActionRefused):
    """It stands where the act does not apply, or moved on since the page was opened."""


class Unfinished(ActionRefused):
    """Something must be there first.

    Attributes:
        what: code of what is missing.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class SentBefore(ActionRefused):
    """The same form was sent before with other answers."""

    def __init__(self, earlier: Case) -> None:
        super().__init__("sent before with other answers")
        self.earlier = earlier
