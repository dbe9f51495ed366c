"""A portal that is set up wrongly does not start, and says where and what to do."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

import hematon.portal
from hematon.portal.check import pragmas, problems
from hematon.portal.commands import portal
from hematon.portal.vault.keys import new_keyring, write_keyring

SETTINGS = Path(hematon.portal.__file__).parent / "settings.py"
SECRET = "0123456789" * 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a portal in use, with the environment that names it."""
    (tmp_path / "secret-key").write_text(SECRET)
    (tmp_path / "secret-key").chmod(0o600)
    write_keyring(tmp_path / "keyring.json", new_keyring())
    for name in list(os.environ):
        if name.startswith(("HEMATON_", "DJANGO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEMATON_PORTAL_DIR", str(tmp_path))
    monkeypatch.setenv("HEMATON_ALLOWED_HOSTS", "portal.tests.invalid")
    return tmp_path


def test_right_settings_start(folder: Path) -> None:
    """Otherwise the refusals below would prove nothing."""
    made = runpy.run_path(str(SETTINGS))
    assert made["ALLOWED_HOSTS"] == ["portal.tests.invalid"]
    assert made["DEBUG"] is False
    assert made["SECRET_KEY"] == SECRET


def test_the_example_of_the_environment_is_enough_to_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-50: who fills in deploy/portal.env.example has mail, a scanner and PostgreSQL."""
    text = (Path(__file__).parents[2] / "deploy" / "portal.env.example").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.split("=", 1)
            value = value.strip('"').replace("/var/lib/hematon", str(folder))
            monkeypatch.setenv(name, value)
    made = runpy.run_path(str(SETTINGS))
    assert made["MAIL_IS_ON"]
    assert made["CLAMD_SOCKET"]
    assert made["DATABASES"]["default"]["USER"] == "hematon_app"
    assert made["SITE_URL"].endswith(made["ALLOWED_HOSTS"][0])
    assert not made["KEYRING_FILE"].is_relative_to(made["BACKUP_DIR"])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEMATON_PORTAL_DIR", None, "Set HEMATON_PORTAL_DIR"),
        ("HEMATON_ALLOWED_HOSTS", None, "Set HEMATON_ALLOWED_HOSTS"),
        ("HEMATON_ALLOWED_HOSTS", "", "must be host names"),
        ("HEMATON_ALLOWED_HOSTS", "*", "must be host names"),
        ("HEMATON_ALLOWED_HOSTS", "a.invalid,,b.invalid", "must be host names"),
        ("HEMATON_ALLOWED_HOSTS", "https://a.invalid", "must be host names"),
        ("HEMATON_DEMO", "yes", "HEMATON_DEMO must be 0 or 1"),
        ("HEMATON_TRUSTED_PROXIES", "one", "must be a whole number"),
        ("HEMATON_DATABASE_URL", "mysql://a/b", "must begin with postgresql://"),
        ("HEMATON_EMAIL_URL", "http://a", "must begin with smtp://"),
        ("HEMATON_SECRET_KEY_FILE", "/nowhere/secret-key", "cannot be read"),
    ],
)
def test_wrong_settings_do_not_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, said: str
) -> None:
    """T-50: nothing is guessed, and the message names the variable."""
    monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=said.replace("*", r"\*")):
        runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize(
    ("secret", "mode", "said"),
    [
        (SECRET, 0o644, "can be read by others: chmod 600"),
        (SECRET, 0o640, "can be read by others: chmod 600"),
        ("short", 0o600, "at least 50 random characters"),
        ("", 0o600, "at least 50 random characters"),
        ("a" * 60, 0o600, "at least 50 random characters"),
    ],
)
def test_weak_or_open_secret_does_not_start(
    folder: Path, secret: str, mode: int, said: str
) -> None:
    """T-50: a secret that others can read or guess is none; it is not printed either."""
    (folder / "secret-key").write_text(secret)
    (folder / "secret-key").chmod(mode)
    with pytest.raises(ImproperlyConfigured, match=said) as caught:
        runpy.run_path(str(SETTINGS))
    assert not secret or secret not in str(caught.value)


def test_postgresql_by_one_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of the address are taken apart and decoded."""
    url = "postgresql://us%20er:p%40ss@db.tests.invalid:6543/portal"
    monkeypatch.setenv("HEMATON_DATABASE_URL", url)
    database = runpy.run_path(str(SETTINGS))["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    given = [database[k] for k in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert given == ["us er", "p@ss", "db.tests.invalid", "6543", "portal"]


@pytest.mark.django_db
def test_database_is_the_one_that_was_asked_for() -> None:
    """A run meant for PostgreSQL must not pass on SQLite unseen."""
    wanted = "postgresql" if os.environ.get("HEMATON_DATABASE_URL") else "sqlite"
    assert connection.vendor == wanted


def test_deployment_checks_of_django_find_nothing(folder: Path) -> None:
    """T-30: `check --deploy` with the settings of a portal in use, warnings counted as errors."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "hematon.portal.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_no_migration_is_missing(folder: Path) -> None:
    """The models are what the migrations make."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "hematon.portal.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.django_db
def test_check_finds_nothing_in_a_portal_as_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hematon portal check` of the tests' own portal, with the table of limits made."""
    monkeypatch.setitem(settings.CACHES["default"], "LOCATION", "cache_entries")
    connection.cursor().execute("CREATE TABLE cache_entries (id int)")
    assert problems() == []


@pytest.mark.django_db
def test_check_names_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken site file and a missing table are told with file, table and what to run."""
    monkeypatch.setattr("hematon.portal.ui.site.settings.SITE_FILE", Path("/nowhere/site.yaml"))
    monkeypatch.setattr("hematon.portal.check.site", site_without_file)
    monkeypatch.setitem(settings.CACHES["default"], "LOCATION", "no_such_table")
    said = "\n".join(problems())
    assert "/nowhere/site.yaml" in said
    assert "createcachetable" in said


def site_without_file() -> object:
    """Read the facts anew; the portal keeps them once read."""
    from hematon.portal.ui.site import site

    return site.__wrapped__()


@pytest.mark.django_db(transaction=True)
def test_sqlite_keeps_what_it_acknowledged() -> None:
    """T-38: WAL, FULL, IMMEDIATE, foreign keys, five seconds; and the check sees a wrong one."""
    if connection.vendor != "sqlite":
        assert list(pragmas()) == []
        return
    assert list(pragmas()) == []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")
        assert list(pragmas()) == ["SQLite's synchronous is 0, and must be 2"]
        cursor.execute("PRAGMA synchronous = FULL")
    seen: list[str] = []
    connection.connection.set_trace_callback(seen.append)
    with transaction.atomic():
        connection.cursor().execute("SELECT 1")
    connection.connection.set_trace_callback(None)
    assert seen[0] == "BEGIN IMMEDIATE"


def test_command_says_what_is_missing(folder: Path) -> None:
    """A folder that is none, and settings that are wrong, are told without a trace."""
    away = CliRunner().invoke(portal, ["--dir", str(folder / "nowhere"), "check"])
    assert away.exit_code == 2
    assert "is not a folder" in away.output
    program = [sys.executable, "-c", "from hematon.cli import main; main()"]
    unset = {name: value for name, value in os.environ.items() if name != "HEMATON_ALLOWED_HOSTS"}

    def check(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, "portal", "--dir", str(folder), "check"],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    done = check({**unset, "HEMATON_DEMO": "0"})
    assert done.returncode == 1
    assert "Set HEMATON_ALLOWED_HOSTS" in done.stderr
    assert "hematon portal --demo" in done.stderr
    (folder / "secret-key").chmod(0o644)
    done = check(dict(os.environ))
    assert done.returncode == 1
    assert "chmod 600" in done.stderr
    assert "--demo" not in done.stderr
    assert "Traceback" not in done.stderr


def test_keys_are_made_once(folder: Path) -> None:
    """A second ring would leave everything that the first one sealed unreadable."""
    program = [sys.executable, "-c", "from hematon.cli import main; main()"]
    make = [*program, "portal", "--dir", str(folder), "make-keys"]
    ring = folder / "keyring.json"
    ring.unlink()
    assert subprocess.run(make, capture_output=True, check=False).returncode == 0
    made = ring.read_bytes()
    again = subprocess.run(make, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "would be lost" in again.stderr
    assert ring.read_bytes() == made
