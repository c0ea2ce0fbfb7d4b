"""What systemd is told over its socket: sd_notify(3) in a few lines, silent where nobody asked to be told.

The watchdog is fed by a timer of the event loop and by nothing else, so a loop that stands still starves it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

STATUS_EVERY_S = 1.0
_LONGEST_STATUS = 200


class Notifier:
    """Tells of this process, as ``environ`` asks for it; by default as systemd has started it."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        address = environ.get("NOTIFY_SOCKET", "")
        # A name with an at sign is none of the file system.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        is_watched = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog_s = int(environ.get("WATCHDOG_USEC", "0")) / 1e6 if is_watched else 0.0
        self._is_watched = watchdog_s > 0
        # Thrice within the time: one that comes late must not be the last.
        self._every_s = min(watchdog_s / 3, STATUS_EVERY_S) if self._is_watched else STATUS_EVERY_S
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self._address else None
        self._status: Callable[[], str] = str
        self._timer: asyncio.TimerHandle | None = None

    def ready(self, status: Callable[[], str]) -> None:
        """Everything is warm and callers are let in; from now on tell of the ``status`` and feed the watchdog."""
        self._status = status
        self._tell("READY=1")
        self._feed()

    def reloading(self) -> None:
        """The configuration is read anew; ``ready`` follows in any case."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """No new call is let in any more; the watchdog is fed until ``close``."""
        self._tell("STOPPING=1")

    def close(self) -> None:
        """Tell nothing more; safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _feed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tell(f"STATUS={self._status()[:_LONGEST_STATUS]}", *(["WATCHDOG=1"] if self._is_watched else []))
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._feed)

    def _tell(self, *lines: str) -> None:
        if self._socket is not None:
            # Whoever does not listen any more must not cost us a call.
            with suppress(OSError):
                self._socket.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, self._address)
