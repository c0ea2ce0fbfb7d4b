from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import LocalProtocolError
from mediasrv.turn.fade import ATTACK_MS, FADE_MS
from mediasrv.turn.flow import LAST_MS
from mediasrv.turn.marks import EARLY_MS, MARGIN_S, SPACING_MS
from mediasrv.turn.playout import DEFAULT_LEAD_MS, MAX_LEAD_MS, STEP_MS, PlayoutLedger
from mediasrv.turn.soundtrack import REACH_MS
from mediasrv.turn.utterance import Audible, Heard, Outcome
from mediasrv.wire.events import Clear, Mark, PlayMedia
from tests import naive
from tests.turn.said import LEAD_MS, T, audio_ms, beginnings, cut, feed, marks, say, saying, settled, tone


def test_what_is_queued_is_heard_one_after_the_other() -> None:
    ledger = saying(("Good morning.", 1000))
    assert ledger.audible_until(T) == T + 1.0
    assert ledger.unsent_ms == 1000
    ledger.due(T)
    assert ledger.unsent_ms == 1000 - LEAD_MS
    assert ledger.audible_until(T + 0.1) == pytest.approx(T + 1.0)
    feed(ledger, T, T + 1)
    say(ledger, ("And more.", 500))
    assert ledger.audible_until(T + 0.9) == pytest.approx(T + 1.5)


def test_what_was_heard_was_heard_in_the_past() -> None:
    ledger = saying(("Good morning.", 1000))
    feed(ledger, T, T + 1)
    assert ledger.audible_until(T + 9) == pytest.approx(T + 1.0)
    cut(ledger, T + 0.5)
    assert ledger.audible_until(T + 9) == T + 0.5


# -- sending -----------------------------------------------------------------------------------------------------------


def test_the_first_audio_goes_out_at_once_up_to_the_lead() -> None:
    assert audio_ms(saying(("Good morning.", 1000)).due(T)) == 200


def test_the_lead_is_no_longer_after_a_silence() -> None:
    ledger = saying(("Good morning.", 1000))
    feed(ledger, T, T + 2)
    say(ledger, ("And good night.", 1000))
    assert audio_ms(ledger.due(T + 60)) == 200


def test_the_lead_is_topped_up_in_steps() -> None:
    ledger = saying(("Good morning.", 1000))
    sent = [audio_ms(ledger.due(T + tick / 50)) for tick in range(13)]
    assert sent == [200, 0, 0, 0, 0, 0, STEP_MS, 0, 0, 0, 0, 0, STEP_MS]


def test_a_mark_is_not_where_a_message_ends() -> None:
    assert (EARLY_MS - DEFAULT_LEAD_MS) % STEP_MS
    # Around the audio, TLS, WebSocket and JSON add no more than this; a packet of TCP holds 1,448 bytes.
    assert MULAW_8K.bytes_in(STEP_MS) * 4 / 3 + 120 <= 1448


def test_the_lead_is_filled_after_a_stall_too_short_to_be_heard() -> None:
    ledger = saying(("Good morning.", 1000))
    ledger.due(T)
    assert audio_ms(ledger.due(T + 0.15)) == 150


def test_less_than_the_lead_is_sent_whole_with_its_mark() -> None:
    ledger = saying(("Yes.", 100))
    assert ledger.due(T) == [PlayMedia(tone(100)), Mark("1.1")]
    assert not ledger.busy


def test_pieces_are_joined_into_one_message() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    for value in (1, 2, 3):
        ledger.queue(number, tone(20, value), "Hi." if value == 1 else "")
    assert ledger.due(T) == [PlayMedia(tone(20, 1) + tone(20, 2) + tone(20, 3))]


def test_a_long_phrase_ends_in_a_mark() -> None:
    ledger = saying(("One.", SPACING_MS + EARLY_MS), ("Two.", SPACING_MS - 20), ("Three.", 20), ("Four.", 20))
    sent = feed(ledger, T, T + 3)
    places = [audio_ms(sent[:place]) for place, command in enumerate(sent) if isinstance(command, Mark)]
    assert places == [EARLY_MS, SPACING_MS + EARLY_MS, 2 * SPACING_MS + EARLY_MS, 2 * SPACING_MS + EARLY_MS + 20]


