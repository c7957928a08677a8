"""Secrets at rest: sealed with AES-256-GCM (NIST SP 800-38D), each bound to the row it belongs to.

The key is a setting, or else a file beside the database that is made at first need. A sealed value
names the key that sealed it, so that a changed key is told from a damaged value.

    format byte | key id, 4 bytes | nonce, 12 bytes | ciphertext and tag
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..model.errors import SecretUnreadable

KEY_BYTES = 32

_FORMAT = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_FORMAT) + _KEY_ID_BYTES + _NONCE_BYTES


class Sealer:
    """Seals and opens small secrets under one key.

    `secret_key` is base64 of 32 bytes; without it the key is in `key_file`, which is made, readable
    by its owner only, when something is first sealed. Nothing is read before the first use.

        sealed = sealer.seal(b"whsec", purpose="webhook", row="3f2a")
        sealer.open(sealed, purpose="webhook", row="3f2a")
    """

    def __init__(self, secret_key: str | None, key_file: Path) -> None:
        self._secret_key = secret_key
        self._key_file = key_file
        self._loaded: bytes | None = None

    def seal(self, secret: bytes, *, purpose: str, row: str) -> bytes:
        """The secret so that only `open` with this key, purpose and row gives it back.

        Raises SecretUnreadable when there is no usable key.
        """
        key = self._key(make=True)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _FORMAT + _key_id(key) + nonce
        return head + AESGCM(key).encrypt(nonce, secret, _bound_to(purpose, row))

    def open(self, sealed: bytes, *, purpose: str, row: str) -> bytes:
        """The secret. Raises SecretUnreadable, which says whether the key or the value is wrong."""
        key = self._key(make=False)
        if sealed[:1] != _FORMAT or len(sealed) <= _HEAD:
            raise SecretUnreadable(f"the stored secret of {purpose} {row} is damaged")
        found = sealed[1 : 1 + _KEY_ID_BYTES]
        if found != _key_id(key):
            raise SecretUnreadable(
                f"the secret of {purpose} {row} was sealed under key {found.hex()}, but the key "
                f"now is {_key_id(key).hex()}: give back the former one (security.secret_key or "
                f"{self._key_file.name}), or make a new secret"
            )
        nonce = sealed[1 + _KEY_ID_BYTES : _HEAD]
        try:
            return AESGCM(key).decrypt(nonce, sealed[_HEAD:], _bound_to(purpose, row))
        except InvalidTag:
            raise SecretUnreadable(
                f"the stored secret of {purpose} {row} is damaged or belongs to another row"
            ) from None

    def _key(self, *, make: bool) -> bytes:
        if self._loaded is None:
            if self._secret_key is not None:
                self._loaded = _decode(self._secret_key, "security.secret_key")
            else:
                self._loaded = _from_file(self._key_file, make)
        return self._loaded


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretUnreadable(f"{where} is not base64 of {KEY_BYTES} bytes")
    return key


def _from_file(path: Path, make: bool) -> bytes:
    try:
        if make:
            _make_once(path)
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnreadable(
            f"the key file {path.name} cannot be read: {error}; put it back or set "
            "security.secret_key"
        ) from error
    return _decode(text, f"the key file {path.name}")


def _make_once(path: Path) -> None:
    """Puts a new key there unless one is; whole or not at all, whoever else does the same."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody was first: theirs counts
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _key_id(key: bytes) -> bytes:
    return blake2b(key, digest_size=_KEY_ID_BYTES, person=b"sealing-key").digest()


def _bound_to(purpose: str, row: str) -> bytes:
    raw = purpose.encode()
    return b"%d:%b" % (len(raw), raw) + row.encode()
