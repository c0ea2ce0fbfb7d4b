"""Voice and silence in media time, out of a detector's verdicts frame by frame.

A verdict is sometimes wrong, so neither a run of voice nor a run of silence ends at the first frame to the contrary:
voice survives holes of ``HOLE_MS`` and silence survives blips of ``BLIP_MS``.
"""

from __future__ import annotations

from mediasrv.audio.format import PTIME_MS

# Shorter than the closure of a stop consonant with its burst.
HOLE_MS = 40
# A click, or one frame that the detector got wrong.
BLIP_MS = 20


class VoiceRun:
    """How long the caller has been speaking, and how long he has been silent."""

    __slots__ = ("_blip_ms", "_since_voice_ms", "silence_ms", "voice_ms")

    def __init__(self) -> None:
        self.voice_ms = 0
        """Length of the present run of voice; 0 in silence."""
        self.silence_ms = 0
        """Time since voice was last heard; blips do not count."""
        self._since_voice_ms = 0
        self._blip_ms = 0

    def hear(self, voice_ms: int) -> None:
        """Take one frame's verdict: the voice it adds, which may be more than its own length when it came to light."""
        if voice_ms:
            self.voice_ms += voice_ms
            self._blip_ms += PTIME_MS
            self._since_voice_ms = 0
        elif not self._blip_ms:
            # A quiet line, as it is most of the time: no voice is remembered from which to count.
            self.silence_ms += PTIME_MS
            return
        else:
            self._since_voice_ms += PTIME_MS
            if self._since_voice_ms > HOLE_MS:
                self.voice_ms = self._blip_ms = 0
        if self._blip_ms > BLIP_MS:
            self.silence_ms = self._since_voice_ms
        else:
            self.silence_ms += PTIME_MS

    def restart(self) -> None:
        """Count voice from here on."""
        self.voice_ms = self._blip_ms = 0
