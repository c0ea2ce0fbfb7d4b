"""A whole call in virtual time: recorded human speech in, scripted providers, the carrier's own play queue.

The stage stands for carrier and caller; the call on it is the real one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest.mock import patch

from mediasrv.audio.format import MULAW_8K, PTIME_MS, AudioFormat, samples_in
from mediasrv.call.agency import Agency
from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.call.options import AgentOptions
from mediasrv.call.trace import TurnTrace
from mediasrv.providers import registry
from mediasrv.providers.meter import Use
from mediasrv.providers.scripted import tone
from mediasrv.simulator.playout import Playout
from mediasrv.simulator.speech import comfort_noise, recorded, take
from mediasrv.turn.options import TurnOptions
from mediasrv.wire.events import Clear, Command, DtmfReceived, Event, Mark, MediaReceived, StreamStarted, StreamStopped
from tests.virtual import run_virtually

QUICK: dict[str, Any] = {
    "stt": {"provider": "scripted", "final_ms": 100},
    "llm": {"provider": "scripted", "first_token_ms": 200, "token_ms": 15},
    "tts": {"provider": "scripted", "first_audio_ms": 80, "ms_per_char": 50},
}
SHORT, LONG = "ps_goforward", "lv_austen_0890"


def agent_options(**changes: Any) -> AgentOptions:
    """An agent on scripted providers; ``stt``, ``llm`` and ``tts`` add to their options."""
    stages = {stage: options | changes.pop(stage, {}) for stage, options in QUICK.items()}
    changes.setdefault("greeting", "")
    return AgentOptions(**stages, **changes)


@dataclass
class Watch(Observer):
    """Everything that happened, with its time."""

    words: list[tuple[str, str]] = field(default_factory=list)
    began_as: tuple[str, str, str, str] = ("", "", "", "")
    """Names of the call, its stream and its agent, and who has called."""
    turns_said: list[tuple[int | None, bool]] = field(default_factory=list)
    """Of each words, the caller's turn, and whether they are all that was to be said."""
    traces: list[TurnTrace] = field(default_factory=list)
    barge_ins: list[float] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    ended_s: float = 0.0
    spent_on: Counter[tuple[str, str, Use]] = field(default_factory=Counter)
    prepared: list[bool] = field(default_factory=list)
    """Of each reply that was prepared, whether it was made in vain."""
    false_alarms: list[float] = field(default_factory=list)
    detector_failures: int = 0

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        self.began_as = (call_id, stream_id, agent, details.direction)

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        self.words.append((side, text))
        self.turns_said.append((turn, complete))

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        self.traces.append(trace)

    def reply_prepared(self, call_id: str, tokens: int, *, wasted: bool) -> None:
        self.prepared.append(wasted)

    def false_alarm(self, call_id: str, now: float) -> None:
        self.false_alarms.append(now)

    def detector_failed(self, call_id: str) -> None:
        self.detector_failures += 1

    def barged_in(self, call_id: str, now: float) -> None:
        self.barge_ins.append(now)

    def spent(self, call_id: str, provider: str, use: Use, amount: float) -> None:
        self.spent_on[call_id, provider, use] += amount  # type: ignore[assignment]

    def ended(self, call_id: str, cause: str) -> None:
        self.causes.append(cause)
        self.ended_s = asyncio.get_running_loop().time()


