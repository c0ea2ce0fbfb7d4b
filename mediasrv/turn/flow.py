"""The flow of the bot's audio to the carrier, and how it stops and goes on when the caller breaks in, or seems to.

::

    RUNNING --hold--> HELD --nearly dry--> RUN_OUT      any of them --suspend--> SUSPENDED
       ^                |                     |                                     |
       +---- resume ----+---------------------+-------------------------------------+

``hold`` lets the carrier run out, with a fade at the end; ``suspend`` has it drop what it holds, with a fade behind.
Nothing is lost by either, and ``resume`` goes back to the beginning of the word at which the caller ceased to hear us:
only there do ``sent`` and ``ear`` step back.

The fade of ``suspend`` is to join what was heard last. Our clear travels behind the audio that we sent, on the same
way, so it finds the carrier where our model is when the clear leaves, however long the way: the lag does not enter.
What remains is what the carrier itself adds between the place where the clear works and our model: a buffer before it,
a way that takes now longer and now shorter, a grid of frames. By so much does our fade miss, and the step is as large
as it may be between any two samples that far apart.
"""

from __future__ import annotations

from enum import Enum, auto

from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.turn.fade import FADE_MS, fade_in, fade_out
from mediasrv.turn.marks import Marks
from mediasrv.turn.reckoning import Reckoning
from mediasrv.turn.script import Script
from mediasrv.wire.events import Clear, Command, PlayMedia

# What the carrier still holds when the fade of a hold is sent: two ticks of the pacer, and a little for the way.
LAST_MS = 60


class Gate(Enum):
    """Whether audio may go to the carrier."""

    RUNNING = auto()
    HELD = auto()
    """Not for a while, and nothing has come of it yet."""
    RUN_OUT = auto()
    """Not for so long that the carrier has nothing left but a fade."""
    SUSPENDED = auto()
    """No, and the carrier has dropped what it had."""


class Flow:
    """One call's; what is said, its marks and the carrier's position are the ledger's. Times are ``now`` in seconds."""

    def __init__(self, audio: AudioFormat, script: Script, marks: Marks, carrier: Reckoning, gathers_ms: int) -> None:
        """``gathers_ms`` of what is sent may be held back on the way."""
        self._audio = audio
        self._script = script
        self._marks = marks
        self._carrier = carrier
        self._last = samples_in(LAST_MS + gathers_ms, audio.rate_hz)
        self._tail = b""
        self._begins_softly = False
        self.is_stopped = False
        """Whether nothing more is to be sent, whatever waits."""
        self.gate = Gate.RUNNING
        self.resumed_at_s = 0.0
        """When the bot went on last: a silence from before is no underrun."""

    def hold(self) -> None:
        """Stop feeding: what the carrier has runs out softly. Keep asking ``run_out`` until it has."""
        if self.gate is Gate.RUNNING:
            self._turn(Gate.HELD)

    def run_out(self, now: float) -> list[Command]:
        """The commands that end a hold's audio, once the carrier is nearly dry."""
        if self._carrier.ahead(now) > self._last:
            return []
        self._turn(Gate.RUN_OUT)
        return self._die_away(self._next_tail(), now) if now < self._carrier.dry_at_s else []

    def suspend(self, now: float) -> list[Command]:
        """Fall silent at once and keep what was not heard; send the commands, none if that was done before."""
        if self.gate is Gate.SUSPENDED:
            return []
        self._turn(Gate.SUSPENDED)
        # The fade of a hold, where there is one, is cut short by the clear: it goes on from there.
        rest = self._tail[max(0, len(self._tail) - self._carrier.ahead(now) * self._audio.bytes_per_sample) :]
        was_sent = self._carrier.sent
        cut = self._carrier.drop(now)
        self._marks.take_back(cut)
        for utterance in self._script.utterances:
            if cut <= utterance.start:
                utterance.begins_s = None
        return [Clear(), *self._die_away(self._next_tail() if cut < was_sent else rest, now)]

    def _next_tail(self) -> bytes:
        sent = self._carrier.sent
        return fade_out(self._script.track.read(sent, sent + samples_in(FADE_MS, self._audio.rate_hz)), self._audio)

    def _die_away(self, tail: bytes, now: float) -> list[Command]:
        """Send a fade: no part of what is said. The mark behind it tells the carrier that the pause is meant."""
        self._tail = tail
        self._carrier.send_more(self._audio.samples_of(tail), now)
        return [PlayMedia(tail), self._marks.send_idle()] if tail else []

    def resume(self, now: float) -> None:
        """Go on: as if nothing had been if nothing was heard of the hold, otherwise with the word last heard."""
        if self.gate is Gate.RUNNING:
            return
        if self.gate is not Gate.HELD or self._carrier.dry_at_s <= now:
            start = self._script.word_start(self._carrier.sent)
            self._carrier.go_back(start, now)
            self._marks.take_back(start)
            self._begins_softly = self._script.within(start) is not None
        self._turn(Gate.RUNNING)
        self.resumed_at_s = now

    def restart(self) -> None:
        """What was held is gone: what is said from now on flows."""
        self._turn(Gate.RUNNING)

    def _turn(self, gate: Gate) -> None:
        self.gate = gate
        self.is_stopped = gate is Gate.RUN_OUT or gate is Gate.SUSPENDED

    def pass_on(self, payload: bytes) -> bytes:
        """Return audio as it is to be sent: softly begun where a word is begun again."""
        softly, self._begins_softly, self._tail = self._begins_softly, False, b""
        return fade_in(payload, self._audio) if softly else payload
