from __future__ import annotations

from typing import Any

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.bargein import BargeIn, Verdict
from mediasrv.turn.events import Transcribed
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.voicerun import VoiceRun
from mediasrv.turn.wording import Wording
from tests.turn.conversation import ENGLISH

LETTERS = {
    Verdict.NOTHING: "-",
    Verdict.SUSPECTED: "s",
    Verdict.CONFIRMED: "C",
    Verdict.INTERRUPTED: "I",
    Verdict.FALSE_ALARM: "f",
}


class Watch:
    """A barge-in watcher with its run, which writes its verdicts down, a letter a frame."""

    def __init__(self, *, words_count: bool = True, **options: Any) -> None:
        self.run = VoiceRun()
        self.wording = Wording()
        self.barge_in = BargeIn(TurnOptions(**{"false_alarm_ms": 300} | options), ENGLISH)
        self._words_count = words_count

    def says(self, text: str) -> None:
        self.wording.receive(Transcribed(text))

    def judge(self, frames: str) -> str:
        verdicts = ""
        for frame in frames:
            self.run.hear(PTIME_MS * (frame == "v"))
            verdict = self.barge_in.judge(self.run, self.wording if self._words_count else None)
            if verdict is Verdict.INTERRUPTED:
                self.barge_in.reset()
            elif verdict is Verdict.FALSE_ALARM:
                self.barge_in.go_on()
            verdicts += LETTERS[verdict]
        return verdicts


def test_60_ms_of_voice_are_suspicious_and_120_ms_are_a_barge_in() -> None:
    assert Watch().judge("...vvvvvv") == "-----s--C"


def test_a_shorter_noise_is_nothing() -> None:
    assert Watch().judge("vv..........") == "-" * 12


def test_a_suspicion_is_raised_once() -> None:
    watch = Watch()
    assert watch.judge("vvvvv") == "--s--"
    assert watch.barge_in.suspected


def test_300_ms_of_silence_make_a_suspicion_a_false_alarm() -> None:
    watch = Watch()
    assert watch.judge("vvv" + "." * 15) == "--s" + "-" * 14 + "f"
    assert not watch.barge_in.suspected


def test_a_false_alarm_is_given_once() -> None:
    assert Watch().judge("vvv" + "." * 40).count("f") == 1


def test_a_blip_does_not_put_a_false_alarm_off() -> None:
    assert Watch().judge("vvv" + "....v" * 3) == "--s" + "-" * 14 + "f"


def test_voice_within_a_suspicion_puts_the_false_alarm_off() -> None:
    assert Watch().judge("vvv" + "." * 10 + "vv" + "." * 15) == "--s" + "-" * 26 + "f"


def test_a_suspicion_may_follow_a_false_alarm() -> None:
    assert Watch().judge("vvv" + "." * 15 + "vvvvvv") == "--s" + "-" * 14 + "f" + "--s--C"


def test_a_suspicion_that_short_noises_keep_up_comes_to_an_end() -> None:
    assert Watch().judge("vvv....." * 6)[:43] == "--s" + "-" * 36 + "f" + "-" * 2 + "s"


def test_a_hole_within_a_word_does_not_save_us() -> None:
    assert Watch().judge("vvv..vvv") == "--s----C"


def test_where_both_thresholds_are_one_a_suspicion_lasts_a_frame() -> None:
    assert Watch(suspicion_ms=120, barge_in_ms=120).judge("vvvvvvv") == "-----sC"


def test_a_barge_in_is_taken_back_when_nothing_was_said() -> None:
    assert Watch().judge("v" * 10 + "." * 15) == "--s--C" + "-" * 18 + "f"


def test_words_make_it_an_interruption() -> None:
    watch = Watch()
    watch.judge("v" * 10)
    watch.says("stop")
    assert watch.judge("v") == "I"


def test_words_confirm_what_the_voice_has_not_yet() -> None:
    watch = Watch()
    watch.judge("vvv")
    watch.says("stop")
    assert watch.judge("vv") == "CI"


def test_a_backchannel_interrupts_nobody() -> None:
    watch = Watch()
    watch.judge("v" * 10)
    watch.says("Mhm.")
    assert watch.judge("v" * 10 + "." * 15) == "-" * 24 + "f"


def test_who_talks_for_long_says_more_than_that_he_listens() -> None:
    watch = Watch(backchannel_ms=400)
    watch.says("yes")
    assert watch.judge("v" * 20) == "--s--C" + "-" * 13 + "I"


def test_voice_without_words_is_no_caller_where_words_are_written_down_at_once() -> None:
    watch = Watch(backchannel_ms=400)
    watch.says("earlier words")
    watch.wording.begin()
    assert watch.judge("v" * 60) == "--s--C" + "-" * 13 + "f" + "-" * 40
    watch.judge("...")
    assert watch.judge("v" * 6) == "--s--C"


def test_words_that_cannot_be_told_from_earlier_ones_leave_it_to_the_voice() -> None:
    assert Watch(words_count=False).judge("v" * 7) == "--s--CI"


def test_it_may_take_so_many_words() -> None:
    watch = Watch(barge_in_words=2)
    watch.says("stop")
    assert watch.judge("v" * 50) == "--s" + "-" * 47
    watch.says("stop it")
    assert watch.judge("vv") == "CI"


def test_a_reset_forgets_the_suspicion() -> None:
    watch = Watch()
    watch.judge("vvv")
    watch.barge_in.reset()
    assert not watch.barge_in.suspected
    watch.run.restart()
    assert watch.judge("." * 20 + "vvv") == "-" * 22 + "s"


def test_a_caller_who_is_talked_over_is_given_time_to_notice() -> None:
    watch = Watch()
    watch.barge_in.reset(over_caller=True)
    assert watch.judge("v" * 50 + "." * 10) == "-" * 60
    assert watch.judge("vvvvvv") == "--s--C"


def test_a_caller_who_talks_on_over_our_speech_is_a_barge_in_in_the_end() -> None:
    watch = Watch()
    watch.barge_in.reset(over_caller=True)
    assert watch.judge("v" * 102) == "-" * 100 + "sC"


def test_after_a_pause_of_his_the_caller_breaks_in_as_ever() -> None:
    watch = Watch()
    watch.barge_in.reset(over_caller=True)
    assert watch.judge("v" * 10 + "." * 10 + "vvv") == "-" * 22 + "s"
