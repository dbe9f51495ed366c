"""What tools/smoke_deploy.py asks of a portal behind nginx; each probe prints its line."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

HOST = "portal.example.org"
HIDDEN = [
    "/.git/config",
    "/.env",
    "/admin/",
    "/static/",
    "/static/../settings.py",
    "/static/..%2f..%2fsecret-key",
    "/secret-key",
    "/keyring.json",
    "/portal.sqlite3",
    "/files/",
    "/media/",
    "/server-status",
    "/nginx_status",
    "/backups/",
    "/upkeep/lock",
    "/static/staticfiles.json~",
    "/wp-login.php",
    "/phpinfo.php",
    "/debug/",
]
ONCE = [
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "x-frame-options",
    "cross-origin-opener-policy",
    "permissions-policy",
]


class Probes:
    """What was asked and how it went."""

    def __init__(self, https: int, plain: int, certificate: Path) -> None:
        self.https, self.plain = https, plain
        self.context = ssl.create_default_context(cafile=str(certificate))
        self.failed: list[str] = []
        self.number = 0

    def say(self, name: str, right: object, told: object = "") -> None:
        """Print a line."""
        self.number += 1
        print(f"{'ok    ' if right else 'WRONG '} {name}{f': {told}' if told != '' else ''}")
        if not right:
            self.failed.append(name)

    def connect(self, timeout: float = 40) -> ssl.SSLSocket:
        """Open a connection by TLS, as a browser does for the portal's name."""
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=timeout)
        return self.context.wrap_socket(plain, server_hostname=HOST)

    def ends_at(self, path: str) -> int:
        """Follow redirects on this host; give the last answer's status."""
        for _ in range(5):
            answer = self.ask("GET", path)
            where = answer.getheader("Location", "")
            if not where.startswith("/"):
                return answer.status
            path = where
        return 0

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        host: str = HOST,
    ) -> http.client.HTTPResponse:
        """Send a request and read the whole answer."""
        connection = http.client.HTTPSConnection(HOST, self.https, timeout=40)
        connection.sock = self.connect()
        connection.request(method, path, body, {"Host": host, **(headers or {})})
        answer = connection.getresponse()
        answer.text = answer.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
        connection.close()
        return answer


def wait_for(ready: Callable[[], bool], what: str) -> None:
    """Wait up to a minute."""
    for _ in range(300):
        if ready():
            return
        time.sleep(0.2)
    raise SystemExit(f"{what} did not start")


def probe_role(probes: Probes, url: str) -> None:
    """T-34: the portal's role can alter, drop and make nothing."""
    import psycopg

    for statement in (
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP TABLE audit_event",
        "TRUNCATE audit_event",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE accounts_user ADD COLUMN mine int",
    ):
        try:
            with psycopg.connect(url) as connection:
                connection.execute(statement.encode())
            refused = False
        except psycopg.errors.InsufficientPrivilege:
            refused = True
        probes.say(f"T-34 the portal's role is refused {statement.split(' ID')[0]!r}", refused)


