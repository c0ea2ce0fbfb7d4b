"""The calls of ``turn`` in virtual time: what the turn machine makes of them, whatever the machine they run on.

    python -m native_bench.turntaking.rehearsal --material tune --seed 2

The same callers say the same on the same lines to the same ears and the same turn machine, one of each a call, but
nobody is waited for: recogniser, model and voice are their delays, as they were measured in a run. What comes over a
reply is left out, and what breaks in is said after it. So a minute of one core tells what a run of six tells of
latency and cut-ins (its p50 and p99 within 10 ms, its cut-ins within two of a hundred), and thresholds can be tuned.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS
from mediasrv.audio.g711 import decode_ulaw, encode_ulaw
from mediasrv.audio.warmup import warm
from mediasrv.call.phrasebook import language_of
from mediasrv.turn.events import (
    Action,
    CancelReply,
    DropReply,
    EndRated,
    Event,
    PlayoutFinished,
    PlayoutStarted,
    PrepareReply,
    RateEnd,
    ReplySpent,
    RequestFinal,
    StartReply,
    Transcribed,
)
from mediasrv.turn.machine import TurnMachine
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.prosody import Prosody
from mediasrv.turn.timbre import Timbre
from mediasrv.turn.vad import VoiceDetector
from native_bench import noises
from native_bench.machine import described
from native_bench.turntaking import material
from native_bench.turntaking.judgement import COLLISION_MS, TurnVerdict
from native_bench.turntaking.line import NoiseLoop, Sound
from native_bench.turntaking.material import RATE_HZ, Signal
from native_bench.turntaking.plan import BARGE_INS, Planned, Planner, Trial
from native_bench.turntaking.tally import Turned, distribution
from native_bench.turntaking.utterances import Kind

FRAME_S = PTIME_MS / 1000
# Of a run: a final behind its request, an interim at the end of a chunk of audio, a reply's first audio behind its
# beginning, and of that the model's first token.
FINAL_S, INTERIM_S, CHUNK_S, REPLY_S, TOKEN_S, TOKENS_PER_S = 0.102, 0.2, 0.12, 0.318, 0.204, 1 / 0.015
TOKENS, REPLY_LASTS_S, ANSWER_LIMIT_S, AFTER_BARGE_IN_MS = 25, 2.0, 3.0, 1000
_EPSILON_S = 1e-6


class Recogniser:
    """Knows a word when its end was heard."""

    def __init__(self) -> None:
        self._words: list[tuple[str, float]] = []
        self._first = 0
        self._outbox: deque[tuple[float, Transcribed]] = deque()
        self._heard_s = self._interim_s = 0.0

    def expect(self, sound: Sound, now: float) -> None:
        """This begins to be said; all words before it belong to other turns."""
        self._first = len(self._words)
        self._words += [(word.text, now + word.end_ms / 1000) for word in sound.words]

    def hear(self, now: float) -> None:
        """Another frame has come."""
        if now < self._heard_s + CHUNK_S - _EPSILON_S:
            return
        self._heard_s = now
        if now >= self._interim_s + INTERIM_S - _EPSILON_S:
            self._interim_s = now
            self._tell(now, Transcribed(self._text(now)))

    def finalize(self, request: int, now: float) -> None:
        """Give a final of what was heard."""
        self._heard_s = self._interim_s = now
        self._tell(now + FINAL_S, Transcribed(self._text(now), is_final=True, request=request))

    def told(self, now: float) -> Iterator[tuple[float, Transcribed]]:
        """What has come until now, in order."""
        while self._outbox and self._outbox[0][0] <= now:
            yield self._outbox.popleft()

    def _text(self, now: float) -> str:
        return " ".join(text for text, end_s in self._words[self._first :] if end_s <= now + _EPSILON_S)

    def _tell(self, at_s: float, said: Transcribed) -> None:
        # What is told later does not overtake.
        self._outbox.append((max(at_s, self._outbox[-1][0] if self._outbox else at_s), said))


class Rehearsal:
    """One call."""

    def __init__(self, planned: Planned, noise: NoiseLoop, options: TurnOptions) -> None:
        self.tokens = self.wasted_tokens = 0
        self._planned = planned
        self._noise = noise
        self._place = 0
        self._detector, self._prosody, self._timbre = VoiceDetector(RATE_HZ), Prosody(RATE_HZ), Timbre(RATE_HZ)
        self._recogniser = Recogniser()
        self._waiting: list[tuple[NDArray[np.int16], float]] = []
        self._patience = 1
        self._machine = TurnMachine(options, language_of(options.language), renews=True)
        self._machine.start(0.0)
        self._draft_s: float | None = None
        self._reply_s: float | None = None
        self._quiet_s: float | None = None

    def turns(self) -> Iterator[Turned]:
        """Say what is to be answered, one thing after another."""
        for trial in self._planned.trials:
            is_barge_in = trial.kind in BARGE_INS
            if trial.sound is None or not (isinstance(trial.kind, Kind) or is_barge_in):
                continue
            self._be_quiet(AFTER_BARGE_IN_MS if is_barge_in else trial.after_ms)
            yield Turned(trial.kind.value, trial.line.name, trial.name, self._say(trial, trial.sound))

    def _be_quiet(self, after_ms: int) -> None:
        quiet_ms = 0
        while quiet_ms < after_ms:
            began_s = self._exchange(None)
            quiet_ms = 0 if began_s is not None or self._quiet_s is not None else quiet_ms + PTIME_MS

    def _say(self, trial: Trial, sound: Sound) -> TurnVerdict:
        self._exchange(None)
        said_s = self._place * FRAME_S
        self._recogniser.expect(sound, said_s)
        begin_s, end_s = said_s + sound.begin / RATE_HZ, said_s + sound.end / RATE_HZ
        began: list[float] = [at for frame in sound.frames if (at := self._exchange(frame)) is not None]
        while self._place * FRAME_S < end_s + ANSWER_LIMIT_S and not any(at >= end_s for at in began):
            if (at := self._exchange(None)) is not None:
                began.append(at)
        fair_s = begin_s + COLLISION_MS / 1000
        early = next((at for at in began if fair_s <= at < end_s), None)
        answer = next((at for at in began if at >= end_s), None)
        return TurnVerdict(
            is_collision=any(begin_s <= at < fair_s for at in began),
            cut_in_ms=None if early is None else 1000 * (early - begin_s),
            latency_ms=None if answer is None else 1000 * (answer - end_s),
        )

    def _exchange(self, said: Signal | None) -> float | None:
        """A frame of the caller's; return when the bot began to speak in it, if it did."""
        at = (self._planned.seed * 7 + self._place) % len(self._noise.frames)
        line = self._noise.frames[at] if said is None else said + self._noise.frames[at]
        pcm = decode_ulaw(encode_ulaw(np.clip(np.rint(line), -32768, 32767).astype(np.int16)))
        self._place += 1
        now = self._place * FRAME_S
        for told_s, transcript in self._recogniser.told(now):
            self._tell(transcript, told_s)
        self._waiting.append((pcm, now))
        if len(self._waiting) >= self._patience:
            self._hear(now)
        deadline = self._machine.deadline()
        if deadline is not None and deadline <= now:
            self._perform(self._machine.tick(now), now)
        return self._speak(now)

    def _hear(self, now: float) -> None:
        """Take the frames that the machine had the patience to wait for."""
        waiting, self._waiting = self._waiting, []
        self._recogniser.hear(now)
        for pcm, came_s in waiting:
            voiced = self._detector.hear(pcm)
            stays = voiced and not self._detector.fades
            self._prosody.hear(pcm, stays)
            self._perform(self._machine.hear(stays, self._timbre.hear(pcm, voiced), came_s), now)
            self._patience = self._machine.patience if self._detector.is_full or not voiced else 1

    def _speak(self, now: float) -> float | None:
        if self._quiet_s is not None and self._quiet_s <= now:
            self._quiet_s = None
            self._tell(PlayoutFinished(), now)
        if self._reply_s is None or self._reply_s > now:
            return None
        began_s, self._reply_s, self._draft_s = self._reply_s, None, None
        self._quiet_s = began_s + REPLY_LASTS_S
        self._tell(PlayoutStarted(True), began_s)
        self._spend(ReplySpent(TOKENS, False, 1000 * REPLY_S), now)
        return began_s

    def _tell(self, event: Event, now: float) -> None:
        self._perform(self._machine.receive(event, now), now)

    def _perform(self, actions: Sequence[Action], now: float) -> None:
        for action in actions:
            match action:
                case RequestFinal(request):
                    self._recogniser.finalize(request, now)
                case RateEnd():
                    self._tell(EndRated(finality=self._prosody.finality()), now)
                case PrepareReply():
                    self._draft_s = now
                case DropReply() if self._draft_s is not None:
                    lasted_s, self._draft_s = now - self._draft_s, None
                    tokens = min(TOKENS, max(0, int(1 + (lasted_s - TOKEN_S) * TOKENS_PER_S)))
                    self._spend(ReplySpent(tokens, True, 1000 * REPLY_S if lasted_s >= REPLY_S else None), now)
                case StartReply():
                    self._reply_s = max(now, (now if self._draft_s is None else self._draft_s) + REPLY_S)
                case CancelReply():
                    self._reply_s = self._draft_s = None

    def _spend(self, spent: ReplySpent, now: float) -> None:
        self.tokens += spent.tokens
        self.wasted_tokens += spent.tokens * spent.wasted
        self._tell(spent, now)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """All calls of a run."""

    turns: Sequence[Turned]
    wasted: float
    """Part of all tokens, 0 to 1."""


