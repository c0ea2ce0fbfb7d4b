from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from mediasrv.carriers.options import ExotelOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.roster import roster
from mediasrv.errors import ConfigError
from tests.naive import public_key_ed25519


def names(twilio: TwilioOptions, exotel: ExotelOptions, telnyx: TelnyxOptions) -> list[str]:
    return [each.name for each in roster(twilio, exotel, telnyx)]


def test_a_carrier_is_served_when_its_secret_is_known_or_no_proof_is_asked_for() -> None:
    assert names(TwilioOptions(), ExotelOptions(), TelnyxOptions()) == []
    telnyx = TelnyxOptions(api_key="k", public_key=b64encode(public_key_ed25519(bytes(32))).decode())
    three = names(TwilioOptions(auth_token="t"), ExotelOptions(stream_password="p"), telnyx)
    assert three == ["twilio", "exotel", "telnyx"]
    unproven: dict[str, Any] = {"verify_signatures": False}
    assert names(TwilioOptions(**unproven), ExotelOptions(**unproven), TelnyxOptions(**unproven)) == three


def test_a_key_that_webhooks_cannot_be_checked_with_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match="public_key"):
        roster(TwilioOptions(), ExotelOptions(), TelnyxOptions(api_key="k"))
