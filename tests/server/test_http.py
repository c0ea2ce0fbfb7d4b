"""Webhooks and the server's own pages, over real sockets."""

from __future__ import annotations

import asyncio
from itertools import count
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from mediasrv.carriers.options import PlivoOptions
from mediasrv.net.websocket import HandshakeError
from mediasrv.server import http, webhooks
from mediasrv.server.options import ServerOptions
from mediasrv.wire.events import PlayMedia
from mediasrv.wire.signature import sign_v3
from tests.net.peers import stranger
from tests.patience import WAIT_S, until
from tests.server.stage import FRAME, STREAM, stage

ANSWER = "/plivo/answer"
STATUS = "/plivo/callback/status"
PUBLIC = "https://voice.example.in"
TOKEN = "test_token_0123456789"
NONCES = count(5429567804466091622)
FORM = {"CallUUID": "call-1", "From": "919812345678", "To": "912212345678", "Event": "StartApp"}


def stream_url(document: str) -> str:
    stream = ElementTree.fromstring(document).find("Stream")
    assert stream is not None, document
    return stream.text or ""


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_the_answer_sends_the_call_to_the_host_that_was_asked() -> None:
    async with stage() as there:
        status, document = await there.post(f"{ANSWER}?agent=sales+team&body=e30", FORM)
        assert status == 200
        url = stream_url(document)
        assert url.startswith(f"{there.ws}{STREAM}?")
        assert parse_qs(urlsplit(url).query) == {"call": ["call-1"], "agent": ["sales team"], "body": ["e30"]}
        phone = await there.phone(path_of(url))
        phone.start("call-1")
        await phone.echo()
        assert there.agency.calls[0].agent == "sales team"


async def test_the_agent_is_told_of_a_call_while_its_phone_rings() -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        await there.post(f"{ANSWER}?agent=sales+team", FORM)
        assert there.agency.prepared == ["sales team"]
        await there.post(ANSWER, {**FORM, "CallUUID": "call-2"})
        await there.post(ANSWER, {**FORM, "Event": "Hangup"})
        assert there.agency.prepared == ["sales team"]


async def test_the_answer_may_be_fetched_by_get() -> None:
    async with stage() as there:
        status, document = await there.get(f"{ANSWER}?agent=default&CallUUID=call-1&From=919812345678")
        assert status == 200
        assert parse_qs(urlsplit(stream_url(document)).query)["call"] == ["call-1"]


async def test_the_answer_is_xml_and_shows_itself_to_the_curious() -> None:
    async with stage() as there, there.session.get(there.http + ANSWER) as response:
        assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
        assert stream_url(await response.text()) == f"{there.ws}{STREAM}"


async def test_behind_a_tunnel_the_stream_is_encrypted_as_the_request_was() -> None:
    async with stage() as there:
        headers = {"Host": "abc.tunnel.example", "X-Forwarded-Proto": "https"}
        _, document = await there.post(ANSWER, FORM, headers)
        assert stream_url(document).startswith("wss://abc.tunnel.example/plivo/stream?")


async def test_the_public_url_wins_over_what_the_request_says() -> None:
    async with stage(ServerOptions(port=0, public_url=PUBLIC)) as there:
        _, document = await there.post(ANSWER, FORM, {"Host": "evil.example", "X-Forwarded-Proto": "http"})
        assert stream_url(document).startswith("wss://voice.example.in/plivo/stream?")


async def test_a_request_that_names_no_host_cannot_be_answered() -> None:
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(b"GET /plivo/answer HTTP/1.0\r\n\r\n")
        assert " 400 " in await peer.head()
        assert await peer.rest() == b"the request names no host\n"


async def test_an_unknown_agent_is_not_found() -> None:
    async with stage() as there:
        assert await there.post(f"{ANSWER}?agent=nobody", FORM) == (404, "there is no such agent\n")


@pytest.mark.parametrize("fields", [{"Event": "Hangup"}, {"Event": "", "CallStatus": "completed"}])
async def test_the_answer_fetched_again_at_the_end_opens_no_second_stream(fields: dict[str, str]) -> None:
    async with stage() as there:
        await there.post(ANSWER, FORM)
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        status, document = await there.post(ANSWER, {**FORM, **fields})
        assert status == 200
        assert list(ElementTree.fromstring(document)) == []
        assert (await phone.end())[0] == 1000
        assert there.agency.calls[0].ended.result() == "caller hung up"


async def test_a_full_house_says_so_and_a_caller_who_was_sent_in_is_let_in() -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        _, document = await there.post(ANSWER, FORM)
        status, busy = await there.post(ANSWER, {**FORM, "CallUUID": "call-2"})
        assert status == 200
        assert [element.tag for element in ElementTree.fromstring(busy)] == ["Speak", "Hangup"]
        assert await there.get("/readyz") == (503, "full\n")
        with pytest.raises(HandshakeError, match="503"):
            await there.phone()
        phone = await there.phone(path_of(stream_url(document)))
        phone.start("call-1")
        await phone.echo()
        assert await there.get("/readyz") == (503, "full\n")
        _, again = await there.post(ANSWER, FORM)
        assert stream_url(again)
        await phone.hang_up()
        await until(lambda: not there.service._calls.refusal)
        assert await there.get("/readyz") == (200, "ready\n")
        assert await there.metric('mediasrv_refused_total{reason="full"}') == 2


