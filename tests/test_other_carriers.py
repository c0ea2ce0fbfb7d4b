"""The whole path over real sockets on the carriers beside Plivo: the same agent, another wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mediasrv import Agent, Call
from mediasrv.audio.format import AudioFormat
from mediasrv.call.agency import Agency
from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.roster import roster
from mediasrv.errors import LocalProtocolError
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import report
from mediasrv.simulator.script import AgentFinished, AgentStarted, HangUp, Line, Performance, Press, Speak
from mediasrv.simulator.speech import recorded
from tests.call.stage import LONG, SHORT, Watch, agent_options
from tests.test_end_to_end import CALL_LIMIT_S, hurried, says

OTHERS = ("twilio", "exotel", "telnyx")
PRESSED: list[str] = []
COULD_NOT: list[str] = []


class KeyReader(Agent):
    greeting = ""

    async def on_start(self, call: Call) -> None:
        await call.say("Enter your code.")
        PRESSED.append(await call.collect_digits(4))
        await call.hangup()


class KeyPresser(Agent):
    async def on_start(self, call: Call) -> None:
        with pytest.raises(LocalProtocolError) as caught:
            await call.send_digits("12#")
        COULD_NOT.append(str(caught.value))
        await call.hangup()


@asynccontextmanager
async def serving(watch: Watch, **changes: Any) -> AsyncIterator[Service]:
    agency = Agency({"default": agent_options(**changes)}, observer=watch)
    unproven: dict[str, Any] = {"verify_signatures": False}
    others = roster(TwilioOptions(**unproven), ExotelOptions(**unproven), TelnyxOptions(**unproven))
    options = ServerOptions(port=0, sheds_load=False)
    service = Service(options, PlivoOptions(verify_signatures=False), agency, others=others)
    await service.start()
    try:
        yield service
    finally:
        await service.aclose()


async def place(service: Service, name: str, script: list[Line], audio: AudioFormat | None = None) -> Conversation:
    carrier = carrier_named(name)
    audio = audio or carrier.formats[0]
    pacing = Pacing(asyncio.get_running_loop().time)
    caller = Caller(carrier, audio, Performance(script, audio), pacing, limit_s=CALL_LIMIT_S)
    return await caller.call(f"ws://127.0.0.1:{service.port}/{name}/stream")


@pytest.mark.parametrize("name", OTHERS)
def test_a_call_in_each_of_the_carriers_formats_is_greeted_and_answered(name: str) -> None:
    formats = carrier_named(name).formats
    watch = Watch()

    @hurried
    async def run() -> None:
        async with serving(watch, greeting="Good day.", stt={"texts": ("One.", "Two.")}) as service:
            calls = await asyncio.gather(*(place(service, name, says(SHORT, SHORT), audio) for audio in formats))
        for audio, call in zip(formats, calls, strict=True):
            figures = report(call)
            assert figures.errors == ()
            assert figures.greeting_ms is not None
            assert [turn.answer_s is not None for turn in figures.turns] == [True, True], audio
            assert call.close_code == 1000

    run()
    assert watch.causes == ["caller hung up"] * len(formats)


@pytest.mark.parametrize("name", OTHERS)
def test_a_caller_who_breaks_in_silences_the_agent_and_what_he_did_not_hear_is_not_taken_for_heard(name: str) -> None:
    script = [
        Line(AgentFinished(600, 4000), Speak(recorded()[SHORT])),
        Line(AgentStarted(after_ms=800), Speak(recorded()[LONG])),
        Line(AgentFinished(600, 4000), HangUp()),
    ]
    long_reply = "This answer is a good deal longer than the patience of anybody who has to listen to it. " * 3
    watch = Watch()

    @hurried
    async def run() -> None:
        async with serving(watch, greeting="Good day.", llm={"replies": (long_reply, "I am sorry.")}) as service:
            call = await place(service, name, script)
        assert report(call).errors == ()
        barge_in = report(call).turns[1].barge_in
        assert barge_in is not None
        assert barge_in.clear_ms is not None

    run()
    assert len(watch.barge_ins) == 1
    heard = [text for side, text in watch.words if side == "bot"][1]
    assert 0 < len(heard) < len(long_reply) / 2


@pytest.mark.parametrize("name", OTHERS)
def test_keys_reach_the_agent(name: str) -> None:
    script = [Line(AgentFinished(600, 4000), Press("42#")), Line(AgentFinished(5000, 20000), HangUp())]
    watch = Watch()
    PRESSED.clear()

    @hurried
    async def run() -> None:
        async with serving(watch, class_="tests.test_other_carriers:KeyReader") as service:
            await place(service, name, script)

    run()
    assert PRESSED == ["42"]
    assert watch.causes == ["agent hung up"]


@pytest.mark.parametrize("name", OTHERS)
def test_an_agent_is_told_where_keys_cannot_be_pressed(name: str) -> None:
    watch = Watch()
    COULD_NOT.clear()

    @hurried
    async def run() -> None:
        async with serving(watch, class_="tests.test_other_carriers:KeyPresser") as service:
            await place(service, name, [Line(AgentFinished(5000, 20000), HangUp())])

    run()
    assert [f"{name} takes no keys on the stream"] == COULD_NOT
    assert watch.causes == ["agent hung up"]
