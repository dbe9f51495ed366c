"""The packet as one PDF, in the order in which a reviewer reads.

Who asks what, and who may receive the answer; what is missing; the answers; counts as drawings and
as a table; files with their hashes; messages. What the engine computed follows on pages of its own,
then what clinicians said of it, as theirs.
Notes of the team are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from reportlab.platypus import CondPageBreak, PageBreak, TableStyle

from hematon.knowledge import Knowledge
from hematon.portal.care.models import ConsentScope
from hematon.portal.care.status import HoldReason, Kind, Stage, Status
from hematon.portal.clinic.models import Feedback
from hematon.portal.files.models import State
from hematon.portal.opinions import computed_pdf
from hematon.portal.opinions.models import About
from hematon.portal.opinions.packet import STATES, Packet
from hematon.portal.opinions.plots import Plot, plots
from hematon.portal.opinions.results import Result
from hematon.portal.ui.paper import WIDTH, Paper, printed
from hematon.portal.ui.site import site
from hematon.portal.ui.tagged import Picture, TaggedTable

_GAP: Final = 14.0
_REASONS: Final = dict(HoldReason.choices)


def packet_pdf(packet: Packet, knowledge: Knowledge) -> bytes:
    """Give the packet as PDF; the same packet gives the same bytes."""
    return printed(lambda: _written(packet, knowledge))


def _written(packet: Packet, knowledge: Knowledge) -> Paper:
    # Titles stand in lists of files and in windows: no name, no diagnosis.
    foot = f"{packet.case.reference}   For the care team. Made {_time(packet.at)}."
    paper = Paper(f"Packet {packet.case.reference}", foot)
    _cover(paper, packet)
    _missing(paper, packet)
    _answers(paper, packet)
    _counts(paper, packet, knowledge)
    _files(paper, packet)
    _messages(paper, packet)
    _course(paper, packet)
    if packet.assessment is not None:
        paper.story.append(PageBreak())
        computed_pdf.add(paper, packet.assessment, knowledge)
    else:
        paper.prose("Nothing was computed: the program failed on this record.")
    _judgements(paper, packet)
    return paper


def _time(at: datetime) -> str:
    here = at.astimezone(site().zone)
    return f"{here:%Y-%m-%d %H:%M} {here.tzname()}"


def _day(day: date | None) -> str:
    return day.isoformat() if day else "day not given"


def _cover(paper: Paper, packet: Packet) -> None:
    case = packet.case
    paper.add(f"{site().hospital.en}, {site().programme.en}", "quiet")
    paper.add(str(Kind(case.kind).label), "title")
    paper.add(f"Packet {case.reference}", "lead")
    asked, relation = packet.asker
    clock = f"answer due {_time(case.due_at)}" if case.due_at else ""
    if case.records_complete_at:
        clock = f"records complete {_time(case.records_complete_at)}; {clock}"
    stage = f", {str(Stage(case.stage).label).lower()}" if case.stage else ""
    paper.pairs(
        [
            ("Child, as the sender wrote it", packet.child or "Not asked for"),
            ("Date of birth", _born(packet)),
            ("Who asks", f"{asked}{f' ({relation})' if relation else ''}"),
            ("Language", f"{packet.language}{', interpreter needed' * case.interpreter}"),
            ("Sent", _time(case.sent_at) if case.sent_at else ""),
            ("Where it stands", f"{Status(case.status).label}{stage}"),
            ("Clock", clock or "The clock begins when the records are complete."),
            ("Owner", str(case.owner or "Nobody yet")),
            ("Reviewer", str(case.reviewer or "Nobody yet")),
        ]
    )
    paper.add("What is asked", "h1")
    for number, question in enumerate(packet.questions, start=1):
        paper.add(f"{number}. {question}", "lead")
    paper.add("Who may receive the report", "h1")
    paper.items(list(_receivers(packet)))
    paper.add("What this packet is", "h1")
    paper.add(
        "Records as the sender gave them. The child was not examined here. Values were typed from "
        "printouts and are not compared with the laboratory's own; the files are. What a program "
        "computed stands at the end, apart, and is no one's judgement."
    )


def _born(packet: Packet) -> str:
    if packet.born is None:
        return "Not asked for"
    today = packet.at.astimezone(site().zone).date()
    months = (today.year - packet.born.year) * 12 + today.month - packet.born.month
    months -= today.day < packet.born.day
    years, rest = divmod(max(months, 0), 12)
    return f"{packet.born.isoformat()} ({years} y {rest} mo when this was made)"


def _receivers(packet: Packet) -> Iterator[str]:
    if packet.case.kind == Kind.REFERRAL:
        yield "The referring clinician."
    else:
        yield "The family: adults whose link to the child staff have confirmed."
    for consent in packet.consents:
        if consent.scope == ConsentScope.REPORT_TO_DOCTOR:
            doctor = consent.signer.get("report_doctor", "")
            place = consent.signer.get("report_place", "")
            ended = f" TAKEN BACK {_time(consent.ended_at)}." if consent.ended_at else ""
            yield (
                f"Doctor {doctor}, {place}: agreed {_time(consent.at)} by "
                f"{consent.signer.get('name', '')} (text {consent.text}).{ended}"
            )
    agreed = any(c.scope == ConsentScope.REPORT_TO_DOCTOR for c in packet.consents)
    if packet.case.kind != Kind.REFERRAL and not agreed:
        yield "No doctor: the family has not agreed to that."


def _missing(paper: Paper, packet: Packet) -> None:
    paper.add("What is missing", "h1")
    if not packet.missing:
        paper.add("Nothing that was asked for is missing.")
        return
    owed = sum(one.owed for one in packet.missing)
    paper.add(
        f"{owed} of {len(packet.missing)} were promised and are not here. The rest the sender "
        "does not have; it may have to be asked for at the hospital."
    )
    owing = paper.paragraph("Owed", "head")
    rows = [(owing if one.owed else "Not there", one.item, one.said) for one in packet.missing]
    paper.table(("", "Record", "What the sender said"), rows, (1.1, 3.2, 4))


def _answers(paper: Paper, packet: Packet) -> None:
    paper.add("What was answered", "h1")
    for said in packet.said:
        paper.add(said.name, "h2")
        paper.pairs(said.rows)


def _counts(paper: Paper, packet: Packet, knowledge: Knowledge) -> None:
    paper.story.append(CondPageBreak(260))
    paper.add("Blood counts over time", "h1")
    if not packet.results:
        paper.add("No blood counts were typed. They may be in the files.")
        return
    drawn: tuple[Plot, ...] = ()
    if packet.assessment is not None:
        drawn = plots(packet.assessment, knowledge, packet.born, (WIDTH - _GAP) / 2)
    if drawn:
        paper.add(
            "Gray: reference band for the age"
            + (" and sex" if packet.assessment and packet.assessment.sex else ", both sexes")
            + ", with its limits at the right edge. Black: the child's values, converted to one "
            "unit. A hollow triangle is a bound and points where the value lies; a hollow circle "
            "was drawn under a treatment.",
            "quiet",
        )
        for row in (drawn[n : n + 2] for n in range(0, len(drawn), 2)):
            pictures = [Picture(plot.drawing, plot.alt) for plot in row]
            cells = [*pictures, *[""] * (2 - len(pictures))]
            column = (WIDTH - _GAP) / 2
            table = TaggedTable([cells], colWidths=[column + _GAP, column], role="Div")
            table.setStyle(TableStyle([(side, (0, 0), (-1, -1), 0) for side in _SIDES]))
            paper.story.append(table)
        bands = "; ".join(f"{plot.name.split(',')[0]}: {plot.source}" for plot in drawn)
        paper.add(f"Bands: {bands}. The sources are named with what was computed.", "quiet")
    elif packet.born is None:
        paper.add("Without a date of birth no value can be set against its age.", "quiet")
    paper.add("Values as they were typed", "h2")
    rows = [
        (
            _day(result.drawn),
            result.name,
            result.said,
            result.range or "not given",
            _flag(result),
        )
        for result in sorted(packet.results, key=lambda r: (r.drawn or date.min, r.draw))
    ]
    heads = ("Drawn", "Test", "Value", "Range of the laboratory", "Flag")
    paper.table(heads, rows, (1.5, 3, 2, 2.2, 1.3))


_SIDES: Final = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")


def _flag(result: Result) -> str:
    return {"H": "H, high", "L": "L, low", "other": "another flag"}.get(result.flag, "")


def _files(paper: Paper, packet: Packet) -> None:
    paper.add("Files", "h1")
    if not packet.files:
        paper.add("No file was sent.")
        return
    rows = []
    for stored in packet.files:
        acts = f"; acts when opened: {', '.join(stored.flags)}" if stored.flags else ""
        size = f"{stored.kind.upper()}, {max(stored.size // 1000, 1)} kB"
        rows.append(
            (
                stored.name,
                f"{size}\n{_time(stored.taken_at)}",
                STATES[stored.state] + acts,
                _folded(stored.sha256) if stored.state != State.INFECTED else "",
            )
        )
    heads = ("Name", "Kind, size, taken", "Scan", "SHA-256")
    paper.table(heads, rows, (2.6, 2, 2.2, 3.2))


def _folded(digest: str) -> str:
    return " ".join(digest[n : n + 8] for n in range(0, len(digest), 8))


def _messages(paper: Paper, packet: Packet) -> None:
    paper.add("Messages with the sender", "h1")
    if not packet.messages:
        paper.add("There are none.")
        return
    for message in packet.messages:
        who = f"The team ({message.by})" if message.from_staff else "The sender"
        private = ", for the young person alone" if message.confidential_to_minor else ""
        paper.add(f"{who}, {_time(message.at)}{private}", "h2")
        paper.prose(message.text)


def _judgements(paper: Paper, packet: Packet) -> None:
    if not packet.judgements:
        return
    paper.story.append(PageBreak())
    paper.add("What clinicians said of what was computed", "title")
    paper.add("Said by the clinicians who are named. Not computed.", "mark")
    for one in packet.judgements:
        accepted = one.outcome == Feedback.Outcome.ACCEPTED
        trial = ", a trial with one input changed" if one.run.change else ""
        paper.add(f"{About(one.about).label}: {one.item['name']}", "h2")
        paper.pairs(
            [
                ("Said", "Agrees" if accepted else "Disagrees"),
                ("Reason", dict(Feedback.Reason.choices).get(one.reason, "")),
                ("Comment", one.comment or ""),
                ("By", f"{one.by}, {_time(one.at)}"),
                ("Of", f"version {one.run.number}{trial}, input {one.run.input_hash[:16]}"),
            ]
        )


def _course(paper: Paper, packet: Packet) -> None:
    paper.add("What happened so far", "h1")
    rows = [
        (
            _time(step.at),
            f"{Status(step.status).label}"
            + (f", {str(Stage(step.stage).label).lower()}" if step.stage else ""),
            str(_REASONS.get(step.reason, step.reason)),
            str(step.by) if step.by and step.by.pk != packet.case.sender_id else "the sender",
        )
        for step in packet.steps
    ]
    paper.table(("When", "Step", "Reason", "By"), rows, (2, 3, 2.4, 2))
