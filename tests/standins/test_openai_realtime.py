"""OpenAI's own client talks to the stand-in, and takes what our adapter asks."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.providers.base import Message, ToolCall, ToolSpec
from mediasrv.providers.openai_exchange import Exchange
from mediasrv.providers.openai_realtime import OpenAiRealtime
from native_bench.standins.openai_realtime import KEY, OpenAiRealtimeStandin

openai: Any = pytest.importorskip("openai")
pydantic: Any = pytest.importorskip("pydantic")
pytestmark = pytest.mark.sdk

TOOLS = (ToolSpec("order_status", "Look up an order.", {"type": "object", "properties": {}}),)
HISTORY = (
    Message("user", "Where is it?"),
    Message("assistant", "", (ToolCall("call_1", "order_status", "{}"),)),
    Message("tool", "in Pune", tool_call_id="call_1"),
    Message("assistant", "In Pune."),
)


def session() -> Any:
    provider = OpenAiRealtime(OpenAiRealtime.Options(api_key=KEY, language="en", voice="voice_7"))
    return provider.session(MULAW_8K, "Be brief.", TOOLS)


def client(url: str) -> Any:
    return openai.AsyncOpenAI(base_url=f"{url}/v1", websocket_base_url=f"{url.replace('http', 'ws')}/v1", api_key=KEY)


async def replied(connection: Any) -> list[Any]:
    """Events up to the end of a response."""
    events: list[Any] = []
    async for event in connection:
        events.append(event)
        if event.type == "response.done":
            return events
    raise AssertionError("no response")


def check_types(value: Any) -> None:
    """Whether the client's own types know all that an event holds."""
    assert type(value).__name__ != "UnknownEvent"
    type(value).model_validate(value.to_dict())


async def test_it_reads_a_spoken_reply_and_what_was_written_down() -> None:
    standin = OpenAiRealtimeStandin(replies=["In Pune."])
    async with (
        standin as url,
        client(url) as sdk,
        sdk.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        await connection.session.update(session=session())
        await connection.input_audio_buffer.append(audio=b64encode(b"\xff" * 1600).decode())
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        events = await replied(connection)
        item = next(event.item_id for event in events if event.type == "response.output_audio.delta")
        await connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=100)
        truncated = await connection.recv()
    for event in (*events, truncated):
        check_types(event)
    kinds = {event.type for event in events}
    assert {"session.created", "session.updated", "input_audio_buffer.committed", "response.created"} <= kinds
    assert "".join(e.delta for e in events if e.type == "response.output_audio_transcript.delta") == "In Pune."
    assert truncated.type == "conversation.item.truncated"
    assert standin.complaints == []


async def test_it_reads_a_call_of_a_tool_and_an_error() -> None:
    standin = OpenAiRealtimeStandin(replies=["tool:order_status {}"])
    async with standin as url, client(url) as sdk, sdk.realtime.connect(model="gpt-realtime-2.1") as connection:
        await connection.session.update(session=session())
        await connection.response.create()
        *_, done = events = await replied(connection)
        await connection.response.cancel()
        error = await connection.recv()
    for event in (*events, error):
        check_types(event)
    assert done.response.output[0].name == "order_status"
    assert error.error.code == "response_cancel_not_active"


def test_all_that_we_write_is_known_to_the_client() -> None:
    talk = Exchange(MULAW_8K, session(), HISTORY)
    talk.append(b"\xff" * 160)
    talk.clear()
    talk.answer(1)
    talk.read('{"type":"response.created","response":{"id":"r1"}}')
    talk.read('{"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","delta":"/////w=="}')
    talk.cut("i1", 10)
    talk.cancel(1)
    talk.read('{"type":"response.done","response":{"id":"r1","status":"cancelled"}}')
    talk.answer_tool("call_1", "in Pune")
    talk.say(2, "Hello.")
    adapter = pydantic.TypeAdapter(openai.types.realtime.RealtimeClientEvent)
    for message in talk.outbox:
        told = orjson.loads(message)
        known = adapter.validate_python(told)
        assert known.type == told["type"]
        assert unknown(known) == []


def unknown(value: Any) -> list[str]:
    """Fields that the client's types do not have, however deep."""
    if isinstance(value, list):
        return [name for each in value for name in unknown(each)]
    if not isinstance(value, pydantic.BaseModel):
        return []
    return [*(value.model_extra or {}), *(name for _, each in value for name in unknown(each))]
