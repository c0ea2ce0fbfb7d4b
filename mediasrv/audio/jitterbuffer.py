"""Puts a carrier's packets in order, makes up for those that are missing and, if asked to, evens out their timing.

With ``max_delay_ms=0`` it adds no delay: ``push`` returns what can be played at once, and when a packet leaps ahead,
what is missing before it is concealed on the spot; should it come after all, it is late and dropped. That is what a
recogniser wants, which cares for order and media time and not for the clock.

With a delay it serves a listener: packets wait, and ``push`` and ``pop`` return those whose time has come.

    idle --push--> playing: the first packet is played ``delay`` later, each next one when the one before has ended
    playing: a packet that is missing when its turn comes is concealed
    playing --nothing waits and the made-up audio has faded away--> idle

The delay follows the network: it starts at three times the jitter (RFC 3550, 6.4.1), grows by made-up packets when
packets come late, and shrinks by leaving out a quiet one when it is longer than the jitter asks for.

Where a packet carries no count it is taken to follow the one before.

Nearly all packets come right after the one before and are played as they are. With hundreds of calls it counts what
they touch in memory, so these are only counted (``follow``), and the order and the history learn of them when something
else comes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.conceal import Concealer
from mediasrv.audio.format import samples_in
from mediasrv.audio.jitterstatistics import JitterStatistics
from mediasrv.audio.level import level_db
from mediasrv.audio.sequence import Order, Sequence

# A gap is concealed up to this length and a packet may be this late; more is no loss but another stream. A second
# outlasts what a network drops before it comes back.
_WINDOW_MS = 1000
# For jitter that is normally distributed, three deviations let one packet in a hundred be late.
_DELAY_PER_JITTER = 3
# Leaving out what is quieter than this is not heard.
_QUIET_DB = -50.0

Frame = NDArray[np.int16]


class JitterBuffer:
    """One stream's packets in the order of their media time."""

    __slots__ = (
        *("_before", "_began", "_concealer", "_delay", "_expected", "_first", "_followed_s", "_last_arrival_s"),
        *(
            "_last_place",
            "_latest",
            "_max_delay",
            "_min_delay",
            "_next",
            "_packet_s",
            "_packet_samples",
            "_played_samples",
        ),
        *("_rate_hz", "_sequence", "_to_insert", "_waiting", "statistics"),
    )

    def __init__(self, rate_hz: int, frame_samples: int, *, min_delay_ms: int = 0, max_delay_ms: int = 200) -> None:
        """Expect packets of ``frame_samples``; other sizes are taken as they come."""
        if not 0 <= min_delay_ms <= max_delay_ms:
            raise ValueError(f"a delay between {min_delay_ms} and {max_delay_ms} ms does not exist")
        self.statistics = JitterStatistics()
        self._rate_hz = rate_hz
        self._min_delay = min_delay_ms / 1000
        self._max_delay = max_delay_ms / 1000
        self._sequence = Sequence(samples_in(_WINDOW_MS, rate_hz) // frame_samples)
        self._concealer = Concealer(rate_hz)
        self._packet_samples, self._packet_s = frame_samples, frame_samples / rate_hz
        self._waiting: dict[int, Frame] = {}
        self._next = 0
        # When playing began and what has been played since: a sum of durations would drift.
        self._began: float | None = None
        self._played_samples = 0
        self._delay = 0.0
        self._to_insert = 0
        self._last_arrival_s: float | None = None
        self._last_place = 0
        # The count of the packet that may follow, if any may, and of the first that could; when one last did, and the
        # last two that did.
        self._expected = self._first = math.nan
        self._followed_s = 0.0
        self._before = self._latest = np.zeros(0, np.int16)

    def follow(self, count: int | None, pcm: Frame, now: float) -> bool:
        """Take a packet if it comes right after the one before and is to be played at once as it is, and say so.

        Of any other nothing is taken: ``push`` it.
        """
        if count != self._expected or len(pcm) != self._packet_samples:
            return False
        self._expected += 1
        self._before, self._latest = self._latest, pcm
        variation_ms = abs(now - self._followed_s - self._packet_s) * 1000
        self._followed_s = now
        statistics = self.statistics
        statistics.jitter_ms += (variation_ms - statistics.jitter_ms) / 16
        return True

    def _catch_up(self) -> None:
        """Let order and history learn of what has followed."""
        if not self._expected > self._first:
            return
        followed = int(self._expected - self._first)
        self._sequence.advance(followed)
        self._last_arrival_s = self._followed_s
        self._last_place += followed
        self._next += followed
        if followed > 1:
            self._concealer.heard(self._before)
        self._concealer.heard(self._latest)

    def push(self, chunk: int | None, pcm: Frame, now: float) -> list[Frame]:
        """Take a packet with its count, if the carrier counts, and return what is to be played by ``now``.

        A packet that is played as it came is returned as the very array that was given.
        """
        if self.follow(chunk, pcm, now):
            return [pcm]
        self._catch_up()
        self._expected = math.nan
        order, place = self._sequence.place(chunk)
        if order is Order.DUPLICATE:
            self.statistics.duplicate += 1
            return self.pop(now)
        if order is Order.JUMP:
            self.statistics.resynced += 1
            self._last_arrival_s = None
        return self._push_new(chunk, place, pcm, now)

    def _push_new(self, chunk: int | None, place: int, pcm: Frame, now: float) -> list[Frame]:
        if pcm.size and pcm.size != self._packet_samples:
            self._packet_samples, self._packet_s = pcm.size, pcm.size / self._rate_hz
        self._measure(place, now)
        if not self._max_delay:
            if place >= self._next and chunk is not None and 2 * pcm.size >= self._concealer.history_samples:
                self._expected = self._first = chunk + 1
                self._followed_s = now
            return self._play_through(place, pcm)
        self._accept(place, pcm, now)
        return self.pop(now)

    def pop(self, now: float) -> list[Frame]:
        """Return what is to be played by ``now``, made up where packets are missing; call it at every ``deadline``."""
        played: list[Frame] = []
        while (due := self.deadline()) is not None and due <= now:
            if not self._waiting and self._concealer.is_silent:
                self._began = self._last_arrival_s = None
            else:
                played.append(self._play())
        return played

    def deadline(self) -> float | None:
        """When ``pop`` has something to return, however little comes; ``None`` while idle."""
        return None if self._began is None else self._began + self._played_samples / self._rate_hz

    def _measure(self, place: int, now: float) -> None:
        """Update the jitter by how much the time since the last packet differs from the media between the two."""
        last_s = self._last_arrival_s
        if last_s is not None:
            variation_ms = abs(now - last_s - (place - self._last_place) * self._packet_s) * 1000
            statistics = self.statistics
            statistics.jitter_ms += (variation_ms - statistics.jitter_ms) / 16
        self._last_arrival_s, self._last_place = now, place

    def _play_through(self, place: int, pcm: Frame) -> list[Frame]:
        """Without delay: return a packet, behind what had to be made up for those missing before it."""
        if place < self._next:
            self.statistics.late += 1
            return []
        played = [self._make_up_lost() for _ in range(place - self._next)]
        self._next = place + 1
        played.append(self._concealer.heard(pcm))
        return played

    def _accept(self, place: int, pcm: Frame, now: float) -> None:
        """With delay: let a packet wait for its turn, unless it is over."""
        due = self.deadline()
        if due is None:
            self.statistics.lost += max(place - self._next, 0)
            self._next = place
            self._delay = self._wanted_delay()
            self._began, self._played_samples, self._to_insert = now + self._delay, 0, 0
        elif place < self._next:
            self.statistics.late += 1
            self._lengthen(now - due + (self._next - place) * self._packet_s)
            return
        self._waiting[place] = pcm
        while sum(each.size for each in self._waiting.values()) > self._capacity_samples:
            oldest = min(self._waiting)
            del self._waiting[oldest]
            self.statistics.overflow += 1
            self.statistics.lost += oldest - self._next
            self._next = oldest + 1

    def _play(self) -> Frame:
        """Return what comes next, made up or not."""
        if self._to_insert:
            self._to_insert -= 1
            self._delay += self._packet_s
            piece = self._make_up()
        else:
            self._trim()
            pcm = self._waiting.pop(self._next, None)
            piece = self._make_up_lost() if pcm is None else self._concealer.heard(pcm)
            self._next += 1
        self._played_samples += piece.size
        return piece

    def _make_up_lost(self) -> Frame:
        self.statistics.lost += 1
        return self._make_up()

    def _make_up(self) -> Frame:
        self.statistics.concealed += 1
        return self._concealer.conceal(self._packet_samples)

    def _lengthen(self, late_s: float) -> None:
        """Have packets made up until one as late as this would be in time, as far as the longest delay allows."""
        needed = math.ceil(late_s / self._packet_s)
        allowed = math.floor((self._max_delay - self._delay) / self._packet_s)
        self._to_insert = max(self._to_insert, min(needed, allowed))

    def _trim(self) -> None:
        """Leave out the next packet if nobody will miss it and the delay is two packets longer than it need be."""
        if self._delay - self._wanted_delay() < 2 * self._packet_s or self._next + 1 not in self._waiting:
            return
        following = self._waiting.get(self._next)
        if following is not None and level_db(following) < _QUIET_DB:
            del self._waiting[self._next]
            self._next += 1
            self._delay -= self._packet_s
            self.statistics.trimmed += 1

    def _wanted_delay(self) -> float:
        # One packet more than the jitter asks for: the listener's ticks and the arrivals have no common phase.
        wanted = self._packet_s + _DELAY_PER_JITTER * self.statistics.jitter_ms / 1000
        return min(max(wanted, self._min_delay), self._max_delay)

    @property
    def _capacity_samples(self) -> float:
        """The longest delay, and the packet that has just come."""
        return self._max_delay * self._rate_hz + self._packet_samples
