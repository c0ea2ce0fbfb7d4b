"""``mediasrv demo``: a whole phone call on this machine, to be watched, heard and looked at.

The server runs on the local models with its one public port on loopback; a simulated Plivo calls it and a recorded
human voice speaks. While they talk, the conversation appears with a waterfall of every answer; afterwards there are the
stereo recording and the picture of the call.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.agency import Agency
from mediasrv.call.observer import Observer
from mediasrv.call.trace import Stage as ServerStage
from mediasrv.call.trace import TurnTrace
from mediasrv.carriers.options import PlivoOptions
from mediasrv.persona import LINES, STORY_LINE
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.accuracy import word_errors, words_of
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.interrupt import interrupt_hangs_up
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.person import Person
from mediasrv.simulator.recording import write_recording
from mediasrv.simulator.report import CallReport, TurnReport, report
from mediasrv.simulator.script import Performance
from mediasrv.simulator.script import conversation as polite_conversation
from mediasrv.simulator.speech import recorded
from mediasrv.simulator.timeline import Stage, Words, draw_timeline
from mediasrv.simulator.voice import utterances

BAR_MS = 20
"""Milliseconds that one block of a waterfall stands for."""
QUIET_MS = 900
"""A pause of the agent after which the caller takes it to have finished."""

WHAT_FOLLOWS = """
A simulated Plivo call comes in. A recorded human voice reads from Jane Austen; the agent, who loves stories, answers.
Under each line of the caller stands what the answer waited for; pale is what was done ahead, while his silence was
waited out.
"""
TALK_TO_IT = """
Speak: the agent loves stories. Ctrl-C hangs up.
"""


class Narrator(Observer):
    """Tells the call as it happens, and keeps what the picture needs."""

    def __init__(self) -> None:
        self.caller_words: list[str] = []
        self.bot_words: list[str] = []
        self.traces: list[TurnTrace] = []
        self._colour = sys.stdout.isatty()

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        words = self.caller_words if side == "caller" else self.bot_words
        words.append(text)
        colour = 34 if side == "caller" else 33
        self.tell(f"{self._paint(f'{side:>8}', colour)}  {text}")

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        self.traces.append(trace)
        for stage in trace.waterfall():
            if not stage.is_nothing:
                self.tell(self._paint(f"          {stage.lasted_ms:4.0f} ms  {stage.meaning:<46} {_bar(stage)}", 90))
        self.tell(self._paint(f"          {trace.response_ms:4.0f} ms  = until he heard the first sound", 90))

    def barged_in(self, call_id: str, now: float) -> None:
        self.tell(self._paint("          the caller broke in", 90))

    def tell(self, line: str) -> None:
        """Print a line at once."""
        print(line, flush=True)

    def _paint(self, text: str, colour: int) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text


def _bar(stage: ServerStage) -> str:
    """A stage as blocks, what was done ahead pale, at its place in the waterfall."""
    ahead_ms = stage.ahead_ms or (stage.start_ms, stage.start_ms)
    begun, done, start, end = (max(0, round(at_ms / BAR_MS)) for at_ms in (*ahead_ms, stage.start_ms, stage.end_ms))
    end = max(end, start + 1) if round(stage.lasted_ms) else start
    return (" " * begun + "░" * (done - begun) + " " * (start - done) + "█" * (end - start)).rstrip()


@asynccontextmanager
async def serving(narrator: Narrator) -> AsyncGenerator[Service]:
    """The server with the demo's agent, on a free port of loopback."""
    agency = Agency({"default": STORY_LINE}, observer=narrator)
    service = Service(ServerOptions(port=0), PlivoOptions(verify_signatures=False), agency)
    try:
        await service.start()
        yield service
    finally:
        await service.aclose()


async def run(out_dir: Path, mic: bool) -> int:
    """Run the demo and return the exit code; ``call.wav`` and ``call.png`` are written to ``out_dir``."""
    narrator = Narrator()
    begun = time.monotonic()
    narrator.tell("Starting the server with its speech recogniser, language model and voice ...")
    async with serving(narrator) as service:
        url = f"ws://127.0.0.1:{service.port}/plivo/stream"
        narrator.tell(f"Ready after {time.monotonic() - begun:.1f} s on {url}")
        narrator.tell(TALK_TO_IT if mic else WHAT_FOLLOWS)
        caller = Caller(carrier_named("plivo"), MULAW_8K, _person(mic), Pacing())
        with interrupt_hangs_up(caller):
            call = await caller.call(url)
    figures = report(call)
    await asyncio.to_thread(_write, out_dir, call, figures, narrator)
    return _conclude(out_dir, figures, narrator, mic)