def test_words_that_come_one_by_one_cost_a_mark_a_second() -> None:
    ledger = saying(*[("word", 250)] * 40)
    assert len(marks(feed(ledger, T, T + 11))) == 2 + 9
    assert settled(ledger.tick(T + 60)) == [Heard(1, " ".join(["word"] * 40), True)]


def test_the_first_mark_comes_early_unless_the_last_one_does() -> None:
    ledger = saying(("Yes.", EARLY_MS))
    assert marks(feed(ledger, T, T + 1)) == ["1.1"]
    ledger = saying(("Well.", EARLY_MS + 20))
    assert feed(ledger, T, T + 1)[-4:] == [PlayMedia(tone(40)), Mark("1.1"), PlayMedia(tone(20)), Mark("1.2")]


def test_a_pause_between_phrases_has_its_mark() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(100), "One.")
    ledger.due(T)
    ledger.queue(number, tone(100), "Two.")
    assert ledger.due(T + 0.3) == [Mark("1.1"), PlayMedia(tone(100))]
    assert ledger.reached("1.1", T + 0.35) == [Audible(1, T + 0.05)]


def test_what_may_be_held_back_on_the_way_comes_on_top_of_the_lead() -> None:
    ledger = PlayoutLedger(MULAW_8K, gathers_ms=200)
    say(ledger, ("A long one.", 5000))
    assert audio_ms(ledger.due(T)) == DEFAULT_LEAD_MS + 200
    ledger.hold()
    assert ledger.due(T + (DEFAULT_LEAD_MS - LAST_MS - 10) / 1000) == []
    assert audio_ms(ledger.due(T + (DEFAULT_LEAD_MS - LAST_MS + 10) / 1000)) == FADE_MS


def test_wide_samples_are_never_split() -> None:
    ledger = PlayoutLedger(L16_16K)
    payload = bytes(range(256)) * 40
    number = ledger.open()
    ledger.queue(number, payload[:642], "Hi.")
    ledger.queue(number, payload[642:])
    sent = [each.payload for each in feed(ledger, T, T + 2) if isinstance(each, PlayMedia)]
    assert all(len(each) % 2 == 0 for each in sent)
    assert b"".join(sent) == payload


def test_utterances_follow_one_another() -> None:
    ledger = saying(("One.", 40))
    say(ledger, ("Two.", 40))
    assert marks(ledger.due(T)) == ["1.1", "2.2"]


def test_a_ledger_tells_when_there_is_room_for_the_next_step() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    assert ledger.due_at_s == math.inf
    ledger.queue(ledger.open(), tone(1000), "Well.")
    assert ledger.due_at_s < T
    ledger.due(T)
    due_s = ledger.due_at_s
    assert due_s == pytest.approx(T + STEP_MS / 1000, abs=0.002)
    assert not ledger.due(due_s - 0.001)
    assert audio_ms(ledger.due(due_s + 0.002)) >= STEP_MS


def test_a_ledger_that_is_held_is_to_be_asked_until_the_carrier_is_nearly_dry() -> None:
    ledger = saying(("Well, that is long.", 1000))
    ledger.due(T)
    ledger.hold()
    assert ledger.due_at_s < T
    ledger.due(T + 0.19)
    assert ledger.due_at_s == math.inf


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
    cut(ledger, T)
    following = ledger.open()
    ledger.queue(number, tone(100), "Too late.")
    assert ledger.close(number) == []
    assert not ledger.busy
    assert not ledger.has_audio(following)


def test_what_comes_for_a_closed_utterance_is_ignored() -> None:
    ledger = saying(("One.", 20))
    ledger.queue(1, tone(100), "Too late.")
    assert ledger.close(1) == []
    assert ledger.due(T) == [PlayMedia(tone(20)), Mark("1.1")]


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
    assert settled(ledger.reached("1.1", T + 0.1)) == [Heard(1, "Good morning.", True)]
    assert ledger.quiet
    assert ledger.deadline() is None


