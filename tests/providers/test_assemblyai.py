"""AssemblyAI streaming v3."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from mediasrv.audio.format import L16_8K, MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers import minutes, registry
from mediasrv.providers.assemblyai import AssemblyAiStt, UniversalDialect
from mediasrv.providers.base import HintKind
from mediasrv.providers.dialect import Hello
from mediasrv.providers.minutes import Piece
from native_bench.standins.assemblyai import AssemblyAiStandin
from native_bench.standins.base import Fault
from tests.providers.stt import VENDORS, calling, site

UNIVERSAL = VENDORS[2]


def turn(transcript: str = "yes", *, order: int = 0, ends: bool = False, **fields: Any) -> str:
    words = [{"text": "yes", "start": 1000, "end": 1200, "confidence": 0.9, "word_is_final": True}]
    return orjson.dumps(
        {
            "type": "Turn",
            "turn_order": order,
            "turn_is_formatted": False,
            "end_of_turn": ends,
            "transcript": transcript,
            "end_of_turn_confidence": 0.5,
            "words": words,
            **fields,
        }
    ).decode()


def read(dialect: UniversalDialect, message: str) -> Piece:
    (piece,) = dialect.read(message)
    assert isinstance(piece, Piece)
    return piece


def test_a_turn_grows_and_ends() -> None:
    universal = UniversalDialect(eager=False)
    times: dict[str, Any] = {"start_ms": 1000, "end_ms": 1200, "covers_ms": 1200}
    assert read(universal, turn()) == Piece("yes", **times)
    ended = Piece("yes", is_final=True, closed=True, answers=True, hint=HintKind.END, **times)
    assert read(universal, turn(ends=True)) == ended


def test_an_end_that_we_forced_is_no_opinion() -> None:
    universal = UniversalDialect(eager=False)
    universal.finalize()
    assert read(universal, turn(ends=True)).hint is None
    assert read(universal, turn(order=1, ends=True)).hint is HintKind.END


def test_a_turn_that_ends_twice_counts_once() -> None:
    universal = UniversalDialect(eager=False)
    assert universal.read(turn(ends=True))
    assert universal.read(turn("Yes.", ends=True, turn_is_formatted=True)) == ()
    assert universal.read(turn(order=1))


def test_an_interim_of_a_model_that_runs_at_pauses_is_a_hint() -> None:
    assert read(UniversalDialect(eager=True), turn()).hint is HintKind.EAGER_END


def test_a_turn_may_have_no_words_and_no_order() -> None:
    piece = read(UniversalDialect(eager=False), turn("", words=None, turn_order=None, utterance="yes"))
    assert piece == Piece("yes")


def test_assemblyai_greets() -> None:
    assert UniversalDialect(eager=False).read('{"type":"Begin","id":"x","expires_at":1}') == (Hello(),)


@pytest.mark.parametrize(
    ("message", "named", "retryable"),
    [
        ({"type": "Error", "error_code": 3005, "error": "secret 123"}, "3005", True),
        ({"type": "Error", "error_code": 4001, "error": "secret 123"}, "4001", False),
        ({"type": "Error", "error": "secret 123"}, "reported an error", True),
        ({"error": "secret 123"}, "reported an error", True),
        ({"type": "Termination"}, "ended the session", True),
    ],
)
def test_failures_are_told_by_their_codes(message: dict[str, Any], named: str, retryable: bool) -> None:
    with pytest.raises(ProviderError, match=named) as caught:
        UniversalDialect(eager=False).read(orjson.dumps(message))
    assert caught.value.retryable is retryable
    assert "123" not in str(caught.value)


@pytest.mark.parametrize("kind", ["SpeechStarted", "Heartbeat", "Silence", "Warning", "SpeakerRevision"])
def test_other_messages_are_skipped(kind: str) -> None:
    assert UniversalDialect(eager=False).read(orjson.dumps({"type": kind})) == ()


def test_the_request() -> None:
    stt = AssemblyAiStt(AssemblyAiStt.Options(api_key="k", keyterms=("Acme", "Pune")))
    url = urlsplit(stt.url(MULAW_8K))
    assert (url.netloc, url.path) == ("streaming.assemblyai.com", "/v3/ws")
    assert dict(parse_qsl(url.query)) == {
        "speech_model": "universal-streaming-english",
        "encoding": "pcm_mulaw",
        "sample_rate": "8000",
        "format_turns": "false",
        "min_turn_silence": "400",
        "max_turn_silence": "1280",
        "session_heartbeat": "true",
        "keyterms_prompt": '["Acme","Pune"]',
    }
    assert dict(stt.headers()) == {"Authorization": "k", "AssemblyAI-Version": "2025-05-12"}


def test_other_languages_have_another_model() -> None:
    query = urlsplit(AssemblyAiStt(AssemblyAiStt.Options(language="es")).url(L16_8K)).query
    assert dict(parse_qsl(query))["speech_model"] == "universal-streaming-multilingual"
    assert dict(parse_qsl(query))["encoding"] == "pcm_s16le"


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("stt", {"provider": "assemblyai"}), AssemblyAiStt)


async def test_a_session_is_terminated_so_that_it_is_not_billed_on() -> None:
    async with site(UNIVERSAL) as there:
        async with calling(there.stt) as caller:
            await caller.begin("w65 w66")
            await caller.ask(1)
        await there.emptied()
        assert isinstance(there.standin, AssemblyAiStandin)
        assert there.standin.terminated == 1


async def test_formatted_turns_do_not_double_the_words() -> None:
    async with site(UNIVERSAL, options={"format_turns": True}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.ask(1)
        await caller.speak("w70")
        assert (await caller.ask(2)).text == "w65 w66 w70"


async def test_a_newer_model_hints_at_pauses() -> None:
    options = {"model": "u3-rt-pro", "min_turn_silence_ms": 100}
    async with site(UNIVERSAL, options=options) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(180)
        await caller.until(lambda: caller.hints)
        assert caller.hints == [HintKind.EAGER_END]


async def test_short_utterances_without_a_sign_of_life_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "DEAF_S", 0.1)
    faults, options = [Fault("silent", after=1)], {"final_wait_ms": 50}
    async with site(UNIVERSAL, faults, options) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == ""
        caller.recognition.commit()
        assert there.standin.connections == 1
        await caller.begin("w67 w68")
        assert (await caller.ask(2)).text == "w67 w68"
        assert there.standin.connections == 2


async def test_a_long_noise_is_no_reason_to_leave_a_session_whose_heart_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "DEAF_S", 0.2)
    async with (
        site(UNIVERSAL, options={"final_wait_ms": 100}, heartbeat_s=0.0) as there,
        calling(there.stt) as caller,
    ):
        caller.recognition.begin()
        await caller.quiet(1500)  # so that nothing is made out
        assert (await caller.ask(1)).text == ""
        assert there.standin.connections == 1


async def test_audio_is_replayed_no_faster_than_real_time() -> None:
    async with site(UNIVERSAL, lead_ms=1200) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66 w67")
        await there.standin.strike(Fault("reset"))
        await caller.speak("w68 w69 w70")
        assert (await caller.ask(1)).text == "w65 w66 w67 w68 w69 w70"
        assert there.standin.connections == 2


async def test_a_commit_ends_the_wait_for_what_is_still_to_be_sent() -> None:
    async with site(UNIVERSAL, lead_ms=1500) as there, calling(there.stt) as caller:
        caller.recognition.begin()
        for _ in range(125):
            caller.recognition.send(b"A" * 160)
        caller.recognition.finalize(1)
        await caller.until(lambda: caller.heard)
        caller.recognition.commit()
        await caller.quiet(400)
        await caller.begin("w80 w81")
        assert (await caller.ask(2)).text == "w80 w81"
