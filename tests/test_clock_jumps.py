"""The clock on the wall is set, by an hour or by years: nobody is cut off, called twice, deleted or forgotten."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mediasrv.carriers.base import Happening
from mediasrv.carriers.options import PlivoOptions
from mediasrv.errors import SignatureError
from mediasrv.outbound.order import State
from mediasrv.records import retention as retentions
from mediasrv.records.options import RecordsOptions
from mediasrv.records.retention import Retention
from mediasrv.server import media
from mediasrv.server.wallclock import WallClock
from mediasrv.wire.signature import sign_v3
from mediasrv.wire.telnyx_signature import verify_telnyx
from tests.outbound.support import MOBILE, at, error_of
from tests.outbound.test_dialer import Stage, play
from tests.patience import until
from tests.records.stage import converse, kept
from tests.server.stage import stage
from tests.server.test_http import path_of, stream_url
from tests.server.test_webhooks import signed
from tests.wire.test_telnyx_signature import BODY, KEY
from tests.wire.test_telnyx_signature import signed as signed_by_telnyx

HOUR_S, YEARS_S = 3600.0, 10 * 365 * 86_400.0
both_ways = pytest.mark.parametrize("leap_s", [HOUR_S, -HOUR_S], ids=["forward", "back"])


class Wall:
    """The clock on the wall; the one that nobody sets is the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = time.time
        self.ahead_s = 0.0
        monkeypatch.setattr(time, "time", lambda: self._real() + self.ahead_s)
        monkeypatch.setattr(media, "WALL", WallClock())


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


# -- carriers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leap_s", [HOUR_S, -HOUR_S, YEARS_S], ids=["forward", "back", "years"])
async def test_a_call_whose_clock_is_set_between_answer_and_stream_comes_through(wall: Wall, leap_s: float) -> None:
    async with stage(plivo=PlivoOptions(auth_token="t")) as there:
        urls = []
        for call in ("call-1", "call-2"):
            form, path = {"CallUUID": call, "Event": "StartApp"}, "/plivo/answer"
            status, document = await there.post(path, form, signed(there, path, form, call))
            assert status == 200
            urls.append(stream_url(document))
            wall.ahead_s += leap_s if call == "call-1" else 0.0
        for call, url in zip(("call-1", "call-2"), urls, strict=True):
            proof = {"X-Plivo-Signature-V3": sign_v3("t", "GET", url, call), "X-Plivo-Signature-V3-Nonce": call}
            phone = await there.phone(path_of(url), proof)
            phone.start(call)
            await phone.echo()


@both_ways
async def test_a_webhook_that_comes_twice_acts_once_whatever_the_clock_shows(wall: Wall, leap_s: float) -> None:
    async with stage(plivo=PlivoOptions(auth_token="t")) as there:
        told: list[object] = []
        there.service._calls.on_webhook = lambda webhook, tag: told.append(webhook)
        form, path = {"CallUUID": "call-1", "Event": "Ring"}, "/plivo/callback/status"
        headers = signed(there, path, form, "n-1")
        first = await there.post(path, form, headers)
        wall.ahead_s = leap_s
        assert await there.post(path, form, headers) == first
        assert await there.post(path, {**form, "CallUUID": "call-2"}, headers) == (403, "forbidden\n")
        assert len(told) == 1


@both_ways
def test_telnyxs_word_is_refused_while_the_clock_is_wrong_and_heard_when_it_is_right(leap_s: float) -> None:
    sent_s = int(time.time())
    headers = signed_by_telnyx(sent_s=sent_s)
    with pytest.raises(SignatureError, match="not of this moment"):
        verify_telnyx(KEY, headers, BODY, time.time() + leap_s)
    verify_telnyx(KEY, headers, BODY, time.time())


# -- records -----------------------------------------------------------------------------------------------------


