"""The playout ledger: the one place that knows what the bot queued and sent, and what the caller heard of it.

What the bot says in a call lies on one axis of samples, in the order in which it is spoken::

    0 ───────────── ear ─────────────── sent ─────────────── queued
      heard           at the carrier      waiting for us

The lead, which is what the carrier has and has not played, is kept full by ``due``, so that a stall of ours is no hole
in the caller's ear and a barge-in leaves little to clear. Where the ear is, `reckoning` knows.

What the bot says at a stretch is an *utterance*, made of *phrases*. Every utterance is settled exactly once, by a
``Heard``: when its last mark came back or is overdue, or when it was cleared. Marks that a clear dropped are not waited
for, because some carriers never return them; those that do return them are ignored.

When the caller breaks in, or seems to, the bot falls silent and may go on yet: of that `flow` knows. ``clear`` drops
what is left.
"""

from __future__ import annotations

import math

from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.turn.flow import Flow, Gate
from mediasrv.turn.marks import Marks, SentMark
from mediasrv.turn.reckoning import Reckoning
from mediasrv.turn.script import Script
from mediasrv.turn.utterance import Audible, Outcome, Utterance
from mediasrv.wire.events import Command, PlayMedia

# A barge-in throws away no more than this. A step less is what is left when more is sent: one stall of the loop and one
# of the network.
DEFAULT_LEAD_MS = 260
MAX_LEAD_MS = 660
# Top up in steps: a message costs more than its bytes. As mu-law in base64, this one just fits into a packet of TCP.
STEP_MS = 120
# Who asks a little too early asks again; who asks too late has missed a tick.
_EARLY_S = 0.001


