"""mediasrv: a media server that puts AI voice agents on the telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mediasrv.call.agent import Agent
    from mediasrv.call.call import Call
    from mediasrv.call.tools import tool

__all__ = ["Agent", "Call", "tool"]

_HOMES = {"Agent": "mediasrv.call.agent", "Call": "mediasrv.call.call", "tool": "mediasrv.call.tools"}


def __getattr__(name: str) -> Any:
    """Load the public names when they are first asked for, so that the command line starts at once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
