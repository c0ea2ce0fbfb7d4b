from __future__ import annotations

from mediasrv.carriers.options import ExotelOptions, TwilioOptions
from mediasrv.carriers.roster import roster


def names(twilio: TwilioOptions, exotel: ExotelOptions) -> list[str]:
    return [each.name for each in roster(twilio, exotel)]


def test_a_carrier_is_served_when_its_secret_is_known_or_no_proof_is_asked_for() -> None:
    assert names(TwilioOptions(), ExotelOptions()) == []
    assert names(TwilioOptions(auth_token="t"), ExotelOptions(stream_password="p")) == ["twilio", "exotel"]
    unproven = names(TwilioOptions(verify_signatures=False), ExotelOptions(verify_signatures=False))
    assert unproven == ["twilio", "exotel"]
