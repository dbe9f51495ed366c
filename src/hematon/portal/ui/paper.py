"""What our PDF documents share: letters that are embedded, styles, numbered pages, tables.

Fonts are DejaVu Sans Condensed, cut to Latin, Greek and Cyrillic letters and the signs of
laboratories (`fonts/LICENSE-DejaVu.txt`). A letter that it lacks is printed as a box, and the
document says so at its end: a name must not change silently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from django.utils import translation
from django.utils.translation import gettext as _
from reportlab.lib import colors
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    PageTemplate,
    Spacer,
    TableStyle,
)

from hematon.portal.ui.tagged import TaggedCanvas, TaggedParagraph, TaggedTable

_FONTS: Final = Path(__file__).parent / "fonts"
BODY, BOLD = "Hematon", "Hematon-Bold"
INK = colors.HexColor("#1f2a30")
QUIET = colors.HexColor("#4a5a60")
LINE = colors.HexColor("#b9b4a6")
SHADE = colors.HexColor("#eef0ee")
MARGIN = 0.8 * inch
WIDTH = LETTER[0] - 2 * MARGIN
BOX = "\u25a1"
_LONG: Final = 900
_MANY_LINES: Final = 20
_ROOM: Final = {"h1": 100, "h2": 80}
"""A heading goes to the next page where so little room is left; what follows may be torn apart."""


def _styles() -> dict[str, ParagraphStyle]:
    pdfmetrics.registerFont(TTFont(BODY, str(_FONTS / "DejaVuSansCondensed.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(_FONTS / "DejaVuSansCondensed-Bold.ttf")))
    pdfmetrics.registerFontFamily(BODY, normal=BODY, bold=BOLD, italic=BODY, boldItalic=BOLD)
    made: dict[str, ParagraphStyle] = {}

    def add(name: str, role: str, **fields: Any) -> None:
        made[name] = ParagraphStyle(name, textColor=INK, splitLongWords=1, **fields)
        made[name].role = role

    body = {"fontName": BODY, "fontSize": 9.6, "leading": 14}
    add("body", "P", **body, spaceAfter=6)
    add("lead", "P", fontName=BODY, fontSize=12, leading=17.5, spaceAfter=8)
    add("quiet", "P", fontName=BODY, fontSize=8.2, leading=11.5, spaceAfter=5)
    made["quiet"].textColor = QUIET
    add("title", "H1", fontName=BOLD, fontSize=22, leading=28, spaceAfter=6)
    add("h1", "H1", fontName=BOLD, fontSize=15, leading=20, spaceBefore=16, spaceAfter=6)
    add("h2", "H2", fontName=BOLD, fontSize=11, leading=15, spaceBefore=9, spaceAfter=3)
    add("item", "P", **body, spaceAfter=3, leftIndent=12, bulletIndent=1)
    add("cell", "P", fontName=BODY, fontSize=8.4, leading=11.4)
    add("head", "P", fontName=BOLD, fontSize=8.4, leading=11.4)
    add("mark", "P", fontName=BOLD, fontSize=9.2, leading=13, spaceAfter=8, borderPadding=6)
    made["mark"].borderColor, made["mark"].borderWidth = INK, 0.8
    made["mark"].spaceBefore = 6
    return made


@dataclass
class Paper:
    """One document while it is written.

    Attributes:
        title: neutral: it stands in lists of files that others see.
        foot: what stands on each page beside the number.
        language: of most of it.
        lost: letters that the font lacks.
    """

    title: str
    foot: str
    language: str = "en"
    story: list[Flowable] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Load the letters."""
        self.styles = _styles()
        with translation.override(self.language):
            self.page_words = _("Page {0} of {1}")
        self._glyphs = pdfmetrics.getFont(BODY).face.charToGlyph

    def text(self, words: object) -> str:
        """Give a text of somebody as text: no markup, no letter that would vanish."""
        shown = []
        for letter in str(words):
            if ord(letter) in self._glyphs or letter in "\n\t":
                shown.append(letter)
            elif letter != "\r":
                self.lost.add(letter)
                shown.append(BOX)
        return escape("".join(shown)).replace("\n", "<br/>")

    def paragraph(self, words: object, style: str = "body") -> TaggedParagraph:
        """Make a paragraph of plain text."""
        return TaggedParagraph(self.text(words), self.styles[style])

    def add(self, words: object, style: str = "body") -> None:
        """Add a paragraph of plain text; nothing for no text."""
        if not str(words).strip():
            return
        if style in _ROOM:
            self.story.append(CondPageBreak(_ROOM[style]))
        self.story.append(self.paragraph(words, style))

    def prose(self, words: str, style: str = "body") -> None:
        """Add a text of several paragraphs, parted by empty lines."""
        for part in words.replace("\r\n", "\n").split("\n\n"):
            self.add(part.strip(), style)

    def items(self, lines: Sequence[object]) -> None:
        """Add a list."""
        for line in lines:
            self.story.append(
                TaggedParagraph(self.text(line), self.styles["item"], bulletText="\u2022")
            )

    def gap(self, points: float = 6) -> None:
        """Add room."""
        self.story.append(Spacer(1, points))

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[object]], shares: Sequence[float]
    ) -> None:
        """Add a table whose head is on every page it reaches.

        Args:
            heads: of the columns.
            rows: texts or flowables.
            shares: of the width, by column.
        """
        body = [[self.paragraph(head, "head") for head in heads]]
        body += [
            [one if isinstance(one, Flowable) else self.paragraph(one, "cell") for one in row]
            for row in rows
        ]
        widths = [WIDTH * share / sum(shares) for share in shares]
        table = TaggedTable(
            body, colWidths=widths, repeatRows=1, hAlign="LEFT", spaceAfter=8, splitInRow=1
        )
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("BACKGROUND", (0, 0), (-1, 0), SHADE),
                    ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
                    ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 4),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
                ]
            )
        )
        self.story.append(table)

    def pairs(self, rows: Sequence[tuple[str, object]]) -> None:
        """Add names with what stands for them; a long text stands below its name."""
        kept: list[tuple[str, str]] = []
        for name, value in rows:
            said = str(value).strip()
            # A row is never torn apart, so that it must fit on a page.
            if len(said) > _LONG or said.count("\n") > _MANY_LINES:
                self._pairs(kept)
                kept = []
                self.story.append(self.paragraph(name, "head"))
                self.add(said)
            elif said:
                kept.append((name, said))
        self._pairs(kept)

    def _pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        body = [[self.paragraph(name, "head"), self.paragraph(said, "cell")] for name, said in rows]
        if not body:
            return
        table = TaggedTable(
            body, colWidths=[WIDTH * 0.28, WIDTH * 0.72], hAlign="LEFT", spaceAfter=8
        )
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
                ]
            )
        )
        self.story.append(table)


