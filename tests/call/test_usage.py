"""What a call uses of its providers is counted, whatever becomes of it."""

from __future__ import annotations

import pytest

from mediasrv.call.usage import CallUsage
from mediasrv.providers.meter import Use
from tests.call.agents import LOG
from tests.call.stage import LONG, Stage, agent_options, perform
from tests.call.trouble import REPLY, crew, sound, troubled

CALL = "call-1"
# Between its two phrases is a space that nobody speaks.
CHARACTERS = len(REPLY) - 1


async def one_turn(stage: Stage) -> None:
    await stage.speak()
    await stage.be_quiet(8)
    stage.hang_up()
    await stage.running


def test_the_agent_may_read_at_the_end_what_the_call_has_used() -> None:
    LOG.clear()
    stage = perform(one_turn, agent_options(class_="tests.call.agents:Thrifty", llm={"replies": (REPLY,)}))
    (usage,) = LOG
    assert usage == stage.call.call.usage
    # One message of instructions and one of the caller's; the scripted model's tokens are words.
    assert usage.completion_tokens == len(REPLY.split())
    assert usage.prompt_tokens > usage.completion_tokens
    assert usage.characters == CHARACTERS
    assert usage.audio_s == pytest.approx(10.8, abs=0.1)


def test_the_observer_is_told_by_provider_and_what_adds_up_is_the_same() -> None:
    stage = perform(one_turn, agent_options(llm={"replies": (REPLY,)}))
    of_call = {use: amount for (call_id, _, use), amount in stage.watch.spent_on.items() if call_id == CALL}
    assert stage.call.call.usage == CallUsage(**{use.value: amount for use, amount in of_call.items()})
    assert {provider for _, provider, _ in stage.watch.spent_on} == {"scripted"}


def test_set_phrases_are_paid_for_by_no_call() -> None:
    stage = perform(one_turn, agent_options(greeting="Good day.", keep_audio=False))
    assert stage.watch.spent_on["", "scripted", Use.CHARACTERS] > len("Good day.")


def test_a_reply_that_is_cancelled_counts_with_what_was_reported() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(1.2)
        await stage.speak(LONG)
        await stage.be_quiet(5)

    stage = perform(act, agent_options(llm={"replies": (REPLY, "Yes."), "token_ms": 0}))
    assert len(stage.watch.barge_ins) == 1
    assert stage.call.call.usage.completion_tokens == len(REPLY.split()) + 1


def test_each_provider_of_a_crew_is_counted_for_itself() -> None:
    broken = {"llm": crew("llm", troubled("llm", "fails"), sound("llm"))}
    broken["tts"] = crew("tts", troubled("tts", "breaks"), sound("tts"))
    broken["stt"] = crew("stt", troubled("stt", "breaks at the final"), sound("stt"))
    stage = perform(one_turn, agent_options(), **broken)
    spent = {(provider, use): amount for (call, provider, use), amount in stage.watch.spent_on.items() if call == CALL}
    assert ("troubled", Use.PROMPT_TOKENS) not in spent
    assert spent["scripted", Use.COMPLETION_TOKENS] == len(REPLY.split())
    # The second voice said again what the first had begun with.
    assert spent["troubled", Use.CHARACTERS] > 0
    assert spent["scripted", Use.CHARACTERS] == CHARACTERS
    assert 0 < spent["troubled", Use.AUDIO_S] < spent["scripted", Use.AUDIO_S]
