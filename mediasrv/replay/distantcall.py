"""The call as whoever is outside has it: what he does to it comes in through its world.

An agent's code and its tools are outside. What they ask of the call is done within, at a moment that the capture knows,
and what comes of it goes out again.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediasrv.call.call import Call


class DistantCall(Call):
    """The call, as whoever is outside has it: what he does to it comes in."""

    def __init__(self, call: Call, channel: Any) -> None:
        super().__init__(call.id, call._parts)
        self._channel = channel

    def __getattribute__(self, name: str) -> Any:
        if name in _ACTS:
            return functools.partial(self._channel.acted, name)
        return super().__getattribute__(name)

    def write(self, frame: NDArray[np.int16]) -> None:
        """Append samples."""
        self._channel.acted_at_once("write", frame)


_ACTS = frozenset({"say", "play", "collect_digits", "send_digits", "transfer", "hangup", "record", "stop_recording"})
