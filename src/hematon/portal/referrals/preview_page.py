"""The preview as a document: the clinician report as it is, with what to do first on top."""

from __future__ import annotations

from datetime import UTC, datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hematon.engine.assessment import Assessment
from hematon.portal.care.models import Case
from hematon.portal.clinic.document import page
from hematon.portal.clinic.reading import knowledge
from hematon.portal.opinions.stated import facts_of
from hematon.portal.referrals.preview import CALL_NOW
from hematon.portal.referrals.reading import Read
from hematon.portal.referrals.steps import stated_of
from hematon.portal.ui.site import site
from hematon.portal.ui.templatetags.ui import tel


def preview_page(
    case: Case, assessment: Assessment, *, again: Read | None, at: datetime
) -> tuple[str, str]:
    """Write the preview of a draft.

    Args:
        case: the draft.
        assessment: of its answers.
        again: the record, where one is sent as data.
        at: now; aware.

    Returns:
        The document, and the content security policy that allows its style alone.
    """
    where = {"pk": case.pk}
    links = (
        (reverse("referral_check", kwargs=where), "Check your answers and send"),
        (reverse("referral_steps", kwargs=where), "Back to the pages of the referral"),
    )
    return page(
        assessment,
        knowledge(),
        links=links,
        by=case.answers.get("you", {}).get("name", "a clinician"),
        at=at.astimezone(UTC),
        notice=_notice(assessment) + _taken_in(case, again),
    )


def _taken_in(case: Case, again: Read | None) -> SafeString:
    """Say what the report takes in beside counts, and whether all of a record was read."""
    facts = facts_of(stated_of(case.answers))
    named = "; ".join(f"{fact.kind.lower()}: {fact.words}" for fact in facts)
    unread = ""
    if again is not None:
        notes = len(again.issues)
        unread = (
            f"Not read of your record, or doubtful: {notes} note{'' if notes == 1 else 's'}, "
            "under “Data quality”."
            if notes
            else "Nothing of your record was left unread."
        )
    return format_html(
        '<p class="portal-computed">Beside counts it takes in: {}. {}</p>',
        named or "nothing",
        unread,
    )


def _notice(assessment: Assessment) -> SafeString:
    day, night = site().phones.day, site().phones.night
    call = SafeString("")
    if assessment.urgency.level in CALL_NOW:
        call = format_html(
            '<p class="portal-call"><strong>Call us now: <a href="tel:{}">{}</a></strong> ({}), '
            'or <a href="tel:{}">{}</a> ({}). A rule for urgent counts fired. Do not wait for an '
            "answer to this form. In an emergency call {}.</p>",
            *(tel(day.number), day.number, day.hours),
            *(tel(night.number), night.number, night.hours),
            site().phones.emergency,
        )
    return format_html(
        '{}<p class="portal-computed"><strong>Computed, not a clinical judgement.</strong> Made '
        "from what you entered and nothing else, with published criteria. It is not sent: the "
        "team judges for itself.</p>",
        call,
    )
