"""The ledger, our side, the carrier's side and its play queue, tick by tick: what the caller hears of what we say."""

from __future__ import annotations

import pytest

from mediasrv.audio.format import PTIME_MS, AudioFormat
from mediasrv.simulator.playout import Playout
from mediasrv.turn.playout import DEFAULT_LEAD_MS, STEP_MS, PlayoutLedger
from mediasrv.turn.utterance import Heard, Outcome
from mediasrv.wire.events import Command, Event, MarkReached, StreamStarted
from tests.wire.kin import EXOTEL, KIN, TWILIO, Kin

TICK_S = 0.02
FORMS = [(kin, audio) for kin in KIN for audio in kin.side.formats]
each = pytest.mark.parametrize(("kin", "audio"), FORMS, ids=lambda part: str(getattr(part, "ours", part)))


class Line:
    """One call, from the ledger to the ear and back, without a way between them."""

    def __init__(self, kin: Kin, audio: AudioFormat) -> None:
        self.side, self.ours = kin.side(), kin.ours()
        (started,) = self.ours.receive(self.side.start("c", "s", audio))
        assert isinstance(started, StreamStarted)
        self.audio = audio
        self.ledger = PlayoutLedger(audio, gathers_ms=started.gathers_ms)
        self.queue = Playout(audio, 0.0, returns_marks_on_clear=kin is not EXOTEL)
        self.now = 0.0
        self.outcomes: list[Outcome] = []

    def say(self, duration_ms: int) -> bytes:
        payload = b"\x11\x22" * (self.audio.bytes_in(duration_ms) // 2)
        number = self.ledger.open()
        half = len(payload) // 4 * 2
        self.ledger.queue(number, payload[:half], "One.")
        self.ledger.queue(number, payload[half:], "Two.")
        self.ledger.close(number)
        return payload

    def obey(self, commands: list[Command]) -> None:
        for command in commands:
            for message in self.ours.send(command):
                self.hear(self.queue.receive(self.side.receive(message), self.now))

    def hear(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, MarkReached):
                (back,) = self.ours.receive(self.side.played(event.name))
                assert back == event
                self.outcomes += self.ledger.reached(event.name, self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.hear(self.queue.tick(self.now))
            self.obey(self.ledger.due(self.now))
            self.now += TICK_S

    @property
    def heard(self) -> list[Heard]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Heard)]


@each
def test_an_utterance_is_heard_whole_and_without_a_gap(kin: Kin, audio: AudioFormat) -> None:
    line = Line(kin, audio)
    payload = line.say(3000)
    line.run(4.5)
    assert line.queue.gaps == []
    assert line.queue.heard(0, audio.samples_of(payload)) == payload
    assert [heard.complete for heard in line.heard] == [True]


@each
def test_short_utterances_follow_one_another_whole(kin: Kin, audio: AudioFormat) -> None:
    line = Line(kin, audio)
    for _ in range(3):
        line.say(300)
        line.run(2.0)
    assert [heard.complete for heard in line.heard] == [True] * 3
    assert line.queue.sent_samples >= 3 * audio.rate_hz * 300 // 1000


@each
def test_a_clear_leaves_little_and_what_comes_back_is_not_taken_for_heard(kin: Kin, audio: AudioFormat) -> None:
    line = Line(kin, audio)
    line.say(5000)
    line.run(1.5)
    line.obey(line.ledger.suspend(line.now))
    ear_ms = line.ledger.ear(line.now) * 1000 / audio.rate_hz
    assert ear_ms == pytest.approx(1500, abs=450)
    (outcome,) = [each for each in line.ledger.clear(line.now) if isinstance(each, Heard)]
    assert not outcome.complete
    line.run(1.0)
    assert line.heard == []
    left_ms = line.queue.backlog(line.queue.position(line.now)) * 1000 / audio.rate_hz
    assert left_ms == 0


def test_the_lead_at_a_carrier_that_takes_large_pieces_is_as_long_as_at_others() -> None:
    for kin in (TWILIO, EXOTEL):
        line = Line(kin, kin.side.formats[0])
        line.say(5000)
        least = []
        for _ in range(100):
            line.run(TICK_S)
            least.append(line.queue.backlog(line.queue.position(line.now)) * 1000 / line.audio.rate_hz)
        assert min(least) >= DEFAULT_LEAD_MS - STEP_MS - PTIME_MS
