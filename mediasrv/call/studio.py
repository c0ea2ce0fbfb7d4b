"""A studio: where set phrases are recorded before any call, off the shelf or by the first voice that can speak them.

The shelf is read and written on the event loop: there are no calls yet that could notice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.call.shelf import Shelf
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.meter import metered_phrases
from mediasrv.providers.spoken import once, spoken

log = logging.getLogger(__name__)

# A start of the server must not wait longer for a phrase.
RECORDING_LIMIT_S = 15.0
# Does not change how a voice sounds.
_SECRET = "api_key"

LookedUp = Callable[[bool], None]
"""Told whether speech that was wanted was there."""


def nobody_counts(found: bool) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Narrator:
    """A voice, and what it depends on."""

    tts: Tts
    setup: Mapping[str, Any]
    """The table in the configuration that it was made from."""

    def name_of(self, text: str, wanted: AudioFormat) -> str:
        """What a recording of this voice is called on the shelf."""
        setup = {key: value for key, value in self.setup.items() if key != _SECRET}
        depends_on = [version("mediasrv"), setup, text, str(wanted)]
        return hashlib.sha256(json.dumps(depends_on, sort_keys=True, default=str).encode()).hexdigest()


class Studio:
    """Records for one agent."""

    def __init__(
        self, narrators: Sequence[Narrator], shelf: Shelf | None = None, looked_up: LookedUp = nobody_counts
    ) -> None:
        """``narrators`` by preference; without a shelf, everything is recorded anew.

        ``looked_up`` is told of each phrase that is looked for on the shelf whether it was there.
        """
        self._looked_up = looked_up
        self._narrators = list(narrators)
        self._shelf = shelf

    async def record(self, text: str, wanted: AudioFormat) -> list[Speech]:
        """Return a text as one phrase; raise ``ProviderError`` when no voice can speak it.

        A voice that has failed is not tried again: the server would start too late.
        """
        while True:
            narrator = self._narrators[0]
            try:
                return await self._record(narrator, text, wanted)
            except ProviderError as error:
                if len(self._narrators) == 1:
                    raise
                log.warning("voice cannot record", extra={"provider": narrator.tts.name, "error": str(error)})
                del self._narrators[0]

    async def _record(self, narrator: Narrator, text: str, wanted: AudioFormat) -> list[Speech]:
        name = narrator.name_of(text, wanted)
        kept = self._shelf.get(name) if self._shelf else None
        if self._shelf:
            self._looked_up(kept is not None)
        if kept is not None:
            return kept
        try:
            async with asyncio.timeout(RECORDING_LIMIT_S):
                phrase = metered_phrases(narrator.tts.name, once(text))
                async with aclosing(spoken(narrator.tts, phrase, wanted)) as speech:
                    recording = [piece async for piece in speech]
        except TimeoutError:
            message = "takes too long to record"
            raise ProviderError(message, stage="tts", provider=narrator.tts.name, retryable=True) from None
        if self._shelf and any(piece.audio for piece in recording):
            self._shelf.put(name, recording)
        return recording
