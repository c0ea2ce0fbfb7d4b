"""What an interruption sounds like: recorded speech through the ledger and a carrier's play queue, to the sample."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio.codec import decode, encode
from mediasrv.audio.format import L16_16K, MULAW_8K, PTIME_MS, AudioFormat, samples_in
from mediasrv.simulator.playout import Playout
from mediasrv.simulator.speech import recorded, take
from mediasrv.turn.fade import FADE_MS
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.turn.utterance import Audible, Heard, Outcome
from mediasrv.wire.events import Clear, Command, PlayMedia

T = 5000.0
SHORT, LONG = "ps_goforward", "lv_austen_0890"
# Neither clip nor carrier keeps step with the pacer.
EVERY_S = 0.353
PAUSE_S = 0.437
# Far below what is asked for, -30 dB: the coarsest step of mu-law is as large.
INAUDIBLE_DB = -40.0

Pcm = NDArray[np.int64]
Interrupt = Callable[["Line"], None]


class Line:
    """A ledger, and a carrier that is ``way_ms`` away and plays ``late_ms`` after it could; its clears may dawdle."""

    def __init__(self, audio: AudioFormat, way_ms: int = 0, late_ms: int = 0, dawdle_ms: int = 0) -> None:
        self.audio = audio
        self.ledger = PlayoutLedger(audio)
        self.now = T
        self.way_s, self.dawdle_s = way_ms / 1000, dawdle_ms / 1000
        self.playout = Playout(audio, T)
        self.cuts: list[int] = []
        self.outcomes: list[Outcome] = []
        self._returned = 0
        self._before = encode(audio.encoding, np.zeros(samples_in(late_ms, audio.rate_hz), np.int16))

    def send(self, commands: list[Command]) -> None:
        at = self.now + self.way_s + (self.dawdle_s if Clear() in commands else 0.0)
        for command in commands:
            if isinstance(command, PlayMedia) and Clear() not in commands and not self._backlog(at):
                self.playout.receive(PlayMedia(self._before), at)
            self.playout.receive(command, at)

    def _backlog(self, at: float) -> int:
        return self.playout.backlog(self.playout.position(at))

    def wait(self, duration_s: float) -> None:
        """Let time pass; the pacer ticks, and marks come back."""
        end = self.now + duration_s
        while self.now < end:
            self.send(self.ledger.due(self.now))
            self.now = min(end, self.now + PTIME_MS / 1000)
            self.playout.tick(self.now)
            for name, position in self.playout.marks[self._returned :]:
                at = T + position / self.audio.rate_hz + self.way_s
                if at > self.now:
                    break
                self._returned += 1
                self.outcomes += self.ledger.reached(name, at)
            self.outcomes += self.ledger.tick(self.now)

    def heard(self) -> Pcm:
        """All that was played until now."""
        payload = self.playout.heard(0, self.playout.position(self.now + self.way_s))
        return decode(self.audio.encoding, payload).astype(np.int64)


def speech(clip: str, audio: AudioFormat) -> tuple[bytes, Pcm]:
    payload = b"".join(take(recorded()[clip], audio).frames)
    return payload, decode(audio.encoding, payload).astype(np.int64)


def interrupted(line: Line, clip: str, interrupt: Interrupt) -> Line:
    """Say a clip, interrupted again and again, and wait until it is heard."""
    payload, _ = speech(clip, line.audio)
    number = line.ledger.open()
    line.ledger.queue(number, payload)
    line.ledger.close(number)
    line.wait(EVERY_S)
    while line.ledger.unheard_ms(line.now) > 500:
        interrupt(line)
        line.wait(EVERY_S)
    line.wait(4)
    return line


def suspend(line: Line) -> None:
    line.send(line.ledger.suspend(line.now))
    line.wait(PAUSE_S)
    # By now the ear has come to where the carrier was cut off.
    line.cuts.append(line.ledger.ear(line.now))
    line.ledger.resume(line.now)


def hold(line: Line) -> None:
    line.ledger.hold()
    line.wait(PAUSE_S)
    line.ledger.resume(line.now)


def suspend_what_runs_out(line: Line) -> None:
    line.ledger.hold()
    line.wait(0.13)
    suspend(line)


def step_db(step: float) -> float:
    return 20 * math.log10(max(step, 1) / 32768)


def excess_db(line: Line, clip: str) -> float:
    """By how much the step at a cut is larger than all that the clip itself has within 5 ms of it: the worst case."""
    heard, said = line.heard(), speech(clip, line.audio)[1]
    reach = samples_in(5, line.audio.rate_hz)
    excess = [
        abs(int(heard[joint]) - int(heard[joint - 1]))
        - int(np.abs(np.diff(said[max(0, cut - reach) : cut + reach])).max())
        for joint, cut in zip(line.playout.clears, line.cuts, strict=True)
    ]
    return step_db(max(excess))


def edges_db(line: Line) -> list[float]:
    """The steps from sound to silence and back, at all pauses."""
    heard = line.heard()
    ends = [abs(int(heard[gap.begin - 1])) for gap in line.playout.gaps]
    beginnings = [abs(int(heard[gap.begin + gap.samples])) for gap in line.playout.gaps]
    return [step_db(step) for step in (*ends, *beginnings)]


near_and_far = pytest.mark.parametrize("way_ms", [0, 40, 150])
formats = pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
clips = pytest.mark.parametrize("clip", [SHORT, LONG])


@near_and_far
@formats
@clips
def test_a_fade_joins_what_was_heard_last_however_far_the_carrier(clip: str, audio: AudioFormat, way_ms: int) -> None:
    line = interrupted(Line(audio, way_ms), clip, suspend)
    assert len(line.cuts) > 5
    assert excess_db(line, clip) < INAUDIBLE_DB
    assert max(edges_db(line)) < INAUDIBLE_DB
    assert len(line.playout.gaps) == len(line.cuts)
    assert all(gap.marked for gap in line.playout.gaps)
    assert line.outcomes[-1] == Heard(1, "", True)
    assert line.ledger.underruns == 0


@near_and_far
@formats
@clips
def test_what_runs_out_dies_away(clip: str, audio: AudioFormat, way_ms: int) -> None:
    line = interrupted(Line(audio, way_ms), clip, hold)
    assert len(line.playout.gaps) > 3
    assert all(gap.marked for gap in line.playout.gaps)
    assert max(edges_db(line)) < INAUDIBLE_DB
    assert line.outcomes[-1] == Heard(1, "", True)


def test_a_clear_while_all_dies_away_makes_no_click() -> None:
    line = interrupted(Line(MULAW_8K, 40), LONG, suspend_what_runs_out)
    assert excess_db(line, LONG) < INAUDIBLE_DB
    assert max(edges_db(line)) < INAUDIBLE_DB


@pytest.mark.parametrize("late_ms", [5, 20])
def test_a_carrier_that_plays_late_is_heard_to_click(late_ms: int) -> None:
    line = interrupted(Line(MULAW_8K, 40, late_ms), LONG, suspend)
    assert excess_db(line, LONG) > INAUDIBLE_DB
    assert line.outcomes[-1] == Heard(1, "", True)


def test_all_is_heard_once_but_for_the_words_that_are_begun_again() -> None:
    line = Line(MULAW_8K, 40)
    payload, _ = speech(LONG, MULAW_8K)
    text = recorded()[LONG].text
    number = line.ledger.open()
    line.ledger.queue(number, payload, text)
    line.ledger.close(number)
    for _ in range(3):
        line.wait(1.3)
        suspend(line)
    line.wait(9)
    assert [type(outcome) for outcome in line.outcomes] == [Audible, Heard]
    assert line.outcomes[-1] == Heard(1, text, True)
    repeated_s = line.playout.sent_samples / 8000 - len(payload) / 8000 - 3 * FADE_MS / 1000
    assert repeated_s < 3 * (0.6 + 0.2)


def test_an_utterance_is_heard_to_begin_when_it_is() -> None:
    line = interrupted(Line(MULAW_8K, 150), SHORT, hold)
    begun = line.outcomes[0]
    assert isinstance(begun, Audible)
    assert begun.at_s == pytest.approx(T + 2 * 0.150, abs=0.001)