class PlayoutLedger:
    """What one call's caller is going to hear, hears and has heard; times are ``now`` in seconds."""

    def __init__(self, audio: AudioFormat, lead_ms: int = DEFAULT_LEAD_MS, *, gathers_ms: int = 0) -> None:
        """``gathers_ms`` of what is sent may be held back on the way; the lead is what the carrier has besides."""
        self._audio = audio
        self._step = samples_in(STEP_MS, audio.rate_hz)
        self.lead_ms = lead_ms + gathers_ms
        """Audio kept at the carrier; grows when a stall of ours was heard."""
        self.most_lead_ms = MAX_LEAD_MS + gathers_ms
        """And no further."""
        self._marks = Marks(audio)
        self._script = Script(audio, self._marks)
        self._carrier = Reckoning(audio.rate_hz)
        self._flow = Flow(audio, self._script, self._marks, self._carrier, gathers_ms)
        self._backlog = False
        self.underruns = 0
        """How often the ear ran dry within an utterance."""
        self.marks_lost = 0
        """Marks that never came back."""

    @property
    def busy(self) -> bool:
        """Whether there is something for ``due`` to send, now or later."""
        if self._flow.is_stopped:
            return False
        return self._carrier.sent < self.end or self._marks.wanted is not None

    @property
    def due_at_s(self) -> float:
        """When ``due`` is to be asked again, unless something changes before; infinite when there is nothing to send.

        In the past where that is as soon as may be.
        """
        if not self.busy:
            return math.inf
        if self._flow.gate is Gate.HELD:
            return -math.inf
        return self._carrier.dry_at_s - (self.lead_ms - STEP_MS) / 1000 - _EARLY_S

    @property
    def quiet(self) -> bool:
        """Whether every utterance is settled."""
        return not self._script.utterances

    @property
    def is_suspended(self) -> bool:
        """Whether the bot was made to fall silent, and may go on yet."""
        return self._flow.gate is Gate.SUSPENDED

    @property
    def end(self) -> int:
        """Position at which the next audio will be queued."""
        return self._script.track.end

    @property
    def dry_at_s(self) -> float:
        """When the carrier will have played, or has played, all it was sent; what is sent next begins no earlier."""
        return self._carrier.dry_at_s

    @property
    def lag_s(self) -> float:
        """How far the caller's ear is behind what we take to be played."""
        return self._carrier.lag_s

    def audible_until(self, now: float) -> float:
        """When the caller will have heard all that is queued, if it is sent without a hold; in the past when he has."""
        waiting_s = (self.end - self._carrier.sent) / self._audio.rate_hz
        return max(self._carrier.dry_at_s, now) + waiting_s if waiting_s else self._carrier.spoken_at_s

    def ear(self, now: float) -> int:
        """Position up to which the caller has heard; it goes back only in ``resume``, to a word that is repeated."""
        return self._carrier.ear(now)

    def unheard_ms(self, now: float) -> int:
        """Audio that is queued and that the caller has not heard."""
        return (self.end - self.ear(now)) * 1000 // self._audio.rate_hz

    @property
    def unsent_ms(self) -> int:
        """Audio that is queued and that the carrier has not been sent."""
        return (self.end - self._carrier.sent) * 1000 // self._audio.rate_hz

    # -- what the bot says ---------------------------------------------------------------------------------------

    def open(self) -> int:
        """Begin an utterance and return its number; raise ``LocalProtocolError`` within another."""
        return self._script.open()

    def queue(self, number: int, payload: bytes, text: str = "") -> None:
        """Append encoded audio, whole samples; ``text`` begins a phrase with it. Ignored once settled."""
        self._script.queue(number, payload, text)

    def has_audio(self, number: int) -> bool:
        """Whether any audio of the utterance that is open was queued."""
        return self._script.has_audio(number)

    def close(self, number: int) -> list[Outcome]:
        """Say that all audio of the utterance is queued; one without audio is settled at once. Ignored once settled."""
        return [*self._script.close(number)]

    # -- what the pacer sends ------------------------------------------------------------------------------------

    def due(self, now: float) -> list[Command]:
        """The commands that fill the lead; ask right after ``queue`` and then at ``due_at_s``."""
        commands: list[Command] = []
        if not self.busy:
            return commands
        carrier, end = self._carrier, self.end
        self._pass_marks(commands, now)
        if carrier.sent < end:
            if self._flow.gate is Gate.HELD:
                return commands + self._flow.run_out(now)
            if carrier.dry_at_s < now and self._is_underrun(now):
                commands += self._count_underrun(now)
            room = samples_in(self.lead_ms, self._audio.rate_hz) - carrier.ahead(now)
            if room >= self._step:
                full = carrier.sent + room
                while carrier.sent < min(end, full):
                    commands.append(PlayMedia(self._take(full, now)))
                    self._pass_marks(commands, now)
        self._backlog = carrier.sent < end
        return commands

    def _pass_marks(self, commands: list[Command], now: float) -> None:
        """Send the marks that are wanted where we are."""
        while self._marks.wanted == self._carrier.sent:
            commands.append(self._marks.send(max(self._carrier.dry_at_s, now)))

    def _is_underrun(self, now: float) -> bool:
        """Whether the audio that is about to be sent comes too late, as the carrier is dry."""
        dry_at_s = self._carrier.dry_at_s
        if dry_at_s <= self._flow.resumed_at_s or not self._carrier.samples_between(dry_at_s, now):
            return False
        return self._script.beginning(self._carrier.sent) is None

    def _count_underrun(self, now: float) -> list[Command]:
        self.underruns += 1
        if self._backlog:
            # Audio lay here while the ear ran dry: the stall was ours, so keep more ahead.
            self.lead_ms = min(self.lead_ms * 3 // 2, self.most_lead_ms)
        sent = self._carrier.sent
        here = self._script.within(sent)
        # A pause between two phrases is for the carrier to see, and for us to learn where the ear is.
        return [self._marks.send_extra(sent, here.number, now)] if here is not None and here.parts_at(sent) else []

    def _take(self, full: int, now: float) -> bytes:
        """Take what is sent next, up to a position and no further than the next mark."""
        start, wanted = self._carrier.sent, self._marks.wanted
        end = min(full, self.end if wanted is None else wanted)
        payload = self._script.track.read(start, end)
        begins_s = self._carrier.send(end, now)
        utterance = self._script.beginning(start)
        if utterance is not None and utterance.begins_s is None:
            utterance.begins_s = begins_s
        self._script.track.forget(self._carrier.reached)
        return self._flow.pass_on(payload)

    # -- when the caller breaks in -------------------------------------------------------------------------------

    def hold(self) -> None:
        """Stop feeding: what the carrier has runs out softly. Keep asking ``due``, see ``due_at_s``."""
        self._flow.hold()

    def suspend(self, now: float) -> list[Command]:
        """Fall silent at once and keep what was not heard; send the commands, none if that was done before."""
        return self._flow.suspend(now)

    def resume(self, now: float) -> None:
        """Go on: as if nothing had been if nothing was heard of the hold, otherwise with the word last heard."""
        self._flow.resume(now)

    def clear(self, now: float) -> list[Outcome]:
        """Drop all that the caller has not heard, here; for the carrier to drop it too, ``suspend`` first."""
        ear = self.ear(now)
        outcomes: list[Outcome] = []
        for utterance in self._script.utterances:
            outcomes += [*self._note_audible(utterance, ear), utterance.heard(ear)]
        self._script.clear(ear)
        self._marks.clear()
        self._carrier.restart(ear)
        self._flow.restart()
        return outcomes

    # -- what the carrier says -----------------------------------------------------------------------------------

    def reached(self, name: str, now: float) -> list[Outcome]:
        """A mark came back, and so did all before it; marks that are not expected are ignored."""
        marks = self._marks.reach(name)
        if marks:
            self._carrier.learn(marks[-1].due_s, now)
        return [outcome for mark in marks for outcome in self._settle(mark)]

    def deadline(self) -> float | None:
        """When ``tick`` has something to do, if nothing comes before."""
        return self._marks.deadline(self._carrier.lag_s)

    def tick(self, now: float) -> list[Outcome]:
        """Settle what is overdue: a carrier that loses a mark must not keep the bot waiting."""
        lost = self._marks.lose(now, self._carrier.lag_s)
        self.marks_lost += len(lost)
        return [outcome for mark in lost for outcome in self._settle(mark)]

    def _settle(self, mark: SentMark) -> list[Outcome]:
        self._carrier.reach(mark.point.position)
        # Marks come in the order of what is said, so this is the oldest utterance's.
        utterance = self._script.utterances[0]
        outcomes = self._note_audible(utterance, mark.point.position)
        if mark.point.ends_utterance:
            self._script.utterances.popleft()
            outcomes.append(utterance.heard(mark.point.position))
        return outcomes

    def _note_audible(self, utterance: Utterance, ear: int) -> list[Outcome]:
        if utterance.is_audible or utterance.begins_s is None or ear <= utterance.start:
            return []
        utterance.is_audible = True
        return [Audible(utterance.number, utterance.begins_s + self._carrier.lag_s)]
