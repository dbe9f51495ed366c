"""Families and staff of `prove_load.py`: each does one thing, thinks, and does the next."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import visitor
from real_portal import Mail
from visitor import Answer, Browser, GoneError, WrongError, expect

READ = (
    "/en/",
    "/es/",
    "/en/conditions/",
    "/en/conditions/fanconi-anemia/",
    "/es/conditions/diamond-blackfan-anemia/",
    "/en/conditions/severe-congenital-neutropenia/",
    "/en/get-care/",
    "/en/get-help-now/",
    "/en/words/",
    "/en/search/?q=platelets",
    "/es/search/?q=plaquetas",
    "/en/experts/",
    "/en/video-visits/",
    "/en/requests/",
    "/en/account/",
)
MIX = {"read": 52, "counts": 5, "step": 25, "upload": 10, "send": 5, "message": 2, "sign in": 1}
"""Of a hundred things a family does. A draft is sent when every question has its answer."""
STAFF_MIX = {"staff list": 50, "staff item": 40, "staff reply": 10}
THINK, STAFF_THINK = (10.0, 30.0), (5.0, 15.0)
"""Seconds between two things, evenly drawn."""
MOST_FILES, MOST_SIGN_INS = 10, 4
"""What the portal takes of one page and one address; after it a person does something else."""
PASSWORD = "a long enough password"  # noqa: S105 of sample accounts in a portal of the proof
PRINTOUT = (
    "HGB 7.9 g/dL 11.5 - 14.5\r\nPLT 45 10^3/uL 150 - 450\r\nWBC 2.1 10^3/uL 4.5 - 13.5\r\n"
    "ANC 0.4 10^3/uL 1.5 - 8.0\r\n"
)
_ITEM = re.compile(r'href="(/staff/(?:cases|requests)/[0-9a-f-]{36}/)"')
_STATIC = re.compile(r'"(/static/[^"]+\.(?:css|js|woff2|svg))"')
_draw = secrets.SystemRandom()
Time = tuple[str, float, int, float]


@dataclass
class Noted:
    """What everyone wrote down.

    Attributes:
        times: kind, seconds, status and moment of each request; status 0 is no answer.
        references: shown, with the mark that stands in the request.
        files: listed.
        messages: keys that were acknowledged.
        wrong: answers that no one should see, and where nobody answered.
    """

    times: list[Time] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def watch(self, kind: str, seconds: float, status: int) -> None:
        """Note how long an answer took."""
        self.times.append((kind, seconds, status, time.monotonic()))


@dataclass
class Day:
    """What everyone has in common.

    Attributes:
        port: of the server.
        noted: what they write down.
        over: set when it is.
        tempo: share of the time that people think.
    """

    port: int
    noted: Noted
    over: threading.Event
    tempo: float = 1.0


class _Fields(HTMLParser):
    """Collects what a browser would send of a page's last form."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a field."""
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.found = {}
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in given or self._select not in self.found:
                self.found[self._select] = given.get("value", "")
        elif tag == "textarea":
            self.found[name] = ""
        elif tag == "input" and name:
            kind = given.get("type", "text")
            if kind not in ("submit", "file") and (
                kind not in ("radio", "checkbox") or "checked" in given
            ):
                self.found[name] = given.get("value", "on")

    def handle_endtag(self, tag: str) -> None:
        """Leave a list of choices."""
        if tag == "select":
            self._select = ""


def fields_of(page: Answer, form: str) -> dict[str, str]:
    """Give what a browser would send of one form of a page.

    Args:
        page: that was opened.
        form: words that stand in the form and in no other.
    """
    (part,) = [f for f in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if form in f][:1]
    reader = _Fields()
    reader.feed(part)
    return reader.found


