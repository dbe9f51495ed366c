"""T-29, T-32: what people type is on the screens that are for it, and nowhere else.

    python tools/prove_canary.py                                       SQLite
    python tools/with_postgres.py python tools/prove_canary.py         PostgreSQL

Everyone who may come walks every page and fills every box with a word of its own; a family asks
for codes and signs in with them; faults are forced with the words in them; the worker, the backup,
the purge, the checks and gunicorn run. Then every byte is searched: the database's files and every
value in it, sessions and limits taken apart, contents, the backup, mail, logs, addresses, titles,
headers and pages of errors. Prints how often a word was found in each place, and which screens show
words to whom. Exit code 1 when a word stands where it must not, when a sealed column was never
reached, or when a screen shows words that is not named here.
"""

from __future__ import annotations

import argparse
import base64
import io
import logging
import os
import pickle
import re
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[1]
for _place in (ROOT / "tests", ROOT / "tools"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

import throwaway  # noqa: E402

NOT_BY_A_FORM = {
    "care.case.basis": "made by the portal from the signed thresholds",
    "visits.appointment.room": "drawn by the portal",
    "families.child.mrn": "no form asks for it yet",
    "care.bandmove.reason": "the inbox's own pages",
    "care.note.text": "the inbox's own pages",
}
"""Sealed columns that nobody types into."""
WORDS_ARE_ALLOWED = {"To"}
"""Headers of a mail: the address that it goes to is what was typed."""


def main() -> int:
    """Make a portal, walk it, search it."""
    options = argparse.ArgumentParser(description="Search every byte for what was typed.")
    options.add_argument("--short", action="store_true", help="one turn of each form; one language")
    given = options.parse_args()
    with throwaway.portal() as environment:
        folder = Path(environment["HEMATON_PORTAL_DIR"])
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
        )
        environment["HEMATON_VIDEO"] = "https://video.invalid/{room}"
        environment["HEMATON_VIDEO_AGREEMENT"] = "2026-01-05"
        subprocess.run(
            [sys.executable, "-m", "django", "collectstatic", "--no-input", "-v", "0"],
            env=environment,
            check=True,
        )
        os.environ.update(environment)
        import django

        django.setup()
        return Proof(folder, environment, short=given.short).run()


