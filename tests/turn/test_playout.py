from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import LocalProtocolError
from mediasrv.turn.playout import DEFAULT_LEAD_MS, MARK_MARGIN_S, MAX_LEAD_MS, STEP_MS, PlayoutLedger
from mediasrv.turn.utterance import Heard
from mediasrv.wire.events import Command, Mark, PlayMedia
from tests import naive

# The clock of the examples starts late: the ledger must not take its own beginning for the world's.
T = 5000.0


def tone(duration_ms: int, value: int = 1) -> bytes:
    return bytes([value]) * MULAW_8K.bytes_in(duration_ms)


def audio_ms(commands: list[Command]) -> list[int]:
    """Milliseconds of each message of audio."""
    return [len(command.payload) // 8 for command in commands if isinstance(command, PlayMedia)]


def marks(commands: list[Command]) -> list[str]:
    return [command.name for command in commands if isinstance(command, Mark)]


def saying(*phrases: tuple[str, int], lead_ms: int = DEFAULT_LEAD_MS) -> PlayoutLedger:
    """A ledger with one utterance queued and closed, phrase by phrase with its milliseconds."""
    ledger = PlayoutLedger(MULAW_8K, lead_ms)
    say(ledger, *phrases)
    return ledger


def say(ledger: PlayoutLedger, *phrases: tuple[str, int]) -> int:
    number = ledger.open()
    for text, duration_ms in phrases:
        ledger.queue(number, tone(duration_ms), text)
    ledger.close(number)
    return number


def feed(ledger: PlayoutLedger, start: float, stop: float) -> list[Command]:
    """What is sent when ``due`` is asked every 20 ms in a span of time."""
    return [command for tick in range(round((stop - start) * 50)) for command in ledger.due(start + tick / 50)]


def test_what_is_queued_is_heard_one_after_the_other() -> None:
    ledger = saying(("Good morning.", 1000))
    assert ledger.audible_until(T) == T + 1.0
    ledger.due(T)
    assert ledger.audible_until(T + 0.1) == pytest.approx(T + 1.0)
    feed(ledger, T, T + 1)
    say(ledger, ("And more.", 500))
    assert ledger.audible_until(T + 0.9) == pytest.approx(T + 1.5)


def test_what_was_heard_was_heard_in_the_past() -> None:
    ledger = saying(("Good morning.", 1000))
    feed(ledger, T, T + 1)
    assert ledger.audible_until(T + 9) == pytest.approx(T + 1.0)
    ledger.clear(T + 0.5)
    assert ledger.audible_until(T + 9) == T + 0.5


# -- sending -----------------------------------------------------------------------------------------------------------


def test_the_first_audio_goes_out_at_once_up_to_the_lead() -> None:
    assert audio_ms(saying(("Good morning.", 1000)).due(T)) == [200]


def test_the_lead_is_no_longer_after_a_silence() -> None:
    ledger = saying(("Good morning.", 1000))
    feed(ledger, T, T + 2)
    say(ledger, ("And good night.", 1000))
    assert audio_ms(ledger.due(T + 60)) == [200]


def test_the_lead_is_topped_up_in_steps() -> None:
    ledger = saying(("Good morning.", 1000))
    sent = [audio_ms(ledger.due(T + tick / 50)) for tick in range(7)]
    assert sent == [[200], [], [], [60], [], [], [60]]


def test_the_lead_is_filled_after_a_stall_too_short_to_be_heard() -> None:
    ledger = saying(("Good morning.", 1000))
    ledger.due(T)
    assert audio_ms(ledger.due(T + 0.15)) == [150]


def test_less_than_the_lead_is_sent_whole_with_its_mark() -> None:
    ledger = saying(("Yes.", 100))
    assert ledger.due(T) == [PlayMedia(tone(100)), Mark("1.end")]
    assert not ledger.busy


def test_pieces_are_joined_into_one_message() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    for value in (1, 2, 3):
        ledger.queue(number, tone(20, value), "Hi." if value == 1 else "")
    assert ledger.due(T) == [PlayMedia(tone(20, 1) + tone(20, 2) + tone(20, 3))]


def test_each_phrase_ends_in_a_mark() -> None:
    ledger = saying(("One.", 20), ("Two.", 40), ("Three.", 60))
    assert ledger.due(T) == [
        PlayMedia(tone(20)),
        Mark("1.1"),
        PlayMedia(tone(40)),
        Mark("1.2"),
        PlayMedia(tone(60)),
        Mark("1.end"),
    ]


def test_wide_samples_are_never_split() -> None:
    ledger = PlayoutLedger(L16_16K)
    payload = bytes(range(256)) * 40
    number = ledger.open()
    ledger.queue(number, payload[:642], "Hi.")
    ledger.queue(number, payload[642:])
    sent = b""
    for tick in range(100):
        for command in ledger.due(T + tick * 0.0207):
            assert isinstance(command, PlayMedia)
            assert len(command.payload) % 2 == 0
            sent += command.payload
    assert sent == payload


def test_utterances_follow_one_another() -> None:
    ledger = saying(("One.", 40))
    say(ledger, ("Two.", 40))
    assert marks(ledger.due(T)) == ["1.end", "2.end"]


def test_an_utterance_within_another_is_our_error() -> None:
    ledger = saying(("One.", 100))
    ledger.open()
    with pytest.raises(LocalProtocolError):
        ledger.open()


def test_a_ledger_is_busy_while_something_waits() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    assert not ledger.busy
    number = ledger.open()
    assert not ledger.busy
    ledger.queue(number, tone(300), "Hi.")
    assert ledger.busy
    ledger.due(T)
    assert ledger.busy
    ledger.due(T + 0.15)
    assert not ledger.busy
    ledger.close(number)
    assert ledger.busy
    ledger.due(T + 0.16)
    assert not ledger.busy


def test_an_utterance_has_audio_once_some_was_queued() -> None:
    ledger = saying(("Before.", 100))
    number = ledger.open()
    assert not ledger.has_audio(number)
    ledger.queue(number, b"", "Hi.")
    assert not ledger.has_audio(number)
    ledger.queue(number, tone(20))
    assert ledger.has_audio(number)
    ledger.close(number)
    assert not ledger.has_audio(number)


def test_what_comes_for_a_settled_utterance_is_ignored() -> None:
    ledger = saying(("One.", 400))
    number = ledger.open()
    ledger.clear(T)
    following = ledger.open()
    ledger.queue(number, tone(100), "Too late.")
    assert ledger.close(number) == []
    assert not ledger.busy
    assert not ledger.has_audio(following)


def test_what_comes_for_a_closed_utterance_is_ignored() -> None:
    ledger = saying(("One.", 20))
    ledger.queue(1, tone(100), "Too late.")
    assert ledger.close(1) == []
    assert ledger.due(T) == [PlayMedia(tone(20)), Mark("1.end")]


# -- hearing -----------------------------------------------------------------------------------------------------------


def test_nothing_was_heard_before_anything_was_sent() -> None:
    ledger = saying(("One.", 400))
    assert ledger.ear(T) == 0


def test_the_ear_follows_the_clock_and_stops_where_the_audio_does() -> None:
    ledger = saying(("One.", 100))
    ledger.due(T)
    assert [ledger.ear(T + at_ms / 1000) for at_ms in (0, 25, 50, 100, 900)] == [0, 200, 400, 800, 800]


def test_a_mark_that_comes_back_settles_the_utterance() -> None:
    ledger = saying(("Good morning.", 100))
    assert not ledger.quiet
    ledger.due(T)
    assert not ledger.quiet
    assert ledger.reached("1.end", T + 0.1) == [Heard(1, "Good morning.", True)]
    assert ledger.quiet
    assert ledger.deadline() is None


def test_a_phrases_mark_settles_nothing_yet() -> None:
    ledger = saying(("One.", 50), ("Two.", 50))
    ledger.due(T)
    assert ledger.reached("1.1", T + 0.05) == []
    assert ledger.reached("1.end", T + 0.1) == [Heard(1, "One. Two.", True)]


def test_a_mark_stands_for_all_before_it() -> None:
    ledger = saying(("One.", 20), ("Two.", 20))
    say(ledger, ("Three.", 20))
    ledger.due(T)
    assert ledger.reached("2.end", T + 0.06) == [Heard(1, "One. Two.", True), Heard(2, "Three.", True)]
    assert ledger.marks_lost == 0


def test_a_mark_that_nobody_sent_is_ignored() -> None:
    ledger = saying(("One.", 20))
    assert ledger.reached("1.end", T) == []
    ledger.due(T)
    assert ledger.reached("9.end", T) == []
    assert ledger.reached("1.end", T + 0.02) == [Heard(1, "One.", True)]
    assert ledger.reached("1.end", T + 0.03) == []


def test_a_late_mark_tells_how_far_behind_the_ear_is() -> None:
    ledger = saying(("One.", 100), ("Two.", 1000))
    ledger.due(T)
    ledger.reached("1.1", T + 0.25)
    feed(ledger, T + 0.25, T + 0.5)
    assert ledger.ear(T + 0.5) == pytest.approx((500 - 150) * 8 - 50 * 8, abs=1)


def test_an_early_mark_is_believed() -> None:
    ledger = saying(("One.", 100), ("Two.", 1000))
    ledger.due(T)
    ledger.reached("1.1", T + 0.05)
    assert ledger.ear(T + 0.05) == 800
    assert ledger.ear(T + 0.15) == 1200


def test_the_ear_does_not_go_back_when_a_mark_is_late() -> None:
    ledger = saying(("One.", 100), ("Two.", 1000))
    ledger.due(T)
    ear = ledger.ear(T + 0.19)
    ledger.reached("1.1", T + 0.19)
    assert ledger.ear(T + 0.19) >= ear


def test_the_ear_does_not_go_back_when_audio_follows_a_gap() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(100), "One.")
    ledger.queue(number, b"", "Two.")
    ledger.due(T)
    ledger.reached("1.1", T + 0.2)
    ledger.queue(number, tone(100))
    ledger.due(T + 0.21)
    ledger.queue(number, tone(100))
    ear = ledger.ear(T + 0.39)
    ledger.due(T + 0.39)
    assert ledger.ear(T + 0.39) >= ear


