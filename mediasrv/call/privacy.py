"""Privacy: while the caller presses what nobody else may know, nobody hears him, nor a moment longer.

The carrier tells of a key as soon as it is sure of it, 40 ms into a tone that lasts for as long as the finger stays.
So the last key is still to be heard when all of them are known.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from mediasrv.call.ear import Ear

# A key is pressed for 100 to 200 ms, and what is told of it overtakes what waits for late packets.
KEY_S = 0.3


class Privacy:
    """One call's: a context that may be entered again before it is left, and lasts ``KEY_S`` longer."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._entered = 0
        self._lifting: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._entered += 1
        self._ear.is_private = True
        if self._lifting is not None:
            self._lifting.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._entered -= 1
        if not self._entered:
            self._lifting = asyncio.get_running_loop().call_later(KEY_S, self._lift)

    def _lift(self) -> None:
        self._ear.is_private = False
