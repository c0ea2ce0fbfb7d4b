"""The agency: all agents of this server, with their providers started and their set phrases spoken ahead of time."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import sys
from collections.abc import Collection, Mapping
from typing import Any, cast

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.audio.warmup import warm
from mediasrv.call.agent import Agent
from mediasrv.call.ear import rehearse
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.live import LiveCall
from mediasrv.call.observer import Observer
from mediasrv.call.options import AgentOptions
from mediasrv.call.pacer import Pacer
from mediasrv.call.role import CascadeRole, Conduct, RealtimeRole
from mediasrv.call.tools import tools_of
from mediasrv.call.voice import Voice
from mediasrv.errors import ConfigError
from mediasrv.providers import registry
from mediasrv.providers.base import Llm, Message, Provider, Stt, Tts
from mediasrv.providers.realtime import Realtime
from mediasrv.wire.events import StreamStarted

log = logging.getLogger(__name__)


class Agency:
    """Opens calls for agents by name."""

    def __init__(
        self,
        agents: Mapping[str, AgentOptions],
        *,
        expected_format: AudioFormat = MULAW_8K,
        observer: Observer | None = None,
    ) -> None:
        """``expected_format`` is what set phrases are made in ahead of time; others are made when first said."""
        self._expected_format = expected_format
        self._observer = observer or Observer()
        self._pacer = Pacer()
        self._providers: dict[tuple[str, str], Provider] = {}
        self._roles = {name: self._role(name, options) for name, options in agents.items()}

    @property
    def names(self) -> Collection[str]:
        """The agents' names."""
        return self._roles.keys()

    def _role(self, name: str, options: AgentOptions) -> CascadeRole | RealtimeRole:
        agent, conduct = _load(options.class_)
        if options.realtime and conduct is not None:
            raise ConfigError(f"agents.{name}: {options.class_} conducts the call itself and has no use for realtime")
        providers = {stage: self._provider(stage, table) for stage, table in options.stages.items()}
        voice = Voice(cast(Tts, providers["tts"])) if "tts" in providers else None
        tools = tools_of(agent)
        if voice is None or options.realtime:
            realtime = cast(Realtime, providers["realtime"])
            return RealtimeRole(name=name, options=options, agent=agent, tools=tools, realtime=realtime, voice=voice)
        return CascadeRole(
            name=name,
            options=options,
            agent=agent,
            tools=tools,
            stt=cast(Stt, providers["stt"]),
            llm=cast(Llm, providers["llm"]),
            voice=voice,
            conduct=conduct,
        )

    def _provider(self, stage: str, options: Mapping[str, Any]) -> Provider:
        """Agents whose providers are set up alike share them."""
        # Not by repr, in which all secrets look alike.
        key = stage, json.dumps(options, sort_keys=True, default=str)
        if key not in self._providers:
            self._providers[key] = registry.build(stage, options)
        return self._providers[key]

    async def start(self) -> None:
        """Compile, start all providers, then the agents; raise ``ConfigError`` for what the operator must mend."""
        warm(rehearse)
        try:
            async with asyncio.TaskGroup() as tasks:
                for provider in self._providers.values():
                    tasks.create_task(provider.start())
        except ExceptionGroup as failures:
            # One line says what to mend; the next start tells the next.
            raise failures.exceptions[0] from None
        for role in self._roles.values():
            await role.agent.start()
            if role.voice is not None:
                for text in role.set_phrases:
                    await role.voice.render(text, self._expected_format)
            if isinstance(role, CascadeRole):
                await role.llm.warm([Message("system", role.instructions)])

    async def aclose(self) -> None:
        """Stop agents and providers."""
        for role in self._roles.values():
            await role.agent.aclose()
        for provider in self._providers.values():
            await provider.aclose()

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails) -> LiveCall:
        """Open a call for an agent that is among ``names``; ``run`` it next."""
        return LiveCall(self._roles[agent_name], started, link, details, self._pacer, self._observer)


def _load(path: str) -> tuple[Agent, Conduct | None]:
    """The agent that ``module:Name`` names, or the coroutine function with an agent that does nothing beside it."""
    if not path:
        return Agent(), None
    module_name, _, name = path.partition(":")
    if os.getcwd() not in sys.path:
        # The operator's module lies where the server is started.
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"agent class {path!r} cannot be loaded: {error}; write it as module:Name") from error
    if inspect.iscoroutinefunction(found):
        return Agent(), cast(Conduct, found)
    if inspect.isclass(found) and issubclass(found, Agent):
        return found(), None
    raise ConfigError(f"agent class {path!r} is neither an Agent subclass nor a coroutine function")