def test_a_mark_within_an_utterance_settles_nothing_yet() -> None:
    ledger = saying(("One.", 300), ("Two.", 300))
    feed(ledger, T, T + 1)
    assert ledger.reached("1.1", T + 0.24) == [Audible(1, T)]
    assert ledger.reached("1.2", T + 0.6) == [Heard(1, "One. Two.", True)]


def test_a_mark_stands_for_all_before_it() -> None:
    ledger = saying(("One.", 20), ("Two.", 20))
    say(ledger, ("Three.", 20))
    ledger.due(T)
    assert settled(ledger.reached("2.2", T + 0.06)) == [Heard(1, "One. Two.", True), Heard(2, "Three.", True)]
    assert ledger.marks_lost == 0


def test_a_mark_that_nobody_sent_is_ignored() -> None:
    ledger = saying(("One.", 20))
    assert settled(ledger.reached("1.1", T)) == []
    ledger.due(T)
    assert settled(ledger.reached("9.end", T)) == []
    assert settled(ledger.reached("1.1", T + 0.02)) == [Heard(1, "One.", True)]
    assert settled(ledger.reached("1.1", T + 0.03)) == []


def test_a_late_mark_tells_how_far_behind_the_ear_is() -> None:
    ledger = saying(("One.", 100), ("Two.", 1000))
    feed(ledger, T, T + 0.38)
    ledger.reached("1.1", T + 0.24 + 0.15)
    feed(ledger, T + 0.4, T + 0.6)
    assert ledger.ear(T + 0.6) == pytest.approx((600 - 150) * 8, abs=1)


def test_an_early_mark_is_believed() -> None:
    ledger = saying(("One.", 100), ("Two.", 1000))
    feed(ledger, T, T + 0.19)
    ledger.reached("1.1", T + 0.19)
    assert ledger.ear(T + 0.19) == EARLY_MS * 8
    assert ledger.ear(T + 0.26) == pytest.approx(260 * 8)


def test_the_ear_does_not_go_back_when_a_mark_is_late() -> None:
    ledger = saying(("One.", 100), ("Two.", 1000))
    feed(ledger, T, T + 0.3)
    ear = ledger.ear(T + 0.3)
    ledger.reached("1.1", T + 0.3)
    assert ledger.ear(T + 0.3) >= ear


def test_the_ear_does_not_go_back_when_audio_follows_a_gap() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(300), "One.")
    feed(ledger, T, T + 0.3)
    ledger.reached("1.1", T + 0.34)
    ledger.queue(number, tone(100))
    ledger.due(T + 0.41)
    ledger.queue(number, tone(100))
    ear = ledger.ear(T + 0.59)
    ledger.due(T + 0.59)
    assert ledger.ear(T + 0.59) >= ear


def test_a_mark_tells_how_far_the_ear_is_behind_what_is_played() -> None:
    ledger = saying(("hello", 400))
    (first, *_) = marks(ledger.due(T)) + marks(ledger.due(T + 0.15))
    assert ledger.dry_at_s == pytest.approx(T + 0.35)
    assert ledger.lag_s == 0
    ledger.reached(first, T + EARLY_MS / 1000 + 0.16)
    assert ledger.lag_s == pytest.approx(0.16)


def test_a_lost_mark_is_settled_when_it_is_overdue() -> None:
    ledger = saying(("Good morning.", 100))
    ledger.due(T)
    due = ledger.deadline()
    assert due == pytest.approx(T + 0.1 + MARGIN_S)
    assert due is not None
    assert settled(ledger.tick(due - 0.01)) == []
    assert settled(ledger.tick(due)) == [Heard(1, "Good morning.", True)]
    assert ledger.marks_lost == 1
    assert ledger.deadline() is None
    assert settled(ledger.reached("1.1", due + 1)) == []


def test_all_lost_marks_are_settled_at_once_when_the_shell_looks_late() -> None:
    ledger = saying(("One.", 200), ("Two.", 200))
    say(ledger, ("Three.", 20))
    feed(ledger, T, T + 0.5)
    assert settled(ledger.tick(T + 60)) == [Heard(1, "One. Two.", True), Heard(2, "Three.", True)]
    assert ledger.marks_lost == 3


