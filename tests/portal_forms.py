"""Finding the forms of a page as a browser would, and filling them well or badly."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from typing import Final
from urllib.parse import urljoin, urlsplit

import numpy as np

CANARY: Final = "canary4711"
MARK: Final = f'"><b id={CANARY}>'
"""If it comes back as it is, markup of a stranger would run in a page."""

PLAUSIBLE: Final = (
    "Sample",
    "555-0100",
    "one@tests.invalid",
    "2019-03-14",
    "14",
    "3",
    "2019",
    "7.5",
    "12.1 g/dL",
    "CO",
    "en",
    "yes",
    "Hemoglobin 9.8 g/dL 11.5-13.5 L",
    "date,HGB (g/dL),PLT (K/uL)\n2026-01-01,9.8,40\n",
)
HOSTILE: Final = (
    "",
    " ",
    "\x00",
    f"{CANARY}\x00",
    MARK,
    f"<script>{CANARY}</script>",
    f"javascript:alert('{CANARY}')",
    f"' OR 1=1; DROP TABLE {CANARY}; --",
    '=HYPERLINK("http://x.invalid")',
    "{{ 7|add:7 }}{% debug %}",
    "%s %d {0} {x!r}",
    "../../../../etc/passwd",
    "\r\nSet-Cookie: a=b",
    "-1",
    "0",
    "1e309",
    "NaN",
    "Infinity",
    "9" * 400,
    "٣٤",
    "9" * 40,
    "0000-00-00",
    "9999-12-31",
    "2024-02-30",
    "1" * 5000,
    "é" * 3000,
    "\u202e\u200b\ufeff\ufffe",
    "👩‍🔬" * 50,
    "[]",
    "null",
    "true",
    '{"a": ' * 500,
    "[" * 5000,
    '{"id": 4, "rawId": 4, "type": 4, "response": 4}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", '
    '"attestationObject": "AA", "authenticatorData": "AA", "signature": "AA"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
    '"attestationObject": "oA", "authenticatorData": "oA", "signature": null, "userHandle": "w"}}',
    "ß",
    "İ",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
)
FILES: Final = (
    b"",
    b"\x00" * 100,
    b"%PDF-1.7\n%%EOF",
    b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
    b"\xff\xd8\xff\xe0" + b"\x00" * 50,
    b"GIF89a" + b"\xff" * 20,
    b"PK\x03\x04" + b"\x00" * 50,
    b"date,HGB (g/dL),PLT (K/uL)\n2026-01-01,9.8,40\n",
    b"a,b\n" * 20_000,
    b"\xff\xfe" + "HGB".encode("utf-16-le"),
    b'{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": 4}]}',
    b'{"id": 1, "subject": null, "phenotypicFeatures": {}}',
    b"[" * 20_000,
    b"name,npi\n=cmd(),1\n",
    MARK.encode() * 100,
)
NAMES: Final = ("record.csv", "a.json", "scan.pdf", "photo.jpg", "", "../../x.png", "x" * 300)


@dataclass
class Control:
    """One control of a form."""

    name: str
    kind: str
    values: list[str] = field(default_factory=list)


@dataclass
class Found:
    """One form."""

    page: str
    action: str
    method: str = "post"
    controls: dict[str, Control] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[object, ...]:
        """What makes it another form than one seen before; ids in addresses do not."""
        path = tuple(
            p for p in urlsplit(self.action).path.split("/") if not any(map(str.isdigit, p))
        )
        return (path, tuple(self.controls), tuple(len(c.values) for c in self.controls.values()))


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.forms = page, list[Found]()
        self.inside: Found | None = None
        self.select: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            action = urljoin(self.page, given.get("action") or self.page)
            self.inside = Found(self.page, action, given.get("method", "get").lower())
            self.forms.append(self.inside)
        if self.inside is None:
            return
        name = given.get("name", "")
        if tag in ("input", "textarea", "select", "button") and name:
            kind = given.get("type", "text") if tag in ("input", "button") else tag
            control = self.inside.controls.setdefault(name, Control(name, kind))
            if "value" in given:
                control.values.append(given["value"])
            if tag == "select":
                self.select = control
        if tag == "option" and self.select is not None:
            self.select.values.append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        if tag == "select":
            self.select = None


def forms_of(page: str, html: str) -> list[Found]:
    """Give every form of a page.

    Args:
        page: its address.
        html: its text.
    """
    reader = _Reader(page)
    reader.feed(html)
    return reader.forms


def fill(form: Found, draw: np.random.Generator) -> dict[str, object]:
    """Fill a form: mostly as people do, often with what they never would."""
    mood = draw.random()
    return {
        control.name: value
        for control in form.controls.values()
        if control.name != "csrfmiddlewaretoken" and draw.random() < 0.95
        for value in [_value(control, mood, draw)]
        if value is not None
    } | ({f"extra-{CANARY}": MARK} if mood > 0.9 else {})


def _value(control: Control, mood: float, draw: np.random.Generator) -> object:
    good = draw.random() < (0.9 if mood < 0.5 else 0.4)
    if control.kind == "file":
        content, name = FILES[draw.integers(len(FILES))], NAMES[draw.integers(len(NAMES))]
        file = BytesIO(content)
        file.name = name
        return file if draw.random() < 0.7 else None
    if control.kind in ("radio", "checkbox", "select", "hidden", "submit", "button"):
        if good and control.values:
            chosen = [v for v in control.values if draw.random() < 0.4] or control.values[:1]
            if control.kind == "checkbox":
                return chosen
            return control.values[draw.integers(len(control.values))]
        return HOSTILE[draw.integers(len(HOSTILE))]
    choices = PLAUSIBLE if good else HOSTILE
    value = choices[draw.integers(len(choices))]
    return [value, HOSTILE[0]] if draw.random() < 0.03 else value
