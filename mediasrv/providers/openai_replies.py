"""Replies of an OpenAI Realtime session: the server makes one response at a time.

One that was cancelled is over only when the server says so. So a reply is *wanted* until its ``response.create`` may be
sent, and *current* until its ``response.done`` has come::

    want ─► wanted ─► response.create ─► current ─► response.done
               └──────── cancel ◄───────────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mediasrv.providers.loosejson import text
from mediasrv.providers.openai_items import SpokenItem

_SERIAL = "mediasrv_reply"


class Put(Protocol):
    """Sends a message."""

    def __call__(self, kind: str, **fields: Any) -> None: ...


@dataclass(slots=True)
class Response:
    """A reply on its way."""

    reply: int
    wish: Mapping[str, Any] = field(default_factory=dict)
    """The ``response`` of its ``response.create``."""
    serial: str = ""
    """Our name for it, given back with ``response.created``."""
    id: str = ""
    """The server's name for it, once there is one."""
    is_cancelled: bool = False
    items: dict[str, SpokenItem] = field(default_factory=dict)


class Replies:
    """The reply that is wanted, and the one that is being made."""

    def __init__(self, put: Put) -> None:
        self.current: Response | None = None
        self._wanted: Response | None = None
        self._created = 0
        self._put = put

    @property
    def is_stuck(self) -> bool:
        """Whether a reply waits for the end of one that was cancelled."""
        return self._wanted is not None

    def want(self, response: Response) -> None:
        """Ask for this one, in the place of any other."""
        if self.current is not None:
            self._cancel(self.current)
        self._wanted = response
        self.go_on()

    def cancel(self, reply: int) -> None:
        """A reply is not wanted any more."""
        if self._wanted is not None and self._wanted.reply == reply:
            self._wanted = None
        if self.current is not None and self.current.reply == reply:
            self._cancel(self.current)

    def unstick(self) -> None:
        """The end of the one that was cancelled does not come: ask all the same."""
        if self._wanted is not None:
            self.current = None
            self.go_on()

    def audible(self, id_: str) -> Response | None:
        """The current one, where the server means that by this name and it is not cancelled."""
        current = self.current
        return current if current and current.id and current.id == id_ and not current.is_cancelled else None

    def begun(self, response: Mapping[str, Any]) -> None:
        """The server has begun to make one."""
        current = self.current
        # A server that does not give it back keeps the order all the same.
        if current is not None and not current.id and response.get("metadata") in (None, {}, {_SERIAL: current.serial}):
            current.id = text(response, "id")
            if current.is_cancelled:
                current.is_cancelled = False
                self._cancel(current)

    def ended(self, id_: str) -> Response | None:
        """The server is done with one; return it where it was the current one, cancelled or not. Then ``go_on``."""
        current = self.current
        if current is None or not current.id or current.id != id_:
            return None
        self.current = None
        return current

    def go_on(self) -> None:
        """Ask for what is wanted, where nothing is in the way any more."""
        if self._wanted is not None and self.current is None:
            current, self.current, self._wanted = self._wanted, self._wanted, None
            self._created += 1
            current.serial = f"reply-{self._created}"
            wish = {**current.wish, "metadata": {_SERIAL: current.serial}}
            self._put("response.create", event_id=current.serial, response=wish)

    def refused(self, serial: str) -> Response | None:
        """The server did not take a ``response.create``; return the reply where that was the current one's."""
        current = self.current
        if current is None or current.id or current.serial != serial:
            return None
        self.current = None
        return current

    def wait(self, refused: Response) -> bool:
        """Ask for one that was refused again when the server has ended another; ``False`` where it is not wanted."""
        if refused.is_cancelled or self._wanted is not None:
            return False
        self._wanted = refused
        return True

    def _cancel(self, response: Response) -> None:
        if response.id and not response.is_cancelled:
            self._put("response.cancel", response_id=response.id)
        response.is_cancelled = True
