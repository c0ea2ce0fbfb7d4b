from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.rest import basic_auth
from mediasrv.carriers.twilio_rest import TwilioControl
from mediasrv.errors import CarrierError, ConfigError
from tests.carriers.apis import FakeTwilio, using

CALLS = "/2010-04-01/Accounts/AC1/Calls"
ORDER = CallOrder(
    to_number="+15550002", from_number="+15550001", answer_url="https://h/twilio/answer", status_url="https://h/s"
)


def controlling(api: FakeTwilio) -> AbstractAsyncContextManager[TwilioControl]:
    return using(api, lambda url: TwilioControl(TwilioOptions(account_sid="AC1", auth_token="secret", api_url=url)))


@pytest.mark.parametrize(
    ("machine_url", "more"),
    [
        ("", {}),
        ("https://h/m", {"MachineDetection": "Enable", "AsyncAmd": "true", "AsyncAmdStatusCallback": "https://h/m"}),
    ],
)
async def test_a_call_is_placed_with_all_it_needs(machine_url: str, more: dict[str, str]) -> None:
    api = FakeTwilio()
    async with controlling(api) as control:
        order = CallOrder(
            to_number="+15550002",
            from_number="+15550001",
            answer_url="https://h/twilio/answer",
            status_url="https://h/s",
            machine_url=machine_url,
        )
        placed = await control.place(order)
    assert placed == PlacedCall(request_id="live", call_id="live", to_number="+15550002", state="queued")
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", f"{CALLS}.json")
    assert asked.auth == basic_auth("AC1", "secret")["Authorization"]
    assert asked.given == {
        "To": "+15550002",
        "From": "+15550001",
        "Url": "https://h/twilio/answer",
        "StatusCallback": "https://h/s",
        "StatusCallbackEvent": "ringing,completed",
        "Timeout": "45",
        "TimeLimit": "14400",
        **more,
    }


@pytest.mark.parametrize("answer", [(500, {}), (201, {}), (201, {"sid": 7})])
async def test_a_call_of_which_nobody_knows_is_uncertain_and_asked_for_once(answer: tuple[int, Any]) -> None:
    api = FakeTwilio()
    api.answers = [answer]
    async with controlling(api) as control:
        with pytest.raises(CarrierError) as caught:
            await control.place(ORDER)
    assert caught.value.uncertain
    assert len(api.asked) == 1


async def test_calls_are_found_by_number_and_time() -> None:
    api = FakeTwilio()
    async with controlling(api) as control:
        found = await control.find("+15550002", datetime(2026, 11, 21, 9, tzinfo=UTC).timestamp())
    assert [(call.call_id, call.state) for call in found] == [("new", "busy"), ("odd", "queued")]
    assert api.asked[0].given == {"To": "+15550002", "StartTime>": "2026-11-21", "PageSize": "50"}


async def test_a_call_is_ended_and_one_that_is_over_is_no_error() -> None:
    api = FakeTwilio()
    async with controlling(api) as control:
        await control.hang_up("live")
        await control.hang_up("gone/1")
        api.answers = [(400, {"code": 21220})]
        await control.hang_up("over")
        api.answers = [(400, {"code": 1})]
        with pytest.raises(CarrierError, match="HTTP 400"):
            await control.hang_up("live")
    assert [asked.path for asked in api.asked][:2] == [f"{CALLS}/live.json", f"{CALLS}/gone%2F1.json"]
    assert api.asked[0].given == {"Status": "completed"}


async def test_a_call_is_led_to_another_document() -> None:
    api = FakeTwilio()
    async with controlling(api) as control:
        await control.redirect("live", "https://h/next")
        assert api.asked[0].given == {"Url": "https://h/next", "Method": "POST"}
        with pytest.raises(CarrierError, match="HTTP 404"):
            await control.redirect("gone", "https://h/next")


async def test_keys_are_not_pressed_while_a_stream_is_open() -> None:
    async with controlling(FakeTwilio()) as control:
        with pytest.raises(CarrierError, match="takes no keys"):
            await control.send_digits("live", "1")


async def test_a_recording_begins_and_ends() -> None:
    api = FakeTwilio()
    async with controlling(api) as control:
        assert await control.start_recording("live", RecordingOrder(callback_url="https://h/r")) == "RE1"
        assert await control.start_recording("live", RecordingOrder(is_stereo=False)) == "RE1"
        await control.stop_recording("live", "RE1")
        await control.stop_recording("live", "")
        await control.stop_recording("gone", "RE1")
    assert [asked.given for asked in api.asked] == [
        {"RecordingChannels": "dual", "RecordingStatusCallback": "https://h/r"},
        {"RecordingChannels": "mono"},
        *[{"Status": "stopped"}] * 3,
    ]
    assert api.asked[3].path == f"{CALLS}/live/Recordings/Twilio.CURRENT.json"


async def test_a_recording_is_deleted_and_one_that_is_gone_is_no_error() -> None:
    api = FakeTwilio()
    async with controlling(api) as control:
        await control.delete_recording("RE1")
        api.answers = [(204, None)]
        await control.delete_recording("RE2")
    path = "/2010-04-01/Accounts/AC1/Recordings"
    assert api.commands == [("DELETE", f"{path}/RE1.json"), ("DELETE", f"{path}/RE2.json")]


@pytest.mark.parametrize("options", [TwilioOptions(), TwilioOptions(account_sid="AC1"), TwilioOptions(auth_token="t")])
def test_an_account_is_needed(options: TwilioOptions) -> None:
    with pytest.raises(ConfigError, match="account_sid"):
        TwilioControl(options)
