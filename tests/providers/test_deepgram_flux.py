"""Deepgram Flux."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import HintKind
from mediasrv.providers.deepgram_flux import DeepgramFluxStt, FluxDialect
from mediasrv.providers.dialect import Hello
from mediasrv.providers.minutes import Piece
from tests.providers.stt import VENDORS, calling, site

FLUX = VENDORS[1]


def turn(event: str, transcript: str = "yes", **fields: Any) -> str:
    return orjson.dumps(
        {
            "type": "TurnInfo",
            "request_id": "r",
            "sequence_id": 3,
            "event": event,
            "turn_index": 0,
            "audio_window_start": 1.0,
            "audio_window_end": 1.5,
            "transcript": transcript,
            "words": [{"word": "yes", "confidence": 0.9}],
            "end_of_turn_confidence": 0.5,
            **fields,
        }
    ).decode()


def read(message: str) -> Piece:
    (piece,) = FluxDialect(MULAW_8K).read(message)
    assert isinstance(piece, Piece)
    return piece


@pytest.mark.parametrize(
    ("message", "is_final", "closed", "answers", "hint"),
    [
        (turn("StartOfTurn"), False, False, False, None),
        (turn("Update"), False, False, False, None),
        (turn("EagerEndOfTurn"), True, False, False, HintKind.EAGER_END),
        (turn("TurnResumed"), False, False, False, HintKind.RESUMED),
        (turn("EndOfTurn", trigger="model"), True, True, False, HintKind.END),
        (turn("EndOfTurn", trigger="timeout"), True, True, False, HintKind.END),
        (turn("EndOfTurn", trigger="something new"), True, True, False, HintKind.END),
        (turn("EndOfTurn", trigger="manual"), True, True, True, None),
        (turn("SomethingNew"), False, False, False, None),
    ],
)
def test_events_of_turns(message: str, is_final: bool, closed: bool, answers: bool, hint: HintKind | None) -> None:
    expected = Piece("yes", is_final, closed, answers, start_ms=1000, end_ms=1500, covers_ms=1500, hint=hint)
    assert read(message) == expected


def test_the_times_of_words_are_better_than_those_of_the_window() -> None:
    words = [{"word": "yes", "start": 1.2, "end": 1.3}, {"word": "please", "start": 1.3, "end": 1.4}]
    piece = read(turn("Update", words=words))
    assert (piece.start_ms, piece.end_ms, piece.covers_ms) == (1200, 1400, 1500)


def test_a_turn_without_words_has_the_times_of_its_window() -> None:
    piece = read(turn("Update", "", words=[]))
    assert (piece.start_ms, piece.end_ms) == (1000, 1500)


def test_flux_greets() -> None:
    assert FluxDialect(MULAW_8K).read('{"type":"Connected","request_id":"r","sequence_id":0}') == (Hello(),)


def test_a_fatal_error_names_its_code() -> None:
    with pytest.raises(ProviderError, match="INTERNAL_SERVER_ERROR"):
        FluxDialect(MULAW_8K).read('{"type":"Error","code":"INTERNAL_SERVER_ERROR","description":"x"}')


@pytest.mark.parametrize("kind", ["Warning", "ConfigureSuccess", "ConfigureFailure"])
def test_other_messages_are_skipped(kind: str) -> None:
    assert FluxDialect(MULAW_8K).read(orjson.dumps({"type": kind})) == ()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("model", "flux-general-en")]),
        ({"language": "en-IN"}, [("model", "flux-general-en")]),
        ({"language": "hi"}, [("model", "flux-general-multi"), ("language_hint", "hi")]),
        ({"language": "multi"}, [("model", "flux-general-multi")]),
        ({"language": "hi", "model": "flux-general-en"}, [("model", "flux-general-en")]),
    ],
)
def test_the_language_chooses_the_model(options: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    url = urlsplit(DeepgramFluxStt(DeepgramFluxStt.Options(**options)).url(MULAW_8K))
    assert url.path == "/v2/listen"
    assert [pair for pair in parse_qsl(url.query) if pair[0] in ("model", "language_hint")] == expected


def test_eager_ends_can_be_turned_off() -> None:
    url = DeepgramFluxStt(DeepgramFluxStt.Options(eager_eot_threshold=0)).url(MULAW_8K)
    assert "eager" not in url


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("stt", {"provider": "deepgram_flux"}), DeepgramFluxStt)


@pytest.mark.parametrize("word_times", [0, 1])
async def test_turns_reach_the_call(word_times: int) -> None:
    async with site(FLUX, word_times=word_times) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(240)
        await caller.speak("w70")
        await caller.quiet(500)
        await caller.until(lambda: HintKind.END in caller.hints)
        assert caller.hints == [HintKind.EAGER_END, HintKind.RESUMED, HintKind.EAGER_END, HintKind.END]
        assert caller.heard[-1].text == "w65 w66 w70"
        await caller.speak("w71")
        assert (await caller.ask(1)).text == "w65 w66 w70 w71"


async def test_an_eager_end_answers_what_was_asked() -> None:
    async with site(FLUX, final_ms=500) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(120)
        caller.recognition.finalize(1)
        assert (await caller.final(1)).text == "w65 w66"


async def test_without_times_of_words_the_next_utterance_begins_empty_too() -> None:
    async with site(FLUX, word_times=0) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(80)
        caller.recognition.commit()
        await caller.quiet(400)
        await caller.begin("w70")
        assert (await caller.ask(1)).text == "w70"
