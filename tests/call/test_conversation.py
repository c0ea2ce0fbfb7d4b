"""Whole conversations in virtual time."""

from __future__ import annotations

from mediasrv.call.history import INTERRUPTED
from mediasrv.wire.events import Clear, Event, MarkReached
from tests.call.stage import LONG, SHORT, Stage, agent_options, patience, perform


def test_a_caller_is_answered_and_the_words_of_both_are_kept() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(5)

    stage = perform(act, agent_options(stt={"texts": ("Go forward.",)}, llm={"replies": ("Going forward now.",)}))
    assert stage.watch.words == [("caller", "Go forward."), ("bot", "Going forward now.")]
    assert stage.call.call.transcript == stage.watch.words
    assert stage.underruns == 0


def test_nothing_is_added_to_the_delays_of_the_providers_and_of_endpointing() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(5)

    options = agent_options(llm={"replies": ("That is true. And more of it.",)}, turn=patience(speculation=False))
    stage = perform(act, options)
    (trace,) = stage.watch.traces
    took_ms = {bar.name: round(bar.end_ms - bar.start_ms) for bar in trace.waterfall()}
    # The final comes while the endpoint is waited for.
    endpoint_ms = round((trace.points_s["endpoint"] - trace.last_voice_s) * 1000)
    expected_ms = {"endpoint": endpoint_ms, "final": 0, "first_token": 200, "first_phrase": 30}
    assert took_ms == expected_ms | {"first_audio": 80, "sent": 0, "heard": 0}
    assert sum(took_ms.values()) == round(trace.response_ms or 0)


def test_the_greeting_is_on_the_wire_at_once() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(4)

    stage = perform(act, agent_options(greeting="Hello there.", tts={"first_audio_ms": 900}))
    assert stage.first_media_after(0) - stage.opened_s < 0.05
    assert stage.watch.words == [("bot", "Hello there.")]


def test_several_turns_follow_one_another() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(3):
            await stage.speak()
            await stage.be_quiet(4)

    texts, replies = ("One.", "Two.", "Three."), ("First.", "Second.", "Third.")
    stage = perform(act, agent_options(stt={"texts": texts}, llm={"replies": replies}))
    pairs = [("caller", text) for text in texts], [("bot", reply) for reply in replies]
    assert stage.watch.words == [word for pair in zip(*pairs, strict=True) for word in pair]
    assert [trace.turn for trace in stage.watch.traces] == [1, 2, 3]


def test_a_barge_in_clears_the_playout_and_the_history_keeps_what_was_heard() -> None:
    reply = "This is a very long answer that goes on and on and nobody wants to hear the end of it at all."

    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(2)
        await stage.speak(LONG)
        await stage.be_quiet(8)

    stage = perform(act, agent_options(llm={"replies": (reply, "Sorry.")}, stt={"texts": ("Tell me.", "Stop.")}))
    assert len(stage.watch.barge_ins) == 1
    assert stage.count(Clear) == 1
    (_, first), (side, cut), *rest = stage.watch.words
    assert (first, side) == ("Tell me.", "bot")
    assert cut
    assert reply.startswith(cut)
    assert cut != reply
    assert rest == [("caller", "Stop."), ("bot", "Sorry.")]
    assert stage.call.call.transcript[1] == ("bot", cut + "…")


def test_silence_without_words_is_not_answered() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(3)

    stage = perform(act, agent_options(stt={"texts": ("",)}))
    assert stage.watch.words == []


def test_a_caller_who_goes_on_before_the_answer_is_heard_out() -> None:
    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(0.4)
        await stage.speak(LONG)
        await stage.be_quiet(6)

    options = agent_options(stt={"texts": ("The whole of it.", "More.")}, llm={"first_token_ms": 4000})
    stage = perform(act, options)
    assert [side for side, _ in stage.watch.words][-1] == "bot"
    assert stage.call.call.transcript == [("caller", "The whole of it."), ("bot", "I see. Tell me more.")]


