"""The portal that `prove_faults.py` breaks, and what people have open there when a fault begins."""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import real_portal
import throwaway
import visitor
from visitor import Browser, expect
from with_postgres import free_port

from scanners import HAS_CLAMD, Clamd

ROOT = Path(__file__).parents[1]
DISK = "size=200m,mode=755"
CALLBACK = "/en/get-care/callback/"
SIGN_IN = "/en/account/sign-in/"


class Wire:
    """A port of this machine that leads to another, and can be cut and mended."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to, self.port, self.met = to, free_port(), 0
        self._door: socket.socket | None = None
        self._ends: set[socket.socket] = set()
        self.mend()

    def mend(self) -> None:
        """Lead on from now."""
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._open, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        """End what runs and let nobody in."""
        if self._door is not None:
            # Without it the port stays taken by the call that waits in accept.
            with suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            self._door = None
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _open(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = door.accept()
                self.met += 1
                there = socket.create_connection(self._to)
                self._ends |= {here, there}
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._ends.discard(end)


@dataclass(frozen=True)
class Call:
    """A request to be called, typed to the end and not sent."""

    browser: Browser
    page: str
    key: str

    def send(self) -> visitor.Answer:
        """Press the button."""
        return self.browser.post(self.page, {"key": self.key})


@dataclass(frozen=True)
class Open:
    """What people have before them when a fault begins.

    Attributes:
        calls: requests to be called, each ready to be sent.
        family: signed in.
        files: the page of the family's draft that takes files.
        asking: at the page where families sign in.
        address: what is typed there.
        staff: signed in.
        report: where the engine's report on a record that staff uploaded opens.
    """

    calls: list[Call]
    family: Browser
    files: str
    asking: Browser
    address: str
    staff: Browser
    report: str


@dataclass
class Site:
    """The portal under test, seen from the outside and from the inside.

    Attributes:
        server: gunicorn as in deploy/.
        mail: the mail server behind its wire.
        wires: to the mail server, to the vendor of video and, with PostgreSQL, to the database.
        disk: the small disk that holds its data, where one could be mounted.
        url: of the database, around its wire; None for SQLite.
        scanner: clamd, where it is installed.
        family: cookie of a family's session.
        staff: cookie of a session of staff with every role.
        referrer: cookie of a referring clinician's session.
        packet: page of the packet of a case with counts.
        referral: pages of a referral with counts that is not sent yet.
    """

    server: real_portal.Processes
    mail: real_portal.Mail
    wires: dict[str, Wire]
    disk: Path | None
    url: str | None
    scanner: Clamd | None = None
    family: str = ""
    staff: str = ""
    referrer: str = ""
    packet: str = ""
    referral: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def place(self) -> Path:
        """Give the portal's folder."""
        return Path(os.environ["HEMATON_PORTAL_DIR"])

    def browser(self, session: str = "") -> Browser:
        """Give a browser at a network address of its own, so that no limit of another's counts."""
        high, low = divmod(next(self._numbers), 250)
        cookies = {"__Host-session": session} if session else {}
        browser = Browser(self.server.port, f"10.1.{high}.{low + 1}", cookies=cookies)
        browser.expects_faults = True
        return browser

    def opened(self, calls: int) -> Open:
        """Let people come as far as one can before something is sent."""
        family, staff, asking = self.browser(self.family), self.browser(self.staff), self.browser()
        draft = visitor.begin(family, "question")
        task = f"/en/requests/{draft}/tasks/blood-count/"
        expect(family.get(expect(family.get(task), 302).place), 200)
        expect(family.post(f"{task}blood-count/", visitor.answer_to("blood-count", "")), 302)
        files = visitor.files_page(draft)
        expect(family.get(files), 200)
        expect(asking.get(SIGN_IN), 200)
        return Open(
            calls=[self._typed() for _ in range(calls)],
            family=family,
            files=files,
            asking=asking,
            address=f"family-{next(self._numbers)}@proof.invalid",
            staff=staff,
            report=_uploaded(staff),
        )

    def _typed(self) -> Call:
        """Let a family answer every question of a request to be called."""
        browser = self.browser()
        expect(browser.get(CALLBACK), 200)
        page = expect(browser.post(CALLBACK, {}), 302).place
        while (question := page.split("/")[-2]) in visitor.CALL:
            page = expect(browser.post(page, visitor.CALL[question]), 302).place
        return Call(browser, page, visitor.message_key(expect(browser.get(page), 200)))

    def check(self) -> str:
        """Give what `hematon portal check` says."""
        done = subprocess.run(
            [*throwaway.RUN, "portal", "--dir", str(self.place), "check"],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr


def _uploaded(staff: Browser) -> str:
    """Let staff upload a record; give the address of its report."""
    page = expect(staff.get("/staff/assess/"), 200)
    setting = re.search(r'name="setting"[^>]*value="([^"]+)"', page.text) or re.search(
        r'<option value="([^"]+)"', page.text
    )
    assert setting is not None
    child = (ROOT / "examples/demo_child.json").read_text(encoding="utf-8")
    return expect(staff.post("/staff/assess/", {"text": child, "setting": setting[1]}), 302).place


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """Mount a small disk for what is made in temporary folders, where the user may."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        yield None
        return
    place = Path(tempfile.mkdtemp(prefix="hematon-disk-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        place.rmdir()
        yield None
        return
    before, tempfile.tempdir = tempfile.tempdir, str(place)
    try:
        yield place
    finally:
        tempfile.tempdir = before
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@contextmanager
def running(disk: Path | None) -> Iterator[Site]:
    """Start a portal of its own, with wires around it.

    Args:
        disk: what its data lie on, told to whoever wants to fill it.
    """
    with ExitStack() as stack:
        # Not on the small disk: what is told there must be told when it is full, too.
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        mail = stack.enter_context(real_portal.made())
        wires = {
            "mail": Wire(("127.0.0.1", mail.sink.port)),
            "vendor": Wire(("127.0.0.1", 9)),
        }
        url = os.environ.get("HEMATON_DATABASE_URL")
        server = real_portal.Processes(logs / "server.log")
        site = Site(server, mail, wires, disk, url)
        if HAS_CLAMD:
            site.scanner = Clamd(logs)
            site.scanner.start()
            stack.callback(site.scanner.stop)
            os.environ["HEMATON_CLAMD_SOCKET"] = str(site.scanner.socket)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "fault_settings",
            "HEMATON_EMAIL_URL": f"smtp://127.0.0.1:{wires['mail'].port}",
            "HEMATON_VIDEO": f"https://127.0.0.1:{wires['vendor'].port}/{{room}}",
            "HEMATON_VIDEO_AGREEMENT": "2026-01-05",
        }
        import django

        django.setup()
        logging.disable(logging.CRITICAL)
        _people(site)
        if url is not None:
            # What is started from here on goes by the wire; this process looks around it.
            parts = urlsplit(url)
            wires["database"] = Wire((str(parts.hostname), int(parts.port or 5432)))
            place = f"{parts.username}:{parts.password}@127.0.0.1:{wires['database'].port}"
            os.environ["HEMATON_DATABASE_URL"] = urlunsplit(parts._replace(netloc=place))
        server.start(worker=False)
        stack.callback(server.stop)
        real_portal.wait_until_it_answers(server.port)
        yield site


def _people(site: Site) -> None:
    """Make a family, staff and a clinician, and what they have: a case, a referral with counts."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    import opinion_cases
    import referral_pages
    from hematon.portal.accounts.models import Kind, Role, StaffRole, User
    from hematon.portal.notify import sending

    def signed_in(user: User) -> Client:
        secure = {"X-Forwarded-Proto": "https", "Host": visitor.HOST}
        client = Client(headers=secure)
        client.force_login(user)
        return client

    def cookie(client: Client) -> str:
        return str(client.cookies[settings.SESSION_COOKIE_NAME].value)

    family = User.objects.create_without_password("family.a@proof.invalid", Kind.FAMILY)
    staff = User.objects.create_user("staff@proof.invalid")
    StaffRole.objects.bulk_create(StaffRole(user=staff, role=role) for role in Role)
    TOTP.activate(staff, generate_totp_secret())
    site.family, site.staff = cookie(signed_in(family)), cookie(signed_in(staff))
    case = opinion_cases.sent(sender=family)
    site.packet = f"/staff/cases/{case.pk}/packet/"
    referrer = User.objects.create_without_password("referrer.a@proof.invalid", Kind.REFERRER)
    client = signed_in(referrer)
    draft = referral_pages.begun(client)
    referral_pages.fill(client, draft)
    site.referral, site.referrer = referral_pages.at(draft), cookie(client)
    # What is owed for these goes now, and is in nobody's way.
    sending.send_due(timezone.now())
    connection.close()
