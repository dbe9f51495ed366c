"""A receipt to keep: reference, date, kind and next steps; nothing that the family typed."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import ListFlowable, Paragraph, SimpleDocTemplate, Spacer

from hematon.portal.care.following import next_steps
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind
from hematon.portal.ui.site import site

# The fonts every reader of PDF has; their encoding holds every letter of English and Spanish.
_TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=11, leading=16, spaceAfter=6)
_HEAD = ParagraphStyle("head", parent=_TEXT, fontName="Helvetica-Bold", fontSize=14, leading=20)
_TITLE = ParagraphStyle("title", parent=_HEAD, fontSize=20, leading=26, spaceAfter=12)


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
    steps = steps or next_steps(case)
    if case.sent_at is None:
        raise ValueError("a draft has no receipt")
    sent_on = formats.date_format(case.sent_at.astimezone(here.zone).date(), "DATE_FORMAT")
    day, night = here.phones.day, here.phones.night
    calls = (
        f"{day.number} ({day.hours})",
        f"{night.number} ({night.hours})",
        _("In an emergency call %(number)s.") % {"number": here.phones.emergency},
    )
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=LETTER,
        leftMargin=inch,
        rightMargin=inch,
        topMargin=inch,
        bottomMargin=inch,
        # Neutral: a title stands in lists of files that others see.
        title=_("Receipt"),
        author=str(here.hospital),
        lang=get_language() or "en",
    )
    document.build(
        [
            _line(str(here.hospital), _TEXT),
            _line(title or _("Your request was sent"), _TITLE),
            _line(f"{_('Your reference')}: {case.reference}", _HEAD),
            _line(_("We received it on %(date)s.") % {"date": sent_on}, _TEXT),
            _line(f"{_('What you asked')}: {Kind(case.kind).label}", _TEXT),
            *([_line(files, _TEXT)] if files else []),
            Spacer(1, 8),
            _line(_("What happens next"), _HEAD),
            ListFlowable([_line(text, _TEXT) for text in steps], bulletType="1"),
            Spacer(1, 8),
            _line(_("Call us"), _HEAD),
            *(_line(text, _TEXT) for text in calls),
            _line(_("The reference alone opens nothing."), _TEXT),
        ]
    )
    return out.getvalue()


def _line(text: str, style: ParagraphStyle) -> Paragraph:
    # The library reads markup; what a site file says is text.
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Paragraph(escaped, style)
