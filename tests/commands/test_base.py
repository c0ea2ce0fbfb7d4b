from __future__ import annotations

import pytest

from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.commands.base import controls_of
from mediasrv.config import Settings

ACCOUNTS = {
    "plivo": PlivoOptions(auth_id="a", auth_token="t"),
    "twilio": TwilioOptions(account_sid="a", auth_token="t"),
    "exotel": ExotelOptions(account_sid="a", api_key="k", api_token="t"),
    "telnyx": TelnyxOptions(api_key="k"),
}


@pytest.mark.parametrize("names", [[], ["plivo"], ["twilio", "telnyx"], list(ACCOUNTS)])
async def test_there_is_an_api_for_each_account_and_for_no_other(names: list[str]) -> None:
    controls = controls_of(Settings(**{name: ACCOUNTS[name] for name in names}))  # type: ignore[arg-type]
    assert {name: control.name for name, control in controls.items()} == {name: name for name in names}
    for control in controls.values():
        await control.aclose()
