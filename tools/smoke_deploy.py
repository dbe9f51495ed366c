"""Start deploy/ as it is, as far as a machine without systemd lets it, and probe it.

    python tools/with_postgres.py python tools/smoke_deploy.py
    python tools/with_postgres.py python tools/smoke_deploy.py --short    no slow senders, no drills

PostgreSQL with the roles of deploy/postgresql/roles.sql, gunicorn with deploy/gunicorn.conf.py,
nginx with deploy/nginx/hematon.conf and a certificate that lives as long as the run. Each probe
prints its line; the exit code is 1 when one fails. Needs nginx, openssl and postgresql.
"""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import throwaway
from with_postgres import free_port, programs

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
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


def run_sql(file: str, url: str, **words: str) -> None:
    """Run a file of deploy/postgresql as the superuser."""
    given = [part for name, value in words.items() for part in ("-v", f"{name}={value}")]
    place = str(DEPLOY / "postgresql" / file)
    psql = [str(programs() / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([*psql, *given, "-f", place, url], check=True)


def prepare_database(url: str, environment: dict[str, str]) -> tuple[str, str]:
    """Make the roles, migrate as the owner; give the address for the portal's role and for it."""
    words = {n: secrets.token_hex(12) for n in ("owner_password", "app_password", "drill_password")}
    database = urlsplit(url).path.lstrip("/")
    run_sql("roles.sql", url, database=database, **words)

    def by(role: str, name: str = database) -> str:
        parts = urlsplit(url)
        password = words[f"{role.removeprefix('hematon_')}_password"]
        place = f"{role}:{password}@{parts.hostname}:{parts.port}"
        return urlunsplit(parts._replace(netloc=place, path=f"/{name}"))

    owner = {**environment, "HEMATON_DATABASE_URL": by("hematon_owner")}
    for command in ("migrate --verbosity=0", "createcachetable", "collectstatic --no-input -v 0"):
        subprocess.run([sys.executable, "-m", "django", *command.split()], env=owner, check=True)
    environment["HEMATON_RESTORE_DATABASE_URL"] = by("hematon_drill", "hematon_drill")
    return by("hematon_app"), by("hematon_owner")


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


def probe_restore(
    probes: Probes, url: str, app: str, owner: str, place: Path, environment: dict[str, str]
) -> None:
    """T-39: the owner restores as docs/operations.md says, and the portal's role reads it."""
    import psycopg

    throwaway.psql(url, "CREATE DATABASE hematon_new")
    run_sql("grants.sql", url, database="hematon_new")
    app, owner = (urlunsplit(urlsplit(one)._replace(path="/hematon_new")) for one in (app, owner))
    (backup,) = (place / "backups").iterdir()
    words = ["portal", "--dir", str(place / "data"), "restore", str(backup)]
    words += ["--into", str(place / "new"), "--database-url", owner]
    done = subprocess.run(
        [*throwaway.RUN, *words], env=environment, capture_output=True, text=True, check=False
    )
    probes.say("restore by the owner", done.returncode == 0, done.stderr[-600:].strip())
    if done.returncode == 0:
        with psycopg.connect(app) as connection:
            rows = connection.execute("SELECT count(*) FROM audit_event").fetchone()
        probes.say("what was restored is read by the portal's own role", rows and rows[0] > 0)


def nginx_configuration(place: Path, https: int, plain: int) -> Path:
    """Write the shipped configuration with this run's places in it."""
    text = (DEPLOY / "nginx" / "hematon.conf").read_text(encoding="utf-8")
    for old, new in {
        "listen 80 default_server": f"listen 127.0.0.1:{plain} default_server",
        "listen 443 ssl": f"listen 127.0.0.1:{https} ssl",
        "/etc/hematon/tls/fullchain.pem": str(place / "certificate.pem"),
        "/etc/hematon/tls/privkey.pem": str(place / "key.pem"),
        "/var/log/nginx/": f"{place}/",
        "unix:/run/hematon/portal.sock": f"unix:{place}/portal.sock",
        "/run/hematon-nginx": str(place / "bodies"),
    }.items():
        assert old in text, f"deploy/nginx/hematon.conf no longer says {old}"
        text = text.replace(old, new)
    (place / "hematon.conf").write_text(text, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    paths = " ".join(
        f"{kind}_temp_path {place}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = place / "nginx.conf"
    main.write_text(
        f"{user} worker_processes 2; pid {place}/nginx.pid; error_log {place}/main.log;\n"
        f"events {{ worker_connections 512; }}\n"
        f"http {{ {paths} types {{ text/html html; }} include {place}/hematon.conf; }}\n",
        encoding="utf-8",
    )
    return main


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


def probe_units(probes: Probes, place: Path) -> None:
    """Let systemd read the units, with programs that exist here."""
    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is not installed")
        return
    units = place / "units"
    units.mkdir()
    for file in (DEPLOY / "systemd").iterdir():
        text = file.read_text(encoding="utf-8").replace("/opt/hematon/bin/hematon", "/bin/true")
        text = text.replace("/opt/hematon/bin/gunicorn", "/bin/true")
        (units / file.name).write_text(text, encoding="utf-8")
    names = sorted(str(f) for f in units.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "/units/" in line or "hematon" in line]
    probes.say(f"systemd reads {len(names)} units", done.returncode == 0 and not said, said[:3])


def main() -> int:
    """Start everything, probe it, stop it."""
    short = "--short" in sys.argv[1:]
    url = os.environ.get("HEMATON_DATABASE_URL")
    if url is None or shutil.which("nginx") is None:
        raise SystemExit("run it with tools/with_postgres.py, on a machine with nginx")
    with tempfile.TemporaryDirectory(prefix="hematon-smoke-") as temporary:
        place = Path(temporary)
        data = place / "data"
        data.mkdir(mode=0o700)
        (place / "bodies").mkdir(mode=0o700)
        secret = data / "secret-key"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        shutil.copy(ROOT / "src/hematon/portal/ui/demo_site.yaml", data / "site.yaml")
        backups = place / "backups"
        backups.mkdir(mode=0o700)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HEMATON_")},
            "HEMATON_PORTAL_DIR": str(data),
            "HEMATON_ALLOWED_HOSTS": HOST,
            "HEMATON_TRUSTED_PROXIES": "1",
            "HEMATON_EMAIL_URL": "smtp://127.0.0.1:9",
            "HEMATON_EMAIL_FROM": f"Family portal <portal@{HOST}>",
            "HEMATON_SITE_URL": f"https://{HOST}",
            "HEMATON_BACKUP_DIR": str(backups),
            "DJANGO_SETTINGS_MODULE": "hematon.portal.settings",
        }
        command = [*throwaway.RUN, "portal", "--dir", str(data)]
        subprocess.run([*command, "make-keys"], env=environment, check=True, capture_output=True)
        app, owner = prepare_database(url, environment)
        environment["HEMATON_DATABASE_URL"] = app
        https, plain = free_port(), free_port()
        words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
        subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        files = ["-keyout", str(place / "key.pem"), "-out", str(place / "certificate.pem")]
        subprocess.run(["openssl", *words, *subject, *files], check=True, capture_output=True)
        probes = Probes(https, plain, place / "certificate.pem")
        configuration = nginx_configuration(place, https, plain)
        test = subprocess.run(
            ["nginx", "-t", "-c", str(configuration)], capture_output=True, text=True, check=False
        )
        probes.say("nginx -t", test.returncode == 0, "" if test.returncode == 0 else test.stderr)
        gunicorn = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--config", str(DEPLOY / "gunicorn.conf.py")),
                *("--bind", f"unix:{place}/portal.sock"),
            ],
            env=environment,
            stderr=(place / "gunicorn.log").open("wb"),
        )
        nginx = subprocess.Popen(["nginx", "-c", str(configuration), "-g", "daemon off;"])
        try:
            wait_for((place / "portal.sock").exists, "gunicorn")

            def answers() -> bool:
                try:
                    return probes.ask("GET", "/healthz").status == 200
                except OSError:
                    return False

            wait_for(answers, "the portal")
            probe_pages(probes)
            probe_bodies(probes, short=short)
            probe_kill(probes, gunicorn.pid)
            probe_logs(probes, place)
            probe_role(probes, app)
            probe_units(probes, place)
            for name, words in (
                ("backup by the portal's own role", ["backup"]),
                ("drill into the drill's own database", ["drill"]),
                ("the same drill again", ["drill"]),
                ("purge by the portal's own role", ["purge"]),
            ):
                if short and words != ["backup"]:
                    continue
                done = subprocess.run(
                    [*command, *words], env=environment, capture_output=True, text=True, check=False
                )
                probes.say(name, done.returncode == 0, done.stderr[-600:].strip())
            probe_restore(probes, url, app, owner, place, environment)
        finally:
            for process in (nginx, gunicorn):
                process.terminate()
                process.wait(timeout=40)
    print(f"{probes.number} probes, {len(probes.failed)} wrong")
    return 1 if probes.failed else 0


if __name__ == "__main__":
    sys.exit(main())
