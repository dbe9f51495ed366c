"""The few building blocks that the HTML report is made of.

Tables carry explicit roles because a narrow screen lays their rows out as blocks, which would
otherwise take the table away from a screen reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from hematon.report import wording
from hematon.report.markup import Child, Markup, element, join

LEVEL_CLASSES: Final = {
    "E": "level-now emergency",
    "U24": "level-now",
    "U72": "level-soon",
    "S2": "level-soon",
    "R": "level-later",
    "none": "level-later",
}


def section(name: str, title: str, *children: Child, class_: str | None = None) -> Markup:
    """Give a section with its heading; `name` is its anchor."""
    heading = element("h2", title, id=f"{name}-title")
    return element(
        "section", heading, *children, id=name, class_=class_, aria_labelledby=f"{name}-title"
    )


def table(
    caption: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    class_: str = "",
    *,
    under: tuple[str, Markup] | None = None,
) -> Markup:
    """Give a table whose first column names the row.

    Args:
        caption: what the table shows.
        headers: one for each column.
        rows: one text or markup for each column.
        class_: for the style sheet.
        under: a heading, and what is drawn under it.
    """
    drawn = dict([under] if under else [])
    head = [element("th", h, drawn.get(h), scope="col", role="columnheader") for h in headers]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head, role="row"), role="rowgroup"),
        element("tbody", (_row(headers, row) for row in rows), role="rowgroup"),
        class_=class_ or None,
        role="table",
    )


def _row(headers: Sequence[str], row: Sequence[str]) -> Markup:
    first = element("th", row[0], scope="row", role="rowheader")
    cells = zip(headers[1:], row[1:], strict=True)
    rest = [
        element("td", cell, class_="empty" if cell == "–" else None, data_label=head, role="cell")
        for head, cell in cells
    ]
    return element("tr", first, rest, role="row")


def details(summary: Child, *children: Child, open_: bool = False, class_: str = "") -> Markup:
    """Give something a reader may unfold."""
    return element(
        "details", element("summary", summary), *children, open=open_, class_=class_ or None
    )


def definitions(pairs: Iterable[tuple[str, Child]], class_: str) -> Markup:
    """Give label and value pairs."""
    rows = (element("div", element("dt", label), element("dd", value)) for label, value in pairs)
    return element("dl", rows, class_=class_)


def bullets(items: Iterable[Child], class_: str = "") -> Markup:
    """Give a list."""
    return element("ul", (element("li", item) for item in items), class_=class_ or None)


def paragraph(*children: Child, class_: str | None = None) -> Markup:
    """Give a paragraph."""
    return element("p", *children, class_=class_)


ADDRESSES: Final = {
    "PMID": "https://pubmed.ncbi.nlm.nih.gov/{}/",
    "OMIM": "https://omim.org/entry/{}",
    "ORPHA": "https://www.orpha.net/en/disease/detail/{}",
}
_REFERENCE: Final = re.compile(r"\b(PMID|OMIM|ORPHA):(\d+)\b")


def linked(text: str) -> Markup:
    """Give a text in which references to PubMed, OMIM and Orphanet are links."""
    pieces: list[Child] = []
    end = 0
    for match in _REFERENCE.finditer(text):
        address = ADDRESSES[match[1]].format(match[2])
        link = element("a", match[0], href=address, rel="noreferrer")
        pieces += [text[end : match.start()], link]
        end = match.end()
    return join(pieces, text[end:])


def reference(
    grade: str, source: Iterable[str], citations: Iterable[str], counted: str = ""
) -> Markup:
    """Give an evidence grade and its sources, linked to the list of citations."""
    known = frozenset(citations)
    links: list[Child] = []
    for name in source:
        links.append(", " if links else ": ")
        links.append(element("a", name, href=f"#source-{name}") if name in known else name)
    return element("span", wording.grade(grade, counted), join(links), class_="ref")
