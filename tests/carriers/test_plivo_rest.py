"""Plivo's API, asked by us and by Plivo's own client, which is the judge of what a request should look like."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import plivo
import pytest
from aiohttp import web
from plivo.rest import client as sdk

from mediasrv.carriers import rest
from mediasrv.carriers.base import CallOrder, RecordingOrder
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_rest import PlivoControl, _moment
from mediasrv.errors import CarrierError, ConfigError
from native_bench.standins.base import Fault
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from native_bench.standins.plivo_leg import Leg, Subscriber

FROM, TO = "+918000000000", "+919876500001"
ORDER = CallOrder(
    to_number=TO, from_number=FROM, answer_url="http://127.0.0.1:1/answer", status_url="http://127.0.0.1:1/status"
)
WAITS = Subscriber(after_s=30.0)
HOOK = "https://voice.example.in/plivo/callback/details"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_FIRST_PAUSE_S", 0.001)


@asynccontextmanager
async def controlling(standin: PlivoStandin) -> AsyncIterator[PlivoControl]:
    async with standin as url:
        control = PlivoControl(PlivoOptions(auth_id=ACCOUNT, auth_token=TOKEN, api_url=url))
        try:
            yield control
        finally:
            await control.aclose()


async def ringing(standin: PlivoStandin, control: PlivoControl) -> Leg:
    placed = await control.place(ORDER)
    (leg,) = standin.legs
    assert placed.request_id == leg.request_id
    return leg


async def test_a_call_is_placed_once_with_all_it_needs() -> None:
    standin = PlivoStandin(people={"919876500001": WAITS})
    async with controlling(standin) as control:
        await control.place(replace(ORDER, machine_url=HOOK))
    ((method, path, asked),) = standin.asked
    assert (method, path) == ("POST", "/Call/")
    assert asked == {
        "from": "918000000000",
        "to": "919876500001",
        "answer_url": "http://127.0.0.1:1/answer",
        "answer_method": "POST",
        "hangup_url": "http://127.0.0.1:1/status",
        "hangup_method": "POST",
        "ring_url": "http://127.0.0.1:1/status",
        "ring_method": "POST",
        "ring_timeout": 45,
        "time_limit": 14_400,
        "machine_detection": "true",
        "machine_detection_url": HOOK,
        "machine_detection_method": "POST",
    }
    assert standin.complaints == []


@pytest.mark.parametrize(
    ("fault", "uncertain", "placed"),
    [
        (Fault("refuse", status=500), True, 0),
        (Fault("refuse", status=429), False, 0),
        (Fault("reset"), True, 0),
        (Fault("lost"), True, 1),
        (Fault("obeyed", status=503), True, 1),
    ],
)
async def test_a_call_is_never_placed_twice(fault: Fault, uncertain: bool, placed: int) -> None:
    standin = PlivoStandin(people={"919876500001": WAITS}, faults=[fault])
    async with controlling(standin) as control:
        with pytest.raises(CarrierError) as caught:
            await control.place(ORDER)
        assert caught.value.uncertain is uncertain
        assert caught.value.retryable is not uncertain
        assert len(standin.legs) == placed
        # What became of it can be looked up.
        found = await control.find(TO, time.time() - 5)
        assert [each.call_id for each in found] == [leg.call_id for leg in standin.legs]


async def test_calls_are_found_in_every_state_and_others_are_not() -> None:
    standin = PlivoStandin(people={"919876500001": WAITS})
    async with controlling(standin) as control:
        began = time.time()
        queued, live, past, earlier, other = (
            Leg("918000000000", number, "outbound", WAITS)
            for number in ("919876500001", "919876500001", "919876500001", "919876500001", "919876500002")
        )
        for leg, state in ((queued, "queued"), (live, "in-progress"), (past, "completed"), (earlier, "completed")):
            leg.state, leg.ended = state, datetime.now(UTC)
        earlier.begun = datetime.fromtimestamp(began - 600, UTC)
        standin.exchange.legs |= {leg.call_id: leg for leg in (queued, live, past, earlier, other)}
        found = await control.find(TO, began)
        assert {(each.call_id, each.state) for each in found} == {
            (queued.call_id, "queued"),
            (live.call_id, "in-progress"),
            (past.call_id, "completed"),
        }


async def test_a_long_list_is_read_page_by_page() -> None:
    standin = PlivoStandin()
    async with controlling(standin) as control:
        for _ in range(45):
            leg = Leg("918000000000", "919876500001", "outbound", WAITS, state="completed", ended=datetime.now(UTC))
            standin.exchange.legs[leg.call_id] = leg
        assert len(await control.find(TO, time.time())) == 45


async def test_a_request_is_taken_back_and_a_call_that_is_gone_is_no_error() -> None:
    standin = PlivoStandin(people={"919876500001": WAITS})
    async with controlling(standin) as control:
        leg = await ringing(standin, control)
        await control.cancel(leg.request_id)
        await standin.settle(leg)
        assert leg.deeds[-1] == "ended 1000"
        await control.hang_up(leg.call_id)
        with pytest.raises(CarrierError) as caught:
            await control.redirect(leg.call_id, "https://voice.example.in/x")
        assert (caught.value.status, caught.value.uncertain) == (404, False)


class NamelessStandin(PlivoStandin):
    """Answers a call with nothing that could be used."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer

    def _place(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        return web.json_response(self.answer, status=201)


async def test_names_of_a_bulk_request_come_as_a_list() -> None:
    async with controlling(NamelessStandin({"request_uuid": ["r-1"]})) as control:
        assert (await control.place(ORDER)).request_id == "r-1"


@pytest.mark.parametrize("answer", [{}, {"request_uuid": []}, {"request_uuid": 7}])
async def test_a_call_without_a_name_is_an_uncertain_one(answer: dict[str, Any]) -> None:
    async with controlling(NamelessStandin(answer)) as control:
        with pytest.raises(CarrierError, match="without its name") as caught:
            await control.place(ORDER)
        assert caught.value.uncertain


Ours = Callable[[PlivoControl, str], Awaitable[Any]]
Theirs = Callable[[Any, str], Any]
URL = "https://voice.example.in/plivo/callback/transfer"
DEEDS: dict[str, tuple[Ours, Theirs]] = {
    "redirect": (
        lambda control, call: control.redirect(call, URL),
        lambda calls, call: calls.transfer(call, legs="aleg", aleg_url=URL, aleg_method="POST"),
    ),
    "digits": (
        lambda control, call: control.send_digits(call, "12#"),
        lambda calls, call: calls.send_digits(call, "12#", leg="aleg"),
    ),
    "record": (
        lambda control, call: control.start_recording(call, RecordingOrder(callback_url=HOOK)),
        lambda calls, call: calls.record(
            call, time_limit=14_400, file_format="wav", callback_url=HOOK, callback_method="POST"
        ),
    ),
    "stop recording": (
        lambda control, call: control.stop_recording(call, "r"),
        lambda calls, call: calls.record_stop(call),
    ),
    "play": (
        lambda control, call: control.start_playing(call, "https://x.example/a.mp3"),
        lambda calls, call: calls.play(call, "https://x.example/a.mp3", legs="aleg", loop=False, mix=True),
    ),
    "stop playing": (
        lambda control, call: control.stop_playing(call),
        lambda calls, call: calls.play_stop(call),
    ),
    "speak": (
        lambda control, call: control.start_speaking(call, "hello"),
        lambda calls, call: calls.speak(call, "hello", voice="WOMAN", language="en-US", legs="aleg"),
    ),
    "stop speaking": (
        lambda control, call: control.stop_speaking(call),
        lambda calls, call: calls.stop_speaking(call),
    ),
    "stream": (
        lambda control, call: control.start_stream(call, "wss://x.example/s", bidirectional=True),
        lambda calls, call: calls.start_stream(call, "wss://x.example/s", bidirectional=True),
    ),
    "streams": (lambda control, call: control.streams(call), lambda calls, call: calls.get_all_streams(call)),
    "stop stream": (
        lambda control, call: control.stop_stream(call, "s-1"),
        lambda calls, call: calls.delete_specific_stream(call, "s-1"),
    ),
    "stop streams": (
        lambda control, call: control.stop_stream(call),
        lambda calls, call: calls.delete_all_streams(call),
    ),
    "hang up": (lambda control, call: control.hang_up(call), lambda calls, call: calls.hangup(call)),
}


@pytest.mark.parametrize("name", DEEDS)
async def test_what_is_done_to_a_call_is_asked_for_as_plivos_client_asks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = DEEDS[name]
    standin = PlivoStandin(people={"919876500001": WAITS})
    async with controlling(standin) as control:
        leg = await ringing(standin, control)
        await ours(control, leg.call_id)
        asked = standin.asked[-1]
        other = PlivoStandin()
        async with other as elsewhere:
            monkeypatch.setattr(sdk, "API_VOICE_BASE_URI", f"{elsewhere}/v1/Account")
            other.exchange.legs[leg.call_id] = Leg("1", "2", "outbound", WAITS, call_id=leg.call_id)
            await asyncio.to_thread(theirs, plivo.RestClient(ACCOUNT, TOKEN).calls, leg.call_id)
            method, path, fields = other.asked[-1]
    assert asked[:2] == (method, path)
    # Plivo's client cannot ask for two channels, repeats the call's name, and does not ask for a page.
    extra = {"record_channel_type", "limit", "offset"}
    assert {key: value for key, value in asked[2].items() if key not in extra} == {
        key: value for key, value in fields.items() if key not in ("call_uuid", "stream_id") and value is not None
    }
    assert standin.complaints == other.complaints == []


async def test_what_was_begun_has_a_name() -> None:
    standin = PlivoStandin(people={"919876500001": WAITS})
    async with controlling(standin) as control:
        leg = await ringing(standin, control)
        assert await control.start_recording(leg.call_id, RecordingOrder(is_stereo=False)) == leg.recordings[0]
        assert standin.asked[-1][2] == {"time_limit": 14_400, "file_format": "wav", "record_channel_type": "mono"}
        assert await control.start_stream(leg.call_id, "wss://x.example/s")
        assert await control.streams(leg.call_id) == [{"call_uuid": leg.call_id}]


async def test_a_recording_is_deleted_and_one_that_is_gone_is_no_error() -> None:
    standin = PlivoStandin()
    standin.tapes = {"r-1", "r-2"}
    async with controlling(standin) as control:
        for name in ("r-1", "r-1", "r-0"):
            await control.delete_recording(name)
    assert standin.tapes == {"r-2"}
    assert standin.asked[0][:2] == ("DELETE", "/Recording/r-1/")


async def test_a_name_of_a_strangers_stays_one_part_of_the_path() -> None:
    standin = PlivoStandin()
    async with controlling(standin) as control:
        await control.hang_up("../../Number/1")
    assert standin.legs == []
    assert "%2F" in control.api.path("Call", "../../Number/1")


@pytest.mark.parametrize("changes", [{"auth_id": ""}, {"auth_token": ""}])
def test_an_account_is_needed(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="auth_id_env"):
        PlivoControl(replace(PlivoOptions(auth_id="MA", auth_token="t"), **changes))


def test_a_time_without_a_zone_is_utc_and_no_time_is_none() -> None:
    otherwise = datetime(2026, 1, 1, tzinfo=UTC)
    assert _moment("2026-05-22 13:17:49.050872", otherwise) == datetime(2026, 5, 22, 13, 17, 49, 50872, UTC)
    assert _moment("2026-07-26 15:44:49+05:30", otherwise) == datetime(2026, 7, 26, 10, 14, 49, tzinfo=UTC)
    for nothing in (None, 7, "soon"):
        assert _moment(nothing, otherwise) == otherwise
