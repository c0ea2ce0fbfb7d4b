"""One call through a misfortune, and what the caller makes of it.

The service, its adapter and the call are real and so are their sockets; the vendor is its stand-in, the two stages
beside it are scripted, and the caller says recorded speech and judges by ear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.agency import Agency
from mediasrv.call.observer import Observer
from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.call.trace import TurnTrace
from mediasrv.server.options import PlivoOptions, ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import AGENT_HUNG_UP, Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import CallReport, report
from mediasrv.simulator.script import AgentFinished, AgentStarted, HangUp, Line, Speak
from mediasrv.simulator.speech import recorded
from native_bench.leftovers import left_over, own
from native_bench.misfortune import Hand, Misfortune, Moment, Sufferer
from native_bench.standins.__main__ import find
from native_bench.standins.base import Standin

LIMIT_S = 3.0
"""Longest wait of a caller without a sound."""
CALL_LIMIT_S = 60.0
CLIPS = ("ps_goforward", "ps_something")
# The caller takes this for the end of an answer, and speaks; a pause within one is shorter, or the answer has failed.
_QUIET_MS = 4500
_PATIENCE_MS = 8000
# Between a sound's sending and its hearing.
_SAME_S = 0.15
ANSWER = (
    "Your order left Pune this morning and is on its way to you. It will be with you before six this evening. "
    "The driver is going to call you, and needs a signature."
)
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    words: str
    """In few words, such as ``filler 1.6 s, answered``."""
    breaches: tuple[str, ...]
    """Why a caller would complain."""
    sound_s: float | None
    """From the caller's last voiced sample to the first audible one of ours, where he spoke at all."""