class Way:
    """The network, one way: everything takes as long, and comes in the order in which it was sent."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._travelling: deque[Callable[[], object]] = deque()
        self._loop = asyncio.get_running_loop()

    def send(self, arrive: Callable[[], object]) -> None:
        """Call this when it has come; at once when the way is none."""
        if not self._delay_s:
            arrive()
            return
        self._travelling.append(arrive)
        self._loop.call_later(self._delay_s, lambda: self._travelling.popleft()())


class Stage:
    """Carrier and caller of one call, and the ``Link`` of the call."""

    def __init__(
        self, options: AgentOptions, audio: AudioFormat = MULAW_8K, *, way_s: float = 0.0, **providers: Any
    ) -> None:
        """``providers`` take the place of those that were there when the agency started, or did ``at_start``.

        ``way_s`` is how far away the carrier is. With ``direction="outbound"`` the call is one that we have made.
        """
        self._to_carrier, self._to_us = Way(way_s), Way(way_s)
        self.watch: Watch = providers.pop("watch", None) or Watch()
        self.audio = audio
        self.closed = False
        self.commands: list[tuple[float, Command]] = []
        self._options = options
        self._direction = providers.pop("direction", "inbound")
        self._recorder = providers.pop("recorder", None)
        self._handing = {name: providers.pop(name, None) for name in ("control", "earlier")}
        self._providers = providers
        self._loop = asyncio.get_running_loop()
        self._playout = Playout(audio, self._loop.time())
        self._noise = comfort_noise(audio, -65.0, 1)
        self._frames = 0

    # -- as the call's link --------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        now = self._loop.time()
        self.commands.append((now, command))
        self._to_carrier.send(lambda: self._pass_on(self._playout.receive(command, self._loop.time())))

    def close(self) -> None:
        self.closed = True

    def _pass_on(self, events: Sequence[Event]) -> None:
        for event in events:
            # What a carrier says comes later, never within the call of what it answers.
            self._to_us.send(partial(self._loop.call_soon, self.call.receive, event))
        if (due := self._playout.deadline()) is not None:
            self._loop.call_at(due, lambda: self._pass_on(self._playout.tick(self._loop.time())))

    # -- the call ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Stage:
        build, at_start = registry.build, self._providers.pop("at_start", {})
        with patch.object(registry, "build", lambda stage, table: at_start.get(stage) or build(stage, table)):
            self.agency = Agency({"default": self._options}, observer=self.watch, recorder=self._recorder)
        await self.agency.start()
        self._pick_up(**self._providers)
        return self

    def _pick_up(self, **providers: Any) -> None:
        """Open the call, with other providers than the configuration could name where they are given."""
        role = self.agency._roles["default"]
        if "tts" in providers:
            # The set phrases were recorded before it came to this.
            role.voice._tts = providers.pop("tts")
        self.agency._roles["default"] = replace(role, **providers)
        details = CallDetails("plivo", "+15550001", "+15550002", {"order": 7}, self._direction, **self._handing)
        self.opened_s = self._loop.time()
        self._playout = Playout(self.audio, self.opened_s)
        self.call = self.agency.open("default", self._started(), self, details)
        self.running = asyncio.create_task(self.call.run())

    def _started(self) -> StreamStarted:
        return StreamStarted("call-1", "stream-1", self.audio)

    async def __aexit__(self, *_: object) -> None:
        if not self.running.done():
            self.running.cancel()
            await asyncio.wait([self.running])
        await self.agency.aclose()

    @property
    def now(self) -> float:
        return self._loop.time()

    async def be_quiet(self, duration_s: float) -> None:
        """Let the line hiss for a while."""
        for _ in range(round(duration_s * 1000 / PTIME_MS)):
            await self._send(self._noise[self._frames % len(self._noise)])

    async def speak(self, clip: str = SHORT) -> float:
        """Say a recorded clip and return when its last voiced sample was said."""
        taken = take(recorded()[clip], self.audio)
        begun = self.now
        for frame in taken.frames:
            await self._send(frame)
        return begun + taken.voiced.end / self.audio.rate_hz

    async def talk(self, duration_s: float, clip: str = LONG) -> None:
        """Say a recorded clip again and again, without a breath between."""
        taken = take(recorded()[clip], self.audio)
        samples = samples_in(PTIME_MS, self.audio.rate_hz)
        voiced = taken.frames[taken.voiced.begin // samples : taken.voiced.end // samples]
        for frame in range(round(duration_s * 1000 / PTIME_MS)):
            await self._send(voiced[frame % len(voiced)])

    async def beep(self, duration_ms: int = 300) -> None:
        """Sound like an answering machine that begins to record."""
        audio = tone(duration_ms, 1000, self.audio)
        for at in range(0, len(audio), self.audio.frame_bytes):
            await self._send(audio[at : at + self.audio.frame_bytes])

    async def _send(self, payload: bytes) -> None:
        self._frames += 1
        await asyncio.sleep(PTIME_MS / 1000)
        self._to_us.send(partial(self.call.receive, MediaReceived(payload, self._frames)))

    def press(self, digit: str) -> None:
        self.call.receive(DtmfReceived(digit))

    def hang_up(self) -> None:
        self.call.receive(StreamStopped(""))

    async def let_go(self) -> None:
        """Hang up, and hold nothing of the call any more; the stage is over with it."""
        self.hang_up()
        await self.running
        self.running = asyncio.create_task(asyncio.sleep(0.0, ""))
        del self.call
        # Who waited for something of it has given up by then.
        await asyncio.sleep(60.0)

    # -- what the caller heard -----------------------------------------------------------------------------------

    def first_media_after(self, at_s: float) -> float:
        """When the first audio after a time was sent to the carrier."""
        return next(when for when, each in self.commands if when >= at_s and not isinstance(each, Mark | Clear))

    def heard_from(self, after_s: float, samples: int = 0) -> float:
        """When the caller's ear heard our first sound after a time, so many samples of ours not counted."""
        playout = self._playout
        for begin, payload in zip(playout._begins, playout._payloads, strict=True):
            begin_s, count = self.opened_s + begin / self.audio.rate_hz, self.audio.samples_of(payload)
            if begin_s >= after_s:
                if samples < count:
                    return begin_s + samples / self.audio.rate_hz
                samples -= count
        raise AssertionError("the caller's ear heard nothing more")

    def longest_silence_s(self, from_s: float) -> float:
        """Longest time from then on, until our last sound, in which the caller's ear heard nothing."""
        playout, silences, silent_s = self._playout, [], from_s
        for begin, payload in zip(playout._begins, playout._payloads, strict=True):
            begin_s = self.opened_s + begin / self.audio.rate_hz
            if begin_s >= from_s:
                silences.append(begin_s - silent_s)
                silent_s = begin_s + self.audio.samples_of(payload) / self.audio.rate_hz
        return max(silences)

    @property
    def underruns(self) -> int:
        return len([gap for gap in self._playout.gaps if not gap.marked])

    def count(self, kind: type) -> int:
        return len([each for _, each in self.commands if isinstance(each, kind)])


def perform(act: Callable[[Stage], Any], options: AgentOptions | None = None, **providers: Any) -> Stage:
    """Run an act on a stage, in virtual time, and return the stage for a look at what happened."""

    async def play() -> Stage:
        async with Stage(options or agent_options(), **providers) as stage:
            await act(stage)
        return stage

    return run_virtually(play(), limit_s=300.0)


def patience(**changes: Any) -> TurnOptions:
    return TurnOptions(**changes)
