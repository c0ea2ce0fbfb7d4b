"""Recognisers: an utterance is written down when a final is asked for, each request is answered, and calls end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from mediasrv.audio.format import PTIME_MS, AudioFormat
from mediasrv.providers.base import Recognition, Stt, Transcript
from mediasrv.providers.conformance import timing
from mediasrv.providers.conformance.trial import Trial, quiet
from mediasrv.providers.conformance.verdict import Amiss, Finding, check

# The caller is heard a moment before it is known that he speaks.
_ONSET_FRAMES = 5
# The pause in which a call asks for its final.
_PAUSE_FRAMES = 4


@check("streams")
async def streams(stt: Stt, trial: Trial) -> Finding:
    """Somebody speaks, and the final that is asked for has words."""
    async with _Caller(stt, trial) as caller:
        heard = await caller.says(1)
    if not heard.text.strip():
        raise Amiss("hears no words")
    return Finding(f"{len(heard.text.split())} words")


@check("answers")
async def answers(stt: Stt, trial: Trial) -> Finding:
    """From the request for a final to the final."""

    async def final() -> float:
        async with _Caller(stt, trial) as caller:
            await caller.says(1)
            return caller.final_ms

    return await timing.first_result("final", trial, final)


@check("keeps utterances apart")
async def keeps_apart(stt: Stt, trial: Trial) -> Finding:
    """A request is answered but when its utterance was over before; the next utterance has its own."""
    async with _Caller(stt, trial) as caller:
        await caller.says(1)
        caller.recognition.finalize(2)
        caller.recognition.commit()
        await caller.says(3)
        if 2 in caller.answered:
            raise Amiss("answers a request of an utterance that is over")
    return Finding()


@check("stops")
async def stops(stt: Stt, trial: Trial) -> Finding:
    """A call that ends in mid-utterance is over at once, harmlessly, and the next call's requests are its own."""
    async with _Caller(stt, trial) as caller:
        await caller.says(1)
        caller.recognition.begin()
        caller.recognition.finalize(2)
        await timing.close(caller.transcripts, trial)
        caller.recognition.send(quiet(caller.audio))
        caller.recognition.finalize(3)
        caller.recognition.commit()
    await timing.cancel(_listen(stt, trial), trial)
    async with _Caller(stt, trial) as caller:
        await caller.says(4)
        if caller.answered != [4]:
            raise Amiss("answers requests of another call")
    return Finding()


class _Caller:
    """A call whose caller speaks and whose recognition is listened to; it is over at the end of its block."""

    def __init__(self, stt: Stt, trial: Trial) -> None:
        self.audio: AudioFormat = trial.audio if trial.audio in stt.formats else stt.formats[0]
        self.recognition: Recognition = stt.listen(self.audio)
        self.transcripts = self.recognition.transcripts()
        self.final_ms = 0.0
        """From the last request to its answer."""
        self.answered: list[int] = []
        """Requests, in the order of their answers."""
        self._frames = trial.frames(self.audio)
        self._frame_s = PTIME_MS / 1000 / trial.speed
        self._asked: timing.Stopwatch | None = None

    async def __aenter__(self) -> _Caller:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.transcripts.aclose()

    async def says(self, request: int) -> Transcript:
        """Say the clip, ask for a final, stay silent until it is there."""
        speaking = asyncio.create_task(self._speak(request))
        try:
            return await self._answer(request)
        finally:
            speaking.cancel()
            await asyncio.wait([speaking])

    async def _answer(self, request: int) -> Transcript:
        async for heard in self.transcripts:
            if isinstance(heard, Transcript) and heard.request is not None:
                self.answered.append(heard.request)
                if heard.request == request:
                    self.final_ms = self._asked.elapsed_ms if self._asked else 0.0
                    if not heard.is_final:
                        raise Amiss("answers with a transcript that is not final")
                    return heard
        raise Amiss("ends without a final")

    async def _speak(self, request: int) -> None:
        recognition, silence = self.recognition, quiet(self.audio)
        for index, frame in enumerate([*self._frames, *[silence] * _PAUSE_FRAMES]):
            recognition.send(frame)
            if index == _ONSET_FRAMES:
                recognition.begin()
            await asyncio.sleep(self._frame_s)
        self._asked = timing.Stopwatch()
        recognition.finalize(request)
        while True:
            await asyncio.sleep(PTIME_MS / 1000)
            recognition.send(silence)


async def _listen(stt: Stt, trial: Trial) -> None:
    async with _Caller(stt, trial) as caller, aclosing(caller.transcripts):
        caller.recognition.begin()
        await caller.says(1)
