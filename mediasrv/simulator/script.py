"""What a simulated caller does, as data, and the machine that does it in media time.

A script is a list of lines, each a cue and a deed: *when* this has happened, *do* that. The cue of a line is looked at
once the deed before it is done. Time is counted in frames, so a performance is the same on every machine:

    [Line(AgentFinished(), Speak(question)), Line(AgentStarted(after_ms=900), Speak(stop)), Line(After(2000), HangUp())]

The caller knows the agent by ear alone, as people do: whether a frame is audible. When the script has run out the
caller stays on the line and listens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mediasrv.audio.codec import decode
from mediasrv.audio.format import PTIME_MS, AudioFormat, samples_in
from mediasrv.audio.level import level_db
from mediasrv.simulator.person import Act, Said
from mediasrv.simulator.speech import Clip, comfort_noise, frames, take
from mediasrv.simulator.voice import AUDIBLE_DB

PATIENCE_MS = 20_000
"""How long a caller waits for an agent who says nothing."""
NOISE_DB = -65.0
"""The hiss of a quiet line: a real one is never digital silence."""
KEY_MS = 200
"""From one key to the next: a quick finger."""


@dataclass(frozen=True, slots=True)
class AgentFinished:
    """When the agent has spoken since our last deed, and has then been quiet for a while."""

    quiet_ms: int = 700
    """How long a silence means that it is our turn."""
    patience_ms: int = PATIENCE_MS
    """How long to wait for its first sound; then we go on without."""


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """When the agent has begun to speak: the cue of a barge-in."""

    after_ms: int = 0
    """How long after its first sound."""
    patience_ms: int = PATIENCE_MS
    """How long to wait for its first sound; then we go on without."""


@dataclass(frozen=True, slots=True)
class At:
    """At a time of the call, or at once if that has gone by."""

    media_ms: int
    """Media time."""


@dataclass(frozen=True, slots=True)
class After:
    """A while after our last deed."""

    pause_ms: int = 0


@dataclass(frozen=True, slots=True)
class Speak:
    """Say a clip."""

    clip: Clip


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys, one after the other."""

    digits: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Cue = AgentFinished | AgentStarted | At | After
Deed = Speak | Press | HangUp


@dataclass(frozen=True, slots=True)
class Line:
    """A cue and a deed."""

    cue: Cue
    deed: Deed


def conversation(clips: Sequence[Clip], *, quiet_ms: int = 700, patience_ms: int = PATIENCE_MS) -> list[Line]:
    """A polite caller: hears each answer out before the next clip, listens to the last one, hangs up."""
    cue = AgentFinished(quiet_ms, patience_ms)
    return [*(Line(cue, Speak(clip)) for clip in clips), Line(cue, HangUp())]


class Performance:
    """A script on the stage: a ``Person``. Clips are made ready here, before the call, not during it."""

    def __init__(
        self, script: Sequence[Line], audio: AudioFormat, *, noise_db: float = NOISE_DB, noise_seed: int = 0
    ) -> None:
        self.said: list[Said] = []
        self._audio = audio
        self._noise = comfort_noise(audio, noise_db, noise_seed)
        self._takes = {line.deed.clip: take(line.deed.clip, audio) for line in script if isinstance(line.deed, Speak)}
        self._ear = _Ear(audio)
        self._frame = 0
        self._deed_end = 0
        self._acts = self._perform(tuple(script))

    def exchange(self, heard: bytes) -> Act:
        """Hear a frame, give a frame; after the last line the noise of the line goes on."""
        self._ear.hear(heard, self._frame)
        act = next(self._acts)
        self._frame += 1
        return act

    def leave(self) -> None:
        """A script holds nothing."""

    def _perform(self, script: Sequence[Line]) -> Iterator[Act]:
        for line in script:
            while not self._is_due(line.cue):
                yield self._quiet()
            self._ear.forget()
            if isinstance(line.deed, Speak):
                yield from self._speak(line.deed.clip)
            elif isinstance(line.deed, Press):
                yield from self._press(line.deed.digits)
            else:
                yield Act(self._quiet().payload, hangs_up=True)
            self._deed_end = self._frame
        while True:
            yield self._quiet()

    def _speak(self, clip: Clip) -> Iterator[Act]:
        samples = samples_in(PTIME_MS, self._audio.rate_hz)
        taken = self._takes[clip]
        self.said.append(Said(clip.name, clip.text, taken.voiced.shifted(self._frame * samples)))
        last = (taken.voiced.end - 1) // samples
        for index, payload in enumerate(taken.frames):
            if index <= last:
                self._ear.forget()
            yield Act(payload)

    def _press(self, digits: str) -> Iterator[Act]:
        for digit in digits:
            yield Act(self._quiet().payload, digits=digit)
            for _ in range(PTIME_MS, KEY_MS, PTIME_MS):
                yield self._quiet()

    def _quiet(self) -> Act:
        return Act(self._noise[self._frame % len(self._noise)])

    def _is_due(self, cue: Cue) -> bool:
        waited_ms = (self._frame - self._deed_end) * PTIME_MS
        match cue:
            case At(media_ms):
                return self._frame * PTIME_MS >= media_ms
            case After(pause_ms):
                return waited_ms >= pause_ms
        if self._ear.began is None:
            return waited_ms >= cue.patience_ms
        if isinstance(cue, AgentFinished):
            return self._ear.quiet_frames * PTIME_MS >= cue.quiet_ms
        return (self._frame - self._ear.began) * PTIME_MS >= cue.after_ms


class _Ear:
    """Whether the agent has spoken since we last asked ourselves, and how long it has been quiet."""

    def __init__(self, audio: AudioFormat) -> None:
        self.began: int | None = None
        """Frame of its first sound since ``forget``."""
        self.quiet_frames = 0
        """Frames since its last sound."""
        self._encoding = audio.encoding
        (self._silence,) = frames(np.zeros(samples_in(PTIME_MS, audio.rate_hz), np.int16), audio)

    def hear(self, heard: bytes, frame: int) -> None:
        if heard == self._silence or level_db(decode(self._encoding, heard)) < AUDIBLE_DB:
            self.quiet_frames += 1
            return
        self.quiet_frames = 0
        if self.began is None:
            self.began = frame

    def forget(self) -> None:
        self.began = None