class Proof:
    """The walk and the search."""

    def __init__(self, folder: Path, environment: dict[str, str], *, short: bool) -> None:
        from canaries import Canaries, Record

        self.folder, self.environment, self.short = folder, environment, short
        self.canaries, self.record = Canaries(), Record()
        self.log = io.StringIO()
        self.outputs: dict[str, str] = {}
        self.wrong: list[str] = []
        self.hits: Counter[str] = Counter()
        self.searched: Counter[str] = Counter()
        self.began = time.monotonic()

    def run(self) -> int:
        """Walk, then search; print the figures."""
        self._listen()
        people = self._people()
        self._state(people)
        for name, client in people.items():
            self._walk(name, client)
        self._sign_in()
        self._faults(people)
        self._commands()
        self._gunicorn()
        self._search()
        return self._tell()

    # --- who comes -------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Have what goes to the log, through the handler that the settings configure."""
        for name in ("django", "hematon", ""):
            for handler in logging.getLogger(name).handlers:
                if type(handler) is logging.StreamHandler:
                    handler.setStream(self.log)

    def _people(self) -> dict[str, Any]:
        from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
        from django.test import Client
        from django.utils import timezone

        from hematon.portal.accounts.models import Kind, Role, StaffRole, User

        def browser(user: User | None) -> Client:
            client = Client(headers={"host": "localhost"}, raise_request_exception=False)
            if user is not None:
                client.force_login(user)
                session = client.session
                session["confirmed_at"] = timezone.now().timestamp()
                # As allauth notes it after a password and a second factor.
                session["account_authentication_methods"] = [
                    {"method": "mfa", "type": "totp", "at": timezone.now().timestamp()}
                ]
                session.save()
            return client

        staff = User.objects.create_user("staff@proof.invalid", "a long enough password")
        second = User.objects.create_user("second@proof.invalid", "a long enough password")
        self.totp = generate_totp_secret()
        for user in (staff, second):
            StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in Role)
            TOTP.activate(user, self.totp)
        word = self.canaries.new("family account.address")
        self.family = User.objects.create_without_password(f"{word}@families.invalid", Kind.FAMILY)
        word = self.canaries.new("clinician account.address")
        outside = User.objects.create_without_password(f"{word}@clinics.invalid", Kind.REFERRER)
        self.staff = staff
        return {
            "anonymous": browser(None),
            "family": browser(self.family),
            "referrer": browser(outside),
            "staff": browser(staff),
            "family again": browser(self.family),
            "second staff": browser(second),
        }

    def _state(self, people: dict[str, Any]) -> None:
        """Give the walkers something to find: experts with times, a child, a link to a review."""
        from django.utils import timezone

        from family_cast import linked
        from hematon.portal.demo import load_demonstration
        from hematon.portal.directory.actions import mint_review_link
        from hematon.portal.directory.models import Expert

        load_demonstration(self.folder)
        at = timezone.now()
        expert = next(e for e in Expert.objects.all() if e.is_surveyed and e.is_listed(at.date()))
        self.review = mint_review_link(
            expert=expert, family_key="proof", visited_on=at.date(), on=at.date()
        )
        self.link = linked(self.family, self.staff, at=at)
        del people

    def _walk(self, name: str, client: Any) -> None:
        from django.conf import settings
        from django.urls import reverse

        from canaries import Walker
        from portal_routes import routes

        addresses = [a for route in routes() for a in route.addresses]
        if self.short:
            addresses = [a for a in addresses if not a.startswith("/es/")]
        addresses = [a for a in addresses if "sample" not in a and "0000-4000" not in a]
        own = {"staff": "/staff/", "second staff": "/staff/"}.get(name)
        addresses.sort(key=lambda a: not a.startswith(own) if own else a.startswith("/staff/"))
        walker = Walker(name, client, self.canaries, self.record, tries=1 if self.short else 3)
        if name == "anonymous":
            addresses.insert(0, reverse("review", kwargs={"token": self.review}))
        if name.startswith("family"):
            for kind in ("question", "second-opinion", "start", "learn-more"):
                addresses.insert(0, f"/en/requests/begin/{kind}/")
            self._request(walker)
        if "staff" in name:
            addresses += [
                f"/staff/break-glass/{word}/{pk}/" for word, pk in (("child", self.link.child_id),)
            ]
            addresses += self._of_cases()
        walker.walk(addresses, most=250 if self.short else 900)
        if name.startswith("family"):
            self._file(walker)
        assert settings.SESSION_COOKIE_NAME

    def _request(self, walker: Any) -> None:
        """A second opinion to its end, and messages on it."""
        walker.client.post("/en/requests/where/", {"where": "home"})

    def _of_cases(self) -> list[str]:
        from hematon.portal.care.models import Case

        found = []
        for case in Case.objects.exclude(status="draft"):
            found += [f"/staff/requests/{case.pk}/", f"/staff/break-glass/case/{case.pk}/"]
        return found

    def _file(self, walker: Any) -> None:
        """A file by the form that requests use."""
        from django.test import override_settings

        word = self.canaries.new("upload form.file (content)")
        named = self.canaries.new("upload form.file (name)")
        file = io.BytesIO(f"date,HGB (g/dL),{word}\n2026-01-01,9.8,{word}\n".encode())
        file.name = f"{named}.csv"
        with override_settings(ROOT_URLCONF="upload_page"):
            answer = walker.client.post("/try/", {"upload": "1", "file": file})
            self.record.look("family", "POST", "/try/", answer)
            page = walker.client.get("/try/")
            self.record.look("family", "GET", "/try/", page)

    def _sign_in(self) -> None:
        """Ask for codes, type wrong ones, sign in; a wrong password with a word in it."""
        from django.conf import settings
        from django.core.cache import cache
        from django.test import Client

        self.codes: list[str] = []
        for page, named in (
            ("/en/account/sign-in/", "family_sign_in.address"),
            ("/clinicians/sign-in/", "referrer_sign_in.address"),
        ):
            cache.clear()
            client = Client(headers={"host": "localhost"}, raise_request_exception=False)
            word = self.canaries.new(named)
            for address, data in (
                (page, {"address": f"{word} is no address"}),
                (page, {"address": f"{word}@families.invalid"}),
                (f"{page}code/", {"code": self.canaries.new(f"{named} code")}),
            ):
                answer = client.post(address, data)
                self.record.look("anonymous", "POST", address, answer)
            mail = max(Path(settings.EMAIL_FILE_PATH).iterdir(), key=lambda p: p.stat().st_mtime_ns)
            code = re.search(r"\b\d{6}\b", mail.read_text(encoding="utf-8").partition("\n\n")[2])
            assert code is not None
            self.codes.append(code[0])
            answer = client.post(f"{page}code/", {"code": code[0]})
            self.record.look("anonymous", "POST", f"{page}code/", answer)
            assert answer.status_code == 302, answer.content.decode()[-800:]
        cache.clear()
        client = Client(headers={"host": "localhost"}, raise_request_exception=False)
        word = self.canaries.new("account_login.login")
        data = {"login": f"{word}@staff.invalid", "password": self.canaries.new("password")}
        self.record.look(
            "anonymous", "POST", "/sign-in/login/", client.post("/sign-in/login/", data)
        )
        word = self.canaries.new("account_reset_password.email")
        data = {"email": f"{word}@staff.invalid"}
        answer = client.post("/sign-in/password/reset/", data)
        self.record.look("anonymous", "POST", "/sign-in/password/reset/", answer)

    def _faults(self, people: dict[str, Any]) -> None:
        """Every kind of error, with words in the address, the form and the exception."""
        from django.db import DataError, IntegrityError, OperationalError

        word = self.canaries.new("error")
        for name, client in people.items():
            answers = [
                client.get("/en/nothing-here/"),
                client.post("/en/words/", {"x": word}),
                client.put("/en/", word, content_type="text/plain"),
                client.post("/en/get-care/callback/name/", {"name": word * 50_000}),
                client.generic(
                    "POST", "/en/get-care/callback/name/", word, CONTENT_LENGTH="99000000"
                ),
                client.post("/csp-report", word, content_type="application/csp-report"),
                client.get("/en/", headers={"host": f"{word}.invalid"}),
                client.get("/staff/audit/", {"person": word}),
            ]
            client.handler.enforce_csrf_checks = True
            answers.append(client.post("/en/get-care/callback/name/", {"name": word}))
            client.handler.enforce_csrf_checks = False
            for error in (
                RuntimeError(word),
                IntegrityError(f"Key (address)=({word}) already exists"),
                DataError(word),
                OperationalError(word),
                OSError(28, word),
            ):
                for place in ("learn.views.render", "care.views.intake.begin"):
                    with mock.patch(f"hematon.portal.{place}", side_effect=error):
                        answers.append(client.get("/en/words/"))
                        answers.append(client.post("/en/get-care/callback/", {"about": word}))
            for answer in answers:
                self.record.look(name, "ANY", "/error/", answer)

    def _commands(self) -> None:
        """What the machine does by itself, and what an operator types."""
        for words in (
            ["work", "--once"],
            ["check"],
            ["verify-audit", "--checkpoint"],
            ["purge"],
            ["backup", str(self.folder / "copies")],
        ):
            done = subprocess.run(
                [*throwaway.RUN, "portal", "--dir", str(self.folder), "--demo", *words],
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            self.outputs[words[0]] = done.stdout + done.stderr
            if words[0] in ("work", "backup", "verify-audit") and done.returncode:
                self.wrong.append(f"{words[0]} failed: {done.stderr[-400:]}")

    def _gunicorn(self) -> None:
        """The server's own logs: words in addresses, headers, forms and broken requests."""
        import http.client
        import socket

        from with_postgres import free_port

        port, word = free_port(), self.canaries.new("request to gunicorn")
        log, access = self.folder / "gunicorn.err", self.folder / "gunicorn.out"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            str(ROOT / "deploy/gunicorn.conf.py"),
        ]
        server = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "--workers", "1"],
            env=self.environment,
            stdout=access.open("wb"),
            stderr=log.open("wb"),
        )
        try:
            for _ in range(300):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            for method, path, body in (
                ("GET", f"/en/search/?q={word}", None),
                ("GET", f"/nothing/{word}/", None),
                ("POST", f"/en/get-care/callback/name/?x={word}", f"name={word}"),
                ("POST", "/csp-report", word),
                ("GET", f"/en/{word}%00", None),
            ):
                line = http.client.HTTPConnection("localhost", port, timeout=30)
                line.request(method, path, body, {"Referer": f"http://localhost/{word}"})
                line.getresponse().read()
                line.close()
            for raw in (
                f"{word} / HTTP/1.1\r\n\r\n",
                f"GET /{word} HTTP/9\r\n\r\n",
                f"GET / HTTP/1.1\r\n{word}\r\n\r\n",
            ):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                    line.sendall(raw.encode())
                    with suppress(OSError):
                        line.recv(4000)
        finally:
            server.terminate()
            server.wait(40)
        written = [file.read_text("utf-8", "replace") for file in (log, access)]
        self.outputs["gunicorn"] = "".join(written)
        if os.environ.get("HEMATON_PROOF_LOG"):
            print(self.outputs["gunicorn"])
        log.unlink()
        access.unlink()

    # --- the search ------------------------------------------------------------------------------

    def _find(self, place: str, content: bytes, where: str = "") -> None:
        """Search bytes."""
        from canaries import marks_in

        self.searched[place] += len(content)
        found = marks_in(content)
        if found:
            self.hits[place] += found
            boxes = ", ".join(self.canaries.boxes(content.decode("utf-8", "replace"))[:6])
            self.wrong.append(f"{place} {where}: {found} x {boxes}")

    def _search(self) -> None:
        from django.conf import settings
        from django.db import connection

        for name, text in {**self.outputs, "in process": self.log.getvalue()}.items():
            self._find("logs", text.encode(), name)
            for code in self.codes:
                if re.search(rf"\b{code}\b", text):
                    self.wrong.append(f"logs {name}: a sign-in code")
        for seen in self.record.seen:
            self._find(seen.place, seen.text.encode(), seen.where)
            if any(re.search(rf"\b{code}\b", seen.text) for code in self.codes):
                self.wrong.append(f"{seen.place} {seen.where}: a sign-in code")
        self._mail(Path(settings.EMAIL_FILE_PATH))
        self._reached()
        self._values()
        self._exports()
        connection.close()
        if connection.vendor == "sqlite":
            for file in sorted(self.folder.glob("portal.sqlite3*")):
                self._find("database files", file.read_bytes(), file.name)
        else:
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")
                cursor.execute("SHOW data_directory")
                (data,) = cursor.fetchone()
            for file in sorted(Path(data).rglob("*")):
                if file.is_file():
                    with suppress(FileNotFoundError):
                        self._find("database files", file.read_bytes(), str(file.relative_to(data)))
        for file in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
            if file.is_file():
                self._find("contents", file.read_bytes(), file.name)
        for file in sorted((self.folder / "copies").rglob("*")):
            if file.is_file():
                self._find("backup", file.read_bytes(), file.name)
                if file.suffix == ".dump":
                    from with_postgres import programs

                    run = [str(programs() / "pg_restore"), "-f", "-", str(file)]
                    plain = subprocess.run(run, capture_output=True, check=True).stdout
                    self._find("backup", plain, f"{file.name} as SQL")
        known = {settings.EMAIL_FILE_PATH, settings.MEDIA_ROOT, self.folder / "copies"}
        for file in sorted(self.folder.rglob("*")):
            other = not any(Path(k) in file.parents for k in known) and "static" not in file.parts
            if file.is_file() and other and not file.name.startswith("portal.sqlite3"):
                self._find("other files", file.read_bytes(), file.name)

    def _mail(self, folder: Path) -> None:
        import email
        from email import policy

        self.mails = 0
        for file in sorted(folder.iterdir()):
            mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
            self.mails += 1
            for name, value in mail.items():
                if name not in WORDS_ARE_ALLOWED:
                    self._find("mail", f"{name}: {value}".encode(), file.name)
            for part in mail.walk():
                if not part.is_multipart():
                    self._find("mail", part.get_payload(decode=True) or b"", file.name)

    def _reached(self) -> None:
        """Every sealed column holds what somebody typed, or says why nobody does."""
        from canaries import BORN_MARK, MARK, PHONE_MARKS
        from hematon.portal.vault.fields import sealed_fields

        self.columns = {}
        for column in sealed_fields():
            name = f"{column.model._meta.label_lower}.{column.name}"
            rows = 0
            for row in column.model._base_manager.all():
                text = repr(getattr(row, column.attname))
                rows += any(m.lower() in text.lower() for m in (MARK, BORN_MARK, *PHONE_MARKS))
                rows += "datetime.date(2014, 8, 19)" in text
            self.columns[name] = rows
            if not rows and name not in NOT_BY_A_FORM:
                self.wrong.append(f"{name}: no form was filled that leads there")

    def _values(self) -> None:
        """Every value of every table, decoded as far as it is written in layers."""
        from django.db import connection

        with connection.cursor() as cursor:
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 names of our own tables
                for row in cursor.fetchall():
                    place = {
                        "django_session": "sessions",
                        "cache_entries": "limits",
                        "audit_event": "audit",
                    }.get(table, "rows")
                    for value in row:
                        for layer in layers(value):
                            self._find(place, layer, table)
                        if self.totp in str(value):
                            self.hits["second factors"] += 1

    def _exports(self) -> None:
        from hematon.portal.audit import fhir
        from hematon.portal.audit.models import Event

        rows = Event.objects.order_by("sequence")
        self._find("audit export", repr([vars(row) for row in rows]).encode())
        make = getattr(fhir, "bundle", None)
        if make is not None:
            with suppress(TypeError):
                self._find("audit export", repr(make(rows)).encode(), "FHIR")

    # --- the figures -----------------------------------------------------------------------------

    def _tell(self) -> int:
        from django.conf import settings
        from django.db import connection

        record = self.record
        print(f"database        {connection.vendor}")
        print(f"words typed     {len(self.canaries.of)} by {len(record.forms)} forms, one each")
        print(
            f"answers         {record.asked}, {record.posted} forms sent, by status "
            f"{dict(sorted(record.statuses.items()))}"
        )
        reached = sum(map(bool, self.columns.values()))
        print(
            f"sealed columns  {reached} of {len(self.columns)} hold a word; "
            f"{len(NOT_BY_A_FORM)} are not typed into"
        )
        print(f"mails           {self.mails}")
        print("searched, and found:")
        for place, size in self.searched.items():
            print(f"  {place:16} {size:12,} bytes  {self.hits[place]:5} found")
        print(f"  second factors: {self.hits['second factors']} in the open")
        print("screens that show words, to whom:")
        by_route: dict[str, list[str]] = {}
        for (route, person), number in sorted(record.screens.items()):
            by_route.setdefault(route, []).append(f"{person} {number}")
        for route, whom in by_route.items():
            print(f"  {route:28} {', '.join(whom)}")
        wrong = list(dict.fromkeys(self.wrong))
        if settings.SESSION_ENGINE == "django.contrib.sessions.backends.db":
            open_sessions = [w for w in wrong if w.startswith("sessions ")]
            wrong = [w for w in wrong if w not in open_sessions]
            print(f"sessions are signed and not sealed: {len(open_sessions)} tell what was typed")
        for line in wrong[:60]:
            print(f"WRONG {line}")
        print(f"{len(wrong)} wrong; {time.monotonic() - self.began:.0f} s")
        return 1 if wrong else 0


def layers(value: object) -> Iterator[bytes]:
    """Give a value as bytes, and what is in it where it is signed, packed or pickled."""
    if value is None or isinstance(value, bool | int | float):
        return
    content = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    yield content
    if isinstance(value, str):
        head = value.partition(":")[0]
        with suppress(ValueError, zlib.error):
            # As Django signs a session: a leading dot says that it is packed.
            packed = head.startswith(".")
            plain = base64.urlsafe_b64decode(head.lstrip(".") + "=" * 3)
            yield zlib.decompress(plain) if packed else plain
        with suppress(Exception):
            yield repr(pickle.loads(base64.b64decode(value))).encode()  # noqa: S301 our own rows


if __name__ == "__main__":
    sys.exit(main())
