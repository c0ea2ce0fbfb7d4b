"""The feeder: what a call's ledger has for the carrier goes there as the pacer ticks, and the audience learns of it.

While audio waits, the carrier's lead is topped up in small steps. How much of it is left when we come with the next
tells how near the process is to a hole in the caller's ear, but only in mid-speech: after a hold, or where the voice
itself is late, it tells of somebody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from mediasrv.audio.format import AudioFormat
from mediasrv.call.audience import Audience
from mediasrv.call.link import Link
from mediasrv.call.pacer import Pacer
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.wire.events import Clear, Command, PlayMedia


class Feeder:
    """One call's; times are the loop's, in seconds."""

    def __init__(
        self,
        audio: AudioFormat,
        ledger: PlayoutLedger,
        link: Link,
        pacer: Pacer,
        audience: Audience,
        marked: Callable[[], None],
    ) -> None:
        """``marked`` is called when a mark was sent, which is to be expected now."""
        self._audio = audio
        self._ledger = ledger
        self._link = link
        self._pacer = pacer
        self._audience = audience
        self._marked = marked
        self._is_steady = False

    def wake(self) -> None:
        """There may be something to send: send it, and go on until nothing waits."""
        self._pacer.wake(self._feed)

    def brace(self) -> None:
        """An utterance begins: where stalls are to be expected, keep as much ahead as may be."""
        if self._pacer.is_pressed:
            # Better that a barge-in drops more than that the caller hears a hole.
            self._ledger.lead_ms = self._ledger.most_lead_ms

    def hold(self) -> None:
        """Send no more; what the carrier has runs out softly."""
        self._is_steady = False
        self._ledger.hold()

    def suspend(self, now: float) -> None:
        """Have the carrier fall silent at once; nothing, if it was made to before."""
        self._is_steady = False
        self._send(self._ledger.suspend(now), now)

    def resume(self, now: float) -> None:
        """Go on: after a silence, from the beginning of the word that was heard last."""
        self._ledger.resume(now)
        self.wake()

    def aclose(self) -> None:
        """The call is over: nothing more is fed."""
        self._pacer.forget(self._feed)

    def _feed(self, now: float) -> float:
        lead_s = self._ledger.dry_at_s - now
        commands = self._ledger.due(now)
        if not commands:
            return self._ledger.due_at_s
        if self._is_steady:
            self._pacer.tell_lead(lead_s)
        self._send(commands, max(lead_s, 0.0) + now)
        due_s = self._ledger.due_at_s
        # What is left waits for room, so that the next lead tells of us and of nobody else.
        self._is_steady = due_s < math.inf
        return due_s

    def _send(self, commands: Iterable[Command], begins_s: float) -> None:
        for command in commands:
            self._link.send(command)
            if isinstance(command, PlayMedia):
                self._audience.audio_sent(command.payload, begins_s)
                begins_s += self._audio.samples_of(command.payload) / self._audio.rate_hz
            elif isinstance(command, Clear):
                self._audience.audio_cut(begins_s)
            else:
                self._marked()
