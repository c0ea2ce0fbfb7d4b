"""The carrier's play queue: what the caller's ear receives, to the sample.

Media time begins with the stream and runs with the clock, whatever is queued. Audio that comes is laid on that time
line at once, behind what is already laid there, or at the present moment when the queue has run dry; what lies before
the present moment has been heard, what lies after it has not. So the queue needs no pump, and its whole history is
exact however late anyone looks:

    heard, for good | laid, not yet heard: a clear drops it, a mark behind it waits
    ----------------+------------------------------------------------------------->
                   now

What was heard is kept for the whole call (mu-law: 8 kB a second of the agent's speech); the queue itself is bounded.

This is Plivo's behaviour: a mark (Plivo: checkpoint) is acknowledged when everything before it has been heard, at
once if nothing is left; a clear is acknowledged at once, and the marks it drops never are. Carriers such as Twilio
return those marks on the clear. A real carrier starts audio on its own 20 ms grid; this one starts it in the instant
it comes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass

import numpy as np

from mediasrv.audio.codec import encode
from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.wire.events import CarrierFailed, Clear, Command, Event, Mark, MarkReached, PlayMedia, PlayoutCleared

CAPACITY_MS = 60_000
"""Audio the queue holds; Plivo's pages say 40 s and about 60 s."""
UNDERRUN_MS = 1_000
"""A shorter silence between two pieces of audio is a hole in an utterance; a longer one parts two utterances."""

# Clocks are binary fractions and sample times are not: a mark that is due must not look one sample early for that.
SLACK_SAMPLES = 1e-3


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence shorter than ``UNDERRUN_MS`` because audio came after the queue had run dry."""

    begin: int
    """Media time in samples at which the queue ran dry."""
    samples: int
    """How long the ear heard nothing."""
    marked: bool
    """Whether a mark stood at the end of what was played before: then the sender may have meant the pause."""


class Playout:
    """One stream's play queue; ``started`` is the ``now`` (seconds) at which its media time is 0."""

    def __init__(self, audio: AudioFormat, started: float, *, returns_marks_on_clear: bool = False) -> None:
        self.audio = audio
        self.started = started
        self.returns_marks_on_clear = returns_marks_on_clear
        self.gaps: list[Gap] = []
        """Holes, in order; those not ``marked`` are underruns."""
        self.clears: list[int] = []
        """Media times in samples at which a clear came."""
        self.marks: list[tuple[str, int]] = []
        """Marks acknowledged because they were reached, each with its media time in samples."""
        self.sent_samples = 0
        """All audio that came."""
        self.dropped_samples = 0
        """Audio never heard: cleared, or refused because the queue was full."""
        self._begins: list[int] = []
        self._payloads: list[bytes] = []
        self._end = 0
        self._pending: deque[tuple[int, str]] = deque()
        self._in_utterance = False
        self._marked = False
        self._silence = encode(audio.encoding, np.zeros(1, np.int16))

    def receive(self, command: Command, now: float) -> list[Event]:
        """Take a command; return what the carrier says to it, marks that came due before it first.

        Audio that does not fit into the queue is refused whole, with ``CarrierFailed("buffer_overflow")``. Tones
        (``SendDtmf``) bypass the queue: they go to the far end, not into this ear.
        """
        events = self.tick(now)
        match command:
            case PlayMedia(payload):
                return events + self._lay(payload, self.position(now))
            case Mark(name):
                self._marked = True
                self._pending.append((max(self._end, self.position(now)), name))
                return events + self.tick(now)
            case Clear():
                return events + self._clear(self.position(now))
            case _:
                return events

    def deadline(self) -> float | None:
        """When the next mark comes due, seconds; nothing else waits for time."""
        return self.started + self._pending[0][0] / self.audio.rate_hz if self._pending else None

    def tick(self, now: float) -> list[Event]:
        """Acknowledge the marks that have been reached."""
        position = self.position(now)
        events: list[Event] = []
        while self._pending and self._pending[0][0] <= position:
            reached, name = self._pending.popleft()
            self.marks.append((name, reached))
            events.append(MarkReached(name))
        return events

    def position(self, now: float) -> int:
        """Media time in samples."""
        return max(0, int((now - self.started) * self.audio.rate_hz + SLACK_SAMPLES))

    def backlog(self, position: int) -> int:
        """Samples that are still to be heard at a media time."""
        return max(0, self._end - position)

    def heard(self, begin: int, end: int) -> bytes:
        """What is laid on ``[begin, end)``, encoded, with silence where nothing is.

        It is final as far as ``position(now)`` reaches; beyond, a clear may still drop it.
        """
        width = self.audio.bytes_per_sample
        ear = bytearray(self._silence * (end - begin))
        laid = slice(max(0, bisect_right(self._begins, begin) - 1), bisect_left(self._begins, end))
        for start, payload in zip(self._begins[laid], self._payloads[laid], strict=True):
            skip = max(0, begin - start)
            piece = payload[skip * width : (end - start) * width]
            place = (start + skip - begin) * width
            ear[place : place + len(piece)] = piece
        return bytes(ear)

    def _lay(self, payload: bytes, position: int) -> list[Event]:
        samples = self.audio.samples_of(payload)
        start = max(self._end, position)
        self.sent_samples += samples
        if start + samples - position > samples_in(CAPACITY_MS, self.audio.rate_hz):
            self.dropped_samples += samples
            return [CarrierFailed("buffer_overflow")]
        if samples:
            self._note_gap(position - self._end)
            self._begins.append(start)
            self._payloads.append(payload[: samples * self.audio.bytes_per_sample])
            self._end = start + samples
        return []

    def _note_gap(self, samples: int) -> None:
        if self._in_utterance and 0 < samples < samples_in(UNDERRUN_MS, self.audio.rate_hz):
            self.gaps.append(Gap(self._end, samples, self._marked))
        self._in_utterance = True
        self._marked = False

    def _clear(self, position: int) -> list[Event]:
        width = self.audio.bytes_per_sample
        self.dropped_samples += self.backlog(position)
        kept = bisect_left(self._begins, position)
        del self._begins[kept:], self._payloads[kept:]
        if kept:
            self._payloads[-1] = self._payloads[-1][: (position - self._begins[-1]) * width]
        self._end = min(self._end, position)
        self._in_utterance = False
        self.clears.append(position)
        dropped = [MarkReached(name) for _, name in self._pending]
        self._pending.clear()
        return [PlayoutCleared(), *(dropped if self.returns_marks_on_clear else [])]
