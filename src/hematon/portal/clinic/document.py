"""The report as a page of the portal: its own document, its own style allowed by hash.

`hematon.report.html` writes a whole document with its style inside. It is served as it is, with
a bar on top, at an address of its own: putting it inside the portal's layout would mix two style
sheets, and allowing any inline style would give up what the content security policy is for.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import mark_safe

from hematon.engine.assessment import Assessment
from hematon.knowledge import Knowledge
from hematon.report import html

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_BAR_STYLE = (
    ".portal-bar{border-bottom:2px solid var(--line);margin-bottom:1.2rem;padding-bottom:.6rem}"
    ".portal-bar a{padding:.7rem 0}"
    ".portal-call{border:3px solid #a3171e;border-radius:6px;padding:.8rem 1rem;margin:0 0 1rem}"
    ".portal-computed{border-left:6px solid var(--line);padding:.2rem 0 .2rem 1rem}"
    "@media print{.portal-bar nav{display:none}}"
)


def page(
    assessment: Assessment,
    knowledge: Knowledge,
    *,
    links: Iterable[tuple[str, str]],
    by: str,
    at: datetime,
    notice: str = "",
) -> tuple[str, str]:
    """Write the report with a bar on top.

    Args:
        assessment: what to report.
        knowledge: what it was made with.
        links: address and text of each link in the bar.
        by: who asked for it.
        at: when.
        notice: markup above all else, escaped by whoever made it.

    Returns:
        The document, and the content security policy that allows its style and nothing else.
    """
    report = html.render(assessment, knowledge)
    return framed(report, assessment.input_hash, links=links, by=by, at=at, notice=notice)


def framed(
    report: str,
    input_hash: str,
    *,
    links: Iterable[tuple[str, str]],
    by: str,
    at: datetime,
    notice: str = "",
) -> tuple[str, str]:
    """Put the bar on top of a report that was written before; see `page`.

    Args:
        report: by `hematon.report.html`.
        input_hash: of what it was made of.
        links: address and text of each link in the bar.
        by: who asked for it.
        at: when.
        notice: markup above all else, escaped by whoever made it.
    """
    # The record's own name stays out of the title: titles are kept in histories and tabs.
    document = _TITLE.sub("<title>Clinician report</title>", report, count=1)
    document = document.replace("</style>", _BAR_STYLE + "</style>", 1)
    bar = format_html(
        '<div class="portal-bar" role="region" aria-label="This report">'
        '{}<nav aria-label="Report"><ul>{}</ul></nav>'
        '<p class="note">{}Made for {} on {} UTC. Input {}.</p></div>',
        conditional_escape(notice),
        format_html_join("", '<li><a href="{}">{}</a></li>', links),
        "Demonstration: enter no real child. " if settings.DEMO else "",
        by,
        at.strftime("%Y-%m-%d %H:%M"),
        input_hash[:12],
    )
    # After the link to skip to the report, which must stay the first.
    document = document.replace("<header>", mark_safe(bar) + "<header>", 1)  # noqa: S308 ours
    style = _STYLE.search(document)
    digest = hashlib.sha256((style.group(1) if style else "").encode()).digest()
    allowed = base64.b64encode(digest).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; report-uri /csp-report"
    )
    return document, policy
