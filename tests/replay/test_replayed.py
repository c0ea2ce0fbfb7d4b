"""Channels of a replay, from which comes what came."""

from __future__ import annotations

import pytest

from mediasrv.replay.replayed import ReplayedChannel
from mediasrv.replay.world import END


async def test_what_comes_before_it_is_asked_for_waits() -> None:
    channel = ReplayedChannel("reply 1", None, None)
    channel.take("item", 1)
    channel.take("end")
    assert await channel.next() == 1
    assert await channel.next() is END
    assert channel.close() is None


async def test_a_stream_that_fails_while_nobody_waits_any_more_is_over() -> None:
    channel = ReplayedChannel("speech 1", None, None)
    channel.next().cancel()
    channel.take("failed", ValueError())
    assert channel.close() is None


async def test_a_stream_that_is_left_is_closed_when_it_was() -> None:
    channel = ReplayedChannel("reply 1", None, None)
    asked = channel.next()
    closing = channel.close()
    assert closing is not None
    assert not closing.done()
    channel.take("closed")
    assert closing.done()
    assert not asked.done()


async def test_failures_are_raised() -> None:
    channel = ReplayedChannel("reply 1", None, None)
    asked = channel.next()
    channel.take("failed", ValueError("as it was"))
    with pytest.raises(ValueError, match="as it was"):
        await asked