def test_a_slow_carriers_marks_are_given_their_time() -> None:
    ledger = saying(("One.", 100), ("Two.", 200))
    feed(ledger, T, T + 0.3)
    ledger.reached("1.1", T + 0.24 + 1.0)
    assert ledger.deadline() == pytest.approx(T + 0.3 + 1.0 + MARGIN_S)


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
    assert settled(ledger.reached("1.1", T + 0.1)) == [Heard(1, "One.", True)]


# -- clearing ----------------------------------------------------------------------------------------------------------


def test_a_clear_settles_with_the_words_that_were_heard() -> None:
    ledger = saying(("One two three four five.", 1000))
    feed(ledger, T, T + 0.5)
    assert cut(ledger, T + 0.5) == [Heard(1, "One two", False)]
    assert ledger.quiet
    assert not ledger.busy


def test_a_clear_settles_what_had_not_begun() -> None:
    ledger = saying(("One.", 100))
    say(ledger, ("Two.", 100))
    ledger.open()
    ledger.due(T)
    assert cut(ledger, T + 0.1) == [Heard(1, "One.", True), Heard(2, "", False), Heard(3, "", False)]


def test_audio_without_words_that_is_cut_is_not_complete() -> None:
    ledger = saying(("", 400))
    ledger.due(T)
    assert cut(ledger, T + 0.1) == [Heard(1, "", False)]


def test_a_clear_of_nothing_settles_nothing() -> None:
    assert PlayoutLedger(MULAW_8K).clear(T) == []


def test_marks_that_come_back_after_a_clear_are_ignored() -> None:
    ledger = saying(("One.", 100))
    ledger.due(T)
    cut(ledger, T + 0.05)
    say(ledger, ("Two.", 100))
    (name,) = marks(ledger.due(T + 0.1))
    assert ledger.reached("1.1", T + 0.11) == []
    assert ledger.deadline() == pytest.approx(T + 0.2 + MARGIN_S)
    assert beginnings(ledger.reached(name, T + 0.2)) == {2: pytest.approx(T + 0.1)}
    assert ledger.quiet


def test_the_ear_does_not_go_back_when_what_it_has_not_heard_is_cleared() -> None:
    ledger = saying(("One.", 50), ("Two.", 400))
    feed(ledger, T, T + 0.3)
    ledger.reached("1.1", T + 0.29)
    cut(ledger, T + 0.35)
    assert ledger.ear(T + 0.35) == 300 * 8


def test_a_clear_leaves_no_lead_but_its_fade_behind() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    cut(ledger, T + 0.05)
    say(ledger, ("Two.", 1000))
    assert audio_ms(ledger.due(T + 0.05)) == 200 - FADE_MS
    assert ledger.underruns == 0


# -- underruns ---------------------------------------------------------------------------------------------------------


def test_a_stall_of_ours_is_an_underrun_and_makes_the_lead_longer() -> None:
    ledger = saying(("One.", 1000))
    ledger.due(T)
    assert audio_ms(ledger.due(T + 0.21)) == 300
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
    assert marks(ledger.due(T + 0.3)) == ["1.1"]
    assert ledger.underruns == 0
    assert ledger.deadline() == pytest.approx(T + 0.3 + MARGIN_S)


# -- against the twin --------------------------------------------------------------------------------------------------

# A power of two, so that times in seconds are exact and the twin may be held to the sample.
EXACT = AudioFormat(Encoding.MULAW, 8192)
TEXTS = st.sampled_from(["", "Yes.", "One moment, please.", "The order is on its way to you."])


REACH = REACH_MS * EXACT.rate_hz // 1000
FADE = FADE_MS * EXACT.rate_hz // 1000
ATTACK = ATTACK_MS * EXACT.rate_hz // 1000


