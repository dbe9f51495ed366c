"""A family at its browser, for proofs under kill and load: pages, forms, files, and nothing else.

It speaks HTTP to gunicorn as nginx does (deploy/nginx/hematon.conf), keeps cookies, sends the
token of the form it was shown, and believes what it reads on a page and nothing besides.
"""

from __future__ import annotations

import http.client
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

HOST = "portal.proof.invalid"
TIMEOUT_SECONDS = 60
WITH_FILES = "question"
"""A kind of request that files can be sent with."""
_FILES = "files-"
"""Keys of questions that are answered with files begin so."""
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_REFERENCE = re.compile(r"HM-[0-9A-Z]{4}-[0-9A-Z]{4}")
_TASK = re.compile(r'href="(/[a-z]{2}/requests/[0-9a-f-]{36}/tasks/[a-z-]+/)"')

TEXTS: dict[str, dict[str, str]] = {
    "your-name": {"name": "Sample parent"},
    "who": {"relationship": "parent"},
    "phone": {"phone": "303 555 0100"},
    "language": {"language": "en", "other_language": ""},
    "interpreter": {"interpreter": "no"},
    "child-name": {"child_name": "Sample child"},
    "birth-date": {"month": "5", "day": "14", "year": "2019"},
    "worry": {"worry": "Low counts"},
    "symptoms": {"symptoms": "bruises"},
    "question": {"question": "What comes next?"},
    "blood-count": {"blood_count": "file"},
    "wish": {"wish": "How visits go"},
}
"""What a family types, by the key of the question."""
CALL = {
    "who": {"relationship": "parent"},
    "name": {"name": "Sample parent"},
    "phone": {"phone": "303 555 0100"},
    "time": {"time": "morning"},
    "language": {"language": "en", "other_language": ""},
    "interpreter": {"interpreter": "no"},
    "about": {"about": "other"},
    "note": {"note": "Call"},
}
"""The same for who asks to be called, without an account."""
MARKED = {"question": "question", "wish": "wish"}
"""The box of a question that takes the text by which a request is known again."""


class GoneError(Exception):
    """The server went away before its answer was there: what was asked may be done or not."""


class WrongError(Exception):
    """An answer that no family should see."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    place: str
    body: bytes
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Give the page."""
        return self.body.decode("utf-8", "replace")


@dataclass
class Browser:
    """One browser.

    Attributes:
        port: of the server on this machine.
        address: what the proxy says the family's network address is.
        watch: told of every request: kind, seconds, status; status 0 is no answer.
        kind: what the next requests count as.
        expects_faults: an answer of 500 and above is given like any other, instead of raised.
        comes_again: a page that says to come again (503) counts as no answer.
    """

    port: int
    address: str
    watch: Callable[[str, float, int], None] = lambda *_: None
    kind: str = "other"
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    expects_faults: bool = False
    comes_again: bool = False
    _line: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._ask("GET", path, None, "")

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form; the token is of the page that was opened last."""
        body = urlencode({"csrfmiddlewaretoken": self.token, **fields}).encode()
        return self._ask("POST", path, body, "application/x-www-form-urlencoded")

    def send_file(
        self, path: str, fields: Mapping[str, str], name: str, content: bytes, kind: str
    ) -> Answer:
        """Send a form with one file."""
        mark = secrets.token_hex(12)
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in {"csrfmiddlewaretoken": self.token, **fields}.items()
        ]
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        body = b"".join([*parts, head.encode(), content, f"\r\n--{mark}--\r\n".encode()])
        return self._ask("POST", path, body, f"multipart/form-data; boundary={mark}")

    def follow(self, answer: Answer) -> Answer:
        """Open the page that an answer leads to, until it is a page."""
        for _ in range(6):
            if answer.status not in (301, 302):
                return answer
            answer = self.get(answer.place)
        raise WrongError(f"{answer.path} leads in a circle")

    @contextmanager
    def counted_as(self, kind: str) -> Iterator[None]:
        """Count what is asked in the block as a kind."""
        before, self.kind = self.kind, kind
        try:
            yield
        finally:
            self.kind = before

    def close(self) -> None:
        """Let go of the connection, as a browser does after a while."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str) -> Answer:
        headers = {
            "Host": HOST,
            "X-Forwarded-For": self.address,
            "X-Forwarded-Proto": "https",
            "Accept-Language": "en",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) proof Firefox/140.0",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if body is not None:
            headers |= {"Content-Type": content_type, "Origin": f"https://{HOST}"}
        began = time.monotonic()
        try:
            line = self._line or http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=TIMEOUT_SECONDS
            )
            self._line = line
            line.request(method, path, body, headers)
            answer = line.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self.watch(self.kind, time.monotonic() - began, 0)
            raise GoneError(f"{method} {path.split('?')[0]}: {type(error).__name__}") from error
        self.watch(self.kind, time.monotonic() - began, answer.status)
        # nginx asks gunicorn on a new connection each time.
        self.close()
        for line_ in answer.msg.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line_).items():
                self.cookies[name] = morsel.value
        found = _TOKEN.search(content.decode("utf-8", "replace")) if method == "GET" else None
        if found:
            self.token = found[1]
        if answer.status == 503 and self.comes_again:
            raise GoneError(f"{method} {path.split('?')[0]}: to come again")
        if answer.status >= 500 and not self.expects_faults:
            raise WrongError(f"{method} {path} answered {answer.status}")
        parts = urlsplit(answer.getheader("Location", ""))
        place = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return Answer(answer.status, place, content, path, dict(answer.getheaders()))


