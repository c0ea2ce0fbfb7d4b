"""Secrets: fetched from variables and files, refused in plain text, and never printed.

``X_env = "NAME"`` takes ``X`` from a variable, ``X_file = "PATH"`` from a file, which is looked for in
``$CREDENTIALS_DIRECTORY`` (systemd's LoadCredential) when that is set. A secret in plain text is accepted only beside a
``url`` on loopback, where servers of tests live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from mediasrv.schema import SEALS, Given, Table, join, key_of, wrong

MASK = "********"
"""What is printed for a secret, whatever its length."""

_NAME = re.compile(r"(^|_)(key|token|secret|password|passphrase|credentials?|authorization)$", re.IGNORECASE)


class Secret(str):
    """A text that does not show itself in ``repr``, so that no options table can leak it into a log."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"


def is_secret_name(name: str) -> bool:
    """Whether a key's name says that its value is a secret."""
    return _NAME.search(name) is not None


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by its own spelling; no name is looked up."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a host is, likewise."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Vault:
    """Opens the sealed keys of a table."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        """``folder`` is where a relative ``X_file`` is looked for without ``$CREDENTIALS_DIRECTORY``."""
        self._environ = environ
        self._folder = Path(environ.get("CREDENTIALS_DIRECTORY") or folder)

    def unseal(self, table: Table, key: str, options: type | None) -> Table:
        """Replace ``X_env`` and ``X_file`` by ``X``; ``ConfigError`` when it is not there, or a secret stands in plain.

        ``options`` is the dataclass that the table becomes, or ``None`` where any key may stand.
        """
        shown = None if options is None else {key_of(field.name): field.repr for field in fields(options)}
        opened: Table = {}
        for name, item in table.items():
            place, plain = join(key, name), _sealed(name, shown)
            if plain:
                text = self._fetch(name, item, place)
            elif _is_secret(name, shown) and not isinstance(item.value, dict):
                text = _in_plain(item, place, table)
            else:
                text = ""
            if text:
                # An options class reads text by its annotation; an open table has none and keeps the secret as it is.
                item = Given(Secret(text), item.source, is_text=shown is not None)
            if (plain or name) in opened:
                raise wrong(item, place, f"expected one of {plain or name}, its _env and its _file, got two")
            opened[plain or name] = item
        return opened

    def _fetch(self, name: str, item: Given, place: str) -> str:
        if not isinstance(item.value, str):
            raise wrong(item, place, f"expected text, {'a variable' if name.endswith('_env') else 'a path'}")
        if name.endswith("_env"):
            text, where = self._environ.get(item.value, "").strip(), f"the environment variable {item.value}"
        else:
            text, where = self._read(item, place), str(self._folder / item.value)
        if not text:
            raise wrong(
                item, place, f"expected a secret in {where}, which is {'unset or ' * name.endswith('_env')}empty"
            )
        if not text.isprintable():
            raise wrong(item, place, f"expected a secret of one line in {where}")
        return text

    def _read(self, item: Given, place: str) -> str:
        path = self._folder / str(item.value)
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise wrong(item, place, f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise wrong(item, place, f"expected text in {path}") from None


def _sealed(name: str, shown: Mapping[str, bool] | None) -> str:
    """The key that a sealed key stands for, or nothing when this one is not sealed."""
    for suffix in SEALS:
        stem = name.removesuffix(suffix)
        if stem and stem != name and (shown is None or (stem in shown and name not in shown)):
            return stem
    return ""


def _is_secret(name: str, shown: Mapping[str, bool] | None) -> bool:
    if shown is None:
        return is_secret_name(name)
    return name in shown and (is_secret_name(name) or not shown[name])


def _in_plain(item: Given, place: str, table: Table) -> str:
    """A secret that was given as it is: none at all, in a variable, which is no file, or beside a URL on loopback."""
    beside = table.get("url")
    if item.value and not item.is_text and not (beside and is_loopback(str(beside.value))):
        name = place.rpartition(".")[2]
        raise wrong(item, place, f'expected no secret in plain text, but {name}_env = "NAME" or {name}_file = "PATH"')
    return str(item.value)
