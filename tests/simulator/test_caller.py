"""Simulated calls on a real socket, a second or less each; what is asserted does not depend on how fast we are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from mediasrv.audio.format import L16_8K, MULAW_8K, AudioFormat
from mediasrv.net.websocket import HandshakeError
from mediasrv.simulator.caller import (
    AGENT_HUNG_UP,
    CALLER_HUNG_UP,
    CONNECTION_LOST,
    ERRORS_KEPT,
    LIMIT_S,
    TIME_LIMIT,
    Caller,
)
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import report
from mediasrv.simulator.script import After, At, HangUp, Line, Performance, Press, Speak
from mediasrv.simulator.speech import Clip
from mediasrv.wire.events import (
    Clear,
    DtmfReceived,
    Event,
    Mark,
    MarkReached,
    MediaReceived,
    PlayMedia,
    PlayoutCleared,
    SendDtmf,
    StreamStarted,
    StreamStopped,
)
from tests.patience import WAIT_S
from tests.simulator.agents import Phone, answered_by

CLIP = Clip("ramp", np.arange(1000, 1000 + 1600, dtype=np.int16), 8000)
"""Ten frames in which each sample is another."""


Agent = Callable[[Phone], Awaitable[None]]


def caller(
    script: Sequence[Line], audio: AudioFormat = L16_8K, pacing: Pacing | None = None, limit_s: float = LIMIT_S
) -> Caller:
    return Caller(carrier_named("plivo"), audio, Performance(script, audio), pacing or Pacing(), limit_s=limit_s)


def listening(duration_ms: int) -> list[Line]:
    """A caller who says nothing and hangs up."""
    return [Line(At(duration_ms), HangUp())]


async def answered(
    agent: Agent, script: Sequence[Line], audio: AudioFormat = L16_8K, limit_s: float = LIMIT_S
) -> Conversation:
    async with answered_by(agent) as url:
        return await caller(script, audio, limit_s=limit_s).call(url)


async def silent(phone: Phone) -> None:
    async for _ in phone.events():
        pass


async def test_the_agent_sees_a_stream_as_plivo_opens_it() -> None:
    seen: list[Event] = []

    async def agent(phone: Phone) -> None:
        assert phone.websocket.subprotocol == "audio.drachtio.org"
        async for event in phone.events():
            seen.append(event)

    call = await answered(agent, [Line(At(40), Press("1#")), Line(At(500), HangUp())], MULAW_8K)
    start = seen[0]
    assert isinstance(start, StreamStarted)
    assert start.format == MULAW_8K
    chunks = [event.chunk for event in seen if isinstance(event, MediaReceived)]
    assert chunks == list(range(1, 27))
    assert [event.digit for event in seen if isinstance(event, DtmfReceived)] == ["1", "#"]
    assert isinstance(seen[-1], StreamStopped)
    assert call.ending == CALLER_HUNG_UP
    assert call.close_code == 1000
    assert call.sent == {"start": 1, "media": 26, "dtmf": 2, "stop": 1}
    assert len(call.caller) == len(call.agent) == 26 * 160


async def test_an_echo_is_heard_as_it_was_said_and_after_it_was_said() -> None:
    async def echo(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, MediaReceived):
                await phone.send(PlayMedia(event.payload))

    call = await answered(echo, [Line(At(100), Speak(CLIP)), Line(After(300), HangUp())])
    (said,) = call.said
    assert list(call.caller[said.voiced.begin : said.voiced.end]) == list(CLIP.pcm)
    echoed = np.flatnonzero(call.agent >= 1000)
    assert list(call.agent[echoed]) == list(CLIP.pcm)
    assert echoed[0] >= said.voiced.begin + 160


async def test_a_mark_is_acknowledged_when_it_was_heard() -> None:
    reached: list[str] = []

    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, StreamStarted):
                await phone.send(PlayMedia(bytes([7, 0]) * 1000), Mark("a"), PlayMedia(bytes([8, 0]) * 801), Mark("b"))
            elif isinstance(event, MarkReached):
                reached.append(event.name)

    call = await answered(agent, listening(600))
    begin = int(np.flatnonzero(call.agent)[0])
    assert reached == ["a", "b"]
    assert call.marks == (("a", begin + 1000), ("b", begin + 1801))
    assert list(call.agent[begin : begin + 1802]) == [7] * 1000 + [8] * 801 + [0]


async def test_a_clear_is_obeyed_and_its_marks_are_never_acknowledged() -> None:
    answers: list[Event] = []

    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, StreamStarted):
                await phone.send(PlayMedia(bytes([7, 0]) * 8000), Mark("a"))
            elif isinstance(event, MediaReceived) and event.chunk == 10:
                await phone.send(Clear(), Mark("b"))
            elif isinstance(event, MarkReached | PlayoutCleared):
                answers.append(event)

    call = await answered(agent, listening(500))
    assert answers == [PlayoutCleared(), MarkReached("b")]
    played = np.flatnonzero(call.agent)
    assert 160 < len(played) < 8000
    assert call.clears == (played[-1] + 1,)
    assert call.unheard_samples == 0


async def test_what_was_still_queued_when_the_agent_hung_up_is_counted() -> None:
    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, StreamStarted):
                await phone.send(PlayMedia(bytes([7, 0]) * 8000), SendDtmf("12#"))
            elif isinstance(event, MediaReceived) and event.chunk == 10:
                return

    call = await answered(agent, [])
    assert call.ending == AGENT_HUNG_UP
    assert call.close_code == 1000
    assert call.tones == "12#"
    assert np.count_nonzero(call.agent) + call.unheard_samples == 8000
    assert report(call).unheard_ms > 0


async def test_what_breaks_the_protocol_is_reported_and_the_call_goes_on() -> None:
    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, StreamStarted):
                for _ in range(ERRORS_KEPT):
                    await phone.websocket.send('{"event":"play"}')
                await phone.websocket.send("no JSON")
                await phone.send(PlayMedia(bytes([7, 0]) * 80))

    call = await answered(agent, listening(300))
    assert len(call.errors) == ERRORS_KEPT
    assert "play" in call.errors[0]
    assert call.received == {"broken": ERRORS_KEPT + 1, "media": 1}
    assert np.count_nonzero(call.agent) == 80


async def test_more_than_the_queue_holds_is_an_error() -> None:
    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, StreamStarted):
                for _ in range(62):
                    await phone.send(PlayMedia(bytes(16_000)))

    call = await answered(agent, listening(400))
    assert "buffer_overflow" in call.errors
    assert call.unheard_samples <= 60 * 8000


async def test_a_broken_connection_is_told_from_a_hang_up() -> None:
    async def agent(phone: Phone) -> None:
        await phone.websocket.recv()
        phone.websocket.transport.abort()

    call = await answered(agent, [])
    assert (call.ending, call.close_code) == (CONNECTION_LOST, 1006)


async def test_a_call_has_a_longest_time() -> None:
    call = await answered(silent, [], limit_s=0.2)
    assert call.ending == TIME_LIMIT
    assert len(call.caller) == 1600


async def test_a_call_can_be_hung_up_from_outside() -> None:
    async with answered_by(silent) as url:
        calling = caller([])
        task = asyncio.create_task(calling.call(url))
        await asyncio.sleep(0.1)
        calling.hang_up()
        call = await task
    assert call.ending == CALLER_HUNG_UP
    assert call.sent["stop"] == 1


async def test_cancelling_a_call_drops_the_connection() -> None:
    gone = asyncio.Event()

    async def agent(phone: Phone) -> None:
        await phone.websocket.wait_closed()
        gone.set()

    async with answered_by(agent) as url:
        task = asyncio.create_task(caller([]).call(url))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), WAIT_S)


async def test_nobody_there_and_no_websocket_there_are_errors() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(HandshakeError, match="403"):
        await caller([]).call(f"ws://127.0.0.1:{port}/")
    server.close()
    await server.wait_closed()
    with pytest.raises(OSError):  # noqa: PT011 (which one is the platform's)
        await caller([]).call(f"ws://127.0.0.1:{port}/")


async def test_a_stall_of_ours_loses_no_frame_and_is_owned_up_to() -> None:
    chunks: list[int | None] = []

    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, MediaReceived):
                chunks.append(event.chunk)
                if event.chunk == 5:
                    time.sleep(0.15)  # noqa: ASYNC251 (the stall itself)

    call = await answered(agent, listening(600))
    assert chunks == list(range(1, 32))
    slip = report(call).slip
    assert slip.frames == 31
    assert slip.max_ms > 100
    assert call.lateness_ms.min() >= 0


async def test_many_callers_share_one_pacing() -> None:
    pacing = Pacing()
    async with answered_by(silent) as url:
        calls = await asyncio.gather(
            *(
                caller([Line(At(100), Speak(CLIP)), Line(At(400), HangUp())], MULAW_8K, pacing).call(url)
                for _ in range(20)
            )
        )
    assert [len(call.lateness_ms) for call in calls] == [21] * 20
    assert all(call.ending == CALLER_HUNG_UP for call in calls)