async def test_a_socket_that_failed_leaves_the_callers_room_for_the_next_try() -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        path = path_of(stream_url((await there.post(ANSWER, FORM))[1]))
        broken = await there.phone(path)
        broken.ears.websocket.abort()
        await broken.end()
        with pytest.raises(HandshakeError, match="503"):
            await there.phone()
        phone = await there.phone(path)
        phone.start("call-1")
        await phone.echo()


async def test_a_caller_who_hung_up_before_the_stream_frees_his_room() -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        await there.post(ANSWER, FORM)
        assert await there.post(STATUS, {"CallUUID": "call-1", "Event": "Hangup"}) == (200, "ok\n")
        assert await there.get("/readyz") == (200, "ready\n")


async def test_a_hangup_ends_a_call_whose_socket_hangs_open() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        await there.post(STATUS, {"CallUUID": "another", "Event": "Hangup"})
        await phone.echo()
        await there.post(STATUS, {"CallUUID": "call-1", "Event": "Hangup", "HangupCause": "NORMAL_CLEARING"})
        assert (await phone.end())[0] == 1000
        await there.post(STATUS, {"CallUUID": "call-1", "Event": "Hangup"})
        assert await there.metric('mediasrv_callbacks_total{event="Hangup"}') == 3


@pytest.mark.parametrize("event", ["StopStream", "stopped", "DroppedStream", "failed"])
async def test_a_stream_status_ends_its_own_stream_and_no_other(event: str) -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        await there.post(STATUS, {"CallUUID": "call-1", "StreamID": "an earlier one", "Event": event})
        await phone.echo()
        await there.post(STATUS, {"CallUUID": "call-1", "StreamID": "stream of call-1", "Event": event})
        assert (await phone.end())[0] == 1000


@pytest.mark.parametrize("event", ["Ring", "StartStream", "started", "DegradedStream", ""])
async def test_other_news_of_a_call_is_noted(event: str) -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1")
        form = {"CallUUID": "call-1", "StreamID": "stream of call-1", "Event": event, "CallStatus": "in-progress"}
        assert await there.post(STATUS, form) == (200, "ok\n")
        await phone.echo()
        assert await there.metric(f'mediasrv_callbacks_total{{event="{event or "none"}"}}') == 1


def signed(method: str, url: str, form: dict[str, str] | None = None) -> dict[str, str]:
    nonce = str(next(NONCES))
    return {
        "X-Plivo-Signature-V3": f"c3RhbGU=, {sign_v3(TOKEN, method, url, nonce, form)}",
        "X-Plivo-Signature-Ma-V3": "bWFpbg==",
        "X-Plivo-Signature-V3-Nonce": nonce,
    }


async def test_a_signed_call_comes_through_and_an_unsigned_one_does_not() -> None:
    options = ServerOptions(port=0, public_url=PUBLIC)
    async with stage(options, PlivoOptions(auth_token=TOKEN)) as there:
        target = f"{ANSWER}?agent=default"
        status, document = await there.post(target, FORM, signed("POST", PUBLIC + target, FORM))
        assert status == 200
        url = stream_url(document)
        for headers in ({}, signed("GET", url + "x"), signed("GET", f"{PUBLIC}{STREAM}")):
            with pytest.raises(HandshakeError, match="403"):
                await there.phone(path_of(url), headers)
        for scheme in ("wss", "https"):
            phone = await there.phone(path_of(url), signed("GET", url.replace("wss", scheme)))
            phone.start("call-1")
            await phone.echo()
            await phone.hang_up()
        main = {"X-Plivo-Signature-Ma-V3": sign_v3(TOKEN, "GET", url, "n"), "X-Plivo-Signature-V3-Nonce": "n"}
        impostor = await there.phone(path_of(url), main)
        impostor.start("call-2")
        assert await impostor.end() == (1008, "the token is for another call")


async def test_a_signature_without_a_token_opens_no_stream() -> None:
    async with stage(ServerOptions(port=0, public_url=PUBLIC), PlivoOptions(auth_token=TOKEN)) as there:
        for target in (STREAM, f"{STREAM}?call=call-1", f"{STREAM}?call=call-1&token=9999999999.x"):
            with pytest.raises(HandshakeError, match="403"):
                await there.phone(target, signed("GET", f"wss://voice.example.in{target}"))


