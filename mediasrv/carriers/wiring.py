"""Wiring: a number is pointed at this server, and what was there is remembered, so that it can be put back.

The memory is a JSON file of numbers. A number that is wired anew keeps the memory of what was there at first.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mediasrv.carriers.account import Account, Application
from mediasrv.carriers.urls import with_query
from mediasrv.errors import ConfigError

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Wired:
    """A number that points at this server."""

    application: str
    """The id of ours."""
    earlier: str
    """The id of the one that was there; empty for none."""
    carrier: str = "plivo"


class Memory:
    """What was there before, by number in E.164."""

    def __init__(self, path: Path) -> None:
        """Raise ``ConfigError`` for a file that cannot be read."""
        self._path = path
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            self.wired = {number: Wired(**fields) for number, fields in found.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}; what was wired stands in it") from None

    def keep(self, number: str, wired: Wired | None) -> None:
        """Remember a number, or forget it; raise ``ConfigError`` for a file that cannot be written."""
        if wired is not None:
            self.wired[number] = wired
        else:
            self.wired.pop(number, None)
        text = json.dumps({each: asdict(wired) for each, wired in self.wired.items()})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(text + "\n", encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be written: {error.strerror}") from None


def number_of(text: str) -> str:
    """A number in E.164 as it is written by hand; raise ``ConfigError`` for what is none."""
    number = re.sub(r"[ ().-]", "", text)
    if not _NUMBER.fullmatch(number):
        raise ConfigError(f"{text!r} is no number: write it with its country code, like +912212345678")
    return number


def application_for(agent: str, public_url: str, carrier: str = "plivo") -> Application:
    """The application of an agent; raise ``ConfigError`` where carriers cannot reach this server."""
    if not public_url.startswith("https://"):
        raise ConfigError(
            "set server.public_url to what carriers reach this server at, such as https://voice.example.in"
        )
    ours, query = f"{public_url}/{carrier}", {"agent": "" if agent == "default" else agent}
    name = f"mediasrv-{re.sub('[^A-Za-z0-9]+', '-', agent)}"
    if carrier == "telnyx":
        return Application(name=name, answer_url=with_query(f"{ours}/webhook", query))
    return Application(
        name=name,
        answer_url=with_query(f"{ours}/answer", query),
        hangup_url=f"{ours}/callback/status",
        fallback_url=f"{ours}/fallback",
    )


async def wire(
    account: Account, memory: Memory, number: str, application: Application, carrier: str = "plivo"
) -> Wired:
    """Point a number at an application; raise ``CarrierError``. What was there is remembered before it is changed."""
    found = await account.application_of(number)
    app_id = await account.put(application)
    known = memory.wired.get(number)
    wired = Wired(app_id, known.earlier if known and found == known.application else found, carrier)
    memory.keep(number, wired)
    await account.assign(number, app_id)
    return wired


async def unwire(account: Account, memory: Memory, number: str) -> str:
    """Put back what was there and return its id; raise ``CarrierError``, or ``ConfigError`` where that is not known."""
    known = memory.wired.get(number)
    if known is None:
        raise ConfigError(f"{number} was not wired from here")
    if not known.earlier:
        raise ConfigError(f"{number} had no application before: take it away in the carrier's console")
    await account.assign(number, known.earlier)
    memory.keep(number, None)
    return known.earlier
