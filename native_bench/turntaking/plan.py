"""Who says what, in which call: all trials of a run, drawn from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from mediasrv.simulator.voice import Span, utterances
from native_bench import noises
from native_bench.turntaking.line import LINES, EchoPath, Line, Sound, sound
from native_bench.turntaking.material import RATE_HZ, Material, Signal
from native_bench.turntaking.utterances import Kind, Utterance, sorted_by_kind, with_pause

CYCLES = 6
"""Exchanges in a call."""
_LONGEST_S = 2.5
_COUGHS = ("cough", "throat", "sneeze")
_CLATTER = ("keyboard", "door", "knock", "click", "rustle")

T = TypeVar("T")


class Over(Enum):
    """What comes over the bot's reply."""

    BARGE_IN = "barge-in"
    BARGE_IN_ECHO = "barge-in through echo"
    BACKCHANNEL = "backchannel"
    COUGH = "cough, throat, sneeze"
    CLATTER = "keys, doors, rustle"
    DTMF = "DTMF tones"
    MUSIC = "music"
    ECHO = "echo of the bot"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One thing that a caller does, and what it is judged by."""

    kind: Kind | Over
    line: Line
    name: str
    sound: Sound | None = None
    pauses: tuple[Span, ...] = ()
    """Silences within, from the end of the cue."""
    echo: EchoPath | None = None
    after_ms: int = 0
    """How long it waits: from when the bot fell silent, or (over a reply) from when it began."""

    @property
    def is_over(self) -> bool:
        """Whether it comes over the bot's reply."""
        return isinstance(self.kind, Over)


@dataclass(frozen=True, slots=True)
class Planned:
    """One call."""

    line: Line
    trials: tuple[Trial, ...]
    seed: int


