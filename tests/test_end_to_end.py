"""The whole path over real sockets: the simulated carrier calls the real server."""

from __future__ import annotations

import asyncio
import re
import wave
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest

from mediasrv import demo
from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.carriers.options import PlivoOptions
from mediasrv.persona import LINES, STORY_LINE
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import report
from mediasrv.simulator.script import AgentFinished, AgentStarted, HangUp, Line, Performance, Press, Speak
from mediasrv.simulator.speech import recorded
from tests.call.stage import LONG, SHORT, Watch, agent_options
from tests.counting import only_counting
from tests.hurried import run_hurriedly

PNG = b"\x89PNG\r\n\x1a\n"
CALL_LIMIT_S = 50.0


def hurried(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Calls that are scripted on both sides need not take their time."""

    @wraps(test)
    def run() -> None:
        run_hurriedly(test())

    return run


@asynccontextmanager
async def serving(options: AgentOptions, watch: Watch, max_calls: int = 300) -> AsyncIterator[Service]:
    agency = Agency({"default": options}, observer=watch)
    service = Service(
        ServerOptions(port=0, max_calls=max_calls, sheds_load=False), PlivoOptions(verify_signatures=False), agency
    )
    await service.start()
    try:
        yield service
    finally:
        await service.aclose()


async def place(url: str, script: list[Line], audio: AudioFormat = MULAW_8K) -> Conversation:
    pacing = Pacing(asyncio.get_running_loop().time)
    caller = Caller(carrier_named("plivo"), audio, Performance(script, audio), pacing, limit_s=CALL_LIMIT_S)
    return await caller.call(url)


def stream_of(service: Service) -> str:
    return f"ws://127.0.0.1:{service.port}/plivo/stream"


def says(*clips: str) -> list[Line]:
    cue = AgentFinished(quiet_ms=600, patience_ms=4000)
    return [*(Line(cue, Speak(recorded()[clip])) for clip in clips), Line(cue, HangUp())]


async def converse(script: list[Line], audio: AudioFormat = MULAW_8K, **changes: Any) -> tuple[Conversation, Watch]:
    watch = Watch()
    async with serving(agent_options(greeting="Good day.", **changes), watch) as service:
        return await place(stream_of(service), script, audio), watch


@pytest.mark.alone
@hurried
async def test_a_call_in_each_format_is_greeted_and_answered() -> None:
    texts = ("One.", "Two.")
    calls = (converse(says(SHORT, SHORT), audio, stt={"texts": texts}) for audio in (MULAW_8K, L16_8K, L16_16K))
    for call, watch in await asyncio.gather(*calls):
        figures = report(call)
        assert figures.errors == ()
        assert figures.underruns == ()
        assert figures.greeting_ms is not None
        assert [turn.answer_s is not None for turn in figures.turns] == [True, True]
        assert not any(turn.cut_in for turn in figures.turns)
        assert [text for side, text in watch.words if side == "caller"] == list(texts)
        assert watch.causes == ["caller hung up"]
        assert call.close_code == 1000


@hurried
async def test_a_caller_who_breaks_in_silences_the_agent() -> None:
    script = [
        Line(AgentFinished(600, 4000), Speak(recorded()[SHORT])),
        Line(AgentStarted(after_ms=800), Speak(recorded()[LONG])),
        Line(AgentFinished(600, 4000), HangUp()),
    ]
    long_reply = "This answer is a good deal longer than the patience of anybody who has to listen to it. " * 3
    call, watch = await converse(script, llm={"replies": (long_reply, "I am sorry.")})
    barge_in = report(call).turns[1].barge_in
    assert barge_in is not None
    assert barge_in.clear_ms is not None
    assert len(watch.barge_ins) == 1
    heard = [text for side, text in watch.words if side == "bot"][1]
    assert 0 < len(heard) < len(long_reply) / 2


@hurried
async def test_keys_reach_the_agent_and_its_keys_the_carrier() -> None:
    script = [Line(AgentFinished(600, 4000), Press("42#")), Line(AgentFinished(5000, 20000), HangUp())]
    watch = Watch()
    async with serving(agent_options(class_="tests.call.agents:Menu"), watch) as service:
        call = await place(stream_of(service), script)
    assert call.tones == "12#"
    assert watch.causes == ["agent hung up"]


@hurried
async def test_the_answer_document_leads_to_a_stream_that_talks() -> None:
    watch = Watch()
    async with serving(agent_options(greeting="Good day."), watch) as service, aiohttp.ClientSession() as web:
        form = {"CallUUID": "c-1", "From": "15550001", "To": "15550002", "Event": "StartApp"}
        async with web.post(f"http://127.0.0.1:{service.port}/plivo/answer", data=form) as answer:
            document = ElementTree.fromstring(await answer.text())
        stream = document.find("Stream")
        assert stream is not None
        assert stream.text
        call = await place(stream.text, says())
    assert report(call).greeting_ms is not None


@hurried
async def test_many_calls_at_once_do_not_disturb_each_other() -> None:
    watch = Watch()
    async with serving(agent_options(greeting="Good day."), watch) as service:
        calls = await asyncio.gather(*(place(stream_of(service), says(SHORT)) for _ in range(10)))
    for call in calls:
        figures = report(call)
        assert figures.errors == ()
        assert figures.turns[0].answer_s is not None
    assert watch.causes == ["caller hung up"] * 10


@pytest.mark.alone
@pytest.mark.local
async def test_the_demo_is_a_whole_call_on_the_local_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = LINES[::2]  # the shorter ones
    monkeypatch.setattr(demo, "LINES", lines)
    assert await demo.run(tmp_path, mic=False) == 0
    told = capsys.readouterr().out
    words = re.findall(r"^ *(bot|caller)  (.+)$", told, re.MULTILINE)
    assert words[0] == ("bot", STORY_LINE.greeting)
    assert [side for side, _ in words] == ["bot", *["caller", "bot"] * len(lines)]
    misheard = re.search(r"Words misheard: (\d+) of (\d+)", told)
    assert misheard is not None
    assert int(misheard[1]) <= 0.15 * int(misheard[2])
    assert f"{len(lines)} of {len(lines)} turns were answered" in told
    with wave.open(str(tmp_path / "call.wav")) as recording:
        assert recording.getnchannels() == 2
        assert recording.getframerate() == 8000
        assert 10 < recording.getnframes() / 8000 < 120
    assert (tmp_path / "call.png").read_bytes().startswith(PNG)


@pytest.mark.alone
@hurried
async def test_of_a_call_that_is_over_nothing_waits_for_the_collector() -> None:
    async with serving(agent_options(greeting="Good day."), Watch()) as service:
        await place(stream_of(service), says(SHORT))
        with only_counting("mediasrv.call", "mediasrv.server", "websockets.server") as waiting:
            await place(stream_of(service), says(SHORT, SHORT))
            await asyncio.sleep(10.0)
        assert not waiting