class Person(threading.Thread):
    """Somebody at a browser."""

    mix: dict[str, int]
    think: tuple[float, float]

    def __init__(self, browser: Browser, day: Day) -> None:
        super().__init__(daemon=True)
        self.browser, self.day, self.noted = browser, day, day.noted
        self.late = 0.0
        browser.watch = self.noted.watch

    def acts(self) -> dict[str, Callable[[], None]]:
        """Say what this person does."""
        raise NotImplementedError

    def run(self) -> None:
        """Arrive some time after the start, then do one thing after the other."""
        if self.day.over.wait(self.late):
            return
        acts, first = self.acts(), "sign in"
        while True:
            kind = first or _draw.choices(list(self.mix), list(self.mix.values()))[0]
            try:
                with self.browser.counted_as(kind):
                    acts[kind]()
                first = ""
            except (GoneError, WrongError) as error:
                self.noted.wrong.append(str(error))
            self.browser.close()
            if self.day.over.wait(_draw.uniform(*self.think) * self.day.tempo):
                return


class Family(Person):
    """Reads, fills requests, sends files and messages."""

    mix, think = MIX, THINK

    def __init__(self, number: int, day: Day, mail: Mail, pdf: bytes) -> None:
        super().__init__(Browser(day.port, f"10.1.{number // 250}.{number % 250 + 1}"), day)
        self.address, self.mail, self.pdf = f"family-{number}@{visitor.HOST}", mail, pdf
        self.draft = self.mark = ""
        self.tasks: list[str] = []
        self.page, self.has_file = "", True
        self.sign_ins = self.in_draft = 0
        self.requests: list[str] = []

    def acts(self) -> dict[str, Callable[[], None]]:
        """Say what a family does."""
        return {
            "sign in": self._sign_in,
            "read": self._read,
            "counts": self._counts,
            "step": self._step,
            "upload": self._upload,
            "send": self._send,
            "message": self._message,
        }

    def _sign_in(self) -> None:
        if self.sign_ins == MOST_SIGN_INS:
            return self._read()
        self.sign_ins += 1
        self.browser.cookies.clear()
        first = self.browser.get("/en/")
        for place in dict.fromkeys(_STATIC.findall(first.text)):
            with self.browser.counted_as("static"):
                expect(self.browser.get(place), 200)
        had = self.mail.codes_to(self.address)
        visitor.sign_in(self.browser, self.address, self.mail.code, had)
        if not self.draft:
            # They come back to what they began, each at another question.
            with self.browser.counted_as("step"):
                for _ in range(_draw.randrange(6)):
                    self._step()
        return None

    def _read(self) -> None:
        expect(self.browser.follow(self.browser.get(_draw.choice(READ))), 200)

    def _counts(self) -> None:
        """Have a printout explained."""
        self.browser.get("/en/blood-counts/")
        expect(self.browser.post("/en/blood-counts/", {"now": "no"}), 302)
        self.browser.get("/en/blood-counts/paste/")
        asked = expect(self.browser.post("/en/blood-counts/paste/", {"text": PRINTOUT}), 302)
        page = expect(self.browser.follow(asked), 200)
        texts = fields_of(page, 'name="wish"') | {"wish": ""}
        texts.pop("csrfmiddlewaretoken", None)
        expect(self.browser.follow(self.browser.post(page.path, texts)), 200)
        self.browser.get("/en/blood-counts/")
        expect(self.browser.post("/en/blood-counts/delete/", {}), 302)

    def _begin(self) -> None:
        self.mark, self.page, self.has_file = secrets.token_hex(8), "", False
        draft = visitor.begin(self.browser, visitor.WITH_FILES)
        self.tasks = visitor.tasks_of(self.browser, draft)
        # Its other question is the page for files, answered by `_upload`.
        (count,) = [task for task in self.tasks if task.endswith("/blood-count/")]
        self.tasks.remove(count)
        answer = visitor.answer_to("blood-count", self.mark)
        expect(self.browser.post(f"{count}blood-count/", answer), 302)
        self.draft, self.in_draft = draft, 0

    def _step(self) -> None:
        """Answer one question."""
        if not self.draft:
            self._begin()
        if not self.page:
            if not self.tasks:
                return self._read()
            self.page = expect(self.browser.get(self.tasks.pop(0)), 302).place
        key = self.page.rstrip("/").rpartition("/")[2]
        expect(self.browser.get(self.page), 200)
        texts = visitor.answer_to(key, self.mark)
        place = expect(self.browser.post(self.page, texts), 302).place
        self.page = "" if place.endswith("/tasks/") else place
        return None

    def _upload(self) -> None:
        if not self.draft:
            self._begin()
        if self.in_draft == MOST_FILES:
            return self._step()
        page, name = visitor.files_page(self.draft), f"{secrets.token_hex(8)}.pdf"
        expect(self.browser.get(page), 200)
        # Unlike every other, as files are; a comment behind its end changes nothing else.
        content = self.pdf + f"\n%{name}\n".encode()
        sent = self.browser.send_file(page, {"upload": "1"}, name, content, "application/pdf")
        with self.browser.counted_as("upload listed"):
            listed = self.browser.follow(expect(sent, 302))
        if name not in visitor.links_of_files(listed, [name]):
            raise WrongError("a file was taken and is not listed")
        self.noted.files.append(name)
        self.has_file = True
        self.in_draft += 1
        return None

    def _send(self) -> None:
        if not self.draft or self.tasks or self.page:
            with self.browser.counted_as("step"):
                return self._step()
        if not self.has_file:
            with self.browser.counted_as("upload"):
                self._upload()
        self.noted.references[send(self.browser, self.draft)] = self.mark
        self.requests.append(self.draft)
        self.draft = ""
        return None

    def _message(self) -> None:
        if not self.requests:
            return self._read()
        page = f"/en/requests/{_draw.choice(self.requests)}/"
        key = visitor.message_key(self.browser.get(page))
        text = {"key": key, "text": f"Message {key}"}
        expect(self.browser.follow(expect(self.browser.post(f"{page}reply/", text), 302)), 200)
        self.noted.messages.append(key)
        return None


