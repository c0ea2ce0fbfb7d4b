"""What the ear made of the caller's voice: kept where the voice itself is not, and given out again in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mediasrv.call.ear import Ear

_NO_VOICE = (False, 0)


def note_verdicts(ear: Ear, note: Callable[..., None]) -> None:
    """Note what the ear says of every frame, and how finished the caller sounded."""
    if not ear.has_listener:
        return
    judge, finality = ear.listener.judge, ear.finality

    def noted_judge(voiced: bool, speech_ms: int, now: float) -> int | None:
        note("judged", voiced, speech_ms)
        return judge(voiced, speech_ms, now)

    def noted_finality() -> float | None:
        note("finality", found := finality())
        return found

    ear.listener.judge = noted_judge
    ear.finality = noted_finality  # type: ignore[method-assign]


def give_verdicts(ear: Ear, lines: Sequence[Sequence[Any]]) -> None:
    """Have the ear say what it said."""
    if not ear.has_listener:
        return
    judge = ear.listener.judge
    verdicts = (line[1:] for line in lines if line[0] == "judged")
    finalities: Iterator[float | None] = (line[1] for line in lines if line[0] == "finality")

    def given_judge(voiced: bool, speech_ms: int, now: float) -> int | None:
        said = next(verdicts, _NO_VOICE)
        return judge(said[0], said[1], now)

    ear.listener.judge = given_judge
    ear.finality = lambda: next(finalities, None)  # type: ignore[method-assign]
