import asyncio
import json
import re
import wave
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mediasrv
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K
from mediasrv.audio.transcode import Transcoder
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import installed
from mediasrv.providers.base import Recognition, Transcript
from mediasrv.providers.moonshine import MoonshineStt
from tests.patience import WAIT_S
from tests.providers.local import needs

SPEECH = Path(str(resources.files(mediasrv))) / "speech"
TEXTS: dict[str, str] = json.loads((SPEECH / "transcripts.json").read_text())
FRAME = L16_16K.frame_bytes
local = needs(MoonshineStt)


# -- what is decoded, when ---------------------------------------------------------------------------------------


class Scribe(MoonshineStt):
    """Writes down how long each audio is in ms, and what its first sample is, when it is let."""

    def __init__(self, **options: Any) -> None:
        super().__init__(MoonshineStt.Options(**options))
        self.begun = asyncio.Semaphore(0)
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.decodes = 0

    async def decode(self, audio: bytes) -> str:
        self.decodes += 1
        self.begun.release()
        await self.may_go_on.wait()
        return f"{len(audio) // 32} ms from {int.from_bytes(audio[:2], 'little')}"


def frames(count: int, first: int = 0) -> list[bytes]:
    """Frames whose samples are their number."""
    return [number.to_bytes(2, "little") * (FRAME // 2) for number in range(first, first + count)]


def send(recognition: Recognition, count: int, first: int = 0) -> None:
    for frame in frames(count, first):
        recognition.send(frame)


async def heard(recognition: Recognition, count: int) -> list[Transcript]:
    found: list[Transcript] = []
    async with asyncio.timeout(WAIT_S), aclosing(recognition.transcripts()) as transcripts:
        async for transcript in transcripts:
            assert isinstance(transcript, Transcript)
            found.append(transcript)
            if len(found) == count:
                break
    return found


def final(text: str, request: int) -> Transcript:
    return Transcript(text, is_final=True, request=request)


async def test_an_utterance_begins_with_what_was_heard_shortly_before() -> None:
    recognition = Scribe(pre_roll_ms=400).listen(L16_16K)
    send(recognition, 100)
    recognition.begin()
    send(recognition, 5, first=100)
    recognition.finalize(1)
    assert await heard(recognition, 1) == [final("500 ms from 80", 1)]


async def test_each_final_covers_all_since_the_beginning() -> None:
    recognition = Scribe(pre_roll_ms=0).listen(L16_16K)
    recognition.begin()
    send(recognition, 10, first=1)
    recognition.finalize(1)
    assert await heard(recognition, 1) == [final("200 ms from 1", 1)]
    recognition.begin()
    send(recognition, 10, first=11)
    recognition.finalize(2)
    assert await heard(recognition, 1) == [final("400 ms from 1", 2)]


async def test_the_next_utterance_starts_afresh() -> None:
    recognition = Scribe(pre_roll_ms=40).listen(L16_16K)
    recognition.begin()
    send(recognition, 100)
    recognition.commit()
    recognition.begin()
    send(recognition, 1, first=200)
    recognition.finalize(2)
    assert await heard(recognition, 1) == [final("60 ms from 98", 2)]


async def test_of_a_very_long_utterance_the_end_is_kept() -> None:
    recognition = Scribe(max_utterance_s=1).listen(L16_16K)
    recognition.begin()
    send(recognition, 120)
    recognition.finalize(1)
    assert await heard(recognition, 1) == [final("1000 ms from 70", 1)]


async def test_without_an_utterance_there_is_nothing_to_decode() -> None:
    scribe = Scribe()
    recognition = scribe.listen(L16_16K)
    send(recognition, 10)
    recognition.finalize(1)
    assert await heard(recognition, 1) == [final("", 1)]
    assert scribe.decodes == 0


async def test_a_newer_request_takes_the_place_of_one_that_waits() -> None:
    scribe = Scribe(pre_roll_ms=0)
    scribe.may_go_on.clear()
    recognition = scribe.listen(L16_16K)
    recognition.begin()
    listening = asyncio.create_task(heard(recognition, 2))
    for request in (1, 2, 3):
        send(recognition, 1, first=1)
        recognition.finalize(request)
        if request == 1:
            await scribe.begun.acquire()
    scribe.may_go_on.set()
    assert await listening == [final("20 ms from 1", 1), final("60 ms from 1", 3)]
    assert scribe.decodes == 2


async def test_answers_to_an_utterance_that_is_over_are_dropped() -> None:
    scribe = Scribe(pre_roll_ms=0)
    scribe.may_go_on.clear()
    recognition = scribe.listen(L16_16K)
    recognition.begin()
    send(recognition, 1)
    recognition.finalize(1)
    listening = asyncio.create_task(heard(recognition, 1))
    await scribe.begun.acquire()
    recognition.finalize(2)
    recognition.commit()
    recognition.begin()
    send(recognition, 2, first=9)
    scribe.may_go_on.set()
    await asyncio.sleep(0)
    recognition.finalize(3)
    assert await listening == [final("40 ms from 9", 3)]


async def test_a_request_that_was_taken_back_before_anybody_listened_is_not_decoded() -> None:
    scribe = Scribe(pre_roll_ms=0)
    recognition = scribe.listen(L16_16K)
    recognition.begin()
    send(recognition, 1)
    recognition.finalize(1)
    recognition.commit()
    listening = asyncio.create_task(heard(recognition, 1))
    await asyncio.sleep(0)
    recognition.finalize(2)
    assert await listening == [final("", 2)]
    assert scribe.decodes == 0


async def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    stt = MoonshineStt(MoonshineStt.Options())
    assert MoonshineStt.missing() == "moonshine_voice is not installed: pip install 'mediasrv[local]'"
    with pytest.raises(ConfigError, match="moonshine_voice is not installed"):
        await stt.start()
    await stt.aclose()


# -- the real model ----------------------------------------------------------------------------------------------


def telephone(name: str) -> bytes:
    """A clip at 16 kHz as it arrives over a mu-law line, with silence around it."""
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        pcm: bytes = file.readframes(file.getnframes())
    for source, target in ((L16_16K, L16_8K), (L16_8K, MULAW_8K), (MULAW_8K, L16_8K), (L16_8K, L16_16K)):
        transcoder = Transcoder(source, target)
        pcm = transcoder.push(pcm) + transcoder.flush()
    return bytes(L16_16K.bytes_in(400)) + pcm + bytes(L16_16K.bytes_in(100))


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("mr.", "mister")).split()


def word_errors(reference: list[str], hypothesis: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference):
        previous, row[0] = row[0], i + 1
        for j, other in enumerate(hypothesis):
            previous, row[j + 1] = row[j + 1], min(row[j] + 1, row[j + 1] + 1, previous + (word != other))
    return row[-1]


@pytest.fixture
async def moonshine() -> AsyncGenerator[MoonshineStt]:
    stt = MoonshineStt(MoonshineStt.Options())
    await stt.start()
    yield stt
    await stt.aclose()


async def transcribe(stt: MoonshineStt, pcm: bytes) -> str:
    recognition = stt.listen(L16_16K)
    recognition.begin()
    for at in range(0, len(pcm), FRAME):
        recognition.send(pcm[at : at + FRAME])
    recognition.finalize(1)
    (transcript,) = await heard(recognition, 1)
    return transcript.text


@local
async def test_human_speech_over_the_telephone_is_written_down(moonshine: MoonshineStt) -> None:
    errors = total = 0
    for name, text in TEXTS.items():
        reference = words(text)
        errors += word_errors(reference, words(await transcribe(moonshine, telephone(name))))
        total += len(reference)
    assert total >= 50
    assert errors / total <= 0.15


@local
async def test_calls_at_the_same_time_get_the_same_words_as_alone(moonshine: MoonshineStt) -> None:
    clips = [telephone(name) for name in ("lv_austen_0880", "lv_austen_0930", "ps_goforward")]
    alone = [await transcribe(moonshine, clip) for clip in clips]
    together = await asyncio.gather(*(transcribe(moonshine, clip) for clip in clips * 3))
    assert together == alone * 3


@local
async def test_what_is_no_speech_has_no_words(moonshine: MoonshineStt) -> None:
    noise = np.random.default_rng(1).normal(0, 300, 2 * 16000).astype("<i2").tobytes()
    beep = (8000 * np.sin(np.arange(16000) * 2 * np.pi * 1000 / 16000)).astype("<i2").tobytes()
    speech = telephone("ps_goforward")
    # Speech in between: a decode must leave nothing behind for the next.
    assert [await transcribe(moonshine, pcm) for pcm in (bytes(64000), speech, noise, speech, beep)] == [
        "",
        "Go forward ten meters.",
        "",
        "Go forward ten meters.",
        "",
    ]


@local
async def test_after_the_end_a_decode_is_an_error_and_not_silence(moonshine: MoonshineStt) -> None:
    await moonshine.aclose()
    with pytest.raises(ProviderError, match="stt provider moonshine: it is not running"):
        await moonshine.decode(bytes(3200))


@local
async def test_a_failure_of_the_library_is_a_failure_of_the_provider(moonshine: MoonshineStt) -> None:
    moonshine._transcriber._handle = 12345
    with pytest.raises(ProviderError, match="stt provider moonshine: Moonshine") as caught:
        await moonshine.decode(bytes(3200))
    assert caught.value.retryable


@local
async def test_a_model_that_cannot_be_read_is_the_operators_to_mend(tmp_path: Path) -> None:
    stt = MoonshineStt(MoonshineStt.Options())
    with pytest.raises(ConfigError, match=r"moonshine cannot read its model .*: pip install"):
        stt._load(str(tmp_path))
    await stt.aclose()