def printed(write: Callable[[], Paper]) -> bytes:
    """Give the document as PDF; the same words give the same bytes.

    Args:
        write: writes it anew each time: the first time tells how many pages there are.
    """
    pages = _built(write(), 0)[1]
    return _built(write(), pages)[0]


def _built(paper: Paper, of: int) -> tuple[bytes, int]:
    out, seen = BytesIO(), [0]
    if paper.lost:
        count = len(paper.lost)
        paper.add(
            f"{count} {'letter' if count == 1 else 'letters'} of what was typed cannot be printed "
            f"here and {'stands' if count == 1 else 'stand'} as {BOX}. The page shows them.",
            "quiet",
        )

    def foot(canvas: Any, document: Any) -> None:
        seen[0] = max(seen[0], document.page)
        with canvas.decoration():
            canvas.saveState()
            canvas.setStrokeColor(LINE)
            canvas.setLineWidth(0.5)
            canvas.line(MARGIN, 0.62 * inch, LETTER[0] - MARGIN, 0.62 * inch)
            canvas.setFont(BODY, 7.8)
            canvas.setFillColor(QUIET)
            canvas.drawString(MARGIN, 0.45 * inch, paper.foot)
            numbers = paper.page_words.format(document.page, of)
            canvas.drawRightString(LETTER[0] - MARGIN, 0.45 * inch, numbers)
            canvas.restoreState()

    document = BaseDocTemplate(
        out,
        pagesize=LETTER,
        title=paper.title,
        author="",
        creator="Hematon",
        producer="Hematon",
        lang=paper.language,
        invariant=1,
    )
    frame = Frame(MARGIN, 0.75 * inch, WIDTH, LETTER[1] - 0.75 * inch - 0.7 * inch, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate("page", [frame], onPage=foot))
    document.build(paper.story, canvasmaker=TaggedCanvas)
    return out.getvalue(), seen[0]
