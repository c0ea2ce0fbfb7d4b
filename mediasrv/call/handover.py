"""Handing a caller over: what he hears meanwhile, and what is left to do when it came to nothing.

Put through at once, the caller hears the carrier ring. While somebody is briefed first he hears music, which begins
again whenever it ends, and no silence until he is connected or told that he is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediasrv.call.control import CallControl, HandoverOrder, HandoverOutcome, Words
from mediasrv.call.mouth import Mouth

log = logging.getLogger(__name__)

# Soft chords that end in a rest, in hertz; each lasts as long as a breath.
_CHORDS = ((261.6, 329.6, 392.0), (220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7))
_CHORD_S = 0.8
# Well below a voice at -20 dB: it is to be talked over.
_PEAK = 2600.0

Play = Callable[[NDArray[np.int16]], Awaitable[Any]]


@cache
def hold_music(rate_hz: int) -> NDArray[np.int16]:
    """Some seconds of int16 mono music at a rate."""
    time_s = np.arange(int(_CHORD_S * rate_hz)) / rate_hz
    envelope = np.minimum(1.0, time_s / 0.02) * np.exp(-3.0 * time_s)
    chords = [sum(np.sin(2 * np.pi * tone_hz * time_s) for tone_hz in chord) * envelope / 3 for chord in _CHORDS]
    return (np.concatenate(chords) * _PEAK).astype(np.int16)


async def hand_over(
    control: CallControl | None, order: HandoverOrder, words: Callable[[], Words], mouth: Mouth, play: Play
) -> HandoverOutcome:
    """Hand over by a carrier that can.

    ``words`` are what was said and heard until then; ``play`` lets the caller hear a piece and returns when it is over.
    """
    if control is None:
        log.error(
            "calls cannot be handed over: the carrier's account is not configured, or it is Exotel, which leads no "
            "live call elsewhere: put a Connect applet behind the stream, and hang up"
        )
        return HandoverOutcome.FAILED
    if not order.briefing:
        await mouth.wait_until_quiet()
        return await control.hand_over(order, words())
    async with _music(mouth, play):
        return await control.hand_over(order, words())


@asynccontextmanager
async def _music(mouth: Mouth, play: Play) -> AsyncGenerator[None]:
    music, has_begun = hold_music(mouth.audio.rate_hz), False

    async def go_on() -> None:
        nonlocal has_begun
        await mouth.wait_until_quiet()
        has_begun = True
        while True:
            await play(music)

    playing = asyncio.create_task(go_on())
    try:
        yield
    finally:
        playing.cancel()
        await asyncio.wait({playing})
        if not playing.cancelled():
            playing.exception()
        if has_begun:
            mouth.clear()
