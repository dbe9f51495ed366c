"""What other staff pages show of a case's packet and opinion: links and where each stands."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from hematon.portal.accounts.models import User
from hematon.portal.care.models import Case
from hematon.portal.clinic.reading import knowledge
from hematon.portal.opinions import access
from hematon.portal.opinions.models import Receiver
from hematon.portal.opinions.packet import Packet
from hematon.portal.opinions.plots import as_sent, band_source
from hematon.report import charts


@dataclass(frozen=True)
class Panel:
    """Links and states.

    Attributes:
        packet: address of the packet.
        assessment: address of what was computed from it.
        opinion: address of the opinion; empty for who may not read it.
        state: where the opinion stands, in words.
        tag: color of the tag that says so, as the design system names it.
        may_write: whether this person writes or signs it.
    """

    packet: str
    assessment: str
    opinion: str
    state: str
    tag: str
    may_write: bool


def panel_of(case: Case, user: User) -> Panel:
    """Give the panel of a case for a member of the team; use with `opinions/panel.html`."""
    state, tag = _state(case)
    return Panel(
        packet=reverse("packet", kwargs={"pk": case.pk}),
        assessment=reverse("case_assessment", kwargs={"pk": case.pk}),
        opinion=reverse("opinion", kwargs={"pk": case.pk}),
        state=state,
        tag=tag,
        may_write=access.may_write(user, case),
    )


def _state(case: Case) -> tuple[str, str]:
    opinion = access.opinion_of(case)
    if opinion is None:
        return "Not begun", "grey"
    latest = opinion.signed.order_by("-number").first()
    if latest is None or latest.revision.number < opinion.revision:
        before = "" if latest is None else f"; version {latest.number} is signed"
        return f"Being written, revision {opinion.revision}{before}", "yellow"
    given = {release.to: release for release in latest.releases.all()}
    if not given:
        return f"Version {latest.number} signed, not released", "blue"
    names = " and ".join(
        ("the family" if to == Receiver.FAMILY else "the doctor")
        + (", read" if given[to].readings.exists() else ", not read yet")
        for to in Receiver.values
        if to in given
    )
    return f"Version {latest.number} released to {names}", "green"


def charts_of(packet: Packet) -> list[tuple[str, SafeString, str]]:
    """Give the drawings of a packet for a page: name, picture, and where its band comes from."""
    if packet.assessment is None:
        return []
    known = knowledge()
    return [
        (
            known.analytes[analyte].name,
            # Written by our own markup, which escapes; see report.markup.
            mark_safe(charts.chart(packet.assessment, known, analyte)),  # noqa: S308 ours, see above
            band_source(known, analyte),
        )
        for analyte in charts.charted(packet.assessment, known)
        if as_sent(packet.assessment, analyte)
    ]