class Line:
    """A ledger and the caller who hears it, on one clock that counts samples; it knows what the ledger should send."""

    def __init__(self, way: int = 0) -> None:
        self.ledger = PlayoutLedger(EXACT)
        self.earpiece = naive.Earpiece(way)
        self.said = b""
        self.phrases: list[tuple[int, int, str]] = []
        self.utterances: list[tuple[int, int]] = []
        self.next = 0
        """Position of what is to be sent next."""
        self.kept = 0
        self.is_held = self.is_soft = False
        self.fade = b""
        self.outcomes: list[Outcome] = []
        self._returned = 0

    @property
    def now(self) -> float:
        return self.earpiece.now / EXACT.rate_hz

    @property
    def heard(self) -> list[Heard]:
        return settled(self.outcomes)

    def open(self) -> int:
        self.utterances.append((len(self.said), len(self.said)))
        return self.ledger.open()

    def queue(self, number: int, samples: int, text: str = "") -> None:
        begin = len(self.said)
        payload = bytes(1 + place % 255 for place in range(begin, begin + samples))
        self.said += payload
        if text:
            self.phrases.append((begin, begin, text))
        if self.phrases and self.phrases[-1][0] >= self.utterances[-1][0]:
            self.phrases[-1] = (self.phrases[-1][0], len(self.said), self.phrases[-1][2])
        self.utterances[-1] = (self.utterances[-1][0], len(self.said))
        self.ledger.queue(number, payload, text)

    def poll(self) -> None:
        for command in self.ledger.due(self.now):
            if isinstance(command, Mark):
                self.earpiece.send(command.name)
                continue
            assert isinstance(command, PlayMedia)
            if self.is_held:
                self.die_away(command.payload, self.next)
            else:
                self.go_on(command.payload)

    def go_on(self, payload: bytes) -> None:
        """What was sent is what is said next, no more and no less."""
        said = self.said[self.next : self.next + len(payload)]
        if self.is_soft:
            said = naive.begin_softly(said[:ATTACK]) + said[ATTACK:]
        assert payload == said
        self.earpiece.send([place + 1 for place in range(self.next, self.next + len(payload))])
        self.next += len(payload)
        self.is_soft, self.fade = False, b""
        self.kept = max(self.kept, self.ledger.ear(self.now) - REACH)

    def die_away(self, payload: bytes, position: int) -> None:
        """What was sent is a fade."""
        assert payload == naive.die_away(self.said[position : position + FADE])
        self.earpiece.send([-1] * len(payload))
        self.fade = payload

    def suspend(self) -> None:
        """For a caller next door."""
        waiting = self.earpiece.waiting()
        commands = self.ledger.suspend(self.now)
        if not commands:
            return
        self.earpiece.send(None)
        assert commands.pop(0) == Clear()
        rest = self.fade[len(self.fade) - len(waiting) :]
        self.next = next((place - 1 for place in waiting if place > 0), self.next)
        for command in commands:
            if isinstance(command, Mark):
                self.earpiece.send(command.name)
            elif isinstance(command, PlayMedia) and any(place > 0 for place in waiting):
                self.die_away(command.payload, self.next)
            else:
                assert command == PlayMedia(rest)
                self.earpiece.send([-1] * len(rest))
                self.fade = rest
        self.is_held = True

    def resume(self) -> None:
        """For a caller next door."""
        was_heard = self.ledger.is_suspended or self.fade or not self.earpiece.waiting()
        self.ledger.resume(self.now)
        if self.is_held and was_heard:
            self.next = self.earpiece.position = self.word_begin()
            self.is_soft = any(begin < self.next < end for begin, end in self.utterances)
        self.is_held = False

    def word_begin(self) -> int:
        for begin, end, text in self.phrases:
            if begin < self.next < end:
                word = begin + naive.word_begin(text, end - begin, self.next - begin)
                return word if word >= self.kept else self.next
        return self.next

    def clear(self) -> None:
        """For a caller next door."""
        ear = self.ledger.ear(self.now)
        self.outcomes += self.ledger.clear(self.now)
        self.said = self.said[:ear]
        self.next = self.kept = ear
        self.phrases.clear()
        self.utterances.clear()
        self.is_held = self.is_soft = False

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
            self.outcomes += self.ledger.reached(name, self.now)

    def run(self, samples: int, every: int = 164) -> None:
        """Let time pass as in a call: marks come back at once, the ledger is polled every 20 ms."""
        for _ in range(samples):
            if self.earpiece.now % every == 0:
                self.poll()
            self.play(1)
            self.receive(self.returned())

    def heard_all(self) -> bool:
        """Whether all that was said was heard, once and in order."""
        return self.earpiece.heard() == list(range(1, len(self.said) + 1))


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
        number, begin = line.open(), len(line.said)
        for pause, samples, text in pieces:
            line.run(pause)
            line.queue(number, samples, text)
        spans.append((begin, len(line.said)))
        line.outcomes += line.ledger.close(number)
    line.run(len(line.said) + 4000)
    holes = [hole for hole in line.earpiece.holes if any(begin < hole < end for begin, end in spans)]
    assert line.ledger.underruns == len(holes)
    assert line.heard_all()
    assert line.ledger.lead_ms == DEFAULT_LEAD_MS
    assert sorted(heard.utterance for heard in line.heard) == list(range(1, len(utterances) + 1))
    assert line.ledger.quiet


