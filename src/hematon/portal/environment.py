"""Reading the portal's settings from the environment. What is odd is refused by its name.

Nothing here is a setting: `settings.py` says which there are and what they are when they are not
given. A secret is read from a file, and never repeated in a message.
"""

from __future__ import annotations

import os
import stat
from datetime import date
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """Give a text; without a default it must be set."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set {name}; hematon/portal/settings.py says what it is.")
    return value


def flag(name: str) -> bool:
    """Give whether something is on: 0 or 1, off if unset."""
    value = text(name, "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1.")
    return value == "1"


def number(name: str, default: int) -> int:
    """Give a whole number."""
    value = text(name, str(default))
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number.")
    return int(value)


def hosts(name: str) -> list[str]:
    """Give host names; a pattern is none."""
    found = [host.strip() for host in text(name).split(",")]
    if not all(found) or any("*" in host or "/" in host for host in found):
        raise ImproperlyConfigured(f"{name} must be host names, separated by commas, without *.")
    return found


def secret(file: Path) -> str:
    """Give the secret that a file holds, which nobody else may read."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ImproperlyConfigured(f"{file} can be read by others: chmod 600 it.")
        found = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{file} cannot be read. `hematon serve` makes one for a demonstration; for use, "
            "write at least 50 random characters to it and chmod 600 it."
        ) from error
    if len(found) < 50 or len(set(found)) < 10:
        raise ImproperlyConfigured(f"{file} must hold at least 50 random characters.")
    return found


def database(name: str, file: Path) -> dict[str, object]:
    """Give Django's settings of PostgreSQL at an address; of SQLite in a file if it is unset."""
    url = text(name, "")
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": file,
            # FULL: what was acknowledged survives a power loss. IMMEDIATE: writers queue for the
            # lock at the start instead of failing when they upgrade to it. secure_delete: what is
            # deleted is overwritten, not only forgotten. 20 seconds: less than a request may take.
            # With 5, a machine that others keep busy answered 500 where it would have been slow
            # (docs/proofs.md).
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                "PRAGMA secure_delete=ON;",
            },
            # A file, because a live server's threads share it.
            "TEST": {"NAME": file.with_name("test.sqlite3")},
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        **postgresql(url, name),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Whoever waits for a server that is away, or for a lock that somebody keeps, holds one of
        # the few threads; the page of a fault is better. In seconds, ms and ms.
        "OPTIONS": {
            "connect_timeout": 5,
            "tcp_user_timeout": 10_000,
            "options": "-c lock_timeout=10000",
        },
    }


def postgresql(url: str, name: str) -> dict[str, str]:
    """Take the address of a database apart, by Django's names.

    Args:
        url: postgresql://user:password@host:port/name, with %XX for what is special in it.
        name: what the address is called where it is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme != "postgresql":
        raise ImproperlyConfigured(f"{name} must begin with postgresql://.")
    return {
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }


def mail_server(name: str) -> tuple[str, int, str, str] | None:
    """Give host, port, user and password of the mail server; None if it is unset."""
    url = text(name, "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "smtp":
        raise ImproperlyConfigured(f"{name} must begin with smtp://.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return parts.hostname or "", parts.port or 587, user, password


def sender(name: str, default: str | None) -> str:
    """Give who mail comes from: one address, with or without a name."""
    said = text(name, default)
    found = [address for _, address in getaddresses([said])]
    try:
        # A line break would begin a header of its own.
        if (
            len(found) != 1
            or not said.isprintable()
            or "." not in Address(addr_spec=found[0]).domain
        ):
            raise ValueError
    except (ValueError, MessageError) as error:
        raise ImproperlyConfigured(f"{name} must be one sender: Name <address>.") from error
    return said


def site_url(name: str, default: str | None, *, plain: bool) -> str:
    """Give the portal's own address; `plain` allows http://."""
    said = text(name, default).rstrip("/")
    parts = urlsplit(said)
    schemes = {"http", "https"} if plain else {"https"}
    if (
        parts.scheme not in schemes
        or not parts.hostname
        or said != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ImproperlyConfigured(f"{name} must be https:// and a host name, and nothing else.")
    return said


def video(name: str) -> dict[str, Any] | None:
    """Give how video visits are held; visits/video.py has the shape.

    Args:
        name: of the setting; the names of those that go with it begin with it.
    """
    chosen = text(name, "none")
    if chosen == "none":
        return None
    found: dict[str, Any] = {"agreed_on": None}
    if day := text(f"{name}_AGREEMENT", ""):
        try:
            found["agreed_on"] = date.fromisoformat(day)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}_AGREEMENT must be a day, such as 2026-11-23."
            ) from None
    jitsi = chosen.startswith("jitsi:")
    address = chosen.removeprefix("jitsi:")
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be none, https://... or jitsi:https://...")
    if jitsi:
        return {
            **found,
            "back_end": "jitsi",
            "address": address,
            "app_id": text(f"{name}_APP_ID"),
            "secret": secret(Path(text(f"{name}_SECRET_FILE"))).encode(),
        }
    if "{room}" not in parts.path:
        raise ImproperlyConfigured(f"{name} must have {{room}} where the room's name goes.")
    return {**found, "back_end": "link", "address": address}
