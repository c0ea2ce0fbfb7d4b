"""A turn detector in whole calls, in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from mediasrv.call.options import AgentOptions
from mediasrv.config import Settings, check_providers, provider_tables
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import JUDGE_LIMIT_S, Pause, TurnDetector
from mediasrv.providers.hedge import Fate
from mediasrv.providers.witness import Outcome, ProviderRequest
from tests.call.stage import SHORT, Stage, Watch, agent_options, patience, perform

WAITS = patience(endpoint_ms=400, endpoint_unsure_ms=800, endpoint_incomplete_ms=1200, speculation=False)
Opinion = Callable[[Pause], float]


class Judge(TurnDetector):
    """Keeps what it was asked, and answers as it was told to."""

    name = "judge"

    def __init__(self, opinion: Opinion = lambda pause: 1.0, delay_s: float = 0.0) -> None:
        super().__init__(None)
        self.pauses: list[Pause] = []
        self.asked_s: list[float] = []
        self.is_prepared = False
        self.is_asked = asyncio.Event()
        self._opinion = opinion
        self._delay_s = delay_s

    async def prepare(self) -> None:
        self.is_prepared = True

    async def judge(self, pause: Pause) -> float:
        self.pauses.append(pause)
        self.is_asked.set()
        self.asked_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._delay_s)
        return self._opinion(pause)


async def one_turn(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(5)


def options(text: str = "Go forward", **changes: Any) -> AgentOptions:
    return agent_options(stt={"texts": (text,)}, turn=WAITS, **changes)


def wait_ms(stage: Stage) -> float:
    (trace,) = stage.watch.traces
    return (trace.points_s["endpoint"] - trace.last_voice_s) * 1000


def test_the_probability_moves_the_endpoint() -> None:
    alone = wait_ms(perform(one_turn, options()))
    sure, unsure, doubtful = (
        wait_ms(perform(one_turn, options(), detector=Judge(lambda pause, p=p: p)))  # type: ignore[misc]
        for p in (1.0, 0.5, 0.0)
    )
    assert sure <= alone
    assert unsure == alone
    assert doubtful > alone + 300


def test_a_detector_is_named_in_the_configuration() -> None:
    detector = {"provider": "scripted", "probability": 0.0, "delay_ms": 40}
    assert wait_ms(perform(one_turn, options(detector=detector))) > wait_ms(perform(one_turn, options())) + 300


def test_it_is_asked_in_each_pause_and_again_when_the_final_says_more() -> None:
    judge = Judge()
    stage = perform(one_turn, options("go forward"), detector=judge)
    asked = [(pause.text, asked_s) for pause, asked_s in zip(judge.pauses, judge.asked_s, strict=True)]
    assert [text for text, _ in asked[:2]] == ["", "go forward"]
    assert asked[1][1] - asked[0][1] == pytest.approx(0.1)
    (trace,) = stage.watch.traces
    (last_s,) = [asked_s for _, asked_s in asked if asked_s > trace.last_voice_s]
    assert last_s - trace.last_voice_s <= 0.1


def test_what_it_knew_already_it_is_not_asked_again() -> None:
    judge = Judge()
    stt = {"texts": ("go",), "interim_ms": 40}
    stage = perform(one_turn, agent_options(stt=stt, turn=WAITS), detector=judge)
    (trace,) = stage.watch.traces
    assert len([asked_s for asked_s in judge.asked_s if asked_s > trace.last_voice_s]) == 1


def test_it_hears_the_utterance_and_knows_what_was_said_before() -> None:
    judge = Judge()

    async def act(stage: Stage) -> None:
        await stage.be_quiet(2)
        await stage.speak(SHORT)
        await stage.be_quiet(5)

    perform(act, options(greeting="Hello."), detector=judge)
    last = judge.pauses[-1]
    assert 0.3 < last.samples.size / 16_000 < 2.5
    assert last.samples.dtype == "int16"
    assert [(each.role, each.text) for each in last.history] == [
        ("system", AgentOptions().instructions),
        ("assistant", "Hello."),
    ]


def test_an_answer_that_comes_too_late_does_not_count(caplog: pytest.LogCaptureFixture) -> None:
    late = perform(one_turn, options(), detector=Judge(lambda pause: 0.0, delay_s=JUDGE_LIMIT_S + 0.01))
    assert wait_ms(late) == wait_ms(perform(one_turn, options()))
    assert late.watch.detector_failures > 0
    (record,) = [each for each in caplog.records if each.getMessage() == "turn detector failed"]
    assert vars(record)["error"] == "TimeoutError"


def fail(pause: Pause) -> float:
    raise ProviderError("is out of order", stage="detector", provider="judge", retryable=True)


def break_down(pause: Pause) -> float:
    raise RuntimeError("secret words")


@pytest.mark.parametrize(
    ("opinion", "told"),
    [
        (fail, "detector provider judge: is out of order"),
        (break_down, "RuntimeError"),
        (lambda pause: 1.5, "detector provider judge: 1.5 is no probability"),
        (lambda pause: float("nan"), "detector provider judge: nan is no probability"),
    ],
)
def test_a_detector_that_fails_is_as_if_there_were_none(
    opinion: Opinion, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(stage: Stage) -> None:
        for _ in range(2):
            await stage.speak()
            await stage.be_quiet(4)

    caplog.set_level(logging.INFO)
    stage = perform(act, options(), detector=Judge(opinion))
    assert len(stage.watch.traces) == 2
    assert stage.watch.detector_failures >= 4
    (record,) = [each for each in caplog.records if each.getMessage() == "turn detector failed"]
    assert vars(record)["error"] == told
    assert "secret words" not in caplog.text


class Witnessing(Watch):
    """A watch that keeps what was asked of the detector."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_of: list[tuple[str, Fate]] = []
        self.requests: list[ProviderRequest] = []

    def asked(self, stage: str, provider: str, fate: Fate) -> None:
        if stage == "detector":
            self.asked_of.append((provider, fate))

    def requested(self, call_id: str, request: ProviderRequest) -> None:
        if request.stage == "detector":
            self.requests.append(request)


