"""The picture of a call: it opens, it is as large as the call is long, and it shows who spoke when."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from mediasrv.errors import ConfigError
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.playout import Gap
from mediasrv.simulator.report import report
from mediasrv.simulator.timeline import COLOURS, DPI, LEFT, Stage, Words, draw_timeline
from tests.simulator.calls import call

WORDS = [
    Words(0.1, 0.9, "agent", "Good morning. What would you like to hear about today?"),
    Words(2, 3, "caller", "he was not an ill disposed young man"),
    Words(3.4, 5, "agent", "I see. Tell me a little more about his habits, please."),
]
STAGES = [[Stage("endpointing", 0, 300), Stage("language model", 300, 380)], [Stage("endpointing", -20, 310)]]


@pytest.fixture
def finished() -> Conversation:
    return call(
        {"one": (2000, 3000), "two": (4500, 6000)},
        (100, 900),
        (3400, 5000),
        gaps=(Gap(28000, 40, marked=False),),
        clears=(5000 * 8,),
        marks=(("greeting", 7200),),
    )


def draw(path: Path, finished: Conversation, **more: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The pixels of a call's picture: rows, columns, and red, green and blue from 0 to 1."""
    draw_timeline(path, finished, report(finished), **more)  # type: ignore[arg-type]
    return np.asarray(imread(path))[:, :, :3]


def test_the_picture_shows_who_spoke_when(tmp_path: Path, finished: Conversation) -> None:
    pixels = draw(tmp_path / "call.png", finished)
    inches_per_s = 14.0 / 10
    for who, spans_ms in {"caller": [(2000, 3000), (4500, 6000)], "agent": [(100, 900), (3400, 5000)]}.items():
        colour = np.array(to_rgb(COLOURS["caller" if who == "caller" else "agent"]))
        tall = (np.abs(pixels - colour).max(axis=2) < 0.02).sum(axis=0) > 40
        for time_ms in range(50, 10_000, 100):
            column = int((LEFT + time_ms / 1000 * inches_per_s) * DPI)
            is_speaking = any(begin <= time_ms < end for begin, end in spans_ms)
            assert tall[column] == is_speaking, f"{who} at {time_ms} ms"


def test_words_and_stages_get_room_of_their_own(tmp_path: Path, finished: Conversation) -> None:
    plain = draw(tmp_path / "plain.png", finished)
    worded = draw(tmp_path / "worded.png", finished, words=WORDS)
    full = draw(tmp_path / "full.png", finished, words=WORDS, stages=STAGES, title="A call")
    assert plain.shape[0] < worded.shape[0] < full.shape[0]
    assert plain.shape[1] == worded.shape[1] == full.shape[1]


def test_what_was_done_ahead_is_pale(tmp_path: Path, finished: Conversation) -> None:
    ahead = Stage("first token", 300, 300, (100, 280))
    assert (ahead.label, STAGES[0][0].label) == ("first token 0 ms, 180 ms ahead", "endpointing 300 ms")
    plain = draw(tmp_path / "plain.png", finished, stages=[[Stage("first token", 300, 300)], []])
    pale = draw(tmp_path / "pale.png", finished, stages=[[ahead], []])
    assert (np.abs(plain - pale).max(axis=2) > 0.05).sum() > 1000


def test_a_long_call_makes_a_wide_picture(tmp_path: Path, finished: Conversation) -> None:
    short = draw(tmp_path / "short.png", finished)
    long = draw(tmp_path / "long.png", call({}, (100, 900), duration_ms=80_000))
    assert long.shape[1] > 2 * short.shape[1]


def test_a_call_in_which_nothing_was_said_has_a_picture(tmp_path: Path) -> None:
    assert draw(tmp_path / "empty.png", call({}, duration_ms=0)).size
    assert draw(tmp_path / "silent.png", call({"one": (1000, 2000)}), stages=[[Stage("endpointing", 0, 460)]]).size


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, finished: Conversation) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        draw(tmp_path / "nowhere" / "call.png", finished)


def test_without_matplotlib_the_operator_is_told(
    tmp_path: Path, finished: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"pip install 'mediasrv\[bench\]'"):
        draw(tmp_path / "call.png", finished)
