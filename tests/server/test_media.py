"""The media door and the streams behind it, with the whole server around them."""

from __future__ import annotations

import asyncio
import base64
import json
from urllib.parse import quote

import pytest

from mediasrv.audio.format import L16_8K, MULAW_8K
from mediasrv.net.websocket import HandshakeError, connect
from mediasrv.server import media
from mediasrv.server.options import ServerOptions
from mediasrv.wire.events import (
    DtmfReceived,
    MediaReceived,
    PlayMedia,
    StreamStopped,
)
from tests.net.peers import CLOSE, PING, PONG, TEXT, frame, stranger
from tests.patience import WAIT_S, until
from tests.server.stage import FRAME, STREAM, Stage, close_payload, stage


def start(call_id: str = "call-1", **members: object) -> str:
    return json.dumps({"event": "start", "start": {"callId": call_id, "streamId": "s", **members}})


def body_of(fields: object) -> str:
    return quote(base64.b64encode(json.dumps(fields).encode()).decode())


async def test_a_call_walks_from_start_to_the_callers_hangup() -> None:
    async with stage() as there:
        phone = await there.phone(f"{STREAM}?agent=sales%20team&body={body_of({'order': 42})}")
        assert phone.ears.websocket.subprotocol == "audio.drachtio.org"
        phone.start("call-1", L16_8K)
        await phone.echo()
        phone.press("5")
        phone.write(phone.side.stop("caller left"))
        await until(lambda: there.agency.calls[0].ended.done())
        (call,) = there.agency.calls
        assert (call.agent, call.started.call_id, call.started.format) == ("sales team", "call-1", L16_8K)
        assert (call.details.carrier, call.details.body) == ("plivo", {"order": 42})
        assert call.events == [MediaReceived(FRAME, 1), DtmfReceived("5"), StreamStopped("caller left")]
        assert (await phone.end())[0] == 1000
        assert await there.metric('mediasrv_calls_total{cause="caller hung up"}') == 1
        assert await there.metric("mediasrv_live_calls") == 0


async def test_frames_that_wait_for_others_are_taken_before_a_key_and_when_the_socket_closes() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        await phone.echo()
        (call,) = there.agency.calls
        call.patience = 100
        await phone.echo()
        phone.speak()
        phone.speak()
        phone.press("5")
        await until(lambda: DtmfReceived("5") in call.events)
        assert call.events[2:] == [MediaReceived(FRAME, 3), MediaReceived(FRAME, 4), DtmfReceived("5")]
        phone.speak()
        await until(lambda: len(call.events) == 6)
        phone.speak()
        phone.speak()
        await phone.hang_up()
        await until(call.ended.done)
        assert call.events[6:] == [MediaReceived(FRAME, 6), MediaReceived(FRAME, 7), StreamStopped("")]


async def test_an_agent_that_hangs_up_is_heard_to_the_end_and_then_the_socket_closes() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        phone.press("#")
        assert await phone.hear() == PlayMedia(b"goodbye!")
        assert await phone.end() == (1000, "")
        assert await there.metric('mediasrv_calls_total{cause="agent hung up"}') == 1
        assert there.agency.calls[0].events == [DtmfReceived("#")]


async def test_a_socket_that_closes_without_stop_ends_the_call() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        await phone.echo()
        phone.ears.websocket.abort()
        await until(lambda: there.agency.calls[0].ended.done())
        assert there.agency.calls[0].events[-1] == StreamStopped("connection closed")
        there.agency.calls[0].link.send(PlayMedia(FRAME))
        there.agency.calls[0].link.close()


async def test_a_call_that_does_not_notice_its_end_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "END_WITHIN_S", 0.05)
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        await phone.echo()
        there.agency.calls[0].ignores_the_end = True
        phone.write(phone.side.stop())
        assert await phone.end() == (1000, "")
        await until(lambda: there.agency.calls[0].was_cancelled)
        assert await there.metric('mediasrv_calls_total{cause="cancelled"}') == 1


