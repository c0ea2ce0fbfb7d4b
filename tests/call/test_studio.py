from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.shelf import Shelf
from mediasrv.call.studio import RECORDING_LIMIT_S, Narrator, Studio
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Tts
from tests.virtual import run_virtually


class Reader(Tts):
    """Speaks word by word; the number of seconds that a word takes may be without end."""

    name = "reader"

    def __init__(self, byte: bytes = b"\x11", *, fails: bool = False, word_s: float = 0.0) -> None:
        super().__init__(None)
        self.byte, self.fails, self.word_s = byte, fails, word_s
        self.spoken: list[str] = []

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return MULAW_8K

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            self.spoken.append(phrase)
            if self.fails:
                raise ProviderError("HTTP 500", stage="tts", provider=self.name, retryable=True)
            for word in phrase.split():
                await asyncio.sleep(self.word_s)
                yield Speech(self.byte * 80, word)


def recorded(studio: Studio, text: str = "Good morning.", wanted: AudioFormat = MULAW_8K) -> list[Speech]:
    return run_virtually(studio.record(text, wanted))


def test_a_recording_keeps_the_times_of_its_words(tmp_path: Path) -> None:
    for _ in range(2):
        recording = recorded(Studio([Narrator(Reader(), {})], Shelf(tmp_path)))
        assert recording == [Speech(b"\x11" * 80, "Good"), Speech(b"\x11" * 80, "morning.")]


def test_it_is_told_what_was_on_the_shelf(tmp_path: Path) -> None:
    found: list[bool] = []
    for shelf in (None, Shelf(tmp_path), Shelf(tmp_path)):
        recorded(Studio([Narrator(Reader(), {})], shelf, found.append))
    assert found == [False, True]


def test_the_second_start_takes_it_from_the_shelf(tmp_path: Path) -> None:
    readers = [Reader(), Reader()]
    for reader in readers:
        recorded(Studio([Narrator(reader, {"voice": "joe"})], Shelf(tmp_path)))
    assert [reader.spoken for reader in readers] == [["Good morning."], []]


@pytest.mark.parametrize(
    ("setup", "text", "wanted"),
    [
        ({"voice": "ann"}, "Good morning.", MULAW_8K),
        ({"voice": "joe"}, "Good evening.", MULAW_8K),
        ({"voice": "joe"}, "Good morning.", L16_16K),
    ],
)
def test_another_voice_or_text_or_format_is_another_recording(
    tmp_path: Path, setup: dict[str, str], text: str, wanted: AudioFormat
) -> None:
    recorded(Studio([Narrator(Reader(), {"voice": "joe"})], Shelf(tmp_path)))
    reader = Reader()
    recorded(Studio([Narrator(reader, setup)], Shelf(tmp_path)), text, wanted)
    assert reader.spoken == [text]


def test_another_key_is_the_same_voice_and_leaves_no_trace(tmp_path: Path) -> None:
    recorded(Studio([Narrator(Reader(), {"voice": "joe", "api_key": "first"})], Shelf(tmp_path)))
    reader = Reader()
    recorded(Studio([Narrator(reader, {"voice": "joe", "api_key": "second"})], Shelf(tmp_path)))
    assert reader.spoken == []


def test_without_a_shelf_it_is_recorded_each_time() -> None:
    reader = Reader()
    for _ in range(2):
        recorded(Studio([Narrator(reader, {})]))
    assert len(reader.spoken) == 2


def test_a_voice_that_fails_is_followed_by_the_next_which_is_not_taken_for_it(tmp_path: Path) -> None:
    failing, second = Reader(fails=True), Reader(b"\x22")
    narrators = [Narrator(failing, {"voice": "joe"}), Narrator(second, {"voice": "ann"})]
    studio = Studio(narrators, Shelf(tmp_path))
    assert recorded(studio)[0].audio == b"\x22" * 80
    recorded(studio, "Good evening.")
    assert failing.spoken == ["Good morning."]
    mended = Reader(b"\x33")
    assert recorded(Studio([Narrator(mended, {"voice": "joe"})], Shelf(tmp_path)))[0].audio == b"\x33" * 80


def test_when_no_voice_can_the_last_error_is_told() -> None:
    with pytest.raises(ProviderError, match="HTTP 500"):
        recorded(Studio([Narrator(Reader(fails=True), {}), Narrator(Reader(fails=True), {})]))


def test_a_voice_that_hangs_does_not_keep_the_server_from_starting() -> None:
    with pytest.raises(ProviderError, match="takes too long"):
        recorded(Studio([Narrator(Reader(word_s=RECORDING_LIMIT_S + 1), {})]))


def test_silence_is_not_worth_keeping(tmp_path: Path) -> None:
    reader = Reader(b"")
    for _ in range(2):
        recorded(Studio([Narrator(reader, {})], Shelf(tmp_path)))
    assert len(reader.spoken) == 2
