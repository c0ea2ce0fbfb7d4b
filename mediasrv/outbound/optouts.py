"""Keeps the wish of those who ask, in the middle of a call, not to be called again."""

from __future__ import annotations

import asyncio
import logging

from mediasrv.call.link import OUTBOUND, CallDetails
from mediasrv.call.observer import Observer
from mediasrv.errors import RecordsError
from mediasrv.outbound.number import e164
from mediasrv.records.suppressions import Suppressions

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""Wait after the list could not be written."""
TRIES = 1800


class OptOuts(Observer):
    """Observer of all calls, theirs and ours."""

    def __init__(self, suppressions: Suppressions) -> None:
        self._suppressions = suppressions
        self._numbers: dict[str, str] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Return when what can be written is; safe to call twice."""
        if self._writing:
            _, unwritten = await asyncio.wait(self._writing, timeout=AGAIN_S)
            for task in unwritten:
                task.cancel()

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        number = e164(details.to_number if details.direction == OUTBOUND else details.from_number)
        if number:
            self._numbers[call_id] = number

    def opted_out(self, call_id: str, how: str) -> None:
        number = self._numbers.get(call_id)
        if number is None:
            log.error("a callee opts out whose number is not known", extra={"call": call_id})
            return
        task = asyncio.create_task(self._write(number, how, call_id))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    def ended(self, call_id: str, cause: str) -> None:
        self._numbers.pop(call_id, None)

    async def _write(self, number: str, how: str, call_id: str) -> None:
        for _ in range(TRIES):
            try:
                await self._suppressions.add(number, how, call_id)
            except RecordsError as error:
                log.error("an opt-out cannot be written yet", extra={"call": call_id, "error": str(error)})
                await asyncio.sleep(AGAIN_S)
            else:
                return
        log.error("an opt-out is lost", extra={"call": call_id})
