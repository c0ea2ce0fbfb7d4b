"""What every caller of a load says, framed once for all: a recorded sentence in each cycle, and a quiet line between.

The timetable is fixed, whatever the bot does: callers who waited for a slow bot would ask less of it the slower it is
(coordinated omission). A frame is sent when its last sample has been spoken.
"""

from __future__ import annotations

from collections.abc import Sequence

from mediasrv.audio.format import MULAW_8K, PTIME_MS
from mediasrv.simulator.speech import comfort_noise, recorded, take
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.load.frames import framed
from native_bench.standins.dictation import Word

RATE_HZ = MULAW_8K.rate_hz
FRAME = RATE_HZ * PTIME_MS // 1000
FRAME_S = PTIME_MS / 1000
CYCLE_S = 7.0
"""A sentence, the wait for the answer, the answer, and more than a second of silence."""
STREAM_ID = "load-stream"
CLIP = "ps_goforward"
# Noise before the sentence, so that the recogniser is there when it begins.
_LEAD_FRAMES = 24
_NOISE_DB = -65.0
_TIMESTAMP_MS = 1_795_000_000_000


class Tape:
    """One cycle after the other, without end."""

    def __init__(self, clip_name: str = CLIP) -> None:
        clip = recorded()[clip_name]
        said = take(clip, MULAW_8K)
        noise = comfort_noise(MULAW_8K, _NOISE_DB, 1)
        self.cue = comfort_noise(MULAW_8K, _NOISE_DB, 2)[0]
        """The frame before the sentence, by which the recogniser's stand-in knows what is going to be said."""
        begin = (_LEAD_FRAMES + 1) * FRAME
        self.begin, self.end = begin + said.voiced.begin, begin + said.voiced.end
        """First voiced sample of a cycle, and the one behind the last."""
        self.cycle = round(CYCLE_S * RATE_HZ)
        """Samples."""
        quiet = self.cycle // FRAME - _LEAD_FRAMES - 1 - len(said.frames)
        self._frames = [*_looped(noise, _LEAD_FRAMES), self.cue, *said.frames, *_looped(noise, quiet)]
        self.words = _spread(clip.text.split(), said.voiced.begin, said.voiced.end)
        """Words of the sentence, with times from the end of the cue."""
        self._side = PlivoCarrierProtocol()
        self._side.start("load-call", STREAM_ID, MULAW_8K)
        self._messages: list[bytes] = []

    def payload(self, number: int) -> bytes:
        """The audio of a frame."""
        return self._frames[number % len(self._frames)]

    def message(self, number: int) -> bytes:
        """The message of a frame, ready for the socket; the same for all callers."""
        while len(self._messages) <= number:
            at = len(self._messages)
            self._messages.append(framed(self._side.media(self.payload(at), _TIMESTAMP_MS + at * PTIME_MS).encode()))
        return self._messages[number]


def start_message(call_id: str) -> bytes:
    """The message that begins a call."""
    return framed(PlivoCarrierProtocol().start(call_id, STREAM_ID, MULAW_8K).encode())


def _looped(frames: Sequence[bytes], count: int) -> list[bytes]:
    return [frames[place % len(frames)] for place in range(count)]


def _spread(words: Sequence[str], begin: int, end: int) -> list[Word]:
    """Words as long as each other; nothing depends on their exact times."""
    edges = [round((begin + (end - begin) * place / len(words)) * 1000 / RATE_HZ) for place in range(len(words) + 1)]
    return [Word(word, edges[place], edges[place + 1]) for place, word in enumerate(words)]