def send(browser: Browser, pk: str) -> str:
    """Send a draft whose questions are all answered; give the reference that is shown."""
    check = expect(browser.get(f"/en/requests/{pk}/check/"), 200)
    sent = browser.post(check.path, {"seen": visitor.seen_revision(check)})
    return visitor.shown_reference(browser.follow(expect(sent, 302)))


class Staff(Person):
    """Looks at lists and items, and answers."""

    mix, think = STAFF_MIX, STAFF_THINK

    def __init__(self, number: int, day: Day, email: str, secret: str) -> None:
        super().__init__(Browser(day.port, f"10.2.0.{number + 1}"), day)
        self.email, self.secret = email, secret
        self.lists = ["/staff/", "/staff/requests/", "/staff/inbox/"]
        self.items: list[str] = []

    def acts(self) -> dict[str, Callable[[], None]]:
        """Say what staff do."""
        return {
            "sign in": self._sign_in,
            "staff list": self._list,
            "staff item": self._item,
            "staff reply": self._reply,
        }

    def _sign_in(self) -> None:
        with self.browser.counted_as("staff sign-in"):
            self.browser.cookies.clear()
            self.browser.get("/sign-in/login/")
            named = {"login": self.email, "password": PASSWORD}
            expect(self.browser.post("/sign-in/login/", named), 302)
            self.browser.get("/sign-in/2fa/authenticate/")
            code = {"code": totp(self.secret)}
            expect(self.browser.post("/sign-in/2fa/authenticate/", code), 302)
            self.lists = [p for p in self.lists if self.browser.get(p).status == 200]

    def _list(self) -> None:
        page = expect(self.browser.get(_draw.choice(self.lists)), 200)
        self.items = list(dict.fromkeys(_ITEM.findall(page.text))) or self.items

    def _item(self) -> None:
        if not self.items:
            return self._list()
        expect(self.browser.get(_draw.choice(self.items)), 200)
        return None

    def _reply(self) -> None:
        """Answer an item: a message on its page, or what came of a call."""
        if not self.items:
            return self._list()
        page = expect(self.browser.get(self.items.pop(0)), 200)
        if 'name="outcome"' not in page.text:
            return None
        texts = fields_of(page, 'name="outcome"') | {"outcome": "reached"}
        texts.pop("csrfmiddlewaretoken", None)
        # 409: a colleague was first.
        expect(self.browser.post(page.path, texts), 302, 409)
        return None


def totp(secret: str) -> str:
    """Give the code that an authenticator app shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)  # noqa: TID251 it is the clock
    mac = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    at = mac[-1] & 0x0F
    number: int = struct.unpack(">I", mac[at : at + 4])[0]
    return f"{(number & 0x7FFFFFFF) % 10**6:06d}"
