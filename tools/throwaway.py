"""A portal of its own for a proof: folder, secret, keys, database; gone afterwards.

On PostgreSQL (HEMATON_DATABASE_URL) a database is made beside the one that is named, and dropped.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

RUN = [sys.executable, "-c", "from hematon.cli import main; main()"]


def psql(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def other_database(url: str) -> Iterator[str]:
    """Make an empty database on the same server, and drop it afterwards."""
    name = f"hematon_{secrets.token_hex(4)}"
    psql(url, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        psql(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def portal(*, demo: bool = True) -> Iterator[dict[str, str]]:
    """Give the environment of a portal that is migrated and empty."""
    with tempfile.TemporaryDirectory(prefix="hematon-proof-") as place:
        folder = Path(place)
        environment = {
            **os.environ,
            "HEMATON_PORTAL_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "hematon.portal.settings",
        }
        if demo:
            environment["HEMATON_DEMO"] = "1"
        secret = folder / "secret-key"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        url = os.environ.get("HEMATON_DATABASE_URL")
        if url is None:
            _prepare(environment)
            yield environment
            return
        with other_database(url) as own:
            environment["HEMATON_DATABASE_URL"] = own
            _prepare(environment)
            yield environment


def _prepare(environment: dict[str, str]) -> None:
    folder = environment["HEMATON_PORTAL_DIR"]
    keys = [*RUN, "portal", "--dir", folder, *(["--demo"] if "HEMATON_DEMO" in environment else [])]
    if not (Path(folder) / "keyring.json").exists():
        # In a demonstration setting up makes the ring, and the command then finds it there.
        subprocess.run([*keys, "make-keys"], env=environment, check=False, capture_output=True)
    for command in (["migrate", "--verbosity=0"], ["createcachetable", "--verbosity=0"]):
        subprocess.run([sys.executable, "-m", "django", *command], env=environment, check=True)