def test_a_silent_caller_is_asked_and_then_bidden_goodbye() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(60)

    options = agent_options(
        idle_prompt=("Still there?", "Hello?"), goodbye="Bye then.", turn=patience(idle_ms=5000, idle_prompts=3)
    )
    stage = perform(act, options)
    assert [text for _, text in stage.watch.words] == ["Still there?", "Hello?", "Hello?", "Bye then."]
    assert stage.watch.causes == ["nobody answered"]
    assert stage.closed


def test_a_caller_who_talks_without_end_is_answered_while_he_talks() -> None:
    begun_s: list[float] = []

    async def act(stage: Stage) -> None:
        begun_s.append(stage.now)
        await stage.talk(13)
        await stage.be_quiet(6)

    texts, reply = ("And then, and then.", "Oh, sorry."), "May I say something to all of that?"
    turn = patience(utterance_limit_ms=8000, speculation=False)
    options = agent_options(stt={"texts": texts}, llm={"replies": (reply,)}, turn=turn)
    stage = perform(act, options)
    # The limit, a quarter of it, and what the providers take.
    assert stage.first_media_after(0) - begun_s[0] < 8 * 1.25 + 1.5
    assert stage.call.call.transcript == [("caller", texts[0]), ("bot", reply)]
    assert stage.watch.barge_ins == []


def test_a_caller_who_talks_on_over_the_answer_has_the_floor_and_is_answered_again() -> None:
    async def act(stage: Stage) -> None:
        await stage.talk(30)
        await stage.be_quiet(8)

    texts, reply = ("And then.", "And more."), "May I say something to all of that, or will you go on until tomorrow?"
    options = agent_options(stt={"texts": texts}, llm={"replies": (reply,)}, turn=patience(utterance_limit_ms=8000))
    stage = perform(act, options)
    assert len(stage.watch.barge_ins) >= 1
    transcript = stage.call.call.transcript
    heard = [text for side, text in transcript if side == "bot"]
    assert transcript[0] == ("caller", texts[0])
    assert transcript[-1] == ("bot", reply)
    assert len(heard) >= 2
    assert all(text.endswith(INTERRUPTED) and reply.startswith(text.removesuffix(INTERRUPTED)) for text in heard[:-1])


def test_a_call_that_lasts_too_long_ends_with_a_goodbye_that_is_heard() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(12):
            await stage.speak()
            await stage.be_quiet(3)

    stage = perform(act, agent_options(max_duration_s=20, goodbye="Time is up."))
    assert stage.watch.words[-1] == ("bot", "Time is up.")
    assert stage.watch.causes == ["maximum duration"]


def test_the_caller_hanging_up_ends_the_call() -> None:
    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        stage.hang_up()
        await stage.running

    stage = perform(act)
    assert stage.watch.causes == ["caller hung up"]
    assert stage.closed


def test_an_uninterruptible_greeting_is_heard_to_its_end() -> None:
    greeting = "This call is recorded, please listen to the end of this."

    async def act(stage: Stage) -> None:
        await stage.be_quiet(0.5)
        await stage.speak(SHORT)
        await stage.be_quiet(6)

    stage = perform(act, agent_options(greeting=greeting, turn=patience(interruptible_greeting=False)))
    assert stage.watch.barge_ins == []
    assert ("bot", greeting) in stage.watch.words


def test_a_lost_mark_does_not_keep_the_bot_waiting() -> None:
    async def act(stage: Stage) -> None:
        receive = stage.call.receive

        def lose_marks(event: Event, came_s: float | None = None) -> None:
            if not isinstance(event, MarkReached):
                receive(event, came_s)

        stage.call.receive = lose_marks  # type: ignore[method-assign]
        await stage.speak()
        await stage.be_quiet(8)
        await stage.speak()
        await stage.be_quiet(8)

    stage = perform(act)
    assert [side for side, _ in stage.watch.words] == ["caller", "bot", "caller", "bot"]


def test_a_cancelled_call_leaves_nothing_behind() -> None:
    import asyncio

    async def act(stage: Stage) -> None:
        await stage.speak()
        await stage.be_quiet(0.7)
        stage.running.cancel()
        await asyncio.wait([stage.running])
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert others == set()

    stage = perform(act)
    assert stage.watch.causes == ["cancelled"]
    assert stage.closed
