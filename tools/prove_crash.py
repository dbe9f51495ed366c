"""Everything is killed with SIGKILL, again and again, while families send; nothing shown is lost.

    python tools/prove_crash.py                                 500 rounds, about 30 minutes
    python tools/prove_crash.py --rounds 12                     the short form
    python tools/with_postgres.py python tools/prove_crash.py   the same on PostgreSQL

    --server        on PostgreSQL: kill the database server as well, in every second round

In each round gunicorn (deploy/gunicorn.conf.py), the worker and two members of staff run as one
process group. Twenty families ask over HTTP: they sign in by code, fill requests page by page, send
files (PDF and CSV, scanned or held), send, press twice, write messages, and ask to be called
without an account. After one to 150 answers, at no moment in particular, the whole group is
killed and started again on the same data. Families go on as people do: they open the page again,
or press again.

They write down what a page showed them. At the end (T-36, T-37; docs/decisions/0022, 0025, 0028):

    every reference shown is there once, with what was typed; no form was kept twice;
    every file that was listed is there once, opens through its page, byte for byte as it was sent;
    every message acknowledged, by either side, is there once;
    no content without a row is left after the sweep, no row is without its content;
    the audit's chain is whole, and has one line for each request sent;
    every mail owed was received; again only where a worker died with it in its hands.

Loading the program takes seconds, which 500 rounds would mostly consist of: so a process that has
loaded it, and holds no connection, makes the group by fork; every 25th round starts by the commands
of deploy/systemd. Leases of mail are five seconds instead of ten minutes, so that the next rounds
meet them lapsed; those of the 25th rounds are not.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import crash_group
import crash_server
import real_portal
import visitor
from crash_figures import Request, Told, figures
from real_portal import Mail, Processes
from visitor import Browser, GoneError, WrongError, expect

COLD_EVERY = 25
KINDS = (3, 5, 2)
"""How often what is asked: files go with some kinds only."""
_draw = secrets.SystemRandom()
T = TypeVar("T")


class Family(threading.Thread):
    """Sends one request after the other until the proof is over; a dead server stops nobody."""

    def __init__(
        self,
        number: int,
        port: int,
        mail: Mail,
        told: Told,
        over: threading.Event,
        *,
        comes_again: bool,
    ) -> None:
        super().__init__(daemon=True)
        self.address = f"family-{number}@{visitor.HOST}"
        self.browser = Browser(port, f"10.0.0.{number}", watch=self._count, comes_again=comes_again)
        self.mail, self.told, self.over = mail, told, over
        self.signed_in = threading.Event()

    def _count(self, kind: str, seconds: float, status: int) -> None:
        self.told.asked[status] += 1

    def run(self) -> None:
        """Do what families do."""
        self._again(self._sign_in)
        self.signed_in.set()
        while not self.over.is_set():
            kind = _draw.choices(("learn-more", "question", "call"), KINDS)[0]
            one = Request(secrets.token_hex(8), kind)
            try:
                (self._call if kind == "call" else self._request)(one)
            except WrongError as error:
                self.told.wrong.append(str(error))

    def _again(self, act: Callable[[], T]) -> T:
        """Do something until there is an answer; it must be something that one may do again."""
        while True:
            try:
                return act()
            except GoneError:
                time.sleep(_draw.uniform(0.05, 0.4))

    def _request(self, one: Request) -> None:
        files = self._planned(one) if one.kind == visitor.WITH_FILES else {}
        one.pk = self._again(lambda: visitor.begin(self.browser, one.kind))
        for task in self._again(lambda: visitor.tasks_of(self.browser, one.pk)):
            self._again(
                lambda task=task: visitor.answer_task(
                    self.browser, task, one.mark, lambda page: self._upload(one, page, files)
                )
            )
        self._again(lambda: self._send(one))
        self.told.requests.append(one)
        for _ in range(_draw.choice((0, 1, 2))):
            self._write(one)
        for digest, link in list(one.files.values())[:1]:
            answer = self._again(lambda link=link: expect(self.browser.get(link), 200))
            if hashlib.sha256(answer.body).hexdigest() != digest:
                raise WrongError("a file came back with another content")
            self.told.opened += 1

    def _sign_in(self) -> None:
        had = self.mail.codes_to(self.address)
        visitor.sign_in(self.browser, self.address, self.mail.code, had)

    def _planned(self, one: Request) -> dict[str, bytes]:
        """Give the files that go with a request, by their names."""
        found = {}
        for number in range(_draw.choice((1, 1, 2))):
            is_pdf = _draw.random() < 0.25
            name = f"{one.mark}-{number}.{'pdf' if is_pdf else 'csv'}"
            found[name] = a_pdf(one.mark) if is_pdf else a_csv(one.mark)
        return found

    def _upload(self, one: Request, page: str, files: dict[str, bytes]) -> None:
        """Send the files that the page does not list yet; write down those that it lists."""
        listed = expect(self.browser.get(page), 200)
        for name, content in files.items():
            if not visitor.links_of_files(listed, [name]):
                kind = "application/pdf" if name.endswith(".pdf") else "text/csv"
                sent = self.browser.send_file(page, {"upload": "1"}, name, content, kind)
                listed = expect(self.browser.follow(expect(sent, 302)), 200)
            link = visitor.links_of_files(listed, [name]).get(name)
            if link is None:
                raise WrongError("a file was taken and is not listed")
            one.files[name] = hashlib.sha256(content).hexdigest(), link

    def _send(self, one: Request) -> None:
        page = f"/en/requests/{one.pk}/check/"
        seen = visitor.seen_revision(check := self.browser.get(page))
        if seen:
            if one.mark not in check.text:
                raise WrongError("an answer that was acknowledged is not on the check page")
            self._press(page, {"seen": seen})
        elif check.status != 200:
            raise WrongError(f"{check.path}: an acknowledged answer is missing")
        shown = visitor.shown_reference(self.browser.get(f"/en/requests/{one.pk}/sent/"))
        if one.reference not in ("", shown):
            raise WrongError("a reference changed")
        one.reference = shown

    def _press(self, page: str, fields: dict[str, str]) -> None:
        """Send a form, sometimes with a double click."""
        twin = None
        if _draw.random() < 0.2:
            other = Browser(
                self.browser.port,
                self.browser.address,
                cookies=dict(self.browser.cookies),
                token=self.browser.token,
                comes_again=self.browser.comes_again,
            )
            twin = threading.Thread(target=_in_vain, args=(other, page, fields), daemon=True)
            twin.start()
        try:
            expect(self.browser.post(page, fields), 302)
        finally:
            if twin is not None:
                twin.join()

    def _write(self, one: Request) -> None:
        page = f"/en/requests/{one.pk}/"
        key = self._again(lambda: visitor.message_key(self.browser.get(page)))
        text = f"Message {key}"
        self._again(lambda: self._press(f"{page}reply/", {"key": key, "text": text}))
        one.messages[key] = text

    def _call(self, one: Request) -> None:
        """Ask to be called, in a browser that is not signed in."""
        own, self.browser = self.browser, Browser(self.browser.port, self.browser.address)
        self.browser.watch, self.browser.comes_again = self._count, own.comes_again
        try:
            page = self._again(self._begin_call)
            while page.split("/")[-2] in visitor.CALL:
                texts = dict(visitor.CALL[page.split("/")[-2]])
                if "note" in texts:
                    texts["note"] += f" {one.mark}"
                page = self._again(
                    lambda page=page, texts=texts: expect(self.browser.post(page, texts), 302)
                ).place
            check = self._again(lambda: expect(self.browser.get(page), 200))
            key = visitor.message_key(check)
            self._again(lambda: self._press(page, {"key": key}))
            sent = self._again(lambda: self.browser.follow(self.browser.post(page, {"key": key})))
            one.reference = visitor.shown_reference(sent)
        finally:
            self.browser.close()
            self.browser = own
        self.told.requests.append(one)

    def _begin_call(self) -> str:
        expect(self.browser.get("/en/get-care/callback/"), 200)
        return expect(self.browser.post("/en/get-care/callback/", {}), 302).place


def _in_vain(browser: Browser, page: str, fields: dict[str, str]) -> None:
    """Press the same button at the same moment; what comes of it is looked at in the end."""
    try:
        browser.post(page, fields)
    except (GoneError, WrongError):
        pass
    finally:
        browser.close()


def a_csv(mark: str) -> bytes:
    """Give a small table of counts that is kept as it is."""
    return f"Test,Value,Unit,Note\nHGB,7.9,g/dL,{mark}\nPLT,45,10*9/L,\n".encode()


def a_pdf(mark: str) -> bytes:
    """Give a page with a line of counts."""
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 720, f"HGB 7.9 g/dL 11.5 - 14.5 {mark}")
    canvas.save()
    return out.getvalue()


def main() -> int:
    """Prove it and print the figures.

    Returns:
        0 when all holds, else 1.
    """
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--rounds", type=int, default=500)
    words.add_argument(
        "--minutes", type=float, default=0, help="stop after these, if it comes first"
    )
    words.add_argument("--writers", type=int, default=20)
    words.add_argument("--cold-every", type=int, default=COLD_EVERY)
    words.add_argument(
        "--server",
        action="store_true",
        help="PostgreSQL: kill its server, too, in every second round",
    )
    asked = words.parse_args()
    # The scanner hangs up on one file in five: those are held, and looked at again by the worker.
    with real_portal.made(0.002, lambda: _draw.random() > 0.2) as mail:
        return prove(mail, asked)


def prove(mail: Mail, asked: argparse.Namespace) -> int:
    """Run the rounds in the portal that this process's environment names."""
    rounds, writers, cold_every = asked.rounds, asked.writers, asked.cold_every
    import django

    django.setup()
    from django.db import connection, connections
    from django.utils import timezone

    from hematon.portal.accounts.models import Role, StaffRole, User
    from hematon.portal.notify import access, sending
    from hematon.portal.notify.models import Notice

    if asked.server and connection.vendor != "postgresql":
        raise SystemExit("--server: SQLite has no server; run it under tools/with_postgres.py")
    intake = User.objects.create_user(crash_group.INTAKE)
    StaffRole.objects.create(user=intake, role=Role.INTAKE)
    connections.close_all()
    folder = Path(os.environ["HEMATON_PORTAL_DIR"])
    noted, log = folder / "noted", folder / "log"
    noted.touch()
    processes = Processes(log)
    station = crash_group.Station(processes.port, noted, log)
    told, over = Told(), threading.Event()
    families = [
        # Between the kills of the database server and of everything else, pages say to come again.
        Family(i, processes.port, mail, told, over, comes_again=asked.server)
        for i in range(1, writers + 1)
    ]
    began, waited, in_hands, kills = time.monotonic(), 0.0, 0, 0
    processes.start()
    real_portal.wait_until_it_answers(processes.port)
    # Before the first kill: an address gets five codes in 15 minutes. Sessions outlive the kills.
    for family in families:
        family.start()
    for family in families:
        family.signed_in.wait(timeout=120)
    processes.stop()

    def answered() -> int:
        """Say how many requests were answered so far."""
        return sum(list(told.asked.values())) - told.asked[0] - told.asked[503]

    for number in range(1, rounds + 1):
        at, is_cold = timezone.now(), number % cold_every == 0
        also = crash_server.kill if asked.server and number % 2 else None
        waited += crash_group.one_round(station, processes, answered, cold=is_cold, also=also)
        if also is not None:
            crash_server.wait()
            kills += 1
        lease = sending.LEASE if is_cold else crash_group.LEASE
        in_hands += Notice.objects.filter(sent_at=None, leased_until__gt=at + lease).count()
        if number % 25 == 0:
            print(f"round {number}: {len(told.requests)} references shown", flush=True)
        if asked.minutes and time.monotonic() - began > 60 * asked.minutes:
            rounds = number
            break
    seconds = time.monotonic() - began

    # Now nobody is killed any more: families finish what they are at, the worker what is owed.
    processes.start()
    real_portal.wait_until_it_answers(processes.port)
    over.set()
    for family in families:
        family.join(timeout=120)
    finished = not any(family.is_alive() for family in families)
    processes.stop()
    station.end()
    # What a killed worker had in its hands lapses in ten minutes: by then it is later.
    later = timezone.now() + sending.LEASE + timedelta(minutes=1)
    while access.waiting(at=later).exists():
        if not sending.send_due(later).sent:
            break
    found, none_of = figures(told, mail, noted)
    print(
        f"{connection.vendor}, {seconds:.0f} s, {os.cpu_count()} cores, {rounds} rounds of kill -9"
    )
    said = {
        "families at a time": writers,
        "kills of the whole group": rounds,
        "of them after a start from nothing": rounds // cold_every,
        "kills of the database server": kills,
        "requests over HTTP that were answered": answered(),
        "that were cut off or found no server": told.asked[0],
        "that were told to come again (503)": told.asked[503],
        "files opened again through their page": told.opened,
        **found,
        "mails in the hands of a worker that was killed": in_hands,
    }
    for name, value in said.items():
        print(f"{value:8} {'MUST BE 0: ' if name in none_of and value else ''}{name}")
    for line in dict.fromkeys(told.wrong[:20]):
        print(f"         {line}")
    again = found["received again, same Message-ID"]
    holds = (
        finished
        and found["references shown"] > 0
        and again <= in_hands
        and not any(found[name] for name in none_of)
    )
    if not holds:
        print(log.read_text(encoding="utf-8", errors="replace")[-4000:])
    print(f"answered {waited / rounds:.1f} s after a start")
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
