"""A worker process as the local voices have one, with an engine that also fails in every way an engine can.

``python -m tests.providers.tone_worker SETUP`` with ``{"rate_hz": N}``, or ``{"start": HOW}`` for a start that fails.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from mediasrv.providers.worker import Emit, Engine, serve


class ToneEngine:
    """Says a text as one piece of two bytes for each letter, or obeys the words below."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self.rate_hz = int(setup["rate_hz"])

    def speak(self, text: str, emit: Emit) -> None:
        if text == "crash":
            os._exit(3)
        if text == "fail":
            raise ValueError("the engine's own words")
        if text == "print":
            print("a library's chatter", flush=True)
        if text == "hang":
            signal.pause()
        for letter in text:
            if not emit(letter.encode() * 2):
                return
        while text == "endless" and emit(b"ee"):
            time.sleep(0.001)


def build(setup: Mapping[str, Any]) -> Engine:
    if setup.get("start") == "refuse":
        raise RuntimeError("no such voice")
    if setup.get("start") == "die":
        sys.exit(7)
    if setup.get("start") == "hang":
        time.sleep(60)
    return ToneEngine(setup)


if __name__ == "__main__":
    serve(build)
