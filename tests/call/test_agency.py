from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mediasrv.audio.format import AudioFormat
from mediasrv.call.agency import PREPARE_LIMIT_S, Agency
from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import Provider, Speech
from mediasrv.providers.fallback import FallbackLlm
from mediasrv.providers.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from mediasrv.vault import Secret
from tests.virtual import run_virtually

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


async def test_a_voice_that_cannot_speak_now_may_be_able_to_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> AsyncGenerator[Speech]:
        raise ProviderError("HTTP 500", stage="tts", provider="scripted", retryable=True)
        yield

    monkeypatch.setattr(ScriptedTts, "speak", fail)
    agency = Agency({"a": replace(agent(), greeting="Never said before.")})
    await agency.start()
    await agency.aclose()
    assert "set phrases are not ready" in caplog.text


@pytest.mark.parametrize("keep", [True, False])
async def test_set_phrases_are_recorded_once_where_they_may_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keep: bool
) -> None:
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path))
    spoken: list[str] = []
    speak = ScriptedTts.speak

    async def watched(tts: ScriptedTts, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for piece in speak(tts, phrases, wanted):
            spoken.append(piece.text)
            yield piece

    monkeypatch.setattr(ScriptedTts, "speak", watched)
    for _ in range(2):
        agency = Agency({"a": replace(agent(), greeting="Good day.", keep_audio=keep)})
        await agency.start()
        await agency.aclose()
    assert spoken.count("Good day.") == (1 if keep else 2)
    assert spoken.count(FallbackOptions().fillers[0]) == (1 if keep else 2)


def watch_preparations(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None, wait_s: float = 0) -> list[str]:
    prepared: list[str] = []

    async def prepare(provider: Provider) -> None:
        await asyncio.sleep(wait_s)
        prepared.append(type(provider).__name__)
        if error is not None:
            raise error

    for cls in (ScriptedStt, ScriptedLlm, ScriptedTts):
        monkeypatch.setattr(cls, "prepare", prepare)
    return prepared


def test_what_a_call_needs_is_prepared_as_far_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prepare() -> None:
        await Agency({"a": agent()}).prepare("a")

    prepared = watch_preparations(monkeypatch)
    run_virtually(prepare())
    assert sorted(prepared) == ["ScriptedLlm", "ScriptedStt", "ScriptedTts"]
    down = ProviderError("HTTP 500", stage="stt", provider="scripted", retryable=True)
    prepared = watch_preparations(monkeypatch, down)
    run_virtually(prepare())
    assert len(prepared) == 3


def test_what_takes_too_long_to_prepare_is_left_to_the_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def prepare() -> float:
        await Agency({"a": agent()}).prepare("a")
        return asyncio.get_running_loop().time()

    watch_preparations(monkeypatch, wait_s=1000)
    assert run_virtually(prepare()) == PREPARE_LIMIT_S
    assert "not ready" in caplog.text


def test_a_second_provider_is_part_of_the_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    fallback = FallbackOptions(llm=SCRIPTED | {"echo": True})
    agents = {"a": replace(agent(), fallback=fallback), "b": agent(echo=True)}
    assert built(monkeypatch, agents) == ["llm", "llm", "stt", "tts"]
    roles = Agency(agents)._roles
    crews = [role.llm.crew for role in roles.values() if isinstance(role.llm, FallbackLlm)]  # type: ignore[union-attr]
    assert [len(crew.members) for crew in crews] == [2, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_token_min_ms": 3000}, "first_token_min_ms, _max_ms and _limit_ms"),
        ({"first_audio_limit_ms": 100}, "first_audio_min_ms, _max_ms and _limit_ms"),
        ({"gap_ms": 0}, "fallback.gap_ms must be more than 0"),
        ({"filler_after_ms": -1}, "fallback.filler_after_ms must be more than 0"),
        ({"failed_replies": 0}, "fallback.failed_replies must be more than 0"),
        ({"extra_percent": -1}, "fallback.extra_percent must not be less than 0"),
        ({"most_fillers": -1}, "fallback.most_fillers must not be less than 0"),
        ({"tool_limit_ms": 0}, "fallback.tool_limit_ms must be more than 0"),
        ({"breaker_longest_rest_ms": 100}, "fallback.breaker_longest_rest_ms must not be less than breaker_rest_ms"),
    ],
)
def test_patience_that_contradicts_itself_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FallbackOptions(**options)  # type: ignore[arg-type]


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
