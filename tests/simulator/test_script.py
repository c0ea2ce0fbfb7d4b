"""Scripts on the stage, in media time: a toy agent says something or nothing in each frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from mediasrv.audio.codec import decode
from mediasrv.audio.format import L16_8K, MULAW_8K, AudioFormat
from mediasrv.audio.level import level_db
from mediasrv.simulator.person import Act
from mediasrv.simulator.script import (
    After,
    AgentFinished,
    AgentStarted,
    At,
    Deed,
    HangUp,
    Line,
    Performance,
    Press,
    Speak,
    conversation,
)
from mediasrv.simulator.speech import Clip, frames
from mediasrv.simulator.voice import Span

FRAME = 160
VOICE = (6000 * np.sin(np.arange(10 * FRAME) / 3)).astype(np.int16)
CLIP = Clip("clip", VOICE, 8000, "some words")
"""Ten frames of voice."""
(LOUD,) = frames(VOICE[:FRAME], L16_8K)
SILENT = bytes(2 * FRAME)


def loud_in(*spans: tuple[int, int]) -> Callable[[int], bytes]:
    """An agent that speaks in these frames."""
    return lambda frame: LOUD if any(begin <= frame < end for begin, end in spans) else SILENT


def perform(script: Iterable[Line], agent: Callable[[int], bytes], count: int) -> tuple[Performance, list[Act]]:
    performance = Performance(list(script), L16_8K)
    return performance, [performance.exchange(agent(frame)) for frame in range(count)]


def speaking(acts: Iterable[Act]) -> list[int]:
    """Frames in which the caller speaks."""
    return [frame for frame, act in enumerate(acts) if level_db(decode(L16_8K.encoding, act.payload)) > -40]


def begin_of(line: Line, agent: Callable[[int], bytes], count: int = 1200) -> int:
    """The frame in which a line's clip begins."""
    _, acts = perform([line], agent, count)
    return speaking(acts)[0]


def test_a_caller_without_a_script_hisses_softly() -> None:
    performance, acts = perform([], loud_in((0, 50)), 300)
    pcm = decode(L16_8K.encoding, b"".join(act.payload for act in acts))
    assert level_db(pcm) == pytest.approx(-65, abs=1)
    assert not any(act.hangs_up or act.digits for act in acts)
    assert performance.said == []


def test_a_clip_is_said_whole_and_noted_where_it_is() -> None:
    performance, acts = perform([Line(At(100), Speak(CLIP))], loud_in(), 40)
    assert speaking(acts) == list(range(5, 15))
    assert b"".join(act.payload for act in acts[5:15]) == VOICE.tobytes()
    (said,) = performance.said
    assert (said.name, said.text, said.voiced) == ("clip", "some words", Span(5 * FRAME, 15 * FRAME))


def test_the_caller_speaks_when_the_agent_has_been_quiet_for_a_while() -> None:
    agent = loud_in((10, 30), (40, 50))
    assert begin_of(Line(AgentFinished(quiet_ms=400), Speak(CLIP)), agent) == 69
    assert begin_of(Line(AgentFinished(quiet_ms=200), Speak(CLIP)), agent) == 39


def test_a_silent_agent_is_waited_for_patiently_but_not_for_ever() -> None:
    assert begin_of(Line(AgentFinished(patience_ms=3000), Speak(CLIP)), loud_in()) == 150
    assert begin_of(Line(AgentStarted(patience_ms=3000), Speak(CLIP)), loud_in()) == 150


def test_patience_is_only_for_the_first_sound() -> None:
    agent = loud_in((10, 500))
    assert begin_of(Line(AgentFinished(quiet_ms=700, patience_ms=3000), Speak(CLIP)), agent) == 534


def test_a_barge_in_comes_a_while_after_the_onset() -> None:
    assert begin_of(Line(AgentStarted(after_ms=500), Speak(CLIP)), loud_in((20, 200))) == 45
    assert begin_of(Line(AgentStarted(), Speak(CLIP)), loud_in((20, 200))) == 20