def test_a_lost_mark_is_settled_when_it_is_overdue() -> None:
    ledger = saying(("Good morning.", 100))
    ledger.due(T)
    due = ledger.deadline()
    assert due == pytest.approx(T + 0.1 + MARK_MARGIN_S)
    assert due is not None
    assert ledger.tick(due - 0.01) == []
    assert ledger.tick(due) == [Heard(1, "Good morning.", True)]
    assert ledger.marks_lost == 1
    assert ledger.deadline() is None
    assert ledger.reached("1.end", due + 1) == []


def test_all_lost_marks_are_settled_at_once_when_the_shell_looks_late() -> None:
    ledger = saying(("One.", 20), ("Two.", 20))
    say(ledger, ("Three.", 20))
    ledger.due(T)
    assert ledger.tick(T + 60) == [Heard(1, "One. Two.", True), Heard(2, "Three.", True)]
    assert ledger.marks_lost == 3


def test_a_slow_carriers_marks_are_given_their_time() -> None:
    ledger = saying(("One.", 100), ("Two.", 100))
    ledger.due(T)
    ledger.reached("1.1", T + 1.1)
    assert ledger.deadline() == pytest.approx(T + 0.2 + 1.0 + MARK_MARGIN_S)


def test_an_utterance_without_audio_is_settled_when_it_is_closed() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, b"", "Nobody spoke this.")
    assert ledger.close(number) == [Heard(1, "", True)]
    assert ledger.quiet
    assert not ledger.busy


