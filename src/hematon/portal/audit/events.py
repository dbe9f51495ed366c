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
    # --- people ---------------------------------------------------------------------------------
    "session.started": EventType(Kind.SIGN_IN, "A person signed in."),
    "session.ended": EventType(Kind.SIGN_IN, "A person signed out."),
    "session.timed_out": EventType(Kind.SIGN_IN, "A session ended because its time was over."),
    "sign_in.failed": EventType(Kind.SIGN_IN, "A sign-in failed: address, password or code wrong."),
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
    "staff.enabled": EventType(Kind.SECURITY, "A closed staff account was opened again."),
    "staff.disabled": EventType(Kind.SECURITY, "A staff account was closed."),
    "sessions.ended": EventType(Kind.SECURITY, "Sessions of a person were ended."),
    "account.passkey_added": EventType(Kind.SECURITY, "A person added a passkey."),
    "account.passkey_removed": EventType(Kind.SECURITY, "A person removed a passkey."),
    "account.address_changed": EventType(Kind.SECURITY, "A person changed the address of mail."),
    "account.deleted": EventType(Kind.DELETE, "A person deleted the account."),
    "staff.second_factor_forgotten": EventType(
        Kind.SECURITY, "The authenticators of a person who lost them were dropped."
    ),
    # --- the audit ------------------------------------------------------------------------------
    "audit.searched": EventType(Kind.QUERY, "The audit was read or searched."),
    "audit.exported": EventType(Kind.EXPORT, "Rows of the audit were exported."),
    "audit.verified": EventType(Kind.RUN, "The chain of the audit was checked."),
    # --- cases: what families and clinicians outside send -----------------------------------------
    "case.begun": EventType(Kind.CREATE, "A draft was begun."),
    "case.discarded": EventType(Kind.DELETE, "A draft was deleted by its sender."),
    "case.sent": EventType(Kind.CREATE, "A request was sent."),
    "inbox.filter_kept": EventType(Kind.CREATE, "A person kept a filter of the list of requests."),
    "inbox.filter_dropped": EventType(Kind.DELETE, "A person dropped a kept filter."),
    "case.listed": EventType(Kind.QUERY, "Requests were listed."),
    "case.viewed": EventType(Kind.READ, "A request was opened."),
    "case.taken_up": EventType(Kind.UPDATE, "A person of the team took a request up."),
    "case.file_opened": EventType(Kind.EXPORT, "A file of a request was given to the team."),
    "case.escalated": EventType(Kind.RUN, "A promise was not kept; intake was told."),
    "case.stepped": EventType(Kind.UPDATE, "A request went a step on."),
    "case.staged": EventType(Kind.UPDATE, "How far the work on a request is was noted."),
    "case.records_complete": EventType(Kind.UPDATE, "The records of a request were complete."),
    "case.assigned": EventType(Kind.UPDATE, "A request was given to a person, or to nobody."),
    "case.reviewer_asked": EventType(Kind.UPDATE, "A clinician was asked to review a request."),
    "case.band_moved": EventType(Kind.UPDATE, "The reading order of a request was changed."),
    "case.call_missed": EventType(Kind.UPDATE, "A family was called and not reached."),
    "case.message_sent": EventType(Kind.CREATE, "A message was written."),
    "case.messages_read": EventType(Kind.UPDATE, "A sender read messages of the team."),
    "case.note_written": EventType(Kind.CREATE, "The team wrote a note for itself."),
    "case.files_came": EventType(Kind.UPDATE, "Files came to a request that was sent before."),
    "case.matched": EventType(Kind.SECURITY, "A person said which child a request is about."),
    "case.match_denied": EventType(Kind.UPDATE, "A request was said not to be about a child."),
    "case.unmatched": EventType(Kind.SECURITY, "The match of a request to a child was taken back."),
    "case.confidentiality_set": EventType(
        Kind.SECURITY, "Whether a request is kept from parents was set."
    ),
    "case.purged": EventType(
        Kind.DELETE, "A draft or a closed request whose time was over was deleted."
    ),
    # --- referrals by clinicians outside ----------------------------------------------------------
    "referral.claimed": EventType(
        Kind.SECURITY, "A draft begun without signing in became an account's."
    ),
    "referral.previewed": EventType(Kind.READ, "A clinician saw the assessment of a draft."),
    "referral.report_read": EventType(Kind.SIGN, "A referring clinician read the report."),
    # --- packets and opinions -------------------------------------------------------------------
    "packet.viewed": EventType(Kind.READ, "The packet of a request was opened."),
    "packet.exported": EventType(Kind.EXPORT, "The packet of a request, or a file, was taken out."),
    "opinion.viewed": EventType(Kind.READ, "An opinion was opened."),
    "opinion.saved": EventType(Kind.UPDATE, "A text of an opinion was saved."),
    "opinion.second_read": EventType(Kind.SIGN, "A second clinician read an opinion."),
    "opinion.signed": EventType(Kind.SIGN, "An opinion was signed."),
    "opinion.released": EventType(Kind.EXPORT, "A signed opinion was released."),
    "opinion.report_opened": EventType(Kind.READ, "A released report was opened the first time."),
    "opinion.report_viewed": EventType(Kind.READ, "A released report was looked at."),
    "opinion.report_exported": EventType(Kind.EXPORT, "A report was taken along as PDF."),
    # --- files ----------------------------------------------------------------------------------
    "files.taken": EventType(Kind.IMPORT, "A file was taken."),
    "files.refused": EventType(Kind.REFUSED, "A file was refused."),
    "files.scanned": EventType(Kind.RUN, "A file was scanned."),
    "files.removed": EventType(Kind.DELETE, "A file was removed."),
    "files.purged": EventType(Kind.DELETE, "Files whose time was over were deleted."),
    "files.opened_by_sender": EventType(Kind.READ, "A person opened a file that they sent."),
    "files.swept": EventType(Kind.DELETE, "Files that no row names were deleted."),
    # --- children and who may see them ------------------------------------------------------------
    "guardian.purged": EventType(Kind.DELETE, "A link that ended long ago was deleted."),
    "child.purged": EventType(Kind.DELETE, "A child whom nothing here needed was deleted."),
    "guardian.requested": EventType(Kind.CREATE, "Somebody asked to see a child's requests."),
    "guardian.confirmed": EventType(Kind.SECURITY, "An adult's access to a child was confirmed."),
    "guardian.listed": EventType(Kind.QUERY, "Links between adults and children were listed."),
    "guardian.viewed": EventType(Kind.READ, "An adult's link to a child was opened."),
    "child.viewed": EventType(Kind.READ, "A child's page was opened."),
    "child.numbered": EventType(Kind.SECURITY, "The hospital's number of a child was set."),
    "guardian.refused": EventType(Kind.SECURITY, "An adult's access to a child was refused."),
    "guardian.ended": EventType(Kind.SECURITY, "An adult's access to a child ended."),
    "guardian.end_asked": EventType(Kind.CREATE, "Somebody asked to end another's access."),
    "guardian.kept": EventType(Kind.SECURITY, "Access that somebody asked to end was kept."),
    "guardian.locked": EventType(Kind.SECURITY, "Access to a child was locked: a dispute."),
    "guardian.unlocked": EventType(Kind.SECURITY, "Access after a dispute was opened again."),
    "guardian.overridden": EventType(Kind.SECURITY, "Access was kept past an age, with a reason."),
    "guardian.assented": EventType(Kind.SECURITY, "A young person agreed to an adult's access."),
    "guardian.unassented": EventType(Kind.SECURITY, "A young person took agreement back."),
    # --- the programme's rules --------------------------------------------------------------------
    "rules.made": EventType(Kind.CREATE, "An edition of the programme's rules was written."),
    "rules.signed": EventType(Kind.SIGN, "An edition of the programme's rules was signed."),
    # --- keys and mail ----------------------------------------------------------------------------
    "rules.exported": EventType(Kind.EXPORT, "The programme's rules were exported."),
    "hold.set": EventType(Kind.SECURITY, "A legal hold was set: the row is kept past its time."),
    "upkeep.purged": EventType(Kind.RUN, "What was past its time was deleted."),
    "portal.restored": EventType(
        Kind.SECURITY, "The portal was made from a backup; what was recorded after it is lost."
    ),
    "keys.added": EventType(Kind.SECURITY, "A new key was added to the key ring."),
    "keys.resealed": EventType(Kind.SECURITY, "Values were sealed anew with the active key."),
    "keys.retired": EventType(Kind.SECURITY, "A key that nothing uses was taken away."),
    "notice.sent_again": EventType(Kind.UPDATE, "A mail that failed was put back to be sent."),
    "notice.settled": EventType(Kind.UPDATE, "A mail that failed was settled by hand."),
    # --- visits -----------------------------------------------------------------------------------
    "rule.added": EventType(Kind.CREATE, "Opening hours of a clinician were added."),
    "rule.withdrawn": EventType(Kind.UPDATE, "Opening hours of a clinician were withdrawn."),
    "closure.added": EventType(Kind.CREATE, "A time without visits was added."),
    "closure.lifted": EventType(Kind.UPDATE, "A time without visits was lifted."),
    "schedule.listed": EventType(Kind.QUERY, "The schedule was opened."),
    "slot.opened": EventType(Kind.UPDATE, "A time was opened."),
    "slot.closed": EventType(Kind.UPDATE, "A time was closed."),
    "slot.held": EventType(Kind.UPDATE, "A time was held for a family."),
    "slot.extended": EventType(Kind.UPDATE, "A held time was held longer."),
    "slot.released": EventType(Kind.UPDATE, "A held time was let go."),
    "visit.booked": EventType(Kind.CREATE, "A visit was booked."),
    "visit.viewed": EventType(Kind.READ, "A visit was opened."),
    "visit.purged": EventType(Kind.DELETE, "A visit whose time was over was deleted."),
    "visit.agreement_purged": EventType(
        Kind.DELETE, "An agreement to video whose time was over was deleted."
    ),
    "visit.moved": EventType(Kind.UPDATE, "A visit was moved."),
    "visit.cancelled": EventType(Kind.UPDATE, "A visit was cancelled."),
    "visit.marked": EventType(Kind.UPDATE, "What became of a visit was noted."),
    "visit.place_told": EventType(Kind.UPDATE, "A family told where the child is."),
    "video.agreed": EventType(Kind.SIGN, "Somebody agreed to a video visit."),
    "video.hosted": EventType(Kind.EXPORT, "A clinician opened a video room."),
    "video.joined": EventType(Kind.EXPORT, "A family joined a video room."),
    # --- blood counts ---------------------------------------------------------------------------
    "counts.pictures_kept": EventType(Kind.IMPORT, "Pictures of a printout were kept for an hour."),
    "counts.pictures_deleted": EventType(Kind.DELETE, "A family took pictures back."),
    "counts.pictures_purged": EventType(Kind.DELETE, "Pictures past their hour were deleted."),
    # --- the engine, for clinicians -------------------------------------------------------------
    "record.uploaded": EventType(Kind.IMPORT, "A record was uploaded to be assessed."),
    "report.opened": EventType(Kind.READ, "An assessment was opened."),
    "report.judged": EventType(Kind.SIGN, "A clinician judged an assessment."),
    "run.kept": EventType(Kind.CREATE, "An assessment was kept in a case."),
    # --- experts and ratings --------------------------------------------------------------------
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
