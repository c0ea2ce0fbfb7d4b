"""Hearing: what a call needs of whoever understands its caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mediasrv.audio.format import AudioFormat
from mediasrv.providers.base import Recognition


class Hearing(Protocol):
    """What opens recognitions: a recogniser, or something that stands in the place of one."""

    @property
    def formats(self) -> Sequence[AudioFormat]:
        """What it takes, best first."""

    @property
    def renews_finals(self) -> bool:
        """Whether a final may be asked for again in the same pause, see ``Stt.renews_finals``."""

    def listen(self, audio: AudioFormat) -> Recognition:
        """Open a recognition for one call, which will send this format."""
