"""The carriers that the simulator can be: one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mediasrv.audio.format import PTIME_MS, AudioFormat
from mediasrv.errors import ConfigError
from mediasrv.wire.carrier import CarrierSide
from mediasrv.wire.exotel import EXOTEL_FORMATS
from mediasrv.wire.exotel_carrier import ExotelCarrierProtocol
from mediasrv.wire.plivo import PLIVO_FORMATS
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from mediasrv.wire.telnyx import TELNYX_FORMATS
from mediasrv.wire.telnyx_carrier import TelnyxCarrierProtocol
from mediasrv.wire.twilio import TWILIO_FORMATS
from mediasrv.wire.twilio_carrier import TwilioCarrierProtocol


@dataclass(frozen=True, slots=True)
class Carrier:
    """How a carrier behaves beyond its messages."""

    side: Callable[[], CarrierSide]
    """Its end of a stream."""
    formats: Sequence[AudioFormat]
    """What it streams, its usual format first."""
    subprotocols: Sequence[str] = ()
    """What it offers in the WebSocket handshake."""
    returns_marks_on_clear: bool = False
    """Whether it acknowledges the marks that a clear drops."""
    message_ms: int = PTIME_MS
    """How much of the caller's audio it sends at a time, in whole ptimes."""


CARRIERS = {
    "plivo": Carrier(PlivoCarrierProtocol, PLIVO_FORMATS, subprotocols=("audio.drachtio.org",)),
    "twilio": Carrier(TwilioCarrierProtocol, TWILIO_FORMATS, returns_marks_on_clear=True),
    "exotel": Carrier(ExotelCarrierProtocol, EXOTEL_FORMATS, message_ms=100),
    "telnyx": Carrier(TelnyxCarrierProtocol, TELNYX_FORMATS, returns_marks_on_clear=True),
}


def carrier_named(name: str) -> Carrier:
    """Look a carrier up; ``ConfigError`` names the ones there are."""
    if name not in CARRIERS:
        raise ConfigError(f"no simulated carrier is called {name!r}; there is {', '.join(CARRIERS)}")
    return CARRIERS[name]
