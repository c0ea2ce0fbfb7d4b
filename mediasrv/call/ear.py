"""The caller's half of a call's audio: from the carrier's payload to the recogniser and the turn machine.

A frame walks: decode, put in order, hand to the recogniser, detect voice, tell it from our own voice and from what is
no speech, judge. Where the recogniser takes the carrier's own format, the payload goes to it untouched. No frame waits
for another here; whether some may come together, because no single one can change the judge's mind, he tells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import codec
from mediasrv.audio.format import PTIME_MS, AudioFormat, samples_in
from mediasrv.audio.framer import Framer
from mediasrv.audio.jitterbuffer import JitterBuffer
from mediasrv.audio.resample import resampler
from mediasrv.call.effort import Effort, Work
from mediasrv.call.hearing import Hearing
from mediasrv.call.levels import Levels
from mediasrv.call.memory import Memory
from mediasrv.call.recording import CallRecording
from mediasrv.providers.base import Recognition
from mediasrv.turn.echo import EchoDetector
from mediasrv.turn.prosody import Prosody
from mediasrv.turn.timbre import Timbre
from mediasrv.turn.vad import VoiceDetector
from mediasrv.wire.events import MediaReceived

Frame = NDArray[np.int16]
Judge = Callable[[bool, int, float], int | None]
"""Takes a frame's verdict: whether it holds voice, how much speech (ms) came to light with it, and when it came.

Returns his patience, if he has any: how many of the next frames he may be told together, when the last has come.
"""

# Rates that voice is detected in as they are; anything else is brought to the first.
_DETECTOR_RATES_HZ = (8000, 16000)


class Ear:
    """Hears one caller; without a recogniser it only hands frames to its ``tap``."""

    def __init__(self, audio: AudioFormat, effort: Effort) -> None:
        self._audio = audio
        self._decode = codec.decoder(audio.encoding)
        self._effort = effort
        self._listener: Listener | None = None
        self.jitter = JitterBuffer(audio.rate_hz, samples_in(PTIME_MS, audio.rate_hz), max_delay_ms=0)
        self.tap: Callable[[Frame], None] | None = None
        """Where each frame goes as well, in the carrier's rate."""
        self.recording: CallRecording | None = None
        """Where each frame goes as well, where the call can be recorded."""
        self.levels: Levels | None = None
        """Where each frame goes as well, while somebody watches."""
        self.is_private = False
        """Whether silence takes the place of what the caller says, so that all clocks run on and nobody hears it."""

    def listen(self, hearing: Hearing, judge: Judge, *, remembers: bool = False) -> Recognition:
        """Open a recognition; frames go to it, and their verdicts to ``judge``. It is told of utterances by ``begin``.

        ``remembers`` is for whoever is going to ask for the ``utterance``.
        """
        memory = Memory(self._audio.rate_hz) if remembers else None
        self._listener = Listener(self._audio, hearing, judge, self._effort, memory)
        return self._listener.recognition

    def aclose(self) -> None:
        """The call is over: nobody judges any more."""
        if self._listener is not None:
            self._listener.judge = _nobody

    @property
    def has_listener(self) -> bool:
        """Whether there is a recognition."""
        return self._listener is not None

    @property
    def patience(self) -> int:
        """How many of the next frames may be brought together: 1 where somebody else wants each as it comes."""
        listener = self._listener
        return 1 if listener is None or self.is_private or self.tap is not None else listener.patience

    @property
    def listener(self) -> Listener:
        """Who hears the frames; there has to be a recognition."""
        assert self._listener is not None
        return self._listener

    def begin(self) -> None:
        """The caller started to speak a moment ago."""
        if self._listener is not None:
            self._listener.begin()

    def utterance(self) -> Frame:
        """The audio of what the caller is saying, see ``Pause.samples``; empty for who does not remember."""
        memory = self._listener.memory if self._listener is not None else None
        return np.zeros(0, np.int16) if memory is None else memory.utterance()

    def hear_us(self, payload: bytes, begins_s: float) -> None:
        """Know what the caller is going to hear from ``begins_s`` on, as it may come back on his line."""
        if self._listener is not None:
            self._listener.hear_us(codec.decode(self._audio.encoding, payload), begins_s)

    def hear_no_more_of_us(self, now: float) -> None:
        """What he was going to hear from now on he will not."""
        if self._listener is not None:
            self._listener.echo.cut(now)

    def finality(self) -> float | None:
        """How finished the caller's last voice sounded, 0 to 1, if it told; ask once in every pause."""
        if self._listener is None or not self._effort.allows(Work.PROSODY):
            return None
        return self._listener.prosody.finality()

    def hear(self, media: MediaReceived, now: float) -> None:
        """Take the caller's audio as it came."""
        payload = media.payload
        pcm = self._decode(payload)
        if self.is_private:
            pcm = np.zeros_like(pcm)
            payload = codec.encode(self._audio.encoding, pcm)
        is_next = self.jitter.follow(media.chunk, pcm, now)
        for piece in (pcm,) if is_next else self.jitter.push(media.chunk, pcm, now):
            if self._listener is not None:
                self._listener.hear(piece, payload if piece is pcm else None, now)
            if self.tap is not None:
                self.tap(piece)
            if self.recording is not None:
                self.recording.hear(piece, now)
            if self.levels is not None:
                self.levels.hear(piece, now)


