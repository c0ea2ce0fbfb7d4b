"""The playout ledger: the one place that knows what the bot queued and sent, and what the caller heard of it.

All audio of a call lies on one axis of samples, in the order in which it is spoken::

    0 ───────────── ear ─────────────── sent ─────────────── queued
      heard           at the carrier      waiting for us

The carrier plays in real time from the moment audio reaches it, so one number, the time at which it will have played
all that was sent (``_dry_at_s``), tells how much it still holds. Marks that come back show how far behind that model
the ear really is (``_lag_s``: the way there and back, and whatever the carrier adds). The lead (``sent`` less what the
model says was played) is kept full by ``due``, so that a stall of ours is no hole in the caller's ear and a barge-in
leaves little to clear.

What the bot says at a stretch is an *utterance*, made of *phrases*; each phrase ends in a mark. Every utterance is
settled exactly once, by a ``Heard``: when its last mark came back or is overdue, or when it was cleared. Marks that a
clear dropped are settled on the spot, because some carriers never return them; those that do return them are ignored.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.errors import LocalProtocolError
from mediasrv.turn.utterance import Heard, Phrase, Utterance
from mediasrv.wire.events import Command, Mark, PlayMedia

# One stall of the loop and one of the network; what a barge-in throws away is no more than this.
DEFAULT_LEAD_MS = 200
MAX_LEAD_MS = 600
# Top up in steps: a message costs more than its bytes, and a lead does not mind being a step short.
STEP_MS = 60
# A mark this late was lost on the way.
MARK_MARGIN_S = 2.0
# What the name of an utterance's last mark ends in; those before it are numbered.
END = ".end"


@dataclass(frozen=True, slots=True)
class PendingMark:
    """A mark that was sent and has not come back."""

    name: str
    ends_utterance: bool
    position: int
    due_s: float
    """When the model says it is reached."""


class PlayoutLedger:
    """What one call's caller is going to hear, hears and has heard; times are ``now`` in seconds."""

    def __init__(self, audio: AudioFormat, lead_ms: int = DEFAULT_LEAD_MS) -> None:
        self._audio = audio
        self._lead_ms = lead_ms
        self._waiting: deque[memoryview | Mark] = deque()
        self._utterances: deque[Utterance] = deque()
        self._marks: deque[PendingMark] = deque()
        self._last_number = 0
        self._queued = self._sent = self._reached = 0
        self._dry_at_s = self._lag_s = self._resumed_at_s = 0.0
        self._held = self._backlog = False
        self.underruns = 0
        """How often the ear ran dry within an utterance."""
        self.marks_lost = 0
        """Marks that never came back."""

    @property
    def busy(self) -> bool:
        """Whether there is something for ``due`` to send, now or later."""
        return bool(self._waiting) and not self._held

    @property
    def quiet(self) -> bool:
        """Whether every utterance is settled."""
        return not self._utterances

    @property
    def end(self) -> int:
        """Position at which the next audio will be queued."""
        return self._queued

    def audible_until(self, now: float) -> float:
        """When the caller will have heard all that is queued, if it is sent without a hold; in the past when he has."""
        waiting_s = (self._queued - self._sent) / self._audio.rate_hz
        return max(self._dry_at_s, now) + waiting_s if waiting_s else self._dry_at_s

    @property
    def lead_ms(self) -> int:
        """Audio kept at the carrier; grows when a stall of ours was heard."""
        return self._lead_ms

    def ear(self, now: float) -> int:
        """Position up to which the caller has heard; it never goes back."""
        return max(self._reached, self._sent - self._samples_between(now, self._dry_at_s + self._lag_s))

    def _keep_ear(self, now: float) -> None:
        """The model is about to change: what it said was heard stays heard."""
        self._reached = self.ear(now)

    def _samples_between(self, start_s: float, end_s: float) -> int:
        return round(max(0.0, end_s - start_s) * self._audio.rate_hz)

    # -- what the bot says ---------------------------------------------------------------------------------------

    def open(self) -> int:
        """Begin an utterance and return its number; raise ``LocalProtocolError`` within another."""
        if self._utterances and not self._utterances[-1].closed:
            raise LocalProtocolError("the bot cannot begin an utterance within another")
        self._last_number += 1
        self._utterances.append(Utterance(self._last_number, self._queued, self._queued))
        return self._last_number

    def queue(self, number: int, payload: bytes, text: str = "") -> None:
        """Append encoded audio, whole samples; ``text`` begins a phrase with it. Ignored once settled."""
        utterance = self._open_utterance(number)
        if utterance is None:
            return
        if text:
            if utterance.phrases:
                self._waiting.append(Mark(f"{number}.{len(utterance.phrases)}"))
            utterance.phrases.append(Phrase(text, self._queued, self._queued))
        if payload:
            self._waiting.append(memoryview(payload))
            self._queued += self._audio.samples_of(payload)
        utterance.end = self._queued
        if utterance.phrases:
            utterance.phrases[-1].end = self._queued

    def has_audio(self, number: int) -> bool:
        """Whether any audio of the utterance that is open was queued."""
        utterance = self._open_utterance(number)
        return utterance is not None and utterance.start < utterance.end

    def close(self, number: int) -> list[Heard]:
        """Say that all audio of the utterance is queued; one without audio is settled at once. Ignored once settled."""
        utterance = self._open_utterance(number)
        if utterance is None:
            return []
        utterance.closed = True
        if utterance.start == utterance.end:
            self._utterances.pop()
            return [utterance.heard(utterance.end)]
        self._waiting.append(Mark(f"{number}{END}"))
        return []

    def _open_utterance(self, number: int) -> Utterance | None:
        last = self._utterances[-1] if self._utterances else None
        return last if last is not None and last.number == number and not last.closed else None

    # -- what the pacer sends ------------------------------------------------------------------------------------

    def due(self, now: float) -> list[Command]:
        """The commands that fill the lead; ask right after ``queue`` and, while ``busy``, every 20 ms or so."""
        if not self.busy:
            return []
        commands: list[Command] = []
        while self._waiting:
            head = self._waiting[0]
            if isinstance(head, Mark):
                self._waiting.popleft()
                self._expect(head, now)
                commands.append(head)
                continue
            self._watch_for_underrun(now)
            room = samples_in(self._lead_ms, self._audio.rate_hz) - self._samples_between(now, self._dry_at_s)
            if room < samples_in(STEP_MS, self._audio.rate_hz):
                break
            commands.append(PlayMedia(self._take(room * self._audio.bytes_per_sample, now)))
        self._backlog = bool(self._waiting)
        return commands

    def _watch_for_underrun(self, now: float) -> None:
        """Audio is about to be sent: see whether it comes too late."""
        begins_utterance = any(each.start == self._sent for each in self._utterances)
        was_held = self._dry_at_s <= self._resumed_at_s
        if begins_utterance or was_held or not self._samples_between(self._dry_at_s, now):
            return
        self.underruns += 1
        if self._backlog:
            # Audio lay here while the ear ran dry: the stall was ours, so keep more ahead.
            self._lead_ms = min(self._lead_ms * 3 // 2, MAX_LEAD_MS)

    def _take(self, room_bytes: int, now: float) -> bytes:
        parts: list[memoryview] = []
        while room_bytes > 0 and self._waiting and isinstance(piece := self._waiting[0], memoryview):
            if len(piece) > room_bytes:
                self._waiting[0] = piece[room_bytes:]
                piece = piece[:room_bytes]
            else:
                self._waiting.popleft()
            parts.append(piece)
            room_bytes -= len(piece)
        payload = b"".join(parts)
        samples = self._audio.samples_of(payload)
        self._keep_ear(now)
        self._sent += samples
        self._dry_at_s = max(self._dry_at_s, now) + samples / self._audio.rate_hz
        return payload

    def _expect(self, mark: Mark, now: float) -> None:
        due_s = max(self._dry_at_s, now)
        self._marks.append(PendingMark(mark.name, mark.name.endswith(END), self._sent, due_s))

    def hold(self) -> None:
        """Stop feeding: what the carrier has runs out by itself."""
        self._held = True

    def resume(self, now: float) -> None:
        """Feed again; a pause that came of holding is no underrun."""
        self._held = False
        self._resumed_at_s = now

    # -- what the carrier says -----------------------------------------------------------------------------------

    def reached(self, name: str, now: float) -> list[Heard]:
        """A mark came back, and so did all before it; marks that are not pending are ignored."""
        if all(mark.name != name for mark in self._marks):
            return []
        settled: list[Heard] = []
        while True:
            mark = self._marks.popleft()
            if mark.name == name:
                self._keep_ear(now)
                self._lag_s = max(0.0, now - mark.due_s)
            settled += self._settle(mark)
            if mark.name == name:
                return settled

    def clear(self, now: float) -> list[Heard]:
        """Drop all that the caller has not heard, here; telling the carrier is the caller's next step."""
        ear = self.ear(now)
        settled = [utterance.heard(ear) for utterance in self._utterances]
        self._utterances.clear()
        self._waiting.clear()
        self._marks.clear()
        self._queued = self._sent = self._reached = ear
        self._dry_at_s = now
        self._held = False
        return settled

    def deadline(self) -> float | None:
        """When ``tick`` has something to do, if nothing comes before."""
        return self._marks[0].due_s + self._lag_s + MARK_MARGIN_S if self._marks else None

    def tick(self, now: float) -> list[Heard]:
        """Settle what is overdue: a carrier that loses a mark must not keep the bot waiting."""
        settled: list[Heard] = []
        while self._marks and now >= self._marks[0].due_s + self._lag_s + MARK_MARGIN_S:
            self.marks_lost += 1
            settled += self._settle(self._marks.popleft())
        return settled

    def _settle(self, mark: PendingMark) -> list[Heard]:
        self._reached = max(self._reached, mark.position)
        if not mark.ends_utterance:
            return []
        return [self._utterances.popleft().heard(self._reached)]
