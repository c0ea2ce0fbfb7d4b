"""Which carriers are served."""

from __future__ import annotations

from mediasrv.carriers.base import Carrier
from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.twilio import TwilioCarrier


def roster(twilio: TwilioOptions) -> list[Carrier]:
    """The carriers beside Plivo that were set up: their secret is known, or nobody asks for a proof."""
    carriers: list[Carrier] = []
    if twilio.auth_token or not twilio.verify_signatures:
        carriers.append(TwilioCarrier(twilio))
    return carriers
