"""A reply in the making: the language model's words as phrases, with the tools it calls on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from mediasrv.call.call import Call
from mediasrv.call.draft import Gate
from mediasrv.call.history import History
from mediasrv.call.tools import Tool, run_tool
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolCall
from mediasrv.turn.headway import Headway
from mediasrv.turn.phrases import PhraseCutter

# A model that calls tools in a circle is stopped here.
MAX_TOOL_ROUNDS = 5
# How often a model is asked that breaks off before there was anything to speak.
MAX_ATTEMPTS = 2
# A voice that has so much to say yet is served in time by a model that is looked after so often.
AMPLE_S = 0.3
LOOK_S = 0.1


class Reply:
    """Makes one reply to the conversation as it stands, or as it will stand when the gate is open."""

    def __init__(
        self,
        llm: Llm,
        history: History,
        tools: Mapping[str, Tool],
        call: Call,
        trace: TurnTrace,
        gate: Gate,
        said: str,
        *,
        joins: bool = False,
    ) -> None:
        """``said`` is what the caller said in this turn; before the gate is open, the history may not know it.

        ``joins`` is for a voice that speaks phrases in one breath, see ``Tts.joins``.
        """
        self._llm = llm
        self._history = history
        self._tools = tools
        self._call = call
        self._trace = trace
        self._gate = gate
        self._said = said
        self._joins = joins
        self._headway = Headway()
        self._now = asyncio.get_running_loop().time

    async def phrases(self) -> AsyncGenerator[str]:
        """Yield phrases as soon as they are whole; raise ``ProviderError``. Cancelling stops model and tools."""
        for _ in range(MAX_TOOL_ROUNDS):
            calls: list[ToolCall] = []
            async with aclosing(self._round(calls)) as phrases:
                async for phrase in phrases:
                    now = self._now()
                    self._trace.reach("first_phrase", now)
                    self._headway.give(phrase, now)
                    yield phrase
            if not calls:
                return
            await self._gate.passed()
            wanted = (run_tool(self._tools, each, self._call) for each in calls)
            self._history.tool_called(calls, await asyncio.gather(*wanted))

    async def _round(self, calls: list[ToolCall]) -> AsyncGenerator[str]:
        """Yield the phrases of one answer of the model; ``calls`` are the tools that it wants, once it is over."""
        specs = [each.spec for each in self._tools.values()]
        # A model that has tools may stop speaking to call one, and that is in a hurry.
        may_linger = self._llm.runs_ahead and not specs
        for attempts_left in reversed(range(MAX_ATTEMPTS)):
            cutter = PhraseCutter(joins=self._joins)
            calls.clear()
            has_begun = has_spoken = False
            try:
                async with aclosing(self._llm.reply(self._messages(), specs)) as deltas:
                    async for delta in deltas:
                        has_begun = True
                        for phrase in self._take(delta, cutter, calls):
                            has_spoken = True
                            yield phrase
                        if may_linger and self._is_in_no_hurry(delta):
                            await asyncio.sleep(LOOK_S)
                for phrase in cutter.flush():
                    yield phrase
                return
            except ProviderError as error:
                # What broke off unheard is asked for again; one that never began was asked for often enough.
                if has_spoken or not has_begun or not error.retryable or not attempts_left:
                    raise

    def _is_in_no_hurry(self, delta: Delta) -> bool:
        return isinstance(delta, TextDelta) and self._headway.ahead_s(self._now()) >= AMPLE_S

    def _messages(self) -> Sequence[Message]:
        if self._gate.is_open:
            return self._history.messages
        return self._history.supposing(self._trace.turn, self._said)

    def _take(self, delta: Delta, cutter: PhraseCutter, calls: list[ToolCall]) -> list[str]:
        self._trace.reach("first_token", self._now())
        if isinstance(delta, ToolCall):
            calls.append(delta)
        if not isinstance(delta, TextDelta):
            return []
        self._trace.tokens += delta.pieces
        return cutter.push(delta.text)
