from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio import codec
from mediasrv.audio.format import L16_8K, AudioFormat
from mediasrv.call.agency import Agency
from mediasrv.call.recording import CallRecording
from mediasrv.errors import ConfigError
from tests.call.stage import Stage, agent_options, perform

FRAME = np.full(160, 100, np.int16)
BOT = codec.encode(L16_8K.encoding, np.full(160, 200, np.int16))


class Drawer:
    """Keeps recordings in memory."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.opened: list[tuple[str, AudioFormat]] = []
        self.closed = 0

    def open(self, call_id: str, audio: AudioFormat) -> Drawer:
        self.opened.append((call_id, audio))
        return self

    def write(self, audio: bytes) -> None:
        self.pieces.append(audio)

    def close(self) -> None:
        self.closed += 1

    @property
    def samples(self) -> NDArray[np.int16]:
        return codec.decode(self.opened[0][1].encoding, b"".join(self.pieces)).reshape(-1, 2)


def talk(recording: CallRecording, frames: int, first: int = 0) -> None:
    for number in range(first, first + frames):
        recording.hear(FRAME, (number + 1) * 0.020)


def test_a_recording_holds_both_voices_from_its_start_to_its_stop() -> None:
    drawer = Drawer()
    recording = CallRecording(drawer, "call-1", L16_8K)
    talk(recording, 5)
    recording.start(0.1)
    recording.start(0.1)
    recording.play(BOT, 0.12)
    talk(recording, 7, first=5)
    assert recording.is_on
    recording.stop(0.24)
    recording.stop(0.24)
    talk(recording, 5, first=12)
    assert drawer.opened == [("call-1", L16_8K)]
    assert drawer.closed == 1
    assert len(drawer.samples) == 7 * 160
    assert (drawer.samples[:, 0] == 100).all()
    assert np.flatnonzero(drawer.samples[:, 1]).tolist() == list(range(160, 320))


def test_a_long_call_is_handed_over_piece_by_piece() -> None:
    drawer = Drawer()
    recording = CallRecording(drawer, "call-1", L16_8K)
    recording.start(0.0)
    talk(recording, 500)
    assert len(drawer.pieces) == 10
    recording.stop(10.0)
    assert len(drawer.samples) == 80_000


def test_what_was_cut_is_not_recorded() -> None:
    drawer = Drawer()
    recording = CallRecording(drawer, "call-1", L16_8K)
    recording.start(0.0)
    recording.play(BOT * 10, 0.0)
    talk(recording, 5)
    recording.cut(0.1)
    talk(recording, 5, first=5)
    recording.stop(0.2)
    assert np.count_nonzero(drawer.samples[:, 1]) == 5 * 160


def test_a_second_recording_of_a_call_begins_anew() -> None:
    drawer = Drawer()
    recording = CallRecording(drawer, "call-1", L16_8K)
    recording.start(0.0)
    talk(recording, 1)
    recording.stop(0.02)
    recording.start(0.5)
    talk(recording, 1, first=25)
    recording.stop(0.52)
    assert drawer.closed == 2
    assert len(drawer.samples) == 320


def test_without_a_recorder_nothing_is_recorded() -> None:
    recording = CallRecording(None, "call-1", L16_8K)
    recording.start(0.0)
    recording.play(BOT, 0.0)
    talk(recording, 1)
    recording.stop(0.02)
    assert not recording.is_possible
    assert not recording.is_on


def level(samples: NDArray[np.int16]) -> float:
    return float(np.abs(samples.astype(np.int32)).mean())


def test_a_recorded_call_tells_so_first_and_holds_caller_and_bot_where_they_spoke() -> None:
    drawer = Drawer()
    at: dict[str, float] = {}

    async def act(stage: Stage) -> None:
        assert stage.call.call.is_recorded is False
        await stage.be_quiet(3)
        assert stage.call.call.is_recorded
        at["spoken_s"] = await stage.speak() - stage.opened_s
        await stage.be_quiet(6)
        at["answered_s"] = stage.heard_from(at["spoken_s"] + stage.opened_s) - stage.opened_s
        stage.hang_up()
        await stage.running

    stage = perform(act, agent_options(record=True, llm={"replies": ("Fine.",)}), recorder=drawer)
    assert stage.watch.words[0] == ("bot", "This call is recorded.")
    assert drawer.closed == 1
    caller, bot = drawer.samples.T
    spoken, answered = round(at["spoken_s"] * 8000), round(at["answered_s"] * 8000)
    assert level(caller[spoken - 4000 : spoken]) > 5 * level(caller[spoken + 800 : spoken + 4800])
    assert not bot[spoken:answered].any()
    assert level(bot[answered : answered + 800]) > 100


def test_what_is_private_is_in_no_recording() -> None:
    drawer = Drawer()

    async def act(stage: Stage) -> None:
        stage.call._ear.is_private = True
        await stage.speak()
        stage.hang_up()
        await stage.running

    perform(act, agent_options(record=True), recorder=drawer)
    assert len(drawer.samples)
    assert not drawer.samples[:, 0].any()


def test_an_agent_records_when_it_likes() -> None:
    drawer = Drawer()

    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        await stage.call.call.record()
        await stage.be_quiet(1)
        await stage.call.call.stop_recording()
        await stage.be_quiet(1)
        assert not stage.call.call.is_recorded

    perform(act, agent_options(), recorder=drawer)
    assert len(drawer.samples) == 8000


def test_without_a_recorder_the_operator_is_told_what_to_set() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(ConfigError, match=r"recording\.key_env"):
            await stage.call.call.record()

    perform(act)
    with pytest.raises(ConfigError, match=r"agents\.default\.record needs recording\.key_env"):
        Agency({"default": agent_options(record=True)})
    with pytest.raises(ConfigError, match="recording_notice"):
        agent_options(record=True, recording_notice="")
