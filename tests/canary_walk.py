"""People at browsers: who opens a page, fills its forms with canaries, and keeps what came back.

`do` sends one form of one page as a journey wants it. `crawl` opens every page that it can reach
and sends every form it meets. Both keep status, headers, addresses, titles and bodies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pypdfium2
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve

from canaries import BORN_MARKS, PHONE_MARKS, Box, Canaries, marks_in, value_for
from portal_forms import Control, Found, forms_of

LEFT_ALONE: Final = (
    "/logout/",
    "/sign-out/",
    "/account/delete/",
    "/end-sessions/",
    "/totp/deactivate/",
    "/csp-report",
    # Who is given a case may read it; the journeys give them to whom they are for.
    "/give/",
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
FORM_AGAIN: Final = (403, 409, 422)
"""A form comes back with what is wrong: its page is a screen as any other, unlike an error's."""
BOX_OF_PHONE, BOX_OF_BIRTH = Box("everybody", "", "phone"), Box("everybody", "", "birth date")


@dataclass(frozen=True)
class Seen:
    """One place of an answer where what was typed must not stand, with what stands there."""

    place: str
    where: str
    text: str


@dataclass
class Record:
    """What everybody saw.

    Attributes:
        screens: (route, person, box) of pages whose body shows what was typed, with how often.
        seen: addresses, titles, headers and bodies of errors.
        places: addresses that somebody was given a page at, or a link to.
        sent_to: routes of the forms that were sent.
    """

    canaries: Canaries
    screens: Counter[tuple[str, str, Box]] = field(default_factory=Counter)
    seen: list[Seen] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    places: dict[str, None] = field(default_factory=dict)
    sent_to: set[str] = field(default_factory=set)
    posted: int = 0

    def look(
        self, person: str, method: str, address: str, answer: HttpResponse, page: str = ""
    ) -> None:
        """Take an answer apart.

        Args:
            person: who asked.
            method: of the request.
            address: of the request.
            answer: what came back.
            page: on which the form stands that was sent; it is what comes back when it is refused.
        """
        self.statuses[answer.status_code] += 1
        self.posted += method == "POST"
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
        if answer.status_code >= 400 and answer.status_code not in FORM_AGAIN:
            self.seen.append(Seen("error page", here, text))
            return
        if method == "GET" and answer.status_code == 200:
            self.places[address] = None
            links = re.findall(r'<a [^>]*href="(/[^"#]*)"', text)
            self.places.update(dict.fromkeys(map(unescape, links)))
        for box in self._shown(text_of_pdf(body) if kind == "application/pdf" else text):
            self.screens[route_of(page or address), person, box] += 1

    def _shown(self, text: str) -> set[Box]:
        found = self.canaries.boxes(text)
        if any(mark in text for mark in PHONE_MARKS):
            found.add(BOX_OF_PHONE)
        if any(mark in text for mark in BORN_MARKS):
            found.add(BOX_OF_BIRTH)
        return found


def text_of_pdf(content: bytes) -> str:
    """Give the words of a document as a reader sees them: in its bytes they are packed."""
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def route_of(address: str) -> str:
    """Name the route of an address."""
    try:
        return resolve(urlsplit(address).path).url_name or "?"
    except Resolver404:
        return "no route"


