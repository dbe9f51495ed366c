"""Run a command with a throw-away PostgreSQL of Debian's, and leave nothing behind.

    python tools/with_postgres.py python -m pytest tests/portal

HEMATON_DATABASE_URL names the database to the command. The cluster listens on 127.0.0.1 alone, on
a port of its own, with a random password, and writes through to the disk as in use. A server that
the command kills is started again on its data. PostgreSQL refuses to run as root, so root hands it
to the user that Debian's package makes.

Needs Debian's package postgresql; its programs are found whether or not they are on the PATH.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def programs() -> Path:
    """Give the folder of PostgreSQL's programs, the newest where there are several."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda p: float(p.parts[-3]),
    )
    anywhere = shutil.which("initdb")
    if not found and not anywhere:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent if found else Path(str(anywhere)).resolve().parent


def free_port() -> int:
    """Give a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def owner() -> list[str]:
    """Give what a command must begin with so as not to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


def main(command: list[str]) -> int:
    """Start a cluster, run the command, stop the cluster.

    Returns:
        The command's exit code.
    """
    if not command:
        raise SystemExit(__doc__)
    # Ended from outside, it stops the cluster as after the command.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder, port, password = programs(), free_port(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="hematon-postgres-") as place:
        base, as_owner = Path(place), owner()
        if as_owner:
            user = pwd.getpwnam("postgres")
            os.chown(base, user.pw_uid, user.pw_gid)
        secret = base / "password"
        secret.write_text(password, encoding="utf-8")
        if as_owner:
            os.chown(secret, user.pw_uid, user.pw_gid)
        data = str(base / "data")
        make = ["--username=hematon", "--auth=scram-sha-256", f"--pwfile={secret}"]
        subprocess.run(
            [
                *as_owner,
                str(folder / "initdb"),
                "-D",
                data,
                *make,
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=base,
        )
        secret.unlink()
        listen = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={base}"]
        # Tests of 100 at once need one for each, and several tests may run at the same time.
        listen += ["-c", "max_connections=400"]
        line = [*as_owner, str(folder / "postgres"), "-D", data, "-p", str(port), *listen]
        ready = [str(folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        server = started(line, ready, base)
        url = f"postgresql://hematon:{password}@127.0.0.1:{port}/postgres"
        work = subprocess.Popen(command, env={**os.environ, "HEMATON_DATABASE_URL": url})
        try:
            while work.poll() is None:
                if server.poll() is not None:
                    server = started(line, ready, base)
                time.sleep(0.05)
            return work.returncode
        finally:
            work.kill()
            # "Fast": open connections are cut, the cluster is closed in order.
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)


def started(line: list[str], ready: list[str], base: Path) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers.

    Raises:
        SystemExit: it did not within 20 seconds; what it wrote is in the message.
    """
    server, ends = None, time.monotonic() + 20
    with (base / "log").open("ab") as log:
        while time.monotonic() < ends:
            # It refuses while processes of a killed one still hold its memory.
            if server is None or server.poll() is not None:
                server = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=log, cwd=base)
            if subprocess.run([*ready, "-t", "1"], check=False).returncode == 0:
                return server
            time.sleep(0.2)
    if server is not None:
        server.kill()
    raise SystemExit((base / "log").read_text(encoding="utf-8")[-4000:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
