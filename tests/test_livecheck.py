"""A configuration's providers tried: which, with what verdicts, and nothing secret in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.config import Settings, provider_tables
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.livecheck import Report, reports_of, run, standard_trial
from mediasrv.providers.conformance.verdict import Verdict
from mediasrv.vault import Secret
from tests.virtual import run_virtually

SCRIPTED = {"provider": "scripted"}
KEY = Secret("s3cret")


def settings(*agents: AgentOptions) -> Settings:
    return Settings(agents={f"a{index}": agent for index, agent in enumerate(agents)})


def agent(**tables: Any) -> AgentOptions:
    return replace(AgentOptions(stt=SCRIPTED, llm=SCRIPTED, tts=SCRIPTED), **tables)


def report(*verdicts: Verdict) -> Report:
    table = {"provider": "parrot", "api_key": KEY, "extra": {"tokens": [Secret("t0ken")]}}
    return Report("llm", table, ["agents.a.llm", "agents.b.llm"], verdicts)


def test_providers_set_up_alike_are_tried_once_and_second_ones_too() -> None:
    second = {"provider": "scripted", "replies": ["Yes."]}
    configured = settings(agent(), agent(fallback=FallbackOptions(llm=second)), agent(tts={"provider": "espeak"}))
    found = [(each.stage, each.table, each.places) for each in reports_of(provider_tables(configured))]
    assert found == [
        ("stt", SCRIPTED, ["agents.a0.stt", "agents.a1.stt", "agents.a2.stt"]),
        ("llm", SCRIPTED, ["agents.a0.llm", "agents.a1.llm", "agents.a2.llm"]),
        ("tts", SCRIPTED, ["agents.a0.tts", "agents.a1.tts"]),
        ("llm", second, ["agents.a1.fallback.llm"]),
        ("tts", {"provider": "espeak"}, ["agents.a2.tts"]),
    ]


def test_keys_that_differ_are_tried_apart() -> None:
    tables = [{"provider": "openai", "api_key": Secret(key)} for key in ("one", "two", "one")]
    assert [each.places for each in reports_of((str(n), "llm", table) for n, table in enumerate(tables))] == [
        ["0", "2"],
        ["1"],
    ]


def test_a_provider_that_is_well_has_one_line_with_its_latency() -> None:
    well = report(Verdict("streams", True, "9 pieces"), Verdict("answers", True, "first token 312 ms", 312.0))
    assert list(well.lines()) == ["ok   llm parrot  first token 312 ms  [agents.a.llm, agents.b.llm]"]
    assert well.ok
    assert not well.is_misconfigured


def test_each_failed_check_has_a_line_without_secrets() -> None:
    error = ProviderError("x", stage="llm", provider="parrot", retryable=False)
    ill = report(
        Verdict("starts", True, "in 3 ms"),
        Verdict("streams", False, "HTTP 401 for s3cret", error=error),
        Verdict("closes", False, "leaves behind: task t0ken"),
    )
    assert list(ill.lines()) == [
        "FAIL llm parrot  HTTP 401 for ******** (streams)  [agents.a.llm, agents.b.llm]",
        "FAIL llm parrot  leaves behind: task ******** (closes)  [agents.a.llm, agents.b.llm]",
    ]
    assert not ill.ok
    assert not ill.is_misconfigured


def test_what_must_be_mended_in_the_configuration_is_known_as_such() -> None:
    assert report(Verdict("starts", False, "needs a key", error=ConfigError("needs a key"))).is_misconfigured


def test_lines_are_told_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    reports = run_virtually(run(provider_tables(settings(agent())), standard_trial()))
    assert all(each.ok for each in reports)
    assert capsys.readouterr().out == (
        "ok   stt scripted  final 100 ms (median of 3)  [agents.a0.stt]\n"
        "ok   llm scripted  first token 200 ms (median of 3)  [agents.a0.llm]\n"
        "ok   tts scripted  first audio 80 ms (median of 3)  [agents.a0.tts]\n"
    )
