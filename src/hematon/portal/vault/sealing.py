"""Sealing bytes to their place: AES-256-GCM, with the place as associated data.

What is sealed for one row, field or file opens nowhere else: a bit that was flipped and a value
that was moved are both refused. Layout: one byte of version, the key's name (8 bytes), the nonce
(12 bytes), then ciphertext and tag.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hematon.errors import HematonError
from hematon.portal.vault.keys import KEY_BYTES, NAME_BYTES, Keyring, keyring

_VERSION: Final = b"\x01"
_NONCE: Final = 12
_HEAD: Final = len(_VERSION) + NAME_BYTES
_log = logging.getLogger(__name__)


class SealBrokenError(HematonError):
    """What is stored is not what was sealed here, or its key is gone. Nothing of it is given out.

    Attributes:
        place: where it stands; holds ids, never a value.
    """

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place


def seal(plain: bytes, place: str) -> bytes:
    """Encrypt for one place.

    Args:
        plain: what to keep.
        place: names the row and field, or the file; the same is needed to open it.
    """
    ring = keyring()
    nonce = secrets.token_bytes(_NONCE)
    head = _VERSION + ring.active.encode()
    return head + nonce + ring.ciphers[ring.active].encrypt(nonce, plain, head + place.encode())


def unseal(sealed: bytes, place: str) -> bytes:
    """Give back what was sealed for this place.

    Raises:
        SealBrokenError: it was changed, moved or cut, or its key is not in the ring. Every such
            refusal is an alarm in the log.
    """
    name = key_name(sealed)
    cipher = keyring().ciphers.get(name)
    if cipher is None:
        raise _alarm(place, "its key is not in the key ring")
    head, nonce, rest = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
    try:
        return cipher.decrypt(nonce, rest, head + place.encode())
    except (InvalidTag, ValueError):
        raise _alarm(place, "it is not what was sealed here") from None


def key_name(sealed: bytes) -> str:
    """Say which key sealed this; empty when it is no sealed value."""
    if len(sealed) < _HEAD + _NONCE or sealed[:1] != _VERSION:
        return ""
    return sealed[len(_VERSION) : _HEAD].decode("ascii", "replace")


def _alarm(place: str, why: str) -> SealBrokenError:
    _log.critical("seal broken: %s: %s", place, why)
    return SealBrokenError(place, why)


def seal_large(plain: bytes, place: str) -> tuple[bytes, bytes]:
    """Encrypt a file with a key of its own.

    Returns:
        That key, sealed for the place, and the encrypted content. A rotation seals the first
        again and never touches the second.
    """
    own, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(_NONCE)
    return seal(own, place), nonce + AESGCM(own).encrypt(nonce, plain, place.encode())


def unseal_large(sealed_key: bytes, content: bytes, place: str) -> bytes:
    """Give back a file.

    Raises:
        SealBrokenError: as `unseal`, for the key or for the content.
    """
    own = unseal(sealed_key, place)
    try:
        return AESGCM(own).decrypt(content[:_NONCE], content[_NONCE:], place.encode())
    except (InvalidTag, ValueError):
        raise _alarm(place, "it is not what was sealed here") from None


def blind_index(value: str, use: str, ring: Keyring | None = None) -> str:
    """Give a keyed hash by which equal values are found without being readable.

    Args:
        value: normalized by the caller: what should be found must be written the same.
        use: model and field; the same value gives another index elsewhere.
        ring: the ring of the portal unless given.
    """
    key = (ring or keyring()).index
    return hmac.new(key, f"{use}\0{value}".encode(), hashlib.sha256).hexdigest()


def cache_key(key: str, prefix: str, version: int) -> str:
    """Give what a cache entry is called; a cache's `KEY_FUNCTION`.

    Limits are counted by network addresses and codes, and the cache's table is in every backup.
    """
    return blind_index(f"{prefix}:{version}:{key}", "cache")
