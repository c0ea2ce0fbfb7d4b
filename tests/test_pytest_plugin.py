"""The fixtures that packages of others use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mediasrv.livecheck import standard_trial
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.scripted import ScriptedLlm

if TYPE_CHECKING:
    from mediasrv.pytest_plugin import Conforms

pytest_plugins = ["mediasrv.pytest_plugin"]

QUICK = ScriptedLlm.Options(first_token_ms=1)
SILENT = ScriptedLlm.Options(first_token_ms=1, replies=())


def test_the_trial_is_the_one_of_the_command_line(conformance_trial: Trial) -> None:
    assert conformance_trial.frames(conformance_trial.audio) == standard_trial().frames(conformance_trial.audio)
    assert conformance_trial.speed == 1.0


async def test_what_conforms_passes_and_tells_its_latency(conforms: Conforms) -> None:
    verdicts = await conforms(ScriptedLlm(QUICK))
    assert sum(verdict.first_result_ms is not None for verdict in verdicts) == 1


async def test_what_does_not_conform_fails_the_test(conforms: Conforms) -> None:
    with pytest.raises(pytest.fail.Exception, match="scripted does not conform\nstreams: answers nothing"):
        await conforms(ScriptedLlm(SILENT))


async def test_an_impostor_that_is_let_in_fails_the_test(conforms: Conforms) -> None:
    with pytest.raises(pytest.fail.Exception, match="refuses a wrong key: takes it"):
        await conforms(ScriptedLlm(QUICK), impostor=ScriptedLlm(QUICK))


def test_no_plugin_of_an_event_loop_is_needed(conforms: Conforms) -> None:
    asyncio.run(conforms(ScriptedLlm(QUICK)))
