from __future__ import annotations

from mediasrv.wire.events import StreamStarted
from tests.wire.kin import TWILIO


def test_the_numbers_travel_as_custom_parameters() -> None:
    (started,) = TWILIO.ours().receive(
        '{"event":"start","streamSid":"s","start":{"callSid":"c","customParameters":{"from":"+15550001","to":7}}}'
    )
    assert isinstance(started, StreamStarted)
    assert (started.from_number, started.to_number, started.gathers_ms) == ("+15550001", "7", 0)


def test_a_number_that_is_no_name_is_left_out() -> None:
    (started,) = TWILIO.ours().receive(
        '{"event":"start","streamSid":"s","start":{"callSid":"c","from":["x"],"customParameters":{"to":"\\n"}}}'
    )
    assert isinstance(started, StreamStarted)
    assert (started.from_number, started.to_number) == ("", "")