class Listener:
    """The way of a frame from the jitter buffer to the recogniser and to the judge of turns."""

    __slots__ = (
        *("_detector", "_effort", "_encoding", "_frame_samples", "_framer", "_from_us", "_send", "_takes_payload"),
        *("_timbre", "_to_detector", "_to_recognition", "_walks_straight", "detector_hz", "echo", "judge", "memory"),
        *("monitor", "patience", "prosody", "recognition"),
    )

    def __init__(
        self, audio: AudioFormat, hearing: Hearing, judge: Judge, effort: Effort, memory: Memory | None
    ) -> None:
        self.judge = judge
        """Whom every frame's verdict is told."""
        self._effort = effort
        self.memory = memory
        wanted = audio if audio in hearing.formats else hearing.formats[0]
        self.recognition = hearing.listen(wanted)
        self._send = self.recognition.send
        self._takes_payload = wanted == audio
        self._encoding = wanted.encoding
        self._to_recognition = resampler(audio.rate_hz, wanted.rate_hz)
        detector_hz = audio.rate_hz if audio.rate_hz in _DETECTOR_RATES_HZ else _DETECTOR_RATES_HZ[0]
        self.detector_hz = detector_hz
        """Rate at which voice is detected."""
        self.monitor: Callable[[Frame], None] | None = None
        """Where each frame goes as well, 20 ms at that rate."""
        self._to_detector = resampler(audio.rate_hz, detector_hz)
        self._detector = VoiceDetector(detector_hz)
        self.prosody = Prosody(detector_hz)
        self.echo = EchoDetector(detector_hz)
        self._timbre = Timbre(detector_hz)
        self._from_us = resampler(audio.rate_hz, detector_hz)
        self._frame_samples = samples_in(PTIME_MS, detector_hz)
        self._framer = Framer(self._frame_samples)
        # Whether pieces are frames already, as they are until one of another size comes.
        self._walks_straight = memory is None and self._to_detector is None
        self.patience = 1
        """How many of the next frames the judge may be told together."""

    def begin(self) -> None:
        """The caller started to speak a moment ago."""
        self.recognition.begin()
        if self.memory is not None:
            self.memory.begin()

    def hear(self, pcm: Frame, payload: bytes | None, now: float) -> None:
        """Take samples, with the payload that they were decoded from where there is one."""
        self._send(payload if payload and self._takes_payload else self._encode(pcm))
        if self._walks_straight and len(pcm) == self._frame_samples:
            self._hear_frame(pcm, now)
            return
        self._walks_straight = False
        if self.memory is not None:
            self.memory.hear(pcm)
        if self._to_detector is not None:
            pcm = self._to_detector.push(pcm)
        for frame in self._framer.push(pcm):
            self._hear_frame(frame, now)

    def _hear_frame(self, frame: Frame, now: float) -> None:
        voiced = self._detector.hear(frame)
        if self.echo.hear(frame, voiced, now):
            voiced = False
        # What dies away is no voice to those who ask whether the caller has finished.
        stays = voiced and not self._detector.fades
        self.prosody.hear(frame, stays)
        speech_ms = self._speech_ms(frame) if voiced else self._timbre.hear(frame, False)
        patience = self.judge(stays, speech_ms, now) or 1
        # A voice that is not full may be about to end.
        self.patience = 1 if voiced and patience > 1 and not self._detector.is_full else patience
        if self.monitor is not None:
            self.monitor(frame)

    def _speech_ms(self, frame: Frame) -> int:
        """How much speech came to light; all voice is taken for it where there is no time to look into it."""
        return self._timbre.hear(frame, True) if self._effort.allows(Work.TIMBRE) else PTIME_MS

    def hear_us(self, pcm: Frame, begins_s: float) -> None:
        """Take what goes to the caller."""
        self.echo.play(pcm if self._from_us is None else self._from_us.push(pcm), begins_s)

    def _encode(self, pcm: Frame) -> bytes:
        return codec.encode(self._encoding, pcm if self._to_recognition is None else self._to_recognition.push(pcm))


def rehearse() -> None:
    """Walk the paths of hearing once, so that no call is the first to."""
    for rate_hz in _DETECTOR_RATES_HZ:
        frame = np.zeros(samples_in(PTIME_MS, rate_hz), np.int16)
        VoiceDetector(rate_hz).hear(frame)
        prosody, timbre, echo = Prosody(rate_hz), Timbre(rate_hz), EchoDetector(rate_hz)
        echo.play(frame, 0.0)
        for _ in range(10):
            echo.hear(frame, True, 0.0)
            timbre.hear(frame, True)
            prosody.hear(frame, True)
        prosody.finality()


def _nobody(voiced: bool, speech_ms: int, now: float) -> None:
    pass
