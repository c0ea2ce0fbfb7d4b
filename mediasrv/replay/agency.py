"""An agency whose calls are captured."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextvars import Context
from dataclasses import replace
from functools import partial
from typing import Any, cast

from mediasrv.call.agency import Agency
from mediasrv.call.call import Call
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.live import LiveCall
from mediasrv.call.options import AgentOptions
from mediasrv.call.role import CascadeRole, RealtimeRole
from mediasrv.replay.capture import Capture
from mediasrv.replay.captured import CapturedCall, CapturedLink, CapturedPacer, distant_observer
from mediasrv.replay.file import CaptureFile, Captures
from mediasrv.replay.header import describe
from mediasrv.replay.loops import Capturing
from mediasrv.replay.parts import (
    DistantAgent,
    DistantControl,
    DistantDetector,
    DistantLlm,
    DistantRealtime,
    DistantStt,
    DistantTts,
    asked,
    distant_tool,
    hooks_of,
)
from mediasrv.replay.verdicts import note_verdicts
from mediasrv.replay.voices import CapturedVoice
from mediasrv.replay.wire import listen_in
from mediasrv.replay.world import context_for
from mediasrv.wire.events import StreamStarted


class CapturingAgency(Agency):
    """Captures the calls of some agents, or of all, on a ``Capturing`` loop."""

    def __init__(
        self, agents: Mapping[str, AgentOptions], captures: Captures, only: Collection[str] = (), **rest: Any
    ) -> None:
        """``only`` are the agents whose calls are captured; empty: all. ``rest`` as ``Agency`` takes it."""
        super().__init__(agents, **rest)
        self._captures = captures
        self._only = only

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails) -> LiveCall:
        """Open a call, and a capture of it."""
        loop = asyncio.get_running_loop()
        if (self._only and agent_name not in self._only) or not isinstance(loop, Capturing):
            return super().open(agent_name, started, link, details)
        file = self._captures.open(started.call_id, started.format)
        capture = Capture(file.note, self.effort)
        within = context_for(capture)
        call = within.copy().run(self._open, capture, within, file, agent_name, started, link, details)
        return cast(LiveCall, CapturedCall(capture, within, call, file.close))

    def _open(
        self,
        capture: Capture,
        within: Context,
        file: CaptureFile,
        agent_name: str,
        started: StreamStarted,
        link: Link,
        details: CallDetails,
    ) -> LiveCall:
        role = self._roles[agent_name]
        about = describe(role, role.voice._tts, started, details, records=self._recorder is not None)
        wired = None if self._captures.redact else listen_in(link, capture.note)
        file.begin({**about, "began_s": capture.now, "wire": wired})
        if details.control is not None:
            details = replace(details, control=DistantControl(capture, details.control))
        calls: list[Call] = []
        distant = _distant(role, capture, started, calls)
        observer = distant_observer(capture, self._observer)
        pacer = CapturedPacer(capture, self._pacer, within)
        captured_link = CapturedLink(capture, link)
        live = LiveCall(distant, started, captured_link, details, pacer, observer, capture.effort, self._recorder)
        calls.append(live.call)
        if self._captures.redact:
            note_verdicts(live.call._parts.ear, capture.note)
        return live


def _distant(
    role: CascadeRole | RealtimeRole, capture: Capture, started: StreamStarted, calls: list[Call]
) -> CascadeRole | RealtimeRole:
    """The role, with all that lies outside behind the capture; ``calls`` will hold the call."""
    tts = role.voice._tts
    voice = DistantTts(capture, joins=tts.joins, format_for=tts.format_for, real=tts)
    agent = DistantAgent(capture, hooks_of(role.agent), role.agent)
    agent.instructions, agent.greeting = role.agent.instructions, role.agent.greeting
    common: dict[str, Any] = {
        "agent": agent,
        "tools": {name: distant_tool(capture, tool, lambda: calls[0]) for name, tool in role.tools.items()},
        "voice": CapturedVoice(voice, role.voice, partial(capture.note, "phrase")),
        "detector": DistantDetector(capture, role.detector) if role.detector is not None else None,
    }
    if isinstance(role, RealtimeRole):
        return replace(role, **common, realtime=DistantRealtime(capture, role.realtime.formats, role.realtime))
    conduct = role.conduct
    return replace(
        role,
        **common,
        stt=DistantStt(capture, role.stt.formats, role.stt, renews_finals=role.stt.renews_finals),
        llm=DistantLlm(capture, role.llm),
        conduct=None if conduct is None else lambda call: asked(capture, "conduct", conduct, call),
    )
