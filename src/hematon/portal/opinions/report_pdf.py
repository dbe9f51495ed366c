"""The report as it is signed: for the family first, in its language, then for the clinician.

It is made once, at the signature, and kept; every later opening gives these bytes. Nothing of what
the engine computed is in it.
"""

from __future__ import annotations

from datetime import date, datetime

from django.utils import formats, translation
from django.utils.translation import gettext as _
from reportlab.platypus import PageBreak

from hematon.portal.opinions.content import Content, is_for_family
from hematon.portal.opinions.models import Signed
from hematon.portal.opinions.packet import Packet
from hematon.portal.ui.paper import Paper, printed
from hematon.portal.ui.site import site


def report_pdf(packet: Packet, signed: Signed) -> bytes:
    """Give the report of a version that is being signed.

    Args:
        packet: the records it rests on.
        signed: the version, with everything but its document.
    """
    return printed(lambda: _written(packet, signed))


def _written(packet: Packet, signed: Signed) -> Paper:
    content = Content.of(signed.content)
    language = "es" if content.family_es and packet.case.language == "es" else "en"
    with translation.override(language):
        reference, report, version = packet.case.reference, _("Report"), _("Version")
        paper = Paper(
            f"{report} {reference}",
            f"{reference}   {version} {signed.number}",
            language,
        )
        _head(paper, packet, signed)
        if content.family_en or content.family_es:
            _family(paper, content, language)
    with translation.override("en"):
        _clinician(paper, packet, signed, content)
    return paper


def _day(at: datetime) -> str:
    return _date(at.astimezone(site().zone).date())


def _date(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")


def _head(paper: Paper, packet: Packet, signed: Signed) -> None:
    paper.add(f"{site().hospital}, {site().programme}", "quiet")
    paper.add(_("Report of our team"), "title")
    rows: list[tuple[str, object]] = [
        (_("Reference"), packet.case.reference),
        (_("Child"), packet.child),
        (
            _("Date of birth"),
            formats.date_format(packet.born, "DATE_FORMAT") if packet.born else "",
        ),
        (_("Signed by"), signed.by),
        (_("Signed on"), _day(signed.at)),
        (_("Version"), signed.number),
    ]
    if signed.replaces is not None:
        rows.append(
            (
                _("Replaces"),
                _("Version %(number)s of %(date)s")
                % {"number": signed.replaces.number, "date": _day(signed.replaces.at)},
            )
        )
    paper.pairs(rows)


def _family(paper: Paper, content: Content, language: str) -> None:
    paper.add(_("For the family"), "h1")
    paper.prose(content.family_es if language == "es" else content.family_en, "lead")
    if language == "es":
        paper.add(_("Spanish text: %(name)s.") % {"name": content.spanish_by}, "quiet")
    day, night = site().phones.day, site().phones.night
    paper.add(_("Call us if you have questions"), "h2")
    paper.items(
        [
            f"{day.number} ({day.hours})",
            f"{night.number} ({night.hours})",
            _("In an emergency call %(number)s.") % {"number": site().phones.emergency},
        ]
    )
    paper.add(_("We read records. We did not see or examine your child."))
    paper.add(
        _("The next pages are written for doctors. You can ask us about every word."), "quiet"
    )


def _clinician(paper: Paper, packet: Packet, signed: Signed, content: Content) -> None:
    if content.family_en or content.family_es:
        paper.story.append(PageBreak())
    paper.add("For clinicians", "title" if is_for_family(packet.case) else "h1")
    for number, one in enumerate(content.answers, start=1):
        paper.add(f"Question {number}: {one.question}", "h2")
        paper.prose(one.answer)
    for title, words in (
        ("Recommendations to consider", content.recommendations),
        ("What would change our mind", content.would_change),
        ("Limits: what was not seen", content.limits),
        ("Literature", content.references),
    ):
        if words:
            paper.add(title, "h1")
            paper.prose(words)
    if content.family_es and content.family_en and packet.case.language == "es":
        paper.add("The family's version in English", "h1")
        paper.prose(content.family_en)
    paper.add("What this rests on", "h1")
    paper.add(
        "Records alone: the child was not examined. The opinion is the signer's own; no part of it "
        "was written or chosen by a program."
    )
    draws = len({result.draw for result in packet.results})
    paper.pairs(
        [
            ("Blood counts read", f"{len(packet.results)} values of {draws} draws"),
            ("Files read", str(len(packet.files))),
            ("Not there", "; ".join(one.item for one in packet.missing)),
            ("Records as read (SHA-256)", signed.packet_hash),
            ("Revision signed", str(signed.revision.number)),
            *([("Reason for this version", signed.reason)] if signed.reason else []),
        ]
    )
    for reading in signed.revision.readings.select_related("by"):
        agrees = "agrees" if reading.agrees else "does not agree"
        paper.add(f"Second reader: {reading.by}, {_day(reading.at)}, {agrees}.")
    paper.add(
        f"Signed electronically by {signed.by}, {signed.at.astimezone(site().zone):%Y-%m-%d %H:%M} "
        f"{signed.at.astimezone(site().zone).tzname()}, after confirming who they are.",
        "mark",
    )
