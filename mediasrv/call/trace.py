"""The waterfall of a turn: when each stage between the caller's last word and our first one was reached.

Stages follow one another, so that their durations add up to the whole. What was done of a reply while the caller's
silence was still being waited out cost him nothing; it is told apart, as work done ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STAGES = (
    ("endpoint", "silence until the turn is ours"),
    ("final", "waiting for the recogniser's final"),
    ("first_token", "language model, to its first token"),
    ("first_phrase", "language model, to its first phrase"),
    ("first_audio", "voice, to its first audio"),
    ("sent", "our way, to the first frame sent"),
    ("heard", "the carrier's way, to the first sample heard"),
)
"""Points in time in their order, with what is waited for until each."""
# Those that a reply may reach before it is wanted.
_MAKING = ("first_token", "first_phrase", "first_audio")


@dataclass(frozen=True, slots=True)
class Stage:
    """One bar of the waterfall, in milliseconds after the caller's last voiced frame."""

    name: str
    meaning: str
    start_ms: float
    end_ms: float
    ahead_ms: tuple[float, float] | None = None
    """When the work was done, or a part of it, that was done before the caller waited for it."""

    @property
    def lasted_ms(self) -> float:
        """How long the caller waited for it."""
        return self.end_ms - self.start_ms

    @property
    def is_nothing(self) -> bool:
        """Whether it took no time that anybody would notice."""
        return round(self.lasted_ms) == 0 and self.ahead_ms is None


@dataclass(slots=True)
class TurnTrace:
    """One turn's points in time, in seconds of the call's clock."""

    turn: int
    last_voice_s: float = 0.0
    """When the last voiced frame of the caller arrived."""
    points_s: dict[str, float] = field(default_factory=dict)
    begun_s: float | None = None
    """When its reply was begun; unknown of one that is made elsewhere."""
    tokens: int = 0
    """Pieces of text that the language model wrote for the reply."""

    told_s: float | None = None
    """When it was known that the caller had heard the reply begin: what the carrier tells comes behind it."""

    @property
    def known_after_s(self) -> float:
        """How long ago the caller had heard the reply begin when that was told."""
        heard_s = self.points_s.get(STAGES[-1][0])
        return 0.0 if heard_s is None or self.told_s is None else max(0.0, self.told_s - heard_s)

    def reach(self, name: str, now: float) -> None:
        """Note that a stage's end was reached; only the first time counts."""
        self.points_s.setdefault(name, now)

    @property
    def response_ms(self) -> float | None:
        """From the caller's last voiced frame to the first sample that he heard of the reply, once he did."""
        heard_s = self.points_s.get(STAGES[-1][0])
        return None if heard_s is None else self._after_voice_ms(heard_s)

    def parts_ms(self) -> dict[str, int]:
        """How long each stage took, by its name with the unit; rounded so that the sum is that of the whole."""
        ends_ms = {bar.name: (round(bar.start_ms), round(bar.end_ms)) for bar in self.waterfall()}
        spans_ms = {name: ends_ms.get(name, (0, 0)) for name, _ in STAGES}
        return {f"{name}_ms": end_ms - start_ms for name, (start_ms, end_ms) in spans_ms.items()}

    def waterfall(self) -> list[Stage]:
        """The stages reached, in order; a stage that was over before the one ahead of it takes no time."""
        bars: list[Stage] = []
        start_ms = 0.0
        begun_ms = None if self.begun_s is None else self._after_voice_ms(self.begun_s)
        for name, meaning in STAGES:
            if name in self.points_s:
                point_ms = self._after_voice_ms(self.points_s[name])
                ahead_ms = None
                if name in _MAKING and begun_ms is not None:
                    ahead_ms = (begun_ms, min(point_ms, start_ms)) if begun_ms < min(point_ms, start_ms) else None
                    begun_ms = point_ms
                bars.append(Stage(name, meaning, start_ms, max(start_ms, point_ms), ahead_ms))
                start_ms = bars[-1].end_ms
        return bars

    def _after_voice_ms(self, at_s: float) -> float:
        return (at_s - self.last_voice_s) * 1000
