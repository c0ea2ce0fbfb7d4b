from __future__ import annotations

from mediasrv.turn.endpointing import Clues, Endpointing
from mediasrv.turn.options import TurnOptions


def test_the_wait_is_the_one_that_was_configured() -> None:
    assert Endpointing(TurnOptions(endpoint_ms=700)).wait_ms(Clues()) == 700


def test_a_caller_we_cut_into_is_given_more_time() -> None:
    endpointing = Endpointing(TurnOptions(endpoint_ms=460))
    endpointing.went_on(600)
    assert endpointing.wait_ms(Clues("Yes.")) == 460
    endpointing.cut_in(500)
    assert 500 < endpointing.wait_ms(Clues("Yes.")) <= 920