def probe_pages(probes: Probes) -> None:
    """Headers, cookies, redirects, hidden places, methods."""
    connection = http.client.HTTPConnection("127.0.0.1", probes.plain, timeout=20)
    connection.request("GET", "/en/?name=canary", headers={"Host": "evil.example"})
    answer = connection.getresponse()
    where = answer.getheader("Location", "")
    right = answer.status == 301 and where.startswith(f"https://{HOST}/en/")
    probes.say("plain HTTP goes to HTTPS, to our name whatever the Host", right, where)
    for path in ("/en/", "/es/", "/sign-in/login/", "/no-such-page", "/healthz"):
        answer = probes.ask("GET", path)
        said = [name.lower() for name, _ in answer.getheaders()]
        wrong = [name for name in ONCE if said.count(name) != 1]
        probes.say(f"T-23 {path} ({answer.status}) has each security header once", not wrong, wrong)
    age = probes.ask("GET", "/en/").getheader("Strict-Transport-Security", "")
    probes.say("T-23 HSTS two years, subdomains", "63072000; includeSubDomains" in age, age)
    for path in ("/en/", "/no-such-page"):
        server = probes.ask("GET", path).getheader("Server", "")
        probes.say(f"T-30 {path} names no version", server in {"nginx", ""}, server)
    cookies = probes.ask("GET", "/sign-in/login/").msg.get_all("Set-Cookie") or []
    right = bool(cookies) and all(
        c.startswith("__Host-") and all(w in c for w in ("Secure", "HttpOnly", "SameSite=Lax"))
        for c in cookies
    )
    probes.say("T-21 every cookie is __Host-, Secure, HttpOnly, Lax", right, len(cookies))
    ends = {p: probes.ends_at(p) for p in HIDDEN}
    found = {p: status for p, status in ends.items() if status not in {400, 404}}
    probes.say(f"T-30 nothing at {len(HIDDEN)} places where others leave things", not found, found)
    methods = ("TRACE", "PUT", "DELETE", "OPTIONS", "PROPFIND")
    told = {m: probes.ask(m, "/en/").status for m in methods}
    probes.say("T-30 unused methods are refused", set(told.values()) <= {405, 501}, told)
    try:
        other = probes.ask("GET", "/en/", host="evil.example").status
    except (http.client.HTTPException, OSError):
        other = 0
    probes.say("another Host gets nothing", other in {0, 400}, other)
    told_proto = probes.ask(
        "GET", "/en/", headers={"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    )
    probes.say("what a client says of itself is not believed", told_proto.status == 200)


def probe_bodies(probes: Probes, *, short: bool) -> None:
    """Large and slow requests; the slow ones take a quarter of a minute."""
    path = "/en/blood-counts/paste/"
    try:
        with probes.connect() as sent:
            head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 70000000\r\n\r\n"
            sent.sendall(head.encode())
            answer = sent.recv(4000).decode("utf-8", "replace")
    except OSError as error:
        answer = str(error)
    probes.say("413 before the body is read, with headers", "413" in answer.split("\r\n")[0])
    probes.say("413 says 911 and carries HSTS", "Strict-Transport-Security" in answer)
    if short:
        return
    begun, slow = time.monotonic(), []
    for _ in range(20):
        one = probes.connect()
        one.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 900\r\n\r\na".encode()
        )
        slow.append(one)
    answers = [probes.ask("GET", "/en/") for _ in range(10)]
    took = (time.monotonic() - begun) / 10
    right = all(a.status == 200 for a in answers)
    probes.say("20 slow senders do not hold up others", right, f"{took:.2f} s a page")
    slow[0].settimeout(30)
    end = slow[0].recv(4000)
    waited = time.monotonic() - begun
    right = waited < 25 and (end == b"" or b" 408 " in end)
    probes.say("a slow sender is cut off", right, f"after {waited:.0f} s")
    for one in slow:
        one.close()


def probe_kill(probes: Probes, master: int) -> None:
    """A gunicorn worker is killed; the next requests do not notice."""
    children = Path(f"/proc/{master}/task/{master}/children")
    before = [int(pid) for pid in children.read_text().split()]
    os.kill(before[0], signal.SIGKILL)
    begun = time.monotonic()
    told = [probes.ask("GET", "/healthz").status for _ in range(30)]
    wait_for(lambda: len(children.read_text().split()) == len(before), "another worker")
    again = time.monotonic() - begun
    good = told.count(200)
    right = good >= 29 and set(told) <= {200, 502}
    probes.say("kill -9 of a worker", right, f"{good} of 30 answered, replaced in {again:.1f} s")


def probe_logs(probes: Probes, place: Path) -> None:
    """T-29: no query, no referer in any log."""
    headers = {"Referer": f"https://{HOST}/en/?q=canary-referer", "User-Agent": "canary-agent"}
    probes.ask("GET", "/en/search/?q=canary-query", headers=headers)
    probes.ask("GET", "/no-such?name=canary-query", headers=headers)
    time.sleep(0.5)
    logs = {f.name: f.read_text("utf-8", "replace") for f in place.glob("*log")}
    found = [name for name, text in logs.items() if "canary" in text]
    kept = "/en/search/" in logs.get("hematon.access.log", "")
    probes.say("T-29 no query, referer or agent in any log", not found and kept, found or len(logs))
