"""The interlocutor: the model that hears and speaks in a call, whichever session it lives in.

To the ear it is a recogniser, by its attention; to the mouth it is a voice. A session that is lost or has grown
old is followed by another, which is told the conversation so far. A reply that was asked for and not begun is asked for
again there, with the audio of what the caller said; one that broke off in mid-speech is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from mediasrv.audio.format import AudioFormat
from mediasrv.audio.transcode import Transcoder
from mediasrv.call.asked import Asked
from mediasrv.call.attention import Attention
from mediasrv.call.history import History
from mediasrv.call.mouth import Mouth
from mediasrv.call.role import RealtimeRole
from mediasrv.call.sessions import Sessions
from mediasrv.call.spans import Spans
from mediasrv.call.spawn import Spawn
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Recognition, Speech, ToolCall
from mediasrv.providers.realtime import CallerSaid, DialogueEvent, Expiring, ReplyDone, SpeechPiece, ToolWanted

log = logging.getLogger(__name__)

# Longest wait for a reply's first sound before another session is tried: published figures have the slowest at 4.3 s
# after the caller's last word, half a second of which we have waited already.
FIRST_SOUND_LIMIT_S = 4.0
# The same where no filler is there to wait with; most models begin within a second.
HURRIED_LIMIT_S = 1.4


class Interlocutor:
    """One call's; ``listen`` comes first, then ``run``."""

    def __init__(self, role: RealtimeRole, call_id: str, history: History, mouth: Mouth, spawn: Spawn) -> None:
        self.formats = role.realtime.formats
        self.renews_finals = False
        self.told: Callable[[int, str], None] = lambda number, text: None
        """Called with the number of a reply and what the caller said before it was asked for, once that is known."""
        self._call_id = call_id
        self._provider = role.realtime.name
        self._mouth = mouth
        self._now = asyncio.get_running_loop().time
        self._audio: AudioFormat = self.formats[0]
        self._spans = Spans()
        self._number = 0
        self._live: Asked | None = None
        self._is_expiring = False
        self._limit_s = FIRST_SOUND_LIMIT_S if role.fillers_in(mouth.audio) else HURRIED_LIMIT_S
        sessions = self._sessions = Sessions(role, call_id, history, spawn)
        self._attention = Attention(lambda: sessions.dialogue, self._committed)
        self._sayings = self._attention.sayings

    def listen(self, audio: AudioFormat) -> Recognition:
        """Begin, in this format."""
        self._audio = audio
        self._sessions.open(audio)
        return self._attention

    def _committed(self) -> None:
        """The utterance is over: what was sent since the last answer was asked for needs none."""
        self._forget_sayings()
        self._sessions.dialogue.drop()
        self.renew_if_due()

    # -- replies -------------------------------------------------------------------------------------------------

    def answer(self) -> Asked:
        """Ask for an answer to what the caller said; ``speech`` is to be read, or the answer cancelled."""
        asked = self._ask()
        self._sessions.dialogue.answer(asked.number)
        return asked

    async def say(self, text: str, wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Have the model say a text; see ``speech``."""
        asked = self._ask(text)
        self._sessions.dialogue.say(asked.number, text)
        async with aclosing(self.speech(asked, wanted, [])) as speech:
            async for piece in speech:
                yield piece

    def give(self, asked: Asked, calls: Sequence[ToolCall], results: Sequence[str]) -> None:
        """Tell the model what its tools gave; it is in the history already."""
        if asked.session != self._sessions.number:
            # This session knows nothing of the calls, so let another one hear of them.
            self._sessions.renew()
            return
        for call, result in zip(calls, results, strict=True):
            self._sessions.dialogue.answer_tool(call.id, result)

    def go_on(self, asked: Asked) -> None:
        """Have the model go on with a reply that its tools interrupted; its ``speech`` is to be read again."""
        asked.is_in_history, asked.has_begun, asked.is_second = True, False, False
        asked.asked_s = self._now()
        self._live = asked
        if asked.session == self._sessions.number:
            self._sessions.dialogue.go_on(asked.number)

    def cancel(self, asked: Asked) -> None:
        """A reply is not wanted any more; its ``speech`` ends."""
        if self._live is asked:
            self._live = None
            self._sessions.dialogue.cancel(asked.number)
            asked.inbox.put_nowait(None)

    def cut(self) -> None:
        """The caller broke in: tell the model how much was heard. Call it just before the playout is cleared."""
        if self._live is not None:
            self.cancel(self._live)
        for item, samples in self._spans.cut(self._mouth.ledger.ear(self._now())):
            self._sessions.dialogue.cut(item, samples * 1000 // self._mouth.audio.rate_hz)

    async def speech(self, asked: Asked, wanted: AudioFormat, calls: list[ToolCall]) -> AsyncGenerator[Speech]:
        """Yield a reply, each piece to be queued at once; the tools that it wants are added to ``calls``.

        Raise ``ProviderError`` when it cannot be had, here or in another session. Closing it cancels the reply.
        """
        transcoder = Transcoder(self._audio, wanted)
        try:
            while (event := await self._next(asked)) is not None:
                if isinstance(event, ToolWanted):
                    calls.append(event.call)
                else:
                    yield self._queued(event.item, transcoder.push(event.audio), event.text)
                    item = event.item
            if tail := transcoder.flush():
                yield self._queued(item, tail, "")
        finally:
            self.cancel(asked)

    def _queued(self, item: str, audio: bytes, text: str) -> Speech:
        self._spans.add(item, self._mouth.ledger.end, self._mouth.audio.samples_of(audio))
        return Speech(audio, text)

    async def _next(self, asked: Asked) -> SpeechPiece | ToolWanted | None:
        while True:
            try:
                async with asyncio.timeout_at(None if asked.has_begun else asked.asked_s + self._limit_s):
                    event = await asked.inbox.get()
            except TimeoutError:
                self._despair_of(asked)
                continue
            if isinstance(event, ProviderError):
                raise event
            return event

    def _despair_of(self, asked: Asked) -> None:
        """The first sound of a reply is late: try another session, once."""
        if self._now() >= asked.asked_s + self._limit_s:  # it was not asked for again meanwhile
            failure = self._failure("does not answer")
            self._sessions.renew(failure)
            if asked.is_second:
                raise failure
            asked.asked_s = self._now()

    def _ask(self, text: str = "") -> Asked:
        if self._live is not None:
            self.cancel(self._live)
        self._number += 1
        asked = Asked(self._number, self._sessions.number, self._now(), text)
        if self._sessions.is_gone:
            asked.inbox.put_nowait(self._failure("is gone"))
        else:
            self._live = asked
        return asked

    def _failure(self, what: str, *, retryable: bool = True) -> ProviderError:
        return ProviderError(what, stage="realtime", provider=self._provider, retryable=retryable)

    # -- sessions ------------------------------------------------------------------------------------------------

    def receive(self, event: DialogueEvent) -> None:
        """Take what happens in the session."""
        match event:
            case Expiring():
                self._is_expiring = True
                self.renew_if_due()
            case CallerSaid(number, text):
                if self._live is not None and self._live.number == number:
                    self._live.is_in_history = bool(text)
                self.told(number, text)
            case _ if self._live is None or self._live.number != event.reply:
                pass
            case ReplyDone():
                self._finish(self._live, event.failure)
            case _:
                self._live.has_begun = True
                self._forget_sayings()
                self._live.inbox.put_nowait(event)

    def _forget_sayings(self) -> None:
        """Keep what the caller says until it is being answered: a filler, or a prompt of ours, is no answer."""
        if not self._sayings.is_open and (self._live is None or not self._live.needs_audio):
            self._sayings.forget()

    def _finish(self, live: Asked, failure: ProviderError | None) -> None:
        if failure is not None and failure.retryable and not (live.has_begun or live.is_second):
            log.warning("reply failed", extra={"call": self._call_id, "error": str(failure)})
            self._ask_again(live)
            return
        self._live = None
        self._sessions.succeed()
        live.inbox.put_nowait(failure)

    def _ask_again(self, live: Asked) -> None:
        dialogue = self._sessions.dialogue
        self._note_second(live)
        if live.text:
            dialogue.say(live.number, live.text)
        else:
            dialogue.go_on(live.number)

    def _note_second(self, live: Asked) -> None:
        live.is_second, live.session, live.asked_s = True, self._sessions.number, self._now()

    def renew_if_due(self) -> None:
        """Go over to a fresh session when this one is old and nobody speaks."""
        if self._is_expiring and self._live is None and not self._sayings.is_open and self._mouth.ledger.quiet:
            self._sessions.renew()

    def lose(self, error: ProviderError) -> None:
        """The session is lost; what was asked for twice, or had begun, is lost with it."""
        live = self._live
        if live is not None and (self._sessions.is_gone or live.has_begun or live.is_second):
            self._live = None
            live.inbox.put_nowait(error)
        if self._sessions.is_gone:
            self._attention.fail(self._failure("is gone", retryable=False))

    def resume(self) -> None:
        """Tell a new session what is not in the history, and ask it for what is still wanted."""
        live, dialogue = self._live, self._sessions.dialogue
        self._is_expiring = False
        self._spans.clear()
        if live is not None and live.is_in_history:
            self._sayings.forget()
        for payload in self._sayings.kept:
            dialogue.send(payload)
        if live is not None and live.needs_audio:
            self._note_second(live)
            dialogue.answer(live.number)
        elif live is not None:
            self._ask_again(live)

    async def run(self) -> None:
        """Keep the model in the call."""
        await self._sessions.run(self)

    def aclose(self) -> None:
        """The call is over: nobody is told, and nobody tells us."""
        self.told = lambda number, text: None
        self._attention.aclose()
