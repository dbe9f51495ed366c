"""Profiles of the property tests, the knowledge, and the evaluation data where it is present."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from hematon.knowledge import Knowledge, load_knowledge

settings.register_profile(
    "fast",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The package's own knowledge."""
    return load_knowledge()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in Hematon may reach beyond this machine; a test that would fails."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise RuntimeError("a test tried to open a network connection")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


def evaluation_folder(name: str) -> Path:
    """Give a folder of evaluation data, or skip the test saying what is missing."""
    folder = Path(os.environ.get("HEMATON_SHARED", ROOT.parent / "shared")) / name
    if not folder.exists():
        pytest.skip(f"evaluation data not present: {folder.name} (set HEMATON_SHARED)")
    return folder
