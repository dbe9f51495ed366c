"""Canaries: a word of its own for every box of every form, and what else a box likes to be given.

A canary stands nowhere else, so that where it is found tells who typed it and into which box. A
phone number and a birth date cannot be words; they are one number and one day that nothing else
has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from portal_forms import Control

MARK: Final = "Zqcanary"
PHONE: Final = "(720) 555-0163"
PHONE_MARKS: Final = ("720 555 0163", "7205550163", "(720) 555-0163", "720-555-0163")
BORN: Final = ("2014", "8", "19")
BORN_MARKS: Final = ("2014-08-19", "August 19, 2014", "19 de agosto de 2014", "19 Aug 2014")
CHILD: Final = (Path(__file__).parents[1] / "examples" / "demo_child.json").read_text(
    encoding="utf-8"
)
TABLE: Final = "date,HGB (g/dL),MCV (fL),ANC (K/uL),PLT (K/uL)\n2026-10-02,9.8,101,1.9,68\n"
AS_IT_STANDS: Final = ("change_rules",)
"""Routes whose large box holds a file of settings, which must stay one."""
_WORD: Final = re.compile(rf"{MARK}[a-z]{{4}}x", re.IGNORECASE)


@dataclass(frozen=True)
class Box:
    """Who typed a word, and where."""

    person: str
    route: str
    name: str

    def __str__(self) -> str:
        """Name it."""
        return f"{self.person} {self.route}.{self.name}"


@dataclass
class Canaries:
    """Every canary and the box it was typed into."""

    of: dict[str, Box] = field(default_factory=dict)

    def new(self, person: str, route: str, name: str) -> str:
        """Give a word that was never used: letters alone, so that it passes for a name."""
        number, letters = len(self.of), ""
        for _ in range(4):
            letters = chr(ord("a") + number % 26) + letters
            number //= 26
        word = f"{MARK}{letters}x"
        self.of[word] = Box(person, route, name)
        return word

    def boxes(self, text: str) -> set[Box]:
        """Give the boxes whose canaries stand in a text."""
        words = {MARK + w[len(MARK) :].lower() for w in _WORD.findall(text)}
        return {self.of.get(word, Box("nobody", "?", word)) for word in words}

    def named(self, content: bytes) -> str:
        """Say what stands in bytes, for a line of the report."""
        text = content.decode("utf-8", "replace") + content.decode("utf-16-le", "replace")
        boxes = sorted(map(str, self.boxes(text)))[:6]
        return ", ".join(boxes) or "the phone number or the birth date"


def marks_in(content: bytes) -> int:
    """Count what must not be there: canaries, the phone number, the birth date."""
    lower, count = content.lower(), 0
    for mark in (MARK, *PHONE_MARKS, *BORN_MARKS):
        count += lower.count(mark.lower().encode())
        count += lower.count(mark.lower().encode("utf-16-le"))
    return count


def value_for(
    canaries: Canaries, person: str, route: str, control: Control, turn: int
) -> Any | None:
    """Give what a person enters into one control, a canary wherever words fit.

    Args:
        canaries: gives the word.
        person: who types.
        route: name of the route that the form is sent to.
        control: of the form.
        turn: how often this form was filled before; another choice is made each time.
    """
    name, kind = control.name.rpartition("-")[2], control.kind
    if kind == "hidden":
        return (control.values or [""])[0]
    if kind == "file":
        return table_file(canaries, person, route, control.name)
    if kind in ("radio", "select", "checkbox"):
        return _choice(control, turn)
    known = {
        "phone": PHONE,
        "adult_phone": PHONE,
        "month": BORN[1],
        "day": BORN[2],
        "year": BORN[0],
        "birth_date": BORN_MARKS[0],
        "until": "2027-05-20",
        "npi": "1234567893",
    }
    if name in known:
        return known[name]
    if kind == "date":
        return "2026-11-01"
    if kind == "number":
        return "7"
    if name.endswith(("value", "low", "high")) or "_value" in name:
        return {"low": "11.5", "high": "14.5"}.get(name.rpartition("_")[2], "9.8")
    if route in AS_IT_STANDS and name == "text":
        return (control.values or [""])[0]
    word = canaries.new(person, route, name)
    if route == "assess_record" and name == "text":
        return CHILD.replace('"id": "', f'"id": "{word}', 1)
    if route == "referral_question" and name == "text":
        return TABLE.replace("\n", f",{word}\n")
    if kind == "email" or name in ("address", "email", "login", "doctor_address"):
        return f"{word}@families.invalid"
    return f"{word} words"


def _choice(control: Control, turn: int) -> Any | None:
    name = control.name.rpartition("-")[2]
    values = [v for v in control.values if v]
    if not values:
        return "on" if control.kind == "checkbox" else None
    for wanted in ("no",) if name == "now" else ("confirm",) if turn == 0 else ():
        if wanted in values:
            return wanted
    chosen = values[turn % len(values)]
    return [chosen] if control.kind == "checkbox" else chosen


def table_file(canaries: Canaries, person: str, route: str, name: str) -> BytesIO:
    """Give a table of counts with a word in it, under a name that is a word."""
    word = canaries.new(person, route, f"{name} (content)")
    file = BytesIO(f"date,HGB (g/dL),PLT (K/uL),{word}\n2026-01-01,9.8,40,{word}\n".encode())
    file.name = f"{canaries.new(person, route, f'{name} (name)')}.csv"
    return file


def picture_file(canaries: Canaries, person: str, route: str, name: str) -> BytesIO:
    """Give a photo that says a word in what a camera writes beside the pixels."""
    word = canaries.new(person, route, f"{name} (beside the pixels)")
    # Noise: a flat picture would be the same few bytes again and again.
    picture, file = Image.effect_noise((320, 200), 80).convert("RGB"), BytesIO()
    picture.save(file, "JPEG", comment=word.encode())
    file.name = f"{canaries.new(person, route, f'{name} (name)')}.jpg"
    file.seek(0)
    return file
