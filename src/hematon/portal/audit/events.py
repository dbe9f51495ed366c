"""Every kind of event there is: what `record` takes as an action, with a sentence for each.

The kinds follow what IHE ATNA and OpenEMR ask a record system to note: people signing in and out,
refusals, looking, adding, changing, deleting, searching, orders and signatures, what leaves and
what comes in, the security settings, and the audit's own use. A new action is added here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What sort of event; the export writes each in FHIR's codes."""

    SIGN_IN = "Signing in and out"
    REFUSED = "Refused"
    READ = "Looked at"
    QUERY = "Listed or searched"
    CREATE = "Added"
    UPDATE = "Changed"
    DELETE = "Deleted"
    SIGN = "Judged or signed"
    IMPORT = "Came in"
    EXPORT = "Left"
    SECURITY = "Security settings"
    RUN = "Done by the portal itself"


@dataclass(frozen=True)
class EventType:
    """One kind of event.

    Attributes:
        kind: what sort it is.
        text: what happened, as the privacy officer reads it.
    """

    kind: Kind
    text: str


EVENTS: Final[dict[str, EventType]] = {
    # --- people ----------------------------------------------------------------------------------
    "session.started": EventType(Kind.SIGN_IN, "A person signed in."),
    "session.ended": EventType(Kind.SIGN_IN, "A person signed out."),
    "session.timed_out": EventType(Kind.SIGN_IN, "A session ended because its time was over."),
    "sign_in.failed": EventType(Kind.SIGN_IN, "A sign-in was refused: address or password wrong."),
    "sign_in.second_factor_failed": EventType(
        Kind.SIGN_IN, "A second factor, or a password asked for again, was wrong."
    ),
    "sign_in.limited": EventType(Kind.SIGN_IN, "Sign-in was shut for a while: too many tries."),
    "access.refused": EventType(Kind.REFUSED, "A signed-in person was refused a page."),
    "vault.refused": EventType(
        Kind.REFUSED, "What was stored is not what was sealed there; nothing of it was shown."
    ),
    "glass.broken": EventType(
        Kind.SECURITY, "A person opened one record in an emergency, with a reason."
    ),
    "glass.viewed": EventType(Kind.READ, "The reason for an emergency opening was read."),
    "glass.reviewed": EventType(Kind.SIGN, "An emergency opening was reviewed."),
    "staff.created": EventType(Kind.SECURITY, "A staff account was made."),
    "staff.roles_set": EventType(Kind.SECURITY, "What a member of staff may do was set."),
    "staff.second_factor_forgotten": EventType(
        Kind.SECURITY, "The authenticators of a person who lost them were dropped."
    ),
    # --- the audit -------------------------------------------------------------------------------
    "audit.searched": EventType(Kind.QUERY, "The audit was read or searched."),
    "audit.exported": EventType(Kind.EXPORT, "Rows of the audit were exported."),
    "audit.verified": EventType(Kind.RUN, "The chain of the audit was checked."),
    # --- requests to be called -------------------------------------------------------------------
    "callback.sent": EventType(Kind.CREATE, "A family asked to be called."),
    "callback.listed": EventType(Kind.QUERY, "Requests to be called were listed."),
    "callback.viewed": EventType(Kind.READ, "A request to be called was opened."),
    "callback.marked": EventType(Kind.UPDATE, "What came of a call was noted."),
    # --- blood counts ----------------------------------------------------------------------------
    "counts.pictures_kept": EventType(Kind.IMPORT, "Pictures of a printout were kept for an hour."),
    "counts.pictures_deleted": EventType(Kind.DELETE, "A family took pictures back."),
    "counts.pictures_purged": EventType(Kind.DELETE, "Pictures past their hour were deleted."),
    # --- the engine, for clinicians --------------------------------------------------------------
    "record.uploaded": EventType(Kind.IMPORT, "A record was uploaded to be assessed."),
    "report.opened": EventType(Kind.READ, "An assessment was opened."),
    "report.judged": EventType(Kind.SIGN, "A clinician judged an assessment."),
    # --- experts and ratings ---------------------------------------------------------------------
    "review_link.minted": EventType(Kind.CREATE, "A link to rate an expert was made."),
    "review.sent": EventType(Kind.CREATE, "A family rated an expert."),
    "comment.read": EventType(Kind.SIGN, "A moderator read a comment and chose."),
    "comment.settled": EventType(Kind.UPDATE, "Two readers agreed on a comment."),
    "safety_concern.opened": EventType(Kind.CREATE, "A comment was passed on as a safety concern."),
    "safety_concern.closed": EventType(Kind.UPDATE, "A safety concern was closed."),
    "ratings.published": EventType(Kind.RUN, "The published ratings were worked out anew."),
    "roster.checked": EventType(Kind.IMPORT, "A list of experts was checked."),
    "roster.applied": EventType(Kind.UPDATE, "A list of experts was applied."),
    "roster.added": EventType(Kind.CREATE, "Experts of the demonstration were added."),
    "roster.exported": EventType(Kind.EXPORT, "The list of experts was exported."),
    "photo.set": EventType(Kind.UPDATE, "An expert's photo was set."),
    "photo.removed": EventType(Kind.DELETE, "An expert's photo was removed."),
    "claim.added": EventType(Kind.CREATE, "An award or a fact was added to the site."),
    "claim.withdrawn": EventType(Kind.UPDATE, "An award or a fact was withdrawn."),
}
"""By action, `thing.done`."""
