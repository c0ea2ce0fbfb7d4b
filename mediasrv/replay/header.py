"""What a capture knows of its call before anything happens: who is called, and what the agent is made of.

Providers' own settings, secrets among them, are left out: nobody asks the providers anything in a replay.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.call.call import Call
from mediasrv.call.link import CallDetails
from mediasrv.call.options import AgentOptions
from mediasrv.call.phrasebook import language_of
from mediasrv.call.role import CascadeRole, RealtimeRole
from mediasrv.call.tools import Tool
from mediasrv.providers.base import Speech, Stt, Tts
from mediasrv.replay.parts import (
    DistantAgent,
    DistantControl,
    DistantDetector,
    DistantLlm,
    DistantRealtime,
    DistantStt,
    DistantTts,
    asked,
    hooks_of,
)
from mediasrv.replay.voices import ReplayedVoice
from mediasrv.replay.world import World
from mediasrv.wire.events import StreamStarted

_PROVIDERS = ("stt", "llm", "tts", "realtime", "detector")


def describe(
    role: CascadeRole | RealtimeRole, tts: Tts, started: StreamStarted, details: CallDetails, *, records: bool
) -> dict[str, Any]:
    """All that a replay needs to set the same call up; ``records`` is whether it could be recorded."""
    hearing = role.realtime if isinstance(role, RealtimeRole) else role.stt
    return {
        "agent": role.name,
        "options": _described(role.options),
        "instructions": role.agent.instructions,
        "greeting": role.agent.greeting,
        "hooks": hooks_of(role.agent),
        "tools": [_tool(tool) for tool in role.tools.values()],
        "is_conducted": role.conduct is not None,
        "has_detector": role.detector is not None,
        "formats": list(hearing.formats),
        "renews_finals": isinstance(hearing, Stt) and hearing.renews_finals,
        "joins": tts.joins,
        "speaks": tts.format_for(started.format),
        "started": started,
        "details": {each.name: getattr(details, each.name) for each in fields(details) if each.name != "control"},
        "has_control": details.control is not None,
        "records": records,
    }


def _described(options: AgentOptions) -> dict[str, Any]:
    named = {each.name: getattr(options, each.name) for each in fields(options)}
    tables = {stage: {"provider": str(options.stages[stage].get("provider"))} for stage in options.stages}
    return {name: value for name, value in named.items() if name not in _PROVIDERS} | tables


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = inspect.signature(tool.run, eval_str=True).parameters.values()
    shown = [[each.name, each.kind, each.default is each.empty, each.annotation is Call] for each in parameters]
    return {
        "spec": tool.spec,
        "side_effects": tool.has_side_effects,
        "limit_s": tool.limit_s,
        "parameters": shown,
    }


def role_from(
    header: Mapping[str, Any], phrases: Mapping[str, Mapping[AudioFormat, list[Speech]]], world: World
) -> CascadeRole | RealtimeRole:
    """The role of a replayed call, with nobody behind it; ``phrases`` are those that the voice had recorded."""
    options = AgentOptions(**header["options"])
    tts = DistantTts(world, joins=header["joins"], format_for=lambda wanted: header["speaks"])
    agent = DistantAgent(world, header["hooks"])
    agent.instructions, agent.greeting = header["instructions"], header["greeting"]
    common: dict[str, Any] = {
        "name": header["agent"],
        "options": options,
        "agent": agent,
        "tools": {each["spec"].name: _replayed_tool(each, world) for each in header["tools"]},
        "voice": ReplayedVoice(tts, phrases),
        "language": language_of(options.turn.language),
        "detector": DistantDetector(world) if header["has_detector"] else None,
    }
    if options.realtime:
        return RealtimeRole(**common, realtime=DistantRealtime(world, header["formats"]))
    conduct = _conduct(world) if header["is_conducted"] else None
    # What was captured before there was such a thing does without it.
    stt = DistantStt(world, header["formats"], renews_finals=header.get("renews_finals", False))
    return CascadeRole(**common, stt=stt, llm=DistantLlm(world), conduct=conduct)


def details_from(header: Mapping[str, Any], world: World) -> CallDetails:
    """What is known of a replayed call."""
    control = DistantControl(world) if header["has_control"] else None
    return CallDetails(**header["details"], control=control)


def _replayed_tool(about: Mapping[str, Any], world: World) -> Tool:
    async def run(*arguments: Any, **keywords: Any) -> Any:
        given = (*arguments, *keywords.values())
        return await asked(world, "tool", _nobody, next((each for each in given if isinstance(each, Call)), None))

    parameters = [
        inspect.Parameter(
            name,
            inspect._ParameterKind(kind),
            default=inspect.Parameter.empty if is_needed else None,
            annotation=Call if is_call else inspect.Parameter.empty,
        )
        for name, kind, is_needed, is_call in about["parameters"]
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {name: Call for name, _, _, is_call in about["parameters"] if is_call}
    return Tool(about["spec"], run, about["side_effects"], about["limit_s"])


def _conduct(world: World) -> Callable[[Call], Any]:
    return lambda call: asked(world, "conduct", _nobody, call)


async def _nobody(call: Call) -> None:
    """Nobody is there in a replay."""