class Walker:
    """One person with a browser."""

    def __init__(self, person: str, client: Client, record: Record, tries: int = 3) -> None:
        self.person, self.client, self.record = person, client, record
        self.tries = tries
        self.opened, self.looked = set[str](), set[str]()
        self.filled: Counter[tuple[object, ...]] = Counter()
        self.queue: list[str] = []

    # --- a step of a journey ---------------------------------------------------------------------

    def open(self, address: str) -> str:
        """Open a page; give the address of where that led.

        Raises:
            AssertionError: no page is there for this person.
        """
        self.here, self.text = self._follow(address, self._ask("GET", address))
        return self.here

    def do(self, address: str, act: str = "", /, *, keep: bool = False, **given: Any) -> str:
        """Open a page, fill the form that goes to an address ending so, and send it.

        Args:
            address: of the page.
            act: how the address of the form ends; the page's own address where it is empty.
            keep: leave what stands in the boxes already.
            given: what is entered, by name of the box, with `_` for `-`; None leaves a box out.
                Every other box gets what `canaries.value_for` gives.

        Returns:
            The address of where that led.

        Raises:
            AssertionError: there is no such form, or it was refused.
        """
        place = self.open(address)
        path = urlsplit(place).path
        forms = [f for f in forms_of(place, self.text) if f.method == "post"]
        fits = [f for f in forms if (p := urlsplit(f.action).path).endswith(act or path) and p]
        given = {self._box(fits, name): value for name, value in given.items()}
        # Of several forms to one address, the one that has the boxes.
        fits = [f for f in fits if given.keys() <= f.controls.keys()] or fits[:1]
        assert fits, f"{self.person}: no form to {act or path} on {place}"
        form = fits[0]
        _keep_texts(form, self.text)
        stands = {c.name: c.values[0] for c in form.controls.values() if keep and _stands(c)}
        # A button with a name is pressed where the journey says so; they mostly lead elsewhere.
        said = {**stands, **given}
        data = {**self._filled(form, 0, press=False, without=said), **said}
        data = {name: value for name, value in data.items() if value is not None}
        answer = self._send(form, data)
        wrong = answer.status_code >= 400 or b"<title>Error: " in answer.content
        said = re.sub(r"<[^>]+>", "", answer.content.decode("utf-8", "replace"))
        errors = re.findall(r"Error: *([^\n]+)", said)
        assert not wrong, f"{self.person}: {form.action} {answer.status_code} {errors}"
        self.here, self.text = self._follow(form.action, answer)
        return self.here

    @staticmethod
    def _box(forms: list[Found], name: str) -> str:
        names = {box for form in forms for box in form.controls}
        return name if name in names or "_" not in name else name.replace("_", "-", 1)

    def _follow(self, address: str, answer: HttpResponse) -> tuple[str, str]:
        for _ in range(6):
            where = answer.headers.get("Location", "")
            if not where.startswith("/"):
                break
            address = urljoin(address, where)
            answer = self._ask("GET", address)
        assert answer.status_code in (200, 204, 302), (
            f"{self.person}: {address} {answer.status_code}"
        )
        kind = answer.headers.get("Content-Type", "")
        return address, answer.content.decode() if kind.startswith("text/html") else ""

    # --- everything there is ---------------------------------------------------------------------

    def crawl(self, addresses: list[str], most: int, is_own: Callable[[str], bool]) -> None:
        """Open these and all that they lead to, and send every form.

        Args:
            addresses: where to begin.
            most: how many pages.
            is_own: whether a link leads to a page that is this person's to walk.
        """
        self.queue, self.is_own = list(dict.fromkeys(addresses)), is_own
        while self.queue and most > 0:
            address = self.queue.pop(0).partition("#")[0]
            if address not in self.opened and not _is_left_alone(address):
                most -= 1
                self.opened.add(address)
                self._went_to(address, self._ask("GET", address))

    def look_at(self, addresses: list[str]) -> None:
        """Open each of these once, and touch nothing."""
        for address in addresses:
            if address not in self.looked and not _is_left_alone(address):
                self.looked.add(address)
                self._ask("GET", address)

    def _ask(
        self, method: str, address: str, data: dict[str, Any] | None = None, page: str = ""
    ) -> HttpResponse:
        ask = self.client.post if method == "POST" else self.client.get
        answer: HttpResponse = ask(address, data or {})
        self.record.look(self.person, method, address, answer, page)
        return answer

    def _went_to(self, address: str, answer: HttpResponse) -> None:
        for _ in range(5):
            where = answer.headers.get("Location", "")
            if not where.startswith("/"):
                break
            address = urljoin(address, where)
            if _is_left_alone(address):
                return
            answer = self._ask("GET", address)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            return
        text = answer.content.decode()
        for form in forms_of(address, text):
            _keep_texts(form, text)
            path = urlsplit(form.action).path
            if form.method == "post" and path != "/language" and not _is_left_alone(path):
                self._try(form)
        for link in re.findall(r'<a [^>]*href="(/[^"#]*)"', text):
            place = unescape(link)
            known = place in self.opened or place in self.queue
            if not known and self.is_own(place) and self._is_new(place):
                self.queue.append(place)

    def _is_new(self, place: str) -> bool:
        # Of pages that differ by an id alone a few are enough.
        shape = ("link", route_of(place), urlsplit(place).path.split("/")[1])
        self.filled[shape] += 1
        return self.filled[shape] <= 4 * self.tries

    def _try(self, form: Found) -> None:
        shape = (*form.shape, urlsplit(form.action).path.split("/")[1])
        if self.filled[shape] < self.tries:
            self.filled[shape] += 1
            data = self._filled(form, self.filled[shape] - 1)
            self._went_to(form.action, self._send(form, data))

    def _send(self, form: Found, data: dict[str, Any]) -> HttpResponse:
        self.record.sent_to.add(route_of(form.action))
        return self._ask("POST", form.action, data, form.page)

    def _filled(
        self, form: Found, turn: int, *, press: bool = True, without: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Fill a form as it likes to be filled."""
        route, data = route_of(form.action), dict[str, Any]()
        submits = [c for c in form.controls.values() if c.kind in ("submit", "button")]
        for control in form.controls.values():
            if control in submits or control.name in ("csrfmiddlewaretoken", *without):
                continue
            value = value_for(self.record.canaries, self.person, route, control, turn)
            if value is not None:
                data[control.name] = value
        if submits and press:
            # One of the buttons is pressed, another at the next turn.
            pressed = submits[turn % len(submits)]
            data[pressed.name] = (pressed.values or [""])[0]
        return data


def _stands(control: Control) -> bool:
    return bool(control.values) and control.kind not in ("radio", "checkbox", "select", "submit")


def _is_left_alone(address: str) -> bool:
    return any(part in address for part in LEFT_ALONE)


def _keep_texts(form: Found, page: str) -> None:
    """Read what stands in the large boxes already."""
    boxes = r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>'
    for name, said in re.findall(boxes, page, re.DOTALL):
        control = form.controls.get(name)
        if control is not None and said.strip() and not control.values:
            control.values.append(unescape(said).lstrip("\n"))