@settings(max_examples=30, deadline=None)
@given(stalls=st.lists(st.integers(1, 4000), max_size=8))
def test_a_stall_counts_and_makes_the_lead_longer_if_and_only_if_it_is_heard(stalls: list[int]) -> None:
    line = Line()
    number = line.open()
    line.queue(number, 24_000, "A long story.")
    for stall in stalls:
        line.poll()
        line.play(stall)
    line.poll()
    heard = [hole for hole in line.earpiece.holes if hole < line.next]
    assert line.ledger.underruns == len(heard)
    assert line.ledger.lead_ms == (260, 390, 585, MAX_LEAD_MS)[min(len(heard), 3)]


@settings(max_examples=20, deadline=None)
@given(way=st.integers(0, 2000), every=st.integers(80, 400))
def test_the_lead_does_not_starve_however_far_the_carrier(way: int, every: int) -> None:
    line = Line(way)
    number = line.open()
    for text in ("The first sentence.", "The second one.", "And the last of them."):
        line.queue(number, 3000, text)
    line.ledger.close(number)
    line.run(9000 + 2 * way + every, every)
    assert line.earpiece.holes[:-1] == []
    assert line.heard_all()
    assert line.ledger.underruns == 0
    assert line.ledger.lead_ms == DEFAULT_LEAD_MS
    assert line.heard == [Heard(1, "The first sentence. The second one. And the last of them.", True)]


