"""Canaries: a text of its own for every box of every form, and people who type them everywhere.

A canary is a word that stands nowhere else, so that where it is found tells which box it leaked
from. The walker opens every page that it can reach, fills every form with what a form takes, and
keeps what the portal answered: status, headers, addresses, titles and bodies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve

from portal_forms import Control, Found, forms_of

MARK: Final = "Zqcanary"
PHONE: Final = "(720) 555-0163"
PHONE_MARKS: Final = ("720 555 0163", "7205550163", "(720) 555-0163")
BORN: Final = ("2014", "8", "19")
BORN_MARK: Final = "2014-08-19"
LEFT_ALONE: Final = (
    "/logout/",
    "/sign-out/",
    "/account/delete/",
    "/end-sessions/",
    "/totp/deactivate/",
    "/csp-report",
    # Public facts, typed by staff about staff: names, roster, awards. No family, no child.
    "/staff/people/",
    "/staff/roster/",
    "/staff/claims/",
    # They end the session of who walks, or lock it out; they are walked apart.
    "/sign-in/",
    "/account/sign-in/",
    "/clinicians/sign-in/",
    "/account/passkeys/",
    "/account/address/",
    "/account/sessions/",
    "/staff/sessions/",
)
AS_IT_STANDS: Final = ("change_rules",)
"""Routes whose large box holds a file of settings, which must stay one."""
CHILD: Final = (Path(__file__).parents[1] / "examples" / "demo_child.json").read_text(
    encoding="utf-8"
)


@dataclass
class Canaries:
    """Every canary and the box it was typed into."""

    of: dict[str, str] = field(default_factory=dict)

    def new(self, box: str) -> str:
        """Give a word that was never used: letters alone, so that it passes for a name."""
        number, letters = len(self.of), ""
        for _ in range(4):
            letters = chr(ord("a") + number % 26) + letters
            number //= 26
        word = f"{MARK}{letters}x"
        self.of[word] = box
        return word

    def boxes(self, text: str) -> list[str]:
        """Give the boxes whose canaries stand in a text."""
        found = re.findall(rf"{MARK}[a-z]{{4}}x", text, re.IGNORECASE)
        return sorted({self.of.get(MARK + w[len(MARK) :].lower(), f"? {w}") for w in found})


def marks_in(content: bytes) -> int:
    """Count what must not be there: canaries, the phone number, the birth date."""
    lower, count = content.lower(), 0
    for mark in (MARK, *PHONE_MARKS, BORN_MARK):
        count += lower.count(mark.lower().encode())
        count += lower.count(mark.lower().encode("utf-16-le"))
    return count


@dataclass(frozen=True)
class Seen:
    """One place of an answer where what was typed must not stand, with what stands there."""

    place: str
    where: str
    text: str


@dataclass
class Record:
    """What the walkers saw.

    Attributes:
        screens: (route, person) of pages whose body shows what was typed, with how often.
        seen: addresses, titles, headers and bodies of errors.
    """

    screens: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: list[Seen] = field(default_factory=list)
    asked: int = 0
    posted: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    forms: set[str] = field(default_factory=set)

    def look(self, person: str, method: str, address: str, answer: HttpResponse) -> None:
        """Take an answer apart."""
        self.asked += 1
        self.statuses[answer.status_code] += 1
        route = route_of(address)
        here = f"{person} {method} {route} {answer.status_code}"
        self.seen.append(Seen("address", here, address))
        for name, value in answer.headers.items():
            self.seen.append(Seen("header", f"{here} {name}", value))
        for name, cookie in answer.cookies.items():
            self.seen.append(Seen("cookie", f"{here} {name}", cookie.OutputString()))
        kind = answer.headers.get("Content-Type", "")
        pieces: Any = answer.streaming_content if answer.streaming else [answer.content]
        body = b"".join(pieces)
        text = body.decode("utf-8", "replace")
        if kind.startswith("text/html"):
            for title in re.findall(r"<title>(.*?)</title>", text, re.DOTALL):
                self.seen.append(Seen("title", here, unescape(title)))
            for link in re.findall(r'(?:href|action|src)="([^"]*)"', text):
                # A number to dial is on the screen of who calls, and asks no server.
                if marks_in(link.encode()) and not link.startswith("tel:"):
                    self.seen.append(Seen("address", f"{here} links to", unescape(link)))
        if answer.status_code >= 400 and answer.status_code not in (409, 422):
            self.seen.append(Seen("error page", here, text))
        elif marks_in(body):
            self.screens[route, person] += 1


def route_of(address: str) -> str:
    """Name the route of an address."""
    try:
        return resolve(urlsplit(address).path).url_name or "?"
    except Resolver404:
        return "no route"


class Walker:
    """One person with a browser, who fills every form that it meets."""

    def __init__(
        self, person: str, client: Client, canaries: Canaries, record: Record, tries: int = 3
    ) -> None:
        self.person, self.client, self.canaries, self.record = person, client, canaries, record
        self.tries = tries
        self.opened: set[str] = set()
        self.filled: Counter[tuple[object, ...]] = Counter()
        self.queue: list[str] = []

    def walk(self, addresses: list[str], most: int = 500) -> None:
        """Open these and all that they lead to."""
        self.queue = list(dict.fromkeys(addresses))
        while self.queue and most > 0:
            most -= 1
            self.open(self.queue.pop(0))

    def open(self, address: str) -> None:
        """Open a page once; send its forms."""
        plain = address.partition("#")[0]
        if plain in self.opened or any(part in plain for part in LEFT_ALONE):
            return
        self.opened.add(plain)
        self._went_to(plain, self._ask("GET", plain))

    def _ask(self, method: str, address: str, data: dict[str, Any] | None = None) -> HttpResponse:
        if method == "POST":
            self.record.posted += 1
            answer = self.client.post(address, data or {})
        else:
            answer = self.client.get(address, data or {})
        self.record.look(self.person, method, address, answer)
        return answer

    def _went_to(self, address: str, answer: HttpResponse) -> None:
        for _ in range(5):
            where = answer.headers.get("Location", "")
            if not where.startswith("/"):
                break
            address = urljoin(address, where)
            if any(part in address for part in LEFT_ALONE):
                return
            answer = self._ask("GET", address)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            return
        text = answer.content.decode()
        for form in forms_of(address, text):
            self._keep_texts(form, text)
            self._send(form)
        for link in re.findall(r'<a [^>]*href="(/[^"#]*)"', text):
            place = unescape(link)
            known = place in self.opened or place in self.queue or "/conditions/" in place
            if not known and self._is_new(place):
                self.queue.append(place)

    def _keep_texts(self, form: Found, page: str) -> None:
        """Read what stands in the large boxes already."""
        for name, said in re.findall(
            r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL
        ):
            control = form.controls.get(name)
            if control is not None and said.strip() and not control.values:
                control.values.append(unescape(said).lstrip("\n"))

    def _is_new(self, place: str) -> bool:
        # Of pages that differ by an id alone a few are enough.
        shape = ("link", route_of(place), urlsplit(place).path.split("/")[1])
        self.filled[shape] += 1
        return self.filled[shape] <= 12

    def _send(self, form: Found) -> None:
        path = urlsplit(form.action).path
        if any(part in path for part in LEFT_ALONE) or form.method != "post":
            return
        if path == "/language":
            return
        shape = (*form.shape, path.split("/")[1])
        if self.filled[shape] >= self.tries:
            return
        self.filled[shape] += 1
        self.record.forms.add(f"{route_of(form.action)}")
        data = self.fill(form, self.filled[shape] - 1)
        self._went_to(form.action, self._ask("POST", form.action, data))

    def fill(self, form: Found, turn: int) -> dict[str, Any]:
        """Fill a form as it likes to be filled, with a canary in every box for words."""
        route, data = route_of(form.action), dict[str, Any]()
        submits = [c for c in form.controls.values() if c.kind in ("submit", "button")]
        for control in form.controls.values():
            if control.name == "csrfmiddlewaretoken" or control in submits:
                continue
            value = self._value(route, control, turn)
            if value is not None:
                data[control.name] = value
        if submits:
            # One of the buttons is pressed, another at the next turn.
            pressed = submits[turn % len(submits)]
            data[pressed.name] = (pressed.values or [""])[0]
        return data

    def _value(self, route: str, control: Control, turn: int) -> Any:
        name, kind = control.name.rpartition("-")[2], control.kind
        if kind == "hidden":
            return (control.values or [""])[0]
        if kind == "file":
            return self._file(route, control)
        if kind in ("radio", "select", "checkbox"):
            values = [v for v in control.values if v]
            if not values:
                return "on" if kind == "checkbox" else None
            for wanted in ("no",) if name == "now" else ("confirm",) if turn == 0 else ():
                if wanted in values:
                    return wanted
            chosen = values[turn % len(values)]
            return [chosen] if kind == "checkbox" else chosen
        known = {
            "phone": PHONE,
            "month": BORN[1],
            "day": BORN[2],
            "year": BORN[0],
            "birth_date": BORN_MARK,
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
        word = self.canaries.new(f"{self.person} {route}.{name}")
        if route == "assess_record" and name == "text":
            return CHILD.replace('"id": "', f'"id": "{word}', 1)
        if kind == "email" or name in ("address", "email", "login"):
            return f"{word}@families.invalid"
        return f"{word} words"

    def _file(self, route: str, control: Control) -> BytesIO:
        word = self.canaries.new(f"{self.person} {route}.{control.name} (content)")
        named = self.canaries.new(f"{self.person} {route}.{control.name} (name)")
        file = BytesIO(f"date,HGB (g/dL),PLT (K/uL),{word}\n2026-01-01,9.8,40,{word}\n".encode())
        file.name = f"{named}.csv"
        return file


def leaks(record: Record, canaries: Canaries) -> Iterator[str]:
    """Give each place of an answer that shows what was typed and must not."""
    for seen in record.seen:
        if marks_in(seen.text.encode()):
            boxes = ", ".join(canaries.boxes(seen.text)) or "the phone number or the birth date"
            yield f"{seen.place}: {seen.where}: {boxes}"
