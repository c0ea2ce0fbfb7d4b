"""What operators ask over HTTP, and what they are told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mediasrv.carriers.base import RecordingOrder
from mediasrv.errors import CarrierError
from mediasrv.outbound.request import DialRefused, DialRequest
from mediasrv.server.api import desk as desks
from mediasrv.server.api.document import document
from mediasrv.wire.events import Mark, PlayMedia
from tests.patience import WAIT_S
from tests.records.stage import converse
from tests.server.api.stage import CALLER, TOKEN, serving
from tests.server.stage import Phone


class Control:
    """A carrier's REST API that does as it is told, or not."""

    name = "plivo"

    def __init__(self, failure: CarrierError | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.failure = failure

    async def start_recording(self, call_id: str, order: RecordingOrder) -> str:
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        self.asked.append(("record", call_id, order.callback_url))
        return "recording-1"

    async def hang_up(self, call_id: str) -> None:
        self.asked.append(("hang up", call_id))

    async def redirect(self, call_id: str, document_url: str) -> None:
        self.asked.append(("redirect", call_id))

    async def aclose(self) -> None:
        self.asked.append(("close",))


class Dialer:
    """Takes orders, or refuses them."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.orders: list[DialRequest] = []
        self._refusal = refusal

    async def dial(self, request: DialRequest) -> str:
        if self._refusal:
            raise self._refusal
        self.orders.append(request)
        return f"order-{len(self.orders)}"


async def listen(phone: Phone) -> None:
    """Have heard whatever the bot says."""
    while True:
        if isinstance(message := await phone.hear(), Mark):
            phone.write(phone.side.played(message.name))


async def test_calls_are_listed_while_they_are_live_and_when_they_are_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        assert await stage.answer("GET", "/calls") == (200, {"calls": [], "next": None})
        phone = await stage.ring()
        status, answer = await stage.answer("GET", "/calls?live=true")
        (call,) = answer["calls"]
        assert (status, call["id"], call["from_number"], call["ended"]) == (200, "call-1", CALLER, None)
        await phone.hang_up()
        await stage.is_over()
        _, over = await stage.answer("GET", "/calls/call-1")
        assert (over["cause"], over["direction"], over["legs"][0]["party"]) == ("caller hung up", "inbound", "default")
        assert (await stage.answer("GET", "/calls?live=true"))[1]["calls"] == []


async def test_pages_follow_one_another(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        assert stage.records is not None
        for number in range(5):
            converse(stage.records, f"call-{number}")
        await stage.records.database.flush()
        seen, after = [], ""
        while True:
            _, page = await stage.answer("GET", f"/calls?most=2{after}")
            seen.append([call["id"] for call in page["calls"]])
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
    assert seen == [["call-4", "call-3"], ["call-2", "call-1"], ["call-0"]]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("number=%2B91 98123 45678", 2),
        ("number=%2B911111111", 0),
        ("text=8123", 2),
        ("text=CALL-1", 1),
        ("text=nothing", 0),
        ("agent=default", 2),
        ("agent=other", 0),
        ("direction=outbound", 0),
        ("live=true", 2),
        ("live=false", 0),
        ("since=2020-01-01", 2),
        ("until=2020-01-01T00:00:00Z", 0),
        ("most=1", 1),
        ("after=call-2", 1),
        ("after=nobody", 0),
    ],
)
@pytest.mark.parametrize("keeps", [True, False], ids=["with records", "without"])
async def test_live_calls_are_found_with_records_and_without(
    tmp_path: Path, query: str, count: int, keeps: bool
) -> None:
    async with serving(tmp_path if keeps else None) as stage:
        await stage.ring("call-1")
        await stage.ring("call-2")
        status, answer = await stage.answer("GET", f"/calls?{query}")
        assert (status, len(answer["calls"])) == (200, count)


async def test_without_records_a_live_call_is_shown_and_forgotten_when_it_is_over() -> None:
    async with serving(None) as stage:
        phone = await stage.ring()
        status, call = await stage.answer("GET", "/calls/call-1")
        assert (status, call["transcript"], call["cause"]) == (200, [], None)
        await phone.hang_up()
        await stage.is_over()
        assert await stage.answer("GET", "/calls/call-1") == (404, "no_such_call")


@pytest.mark.parametrize(
    "query",
    ["most=0", "most=x", "most=1000", "color=red", "live=1", "live=true&live=true", "since=soon", "number=12",
     "agent=%00", "since=9999999999999"],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_a_bad_query(tmp_path: Path, query: str) -> None:
    async with serving(tmp_path) as stage:
        assert await stage.answer("GET", f"/calls?{query}") == (400, "bad_query")


async def test_the_bot_says_what_an_operator_wants(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        phone = await stage.ring()
        assert isinstance(await phone.hear(), PlayMedia)
        assert await stage.answer("POST", "/calls/call-1/say", {"text": "Please hold the line."}) == (
            202,
            {"id": "call-1"},
        )
        assert stage.records is not None
        words: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while "Please hold the line." not in words:
                if isinstance(message := await phone.hear(), Mark):
                    phone.write(phone.side.played(message.name))
                    await stage.records.database.flush()
                    _, call = await stage.answer("GET", "/calls/call-1")
                    words = [each["text"] for each in call["transcript"]]
        assert words == ["Good day.", "Please hold the line."]


async def test_keys_are_pressed_toward_the_far_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        phone = await stage.ring()
        assert await stage.answer("POST", "/calls/call-1/dtmf", {"digits": "12#"}) == (202, {"id": "call-1"})
        async with asyncio.timeout(WAIT_S):
            while "sendDTMF" not in str(message := await phone.ears.message()):
                continue
        assert "12#" in str(message)


async def test_a_call_is_hung_up(tmp_path: Path) -> None:
    control = Control()
    async with serving(tmp_path, controls={"plivo": control}) as stage:
        await stage.ring()
        assert await stage.answer("DELETE", "/calls/call-1") == (202, {"id": "call-1"})
        await stage.is_over()
        _, call = await stage.answer("GET", "/calls/call-1")
        assert (call["cause"], control.asked) == ("operator hung up", [])
        # It may be ringing, or be with somebody else: the carrier knows.
        assert await stage.answer("DELETE", "/calls/call-9") == (202, {"id": "call-9"})
        assert control.asked == [("hang up", "call-9")]


async def test_the_carrier_records_where_it_can_and_we_where_it_cannot(tmp_path: Path) -> None:
    control = Control()
    async with serving(tmp_path, controls={"plivo": control}, public_url="https://voice.example.in") as stage:
        await stage.ring()
        assert await stage.answer("POST", "/calls/call-1/record") == (202, {"id": "call-1", "recording": "recording-1"})
        assert control.asked == [("record", "call-1", "https://voice.example.in/plivo/callback/details")]
        assert await stage.answer("POST", "/calls/call-1/record", {"by": "server"}) == (409, "impossible")
        form = {"CallUUID": "call-1", "RecordingID": "recording-1", "RecordUrl": "https://media.example/1.wav"}
        await stage.post("/plivo/callback/details", form)
        assert stage.records is not None
        await stage.records.database.flush()
        _, call = await stage.answer("GET", "/calls/call-1")
        assert [(each["maker"], each["place"]) for each in call["recordings"]] == [
            ("carrier", "https://media.example/1.wav")
        ]
    async with serving(tmp_path) as stage:
        await stage.ring("call-2")
        assert await stage.answer("POST", "/calls/call-2/record", {"by": "carrier"}) == (503, "no_carrier_api")
        assert await stage.answer("POST", "/calls/call-2/record", {}) == (409, "impossible")


async def test_a_call_is_recorded_once_however_often_that_is_asked_for(tmp_path: Path) -> None:
    control = Control(CarrierError("does not answer", carrier="plivo", uncertain=True))
    async with serving(tmp_path, controls={"plivo": control}) as stage:
        phone = await stage.ring()
        assert await stage.answer("POST", "/calls/call-1/record") == (502, "carrier")
        control.failure = None
        asked = [stage.answer("POST", "/calls/call-1/record") for _ in range(3)]
        answers = [*await asyncio.gather(*asked), await stage.answer("POST", "/calls/call-1/record")]
        assert answers == [(202, {"id": "call-1", "recording": "recording-1"})] * 4
        assert len(control.asked) == 1
        await phone.hang_up()
        await stage.is_over("call-1")
        await stage.ring("call-2")
        await stage.answer("POST", "/calls/call-2/record")
        assert [asked[:2] for asked in control.asked] == [("record", "call-1"), ("record", "call-2")]


async def test_what_the_carrier_refuses_is_its_fault(tmp_path: Path) -> None:
    control = Control(CarrierError("404 not found", carrier="plivo"))
    async with serving(tmp_path, controls={"plivo": control}) as stage:
        await stage.ring()
        assert await stage.answer("POST", "/calls/call-1/record", {}) == (502, "carrier")


async def test_a_transfer_needs_somebody_to_go_to_and_the_carriers_help(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        await stage.ring()
        assert await stage.answer("POST", "/calls/call-1/transfer", {"to": "Mr Smith"}) == (422, "number")
        assert await stage.answer("POST", "/calls/call-1/transfer", {"to": "+912266005678"}) == (503, "no_carrier_api")


async def test_a_caller_is_handed_over_and_the_leg_stands_in_the_record(tmp_path: Path) -> None:
    control = Control()
    async with serving(tmp_path, controls={"plivo": control}) as stage:
        phone = await stage.ring()
        listening = asyncio.create_task(listen(phone))
        assert await stage.answer("POST", "/calls/call-1/transfer", {"to": "+91 2266 005678"}) == (
            202,
            {"id": "call-1"},
        )
        await stage.is_over()
        listening.cancel()
        _, call = await stage.answer("GET", "/calls/call-1")
    assert call["cause"] == "transferred"
    assert {leg["kind"]: (leg["party"], leg["cause"]) for leg in call["legs"]} == {
        "agent": ("default", "transferred"),
        "transfer": ("+912266005678", "connected"),
    }


async def test_a_call_is_ordered(tmp_path: Path) -> None:
    dialer = Dialer()
    body = {"to_number": CALLER, "agent": "default", "body": {"order": 7}, "purpose": "service"}
    async with serving(tmp_path) as stage:
        assert await stage.answer("POST", "/calls", body) == (503, "no_dialer")
    async with serving(tmp_path, dialer=dialer) as stage:
        assert await stage.answer("POST", "/calls", body) == (202, {"order": "order-1"})
    assert dialer.orders == [DialRequest(number=CALLER, agent="default", body={"order": 7}, purpose="service")]


async def test_an_order_that_a_rule_forbids_says_which(tmp_path: Path) -> None:
    dialer = Dialer(DialRefused("calling window", "it is not between 09:00 and 21:00"))
    async with serving(tmp_path, dialer=dialer) as stage:
        status, answer, _ = await stage.ask("POST", "/calls", {"to_number": CALLER})
        assert (status, answer) == (
            422,
            {"error": {"code": "calling_window", "message": "it is not between 09:00 and 21:00"}},
        )


@pytest.mark.parametrize("operation", ["say", "dtmf", "transfer", "record"])
async def test_nothing_is_done_with_a_call_that_is_over_or_never_was(tmp_path: Path, operation: str) -> None:
    bodies = {"say": {"text": "hello"}, "dtmf": {"digits": "1"}, "transfer": {"to": CALLER}, "record": {}}
    async with serving(tmp_path) as stage:
        phone = await stage.ring()
        await phone.hang_up()
        await stage.is_over()
        assert await stage.answer("POST", f"/calls/call-1/{operation}", bodies[operation]) == (409, "call_is_over")
        assert await stage.answer("POST", f"/calls/call-2/{operation}", bodies[operation]) == (404, "no_such_call")


async def test_an_end_that_has_come_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        phone = await stage.ring()
        await phone.hang_up()
        await stage.is_over()
        assert await stage.answer("DELETE", "/calls/call-1") == (409, "call_is_over")
        assert await stage.answer("DELETE", "/calls/call-2") == (404, "no_such_call")


@pytest.mark.parametrize(
    ("data", "headers", "fault"),
    [
        (b'{"text": ', {}, (400, "bad_json")),
        (b"\xff", {}, (400, "bad_json")),
        (b"", {}, (422, "bad_body")),
        (b"[]", {}, (422, "bad_body")),
        (b'{"text": ""}', {}, (422, "bad_body")),
        (b'{"text": "a", "b": 1}', {}, (422, "bad_body")),
        (b'{"text": "a"}', {"Content_Type": "text/plain"}, (415, "no_json")),
        (b" " * 70_000, {}, (413, "large_body")),
    ],
)
async def test_a_body_that_is_none_is_refused(
    tmp_path: Path, data: bytes, headers: dict[str, str], fault: tuple[int, str]
) -> None:
    async with serving(tmp_path) as stage:
        await stage.ring()
        assert await stage.answer("POST", "/calls/call-1/say", data=data, **headers) == fault


async def test_a_body_that_does_not_come_is_waited_for_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "BODY_WITHIN_S", 0.05)
    async with serving(tmp_path) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        head = f"POST /calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 10\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(WAIT_S):
            assert (await reader.readline()).split()[1] == b"408"
        writer.close()


async def test_who_has_no_token_learns_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        await stage.ring()
        for method, path in (("GET", "/calls"), ("GET", "/calls/call-1"), ("DELETE", "/calls/call-1")):
            assert await stage.answer(method, path, token="") == (401, "unauthorized")
        assert [(await stage.answer("GET", "/calls", token="wrong"))[0] for _ in range(7)] == [401] * 6 + [429]
        assert "call-1" in stage.board.entries
    async with serving(tmp_path, token="") as stage:
        assert await stage.answer("GET", "/calls") == (403, "closed")


async def test_the_document_is_served_to_everybody(tmp_path: Path) -> None:
    async with serving(tmp_path, token="") as stage:
        status, answer, _ = await stage.ask("GET", "/openapi.json", token="")
    assert status == 200
    assert answer == document(answer["info"]["version"])


async def test_what_is_not_served_is_said_in_json(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        for method, path in (("PUT", "/calls"), ("POST", "/calls/call-1/sing"), ("PATCH", "/calls/call-1")):
            assert await stage.answer(method, path) == (404, "no_such_operation")
        assert await stage.answer("GET", f"/calls/{'x' * 501}") == (404, "no_such_call")
        assert await stage.answer("GET", "/calls/%00") == (404, "no_such_call")


async def test_records_that_cannot_be_read_are_no_internal_error(tmp_path: Path) -> None:
    (tmp_path / "records.db").mkdir()
    async with serving(tmp_path) as stage:
        assert await stage.answer("GET", "/calls") == (503, "no_records")
        assert await stage.metric("mediasrv_records_troubled") == 1
        assert await stage.metric("mediasrv_records_lost") == 0


async def test_an_error_of_ours_is_told_without_a_stack(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(tmp_path, dialer=Dialer(ZeroDivisionError("secret of the house"))) as stage:
        status, answer, _ = await stage.ask("POST", "/calls", {"to_number": CALLER})
    assert (status, answer) == (500, {"error": {"code": "internal_error", "message": "internal error"}})
    assert "secret of the house" in caplog.text


async def test_neither_numbers_nor_words_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with serving(tmp_path) as stage:
        phone = await stage.ring()
        await stage.answer("POST", "/calls/call-1/say", {"text": "The password is swordfish."})
        await stage.answer("POST", "/calls/call-1/dtmf", {"digits": "48151623"})
        await stage.answer("POST", "/calls/call-1/transfer", {"to": "+912266005678"})
        await stage.answer("GET", f"/calls?number=%2B{CALLER[1:]}")
        await phone.hang_up()
        await stage.is_over()
    told = str([vars(record) for record in caplog.records])
    assert "call ended" in told
    for secret in (CALLER[1:], "swordfish", "48151623", "2266005678", "Good day", TOKEN):
        assert secret not in told
