"""One call through a misfortune, and what the caller makes of it.

The service, its adapter and the call are real and so are their sockets; the vendor is its stand-in, the two stages
beside it are scripted, and the caller says recorded speech and judges by ear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.carriers.options import PlivoOptions
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import report
from mediasrv.simulator.script import AgentFinished, AgentStarted, HangUp, Line, Speak
from mediasrv.simulator.speech import recorded
from mediasrv.turn.options import TurnOptions
from native_bench.leftovers import left_over, own
from native_bench.misfortune import Hand, Misfortune, Moment, Sufferer
from native_bench.standins.__main__ import find
from native_bench.standins.base import Standin
from native_bench.verdict import ANSWER, Judge, Outcome, Witness

CALL_LIMIT_S = 60.0
CLIPS = ("ps_goforward", "ps_something")
# The caller takes this for the end of an answer, and speaks; a pause within one is shorter, or the answer has failed.
_QUIET_MS = 3300
_PATIENCE_MS = 8000
_NO_SPECULATION = TurnOptions(speculation=False)
SCRIPTED: Mapping[str, Mapping[str, Any]] = {
    "stt": {"provider": "scripted", "final_ms": 100, "texts": ("Where is my order?",)},
    "llm": {"provider": "scripted", "first_token_ms": 200, "token_ms": 15, "replies": (ANSWER,)},
    "tts": {"provider": "scripted", "first_audio_ms": 80, "ms_per_char": 20},
}


@dataclass(frozen=True, slots=True, eq=False)
class Vendor:
    """A provider and its stand-in."""

    stage: str
    provider: str
    standin: str
    key: str
    options: Mapping[str, Any] = field(default_factory=dict)
    delays: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Standin:
        """A stand-in that is not started yet."""
        return find(self.standin)(**self.delays)

    def table(self, url: str) -> dict[str, Any]:
        """The provider's section in the configuration."""
        return {"provider": self.provider, "url": url, "api_key": self.key, **self.options}


@dataclass(frozen=True, slots=True)
class Ordeal:
    """A misfortune of a vendor's."""

    vendor: Vendor
    misfortune: Misfortune
    has_second: bool = False
    """Whether another provider stands ready."""

    def __str__(self) -> str:
        name = f"{self.vendor.stage} {self.vendor.provider} {self.misfortune.label}"
        return f"{name}, with a second provider" if self.has_second else name


async def undergo(ordeal: Ordeal, pacing: Pacing) -> Outcome:
    """Place the call, and look at what it leaves behind."""
    tasks = own()
    ports: set[int] = set()
    outcome = await _suffer(ordeal, pacing, ports)
    left = await left_over(tasks, ports)
    return replace(outcome, breaches=(*outcome.breaches, *(f"left: {each}" for each in left)))


async def _suffer(ordeal: Ordeal, pacing: Pacing, ports: set[int]) -> Outcome:
    witness = Witness()
    standin = ordeal.vendor.open()
    hand = Hand(standin, ordeal.misfortune)
    async with standin as url:
        ports.add(int(url.rpartition(":")[2]))
        options = _agent(ordeal, url)
        agency = Agency({"default": options}, observer=witness)
        service = Service(ServerOptions(port=0, sheds_load=False), PlivoOptions(verify_signatures=False), agency)
        await service.start()
        ports.add(service.port)
        try:
            hand.reach(Moment.START)
            loop = asyncio.get_running_loop()
            person = Sufferer(_script(ordeal.misfortune), MULAW_8K, hand, loop.time)
            caller = Caller(carrier_named("plivo"), MULAW_8K, person, pacing, limit_s=CALL_LIMIT_S)
            call = await caller.call(f"ws://127.0.0.1:{service.port}/plivo/stream")
        finally:
            hand.aclose()
            await service.aclose()
    outcome = Judge(ordeal.misfortune, options, report(call), witness, person.began_s).judge()
    complaints = [f"the vendor complained: {each}" for each in dict.fromkeys(standin.complaints)]
    return replace(outcome, breaches=(*outcome.breaches, *complaints))


def _agent(ordeal: Ordeal, url: str) -> AgentOptions:
    stage, table = ordeal.vendor.stage, ordeal.vendor.table(url)
    # Who hears and speaks by itself has nobody beside it.
    tables: dict[str, Any] = {stage: table} if stage == "realtime" else {**SCRIPTED, stage: table}
    if ordeal.misfortune.tool:
        tables["class_"] = "native_bench.hapless:Hapless"
    second: dict[str, Any] = {stage: SCRIPTED[stage]} if ordeal.has_second else {}
    fallback = FallbackOptions(**second)
    # A reply that was prepared early and failed is made anew when it is wanted: that would hide what is looked for.
    return AgentOptions(greeting="Good day.", keep_audio=False, fallback=fallback, turn=_NO_SPECULATION, **tables)


def _script(misfortune: Misfortune) -> list[Line]:
    first, second = (Speak(recorded()[clip]) for clip in CLIPS)
    done = AgentFinished(_QUIET_MS, _PATIENCE_MS)
    again = AgentStarted(after_ms=400, patience_ms=_PATIENCE_MS) if misfortune.breaks_in else done
    return [Line(AgentFinished(500, 2000), first), Line(again, second), Line(done, HangUp())]