@settings(max_examples=20, deadline=None)
@given(way=st.integers(0, 1500))
def test_the_ear_is_right_to_within_the_way(way: int) -> None:
    line = Line(way)
    number = line.open()
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
        self.is_open = self.was_cleared = False
        self.ear = 0
        self.slowest = 0
        """Longest time, in samples, that a mark took to come back."""
        self.late: list[tuple[int, str]] = []
        """Marks on their way back: when they come, and their names."""
        self.starts: dict[int, int] = {}

    @precondition(lambda self: not self.is_open)
    @rule()
    def open(self) -> None:
        self.opened += 1
        self.starts[self.opened] = self.ledger.end
        assert self.line.open() == self.opened
        self.is_open = True

    @precondition(lambda self: self.is_open)
    @rule(samples=st.integers(0, 3000), text=TEXTS)
    def queue(self, samples: int, text: str) -> None:
        self.line.queue(self.opened, samples, text)
        self.line.poll()

    @precondition(lambda self: self.is_open)
    @rule()
    def close(self) -> None:
        self.line.outcomes += self.ledger.close(self.opened)
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
        if self.ledger.busy and not self.line.is_held:
            lead = self.ledger.lead_ms * EXACT.rate_hz // 1000
            assert len(self.line.earpiece.waiting()) > lead - EXACT.bytes_in(STEP_MS) - 1

    @rule()
    def tick(self) -> None:
        due = self.ledger.deadline()
        outcomes = self.ledger.tick(self.line.now)
        assert not outcomes or (due is not None and due <= self.line.now)
        self.line.outcomes += outcomes

    @precondition(lambda self: not self.line.is_held)
    @rule()
    def hold(self) -> None:
        self.ledger.hold()
        self.line.is_held = True

    @rule(samples=st.integers(0, 1500), returns_marks=st.booleans())
    def suspend(self, samples: int, returns_marks: bool) -> None:
        dropped = [entry for entry in self.line.earpiece.queue.queue if isinstance(entry, str)]
        unheard = self.ledger.end - self.ledger.ear(self.line.now)
        self.line.suspend()
        assert self.ledger.is_suspended
        assert self.ledger.end - self.ledger.ear(self.line.now) == unheard
        if returns_marks:
            self.late += [(self.line.earpiece.now + samples, name) for name in dropped]

    @precondition(lambda self: self.line.is_held)
    @rule()
    def resume(self) -> None:
        self.line.resume()
        ear = self.ledger.ear(self.line.now)
        assert ear >= self.ear - REACH
        self.ear = min(self.ear, ear)

    @rule()
    def clear(self) -> None:
        self.line.suspend()
        ear = self.ledger.ear(self.line.now)
        before = len(self.line.heard)
        self.line.clear()
        cleared = [heard.utterance for heard in self.line.heard[before:]]
        assert cleared == sorted(set(cleared))
        assert self.ledger.quiet
        assert self.ledger.deadline() is None
        assert self.ledger.ear(self.line.now) == ear
        self.is_open, self.was_cleared = False, True

    @invariant()
    def no_more_than_the_lead_and_a_fade_lies_at_the_carrier(self) -> None:
        assert len(self.line.earpiece.waiting()) <= self.ledger.lead_ms * EXACT.rate_hz // 1000 + FADE

    @invariant()
    def the_ear_never_goes_back(self) -> None:
        ear = self.ledger.ear(self.line.now)
        assert ear >= self.ear
        self.ear = ear

    @invariant()
    def the_ear_is_never_ahead_of_the_caller_and_behind_only_as_far_as_marks_are_late(self) -> None:
        position = self.line.earpiece.position
        # The twin takes what runs out in a hold for heard.
        running_out = EXACT.bytes_in(LAST_MS)
        assert position - self.slowest - running_out <= self.ledger.ear(self.line.now) <= position

    @invariant()
    def an_utterance_is_heard_to_begin_once_and_then_to_end_once(self) -> None:
        outcomes = [(type(outcome), outcome.utterance) for outcome in self.line.outcomes]
        assert len(outcomes) == len(set(outcomes))
        for place, outcome in enumerate(self.line.outcomes):
            if isinstance(outcome, Heard) and outcome.text:
                assert (Audible, outcome.utterance) in outcomes[:place]

    def teardown(self) -> None:
        """In the end everything is settled, and with nothing cleared any more it is settled as heard."""
        if self.is_open:
            self.close()
        self.line.resume()
        before = len(self.line.heard)
        self.line.run(len(self.line.said) - self.line.next + 6000)
        for _ in range(self.opened * 60):
            due = self.ledger.deadline()
            if due is not None:
                self.line.outcomes += self.ledger.tick(due)
        assert sorted(heard.utterance for heard in self.line.heard) == list(range(1, self.opened + 1))
        assert all(heard.complete for heard in self.line.heard[before:])
        assert self.line.earpiece.waiting() == []
        assert self.ledger.quiet
        if not self.was_cleared:
            self.check_all_was_heard()

    def check_all_was_heard(self) -> None:
        heard = self.line.earpiece.queue.heard
        assert set(range(1, len(self.line.said) + 1)) <= set(heard)
        for outcome in self.line.outcomes:
            if isinstance(outcome, Audible):
                begun = heard.index(self.starts[outcome.utterance] + 1) / EXACT.rate_hz
                assert begun <= outcome.at_s <= begun + self.slowest / EXACT.rate_hz


TestPlaying = Playing.TestCase
TestPlaying.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
