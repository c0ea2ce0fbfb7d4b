"""Speech to speech: an utterance is answered aloud, words that are given are said, and what was cancelled is over."""

from __future__ import annotations

from mediasrv.providers.conformance import timing
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.conformance.verdict import Amiss, Finding, check
from mediasrv.providers.realtime import Realtime, ReplyDone, SpeechPiece

_INSTRUCTIONS = "You are on the telephone. Answer in two sentences."
_WORDS = "Goodbye, and thank you for calling."


@check("streams")
async def streams(realtime: Realtime, trial: Trial) -> Finding:
    """What the caller said is answered in words and audio, and words that are to be said are said."""
    async with _Talk(realtime, trial) as talk:
        talk.ask(1)
        spoken = await talk.whole(1)
        talk.dialogue.say(2, _WORDS)
        await talk.whole(2)
    return Finding(f"{len(spoken)} pieces")


@check("answers")
async def answers(realtime: Realtime, trial: Trial) -> Finding:
    """From the end of what the caller said to the first audio."""

    async def first_audio() -> float:
        async with _Talk(realtime, trial) as talk:
            talk.dialogue.say(1, _WORDS)
            await talk.whole(1)
            talk.ask(2)
            watch = timing.Stopwatch()
            await talk.first(2)
            return watch.elapsed_ms

    return await timing.first_result("first audio", trial, first_audio)


@check("stops")
async def stops(realtime: Realtime, trial: Trial) -> Finding:
    """A cancelled reply gives nothing more, another one follows it, and the session closes at once."""
    async with _Talk(realtime, trial) as talk:
        talk.ask(1)
        piece = await talk.first(1)
        talk.dialogue.cancel(1)
        talk.dialogue.cut(piece.item, 0)
        talk.dialogue.say(2, _WORDS)
        await talk.whole(2, stopped=1)
        await timing.close(talk.events, trial)
    return Finding()


class _Talk:
    """A dialogue, which is over at the end of its block."""

    def __init__(self, realtime: Realtime, trial: Trial) -> None:
        audio = trial.audio if trial.audio in realtime.formats else realtime.formats[0]
        self.dialogue = realtime.converse(audio, _INSTRUCTIONS)
        self.events = self.dialogue.events()
        self._frames = trial.frames(audio)

    async def __aenter__(self) -> _Talk:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.events.aclose()

    def ask(self, reply: int) -> None:
        """Say the clip, at once, and want an answer: who has the floor is none of the model's business."""
        for frame in self._frames:
            self.dialogue.send(frame)
        self.dialogue.answer(reply)

    async def first(self, reply: int) -> SpeechPiece:
        """The first audio of a reply."""
        async for event in self.events:
            match event:
                case SpeechPiece() if event.reply == reply and event.audio:
                    return event
                case ReplyDone(failure=failure) if event.reply == reply:
                    raise failure or Amiss("says nothing")
        raise Amiss("ends the session without a reply")

    async def whole(self, reply: int, stopped: int | None = None) -> list[SpeechPiece]:
        """All of a reply, which must have words and audio; raise ``Amiss`` for more of one that was stopped."""
        pieces: list[SpeechPiece] = []
        async for event in self.events:
            match event:
                case SpeechPiece() if event.reply == reply:
                    pieces.append(event)
                case SpeechPiece() if event.reply == stopped:
                    raise Amiss("goes on with a reply that was stopped")
                case ReplyDone(failure=failure) if event.reply == reply:
                    if failure is not None:
                        raise failure
                    break
        if not any(piece.audio for piece in pieces) or not any(piece.text for piece in pieces):
            raise Amiss("says nothing")
        return pieces
