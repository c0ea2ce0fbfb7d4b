from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from mediasrv.carriers.base import CallOrder, PlacedCall, RecordingOrder
from mediasrv.carriers.options import TelnyxOptions
from mediasrv.carriers.telnyx_rest import TelnyxControl, client_state
from mediasrv.errors import CarrierError, ConfigError
from tests.carriers.apis import FakeTelnyx, using

ORDER = CallOrder(
    to_number="+15550002",
    from_number="+15550001",
    answer_url="https://h/telnyx/webhook?agent=sales",
    status_url="https://h/telnyx/webhook",
    machine_url="https://h/telnyx/webhook",
)
Work = Callable[[TelnyxControl, str], Awaitable[Any]]


def controlling(api: FakeTelnyx, **changes: Any) -> AbstractAsyncContextManager[TelnyxControl]:
    options = {"api_key": "KEY", "connection_id": "app"} | changes
    return using(api, lambda url: TelnyxControl(TelnyxOptions(**options, api_url=url)))


async def test_a_call_is_placed_with_all_it_needs() -> None:
    api = FakeTelnyx()
    async with controlling(api) as control:
        placed = await control.place(ORDER)
        assert placed == PlacedCall(request_id="live", call_id="live", to_number="+15550002", state="queued")
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.auth) == ("POST", "/v2/calls", "Bearer KEY")
    assert asked.given["command_id"]
    assert {name: value for name, value in asked.given.items() if name != "command_id"} == {
        "connection_id": "app",
        "to": "+15550002",
        "from": "+15550001",
        "webhook_url": "https://h/telnyx/webhook?agent=sales",
        "webhook_url_method": "POST",
        "timeout_secs": 45,
        "time_limit_secs": 14_400,
        "answering_machine_detection": "detect",
        "client_state": client_state("", "", "outbound"),
    }


@pytest.mark.parametrize("answer", [(500, {}), (200, {}), (200, {"data": {"call_control_id": 7}})])
async def test_a_call_of_which_nobody_knows_is_uncertain_and_asked_for_once(answer: tuple[int, Any]) -> None:
    api = FakeTelnyx()
    api.answers = [answer]
    async with controlling(api) as control:
        with pytest.raises(CarrierError) as caught:
            await control.place(ORDER)
    assert caught.value.uncertain
    assert len(api.asked) == 1


async def test_live_calls_are_found_by_their_number() -> None:
    async with controlling(FakeTelnyx()) as control:
        assert [call.call_id for call in await control.find("+15550002", 0.0)] == ["live"]
        assert await control.find("+15550003", 0.0) == []


COMMANDS: list[tuple[Work, str, dict[str, Any]]] = [
    (lambda c, i: c.answer(i, "c3RhdGU=", "1"), "answer", {"client_state": "c3RhdGU=", "command_id": "1"}),
    (lambda c, i: c.reject(i, "1"), "reject", {"cause": "USER_BUSY", "command_id": "1"}),
    (lambda c, i: c.start_stream(i, {"stream_url": "wss://h"}, "1"), "streaming_start", {"stream_url": "wss://h"}),
    (lambda c, i: c.hang_up(i), "hangup", {}),
    (lambda c, i: c.transfer(i, "+15550009", "+15550001"), "transfer", {"to": "+15550009", "from": "+15550001"}),
    (lambda c, i: c.transfer(i, "sip:a@h"), "transfer", {"to": "sip:a@h", "timeout_secs": 30}),
    (lambda c, i: c.send_digits(i, "12#"), "send_dtmf", {"digits": "12#"}),
    (lambda c, i: c.start_recording(i, RecordingOrder()), "record_start", {"channels": "dual", "format": "wav"}),
    (lambda c, i: c.start_recording(i, RecordingOrder(is_stereo=False)), "record_start", {"channels": "single"}),
    (lambda c, i: c.stop_recording(i, "r1"), "record_stop", {"recording_id": "r1"}),
    (lambda c, i: c.stop_recording(i, ""), "record_stop", {}),
]


@pytest.mark.parametrize(("work", "command", "given"), COMMANDS)
async def test_what_is_done_to_a_call_is_a_command(work: Work, command: str, given: dict[str, Any]) -> None:
    api = FakeTelnyx()
    async with controlling(api) as control:
        await work(control, "live")
    (asked,) = api.asked
    assert asked.path == f"/v2/calls/live/actions/{command}"
    assert asked.given.items() >= given.items()
    assert asked.given["command_id"]


@pytest.mark.parametrize(
    "work", [work for work, command, _ in COMMANDS if command in ("hangup", "answer", "record_stop")]
)
async def test_what_ends_with_the_call_is_no_error_when_it_is_over(work: Work) -> None:
    async with controlling(FakeTelnyx()) as control:
        await work(control, "v3:gone/1")


@pytest.mark.parametrize("work", [work for work, command, _ in COMMANDS if command in ("transfer", "send_dtmf")])
async def test_what_needs_the_call_fails_when_it_is_over(work: Work) -> None:
    async with controlling(FakeTelnyx()) as control:
        with pytest.raises(CarrierError, match="the call is over"):
            await work(control, "gone")


@pytest.mark.parametrize("errors", [[{"code": "90015"}], [], "?", [7]])
async def test_another_refusal_is_one(errors: Any) -> None:
    api = FakeTelnyx()
    api.answers = [(422, {"errors": errors})]
    async with controlling(api) as control:
        with pytest.raises(CarrierError, match="refuses, HTTP 422"):
            await control.hang_up("live")


async def test_a_recording_is_deleted_and_one_that_is_gone_is_no_error() -> None:
    api = FakeTelnyx()
    async with controlling(api) as control:
        await control.delete_recording("r/1")
        api.answers = [(200, {"data": {"id": "r2"}})]
        await control.delete_recording("r2")
    assert api.commands == [("DELETE", "/v2/recordings/r%2F1"), ("DELETE", "/v2/recordings/r2")]


async def test_there_are_no_documents_to_lead_a_call_to() -> None:
    async with controlling(FakeTelnyx()) as control:
        with pytest.raises(CarrierError, match="no documents"):
            await control.redirect("live", "https://h")


async def test_an_account_and_an_application_are_needed() -> None:
    with pytest.raises(ConfigError, match="api_key_env"):
        TelnyxControl(TelnyxOptions())
    async with controlling(FakeTelnyx(), connection_id="") as control:
        with pytest.raises(ConfigError, match="connection_id"):
            await control.place(ORDER)


async def test_machines_are_listened_for_only_where_somebody_asks() -> None:
    api = FakeTelnyx()
    async with controlling(api) as control:
        await control.place(replace(ORDER, machine_url=""))
    assert "answering_machine_detection" not in api.asked[0].given
