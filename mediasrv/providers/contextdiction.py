"""The language of vendors who speak in contexts: each message names the one it belongs to, and words have times.

A reply is spoken in a context of its own name, or in several after each other; what comes of any other is dropped. So
the socket is free for the next reply at once when one is cancelled.
"""

from __future__ import annotations

from abc import abstractmethod
from secrets import token_hex

from mediasrv.audio.format import AudioFormat
from mediasrv.providers.captions import Captions
from mediasrv.providers.diction import Diction


class ContextDiction(Diction):
    """One socket of such a vendor's."""

    def __init__(self, audio: AudioFormat) -> None:
        super().__init__(audio)
        self._name, self._count = token_hex(4), 0
        self.context = ""
        """What is being said belongs to; empty when nothing is."""
        self.captions = Captions(audio)
        """Of the reply."""
        self.is_whole = True
        """Whether there are no more phrases."""

    @property
    def is_over(self) -> bool:
        return self.is_whole and not self.context

    @property
    def owes(self) -> bool:
        return bool(self.context) and (self.is_whole or self.captions.has_untold)

    @property
    def is_free(self) -> bool:
        return self.is_over

    def begin(self) -> None:
        self.captions = Captions(self.audio)
        self.is_whole = False

    def finish(self, now: float) -> None:
        self.is_whole = True
        if self.context:
            self.end_context()

    def forget(self) -> None:
        """Drop what still comes of this reply."""
        self.context, self.is_whole = "", True

    def name_context(self) -> None:
        """Go on in another context, whose times begin anew."""
        self._count += 1
        self.context = f"{self._name}-{self._count}"
        self.captions.restart()

    @abstractmethod
    def end_context(self) -> None:
        """Tell the vendor that the context gets no more text."""
