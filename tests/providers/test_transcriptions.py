"""OpenAI-style transcriptions."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import Transcript
from mediasrv.providers.transcriptions import TranscriptionsStt
from native_bench.standins.base import Fault
from native_bench.standins.transcriptions import KEY, TranscriptionsStandin
from tests.patience import until
from tests.providers.stt import Caller, calling, open_sockets


@dataclass
class Site:
    standin: TranscriptionsStandin
    stt: TranscriptionsStt


@asynccontextmanager
async def site(faults: Sequence[Fault] = (), final_ms: float = 0, **options: Any) -> AsyncIterator[Site]:
    standin = TranscriptionsStandin(faults=faults, final_ms=final_ms)
    async with standin as url:
        stt = TranscriptionsStt(TranscriptionsStt.Options(url=url, api_key=KEY, **options))
        await stt.start()
        try:
            yield Site(standin, stt)
        finally:
            await stt.aclose()
    assert standin.complaints == []


async def ask(caller: Caller) -> ProviderError:
    """Speak, ask, and be disappointed."""
    await caller.begin("w65")
    caller.recognition.finalize(1)
    return await caller.failure()


@pytest.mark.parametrize("audio", [MULAW_8K, L16_8K, L16_16K], ids=str)
async def test_an_utterance_is_written_down(audio: AudioFormat) -> None:
    async with site() as there, calling(there.stt, audio) as caller:
        await caller.begin("w65 w66 w67")
        assert await caller.ask(1) == Transcript("w65 w66 w67", True, 1)


async def test_each_final_covers_all_of_the_utterance() -> None:
    async with site() as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.ask(1)
        await caller.speak("w70")
        assert (await caller.ask(2)).text == "w65 w66 w70"


async def test_the_next_utterance_begins_empty() -> None:
    async with site() as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.ask(1)
        caller.recognition.commit()
        await caller.speak("w67")
        await caller.quiet(400)
        await caller.begin("w80")
        assert (await caller.ask(2)).text == "w80"


async def test_a_newer_wish_overtakes_an_older() -> None:
    async with site(final_ms=100) as there, calling(there.stt) as caller:
        await caller.begin("w65")
        caller.recognition.finalize(1)
        await until(lambda: there.standin.live)
        await caller.speak("w66")
        caller.recognition.finalize(2)
        assert (await caller.final(2)).text == "w65 w66"
        assert [heard.request for heard in caller.heard] == [2]
        await until(lambda: there.standin.given_up == 1)


async def test_a_commit_gives_up_what_was_wished() -> None:
    async with site(final_ms=50) as there, calling(there.stt) as caller:
        await caller.begin("w65")
        caller.recognition.finalize(1)
        caller.recognition.commit()
        await caller.begin("w80")
        caller.recognition.finalize(2)
        await until(lambda: there.standin.live)
        caller.recognition.commit()
        await caller.quiet(400)
        await caller.begin("w90")
        assert (await caller.ask(3)).text == "w90"
        assert [heard.request for heard in caller.heard] == [3]


async def test_an_utterance_without_end_keeps_its_end() -> None:
    async with site() as there, calling(there.stt) as caller:
        caller.recognition.begin()
        caller.recognition.send(bytes([65]) * 8 * 40_000)
        await caller.speak("w66")
        assert (await caller.ask(1)).text == "w65 w66"


async def test_a_call_that_ends_leaves_nothing_behind() -> None:
    async with site(final_ms=60_000) as there:
        before = open_sockets()
        async with calling(there.stt) as caller:
            await caller.begin("w65")
            caller.recognition.finalize(1)
            await until(lambda: there.standin.live)
        assert not [task for task in asyncio.all_tasks() if "mediasrv" in repr(task.get_coro())]
        await until(lambda: open_sockets() == before)


async def test_what_the_operator_says_is_passed_on() -> None:
    async with site(model="small", language="hi", prompt="Acme.") as there, calling(there.stt) as caller:
        await caller.begin("w65")
        await caller.ask(1)
        (form,) = there.standin.forms
        expected = {"model": "small", "language": "hi", "prompt": "Acme."}
        assert form == {**expected, "response_format": "json", "temperature": "0"}


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (404, False), (429, True), (500, True), (503, True)])
async def test_a_refusal_is_told(status: int, retryable: bool) -> None:
    async with site([Fault("error", status=status, reason="some_code")]) as there, calling(there.stt) as caller:
        error = await ask(caller)
        assert error.retryable is retryable
        assert str(error) == f"stt provider transcriptions: HTTP {status} some_code"


async def test_a_wrong_key_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with TranscriptionsStandin() as url:
        stt = TranscriptionsStt(TranscriptionsStt.Options(url=url, api_key="wrong-key"))
        await stt.start()
        async with calling(stt) as caller:
            error = await ask(caller)
        await stt.aclose()
    assert not error.retryable
    assert "wrong-key" not in caplog.text + str(error)


async def test_a_server_of_ones_own_may_have_no_key() -> None:
    async with TranscriptionsStandin(key="") as url:
        stt = TranscriptionsStt(TranscriptionsStt.Options(url=f"{url}/v1", model="small"))
        await stt.start()
        async with calling(stt) as caller:
            await caller.begin("w65")
            assert (await caller.ask(1)).text == "w65"
        await stt.aclose()


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (Fault("hang"), "no answer in time"),
        (Fault("stall"), "no answer in time"),
        (Fault("garbage"), "answered no text"),
        (Fault("oversize"), "answered no text"),
    ],
)
async def test_a_server_that_does_not_answer_well_is_given_up(fault: Fault, named: str) -> None:
    async with site([fault], limit_ms=200) as there, calling(there.stt) as caller:
        error = await ask(caller)
        assert error.retryable
        assert named in str(error)


async def test_a_connection_that_was_closed_in_the_meantime_is_replaced() -> None:
    async with site([Fault("reset")]) as there, calling(there.stt) as caller:
        await caller.begin("w65")
        assert (await caller.ask(1)).text == "w65"
        assert there.standin.connections == 2


async def test_a_server_that_keeps_breaking_is_given_up() -> None:
    async with site([Fault("reset")] * 2) as there, calling(there.stt) as caller:
        assert (await ask(caller)).retryable


async def test_a_server_that_is_not_there_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
    stt = TranscriptionsStt(TranscriptionsStt.Options(url=f"http://127.0.0.1:{port}"))
    await stt.start()
    async with calling(stt) as caller:
        error = await ask(caller)
    await stt.aclose()
    assert error.retryable
    assert "ClientConnectorError" in str(error)


async def test_a_provider_that_was_not_started_says_so() -> None:
    stt = TranscriptionsStt(TranscriptionsStt.Options(url="http://127.0.0.1:1"))
    async with calling(stt) as caller:
        error = await ask(caller)
    assert not error.retryable
    assert "is not running" in str(error)
    await stt.aclose()


async def test_openai_itself_wants_a_key() -> None:
    with pytest.raises(ConfigError, match="needs a key"):
        await TranscriptionsStt(TranscriptionsStt.Options()).start()
    assert TranscriptionsStt(TranscriptionsStt.Options()).url == "https://api.openai.com/v1/audio/transcriptions"


async def test_a_model_whose_end_is_announced_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    stt = TranscriptionsStt(TranscriptionsStt.Options(url="http://127.0.0.1:1", model="whisper-1"))
    await stt.start()
    await stt.aclose()
    assert "switched off" in caplog.text


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("stt", {"provider": "transcriptions"}), TranscriptionsStt)
