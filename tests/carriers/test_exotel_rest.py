from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.exotel_rest import ExotelControl
from mediasrv.carriers.options import ExotelOptions
from mediasrv.errors import CarrierError, ConfigError
from tests.carriers.apis import FakeExotel, using


def order(query: str = "?agent=sales") -> CallOrder:
    return CallOrder(
        to_number="+919990001111",
        from_number="08040002222",
        answer_url=f"https://h.example/exotel/answer{query}",
        status_url="https://h.example/exotel/callback/status",
    )


def controlling(api: FakeExotel, **changes: Any) -> AbstractAsyncContextManager[ExotelControl]:
    account = {"account_sid": "acme", "api_key": "k", "api_token": "t", "stream_password": "p"} | changes
    return using(api, lambda url: ExotelControl(ExotelOptions(**account, api_url=url)))


async def test_a_call_is_placed_and_streams_to_us() -> None:
    api = FakeExotel()
    async with controlling(api) as control:
        placed = await control.place(order())
    assert placed == PlacedCall(request_id="live", call_id="live", to_number="+919990001111", state="in-progress")
    assert api.asked[0].given == {
        "From": "+919990001111",
        "CallerId": "08040002222",
        "StreamType": "bidirectional",
        "StreamUrl": "wss://exotel:p@h.example/exotel/stream?agent=sales&direction=outbound",
        "StatusCallback": "https://exotel:p@h.example/exotel/callback/status",
        "StatusCallbackContentType": "application/json",
        "StatusCallbackEvents[0]": "terminal",
        "StatusCallbackEvents[1]": "answered",
        "TimeLimit": "14400",
        "TimeOut": "45",
    }


async def test_without_proofs_the_addresses_hold_no_password() -> None:
    api = FakeExotel()
    async with controlling(api, verify_signatures=False) as control:
        await control.place(order(""))
    assert api.asked[0].given["StreamUrl"] == "wss://h.example/exotel/stream?direction=outbound"


@pytest.mark.parametrize("answer", [(500, {}), (200, {}), (200, {"Call": {"Sid": 7}}), (200, {"Call": "x"})])
async def test_a_call_of_which_nobody_knows_is_uncertain_and_asked_for_once(answer: tuple[int, Any]) -> None:
    api = FakeExotel()
    api.answers = [answer]
    async with controlling(api) as control:
        with pytest.raises(CarrierError) as caught:
            await control.place(order())
    assert caught.value.uncertain
    assert len(api.asked) == 1


async def test_an_address_that_is_too_long_is_not_tried() -> None:
    api = FakeExotel()
    async with controlling(api) as control:
        with pytest.raises(CarrierError, match="shorter body"):
            await control.place(order("?body=" + "x" * 600))
    assert api.asked == []


async def test_what_has_become_of_a_call_can_be_asked() -> None:
    async with controlling(FakeExotel()) as control:
        assert await control.state("live") == "completed"
        assert await control.state("gone/1") == ""


CANNOT: list[Callable[[ExotelControl], Awaitable[Any]]] = [
    lambda control: control.find("+919990001111", 0.0),
    lambda control: control.hang_up("live"),
    lambda control: control.redirect("live", "https://h"),
    lambda control: control.send_digits("live", "1"),
    lambda control: control.start_recording("live", RecordingOrder()),
    lambda control: control.stop_recording("live", "r"),
    lambda control: control.delete_recording("r"),
]


@pytest.mark.parametrize("work", CANNOT)
async def test_what_exotel_documents_nothing_of_is_refused(work: Callable[[ExotelControl], Awaitable[Any]]) -> None:
    async with controlling(FakeExotel()) as control:
        with pytest.raises(CarrierError, match="cannot"):
            await work(control)


@pytest.mark.parametrize("missing", ["account_sid", "api_key", "api_token"])
def test_an_account_is_needed(missing: str) -> None:
    account: dict[str, Any] = {"account_sid": "acme", "api_key": "k", "api_token": "t", missing: ""}
    with pytest.raises(ConfigError, match="account_sid"):
        ExotelControl(ExotelOptions(**account))
