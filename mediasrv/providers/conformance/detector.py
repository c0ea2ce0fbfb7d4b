"""Turn detectors: a number between 0 and 1, soon or not at all."""

from __future__ import annotations

import asyncio

import numpy as np

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.providers.base import PAUSE_RATE_HZ, Message, Pause, TurnDetector
from mediasrv.providers.conformance import timing
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Amiss, Finding, check

_AUDIO = AudioFormat(Encoding.L16, PAUSE_RATE_HZ)
_HISTORY = (Message("assistant", "How can I help you?"),)
_SAID = "Go forward ten meters."


@check("answers")
async def answers(detector: TurnDetector, trial: Trial) -> Finding:
    """A probability, while it can still be of use."""

    async def answer() -> float:
        watch = timing.Stopwatch()
        await _judge(detector, trial, _SAID)
        return watch.elapsed_ms

    finding = await timing.first_result("answer", trial, answer)
    limit_ms = trial.judge_limit_s * 1000
    if finding.first_result_ms is not None and finding.first_result_ms > limit_ms:
        raise Amiss(f"takes {finding.first_result_ms:.0f} ms to answer, {limit_ms:.0f} at most")
    return finding


@check("takes what there is")
async def takes_what_there_is(detector: TurnDetector, trial: Trial) -> Finding:
    """Whether or not there are words, audio and a conversation; several questions at a time."""
    nothing = Pause("", np.zeros(0, np.int16))
    others = (_judge(detector, trial, text) for text in ("", _SAID, "I want to"))
    await asyncio.gather(_hold(detector, nothing), *others)
    return Finding()


@check("stops")
async def stops(detector: TurnDetector, trial: Trial) -> Finding:
    """Cancelled it stops at once, and the next question is answered."""
    await timing.cancel(detector.judge(_pause(trial, _SAID)), trial)
    await _judge(detector, trial, _SAID)
    return Finding()


async def _judge(detector: TurnDetector, trial: Trial, text: str) -> None:
    await _hold(detector, _pause(trial, text))


async def _hold(detector: TurnDetector, pause: Pause) -> None:
    probability = await detector.judge(pause)
    if not 0 <= probability <= 1:
        raise Amiss(f"answers {probability!r}, which is no probability")


def _pause(trial: Trial, text: str) -> Pause:
    samples = codec.decode(_AUDIO.encoding, b"".join(trial.frames(_AUDIO)))
    return Pause(text, samples, _HISTORY)
