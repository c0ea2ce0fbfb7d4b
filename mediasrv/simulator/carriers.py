"""The carriers that the simulator can be: one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ConfigError
from mediasrv.wire.carrier import CarrierSide
from mediasrv.wire.plivo import PLIVO_FORMATS
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol


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


CARRIERS = {
    "plivo": Carrier(PlivoCarrierProtocol, PLIVO_FORMATS, subprotocols=("audio.drachtio.org",)),
}


def carrier_named(name: str) -> Carrier:
    """Look a carrier up; ``ConfigError`` names the ones there are."""
    if name not in CARRIERS:
        raise ConfigError(f"no simulated carrier is called {name!r}; there is {', '.join(CARRIERS)}")
    return CARRIERS[name]