@pytest.mark.parametrize(
    ("judge", "fate", "outcome"),
    [
        (Judge(delay_s=0.06), Fate.ANSWERED, Outcome.ANSWERED),
        (Judge(fail), Fate.FAILED, Outcome.FAILED),
        (Judge(delay_s=1.0), Fate.FAILED, Outcome.FAILED),
    ],
)
def test_each_question_is_a_request_of_a_provider(judge: Judge, fate: Fate, outcome: Outcome) -> None:
    watch = Witnessing()
    perform(one_turn, options(), detector=judge, watch=watch)
    assert watch.asked_of == [("judge", fate)] * len(judge.pauses)
    assert [request.outcome for request in watch.requests] == [outcome] * len(judge.pauses)
    waited_s = [request.first_s and request.first_s - request.began_s for request in watch.requests]
    assert waited_s == [pytest.approx(0.06) if fate is Fate.ANSWERED else None] * len(judge.pauses)


def test_a_question_that_the_end_of_the_call_cuts_off_was_dropped() -> None:
    watch, judge = Witnessing(), Judge(delay_s=0.1)

    async def act(stage: Stage) -> None:
        speaking = asyncio.create_task(stage.speak())
        await judge.is_asked.wait()
        stage.hang_up()
        await asyncio.wait([stage.running, speaking])

    perform(act, options(), detector=judge, watch=watch)
    assert [request.outcome for request in watch.requests] == [Outcome.DROPPED]
    assert not watch.asked_of


def test_a_call_that_ends_ends_its_questions() -> None:
    judge = Judge(delay_s=0.1)

    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(0.1)
        stage.hang_up()
        await asyncio.wait([stage.running])
        assert not [task for task in asyncio.all_tasks() if "_judge" in repr(task.get_coro())]

    perform(act, options(), detector=judge)
    assert judge.pauses


def test_it_is_prepared_for_a_call_that_is_about_to_come() -> None:
    judge = Judge()

    async def act(stage: Stage) -> None:
        await stage.agency.prepare("default")

    perform(act, options(), detector=judge)
    assert judge.is_prepared


def test_a_detector_is_checked_with_the_configuration() -> None:
    scripted = {"provider": "scripted"}
    agent = AgentOptions(stt=scripted, llm=scripted, tts=scripted, detector={"provider": "htpp"})
    settings = Settings(agents={"a": agent})
    assert ("agents.a.detector", "detector", {"provider": "htpp"}) in list(provider_tables(settings))
    with pytest.raises(ConfigError, match=r"agents\.a\.detector: detector provider 'htpp' is unknown"):
        check_providers(settings)
