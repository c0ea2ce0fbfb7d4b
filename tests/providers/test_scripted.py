import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from mediasrv.audio import codec
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError
from mediasrv.providers import registry
from mediasrv.providers.base import Delta, Message, Pause, Speech, TextDelta, ToolCall, Transcript, Usage
from mediasrv.providers.scripted import ScriptedDetector, ScriptedLlm, ScriptedStt, ScriptedTts, tone
from tests.virtual import run_virtually

Timed = tuple[int, Any]


def now_ms() -> int:
    return round(1000 * asyncio.get_running_loop().time())


async def timed(stream: AsyncGenerator[Any]) -> list[Timed]:
    return [(now_ms(), item) async for item in stream]


def hear(act: Callable[[Any], Any], for_ms: int = 5000, **options: Any) -> list[Timed]:
    """What a recognition yields, and when, while ``act`` drives it."""

    async def run() -> list[Timed]:
        recognition = ScriptedStt(ScriptedStt.Options(**options)).listen(MULAW_8K)
        heard: list[Timed] = []

        async def listen() -> None:
            async with aclosing(recognition.transcripts()) as transcripts:
                async for transcript in transcripts:
                    heard.append((now_ms(), transcript))

        listening = asyncio.create_task(listen())
        await act(recognition)
        await asyncio.sleep(for_ms / 1000)
        listening.cancel()
        await asyncio.wait([listening])
        return heard

    return run_virtually(run())


def final(text: str, request: int) -> Transcript:
    return Transcript(text, is_final=True, request=request)


def test_a_final_comes_after_its_delay() -> None:
    async def act(recognition: Any) -> None:
        recognition.send(bytes(160))
        recognition.begin()
        recognition.finalize(7)

    assert hear(act, texts=("Hi.",), final_ms=120) == [(120, final("Hi.", 7))]


def test_an_utterance_keeps_its_text_and_the_next_has_its_own() -> None:
    async def act(recognition: Any) -> None:
        for request in range(6):
            recognition.begin()
            recognition.finalize(request)
            await asyncio.sleep(0.2)
            if request % 2:
                recognition.commit()

    heard = hear(act, texts=("one", "two"), final_ms=100)
    assert [transcript.text for _, transcript in heard] == ["one", "one", "two", "two", "one", "one"]
    assert [transcript.request for _, transcript in heard] == list(range(6))


def test_answers_to_an_utterance_that_is_over_are_dropped() -> None:
    async def act(recognition: Any) -> None:
        recognition.begin()
        recognition.finalize(1)
        recognition.commit()
        recognition.finalize(2)

    assert hear(act, texts=("a", "b"), final_ms=100) == [(100, final("b", 2))]


def test_an_answer_that_waits_to_be_read_is_dropped_with_its_utterance() -> None:
    async def act(recognition: Any) -> None:
        recognition.finalize(1)
        recognition.commit()

    assert hear(act, final_ms=0) == []


def test_interims_grow_by_a_word_until_the_utterance_is_over() -> None:
    async def act(recognition: Any) -> None:
        recognition.begin()
        recognition.begin()
        await asyncio.sleep(0.7)
        recognition.commit()

    heard = hear(act, texts=("I lost my key", "x"), interim_ms=300)
    assert heard == [(300, Transcript("I")), (600, Transcript("I lost"))]


def test_interims_end_with_the_last_word() -> None:
    async def act(recognition: Any) -> None:
        recognition.begin()

    assert [at for at, _ in hear(act, texts=("two words",), interim_ms=300)] == [300, 600]


def test_without_texts_nothing_is_said() -> None:
    async def act(recognition: Any) -> None:
        recognition.finalize(1)

    assert hear(act, texts=(), final_ms=0) == [(0, final("", 1))]


def converse(*messages: Message, **options: Any) -> list[tuple[int, Delta]]:
    llm = ScriptedLlm(ScriptedLlm.Options(**options))
    return run_virtually(timed(llm.reply(messages)))


def said(*texts: str) -> list[Message]:
    return [Message("user", text) for text in texts]


def test_tokens_are_words_with_set_delays_and_the_cost_comes_last() -> None:
    deltas = converse(*said("a b c"), replies=("Oh, I see.",), first_token_ms=200, token_ms=15)
    assert deltas == [
        (200, TextDelta("Oh, ")),
        (215, TextDelta("I ")),
        (230, TextDelta("see.")),
        (230, Usage(3, 3)),
    ]


def test_replies_follow_the_conversation_and_not_the_order_of_calls() -> None:
    options = {"replies": ("one", "two"), "first_token_ms": 0}
    texts = [converse(*said(*"abc"[:count]), **options)[0][1] for count in (2, 1, 3, 1)]
    assert texts == [TextDelta("two"), TextDelta("one"), TextDelta("one"), TextDelta("one")]


