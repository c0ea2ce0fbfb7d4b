"""What carriers tell of callers stands neither in the log nor on any page that a stranger gets to see."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlencode

import pytest

from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.roster import roster
from tests import naive
from tests.server.stage import Stage, stage

CALLER, CALLED, NAME = "919812345678", "912266001234", "Asha Mehta"
PUBLIC_KEY = b64encode(naive.public_key_ed25519(bytes(32))).decode()
FORMS = (
    {"CallUUID": "call-1", "From": CALLER, "To": CALLED, "CallerName": NAME, "ForwardedFrom": CALLER},
    {"CallSid": "call-1", "From": f"+{CALLER}", "To": f"+{CALLED}", "CallerName": NAME},
    {"CallSid": "call-1", "CallFrom": f"0{CALLER}", "CallTo": CALLED},
)
PATHS = [
    *("/plivo/answer", "/plivo/answer?agent=nobody", "/plivo/fallback", "/plivo/dial-up", "/plivo/callback/status"),
    *("/plivo/callback/details", "/plivo/callback/transfer", "/plivo/callback/machine", "/plivo/nothing"),
    *("/twilio/answer", "/twilio/callback/status", "/twilio/callback/transfer", "/exotel/answer"),
    *("/exotel/callback/status", "/telnyx/webhook", "/calls"),
]


async def tell_everything(there: Stage) -> list[str]:
    """Each form to each address, in every way that carriers have: the pages."""
    pages = []
    for path in PATHS:
        for form in FORMS:
            pages.append((await there.post(path, form))[1])
            pages.append((await there.post(path, form, {"Content-Type": "application/json"}))[1])
            pages.append((await there.get(f"{path}{'&' if '?' in path else '?'}{urlencode(form)}"))[1])
    return pages


@pytest.mark.parametrize("verifies", [True, False])
@pytest.mark.parametrize("fails", [True, False])
async def test_webhooks_leave_no_number_in_the_log_and_on_no_page(
    verifies: bool, fails: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")
    others = roster(
        TwilioOptions(auth_token="t", verify_signatures=verifies),
        ExotelOptions(stream_password="p", verify_signatures=verifies),
        TelnyxOptions(api_key="k", public_key=PUBLIC_KEY, verify_signatures=verifies),
    )
    async with stage(plivo=PlivoOptions(auth_token="t", verify_signatures=verifies), others=others) as there:
        if fails:
            monkeypatch.setattr(there.service._calls, "on_webhook", lambda webhook, tag: 1 / 0)
        pages = await tell_everything(there)
    told = str([vars(record) for record in caplog.records]) + caplog.text
    assert "Traceback" not in str(pages)
    assert ("Traceback" in told) == (fails and not verifies)
    for secret in (CALLER[2:], CALLED[2:], "Mehta"):
        assert secret not in told
        assert secret not in str(pages)