def test_faint_noise_of_the_agent_is_not_speech() -> None:
    def hum(frame: int) -> bytes:
        return np.full(FRAME, 30, "<i2").tobytes()

    assert begin_of(Line(AgentFinished(patience_ms=400), Speak(CLIP)), hum) == 20


def test_a_cue_looks_at_what_came_after_the_last_words() -> None:
    script = [Line(At(0), Speak(CLIP)), Line(AgentFinished(quiet_ms=200), Speak(CLIP))]
    overlapped, acts = perform(script, loud_in((0, 8), (60, 70)), 200)
    assert [said.voiced.begin // FRAME for said in overlapped.said] == [0, 79]
    assert speaking(acts) == [*range(10), *range(79, 89)]


def test_an_answer_in_the_silent_tail_of_a_clip_is_not_missed() -> None:
    tailed = Clip("tailed", np.concatenate([VOICE, np.zeros(30 * FRAME, np.int16)]), 8000)
    script = [Line(At(0), Speak(tailed)), Line(AgentFinished(quiet_ms=400), Speak(CLIP))]
    performance, _ = perform(script, loud_in((15, 25)), 200)
    assert performance.said[1].voiced.begin // FRAME == 44


def test_a_pause_is_counted_from_the_last_deed() -> None:
    script = [Line(At(100), Speak(CLIP)), Line(After(300), Speak(CLIP)), Line(After(), Speak(CLIP))]
    performance, _ = perform(script, loud_in(), 100)
    assert [said.voiced.begin // FRAME for said in performance.said] == [5, 30, 40]


def test_a_time_that_has_gone_by_is_now() -> None:
    performance, _ = perform([Line(At(200), Speak(CLIP)), Line(At(0), Speak(CLIP))], loud_in(), 100)
    assert [said.voiced.begin // FRAME for said in performance.said] == [10, 20]


def test_keys_are_pressed_one_by_one() -> None:
    _, acts = perform([Line(At(100), Press("1*#")), Line(After(), HangUp())], loud_in(), 40)
    assert [(frame, act.digits) for frame, act in enumerate(acts) if act.digits] == [(5, "1"), (15, "*"), (25, "#")]
    assert [frame for frame, act in enumerate(acts) if act.hangs_up] == [35]


def test_a_polite_caller_hears_everything_out_and_hangs_up() -> None:
    script = conversation([CLIP, CLIP], quiet_ms=200)
    performance, acts = perform(script, loud_in((5, 20), (50, 60), (100, 120)), 200)
    assert [said.voiced.begin // FRAME for said in performance.said] == [29, 69]
    assert next(frame for frame, act in enumerate(acts) if act.hangs_up) == 129


@pytest.mark.parametrize("deed", [Speak(CLIP), Press("5"), HangUp()])
def test_a_performance_is_the_same_each_time(deed: Deed) -> None:
    runs = [perform([Line(AgentFinished(), deed)], loud_in((3, 9)), 90)[1] for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("audio", [MULAW_8K, AudioFormat(L16_8K.encoding, 16000)])
def test_the_performance_speaks_and_hears_the_format_of_the_stream(audio: AudioFormat) -> None:
    pcm = np.tile((6000 * np.sin(np.arange(audio.rate_hz // 50) / 3)).astype(np.int16), 10)
    loud = frames(pcm, audio)[0]
    silent = frames(np.zeros(audio.rate_hz // 50, np.int16), audio)[0]
    performance = Performance([Line(AgentFinished(quiet_ms=100), Speak(Clip("c", pcm, audio.rate_hz)))], audio)
    for frame in range(30):
        assert len(performance.exchange(loud if frame < 5 else silent).payload) == audio.frame_bytes
    performance.leave()
    samples = audio.rate_hz // 50
    assert performance.said[0].voiced == Span(9 * samples, 19 * samples)
