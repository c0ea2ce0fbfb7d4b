from __future__ import annotations

from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.roster import roster


def test_a_carrier_is_served_when_its_secret_is_known_or_no_proof_is_asked_for() -> None:
    assert roster(TwilioOptions()) == []
    assert [each.name for each in roster(TwilioOptions(auth_token="t"))] == ["twilio"]
    assert [each.name for each in roster(TwilioOptions(verify_signatures=False))] == ["twilio"]
