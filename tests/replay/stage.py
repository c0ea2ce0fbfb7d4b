"""Calls that are captured on the virtual stage, and run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from unittest.mock import patch

import orjson

from mediasrv.audio.format import AudioFormat
from mediasrv.call.options import AgentOptions
from mediasrv.replay.agency import CapturingAgency
from mediasrv.replay.codec import encode
from mediasrv.replay.file import Captures, parsed
from mediasrv.replay.loops import capturing
from mediasrv.replay.player import Replayed, replay
from mediasrv.replay.redaction import blank
from tests.call import stage
from tests.virtual import VirtualLoop


class Kept:
    """Captures in memory, as they stand in files."""

    def __init__(self, *, redact: bool = False) -> None:
        self.lines: list[bytes] = []
        self.is_over = False
        self.redact = redact

    def open(self, call_id: str, audio: AudioFormat) -> Kept:
        return self

    def begin(self, header: dict[str, Any]) -> None:
        self.note(["header", {**header, "is_redacted": self.redact}])

    def note(self, line: list[Any]) -> None:
        self.lines.append(orjson.dumps(encode(blank(line, b"\xff") if self.redact else line)))

    def close(self) -> None:
        self.is_over = True

    @property
    def text(self) -> bytes:
        return b"\n".join(self.lines)

    def replay(self) -> Replayed:
        return replay(*parsed(self.text))


def captured(
    act: Callable[[Any], Any],
    options: AgentOptions | None = None,
    kept: Kept | None = None,
    of: Callable[..., stage.Stage] = stage.Stage,
    **providers: Any,
) -> tuple[Any, Kept]:
    """Run an act on a stage of a kind, in virtual time, and return the stage and the capture of the call."""
    kept = kept or Kept()

    async def play() -> stage.Stage:
        with patch.object(stage, "Agency", partial(CapturingAgency, captures=cast(Captures, kept))):
            async with asyncio.timeout(300), of(options or stage.agent_options(), **providers) as played:
                await act(played)
            return played

    with asyncio.Runner(loop_factory=capturing(VirtualLoop)) as runner:
        return runner.run(play()), kept