class Planner:
    """Draws trials; each sound has a seed of its own."""

    def __init__(self, material: Material, music: Path, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self._serial = 0
        self._sentences = self._shuffled(material.sentences)
        recorded = sorted_by_kind(material.sentences)
        self._recorded = {kind: self._shuffled(said) for kind, said in recorded.items()}
        self._backchannels = cycle(material.backchannels)
        self._music = list(noises.hold_music(music).values())
        self.kinds = [kind for kind in Kind if recorded.get(kind, True)]
        """Kinds of utterances there is material for."""
        missing = {Over.BACKCHANNEL: not material.backchannels, Over.MUSIC: not self._music}
        self.overs = [over for over in Over if not missing.get(over)]
        self.missing = [over for over in Over if missing.get(over)]
        """What there is no recording of."""

    def calls(self, per_class: int, simultaneous: int) -> list[Planned]:
        """Calls that hold so many trials of each class, or the next even number of rounds of them."""
        overs = [over for over in self.overs for _ in range(per_class if over in MANY else (per_class + 1) // 2)]
        self._rng.shuffle(overs)
        kinds = list(islice(cycle(self.kinds), len(overs)))
        self._rng.shuffle(kinds)
        cycles = max(1, min(CYCLES, len(overs) // simultaneous))
        return [
            self._call(number, list(zip(kinds[at : at + cycles], overs[at : at + cycles], strict=True)))
            for number, at in enumerate(range(0, len(overs), cycles))
        ]

    def barge_ins(self, count: int, simultaneous: int) -> list[Planned]:
        """Calls of an opening sentence and barge-ins into the answers, one after another."""
        cycles = max(1, min(2 * CYCLES, count // simultaneous))
        return [
            self._assembled(
                number,
                lambda line: [self._say(Kind.FLOWING, line), *(self._over(Over.BARGE_IN, line) for _ in range(cycles))],
            )
            for number in range(-(-count // cycles))
        ]

    def _call(self, number: int, cycles: Sequence[tuple[Kind, Over]]) -> Planned:
        """A sentence, and something over its answer; a barge-in is answered itself, so none is said behind it."""

        def trials(line: Line) -> list[Trial]:
            made: list[Trial] = []
            for kind, over in cycles:
                if not made or made[-1].kind is not Over.BARGE_IN:
                    made.append(self._say(kind, line))
                made.append(self._over(over, line))
            return made

        return self._assembled(number, trials)

    def _assembled(self, number: int, trials: Callable[[Line], list[Trial]]) -> Planned:
        line = LINES[number % len(LINES)]
        return Planned(line, tuple(trials(line)), self._seed + number)

    def _say(self, kind: Kind, line: Line) -> Trial:
        after_ms = int(self._rng.integers(900, 1300))
        return self._spoken(kind, self._utterance(kind), line, after_ms)

    def _utterance(self, kind: Kind) -> Utterance:
        if kind in self._recorded:
            return next(self._recorded[kind])
        return with_pause(next(self._sentences), kind, self._rng)

    def _spoken(self, kind: Kind | Over, said: Utterance, line: Line, after_ms: int) -> Trial:
        spoken, span = said.sentence, said.sentence.voiced
        ready = sound(line, spoken.pcm, span.begin, span.end, self._next_seed(), spoken)
        return Trial(kind, line, spoken.name, ready, said.pauses, after_ms=after_ms)

    def _over(self, over: Over, line: Line) -> Trial:
        rng = self._rng
        after_ms = int(rng.integers(1200, 2400))
        match over:
            case Over.BARGE_IN:
                return self._spoken(over, next(self._recorded[Kind.FLOWING]), line, after_ms)
            case Over.BARGE_IN_ECHO:
                return replace(self._over(Over.BARGE_IN, line), kind=over, echo=self._echo_path())
            case Over.ECHO:
                path = self._echo_path()
                return Trial(over, line, str(path), echo=path)
            case Over.BACKCHANNEL:
                word = next(self._backchannels)
                return self._spoken(over, Utterance(word, Kind.FLOWING, ()), line, after_ms)
        name, pcm = self._noise(over)
        span = _audible(pcm)
        return Trial(over, line, name, sound(line, pcm, span.begin, span.end, self._next_seed()), after_ms=after_ms)

    def _echo_path(self) -> EchoPath:
        rng = self._rng
        return EchoPath(int(rng.integers(100, 600)), round(float(rng.uniform(10, 30)), 1), bool(rng.random() < 0.5))

    def _noise(self, over: Over) -> tuple[str, Signal]:
        rng, longest = self._rng, int(_LONGEST_S * RATE_HZ)
        if over is Over.DTMF:
            digits = "".join(rng.choice(list("0123456789*#"), int(rng.integers(1, 4))))
            gap = np.zeros(RATE_HZ // 10)
            made = np.concatenate([part for digit in digits for part in (noises.dtmf(digit, RATE_HZ, 120), gap)])
            return f"keys {digits}", noises.pcm(made, -10.0).astype(np.float64)
        if over is Over.MUSIC:
            music = self._music[int(rng.integers(len(self._music)))]
            at = int(rng.integers(len(music) - longest))
            return "hold music", noises.pcm(music[at : at + longest], -16.0).astype(np.float64)
        name = str(rng.choice(_COUGHS if over is Over.COUGH else _CLATTER))
        made = noises.EVENTS[name](rng, RATE_HZ)[:longest]
        return name, noises.pcm(made, float(rng.uniform(-18, -8))).astype(np.float64)

    def _next_seed(self) -> tuple[int, ...]:
        self._serial += 1
        return self._seed, self._serial

    def _shuffled(self, things: Sequence[T]) -> cycle[T]:
        return cycle([things[int(place)] for place in self._rng.permutation(len(things))])


BARGE_INS = (Over.BARGE_IN, Over.BARGE_IN_ECHO)
"""What ought to stop the bot."""
MANY = (Over.BARGE_IN, Over.BACKCHANNEL, Over.COUGH, Over.ECHO)
"""What is tried as often as every kind of utterance; the rest half as often."""


def _audible(pcm: Signal) -> Span:
    spans = utterances(pcm.astype(np.int16), RATE_HZ)
    return Span(spans[0].begin, spans[-1].end) if spans else Span(0, len(pcm))


def trials_in(calls: Sequence[Planned]) -> int:
    """How many trials there are."""
    return sum(len(call.trials) for call in calls)