async def test_a_call_that_fails_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as there:
        healthy, broken = await there.phone(), await there.phone()
        healthy.start("call-1")
        broken.start("call-2")
        broken.press("*")
        assert await broken.end() == (1000, "")
        await healthy.echo()
        assert "call failed" in caplog.text
        assert await there.metric('mediasrv_calls_total{cause="internal error"}') == 1


async def test_a_call_that_cannot_be_opened_is_closed_and_its_room_is_free(caplog: pytest.LogCaptureFixture) -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        there.agency.fails_to_open = True
        phone = await there.phone()
        phone.start()
        assert await phone.end() == (1011, "internal error")
        assert "call could not be opened" in caplog.text
        there.agency.fails_to_open = False
        phone = await there.phone()
        phone.start()
        await phone.echo()


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("not json", 1008, "the message is not JSON"),
        ("[1]", 1008, "the message is not a JSON object"),
        (b"\x00\x01", 1008, "the message is binary"),
        ('{"event":"media","media":{"payload":"AAAA"}}', 1008, "media came before start"),
        (start(mediaFormat={"encoding": "audio/opus"}), 1003, "the stream's encoding is not spoken here"),
        (
            start(mediaFormat={"encoding": "audio/x-l16", "sampleRate": 44100}),
            1003,
            "audio/x-l16;rate=44100 is not spoken here",
        ),
        ('{"event":"start","start":{}}', 1008, "start.callId is missing or not a text"),
        ("x" * 70_000, 1008, "the message is too long"),
    ],
)
async def test_a_broken_message_before_start_closes_with_one_line(message: str | bytes, code: int, reason: str) -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.write(message)
        assert await phone.end() == (code, reason)
        assert there.agency.calls == []
        assert there.service._calls._admission.occupied(0.0) == 0


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("not json", "the message is not JSON"),
        (b"\x00\x01", "the message is binary"),
        (start(), "start came twice"),
        ('{"event":"media","media":{"payload":"###"}}', "the payload is not base64"),
        ('{"event":"media","media":{"payload":""}}', "the payload is empty"),
        ('{"event":"media","streamId":"other","media":{"payload":"AAAA"}}', "media names another stream"),
        (json.dumps({"event": "media", "media": {"payload": "A" * 1_000_000}}), "the message is too long"),
    ],
)
async def test_a_broken_message_in_a_call_is_counted_and_skipped(message: str | bytes, kind: str) -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        for _ in range(3):
            phone.write(message)
        await phone.echo()
        assert await there.metric(f'mediasrv_remote_protocol_errors_total{{kind="{kind}"}}') == 3


async def test_half_a_sample_is_skipped_and_a_64_bit_sequence_number_is_not() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1", L16_8K)
        phone.write('{"event":"media","media":{"payload":"AAAA"}}')
        phone.write('{"event":"media","sequenceNumber":18446744073709551615,"media":{"payload":"AAA="}}')
        assert await phone.hear() == PlayMedia(b"\x00\x00")


async def test_a_message_beyond_reason_ends_the_socket_and_the_call() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        await phone.echo()
        phone.write("x" * 3_000_000)
        assert (await phone.end())[0] == 1009
        await until(lambda: there.agency.calls[0].ended.done())


async def test_unknown_events_are_skipped_and_counted() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        phone.write('{"event":"weather"}')
        await phone.echo()
        await phone.hang_up()
        assert await there.metric("mediasrv_unknown_events_total") == 1


async def test_a_socket_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "START_WITHIN_S", 0.2)
    async with stage() as there:
        phone = await there.phone()
        assert await phone.end() == (1008, "no start within 10 s")
        monkeypatch.setattr(media, "START_WITHIN_S", 0.6)
        late = await there.phone()
        late.start()
        await asyncio.sleep(0.7)
        await late.echo()


async def test_a_second_socket_for_a_live_call_is_refused_and_the_first_is_unhurt() -> None:
    async with stage() as there:
        first, second = await there.phone(), await there.phone()
        first.start("call-1")
        await first.echo()
        second.start("call-1")
        assert await second.end() == (1008, "the call has a stream already")
        await first.echo()
        assert len(there.agency.calls) == 1
        await first.hang_up()
        third = await there.phone()
        third.start("call-1")
        await third.echo()