def _person(mic: bool) -> Person:
    if mic:
        from mediasrv.simulator.microphone import Microphone

        return Microphone(MULAW_8K)
    return Performance(polite_conversation([recorded()[name] for name in LINES], quiet_ms=QUIET_MS), MULAW_8K)


def _write(out_dir: Path, call: Conversation, figures: CallReport, narrator: Narrator) -> None:
    write_recording(out_dir / "call.wav", call.caller, call.agent, call.audio.rate_hz)
    draw_timeline(
        out_dir / "call.png",
        call,
        figures,
        title="A call to the story line, as the caller heard it",
        words=_captions(call, figures, narrator),
        stages=waterfalls(figures.turns, narrator.traces),
    )


def waterfalls(turns: Sequence[TurnReport], traces: Sequence[TurnTrace]) -> list[list[Stage]]:
    """The waterfalls as the caller's ear has them: from his last sound, with the way to his ear and back.

    They add up to each turn's ``response_ms``; there are none when not every turn has its trace.
    """
    if len(traces) != len(turns):
        return []
    falls: list[list[Stage]] = []
    for turn, trace in zip(turns, traces, strict=True):
        # Less than nothing when he was still heard after what the server took for his last voice.
        unseen_ms = (turn.response_ms or 0.0) - (trace.response_ms or 0.0)
        bars = [_later(bar, unseen_ms) for bar in trace.waterfall() if not bar.is_nothing]
        falls.append([Stage("last sound, and the wire", 0.0, max(0.0, unseen_ms)), *bars])
    return falls


def _later(bar: ServerStage, by_ms: float) -> Stage:
    """A stage of the server's, on the picture's axis; what lies before the caller's last sound was done ahead."""
    start_ms, end_ms = bar.start_ms + by_ms, bar.end_ms + by_ms
    ahead_ms = None if bar.ahead_ms is None else (bar.ahead_ms[0] + by_ms, bar.ahead_ms[1] + by_ms)
    if start_ms < 0:
        ahead_ms = (min(start_ms, *(ahead_ms or (0.0,))), min(end_ms, 0.0))
    return Stage(bar.name.replace("_", " "), max(start_ms, 0.0), max(end_ms, 0.0), ahead_ms)


def _captions(call: Conversation, figures: CallReport, narrator: Narrator) -> list[Words]:
    rate_hz = call.audio.rate_hz
    spans = utterances(call.agent, rate_hz)
    captions = [
        Words(turn.begin_s, turn.end_s, "caller", text)
        for turn, text in zip(figures.turns, narrator.caller_words, strict=False)
    ]
    # An utterance of the bot begins with the greeting or with an answer, and goes on over its own pauses.
    begins = [turn.answer_s for turn in figures.turns if turn.answer_s is not None]
    if figures.greeting_ms is not None:
        begins.insert(0, figures.greeting_ms / 1000)
    for index, (begin_s, text) in enumerate(zip(begins, narrator.bot_words, strict=False)):
        limit_s = begins[index + 1] if index + 1 < len(begins) else figures.duration_s
        end_s = max(
            (span.end / rate_hz for span in spans if begin_s <= span.begin / rate_hz < limit_s), default=begin_s
        )
        captions.append(Words(begin_s, end_s, "agent", text))
    return captions


def _conclude(out_dir: Path, figures: CallReport, narrator: Narrator, mic: bool) -> int:
    answered = [turn.response_ms for turn in figures.turns if turn.response_ms is not None]
    narrator.tell("")
    if figures.greeting_ms is not None:
        narrator.tell(f"The greeting was heard {figures.greeting_ms:.0f} ms after the stream began.")
    if answered:
        narrator.tell(
            f"{len(answered)} of {len(figures.turns)} turns were answered; from the caller's last sound to the agent's "
            f"first, at the caller's ear: median {median(answered):.0f} ms, longest {max(answered):.0f} ms."
        )
    if not mic and len(narrator.caller_words) == len(LINES):
        said = " ".join(recorded()[name].text for name in LINES)
        errors = word_errors(said, " ".join(narrator.caller_words))
        narrator.tell(f"Words misheard: {errors} of {len(words_of(said))}.")
    holes, slip_ms = len(figures.underruns), figures.slip.p99_ms
    narrator.tell(f"Holes in what was heard: {holes}. The simulated caller's own frames were {slip_ms} ms late at p99.")
    narrator.tell(f"Listen to {out_dir / 'call.wav'} (caller left, agent right), look at {out_dir / 'call.png'}.")
    return 0 if len(answered) == len(figures.turns) and not figures.errors else 1
