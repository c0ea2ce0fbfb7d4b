"""Agents of the calls that are made in tests."""

from __future__ import annotations

from mediasrv import Call


async def brief(call: Call) -> None:
    """Has nothing to say."""
    await call.hangup()
