"""T-27: nobody can send the portal to an address, because it opens none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hematon.portal

PORTAL = Path(hematon.portal.__file__).parent
CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpx", "pycurl", "requests", "telnetlib",
    "urllib.request", "urllib3", "websockets", "xmlrpc.client",
}  # fmt: skip
RAW = {"socket"}
SPEAKS_TO_CLAMD = "files/scanning.py"


def _imported(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def _reaching(source: str) -> set[str]:
    return {c for c in CLIENTS | RAW for m in _imported(source) if f"{m}.".startswith(f"{c}.")}


def test_no_module_has_a_client_for_addresses() -> None:
    """T-27: mail goes to the server that is configured, files to clamd's socket; nothing else."""
    modules = sorted(PORTAL.rglob("*.py"))
    assert len(modules) > 200
    found = {
        module.relative_to(PORTAL).as_posix(): names
        for module in modules
        if (names := _reaching(module.read_text(encoding="utf-8")))
    }
    assert found == {SPEAKS_TO_CLAMD: RAW}


def test_clamd_is_asked_over_a_socket_of_this_machine() -> None:
    """T-27: the one socket is of the file system and cannot name a host."""
    source = (PORTAL / SPEAKS_TO_CLAMD).read_text(encoding="utf-8")
    assert source.count("socket.socket(") == source.count("socket.socket(socket.AF_UNIX,") == 1
    assert "create_connection" not in source


@pytest.mark.parametrize(
    "source",
    ["import urllib.request", "from urllib import request", "from requests import get",
     "import http.client as h", "from urllib.request import urlopen"],
)  # fmt: skip
def test_a_client_would_be_seen(source: str) -> None:
    """The search above finds every way to write such an import."""
    assert _reaching(source)
