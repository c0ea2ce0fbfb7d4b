"""The agency: all agents of this server, with their providers started and their set phrases spoken ahead of time."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, cast

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.audio.warmup import warm
from mediasrv.call.agent import Agent
from mediasrv.call.ear import rehearse
from mediasrv.call.effort import Effort, Work
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.live import LiveCall
from mediasrv.call.observer import Observer
from mediasrv.call.options import AgentOptions
from mediasrv.call.pacer import Pacer
from mediasrv.call.phrasebook import language_of
from mediasrv.call.recording import Recorder
from mediasrv.call.role import CascadeRole, Conduct, RealtimeRole
from mediasrv.call.shelf import Shelf, cache_folder
from mediasrv.call.studio import Narrator, Studio
from mediasrv.call.tools import tools_of
from mediasrv.call.voice import Voice
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import Llm, Message, Provider, Stt, Tts, TurnDetector
from mediasrv.providers.crew import Crew, Patience
from mediasrv.providers.fallback import FallbackLlm, FallbackTts
from mediasrv.providers.fallback_stt import FallbackStt
from mediasrv.providers.meter import set_meter
from mediasrv.providers.modelvoice import ModelVoice, RecordedVoice
from mediasrv.providers.prompt import PromptTts
from mediasrv.providers.realtime import Realtime
from mediasrv.wire.events import StreamStarted

log = logging.getLogger(__name__)

# A phone rings no longer, or the call comes before its connections do.
PREPARE_LIMIT_S = 5.0

# What stands for the crew of a stage; speech to speech has none, for its sessions know what was said.
_FALLBACKS: Mapping[str, Callable[[Crew[Any]], Provider]] = {"stt": FallbackStt, "llm": FallbackLlm, "tts": FallbackTts}


class Agency:
    """Opens calls for agents by name."""

    def __init__(
        self,
        agents: Mapping[str, AgentOptions],
        *,
        expected_format: AudioFormat = MULAW_8K,
        observer: Observer | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """``expected_format`` is what set phrases are made in ahead of time; others are made when first said.

        ``recorder`` keeps recordings; raise ``ConfigError`` for agents that need one and have none.
        """
        self._expected_format = expected_format
        self._observer = observer or Observer()
        self._recorder = recorder
        self.effort = Effort(self._observer)
        """What calls leave out."""
        self._pacer = Pacer(self.effort)
        self._providers: dict[tuple[str, str], Provider] = {}
        self._crews: dict[tuple[str, str, Patience], Provider] = {}
        self._shelf = Shelf(cache_folder())
        self.forwards = {name: options.forward for name, options in agents.items() if options.forward}
        """Agents whose calls are put through to somebody else at once, and to whom."""
        heard = {name: options for name, options in agents.items() if not options.forward}
        self._roles = {name: self._role(name, options) for name, options in heard.items()}

    @property
    def names(self) -> Collection[str]:
        """The agents' names."""
        return self._roles.keys()

    def take_least_lead(self) -> float:
        """Seconds that the worst fed carrier had left of what we say, since this was last asked."""
        return self._pacer.take_least_lead()

    def _role(self, name: str, options: AgentOptions) -> CascadeRole | RealtimeRole:
        if options.record and self._recorder is None:
            raise ConfigError(f"agents.{name}.record needs recording.key_env, or recording.key_file")
        agent, conduct = _load(options.class_)
        if options.realtime and conduct is not None:
            raise ConfigError(f"agents.{name}: {options.class_} conducts the call itself and has no use for realtime")
        providers = {stage: self._crew(stage, options) for stage in options.stages}
        tts = cast(Tts, providers.get("tts", RecordedVoice(None)))
        voice = PromptTts(tts) if options.cuts_silence else tts
        common: dict[str, Any] = {
            "name": name,
            "options": options,
            "agent": agent,
            "tools": tools_of(agent, options.fallback.tool_limit_ms / 1000),
            "voice": Voice(voice, self._studio(options), self._counts("phrases")),
            "language": language_of(options.turn.language),
            "detector": cast(TurnDetector | None, providers.get("detector")),
        }
        if options.realtime:
            realtime = cast(Realtime, providers["realtime"])
            return RealtimeRole(**common, realtime=realtime)
        return CascadeRole(
            **common,
            stt=cast(Stt, providers["stt"]),
            llm=cast(Llm, providers["llm"]),
            conduct=conduct,
        )

    def _crew(self, stage: str, options: AgentOptions) -> Provider:
        """Agents whose providers are set up alike share them, and what is known of them."""
        if stage not in _FALLBACKS:
            return self._provider(stage, options.stages[stage])
        tables, patience = options.crew(stage), options.fallback.patience(stage)
        key = stage, _fingerprint(tables), patience
        if key not in self._crews:
            providers = [self._provider(stage, table) for table in tables]
            may_hedge = partial(self.effort.allows, Work.HEDGE)
            self._crews[key] = _FALLBACKS[stage](Crew(stage, providers, patience, may_hedge, self._observer.asked))
        return self._crews[key]

    def _studio(self, options: AgentOptions) -> Studio:
        if "tts" in options.stages:
            narrators = [Narrator(cast(Tts, self._provider("tts", table)), table) for table in options.crew("tts")]
        else:
            realtime = cast(Realtime, self._provider("realtime", options.realtime))
            narrators = [Narrator(ModelVoice(realtime), options.realtime)]
        return Studio(narrators, self._shelf if options.keep_audio else None, self._counts("shelf"))

    def _counts(self, cache: str) -> Callable[[bool], None]:
        return lambda found: self._observer.looked_up(cache, found=found)

    def _provider(self, stage: str, options: Mapping[str, Any]) -> Provider:
        key = stage, _fingerprint(options)
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
        set_meter(partial(self._observer.spent, ""))
        for role in self._roles.values():
            await role.agent.start()
            await self._render(role.voice, role.set_phrases)
            if isinstance(role, CascadeRole):
                await role.llm.warm([Message("system", role.instructions)])
        if any(role.options.keep_audio for role in self._roles.values()):
            self._shelf.tidy()

    async def _render(self, voice: Voice, phrases: Collection[str]) -> None:
        """Have set phrases ready; a vendor that is down now may be back when they are said."""
        try:
            for text in phrases:
                await voice.render(text, self._expected_format)
        except ProviderError as error:
            log.error("set phrases are not ready", extra={"error": str(error)})

    async def prepare(self, agent_name: str) -> None:
        """A call is about to come for an agent that is among ``names``: have what it needs open, as far as can be."""
        role = self._roles[agent_name]
        needed = [role.voice, *([role.stt, role.llm] if isinstance(role, CascadeRole) else [role.realtime])]
        needed += [role.detector] if role.detector is not None else []
        try:
            async with asyncio.timeout(PREPARE_LIMIT_S):
                await asyncio.gather(*(each.prepare() for each in needed))
        except (ProviderError, TimeoutError) as error:
            log.warning("providers are not ready", extra={"agent": agent_name, "error": str(error) or "timed out"})

    async def aclose(self) -> None:
        """Stop agents and providers."""
        for role in self._roles.values():
            await role.agent.aclose()
        for provider in self._providers.values():
            await provider.aclose()

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails) -> LiveCall:
        """Open a call for an agent that is among ``names``; ``run`` it next."""
        role = self._roles[agent_name]
        return LiveCall(role, started, link, details, self._pacer, self._observer, self.effort, self._recorder)


def _fingerprint(options: object) -> str:
    # Not by repr, in which all secrets look alike.
    return json.dumps(options, sort_keys=True, default=str)


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
