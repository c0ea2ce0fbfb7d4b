"""Nobody hears a caller who presses what nobody else may know, until his last key has died away."""

from __future__ import annotations

import asyncio

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.observer import Observer
from mediasrv.call.privacy import KEY_S, Privacy
from tests.virtual import run_virtually


def test_privacy_outlasts_the_last_key_and_who_enters_it_again() -> None:
    ear = Ear(MULAW_8K, Effort(Observer()))
    privacy = Privacy(ear)
    told: list[bool] = []

    async def tell(after_s: float) -> None:
        await asyncio.sleep(after_s)
        told.append(ear.is_private)

    async def play() -> None:
        await tell(0)
        with privacy:
            with privacy:
                await tell(0)
            await tell(2 * KEY_S)
        await tell(0.9 * KEY_S)
        with privacy:
            await tell(2 * KEY_S)
        await tell(0.9 * KEY_S)
        await tell(0.2 * KEY_S)

    run_virtually(play())
    assert told == [False, True, True, True, True, True, False]
