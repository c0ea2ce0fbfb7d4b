"""A simulated caller who takes turns: does trial after trial by ear, and keeps when he did what.

What is said on the line is made here, frame by frame, because echo and noise go on whatever is said. Media time is
counted in samples since the stream began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mediasrv.audio.format import PTIME_MS
from mediasrv.audio.g711 import decode_ulaw, encode_ulaw
from mediasrv.audio.level import level_db
from mediasrv.simulator.person import Act, Said
from mediasrv.simulator.voice import AUDIBLE_DB
from native_bench.turntaking.line import FRAME, Echo, Frame, NoiseLoop, Sound
from native_bench.turntaking.material import Signal
from native_bench.turntaking.plan import BARGE_INS, Planned, Trial

ANSWER_LIMIT_MS = 3000
"""An answer that takes longer is none."""
PATIENCE_MS = 20_000
"""How long a bot is waited for that does not stop speaking."""
_AFTER_ECHO_MS = 400
_GREETING_MS = 400
# A reply is known by its first words, and over when so long a silence follows.
_ENOUGH_MS = 600
_SILENCE = b"\xff" * FRAME


@dataclass(frozen=True, slots=True, eq=False)
class Performed:
    """A trial that was made."""

    trial: Trial
    begin: int
    """First audible sample of what was done."""
    end: int
    """The one behind the last."""
    until: int
    """Where the caller's next deed began, or the call ended."""


class TurnTaker:
    """A ``Person`` of the simulator, in mu-law at 8 kHz."""

    def __init__(self, planned: Planned, noise: NoiseLoop, tell: Callable[[], None]) -> None:
        """``tell`` is called when a trial is done, made or void."""
        self.said: list[Said] = []
        self.performed: list[Performed] = []
        self.void: list[Trial] = []
        """Trials that could not be made, because the bot was not speaking."""
        self._planned = planned
        self._noise = noise
        self._tell = tell
        self._offset = planned.seed * 7
        self._place = 0  # frame
        self._quiet = 0  # frames since the bot's last sound
        self._began: int | None = None  # frame of the bot's first sound since our last deed
        self._echo: Echo | None = None
        self._open: tuple[Trial, int, int] | None = None
        self._acts = self._live()

    def exchange(self, heard: bytes) -> Act:
        """Hear a frame, give a frame."""
        pcm = self._hear(heard)
        deed = next(self._acts)
        place, self._place = self._place, self._place + 1
        if isinstance(deed, Act):
            return deed
        at = (self._offset + place) % len(self._noise.encoded)
        back = self._echo.exchange(pcm) if self._echo is not None else None
        if deed is None and back is None:
            return Act(self._noise.encoded[at])
        line = sum((each for each in (deed, back) if each is not None), self._noise.frames[at])
        return Act(encode_ulaw(np.clip(np.rint(line), -32768, 32767).astype(np.int16)))

    def leave(self) -> None:
        """Close the last trial where the call ended."""
        self._close()

    def _hear(self, heard: bytes) -> Frame:
        pcm = decode_ulaw(heard)
        if heard == _SILENCE or level_db(pcm) < AUDIBLE_DB:
            self._quiet += 1
            return pcm
        self._quiet = 0
        if self._began is None:
            self._began = self._place
        return pcm

    def _live(self) -> Iterator[Act | Signal | None]:
        yield from self._wait(_GREETING_MS)
        for trial in self._planned.trials:
            if trial.sound is None:
                yield from self._be_echoed(trial)
            elif trial.is_over:
                yield from self._speak_over(trial)
            else:
                yield from self._until_quiet(trial.after_ms)
                yield from self._make(trial)
            self._tell()
        yield from self._hear_out(self._planned.trials[-1])
        yield Act(_SILENCE, hangs_up=True)
        while True:
            yield None

    def _hear_out(self, last: Trial) -> Iterator[None]:
        """Hear the end of a reply that was disturbed, or the beginning of one that answers what was said."""
        yield from self._until_begun()
        if last.kind in BARGE_INS:
            yield from self._wait(_ENOUGH_MS)
        else:
            yield from self._until_quiet(_ENOUGH_MS)

    def _speak_over(self, trial: Trial) -> Iterator[Act | Signal | None]:
        yield from self._until_begun()
        self._echo = Echo(trial.echo) if trial.echo is not None else None
        yield from self._wait(trial.after_ms - self._since_begun_ms())
        if self._began is None or self._quiet * PTIME_MS > ANSWER_LIMIT_MS // 10:
            self.void.append(trial)
        else:
            yield from self._make(trial)
        self._echo = None

    def _be_echoed(self, trial: Trial) -> Iterator[Act | Signal | None]:
        assert trial.echo is not None
        yield from self._until_begun()
        if self._began is None:
            self.void.append(trial)
            return
        # The answer's first sample lies before this trial; no echo is back so soon.
        yield from self._wait(2 * PTIME_MS)
        begin = self._place * FRAME
        self._begin(trial, begin, begin)
        self._echo = Echo(trial.echo)
        yield from self._until_quiet(trial.echo.delay_ms + _AFTER_ECHO_MS)
        self._echo = None
        self._open = (trial, begin, self._place * FRAME)

    def _make(self, trial: Trial) -> Iterator[Act | Signal | None]:
        made: Sound | None = trial.sound
        assert made is not None
        start = (self._place + 1) * FRAME
        self._begin(trial, start + made.begin, start + made.end)
        yield Act(made.cue)
        for frame in made.frames:
            yield frame
            if self._place * FRAME < start + made.end:
                self._began = None
        # A bot that held its breath meanwhile has not been heard out.
        self._quiet = 0

    def _begin(self, trial: Trial, begin: int, end: int) -> None:
        self._close()
        self._open = trial, begin, end

    def _close(self) -> None:
        if self._open is not None:
            self.performed.append(Performed(*self._open, self._place * FRAME))
            self._open = None

    def _since_begun_ms(self) -> int:
        return 0 if self._began is None else (self._place - self._began) * PTIME_MS

    def _wait(self, ms: int) -> Iterator[None]:
        for _ in range(0, ms, PTIME_MS):
            yield None

    def _until_begun(self) -> Iterator[None]:
        """Wait for the bot's answer."""
        for _ in range(0, ANSWER_LIMIT_MS, PTIME_MS):
            if self._began is not None:
                return
            yield None

    def _until_quiet(self, ms: int) -> Iterator[None]:
        for _ in range(0, PATIENCE_MS, PTIME_MS):
            if self._quiet * PTIME_MS >= ms:
                return
            yield None
