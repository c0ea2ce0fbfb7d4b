"""The suite in virtual time: exact figures for what conforms, and what is amiss between start and end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import Delta, Llm, Message, Provider, TextDelta, ToolSpec
from mediasrv.providers.conformance.suite import refuses_a_wrong_key
from mediasrv.providers.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from tests.providers.conformance.trying import TRIAL, failed, tried
from tests.virtual import run_virtually

PASSED = {
    ScriptedStt: ["starts", "streams", "answers", "keeps utterances apart", "stops", "closes"],
    ScriptedLlm: ["starts", "streams", "answers", "uses tools", "stops", "closes"],
    ScriptedTts: ["starts", "streams", "answers", "stops", "closes"],
}


@pytest.mark.parametrize(
    ("kind", "first", "first_ms"),
    [
        (ScriptedStt, "final 100 ms (median of 3)", 100),
        (ScriptedLlm, "first token 200 ms (median of 3)", 200),
        (ScriptedTts, "first audio 80 ms (median of 3)", 80),
    ],
)
def test_what_conforms_passes_all_checks_and_its_latency_is_told(
    kind: type[Provider], first: str, first_ms: float
) -> None:
    verdicts = tried(kind(kind.Options()))
    assert [verdict.name for verdict in verdicts] == PASSED[kind]
    assert all(verdict.ok for verdict in verdicts)
    (timed,) = (verdict for verdict in verdicts if verdict.first_result_ms is not None)
    assert timed.detail == first
    assert timed.first_result_ms == pytest.approx(first_ms)


class Untidy(ScriptedLlm):
    """Leaves things behind."""

    kept: ClassVar[list[object]] = []

    async def start(self) -> None:
        match self.options:
            case "task":
                self.kept.append(asyncio.create_task(asyncio.sleep(1e6), name="heartbeat"))
            case "socket":
                self.kept.append(socket.socket())
            case "once" if not self.kept:
                self.kept.append(socket.socket())

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        return ScriptedLlm(ScriptedLlm.Options()).reply(messages, tools)


@pytest.mark.parametrize(
    ("what", "amiss"),
    [
        ("task", {"closes": "leaves behind: task heartbeat"}),
        ("socket", {"closes": "leaves behind: 1 socket"}),
        # As libraries do, for the life of the process.
        ("once", {}),
    ],
)
def test_what_is_left_behind_is_named(what: str, amiss: dict[str, str]) -> None:
    Untidy.kept.clear()
    assert failed(Untidy(what)) == amiss
    for each in Untidy.kept:
        if isinstance(each, socket.socket):
            each.close()


NO_KEY = ConfigError("llm provider unready needs a key")


class Unready(ScriptedLlm):
    """Does not start."""

    closed = 0

    async def start(self) -> None:
        raise self.options

    async def aclose(self) -> None:
        self.closed += 1


def test_what_does_not_start_is_not_tried_but_closed() -> None:
    provider = Unready(NO_KEY)
    verdicts = tried(provider)
    assert [(verdict.name, verdict.ok) for verdict in verdicts] == [("starts", False), ("closes", True)]
    assert isinstance(verdicts[0].error, ConfigError)
    assert provider.closed == 2


class Refused(Llm):
    """Fails with the error that it is made with."""

    name = "refused"

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        raise self.options
        yield TextDelta("")


def _error(retryable: bool) -> ProviderError:
    return ProviderError("HTTP 401", stage="llm", provider="refused", retryable=retryable)


@pytest.mark.parametrize(
    ("impostor", "ok", "detail"),
    [
        (Refused(_error(retryable=False)), True, "HTTP 401"),
        (Refused(_error(retryable=True)), False, "says that it may be tried again: HTTP 401"),
        (Refused(ValueError("x")), False, "raised ValueError, not ProviderError"),
        (Unready(_error(retryable=False)), True, "HTTP 401"),
        (ScriptedLlm(ScriptedLlm.Options(replies=())), False, "answers nothing"),
        (ScriptedLlm(ScriptedLlm.Options()), False, "takes it"),
        (Unready(NO_KEY), True, "llm provider unready needs a key"),
    ],
)
def test_a_wrong_key_must_be_refused_as_such(impostor: Provider, ok: bool, detail: str) -> None:
    verdict = run_virtually(refuses_a_wrong_key(impostor, TRIAL))
    assert (verdict.ok, verdict.detail) == (ok, detail)


def test_a_wrong_key_is_tried_when_it_is_given() -> None:
    verdicts = tried(ScriptedLlm(ScriptedLlm.Options()), impostor=Refused(_error(retryable=False)))
    assert (verdicts[-1].name, verdicts[-1].ok) == ("refuses a wrong key", True)


def test_a_clip_is_spoken_from_its_first_sound_in_the_format_that_is_asked_for() -> None:
    frames = TRIAL.frames(MULAW_8K)
    length_ms = len(TRIAL.pcm) * 1000 // TRIAL.rate_hz
    assert {len(frame) for frame in frames[:-1]} == {160}
    assert 0.4 * length_ms < 20 * len(frames) < length_ms
    assert len(b"".join(TRIAL.frames(L16_16K))) == pytest.approx(4 * len(b"".join(frames)), rel=0.01)
