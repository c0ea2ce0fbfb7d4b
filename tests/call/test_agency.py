from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.errors import ConfigError
from mediasrv.providers import registry
from mediasrv.providers.base import Provider
from mediasrv.providers.scripted import ScriptedLlm, ScriptedStt
from mediasrv.vault import Secret

SCRIPTED = {"provider": "scripted"}


def agent(**llm: object) -> AgentOptions:
    return AgentOptions(stt=SCRIPTED, llm=SCRIPTED | llm, tts=SCRIPTED)


async def test_providers_that_cannot_start_are_told_as_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise ConfigError("the weights are not there")

    monkeypatch.setattr(ScriptedStt, "start", fail)
    monkeypatch.setattr(ScriptedLlm, "start", fail)
    agency = Agency({"a": agent()})
    with pytest.raises(ConfigError, match="the weights are not there"):
        await agency.start()
    await agency.aclose()


def built(monkeypatch: pytest.MonkeyPatch, agents: dict[str, AgentOptions]) -> list[str]:
    """The stages of the providers that an agency of these agents makes."""
    stages: list[str] = []
    build = registry.build

    def watched(stage: str, options: Mapping[str, Any]) -> Provider:
        stages.append(stage)
        return build(stage, options)

    monkeypatch.setattr(registry, "build", watched)
    Agency(agents)
    return sorted(stages)


def test_agents_that_are_set_up_alike_share_their_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert built(monkeypatch, {"a": agent(echo=True), "b": agent(echo=True)}) == ["llm", "stt", "tts"]


def test_agents_with_different_secrets_do_not_share(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = {name: agent(replies=[Secret(name)]) for name in ("a", "b")}
    assert built(monkeypatch, agents) == ["llm", "llm", "stt", "tts"]
