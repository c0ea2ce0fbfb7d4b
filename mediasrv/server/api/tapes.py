"""Recordings that carriers make of live calls, one of each: whoever asks again gets to know of the one that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mediasrv.carriers.base import Control, RecordingOrder


class Tapes:
    """Those of one server."""

    def __init__(self, is_live: Callable[[str], bool]) -> None:
        """``is_live`` says of a call whether it is: what is known of the others is forgotten."""
        self._is_live = is_live
        self._running: dict[str, asyncio.Task[str]] = {}

    async def start(self, call_id: str, control: Control, order: RecordingOrder) -> str:
        """The carrier's name for the recording that runs from now on, or did already.

        Raise ``CarrierError``; whoever asks again then has the carrier asked again.
        """
        for over in [each for each in self._running if not self._is_live(each)]:
            del self._running[over]
        if (task := self._running.get(call_id)) is None:
            task = self._running[call_id] = asyncio.create_task(control.start_recording(call_id, order))
            task.add_done_callback(lambda done: self._drop(call_id, done))
        # Who asks and goes away does not stop what was asked.
        return await asyncio.shield(task)

    def _drop(self, call_id: str, done: asyncio.Task[str]) -> None:
        """Nothing runs where it could not be begun."""
        if (done.cancelled() or done.exception() is not None) and self._running.get(call_id) is done:
            del self._running[call_id]
