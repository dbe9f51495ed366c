"""A receipt to keep: reference, date, kind and next steps; nothing that the family typed."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hematon.portal.care.following import next_steps
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.ui.paper import Paper, printed
from hematon.portal.ui.site import site


def receipt_pdf(
    case: Case, *, title: str | None = None, steps: Sequence[str] | None = None, files: str = ""
) -> bytes:
    """Give the receipt of a sent case in the language of the page.

    Args:
        case: what was sent.
        title: its heading; a family's unless given.
        steps: what happens next; a family's unless given.
        files: how many files came with it, in words.
    """
    here = site()
    if case.sent_at is None:
        raise ValueError("a draft has no receipt")
    sent_on = formats.date_format(case.sent_at.astimezone(here.zone).date(), "DATE_FORMAT")
    day, night = here.phones.day, here.phones.night

    def written() -> Paper:
        # Neutral: a title stands in lists of files that others see.
        paper = Paper(_("Receipt"), str(case.reference), get_language() or "en")
        paper.add(here.hospital, "quiet")
        paper.add(title or _("Your request was sent"), "title")
        paper.add(_("Your reference: %(number)s") % {"number": case.reference}, "h2")
        paper.add(_("We received it on %(date)s.") % {"date": sent_on}, "lead")
        paper.add(_("What you asked: %(kind)s") % {"kind": Kind(case.kind).label}, "lead")
        paper.add(files, "lead")
        paper.add(_("What happens next"), "h1")
        paper.items(steps or next_steps(case))
        paper.add(_("Call us"), "h1")
        for phone in (day, night):
            paper.add(f"{phone.number} ({phone.hours})", "lead")
        paper.add(_("In an emergency call %(number)s.") % {"number": here.phones.emergency}, "lead")
        paper.add(_("The reference alone opens nothing."), "quiet")
        return paper

    return printed(written)
