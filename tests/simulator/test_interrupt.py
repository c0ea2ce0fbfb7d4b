"""Ctrl-C in mid-call."""

from __future__ import annotations

import os
import signal

from mediasrv.audio.format import L16_8K
from mediasrv.simulator.caller import CALLER_HUNG_UP, Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.interrupt import interrupt_hangs_up
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.script import Performance
from mediasrv.wire.events import MediaReceived
from tests.simulator.agents import Phone, answered_by


async def test_ctrl_c_hangs_up_and_the_call_is_kept() -> None:
    async def agent(phone: Phone) -> None:
        async for event in phone.events():
            if isinstance(event, MediaReceived) and event.chunk == 5:
                os.kill(os.getpid(), signal.SIGINT)

    caller = Caller(carrier_named("plivo"), L16_8K, Performance([], L16_8K), Pacing())
    async with answered_by(agent) as url:
        with interrupt_hangs_up(caller):
            call = await caller.call(url)
    assert call.ending == CALLER_HUNG_UP
    assert len(call.caller) >= 5 * 160
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