class Witness(Observer):
    """Keeps what the bot said that was heard, and when it began with more than fillers; and how the call ended."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, str]] = []
        self.answered: list[float] = []
        self.cause = ""

    def said(self, call_id: str, side: str, text: str, now: float) -> None:
        if side == "bot":
            self.heard.append((now, text))

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        self.answered.append(asyncio.get_running_loop().time())

    def ended(self, call_id: str, cause: str) -> None:
        self.cause = cause


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
        service = Service(ServerOptions(port=0), PlivoOptions(verify_signatures=False), agency)
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
    outcome = _Judge(ordeal, options, report(call), witness, person.began_s).judge()
    complaints = [f"the vendor complained: {each}" for each in dict.fromkeys(standin.complaints)]
    return replace(outcome, breaches=(*outcome.breaches, *complaints))


def _agent(ordeal: Ordeal, url: str) -> AgentOptions:
    tables: dict[str, Any] = dict(SCRIPTED) | {ordeal.vendor.stage: ordeal.vendor.table(url)}
    second: dict[str, Any] = {ordeal.vendor.stage: SCRIPTED[ordeal.vendor.stage]} if ordeal.has_second else {}
    return AgentOptions(greeting="Good day.", keep_audio=False, fallback=FallbackOptions(**second), **tables)


def _script(misfortune: Misfortune) -> list[Line]:
    first, second = (Speak(recorded()[clip]) for clip in CLIPS)
    done = AgentFinished(_QUIET_MS, _PATIENCE_MS)
    again = AgentStarted(after_ms=400, patience_ms=_PATIENCE_MS) if misfortune.breaks_in else done
    return [Line(AgentFinished(500, 2000), first), Line(again, second), Line(done, HangUp())]


class _Judge:
    """Holds one call against the rule."""

    def __init__(
        self,
        ordeal: Ordeal,
        options: AgentOptions,
        figures: CallReport,
        witness: Witness,
        began_s: float,
    ) -> None:
        self._ordeal = ordeal
        self._figures = figures
        self._cause = witness.cause
        self._kinds = [
            (_bare(options.apology), "apology"),
            (_bare(options.goodbye), "goodbye"),
            (_bare(options.repeat_request), "asks again"),
            (_bare(options.idle_prompt), "asks who is there"),
        ]
        self._answered = [at - began_s for at in witness.answered]
        self._turns = [turn for turn in figures.turns if turn.end_s < figures.duration_s]
        ends = [turn.end_s for turn in self._turns]
        edges = [0.0, *ends, figures.duration_s + 60]
        self._spoken = [
            [text for at, text in witness.heard if begin < at - began_s <= end] for begin, end in pairwise(edges)
        ]
        # What was heard behind each utterance, by its kinds; the first is what came before any.
        self._rows = [self._kinds_of(texts) for texts in self._spoken]

    def judge(self) -> Outcome:
        said_goodbye = self._figures.ending == AGENT_HUNG_UP and any("goodbye" in row for row in self._rows)
        breaches = [flaw for index in range(len(self._turns)) for flaw in self._flaws_of_turn(index, said_goodbye)]
        if not said_goodbye:
            breaches.extend(self._flaws_of_survival())
        breaches.extend(f"the carrier complained: {error}" for error in self._figures.errors)
        sound_ms = self._turns[0].response_ms if self._turns else None
        return Outcome(self._words(), tuple(breaches), None if sound_ms is None else sound_ms / 1000)

    def _flaws_of_turn(self, index: int, said_goodbye: bool) -> list[str]:
        turn, flaws = self._turns[index], []
        is_last = index == len(self._turns) - 1
        if turn.response_ms is None and not (said_goodbye and is_last and turn.cut_in):
            flaws.append(f"silence behind utterance {index + 1}")
        elif turn.response_ms is not None and turn.response_ms > 1000 * LIMIT_S:
            flaws.append(f"heard nothing for {turn.response_ms / 1000:.1f} s behind utterance {index + 1}")
        if self._breaks_off(index + 1):
            flaws.append(f"answer {index + 1} broke off without a word")
        return flaws

    def _flaws_of_survival(self) -> list[str]:
        if self._cause != "caller hung up" or len(self._turns) < 2:
            return [f"the call ended: {self._cause or 'never'}"]
        last = self._rows[2]
        return [] if "answered" in last or (last and not self._ordeal.misfortune.heals) else ["was not answered again"]

    def _kinds_of(self, texts: Sequence[str]) -> list[str]:
        kinds: list[str] = []
        for text in texts:
            kind = self._kind(text)
            if kind != "greeting" and kinds[-1:] != [kind]:
                kinds.append(kind)
        return kinds

    def _kind(self, text: str) -> str:
        bare = _bare(text)
        if _bare("Good day.").startswith(bare):
            return "greeting"
        return next((kind for phrase, kind in self._kinds if phrase.startswith(bare)), "answered")

    def _is_filler(self, index: int) -> bool:
        """Whether the first sound behind an utterance was one: then it was no reply's, and has no words."""
        sound_s = self._turns[index].answer_s or 0.0
        replies = [at for at in self._answered if at > sound_s - _SAME_S]
        is_reply = bool(replies) and replies[0] < sound_s + _SAME_S
        return not is_reply and (bool(replies) or not self._rows[index + 1])

    def _breaks_off(self, index: int) -> bool:
        """Whether an answer stopped in its middle, and nothing was said about it."""
        spoken = self._spoken[index]
        if self._ordeal.misfortune.breaks_in or self._rows[index][-1:] != ["answered"]:
            return False
        return _bare(ANSWER)[-12:] not in _bare(" ".join(spoken))

    def _words(self) -> str:
        place = 2 if self._ordeal.misfortune.breaks_in else 1
        if len(self._turns) < place:
            return ", ".join(self._rows[0])
        row, waited_ms = list(self._rows[place]), self._turns[place - 1].response_ms
        if waited_ms is not None and self._is_filler(place - 1):
            row.insert(0, "filler")
        if not row:
            return "silence"
        words = [row[0] if waited_ms is None else f"{row[0]} {waited_ms / 1000:.1f} s", *row[1:]]
        if place == 1 and len(self._turns) == 2 and "goodbye" in self._rows[2]:
            words.append("later goodbye")
        return ", ".join(words)


def _bare(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())
