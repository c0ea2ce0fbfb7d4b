from __future__ import annotations

from mediasrv.turn.endpointing import Endpointing
from mediasrv.turn.options import TurnOptions


def test_the_wait_is_the_one_that_was_configured() -> None:
    assert Endpointing(TurnOptions(endpoint_ms=700)).wait_ms("") == 700


def test_the_wait_does_not_depend_on_what_was_said() -> None:
    endpointing = Endpointing(TurnOptions())
    assert endpointing.wait_ms("I would like to") == endpointing.wait_ms("Yes.") == TurnOptions().endpoint_ms
