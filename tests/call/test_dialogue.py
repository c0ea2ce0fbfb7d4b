"""Whole conversations with a model that hears and speaks by itself, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.call.role import RealtimeRole
from mediasrv.call.usage import CallUsage
from mediasrv.call.voice import Voice
from mediasrv.errors import ConfigError
from mediasrv.providers.base import Pause
from mediasrv.providers.scripted import ScriptedDetector
from mediasrv.wire.events import Clear
from native_bench.standins.base import Fault
from native_bench.standins.openai_realtime import KEY, OpenAiRealtimeStandin
from tests.call.agents import LOG, HangingTts
from tests.call.inmemory import MemoryRealtime
from tests.call.stage import LONG, Stage, patience
from tests.counting import only_counting
from tests.virtual import run_virtually

REALTIME = {"provider": "openai_realtime", "api_key": KEY}
OWN_VOICE = {"provider": "scripted", "first_audio_ms": 80, "ms_per_char": 50}
LONG_REPLY = "This is a very long answer that goes on and on and nobody wants to hear the end of it at all."
SILENCE_LIMIT_S = 3.0
APOLOGY = "I am sorry, something went wrong on my side."


def perform(
    act: Callable[[Stage], Any],
    standin: OpenAiRealtimeStandin,
    *,
    audio: AudioFormat = MULAW_8K,
    session: dict[str, Any] | None = None,
    complaints: int = 0,
    providers: dict[str, Any] | None = None,
    is_recorded: bool = True,
    **options: Any,
) -> Stage:
    """Run an act on a stage whose agent is the stand-in; no task of the call or of its sessions may be left.

    Unless it ``is_recorded``, the vendor was down when the agent's set phrases were wanted.
    """
    options.setdefault("greeting", "")
    studio = OpenAiRealtimeStandin(faults=[] if is_recorded else [Fault("refuse", status=503)])

    async def play() -> Stage:
        realtime = MemoryRealtime(standin, **(session or {}))
        given = {"realtime": realtime, "at_start": {"realtime": MemoryRealtime(studio)}, **(providers or {})}
        agent = AgentOptions(realtime=REALTIME, keep_audio=False, **options)
        async with Stage(agent, audio, **given) as stage:
            await act(stage)
        standin._over.set()
        await asyncio.gather(*(socket.serving for socket in realtime.sockets))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return stage

    stage = run_virtually(play(), limit_s=300.0)
    assert len(standin.complaints) == complaints, standin.complaints
    return stage


async def ask(stage: Stage, wait_s: float = 5.0) -> None:
    await stage.be_quiet(0.5)
    await stage.speak()
    await stage.be_quiet(wait_s)


def break_off(stage: Stage, code: int = 1006) -> None:
    """Lose the session that the call has now."""
    model_of(stage).sockets[-1]._end(code)


def model_of(stage: Stage) -> MemoryRealtime:
    role = stage.agency._roles["default"]
    assert isinstance(role, RealtimeRole)
    assert isinstance(role.realtime, MemoryRealtime)
    return role.realtime


def test_a_caller_is_answered_and_the_words_of_both_are_kept() -> None:
    standin = OpenAiRealtimeStandin(texts=["Go forward."], replies=["Going forward now."], first_audio_ms=400)
    stage = perform(ask, standin)
    assert stage.watch.words == [("caller", "Go forward."), ("bot", "Going forward now.")]
    assert stage.call.call.transcript == stage.watch.words
    assert stage.underruns == 0
    assert stage.call.call.usage == CallUsage(prompt_tokens=50, completion_tokens=20)


def test_only_what_the_caller_says_is_sent_and_paid_for() -> None:
    standin = OpenAiRealtimeStandin(replies=["Going forward now."])
    stage = perform(ask, standin)
    (heard,) = standin.script.heard_ms
    (trace,) = stage.watch.traces
    assert heard < 3000
    assert trace.response_ms is not None
    assert patience().endpoint_ms <= round(trace.response_ms) <= patience().endpoint_unsure_ms


def test_words_that_come_after_the_answer_keep_their_place() -> None:
    standin = OpenAiRealtimeStandin(texts=["Go forward."], replies=["Yes."], transcript_ms=3000)
    stage = perform(ask, standin)
    assert stage.watch.words == [("bot", "Yes."), ("caller", "Go forward.")]
    assert stage.call.call.transcript == [("caller", "Go forward."), ("bot", "Yes.")]


def test_the_greeting_is_said_in_the_models_voice() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin()
    stage = perform(act, standin, greeting="Hello there.", tts=OWN_VOICE)
    assert stage.watch.words == [("bot", "Hello there.")]
    assert len(standin.script.sent("response.create")) == 1


def test_a_greeting_that_was_recorded_is_heard_at_once_and_known_to_the_model() -> None:
    standin = OpenAiRealtimeStandin(first_audio_ms=900)
    stage = perform(lambda stage: stage.be_quiet(4), standin, greeting="Hello there.")
    assert stage.first_media_after(0) - stage.opened_s < 0.05
    (told,) = standin.script.sent("conversation.item.create")
    assert told["item"]["content"] == [{"type": "output_text", "text": "Hello there."}]
    assert stage.call.call.transcript == [("bot", "Hello there.")]
    assert standin.script.sent("response.create") == []


@pytest.mark.parametrize("audio", [MULAW_8K, L16_16K], ids=str)
def test_a_barge_in_tells_the_model_how_much_was_heard(audio: AudioFormat) -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 2)
        await stage.speak(LONG)
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin(texts=["Tell me.", "Stop."], replies=[LONG_REPLY, "Sorry."])
    stage = perform(act, standin, audio=audio)
    assert len(stage.watch.barge_ins) == 1
    (cleared_s,) = [when for when, command in stage.commands if isinstance(command, Clear)]
    (cut,) = standin.script.sent("conversation.item.truncate")
    began_s = stage.first_media_after(0)
    assert cut["audio_end_ms"] == pytest.approx((cleared_s - began_s) * 1000, abs=130)
    (_, first), (side, said), *rest = stage.watch.words
    assert (first, side) == ("Tell me.", "bot")
    assert LONG_REPLY.startswith(said)
    assert said != LONG_REPLY
    assert rest == [("caller", "Stop."), ("bot", "Sorry.")]
    assert stage.call.call.transcript[1] == ("bot", said + "…")


def test_a_barge_in_while_the_answer_is_being_made_stops_it() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 1)
        await stage.speak(LONG)
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin(replies=[LONG_REPLY, "Sorry."], speed=1.1, faults=[Fault("tail")])
    stage = perform(act, standin)
    assert len(standin.script.sent("response.cancel")) == 1
    order = [event["type"] for event in standin.script.events]
    assert order.index("response.cancel") < order.index("conversation.item.truncate")
    assert stage.watch.words[-1] == ("bot", "Sorry.")


def test_a_caller_who_goes_on_before_the_answer_is_heard_out() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(0.3)
        await stage.speak(LONG)
        await stage.be_quiet(5)

    standin = OpenAiRealtimeStandin(texts=["One,", "and two."], replies=["To one.", "To both."], first_audio_ms=1600)
    stage = perform(act, standin)
    assert stage.call.call.transcript == [("caller", "One, and two."), ("bot", "To both.")]


def test_a_cough_is_not_answered() -> None:
    standin = OpenAiRealtimeStandin(texts=[""], first_audio_ms=700)
    stage = perform(ask, standin)
    assert stage.watch.words == []
    assert len(standin.script.sent("response.cancel")) == 1


def test_a_tool_is_run_and_its_result_is_spoken_of() -> None:
    LOG.clear()
    standin = OpenAiRealtimeStandin(replies=['tool:order_status {"order_id": "7"}', "It is in Pune."])
    stage = perform(ask, standin, class_="tests.call.agents:Courier", greeting="")
    assert ("tool", "7", "+15550001", {"order": 7}) in LOG
    (_, given) = standin.script.sent("conversation.item.create")
    assert given["item"]["output"] == "in Pune"
    assert stage.watch.words[-1] == ("bot", "It is in Pune.")


def test_a_tool_may_speak_and_hang_up() -> None:
    standin = OpenAiRealtimeStandin(replies=["tool:finish {}", "unheard"])
    stage = perform(ask, standin, class_="tests.call.agents:Courier")
    assert ("bot", "Thank you and goodbye.") in stage.watch.words
    assert stage.watch.causes == ["agent hung up"]


def test_a_tool_that_the_caller_interrupts_is_answered_for_him() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 1.5)
        await stage.speak(LONG)
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin(replies=["tool:look_up {}", "Yes?"])
    stage = perform(act, standin, class_="tests.call.agents:Slow")
    (given,) = standin.script.sent("conversation.item.create")
    assert given["item"]["output"].startswith("error")
    assert stage.watch.words[-1] == ("bot", "Yes?")


def test_a_model_that_calls_tools_in_a_circle_is_stopped() -> None:
    LOG.clear()
    standin = OpenAiRealtimeStandin(replies=['tool:order_status {"order_id": "7"}'])
    stage = perform(ask, standin, class_="tests.call.agents:Courier", greeting="", repeat_request="Pardon?")
    assert len([entry for entry in LOG if entry[0] == "tool"]) == 5
    assert stage.watch.words[-1] == ("bot", "Pardon?")


def test_a_tool_that_outlives_its_session_is_told_to_another() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 2)
        break_off(stage)
        await stage.be_quiet(6)

    standin = OpenAiRealtimeStandin(replies=["tool:look_up {}", "It is found."])
    stage = perform(act, standin, class_="tests.call.agents:Slow", tts=OWN_VOICE)
    assert standin.connections == 3
    outputs = [each["item"].get("output") for each in standin.script.sent("conversation.item.create")]
    assert [output for output in outputs if output] == ["found"]
    assert stage.watch.words[-1] == ("bot", "It is found.")


def test_a_silent_caller_is_asked_and_then_bidden_goodbye_in_the_models_voice() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(40)

    turn = patience(idle_ms=5000, idle_prompts=1)
    stage = perform(act, OpenAiRealtimeStandin(), idle_prompt=("Still there?",), goodbye="Bye.", turn=turn)
    assert stage.watch.words == [("bot", "Still there?"), ("bot", "Bye.")]
    assert stage.watch.causes == ["nobody answered"]


def test_an_old_session_is_followed_by_another_when_nobody_speaks() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(3):
            await ask(stage)

    standin = OpenAiRealtimeStandin(texts=["One.", "Two.", "Three."], replies=["First.", "Second.", "Third."])
    stage = perform(act, standin, session={"session_limit_s": 9})
    assert standin.connections >= 2
    assert [words for _, words in stage.watch.words] == ["One.", "First.", "Two.", "Second.", "Three.", "Third."]
    assert stage.underruns == 0


# -- misfortunes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1006, 1011])
def test_a_session_that_is_lost_before_the_answer_is_replaced_and_answers(code: int) -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 0.7)
        break_off(stage, code)
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin(
        texts=["Go."], replies=["unheard", "Going."], first_audio_ms=1500, transcript_ms=3000
    )
    stage = perform(act, standin)
    assert standin.connections == 2
    assert stage.call.call.transcript == [("caller", "Go."), ("bot", "Going.")]
    first, second = standin.script.heard_ms
    assert second >= first


def test_words_that_are_known_are_told_to_the_next_session_instead_of_the_audio() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 0.8)
        break_off(stage)
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin(texts=["Go."], replies=["unheard", "Going."], first_audio_ms=1500)
    stage = perform(act, standin, tts=OWN_VOICE)
    assert len(standin.script.heard_ms) == 1
    (told,) = standin.script.sent("conversation.item.create")
    assert told["item"]["content"] == [{"type": "input_text", "text": "Go."}]
    assert stage.watch.words == [("caller", "Go."), ("bot", "Going.")]


def test_a_session_that_is_lost_while_the_caller_speaks_hears_him_from_the_beginning() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        speaking = asyncio.create_task(stage.speak(LONG))
        await asyncio.sleep(1.5)
        break_off(stage)
        await speaking
        await stage.be_quiet(4)

    standin = OpenAiRealtimeStandin(texts=["All of it."], replies=["Yes."])
    stage = perform(act, standin)
    assert stage.watch.words == [("caller", "All of it."), ("bot", "Yes.")]
    assert standin.script.heard_ms[0] > 3000


def test_what_was_said_is_heard_again_though_a_filler_has_been_spoken() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 2.5)
        break_off(stage)
        await stage.be_quiet(6)

    standin = OpenAiRealtimeStandin(texts=["Go."], replies=["no", "Going."], first_audio_ms=3500, transcript_ms=9000)
    stage = perform(act, standin, tts=OWN_VOICE)
    first, second = standin.script.heard_ms
    assert second >= first
    assert stage.watch.words[-1] == ("bot", "Going.")


@pytest.mark.parametrize("kind", ["break", "expired"])
def test_a_reply_that_breaks_off_ends_in_an_apology(kind: str) -> None:
    standin = OpenAiRealtimeStandin(replies=[LONG_REPLY], faults=[Fault(kind)], speed=2.0)
    stage = perform(lambda stage: ask(stage, 7), standin)
    assert stage.watch.words[-1] == ("bot", APOLOGY)
    assert standin.connections == 2
    assert stage.watch.causes == ["cancelled"]


def test_an_agent_with_a_voice_of_its_own_apologises_in_that() -> None:
    standin = OpenAiRealtimeStandin(replies=[LONG_REPLY], faults=[Fault("break")], speed=2.0)
    stage = perform(lambda stage: ask(stage, 7), standin, tts=OWN_VOICE)
    assert stage.watch.words[-1] == ("bot", APOLOGY)
    assert len(standin.script.sent("response.create")) == 1


def test_a_reply_that_fails_is_asked_for_again() -> None:
    standin = OpenAiRealtimeStandin(replies=["Yes."], faults=[Fault("error", after=0)])
    stage = perform(ask, standin, tts=OWN_VOICE)
    assert len(standin.script.sent("response.create")) == 2
    assert stage.watch.words[-1] == ("bot", APOLOGY)


def test_a_model_that_falls_mute_is_left_for_another_session() -> None:
    standin = OpenAiRealtimeStandin(texts=["Go."], replies=["Going."], faults=[Fault("mute")])
    stage = perform(lambda stage: ask(stage, 8), standin, tts=OWN_VOICE)
    assert standin.connections == 2
    assert stage.watch.words == [("caller", "Go."), ("bot", "Going.")]


def test_a_model_that_stays_mute_ends_in_an_apology() -> None:
    standin = OpenAiRealtimeStandin(faults=[Fault("mute")] * 4)
    stage = perform(lambda stage: ask(stage, 12), standin, tts=OWN_VOICE)
    assert stage.watch.words[-1] == ("bot", APOLOGY)


def test_a_model_that_is_refused_says_goodbye_in_the_agents_voice() -> None:
    standin = OpenAiRealtimeStandin(faults=[Fault("refuse", status=401)])
    stage = perform(lambda stage: stage.be_quiet(8), standin, tts=OWN_VOICE, goodbye="Bye.")
    assert stage.watch.words == [("bot", APOLOGY), ("bot", "Bye.")]
    assert stage.watch.causes == ["speech to speech failed"]


@pytest.mark.parametrize("faults", [[Fault("refuse", status=401)], [Fault("refuse", status=503)] * 3])
def test_a_model_that_is_not_to_be_had_and_no_voice_is_a_hang_up(faults: list[Fault]) -> None:
    standin = OpenAiRealtimeStandin(faults=faults)
    stage = perform(lambda stage: stage.be_quiet(5), standin, greeting="Hello.", is_recorded=False)
    assert stage.watch.words == []
    assert stage.watch.causes == ["speech to speech failed"]
    assert stage.closed


@pytest.mark.parametrize("faults", [[Fault("refuse", status=401)], [Fault("refuse", status=503)] * 3])
def test_a_model_that_is_not_to_be_had_says_goodbye_in_its_recorded_voice(faults: list[Fault]) -> None:
    standin = OpenAiRealtimeStandin(faults=faults)
    stage = perform(lambda stage: stage.be_quiet(10), standin, greeting="Hello.", goodbye="Bye.")
    assert [text for _, text in stage.watch.words] == ["Hello.", APOLOGY, "Bye."]
    assert stage.watch.causes == ["speech to speech failed"]


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize("sessions", [1, 9])
def test_no_mute_model_leaves_the_caller_in_silence(sessions: int, is_recorded: bool) -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        ended_s.append(await stage.speak())
        await stage.be_quiet(14)

    ended_s: list[float] = []
    standin = OpenAiRealtimeStandin(faults=[Fault("mute")] * sessions, replies=["Yes."], first_audio_ms=600)
    stage = perform(act, standin, is_recorded=is_recorded, turn=patience(idle_ms=60_000))
    if sessions == 1 or is_recorded:
        assert stage.longest_silence_s(ended_s[0]) <= SILENCE_LIMIT_S
        assert stage.watch.words[-1] == ("bot", APOLOGY if sessions > 1 else "Yes.")
    else:
        # Nobody is left who could say anything: better no line than a dead one.
        assert stage.watch.causes == ["speech to speech failed"]
        assert stage.watch.ended_s - ended_s[0] <= 2 * SILENCE_LIMIT_S


def test_a_voice_of_its_own_that_fails_too_is_a_hang_up() -> None:
    standin = OpenAiRealtimeStandin(faults=[Fault("refuse", status=401)])
    providers = {"voice": Voice(HangingTts({}))}
    stage = perform(lambda stage: stage.be_quiet(30), standin, providers=providers)
    assert stage.watch.causes == ["speech to speech failed"]


def test_a_cancelled_call_leaves_nothing_behind() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage, 0.7)
        stage.running.cancel()
        await asyncio.wait([stage.running])

    stage = perform(act, OpenAiRealtimeStandin(first_audio_ms=5000))
    assert stage.watch.causes == ["cancelled"]


# -- configuration -----------------------------------------------------------------------------------------------


def test_a_coroutine_has_no_use_for_a_model() -> None:
    async def build() -> None:
        Agency({"default": AgentOptions(realtime=REALTIME, class_="tests.call.agents:echo")})

    with pytest.raises(ConfigError, match="conducts the call itself"):
        run_virtually(build())


def test_a_voice_is_built_beside_a_model_only_where_one_is_asked_for() -> None:
    assert set(AgentOptions(realtime=REALTIME).stages) == {"realtime"}
    assert set(AgentOptions(realtime=REALTIME, tts={"provider": "piper"}).stages) == {"realtime", "tts"}
    assert set(AgentOptions().stages) == {"stt", "llm", "tts"}


def test_a_turn_detector_hears_what_nobody_has_written_down() -> None:
    pauses: list[Pause] = []

    class Judge(ScriptedDetector):
        async def judge(self, pause: Pause) -> float:
            pauses.append(pause)
            return 1.0

    stage = perform(ask, OpenAiRealtimeStandin(), providers={"detector": Judge(ScriptedDetector.Options())})
    assert stage.watch.traces
    assert {pause.text for pause in pauses} == {""}
    assert all(pause.samples.size for pause in pauses)


def test_a_hello_is_answered_by_the_recorded_greeting_and_the_model_is_not_asked() -> None:
    async def act(stage: Stage) -> None:
        await ask(stage)
        await ask(stage)

    standin = OpenAiRealtimeStandin(texts=["Tell me more."], replies=["More of it."])
    options: dict[str, Any] = {"greeting": "Swift Couriers.", "greeting_after_hello_ms": 4000}
    stage = perform(act, standin, providers={"direction": "outbound"}, **options)
    assert stage.watch.words == [("bot", "Swift Couriers."), ("caller", "Tell me more."), ("bot", "More of it.")]
    assert len(standin.script.sent("response.create")) == 1


def test_a_key_that_stops_the_models_prompt_tells_the_model_how_much_was_heard() -> None:
    LOG.clear()

    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.8)
        for digit in "4929":
            stage.press(digit)
        stage.press("#")
        await stage.be_quiet(1)

    standin = OpenAiRealtimeStandin()
    perform(act, standin, class_="tests.call.agents:Till")
    assert LOG == [("4929", True)]
    assert len(standin.script.sent("conversation.item.truncate")) == 1


def test_a_call_that_is_over_waits_for_no_collector() -> None:
    async def act(stage: Stage) -> None:
        with only_counting("mediasrv.call", "mediasrv.turn") as waiting:
            await ask(stage)
            await ask(stage, 0.6)
            await stage.let_go()
        assert not waiting

    perform(act, OpenAiRealtimeStandin())