def rehearse(calls: Iterable[Planned], options: TurnOptions) -> Rehearsed:
    """Live through calls, one after another."""
    loops: dict[str, NoiseLoop] = {}
    turns: list[Turned] = []
    tokens = wasted = 0
    for planned in calls:
        noise = loops.setdefault(planned.line.name, NoiseLoop(planned.line, 0))
        call = Rehearsal(planned, noise, options)
        turns += call.turns()
        tokens, wasted = tokens + call.tokens, wasted + call.wasted_tokens
    return Rehearsed(turns, wasted / tokens if tokens else 0.0)


def told(rehearsed: Rehearsed) -> Iterator[str]:
    """A line for each kind of utterance, and one for all."""
    kinds = dict.fromkeys(turn.kind for turn in rehearsed.turns)
    for name, chosen in (*((kind, {kind}) for kind in kinds), ("all", set(kinds))):
        verdicts = [turn.verdict for turn in rehearsed.turns if turn.kind in chosen]
        cut_ins = sum(verdict.cut_in_ms is not None for verdict in verdicts)
        found = distribution(verdict.latency_ms for verdict in verdicts if verdict.cut_in_ms is None)
        latency = f"p50 {found.p50:.0f}, p90 {found.p90:.0f}, p99 {found.p99:.0f} ms" if found else "no answer"
        share = f"cut-ins {100 * cut_ins / len(verdicts):.1f} %"
        missed = sum(verdict.is_missed for verdict in verdicts)
        yield f"{name:<22} {len(verdicts):4}   {latency:<36} {share:<16} missed {missed}"
    yield f"{100 * rehearsed.wasted:.0f} % of the tokens in vain"


def main() -> int:
    """Rehearse, and print."""
    parser = argparse.ArgumentParser(prog="python -m native_bench.turntaking.rehearsal")
    parser.add_argument("--material", choices=material.PARTS, default="tune", help="which half of the recordings")
    parser.add_argument("--sounds", type=Path, default=material.SOUNDS, metavar="DIR", help="Asterisk's prompts")
    parser.add_argument("--per-class", type=int, default=100, metavar="N", help="trials of a class")
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    print(f"{described()}\nmaterial: {flags.material}, in virtual time")
    warm()
    planner = Planner(material.load(flags.material, flags.sounds), noises.HOLD_MUSIC, flags.seed)
    print("\n".join(told(rehearse(planner.calls(flags.per_class, 20), TurnOptions()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
