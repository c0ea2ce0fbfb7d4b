"""A caller who takes turns, with a bot that is played frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediasrv.audio.g711 import decode_ulaw, encode_ulaw
from native_bench.turntaking.judgement import ANSWER_LIMIT_MS
from native_bench.turntaking.line import FRAME, LINES, EchoPath, NoiseLoop
from native_bench.turntaking.material import load
from native_bench.turntaking.person import TurnTaker
from native_bench.turntaking.plan import Over, Planned, Planner, Trial
from native_bench.turntaking.utterances import Kind

SILENCE = b"\xff" * FRAME
VOICE = encode_ulaw((6000 * np.sin(np.arange(FRAME) * 2 * np.pi * 300 / 8000)).astype(np.int16))
QUIET = LINES[0]
PATH = EchoPath(delay_ms=200, loss_db=18.0, has_room=False)

Bot = Callable[[int, list[bytes]], bool]
"""Whether it speaks in this frame, and all frames that it has heard."""


@pytest.fixture(scope="module")
def call() -> Planned:
    planner = Planner(load("report", Path("/nonexistent")), Path("/nonexistent"))
    return planner.calls(4, 1)[0]


def live(planned: Planned, bot: Bot, frames: int = 3000) -> tuple[TurnTaker, list[bytes]]:
    """Let the call go on until the caller hangs up."""
    person = TurnTaker(planned, NoiseLoop(QUIET, 0), lambda: None)
    said: list[bytes] = []
    for place in range(frames):
        act = person.exchange(VOICE if bot(place, said) else SILENCE)
        said.append(act.payload)
        if act.hangs_up:
            person.leave()
            return person, said
    raise AssertionError("the caller never hung up")


def answering(after: int, lasting: int) -> Bot:
    """A bot that answers so many frames after whatever was loud, and speaks so long unless it is interrupted."""
    state = {"loud": -1}

    def speaks(place: int, said: list[bytes]) -> bool:
        if said and np.abs(decode_ulaw(said[-1]).astype(int)).max() > 1500:
            state["loud"] = place
        since = place - state["loud"]
        return state["loud"] >= 0 and after <= since < after + lasting

    return speaks


def test_what_is_said_is_kept_to_the_sample_and_behind_its_cue(call: Planned) -> None:
    planned = replace(call, line=QUIET, trials=call.trials[:1])
    person, said = live(planned, answering(30, 100))
    (done,) = person.performed
    trial = planned.trials[0]
    assert trial.sound is not None
    cue = said.index(trial.sound.cue)
    assert (done.begin, done.end) == tuple((cue + 1) * FRAME + at for at in (trial.sound.begin, trial.sound.end))
    line = decode_ulaw(b"".join(said)).astype(float)
    assert np.sqrt(np.mean(line[done.begin : done.end] ** 2)) > 20 * np.sqrt(np.mean(line[: done.begin - FRAME] ** 2))


def test_a_trial_over_the_reply_comes_while_the_bot_speaks(call: Planned) -> None:
    over = next(each for each in call.trials if each.is_over and each.sound is not None)
    person, _ = live(replace(call, trials=(call.trials[0], over)), answering(30, 250))
    opening, second = person.performed
    assert second.trial is over
    assert opening.until <= second.begin
    assert second.begin - opening.end > (30 * 20 + over.after_ms - 100) * 8


def test_a_trial_over_a_reply_that_never_comes_is_void(call: Planned) -> None:
    person, said = live(replace(call, trials=call.trials[:2]), lambda place, said: False)
    assert [each.trial for each in person.performed] == [call.trials[0]]
    assert person.void == [call.trials[1]]
    assert len(said) * 20 > ANSWER_LIMIT_MS


def test_the_next_sentence_waits_until_the_bot_was_silent(call: Planned) -> None:
    opening = call.trials[0]
    person, _ = live(replace(call, trials=(opening, opening)), answering(30, 200))
    first, second = person.performed
    answered_until = first.end + (30 + 200) * FRAME
    assert second.begin - answered_until >= opening.after_ms * 8 - 5 * FRAME


def test_the_bots_voice_comes_back_late_and_softer(call: Planned) -> None:
    echo = Trial(Over.ECHO, QUIET, "echo", echo=PATH)
    person, said = live(replace(call, trials=(call.trials[0], echo)), answering(30, 200))
    done = person.performed[1]
    assert done.trial is echo
    line = decode_ulaw(b"".join(said)).astype(float)
    level = np.sqrt(np.mean(line[done.begin + 3000 : done.begin + 12_000] ** 2))
    voice = np.sqrt(np.mean(decode_ulaw(VOICE).astype(float) ** 2))
    assert 20 * np.log10(voice / level) == pytest.approx(PATH.loss_db, abs=1.0)
    before = line[done.begin : done.begin + (PATH.delay_ms - 40) * 8]
    assert np.sqrt(np.mean(before**2)) < level / 10


def test_every_sound_of_a_plan_has_a_cue_of_its_own_and_every_class_its_trials() -> None:
    planner = Planner(load("report", Path("/nonexistent")), Path("/nonexistent"))
    calls = planner.calls(8, 4)
    trials = [trial for call in calls for trial in call.trials]
    cues = [trial.sound.cue for trial in trials if trial.sound is not None]
    assert len(set(cues)) == len(cues)
    assert sum(trial.kind is Over.BARGE_IN for trial in trials) == 8
    assert sum(trial.kind is Over.DTMF for trial in trials) == 4
    assert {Over.MUSIC, Over.BACKCHANNEL} == set(planner.missing)
    assert {trial.kind for trial in trials} >= {Kind.FLOWING, Kind.SHORT, Kind.LONG}
    assert {call.line for call in calls} == set(LINES)


def test_two_planners_of_one_seed_plan_the_same() -> None:
    material = load("report", Path("/nonexistent"))
    one, other = (Planner(material, Path("/nonexistent"), seed=3).calls(4, 2) for _ in range(2))
    names = [
        [(trial.kind, trial.name, trial.after_ms) for call in calls for trial in call.trials] for calls in (one, other)
    ]
    assert names[0] == names[1]
