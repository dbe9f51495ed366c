"""T-30, T-50, T-51, T-52: what the portal is made of, what it must not hold, how it is deployed."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from django.test import Client

from tool_modules import tool_module

ROOT = Path(__file__).parents[2]
SECRETS = {
    "private key": re.compile(rb"-----BEGIN (?:RSA |EC |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY"),
    "cloud key": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "token": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[bpas]-[A-Za-z0-9-]{20,})"),
    "key ring": re.compile(rb'"active":\s*"[0-9a-f]{8}",\s*"keys"'),
    "password in an address": re.compile(rb"\b(?:postgresql|smtp)://[^\s:/@{}']+:([^\s@{}$'\"]+)@"),
}
HARMLESS = {b"password", b"CHANGE-ME", b"p%40ss", b"pw", b"..."}
"""What documents and tests write in the place of a password."""


def secrets_in(content: bytes) -> list[str]:
    """Name what looks like a secret."""
    return [
        name
        for name, pattern in SECRETS.items()
        for hit in pattern.finditer(content)
        if not (hit.groups() and hit[1] in HARMLESS)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN PRIVATE " + b"KEY-----",
        b"AKIA" + b"ABCDEFGHIJKLMNOP",
        b"postgresql://app:" + b"hunter2@db/x",
        b'{"active": "0123abcd", ' + b'"keys": {}}',
        b"ghp_" + b"a" * 36,
    ],
)
def test_the_scan_finds_secrets(content: bytes) -> None:
    """Otherwise finding none would prove nothing."""
    assert secrets_in(content)


def test_no_secret_in_the_repository() -> None:
    """T-50: in no file that is under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a repository")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert len(files) > 500
    found = {str(f): hits for f in files if f.is_file() and (hits := secrets_in(f.read_bytes()))}
    assert found == {}


def test_no_secret_in_the_wheel(tmp_path: Path) -> None:
    """T-50: what is installed holds no secret, no key ring, no database, no file of a portal."""
    from hatchling.builders.wheel import WheelBuilder

    builder = WheelBuilder(str(ROOT))
    (built,) = builder.build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(built) as wheel:
        names = wheel.namelist()
        assert "hematon/portal/operations/purposes.yaml" in names
        found = {n: hits for n in names if (hits := secrets_in(wheel.read(n)))}
    assert found == {}
    unwanted = re.compile(r"secret-key|keyring\.json|\.sqlite3|\.env$|staff-account|\.pem$")
    assert [n for n in names if unwanted.search(n)] == []


def test_the_bill_of_materials_is_what_is_installed() -> None:
    """T-51: every locked package at its version with its hashes, every needed package locked."""
    tool = tool_module("write_sbom")
    try:
        distribution("hematon")
    except PackageNotFoundError:
        pytest.skip("hematon itself is not installed here; make test installs it")
    said = tool.sbom()
    listed = {c["name"]: c["version"] for c in said["components"]}
    assert listed == {name: distribution(name).version for name in tool.locked()}
    assert {"django", "cryptography", "psycopg", "gunicorn"} <= listed.keys()
    for component in said["components"]:
        assert component["externalReferences"][0]["hashes"], component["name"]
    refs = {c["bom-ref"] for c in said["components"]}
    assert all(set(d["dependsOn"]) <= refs for d in said["dependencies"])
    assert json.dumps(said) == json.dumps(tool.sbom()), "the same set gives the same file"


def test_a_package_beside_the_lock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """T-51: another version, or none in the lock, and nothing is written."""
    tool = tool_module("write_sbom")
    try:
        distribution("hematon")
    except PackageNotFoundError:
        pytest.skip("hematon itself is not installed here; make test installs it")
    pins = tool.locked()
    other = {**pins, "django": ("1.0", [])}
    del other["pydantic-core"]
    monkeypatch.setattr(tool, "locked", lambda: other)
    with pytest.raises(SystemExit) as refused:
        tool.sbom()
    assert "pydantic-core is needed and not locked" in str(refused.value)
    assert "locked at 1.0" in str(refused.value)


@pytest.mark.django_db
def test_where_to_report_a_weakness(client: Client) -> None:
    """T-52: security.txt has a contact, and ends within a year and not within a month."""
    text = client.get("/.well-known/security.txt").content.decode()
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["Contact"].startswith("mailto:")
    ends = datetime.fromisoformat(lines["Expires"]) - datetime.now(UTC)  # noqa: TID251
    assert timedelta(days=30) < ends < timedelta(days=365)


def test_every_unit_is_hardened_and_documented() -> None:
    """T-30: none runs as root or writes where it need not; the manual names each file."""
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    units = sorted((ROOT / "deploy" / "systemd").iterdir())
    assert len(units) >= 12
    for file in units:
        assert file.stem in manual, file.name
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".service":
            for line in (
                "User=hematon",
                "NoNewPrivileges=yes",
                "ProtectSystem=strict",
                "PrivateTmp=yes",
                "UMask=0077",
                "CapabilityBoundingSet=\n",
            ):
                assert line in text, f"{file.name}: {line}"


def test_the_access_log_keeps_no_query_and_no_referer() -> None:
    """T-29: nor any variable that holds them."""
    text = (ROOT / "deploy" / "nginx" / "hematon.conf").read_text(encoding="utf-8")
    (log,) = re.findall(r"log_format hematon (.*?);", text, re.S)
    unwanted = ("$request ", "$request'", "request_uri", "$args", "query", "http_", "cookie")
    assert [name for name in unwanted if name in log] == []
