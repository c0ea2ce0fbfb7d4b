"""What a caller makes of a call through a misfortune, by ear: in few words, and what he would complain about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mediasrv.call.observer import Observer
from mediasrv.call.options import AgentOptions
from mediasrv.call.trace import TurnTrace
from mediasrv.simulator.caller import AGENT_HUNG_UP
from mediasrv.simulator.report import CallReport
from native_bench.misfortune import Misfortune

LIMIT_S = 3.0
"""Longest wait of a caller without a sound."""
ANSWER = (
    "Your order left Pune this morning and is on its way to you. It will be with you before six this evening. "
    "The driver is going to call you, and needs a signature."
)
# Between a sound's sending and its hearing.
_SAME_S = 0.15


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

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        if side == "bot":
            self.heard.append((now, text))

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        self.answered.append(trace.points_s["heard"])

    def ended(self, call_id: str, cause: str) -> None:
        self.cause = cause


class Judge:
    """Holds one call against the rule."""

    def __init__(
        self,
        misfortune: Misfortune,
        options: AgentOptions,
        figures: CallReport,
        witness: Witness,
        began_s: float,
    ) -> None:
        self._misfortune = misfortune
        self._figures = figures
        self._cause = witness.cause
        self._kinds = [
            (_bare(options.apology), "apology"),
            (_bare(options.goodbye), "goodbye"),
            (_bare(options.repeat_request), "asks again"),
            *((_bare(prompt), "asks who is there") for prompt in options.idle_prompt),
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
        return [] if "answered" in last or (last and not self._misfortune.heals) else ["was not answered again"]

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
        if self._misfortune.breaks_in or self._rows[index][-1:] != ["answered"]:
            return False
        return _bare(ANSWER)[-12:] not in _bare(" ".join(spoken))

    def _words(self) -> str:
        place = 2 if self._misfortune.breaks_in else 1
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