def test_a_tool_is_called_and_its_result_answered_with_the_next_reply() -> None:
    options = {"replies": ('tool:order_status {"id": 7}', "It is on its way."), "first_token_ms": 0}
    asked = said("Where is it?")
    assert converse(*asked, **options)[0] == (0, ToolCall("call-1", "order_status", '{"id": 7}'))
    answered = [*asked, Message("assistant", ""), Message("tool", "shipped", tool_call_id="call-1")]
    words = [delta.text for _, delta in converse(*answered, **options) if isinstance(delta, TextDelta)]
    assert "".join(words) == "It is on its way."


def test_a_tool_without_arguments_gets_an_empty_object() -> None:
    assert converse(*said("x"), replies=("tool:hang_up",))[0][1] == ToolCall("call-1", "hang_up", "{}")


def test_echo_says_the_callers_last_words() -> None:
    words = [delta.text for _, delta in converse(*said("no", "my dog"), echo=True) if isinstance(delta, TextDelta)]
    assert words == ["my ", "dog"]


@pytest.mark.parametrize("options", [{"echo": True}, {"replies": ()}])
def test_nothing_to_say_is_nothing_but_the_cost(options: dict[str, Any]) -> None:
    assert converse(Message("system", "Be brief."), **options)[-1][1] == Usage(2, 0)
    assert len(converse(Message("system", "Be brief."), **options)) == 1


def speak(*phrases: str, wanted: AudioFormat = MULAW_8K, **options: Any) -> list[tuple[int, Speech]]:
    async def source() -> AsyncGenerator[str]:
        for phrase in phrases:
            yield phrase

    return run_virtually(timed(ScriptedTts(ScriptedTts.Options(**options)).speak(source(), wanted)))


def test_speech_is_as_long_as_its_text() -> None:
    pieces = speak("x" * 10, ms_per_char=25, first_audio_ms=0)
    assert [len(piece.audio) for _, piece in pieces] == [800, 800, 400]
    assert [piece.text for _, piece in pieces] == ["x" * 10, "", ""]


def test_each_phrase_waits_for_its_first_audio_and_the_rest_for_the_factor() -> None:
    pieces = speak("four", "more", ms_per_char=50, first_audio_ms=80, real_time_factor=0.5)
    assert [(at, piece.text) for at, piece in pieces] == [(80, "four"), (130, ""), (210, "more"), (260, "")]


def test_an_empty_phrase_gives_a_piece_of_no_audio() -> None:
    assert speak("", first_audio_ms=0) == [(0, Speech(b"", ""))]


@pytest.mark.parametrize("wanted", [MULAW_8K, L16_8K, L16_16K, AudioFormat(Encoding.ALAW, 8000)], ids=str)
def test_speech_is_in_the_wanted_format_and_sounds_at_the_set_pitch(wanted: AudioFormat) -> None:
    assert ScriptedTts(ScriptedTts.Options()).format_for(wanted) == wanted
    audio = b"".join(piece.audio for _, piece in speak("x" * 20, wanted=wanted, ms_per_char=50, tone_hz=600))
    pcm = codec.decode(wanted.encoding, audio).astype(np.float64)
    assert len(pcm) == wanted.rate_hz
    assert int(np.argmax(np.abs(np.fft.rfft(pcm)))) == 600
    assert 8500 < np.abs(pcm).max() < 9500


def test_a_tone_has_soft_edges() -> None:
    pcm = codec.decode(Encoding.L16, tone(100, 400, L16_8K))
    assert np.abs(pcm[:4]).max() < 500
    assert np.abs(pcm[-4:]).max() < 500


@pytest.mark.parametrize("duration_ms", [0, 1])
def test_the_shortest_tones_are_whole(duration_ms: int) -> None:
    assert len(tone(duration_ms, 400, MULAW_8K)) == 8 * duration_ms


def test_no_delay_takes_no_turn_of_the_clock() -> None:
    """Without a single pass of the event loop, all is there."""
    llm = ScriptedLlm(ScriptedLlm.Options(first_token_ms=0, token_ms=0))
    step = llm.reply(said("x")).__anext__()
    with pytest.raises(StopIteration):
        step.send(None)


def rated(text: str, **options: Any) -> tuple[float, float]:
    """A detector's opinion of a text, and when it was given."""
    detector = ScriptedDetector(ScriptedDetector.Options(**options))

    async def ask() -> tuple[float, float]:
        probability = await detector.judge(Pause(text, np.zeros(0, np.int16)))
        return probability, asyncio.get_running_loop().time()

    return run_virtually(ask())


def test_a_detector_rates_texts_as_it_was_told_to() -> None:
    options: dict[str, Any] = {"texts": {"I would like to": 0}, "probability": 0.8, "delay_ms": 40}
    assert rated("I would like to", **options) == (0.0, 0.04)
    assert rated("I would like tea.", **options) == (0.8, 0.04)
    assert rated("") == (1.0, 0.0)


@pytest.mark.parametrize("table", [{"probability": 1.1}, {"texts": {"yes": -1}}, {"texts": {"yes": "often"}}], ids=str)
def test_what_is_no_probability_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="is no probability"):
        registry.build("detector", {"provider": "scripted", **table})
