"""Numbers of Twilio and Telnyx that are pointed at a server, and put back."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from mediasrv.carriers.options import TelnyxOptions, TwilioOptions
from mediasrv.carriers.plivo_walk import look
from mediasrv.carriers.telnyx_account import TelnyxAccount
from mediasrv.carriers.telnyx_rest import TelnyxControl
from mediasrv.carriers.twilio_account import TwilioAccount
from mediasrv.carriers.twilio_rest import TwilioControl
from mediasrv.carriers.wiring import Memory, application_for, unwire, wire
from mediasrv.errors import CarrierError, ConfigError
from tests.carriers.apis import FakeTelnyx, FakeTwilio, using

NUMBER, PUBLIC = "+15550100", "https://voice.example.in"
THEIRS = {
    "voice_application_sid": None,
    "voice_url": "https://other.example/answer",
    "voice_method": "GET",
    "voice_fallback_url": None,
    "voice_fallback_method": "POST",
    "status_callback": "https://other.example/status",
    "status_callback_method": "POST",
}


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "wired.json")


def twilio(api: FakeTwilio) -> AbstractAsyncContextManager[TwilioAccount]:
    return using(
        api, lambda url: TwilioAccount(TwilioControl(TwilioOptions(account_sid="AC1", auth_token="t", api_url=url)))
    )


def telnyx(api: FakeTelnyx) -> AbstractAsyncContextManager[TelnyxAccount]:
    return using(api, lambda url: TelnyxAccount(TelnyxControl(TelnyxOptions(api_key="KEY", api_url=url))))


@pytest.mark.parametrize("theirs", [THEIRS, {**THEIRS, "voice_application_sid": "AP1"}])
async def test_twilios_urls_are_ours_and_then_theirs_again(memory: Memory, theirs: dict[str, Any]) -> None:
    api = FakeTwilio()
    api.numbers[NUMBER] = dict(theirs)
    ours = application_for("sales", PUBLIC, "twilio")
    async with twilio(api) as account:
        for _ in range(2):
            await wire(account, memory, NUMBER, ours, "twilio")
        assert api.numbers[NUMBER] == {
            "voice_application_sid": None,
            "voice_url": f"{PUBLIC}/twilio/answer?agent=sales",
            "voice_method": "POST",
            "voice_fallback_url": f"{PUBLIC}/twilio/fallback",
            "voice_fallback_method": "POST",
            "status_callback": f"{PUBLIC}/twilio/callback/status",
            "status_callback_method": "POST",
        }
        assert memory.wired[NUMBER].carrier == "twilio"
        assert await account.application(await account.application_of(NUMBER)) == ours_as_found(ours)
        before = await account.application(await unwire(account, memory, NUMBER))
        assert api.numbers[NUMBER] == theirs
        assert before.answer_url == ("" if theirs["voice_application_sid"] else THEIRS["voice_url"])


def ours_as_found(ours: Any) -> Any:
    """A number has no name."""
    return type(ours)(name="", answer_url=ours.answer_url, hangup_url=ours.hangup_url, fallback_url=ours.fallback_url)


async def test_a_number_that_twilio_does_not_have_or_has_on_a_trunk_is_left_alone(memory: Memory) -> None:
    api = FakeTwilio()
    api.numbers["+15550101"] = {**THEIRS, "trunk_sid": "TK1"}
    async with twilio(api) as account:
        with pytest.raises(CarrierError, match="no such number") as missing:
            await wire(account, memory, NUMBER, application_for("default", PUBLIC, "twilio"))
        with pytest.raises(CarrierError, match="SIP trunk"):
            await wire(account, memory, "+15550101", application_for("default", PUBLIC, "twilio"))
    assert (missing.value.status, {method for method, _ in api.commands}) == (404, {"GET"})


async def test_telnyxs_number_belongs_to_our_application_and_then_to_theirs_again(memory: Memory) -> None:
    api = FakeTelnyx()
    api.numbers[NUMBER] = "77"
    async with telnyx(api) as account:
        wired = [await wire(account, memory, NUMBER, application_for("sales", PUBLIC, "telnyx"), "telnyx")]
        wired += [await wire(account, memory, NUMBER, application_for("sales", PUBLIC, "telnyx"), "telnyx")]
        assert [each.application for each in wired] == ["a0", "a0"]
        assert api.numbers[NUMBER] == "a0"
        assert api.applications["a0"] == {
            "id": "a0",
            "application_name": "mediasrv-sales",
            "webhook_event_url": f"{PUBLIC}/telnyx/webhook?agent=sales",
            "webhook_api_version": "2",
        }
        assert (await account.application("a0")).answer_url == f"{PUBLIC}/telnyx/webhook?agent=sales"
        assert await unwire(account, memory, NUMBER) == "77"
        assert api.numbers[NUMBER] == "77"


async def test_telnyx_has_no_such_number_or_tells_no_name(memory: Memory) -> None:
    api = FakeTelnyx()
    async with telnyx(api) as account:
        with pytest.raises(CarrierError, match="no such number"):
            await wire(account, memory, NUMBER, application_for("default", PUBLIC, "telnyx"))
        api.numbers[NUMBER] = ""
        api.answers = [(200, {"data": [{"phone_number": NUMBER}]}), (200, {"data": None}), (201, {})]
        with pytest.raises(CarrierError, match="without its id"):
            await wire(account, memory, NUMBER, application_for("default", PUBLIC, "telnyx"))
        await wire(account, memory, NUMBER, application_for("default", PUBLIC, "telnyx"), "telnyx")
        with pytest.raises(ConfigError, match="had no application before"):
            await unwire(account, memory, NUMBER)


async def test_a_number_that_leads_here_is_good_and_another_is_told(memory: Memory) -> None:
    api = FakeTwilio()
    api.numbers[NUMBER] = dict(THEIRS)
    async with twilio(api) as account:
        elsewhere = await look(account, "twilio", NUMBER, PUBLIC)
        await wire(account, memory, NUMBER, application_for("sales", PUBLIC, "twilio"), "twilio")
        here = await look(account, "twilio", NUMBER, PUBLIC)
        api.numbers[NUMBER]["voice_url"] = None
        verdicts = [elsewhere, here, await look(account, "twilio", NUMBER, PUBLIC)]
        verdicts.append(await look(account, "twilio", "+15550199", PUBLIC))
        api.numbers[NUMBER]["trunk_sid"] = "TK1"
        verdicts.append(await look(account, "twilio", NUMBER, PUBLIC))
    undone = f"mediasrv wire {NUMBER} --carrier twilio"
    assert [str(verdict) for verdict in verdicts] == [
        f"FAIL number: {NUMBER} is answered by https://other.example/answer, which is not here: {undone}",
        f"ok   number: {NUMBER} is answered by {PUBLIC}/twilio/answer?agent=sales",
        f"FAIL number: {NUMBER} is answered by no URL: {undone}",
        "FAIL number: there is no such one in this account",
        "FAIL number: twilio: has this number on a SIP trunk: take it off there first",
    ]
