from __future__ import annotations

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.audio.l16 import decode_l16
from mediasrv.turn.fade import FADE_MS
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.turn.utterance import Audible, Heard
from mediasrv.wire.events import Clear, Mark, PlayMedia
from tests import naive
from tests.turn.said import (
    LEAD_MS,
    T,
    audio_ms,
    beginnings,
    feed,
    marks,
    payloads,
    say,
    saying,
    settled,
    speaking,
    tone,
)

# -- holding -----------------------------------------------------------------------------------------------------------


def test_a_hold_that_ends_in_time_changes_nothing() -> None:
    ledger, said = speaking()
    sent = ledger.due(T)
    ledger.hold()
    assert ledger.busy
    assert feed(ledger, T + 0.02, T + 0.14) == []
    ledger.resume(T + 0.13)
    sent += feed(ledger, T + 0.14, T + 3)
    assert b"".join(payloads(sent)) == said
    assert ledger.underruns == 0
    assert ledger.lead_ms == LEAD_MS


def test_a_hold_ends_in_a_fade_and_a_mark_that_nobody_waits_for() -> None:
    ledger, said = speaking()
    ledger.due(T)
    ledger.hold()
    assert feed(ledger, T + 0.02, T + 0.14) == []
    fade, mark = ledger.due(T + 0.14)
    assert fade == PlayMedia(naive.die_away(said[1600 : 1600 + FADE_MS * 8]))
    assert isinstance(mark, Mark)
    assert ledger.reached(mark.name, T + 0.23) == []
    assert not ledger.busy
    assert feed(ledger, T + 0.16, T + 1) == []
    assert ledger.ear(T + 1) == 1600
    assert ledger.deadline() is None


def test_a_hold_that_is_looked_at_too_late_has_no_fade() -> None:
    ledger, _ = speaking()
    ledger.due(T)
    ledger.hold()
    assert ledger.due(T + 0.2) == []
    assert not ledger.busy


def test_after_a_silence_the_word_last_heard_is_said_again() -> None:
    ledger, said = speaking()
    feed(ledger, T, T + 0.5)
    ledger.hold()
    feed(ledger, T + 0.5, T + 1)
    assert ledger.ear(T + 1) > 4000
    ledger.resume(T + 1.4)
    begin = 19200 * 4 // 23
    assert ledger.ear(T + 1.4) == begin
    first = payloads(ledger.due(T + 1.4))[0]
    assert first == naive.begin_softly(said[begin : begin + 40]) + said[begin + 40 : begin + 1600]
    assert payloads(feed(ledger, T + 1.42, T + 9))[-1][-1:] == said[-1:]
    assert ledger.underruns == 0
    assert settled(ledger.tick(T + 60)) == [Heard(1, "one two three four five", True)]


def test_a_fade_that_is_on_its_way_is_heard_and_the_word_begun_again() -> None:
    ledger, said = speaking()
    ledger.due(T)
    ledger.hold()
    ledger.due(T + 0.14)
    ledger.resume(T + 0.15)
    assert payloads(ledger.due(T + 0.15)) == [said[: 1600 - (50 + FADE_MS) * 8]]
    assert ledger.ear(T + 0.15) == 0
    assert ledger.ear(T + 0.2 + FADE_MS / 1000 + 0.01) == pytest.approx(80)


def test_a_stall_after_a_resume_is_an_underrun() -> None:
    ledger, _ = speaking()
    ledger.due(T)
    ledger.hold()
    ledger.resume(T + 0.1)
    ledger.due(T + 0.3)
    assert ledger.underruns == 1


def test_an_utterance_that_is_all_sent_is_settled_while_held() -> None:
    ledger = saying(("One.", 100))
    ledger.hold()
    assert ledger.due(T) == []
    ledger.resume(T)
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(100), "One.")
    ledger.due(T)
    ledger.hold()
    ledger.close(number)
    assert ledger.due(T + 0.05) == [Mark("1.1")]
    assert not ledger.busy


def test_holding_when_nothing_is_said_changes_nothing() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    ledger.hold()
    ledger.hold()
    ledger.resume(T)
    ledger.resume(T)
    say(ledger, ("One.", 100))
    assert ledger.due(T + 0.1) == [PlayMedia(tone(100)), Mark("1.1")]


# -- suspending --------------------------------------------------------------------------------------------------------


def test_suspending_clears_and_dies_away_from_where_the_carrier_is() -> None:
    ledger, said = speaking()
    feed(ledger, T, T + 1)
    clear, fade, mark = ledger.suspend(T + 1)
    assert clear == Clear()
    assert fade == PlayMedia(naive.die_away(said[8000 : 8000 + FADE_MS * 8]))
    assert isinstance(mark, Mark)
    assert ledger.is_suspended
    assert not ledger.busy
    assert ledger.unheard_ms(T + 1) == 1400
    assert ledger.due(T + 1.1) == []
    assert ledger.suspend(T + 1.1) == []


def test_marks_that_the_clear_dropped_settle_nothing_and_are_sent_again() -> None:
    ledger, _ = speaking(duration_ms=400)
    sent = feed(ledger, T, T + 0.3)
    assert marks(sent) == ["1.1", "1.2"]
    ledger.suspend(T + 0.3)
    assert ledger.reached("1.2", T + 0.31) == []
    assert ledger.tick(T + 60) == [Audible(1, T)]
    ledger.resume(T + 61)
    (again,) = marks(feed(ledger, T + 61, T + 62))
    assert again not in ("1.1", "1.2")
    assert ledger.reached("1.2", T + 62) == []
    assert ledger.reached(again, T + 62) == [Heard(1, "one two three four five", True)]