def test_a_silent_utterance_does_not_settle_the_one_before_it() -> None:
    ledger = saying(("One.", 100))
    assert ledger.close(ledger.open()) == [Heard(2, "", True)]
    ledger.due(T)
    assert ledger.reached("1.end", T + 0.1) == [Heard(1, "One.", True)]


# -- clearing ----------------------------------------------------------------------------------------------------------


def test_a_clear_settles_with_the_words_that_were_heard() -> None:
    ledger = saying(("One two three four five.", 1000))
    feed(ledger, T, T + 0.5)
    assert ledger.clear(T + 0.5) == [Heard(1, "One two", False)]
    assert ledger.quiet
    assert not ledger.busy


def test_a_clear_settles_what_had_not_begun() -> None:
    ledger = saying(("One.", 100))
    say(ledger, ("Two.", 100))
    ledger.open()
    ledger.due(T)
    assert ledger.clear(T + 0.1) == [Heard(1, "One.", True), Heard(2, "", False), Heard(3, "", False)]


def test_audio_without_words_that_is_cut_is_not_complete() -> None:
    ledger = saying(("", 400))
    ledger.due(T)
    assert ledger.clear(T + 0.1) == [Heard(1, "", False)]


def test_a_clear_of_nothing_settles_nothing() -> None:
    assert PlayoutLedger(MULAW_8K).clear(T) == []


def test_marks_that_come_back_after_a_clear_are_ignored() -> None:
    ledger = saying(("One.", 100))
    ledger.due(T)
    ledger.clear(T + 0.05)
    say(ledger, ("Two.", 100))
    ledger.due(T + 0.06)
    assert ledger.reached("1.end", T + 0.07) == []
    assert ledger.deadline() == pytest.approx(T + 0.16 + MARK_MARGIN_S)
    assert ledger.reached("2.end", T + 0.16) == [Heard(2, "Two.", True)]


