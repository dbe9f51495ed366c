"""Tagged PDF: what is read aloud, in which order, and what is only decoration.

reportlab draws and does not tag. A canvas of our own marks what each flowable draws and writes the
structure tree beside it (ISO 32000-1, 14.7 and 14.8), so that a screen reader finds headings,
lists, tables with their headings, and pictures with their words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFDictionary,
    PDFName,
    PDFObjectReference,
    PDFString,
)
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table


@dataclass
class _Element:
    """A part of the structure.

    Attributes:
        marks: pages and numbers of the marked pieces it consists of, in place among the children.
    """

    role: str
    alt: str = ""
    children: list[_Element | tuple[str, int]] = field(default_factory=list)


class TaggedCanvas(Canvas):
    """A canvas that writes the structure of what is drawn."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._root = _Element("Document")
        self._open = [self._root]
        self._marked: list[list[_Element]] = [[]]
        self._inside = 0
        add = self._doc.addPage

        def add_page(page: Any) -> None:
            page.__NoDefault__ = [*page.__NoDefault__, "StructParents"]
            page.StructParents = len(self._marked) - 1
            page.Tabs = PDFName("S")
            page.__NoDefault__.append("Tabs")
            self._marked.append([])
            add(page)

        self._doc.addPage = add_page

    @contextmanager
    def grouped(self, role: str, alt: str = "") -> Iterator[None]:
        """Group what is drawn inside: a table, a row, a list."""
        element = _Element(role, alt)
        self._open[-1].children.append(element)
        self._open.append(element)
        try:
            yield
        finally:
            self._open.pop()

    @contextmanager
    def marked(self, role: str, alt: str = "") -> Iterator[None]:
        """Mark what is drawn inside as one piece."""
        if self._inside:
            # Pieces do not nest: what is drawn inside belongs to the outer one.
            yield
            return
        element = _Element(role, alt)
        pieces = self._marked[-1]
        self._open[-1].children.append(element)
        element.children.append((self._doc.thisPageName(), len(pieces)))
        self._code.append(f"/{role} <</MCID {len(pieces)}>> BDC")
        pieces.append(element)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._code.append("EMC")

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """Mark what is drawn inside as nothing to read: lines, footers, page numbers."""
        if self._inside:
            yield
            return
        self._code.append("/Artifact BMC")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._code.append("EMC")

    def save(self) -> None:
        """Write the structure, then the document."""
        if len(self._code):
            self.showPage()
        self._write_structure()
        super().save()

    def _write_structure(self) -> None:
        doc, names = self._doc, dict[int, str]()
        elements = list(_all(self._root))
        for number, element in enumerate(elements):
            names[id(element)] = f"Struct{number}"
        parents: dict[int, str] = {id(self._root): "StructRoot"}
        for element in elements:
            for child in element.children:
                if isinstance(child, _Element):
                    parents[id(child)] = names[id(element)]
        for element in elements:
            kids = [
                PDFObjectReference(names[id(child)])
                if isinstance(child, _Element)
                else PDFDictionary(
                    {
                        "Type": PDFName("MCR"),
                        "Pg": PDFObjectReference(child[0]),
                        "MCID": child[1],
                    }
                )
                for child in element.children
            ]
            entry: dict[str, Any] = {
                "Type": PDFName("StructElem"),
                "S": PDFName(element.role),
                "P": PDFObjectReference(parents[id(element)]),
                "K": PDFArray(kids),
            }
            if element.alt:
                entry["Alt"] = PDFString(element.alt)
            if element.role == "TH":
                entry["A"] = PDFDictionary({"O": PDFName("Table"), "Scope": PDFName("Column")})
            doc.Reference(PDFDictionary(entry), names[id(element)])
        numbers: list[Any] = []
        for page, pieces in enumerate(self._marked):
            numbers += [page, PDFArray([PDFObjectReference(names[id(one)]) for one in pieces])]
        tree = PDFDictionary(
            {
                "Type": PDFName("StructTreeRoot"),
                "K": PDFArray([PDFObjectReference(names[id(self._root)])]),
                "ParentTree": PDFDictionary({"Nums": PDFArray(numbers)}),
                "ParentTreeNextKey": len(self._marked),
            }
        )
        doc.Catalog.StructTreeRoot = doc.Reference(tree, "StructRoot")
        doc.Catalog.MarkInfo = PDFDictionary({"Marked": True})
        doc.Catalog.ViewerPreferences = PDFDictionary({"DisplayDocTitle": True})


def _all(element: _Element) -> Iterator[_Element]:
    yield element
    for child in element.children:
        if isinstance(child, _Element):
            yield from _all(child)


class TaggedParagraph(Paragraph):
    """A paragraph that says what it is by the name of its style: H1, H2, P, TH, TD."""

    def draw(self) -> None:
        """Draw it, marked."""
        with self.canv.marked(getattr(self.style, "role", "P")):
            super().draw()


class TaggedTable(Table):
    """A table with its rows and cells; its first rows are headings as often as they repeat.

    One that only lays pictures out (`role` is not Table) has no rows and cells to be read.
    """

    def __init__(self, *args: Any, role: str = "Table", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role = role

    def _renderCB(self, table: Any, event: str, *args: Any) -> None:  # noqa: N802 the library's
        canvas: TaggedCanvas = self.canv
        if event in ("startBG", "startLines"):
            self._enter(canvas.decoration())
        elif event == "startTable":
            self._held: list[Any] = []
            self._enter(canvas.grouped(self.role))
        elif event == "startRow":
            self._heads = args[0] < (self.repeatRows or 0)
            self._enter(canvas.grouped("TR") if self.role == "Table" else nullcontext())
        elif event == "startCell":
            cell = canvas.grouped("TH" if self._heads else "TD")
            self._enter(cell if self.role == "Table" else nullcontext())
        elif event.startswith("end"):
            self._held.pop().__exit__(None, None, None)

    def _enter(self, manager: Any) -> None:
        manager.__enter__()
        self._held.append(manager)


class Picture(Flowable):
    """A drawing with its words."""

    def __init__(self, drawing: Any, alt: str) -> None:
        super().__init__()
        self.drawing, self.alt = drawing, alt
        self.width, self.height = drawing.width, drawing.height

    def wrap(self, *available: float) -> tuple[float, float]:
        """Give its size."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw it, marked as one figure."""
        with self.canv.marked("Figure", self.alt):
            self.drawing.wrap(self.width, self.height)
            self.drawing.drawOn(self.canv, 0, 0)
