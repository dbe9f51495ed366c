"""The key ring: one file outside the database, read by every process, changed while they run.

    {"active": "k1", "keys": {"k1": "...", "k0": "..."}, "index": "...", "audit": "..."}

Each value is 32 random bytes in URL-safe base64. `active` names the key that seals from now on; the
others still open what they sealed. `index` makes blind indexes and `audit` the chain of the audit:
neither opens anything, and neither is changed by a rotation.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import stat
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hematon.portal.vault.disk import flush

KEY_BYTES: Final = 32
NAME_BYTES: Final = 8
"""Length of a key's name: eight hexadecimal characters."""


@dataclass(frozen=True)
class Keyring:
    """The keys of a portal.

    Attributes:
        active: name of the key that seals.
        keys: every key that may still be needed to open something, by name.
        index: makes blind indexes.
        audit: makes the chain of the audit.
    """

    active: str
    keys: dict[str, bytes]
    index: bytes
    audit: bytes

    def __repr__(self) -> str:
        """Name the keys; their bytes stay out of every log."""
        return f"Keyring(active={self.active!r}, keys={sorted(self.keys)})"

    @cached_property
    def ciphers(self) -> dict[str, AESGCM]:
        """One cipher for each key; the file's own bytes never meet data."""
        return {name: AESGCM(_derived(key)) for name, key in self.keys.items()}

    def with_new_key(self) -> Keyring:
        """Give the same ring with one more key, which seals from now on."""
        name = secrets.token_hex(NAME_BYTES // 2)
        keys = {**self.keys, name: secrets.token_bytes(KEY_BYTES)}
        return replace(self, active=name, keys=keys)

    def without(self, name: str) -> Keyring:
        """Give the ring without a key that nothing needs any more.

        Raises:
            ValueError: it is the active one.
        """
        if name == self.active:
            raise ValueError("the active key cannot be taken away")
        return replace(self, keys={n: key for n, key in self.keys.items() if n != name})


def _derived(key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"hematon vault 1").derive(
        key
    )


def new_keyring() -> Keyring:
    """Draw a ring with one key."""
    name = secrets.token_hex(NAME_BYTES // 2)
    draw = [secrets.token_bytes(KEY_BYTES) for _ in range(3)]
    return Keyring(active=name, keys={name: draw[0]}, index=draw[1], audit=draw[2])


def write_keyring(file: Path, ring: Keyring) -> None:
    """Write the ring so that every moment shows the old file or the new one, both whole."""
    said = {
        "active": ring.active,
        "keys": {name: _text(key) for name, key in ring.keys.items()},
        "index": _text(ring.index),
        "audit": _text(ring.audit),
    }
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(said, out)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
    flush(file.parent)


def read_keyring(file: Path) -> Keyring:
    """Read the ring.

    Raises:
        ImproperlyConfigured: it is missing, malformed or can be read by others.
    """
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ImproperlyConfigured(f"{file} can be read by others: chmod 600 it.")
        said = json.loads(file.read_bytes())
        ring = Keyring(
            active=said["active"],
            keys={str(name): _bytes(key) for name, key in said["keys"].items()},
            index=_bytes(said["index"]),
            audit=_bytes(said["audit"]),
        )
    except OSError as error:
        raise ImproperlyConfigured(
            f"{file} cannot be read. `hematon portal make-keys` writes one; a portal that has "
            "data needs the one it was sealed with."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError):
        # The cause could quote a key.
        raise ImproperlyConfigured(f"{file} is not a key ring.") from None
    if ring.active not in ring.keys or any(len(n) != NAME_BYTES for n in ring.keys):
        raise ImproperlyConfigured(f"{file} names an active key that is not in it.")
    return ring


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def _bytes(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(key) != KEY_BYTES:
        raise ValueError("not 32 bytes")
    return key


_lock = Lock()
_held: tuple[Path, tuple[int, int], Keyring] | None = None


def keyring() -> Keyring:
    """Give the ring as the file has it now: a key added by another process is seen at once.

    Raises:
        ImproperlyConfigured: as `read_keyring`.
    """
    global _held
    file = Path(settings.KEYRING_FILE)
    try:
        told = file.stat()
    except OSError:
        return read_keyring(file)
    mark = (told.st_mtime_ns, told.st_ino)
    held = _held
    if held is None or held[0] != file or held[1] != mark:
        with _lock:
            held = _held = (file, mark, read_keyring(file))
    return held[2]