def test_the_ear_does_not_go_back_when_what_it_has_not_heard_is_cleared() -> None:
    ledger = saying(("One.", 50), ("Two.", 400))
    ledger.due(T)
    ledger.reached("1.1", T + 0.1)
    ledger.clear(T + 0.2)
    assert ledger.ear(T + 0.2) == 1200


def test_a_clear_leaves_no_lead_behind() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    ledger.clear(T + 0.05)
    say(ledger, ("Two.", 1000))
    assert audio_ms(ledger.due(T + 0.05)) == [200]
    assert ledger.underruns == 0


# -- holding -----------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_while_held() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    ledger.hold()
    assert not ledger.busy
    assert feed(ledger, T + 0.02, T + 1) == []
    assert ledger.ear(T + 1) == 1600


def test_after_a_resume_the_rest_follows_and_the_pause_is_no_underrun() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    ledger.hold()
    ledger.resume(T + 0.4)
    assert audio_ms(ledger.due(T + 0.401)) == [200]
    assert sum(audio_ms(feed(ledger, T + 0.42, T + 2))) == 600
    assert ledger.underruns == 0
    assert ledger.lead_ms == DEFAULT_LEAD_MS


def test_a_stall_after_a_resume_is_an_underrun() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    ledger.hold()
    ledger.resume(T + 0.1)
    ledger.due(T + 0.3)
    assert ledger.underruns == 1


def test_a_clear_ends_a_hold() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    ledger.hold()
    ledger.clear(T + 0.1)
    say(ledger, ("Two.", 100))
    assert audio_ms(ledger.due(T + 0.2)) == [100]


# -- underruns ---------------------------------------------------------------------------------------------------------


def test_a_stall_of_ours_is_an_underrun_and_makes_the_lead_longer() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    assert audio_ms(ledger.due(T + 0.21)) == [300]
    assert ledger.underruns == 1
    assert ledger.lead_ms == 300


def test_the_lead_has_a_bound() -> None:
    ledger = saying(("One.", 20_000))
    leads = []
    for second in range(5):
        ledger.due(T + second)
        leads.append(ledger.lead_ms)
    assert leads == [200, 300, 450, MAX_LEAD_MS, MAX_LEAD_MS]


def test_a_voice_that_is_late_is_an_underrun_but_no_reason_for_a_longer_lead() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(100), "One.")
    ledger.due(T)
    ledger.queue(number, tone(100))
    ledger.due(T + 0.3)
    assert ledger.underruns == 1
    assert ledger.lead_ms == DEFAULT_LEAD_MS


def test_a_gap_between_phrases_is_an_underrun() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(100), "One.")
    ledger.due(T)
    ledger.queue(number, tone(100), "Two.")
    ledger.due(T + 0.3)
    assert ledger.underruns == 1


def test_a_gap_is_an_underrun_though_the_next_utterance_waits_already() -> None:
    ledger = saying(("One.", 400))
    say(ledger, ("Two.", 400))
    ledger.due(T)
    ledger.due(T + 0.3)
    assert ledger.underruns == 1


def test_a_gap_between_utterances_is_no_underrun() -> None:
    ledger = saying(("One.", 100))
    ledger.due(T)
    say(ledger, ("Two.", 100))
    ledger.due(T + 0.3)
    assert ledger.underruns == 0


def test_a_mark_that_is_late_is_no_underrun() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(100), "One.")
    ledger.due(T)
    ledger.close(number)
    assert marks(ledger.due(T + 0.3)) == ["1.end"]
    assert ledger.underruns == 0
    assert ledger.deadline() == pytest.approx(T + 0.3 + MARK_MARGIN_S)


# -- against the twin --------------------------------------------------------------------------------------------------

# A power of two, so that times in seconds are exact and the twin may be held to the sample.
EXACT = AudioFormat(Encoding.MULAW, 8192)
TEXTS = st.sampled_from(["", "Yes.", "One moment, please.", "The order is on its way to you."])


