"""What others do wrong: all of it counted, each kind of it logged once in a while.

A carrier that breaks its protocol does so fifty times a second, and a stranger who knocks at the door knocks all day:
neither may fill the disk or hide what matters.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from mediasrv.errors import RemoteProtocolError
from mediasrv.server.metrics import Metrics
from mediasrv.wire.protocol import UnsupportedFormatError

log = logging.getLogger(__name__)

QUIET_S = 60.0
"""Time between two lines of one kind."""
# More kinds than there are ways to err; beyond it the memory of what was logged starts anew.
_MAX_KINDS = 256


class Complaints:
    """Counts and logs, for the whole server."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives monotonic seconds."""
        self._metrics = metrics
        self._clock = clock
        self._quiet_until_s: dict[str, float] = {}
        self._unlogged: dict[str, int] = {}

    def broke_protocol(self, error: RemoteProtocolError, call_id: str) -> None:
        """A carrier's message was skipped."""
        # The errors' texts name what is wrong and hold nothing of the message, but for a format's numbers.
        kind = "unsupported format" if isinstance(error, UnsupportedFormatError) else str(error)
        self._metrics.remote_error(kind)
        self._log("carrier broke its protocol", kind, call_id)

    def refused(self, reason: str, call_id: str = "") -> None:
        """A call or a socket was not let in."""
        self._metrics.refused(reason)
        self._log("refused", reason, call_id)

    def _log(self, what: str, kind: str, call_id: str) -> None:
        key = f"{what}: {kind}"
        now = self._clock()
        if now < self._quiet_until_s.get(key, now):
            self._unlogged[key] = self._unlogged.get(key, 0) + 1
            return
        if len(self._quiet_until_s) >= _MAX_KINDS:
            self._quiet_until_s.clear()
            self._unlogged.clear()
        self._quiet_until_s[key] = now + QUIET_S
        log.warning(key, extra={"call": call_id, "unlogged": self._unlogged.pop(key, 0)})