def test_a_mark_behind_the_word_that_is_repeated_is_sent_again() -> None:
    ledger, _ = speaking()
    feed(ledger, T, T + 0.3)
    ledger.suspend(T + 0.3)
    ledger.resume(T + 0.4)
    assert ledger.reached("1.1", T + 0.41) == []
    assert ledger.ear(T + 0.41) == 0
    assert len(marks(feed(ledger, T + 0.4, T + 0.8))) == 1


def test_the_words_heard_are_those_before_the_suspension() -> None:
    ledger, _ = speaking()
    feed(ledger, T, T + 1.2)
    ledger.suspend(T + 1.2)
    assert ledger.clear(T + 3) == [Audible(1, T), Heard(1, "one two", False)]
    assert not ledger.is_suspended
    assert ledger.quiet


def test_a_word_that_is_suspended_twice_is_begun_a_third_time() -> None:
    ledger, said = speaking()
    feed(ledger, T, T + 0.6)
    for at in (T + 0.6, T + 1.8):
        ledger.suspend(at)
        ledger.resume(at + 1)
        assert payloads(feed(ledger, at + 1, at + 1.1))[0][40:] == said[3339 + 40 : 3339 + 1600]
    ledger.suspend(T + 2.9)
    assert settled(ledger.clear(T + 9)) == [Heard(1, "one", False)]


def test_speech_that_comes_while_suspended_waits() -> None:
    ledger = PlayoutLedger(MULAW_8K)
    number = ledger.open()
    ledger.queue(number, tone(500), "One")
    feed(ledger, T, T + 0.3)
    ledger.suspend(T + 0.3)
    ledger.queue(number, tone(500), "two.")
    assert ledger.close(number) == []
    assert not ledger.busy
    assert ledger.unheard_ms(T + 0.3) == 700
    ledger.resume(T + 1)
    assert audio_ms(feed(ledger, T + 1, T + 3)) == 1000
    assert settled(ledger.tick(T + 60)) == [Heard(1, "One two.", True)]


def test_the_fade_of_a_hold_goes_on_behind_the_clear() -> None:
    ledger, _ = speaking()
    ledger.due(T)
    ledger.hold()
    (fade,) = payloads(ledger.due(T + 0.14))
    assert payloads(ledger.suspend(T + 0.21)) == [fade[80:]]


def test_silence_has_no_fade() -> None:
    ledger, _ = speaking()
    ledger.due(T)
    ledger.hold()
    feed(ledger, T + 0.02, T + 1)
    assert ledger.suspend(T + 1) == [Clear()]
    assert PlayoutLedger(MULAW_8K).suspend(T) == [Clear()]


def test_a_fade_of_long_ago_is_not_sent_again() -> None:
    ledger, _ = speaking(duration_ms=400)
    ledger.due(T)
    ledger.hold()
    ledger.due(T + 0.14)
    ledger.resume(T + 0.4)
    last = marks(feed(ledger, T + 0.4, T + 0.6))[-1]
    # The carrier is ahead of the model, which believes that some is still to be played.
    assert settled(ledger.reached(last, T + 0.6)) == [Heard(1, "one two three four five", True)]
    assert ledger.suspend(T + 0.6) == [Clear()]


def test_an_utterance_that_was_not_heard_is_begun_anew() -> None:
    ledger = saying(("One.", 100))
    say(ledger, ("Two.", 100))
    ledger.due(T)
    ledger.suspend(T + 0.1)
    ledger.resume(T + 1)
    sent = ledger.due(T + 1)
    assert payloads(sent) == [tone(100)]
    outcomes = ledger.reached(marks(sent)[0], T + 1.1)
    assert beginnings(outcomes) == {1: pytest.approx(T), 2: pytest.approx(T + 1)}
    assert settled(outcomes) == [Heard(1, "One.", True), Heard(2, "Two.", True)]


def test_audio_without_words_goes_on_where_it_was() -> None:
    ledger, said = speaking(text="")
    feed(ledger, T, T + 1)
    ledger.suspend(T + 1)
    ledger.resume(T + 2)
    assert payloads(ledger.due(T + 2))[0][40:] == said[8040:9600]


def test_a_word_too_long_to_be_repeated_goes_on_where_it_was() -> None:
    ledger, said = speaking(text="你好世界")
    feed(ledger, T, T + 2)
    ledger.suspend(T + 2)
    ledger.resume(T + 3)
    assert payloads(ledger.due(T + 3))[0][40:] == said[16040:17600]


def test_a_pause_between_words_is_no_place_to_go_back_from() -> None:
    ledger = saying(("One", 500), ("two", 500))
    feed(ledger, T, T + 0.5)
    ledger.suspend(T + 0.5)
    ledger.resume(T + 1)
    assert ledger.ear(T + 1) == 4000


def test_a_fade_fits_wide_samples() -> None:
    ledger = PlayoutLedger(L16_16K)
    number = ledger.open()
    ledger.queue(number, (1000).to_bytes(2, "little") * 16000)
    feed(ledger, T, T + 0.5)
    (fade,) = payloads(ledger.suspend(T + 0.5))
    pcm = decode_l16(fade)
    assert len(pcm) == FADE_MS * 16
    assert pcm[0] == 1000
    assert pcm[-1] == 0