class Line:
    """A ledger and the caller who hears it, on one clock that counts samples."""

    def __init__(self, way: int = 0) -> None:
        self.ledger = PlayoutLedger(EXACT)
        self.earpiece = naive.Earpiece(way)
        self.queued = b""
        self.sent = b""
        self.heard: list[Heard] = []
        self._returned = 0

    @property
    def now(self) -> float:
        return self.earpiece.now / EXACT.rate_hz

    def queue(self, number: int, samples: int, text: str = "") -> None:
        begin = len(self.queued)
        payload = bytes(1 + place % 255 for place in range(begin, begin + samples))
        self.queued += payload
        self.ledger.queue(number, payload, text)

    def poll(self) -> None:
        for command in self.ledger.due(self.now):
            if isinstance(command, PlayMedia):
                self.sent += command.payload
                self.earpiece.send(command.payload)
            elif isinstance(command, Mark):
                self.earpiece.send(command.name)

    def play(self, samples: int) -> None:
        for _ in range(samples):
            self.earpiece.play()

    def returned(self) -> list[str]:
        """Marks that came back since this was asked last."""
        names = self.earpiece.returned()
        fresh, self._returned = names[self._returned :], len(names)
        return fresh

    def receive(self, names: list[str]) -> None:
        for name in names:
            self.heard += self.ledger.reached(name, self.now)

    def run(self, samples: int, every: int = 164) -> None:
        """Let time pass as in a call: marks come back at once, the ledger is polled every 20 ms."""
        for _ in range(samples):
            if self.earpiece.now % every == 0:
                self.poll()
            self.play(1)
            self.receive(self.returned())


@settings(max_examples=60, deadline=None)
@given(
    utterances=st.lists(
        st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3000), TEXTS), min_size=1, max_size=4),
        min_size=1,
        max_size=3,
    )
)
def test_underruns_are_the_holes_that_the_twin_hears_within_utterances(
    utterances: list[list[tuple[int, int, str]]],
) -> None:
    line = Line()
    spans: list[tuple[int, int]] = []
    for pieces in utterances:
        number, begin = line.ledger.open(), len(line.queued)
        for pause, samples, text in pieces:
            line.run(pause)
            line.queue(number, samples, text)
        spans.append((begin, len(line.queued)))
        line.heard += line.ledger.close(number)
    line.run(len(line.queued) + 4000)
    holes = [hole for hole in line.earpiece.holes if any(begin < hole < end for begin, end in spans)]
    assert line.ledger.underruns == len(holes)
    assert line.earpiece.heard() == line.queued
    assert line.ledger.lead_ms == DEFAULT_LEAD_MS
    assert sorted(heard.utterance for heard in line.heard) == list(range(1, len(utterances) + 1))
    assert line.ledger.quiet


@settings(max_examples=30, deadline=None)
@given(stalls=st.lists(st.integers(1, 4000), max_size=8))
def test_a_stall_counts_and_makes_the_lead_longer_if_and_only_if_it_is_heard(stalls: list[int]) -> None:
    line = Line()
    number = line.ledger.open()
    line.queue(number, 24_000, "A long story.")
    for stall in stalls:
        line.poll()
        line.play(stall)
    line.poll()
    heard = [hole for hole in line.earpiece.holes if hole < len(line.sent)]
    assert line.ledger.underruns == len(heard)
    assert line.ledger.lead_ms == (200, 300, 450, 600)[min(len(heard), 3)]


@settings(max_examples=20, deadline=None)
@given(way=st.integers(0, 2000), every=st.integers(80, 400))
def test_the_lead_does_not_starve_however_far_the_carrier(way: int, every: int) -> None:
    line = Line(way)
    number = line.ledger.open()
    for text in ("The first sentence.", "The second one.", "And the last of them."):
        line.queue(number, 3000, text)
    line.ledger.close(number)
    line.run(9000 + 2 * way + every, every)
    assert line.earpiece.holes[:-1] == []
    assert line.earpiece.heard() == line.queued
    assert line.ledger.underruns == 0
    assert line.ledger.lead_ms == DEFAULT_LEAD_MS
    assert line.heard == [Heard(1, "The first sentence. The second one. And the last of them.", True)]


@settings(max_examples=20, deadline=None)
@given(way=st.integers(0, 1500))
def test_the_ear_is_right_to_within_the_way(way: int) -> None:
    line = Line(way)
    number = line.ledger.open()
    for text in ("One.", "Two.", "Three.", "Four."):
        line.queue(number, 1500, text)
    line.ledger.close(number)
    for _ in range(80):
        line.run(100)
        ear = line.ledger.ear(line.now)
        # Until the first mark is back the way is not known; then its way back is all that is missing.
        assert line.earpiece.position - way <= ear <= line.earpiece.position + way


