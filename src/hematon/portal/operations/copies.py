"""Files of a backup: copied, hashed, on the disk, and named in a manifest nobody can forge.

The manifest carries, for every key of the ring, a value that only this key opens, and a keyed hash
over itself; who restores learns at once whether the ring is the right one and the copy is whole.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from hematon.errors import HematonError
from hematon.portal.vault.keys import Keyring
from hematon.portal.vault.sealing import blind_index

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
_PLAIN: Final = b"hematon backup"
_USE: Final = "operations.backup"
_CHUNK: Final = 1 << 20


class DamagedError(HematonError):
    """A backup is not whole, was changed, or belongs to another key ring; says which and where."""


def copy(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file with its owner's rights alone, through to the disk.

    Returns:
        Its SHA-256 and its size, of the bytes that were written.
    """
    digest, size = hashlib.sha256(), 0
    private_folder(target.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with source.open("rb") as read, os.fdopen(os.open(target, flags, 0o600), "wb") as out:
        while chunk := read.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), size


def private_folder(folder: Path) -> None:
    """Make a folder and those above it for their owner alone; mkdir would open the ones above."""
    if not folder.is_dir():
        private_folder(folder.parent)
        folder.mkdir(mode=0o700)


def fingerprint(file: Path) -> tuple[str, int]:
    """Give a file's SHA-256 and size."""
    with file.open("rb") as read:
        digest = hashlib.file_digest(read, "sha256").hexdigest()
    return digest, file.stat().st_size


def files_in(folder: Path) -> Iterator[Path]:
    """Give every file below a folder, by its path from there; nothing where there is no folder."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file.relative_to(folder)


def marks(ring: Keyring, name: str) -> dict[str, Any]:
    """Give what tells later whether a ring is this one.

    Args:
        ring: of the portal.
        name: of the backup.
    """
    keys = {}
    for key, cipher in ring.ciphers.items():
        nonce = secrets.token_bytes(12)
        keys[key] = (nonce + cipher.encrypt(nonce, _PLAIN, name.encode())).hex()
    return {
        "keys": keys,
        **_keyed(ring, name),
    }


def _keyed(ring: Keyring, name: str) -> dict[str, str]:
    """Give what the two keys say that open nothing."""
    audit = hmac.digest(ring.audit, f"{_USE}.audit\0{name}".encode(), hashlib.sha256)
    return {"index": blind_index(name, f"{_USE}.index", ring), "audit": audit.hex()}


def _refuse_other_ring(ring: Keyring, name: str, said: dict[str, Any]) -> None:
    wrong = DamagedError(
        "this key ring is not the one the backup was made with: give the ring of that time"
    )
    for kind, value in _keyed(ring, name).items():
        if not hmac.compare_digest(said[kind], value):
            raise wrong
    for key, sealed in said["keys"].items():
        if key not in ring.keys:
            raise DamagedError(
                f"the key ring lacks key {key}, which was in use when the backup was made: give "
                "the ring of that time"
            )
        raw = bytes.fromhex(sealed)
        try:
            ring.ciphers[key].decrypt(raw[:12], raw[12:], name.encode())
        except InvalidTag:
            raise wrong from None


def _canonical(said: dict[str, Any]) -> str:
    plain = {name: value for name, value in said.items() if name != "mac"}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def write_manifest(folder: Path, said: dict[str, Any], ring: Keyring) -> None:
    """Write the manifest with its keyed hash, as the backup's last file."""
    said = {**said, "mac": blind_index(_canonical(said), _USE, ring)}
    text = json.dumps(said, sort_keys=True, indent=1)
    target = folder / MANIFEST
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def read_manifest(folder: Path, ring: Keyring | None = None) -> dict[str, Any]:
    """Read a manifest; with a ring, refuse what it did not make.

    Raises:
        DamagedError: as it says.
    """
    if folder.name.endswith(".partial"):
        raise DamagedError(f"{folder} was never finished; take the one before")
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        if said["format"] != FORMAT:
            raise DamagedError(f"{folder} has format {said['format']}; this release reads {FORMAT}")
        if ring is not None:
            _refuse_other_ring(ring, said["name"], said["marks"])
            if not hmac.compare_digest(said["mac"], blind_index(_canonical(said), _USE, ring)):
                raise DamagedError(f"{folder / MANIFEST} was changed after it was written")
        return dict(said)
    except OSError as error:
        raise DamagedError(f"{folder} is no backup: {MANIFEST} cannot be read") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{folder / MANIFEST} is damaged") from error


def refuse_damage(folder: Path, said: dict[str, Any]) -> None:
    """Compare every file of a backup with its manifest.

    Raises:
        DamagedError: one is missing, changed or too many; names it.
    """
    there = {str(file) for file in files_in(folder)} - {MANIFEST}
    if missing := sorted(set(said["files"]) - there):
        raise DamagedError(f"{folder / missing[0]} is missing ({len(missing)} files in all)")
    if more := sorted(there - set(said["files"])):
        raise DamagedError(f"{folder / more[0]} does not belong to the backup")
    for name, (digest, size) in said["files"].items():
        if fingerprint(folder / name) != (digest, size):
            raise DamagedError(f"{folder / name} is damaged: its hash is not the manifest's")
