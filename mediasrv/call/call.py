"""``Call``: what an agent, a tool or a coroutine of the operator's may do with a phone call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.audio.transcode import Transcoder
from mediasrv.call.control import Earlier, HandoverOrder, HandoverOutcome
from mediasrv.call.digits import Digits
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.handover import hand_over
from mediasrv.call.history import History
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.mouth import Mouth
from mediasrv.call.privacy import Privacy
from mediasrv.call.recording import CallRecording
from mediasrv.call.usage import CallUsage
from mediasrv.errors import ConfigError
from mediasrv.providers.base import Speech
from mediasrv.turn.utterance import Heard
from mediasrv.wire.events import SendDtmf

Frame = NDArray[np.int16]

# Audio handed to the ledger at a time by `play`.
_PIECE_MS = 200
# Frames that `audio` keeps for a consumer who is late; then the oldest go.
_MAX_FRAMES_WAITING = 250


class Speaker(Protocol):
    """Whose voice the bot's set words are said in."""

    def say(self, text: str, wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak a text as one phrase; the audio is in the wanted format. Raise ``ProviderError``."""


@dataclass(frozen=True, slots=True)
class CallParts:
    """What a ``Call`` is a face of."""

    audio: AudioFormat
    details: CallDetails
    link: Link
    ear: Ear
    recording: CallRecording
    mouth: Mouth
    voice: Speaker
    history: History
    usage: CallUsage
    digits: Digits
    effort: Effort
    run: Callable[[Coroutine[Any, Any, None]], None]
    """Runs the operator's code beside all else."""
    end: Callable[[str], None]


class Call:
    """A phone call in progress. Its methods raise ``CallEnded`` by cancellation of the task: when the call is over,
    every task that belongs to it is cancelled."""

    def __init__(self, call_id: str, parts: CallParts) -> None:
        self.id = call_id
        """The carrier's name for the call."""
        self._parts = parts
        self._privacy = Privacy(parts.ear)

    @property
    def carrier(self) -> str:
        """``plivo``, …"""
        return self._parts.details.carrier

    @property
    def from_number(self) -> str:
        """Who calls, in E.164; empty where it is not known."""
        return self._parts.details.from_number

    @property
    def to_number(self) -> str:
        """Who is called, likewise."""
        return self._parts.details.to_number

    @property
    def direction(self) -> str:
        """``inbound``, or ``outbound`` where the carrier says that we have called."""
        return self._parts.details.direction

    @property
    def earlier(self) -> Earlier | None:
        """The call that this caller comes back from, where he was handed over and nobody answered."""
        return self._parts.details.earlier

    @property
    def body(self) -> dict[str, Any]:
        """What was handed over in the stream URL's ``body``."""
        return self._parts.details.body

    @property
    def transcript(self) -> list[tuple[str, str]]:
        """What was said and heard so far, oldest first: pairs of ``caller`` or ``bot`` and words. Of more than
        ``history_chars`` the oldest is missing here; the call's record has all of it."""
        return self._parts.history.transcript()

    @property
    def usage(self) -> CallUsage:
        """What was used until now of the providers that are paid; whole, as far as they tell, in ``on_end``."""
        return replace(self._parts.usage)

    @property
    def rate_hz(self) -> int:
        """Rate of ``audio`` and ``write``."""
        return self._parts.audio.rate_hz

    async def say(self, text: str, *, interruptible: bool = True) -> Heard:
        """Speak a text and return when it was heard, or when the caller broke in; raise ``ProviderError``."""
        parts = self._parts
        return await parts.mouth.speak(parts.voice.say(text, parts.audio), interruptible=interruptible)

    async def play(self, audio: Frame, rate_hz: int, *, interruptible: bool = True) -> Heard:
        """Play int16 mono samples and return when they were heard, or when the caller broke in."""
        return await self._parts.mouth.speak(self._pieces(audio, rate_hz), interruptible=interruptible)

    async def _pieces(self, audio: Frame, rate_hz: int) -> AsyncGenerator[Speech]:
        source = AudioFormat(Encoding.L16, rate_hz)
        transcoder = Transcoder(source, self._parts.audio)
        encoded = codec.encode(Encoding.L16, np.ascontiguousarray(audio, dtype=np.int16))
        size = source.bytes_in(_PIECE_MS)
        for start in range(0, len(encoded), size):
            yield Speech(transcoder.push(encoded[start : start + size]))
            await asyncio.sleep(0)  # A long recording must not hold up the loop.
        yield Speech(transcoder.flush())

    async def collect_digits(
        self,
        max_digits: int,
        *,
        prompt: str = "",
        interrupts: bool = True,
        first_timeout_s: float | None = None,
        timeout_s: float = 5.0,
        terminator: str = "#",
        private: bool = False,
    ) -> str:
        """Return the keys that the caller presses, without the terminator: at most ``max_digits`` of them, and what
        there is when none came for ``timeout_s``. ``on_dtmf`` is not called for them.

        ``prompt`` is said first; keys count from its beginning, and the first ends it unless ``interrupts`` is false.
        ``first_timeout_s`` is the longest wait for the first key after it, where that differs from the one between
        two. ``private`` is for what nobody else may know, such as the number of a card: see ``is_private``.
        Raise ``ProviderError`` when the prompt cannot be said.
        """
        with self._privacy if private else nullcontext():
            return await self._parts.digits.collect(
                max_digits,
                timeout_s,
                terminator,
                first_timeout_s=first_timeout_s,
                prompt=self.say(prompt) if prompt else None,
                interrupts=interrupts,
            )

    @property
    def is_private(self) -> bool:
        """Whether the caller's audio is nobody's business just now: recogniser, turns and ``audio`` get silence in its
        place, and who records this call has to do likewise."""
        return self._parts.ear.is_private

    @property
    def is_recorded(self) -> bool:
        """Whether we record the call just now."""
        return self._parts.recording.is_on

    async def record(self) -> None:
        """Record both voices from now on, to a sealed file; whoever calls this tells the caller so. Raise
        ``ConfigError`` where no ``[recording]`` is configured."""
        if not self._parts.recording.is_possible:
            raise ConfigError("nothing can be recorded: set recording.key_env")
        self._parts.recording.start(asyncio.get_running_loop().time())

    async def stop_recording(self) -> None:
        """Record no more, until ``record`` is called again."""
        self._parts.recording.stop(asyncio.get_running_loop().time())

    async def send_digits(self, digits: str) -> None:
        """Press keys toward the far end, such as ``12#``; raise ``LocalProtocolError`` for what is no key, and where
        the carrier's stream has no message for keys."""
        self._parts.link.send(SendDtmf(digits))

    async def transfer(
        self, to: str, *, briefing: str = "", caller_id: str = "", timeout_s: int = 30
    ) -> HandoverOutcome:
        """Hand the caller over to a number or a SIP address; the call ends when that works.

        Whoever answers there is first told the ``briefing``, where there is one, while the caller hears music; without
        one the caller is put through at once, when he has heard what was said until now, and comes back as a new call
        when nobody answers. Any outcome but ``CONNECTED`` is a failure, and the call goes on: say so. It takes as long
        as the phone rings, so a tool that waits for it needs ``@tool(side_effects=True, limit_s=…)``.
        """
        order = HandoverOrder(to=to, briefing=briefing, caller_id=caller_id, timeout_s=timeout_s)
        parts, rate_hz = self._parts, self.rate_hz
        outcome = await hand_over(
            parts.details.control,
            order,
            lambda: self.transcript,
            parts.mouth,
            lambda music: self.play(music, rate_hz, interruptible=False),
        )
        if outcome is HandoverOutcome.CONNECTED:
            parts.end("transferred")
        return outcome

    async def hangup(self, *, after_playout: bool = True) -> None:
        """End the call; ``after_playout`` lets the caller hear what was said until now."""
        if after_playout:
            await self._parts.mouth.wait_until_quiet()
        self._parts.end("agent hung up")

    async def audio(self) -> AsyncGenerator[Frame]:
        """Yield the caller's frames, int16 mono at ``rate_hz``; a consumer who is seconds late loses the oldest."""
        frames: asyncio.Queue[Frame] = asyncio.Queue(_MAX_FRAMES_WAITING)

        def take(frame: Frame) -> None:
            if frames.full():
                frames.get_nowait()
            frames.put_nowait(frame)

        self._parts.ear.tap = take
        try:
            while True:
                yield await frames.get()
        finally:
            self._parts.ear.tap = None

    def write(self, frame: Frame) -> None:
        """Append int16 mono samples at ``rate_hz`` to what the caller is going to hear."""
        self._parts.mouth.write(codec.encode(self._parts.audio.encoding, frame))