@both_ways
async def test_a_call_is_as_long_as_it_was(tmp_path: Path, wall: Wall, leap_s: float) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1", ends=False)
        wall.ahead_s = leap_s
        records.chronicle.said("call-1", "bot", "Tomorrow.", 6.0)
        records.chronicle.ended("call-1", "caller hung up")
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    assert 0 <= call["duration_s"] < HOUR_S / 2
    times = [datetime.fromisoformat(each["at"]) for each in call["transcript"]]
    assert times == sorted(times)
    assert times[-1] - times[0] < timedelta(seconds=HOUR_S / 2)


class Sweeps:
    """Retention that sweeps again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        ending = retentions.end_lost_calls
        self._monkeypatch = monkeypatch

        def counting(connection: object, began_s: float) -> None:
            ending(connection, began_s)  # type: ignore[arg-type]
            self.count += 1

        monkeypatch.setattr(retentions, "end_lost_calls", counting)
        monkeypatch.setattr(retentions, "PAUSE_S", 0.0)
        self.every(0.01)

    def every(self, period_s: float) -> None:
        self._monkeypatch.setattr(retentions, "EVERY_S", period_s)

    async def once_more(self) -> None:
        """Return when what is now was looked at."""
        enough = self.count + 2
        await until(lambda: self.count >= enough)


async def test_a_clock_that_is_set_back_ends_no_live_call(
    tmp_path: Path, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps = Sweeps(monkeypatch)
    async with kept(tmp_path) as records:
        records.attend()
        await sweeps.once_more()
        wall.ahead_s = -HOUR_S
        converse(records, "live", ends=False)
        await records.database.flush()
        await sweeps.once_more()
        call = await records.archive.call("live")
    assert call is not None
    assert (call["ended"], call["cause"]) == (None, None)


async def test_a_clock_that_leaps_by_years_deletes_nothing_until_it_is_believed(
    tmp_path: Path, wall: Wall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sweeps, is_set = Sweeps(monkeypatch), Retention._is_set

    def stop_at(self: Retention) -> bool:
        if found := is_set(self):
            sweeps.every(HOUR_S)
        return found

    monkeypatch.setattr(Retention, "_is_set", stop_at)
    async with kept(tmp_path, RecordsOptions(retain_calls_days=30)) as records:
        converse(records, "call-1")
        await records.database.flush()
        records.attend()
        await sweeps.once_more()
        wall.ahead_s = YEARS_S
        await until(lambda: "the clock was set" in caplog.text)
        assert await records.archive.call("call-1") is not None
        wall.ahead_s = 0.0


# -- calling out -------------------------------------------------------------------------------------------------


@both_ways
def test_everybody_is_called_once_while_the_clock_is_set_to_and_fro(tmp_path: Path, leap_s: float) -> None:
    numbers = [f"+9198765{place:05}" for place in range(12)]

    async def act(stage: Stage) -> None:
        for place, number in enumerate(numbers):
            await stage.dial(number)
            stage.began_s += leap_s if place % 2 else -leap_s
            await asyncio.sleep(1)
        await asyncio.sleep(1.2 * HOUR_S)
        assert dict(stage.carrier.rung) == dict.fromkeys(numbers, 1)

    play(tmp_path, act, calls_per_second=10.0)


@both_ways
def test_a_request_without_an_answer_is_made_once_whatever_the_clock_shows(tmp_path: Path, leap_s: float) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.obeyed = [error_of(uncertain=True)]
        order_id = await stage.dial()
        stage.began_s += leap_s
        await asyncio.sleep(1.2 * HOUR_S)
        assert stage.carrier.rung[MOBILE] == 1
        assert await stage.state(order_id) is not State.FAILED

    play(tmp_path, act)


def test_a_clock_that_is_wrong_opens_no_calling_window_longer_than_it_is_wrong(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.began_s = at("20:30")
        order_id = await stage.dial()
        await asyncio.sleep(1)
        stage.tell(Happening.ENDED, "Busy")
        stage.began_s += HOUR_S
        await asyncio.sleep(HOUR_S)
        assert len(stage.carrier.orders) == 1
        standing = await stage.dialer.standing(order_id)
        assert standing is not None
        assert standing.cause.startswith("calling window")

    play(tmp_path, act, rules={"consent_required_for": ()})
