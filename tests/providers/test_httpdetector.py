"""A turn detector behind HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import PAUSE_MS, PAUSE_RATE_HZ, Message, Pause, ToolCall
from mediasrv.providers.httpdetector import HttpDetector
from native_bench.standins.base import Fault
from native_bench.standins.detector import KEY, DetectorStandin
from tests.patience import until

SAMPLES = np.arange(PAUSE_RATE_HZ * PAUSE_MS // 1000, dtype=np.int32).astype(np.int16)
PAUSE = Pause("I would like to", SAMPLES)


@dataclass
class Site:
    standin: DetectorStandin
    detector: HttpDetector


@asynccontextmanager
async def site(faults: Sequence[Fault] = (), answer_ms: float = 0, **options: Any) -> AsyncIterator[Site]:
    standin = DetectorStandin(faults=faults, answer_ms=answer_ms, texts={PAUSE.text: 0.125})
    async with standin as url:
        detector = HttpDetector(HttpDetector.Options(url=f"{url}/judge", api_key=KEY, **options))
        await detector.start()
        try:
            yield Site(standin, detector)
        finally:
            await detector.aclose()
    assert standin.complaints == []


async def refusal(detector: HttpDetector) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await detector.judge(PAUSE)
    assert caught.value.stage == "detector"
    return caught.value


async def test_it_is_told_all_that_is_known_of_a_pause() -> None:
    called = Message("assistant", "", (ToolCall("1", "look", "{}"),))
    pause = Pause("Yes.", SAMPLES[:8000], (Message("assistant", "Is it raining?"), called))
    async with site() as there:
        assert await there.detector.judge(pause) == 0.9
        assert await there.detector.judge(PAUSE) == 0.125
        first, second = there.standin.questions
    assert first == {"text": "Yes.", "history": [{"role": "assistant", "text": "Is it raining?"}], "audio_s": 0.5}
    assert second == {"text": PAUSE.text, "history": [], "audio_s": 8.0}


async def test_one_that_only_reads_is_sent_no_audio() -> None:
    async with site(audio=False) as there:
        await there.detector.judge(PAUSE)
        assert "audio_s" not in there.standin.questions[0]


async def test_the_connection_is_there_before_the_call_and_is_kept() -> None:
    async with site() as there:
        await there.detector.prepare()
        connector = there.detector._open_session().connector
        assert connector is not None
        (kept,) = connector._conns.values()
        assert len(kept) == 1
        for _ in range(3):
            await there.detector.judge(PAUSE)
        assert len(there.standin.sockets) == 1


async def test_to_prepare_what_is_not_there_harms_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
    detector = HttpDetector(HttpDetector.Options(url=f"http://127.0.0.1:{port}/judge"))
    await detector.start()
    await detector.prepare()
    error = await refusal(detector)
    await detector.aclose()
    assert error.retryable
    assert "ClientConnectorError" in str(error)


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (404, False), (429, True), (500, True), (503, True)])
async def test_a_refusal_is_told(status: int, retryable: bool) -> None:
    async with site([Fault("error", status=status)]) as there:
        error = await refusal(there.detector)
        assert error.retryable is retryable
        assert str(error) == f"detector provider http: HTTP {status}"
        assert await there.detector.judge(PAUSE) == 0.125


@pytest.mark.parametrize("kind", ["garbage", "oversize"])
async def test_an_answer_that_is_none_is_told(kind: str) -> None:
    async with site([Fault(kind)]) as there:
        assert "answered no probability" in str(await refusal(there.detector))
        assert await there.detector.judge(PAUSE) == 0.125


@pytest.mark.parametrize("probability", [True, "0.5", None, 1.5, -0.1])
async def test_a_number_that_is_no_probability_is_told(probability: Any) -> None:
    async with site() as there:
        there.standin.texts = {PAUSE.text: probability}
        assert "answered no probability" in str(await refusal(there.detector))


async def test_a_connection_that_was_closed_in_the_meantime_is_replaced() -> None:
    async with site([Fault("reset")]) as there:
        assert await there.detector.judge(PAUSE) == 0.125
        assert there.standin.connections == 2


async def test_a_server_that_keeps_breaking_is_given_up() -> None:
    async with site([Fault("reset")] * 2) as there:
        assert (await refusal(there.detector)).retryable


@pytest.mark.parametrize("kind", ["hang", "stall"])
async def test_a_question_that_is_given_up_is_over_at_once_and_the_next_is_answered(kind: str) -> None:
    async with site([Fault(kind)]) as there:
        question = asyncio.create_task(there.detector.judge(PAUSE))
        await until(lambda: there.standin.connections)
        question.cancel()
        await asyncio.wait([question])
        assert question.cancelled()
        assert await there.detector.judge(PAUSE) == 0.125


async def test_a_wrong_key_is_refused_and_stays_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with DetectorStandin() as url:
        detector = HttpDetector(HttpDetector.Options(url=f"{url}/judge", api_key="wrong-key"))
        await detector.start()
        error = await refusal(detector)
        await detector.aclose()
    assert not error.retryable
    assert "wrong-key" not in caplog.text + str(error) + repr(detector.options)


async def test_one_of_ones_own_may_have_no_key() -> None:
    async with DetectorStandin(key="") as url:
        detector = HttpDetector(HttpDetector.Options(url=f"{url}/judge"))
        await detector.start()
        assert await detector.judge(PAUSE) == 0.9
        await detector.aclose()


async def test_one_that_was_not_started_says_so() -> None:
    detector = HttpDetector(HttpDetector.Options(url="http://127.0.0.1:1"))
    error = await refusal(detector)
    assert not error.retryable
    assert "is not running" in str(error)
    await detector.prepare()
    await detector.aclose()


async def test_what_is_no_url_is_the_operators_to_mend() -> None:
    with pytest.raises(ConfigError, match="is no URL"):
        await HttpDetector(HttpDetector.Options(url="judge.example.com")).start()
    with pytest.raises(ConfigError, match="url: is needed"):
        registry.build("detector", {"provider": "http"})


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("detector", {"provider": "http", "url": "http://127.0.0.1:1"}), HttpDetector)
