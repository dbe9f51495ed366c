"""Start deploy/ as it is, as far as a machine without systemd lets it, and probe it.

    python tools/with_postgres.py python tools/smoke_deploy.py
    python tools/with_postgres.py python tools/smoke_deploy.py --short    no slow senders, no drills

PostgreSQL with the roles of deploy/postgresql/roles.sql, gunicorn with deploy/gunicorn.conf.py,
nginx with deploy/nginx/hematon.conf and a certificate that lives as long as the run. Each probe
prints its line; the exit code is 1 when one fails. Needs nginx, openssl and postgresql.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import throwaway
from deploy_probes import (
    HOST,
    Probes,
    probe_bodies,
    probe_kill,
    probe_logs,
    probe_pages,
    probe_role,
    wait_for,
)
from with_postgres import free_port, programs

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


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