def expect(answer: Answer, *statuses: int) -> Answer:
    """Refuse an answer that has none of these statuses."""
    if answer.status not in statuses:
        raise WrongError(f"{answer.path} answered {answer.status}, not {statuses}")
    return answer


def sign_in(browser: Browser, address: str, code_of: Callable[[str, int], str], had: int) -> None:
    """Sign in with a code from a mail.

    Args:
        browser: of the family.
        address: of its mailbox.
        code_of: waits for a mail to an address beyond the first so many, and gives its code.
        had: how many codes came to this address before.
    """
    browser.get("/en/account/sign-in/")
    expect(browser.post("/en/account/sign-in/", {"address": address}), 302)
    browser.get("/en/account/sign-in/code/")
    expect(browser.post("/en/account/sign-in/code/", {"code": code_of(address, had)}), 302)


def begin(browser: Browser, kind: str) -> str:
    """Begin a draft; give its id."""
    page = f"/en/requests/begin/{kind}/"
    expect(browser.get(page), 200)
    return expect(browser.post(page, {}), 302).place.split("/")[3]


def tasks_of(browser: Browser, pk: str) -> list[str]:
    """Give the addresses of a draft's tasks."""
    page = expect(browser.get(f"/en/requests/{pk}/tasks/"), 200)
    return list(dict.fromkeys(_TASK.findall(page.text)))


def answer_to(key: str, mark: str) -> dict[str, str]:
    """Give what a family types to a question, with the mark where there is room for it."""
    if key not in TEXTS:
        raise WrongError(f"tools/visitor.py has no answer to the question {key!r}")
    texts = dict(TEXTS[key])
    if key in MARKED:
        texts[MARKED[key]] += f" {mark}"
    return texts


def files_page(pk: str) -> str:
    """Give the page that takes files of a draft whose newest blood count comes as a file."""
    return f"/en/requests/{pk}/tasks/blood-count/{_FILES}newest-count/"


def answer_task(
    browser: Browser, task: str, mark: str, send_files: Callable[[str], None] = lambda page: None
) -> None:
    """Answer every question of a task.

    Args:
        browser: of the family.
        task: its address.
        mark: put into the text by which the request is known again.
        send_files: answers a question with files, on its page.
    """
    page = expect(browser.get(task), 302).place
    for _ in range(20):
        if page.endswith("/tasks/"):
            return
        key = page.rstrip("/").rpartition("/")[2]
        if key.startswith(_FILES):
            send_files(page)
        texts = {} if key.startswith(_FILES) else answer_to(key, mark)
        page = expect(browser.post(page, texts), 302).place
    raise WrongError(f"{task} does not end")


def seen_revision(page: Answer) -> str:
    """Give the revision that a check page shows; empty where it was sent already."""
    found = re.search(r'name="seen" value="(\d+)"', page.text)
    return found[1] if found else ""


def shown_reference(page: Answer) -> str:
    """Give the reference that a page shows."""
    found = _REFERENCE.search(page.text)
    if page.status != 200 or found is None:
        raise WrongError(f"{page.path} ({page.status}) shows no reference")
    return found[0]


def message_key(page: Answer) -> str:
    """Give the key of the box for messages on a page."""
    found = re.search(r'name="key"[^>]*value="([^"]+)"', page.text) or re.search(
        r'value="([^"]+)"[^>]*name="key"', page.text
    )
    if found is None:
        raise WrongError(f"{page.path} ({page.status}) has no box for messages")
    return unescape(found[1])


def links_of_files(page: Answer, names: Sequence[str]) -> dict[str, str]:
    """Give where each of these files opens, for those that the page lists."""
    found = {}
    for link, words in re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', page.text, re.DOTALL):
        for name in names:
            if name in words:
                found[name] = link
    return found