async def test_unsigned_webhooks_are_forbidden_without_detail() -> None:
    async with stage(ServerOptions(port=0, public_url=PUBLIC), PlivoOptions(auth_token=TOKEN)) as there:
        for path in (ANSWER, STATUS):
            assert await there.post(path, FORM) == (403, "forbidden\n")
            assert await there.post(path, {**FORM, "x": "y"}, signed("POST", PUBLIC + path, FORM)) == (
                403,
                "forbidden\n",
            )
        assert await there.get(ANSWER) == (403, "forbidden\n")
        target = f"{ANSWER}?CallUUID=call-1"
        assert (await there.get(target, signed("GET", PUBLIC + target)))[0] == 200
        assert await there.post(STATUS, FORM, signed("POST", PUBLIC + STATUS, FORM)) == (200, "ok\n")


async def test_without_a_public_url_the_host_is_what_was_signed() -> None:
    async with stage(plivo=PlivoOptions(auth_token=TOKEN)) as there:
        headers = signed("POST", f"https://abc.tunnel.example{ANSWER}", FORM)
        assert (await there.post(ANSWER, FORM, {**headers, "Host": "abc.tunnel.example"}))[0] == 200


async def test_bodies_are_bounded_and_must_be_forms() -> None:
    async with stage() as there:
        status, text = await there.post(ANSWER, {"CallUUID": "x" * 70_000})
        assert (status, text.count("\n")) == (413, 0)
        async with there.session.post(there.http + STATUS, json={"CallUUID": "call-1"}) as response:
            assert (response.status, (await response.text()).count("\n")) == (415, 1)
        assert await there.post(ANSWER, {f"field {number}": "x" for number in range(300)}) == (
            400,
            "there are too many fields\n",
        )
        async with there.session.post(there.http + STATUS, data=b"\xff=\xfe") as response:
            assert response.status == 200


async def test_a_body_that_does_not_come_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "BODY_WITHIN_S", 0.05)
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(b"POST /plivo/answer HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nCall")
        assert " 408 " in await peer.head()


@pytest.mark.parametrize(
    "broken",
    [
        b"POST /plivo/answer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /plivo/answer HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_aiohttp_cannot_parse_is_a_bad_request_in_one_line(
    broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as there:
        async with stranger(there.port) as peer:
            peer.writer.write(broken)
            assert " 400 " in await peer.head()
            assert await peer.rest() == b"the request cannot be read\n"
        assert (await there.get("/healthz"))[0] == 200
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_body_that_breaks_off_while_it_is_read_is_a_bad_request() -> None:
    # aiohttp's parser in C lets the reader wait; the one in Python tells him.
    async def read(request: web.Request) -> web.StreamResponse:
        raise web.RequestPayloadError

    response = await http._last_door(make_mocked_request("POST", ANSWER), read)
    assert isinstance(response, web.Response)
    assert (response.status, response.text) == (400, "the request's body is broken\n")


async def test_a_caller_who_leaves_in_the_middle_of_his_request_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as there:
        async with stranger(there.port) as peer:
            peer.writer.write(b"POST /plivo/answer HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nCall")
            await there.get("/healthz")
        await there.get("/healthz")
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_bug_of_ours_is_logged_and_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as there:

        def fail() -> bytes:
            raise ZeroDivisionError

        monkeypatch.setattr(there.service.metrics, "rendered", fail)
        assert await there.get("/metrics") == (500, "internal error\n")
        assert "ZeroDivisionError" in caplog.text


async def test_the_pages_of_the_server_itself() -> None:
    async with stage() as there:
        assert await there.get("/healthz") == (200, "alive\n")
        assert await there.get("/readyz") == (200, "ready\n")
        status, text = await there.get("/metrics")
        assert status == 200
        assert "mediasrv_live_calls 0.0" in text.splitlines()
        assert (await there.get("/nowhere"))[0] == 404
        assert (await there.post("/healthz"))[0] == 405
        assert (await there.get(STATUS))[0] == 405


async def test_the_loops_lag_is_measured() -> None:
    async with stage() as there:
        async with asyncio.timeout(WAIT_S):
            while not await there.metric("mediasrv_loop_lag_seconds_count"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_numbers_of_the_webhook_reach_the_call_though_its_socket_names_no_call() -> None:
    async with stage() as there:
        await there.post(ANSWER, FORM)
        phone = await there.phone()
        phone.start("call-1")
        phone.speak()
        assert await phone.hear() == PlayMedia(FRAME)
        details = there.agency.calls[0].details
        assert (details.from_number, details.to_number) == ("+919812345678", "+912212345678")


@pytest.mark.parametrize(
    ("fields", "query", "direction"),
    [
        ({"Direction": "outbound"}, "", "outbound"),
        ({"Direction": "inbound"}, "", "inbound"),
        ({"Direction": "inbound"}, "?direction=outbound", "inbound"),
        ({}, "?direction=outbound", "outbound"),
        ({}, "?direction=sideways", "inbound"),
        ({}, "", "inbound"),
    ],
)
async def test_who_has_called_is_told_to_the_call(fields: dict[str, str], query: str, direction: str) -> None:
    async with stage() as there:
        await there.post(ANSWER, FORM | fields)
        phone = await there.phone(f"{STREAM}{query}")
        phone.start("call-1")
        phone.speak()
        assert await phone.hear() == PlayMedia(FRAME)
        assert there.agency.calls[0].details.direction == direction
