"""OpenAI Realtime: the protocol by itself, and the adapter against its stand-in, whatever befalls the socket."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import L16_8K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import openai_dialogue, registry
from mediasrv.providers.base import Message, ToolCall, ToolSpec, Usage
from mediasrv.providers.openai_exchange import Exchange
from mediasrv.providers.openai_realtime import OpenAiRealtime
from mediasrv.providers.realtime import (
    CallerSaid,
    Dialogue,
    DialogueEvent,
    Expiring,
    ReplyDone,
    SpeechPiece,
    ToolWanted,
)
from native_bench.standins.base import Fault
from native_bench.standins.openai_realtime import KEY, OpenAiRealtimeStandin
from tests.patience import WAIT_S, until
from tests.providers.stt import open_sockets

FRAME = b"\xff" * 160
TOOLS = (ToolSpec("order_status", "Look up an order.", {"type": "object", "properties": {"id": {"type": "string"}}}),)


class Session:
    """A dialogue with a stand-in, and what came of it."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.events: list[DialogueEvent] = []
        self.lost: ProviderError | None = None
        self.changed = asyncio.Event()

    async def read(self) -> None:
        try:
            async for event in self.dialogue.events():
                self.events.append(event)
                self.changed.set()
        except ProviderError as error:
            self.lost = error
            self.changed.set()

    async def until(self, kind: type, count: int = 1) -> Any:
        """Wait for the last of so many events of a kind."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = [event for event in self.events if isinstance(event, kind)]
                if len(found) >= count:
                    return found[count - 1]
                assert self.lost is None, self.lost
                self.changed.clear()
                await self.changed.wait()

    async def until_lost(self) -> ProviderError:
        async with asyncio.timeout(WAIT_S):
            while self.lost is None:
                self.changed.clear()
                await self.changed.wait()
        return self.lost

    def ask(self, reply: int, frames: int = 10) -> None:
        """Say something, and want it answered."""
        for _ in range(frames):
            self.dialogue.send(FRAME)
        self.dialogue.answer(reply)

    def audio_ms(self, reply: int) -> int:
        return sum(len(event.audio) for event in self.pieces(reply)) // 8

    def text(self, reply: int) -> str:
        return " ".join(event.text for event in self.pieces(reply) if event.text)

    def pieces(self, reply: int) -> list[SpeechPiece]:
        return [event for event in self.events if isinstance(event, SpeechPiece) and event.reply == reply]


@asynccontextmanager
async def talking(
    standin: OpenAiRealtimeStandin, history: tuple[Message, ...] = (), **options: Any
) -> AsyncIterator[Session]:
    """A dialogue that is read; afterwards no task and no socket of it is left."""
    before, sockets = asyncio.all_tasks(), open_sockets()
    async with standin as url:
        provider = OpenAiRealtime(OpenAiRealtime.Options(url=url, api_key=KEY, **options))
        await provider.start()
        session = Session(provider.converse(MULAW_8K, "Be brief.", TOOLS, history))
        reading = asyncio.create_task(session.read())
        try:
            yield session
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            await provider.aclose()
    await until(lambda: asyncio.all_tasks() <= before and open_sockets() <= sockets)


async def test_the_caller_is_answered_in_mulaw_and_both_sides_are_written_down() -> None:
    standin = OpenAiRealtimeStandin(replies=["Certainly, sir."], texts=["Where is it?"], ms_per_char=20)
    async with talking(standin) as session:
        session.ask(1)
        done = await session.until(ReplyDone)
        said = await session.until(CallerSaid)
    assert done == ReplyDone(1, None, Usage(50, 20))
    assert said == CallerSaid(1, "Where is it?")
    assert session.text(1) == "Certainly, sir."
    assert session.audio_ms(1) == 300
    assert standin.script.heard_ms == [200]
    assert standin.complaints == []


async def test_a_session_is_asked_for_without_turns_of_its_own() -> None:
    standin = OpenAiRealtimeStandin()
    async with talking(standin, language="hi", voice="voice_7", reasoning_effort="") as session:
        session.ask(1)
        await session.until(ReplyDone)
    (asked,) = standin.script.sessions
    assert asked["audio"]["input"]["turn_detection"] is None
    assert asked["audio"]["input"]["format"] == asked["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    assert asked["audio"]["input"]["transcription"] == {"model": "gpt-transcribe", "language": "hi"}
    assert asked["audio"]["output"]["voice"] == {"id": "voice_7"}
    assert "reasoning" not in asked
    assert [tool["name"] for tool in asked["tools"]] == ["order_status"]


async def test_nothing_is_written_down_or_cleaned_where_that_is_not_wanted() -> None:
    provider = OpenAiRealtime(OpenAiRealtime.Options(api_key=KEY, transcription_model="", noise_reduction=""))
    heard = provider.session(AudioFormat(Encoding.L16, 24000), "", ())["audio"]["input"]
    assert heard["transcription"] is heard["noise_reduction"] is None
    assert heard["format"] == {"type": "audio/pcm", "rate": 24000}
    assert L16_8K not in provider.formats


async def test_a_text_is_said_word_for_word() -> None:
    standin = OpenAiRealtimeStandin(ms_per_char=10)
    async with talking(standin) as session:
        session.dialogue.say(1, 'He said "wait".')
        await session.until(ReplyDone)
    assert session.text(1) == 'He said "wait".'
    (created,) = standin.script.sent("response.create")
    assert created["response"]["instructions"].startswith("Be brief.\n\n")
    assert created["response"]["tool_choice"] == "none"


async def test_a_tool_is_wanted_answered_and_the_reply_goes_on() -> None:
    standin = OpenAiRealtimeStandin(replies=['tool:order_status {"id": "7"}', "In Pune."], ms_per_char=10)
    async with talking(standin) as session:
        session.ask(1)
        await session.until(ReplyDone)
        wanted = await session.until(ToolWanted)
        assert (wanted.reply, wanted.call.name, wanted.call.arguments) == (1, "order_status", '{"id": "7"}')
        session.dialogue.answer_tool(wanted.call.id, "in Pune")
        session.dialogue.go_on(1)
        await session.until(ReplyDone, 2)
    assert session.text(1) == "In Pune."
    assert standin.complaints == []


async def test_what_was_not_heard_is_cut_off_and_never_more_than_there_was() -> None:
    standin = OpenAiRealtimeStandin(replies=["Quite a long answer."], ms_per_char=10)
    async with talking(standin) as session:
        session.ask(1)
        await session.until(ReplyDone)
        item = session.pieces(1)[0].item
        session.dialogue.cut(item, 130)
        session.dialogue.cut(item, 99_999)
        session.dialogue.cut("item_of_another_session", 10)
        session.ask(2)
        await session.until(ReplyDone, 2)
    cuts = standin.script.sent("conversation.item.truncate")
    assert [(cut["item_id"], cut["audio_end_ms"]) for cut in cuts] == [(item, 130), (item, 200)]
    assert standin.complaints == []


async def test_audio_after_a_cancel_is_never_heard() -> None:
    standin = OpenAiRealtimeStandin(replies=["A very long answer indeed.", "Yes?"], speed=2.0, faults=[Fault("tail")])
    async with talking(standin) as session:
        session.ask(1)
        await session.until(SpeechPiece)
        session.dialogue.cancel(1)
        session.dialogue.cancel(1)
        before = len(session.events)
        session.ask(2)
        await session.until(ReplyDone)
    assert {event.reply for event in session.events[before:] if isinstance(event, SpeechPiece)} == {2}
    assert session.text(2) == "Yes?"
    assert len(standin.script.sent("response.cancel")) == 1


async def test_audio_that_came_before_a_cancel_and_was_not_read_is_never_heard() -> None:
    async with OpenAiRealtimeStandin(replies=["A very long answer indeed."]) as url:
        provider = OpenAiRealtime(OpenAiRealtime.Options(url=f"{url}/v1", api_key=KEY))
        dialogue = provider.converse(MULAW_8K, "Be brief.")
        async with asyncio.timeout(WAIT_S), aclosing(dialogue.events()) as events:
            for _ in range(10):
                dialogue.send(FRAME)
            dialogue.answer(1)
            while not isinstance(await anext(events), SpeechPiece):
                continue
            dialogue.cancel(1)
            dialogue.say(2, "Yes?")
            heard = []
            async for event in events:
                heard.append(event)
                if isinstance(event, ReplyDone) and event.reply == 2:
                    break
    assert {event.reply for event in heard if isinstance(event, SpeechPiece)} == {2}


async def test_a_reply_that_is_cancelled_before_it_began_is_not_heard() -> None:
    standin = OpenAiRealtimeStandin(replies=["One.", "Two."], first_audio_ms=50, ms_per_char=10)
    async with talking(standin) as session:
        session.ask(1)
        session.dialogue.cancel(1)
        session.ask(2)
        session.ask(3)
        session.dialogue.cancel(2)
        await session.until(ReplyDone)
    assert [event.reply for event in session.events if isinstance(event, ReplyDone)] == [3]
    assert session.pieces(1) == session.pieces(2) == []


async def test_a_cancelled_reply_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_dialogue, "_CANCEL_LIMIT_S", 0.05)
    exchange = Exchange(MULAW_8K, {})
    dialogue = openai_dialogue.OpenAiDialogue(exchange, lambda: asyncio.sleep(0), 60)  # type: ignore[arg-type,return-value]
    exchange.answer(1)
    exchange.read('{"type":"response.created","response":{"id":"r1"}}')
    exchange.answer(2)
    assert exchange.is_stuck
    websocket = _Written()
    dialogue._websocket = websocket  # type: ignore[assignment]
    dialogue._flush()
    await until(lambda: not exchange.is_stuck)
    assert websocket.kinds()[-1] == "response.create"
    dialogue._hang_up()


class _Written:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def send(self, message: str) -> None:
        self.messages.append(message)

    def close(self) -> None: ...

    def kinds(self) -> list[str]:
        return [orjson.loads(message)["type"] for message in self.messages]


async def test_what_is_not_to_be_answered_is_cleared() -> None:
    standin = OpenAiRealtimeStandin()
    async with talking(standin) as session:
        session.dialogue.send(FRAME)
        session.dialogue.drop()
        session.ask(1, frames=20)
        await session.until(ReplyDone)
    assert standin.script.heard_ms == [400]


async def test_a_new_session_is_told_what_was_said() -> None:
    call = ToolCall("call_1", "order_status", "{}")
    history = (
        Message("system", "Be brief."),
        Message("user", "Where is it?"),
        Message("assistant", "", (call,)),
        Message("tool", "in Pune", tool_call_id="call_1"),
        Message("assistant", "In Pune."),
    )
    standin = OpenAiRealtimeStandin()
    async with talking(standin, history) as session:
        session.dialogue.go_on(1)
        await session.until(ReplyDone)
    kinds = [item["item"]["type"] for item in standin.script.sent("conversation.item.create")]
    assert kinds == ["message", "function_call", "function_call_output", "message"]
    assert standin.complaints == []


async def test_a_session_says_when_it_has_grown_old() -> None:
    async with talking(OpenAiRealtimeStandin(), session_limit_s=0) as session:
        assert await session.until(Expiring) == Expiring()


async def test_a_line_that_was_opened_ahead_is_used() -> None:
    standin = OpenAiRealtimeStandin()
    async with standin as url:
        provider = OpenAiRealtime(OpenAiRealtime.Options(url=f"{url}/v1", api_key=KEY))
        await provider.prepare()
        session = Session(provider.converse(MULAW_8K, ""))
        reading = asyncio.create_task(session.read())
        session.ask(1)
        await session.until(ReplyDone)
        assert standin.connections == 1
        reading.cancel()
        await asyncio.wait([reading])
        await provider.aclose()


# -- misfortunes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (404, False), (429, True), (500, True)])
async def test_a_refusal_names_the_provider_and_not_the_key(status: int, retryable: bool) -> None:
    async with talking(OpenAiRealtimeStandin(faults=[Fault("refuse", status=status)])) as session:
        error = await session.until_lost()
    assert (error.stage, error.provider, error.retryable) == ("realtime", "openai_realtime", retryable)
    assert str(status) in str(error)
    assert KEY not in str(error)


@pytest.mark.parametrize("url", ["https://h", "wss://h/", "https://h/v1"])
def test_an_origin_without_a_path_is_asked_in_the_version_of_today(url: str) -> None:
    provider = OpenAiRealtime(OpenAiRealtime.Options(url=url, api_key=KEY, model="m"))
    assert provider.url() == "wss://h/v1/realtime?model=m"


async def test_a_vendor_that_is_not_there_is_retryable() -> None:
    provider = OpenAiRealtime(OpenAiRealtime.Options(url="http://127.0.0.1:1/v1", api_key=KEY))
    session = Session(provider.converse(MULAW_8K, ""))
    await session.read()
    assert session.lost is not None
    assert session.lost.retryable


async def test_a_handshake_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_dialogue, "CONNECT_LIMIT_S", 0.1)
    async with talking(OpenAiRealtimeStandin(faults=[Fault("stall")])) as session:
        error = await session.until_lost()
    assert (str(error).endswith("is not ready in time"), error.retryable) == (True, True)


async def test_a_server_that_speaks_no_websocket_is_lost() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(slam, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        provider = OpenAiRealtime(OpenAiRealtime.Options(url=f"http://127.0.0.1:{port}/v1", api_key=KEY))
        session = Session(provider.converse(MULAW_8K, ""))
        await session.read()
    assert session.lost is not None
    assert session.lost.retryable


@pytest.mark.parametrize(
    ("fault", "retryable"),
    [
        (Fault("break"), True),
        (Fault("reset", after=5), True),
        (Fault("end", code=1011), True),
        (Fault("end", code=1008), False),
        (Fault("close", after=4, code=4000), True),
        (Fault("expired"), True),
    ],
    ids=lambda value: f"{value.kind}{value.code}" if isinstance(value, Fault) else None,
)
async def test_a_socket_that_is_lost_in_a_reply_ends_the_dialogue(fault: Fault, retryable: bool) -> None:
    async with talking(OpenAiRealtimeStandin(faults=[fault], speed=4.0)) as session:
        session.ask(1)
        error = await session.until_lost()
    assert error.retryable is retryable


async def test_a_peer_that_hangs_is_noticed_by_its_missing_pongs(monkeypatch: pytest.MonkeyPatch) -> None:
    from mediasrv.net.websocket import Limits
    from mediasrv.providers import openai_realtime

    monkeypatch.setattr(openai_realtime, "_LIMITS", Limits(ping_s=0.1, close_s=0.1))
    async with talking(OpenAiRealtimeStandin(faults=[Fault("hang", after=3)])) as session:
        session.ask(1)
        assert (await session.until_lost()).retryable


async def test_a_failed_response_leaves_the_session_usable() -> None:
    standin = OpenAiRealtimeStandin(faults=[Fault("error", reason="server_error")])
    async with talking(standin) as session:
        session.ask(1)
        done = await session.until(ReplyDone)
        assert done.failure is not None
        assert done.failure.retryable
        assert session.lost is None


async def test_an_exhausted_quota_ends_the_session_for_good() -> None:
    async with talking(OpenAiRealtimeStandin(faults=[Fault("error", reason="insufficient_quota")])) as session:
        session.ask(1)
        error = await session.until_lost()
    assert not error.retryable
    assert "insufficient_quota" in str(error)


async def test_garbage_is_passed_over() -> None:
    async with talking(OpenAiRealtimeStandin(faults=[Fault("garbage", after=3)])) as session:
        session.ask(1)
        await session.until(ReplyDone)
    assert session.lost is None


# -- the protocol by itself --------------------------------------------------------------------------------------


def exchange(**session: Any) -> Exchange:
    made = Exchange(MULAW_8K, session)
    made.outbox.clear()
    return made


def kinds(of: Exchange) -> list[str]:
    sent = [orjson.loads(message)["type"] for message in of.outbox]
    of.outbox.clear()
    return sent


def event(kind: str, **fields: Any) -> str:
    return orjson.dumps({"type": kind, **fields}).decode()


def created(of: Exchange, name: str = "r1", **fields: Any) -> None:
    of.read(event("response.created", response={"id": name, **fields}))


def done(of: Exchange, name: str = "r1", status: str = "completed", **fields: Any) -> list[DialogueEvent]:
    return of.read(event("response.done", response={"id": name, "status": status, **fields}))


def delta(of: Exchange, payload: bytes = FRAME, name: str = "r1", item: str = "i1") -> list[DialogueEvent]:
    audio = b64encode(payload).decode()
    return of.read(event("response.output_audio.delta", response_id=name, item_id=item, delta=audio))


def problem(code: str = "", cause: str | None = None, kind: str = "server_error") -> str:
    return event("error", error={"type": kind, "code": code or None, "event_id": cause, "message": "secret"})


def test_one_reply_is_made_at_a_time() -> None:
    talk = exchange()
    talk.answer(1)
    created(talk)
    talk.go_on(2)
    assert kinds(talk) == ["input_audio_buffer.commit", "response.create", "response.cancel"]
    assert delta(talk) == []
    assert done(talk, status="cancelled") == []
    assert kinds(talk) == ["response.create"]


def test_a_cancelled_reply_is_paid_for_as_far_as_it_went() -> None:
    talk = exchange()
    talk.answer(1)
    created(talk)
    talk.cancel(1)
    cost = {"input_tokens": 50, "output_tokens": 7}
    assert done(talk, status="cancelled", usage=cost) == [ReplyDone(1, None, Usage(50, 7))]


def test_a_response_of_another_request_is_not_ours() -> None:
    talk = exchange()
    talk.go_on(1)
    created(talk, "r0", metadata={"mediasrv_reply": "reply-99"})
    assert delta(talk, name="r0") == []
    assert done(talk, "r0") == []
    created(talk, metadata={"mediasrv_reply": "reply-1"})
    assert [event.reply for event in delta(talk) if isinstance(event, SpeechPiece)] == [1]


def test_a_reply_that_came_too_soon_is_asked_for_again_when_there_is_room() -> None:
    talk = exchange()
    talk.go_on(1)
    assert talk.read(problem("conversation_already_has_active_response", "reply-1")) == []
    assert talk.is_stuck
    kinds(talk)
    assert done(talk, "r0") == []
    assert kinds(talk) == ["response.create"]
    assert not talk.is_stuck


def test_a_reply_that_is_refused_has_failed() -> None:
    talk = exchange()
    talk.go_on(1)
    (failed,) = talk.read(problem("unknown_parameter", "reply-1", "invalid_request_error"))
    assert isinstance(failed, ReplyDone)
    assert failed.failure is not None
    assert not failed.failure.retryable
    assert "secret" not in str(failed.failure)


def test_the_refusal_of_a_cancelled_reply_is_no_news() -> None:
    talk = exchange()
    talk.go_on(1)
    talk.cancel(1)
    assert talk.read(problem("x", "reply-1")) == []
    talk.go_on(2)
    assert kinds(talk)[-1] == "response.create"


def test_audio_goes_in_few_messages_and_waits_for_nothing_when_it_is_to_be_answered() -> None:
    talk = exchange()
    for _ in range(7):
        talk.append(FRAME)
    sent = [len(b64decode(orjson.loads(message)["audio"])) for message in talk.outbox]
    assert sent == [480, 480]
    talk.answer(1)
    assert kinds(talk) == ["input_audio_buffer.append"] * 3 + ["input_audio_buffer.commit", "response.create"]
    talk.append(FRAME)
    talk.clear()
    talk.answer(2)
    assert kinds(talk) == ["input_audio_buffer.clear", "input_audio_buffer.commit"]


def test_a_wish_can_be_taken_back() -> None:
    talk = exchange()
    talk.go_on(1)
    created(talk)
    talk.go_on(2)
    talk.cancel(2)
    kinds(talk)
    assert done(talk) == []
    assert kinds(talk) == []
    talk.unstick()
    assert kinds(talk) == []


def test_settings_that_are_refused_end_the_session_for_good() -> None:
    with pytest.raises(ProviderError, match="invalid_value") as caught:
        exchange().read(problem("invalid_value", "session"))
    assert not caught.value.retryable


def test_errors_about_nothing_in_particular_are_passed_over() -> None:
    talk = exchange()
    assert talk.read(problem("response_cancel_not_active")) == []
    talk.answer(1)
    assert talk.read(problem("input_audio_buffer_commit_empty", "commit-1")) == []
    assert talk.read(event("input_audio_buffer.committed", item_id="u1")) == []
    prefix = "conversation.item.input_audio_transcription.completed"
    assert talk.read(event(prefix, item_id="u1", transcript="x")) == []


@pytest.mark.parametrize("status", ["failed", "cancelled", ""])
def test_a_response_that_is_not_whole_calls_no_tools(status: str) -> None:
    talk = exchange()
    talk.go_on(1)
    created(talk)
    output = [{"type": "function_call", "call_id": "c", "name": "n", "arguments": '{"a'}]
    (only,) = done(talk, status=status, output=output)
    assert isinstance(only, ReplyDone)
    assert only.failure is not None


def test_a_reply_that_was_cut_by_its_length_is_a_reply() -> None:
    talk = exchange()
    talk.go_on(1)
    created(talk)
    delta(talk)
    *_, last = done(talk, status="incomplete", status_details={"reason": "max_output_tokens"})
    assert last == ReplyDone(1)


def test_a_word_is_told_when_it_is_whole() -> None:
    talk = exchange()
    talk.go_on(1)
    created(talk)
    for words in ("Good mor", "ning, ", "sir", "."):
        talk.read(event("response.output_audio_transcript.delta", response_id="r1", item_id="i1", delta=words))
    talk.read(event("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=""))
    pieces = [*delta(talk, FRAME * 100), *done(talk)]
    assert " ".join(each.text for each in pieces if isinstance(each, SpeechPiece) and each.text) == "Good morning, sir."


def test_audio_that_is_no_base64_is_passed_over() -> None:
    talk = exchange()
    talk.go_on(1)
    created(talk)
    assert talk.read(event("response.output_audio.delta", response_id="r1", item_id="i1", delta="*")) == []


LEAVES: st.SearchStrategy[Any] = st.sampled_from([None, True, -1, "", "x", "r1", "failed", [], {}, [{}], ["x"]])
JSON = LEAVES | st.dictionaries(
    st.sampled_from(["id", "status", "output", "error", "code", "usage"]), LEAVES, max_size=3
)
KINDS = st.sampled_from(
    [
        "response.created",
        "response.done",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "input_audio_buffer.committed",
        "conversation.item.input_audio_transcription.completed",
        "error",
        "session.updated",
    ]
)
FIELDS = st.dictionaries(
    st.sampled_from(["response", "response_id", "item_id", "delta", "transcript", "error", "event_id"]),
    JSON,
    max_size=4,
)


@given(kind=KINDS, fields=FIELDS)
def test_nothing_that_a_server_says_breaks_us(kind: str, fields: dict[str, Any]) -> None:
    talk = exchange()
    talk.answer(1)
    created(talk)
    try:
        talk.read(event(kind, **fields))
    except ProviderError as error:
        assert error.stage == "realtime"  # noqa: PT017


# -- options -----------------------------------------------------------------------------------------------------


async def test_a_key_is_needed_and_a_dying_model_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="needs a key"):
        await OpenAiRealtime(OpenAiRealtime.Options()).start()
    with caplog.at_level(logging.WARNING):
        await OpenAiRealtime(OpenAiRealtime.Options(api_key=KEY, model="gpt-realtime")).start()
    assert [record.__dict__["model"] for record in caplog.records] == ["gpt-realtime"]


@pytest.mark.parametrize("options", [{"speed": 2.0}, {"context_ratio": 0.0}])
def test_options_out_of_range_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        OpenAiRealtime.Options(**options)


def test_it_is_found_by_its_stage_and_name() -> None:
    assert registry.load("realtime", "openai_realtime") is OpenAiRealtime
    assert any(info.stage == "realtime" for info in registry.describe())
