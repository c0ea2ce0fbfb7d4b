from __future__ import annotations

from mediasrv.turn.bargein import BargeIn, Verdict
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.voicerun import VoiceRun

LETTERS = {Verdict.NOTHING: "-", Verdict.SUSPECTED: "s", Verdict.CONFIRMED: "C", Verdict.FALSE_ALARM: "f"}


class Watch:
    """A barge-in watcher with its run, which writes its verdicts down a letter a frame."""

    def __init__(self, options: TurnOptions | None = None) -> None:
        self.run = VoiceRun()
        self.barge_in = BargeIn(options or TurnOptions())

    def judge(self, frames: str) -> str:
        verdicts = ""
        for frame in frames:
            self.run.hear(frame == "v")
            verdicts += LETTERS[self.barge_in.judge(self.run)]
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


def test_a_hole_within_a_word_does_not_save_us() -> None:
    assert Watch().judge("vvv..vvv") == "--s----C"


def test_where_both_thresholds_are_one_there_is_no_suspicion() -> None:
    assert Watch(TurnOptions(suspicion_ms=120, barge_in_ms=120)).judge("vvvvvv") == "-----C"


def test_a_confirmation_ends_the_suspicion() -> None:
    watch = Watch()
    watch.judge("vvvvvv")
    assert not watch.barge_in.suspected


def test_a_reset_forgets_the_suspicion() -> None:
    watch = Watch()
    watch.judge("vvv")
    watch.barge_in.reset()
    assert not watch.barge_in.suspected
    watch.run.restart()
    assert watch.judge("." * 20 + "vvv") == "-" * 22 + "s"
