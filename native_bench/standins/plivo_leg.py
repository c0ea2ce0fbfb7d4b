"""One leg of a call in the stand-in of Plivo: where it stands, what it has heard, who may interrupt it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from mediasrv.simulator.caller import Caller
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.script import Line

OVER = frozenset({"completed", "busy", "failed", "timeout", "no-answer"})
"""Call states of which there is no way back."""
GRACE_S = 1.0
"""How long a redirected call waits for the server to close its stream."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a call has ended, as Plivo says it."""

    status: str
    """The call's state from then on."""
    cause: str
    code: int
    name: str
    source: str = "Callee"


NORMAL = Cause("completed", "NORMAL_CLEARING", 4000, "Normal Hangup")
END_OF_XML = Cause("completed", "NORMAL_CLEARING", 4010, "End Of XML Instructions", "Plivo")
BY_API = Cause("completed", "NORMAL_CLEARING", 4000, "Normal Hangup", "API Request")
CANCELLED = Cause("failed", "ORIGINATOR_CANCEL", 1000, "Cancelled", "API Request")
NO_ANSWER = Cause("no-answer", "NO_ANSWER", 3000, "No Answer")
RING_TIMEOUT = Cause("timeout", "NO_ANSWER", 6010, "Ring Timeout", "Plivo")
BUSY = Cause("busy", "USER_BUSY", 3010, "Busy")
REJECTED = Cause("failed", "CALL_REJECTED", 3020, "Rejected")
TOO_MANY = Cause("failed", "CALL_REJECTED", 5030, "Concurrency Limit Breached", "Plivo")
NO_DOCUMENT = Cause("completed", "NORMAL_CLEARING", 7011, "Error Reaching Answer URL", "Error")
BAD_DOCUMENT = Cause("completed", "NORMAL_CLEARING", 8011, "Invalid Answer XML", "Error")
MACHINE = Cause("completed", "NORMAL_CLEARING", 9100, "Machine Detected", "Plivo")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Whoever a number reaches."""

    answers: str = "yes"
    """``yes``, ``no`` (it rings on), ``busy``, ``reject``."""
    after_s: float = 0.02
    """How long it rings."""
    is_machine: bool = False
    script: Sequence[Line] = ()
    """What is said on a stream; after it, or without one, there is silence until somebody hangs up."""
    talks_s: float = 0.1
    """How long it talks when it is put through to somebody, before it hangs up; 0: it never hangs up."""


class HungUp(Exception):
    """Somebody has ended the call."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.name)
        self.cause = cause


class Redirected(Exception):
    """The call goes on with another document."""

    def __init__(self, url: str, fields: Mapping[str, str] | None = None) -> None:
        """``fields`` go with the request for the document, besides those of every callback."""
        super().__init__(url)
        self.url = url
        self.fields = dict(fields or {})


@dataclass(slots=True, eq=False)
class Leg:
    """A leg; numbers are in Plivo's spelling, without a plus."""

    from_number: str
    to_number: str
    direction: str
    subscriber: Subscriber
    urls: dict[str, str] = field(default_factory=dict)
    """Where it reports: ``answer``, ``hangup``, ``ring``, ``machine``; a method with ``_method`` behind the name."""
    ring_timeout_s: float = 120.0
    detects_machine: str = ""
    call_id: str = field(default_factory=lambda: str(uuid4()))
    request_id: str = ""
    state: str = "queued"
    deeds: list[str] = field(default_factory=list)
    """What has happened to it, in order, for tests to read."""
    conversations: list[Conversation] = field(default_factory=list)
    """What its streams have left behind."""
    recordings: list[str] = field(default_factory=list)
    """Names of recordings under way."""
    bridged_to: set[str] = field(default_factory=set)
    """Names of the legs it has talked with."""
    caller: Caller | None = None
    """Its stream, while there is one."""
    cause: Cause | None = None
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    task: asyncio.Task[None] | None = None
    _interruption: asyncio.Future[HungUp | Redirected] | None = None

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody wants it to stop what it is doing."""
        return self._interruption is not None and self._interruption.done()

    def interrupt(self, reason: HungUp | Redirected) -> None:
        """Have it stop what it is doing; the first reason counts until it is obeyed."""
        future = self._future()
        if not future.done():
            future.set_result(reason)

    async def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something for as long as nobody interrupts; raise the interruption."""
        task, interruption = asyncio.ensure_future(work), self._future()
        try:
            await asyncio.wait({task, interruption}, return_when=asyncio.FIRST_COMPLETED)
            if interruption.done():
                self._interruption = None
                if self.caller is not None:
                    await self._leave_stream(task, isinstance(interruption.result(), Redirected))
                raise interruption.result()
            return await task
        finally:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # whoever interrupts does not want to know

    async def _leave_stream(self, task: asyncio.Future[Any], is_redirected: bool) -> None:
        """A redirected call lets the server close its side first; one that is over says goodbye."""
        if is_redirected:
            await asyncio.wait({task}, timeout=GRACE_S)
        if self.caller is not None:
            self.caller.hang_up()
            await asyncio.wait({task}, timeout=GRACE_S)

    def _future(self) -> asyncio.Future[HungUp | Redirected]:
        if self._interruption is None:
            self._interruption = asyncio.get_running_loop().create_future()
        return self._interruption

    def fields(self, event: str = "") -> dict[str, str]:
        """What every callback about it says."""
        said = {
            "CallUUID": self.call_id,
            "From": self.from_number,
            "To": self.to_number,
            "CallStatus": self.state,
            "Direction": self.direction,
        }
        if event:
            said["Event"] = event
        if self.request_id:
            said |= {"RequestUUID": self.request_id, "ALegUUID": self.call_id, "ALegRequestUUID": self.request_id}
        if self.cause is not None:
            said |= {
                "HangupCause": self.cause.cause,
                "HangupCauseName": self.cause.name,
                "HangupCauseCode": str(self.cause.code),
                "HangupSource": self.cause.source,
                "Duration": "1",
                "BillDuration": "60",
            }
        return said

    def past(self) -> dict[str, str]:
        """What a list of past calls says about it."""
        return {
            "call_uuid": self.call_id,
            "call_direction": self.direction,
            "from_number": self.from_number,
            "to_number": self.to_number,
            "initiation_time": f"{self.begun:%Y-%m-%d %H:%M:%S}+00:00",
            "end_time": f"{self.ended:%Y-%m-%d %H:%M:%S}+00:00",
        }
