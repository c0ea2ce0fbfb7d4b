"""Voices: phrases become audio that is theirs, in order, soon, and no longer than it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from mediasrv.audio.codec import decode
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.conformance import timing
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Amiss, Finding, check

PHRASES = ("Hello there.", "How are you today?")
_SHORT = "Yes, of course."
_LONG = "This is a long sentence that nobody will hear to its end, because the caller has broken in by then."
# Voices do not speak the same words alike twice.
_STRETCH, _SLACK_MS = 1.5, 300
# Of 32768: softer than this is no speech.
_SILENT = 500


@check("streams")
async def streams(tts: Tts, trial: Trial) -> Finding:
    """All words are told with their audio, which is whole, sounds, and lasts as long as such words take."""
    pieces = await _spoken(tts, trial, *PHRASES)
    wanted, text = " ".join(PHRASES), " ".join(" ".join(piece.text for piece in pieces).split())
    if text != wanted:
        raise Amiss(f"tells the text {text!r} with its audio, not {wanted!r}")
    if not pieces[0].text:
        raise Amiss("gives audio before the text that is spoken with it")
    length_ms = _length_ms(tts, trial, pieces)
    least_ms, most_ms = (len(wanted) * bound for bound in trial.ms_per_char)
    if not least_ms <= length_ms <= most_ms:
        raise Amiss(f"speaks for {length_ms:.0f} ms; {least_ms:.0f} to {most_ms:.0f} are plausible: right rate?")
    return Finding(f"{length_ms:.0f} ms of speech")


@check("answers")
async def answers(tts: Tts, trial: Trial) -> Finding:
    """From a phrase to its first audio, for which no other phrase is waited."""

    async def first_audio() -> float:
        watch = timing.Stopwatch()
        async with aclosing(tts.speak(_phrases(_SHORT, goes_on=True), trial.audio)) as speech:
            async for piece in speech:
                if piece.audio:
                    return watch.elapsed_ms
        raise Amiss("says nothing")

    return await timing.first_result("first audio", trial, first_audio)


@check("stops")
async def stops(tts: Tts, trial: Trial) -> Finding:
    """Closed in mid-phrase or cancelled before its audio it stops at once, and the next reply has none of it."""
    usual_ms = _length_ms(tts, trial, await _spoken(tts, trial, _SHORT))
    speech = tts.speak(_phrases(_LONG), trial.audio)
    async with aclosing(speech):
        await anext(speech, None)
        await timing.close(speech, trial)
    await timing.cancel(_spoken(tts, trial, _LONG), trial)
    pieces = await _spoken(tts, trial, _SHORT)
    text = " ".join(piece.text for piece in pieces if piece.text)
    length_ms = _length_ms(tts, trial, pieces)
    if text != _SHORT or length_ms > _STRETCH * usual_ms + _SLACK_MS:
        raise Amiss(f"goes on with a reply that was stopped: {length_ms:.0f} ms of {text!r}")
    return Finding()


async def _phrases(*texts: str, goes_on: bool = False) -> AsyncGenerator[str]:
    for text in texts:
        yield text
    if goes_on:
        await asyncio.Event().wait()


async def _spoken(tts: Tts, trial: Trial, *phrases: str) -> list[Speech]:
    async with aclosing(tts.speak(_phrases(*phrases), trial.audio)) as speech:
        pieces = [piece async for piece in speech]
    if not pieces:
        raise Amiss("says nothing")
    return pieces


def _length_ms(tts: Tts, trial: Trial, pieces: list[Speech]) -> float:
    """How long pieces last; raise ``Amiss`` for half samples and for silence."""
    audio = tts.format_for(trial.audio)
    if any(len(piece.audio) % audio.bytes_per_sample for piece in pieces):
        raise Amiss("cuts its audio within a sample")
    pcm = decode(audio.encoding, b"".join(piece.audio for piece in pieces))
    if not len(pcm) or np.abs(pcm.astype(np.int32)).max() < _SILENT:
        raise Amiss("gives silence")
    return len(pcm) / audio.rate_hz * 1000