async def test_a_call_whose_stream_is_over_does_not_keep_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as there:
        first = await there.phone()
        first.start("call-1")
        await first.echo()
        there.agency.calls[0].ignores_the_end = True
        first.ears.websocket.abort()
        await until(lambda: not there.service._calls.is_live("call-1"))
        again = await there.phone()
        again.start("call-1")
        await again.echo()
        there.agency.calls[0].ended.set_result("late")


async def test_an_unknown_agent_is_not_found() -> None:
    async with stage() as there:
        with pytest.raises(HandshakeError, match="404"):
            await there.phone(f"{STREAM}?agent=nobody")
        assert await there.metric('mediasrv_refused_total{reason="there is no such agent"}') == 1


@pytest.mark.parametrize("body", ["%25%25", "e30x", "bm90IGpzb24=", "WzFd"])
async def test_a_body_that_is_none_is_logged_and_left_out(body: str, caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as there:
        phone = await there.phone(f"{STREAM}?body={body}")
        phone.start()
        await phone.echo()
        assert there.agency.calls[0].details.body == {}
        assert "body parameter is left out" in caplog.text


async def test_a_query_without_end_is_refused() -> None:
    async with stage() as there:
        with pytest.raises(HandshakeError, match="400"):
            await there.phone(f"{STREAM}?{'a&' * 500}")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], None),
        (["chat"], "chat"),
        (["audio.drachtio.org"], "audio.drachtio.org"),
        (["chat", "audio.drachtio.org"], "audio.drachtio.org"),
        (["chat", "superchat"], None),
    ],
)
async def test_the_offered_subprotocol_is_echoed(offered: list[str], chosen: str | None) -> None:
    async with stage() as there:
        websocket = await connect(there.ws + STREAM, subprotocols=offered or None)
        assert websocket.subprotocol == chosen
        websocket.abort()


async def test_pings_are_answered_and_a_close_is_echoed() -> None:
    async with stage() as there, stranger(there.port) as peer:
        await peer.upgrade(STREAM)
        peer.writer.write(frame(PING, b"there?"))
        assert await peer.frame() == (PONG, b"there?")
        peer.writer.write(frame(CLOSE, close_payload(1001)))
        assert (await peer.close_frame())[0] == 1001
        assert await peer.rest() == b""


async def test_a_peer_that_stops_reading_is_cut_off_and_its_call_ends() -> None:
    async with stage() as there, stranger(there.port) as peer:
        await peer.upgrade(STREAM)
        peer.writer.write(frame(TEXT, start().encode()))
        await until(lambda: bool(there.agency.calls))
        (call,) = there.agency.calls
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sent = 0
        while not call.ended.done():
            for _ in range(100):
                call.link.send(PlayMedia(bytes(16_000)))
            sent += 100
            assert sent < 10_000, "the backlog has no bound"
            await asyncio.sleep(0)
        assert call.ended.result() == "caller hung up"


async def test_a_hundred_calls_at_once_hear_their_own_echo_and_no_other() -> None:
    async def converse(there: Stage, number: int) -> None:
        phone = await there.phone()
        phone.start(f"call-{number}")
        for turn in range(20):
            payload = bytes([number, turn]) * 80
            phone.speak(payload)
            assert await phone.hear() == PlayMedia(payload)
        await phone.hang_up()

    async with stage() as there:
        async with asyncio.timeout(4 * WAIT_S), asyncio.TaskGroup() as tasks:
            for number in range(100):
                tasks.create_task(converse(there, number))
        assert await there.metric('mediasrv_calls_total{cause="caller hung up"}') == 100
        assert await there.metric("mediasrv_live_calls") == 0


async def test_a_stream_that_names_its_callers_is_believed() -> None:
    async with stage() as there:
        await there.post("/plivo/answer", {"CallUUID": "call-1", "From": "919812345678", "To": "912212345678"})
        phone = await there.phone()
        phone.start("call-1", MULAW_8K)
        await phone.echo()
        details = there.agency.calls[0].details
        assert (details.from_number, details.to_number) == ("+919812345678", "+912212345678")