class Playing(RuleBasedStateMachine):
    """Anything that can happen between the bot and the ear, in any order; the carrier is near, its marks are slow."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.ledger = self.line.ledger
        self.opened = 0
        self.is_open = False
        self.held = False
        self.ear = 0
        self.slowest = 0
        """Longest time, in samples, that a mark took to come back."""
        self.late: list[tuple[int, str]] = []
        """Marks on their way back: when they come, and their names."""

    @precondition(lambda self: not self.is_open)
    @rule()
    def open(self) -> None:
        self.opened += 1
        assert self.ledger.open() == self.opened
        self.is_open = True

    @precondition(lambda self: self.is_open)
    @rule(samples=st.integers(0, 3000), text=TEXTS)
    def queue(self, samples: int, text: str) -> None:
        self.line.queue(self.opened, samples, text)
        self.line.poll()

    @precondition(lambda self: self.is_open)
    @rule()
    def close(self) -> None:
        self.line.heard += self.ledger.close(self.opened)
        self.is_open = False

    @rule(samples=st.integers(1, 2500), delay=st.integers(0, 1500), lost=st.booleans())
    def wait(self, samples: int, delay: int, lost: bool) -> None:
        self.line.play(samples)
        now = self.line.earpiece.now
        if not lost:
            self.late += [(now + delay, name) for name in self.line.returned()]
            self.slowest = max(self.slowest, samples + delay + 2500)
        else:
            self.line.returned()
        self.line.receive([name for at, name in self.late if at <= now])
        self.late = [(at, name) for at, name in self.late if at > now]

    @rule()
    def poll(self) -> None:
        self.line.poll()
        lead = self.ledger.lead_ms * EXACT.rate_hz // 1000
        if self.ledger.busy:
            assert self.line.earpiece.ahead() > lead - EXACT.bytes_in(STEP_MS) - 1

    @rule()
    def tick(self) -> None:
        due = self.ledger.deadline()
        settled = self.ledger.tick(self.line.now)
        assert not settled or (due is not None and due <= self.line.now)
        self.line.heard += settled

    @rule()
    def hold(self) -> None:
        self.ledger.hold()
        self.held = True

    @precondition(lambda self: self.held)
    @rule()
    def resume(self) -> None:
        self.ledger.resume(self.line.now)
        self.held = False

    @rule()
    def clear(self) -> None:
        ear = self.ledger.ear(self.line.now)
        settled = self.ledger.clear(self.line.now)
        assert [heard.utterance for heard in settled] == sorted({heard.utterance for heard in settled})
        assert self.ledger.quiet
        assert self.ledger.deadline() is None
        assert self.ledger.ear(self.line.now) == ear
        self.line.heard += settled
        self.line.earpiece.send(None)
        self.line.queued = self.line.sent
        self.is_open = self.held = False

    @invariant()
    def audio_is_sent_in_order_once_and_unaltered(self) -> None:
        assert self.line.queued.startswith(self.line.sent)

    @invariant()
    def no_more_than_the_lead_lies_at_the_carrier(self) -> None:
        assert self.line.earpiece.ahead() <= self.ledger.lead_ms * EXACT.rate_hz // 1000

    @invariant()
    def the_ear_never_goes_back(self) -> None:
        ear = self.ledger.ear(self.line.now)
        assert ear >= self.ear
        self.ear = ear

    @invariant()
    def the_ear_is_never_ahead_of_the_caller_and_behind_only_as_far_as_marks_are_late(self) -> None:
        position = self.line.earpiece.position
        assert position - self.slowest <= self.ledger.ear(self.line.now) <= position

    @invariant()
    def nothing_is_settled_twice(self) -> None:
        settled = [heard.utterance for heard in self.line.heard]
        assert len(settled) == len(set(settled))

    def teardown(self) -> None:
        """In the end everything is settled, and with nothing cleared any more it is settled as heard."""
        if self.is_open:
            self.close()
        self.ledger.resume(self.line.now)
        settled = len(self.line.heard)
        self.line.run(len(self.line.queued) - len(self.line.sent) + 6000)
        for _ in range(self.opened * 60):
            due = self.ledger.deadline()
            if due is not None:
                self.line.heard += self.ledger.tick(due)
        assert sorted(heard.utterance for heard in self.line.heard) == list(range(1, self.opened + 1))
        assert all(heard.complete for heard in self.line.heard[settled:])
        assert self.line.earpiece.ahead() == 0
        assert self.ledger.quiet


TestPlaying = Playing.TestCase
TestPlaying.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
