"""What does a frame of the caller cost, from the socket's message to the recogniser?

Recorded speech goes frame by frame through the carrier's protocol, the ear and the turn machine to a recogniser that
takes mu-law (so the payload goes to it untouched) or 16 kHz PCM (so it is resampled). Each step is measured by itself
and the whole way as well, in one run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from mediasrv.audio import codec
from mediasrv.audio.format import L16_16K, MULAW_8K, PTIME_MS, AudioFormat, samples_in
from mediasrv.audio.jitterbuffer import JitterBuffer
from mediasrv.audio.resample import Resampler
from mediasrv.audio.warmup import warm
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.observer import Observer
from mediasrv.providers.base import Recognition, Stt, Transcript
from mediasrv.simulator.speech import recorded, take
from mediasrv.turn.echo import EchoDetector
from mediasrv.turn.machine import TurnMachine
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.prosody import Prosody
from mediasrv.turn.timbre import Timbre
from mediasrv.turn.vad import VoiceDetector
from mediasrv.wire.events import MediaReceived
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.machine import described

BUDGET_US = 40.0
START_S = 1000.0
"""A loop's clock is somewhere; at 0, something would just have been played."""
CLIP = "lv_austen_0870"
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the way, with what it costs a frame."""

    name: str
    us: float


class _Sink(Recognition):
    """Takes audio and does nothing: what a provider does with it is its own."""

    def send(self, payload: bytes) -> None: ...

    def finalize(self, request: int) -> None: ...

    def commit(self) -> None: ...

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        return
        yield


class SinkStt(Stt):
    """A recogniser that takes one format."""

    def __init__(self, audio: AudioFormat) -> None:
        super().__init__(None)
        self.formats: Sequence[AudioFormat] = (audio,)  # type: ignore[misc]

    def listen(self, audio: AudioFormat) -> Recognition:
        return _Sink()


def per_frame_us(frames: Sequence[object], step: Callable[..., object]) -> float:
    """Median over rounds of the mean time of a step over all frames."""
    took: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for frame in frames:
            step(frame)
        took.append((time.perf_counter() - begun) / len(frames) * 1e6)
    return median(took)


def _judge(machine: TurnMachine, voiced: bool, speech_ms: int, now: float) -> None:
    machine.hear(voiced, speech_ms, now)


def whole_way_us(messages: Sequence[str], wanted: AudioFormat) -> float:
    """The whole way of a message, as the media door and the call walk it."""
    took: list[float] = []
    for _ in range(ROUNDS):
        wire, ear, machine = PlivoProtocol(), Ear(MULAW_8K, Effort(Observer())), TurnMachine(TurnOptions())
        ear.listen(SinkStt(wanted), partial(_judge, machine))
        wire.receive(messages[0])
        begun = time.perf_counter()
        for index, message in enumerate(messages[1:]):
            for event in wire.receive(message):
                if isinstance(event, MediaReceived):
                    ear.hear(event, START_S + index * PTIME_MS / 1000)
        took.append((time.perf_counter() - begun) / (len(messages) - 1) * 1e6)
    return median(took)


async def measure() -> list[Step]:
    """Measure the steps one by one, and the whole."""
    warm()
    frames = take(recorded()[CLIP], MULAW_8K).frames
    side = PlivoCarrierProtocol()
    messages = [side.start("call", "stream", MULAW_8K), *(side.media(frame, 0) for frame in frames)]
    wire = PlivoProtocol()
    wire.receive(messages[0])
    pcm = [codec.decode(MULAW_8K.encoding, frame) for frame in frames]
    jitter = JitterBuffer(8000, samples_in(PTIME_MS, 8000), max_delay_ms=0)
    detector, machine, resampler = VoiceDetector(8000), TurnMachine(TurnOptions()), Resampler(8000, 16000)
    prosody, timbre, echo = Prosody(8000), Timbre(8000), EchoDetector(8000)
    verdicts = [detector.hear(frame) for frame in pcm]
    judged = list(zip(pcm, verdicts, strict=True))
    return [
        Step("read the message (JSON, base64)", per_frame_us(messages[1:], wire.receive)),
        Step("decode mu-law", per_frame_us(frames, lambda frame: codec.decode(MULAW_8K.encoding, frame))),
        Step("jitter buffer", per_frame_us(pcm, lambda frame: jitter.push(None, frame, 0.0))),
        Step("voice detector", per_frame_us(pcm, detector.hear)),
        Step("echo, when we do not speak", per_frame_us(judged, lambda each: echo.hear(each[0], each[1], START_S))),
        Step("prosody", per_frame_us(judged, lambda each: prosody.hear(each[0], each[1]))),
        Step("timbre", per_frame_us(judged, lambda each: timbre.hear(each[0], each[1]))),
        Step("turn machine", per_frame_us(verdicts, lambda voiced: machine.hear(voiced, PTIME_MS * voiced, 0.0))),
        Step("resample to 16 kHz, where asked for", per_frame_us(pcm, resampler.push)),
        Step("the whole way, mu-law to the recogniser", whole_way_us(messages, MULAW_8K)),
        Step("the whole way, 16 kHz to the recogniser", whole_way_us(messages, L16_16K)),
    ]


def main() -> None:
    """Print the table."""
    print(described())
    for step in asyncio.run(measure()):
        print(f"{step.us:8.2f} µs  {step.name}")
    print(f"{BUDGET_US:8.2f} µs  the budget")


if __name__ == "__main__":
    main()
