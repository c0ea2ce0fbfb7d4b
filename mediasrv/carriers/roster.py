"""Which carriers are served."""

from __future__ import annotations

from mediasrv.carriers.base import Carrier
from mediasrv.carriers.exotel import ExotelCarrier
from mediasrv.carriers.options import ExotelOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.telnyx import TelnyxCarrier
from mediasrv.carriers.twilio import TwilioCarrier


def roster(twilio: TwilioOptions, exotel: ExotelOptions, telnyx: TelnyxOptions) -> list[Carrier]:
    """The carriers beside Plivo that were set up: their secret is known, or nobody asks for a proof.

    Raise ``ConfigError`` for what the operator must mend.
    """
    carriers: list[Carrier] = []
    if twilio.auth_token or not twilio.verify_signatures:
        carriers.append(TwilioCarrier(twilio))
    if exotel.stream_password or not exotel.verify_signatures:
        carriers.append(ExotelCarrier(exotel))
    if telnyx.api_key or not telnyx.verify_signatures:
        carriers.append(TelnyxCarrier(telnyx))
    return carriers
