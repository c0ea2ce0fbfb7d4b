"""Who follows what one caller hears of the bot: the conversation, the recording, and somebody who watches.

They learn of audio when it is sent, with the time at which the carrier will begin to play it, and of what it is told to
drop. All are told by plain calls, which must not raise.
"""

from __future__ import annotations

from mediasrv.call.levels import Levels
from mediasrv.call.recording import CallRecording
from mediasrv.turn.utterance import Heard


class PlayoutWatcher:
    """Whom the mouth tells what becomes of the bot's words."""

    def bot_started(self, interruptible: bool) -> None:
        """An utterance's first audio was sent; the argument tells whether the caller may break in."""

    def bot_audible(self, at_s: float) -> None:
        """An utterance has begun to be heard, at this time; once for each, unless nothing of it is heard."""

    def bot_heard(self, heard: Heard) -> None:
        """An utterance was heard, or cut short."""

    def bot_quiet(self) -> None:
        """All utterances are settled, and none is in the making."""

    def bot_silenced(self) -> None:
        """What the caller has not heard by now is about to be dropped."""

    def audio_sent(self, payload: bytes, begins_s: float) -> None:
        """Encoded audio went to the carrier, which will begin to play it at this time, if it is next door."""

    def audio_cut(self, now: float) -> None:
        """The carrier was told to drop what it has not played by now."""


class Audience:
    """One call's; each of them comes and goes."""

    def __init__(self) -> None:
        self.watcher = PlayoutWatcher()
        self.recording: CallRecording | None = None
        """Told what the caller hears, where the call can be recorded."""
        self.levels: Levels | None = None
        """Told likewise, while somebody watches."""

    def audio_sent(self, payload: bytes, begins_s: float) -> None:
        """Encoded audio went to the carrier, which will begin to play it at this time, if it is next door."""
        self.watcher.audio_sent(payload, begins_s)
        if self.recording is not None:
            self.recording.play(payload, begins_s)
        if self.levels is not None:
            self.levels.play(payload, begins_s)

    def audio_cut(self, now: float) -> None:
        """The carrier was told to drop what it has not played by now."""
        self.watcher.audio_cut(now)
        if self.recording is not None:
            self.recording.cut(now)
        if self.levels is not None:
            self.levels.cut(now)
