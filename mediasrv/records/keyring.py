"""The hash by which somebody is known after he was erased.

There are few telephone numbers, so a plain hash of one is undone by trying them all. This one has a key, which lies
beside the records in a file of its own: whoever has a copy of the records, and no more, can tell nothing from it.
"""

from __future__ import annotations

import hmac
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from mediasrv.errors import ConfigError

KEY_BYTES = 32


class Keyring:
    """The key and what is made with it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def beside(cls, records: Path) -> Keyring:
        """The key that belongs to the records, made when there is none; reads a file. Raise ``ConfigError``."""
        path = records.with_name(f"{records.name}.key")
        try:
            if not path.exists():
                _make(path, records)
            key = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path}: the records' key cannot be read: {error.strerror}") from None
        if len(key) != KEY_BYTES:
            raise ConfigError(f"{path}: expected a key of {KEY_BYTES} bytes; put back the one that was there")
        return cls(key)

    def hash(self, number: str) -> str:
        """What stands for a number that must not be kept."""
        return hmac.new(self._key, number.encode(), sha256).hexdigest()


def _make(path: Path, records: Path) -> None:
    """Write a key that has its name only when it is whole; another process may be quicker."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.touch(mode=0o600)
    try:
        made.write_bytes(os.urandom(KEY_BYTES))
        if records.exists():
            # Made by root, it is for the server all the same.
            shutil.chown(made, records.stat().st_uid, records.stat().st_gid)
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink()
